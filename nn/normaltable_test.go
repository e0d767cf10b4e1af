package nn

import (
	"math"
	"testing"
)

// TestGELUTable holds the fast form to the definition, at the table's places, between them
// and beyond its limits.
func TestGELUTable(t *testing.T) {
	var x []float32
	for i := -9000; i <= 9000; i++ {
		x = append(x, float32(i)/1000)
	}
	for _, edge := range []float64{-normalLimit, normalLimit, 0} {
		v := float32(edge)
		x = append(x, v, math.Nextafter32(v, 100), math.Nextafter32(v, -100))
	}
	x = append(x, 1e30, -1e30, float32(math.Inf(1)), float32(math.Inf(-1)), float32(math.NaN()))
	y, dx, dy := make([]float32, len(x)), make([]float32, len(x)), make([]float32, len(x))
	for i := range x {
		dx[i], dy[i] = 1, 2
	}
	gelu{}.values(y, x)
	gelu{}.addSlopes(dx, dy, x)
	same := func(what string, at, got float32, want float64) {
		if math.IsNaN(want) && got != got || float64(got) == want {
			return
		}
		if !(math.Abs(float64(got)-want) <= 1.5e-7*max(1, math.Abs(want))) {
			t.Errorf("%s of %v is %v, want %v", what, at, got, want)
		}
	}
	for i, v := range x {
		same("value", v, y[i], gelu{}.value(float64(v)))
		same("1+2*slope", v, dx[i], 1+2*gelu{}.slope(float64(v), 0))
	}
}
