package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// CheckGradients compares the gradients that a module's operations compute
// with finite differences in float64, as torch.autograd.gradcheck does: for a
// random input of the given shape (batch first) and a random weighting of the
// outputs, every derivative with respect to an input element or parameter
// element is compared with (f(x+eps) - f(x-eps)) / (2 eps), eps = 1e-6. They
// may differ by 1e-5 + 1e-3 times the size of the difference quotient
// (PyTorch's defaults). The error names the first derivative that differs.
//
// It also calls every operation that is not Batchwise for one example at a
// time, as programs may: an operation whose results then differ looks at
// other examples of its batch, and has to say so. Give a batch of at least two.
//
// The module is traced as for training. Every operation must implement Op64.
// Init must have been called; parameters and buffers are not changed.
func CheckGradients(module Module, r *rand.Rand, shape ...int) error {
	g, err := trace(module, shape, true)
	if err != nil {
		return err
	}
	return checkGradients(g, paramNames(module), r, nil)
}

// checkGradients is CheckGradients for a traced network; draw is that of an
// Example.
func checkGradients(g *graph, names map[*Param]string, r *rand.Rand, draw func(r *rand.Rand, input int) float64) error {
	for _, n := range g.nodes {
		if _, ok := n.op.(Op64); !ok {
			return fmt.Errorf("nn: %s cannot be checked: it does not implement Op64", n.op.Name())
		}
	}
	ref := newReference[float64](g, r.Uint64(), 1)
	drawInputs(ref, r, draw)
	var weightings [][]float64
	for _, out := range g.outputs {
		weighting := make([]float64, len(ref.values[out.index].Data))
		for i := range weighting {
			weighting[i] = r.NormFloat64()
		}
		weightings = append(weightings, weighting)
	}
	value := func() float64 {
		ref.forward()
		var sum float64
		for i, out := range g.outputs {
			for k, v := range ref.values[out.index].Data {
				sum += v * weightings[i][k]
			}
		}
		return sum
	}
	value()
	ref.backward(weightings...)
	if err := checkExamples(ref, names); err != nil {
		return err
	}

	// No gradient flows through some operations; to finite differences their
	// outputs are constants, which holds where they are whole numbers.
	const eps, absolute, relative = 1e-6, 1e-5, 1e-3
	check := func(what string, values, gradient []float64) error {
		for i, old := range values {
			values[i] = old + eps
			up := value()
			values[i] = old - eps
			down := value()
			values[i] = old
			want := (up - down) / (2 * eps)
			if diff := math.Abs(gradient[i] - want); !(diff <= absolute+relative*math.Abs(want)) {
				return fmt.Errorf("nn: gradient of %s, element %d: computed %g, finite difference %g", what, i, gradient[i], want)
			}
		}
		return nil
	}
	for i, in := range g.inputs {
		what := "the input"
		if len(g.inputs) > 1 {
			what = fmt.Sprintf("input %d", i)
		}
		if err := check(what, ref.values[in.index].Data, ref.gradients[in.index].Data); err != nil {
			return err
		}
	}
	for p, values := range ref.params {
		if err := check(names[p], values.Data, ref.paramGrads[p].Data); err != nil {
			return err
		}
	}
	return nil
}

// drawInputs fills the inputs with random numbers.
func drawInputs[T Float](ref *reference[T], r *rand.Rand, draw func(r *rand.Rand, input int) float64) {
	for i, in := range ref.graph.inputs {
		t := ref.values[in.index]
		for k := range t.Data {
			// Distinct values, so that no maximum has a tie within eps.
			if draw != nil {
				t.Data[k] = T(draw(r, i))
			} else {
				t.Data[k] = T(r.NormFloat64())
			}
		}
		for k := range t.Ints {
			if draw != nil {
				t.Ints[k] = int32(draw(r, i))
			} else {
				t.Ints[k] = int32(r.IntN(2))
			}
		}
	}
}

// checkExamples runs the operations that claim to treat examples as independent
// again, one example at a time, after ref has gone forward and backward.
func checkExamples[T Float](ref *reference[T], names map[*Param]string) error {
	for i, n := range ref.graph.nodes {
		if !n.examplewise() {
			continue
		}
		whole := ref.calls[i]
		same := func(a, b []T) bool {
			for k := range a {
				if math.Abs(float64(a[k]-b[k])) > 1e-9*(1+math.Abs(float64(b[k]))) {
					return false
				}
			}
			return true
		}
		liar := fmt.Errorf("nn: %s computes something else for one example alone than for the same among others: an operation that looks at other examples of its batch must say so by implementing nn.Batchwise", nodeName(n, names))
		for first := range ref.graph.batch {
			one := callOf(whole, first, 1)
			forwardOp(n.op, one)
			for o, t := range partsOf(whole.Outputs, first, 1, ref.graph.batch) {
				if !same(one.Outputs[o].Data, t.Data) {
					return liar
				}
				for k, v := range t.Ints {
					if one.Outputs[o].Ints[k] != v {
						return liar
					}
				}
			}
			if !n.hasGradient() {
				continue
			}
			// The gradients of the inputs of this operation alone.
			backwardOp(n.op, one)
			all := callOf(whole, 0, ref.graph.batch)
			forwardOp(n.op, all)
			backwardOp(n.op, all)
			for k, t := range partsOf(all.InputGrads, first, 1, ref.graph.batch) {
				if !same(one.InputGrads[k].Data, t.Data) {
					return liar
				}
			}
		}
	}
	return nil
}

// callOf returns a call for some of the examples of another, with the same
// inputs and gradients of outputs, and with room of its own for what it
// computes.
func callOf[T Float](c *Call[T], first, n int) *Call[T] {
	part := &Call[T]{N: n, First: c.First + first, Params: c.Params, Buffers: c.Buffers, Seed: c.Seed}
	part.Inputs, part.OutputGrads = partsOf(c.Inputs, first, n, c.N), partsOf(c.OutputGrads, first, n, c.N)
	blank := func(like []Tensor[T]) []Tensor[T] {
		var list []Tensor[T]
		for _, t := range like {
			room := Tensor[T]{Shape: t.Shape}
			if t.Data != nil {
				room.Data = make([]T, len(t.Data))
			}
			if t.Ints != nil {
				room.Ints = make([]int32, len(t.Ints))
			}
			list = append(list, room)
		}
		return list
	}
	part.Outputs = blank(partsOf(c.Outputs, first, n, c.N))
	part.InputGrads = blank(partsOf(c.InputGrads, first, n, c.N))
	part.ParamGrads = blank(c.ParamGrads)
	part.Output, part.OutputGrad = part.Outputs[0], part.OutputGrads[0]
	part.Saved, part.Floats, part.BatchFloats = make([]int32, len(c.Saved)/c.N*n), make([]T, len(c.Floats)/c.N*n), make([]T, len(c.BatchFloats))
	return part
}

// partsOf returns what n examples, of a batch of so many, have of some tensors.
func partsOf[T Float](tensors []Tensor[T], first, n, batch int) []Tensor[T] {
	var list []Tensor[T]
	for _, t := range tensors {
		part := Tensor[T]{Shape: t.Shape.clone()}
		part.Shape[0] = t.Shape[0] / batch * n
		if t.Data != nil {
			part.Data = t.Data[len(t.Data)/batch*first:][:len(t.Data)/batch*n]
		}
		if t.Ints != nil {
			part.Ints = t.Ints[len(t.Ints)/batch*first:][:len(t.Ints)/batch*n]
		}
		list = append(list, part)
	}
	return list
}
