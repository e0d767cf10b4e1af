package nn

import (
	"fmt"
	"math/rand/v2"
)

// ConvTranspose2d is the transpose of a convolution, also called deconvolution,
// as torch.nn.ConvTranspose2d: N x In x H x W to N x Out x Ho x Wo, with
//
//	Ho = (H-1)*Stride - 2*Padding + Dilation*(Kernel-1) + OutputPadding + 1
//
// Each pixel of the input puts its filter, times its value, into the output:
// what Conv2d does to a gradient. Where height and width differ, the fields that
// end in HW have both, and their twins do not count.
type ConvTranspose2d struct {
	In, Out       int // channels
	Kernel        int
	Stride        int // 0 means 1
	Padding       int // rows and columns that are taken away on every side
	OutputPadding int // rows and columns that are added below and to the right
	Groups        int // 0 means 1; divides In and Out
	NoBias        bool
	Dilation      int // 0 means 1

	KernelHW, StrideHW, PaddingHW, OutputPaddingHW, DilationHW [2]int

	Weight Param // In x Out/Groups x Kernel x Kernel
	Bias   Param // Out
}

func (l *ConvTranspose2d) op() convTranspose2d {
	t := convTranspose2d{transposed: conv2d{in: l.Out, out: l.In, groups: orDefault(l.Groups, 1),
		window: newWindow(l.Kernel, orDefault(l.Stride, 1), l.Padding, orDefault(l.Dilation, 1), l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW)},
		extra: l.OutputPaddingHW}
	if t.extra == [2]int{} {
		t.extra = [2]int{l.OutputPadding, l.OutputPadding}
	}
	return t
}

func (l *ConvTranspose2d) check() error { return l.op().check() }

// Forward adds the layer to the network.
func (l *ConvTranspose2d) Forward(x *Value) *Value {
	return Apply(l.op(), weightAndBias(&l.Weight, &l.Bias, l.NoBias), x)
}

func (l *ConvTranspose2d) initialize(uniform func(bound float64) float32) {
	c := l.op().transposed
	drawWeights(&l.Weight, &l.Bias, l.NoBias, c.in, uniform, c.out, c.in/c.groups, c.kernel[0], c.kernel[1])
}

// convTranspose2d is what the convolution transposed does to its output, which
// is the input here.
type convTranspose2d struct {
	transposed conv2d
	extra      [2]int // output padding
}

func (convTranspose2d) Name() string                          { return "convtranspose2d" }
func (convTranspose2d) BackwardReads() (inputs, outputs bool) { return true, false }

func (t convTranspose2d) check() error {
	c := t.transposed
	if err := c.check(); err != nil {
		return err
	}
	for d := range 2 {
		if t.extra[d] < 0 || t.extra[d] >= max(c.stride[d], c.dilation[d]) {
			return fmt.Errorf("wants an output padding of at least 0 and below stride or dilation, got output padding %v, stride %v, dilation %v", either(t.extra), either(c.stride), either(c.dilation))
		}
	}
	return nil
}

func (t convTranspose2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err == nil {
		err = t.check()
	}
	c := t.transposed
	if err == nil && in[1] != c.out {
		err = fmt.Errorf("wants %d input channels, got %d (input %v)", c.out, in[1], in)
	}
	if err != nil {
		return nil, err
	}
	out := Shape{in[0], c.in, 0, 0}
	for d := range 2 {
		out[2+d] = (in[2+d]-1)*c.stride[d] - c.before[d] - c.after[d] + c.extent(d) + t.extra[d]
		if out[2+d] < 1 {
			return nil, fmt.Errorf("its padding of %v leaves nothing of the input %v", either(c.before), in)
		}
	}
	return out, nil
}

func (t convTranspose2d) Forward(c *Call[float32])    { convTransposeForward(t.transposed, c) }
func (t convTranspose2d) Backward(c *Call[float32])   { convTransposeBackward(t.transposed, c) }
func (t convTranspose2d) Forward64(c *Call[float64])  { convTransposeForward(t.transposed, c) }
func (t convTranspose2d) Backward64(c *Call[float64]) { convTransposeBackward(t.transposed, c) }

func convTransposeForward[T Float](t conv2d, c *Call[T]) {
	x, w, y := c.Inputs[0].Data, c.Params[0].Data, c.Output.Data
	addBias(c)
	t.eachRun(c.Output.Shape, c.Inputs[0].Shape, func(o, n, i, step, k int) {
		weight := w[k]
		for j, v := range x[o:][:n] {
			y[i+j*step] += v * weight
		}
	})
}

func convTransposeBackward[T Float](t conv2d, c *Call[T]) {
	x, w, dy := c.Inputs[0].Data, c.Params[0].Data, c.OutputGrad.Data
	dx, dw := c.InputGrads[0].Data, c.ParamGrads[0].Data
	t.eachRun(c.Output.Shape, c.Inputs[0].Shape, func(o, n, i, step, k int) {
		weight, sum := w[k], T(0)
		for j, v := range x[o:][:n] {
			d := dy[i+j*step]
			sum += d * v
			if dx != nil {
				dx[o+j] += d * weight
			}
		}
		if dw != nil {
			dw[k] += sum
		}
	})
	addBiasGradient(c)
}

func convTranspose2dExample(r *rand.Rand) Example {
	groups := 1 + r.IntN(2)
	l := &ConvTranspose2d{In: groups * (1 + r.IntN(2)), Out: groups * (1 + r.IntN(2)), Kernel: 2 + r.IntN(2), Stride: 1 + r.IntN(3),
		Padding: r.IntN(2), Dilation: 1 + r.IntN(2), Groups: groups, NoBias: r.IntN(4) == 0}
	l.OutputPadding = r.IntN(max(l.Stride, l.Dilation))
	if r.IntN(4) == 0 {
		l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW, l.OutputPadding = [2]int{2, 3}, drawPair(r, 1), drawPair(r, 0), drawPair(r, 1), 0
	}
	return exampleOf(l, pictureShape(r, l.In, 2)...)
}
