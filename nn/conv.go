package nn

import (
	"fmt"
	"math/rand/v2"
)

// Conv2d is a two-dimensional convolution (cross-correlation, as in
// torch.nn.Conv2d): N x In x H x W to N x Out x Ho x Wo, with
//
//	Ho = (H + 2*Padding - Dilation*(Kernel-1) - 1)/Stride + 1
//
// and likewise Wo. Padding is with zeros. Kernels are square.
type Conv2d struct {
	In, Out  int // channels
	Kernel   int // height and width of the filter
	Stride   int // 0 means 1
	Padding  int // rows and columns of zeros on every side
	Dilation int // 0 means 1
	Groups   int // 0 means 1; divides In and Out
	NoBias   bool

	Weight Param // Out x In/Groups x Kernel x Kernel
	Bias   Param // Out
}

func (l *Conv2d) op() conv2d {
	return conv2d{in: l.In, out: l.Out, kernel: l.Kernel, stride: orDefault(l.Stride, 1), padding: l.Padding,
		dilation: orDefault(l.Dilation, 1), groups: orDefault(l.Groups, 1)}
}

// orDefault is the value of a field whose zero means another.
func orDefault[T int | float64](field, otherwise T) T {
	if field == 0 {
		return otherwise
	}
	return field
}

func (l *Conv2d) check() error { return l.op().check() }

// Forward adds the convolution to the network.
func (l *Conv2d) Forward(x *Value) *Value {
	params := []*Param{&l.Weight}
	if !l.NoBias {
		params = append(params, &l.Bias)
	}
	return Apply(l.op(), params, x)
}

func (l *Conv2d) initialize(uniform func(bound float64) float32) {
	c := l.op()
	shape := Shape{c.out, c.in / c.groups, c.kernel, c.kernel}
	strides, size := c.weightLayout()
	l.Weight.allocate(shape, strides, size)
	bound := fanInBound(shape[1] * c.kernel * c.kernel)
	l.Weight.draw(bound, uniform)
	if !l.NoBias {
		l.Bias.allocate(Shape{c.out}, []int{1}, paddedChannels(c.out))
		l.Bias.draw(bound, uniform)
	}
}

// conv2d is the operation behind Conv2d; its sizes are all set.
type conv2d struct {
	in, out, kernel, stride, padding, dilation, groups int
}

func (conv2d) Name() string { return "conv2d" }

func (c conv2d) check() error {
	if c.in < 1 || c.out < 1 || c.kernel < 1 || c.stride < 1 || c.dilation < 1 || c.groups < 1 || c.padding < 0 {
		return fmt.Errorf("wants channels, kernel, stride, dilation and groups of at least 1 and a padding of at least 0, got in %d, out %d, kernel %d, stride %d, dilation %d, groups %d, padding %d",
			c.in, c.out, c.kernel, c.stride, c.dilation, c.groups, c.padding)
	}
	if c.in%c.groups != 0 || c.out%c.groups != 0 {
		return fmt.Errorf("wants groups that divide the channels, got %d groups of %d input and %d output channels", c.groups, c.in, c.out)
	}
	return nil
}

func (c conv2d) outputSize(size int) int {
	return (size+2*c.padding-c.dilation*(c.kernel-1)-1)/c.stride + 1
}

func (c conv2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err == nil {
		err = c.check()
	}
	if err != nil {
		return nil, err
	}
	if in[1] != c.in {
		return nil, fmt.Errorf("wants %d input channels, got %d (input %v)", c.in, in[1], in)
	}
	extent := c.dilation*(c.kernel-1) + 1
	if in[2]+2*c.padding < extent || in[3]+2*c.padding < extent {
		return nil, fmt.Errorf("its %dx%d filter does not fit into the input %v with padding %d", extent, extent, in, c.padding)
	}
	return Shape{in[0], c.out, c.outputSize(in[2]), c.outputSize(in[3])}, nil
}

// Attributes returns the numbers of the layer.
func (c conv2d) Attributes() map[string]int {
	return map[string]int{"in": c.in, "out": c.out, "kernel": c.kernel, "stride": c.stride,
		"padding": c.padding, "dilation": c.dilation, "groups": c.groups}
}

