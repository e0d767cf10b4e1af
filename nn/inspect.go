package nn

import "fmt"

// Operation is one operation of a traced network, for programs that write or
// draw networks.
type Operation struct {
	// Name is the operation's name: "conv2d", "maxpool2d", "linear", "relu", ...,
	// or what a user's own Op is called.
	Name string
	// BuiltIn tells that the operation is one of this package, and not a
	// user's own of the same name.
	BuiltIn bool
	// Attributes are the numbers of a built-in layer, with their defaults
	// filled in, under the names of its fields in lower case: linear has in and
	// out, conv2d in, out, groups and how its filter moves: kernel, stride and
	// dilation, which are heights, kernel_width, stride_width and dilation_width,
	// and padding (above), padding_left, padding_bottom and padding_right. Poolings
	// have the latter, and ceil. Many have none.
	Attributes map[string]int
	// Settings are all settings of the operation as a text: two operations of one
	// Name and the same Settings compute the same.
	Settings string
	// Inputs tells whose outputs the operation reads: the positions of earlier
	// operations in the list, NetworkInput for the network's own input.
	Inputs []int
	// Shape is the shape of the first output, the batch first.
	Shape Shape
	// Params are the state-dict keys of the parameters in the order of the
	// operation: weight, and bias if there is one. A parameter that State does
	// not know, because no exported field leads to it, has an empty key.
	Params []string
}

// NetworkInput stands for the network's input among an operation's inputs.
const NetworkInput = -1

// Trace runs the module's Forward once on an input of the given shape, batch
// first, and returns the operations that its output depends on, each behind
// those it reads; the last one's output is the network's. The list is empty if
// the module returns its input. Errors are those of Compile.
func Trace(module Module, shape ...int) ([]Operation, error) {
	g, err := trace(module, shape, false)
	if err != nil {
		return nil, err
	}
	needed := g.needed()
	names := paramNames(module)
	position := map[*Value]int{g.input(): NetworkInput}
	var list []Operation
	for _, n := range g.nodes {
		if !n.needed(needed) {
			continue
		}
		op := Operation{Name: n.op.Name(), Settings: fmt.Sprintf("%+v", n.op), Shape: n.outputs[0].shape.clone(), BuiltIn: builtIn(n.op)}
		if d, ok := n.op.(Describer); ok && op.BuiltIn {
			op.Attributes = d.Attributes()
		}
		for _, in := range n.inputs {
			op.Inputs = append(op.Inputs, position[in])
		}
		for _, p := range n.params {
			op.Params = append(op.Params, names[p])
		}
		for _, out := range n.outputs {
			position[out] = len(list)
		}
		list = append(list, op)
	}
	return list, nil
}
