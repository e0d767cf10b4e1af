package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// MaxPool2d takes the maximum of each Kernel x Kernel window:
// N x C x H x W to N x C x Ho x Wo with
//
//	Ho = (H + 2*Padding - Dilation*(Kernel-1) - 1)/Stride + 1
//
// as torch.nn.MaxPool2d. Of equal values the first in row-major order counts;
// a NaN counts as largest. Padding is with minus infinity, at most Kernel/2. Where
// height and width differ, the fields that end in HW have both, and their twins
// do not count.
type MaxPool2d struct {
	Kernel   int
	Stride   int // 0 means Kernel
	Padding  int
	Dilation int // 0 means 1
	// Ceil has one more window where the last one does not reach the edge:
	// PyTorch's ceil_mode.
	Ceil bool

	KernelHW, StrideHW, PaddingHW, DilationHW [2]int
}

// Forward adds the pooling to the network.
func (l *MaxPool2d) Forward(x *Value) *Value {
	return Apply(maxPool2d{poolWindow(l.Kernel, l.Stride, l.Padding, orDefault(l.Dilation, 1), l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW), l.Ceil}, nil, x)
}

// poolWindow is newWindow with the stride of poolings.
func poolWindow(kernel, stride, padding, dilation int, kernelHW, strideHW, paddingHW, dilationHW [2]int) window {
	w := newWindow(kernel, stride, padding, dilation, kernelHW, strideHW, paddingHW, dilationHW)
	if w.stride == [2]int{} {
		w.stride = w.kernel
	}
	return w
}

// MaxPool1d takes the maximum of each window of a line, N x C x L to N x C x Lo, as
// torch.nn.MaxPool1d; see MaxPool2d.
type MaxPool1d struct {
	Kernel   int
	Stride   int // 0 means Kernel
	Padding  int
	Dilation int // 0 means 1
	Ceil     bool
}

// Forward adds the pooling to the network.
func (l *MaxPool1d) Forward(x *Value) *Value {
	w := lineWindow(l.Kernel, orDefault(l.Stride, l.Kernel), l.Padding, orDefault(l.Dilation, 1))
	return Apply(maxPool1d{maxPool2d{w, l.Ceil}}, nil, x)
}

type maxPool2d struct {
	window
	ceil bool
}

func (maxPool2d) Name() string                          { return "maxpool2d" }
func (maxPool2d) BackwardReads() (inputs, outputs bool) { return false, false }

func (p maxPool2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err != nil {
		return nil, err
	}
	return p.outputOf(in, false)
}

// outputOf is the shape rule, of pictures or of lines.
func (p maxPool2d) outputOf(in Shape, lines bool) (Shape, error) {
	if err := p.checkPadding(); err != nil {
		return nil, err
	}
	return p.output(in, in[1], lines, p.ceil)
}

// checkPadding wants a padding of no more than half a window.
func (w window) checkPadding() error {
	if err := w.check(); err != nil {
		return err
	}
	for d := range 2 {
		if w.before[d] > w.kernel[d]/2 {
			return fmt.Errorf("wants a padding of 0 to kernel/2, got kernel %v and padding %v", either(w.kernel), either(w.before))
		}
	}
	return nil
}

// Saves asks for the chosen pixel of every output.
func (p maxPool2d) Saves(inputs []Shape) Saves {
	out, err := p.outputOf(inputs[0], len(inputs[0]) == 3)
	if err != nil {
		return Saves{}
	}
	return Saves{Indices: out[1:].Elements()}
}

func (p maxPool2d) Forward(c *Call[float32])    { maxPoolForward(p, c) }
func (p maxPool2d) Backward(c *Call[float32])   { maxPoolBackward(c) }
func (p maxPool2d) Forward64(c *Call[float64])  { maxPoolForward(p, c) }
func (p maxPool2d) Backward64(c *Call[float64]) { maxPoolBackward(c) }

// maxPool1d is maxPool2d of pictures of one row.
type maxPool1d struct{ maxPool2d }

func (maxPool1d) Name() string                          { return "maxpool1d" }
func (maxPool1d) BackwardReads() (inputs, outputs bool) { return false, false }

func (p maxPool1d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 3, "N x C x L")
	if err != nil {
		return nil, err
	}
	return p.outputOf(in, true)
}

// eachPlace calls visit with every place of the window: the number of the output,
// its plane, and the rows and columns of the plane that it covers, in steps of the
// dilation.
func (w window) eachPlace(in, out Shape, visit func(o, plane int, rows, columns span)) {
	planes, height, width := planesOf(in)
	_, high, wide := planesOf(out)
	for plane := range planes {
		for y := range high {
			rows := w.span(0, y, height)
			for x := range wide {
				visit((plane*high+y)*wide+x, plane, rows, w.span(1, x, width))
			}
		}
	}
}

// span is count pixels along a direction, from first on, each step apart.
type span struct{ first, count, step int }

// span returns the pixels that the window covers at a place.
func (w window) span(d, place, size int) span {
	from, to, first := w.inside(d, place, size)
	return span{first, to - from, w.dilation[d]}
}

func maxPoolForward[T Float](p maxPool2d, c *Call[T]) {
	in := c.Inputs[0]
	_, height, width := planesOf(in.Shape)
	p.eachPlace(in.Shape, c.Output.Shape, func(o, plane int, rows, columns span) {
		c.Output.Data[o], c.Saved[o] = largestOf(in.Data[plane*height*width:][:height*width], width, rows, columns)
	})
}

// largestOf returns the largest pixel of a plane in some rows and columns, and
// where it is.
func largestOf[T Float](x []T, width int, rows, columns span) (T, int32) {
	best, at := T(math.Inf(-1)), int32(-1)
	for r := range rows.count {
		row := (rows.first + r*rows.step) * width
		for k := range columns.count {
			i := row + columns.first + k*columns.step
			if at < 0 || x[i] > best || x[i] != x[i] {
				best, at = x[i], int32(i)
			}
		}
	}
	return best, at
}

// maxPoolBackward sends the gradient of every output to the pixel that was
// chosen.
func maxPoolBackward[T Float](c *Call[T]) {
	dx := c.InputGrads[0].Data
	if dx == nil {
		return
	}
	planes := c.Output.Shape[0] * c.Output.Shape[1]
	pixels, places := len(dx)/planes, len(c.Output.Data)/planes
	for o, d := range c.OutputGrad.Data {
		if at := c.Saved[o]; at >= 0 {
			dx[o/places*pixels+int(at)] += d
		}
	}
}

func maxPool2dExample(r *rand.Rand) Example {
	kernel := 1 + r.IntN(3)
	l := &MaxPool2d{Kernel: kernel, Stride: r.IntN(3), Padding: r.IntN(kernel/2 + 1), Dilation: 1 + r.IntN(2), Ceil: r.IntN(2) == 0}
	if r.IntN(4) == 0 {
		l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW = [2]int{2, 3}, drawPair(r, 1), drawPair(r, 0), drawPair(r, 1)
	}
	return exampleOf(l, pictureShape(r, 1+r.IntN(3), 5)...)
}

func maxPool1dExample(r *rand.Rand) Example {
	kernel := 1 + r.IntN(3)
	l := &MaxPool1d{Kernel: kernel, Stride: r.IntN(3), Padding: r.IntN(kernel/2 + 1), Dilation: 1 + r.IntN(2), Ceil: r.IntN(2) == 0}
	return exampleOf(l, 1+r.IntN(4), 1+r.IntN(3), 5+r.IntN(4))
}
