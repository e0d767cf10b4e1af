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
// and likewise Wo. Where height and width differ, the fields that end in HW have
// both, and their twins do not count.
type Conv2d struct {
	In, Out  int // channels
	Kernel   int // height and width of the filter
	Stride   int // 0 means 1
	Padding  int // rows and columns on every side
	Dilation int // 0 means 1
	Groups   int // 0 means 1; divides In and Out
	NoBias   bool

	KernelHW, StrideHW, PaddingHW, DilationHW [2]int
	// Same pads so that the size stays, PyTorch's padding="same", in place of
	// Padding; the stride must be 1.
	Same bool
	// PadMode is what the padding is made of: zeros, unless set.
	PadMode PadMode

	Weight Param // Out x In/Groups x Kernel x Kernel
	Bias   Param // Out
}

func (l *Conv2d) op() conv2d {
	c := conv2d{in: l.In, out: l.Out, groups: orDefault(l.Groups, 1),
		window: newWindow(l.Kernel, orDefault(l.Stride, 1), l.Padding, orDefault(l.Dilation, 1), l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW)}
	if l.Same {
		c.same()
	}
	return c
}

// orDefault is the value of a field whose zero means another.
func orDefault[T int | float64](field, otherwise T) T {
	if field == 0 {
		return otherwise
	}
	return field
}

func (l *Conv2d) check() error {
	c := l.op()
	if l.Same && c.stride != [2]int{1, 1} {
		return fmt.Errorf("wants a stride of 1 with Same, got %v", either(c.stride))
	}
	if l.PadMode > PadCircular {
		return fmt.Errorf("there is no PadMode %d", l.PadMode)
	}
	return c.check()
}

// Forward adds the convolution to the network.
func (l *Conv2d) Forward(x *Value) *Value {
	c := l.op()
	if l.PadMode != PadConstant && len(x.shape) == 4 && l.check() == nil {
		x = Pad(x, l.PadMode, 0, c.before[1], c.after[1], c.before[0], c.after[0])
		c.before, c.after = [2]int{}, [2]int{}
	}
	return Apply(c, weightAndBias(&l.Weight, &l.Bias, l.NoBias), x)
}

func weightAndBias(weight, bias *Param, noBias bool) []*Param {
	if noBias {
		return []*Param{weight}
	}
	return []*Param{weight, bias}
}

func (l *Conv2d) initialize(uniform func(bound float64) float32) {
	c := l.op()
	shape := Shape{c.out, c.in / c.groups, c.kernel[0], c.kernel[1]}
	strides, size := c.weightLayout()
	l.Weight.allocate(shape, strides, size)
	bound := fanInBound(shape[1:].Elements())
	l.Weight.draw(bound, uniform)
	if !l.NoBias {
		l.Bias.allocate(Shape{c.out}, []int{1}, paddedChannels(c.out))
		l.Bias.draw(bound, uniform)
	}
}

// conv2d is the operation behind Conv2d; its sizes are all set.
type conv2d struct {
	in, out, groups int
	window
}

func (conv2d) Name() string                          { return "conv2d" }
func (conv2d) BackwardReads() (inputs, outputs bool) { return true, false }

func (c conv2d) check() error {
	if c.in < 1 || c.out < 1 || c.groups < 1 {
		return fmt.Errorf("wants channels and groups of at least 1, got in %d, out %d, groups %d", c.in, c.out, c.groups)
	}
	if c.in%c.groups != 0 || c.out%c.groups != 0 {
		return fmt.Errorf("wants groups that divide the channels, got %d groups of %d input and %d output channels", c.groups, c.in, c.out)
	}
	return c.window.check()
}

func (c conv2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err != nil {
		return nil, err
	}
	return c.outputOf(in, false)
}

