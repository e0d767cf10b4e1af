package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// convNet is two convolutions of any kind, so that what one writes the other reads,
// each with or without what may come between them.
type convNet struct {
	First, Second Conv2d
	choices       [2]int
	pools         [2]MaxPool2d
}

func (n *convNet) Forward(x *Value) *Value {
	for i, c := range []*Conv2d{&n.First, &n.Second} {
		x = c.Forward(x)
		switch n.choices[i] {
		case 1:
			x = ReLU(x)
		case 2:
			x = Add(x, ReLU(x))
		case 3:
			x = Add(Sigmoid(x), x)
		case 4:
			x = (&n.pools[i]).Forward(ReLU(x))
		case 5:
			x = ReLU(Add(x, ReLU6(x)))
		case 6:
			x = Mean(ReLU(x), true, 2, 3)
		}
	}
	return x
}

// drawConv returns a convolution that suits pictures of so many channels, and the
// size of what it makes of them, of which nothing may be left.
func drawConv(r *rand.Rand, channels, height, width int) (c Conv2d, high, wide int) {
	pair := func(least, count int) [2]int { return [2]int{least + r.IntN(count), least + r.IntN(count)} }
	c = Conv2d{In: channels, Groups: 1, NoBias: r.IntN(3) == 0, KernelHW: pair(1, 5), StrideHW: pair(1, 3), PaddingHW: pair(0, 3), DilationHW: pair(1, 3)}
	c.Out = []int{1 + r.IntN(9), 16, 1 + r.IntN(40), 32}[r.IntN(4)]
	switch r.IntN(4) {
	case 0:
		c.Groups, c.Out = channels, channels // depthwise
	case 1:
		if channels%2 == 0 {
			c.Groups, c.Out = 2, 2*(1+r.IntN(20))
		}
	case 2:
		c.Groups, c.Out = channels, channels*(1+r.IntN(2))
	}
	op := c.op()
	return c, op.outputSize(0, height, false), op.outputSize(1, width, false)
}

// drawPool returns a pooling that suits pictures of a size, and the size that is left.
func drawPool(r *rand.Rand, height, width int) (p MaxPool2d, high, wide int) {
	p.Kernel = 1 + r.IntN(min(height, width, 3))
	p.Stride, p.Padding, p.Ceil = 1+r.IntN(3), r.IntN(p.Kernel/2+1), r.IntN(2) == 0
	w := squareWindow(p.Kernel, p.Stride, p.Padding, 1)
	return p, w.outputSize(0, height, p.Ceil), w.outputSize(1, width, p.Ceil)
}

// drawConvNet returns a network for pictures of a size.
func drawConvNet(r *rand.Rand) (*convNet, Shape) {
	for {
		n := &convNet{choices: [2]int{r.IntN(6), r.IntN(7)}}
		channels, height, width := []int{1, 3, 1 + r.IntN(40), 16}[r.IntN(4)], 1+r.IntN(9), 1+r.IntN(9)
		var high, wide int
		if n.First, high, wide = drawConv(r, channels, height, width); high == 0 || wide == 0 {
			continue
		}
		if n.choices[0] == 4 {
			n.pools[0], high, wide = drawPool(r, high, wide)
		}
		if n.Second, high, wide = drawConv(r, n.First.Out, high, wide); high == 0 || wide == 0 {
			continue
		}
		if n.choices[1] == 4 {
			n.pools[1], _, _ = drawPool(r, high, wide)
		}
		return n, Shape{channels, height, width}
	}
}

// TestRandomConvolutions compares programs of convolutions of every kind with their
// definitions: outputs and all gradients.
func TestRandomConvolutions(t *testing.T) {
	count := 1500
	if testing.Short() {
		count = 200
	}
	for seed := range uint64(count) {
		r := rand.New(rand.NewPCG(seed, 17))
		net, in := drawConvNet(r)
		if err := compareConvNet(r, net, in, 1+r.IntN(7), 1+r.IntN(4)); err != nil {
			t.Fatalf("%d: %+v, %+v, choices %v, input %v: %v", seed, net.First.op(), net.Second.op(), net.choices, in, err)
		}
	}
}

func compareConvNet(r *rand.Rand, net *convNet, in Shape, batch, workers int) error {
	Init(net, r)
	compiled := append(Shape{batch + r.IntN(3)}, in...)
	e := Example{Module: net, Inputs: []Spec{{Shape: compiled}}, Forward: func(x []*Value) []*Value { return []*Value{net.Forward(x[0])} }}
	table := newTableNet(e, r)
	small, err := trace(table, []int{batch, table.width()}, true)
	if err != nil {
		return err
	}
	ref := newReference[float32](small, 0, 1)
	input := ref.values[small.input().index].Data
	for i := range input {
		input[i] = float32(r.NormFloat64())
	}
	classes := small.output().shape[1]
	gradient := make([]float32, batch*classes)
	for i := range gradient {
		gradient[i] = float32(r.NormFloat64())
	}
	want := ref.forward().Data
	ref.backward(gradient)
	p, err := CompileTrain(table, givenGradient{}, newSGD(), compiled[0], table.width())
	if err != nil {
		return err
	}
	defer p.team.close()
	p.SetWorkers(workers)
	if err := closeTo("outputs", p.Forward(input), want, 1e-5); err != nil {
		return err
	}
	p.setNumbers(gradient)
	p.backward()
	names := paramNames(table)
	for param, wanted := range ref.paramGrads {
		for _, entry := range p.Gradients() {
			if entry.Name() == names[param] {
				if err := closeTo(fmt.Sprintf("gradient of %s for %d of %d examples", entry.Name(), batch, compiled[0]), values(entry), wanted.Data, 2e-5); err != nil {
					return err
				}
			}
		}
	}
	return nil
}

// TestConvolutionPrograms puts some of the networks through the checks of the table
// of operations: odd and short batches, workers, bits and allocations.
func TestConvolutionPrograms(t *testing.T) {
	seeds := uint64(25)
	if testing.Short() {
		seeds = 6
	}
	for seed := range seeds {
		r := rand.New(rand.NewPCG(seed, 18))
		net, in := drawConvNet(r)
		Init(net, r)
		e := Example{Module: net, Inputs: []Spec{{Shape: append(Shape{3}, in...)}}, Forward: func(x []*Value) []*Value { return []*Value{net.Forward(x[0])} }}
		if err := checkPrograms(e, r); err != nil {
			t.Fatalf("%d: %+v, %+v, choices %v, input %v: %v", seed, net.First.op(), net.Second.op(), net.choices, in, err)
		}
	}
}
