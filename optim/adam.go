package optim

import (
	"fmt"
	"math"

	"inkling/internal/kernel"
)

// Adam keeps a decaying mean of each gradient and of its square, and moves by
// their ratio (Kingma and Ba 2015, arXiv:1412.6980), as torch.optim.Adam: for
// parameter p and gradient g in step t,
//
//	g = g + WeightDecay*p
//	m = Betas[0]*m + (1-Betas[0])*g
//	v = Betas[1]*v + (1-Betas[1])*g*g
//	p = p - LR * m/(1-Betas[0]^t) / (sqrt(v/(1-Betas[1]^t)) + Eps)
//
// With AMSGrad the largest v so far divides (Reddi et al. 2018,
// arXiv:1904.09237). Where m is zero nothing moves, even if Eps and v are zero.
//
// NewAdam gives PyTorch's defaults; in a literal each number means what it says.
// Fields may be changed between steps.
type Adam struct {
	LR          float64
	Betas       [2]float64
	Eps         float64
	WeightDecay float64
	AMSGrad     bool

	moments moments
}

// NewAdam returns Adam with PyTorch's defaults: betas 0.9 and 0.999, eps 1e-8,
// no weight decay. PyTorch's default learning rate is 0.001.
func NewAdam(lr float64) *Adam { return &Adam{LR: lr, Betas: [2]float64{0.9, 0.999}, Eps: 1e-8} }

// Check wants LR, Eps and WeightDecay of 0 or more, and Betas from 0 to below 1.
func (a *Adam) Check() error {
	return checkAdam("Adam", a.LR, a.Betas, a.Eps, a.WeightDecay)
}

// Settings lists lr, betas, eps, weight_decay and amsgrad.
func (a *Adam) Settings() []Setting {
	return adamSettings(&a.LR, &a.Betas, &a.Eps, &a.WeightDecay, &a.AMSGrad)
}

// Slots returns the number of SlotNames.
func (a *Adam) Slots() int { return adamSlots(a.AMSGrad) }

// SlotNames returns exp_avg (m), exp_avg_sq (v) and, with AMSGrad,
// max_exp_avg_sq.
func (a *Adam) SlotNames() []string { return adamSlotNames[:a.Slots()] }

// Begin prepares the factors of a step.
func (a *Adam) Begin(step int) {
	a.moments = newMoments(a.LR, a.Betas, a.Eps, step)
	a.moments.GradientDecay = float32(a.WeightDecay)
}

// Update applies the rule to some elements.
func (a *Adam) Update(parameter, gradient []float32, slots [][]float32) {
	a.moments.update(parameter, gradient, slots)
}

// AdamW is Adam with weight decay apart from the gradient (Loshchilov and
// Hutter 2019, arXiv:1711.05101), as torch.optim.AdamW: a step begins with
// p = p - LR*WeightDecay*p, and WeightDecay is not added to the gradient.
//
// NewAdamW gives PyTorch's defaults; in a literal each number means what it
// says. Fields may be changed between steps.
type AdamW struct {
	LR          float64
	Betas       [2]float64
	Eps         float64
	WeightDecay float64
	AMSGrad     bool

	moments moments
}

// NewAdamW returns AdamW with PyTorch's defaults: betas 0.9 and 0.999, eps 1e-8,
// weight decay 0.01. PyTorch's default learning rate is 0.001.
func NewAdamW(lr float64) *AdamW {
	return &AdamW{LR: lr, Betas: [2]float64{0.9, 0.999}, Eps: 1e-8, WeightDecay: 0.01}
}

// Check wants LR, Eps and WeightDecay of 0 or more, and Betas from 0 to below 1.
func (a *AdamW) Check() error {
	return checkAdam("AdamW", a.LR, a.Betas, a.Eps, a.WeightDecay)
}

// Settings lists lr, betas, eps, weight_decay and amsgrad.
func (a *AdamW) Settings() []Setting {
	return adamSettings(&a.LR, &a.Betas, &a.Eps, &a.WeightDecay, &a.AMSGrad)
}

// Slots returns the number of SlotNames.
func (a *AdamW) Slots() int { return adamSlots(a.AMSGrad) }

// SlotNames returns exp_avg, exp_avg_sq and, with AMSGrad, max_exp_avg_sq.
func (a *AdamW) SlotNames() []string { return adamSlotNames[:a.Slots()] }

// Begin prepares the factors of a step.
func (a *AdamW) Begin(step int) {
	a.moments = newMoments(a.LR, a.Betas, a.Eps, step)
	a.moments.Shrink = float32(1 - a.LR*a.WeightDecay)
}

// Update applies the rule to some elements.
func (a *AdamW) Update(parameter, gradient []float32, slots [][]float32) {
	a.moments.update(parameter, gradient, slots)
}

var adamSlotNames = []string{"exp_avg", "exp_avg_sq", "max_exp_avg_sq"}

func adamSlots(amsgrad bool) int {
	if amsgrad {
		return 3
	}
	return 2
}

func adamSettings(lr *float64, betas *[2]float64, eps, decay *float64, amsgrad *bool) []Setting {
	return []Setting{
		{"lr", "how far the weights move", lr},
		{"betas", "the shares that are kept of the mean gradient and of its mean square", betas},
		{"eps", "added to the divisor", eps},
		{"weight_decay", "the force that pulls every weight towards zero", decay},
		{"amsgrad", "divide by the largest mean square so far", amsgrad},
	}
}

func checkAdam(name string, lr float64, betas [2]float64, eps, decay float64) error {
	if betas == [2]float64{} && eps == 0 {
		return fmt.Errorf("optim: %s has betas of 0 and 0 and an eps of 0, as a literal without them has; start from optim.New%s, which gives PyTorch's defaults", name, name)
	}
	return firstError(
		wantAtLeastZero(name, "learning rate", lr),
		wantAtLeastZero(name, "eps", eps),
		wantShare(name, "first beta", betas[0]),
		wantShare(name, "second beta", betas[1]),
		wantAtLeastZero(name, "weight decay", decay),
	)
}

// moments is what Adam and AdamW share: the factors of one step.
type moments struct{ kernel.Adam }

func newMoments(lr float64, betas [2]float64, eps float64, step int) moments {
	t := float64(step)
	return moments{kernel.Adam{
		Shrink: 1,
		Keep1:  float32(betas[0]), Add1: float32(1 - betas[0]), Keep2: float32(betas[1]), Add2: float32(1 - betas[1]),
		Step: float32(lr / (1 - math.Pow(betas[0], t))), Correction: float32(math.Sqrt(1 - math.Pow(betas[1], t))),
		Eps: float32(eps),
	}}
}

func (f *moments) update(parameter, gradient []float32, slots [][]float32) {
	var largest []float32
	if len(slots) > 2 {
		largest = slots[2]
	}
	f.Update(parameter, gradient, slots[0], slots[1], largest)
}