// outputOf is the shape rule, of pictures or of lines.
func (c conv2d) outputOf(in Shape, lines bool) (Shape, error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	if in[1] != c.in {
		return nil, fmt.Errorf("wants %d input channels, got %d (input %v)", c.in, in[1], in)
	}
	return c.output(in, c.out, lines, false)
}

func (c conv2d) Forward(call *Call[float32])    { convForward(c, call) }
func (c conv2d) Backward(call *Call[float32])   { convBackward(c, call) }
func (c conv2d) Forward64(call *Call[float64])  { convForward(c, call) }
func (c conv2d) Backward64(call *Call[float64]) { convBackward(c, call) }

// convForward is the definition of the convolution. The steps of programs are
// tested against it.
func convForward[T Float](c conv2d, call *Call[T]) {
	x, w, y := call.Inputs[0].Data, call.Params[0].Data, call.Output.Data
	addBias(call)
	c.eachRun(call.Inputs[0].Shape, call.Output.Shape, func(o, n, i, step, k int) {
		weight := w[k]
		for j := range y[o:][:n] {
			y[o+j] += x[i+j*step] * weight
		}
	})
}

func convBackward[T Float](c conv2d, call *Call[T]) {
	x, w, dy := call.Inputs[0].Data, call.Params[0].Data, call.OutputGrad.Data
	dx, dw := call.InputGrads[0].Data, call.ParamGrads[0].Data
	if dx != nil {
		c.eachRun(call.Inputs[0].Shape, call.Output.Shape, func(o, n, i, step, k int) {
			weight := w[k]
			for j, d := range dy[o:][:n] {
				dx[i+j*step] += d * weight
			}
		})
	}
	if dw != nil {
		c.eachRun(call.Inputs[0].Shape, call.Output.Shape, func(o, n, i, step, k int) {
			var sum T
			for j, d := range dy[o:][:n] {
				sum += d * x[i+j*step]
			}
			dw[k] += sum
		})
	}
	addBiasGradient(call)
}

// addBias sets every channel of the output to its bias, the second parameter, or
// to zero if there is none.
func addBias[T Float](call *Call[T]) {
	out := call.Output
	pixels := out.Shape[2:].Elements()
	for plane := range out.Shape[0] * out.Shape[1] {
		var bias T
		if len(call.Params) > 1 {
			bias = call.Params[1].Data[plane%out.Shape[1]]
		}
		for i := range out.Data[plane*pixels:][:pixels] {
			out.Data[plane*pixels+i] = bias
		}
	}
}

// addBiasGradient adds up the gradients of every channel.
func addBiasGradient[T Float](call *Call[T]) {
	if len(call.Params) < 2 || call.ParamGrads[1].Data == nil {
		return
	}
	dy, db := call.OutputGrad, call.ParamGrads[1].Data
	pixels := dy.Shape[2:].Elements()
	for plane := range dy.Shape[0] * dy.Shape[1] {
		for _, d := range dy.Data[plane*pixels:][:pixels] {
			db[plane%dy.Shape[1]] += d
		}
	}
}

