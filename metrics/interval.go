package metrics

import "math"

// Interval returns the bootstrap's percentile interval of an accuracy: within
// it lies the share level (such as 0.95) of the accuracies that other sets of as
// many pictures, drawn from these, would show. Resampling a set of which so many
// answers are right is drawing from a binomial distribution, so the percentiles
// are computed and not sampled (Efron and Tibshirani 1993, chapter 13).
//
// It says how much chance there is in the choice of pictures; it does not say what
// another training would have reached. Both bounds are 0 if there are no pictures.
func Interval(right, total int, level float64) (low, high float64) {
	if total == 0 {
		return 0, 0
	}
	tail := (1 - level) / 2
	return binomialQuantile(total, right, tail), binomialQuantile(total, right, 1-tail)
}

// binomialQuantile returns the least share k/n up to which the binomial
// distribution of n draws with the probability right/n holds at least q.
func binomialQuantile(n, right int, q float64) float64 {
	if right == 0 || right == n {
		return float64(right) / float64(n)
	}
	p := float64(right) / float64(n)
	logarithm := func(k int) float64 { l, _ := math.Lgamma(float64(k) + 1); return l }
	of := func(k int) float64 {
		return math.Exp(logarithm(n) - logarithm(k) - logarithm(n-k) + float64(k)*math.Log(p) + float64(n-k)*math.Log1p(-p))
	}
	// What lies more than 12 deviations off is nothing.
	reach := int(12*math.Sqrt(float64(n)*p*(1-p))) + 2
	sum := 0.0
	for k := max(right-reach, 0); k <= min(right+reach, n); k++ {
		if sum += of(k); sum >= q {
			return float64(k) / float64(n)
		}
	}
	return float64(min(right+reach, n)) / float64(n)
}
