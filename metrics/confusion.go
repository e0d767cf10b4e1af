package metrics

import "slices"

// Confusion counts answers: Confusion[label][prediction] is how often a picture
// of class label was taken for class prediction. It is square. As
// sklearn.metrics.confusion_matrix.
type Confusion [][]int

// NewConfusion returns a Confusion of so many classes, with nothing counted yet.
func NewConfusion(classes int) Confusion {
	c, counts := make(Confusion, classes), make([]int, classes*classes)
	for label := range c {
		c[label] = counts[label*classes : (label+1)*classes : (label+1)*classes]
	}
	return c
}

// Total is the number of answers.
func (c Confusion) Total() int {
	total := 0
	for label := range c {
		total += c.support(label)
	}
	return total
}

// Correct is the number of right answers.
func (c Confusion) Correct() int {
	correct := 0
	for label := range c {
		correct += c[label][label]
	}
	return correct
}

// Accuracy is the share of right answers, 0 to 1; 0 if there were none.
func (c Confusion) Accuracy() float64 { return share(c.Correct(), c.Total()) }

// support is the number of pictures of a class.
func (c Confusion) support(label int) int {
	n := 0
	for _, count := range c[label] {
		n += count
	}
	return n
}

// answered is how often a class was the answer.
func (c Confusion) answered(prediction int) int {
	n := 0
	for label := range c {
		n += c[label][prediction]
	}
	return n
}

// Scores are how well a class, or the mean over classes, was recognised.
type Scores struct {
	Precision float64 // share of the answers with this class that were right, 0 to 1
	Recall    float64 // share of the pictures of this class that were recognised, 0 to 1
	F1        float64 // harmonic mean of both, 0 to 1
	Support   int     // pictures of this class
}

// Class returns the scores of a class. As
// sklearn.metrics.precision_recall_fscore_support with zero_division=0.
func (c Confusion) Class(label int) Scores {
	right, support, answered := c[label][label], c.support(label), c.answered(label)
	return Scores{share(right, answered), share(right, support), share(2*right, support+answered), support}
}

// Macro returns the mean over the classes, each counted alike (average="macro").
func (c Confusion) Macro() Scores {
	return c.mean(func(Scores) float64 { return 1 })
}

// Weighted returns the mean over the classes, each counted as often as it has
// pictures (average="weighted").
func (c Confusion) Weighted() Scores {
	return c.mean(func(s Scores) float64 { return float64(s.Support) })
}

func (c Confusion) mean(weight func(Scores) float64) Scores {
	var sum Scores
	var weights float64
	for label := range c {
		s := c.Class(label)
		w := weight(s)
		weights += w
		sum.Precision += w * s.Precision
		sum.Recall += w * s.Recall
		sum.F1 += w * s.F1
		sum.Support += s.Support
	}
	if weights > 0 {
		sum.Precision /= weights
		sum.Recall /= weights
		sum.F1 /= weights
	}
	return sum
}

// A Pair is a class, another that it was taken for, and how often.
type Pair struct{ Label, Prediction, Count int }

// Confused returns the pairs of classes that were mistaken for each other, the
// most frequent first, at most limit of them; of equals the one with the lower
// label, then the lower prediction, comes first.
func (c Confusion) Confused(limit int) []Pair {
	var pairs []Pair
	for label, row := range c {
		for prediction, n := range row {
			if n > 0 && label != prediction {
				pairs = append(pairs, Pair{label, prediction, n})
			}
		}
	}
	slices.SortStableFunc(pairs, func(a, b Pair) int { return b.Count - a.Count })
	return pairs[:min(limit, len(pairs))]
}

func share(part, whole int) float64 {
	if whole == 0 {
		return 0
	}
	return float64(part) / float64(whole)
}
