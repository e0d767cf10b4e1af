package optim

import (
	"math"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"inkling/internal/kernel"
	"inkling/nn"
)

// denormalOf returns a number among values that is not zero and yet below what
// becomes zero, or 0 if there is none.
func denormalOf(values []float32) float32 {
	i := slices.IndexFunc(values, func(v float32) bool { return v != 0 && math.Abs(float64(v)) < kernel.Smallest })
	if i < 0 {
		return 0
	}
	return values[i]
}

// TestSlotsDecayToZero leaves every optimizer without a gradient, in every setting
// that gives it another slot, on every set of kernels, until what it keeps must
// have become zero. On the way nothing may be so small that processors are slow
// with it.
func TestSlotsDecayToZero(t *testing.T) {
	for _, settings := range []struct{ name, text string }{
		{"sgd", "momentum=0.5"},
		{"sgd", "momentum=0.5 nesterov=true"},
		{"adam", "betas=0.5,0.5"},
		{"adamw", "betas=0.5,0.5"},
		{"rmsprop", "alpha=0.5 momentum=0.5 centered=true"},
	} {
		for _, set := range kernel.Names() {
			t.Run(settings.name+" "+settings.text+" "+set, func(t *testing.T) {
				if err := kernel.Use(set); err != nil {
					t.Fatal(err)
				}
				defer kernel.Use("")
				kind, err := Find(settings.name)
				if err != nil {
					t.Fatal(err)
				}
				o := kind.New()
				if err := SetAll(o.Settings(), settings.text); err != nil {
					t.Fatal(err)
				}
				embedding := &nn.Embedding{Count: 5, Dim: 7}
				if err := nn.Init(embedding, rand.New(rand.NewPCG(1, 1))); err != nil {
					t.Fatal(err)
				}
				program := compileRows(t, embedding, o, 4)
				program.StepAll([]int{0, 1, 2, 3}, rows(0, 1, 2, 3))
				if o.Slots() == 0 || allZero(numbers(program.OptimizerState(0)[0])) {
					t.Fatal("the optimizer keeps nothing, and the test tests nothing")
				}
				for range 300 {
					program.StepAll([]int{0, 0, 0, 0}, rows(4, 4, 4, 4))
					for slot := range o.Slots() {
						if v := denormalOf(numbers(program.OptimizerState(slot)[0])); v != 0 {
							t.Fatalf("%s holds %g, which should be 0", o.SlotNames()[slot], v)
						}
					}
				}
				for slot := range o.Slots() {
					if idle := numbers(program.OptimizerState(slot)[0])[:4*7]; !allZero(idle) {
						t.Errorf("%s of idle rows holds %v, want zeros", o.SlotNames()[slot], idle)
					}
				}
			})
		}
	}
}

func allZero(values []float32) bool {
	return !slices.ContainsFunc(values, func(v float32) bool { return v != 0 })
}

// compileRows compiles the training of an embedding whose rows are logits.
func compileRows(t testing.TB, embedding *nn.Embedding, o Optimizer, batch int) *nn.TrainProgram {
	t.Helper()
	network := nn.Network{Module: embedding, Inputs: []nn.Spec{{Shape: nn.Shape{batch}, Type: nn.Int32}},
		Forward: func(in []*nn.Value) []*nn.Value { return []*nn.Value{embedding.Forward(in[0])} }}
	program, err := network.CompileTrain(nn.CrossEntropy{}, o)
	if err != nil {
		t.Fatal(err)
	}
	return program
}

func numbers(e nn.Entry) []float32 {
	values := make([]float32, nn.Shape(e.Shape()).Elements())
	e.Read(values)
	return values
}

func rows(numbers ...int32) nn.Tensor[float32] {
	return nn.Tensor[float32]{Shape: nn.Shape{len(numbers)}, Ints: numbers}
}

