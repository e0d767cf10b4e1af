package nn

import (
	"math"
	"math/rand/v2"
	"testing"

	"inkling/internal/kernel"
)

// curveCases are the functions that have kernels, with settings of all kinds.
var curveCases = []interface {
	name() string
	value(x float64) float64
	slope(x, y float64) float64
	curve() kernel.Curve
}{
	clamp{0, 6}, clamp{-1.25, 0.75}, leakyReLU{0.01}, leakyReLU{-0.3},
	elu{1, 1}, elu{1.6732632423543772848170429916717, 1.0507009873554804934193349852946}, elu{0.3, 2},
	exponential{}, sigmoid{}, silu{}, tanh{}, gelu{}, geluTanh{}, mish{},
	softplus{1, 20}, softplus{2.5, 3}, softplus{0.5, 1000}, hardsigmoid{}, hardswish{},
}

// curvePlaces are numbers of every magnitude and the neighbourhood of zero, where the
// functions bend, and the edges of all.
func curvePlaces() []float32 {
	r := rand.New(rand.NewPCG(1, 1))
	var list []float32
	for bits := uint64(0); bits < 1<<32; bits += 1 << 19 {
		list = append(list, math.Float32frombits(uint32(bits)+r.Uint32N(1<<19)))
	}
	for i := range 12000 {
		list = append(list, float32(i-6000)/60+float32(r.Float64()/60))
		list = append(list, float32(3*r.NormFloat64()))
	}
	for _, edge := range []float32{0, 1, 3, 6, 16, 20, 86.99, 87.3, 87.68, 88, 88.376, 88.7228, 89, 100, 103.9, 1e-38, 1e-45, math.MaxFloat32} {
		for _, v := range []float32{edge, -edge} {
			list = append(list, v, math.Nextafter32(v, 1e30), math.Nextafter32(v, -1e30))
		}
	}
	return append(list, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()), float32(math.Copysign(0, -1)))
}

// TestCurves holds each set's kernels to the definitions.
func TestCurves(t *testing.T) {
	places := curvePlaces()
	n := len(places)
	y, at, dx, dy := make([]float32, n), make([]float32, n), make([]float32, n), make([]float32, n)
	for _, set := range kernel.Names() {
		if err := kernel.Use(set); err != nil {
			t.Fatal(err)
		}
		for _, f := range curveCases {
			worst := map[string]float64{}
			check := func(what string, x, got float32, want float64) {
				if want != want && got != got || float64(got) == want || float32(want) == got {
					return
				}
				scale := max(1, math.Abs(float64(x)), math.Abs(want))
				e := math.Abs(float64(got)-want) / scale
				worst[what] = max(worst[what], e)
				if !(e <= kernel.CurveError) {
					t.Errorf("%s: %s of %v at %v is %v, want %v", set, what, f, x, got, want)
				}
			}
			c := f.curve()
			c.Values(y, places)
			for i, x := range places {
				check("value", x, y[i], f.value(float64(x)))
			}
			copy(at, places)
			if _, ok := f.(interface{ ofOutput() }); ok {
				copy(at, y)
			}
			clear(dx)
			for i := range dy {
				dy[i] = 1
			}
			c.AddSlopes(dx, dy, at)
			for i, x := range at {
				check("slope", x, dx[i], f.slope(float64(x), float64(x)))
			}
			t.Logf("%s: %s %v: %.2f and %.2f units of the last place", set, f.name(), f, worst["value"]*(1<<23), worst["slope"]*(1<<23))
		}
	}
	kernel.Use("")
}
