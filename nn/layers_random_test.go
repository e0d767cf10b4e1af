package nn

import (
	"flag"
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// configurations is how many random layers TestRandomLayers tries:
//
//	go test ./nn -run TestRandomLayers -configurations 10000
var configurations = flag.Int("configurations", 300, "try `N` random layers")

// layerNet is a layer, alone or between two convolutions, so that it also gets pictures
// in the layout of programs.
type layerNet struct {
	Before, After *Conv2d
	Layer         any
	forward       func(x *Value) *Value
	says          string
	// gated: which way a gradient takes depends on the numbers, so rounding may
	// decide it.
	gated bool
	// norm: a bias before the layer makes no difference, so its gradient is rounding
	// alone; and before it must be several channels, as one's scale makes none.
	norm bool
}

func (n *layerNet) Forward(x *Value) *Value {
	if n.Before != nil {
		x = n.Before.Forward(x)
	}
	if x = n.forward(x); n.After != nil {
		x = n.After.Forward(x)
	}
	return x
}

// layerDraws draw layers for pictures of a shape C x H x W that statistics of some
// examples are taken of; nil where none suits it.
var layerDraws = []func(r *rand.Rand, in Shape, batch int) (layer any, forward func(*Value) *Value){
	drawConvLayer, drawConvLayer, drawConvLayer, drawTransposed, drawLine, drawMaxPool, drawAvgPool, drawAdaptive, drawNorm, drawNorm, drawLinear,
}

func drawConvLayer(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	c, high, wide := drawConv(r, in[0], in[1], in[2])
	if high < 1 || wide < 1 {
		return nil, nil
	}
	if r.IntN(3) == 0 && in[1] > 2 && in[2] > 2 { // the commonest kind has algorithms of its own
		c.KernelHW, c.StrideHW, c.PaddingHW, c.DilationHW = [2]int{3, 3}, [2]int{1, 1}, [2]int{1, 1}, [2]int{1, 1}
	}
	return &c, c.Forward
}

func drawTransposed(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	l := &ConvTranspose2d{In: in[0], Out: 1 + r.IntN(20), Kernel: 1 + r.IntN(4), Stride: 1 + r.IntN(3), NoBias: r.IntN(3) == 0}
	l.Padding = r.IntN(min(l.Kernel, 2))
	if out := (in[1]-1)*l.Stride - 2*l.Padding + l.Kernel; out < 1 || (in[2]-1)*l.Stride-2*l.Padding+l.Kernel < 1 {
		return nil, nil
	}
	return l, l.Forward
}

func drawLine(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	length := in[1] * in[2]
	l := &Conv1d{In: in[0], Out: 1 + r.IntN(30), Kernel: 1 + r.IntN(min(length, 5)), Stride: 1 + r.IntN(3), Padding: r.IntN(3), NoBias: r.IntN(3) == 0}
	return l, func(x *Value) *Value { return l.Forward(Reshape(x, in[0], length)) }
}

func drawMaxPool(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	p, high, wide := drawPool(r, in[1], in[2])
	if high < 1 || wide < 1 {
		return nil, nil
	}
	return &p, p.Forward
}

func drawAvgPool(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	l := &AvgPool2d{Kernel: 1 + r.IntN(min(in[1], in[2], 4)), Stride: 1 + r.IntN(3), Ceil: r.IntN(2) == 0, ExcludePadding: r.IntN(2) == 0}
	l.Padding = r.IntN(l.Kernel/2 + 1)
	return l, l.Forward
}

func drawAdaptive(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	l := &AdaptiveAvgPool2d{SizeHW: [2]int{1 + r.IntN(in[1]), 1 + r.IntN(in[2])}}
	return l, l.Forward
}

func drawNorm(r *rand.Rand, in Shape, batch int) (any, func(*Value) *Value) {
	const enough = 8 // numbers for a variance, of which the gradients do not cancel
	pixels := in[1] * in[2]
	switch kind := r.IntN(4); {
	case kind == 0 && batch*pixels >= enough:
		l := &BatchNorm2d{Features: in[0], NoAffine: r.IntN(4) == 0}
		return l, l.Forward
	case kind == 1:
		groups := 1 + r.IntN(in[0])
		if in[0]%groups != 0 || in[0]/groups*pixels < enough {
			return nil, nil
		}
		l := &GroupNorm{Groups: groups, Channels: in[0], NoAffine: r.IntN(4) == 0}
		return l, l.Forward
	case kind == 2 && in.Elements() >= enough:
		l := &LayerNorm{Shape: []int{in[0], in[1], in[2]}, NoAffine: r.IntN(4) == 0}
		return l, l.Forward
	case kind == 3 && pixels >= enough:
		l := &InstanceNorm2d{Features: in[0], Affine: r.IntN(2) == 0}
		return l, l.Forward
	}
	return nil, nil
}

func drawLinear(r *rand.Rand, in Shape, _ int) (any, func(*Value) *Value) {
	l := &Linear{In: in.Elements(), Out: 1 + r.IntN(100), NoBias: r.IntN(3) == 0}
	return l, func(x *Value) *Value { return l.Forward(x.Flatten()) }
}

// drawLayerNet returns a network for up to batch pictures of a shape.
func drawLayerNet(r *rand.Rand, batch int) (*layerNet, Shape) {
	for {
		in := Shape{[]int{1, 3, 16, 1 + r.IntN(40)}[r.IntN(4)], 1 + r.IntN(9), 1 + r.IntN(9)}
		n := &layerNet{}
		n.Layer, n.forward = layerDraws[r.IntN(len(layerDraws))](r, in, batch)
		if n.Layer == nil {
			continue
		}
		switch n.Layer.(type) {
		case *MaxPool2d:
			n.gated = true
		case *BatchNorm2d, *GroupNorm, *LayerNorm, *InstanceNorm2d:
			n.norm = true
		}
		layer := n.forward
		switch r.IntN(4) {
		case 0:
			n.gated, n.forward = true, func(x *Value) *Value { return ReLU(layer(x)) }
		case 1:
			n.gated, n.forward = true, func(x *Value) *Value { return ReLU6(layer(x)) }
		}
		given := in
		if r.IntN(2) == 0 {
			given = Shape{1 + r.IntN(20), in[1], in[2]}
			if n.norm {
				given[0] += 7
			}
			n.Before = &Conv2d{In: given[0], Out: in[0], Kernel: 1}
		}
		if err := Init(n, r); err != nil {
			panic(err)
		}
		// After those whose output is pictures there may be another convolution.
		out, err := Trace(n, append([]int{1}, given...)...)
		if err != nil || len(out) == 0 {
			panic(fmt.Sprintf("%T %+v for %v: %v", n.Layer, n.Layer, in, err))
		}
		if shape := out[len(out)-1].Shape; len(shape) == 4 && r.IntN(2) == 0 {
			n.After = &Conv2d{In: shape[1], Out: 1 + r.IntN(20), Kernel: 1}
		}
		n.says = fmt.Sprintf("%T for %v (before %v, after %v): %v", n.Layer, in, n.Before != nil, n.After != nil, out)
		return n, given
	}
}

// TestRandomLayers compares the programs of random convolutions, poolings, normalisations
// and linear layers with their definitions in float64: outputs and all gradients, to 1e-5
// of the root of their mean square.
func TestRandomLayers(t *testing.T) {
	count := *configurations
	if testing.Short() {
		count = min(count, 60)
	}
	for seed := range uint64(count) {
		r := rand.New(rand.NewPCG(seed, 23))
		batch := 1 + r.IntN(7)
		net, in := drawLayerNet(r, batch)
		workers := 1 + r.IntN(4)
		err := compareLayerNet(r, net, in, batch, workers)
		if err != nil && net.gated { // twice, rounding did not decide it
			err = compareLayerNet(r, net, in, batch, workers)
		}
		if err != nil {
			t.Errorf("%d: %s, batch %d: %v", seed, net.says, batch, err)
		}
	}
}

func compareLayerNet(r *rand.Rand, net *layerNet, in Shape, batch, workers int) error {
	if err := Init(net, r); err != nil {
		return err
	}
	compiled := append(Shape{batch + r.IntN(3)}, in...)
	e := Example{Module: net, Inputs: []Spec{{Shape: compiled}}, Forward: func(x []*Value) []*Value { return []*Value{net.Forward(x[0])} }}
	table := newTableNet(e, r)
	small, err := trace(table, []int{batch, table.width()}, true)
	if err != nil {
		return err
	}
	ref := newReference[float64](small, 0, 1)
	input := make([]float32, batch*table.width())
	for i := range input {
		input[i] = float32(r.NormFloat64())
		ref.values[small.input().index].Data[i] = float64(input[i])
	}
	gradient := make([]float32, batch*small.output().shape[1:].Elements())
	for i := range gradient {
		gradient[i] = float32(r.NormFloat64())
	}
	want := ref.forward().Data
	exact := make([]float64, len(gradient))
	convert(exact, gradient)
	ref.backward(exact)
	p, err := CompileTrain(table, givenGradient{}, newSGD(), compiled[0], table.width())
	if err != nil {
		return err
	}
	defer p.team.close()
	p.SetWorkers(workers)
	if err := closeToMean("outputs", p.Forward(input), want, 0, 1); err != nil {
		return err
	}
	p.setNumbers(gradient)
	p.backward()
	names := paramNames(table)
	gradients := map[string][]float32{}
	for _, entry := range p.Gradients() {
		gradients[entry.Name()] = values(entry)
	}
	for param, wanted := range ref.paramGrads {
		name, least := names[param], 0.0
		few := 1.0 // of a sum over so many numbers about 1
		if !strings.Contains(name, "gains") {
			few = math.Sqrt(float64(batch * in[1] * in[2]))
		}
		if strings.Contains(name, ".before.") || strings.Contains(name, ".after.") {
			if least = 1; net.norm && strings.HasSuffix(name, ".before.bias") {
				continue
			}
		}
		if err := closeToMean("gradient of "+name, gradients[name], wanted.Data, least, few); err != nil {
			return err
		}
	}
	return nil
}

// closeToMean compares arrays relative to the root of the mean square of want, or to
// least; a few numbers, which may all be small by chance, to what they may be expected to
// be at least.
func closeToMean(what string, got []float32, want []float64, least, few float64) error {
	if len(got) != len(want) {
		return fmt.Errorf("%s: %d values, want %d", what, len(got), len(want))
	}
	var squares, worst float64
	at := 0
	for i, v := range want {
		squares += v * v
		if off := math.Abs(float64(got[i]) - v); !(off <= worst) {
			worst, at = off, i
		}
	}
	scale := max(math.Sqrt(squares/float64(len(want))), least)
	if len(want) < 32 {
		scale = max(scale, few)
	}
	if !(worst <= 1e-5*scale) {
		return fmt.Errorf("%s: element %d of %d is %v, want %v; the root of the mean square is %v", what, at, len(want), got[at], want[at], scale)
	}
	return nil
}
