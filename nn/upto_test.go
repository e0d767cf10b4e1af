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