// eachRun visits every product of the convolution of an input of shape in to an
// output of shape out, in runs: the n elements from o on of the output get
// those of the input from i on, a step apart, each times the weight k.
func (c conv2d) eachRun(in, out Shape, visit func(o, n, i, step, k int)) {
	inPerGroup, outPerGroup := c.in/c.groups, c.out/c.groups
	_, height, width := planesOf(in)
	_, rows, columns := planesOf(out)
	for plane := range out[0] * c.out {
		n, oc := plane/c.out, plane%c.out
		for icg := range inPerGroup {
			picture := (n*c.in + oc/outPerGroup*inPerGroup + icg) * height * width
			for ky := range c.kernel[0] {
				firstRow, lastRow := c.steps(0, ky, height, rows)
				for kx := range c.kernel[1] {
					first, last := c.steps(1, kx, width, columns)
					if first == last {
						continue
					}
					k := ((oc*inPerGroup+icg)*c.kernel[0]+ky)*c.kernel[1] + kx
					x := first*c.stride[1] - c.before[1] + kx*c.dilation[1]
					for row := firstRow; row < lastRow; row++ {
						y := row*c.stride[0] - c.before[0] + ky*c.dilation[0]
						visit((plane*rows+row)*columns+first, last-first, picture+y*width+x, c.stride[1], k)
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
	switch r.IntN(4) {
	case 0:
		l.KernelHW, l.StrideHW, l.PaddingHW, l.DilationHW = drawPair(r, 1), drawPair(r, 1), drawPair(r, 0), drawPair(r, 1)
	case 1:
		l.Stride, l.Same = 1, true
	}
	return exampleOf(l, pictureShape(r, l.In, 5)...)
}

func drawPair(r *rand.Rand, least int) [2]int { return [2]int{least + r.IntN(2), least + r.IntN(2)} }

// Conv1d is a convolution of lines, as torch.nn.Conv1d: N x In x L to N x Out x Lo,
// with Lo as Conv2d has its height.
type Conv1d struct {
	In, Out  int // channels
	Kernel   int
	Stride   int // 0 means 1
	Padding  int
	Dilation int // 0 means 1
	Groups   int // 0 means 1; divides In and Out
	NoBias   bool
	Same     bool // PyTorch's padding="same", in place of Padding

	Weight Param // Out x In/Groups x Kernel
	Bias   Param // Out
}

func (l *Conv1d) op() conv1d {
	c := conv1d{conv2d{in: l.In, out: l.Out, groups: orDefault(l.Groups, 1), window: lineWindow(l.Kernel, orDefault(l.Stride, 1), l.Padding, orDefault(l.Dilation, 1))}}
	if l.Same {
		c.same()
	}
	return c
}

func (l *Conv1d) check() error {
	c := l.op()
	if l.Same && c.stride[1] != 1 {
		return fmt.Errorf("wants a stride of 1 with Same, got %d", c.stride[1])
	}
	return c.check()
}

// Forward adds the convolution to the network.
func (l *Conv1d) Forward(x *Value) *Value {
	return Apply(l.op(), weightAndBias(&l.Weight, &l.Bias, l.NoBias), x)
}

func (l *Conv1d) initialize(uniform func(bound float64) float32) {
	c := l.op()
	drawWeights(&l.Weight, &l.Bias, l.NoBias, c.out, uniform, c.out, c.in/c.groups, c.kernel[1])
}

// drawWeights makes a weight of the given shape and a bias of so many elements, and
// draws both as PyTorch does.
func drawWeights(weight, bias *Param, noBias bool, count int, uniform func(bound float64) float32, shape ...int) {
	*weight = NewParam(shape...)
	bound := fanInBound(Shape(shape[1:]).Elements())
	weight.draw(bound, uniform)
	if !noBias {
		*bias = NewParam(count)
		bias.draw(bound, uniform)
	}
}

// conv1d is conv2d of pictures of one row.
type conv1d struct{ conv2d }

func (conv1d) Name() string                          { return "conv1d" }
func (conv1d) BackwardReads() (inputs, outputs bool) { return true, false }

func (c conv1d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 3, "N x C x L")
	if err != nil {
		return nil, err
	}
	return c.outputOf(in, true)
}

func conv1dExample(r *rand.Rand) Example {
	groups := 1 + r.IntN(2)
	l := &Conv1d{In: groups * (1 + r.IntN(2)), Out: groups * (1 + r.IntN(3)), Kernel: 1 + r.IntN(4), Stride: 1 + r.IntN(2),
		Padding: r.IntN(3), Dilation: 1 + r.IntN(2), Groups: groups, NoBias: r.IntN(4) == 0}
	if r.IntN(4) == 0 {
		l.Stride, l.Same = 1, true
	}
	return exampleOf(l, 1+r.IntN(4), l.In, 7+r.IntN(4))
}
