package nn

import (
	"fmt"
	"math/rand/v2"
)

// Cast converts values to another type, as torch.Tensor.to: Float32 to Int32
// drops the fraction, to Bool it asks whether a number is not zero. Gradients flow
// from Float32 to Float32 alone.
func Cast(x *Value, to Type) *Value { return Apply(cast{to}, nil, x) }

type cast struct{ to Type }

func (cast) Name() string { return "cast" }

func (cast) OutputShape(inputs []Shape) (Shape, error) { return oneInput(inputs) }

func (c cast) Outputs(inputs []Spec) ([]Spec, error) {
	if c.to > Bool {
		return nil, fmt.Errorf("there is no %v", c.to)
	}
	shape, err := oneInput(shapesOf(inputs))
	return []Spec{{shape, c.to}}, err
}

func (o cast) Forward(c *Call[float32])    { castForward(o, c) }
func (o cast) Backward(c *Call[float32])   { castBackward(c) }
func (o cast) Forward64(c *Call[float64])  { castForward(o, c) }
func (o cast) Backward64(c *Call[float64]) { castBackward(c) }

func castForward[T Float](o cast, c *Call[T]) {
	in, out := c.Inputs[0], c.Output
	for i := range in.Shape.Elements() {
		switch {
		case in.Data != nil && out.Data != nil:
			out.Data[i] = in.Data[i]
		case out.Data != nil:
			out.Data[i] = T(in.Ints[i])
		case o.to == Bool && in.Data != nil:
			out.Ints[i] = truth(in.Data[i] != 0)
		case o.to == Bool:
			out.Ints[i] = truth(in.Ints[i] != 0)
		case in.Data != nil:
			out.Ints[i] = int32(in.Data[i])
		default:
			out.Ints[i] = in.Ints[i]
		}
	}
}

func castBackward[T Float](c *Call[T]) {
	for i := range c.InputGrads[0].Data {
		c.InputGrads[0].Data[i] += c.OutputGrad.Data[i]
	}
}

// truth is a Bool's element.
func truth(b bool) int32 {
	if b {
		return 1
	}
	return 0
}

func castExample(r *rand.Rand) Example {
	types := []Type{Float32, Int32, Bool}
	from, to := types[r.IntN(3)], types[r.IntN(3)]
	return Example{
		Inputs:  []Spec{{anyShape(r), from}},
		Forward: func(x []*Value) []*Value { return []*Value{Cast(x[0], to)} },
	}
}
