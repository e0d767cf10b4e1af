package nn

import (
	"fmt"
	"math/rand/v2"
)

// ReLU returns max(x, 0), element by element. A NaN stays a NaN, and lets no gradient
// through (PyTorch lets it).
func ReLU(x *Value) *Value { return Apply(relu{}, nil, x) }

type relu struct{}

func (relu) elementwise() bool { return true }

func (relu) Name() string                          { return "relu" }
func (relu) BackwardReads() (inputs, outputs bool) { return false, true }

func (relu) OutputShape(inputs []Shape) (Shape, error) {
	return oneInput(inputs)
}

func (relu) Forward(c *Call[float32])    { reluForward(c) }
func (relu) Backward(c *Call[float32])   { reluBackward(c) }
func (relu) Forward64(c *Call[float64])  { reluForward(c) }
func (relu) Backward64(c *Call[float64]) { reluBackward(c) }

func reluForward[T Float](c *Call[T]) {
	for i, v := range c.Inputs[0].Data {
		if v < 0 {
			v = 0
		}
		c.Output.Data[i] = v
	}
}

func reluBackward[T Float](c *Call[T]) {
	if dx := c.InputGrads[0].Data; dx != nil {
		for i, y := range c.Output.Data {
			if y > 0 {
				dx[i] += c.OutputGrad.Data[i]
			}
		}
	}
}

// flatten is the operation behind Value.Flatten. Compiled programs do not copy
// for it: the result is another view of the same memory.
type flatten struct{}

func (flatten) view() {}

func (flatten) Name() string                          { return "flatten" }
func (flatten) BackwardReads() (inputs, outputs bool) { return false, false }

func (flatten) OutputShape(inputs []Shape) (Shape, error) {
	if len(inputs) != 1 || len(inputs[0]) < 2 {
		return nil, fmt.Errorf("wants one input with a batch and at least one more dimension, got %v", inputs)
	}
	return Shape{inputs[0][0], inputs[0][1:].Elements()}, nil
}

func (flatten) Forward(c *Call[float32])    { copy(c.Output.Data, c.Inputs[0].Data) }
func (flatten) Backward(c *Call[float32])   { flattenBackward(c) }
func (flatten) Forward64(c *Call[float64])  { copy(c.Output.Data, c.Inputs[0].Data) }
func (flatten) Backward64(c *Call[float64]) { flattenBackward(c) }

func flattenBackward[T Float](c *Call[T]) {
	for i := range c.InputGrads[0].Data {
		c.InputGrads[0].Data[i] += c.OutputGrad.Data[i]
	}
}

func reluExample(r *rand.Rand) Example {
	return exampleOfFunc(func(x []*Value) *Value { return ReLU(x[0]) }, anyShape(r))
}

func flattenExample(r *rand.Rand) Example {
	return exampleOfFunc(func(x []*Value) *Value { return x[0].Flatten() }, anyShape(r))
}
