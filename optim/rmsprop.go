package optim

import "inkling/internal/kernel"

// RMSprop divides each gradient by the root of a decaying mean of its square
// (Hinton's lecture 6e, 2012), as torch.optim.RMSprop: for parameter p and
// gradient g,
//
//	g = g + WeightDecay*p
//	v = Alpha*v + (1-Alpha)*g*g
//	a = Alpha*a + (1-Alpha)*g               (Centered only)
//	d = sqrt(Centered ? v - a*a : v) + Eps
//	b = Momentum*b + g/d                    (with Momentum only)
//	p = p - LR * (Momentum > 0 ? b : g/d)
//
// Where g is zero g/d is zero, even if d is, too.
//
// NewRMSprop gives PyTorch's defaults; in a literal each number means what it
// says. Fields may be changed between steps; Centered, and whether there is a
// Momentum, may not.
type RMSprop struct {
	LR          float64
	Alpha       float64
	Eps         float64
	WeightDecay float64
	Momentum    float64
	Centered    bool

	lr, keep, add, eps, decay, momentum float32
}

// NewRMSprop returns RMSprop with PyTorch's defaults: alpha 0.99, eps 1e-8, no
// weight decay, no momentum, not centered. PyTorch's default learning rate is
// 0.01.
func NewRMSprop(lr float64) *RMSprop { return &RMSprop{LR: lr, Alpha: 0.99, Eps: 1e-8} }

// Check wants every number to be 0 or more. (PyTorch takes an Alpha above 1,
// with which the mean square grows without end or becomes negative; it is
// refused.)
func (r *RMSprop) Check() error {
	err := firstError(
		wantAtLeastZero("RMSprop", "learning rate", r.LR),
		wantAtLeastZero("RMSprop", "eps", r.Eps),
		wantAtLeastZero("RMSprop", "momentum", r.Momentum),
		wantAtLeastZero("RMSprop", "weight decay", r.WeightDecay),
		wantAtLeastZero("RMSprop", "alpha", r.Alpha),
	)
	if err == nil && r.Alpha > 1 {
		err = wantShare("RMSprop", "alpha", r.Alpha)
	}
	return err
}

// Settings lists lr, alpha, eps, weight_decay, momentum and centered.
func (r *RMSprop) Settings() []Setting {
	return []Setting{
		{"lr", "how far the weights move", &r.LR},
		{"alpha", "the share that is kept of the mean of the squared gradient", &r.Alpha},
		{"eps", "added to the divisor", &r.Eps},
		{"weight_decay", "the force that pulls every weight towards zero", &r.WeightDecay},
		{"momentum", "the share that is kept of the last step", &r.Momentum},
		{"centered", "divide by the standard deviation of the gradient", &r.Centered},
	}
}

// Slots returns the number of SlotNames.
func (r *RMSprop) Slots() int { return len(r.SlotNames()) }

// SlotNames returns square_avg (v), with Momentum momentum_buffer (b), and if
// Centered grad_avg (a).
func (r *RMSprop) SlotNames() []string {
	names := []string{"square_avg"}
	if r.Momentum > 0 {
		names = append(names, "momentum_buffer")
	}
	if r.Centered {
		names = append(names, "grad_avg")
	}
	return names
}

// Begin prepares the factors of a step.
func (r *RMSprop) Begin(int) {
	r.lr, r.keep, r.add = float32(r.LR), float32(r.Alpha), float32(1-r.Alpha)
	r.eps, r.decay, r.momentum = float32(r.Eps), float32(r.WeightDecay), float32(r.Momentum)
}

// Update applies the rule to some elements.
func (r *RMSprop) Update(parameter, gradient []float32, slots [][]float32) {
	n := len(parameter)
	gradient, squares := gradient[:n], slots[0][:n]
	var steps, means []float32
	rest := slots[1:]
	if r.Momentum > 0 {
		steps, rest = rest[0][:n], rest[1:]
	}
	if r.Centered {
		means = rest[0][:n]
	}
	for i, p := range parameter {
		g := gradient[i] + float32(r.decay*p)
		v := kernel.Flush(float32(r.keep*squares[i]) + float32(r.add*float32(g*g)))
		squares[i] = v
		if means != nil {
			a := kernel.Flush(float32(r.keep*means[i]) + float32(r.add*g))
			means[i] = a
			v = max(v-float32(a*a), 0) // rounding may take it below
		}
		step := float32(0)
		if g != 0 {
			step = g / (squareRoot(v) + r.eps)
		}
		if steps != nil {
			step = kernel.Flush(float32(r.momentum*steps[i]) + step)
			steps[i] = step
		}
		parameter[i] = p - float32(r.lr*step)
	}
}
