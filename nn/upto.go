package nn

import (
	"fmt"
	"slices"
)

// UpTo returns the module that ends with an operation of another, given by its place in
// the list that Trace returns: with place 1 of a network that begins with a convolution
// and a ReLU, it computes what that ReLU lets through. The parameters are the same.
//
// Forward panics if there is no such operation.
func UpTo(module Module, operation int) Module { return &upTo{module, operation} }

type upTo struct {
	Module    Module
	operation int
}

func (m *upTo) Forward(x *Value) *Value {
	values := Values(m.Module, x)
	if m.operation < 0 || m.operation >= len(values) {
		panic(fmt.Sprintf("nn: UpTo operation %d of a module that has %d", m.operation, len(values)))
	}
	return values[m.operation]
}

// Values adds a module to a network, as its Forward does, and returns what each of its
// operations computes: the first output of each that Trace lists, in that order. The
// last one is the module's own output. It is for networks that show all of these as
// outputs.
func Values(module Module, x *Value) []*Value {
	g := x.graph
	before := len(g.nodes)
	needed := map[*Value]bool{module.Forward(x): true}
	var values []*Value // the last one first
	for i := len(g.nodes) - 1; i >= before; i-- {
		if n := g.nodes[i]; n.needed(needed) {
			values = append(values, n.outputs[0])
			for _, in := range n.inputs {
				needed[in] = true
			}
		}
	}
	slices.Reverse(values)
	return values
}
