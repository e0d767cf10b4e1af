package nn

import (
	"fmt"
	"math/rand/v2"
)

// Add returns a + b, element by element. Both have the same number of
// dimensions; where one has the size 1, its only element counts for all of the
// other's, as PyTorch broadcasts. The batch is the same. It is also what joins
// a residual connection.
func Add(a, b *Value) *Value { return Apply(pairwise[addition]{}, nil, a, b) }

// Sub returns a - b, as Add does a + b.
func Sub(a, b *Value) *Value { return Apply(pairwise[subtraction]{}, nil, a, b) }

// Mul returns a * b, as Add does a + b.
func Mul(a, b *Value) *Value { return Apply(pairwise[multiplication]{}, nil, a, b) }

// Div returns a / b, as Add does a + b.
func Div(a, b *Value) *Value { return Apply(pairwise[division]{}, nil, a, b) }

// Operators of two numbers, with their derivatives.
type (
	addition       struct{}
	subtraction    struct{}
	multiplication struct{}
	division       struct{}
)

type pairFunction interface {
	comparable
	name() string
}

func (addition) name() string       { return "add" }
func (subtraction) name() string    { return "sub" }
func (multiplication) name() string { return "mul" }
func (division) name() string       { return "div" }

// pairwise is an operation of two inputs, element by element. F is the operator.
type pairwise[F pairFunction] struct{ f F }

func (b pairwise[F]) Name() string { return b.f.name() }

// BackwardReads: the slopes of a sum do not depend on what is added.
func (b pairwise[F]) BackwardReads() (inputs, outputs bool) {
	name := b.Name()
	return name != addition{}.name() && name != subtraction{}.name(), false
}

// elementwise is true where zeros make a finite number.
func (b pairwise[F]) elementwise() bool { return b.Name() != division{}.name() }

func (b pairwise[F]) OutputShape(inputs []Shape) (Shape, error) { return broadcast(inputs) }

// broadcast is the shape of several tensors' elements taken together.
func broadcast(inputs []Shape) (Shape, error) {
	if len(inputs) < 2 {
		return nil, fmt.Errorf("wants two inputs, got %d", len(inputs))
	}
	out := inputs[0].clone()
	for _, in := range inputs[1:] {
		if len(in) != len(out) || len(in) > maxRank {
			return nil, fmt.Errorf("wants inputs of one number of dimensions, at most %d, got %v; Reshape can add dimensions of 1", maxRank, inputs)
		}
		for d, size := range in {
			switch {
			case size == out[d] || size == 1 && d > 0:
			case out[d] == 1 && d > 0:
				out[d] = size
			default:
				return nil, fmt.Errorf("wants inputs whose dimensions are equal or 1, got %v", inputs)
			}
		}
	}
	return out, nil
}

// broadcastStrides sets the offset of a step along each dimension of out in a
// tensor that is broadcast to it.
func broadcastStrides(in, out Shape, strides *[maxRank]int) {
	step := 1
	for d := len(in) - 1; d >= 0; d-- {
		strides[d] = 0
		if in[d] == out[d] {
			strides[d] = step
		}
		step *= in[d]
	}
}

// eachPair calls visit with the number of each element of out and the offsets
// in a and b, which are broadcast to it.
func eachPair(a, b, out Shape, visit func(i, j, k int)) {
	if a.Equal(out) && b.Equal(out) {
		for i := range out.Elements() {
			visit(i, i, i)
		}
		return
	}
	var sa, sb, at [maxRank]int
	broadcastStrides(a, out, &sa)
	broadcastStrides(b, out, &sb)
	j, k := 0, 0
	for i := range out.Elements() {
		visit(i, j, k)
		for d := len(out) - 1; d >= 0; d-- {
			at[d]++
			j += sa[d]
			k += sb[d]
			if at[d] < out[d] {
				break
			}
			j -= at[d] * sa[d]
			k -= at[d] * sb[d]
			at[d] = 0
		}
	}
}

func (b pairwise[F]) Forward(c *Call[float32])    { pairForward(any(b.f), c) }
func (b pairwise[F]) Backward(c *Call[float32])   { pairBackward(any(b.f), c) }
func (b pairwise[F]) Forward64(c *Call[float64])  { pairForward(any(b.f), c) }
func (b pairwise[F]) Backward64(c *Call[float64]) { pairBackward(any(b.f), c) }

func pairForward[T Float](operator any, c *Call[T]) {
	a, b, y := c.Inputs[0], c.Inputs[1], c.Output
	var visit func(i, j, k int)
	switch operator.(type) {
	case addition:
		visit = func(i, j, k int) { y.Data[i] = a.Data[j] + b.Data[k] }
	case subtraction:
		visit = func(i, j, k int) { y.Data[i] = a.Data[j] - b.Data[k] }
	case multiplication:
		visit = func(i, j, k int) { y.Data[i] = a.Data[j] * b.Data[k] }
	case division:
		visit = func(i, j, k int) { y.Data[i] = a.Data[j] / b.Data[k] }
	}
	eachPair(a.Shape, b.Shape, y.Shape, visit)
}

func pairBackward[T Float](operator any, c *Call[T]) {
	a, b, dy := c.Inputs[0], c.Inputs[1], c.OutputGrad.Data
	da, db := c.InputGrads[0].Data, c.InputGrads[1].Data
	var toA, toB func(i, j, k int)
	switch operator.(type) {
	case addition:
		toA = func(i, j, k int) { da[j] += dy[i] }
		toB = func(i, j, k int) { db[k] += dy[i] }
	case subtraction:
		toA = func(i, j, k int) { da[j] += dy[i] }
		toB = func(i, j, k int) { db[k] -= dy[i] }
	case multiplication:
		toA = func(i, j, k int) { da[j] += dy[i] * b.Data[k] }
		toB = func(i, j, k int) { db[k] += dy[i] * a.Data[j] }
	case division:
		toA = func(i, j, k int) { da[j] += dy[i] / b.Data[k] }
		toB = func(i, j, k int) { db[k] -= dy[i] * a.Data[j] / (b.Data[k] * b.Data[k]) }
	}
	if da != nil {
		eachPair(a.Shape, b.Shape, c.Output.Shape, toA)
	}
	if db != nil {
		eachPair(a.Shape, b.Shape, c.Output.Shape, toB)
	}
}

// broadcastShapes draws the shapes of two tensors that go together.
func broadcastShapes(r *rand.Rand) (a, b Shape) {
	a = anyShape(r)
	b = a.clone()
	for d := 1; d < len(a); d++ {
		switch r.IntN(4) {
		case 0:
			a[d] = 1
		case 1:
			b[d] = 1
		}
	}
	return a, b
}

func pairExample(f func(a, b *Value) *Value) func(r *rand.Rand) Example {
	return func(r *rand.Rand) Example {
		a, b := broadcastShapes(r)
		e := exampleOfFunc(func(x []*Value) *Value { return f(x[0], x[1]) }, a, b)
		e.Draw = func(r *rand.Rand, input int) float64 {
			if input == 1 { // no divisor near zero
				return float64(2*r.IntN(2)-1) * (0.5 + r.Float64())
			}
			return r.NormFloat64()
		}
		return e
	}
}
