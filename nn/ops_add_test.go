package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestOperationsAdd checks that gradients are added to what is there, as values
// that are read twice need.
func TestOperationsAdd(t *testing.T) {
	eachExample(t, exampleSeeds, func(e Example, r *rand.Rand) error {
		g, err := traceAll(e.Module, e.Inputs, e.Forward, true, nil)
		if err != nil {
			return err
		}
		ref := newReference[float64](g, 1, 1)
		drawInputs(ref, r, e.Draw)
		ref.forward()
		for i, n := range g.nodes {
			if !n.hasGradient() {
				continue
			}
			for _, dy := range ref.calls[i].OutputGrads {
				for k := range dy.Data {
					dy.Data[k] = r.NormFloat64()
				}
			}
			gradients := func(before float64) (all []Tensor[float64]) {
				c := callOf(ref.calls[i], 0, ref.calls[i].N)
				all = append(append(all, c.InputGrads...), c.ParamGrads...)
				for _, to := range all {
					for k := range to.Data {
						to.Data[k] = before
					}
				}
				forwardOp(n.op, c)
				backwardOp(n.op, c)
				return all
			}
			from0, from3 := gradients(0), gradients(3)
			for k, want := range from0 {
				for j, v := range want.Data {
					if got := from3[k].Data[j] - 3; !(math.Abs(got-v) <= 1e-9*(1+math.Abs(v))) {
						return fmt.Errorf("%s: gradient %d adds %v to 3, and %v to 0", n.op.Name(), k, got, v)
					}
				}
			}
		}
		return nil
	})
}
