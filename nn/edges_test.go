package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
)

// TestGroupNormPrecision normalises small deviations from a large mean, within the
// precision that the inputs themselves have.
func TestGroupNormPrecision(t *testing.T) {
	l := &GroupNorm{Groups: 2, Channels: 4, NoAffine: true}
	g, err := trace(l, Shape{2, 4, 8, 8}, true)
	if err != nil {
		t.Fatal(err)
	}
	single, double := newReference[float32](g, 0, 1), newReference[float64](g, 0, 1)
	r := rand.New(rand.NewPCG(4, 4))
	x := single.values[g.input().index].Data
	for i := range x {
		x[i] = float32(1000 + 0.01*r.NormFloat64())
		double.values[g.input().index].Data[i] = float64(x[i])
	}
	if err := closeTo("output", single.forward().Data, double.forward().Data, 1e-5); err != nil {
		t.Error(err)
	}
}

// TestDropoutOfNaN has what falls out be zero, whatever it was.
func TestDropoutOfNaN(t *testing.T) {
	g, err := trace(&Dropout{P: 1}, Shape{1, 3}, true)
	if err != nil {
		t.Fatal(err)
	}
	ref := newReference[float32](g, 0, 1)
	copy(ref.values[g.input().index].Data, []float32{float32(math.NaN()), float32(math.Inf(1)), 1})
	for i, y := range ref.forward().Data {
		if y != 0 {
			t.Errorf("element %d is %v, want 0", i, y)
		}
	}
}

// TestEmbeddingRefusesNumbers names a number that has no row.
func TestEmbeddingRefusesNumbers(t *testing.T) {
	for _, number := range []int32{-1, 3} {
		func() {
			defer func() {
				if says, want := fmt.Sprint(recover()), fmt.Sprintf("%d is not in 0..2", number); !strings.Contains(says, want) {
					t.Errorf("panics with %q, want %q", says, want)
				}
			}()
			embedding{3, 2, -1}.row(number)
		}()
	}
}
