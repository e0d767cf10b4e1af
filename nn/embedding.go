package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Embedding looks up a row of Weight for every whole number of its input, an
// Int32 value, as torch.nn.Embedding: N x ... to N x ... x Dim.
type Embedding struct {
	Count int // of rows: the numbers are 0 to Count-1
	Dim   int
	// Padding is a number, counted from 1, whose row is zero at first and is not
	// trained: PyTorch's padding_idx plus one. 0 means none.
	Padding int

	Weight Param // Count x Dim
}

func (l *Embedding) op() embedding { return embedding{l.Count, l.Dim, l.Padding - 1} }

// Forward adds the look-up to the network.
func (l *Embedding) Forward(x *Value) *Value { return Apply(l.op(), []*Param{&l.Weight}, x) }

func (l *Embedding) check() error { return l.op().check() }

// initialize draws from the normal distribution, as PyTorch does.
func (l *Embedding) initialize(uniform func(bound float64) float32) {
	l.Weight = NewParam(l.Count, l.Dim)
	l.Weight.set(normals(0, 1, uniform))
	if l.Padding > 0 {
		clear(l.Weight.data[(l.Padding-1)*l.Dim:][:l.Dim])
	}
}

// normals returns draws from a normal distribution, by Box and Muller's formula from
// pairs of uniform draws.
func normals(mean, deviation float64, uniform func(bound float64) float32) func() float32 {
	if uniform == nil {
		return nil
	}
	share := func() float64 { return float64(uniform(0.5)) + 0.5 } // from [0, 1)
	var second float32
	drawn := false
	return func() float32 {
		if drawn = !drawn; !drawn {
			return second
		}
		radius, angle := math.Sqrt(-2*math.Log1p(-min(share(), 1-1e-7))), 2*math.Pi*share()
		second = float32(mean + deviation*radius*math.Sin(angle))
		return float32(mean + deviation*radius*math.Cos(angle))
	}
}

type embedding struct{ count, dim, padding int }

func (embedding) Name() string                          { return "embedding" }
func (embedding) BackwardReads() (inputs, outputs bool) { return true, false }

func (e embedding) check() error {
	if e.count < 1 || e.dim < 1 || e.padding >= e.count || e.padding < -1 {
		return fmt.Errorf("wants a count and a dimension of at least 1 and a padding from 0 to the count, got count %d, dimension %d, padding %d", e.count, e.dim, e.padding+1)
	}
	return nil
}

func (e embedding) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = e.check()
	}
	return append(in.clone(), e.dim), err
}

// Outputs wants Int32.
func (e embedding) Outputs(inputs []Spec) ([]Spec, error) {
	if len(inputs) != 1 || inputs[0].Type != Int32 {
		return nil, fmt.Errorf("wants one int32 input, got %v; Cast converts numbers", typesOf(inputs))
	}
	shape, err := e.OutputShape(shapesOf(inputs))
	return []Spec{{Shape: shape}}, err
}

func (e embedding) Forward(c *Call[float32])    { embeddingForward(e, c) }
func (e embedding) Backward(c *Call[float32])   { embeddingBackward(e, c) }
func (e embedding) Forward64(c *Call[float64])  { embeddingForward(e, c) }
func (e embedding) Backward64(c *Call[float64]) { embeddingBackward(e, c) }

func (e embedding) wants([]Shape) (input, count int) { return 0, e.count }

// row returns the row of a number. It panics where there is none.
func (e embedding) row(number int32) int {
	if number < 0 || int(number) >= e.count {
		panic(refusedNumber{int(number), e.count})
	}
	return int(number) * e.dim
}

func embeddingForward[T Float](e embedding, c *Call[T]) {
	for i, number := range c.Inputs[0].Ints {
		copy(c.Output.Data[i*e.dim:][:e.dim], c.Params[0].Data[e.row(number):])
	}
}

func embeddingBackward[T Float](e embedding, c *Call[T]) {
	dw := c.ParamGrads[0].Data
	if dw == nil {
		return
	}
	for i, number := range c.Inputs[0].Ints {
		if int(number) == e.padding {
			continue
		}
		row := dw[e.row(number):][:e.dim]
		for k, d := range c.OutputGrad.Data[i*e.dim:][:e.dim] {
			row[k] += d
		}
	}
}

func embeddingExample(r *rand.Rand) Example {
	l := &Embedding{Count: 2 + r.IntN(5), Dim: 1 + r.IntN(4), Padding: max(r.IntN(4)-1, 0)}
	shape := Shape{1 + r.IntN(5)}
	for range r.IntN(3) {
		shape = append(shape, 1+r.IntN(4))
	}
	e := exampleOf(l)
	e.Inputs = []Spec{{shape, Int32}}
	e.Draw = func(r *rand.Rand, _ int) float64 {
		number := r.IntN(l.Count)
		if number == l.Padding-1 { // has no gradient, though it counts
			number = (number + 1) % l.Count
		}
		return float64(number)
	}
	return e
}
