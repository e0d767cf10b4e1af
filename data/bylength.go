package data

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"inkling/internal/wording"
)

// poolBatches is how many batches ByLength sorts at a time: with more, those of a batch are
// more alike in length, and less a matter of chance.
const poolBatches = 50

// ByLength is a [Sampler] that takes all samples once and brings those of like lengths into
// one batch, so that little is lost by filling them up to the longest. An epoch is shuffled,
// sorted by length within pools of 50 batches, and the batches are shuffled once more. Those
// that are equally long stay in a random order, and the last batch, which may be short, is
// one of any length.
type ByLength struct {
	Lengths   []int // of every sample
	BatchSize int   // the loader's, 1 or more
	Seed      uint64
}

// Len is n.
func (s ByLength) Len(n int) int { return n }

// Order returns the samples of an epoch. It fails if there are not as many lengths as
// samples.
func (s ByLength) Order(epoch, n int) ([]int, error) {
	if len(s.Lengths) != n || s.BatchSize < 1 {
		return nil, fmt.Errorf("the sampler has %s and batches of %d, but the data set has %s", wording.Number(len(s.Lengths), "length"), s.BatchSize, wording.Number(n, "sample"))
	}
	source := rand.NewPCG(s.Seed, uint64(epoch))
	order := make([]int, n)
	for i := range order {
		order[i] = i
	}
	shuffle(order, source)
	whole := n / s.BatchSize // batches; what is left over stays behind them
	for pool := range slices.Chunk(order[:whole*s.BatchSize], poolBatches*s.BatchSize) {
		slices.SortStableFunc(pool, func(a, b int) int { return s.Lengths[a] - s.Lengths[b] })
	}
	turns := make([]int, whole)
	for i := range turns {
		turns[i] = i
	}
	shuffle(turns, source)
	mixed := make([]int, 0, n)
	for _, i := range turns {
		mixed = append(mixed, order[i*s.BatchSize:][:s.BatchSize]...)
	}
	return append(mixed, order[whole*s.BatchSize:]...), nil
}
