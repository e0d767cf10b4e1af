package main

import (
	"math"
	"testing"
)

// TestCurveOfRates has a loss fall fastest at 0.01, and rise from 0.1 on.
func TestCurveOfRates(t *testing.T) {
	loss := func(rate float64) float64 {
		if rate > 0.1 {
			return 1 + 30*math.Log(rate/0.1)
		}
		return 1 + 2/(1+math.Exp(4*math.Log(rate/0.01)))
	}
	var c curveOfRates
	enough := false
	for rate := 1e-5; rate < 10 && !enough; rate *= 1.02 {
		enough = c.add(rate, loss(rate))
	}
	if !enough {
		t.Error("the loss grew to many times the lowest, and the search went on")
	}
	// The running mean is behind by some steps.
	if rate, ok := c.suggestion(); !ok || rate < 0.005 || rate > 0.03 {
		t.Errorf("the suggestion is %v, %v; the loss falls fastest at 0.01", rate, ok)
	}
	if lowest := c.rates[c.lowest]; lowest < 0.05 || lowest > 0.3 {
		t.Errorf("the lowest mean is at %v, the lowest loss at 0.1", lowest)
	}
	var flat curveOfRates
	for i := range 100 {
		flat.add(float64(i+1), 2)
	}
	if rate, ok := flat.suggestion(); ok {
		t.Errorf("a loss that does not fall suggests %v", rate)
	}
}
