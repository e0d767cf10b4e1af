package graph

import (
	"math"
	"slices"
)

// window is how a filter, or the window of a pooling, moves over pictures of any
// number of dimensions.
type window struct {
	kernel, stride, dilation, before, after []int
	in, out                                 []int // sizes of the picture and of what is made of it
}

// attributeOr returns a list of n numbers that a node has, or n times another.
func (n *Node) attributeOr(name string, count, otherwise int) []int {
	list := n.ints(name)
	if list == nil {
		return repeated(otherwise, count)
	}
	if len(list) != count {
		refuse("has %d %s, wanted %d", len(list), name, count)
	}
	return list
}

// windowOf reads the attributes that convolutions and poolings share.
func windowOf(n *Node, in, kernel []int) window {
	rank := len(in)
	w := window{kernel: kernel, in: in, stride: n.attributeOr("strides", rank, 1), dilation: n.attributeOr("dilations", rank, 1)}
	if w.kernel == nil {
		w.kernel = n.ints("kernel_shape")
	}
	if len(w.kernel) != rank {
		refuse("has a kernel of %d dimensions for pictures of %d", len(w.kernel), rank)
	}
	if said := n.ints("kernel_shape"); said != nil && !slices.Equal(said, w.kernel) {
		refuse("says a kernel_shape of %v, its weights have %v", said, w.kernel)
	}
	pads := n.attributeOr("pads", 2*rank, 0)
	w.before, w.after = slices.Clone(pads[:rank]), slices.Clone(pads[rank:])
	for d := range rank {
		const most = 1 << 20
		if w.kernel[d] < 1 || w.stride[d] < 1 || w.dilation[d] < 1 || max(w.kernel[d], w.stride[d], w.dilation[d]) > most || min(w.before[d], w.after[d]) < 0 || max(w.before[d], w.after[d]) > most {
			refuse("has a kernel of %v, strides of %v, dilations of %v and pads of %v", w.kernel, w.stride, w.dilation, pads)
		}
	}
	auto := n.text("auto_pad", "NOTSET")
	ceil := n.int("ceil_mode", 0) != 0
	for d := range rank {
		extent := w.dilation[d]*(w.kernel[d]-1) + 1
		switch auto {
		case "NOTSET", "":
		case "VALID":
			w.before[d], w.after[d] = 0, 0
		case "SAME_UPPER", "SAME_LOWER":
			out := (in[d] + w.stride[d] - 1) / w.stride[d]
			total := max((out-1)*w.stride[d]+extent-in[d], 0)
			if w.before[d], w.after[d] = total/2, total-total/2; auto == "SAME_LOWER" {
				w.before[d], w.after[d] = w.after[d], w.before[d]
			}
		default:
			refuse("has an auto_pad of %q", auto)
		}
		room := in[d] + w.before[d] + w.after[d] - extent
		if room < 0 {
			refuse("has a window of %d, larger than the picture's %d with its padding", extent, in[d]+w.before[d]+w.after[d])
		}
		size := room/w.stride[d] + 1
		if ceil && room%w.stride[d] != 0 && size*w.stride[d] < in[d]+w.before[d] {
			size++ // but not one that begins in the padding behind
		}
		w.out = append(w.out, size)
	}
	return w
}

// each calls visit for every place of the window, and there with every position of it:
// where in the picture it lies, or -1 outside, and whether it is in the padding.
func (w *window) each(begin func(o int), visit func(o, k, i int, padding bool)) {
	steps := strides(w.in)
	place, at := make([]int, len(w.out)), make([]int, len(w.out))
	positions := Elements(w.kernel)
	for o := range Elements(w.out) {
		begin(o)
		clear(at)
		for k := range positions {
			i, padding := 0, true
			for d := range at {
				p := place[d]*w.stride[d] - w.before[d] + at[d]*w.dilation[d]
				if p < 0 || p >= w.in[d] {
					i = -1
					padding = padding && p < w.in[d]+w.after[d]
				} else if i >= 0 {
					i += p * steps[d]
				}
			}
			visit(o, k, i, i < 0 && padding)
			next(at, w.kernel)
		}
		next(place, w.out)
	}
}

// next goes on to the next index of a shape.
func next(at, shape []int) {
	for d := len(shape) - 1; d >= 0; d-- {
		if at[d]++; at[d] < shape[d] {
			return
		}
		at[d] = 0
	}
}

// conv is a convolution of N x C x ... with M x C/group x ..., and a bias for each of M.
func conv(c *call) []*Tensor {
	x, weight := c.float(0), c.float(1)
	y := c.make(x.Type, c.convShape(x, weight)...)
	var bias []float32
	if c.has(2) {
		bias = c.perChannel(2, y.Shape[1])
	}
	convolve(c, x.Shape, weight.Shape, func(b, channel, o int) float64 {
		if bias == nil {
			return 0
		}
		return float64(bias[channel])
	}, func(i, k int) float64 { return float64(x.Floats[i]) * float64(weight.Floats[k]) },
		func(i int, sum float64) { y.Floats[i] = float32(sum) })
	return one(y)
}

