package data

import (
	"math"
	"testing"
)

// measured is a data set of numbers: example i measures 10 i.
type measured struct{ *Memory }

func (m *measured) Number(i int) float64 { return 10 * float64(i) }
func (m *measured) Scale() Scale         { return Scale{Mean: 20, Std: 5} }

func newMeasured(t *testing.T, n int) *measured {
	t.Helper()
	m, err := NewMemory(make([]byte, n), make([]byte, n), []string{"length"}, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return &measured{m}
}

// A batch has the numbers of its examples as the network is to tell them, also of a part of
// a data set and whoever prepares it.
func TestLoaderNumbers(t *testing.T) {
	whole := newMeasured(t, 7)
	part, err := NewSubset(whole, []int{6, 4, 1, 5, 0})
	if err != nil {
		t.Fatal(err)
	}
	for name, d := range map[string]Dataset{"whole": whole, "part": part, "kept": Keep(part, 1<<20)} {
		number, scale := Numbers(d)
		if number == nil || scale != whole.Scale() {
			t.Fatalf("%s: no numbers, or not their scale: %v", name, scale)
		}
		for _, workers := range []int{0, 2} {
			l := &Loader{Dataset: d, BatchSize: 3, Shuffle: true, Seed: 1, Workers: workers}
			seen := 0
			for _, b := range l.Batches() {
				if len(b.Numbers) != len(b.Labels) {
					t.Fatalf("%s: %d numbers for %d examples", name, len(b.Numbers), len(b.Labels))
				}
				for k, i := range b.Indices {
					if want := scale.Of(number(i)); b.Numbers[k] != want {
						t.Errorf("%s, %d workers: example %d has %v, want %v", name, workers, i, b.Numbers[k], want)
					}
					seen++
				}
			}
			if l.Err() != nil || seen != d.Len() {
				t.Errorf("%s, %d workers: saw %d of %d examples: %v", name, workers, seen, d.Len(), l.Err())
			}
		}
	}
	if number, _ := Numbers(whole.Memory); number != nil {
		t.Error("a data set of classes has numbers")
	}
	for _, b := range (&Loader{Dataset: whole.Memory}).Batches() {
		if b.Numbers != nil {
			t.Fatal("a batch of classes has numbers")
		}
	}
}

func TestScale(t *testing.T) {
	s := ScaleOf([]float64{2, 4, 4, 4, 5, 5, 7, 9}) // deviation 2
	if math.Abs(s.Mean-5) > 1e-12 || math.Abs(s.Std-2) > 1e-12 {
		t.Errorf("got %v, want mean 5 and deviation 2", s)
	}
	if got := s.Number(s.Of(8)); got != 8 || s.Of(8) != 1.5 {
		t.Errorf("8 becomes %v and back %v", s.Of(8), got)
	}
	if got := ScaleOf([]float64{3, 3}); got != (Scale{Mean: 3, Std: 1}) {
		t.Errorf("of equal numbers: %v", got)
	}
	if got := ScaleOf(nil); got != (Scale{Std: 1}) {
		t.Errorf("of none: %v", got)
	}
}
