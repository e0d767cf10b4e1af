package metrics

import (
	"math"
	"testing"
)

// The figures are those of scikit-learn 1.2: mean_absolute_error, mean_squared_error and
// r2_score.
func TestRegression(t *testing.T) {
	for _, test := range []struct {
		name             string
		answers, numbers []float64
		mae, rmse, r2    float64
	}{
		{"of scikit-learn's documentation", []float64{2.5, 0, 2, 8}, []float64{3, -0.5, 2, 7}, 0.5, 0.6123724356957945, 0.9486081370449679},
		{"far from 0", []float64{1e6 + 1, 1e6 + 2, 1e6 + 4}, []float64{1e6 + 1, 1e6 + 3, 1e6 + 4}, 1.0 / 3, 0.5773502691896257, 0.7857142857142857},
		{"no better than the mean", []float64{2, 2, 2}, []float64{1, 2, 3}, 2.0 / 3, 0.816496580927726, 0},
		{"worse than the mean", []float64{3, 2, 1}, []float64{1, 2, 3}, 4.0 / 3, 1.632993161855452, -3},
		{"all the same", []float64{5, 5}, []float64{5, 5}, 0, 0, 1},
		{"all the same, and missed", []float64{5, 6}, []float64{5, 5}, 0.5, 0.7071067811865476, 0},
		{"none", nil, nil, 0, 0, 1},
	} {
		var r Regression
		for i, a := range test.answers {
			r.Add(a, test.numbers[i])
		}
		for _, v := range []struct {
			name      string
			got, want float64
		}{{"MAE", r.MAE(), test.mae}, {"RMSE", r.RMSE(), test.rmse}, {"R2", r.R2(), test.r2}} {
			if math.Abs(v.got-v.want) > 1e-9 {
				t.Errorf("%s: %s is %v, want %v", test.name, v.name, v.got, v.want)
			}
		}
	}
	var r Regression
	r.Add(3, 1)
	r.Add(4, 4)
	if r.Bias() != 1 {
		t.Errorf("the bias is %v, want 1", r.Bias())
	}
}
