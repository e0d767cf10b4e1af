package data

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestByLength looks at epochs: every sample comes once, batches are of like lengths, and
// each epoch has an order of its own, that of its seed.
func TestByLength(t *testing.T) {
	const n, batch = 1003, 10
	r := rand.New(rand.NewPCG(1, 1))
	s := ByLength{BatchSize: batch, Seed: 3}
	for range n {
		s.Lengths = append(s.Lengths, 1+r.IntN(100))
	}
	first, err := s.Order(0, n)
	if err != nil {
		t.Fatal(err)
	}
	if sorted := slices.Sorted(slices.Values(first)); sorted[0] != 0 || sorted[n-1] != n-1 || len(slices.Compact(sorted)) != n {
		t.Error("not every sample comes once")
	}
	spread := 0
	var middle []int
	for b := range slices.Chunk(first[:n/batch*batch], batch) {
		of := func(i int) int { return s.Lengths[i] }
		shortest, longest := of(b[0]), of(b[0])
		for _, i := range b {
			shortest, longest = min(shortest, of(i)), max(longest, of(i))
		}
		spread += longest - shortest
		middle = append(middle, longest)
	}
	// 500 samples of 100 lengths are sorted: ten of them differ by two.
	if mean := float64(spread) / (n / batch); mean > 4 {
		t.Errorf("lengths in a batch differ by %v on average", mean)
	}
	if slices.IsSorted(middle) {
		t.Error("the batches are sorted")
	}
	again, _ := s.Order(0, n)
	other, _ := s.Order(1, n)
	s.Seed++
	third, _ := s.Order(0, n)
	if !slices.Equal(first, again) || slices.Equal(first, other) || slices.Equal(first, third) {
		t.Error("the order is not that of seed and epoch")
	}
	if few, err := (ByLength{Lengths: []int{3, 1}, BatchSize: 4}).Order(0, 2); err != nil || len(few) != 2 {
		t.Errorf("fewer samples than a batch has: %v, %v", few, err)
	}
	for _, bad := range []ByLength{{Lengths: []int{1}, BatchSize: 2}, {Lengths: []int{1, 2}}} {
		if _, err := bad.Order(0, 2); err == nil || !strings.Contains(err.Error(), "the data set has 2 samples") {
			t.Errorf("%v", err)
		}
	}
}
