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
func (l *Dropout2d) Forward(x *Value) *Value { return applyDropout(dropout{l.P, wholeChannels}, x) }

// StochasticDepth is Dropout of whole examples: put behind what a block adds to its
// input, it leaves the block out for some of them. As
// torchvision.ops.StochasticDepth in its mode "row". Source: Huang et al. 2016,
// arXiv:1603.09382.
type StochasticDepth struct{ P float64 }

// Forward adds the dropout to the network.
func (l *StochasticDepth) Forward(x *Value) *Value {
	return applyDropout(dropout{l.P, wholeExamples}, x)
}

func applyDropout(d dropout, x *Value) *Value {
	if !x.Training() && d.check() == nil {
		return x
	}
	return Apply(d, nil, x)
}

type dropout struct {
	p    float64
	unit dropoutUnit
}

// A dropoutUnit is what falls out as one.
type dropoutUnit uint8

const (
	singleElements dropoutUnit = iota
	wholeChannels
	wholeExamples
)

func (dropout) Name() string                          { return "dropout" }
func (dropout) BackwardReads() (inputs, outputs bool) { return false, false }

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
	if err == nil && d.unit == wholeChannels && len(in) < 3 {
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
	switch d.unit {
	case wholeChannels:
		run = shape[2:].Elements()
	case wholeExamples:
		run = shape[1:].Elements()
	}
	runs := shape.Elements() / run
	kept := T(0)
	if d.p < 1 {
		kept = T(1 / (1 - d.p))
	}
	for k := range runs {
		factor := T(0)
		if d.p == 0 || c.Uniform(runs/c.N, k) >= d.p {
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
	switch unit := r.IntN(3); {
	case unit == 0:
		return exampleOf(&StochasticDepth{P: p}, shape...)
	case len(shape) > 2 && unit == 1:
		return exampleOf(&Dropout2d{P: p}, shape...)
	}
	return exampleOf(&Dropout{P: p}, shape...)
}
