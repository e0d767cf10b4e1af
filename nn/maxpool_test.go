package nn

import (
	"math"
	"testing"
)

// TestMaxPoolNaN has a NaN at every place of a window: the maximum is NaN, as PyTorch's,
// and takes the gradient.
func TestMaxPoolNaN(t *testing.T) {
	nan := float32(math.NaN())
	g, err := trace(&MaxPool2d{Kernel: 3}, Shape{1, 1, 3, 3}, true)
	if err != nil {
		t.Fatal(err)
	}
	for place := range 9 {
		ref := newReference[float32](g, 0, 1)
		x := ref.values[g.input().index].Data
		for i := range x {
			x[i] = float32(i * 5 % 9)
		}
		x[place] = nan
		if y := ref.forward().Data; y[0] == y[0] {
			t.Errorf("with a NaN at place %d the maximum is %v", place, y[0])
		}
		ref.backward([]float32{2})
		for i, d := range ref.gradients[g.input().index].Data {
			if want := map[bool]float32{true: 2}[i == place]; d != want {
				t.Errorf("with a NaN at place %d the gradient of place %d is %v, want %v", place, i, d, want)
			}
		}
		p, err := Compile(&MaxPool2d{Kernel: 3}, 1, 1, 3, 3)
		if err != nil {
			t.Fatal(err)
		}
		if y := p.Forward(x); y[0] == y[0] {
			t.Errorf("a program: with a NaN at place %d the maximum is %v", place, y[0])
		}
	}
}
