package nn

import (
	"fmt"
	"math/rand/v2"
)

// Dropout sets elements to zero, each with probability P, and multiplies the
// others by 1/(1-P), in a program compiled for training; in one for inference,
// and inside of AsEval, it does nothing. As torch.nn.Dropout, whose default is
// 0.5. Source: Srivastava et al. 2014, JMLR 15. What falls out is decided by the
// seed of the training, the step, the operation and the element's place in the
// batch.
type Dropout struct{ P float64 }

// Forward adds the dropout to the network.
func (l *Dropout) Forward(x *Value) *Value { return applyDropout(dropout{p: l.P}, x) }

// Dropout2d is Dropout of whole channels: of each second dimension of each
// example. As torch.nn.Dropout2d. Source: Tompson et al. 2015, arXiv:1411.4280.
type Dropout2d struct{ P float64 }

// Forward adds the dropout to the network.
func (l *Dropout2d) Forward(x *Value) *Value { return applyDropout(dropout{l.P, true}, x) }

func applyDropout(d dropout, x *Value) *Value {
	if !x.Training() && d.check() == nil {
		return x
	}
	return Apply(d, nil, x)
}

type dropout struct {
	p        float64
	channels bool // whole channels
}

func (dropout) Name() string { return "dropout" }

func (d dropout) check() error {
	if !(d.p >= 0 && d.p <= 1) {
		return fmt.Errorf("wants a probability from 0 to 1, got %v", d.p)
	}
	return nil
}

func (d dropout) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = d.check()
	}
	if err == nil && d.channels && len(in) < 3 {
		err = fmt.Errorf("wants channels and pixels, N x C x H x W, got %v", in)
	}
	return in, err
}

func (d dropout) Forward(c *Call[float32])    { dropoutForward(d, c) }
func (d dropout) Backward(c *Call[float32])   { dropoutBackward(d, c) }
func (d dropout) Forward64(c *Call[float64])  { dropoutForward(d, c) }
func (d dropout) Backward64(c *Call[float64]) { dropoutBackward(d, c) }

// factors calls visit with every element and its factor.
func dropoutFactors[T Float](d dropout, c *Call[T], visit func(i int, factor T)) {
	shape := c.Inputs[0].Shape
	run := 1 // of elements that share their fate
	if d.channels {
		run = shape[2:].Elements()
	}
	runs := shape.Elements() / run
	kept := T(0)
	if d.p < 1 {
		kept = T(1 / (1 - d.p))
	}
	for k := range runs {
		factor := T(0)
		if c.Uniform(runs/c.N, k) >= d.p {
			factor = kept
		}
		for i := k * run; i < (k+1)*run; i++ {
			visit(i, factor)
		}
	}
}

func dropoutForward[T Float](d dropout, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	dropoutFactors(d, c, func(i int, factor T) {
		if y[i] = 0; factor != 0 { // a NaN falls out, too
			y[i] = x[i] * factor
		}
	})
}

func dropoutBackward[T Float](d dropout, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx != nil {
		dropoutFactors(d, c, func(i int, factor T) { dx[i] += dy[i] * factor })
	}
}

func dropoutExample(r *rand.Rand) Example {
	shape := anyShape(r)
	p := r.Float64()
	if len(shape) > 2 && r.IntN(2) == 0 {
		return exampleOf(&Dropout2d{P: p}, shape...)
	}
	return exampleOf(&Dropout{P: p}, shape...)
}
