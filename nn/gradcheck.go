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
// Every operation of the module must implement Op64. Init must have been
// called; the parameters are not changed.
func CheckGradients(module Module, r *rand.Rand, shape ...int) error {
	g, err := trace(module, shape)
	if err != nil {
		return err
	}
	for _, n := range g.nodes {
		if _, ok := n.op.(Op64); !ok {
			return fmt.Errorf("nn: %s cannot be checked: it does not implement Op64", n.op.Name())
		}
	}
	ref := newReference[float64](g)
	input := ref.values[g.input.index].Data
	for i := range input {
		// Distinct values, so that no maximum has a tie within eps.
		input[i] = r.NormFloat64()
	}
	weighting := make([]float64, g.output.shape.Elements())
	for i := range weighting {
		weighting[i] = r.NormFloat64()
	}
	value := func() float64 {
		var sum float64
		for i, v := range ref.forward().Data {
			sum += v * weighting[i]
		}
		return sum
	}
	value()
	ref.backward(weighting)

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
	if err := check("the input", input, ref.gradients[g.input.index].Data); err != nil {
		return err
	}
	for p, name := range paramNames(module) {
		if values, used := ref.params[p]; used {
			if err := check(name, values.Data, ref.paramGrads[p].Data); err != nil {
				return err
			}
		}
	}
	return nil
}
