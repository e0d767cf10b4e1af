package nn

import "fmt"

// window is how the filter of a convolution, or the window of a pooling, moves
// over pictures. Each pair is height and width. Operations on lines, N x C x L,
// are those on pictures of one row.
type window struct {
	kernel, stride, dilation [2]int
	before, after            [2]int // padding: above and left, below and right
}

// newWindow takes the fields of a layer: a number for both directions, which a
// pair overrides that is not zero.
func newWindow(kernel, stride, padding, dilation int, kernelHW, strideHW, paddingHW, dilationHW [2]int) window {
	both := func(n int, pair [2]int) [2]int {
		if pair != [2]int{} {
			return pair
		}
		return [2]int{n, n}
	}
	w := window{kernel: both(kernel, kernelHW), stride: both(stride, strideHW), dilation: both(dilation, dilationHW), before: both(padding, paddingHW)}
	w.after = w.before
	return w
}

// squareWindow is a window of one size in both directions.
func squareWindow(kernel, stride, padding, dilation int) window {
	return newWindow(kernel, stride, padding, dilation, [2]int{}, [2]int{}, [2]int{}, [2]int{})
}

// lineWindow is the window of an operation on lines.
func lineWindow(kernel, stride, padding, dilation int) window {
	return window{kernel: [2]int{1, kernel}, stride: [2]int{1, stride}, dilation: [2]int{1, dilation}, before: [2]int{0, padding}, after: [2]int{0, padding}}
}

// same sets the padding that leaves the size as it is, for a stride of 1: what
// cannot be divided goes below and to the right, as in PyTorch.
func (w *window) same() {
	for d := range 2 {
		total := w.dilation[d] * (w.kernel[d] - 1)
		w.before[d], w.after[d] = total/2, total-total/2
	}
}

func (w window) check() error {
	for d := range 2 {
		if w.kernel[d] < 1 || w.stride[d] < 1 || w.dilation[d] < 1 || w.before[d] < 0 || w.after[d] < 0 {
			return fmt.Errorf("wants a kernel, stride and dilation of at least 1 and a padding of at least 0, got kernel %v, stride %v, dilation %v, padding %v",
				either(w.kernel), either(w.stride), either(w.dilation), either(w.before))
		}
	}
	return nil
}

// either formats a pair as one number where it is one.
func either(pair [2]int) string {
	if pair[0] == pair[1] {
		return fmt.Sprint(pair[0])
	}
	return fmt.Sprintf("%dx%d", pair[0], pair[1])
}

// extent is how many pixels of the picture a window spans along a direction.
func (w window) extent(d int) int { return w.dilation[d]*(w.kernel[d]-1) + 1 }

// outputSize is the number of places of the window along a direction of size
// pixels, 0 if it does not fit. With ceil there is one more where the window does
// not come out even, as long as it does not begin in the padding behind.
func (w window) outputSize(d, size int, ceil bool) int {
	room := size + w.before[d] + w.after[d] - w.extent(d)
	if ceil {
		room += w.stride[d] - 1
	}
	if room < 0 {
		return 0
	}
	n := room/w.stride[d] + 1
	if ceil && (n-1)*w.stride[d] >= size+w.before[d] {
		n--
	}
	return n
}

// output is the shape rule: N x C x H x W, or N x C x L if lines is set, to as many
// channels as given.
func (w window) output(in Shape, channels int, lines, ceil bool) (Shape, error) {
	if err := w.check(); err != nil {
		return nil, err
	}
	_, height, width := planesOf(in)
	rows, columns := w.outputSize(0, height, ceil), w.outputSize(1, width, ceil)
	if rows == 0 || columns == 0 {
		return nil, fmt.Errorf("its window of %dx%d does not fit into the input %v with padding %v", w.extent(0), w.extent(1), in, either(w.before))
	}
	if lines {
		return Shape{in[0], channels, columns}, nil
	}
	return Shape{in[0], channels, rows, columns}, nil
}

// planesOf returns the number of planes, all channels of all examples, and their
// size.
func planesOf(shape Shape) (planes, height, width int) {
	height = 1
	if len(shape) == 4 {
		height = shape[2]
	}
	return shape[0] * shape[1], height, shape[len(shape)-1]
}

// steps returns the places from..to-1 of the window, out of count, at which its
// k-th row or column lies on the picture.
func (w window) steps(d, k, size, count int) (from, to int) {
	offset := k*w.dilation[d] - w.before[d]
	if offset < 0 {
		from = (-offset + w.stride[d] - 1) / w.stride[d]
	}
	to = count
	if last := size - 1 - offset; last < 0 {
		to = 0
	} else {
		to = min(count, last/w.stride[d]+1)
	}
	return min(from, to), to
}

// inside returns the rows or columns from..to-1 of the window, at a place, that
// lie on the picture, and the pixel of the first.
func (w window) inside(d, place, size int) (from, to, pixel int) {
	start := place*w.stride[d] - w.before[d]
	if start < 0 {
		from = (-start + w.dilation[d] - 1) / w.dilation[d]
	}
	if last := size - 1 - start; last >= 0 {
		to = min(w.kernel[d], last/w.dilation[d]+1)
	}
	return min(from, to), to, start + min(from, to)*w.dilation[d]
}