func (c *call) convShape(x, weight *Tensor) []int {
	group := c.node.int("group", 1)
	if len(x.Shape) < 3 || len(weight.Shape) != len(x.Shape) || group < 1 || x.Shape[1] != weight.Shape[1]*group || weight.Shape[0]%group != 0 {
		refuse("has the input %v, weights of %v and %d groups, which do not suit each other", x, weight, group)
	}
	w := windowOf(c.node, x.Shape[2:], weight.Shape[2:])
	return append([]int{x.Shape[0], weight.Shape[0]}, w.out...)
}

// convolve adds up the products of every place.
func convolve(c *call, shape, weight []int, start func(b, channel, o int) float64, product func(i, k int) float64, set func(i int, sum float64)) {
	w := windowOf(c.node, shape[2:], weight[2:])
	pixels, outs, positions := Elements(w.in), Elements(w.out), Elements(w.kernel)
	channels, perGroup := weight[0], weight[0]/max(c.node.int("group", 1), 1)
	if !c.work(shape[0], channels, outs, positions, weight[1]) {
		return
	}
	for b := range shape[0] {
		for m := range channels {
			sum, at := 0.0, 0
			base := (b*shape[1] + m/perGroup*weight[1]) * pixels
			finish := func() { set((b*channels+m)*outs+at, sum) }
			first := true
			w.each(func(o int) {
				if !first {
					finish()
				}
				first, at, sum = false, o, start(b, m, o)
			}, func(o, k, i int, _ bool) {
				if i < 0 {
					return
				}
				for channel := range weight[1] {
					sum += product(base+channel*pixels+i, (m*weight[1]+channel)*positions+k)
				}
			})
			if !first {
				finish()
			}
		}
	}
}

// transposedPads are the pads of a transposed convolution, and the size it makes.
func transposedPads(n *Node, in, kernel []int) (w window, extra []int) {
	rank := len(in)
	w = window{kernel: kernel, stride: n.attributeOr("strides", rank, 1), dilation: n.attributeOr("dilations", rank, 1)}
	extra = n.attributeOr("output_padding", rank, 0)
	pads := n.attributeOr("pads", 2*rank, 0)
	w.before, w.after = slices.Clone(pads[:rank]), slices.Clone(pads[rank:])
	sizes := n.ints("output_shape")
	if sizes != nil && len(sizes) != rank {
		refuse("has an output_shape of %v for pictures of %d dimensions", sizes, rank)
	}
	auto := n.text("auto_pad", "NOTSET")
	for d := range rank {
		full := w.stride[d]*(in[d]-1) + extra[d] + (kernel[d]-1)*w.dilation[d] + 1
		size := -1
		switch {
		case sizes != nil:
			size = sizes[d]
		case auto == "SAME_UPPER" || auto == "SAME_LOWER":
			size = in[d] * w.stride[d]
		case auto == "VALID":
			w.before[d], w.after[d] = 0, 0
		}
		if size >= 0 {
			total := full - size
			if w.before[d] = total / 2; auto != "SAME_UPPER" {
				w.before[d] = total - total/2
			}
			if total < 0 { // what is added lies behind
				w.before[d] = 0
			}
			w.after[d] = total - w.before[d]
		}
		out := full - w.before[d] - w.after[d]
		if out < 1 {
			refuse("would make pictures of %d pixels", out)
		}
		w.in = append(w.in, out)
	}
	w.out = in
	return w, extra
}

// convTranspose puts, for each pixel, its filter into the output: the window moves over that.
func convTranspose(c *call) []*Tensor {
	x, weight := c.float(0), c.float(1)
	group := c.node.int("group", 1)
	if len(x.Shape) < 3 || len(weight.Shape) != len(x.Shape) || group < 1 || x.Shape[1] != weight.Shape[0] || x.Shape[1]%group != 0 {
		refuse("has the input %v, weights of %v and %d groups, which do not suit each other", x, weight, group)
	}
	w, _ := transposedPads(c.node, x.Shape[2:], weight.Shape[2:])
	channels := weight.Shape[1] * group
	y := c.make(x.Type, append([]int{x.Shape[0], channels}, w.in...)...)
	outs, pixels, positions := Elements(w.in), Elements(w.out), Elements(w.kernel)
	if c.has(2) {
		for i, bias := 0, c.perChannel(2, channels); i < y.Len(); i++ {
			y.Floats[i] = bias[i/outs%channels]
		}
	}
	perGroup := x.Shape[1] / group
	if !c.work(x.Len(), weight.Shape[1], positions) {
		return one(y)
	}
	for b := range x.Shape[0] {
		for in := range x.Shape[1] {
			from := x.Floats[(b*x.Shape[1]+in)*pixels:][:pixels]
			w.each(func(int) {}, func(o, k, i int, _ bool) {
				if i < 0 {
					return
				}
				for m := range weight.Shape[1] {
					y.Floats[(b*channels+in/perGroup*weight.Shape[1]+m)*outs+i] += from[o] * weight.Floats[(in*weight.Shape[1]+m)*positions+k]
				}
			})
		}
	}
	return one(y)
}

