package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

func TestUpTo(t *testing.T) {
	network := &struct {
		Sequential
	}{Sequential{&Conv2d{In: 1, Out: 2, Kernel: 3}, Func(ReLU), Func((*Value).Flatten), &Linear{In: 32, Out: 3}}}
	if err := Init(network, rand.New(rand.NewPCG(1, 2))); err != nil {
		t.Fatal(err)
	}
	picture := make([]float32, 36)
	for i := range picture {
		picture[i] = float32(i%7) - 3
	}
	operations, err := Trace(network, 1, 1, 6, 6)
	if err != nil {
		t.Fatal(err)
	}
	for i, op := range operations {
		p, err := Compile(UpTo(network, i), 1, 1, 6, 6)
		if err != nil {
			t.Fatal(i, err)
		}
		if !p.OutputShape().Equal(op.Shape) {
			t.Errorf("up to %d, a %s, the output is %v, want %v", i, op.Name, p.OutputShape(), op.Shape)
		}
		got := slices.Clone(p.Forward(picture))
		// The layers by hand, one after another.
		by, err := Compile(network.Sequential[:i+1], 1, 1, 6, 6)
		if err != nil {
			t.Fatal(i, err)
		}
		if want := by.Forward(picture); !slices.Equal(got, want) {
			t.Errorf("up to %d: %v, want %v", i, got, want)
		}
	}
	for _, bad := range []int{-1, len(operations)} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("a network compiles up to operation %d of %d", bad, len(operations))
				}
			}()
			Compile(UpTo(network, bad), 1, 1, 6, 6)
		}()
	}
}

// Without draws new layers have weights of zero, and the initialisers leave what is there.
func TestInitWithoutDraws(t *testing.T) {
	network := &struct {
		Conv  Conv2d
		Embed Embedding
		FC    Linear
	}{Conv2d{In: 1, Out: 2, Kernel: 3}, Embedding{Count: 3, Dim: 2}, Linear{In: 32, Out: 3}}
	if err := InitUniform(network, nil); err != nil {
		t.Fatal(err)
	}
	check := func(want float32) {
		t.Helper()
		for _, e := range State(network) {
			values := make([]float32, Shape(e.Shape()).Elements())
			e.Read(values)
			if slices.ContainsFunc(values, func(v float32) bool { return v != want }) {
				t.Errorf("%s is %v, want %v", e.Name(), values, want)
			}
		}
	}
	check(0)
	for _, p := range []*Param{&network.Conv.Weight, &network.Conv.Bias, &network.Embed.Weight, &network.FC.Weight, &network.FC.Bias} {
		Constant(p, 2)
		Uniform(p, nil, 0, 1)
		Normal(p, nil, 0, 1)
		TruncNormal(p, nil, 0, 1, -2, 2)
		if len(p.Shape()) > 1 {
			KaimingUniform(p, nil, FanIn, 1)
			KaimingNormal(p, nil, FanIn, 1)
			XavierUniform(p, nil, 1)
			XavierNormal(p, nil, 1)
		}
	}
	check(2)
}
