package nn

import (
	"math/rand/v2"
	"slices"
	"testing"
)

// TestTogether compares what workers compute that go through the stages together with
// what one computes alone, to the bit.
func TestTogether(t *testing.T) {
	examples := smallNetworks()
	for _, d := range operations {
		if e, _ := drawExample(d, 0); e.Module != nil {
			examples[d.Op.Name()] = e
		}
	}
	for name, e := range examples {
		r := rand.New(rand.NewPCG(5, 5))
		if err := Init(e.Module, r); err != nil {
			t.Fatal(name, err)
		}
		net := newTableNet(e, r)
		alone, err := Compile(net, 4, net.width())
		if err != nil {
			t.Fatal(name, err)
		}
		alone.SetWorkers(1)
		several, err := Compile(net, 4, net.width())
		if err != nil {
			t.Fatal(name, err)
		}
		several.together, several.work = several.togetherPhases(), together
		input := make([]float32, 4*net.width())
		for i := range input {
			input[i] = float32(r.IntN(2))
		}
		for _, workers := range []int{5, 3} {
			several.SetWorkers(workers)
			for n := 1; n <= 4; n++ {
				part := input[:n*net.width()]
				if want, got := alone.Forward(part), several.Forward(part); !slices.Equal(got, want) && !slices.ContainsFunc(want, isNaN) {
					t.Errorf("%s: %d examples on %d workers: %v, alone %v", name, n, workers, got, want)
				}
			}
		}
	}
}

func isNaN(v float32) bool { return v != v }

// TestTurns lets examples go through parts of the stages in turn, and compares with what
// comes of all together, to the bit.
func TestTurns(t *testing.T) {
	for name, e := range smallNetworks() {
		r := rand.New(rand.NewPCG(6, 6))
		if err := Init(e.Module, r); err != nil {
			t.Fatal(name, err)
		}
		net := newTableNet(e, r)
		const batch = 13
		want, err := Compile(net, batch, net.width())
		if err != nil {
			t.Fatal(name, err)
		}
		input := make([]float32, batch*net.width())
		for i := range input {
			input[i] = float32(r.NormFloat64())
		}
		for length := 1; length <= 4; length++ {
			got, err := Compile(net, batch, net.width())
			if err != nil {
				t.Fatal(name, err)
			}
			for _, ph := range got.phases {
				for i, s := range ph {
					s.turn = 1 + i/length
					s.inTurn = 1 + s.turn%3
				}
			}
			got.SetWorkers(got.workers + 1) // lays out the memory
			if !slices.Equal(got.Forward(input), want.Forward(input)) {
				t.Errorf("%s: other numbers with turns of %d stages", name, length)
			}
		}
	}
}
