package data

import (
	"fmt"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"inkling/transform"
)

// TestSkip checks that an epoch taken up in its middle goes on as the whole one
// does, random changes of the pictures included.
func TestSkip(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, workers := range []int{0, 1, 3} {
		for _, skip := range []int{0, 1, 5, 9, 10, 11, 1000} {
			t.Run(fmt.Sprintf("workers %d, skip %d", workers, skip), func(t *testing.T) {
				loader := func(skip int) *Loader {
					return &Loader{Dataset: numbered(t, 29), BatchSize: 3, Shuffle: true, Seed: 7, Epoch: 2, Skip: skip, Workers: workers,
						Transform: transform.Compose{transform.RandomHorizontalFlip{P: 0.5}, transform.ToTensor{}}}
				}
				whole := collect(t, loader(0))
				l := loader(skip)
				at := min(skip, len(whole))
				for i, b := range l.Batches() {
					if i != at {
						t.Fatalf("batch %d came, want %d", i, at)
					}
					if !slices.Equal(b.Images, whole[i].images) || !slices.Equal(b.Indices, whole[i].indices) || !slices.Equal(b.Labels, whole[i].labels) {
						t.Errorf("batch %d is not that of the whole epoch", i)
					}
					at++
				}
				if err := l.Err(); err != nil || at != len(whole) {
					t.Errorf("the epoch ended at batch %d of %d with %v", at, len(whole), err)
				}
				if l.Skip != 0 || l.Epoch != 3 {
					t.Errorf("Skip is %d and Epoch %d after it, want 0 and 3", l.Skip, l.Epoch)
				}
			})
		}
	}
	l := &Loader{Dataset: numbered(t, 3), Skip: -1}
	for range l.Batches() {
		t.Error("a negative Skip gave a batch")
	}
	if l.Err() == nil {
		t.Error("a negative Skip is no error")
	}
}
