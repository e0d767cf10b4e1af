package data

import (
	"fmt"
	"math"
	"math/rand/v2"
	"slices"

	"inkling/internal/wording"
)

// Labeled is a [Dataset] that knows its labels without reading a picture.
type Labeled interface {
	Dataset

	// Label returns the label of picture i, 0 <= i < Len().
	Label(i int) int
}

// Labels returns the label of every picture of d. Unless d, or what it is a
// [Subset] of, is [Labeled], all pictures are read for it.
func Labels(d Dataset) ([]int, error) {
	labels := make([]int, d.Len())
	for i := range labels {
		var err error
		if labels[i], err = LabelOf(d, i); err != nil {
			return nil, fmt.Errorf("picture %d of the data set cannot be read: %w", i, err)
		}
	}
	return labels, nil
}

// LabelOf returns the label of picture i of d, 0 <= i < d.Len(). Unless d, or what it
// is a part of, is [Labeled], the picture is read for it.
func LabelOf(d Dataset, i int) (int, error) {
	switch d := d.(type) {
	case *Subset:
		return LabelOf(d.Dataset, d.indices[i])
	case *kept:
		return LabelOf(d.Dataset, i)
	case Labeled:
		return d.Label(i), nil
	}
	_, label, err := d.Example(i)
	return label, err
}

// RandomSplit divides d by chance into a part to train on and one to validate or
// test with, which gets the given share of the pictures, rounded, as
// torch.utils.data.random_split does it. In both the pictures keep their order.
// The same seed gives the same parts on every machine. It fails when the share
// is not between 0 and 1 or a part would be empty.
func RandomSplit(d Dataset, share float64, seed uint64) (train, validation *Subset, err error) {
	all := make([]int, d.Len())
	for i := range all {
		all[i] = i
	}
	return split(d, [][]int{all}, share, seed)
}

// StratifiedSplit divides d as [RandomSplit] does, class by class: every class
// has the given share of its pictures, rounded, in the part to validate with; a
// class of two pictures or more has at least one in either part, and the picture
// of a class of one is trained on.
func StratifiedSplit(d Dataset, share float64, seed uint64) (train, validation *Subset, err error) {
	labels, err := Labels(d)
	if err != nil {
		return nil, nil, err
	}
	byClass := make([][]int, len(d.Classes()))
	for i, label := range labels {
		if label < 0 || label >= len(byClass) {
			return nil, nil, fmt.Errorf("picture %d of the data set has label %d, want 0 to %d", i, label, len(byClass)-1)
		}
		byClass[label] = append(byClass[label], i)
	}
	return split(d, byClass, share, seed)
}

// split takes the share out of each group.
func split(d Dataset, groups [][]int, share float64, seed uint64) (train, validation *Subset, err error) {
	if !(share > 0 && share < 1) {
		return nil, nil, fmt.Errorf("%v of the pictures are to be held out, want a share between 0 and 1", share)
	}
	var kept, out []int
	for g, group := range groups {
		n := int(math.Round(share * float64(len(group))))
		n = min(max(n, 1), len(group)-1)
		shuffle(group, rand.NewPCG(seed, uint64(g)))
		out = append(out, group[:max(n, 0)]...)
		kept = append(kept, group[max(n, 0):]...)
	}
	if len(kept) == 0 || len(out) == 0 {
		return nil, nil, fmt.Errorf("%s of %s cannot be divided: every class has one at most%s", wording.Number(d.Len(), "picture"), wording.Number(len(d.Classes()), "class"), wording.Measured(d.Classes()))
	}
	slices.Sort(kept)
	slices.Sort(out)
	return &Subset{d, kept}, &Subset{d, out}, nil
}