// TestIdleEmbedding is a large table of which a batch uses a few rows: what Adam
// keeps of all others must end, and the rows must stay where they are from then on.
func TestIdleEmbedding(t *testing.T) {
	const dim, batch = 128, 64
	count := 16_000
	if testing.Short() {
		count = 1_000
	}
	embedding := &nn.Embedding{Count: count, Dim: dim}
	if err := nn.Init(embedding, rand.New(rand.NewPCG(1, 1))); err != nil {
		t.Fatal(err)
	}
	adam := NewAdam(0.001)
	adam.Betas = [2]float64{0.01, 0.01} // so that a second is enough
	program := compileRows(t, embedding, adam, batch)
	labels, r := make([]int, batch), rand.New(rand.NewPCG(1, 2))
	step := func(below int) {
		used := make([]int32, batch)
		for i := range used {
			used[i], labels[i] = int32(r.IntN(below)), r.IntN(dim)
		}
		program.StepAll(labels, rows(used...))
	}
	for range 3 {
		step(count)
	}
	state := make([]float32, count*dim)
	read := func(slot int) []float32 {
		program.OptimizerState(slot)[0].Read(state)
		return state
	}
	for range 20 {
		step(10)
		for slot, name := range adam.SlotNames() {
			if v := denormalOf(read(slot)); v != 0 {
				t.Fatalf("%s holds %g, which should be 0", name, v)
			}
		}
	}
	for slot, name := range adam.SlotNames() {
		if values := read(slot); allZero(values[:10*dim]) || !allZero(values[10*dim:]) {
			t.Errorf("%s of the rows in use is all zero, or that of idle rows is not", name)
		}
	}
	before := numbers(nn.State(embedding)[0])
	step(10)
	if after := numbers(nn.State(embedding)[0]); !slices.Equal(before[10*dim:], after[10*dim:]) {
		t.Error("idle rows still move")
	}
}

// TestMuonDecays is TestSlotsDecayToZero for the rule that wants a whole matrix.
func TestMuonDecays(t *testing.T) {
	muon, shape := NewMuon(0.1), []int{2, 3}
	parameter, gradient := make([]float32, 6), []float32{1, -2, 3, -4, 5, -6}
	slots, scratch := [][]float32{make([]float32, 6)}, make([]float32, muon.Scratch(shape))
	for step := range 2_000 {
		muon.Begin(step + 1)
		muon.UpdateTensor(shape, parameter, gradient, slots, scratch)
		if clear(gradient); step == 0 && allZero(slots[0]) {
			t.Fatal("Muon keeps nothing, and the test tests nothing")
		}
		if v := denormalOf(slots[0]); v != 0 {
			t.Fatalf("the momentum is %g, which should be 0", v)
		}
	}
	if !allZero(slots[0]) {
		t.Errorf("the momentum is %v, want zeros", slots[0])
	}
}

// BenchmarkIdleEmbedding tells how long a step takes with Adam's usual settings at first and
// after 10,000 steps, when what it keeps of the rows that no batch uses has decayed. It takes
// one to two minutes: go test ./optim -run '^$' -bench IdleEmbedding -benchtime 1x
func BenchmarkIdleEmbedding(b *testing.B) {
	const count, dim, batch, steps, timed = 16_000, 128, 64, 10_000, 301
	labels, used, r := make([]int, batch), make([]int32, batch), rand.New(rand.NewPCG(1, 2))
	// start returns a step that uses the rows below a number, after each row had a
	// gradient once, or some.
	start := func() (step func(below int) time.Duration) {
		embedding := &nn.Embedding{Count: count, Dim: dim}
		if err := nn.Init(embedding, rand.New(rand.NewPCG(1, 1))); err != nil {
			b.Fatal(err)
		}
		program := compileRows(b, embedding, NewAdam(0.001), batch)
		step = func(below int) time.Duration {
			for i := range used {
				used[i], labels[i] = int32(r.IntN(below)), r.IntN(dim)
			}
			start := time.Now()
			program.StepAll(labels, rows(used...))
			return time.Since(start)
		}
		for range 3 {
			step(count)
		}
		return step
	}
	for b.Loop() {
		old := start()
		for range steps {
			old(10)
		}
		// In turns, so that both meet the same machine.
		fresh := start()
		var first, last []time.Duration
		for range timed {
			first, last = append(first, fresh(10)), append(last, old(10))
		}
		slices.Sort(first)
		slices.Sort(last)
		b.ReportMetric(float64(first[timed/2].Microseconds()), "µs/step-at-first")
		b.ReportMetric(float64(last[timed/2].Microseconds()), "µs/step-after-10000")
	}
}
