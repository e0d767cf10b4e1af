package nn

import (
	"fmt"
	"math/rand/v2"
)

// MaxPool2d takes the maximum of each Kernel x Kernel window:
// N x C x H x W to N x C x Ho x Wo with Ho = (H + 2*Padding - Kernel)/Stride + 1,
// as torch.nn.MaxPool2d. Of equal values the first in row-major order counts;
// a NaN counts as largest. Padding is with minus infinity, at most Kernel/2.
type MaxPool2d struct {
	Kernel  int
	Stride  int // 0 means Kernel
	Padding int
}

// Forward adds the pooling to the network.
func (l *MaxPool2d) Forward(x *Value) *Value {
	stride := l.Stride
	if stride == 0 {
		stride = l.Kernel
	}
	return Apply(maxPool2d{kernel: l.Kernel, stride: stride, padding: l.Padding}, nil, x)
}

type maxPool2d struct{ kernel, stride, padding int }

func (maxPool2d) Name() string { return "maxpool2d" }

func (p maxPool2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err != nil {
		return nil, err
	}
	if p.kernel < 1 || p.stride < 1 || p.padding < 0 || p.padding > p.kernel/2 {
		return nil, fmt.Errorf("wants a kernel and stride of at least 1 and a padding of 0 to kernel/2, got kernel %d, stride %d, padding %d", p.kernel, p.stride, p.padding)
	}
	if in[2]+2*p.padding < p.kernel || in[3]+2*p.padding < p.kernel {
		return nil, fmt.Errorf("its %dx%d window does not fit into the input %v with padding %d", p.kernel, p.kernel, in, p.padding)
	}
	return Shape{in[0], in[1], (in[2]+2*p.padding-p.kernel)/p.stride + 1, (in[3]+2*p.padding-p.kernel)/p.stride + 1}, nil
}

// Saves asks for the chosen position of every output.
func (p maxPool2d) Saves(inputs []Shape) Saves {
	out, err := p.OutputShape(inputs)
	if err != nil {
		return Saves{}
	}
	return Saves{Indices: out[1:].Elements()}
}

// Attributes returns the numbers of the layer.
func (p maxPool2d) Attributes() map[string]int {
	return map[string]int{"kernel": p.kernel, "stride": p.stride, "padding": p.padding}
}

func (p maxPool2d) Forward(c *Call[float32])    { maxPoolForward(p, c) }
func (p maxPool2d) Backward(c *Call[float32])   { maxPoolBackward(c) }
func (p maxPool2d) Forward64(c *Call[float64])  { maxPoolForward(p, c) }
func (p maxPool2d) Backward64(c *Call[float64]) { maxPoolBackward(c) }

func maxPoolForward[T Float](p maxPool2d, c *Call[T]) {
	x, in, out := c.Inputs[0].Data, c.Inputs[0].Shape, c.Output.Shape
	o := 0
	for plane := range out[0] * out[1] {
		base := plane * in[2] * in[3]
		for oy := range out[2] {
			for ox := range out[3] {
				best := -1
				for iy := max(oy*p.stride-p.padding, 0); iy < min(oy*p.stride-p.padding+p.kernel, in[2]); iy++ {
					for ix := max(ox*p.stride-p.padding, 0); ix < min(ox*p.stride-p.padding+p.kernel, in[3]); ix++ {
						i := base + iy*in[3] + ix
						if best < 0 || x[i] > x[best] || x[i] != x[i] {
							best = i
						}
					}
				}
				c.Output.Data[o] = x[best]
				c.Saved[o] = int32(best)
				o++
			}
		}
	}
}

func maxPoolBackward[T Float](c *Call[T]) {
	dx := c.InputGrads[0].Data
	if dx == nil {
		return
	}
	for o, i := range c.Saved[:len(c.OutputGrad.Data)] {
		dx[i] += c.OutputGrad.Data[o]
	}
}

func maxPool2dExample(r *rand.Rand) Example {
	kernel := 1 + r.IntN(3)
	return exampleOf(&MaxPool2d{Kernel: kernel, Stride: r.IntN(3), Padding: r.IntN(kernel/2 + 1)}, pictureShape(r, 1+r.IntN(3), 3)...)
}
