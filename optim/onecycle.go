package optim

import (
	"fmt"
	"math"
)

// OneCycleLR takes the rate from MaxLR/DivFactor up to MaxLR and down to almost
// nothing in TotalSteps steps, and the momentum the other way (Smith and Topin
// 2018, arXiv:1708.07120), as torch.optim.lr_scheduler.OneCycleLR. The rate of
// the optimizer does not matter. Behind the last step the rate stays as it is.
//
// NewOneCycleLR gives PyTorch's defaults.
type OneCycleLR struct {
	MaxLR      float64
	TotalSteps int
	PctStart   float64 // the share of the steps in which the rate rises
	// AnnealStrategy is "cos", half a cosine wave, or "linear".
	AnnealStrategy string
	// CycleMomentum has the momentum fall from MaxMomentum to BaseMomentum while
	// the rate rises, and rise while it falls.
	CycleMomentum             bool
	BaseMomentum, MaxMomentum float64
	DivFactor                 float64 // MaxLR over the first rate
	FinalDivFactor            float64 // the first rate over the last
	// ThreePhase has the rate fall to its first value in as many steps as it
	// rose, and to its last one in the rest.
	ThreePhase bool
}

// NewOneCycleLR returns a OneCycleLR with PyTorch's defaults: the rate rises in 30 % of the
// steps from 1/25 of the highest and falls to 1/10000 of that, along a cosine;
// the momentum is 0.95 to 0.85.
func NewOneCycleLR(maxLR float64, totalSteps int) *OneCycleLR {
	return &OneCycleLR{MaxLR: maxLR, TotalSteps: totalSteps, PctStart: 0.3, AnnealStrategy: "cos", CycleMomentum: true,
		BaseMomentum: 0.85, MaxMomentum: 0.95, DivFactor: 25, FinalDivFactor: 1e4}
}

// cyclePhase is a part of the cycle, up to its last step.
type cyclePhase struct{ end, rate, momentum float64 }

// at interpolates between the phases' ends.
func (o *OneCycleLR) at(step int) cyclePhase {
	first := o.MaxLR / o.DivFactor
	last := first / o.FinalDivFactor
	total := float64(o.TotalSteps)
	from := cyclePhase{0, first, o.MaxMomentum}
	top := cyclePhase{o.PctStart*total - 1, o.MaxLR, o.BaseMomentum}
	phases := [3]cyclePhase{top, {total - 1, last, o.MaxMomentum}}
	count := 2
	if o.ThreePhase {
		phases = [3]cyclePhase{top, {2*o.PctStart*total - 2, first, o.MaxMomentum}, {total - 1, last, o.MaxMomentum}}
		count = 3
	}
	t := float64(min(step, o.TotalSteps-1))
	for i, to := range phases[:count] {
		if t <= to.end || i == count-1 {
			done := 1.0
			if to.end > from.end {
				done = (t - from.end) / (to.end - from.end)
			}
			return cyclePhase{t, o.anneal(from.rate, to.rate, done), o.anneal(from.momentum, to.momentum, done)}
		}
		from = to
	}
	return from
}

func (o *OneCycleLR) anneal(from, to, done float64) float64 {
	if o.AnnealStrategy == "linear" {
		return from + (to-from)*done
	}
	return to + (from-to)/2*(1+math.Cos(math.Pi*done))
}

// Rate returns the rate of a step, whatever the base.
func (o *OneCycleLR) Rate(_ float64, step int) float64 { return o.at(step).rate }

// Momentum returns the momentum of a step, if CycleMomentum is set.
func (o *OneCycleLR) Momentum(step int) (float64, bool) { return o.at(step).momentum, o.CycleMomentum }

// Check wants at least one step, a PctStart from 0 to 1, a strategy there is,
// and factors above 0.
func (o *OneCycleLR) Check() error {
	const name = "OneCycleLR"
	if o.AnnealStrategy != "cos" && o.AnnealStrategy != "linear" {
		return fmt.Errorf("optim: OneCycleLR has an anneal_strategy of %q; it must be cos or linear", o.AnnealStrategy)
	}
	return firstError(wantPositive(name, "max_lr", o.MaxLR), wantCount(name, "total_steps", o.TotalSteps, 1), wantUpToOne(name, "pct_start", o.PctStart),
		wantPositive(name, "div_factor", o.DivFactor), wantPositive(name, "final_div_factor", o.FinalDivFactor),
		wantAtLeastZero(name, "base_momentum", o.BaseMomentum), wantAtLeastZero(name, "max_momentum", o.MaxMomentum))
}

// Settings lists max_lr, total_steps, pct_start, anneal_strategy,
// cycle_momentum, base_momentum, max_momentum, div_factor, final_div_factor and
// three_phase.
func (o *OneCycleLR) Settings() []Setting {
	return []Setting{
		{"max_lr", "the highest rate", &o.MaxLR},
		{"total_steps", "the steps of the whole cycle", &o.TotalSteps},
		{"pct_start", "the share of the steps in which the rate rises", &o.PctStart},
		{"anneal_strategy", "cos or linear", &o.AnnealStrategy},
		{"cycle_momentum", "move the momentum, too", &o.CycleMomentum},
		{"base_momentum", "the lowest momentum", &o.BaseMomentum},
		{"max_momentum", "the highest momentum", &o.MaxMomentum},
		{"div_factor", "the highest rate over the first", &o.DivFactor},
		{"final_div_factor", "the first rate over the last", &o.FinalDivFactor},
		{"three_phase", "fall to the first rate before the last", &o.ThreePhase},
	}
}
