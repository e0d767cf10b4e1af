package optim

import (
	"fmt"
	"math"
)

// ReduceLROnPlateau multiplies the rate by Factor when a measurement has not
// become better for more than Patience observations, as
// torch.optim.lr_scheduler.ReduceLROnPlateau. Observe is called with each, mostly
// once an epoch with the loss on data that is not trained on; Rate returns what
// has come of them, whatever the step.
//
// NewReduceLROnPlateau gives PyTorch's defaults.
type ReduceLROnPlateau struct {
	// Mode is "min" where less is better, as of a loss, or "max".
	Mode     string
	Factor   float64
	Patience int
	// Threshold is how much better counts: in ThresholdMode "rel" as a share of
	// the best so far, in "abs" as it is.
	Threshold     float64
	ThresholdMode string
	Cooldown      int // observations after a change that do not count
	MinLR         float64
	Eps           float64 // a change by no more than that is left out

	State PlateauState
}

// PlateauState is what ReduceLROnPlateau remembers of its observations, to go on
// with a training.
type PlateauState struct {
	HasBest      bool // there has been a measurement, and not only NaNs
	Best         float64
	Bad, Cooling int
	Reductions   int
}

// NewReduceLROnPlateau returns a ReduceLROnPlateau with PyTorch's defaults: mode
// min, factor 0.1, patience 10, a relative threshold of 1e-4, eps 1e-8.
func NewReduceLROnPlateau() *ReduceLROnPlateau {
	return &ReduceLROnPlateau{Mode: "min", Factor: 0.1, Patience: 10, Threshold: 1e-4, ThresholdMode: "rel", Eps: 1e-8}
}

// Observe takes in the next measurement.
func (r *ReduceLROnPlateau) Observe(metric float64) {
	s := &r.State
	if !s.HasBest && !math.IsNaN(metric) || s.HasBest && r.better(metric, s.Best) {
		s.HasBest, s.Best, s.Bad = true, metric, 0
	} else {
		s.Bad++
	}
	if s.Cooling > 0 {
		s.Cooling--
		s.Bad = 0
	}
	if s.Bad > r.Patience {
		s.Reductions++
		s.Cooling, s.Bad = r.Cooldown, 0
	}
}

func (r *ReduceLROnPlateau) better(metric, best float64) bool {
	margin := r.Threshold
	if r.ThresholdMode == "rel" {
		margin = best * r.Threshold
	}
	if r.Mode == "min" {
		return metric < best-margin
	}
	return metric > best+margin
}

// Rate returns base after the reductions so far.
func (r *ReduceLROnPlateau) Rate(base float64, _ int) float64 {
	rate := base
	for range r.State.Reductions {
		next := max(rate*r.Factor, r.MinLR)
		if rate-next <= r.Eps {
			break
		}
		rate = next
	}
	return rate
}

// Check wants a Factor above 0 and below 1, and modes there are.
func (r *ReduceLROnPlateau) Check() error {
	const name = "ReduceLROnPlateau"
	if r.Mode != "min" && r.Mode != "max" {
		return fmt.Errorf("optim: %s has a mode of %q; it must be min or max", name, r.Mode)
	}
	if r.ThresholdMode != "rel" && r.ThresholdMode != "abs" {
		return fmt.Errorf("optim: %s has a threshold_mode of %q; it must be rel or abs", name, r.ThresholdMode)
	}
	return firstError(wantPositive(name, "factor", r.Factor), wantShare(name, "factor", r.Factor), wantCount(name, "patience", r.Patience, 0),
		wantAtLeastZero(name, "threshold", r.Threshold), wantCount(name, "cooldown", r.Cooldown, 0),
		wantAtLeastZero(name, "min_lr", r.MinLR), wantAtLeastZero(name, "eps", r.Eps))
}

// Settings lists mode, factor, patience, threshold, threshold_mode, cooldown,
// min_lr and eps.
func (r *ReduceLROnPlateau) Settings() []Setting {
	return []Setting{
		{"mode", "min where less is better, or max", &r.Mode},
		{"factor", "the factor of each change", &r.Factor},
		{"patience", "how many observations without progress are borne", &r.Patience},
		{"threshold", "how much better counts", &r.Threshold},
		{"threshold_mode", "rel, as a share of the best, or abs", &r.ThresholdMode},
		{"cooldown", "observations after a change that do not count", &r.Cooldown},
		{"min_lr", "the lowest rate", &r.MinLR},
		{"eps", "a change by no more than that is left out", &r.Eps},
	}
}
