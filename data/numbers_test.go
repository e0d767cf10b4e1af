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

// Labels that are called as numbers are shown as such, also of a part that is kept; the scale
// is the outermost view's.
func TestMeasured(t *testing.T) {
	classes, err := NewMemory([]byte{0, 1, 2, 3}, []byte{1, 0, 2, 1}, []string{"-1", "2.5", "10"}, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	numbers, err := ClassNumbers(classes)
	if err != nil {
		t.Fatal(err)
	}
	part, err := NewSubset(Keep(NewMeasured(classes, "length", numbers), 1<<20), []int{3, 1, 2})
	if err != nil {
		t.Fatal(err)
	}
	number, scale := Numbers(part)
	if number == nil || number(0) != 2.5 || number(1) != -1 || number(2) != 10 || scale != ScaleOf([]float64{2.5, -1, 10, 2.5}) {
		t.Errorf("the numbers are not those of the labels, or not the scale: %v", scale)
	}
	own := Scale{Mean: 1, Std: 2}
	if _, scale := Numbers(NewMeasured(part, "length", []float64{0, 0, 0}).WithScale(own)); scale != own {
		t.Errorf("the scale is %v, want %v", scale, own)
	}
	if d, i := Origin(part, 1); d != Dataset(classes) || i != 1 {
		t.Errorf("example 1 is %d of %T", i, d)
	}
	pixels, label, err := part.Example(0)
	if err != nil || label != 0 || pixels[0] != 3 || len(part.Classes()) != 1 || part.Classes()[0] != "length" {
		t.Errorf("example 0 is %v with label %d of %v: %v", pixels, label, part.Classes(), err)
	}
	if labels, err := Labels(part); err != nil || labels[2] != 0 {
		t.Errorf("labels %v, %v", labels, err)
	}
	named, err := NewMemory([]byte{0}, []byte{0}, []string{"cat"}, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := ClassNumbers(named); err == nil {
		t.Error("a cat is a number")
	}
}

func TestFraction(t *testing.T) {
	for want, labels := range map[string][]string{"0.5": {"2.5", "1", "0.5"}, "": {"1", "2.0", "3e1"}, "-.5": {"-.5"}} {
		if got := Fraction(labels); got != want {
			t.Errorf("%v: %q, want %q", labels, got, want)
		}
	}
	if got := Fraction([]string{"0.5", "cat"}); got != "" {
		t.Errorf("cats have the fraction %s", got)
	}
}
