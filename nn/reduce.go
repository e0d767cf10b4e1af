package nn

import (
	"fmt"
	"math/rand/v2"
)

// Mean returns the mean over some dimensions after the batch (all of them if
// none are given), counted from the end where negative, as torch.mean. The
// dimensions vanish, or with keep become 1.
func Mean(x *Value, keep bool, dims ...int) *Value {
	return Apply(meanOver{newReduction(x, keep, dims)}, nil, x)
}

// Sum returns the sum over some dimensions, as Mean does the mean.
func Sum(x *Value, keep bool, dims ...int) *Value {
	return Apply(sumOver{newReduction(x, keep, dims)}, nil, x)
}

// Max returns the maximum over some dimensions, as torch.amax: where several
// elements are the largest, they share the gradient evenly. A NaN counts as
// largest.
func Max(x *Value, keep bool, dims ...int) *Value {
	return Apply(maxOver{newReduction(x, keep, dims)}, nil, x)
}

// reduction is over which dimensions an operation goes.
type reduction struct {
	over [maxRank]bool
	keep bool
	bad  int // a dimension that there is not, or 0
}

func newReduction(x *Value, keep bool, over []int) reduction {
	r := reduction{keep: keep}
	rank := len(x.shape)
	if len(over) == 0 {
		for d := 1; d < min(rank, maxRank); d++ {
			r.over[d] = true
		}
	}
	for _, d := range over {
		if at := fromEnd(d, rank); at >= 1 && at < min(rank, maxRank) {
			r.over[at] = true
		} else {
			r.bad = d
			if at == 0 {
				r.over[0] = true
			}
		}
	}
	return r
}

func (r reduction) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err != nil {
		return nil, err
	}
	if len(in) > maxRank {
		return nil, fmt.Errorf("wants at most %d dimensions, got %v", maxRank, in)
	}
	if r.over[0] {
		return nil, fmt.Errorf("wants dimensions after the batch, got dimension 0 of %v", in)
	}
	if r.bad != 0 {
		return nil, fmt.Errorf("wants dimensions of 1 to %d, got %d for the input %v", len(in)-1, r.bad, in)
	}
	var out Shape
	for d, size := range in {
		switch {
		case !r.over[d]:
			out = append(out, size)
		case r.keep:
			out = append(out, 1)
		}
	}
	return out, nil
}

// each calls visit with every element of the input and the element of the output
// that it belongs to.
func (r reduction) each(in Shape, visit func(i, o int)) {
	var strides [maxRank]int
	step := 1
	for d := len(in) - 1; d >= 0; d-- {
		if !r.over[d] {
			strides[d] = step
			step *= in[d]
		}
	}
	walkStrides(in, &strides, visit)
}

// walkStrides calls visit with the number of each element of a shape, in
// row-major order, and its offset by other strides.
func walkStrides(shape Shape, strides *[maxRank]int, visit func(i, offset int)) {
	var at [maxRank]int
	offset := 0
	for i := range shape.Elements() {
		visit(i, offset)
		for d := len(shape) - 1; d >= 0; d-- {
			at[d]++
			offset += strides[d]
			if at[d] < shape[d] {
				break
			}
			offset -= at[d] * strides[d]
			at[d] = 0
		}
	}
}

// elements is how many elements of the input make one of the output.
func (r reduction) elements(in Shape) int {
	n := 1
	for d, size := range in {
		if r.over[d] {
			n *= size
		}
	}
	return n
}

type meanOver struct{ reduction }

func (meanOver) Name() string                          { return "mean" }
func (meanOver) BackwardReads() (inputs, outputs bool) { return false, false }
func (m meanOver) Forward(c *Call[float32])            { sumForward(m.reduction, c, true) }
func (m meanOver) Backward(c *Call[float32])           { sumBackward(m.reduction, c, true) }
func (m meanOver) Forward64(c *Call[float64])          { sumForward(m.reduction, c, true) }
func (m meanOver) Backward64(c *Call[float64])         { sumBackward(m.reduction, c, true) }

type sumOver struct{ reduction }

func (sumOver) Name() string                          { return "sum" }
func (sumOver) BackwardReads() (inputs, outputs bool) { return false, false }
func (s sumOver) Forward(c *Call[float32])            { sumForward(s.reduction, c, false) }
func (s sumOver) Backward(c *Call[float32])           { sumBackward(s.reduction, c, false) }
func (s sumOver) Forward64(c *Call[float64])          { sumForward(s.reduction, c, false) }
func (s sumOver) Backward64(c *Call[float64])         { sumBackward(s.reduction, c, false) }

func sumForward[T Float](r reduction, c *Call[T], mean bool) {
	x, y := c.Inputs[0].Data, c.Output.Data
	clear(y)
	r.each(c.Inputs[0].Shape, func(i, o int) { y[o] += x[i] })
	if mean {
		multiply(y, 1/T(r.elements(c.Inputs[0].Shape)))
	}
}

func sumBackward[T Float](r reduction, c *Call[T], mean bool) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx == nil {
		return
	}
	factor := T(1)
	if mean {
		factor = 1 / T(r.elements(c.Inputs[0].Shape))
	}
	r.each(c.Inputs[0].Shape, func(i, o int) { dx[i] += dy[o] * factor })
}

type maxOver struct{ reduction }

func (maxOver) Name() string { return "amax" }

// Saves asks for the number of largest elements, of each output.
func (m maxOver) Saves(inputs []Shape) Saves {
	out, err := m.OutputShape(inputs)
	if err != nil {
		return Saves{}
	}
	return Saves{Indices: out[1:].Elements()}
}

func (m maxOver) Forward(c *Call[float32])    { maxForward(m.reduction, c) }
func (m maxOver) Backward(c *Call[float32])   { maxBackward(m.reduction, c) }
func (m maxOver) Forward64(c *Call[float64])  { maxForward(m.reduction, c) }
func (m maxOver) Backward64(c *Call[float64]) { maxBackward(m.reduction, c) }

func maxForward[T Float](r reduction, c *Call[T]) {
	x, y, count := c.Inputs[0].Data, c.Output.Data, c.Saved
	clear(count)
	r.each(c.Inputs[0].Shape, func(i, o int) {
		switch {
		case count[o] == 0 || x[i] > y[o] || x[i] != x[i] && y[o] == y[o]:
			y[o], count[o] = x[i], 1
		case x[i] == y[o]:
			count[o]++
		}
	})
}

func maxBackward[T Float](r reduction, c *Call[T]) {
	x, y, dx, dy := c.Inputs[0].Data, c.Output.Data, c.InputGrads[0].Data, c.OutputGrad.Data
	if dx == nil {
		return
	}
	r.each(c.Inputs[0].Shape, func(i, o int) {
		if x[i] == y[o] {
			dx[i] += dy[o] / T(c.Saved[o])
		}
	})
}

func reductionExample(f func(x *Value, keep bool, dims ...int) *Value) func(r *rand.Rand) Example {
	return func(r *rand.Rand) Example {
		shape := anyShape(r)
		var over []int
		for d := 1; d < len(shape); d++ {
			if r.IntN(2) == 0 {
				over = append(over, d-len(shape)*r.IntN(2))
			}
		}
		keep := r.IntN(2) == 0
		return exampleOfFunc(func(x []*Value) *Value { return f(x[0], keep, over...) }, shape)
	}
}

func multiply[T Float](row []T, factor T) {
	for i := range row {
		row[i] *= factor
	}
}
