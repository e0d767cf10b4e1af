package nn

import (
	"math"
	"math/rand/v2"
	"reflect"
)

// initializer is a layer that sets its own initial weights.
type initializer interface {
	initialize(r *rand.Rand)
}

// Init gives every layer of the module PyTorch's default initial weights,
// drawn from r in the order of the fields (construction order in PyTorch).
// Convolutions and linear layers draw weights and biases uniformly from
// [-b, b) with b = 1/sqrt(fan in): PyTorch's kaiming_uniform_ with a=sqrt(5)
// (torch.nn.Conv2d and torch.nn.Linear, section Variables).
//
// module is a pointer to a struct. A layer's sizes must be set; one that has a
// size below 1 makes Init panic.
func Init(module any, r *rand.Rand) {
	walk(reflect.ValueOf(module), "", func(_ string, v reflect.Value) bool {
		layer, ok := v.Interface().(initializer)
		if ok {
			layer.initialize(r)
		}
		return !ok
	})
}

// uniform fills p with values from [-bound, bound) in PyTorch's element order.
func (p *Param) uniform(bound float64, r *rand.Rand) {
	values := make([]float32, p.shape.Elements())
	for i := range values {
		values[i] = float32((2*r.Float64() - 1) * bound)
	}
	p.Write(values)
}

// fanInBound is the bound of PyTorch's default initialisation.
func fanInBound(fanIn int) float64 { return 1 / math.Sqrt(float64(fanIn)) }