// planes calls visit with every picture of N x C x ....
func (c *call) planes(x *Tensor, out []int) (y *Tensor, planes, in, outs int) {
	wanted := c.work(append(c.node.ints("kernel_shape"), x.Shape[0], x.Shape[1], Elements(out))...)
	y = c.make(x.Type, append(slices.Clone(x.Shape[:2]), out...)...)
	if wanted {
		planes = x.Shape[0] * x.Shape[1]
	}
	return y, planes, Elements(x.Shape[2:]), Elements(out)
}

func pictures(x *Tensor) *Tensor {
	if len(x.Shape) < 3 {
		refuse("wants pictures, N x C x ..., got %v", x)
	}
	return x
}

func maxPool(c *call) []*Tensor {
	x := pictures(c.x(0))
	w := windowOf(c.node, x.Shape[2:], nil)
	y, planes, in, outs := c.planes(x, w.out)
	places := c.make(Int64, y.Shape...)
	columns := c.node.int("storage_order", 0) == 1
	values := x.floats()
	for p := range planes {
		w.each(func(o int) { places.Ints[p*outs+o] = -1 }, func(o, _, i int, _ bool) {
			if i < 0 {
				return
			}
			best := &places.Ints[p*outs+o]
			if v := values[p*in+i]; *best < 0 || v > values[*best] || v != v && values[*best] == values[*best] {
				*best = int64(p*in + i)
			}
		})
	}
	for i, from := range places.Ints {
		switch {
		case from < 0 && x.Type.Float():
			y.Floats[i] = float32(math.Inf(-1))
		case from < 0:
			low, _ := x.Type.bounds()
			y.Ints[i] = low
		case x.Type.Float():
			y.Floats[i] = x.Floats[from]
		default:
			y.Ints[i] = x.Ints[from]
		}
		if columns && from >= 0 && len(w.in) == 2 {
			plane, at := int(from)/in, int(from)%in
			places.Ints[i] = int64(plane*in + at%w.in[1]*w.in[0] + at/w.in[1])
		}
	}
	return []*Tensor{y, places}
}

func averagePool(c *call) []*Tensor {
	x := pictures(c.float(0))
	w := windowOf(c.node, x.Shape[2:], nil)
	y, planes, in, outs := c.planes(x, w.out)
	include := c.node.int("count_include_pad", 0) != 0
	for p := range planes {
		sums, counts := make([]float64, outs), make([]int, outs)
		w.each(func(int) {}, func(o, _, i int, padding bool) {
			if i >= 0 {
				sums[o] += float64(x.Floats[p*in+i])
			}
			if i >= 0 || include && padding {
				counts[o]++
			}
		})
		for o := range outs {
			y.Floats[p*outs+o] = float32(sums[o] / float64(counts[o]))
		}
	}
	return one(y)
}

func lpPool(c *call) []*Tensor {
	x := pictures(c.float(0))
	w := windowOf(c.node, x.Shape[2:], nil)
	y, planes, in, outs := c.planes(x, w.out)
	p := float64(c.node.int("p", 2))
	for plane := range planes {
		sums := make([]float64, outs)
		w.each(func(int) {}, func(o, _, i int, _ bool) {
			if i >= 0 {
				sums[o] += math.Pow(math.Abs(float64(x.Floats[plane*in+i])), p)
			}
		})
		for o, s := range sums {
			y.Floats[plane*outs+o] = float32(math.Pow(s, 1/p))
		}
	}
	return one(y)
}

// global makes one number of every picture.
func global(f func(n *Node, picture []float32) float64) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := pictures(c.float(0))
		y, planes, in, _ := c.planes(x, repeated(1, len(x.Shape)-2))
		for p := range planes {
			y.Floats[p] = float32(f(c.node, x.Floats[p*in:][:in]))
		}
		return one(y)
	}
}

func averageOf(_ *Node, picture []float32) float64 {
	sum := 0.0
	for _, v := range picture {
		sum += float64(v)
	}
	return sum / float64(len(picture))
}

func maximumOf(_ *Node, picture []float32) float64 {
	top := math.Inf(-1)
	for _, v := range picture {
		top = max(top, float64(v))
	}
	return top
}

func normOf(n *Node, picture []float32) float64 {
	p, sum := float64(n.int("p", 2)), 0.0
	for _, v := range picture {
		sum += math.Pow(math.Abs(float64(v)), p)
	}
	return math.Pow(sum, 1/p)
}
