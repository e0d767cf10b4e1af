package kernel

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"
)

// curveExamples are curves of all forms.
func curveExamples() []Curve {
	var list []Curve
	for form := NoForm + 1; form < formCount; form++ {
		list = append(list, Curve{form, 0.25, 2.5})
	}
	return list
}

// TestCurve compares arrays of all lengths up to a few vectors with plain Go, and every
// element with what it is alone: its bits may not depend on its place. What the functions are is
// a test of package nn.
func TestCurve(t *testing.T) {
	eachSet(t, func(t *testing.T) {
		r := rand.New(rand.NewPCG(7, 7))
		draw := func() float32 {
			if r.IntN(20) == 0 {
				return []float32{float32(math.NaN()), float32(math.Inf(1)), float32(math.Inf(-1)), 0, 1e-40, -200, 200}[r.IntN(7)]
			}
			return float32(3 * r.NormFloat64())
		}
		for _, c := range curveExamples() {
			for n := range 36 {
				what := fmt.Sprintf("form %d, %d elements", c.Form, n)
				x, dy := newGuarded(n, draw), newGuarded(n, normal(r))
				got, want := newGuarded(n, draw), make([]float32, n)
				c.Values(got.data, x.data)
				curveValuesPlain(c, want, x.data)
				got.check(t, what)
				for i, v := range want {
					if got.data[i] != v {
						near(t, what, got.data[i:i+1], []float32{v}, max(1, math.Abs(float64(v)))/10)
					}
				}
				alone := make([]float32, 1)
				for i := range n {
					c.Values(alone, x.data[i:i+1])
					if same := math.Float32bits(alone[0]) == math.Float32bits(got.data[i]); !same {
						t.Fatalf("%s: element %d is %v alone, %v among others", what, i, alone[0], got.data[i])
					}
				}
				inPlace := x.clone()
				c.Values(inPlace.data, inPlace.data)
				for i, v := range got.data {
					if math.Float32bits(v) != math.Float32bits(inPlace.data[i]) {
						t.Fatalf("%s: element %d is %v in place, %v apart", what, i, inPlace.data[i], v)
					}
				}

				dx := newGuarded(n, normal(r))
				before, plainly := dx.clone(), dx.clone()
				c.AddSlopes(dx.data, dy.data, x.data)
				dx.check(t, what)
				curveSlopesPlain(c, plainly.data, dy.data, x.data)
				for i, v := range plainly.data {
					alone[0] = before.data[i]
					c.AddSlopes(alone, dy.data[i:i+1], x.data[i:i+1])
					if math.Float32bits(alone[0]) != math.Float32bits(dx.data[i]) {
						t.Fatalf("%s: the gradient of element %d is %v alone, %v among others", what, i, alone[0], dx.data[i])
					}
					if dx.data[i] != v { // infinite ones, too
						near(t, what+", gradients", dx.data[i:i+1], []float32{v}, max(1, math.Abs(float64(v)))/10)
					}
				}
			}
		}
	})
}

// BenchmarkCurve tells how many thousand million elements a second, of arrays in the first cache.
func BenchmarkCurve(b *testing.B) {
	const n = 2048
	r := rand.New(rand.NewPCG(1, 1))
	x, y, dx := make([]float32, n), make([]float32, n), make([]float32, n)
	for i := range x {
		x[i] = float32(2 * r.NormFloat64())
	}
	names := [formCount]string{"", "Clamp", "LeakyReLU", "ELU", "Exp", "Sigmoid", "SiLU", "Tanh", "GELU", "GELUTanh", "Mish", "Softplus", "Hardsigmoid", "Hardswish"}
	for _, c := range curveExamples() {
		run := func(name string, do func()) {
			b.Run(names[c.Form]+"/"+name, func(b *testing.B) { fastest(b, n, do) })
		}
		run("values", func() { c.Values(y, x) })
		run("slopes", func() { c.AddSlopes(dx, y, x) })
	}
}

// fastest tells of n elements a call how many thousand million a second the fastest call
// had: other processes make the mean mean little.
func fastest(b *testing.B, n float64, do func()) {
	best := time.Hour
	for b.Loop() {
		start := time.Now()
		do()
		best = min(best, time.Since(start))
	}
	b.ReportMetric(n/float64(best.Nanoseconds()), "G/s")
}
