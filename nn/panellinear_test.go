package nn

import (
	"math/rand/v2"
	"testing"
)

// TestPanelLinear puts layers that are large enough for panels, and some whose rows are
// several an example, through the checks of the table of operations.
func TestPanelLinear(t *testing.T) {
	for name, e := range map[string]Example{
		"large":          exampleOf(&Linear{In: 515, Out: 131}, 9, 515),
		"without bias":   exampleOf(&Linear{In: 1024, Out: 72, NoBias: true}, 9, 1024),
		"many rows":      exampleOf(&Linear{In: 515, Out: 131}, 25, 515),
		"several rows":   exampleOf(&Linear{In: 24, Out: 27}, 3, 5, 24),
		"rows of planes": exampleOf(&Linear{In: 16, Out: 40, NoBias: true}, 3, 2, 3, 16),
	} {
		r := rand.New(rand.NewPCG(19, 19))
		if err := Init(e.Module, r); err != nil {
			t.Fatal(err)
		}
		forward := e.Forward
		e.Forward = func(x []*Value) []*Value { return []*Value{ReLU(forward(x)[0])} }
		if err := checkPrograms(e, r); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
}
