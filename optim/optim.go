package optim

import (
	"fmt"
	"math"
	"strings"

	"inkling/nn"
)

// Optimizer is an nn.Optimizer that describes itself under PyTorch's names, so
// that what saves, restores or lists optimizers needs to know none of them.
type Optimizer interface {
	nn.Optimizer
	// Check refuses the settings that PyTorch refuses.
	Check() error
	// Settings are the optimizer's settings under PyTorch's names, in PyTorch's
	// order. They point into the optimizer: to write to one is to set it.
	Settings() []Setting
	// SlotNames are what PyTorch calls the tensors that the optimizer keeps for
	// a parameter, as many as there are Slots: "exp_avg", "exp_avg_sq". With
	// other settings there may be others.
	SlotNames() []string
}

// Kind is one line of the table of optimizers.
type Kind struct {
	// Name is that of PyTorch's class in lower case, as flags and files have it.
	Name string
	// Class is PyTorch's class: "AdamW".
	Class string
	// New returns an optimizer with PyTorch's default settings.
	New func() Optimizer
	// KeepsStep tells that PyTorch keeps the number of steps with every
	// parameter, as "step".
	KeepsStep bool
}

// Table is every optimizer there is.
var Table = []Kind{
	{Name: "sgd", Class: "SGD", New: func() Optimizer { return &SGD{LR: 0.001} }},
	{Name: "adam", Class: "Adam", New: func() Optimizer { return NewAdam(0.001) }, KeepsStep: true},
	{Name: "adamw", Class: "AdamW", New: func() Optimizer { return NewAdamW(0.001) }, KeepsStep: true},
	{Name: "rmsprop", Class: "RMSprop", New: func() Optimizer { return NewRMSprop(0.01) }, KeepsStep: true},
	{Name: "muon", Class: "Muon", New: func() Optimizer { return NewMuon(0.001) }},
}

// Find returns the optimizer's line of the table, or an error that lists the
// names there are.
func Find(name string) (Kind, error) {
	names := ""
	for _, k := range Table {
		if k.Name == name {
			return k, nil
		}
		names += " " + k.Name
	}
	return Kind{}, fmt.Errorf("there is no optimizer %q; there are:%s", name, names)
}

// Parse returns the optimizer that a text names, with its settings, the others PyTorch's:
// "sgd lr=0.1 momentum=0.9 nesterov=true".
func Parse(text string) (Optimizer, error) {
	name, settings, _ := strings.Cut(strings.TrimSpace(text), " ")
	kind, err := Find(strings.ToLower(name))
	if err != nil {
		return nil, err
	}
	o := kind.New()
	if err := SetAll(o.Settings(), settings); err != nil {
		return nil, fmt.Errorf("%s: %w", kind.Class, err)
	}
	return o, o.Check()
}

func squareRoot(x float32) float32 { return float32(math.Sqrt(float64(x))) }

// wantAtLeastZero refuses a number that is negative, infinite or NaN, as
// PyTorch refuses negative ones.
func wantAtLeastZero(optimizer, name string, value float64) error {
	if !(value >= 0) || math.IsInf(value, 1) {
		return fmt.Errorf("optim: %s has %s of %v; it must be a number of 0 or more", optimizer, article(name), value)
	}
	return nil
}

// wantShare refuses what is not in [0, 1).
func wantShare(optimizer, name string, value float64) error {
	if !(value >= 0 && value < 1) {
		return fmt.Errorf("optim: %s has %s of %v; it must be 0 or more and below 1", optimizer, article(name), value)
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// article writes "a" or "an" before a name.
func article(name string) string {
	if strings.ContainsRune("aeio", rune(name[0])) {
		return "an " + name
	}
	return "a " + name
}
