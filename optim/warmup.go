package optim

import "math"

// LinearLR changes the factor of the rate evenly from StartFactor to EndFactor
// in TotalIters steps, and keeps it, as torch.optim.lr_scheduler.LinearLR: a
// warm-up. PyTorch's defaults are 1/3, 1 and 5. Another schedule follows in a
// SequentialLR, or runs beneath in a ChainedScheduler.
type LinearLR struct {
	StartFactor, EndFactor float64
	TotalIters             int
}

// Rate returns base times the factor of the step.
func (l *LinearLR) Rate(base float64, step int) float64 {
	done := float64(min(step, l.TotalIters)) / float64(l.TotalIters)
	return base * (l.StartFactor + (l.EndFactor-l.StartFactor)*done)
}

// Check wants a StartFactor above 0 and up to 1, an EndFactor from 0 to 1 and at
// least one step.
func (l *LinearLR) Check() error {
	return firstError(wantPositive("LinearLR", "start_factor", l.StartFactor), wantUpToOne("LinearLR", "start_factor", l.StartFactor),
		wantUpToOne("LinearLR", "end_factor", l.EndFactor), wantCount("LinearLR", "total_iters", l.TotalIters, 1))
}

// Settings lists start_factor, end_factor and total_iters.
func (l *LinearLR) Settings() []Setting {
	return []Setting{{"start_factor", "the factor of the first step", &l.StartFactor}, {"end_factor", "the factor at the end", &l.EndFactor}, {"total_iters", "the steps from one to the other", &l.TotalIters}}
}

// ConstantLR multiplies the rate by Factor for TotalIters steps, as
// torch.optim.lr_scheduler.ConstantLR. PyTorch's defaults are 1/3 and 5.
type ConstantLR struct {
	Factor     float64
	TotalIters int
}

// Rate returns base*Factor for the first TotalIters steps, and base after them.
func (c *ConstantLR) Rate(base float64, step int) float64 {
	if step < c.TotalIters {
		return base * c.Factor
	}
	return base
}

// Check wants a Factor from 0 to 1.
func (c *ConstantLR) Check() error {
	return firstError(wantUpToOne("ConstantLR", "factor", c.Factor), wantCount("ConstantLR", "total_iters", c.TotalIters, 0))
}

// Settings lists factor and total_iters.
func (c *ConstantLR) Settings() []Setting {
	return []Setting{{"factor", "the factor of the first steps", &c.Factor}, {"total_iters", "how many steps have it", &c.TotalIters}}
}

// PolynomialLR takes the rate to zero in TotalIters steps, as
// torch.optim.lr_scheduler.PolynomialLR; with Power 1, evenly. PyTorch's defaults
// are 5 and 1.
type PolynomialLR struct {
	TotalIters int
	Power      float64
}

// Rate returns base * (1 - step/TotalIters)^Power.
func (p *PolynomialLR) Rate(base float64, step int) float64 {
	return base * math.Pow(1-float64(min(step, p.TotalIters))/float64(p.TotalIters), p.Power)
}

// Check wants at least one step and a Power above 0.
func (p *PolynomialLR) Check() error {
	return firstError(wantCount("PolynomialLR", "total_iters", p.TotalIters, 1), wantPositive("PolynomialLR", "power", p.Power))
}

// Settings lists total_iters and power.
func (p *PolynomialLR) Settings() []Setting {
	return []Setting{{"total_iters", "the steps to zero", &p.TotalIters}, {"power", "the power of what is left", &p.Power}}
}
