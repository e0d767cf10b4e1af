package data

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"
)

func indicesOf(t *testing.T, l *Loader) []int {
	t.Helper()
	var all []int
	for _, b := range collect(t, l) {
		all = append(all, b.indices...)
	}
	return all
}

func TestOrder(t *testing.T) {
	set := numbered(t, 5)
	for _, test := range []struct {
		name  string
		order []int
		want  string
	}{
		{"all", []int{4, 2, 0, 1, 3}, ""},
		{"short", []int{4, 2}, "the loader's Sampler gave 2 numbers for epoch 0, want 5"},
		{"out of range", []int{4, 2, 0, 1, 5}, "the loader's Sampler gave the number 5 for epoch 0, want 0 to 4"},
		{"negative", []int{4, 2, 0, 1, -1}, "the loader's Sampler gave the number -1 for epoch 0, want 0 to 4"},
	} {
		l := &Loader{Dataset: set, BatchSize: 2, Shuffle: true, Sampler: Order(func(epoch, n int) []int { return test.order })}
		var got []int
		for _, b := range l.Batches() {
			got = append(got, b.Indices...)
		}
		if test.want == "" {
			if l.Err() != nil || !slices.Equal(got, test.order) {
				t.Errorf("%s: got %v and error %v, want %v", test.name, got, l.Err(), test.order)
			}
		} else if l.Err() == nil || l.Err().Error() != test.want || got != nil {
			t.Errorf("%s: got %v and error %v, want %q", test.name, got, l.Err(), test.want)
		}
	}
}

// The batches of a sampler are the same whatever the workers are, and so is
// their number.
func TestSamplersInTheLoader(t *testing.T) {
	defer goleak.VerifyNone(t)
	d := numbered(t, 20)
	weights, err := BalancedWeights(d)
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		name    string
		sampler Sampler
		want    int
	}{
		{"subset", SubsetRandomSampler{Indices: []int{3, 1, 4, 15, 9}}, 5},
		{"fewer", WeightedRandomSampler{Weights: weights, NumSamples: 7}, 7},
		{"more", WeightedRandomSampler{Weights: weights, NumSamples: 50}, 50},
		{"all", WeightedRandomSampler{Weights: weights, WithoutReplacement: true}, 20},
	} {
		load := func(workers, batch int, dropLast bool) []int {
			l := &Loader{Dataset: d, Sampler: test.sampler, Workers: workers, BatchSize: batch, DropLast: dropLast}
			got := indicesOf(t, l)
			if n := l.Len(); l.Samples() != test.want || !dropLast && n != (test.want-1)/batch+1 || dropLast && n != test.want/batch {
				t.Errorf("%s: %d batches of %d, %d samples", test.name, n, batch, l.Samples())
			}
			return got
		}
		want := load(0, 4, false)
		if len(want) != test.want {
			t.Errorf("%s: %d pictures, want %d", test.name, len(want), test.want)
		}
		for _, workers := range []int{0, 1, 3} {
			for _, batch := range []int{1, 4, 30} {
				if got := load(workers, batch, false); !slices.Equal(got, want) {
					t.Errorf("%s, %d workers: %v, want %v", test.name, workers, got, want)
				}
				if got := load(workers, batch, true); !slices.Equal(got, want[:len(want)/batch*batch]) {
					t.Errorf("%s, last dropped: %v of %v", test.name, got, want)
				}
			}
		}
	}
}

func TestSubsetRandomSampler(t *testing.T) {
	s := SubsetRandomSampler{Indices: []int{5, 9, 2, 7, 0, 1}, Seed: 3}
	first, _ := s.Order(0, 10)
	second, _ := s.Order(1, 10)
	if slices.Equal(first, second) || slices.Equal(first, s.Indices) {
		t.Errorf("epochs %v and %v", first, second)
	}
	for _, order := range [][]int{first, second} {
		slices.Sort(order)
		if !slices.Equal(order, []int{0, 1, 2, 5, 7, 9}) {
			t.Errorf("%v", order)
		}
	}
	l := &Loader{Dataset: numbered(t, 9), Sampler: s}
	for range l.Batches() {
	}
	if err := l.Err(); err == nil || !strings.Contains(err.Error(), "gave the number 9 for epoch 0, want 0 to 8") {
		t.Errorf("an index that there is not: %v", err)
	}
}

