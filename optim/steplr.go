package optim

import (
	"fmt"
	"math"
)

// StepLR multiplies the rate by Gamma every StepSize steps, as
// torch.optim.lr_scheduler.StepLR. PyTorch's default Gamma is 0.1.
type StepLR struct {
	StepSize int
	Gamma    float64
}

// Rate returns base * Gamma^(step/StepSize).
func (s *StepLR) Rate(base float64, step int) float64 {
	return base * math.Pow(s.Gamma, float64(step/s.StepSize))
}

// Check wants a StepSize of at least 1 and a Gamma above 0.
func (s *StepLR) Check() error {
	return firstError(wantCount("StepLR", "step_size", s.StepSize, 1), wantPositive("StepLR", "gamma", s.Gamma))
}

// Settings lists step_size and gamma.
func (s *StepLR) Settings() []Setting {
	return []Setting{{"step_size", "the steps from one change to the next", &s.StepSize}, {"gamma", "the factor of each change", &s.Gamma}}
}

// MultiStepLR multiplies the rate by Gamma at each milestone, as
// torch.optim.lr_scheduler.MultiStepLR; a step that is named twice counts twice.
// PyTorch's default Gamma is 0.1.
type MultiStepLR struct {
	Milestones []int
	Gamma      float64
}

// Rate returns base times Gamma to the power of the milestones up to the step.
func (m *MultiStepLR) Rate(base float64, step int) float64 {
	passed := 0
	for _, at := range m.Milestones {
		if at <= step {
			passed++
		}
	}
	return base * math.Pow(m.Gamma, float64(passed))
}

// Check wants milestones of 0 or more and a Gamma above 0.
func (m *MultiStepLR) Check() error {
	if len(m.Milestones) == 0 {
		return fmt.Errorf("optim: MultiStepLR has no milestones")
	}
	for _, at := range m.Milestones {
		if err := wantCount("MultiStepLR", "milestone", at, 0); err != nil {
			return err
		}
	}
	return wantPositive("MultiStepLR", "gamma", m.Gamma)
}

// Settings lists milestones and gamma.
func (m *MultiStepLR) Settings() []Setting {
	return []Setting{{"milestones", "the steps at which the rate changes", &m.Milestones}, {"gamma", "the factor of each change", &m.Gamma}}
}

// ExponentialLR multiplies the rate by Gamma each step, as
// torch.optim.lr_scheduler.ExponentialLR.
type ExponentialLR struct{ Gamma float64 }

// Rate returns base * Gamma^step.
func (e *ExponentialLR) Rate(base float64, step int) float64 {
	return base * math.Pow(e.Gamma, float64(step))
}

// Check wants a Gamma above 0.
func (e *ExponentialLR) Check() error { return wantPositive("ExponentialLR", "gamma", e.Gamma) }

// Settings lists gamma.
func (e *ExponentialLR) Settings() []Setting {
	return []Setting{{"gamma", "the factor of each step", &e.Gamma}}
}
