// Package optim has the optimizers that change a network's parameters after
// each training step, with PyTorch's names, defaults and update rules.
package optim

import (
	"fmt"

	"inkling/internal/kernel"
)

// SGD is stochastic gradient descent, as torch.optim.SGD: with learning rate
// LR, momentum, dampening d and weight decay w, for parameter p, gradient g
// and momentum buffer b,
//
//	g = g + w*p
//	b = Momentum*b + (1-d)*g    (in the first step b = g)
//	p = p - LR * (Nesterov ? g + Momentum*b : b)
//
// Without momentum p = p - LR*g. PyTorch's default learning rate is 0.001.
// Fields may be changed between steps.
type SGD struct {
	LR          float64
	Momentum    float64
	Dampening   float64
	WeightDecay float64
	Nesterov    bool // PyTorch wants a momentum and no dampening with it

	factors kernel.SGD
}

// Slots returns 1, the momentum buffer.
func (s *SGD) Slots() int { return 1 }

// Begin prepares the factors of a step.
func (s *SGD) Begin(step int) {
	s.factors = kernel.SGD{LearningRate: float32(s.LR), Momentum: float32(s.Momentum), Damped: float32(1 - s.Dampening),
		WeightDecay: float32(s.WeightDecay), Nesterov: s.Nesterov}
	if step == 1 {
		s.factors.Damped = 1
	}
}

// Update applies the rule to some elements.
func (s *SGD) Update(parameter, gradient []float32, slots [][]float32) {
	momentum := slots[0]
	if s.Momentum == 0 {
		momentum = nil
	}
	s.factors.Update(parameter, gradient, momentum)
}

// Settings lists lr, momentum, dampening, weight_decay and nesterov.
func (s *SGD) Settings() []Setting {
	return []Setting{
		{"lr", "how far the weights move", &s.LR},
		{"momentum", "the share that is kept of the last step", &s.Momentum},
		{"dampening", "the share of the gradient that is left out of the momentum", &s.Dampening},
		{"weight_decay", "the force that pulls every weight towards zero", &s.WeightDecay},
		{"nesterov", "Nesterov's form of the momentum", &s.Nesterov},
	}
}

// SlotNames returns momentum_buffer.
func (s *SGD) SlotNames() []string { return []string{"momentum_buffer"} }

// Check wants numbers of 0 or more, and with Nesterov a Momentum and no
// Dampening.
func (s *SGD) Check() error {
	err := firstError(
		wantAtLeastZero("SGD", "learning rate", s.LR),
		wantAtLeastZero("SGD", "momentum", s.Momentum),
		wantAtLeastZero("SGD", "dampening", s.Dampening),
		wantAtLeastZero("SGD", "weight decay", s.WeightDecay),
	)
	if err == nil && s.Nesterov && (s.Momentum == 0 || s.Dampening != 0) {
		err = fmt.Errorf("optim: SGD has Nesterov with a Momentum of %v and a Dampening of %v; it needs a momentum and no dampening", s.Momentum, s.Dampening)
	}
	return err
}
