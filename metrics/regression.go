package metrics

import "math"

// Regression sums up how far answers that are numbers are from what they should be.
type Regression struct {
	// Count is the number of answers.
	Count int

	absolute, square     float64 // sums of errors
	mean, spread, answer float64 // of what the answers should be: mean and sum of squares around it; mean of the answers
}

// Add counts an answer, and what it should be.
func (r *Regression) Add(answer, number float64) {
	r.Count++
	off := answer - number
	r.absolute += math.Abs(off)
	r.square += off * off
	// Welford 1962, Technometrics 4: the sum of squares without cancellation.
	before := number - r.mean
	r.mean += before / float64(r.Count)
	r.spread += before * (number - r.mean)
	r.answer += (answer - r.answer) / float64(r.Count)
}

// MAE is the mean absolute error, in the numbers' unit; 0 if there were none.
func (r *Regression) MAE() float64 { return r.absolute / float64(max(r.Count, 1)) }

// RMSE is the root of the mean squared error, in the numbers' unit; 0 if there were none.
func (r *Regression) RMSE() float64 { return math.Sqrt(r.square / float64(max(r.Count, 1))) }

// R2 is the coefficient of determination, as sklearn.metrics.r2_score: 1 less the squared
// error as a share of that of answering the mean of the numbers every time. 1 is without
// error, 0 no better than the mean. Where the numbers are all the same it is 1 without an
// error, else 0.
func (r *Regression) R2() float64 {
	if r.spread == 0 {
		if r.square == 0 {
			return 1
		}
		return 0
	}
	return 1 - r.square/r.spread
}

// Bias is how much larger the answers are than the numbers, in the mean.
func (r *Regression) Bias() float64 { return r.answer - r.mean }
