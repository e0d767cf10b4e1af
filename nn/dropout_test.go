package nn

import (
	"math"
	"testing"
)

// TestDropout counts what falls out of ones, and checks what is left.
func TestDropout(t *testing.T) {
	const p = 0.3
	for name, c := range map[string]struct {
		layer Module
		shape Shape
		run   int // elements that share their fate
	}{"elements": {&Dropout{P: p}, Shape{50, 400}, 1}, "channels": {&Dropout2d{P: p}, Shape{50, 40, 2, 5}, 10}, "examples": {&StochasticDepth{P: p}, Shape{2000, 2, 5}, 10}} {
		g, err := trace(c.layer, c.shape, true)
		if err != nil {
			t.Fatal(name, err)
		}
		masks := [2][]float32{}
		for step := range masks {
			ref := newReference[float32](g, 5, 1+step)
			x := ref.values[g.input().index].Data
			for i := range x {
				x[i] = 1
			}
			masks[step] = ref.forward().Data
		}
		out, same := 0, 0
		for i, v := range masks[0] {
			switch {
			case v == 0:
				out++
			case math.Abs(float64(v)-1/(1-p)) > 1e-6:
				t.Fatalf("%s: element %d is %v, want 0 or %v", name, i, v, 1/(1-p))
			}
			if v != masks[0][i/c.run*c.run] {
				t.Fatalf("%s: element %d has another fate than those it belongs to", name, i)
			}
			if v == masks[1][i] {
				same++
			}
		}
		n := float64(len(masks[0]))
		if share := float64(out) / n; math.Abs(share-p) > 0.04 {
			t.Errorf("%s: %.3f of the elements fall out, want %v", name, share, p)
		}
		// Two steps agree by chance alone: (1-p)² + p².
		if share := float64(same) / n; math.Abs(share-0.58) > 0.05 {
			t.Errorf("%s: two steps agree in %.3f of the elements, want 0.58", name, share)
		}
		if g, err = trace(c.layer, c.shape, false); err != nil || len(g.nodes) != 0 {
			t.Errorf("%s: for inference there are %d operations, %v", name, len(g.nodes), err)
		}
	}
}
