package nn

import (
	"fmt"
	"math/rand/v2"
)

// AvgPool2d takes the mean of each window, N x C x H x W to N x C x Ho x Wo, as
// torch.nn.AvgPool2d; Ho is as MaxPool2d has it. Padding is with zeros, at most
// Kernel/2.
type AvgPool2d struct {
	Kernel  int
	Stride  int // 0 means Kernel
	Padding int
	Ceil    bool // PyTorch's ceil_mode
	// ExcludePadding divides by the number of pixels in the window, and not of
	// those of the padding, too: PyTorch's count_include_pad=False.
	ExcludePadding bool
	Divisor        int // if not 0, what to divide by: PyTorch's divisor_override

	KernelHW, StrideHW, PaddingHW [2]int // height and width, where they differ
}

// Forward adds the pooling to the network.
func (l *AvgPool2d) Forward(x *Value) *Value {
	w := poolWindow(l.Kernel, l.Stride, l.Padding, 1, l.KernelHW, l.StrideHW, l.PaddingHW, [2]int{})
	return Apply(avgPool2d{w, l.Ceil, l.ExcludePadding, l.Divisor}, nil, x)
}

type avgPool2d struct {
	window
	ceil, exclude bool
	divisor       int
}

func (avgPool2d) Name() string                          { return "avgpool2d" }
func (avgPool2d) BackwardReads() (inputs, outputs bool) { return false, false }

func (p avgPool2d) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err == nil {
		err = p.checkPadding()
	}
	if err == nil && p.divisor < 0 {
		err = fmt.Errorf("wants a divisor of at least 1, or 0 for none, got %d", p.divisor)
	}
	if err != nil {
		return nil, err
	}
	return p.output(in, in[1], false, p.ceil)
}

func (p avgPool2d) Forward(c *Call[float32])    { avgPoolForward(p, c) }
func (p avgPool2d) Backward(c *Call[float32])   { avgPoolBackward(p, c) }
func (p avgPool2d) Forward64(c *Call[float64])  { avgPoolForward(p, c) }
func (p avgPool2d) Backward64(c *Call[float64]) { avgPoolBackward(p, c) }

// divide returns what the sum of the window at a place is divided by.
func (p avgPool2d) divide(in, out Shape, o int, rows, columns span) int {
	switch {
	case p.divisor > 0:
		return p.divisor
	case p.exclude:
		return max(rows.count*columns.count, 1)
	}
	padded := func(d, place, size int) int { // pixels of the picture or its padding
		start := place*p.stride[d] - p.before[d]
		return min(start+p.kernel[d], size+p.after[d]) - start
	}
	return padded(0, o/out[3]%out[2], in[2]) * padded(1, o%out[3], in[3])
}

func avgPoolForward[T Float](p avgPool2d, c *Call[T]) {
	x, in, out := c.Inputs[0].Data, c.Inputs[0].Shape, c.Output.Shape
	p.eachPlace(in, out, func(o, plane int, rows, columns span) {
		var sum T
		for r := range rows.count {
			row := (plane*in[2]+rows.first+r)*in[3] + columns.first
			for _, v := range x[row:][:columns.count] {
				sum += v
			}
		}
		c.Output.Data[o] = sum / T(p.divide(in, out, o, rows, columns))
	})
}

func avgPoolBackward[T Float](p avgPool2d, c *Call[T]) {
	dx, in, out := c.InputGrads[0].Data, c.Inputs[0].Shape, c.Output.Shape
	if dx == nil {
		return
	}
	p.eachPlace(in, out, func(o, plane int, rows, columns span) {
		spread(dx, c.OutputGrad.Data[o]/T(p.divide(in, out, o, rows, columns)), plane*in[2], in[3], rows, columns)
	})
}

// spread adds a number to some rows and columns of a plane, whose first row is
// given.
func spread[T Float](x []T, v T, firstRow, width int, rows, columns span) {
	for r := range rows.count {
		row := (firstRow+rows.first+r)*width + columns.first
		for i := range columns.count {
			x[row+i] += v
		}
	}
}

func avgPool2dExample(r *rand.Rand) Example {
	kernel := 1 + r.IntN(3)
	l := &AvgPool2d{Kernel: kernel, Stride: r.IntN(3), Padding: r.IntN(kernel/2 + 1), Ceil: r.IntN(2) == 0, ExcludePadding: r.IntN(2) == 0}
	if r.IntN(4) == 0 {
		l.Divisor = 5
	}
	if r.IntN(4) == 0 {
		l.KernelHW, l.StrideHW, l.PaddingHW = [2]int{2, 3}, drawPair(r, 1), drawPair(r, 0)
	}
	return exampleOf(l, pictureShape(r, 1+r.IntN(3), 3)...)
}
