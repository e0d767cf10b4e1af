package nn

import (
	"fmt"
	"math/rand/v2"
)

// Equal returns whether a = b, element by element, as a Bool value. Both are
// of one type, Float32 or Int32, and broadcast as by Add. So do the other
// comparisons, which are PyTorch's eq, ne, lt, le, gt and ge.
func Equal(a, b *Value) *Value { return Apply(comparison{relation: equal}, nil, a, b) }

// NotEqual returns whether a and b differ.
func NotEqual(a, b *Value) *Value { return Apply(comparison{relation: notEqual}, nil, a, b) }

// Less returns whether a < b.
func Less(a, b *Value) *Value { return Apply(comparison{relation: less}, nil, a, b) }

// LessEqual returns whether a <= b.
func LessEqual(a, b *Value) *Value { return Apply(comparison{relation: lessEqual}, nil, a, b) }

// Greater returns whether a > b.
func Greater(a, b *Value) *Value { return Less(b, a) }

// GreaterEqual returns whether a >= b.
func GreaterEqual(a, b *Value) *Value { return LessEqual(b, a) }

type relation uint8

const (
	equal relation = iota
	notEqual
	less
	lessEqual
)

type comparison struct{ relation relation }

func (comparison) Name() string { return "compare" }

func (comparison) OutputShape(inputs []Shape) (Shape, error) { return broadcast(inputs) }

func (comparison) Outputs(inputs []Spec) ([]Spec, error) {
	shape, err := broadcast(shapesOf(inputs))
	if err == nil && inputs[0].Type != inputs[1].Type {
		err = fmt.Errorf("wants inputs of one type, got %v and %v; Cast converts them", inputs[0].Type, inputs[1].Type)
	}
	return []Spec{{shape, Bool}}, err
}

func (o comparison) Forward(c *Call[float32])   { compareForward(o.relation, c) }
func (comparison) Backward(*Call[float32])      {}
func (o comparison) Forward64(c *Call[float64]) { compareForward(o.relation, c) }
func (comparison) Backward64(*Call[float64])    {}

func compareForward[T Float](r relation, c *Call[T]) {
	a, b, y := c.Inputs[0], c.Inputs[1], c.Output
	eachPair(a.Shape, b.Shape, y.Shape, func(i, j, k int) {
		var holds bool
		if a.Data != nil {
			holds = related(r, a.Data[j], b.Data[k])
		} else {
			holds = related(r, a.Ints[j], b.Ints[k])
		}
		y.Ints[i] = truth(holds)
	})
}

func related[N interface{ ~int32 | ~float32 | ~float64 }](r relation, a, b N) bool {
	switch r {
	case equal:
		return a == b
	case notEqual:
		return a != b
	case less:
		return a < b
	}
	return a <= b
}

// Where returns a where mask, a Bool value, is true, and b where it is not; all
// broadcast as by Add. As torch.where.
func Where(mask, a, b *Value) *Value { return Apply(where{}, nil, mask, a, b) }

type where struct{}

func (where) Name() string                          { return "where" }
func (where) BackwardReads() (inputs, outputs bool) { return true, false }

func (where) OutputShape(inputs []Shape) (Shape, error) { return broadcast(inputs) }

func (where) Outputs(inputs []Spec) ([]Spec, error) {
	if len(inputs) != 3 || inputs[0].Type != Bool || inputs[1].Type != Float32 || inputs[2].Type != Float32 {
		return nil, fmt.Errorf("wants a bool mask and two float32 inputs, got %v", typesOf(inputs))
	}
	shape, err := broadcast(shapesOf(inputs))
	return []Spec{{Shape: shape}}, err
}

func typesOf(specs []Spec) []Type {
	types := make([]Type, len(specs))
	for i, s := range specs {
		types[i] = s.Type
	}
	return types
}

func (where) Forward(c *Call[float32])    { whereForward(c) }
func (where) Backward(c *Call[float32])   { whereBackward(c) }
func (where) Forward64(c *Call[float64])  { whereForward(c) }
func (where) Backward64(c *Call[float64]) { whereBackward(c) }

func whereForward[T Float](c *Call[T]) {
	mask, y := c.Inputs[0], c.Output
	for side, from := range c.Inputs[1:] {
		eachPair(mask.Shape, from.Shape, y.Shape, func(i, j, k int) {
			if (mask.Ints[j] == 0) == (side == 1) {
				y.Data[i] = from.Data[k]
			}
		})
	}
}

func whereBackward[T Float](c *Call[T]) {
	mask, dy := c.Inputs[0], c.OutputGrad.Data
	for side, to := range c.InputGrads[1:] {
		if to.Data == nil {
			continue
		}
		eachPair(mask.Shape, c.Inputs[1+side].Shape, c.Output.Shape, func(i, j, k int) {
			if (mask.Ints[j] == 0) == (side == 1) {
				to.Data[k] += dy[i]
			}
		})
	}
}

func compareExample(r *rand.Rand) Example {
	a, b := broadcastShapes(r)
	kind := Type(r.IntN(2))
	f := []func(a, b *Value) *Value{Equal, NotEqual, Less, LessEqual, Greater, GreaterEqual}[r.IntN(6)]
	return Example{Inputs: []Spec{{a, kind}, {b, kind}}, Forward: func(x []*Value) []*Value { return []*Value{f(x[0], x[1])} }}
}

func whereExample(r *rand.Rand) Example {
	a, b := broadcastShapes(r)
	mask := a.clone()
	for d := 1; d < len(mask); d++ {
		if mask[d] = max(a[d], b[d]); r.IntN(4) == 0 {
			mask[d] = 1
		}
	}
	return Example{Inputs: []Spec{{mask, Bool}, {Shape: a}, {Shape: b}}, Forward: func(x []*Value) []*Value { return []*Value{Where(x[0], x[1], x[2])} }}
}
