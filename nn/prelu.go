package nn

import (
	"fmt"
	"math/rand/v2"
)

// PReLU returns x where that is above 0, and Weight*x below, as torch.nn.PReLU:
// with one Weight, or with one for each channel, the second dimension. The
// weights start at 0.25. Source: He et al. 2015, arXiv:1502.01852.
type PReLU struct {
	Count int // of weights; 0 means 1

	Weight Param // Count
}

func (l *PReLU) op() prelu {
	if l.Count == 0 {
		return prelu{1}
	}
	return prelu{l.Count}
}

// Forward adds the function to the network.
func (l *PReLU) Forward(x *Value) *Value { return Apply(l.op(), []*Param{&l.Weight}, x) }

func (l *PReLU) check() error { return l.op().check() }

func (l *PReLU) initialize(func(bound float64) float32) {
	l.Weight = NewParam(l.op().count)
	l.Weight.fill(0.25)
}

type prelu struct{ count int }

func (prelu) Name() string                          { return "prelu" }
func (prelu) BackwardReads() (inputs, outputs bool) { return true, false }

func (p prelu) check() error {
	if p.count < 1 {
		return fmt.Errorf("wants at least 1 weight, got %d", p.count)
	}
	return nil
}

func (p prelu) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = p.check()
	}
	if err == nil && p.count > 1 && (len(in) < 2 || in[1] != p.count) {
		err = fmt.Errorf("wants %d channels as second dimension, one for each weight, got the input %v", p.count, in)
	}
	return in, err
}

func (p prelu) Forward(c *Call[float32])    { preluForward(p, c) }
func (p prelu) Backward(c *Call[float32])   { preluBackward(p, c) }
func (p prelu) Forward64(c *Call[float64])  { preluForward(p, c) }
func (p prelu) Backward64(c *Call[float64]) { preluBackward(p, c) }

// weight returns which weight an element has.
func (p prelu) weight(shape Shape, i int) int {
	if p.count == 1 {
		return 0
	}
	return i / shape[2:].Elements() % p.count
}

func preluForward[T Float](p prelu, c *Call[T]) {
	x, y, w := c.Inputs[0], c.Output.Data, c.Params[0].Data
	for i, v := range x.Data {
		if v < 0 {
			v *= w[p.weight(x.Shape, i)]
		}
		y[i] = v
	}
}

func preluBackward[T Float](p prelu, c *Call[T]) {
	x, dy, w := c.Inputs[0], c.OutputGrad.Data, c.Params[0].Data
	dx, dw := c.InputGrads[0].Data, c.ParamGrads[0].Data
	for i, v := range x.Data {
		d := dy[i]
		if v <= 0 {
			k := p.weight(x.Shape, i)
			if dw != nil {
				dw[k] += d * v
			}
			d *= w[k]
		}
		if dx != nil {
			dx[i] += d
		}
	}
}

func preluExample(r *rand.Rand) Example {
	shape := anyShape(r)
	return exampleOf(&PReLU{Count: []int{0, shape[1]}[r.IntN(2)]}, shape...)
}
