package nn

import (
	"fmt"
	"math/rand/v2"
)

// AdaptiveAvgPool2d takes means so that Size x Size of them are left,
// N x C x H x W to N x C x Size x Size, as torch.nn.AdaptiveAvgPool2d: output i
// is of the pixels from floor(i*H/Size) up to and without ceil((i+1)*H/Size).
type AdaptiveAvgPool2d struct {
	Size   int
	SizeHW [2]int // height and width, where they differ; 0 is the input's
}

// Forward adds the pooling to the network.
func (l *AdaptiveAvgPool2d) Forward(x *Value) *Value {
	return Apply(adaptiveAvgPool2d{newAdaptive(l.Size, l.SizeHW)}, nil, x)
}

// AdaptiveMaxPool2d takes maxima so that Size x Size of them are left, as
// torch.nn.AdaptiveMaxPool2d; see AdaptiveAvgPool2d and MaxPool2d.
type AdaptiveMaxPool2d struct {
	Size   int
	SizeHW [2]int // height and width, where they differ; 0 is the input's
}

// Forward adds the pooling to the network.
func (l *AdaptiveMaxPool2d) Forward(x *Value) *Value {
	return Apply(adaptiveMaxPool2d{newAdaptive(l.Size, l.SizeHW)}, nil, x)
}

// GlobalAvgPool2d returns the mean of every channel, N x C x H x W to N x C.
func GlobalAvgPool2d(x *Value) *Value { return Mean(x, false, 2, 3) }

// GlobalMaxPool2d returns the maximum of every channel, N x C x H x W to N x C.
func GlobalMaxPool2d(x *Value) *Value {
	return (&AdaptiveMaxPool2d{Size: 1}).Forward(x).Flatten()
}

// adaptive is the size of the output; 0 is the input's.
type adaptive struct{ size [2]int }

func newAdaptive(size int, pair [2]int) adaptive {
	if pair != [2]int{} {
		return adaptive{pair}
	}
	if size == 0 {
		size = -1 // nothing was given
	}
	return adaptive{[2]int{size, size}}
}

func (a adaptive) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err != nil {
		return nil, err
	}
	out := in.clone()
	for d, size := range a.size {
		if size < 0 {
			return nil, fmt.Errorf("wants a size of at least 1, got %d", max(size, 0))
		}
		out[2+d] = orDefault(size, in[2+d])
	}
	return out, nil
}

// eachPlace calls visit with every output, its plane, and the rows and columns of
// the plane that it is made of.
func (adaptive) eachPlace(in, out Shape, visit func(o, plane int, rows, columns span)) {
	part := func(place, size, count int) span {
		from := place * size / count
		return span{from, ((place+1)*size+count-1)/count - from, 1}
	}
	for plane := range out[0] * out[1] {
		for y := range out[2] {
			for x := range out[3] {
				visit((plane*out[2]+y)*out[3]+x, plane, part(y, in[2], out[2]), part(x, in[3], out[3]))
			}
		}
	}
}

type adaptiveAvgPool2d struct{ adaptive }

func (adaptiveAvgPool2d) Name() string                          { return "adaptiveavgpool2d" }
func (adaptiveAvgPool2d) BackwardReads() (inputs, outputs bool) { return false, false }
func (p adaptiveAvgPool2d) Forward(c *Call[float32])            { adaptiveAvgForward(p.adaptive, c) }
func (p adaptiveAvgPool2d) Backward(c *Call[float32])           { adaptiveAvgBackward(p.adaptive, c) }
func (p adaptiveAvgPool2d) Forward64(c *Call[float64])          { adaptiveAvgForward(p.adaptive, c) }
func (p adaptiveAvgPool2d) Backward64(c *Call[float64])         { adaptiveAvgBackward(p.adaptive, c) }

func adaptiveAvgForward[T Float](p adaptive, c *Call[T]) {
	x, in := c.Inputs[0].Data, c.Inputs[0].Shape
	p.eachPlace(in, c.Output.Shape, func(o, plane int, rows, columns span) {
		var sum T
		for r := range rows.count {
			row := (plane*in[2]+rows.first+r)*in[3] + columns.first
			for _, v := range x[row:][:columns.count] {
				sum += v
			}
		}
		c.Output.Data[o] = sum / T(rows.count*columns.count)
	})
}

func adaptiveAvgBackward[T Float](p adaptive, c *Call[T]) {
	dx, in := c.InputGrads[0].Data, c.Inputs[0].Shape
	if dx == nil {
		return
	}
	p.eachPlace(in, c.Output.Shape, func(o, plane int, rows, columns span) {
		spread(dx, c.OutputGrad.Data[o]/T(rows.count*columns.count), plane*in[2], in[3], rows, columns)
	})
}

type adaptiveMaxPool2d struct{ adaptive }

func (adaptiveMaxPool2d) Name() string                          { return "adaptivemaxpool2d" }
func (adaptiveMaxPool2d) BackwardReads() (inputs, outputs bool) { return false, false }

// Saves asks for the chosen pixel of every output.
func (p adaptiveMaxPool2d) Saves(inputs []Shape) Saves {
	out, err := p.OutputShape(inputs)
	if err != nil {
		return Saves{}
	}
	return Saves{Indices: out[1:].Elements()}
}

func (p adaptiveMaxPool2d) Forward(c *Call[float32])    { adaptiveMaxForward(p.adaptive, c) }
func (p adaptiveMaxPool2d) Backward(c *Call[float32])   { maxPoolBackward(c) }
func (p adaptiveMaxPool2d) Forward64(c *Call[float64])  { adaptiveMaxForward(p.adaptive, c) }
func (p adaptiveMaxPool2d) Backward64(c *Call[float64]) { maxPoolBackward(c) }

func adaptiveMaxForward[T Float](p adaptive, c *Call[T]) {
	x, in := c.Inputs[0].Data, c.Inputs[0].Shape
	p.eachPlace(in, c.Output.Shape, func(o, plane int, rows, columns span) {
		c.Output.Data[o], c.Saved[o] = largestOf(x[plane*in[2]*in[3]:][:in[2]*in[3]], in[3], rows, columns)
	})
}

func adaptiveAvgPool2dExample(r *rand.Rand) Example {
	return exampleOf(&AdaptiveAvgPool2d{Size: 1 + r.IntN(3), SizeHW: [2]int{r.IntN(4), r.IntN(3)}}, pictureShape(r, 1+r.IntN(3), 1)...)
}

func adaptiveMaxPool2dExample(r *rand.Rand) Example {
	return exampleOf(&AdaptiveMaxPool2d{Size: 1 + r.IntN(3), SizeHW: [2]int{r.IntN(4), r.IntN(3)}}, pictureShape(r, 1+r.IntN(3), 1)...)
}
