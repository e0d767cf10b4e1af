package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// A Named module has its name in the state dict, in any slice, and its neighbours
// keep their numbers.
func TestNamed(t *testing.T) {
	m := &struct {
		Features Sequential
		Heads    []Named
		Func
	}{
		Features: Sequential{Named{"conv0", &Linear{In: 2, Out: 3, NoBias: true}}, &Linear{In: 3, Out: 3}, Named{"last", Sequential{&Linear{In: 3, Out: 1, NoBias: true}}}},
		Heads:    []Named{{"a", &Linear{In: 1, Out: 2}}},
	}
	m.Func = func(x *Value) *Value { return m.Heads[0].Forward(m.Features.Forward(x)) }
	if err := Init(m, rand.New(rand.NewPCG(0, 0))); err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range State(m) {
		names = append(names, e.Name())
	}
	if want := []string{"features.conv0.weight", "features.1.weight", "features.1.bias", "features.last.0.weight", "heads.a.weight", "heads.a.bias"}; !slices.Equal(names, want) {
		t.Errorf("the state dict has %v, want %v", names, want)
	}
	p, err := Compile(m, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if !p.OutputShape().Equal(Shape{1, 2}) {
		t.Errorf("the output is %v", p.OutputShape())
	}
}
