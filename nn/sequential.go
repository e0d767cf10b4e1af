package nn

import "errors"

// Sequential is a network of modules of which each is given what the one before
// returns, as torch.nn.Sequential. The state-dict key of a module is its number
// from 0, or the name of a Named one.
type Sequential []Module

// Forward adds the modules to the network, one after another.
func (s Sequential) Forward(x *Value) *Value {
	if len(s) == 0 {
		return refuse("sequential", "is empty: give it at least one module", x)
	}
	for _, m := range s {
		x = m.Forward(x)
	}
	return x
}

// Named is a module with a state-dict key of its own in the slice that holds it, as
// the members of a torch.nn.Sequential that is made of an OrderedDict have.
type Named struct {
	Name   string // "conv0"; it counts as the key as it is, and no other in the slice may have it
	Module Module
}

// Forward is the module's.
func (n Named) Forward(x *Value) *Value { return n.Module.Forward(x) }

// Func is a function as a module, to put it into a Sequential:
// nn.Func(nn.ReLU).
type Func func(x *Value) *Value

// Forward calls the function.
func (f Func) Forward(x *Value) *Value { return f(x) }

// Flatten is Value.Flatten as a module, as torch.nn.Flatten.
type Flatten struct{}

// Forward flattens every example.
func (Flatten) Forward(x *Value) *Value { return x.Flatten() }

// refuse is what a layer that is no operation does where it does not fit: Compile
// returns the message as an error that names the place.
func refuse(name, message string, x *Value) *Value { return Apply(refusal{name, message}, nil, x) }

type refusal struct{ name, message string }

func (r refusal) Name() string                       { return r.name }
func (r refusal) OutputShape([]Shape) (Shape, error) { return nil, errors.New(r.message) }
func (refusal) Forward(*Call[float32])               {}
func (refusal) Backward(*Call[float32])              {}