func (c conv2d) Forward(call *Call[float32])    { convForward(c, call) }
func (c conv2d) Backward(call *Call[float32])   { convBackward(c, call) }
func (c conv2d) Forward64(call *Call[float64])  { convForward(c, call) }
func (c conv2d) Backward64(call *Call[float64]) { convBackward(c, call) }

// convForward is the definition of the convolution, term by term. The fused
// convolution is tested against it, and runs instead of it unless the layer
// has groups or dilation.
func convForward[T Float](c conv2d, call *Call[T]) {
	out := call.Output
	c.eachPlane(out.Shape, func(n, oc, plane int) {
		var bias T
		if len(call.Params) > 1 {
			bias = call.Params[1].Data[oc]
		}
		data := out.Data[plane:][:out.Shape[2]*out.Shape[3]]
		for i := range data {
			data[i] = bias
		}
	})
	x, w := call.Inputs[0].Data, call.Params[0].Data
	c.eachTerm(call.Inputs[0].Shape, call.Output.Shape, func(o, i, k int) { out.Data[o] += x[i] * w[k] })
}

func convBackward[T Float](c conv2d, call *Call[T]) {
	dy := call.OutputGrad
	x, w := call.Inputs[0].Data, call.Params[0].Data
	if dx := call.InputGrads[0].Data; dx != nil {
		c.eachTerm(call.Inputs[0].Shape, call.Output.Shape, func(o, i, k int) { dx[i] += dy.Data[o] * w[k] })
	}
	if dw := call.ParamGrads[0].Data; dw != nil {
		c.eachTerm(call.Inputs[0].Shape, call.Output.Shape, func(o, i, k int) { dw[k] += dy.Data[o] * x[i] })
	}
	if len(call.Params) > 1 && call.ParamGrads[1].Data != nil {
		db := call.ParamGrads[1].Data
		c.eachPlane(dy.Shape, func(n, oc, plane int) {
			for _, d := range dy.Data[plane:][:dy.Shape[2]*dy.Shape[3]] {
				db[oc] += d
			}
		})
	}
}

func (c conv2d) eachPlane(shape Shape, visit func(n, oc, plane int)) {
	for n := range shape[0] {
		for oc := range shape[1] {
			visit(n, oc, (n*shape[1]+oc)*shape[2]*shape[3])
		}
	}
}

// eachTerm visits every product of the convolution of an input of shape in to
// an output of shape out: output element o gets
// input element i times weight k (offsets into the three arrays).
func (c conv2d) eachTerm(in, out Shape, visit func(o, i, k int)) {
	inPerGroup, outPerGroup := c.in/c.groups, c.out/c.groups
	for n := range out[0] {
		for oc := range out[1] {
			for icg := range inPerGroup {
				ic := oc/outPerGroup*inPerGroup + icg
				for oy := range out[2] {
					for ky := range c.kernel {
						iy := oy*c.stride - c.padding + ky*c.dilation
						if iy < 0 || iy >= in[2] {
							continue
						}
						for ox := range out[3] {
							for kx := range c.kernel {
								ix := ox*c.stride - c.padding + kx*c.dilation
								if ix < 0 || ix >= in[3] {
									continue
								}
								visit(((n*out[1]+oc)*out[2]+oy)*out[3]+ox,
									((n*in[1]+ic)*in[2]+iy)*in[3]+ix,
									((oc*inPerGroup+icg)*c.kernel+ky)*c.kernel+kx)
							}
						}
					}
				}
			}
		}
	}
}

func conv2dExample(r *rand.Rand) Example {
	groups := 1 + r.IntN(2)
	l := &Conv2d{In: groups * (1 + r.IntN(2)), Out: groups * (1 + r.IntN(3)), Kernel: 1 + r.IntN(3), Stride: 1 + r.IntN(2),
		Padding: r.IntN(3), Dilation: 1 + r.IntN(2), Groups: groups, NoBias: r.IntN(4) == 0}
	return exampleOf(l, pictureShape(r, l.In, 5)...)
}
