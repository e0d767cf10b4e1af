package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
)

// TestAdam wants the bits of plain Go from every set, where numbers are ordinary, too
// small to be kept, zero, infinite or none.
func TestAdam(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(8, 8))
		draw := func() float32 {
			edges := []float32{0, 1e-30, 1.2e-30, -1.1e-30, 1e-40, 1e-16, float32(math.Inf(1)), float32(math.NaN())}
			if r.IntN(8) == 0 {
				return edges[r.IntN(len(edges))]
			}
			return float32(r.NormFloat64())
		}
		positive := func() float32 { return float32(math.Abs(float64(draw()))) }
		for n := range 40 {
			for _, a := range []Adam{
				{Shrink: 1, Keep1: 0.9, Add1: 0.1, Keep2: 0.999, Add2: 0.001, Step: 0.01, Correction: 0.0316, Eps: 1e-8},
				{Shrink: 0.9999, Keep1: 0.8, Add1: 0.2, Keep2: 0.99, Add2: 0.01, Step: 0.003, Correction: 0.7, Eps: 1e-5},
				{Shrink: 1, GradientDecay: 0.1, Keep2: 0.5, Add1: 1, Add2: 0.5, Step: 0.1, Correction: 1},
			} {
				got := [4]guarded{newGuarded(n, draw), newGuarded(n, draw), newGuarded(n, draw), newGuarded(n, positive)}
				var want [4]guarded
				for i, g := range got {
					want[i] = g.clone()
				}
				a.Update(got[0].data, got[1].data, got[2].data, got[3].data, nil)
				updateAdamPlain(&a, want[0].data, want[1].data, want[2].data, want[3].data)
				for i, name := range []string{"parameter", "gradient", "mean", "mean square"} {
					what := fmt.Sprintf("%d elements of %+v: %s", n, a, name)
					got[i].check(t, what)
					for k, v := range want[i].data {
						if g := got[i].data[k]; math.Float32bits(g) != math.Float32bits(v) && !(g != g && v != v) {
							t.Fatalf("%s %d is %v, the plain kernel says %v", what, k, g, v)
						}
					}
				}
			}
		}
	})
}

func BenchmarkAdam(b *testing.B) {
	const n = 2048
	r := rand.New(rand.NewPCG(1, 1))
	var x [4][]float32
	for i := range x {
		x[i] = make([]float32, n)
		for k := range x[i] {
			x[i][k] = float32(math.Abs(r.NormFloat64()))
		}
	}
	a := Adam{Shrink: 1, Keep1: 0.9, Add1: 0.1, Keep2: 0.999, Add2: 0.001, Step: 0.01, Correction: 0.0316, Eps: 1e-8}
	fastest(b, n, func() { a.Update(x[0], x[1], x[2], x[3], nil) })
}
