package nn

import "fmt"

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
	g := x.graph
	before := len(g.nodes)
	needed := map[*Value]bool{m.Module.Forward(x): true}
	var nodes []*node // the last one first
	for i := len(g.nodes) - 1; i >= before; i-- {
		if n := g.nodes[i]; n.needed(needed) {
			nodes = append(nodes, n)
			for _, in := range n.inputs {
				needed[in] = true
			}
		}
	}
	if m.operation < 0 || m.operation >= len(nodes) {
		panic(fmt.Sprintf("nn: UpTo operation %d of a module that has %d", m.operation, len(nodes)))
	}
	return nodes[len(nodes)-1-m.operation].outputs[0]
}
