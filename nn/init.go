package nn

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
	"reflect"
)

// initializer is a layer that sets its own initial weights. uniform draws from
// [-bound, bound).
type initializer interface {
	initialize(uniform func(bound float64) float32)
}

// Init gives every layer of the module PyTorch's default initial weights,
// drawn from r in the order of the fields (construction order in PyTorch).
// Convolutions and linear layers draw weights and biases uniformly from
// [-b, b) with b = 1/sqrt(fan in): PyTorch's kaiming_uniform_ with a=sqrt(5)
// (torch.nn.Conv2d and torch.nn.Linear, section Variables).
//
// module is a pointer to a struct. Init returns an error for the first layer whose
// sizes or settings cannot be, and leaves that one without values; Compile says
// the same of it, so a program may leave it to that. It panics if part of the
// module is held in a way that does not let it be set.
func Init(module any, r *rand.Rand) error {
	return InitUniform(module, From(r))
}

// InitUniform is Init with numbers from elsewhere: uniform returns a draw from
// [-bound, bound). With the draws of package torchrand the weights are those of
// PyTorch; with nil they are zero, and those of embeddings and normalisations are as
// ever.
func InitUniform(module any, uniform func(bound float64) float32) error {
	var first error
	walk(reflect.ValueOf(module), "", func(name string, v reflect.Value) bool {
		layer, ok := v.Interface().(initializer)
		if !ok {
			return true
		}
		if c, ok := layer.(interface{ check() error }); ok {
			if err := c.check(); err != nil {
				if first == nil {
					first = fmt.Errorf("nn: %s %s: %w", v.Type().Elem().Name(), cmp.Or(name, "itself"), err)
				}
				return false
			}
		}
		layer.initialize(uniform)
		return false
	})
	return first
}

// draw fills p in PyTorch's element order.
func (p *Param) draw(bound float64, uniform func(bound float64) float32) {
	if uniform != nil { // else zero, as they were allocated
		p.set(func() float32 { return uniform(bound) })
	}
}

// fill sets all elements of p.
func (p *Param) fill(value float32) {
	p.set(func() float32 { return value })
}

// fanInBound is the bound of PyTorch's default initialisation.
func fanInBound(fanIn int) float64 { return 1 / math.Sqrt(float64(fanIn)) }
