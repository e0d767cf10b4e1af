package nn

import (
	"fmt"
	"math/rand/v2"
)

// Linear is a fully connected layer, y = x Wᵀ + b as torch.nn.Linear:
// N x In to N x Out, and N x ... x In to N x ... x Out.
type Linear struct {
	In, Out int // features
	NoBias  bool

	Weight Param // Out x In
	Bias   Param // Out
}

// Forward adds the layer to the network.
func (l *Linear) Forward(x *Value) *Value {
	params := []*Param{&l.Weight}
	if !l.NoBias {
		params = append(params, &l.Bias)
	}
	return Apply(linear{l.In, l.Out}, params, x)
}

func (l *Linear) check() error { return linear{l.In, l.Out}.check() }

func (l *Linear) initialize(uniform func(bound float64) float32) {
	bound := fanInBound(l.In)
	l.Weight.allocate(Shape{l.Out, l.In}, []int{roundUp(l.In, 8), 1}, roundUp(l.In, 8)*roundUp(l.Out, 8))
	l.Weight.draw(bound, uniform)
	if !l.NoBias {
		l.Bias.allocate(Shape{l.Out}, []int{1}, roundUp(l.Out, 8))
		l.Bias.draw(bound, uniform)
	}
}

type linear struct{ in, out int }

func (linear) Name() string                          { return "linear" }
func (linear) BackwardReads() (inputs, outputs bool) { return true, false }

func (l linear) check() error {
	if l.in < 1 || l.out < 1 {
		return fmt.Errorf("wants at least 1 input and 1 output feature, got in %d, out %d", l.in, l.out)
	}
	return nil
}

func (l linear) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = l.check()
	}
	if err == nil && len(in) < 2 {
		err = fmt.Errorf("wants an input of shape N x F, got %v", in)
	}
	if err != nil {
		return nil, err
	}
	out := in.clone()
	if features := in[len(in)-1]; features != l.in {
		if len(in) > 2 && in[1:].Elements() == l.in {
			return nil, fmt.Errorf("wants %d input features, got the input %v: Flatten pictures first", l.in, in)
		}
		return nil, fmt.Errorf("wants %d input features, got %d", l.in, features)
	}
	out[len(in)-1] = l.out
	return out, nil
}

func (l linear) Forward(c *Call[float32])    { linearForward(l, c) }
func (l linear) Backward(c *Call[float32])   { linearBackward(l, c) }
func (l linear) Forward64(c *Call[float64])  { linearForward(l, c) }
func (l linear) Backward64(c *Call[float64]) { linearBackward(l, c) }

func linearForward[T Float](l linear, c *Call[T]) {
	w := c.Params[0].Data
	for n := range len(c.Output.Data) / l.out {
		x := c.Inputs[0].Data[n*l.in:][:l.in]
		y := c.Output.Data[n*l.out:][:l.out]
		for o := range y {
			var sum T
			for i, v := range x {
				sum += v * w[o*l.in+i]
			}
			if len(c.Params) > 1 {
				sum += c.Params[1].Data[o]
			}
			y[o] = sum
		}
	}
}

func linearBackward[T Float](l linear, c *Call[T]) {
	w, dw := c.Params[0].Data, c.ParamGrads[0].Data
	for n := range len(c.OutputGrad.Data) / l.out {
		x := c.Inputs[0].Data[n*l.in:][:l.in]
		for o, d := range c.OutputGrad.Data[n*l.out:][:l.out] {
			if dw != nil {
				for i, v := range x {
					dw[o*l.in+i] += d * v
				}
			}
			if dx := c.InputGrads[0].Data; dx != nil {
				for i := range x {
					dx[n*l.in+i] += d * w[o*l.in+i]
				}
			}
			if len(c.Params) > 1 && c.ParamGrads[1].Data != nil {
				c.ParamGrads[1].Data[o] += d
			}
		}
	}
}

func linearExample(r *rand.Rand) Example {
	l := &Linear{In: 1 + r.IntN(9), Out: 1 + r.IntN(9), NoBias: r.IntN(4) == 0}
	if r.IntN(3) == 0 {
		return exampleOf(l, 1+r.IntN(6), 1+r.IntN(3), l.In)
	}
	return exampleOf(l, 1+r.IntN(6), l.In)
}