// With replacement the shares are those of the weights; without it those of the
// first places, too, and nothing comes twice.
func TestWeightedRandomSampler(t *testing.T) {
	weights := []float64{0, 1, 2, 3, 0, 4, 0}
	const draws = 100_000
	near := func(what string, got int, share float64) {
		// Five standard deviations of a binomial distribution.
		if math.Abs(float64(got)-draws*share) > 5*math.Sqrt(draws*share*(1-share)) {
			t.Errorf("%s: %d of %d, want a share of %v", what, got, draws, share)
		}
	}
	order, err := WeightedRandomSampler{Weights: weights, NumSamples: draws, Seed: 1}.Order(0, 7)
	if err != nil {
		t.Fatal(err)
	}
	counts := make([]int, 7)
	for _, i := range order {
		counts[i]++
	}
	for i, w := range weights {
		near("with replacement", counts[i], w/10)
	}

	firsts, seconds := make([]int, 7), make([]int, 7)
	for epoch := range draws {
		order, err := WeightedRandomSampler{Weights: weights, NumSamples: 4, WithoutReplacement: true}.Order(epoch, 7)
		if err != nil {
			t.Fatal(err)
		}
		firsts[order[0]]++
		seconds[order[1]]++
		slices.Sort(order)
		if !slices.Equal(order, []int{1, 2, 3, 5}) {
			t.Fatalf("drew %v", order)
		}
	}
	for i, w := range weights {
		near("first", firsts[i], w/10)
		second := 0.
		for j, other := range weights {
			if j != i {
				second += other / 10 * w / (10 - other)
			}
		}
		near("second", seconds[i], second)
	}
}

// What a seed draws is a promise. It was computed by a separate program that goes
// through the weights one by one.
func TestWeightedOrderIsPinned(t *testing.T) {
	weights := []float64{1, 0.5, 0, 3, 1e-3, 2, 0.1, 7}
	for _, test := range []struct {
		without bool
		want    []int
	}{{false, []int{7, 1, 7, 0, 7, 7, 7}}, {true, []int{7, 0, 5, 1, 3, 6, 4}}} {
		got, err := WeightedRandomSampler{Weights: weights, NumSamples: 7, WithoutReplacement: test.without, Seed: 1}.Order(0, 8)
		if err != nil || !slices.Equal(got, test.want) {
			t.Errorf("without replacement %v: %v, %v, want %v", test.without, got, err, test.want)
		}
	}
}

func TestWeightedRandomSamplerRefuses(t *testing.T) {
	for _, test := range []struct {
		sampler WeightedRandomSampler
		message string
	}{
		{WeightedRandomSampler{Weights: []float64{1}}, "the sampler has 1 weight, but the data set has 3 pictures"},
		{WeightedRandomSampler{Weights: []float64{1, -1, 1}}, "weight 1 of the sampler is -1"},
		{WeightedRandomSampler{Weights: []float64{1, 1, math.NaN()}}, "weight 2 of the sampler is NaN"},
		{WeightedRandomSampler{Weights: []float64{0, 0, 0}}, "all weights of the sampler are 0"},
		{WeightedRandomSampler{Weights: []float64{0, 1, 1}, WithoutReplacement: true}, "3 pictures cannot be drawn without replacement: 2 have a weight above 0"},
		{WeightedRandomSampler{Weights: []float64{1e308, 1e308, 1}}, "their sum is infinite"},
		{WeightedRandomSampler{Weights: []float64{1, 1, 1}, NumSamples: -1}, "the loader's Sampler takes -1 pictures an epoch"},
	} {
		l := &Loader{Dataset: numbered(t, 3), Sampler: test.sampler}
		for range l.Batches() {
			t.Error("a batch came")
		}
		if err := l.Err(); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func TestBalancedWeights(t *testing.T) {
	d := uneven(t)
	weights, err := BalancedWeights(d)
	if err != nil {
		t.Fatal(err)
	}
	sums := make([]float64, 4)
	for i, w := range weights {
		sums[d.Label(i)] += w
	}
	for class, want := range []float64{1, 1, 1, 0} {
		if math.Abs(sums[class]-want) > 1e-12 {
			t.Errorf("class %d has the weight %v, want %v", class, sums[class], want)
		}
	}
	cause := errors.New("unreadable")
	if _, err := BalancedWeights(unlabelled{faulty{numbered(t, 9), 3, nil, 0, cause}}); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
}
