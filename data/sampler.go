package data

import (
	"errors"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"inkling/internal/wording"
)

// Sampler decides which pictures an epoch has, and in which order.
type Sampler interface {
	// Len is how many pictures an epoch takes from a data set of n.
	Len(n int) int

	// Order returns the numbers of an epoch's pictures, Len(n) of them, each
	// from 0 to n-1. A number may come more than once. The same epoch must have
	// the same order whenever it is asked for.
	Order(epoch, n int) ([]int, error)
}

// Order is a [Sampler] that takes all pictures once, in the order that the
// function returns.
type Order func(epoch, n int) []int

// Len is n.
func (f Order) Len(n int) int { return n }

// Order calls the function.
func (f Order) Order(epoch, n int) ([]int, error) { return f(epoch, n), nil }

// SubsetRandomSampler takes the pictures of the given numbers only, in a new
// random order every epoch, as torch.utils.data.SubsetRandomSampler does.
type SubsetRandomSampler struct {
	Indices []int
	Seed    uint64
}

// Len is the number of Indices.
func (s SubsetRandomSampler) Len(int) int { return len(s.Indices) }

// Order shuffles the indices.
func (s SubsetRandomSampler) Order(epoch, _ int) ([]int, error) {
	order := slices.Clone(s.Indices)
	shuffle(order, rand.NewPCG(s.Seed, uint64(epoch)))
	return order, nil
}

// WeightedRandomSampler draws pictures with probabilities in proportion to their
// weights, as torch.utils.data.WeightedRandomSampler does. With weights that
// [BalancedWeights] returns, rare classes come as often as frequent ones.
type WeightedRandomSampler struct {
	// Weights has a number of 0 or more for every picture of the data set; they
	// need not sum to 1.
	Weights []float64

	// NumSamples is how many pictures an epoch has. 0 means as many as there are
	// weights.
	NumSamples int

	// WithoutReplacement draws no picture twice in an epoch; then at least
	// NumSamples of them must have a weight above 0.
	WithoutReplacement bool

	Seed uint64
}

// Len is how many pictures an epoch has.
func (s WeightedRandomSampler) Len(int) int {
	if s.NumSamples == 0 {
		return len(s.Weights)
	}
	return s.NumSamples
}

// Order draws the pictures of an epoch. It takes time in proportion to the
// logarithm of the number of weights for each.
func (s WeightedRandomSampler) Order(epoch, n int) ([]int, error) {
	if len(s.Weights) != n {
		return nil, fmt.Errorf("the sampler has %s, but the data set has %s", wording.Number(len(s.Weights), "weight"), wording.Number(n, "picture"))
	}
	positive := 0
	for i, w := range s.Weights {
		if math.IsNaN(w) || math.IsInf(w, 0) || w < 0 {
			return nil, fmt.Errorf("weight %d of the sampler is %v, want a number of 0 or more", i, w)
		}
		if w > 0 {
			positive++
		}
	}
	count := s.Len(n)
	switch {
	case positive == 0:
		return nil, errors.New("all weights of the sampler are 0: there is nothing to draw")
	case s.WithoutReplacement && positive < count:
		return nil, fmt.Errorf("%s cannot be drawn without replacement: %d have a weight above 0", wording.Number(count, "picture"), positive)
	}
	tree := newWeightTree(s.Weights)
	if math.IsInf(tree.sums[1], 0) {
		return nil, errors.New("the weights of the sampler are too large: their sum is infinite")
	}
	source := rand.NewPCG(s.Seed, uint64(epoch))
	order := make([]int, count)
	for k := range order {
		order[k] = tree.draw(source)
		if s.WithoutReplacement {
			tree.remove(order[k])
		}
	}
	return order, nil
}

// weightTree is a binary tree of sums: node i is the sum of nodes 2i and 2i+1,
// the root is node 1, and the weights are the leaves. A weight that is removed
// leaves no rounding error behind, as all sums above it are formed again.
type weightTree struct {
	sums   []float64
	leaves int // where they begin
}

func newWeightTree(weights []float64) *weightTree {
	leaves := 1
	for leaves < len(weights) {
		leaves *= 2
	}
	t := &weightTree{make([]float64, 2*leaves), leaves}
	copy(t.sums[leaves:], weights)
	for i := leaves - 1; i > 0; i-- {
		t.sums[i] = t.sums[2*i] + t.sums[2*i+1]
	}
	return t
}

// draw returns a weight above 0, with a probability in proportion to it.
func (t *weightTree) draw(source *rand.PCG) int {
	// 53 random bits, as many as a float64 holds. The conversion keeps the
	// product from being fused with the subtraction, which is rounded otherwise.
	at := float64(float64(source.Uint64()>>11) / (1 << 53) * t.sums[1])
	i := 1
	for i < t.leaves {
		left, right := t.sums[2*i], t.sums[2*i+1]
		i *= 2
		if right > 0 && (at >= left || left == 0) {
			at -= left
			i++
		}
	}
	return i - t.leaves
}

func (t *weightTree) remove(weight int) {
	i := t.leaves + weight
	for t.sums[i] = 0; i > 1; {
		i /= 2
		t.sums[i] = t.sums[2*i] + t.sums[2*i+1]
	}
}

// BalancedWeights returns a weight for every picture of d with which every class
// is drawn equally often: one over the number of pictures of its class.
func BalancedWeights(d Dataset) ([]float64, error) {
	labels, err := Labels(d)
	if err != nil {
		return nil, err
	}
	counts := map[int]int{}
	for _, label := range labels {
		counts[label]++
	}
	weights := make([]float64, len(labels))
	for i, label := range labels {
		weights[i] = 1 / float64(counts[label])
	}
	return weights, nil
}
