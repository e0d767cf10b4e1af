package metrics

import (
	"errors"
	"math"
)

// Softmax sets probabilities to those that logits stand for, at a temperature
// above 0: exp(logit/temperature), divided by their sum. Both may be the same
// slice.
func Softmax(probabilities []float64, logits []float32, temperature float64) {
	most := math.Inf(-1)
	for _, v := range logits {
		most = max(most, float64(v))
	}
	var sum float64
	for i, v := range logits {
		probabilities[i] = math.Exp((float64(v) - most) / temperature)
		sum += probabilities[i]
	}
	for i := range probabilities[:len(logits)] {
		probabilities[i] /= sum
	}
}

// Bin is the answers whose confidence, the probability of the class that was
// answered, lay in a range.
type Bin struct {
	Count      int
	Confidence float64 // mean, 0 to 1
	Accuracy   float64 // share of right answers, 0 to 1
}

// Calibration tells whether a network is right as often as it is sure: it sorts
// answers by their confidence into bins of equal width (Guo et al. 2017,
// arXiv:1706.04599).
type Calibration struct {
	counts, right []int
	confidence    []float64 // sums
}

// NewCalibration returns a Calibration with so many bins; Guo et al. take 15.
func NewCalibration(bins int) *Calibration {
	return &Calibration{make([]int, bins), make([]int, bins), make([]float64, bins)}
}

// Add counts an answer: how sure the network was, 0 to 1, and whether it was right.
func (c *Calibration) Add(confidence float64, right bool) {
	// Bins are open below and closed above.
	bins := len(c.counts)
	i := min(max(int(math.Ceil(confidence*float64(bins)))-1, 0), bins-1)
	c.counts[i]++
	c.confidence[i] += confidence
	if right {
		c.right[i]++
	}
}

// Bins returns the bins, the least confident first. Empty ones are zero.
func (c *Calibration) Bins() []Bin {
	list := make([]Bin, len(c.counts))
	for i, n := range c.counts {
		if n > 0 {
			list[i] = Bin{n, c.confidence[i] / float64(n), share(c.right[i], n)}
		}
	}
	return list
}

// Error is the expected calibration error (ECE), 0 to 1: how far confidence and
// accuracy of a bin lie apart, the mean over all answers.
func (c *Calibration) Error() float64 {
	total, sum := 0, 0.0
	for _, b := range c.Bins() {
		total += b.Count
		sum += float64(b.Count) * math.Abs(b.Confidence-b.Accuracy)
	}
	if total == 0 {
		return 0
	}
	return sum / float64(total)
}

const leastTemperature, mostTemperature = 1.0 / 1024, 1024

// Temperature returns what to divide logits by so that their probabilities fit the
// labels best: it minimises the mean cross-entropy (Guo et al. 2017). Logits are
// rows of classes numbers, one a label. It stays between 1/1024 and 1024: where
// every answer is right there is no best one, and the least is returned. It is an
// error if there are no labels or logits do not suit them.
func Temperature(logits []float32, classes int, labels []int) (float64, error) {
	if len(labels) == 0 || len(logits) != classes*len(labels) {
		return 0, errors.New("metrics: a temperature needs labels, and a row of logits for each")
	}
	// The cross-entropy is convex in 1/temperature, so its slope has one zero. How steep the
	// slope is there tells where (Newton's method: five or six steps where halving takes 34);
	// where that does not come nearer by half each time, what is left is halved.
	probabilities := make([]float64, classes)
	slope := func(inverse float64) (slope, steepness float64) {
		for i, label := range labels {
			row := logits[i*classes:][:classes]
			Softmax(probabilities, row, 1/inverse)
			var mean, square float64
			for class, p := range probabilities {
				v := float64(row[class])
				mean += p * v
				square += p * v * v
			}
			slope += mean - float64(row[label])
			steepness += square - mean*mean
		}
		return slope, steepness
	}
	low, high := math.Log(1.0/mostTemperature), math.Log(1/leastTemperature)
	at, last := 0.0, high-low // the logarithm of 1/temperature, and the step to it
	for high-low > 1e-9 {
		s, steepness := slope(math.Exp(at))
		if s <= 0 {
			low = at
		} else {
			high = at
		}
		step := -s / (steepness * math.Exp(at)) // by the logarithm
		if next := at + step; !(low < next && next < high) || math.Abs(step) > last/2 {
			step = (low+high)/2 - at
		}
		at, last = at+step, math.Abs(step)
		if last < 1e-10 {
			break
		}
	}
	return math.Exp(-at), nil
}
