package nn

import (
	"math/rand/v2"
	"testing"
)

// TestLargeEmbedding trains a table so large that its gradient is computed where it is
// wanted, and one of the few rows that are looked up, whose gradient is added up in shards: both
// learn the same, though each is looked up twice, and other rows stay as they are.
func TestLargeEmbedding(t *testing.T) {
	const few, many, dim, batch, length = 9, largeParam/3 + 7, 3, 6, 5
	r := rand.New(rand.NewPCG(4, 4))
	numbers, labels := make([]float32, batch*length), make([]int, batch)
	for i := range numbers {
		numbers[i] = float32(r.IntN(few))
	}
	for i := range labels {
		labels[i] = r.IntN(2)
	}
	train := func(count, workers int) (weight []float32, before []float32) {
		m := &struct {
			function
			Table Embedding
			FC    Linear
		}{Table: Embedding{Count: count, Dim: dim, Padding: 1}, FC: Linear{In: dim, Out: 2}}
		m.function = func(x *Value) *Value {
			look := func(from int) *Value { return m.Table.Forward(Cast(Slice(x, 1, from, from+3, 1), Int32)) }
			return m.FC.Forward(Sum(Add(look(0), look(2)), false, 1))
		}
		if err := Init(m, rand.New(rand.NewPCG(1, 1))); err != nil {
			t.Fatal(err)
		}
		before = make([]float32, count*dim)
		for i := range before[dim:] {
			before[dim+i] = float32(i%11) / 11
		}
		m.Table.Weight.Write(before)
		for _, p := range []*Param{&m.FC.Weight, &m.FC.Bias} {
			Constant(p, 0.1)
		}
		m.FC.Weight.Write([]float32{0.1, -0.2, 0.3, -0.1, 0.2, 0.4})
		p, err := Training{Network: NewNetwork(m, batch, length), Loss: CrossEntropy{}, Optimizer: sgdRule{lr: 0.5, momentum: 0.9}}.Compile()
		if err != nil {
			t.Fatal(err)
		}
		defer p.team.close()
		p.SetWorkers(workers)
		for range 3 {
			p.Step(numbers, labels)
		}
		weight = make([]float32, count*dim)
		m.Table.Weight.Read(weight)
		return weight, before
	}
	want, start := train(few, 1)
	got, before := train(many, 1)
	compare(t, "rows that are looked up", got[:few*dim], want, 1e-6)
	for i, v := range got[few*dim:] {
		if v != before[few*dim+i] {
			t.Fatalf("a number of row %d, which is not looked up, was %v and is %v", few+i/dim, before[few*dim+i], v)
		}
	}
	if again, _ := train(many, 3); !sameBits([][]float32{again}, [][]float32{got}) {
		t.Error("with three workers there are other bits than with one")
	}
	if sameBits([][]float32{want}, [][]float32{start}) {
		t.Error("nothing is learnt")
	}
}
