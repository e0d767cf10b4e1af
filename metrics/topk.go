package metrics

// Rank returns the place of a class among a network's outputs, 0 for the largest.
// Of equal outputs the one of the lower class comes first; one that is not a
// number comes last.
func Rank(outputs []float32, label int) int {
	own, rank := outputs[label], 0
	for class, v := range outputs {
		if v > own || class < label && v == own || own != own && (v == v || class < label) {
			rank++
		}
	}
	return rank
}

// TopK counts how often the right class was among the k likeliest.
type TopK struct {
	ranks []int // how often the right class had each place
	total int
}

// Add counts a network's outputs for a picture of class label.
func (t *TopK) Add(outputs []float32, label int) {
	if missing := len(outputs) - len(t.ranks); missing > 0 {
		t.ranks = append(t.ranks, make([]int, missing)...)
	}
	t.ranks[Rank(outputs, label)]++
	t.total++
}

// Accuracy is the share of pictures whose class was among the k likeliest, 0 to
// 1. As sklearn.metrics.top_k_accuracy_score.
func (t *TopK) Accuracy(k int) float64 {
	n := 0
	for _, count := range t.ranks[:min(max(k, 0), len(t.ranks))] {
		n += count
	}
	return share(n, t.total)
}
