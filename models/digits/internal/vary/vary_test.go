package vary

import (
	"math"
	"math/rand/v2"
	"testing"

	"inkling/sketch"
)

// A rewritten stroke is much like the one that was written.
func TestStrokes(t *testing.T) {
	var stroke sketch.Stroke
	for i := range 41 {
		stroke = append(stroke, sketch.Point{X: 100, Y: float64(10 * i)})
	}
	lengths := map[int]bool{}
	r := rand.New(rand.NewPCG(1, 2))
	for range 50 {
		got := Strokes(r, []sketch.Stroke{stroke})[0]
		lengths[len(got)] = true
		across, down := got[len(got)-1].X-got[0].X, got[len(got)-1].Y-got[0].Y
		if down < 350 || down > 450 || math.Abs(across/down) > math.Tan(12*math.Pi/180)+0.25*math.Exp(0.22)+0.1 {
			t.Errorf("a line of 400 down became one of %.0f across and %.0f down", across, down)
		}
	}
	if len(lengths) != 6 {
		t.Errorf("there are lines of %v points, want six kinds", lengths)
	}
}
