package nn

import (
	"fmt"
	"strconv"
	"strings"
)

// Shape is the size of a tensor along each of its dimensions, outermost
// first. The first dimension of a network's values is the batch: images are
// N x C x H x W, feature vectors N x F.
type Shape []int

// Elements returns the number of elements of a tensor of this shape: the
// product of its dimensions, 1 for a shape with none.
func (s Shape) Elements() int {
	n := 1
	for _, d := range s {
		n *= d
	}
	return n
}

// String formats the shape as PyTorch users write it: 4x1x28x28.
func (s Shape) String() string {
	if len(s) == 0 {
		return "scalar"
	}
	parts := make([]string, len(s))
	for i, d := range s {
		parts[i] = strconv.Itoa(d)
	}
	return strings.Join(parts, "x")
}

// Equal reports whether both shapes have the same dimensions.
func (s Shape) Equal(other Shape) bool {
	if len(s) != len(other) {
		return false
	}
	for i := range s {
		if s[i] != other[i] {
			return false
		}
	}
	return true
}

func (s Shape) clone() Shape { return append(Shape(nil), s...) }

// Value is a tensor in the making: Forward computes with Values, which have
// a shape and no numbers, and so writes down the network's operations. Compile
// turns what was written down into a program. Because there are no numbers, a
// Forward cannot branch on them by mistake.
type Value struct {
	graph *graph
	index int // position in graph.values
	shape Shape
	// producer is the operation that computes this value, nil for the
	// network's input.
	producer *node
}

// Shape returns the value's dimensions, the batch first. It must not be
// modified.
func (v *Value) Shape() Shape { return v.shape }

// Flatten returns v as a matrix of N rows: all dimensions after the batch
// become one, in row-major order, as PyTorch's torch.flatten(x, 1).
func (v *Value) Flatten() *Value { return Apply(flatten{}, nil, v) }

// node is one operation of a traced network.
type node struct {
	op     Op
	params []*Param
	inputs []*Value
	output *Value
}

// graph is a traced network: operations in the order in which Forward made
// them, which is a topological order.
type graph struct {
	input  *Value
	output *Value
	values []*Value
	nodes  []*node
}

func (g *graph) newValue(shape Shape, producer *node) *Value {
	v := &Value{graph: g, index: len(g.values), shape: shape, producer: producer}
	g.values = append(g.values, v)
	return v
}

// consumers returns the operations that read v.
func (g *graph) consumers(v *Value) []*node {
	var list []*node
	for _, n := range g.nodes {
		for _, in := range n.inputs {
			if in == v {
				list = append(list, n)
				break
			}
		}
	}
	return list
}

// needed returns the values that the output depends on, itself among them.
func (g *graph) needed() map[*Value]bool {
	needed := map[*Value]bool{g.output: true}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if n := g.nodes[i]; needed[n.output] {
			for _, in := range n.inputs {
				needed[in] = true
			}
		}
	}
	return needed
}

// traceError is how a shape rule's complaint travels from Apply, inside the
// user's Forward, to Compile, which returns it as an error.
type traceError struct {
	node *node
	err  error
}

// Apply adds an operation to the network that is being traced: op on inputs
// (all of one network), with trainable params. Layers call it; so does a
// user's own operation. The shape rule of op decides the shape of the result.
//
// Apply panics when op refuses the shapes; Compile recovers that panic and
// returns it as an error that names the layer.
func Apply(op Op, params []*Param, inputs ...*Value) *Value {
	if len(inputs) == 0 {
		panic("nn.Apply: " + op.Name() + " has no input")
	}
	g := inputs[0].graph
	shapes := make([]Shape, len(inputs))
	for i, in := range inputs {
		if in.graph != g {
			panic("nn.Apply: the inputs of " + op.Name() + " belong to different networks")
		}
		shapes[i] = in.shape
	}
	n := &node{op: op, params: params, inputs: inputs}
	shape, err := op.OutputShape(shapes)
	if err == nil && (len(shape) == 0 || shape[0] != shapes[0][0]) {
		err = fmt.Errorf("its output %v does not keep the batch of its input %v as first dimension", shape, shapes[0])
	}
	if err == nil && shape.Elements() <= 0 {
		err = fmt.Errorf("its output %v would be empty", shape)
	}
	if err != nil {
		panic(&traceError{node: n, err: err})
	}
	n.output = g.newValue(shape.clone(), n)
	g.nodes = append(g.nodes, n)
	return n.output
}

// trace runs forward once on an input of the given shape.
func trace(module Module, shape Shape) (g *graph, err error) {
	for _, d := range shape {
		if d < 1 {
			return nil, fmt.Errorf("nn: input shape %v has a dimension below 1; give batch size, channels, height and width", shape)
		}
	}
	if len(shape) < 2 {
		return nil, fmt.Errorf("nn: input shape %v has no dimension after the batch; give batch size and the shape of one example", shape)
	}
	g = &graph{}
	g.input = g.newValue(shape.clone(), nil)
	names := paramNames(module)
	defer func() {
		switch e := recover().(type) {
		case nil:
		case *traceError:
			g, err = nil, fmt.Errorf("nn: %s: %w", nodeName(e.node, names), e.err)
		default:
			panic(e)
		}
	}()
	g.output = module.Forward(g.input)
	if g.output == nil || g.output.graph != g {
		return nil, fmt.Errorf("nn: Forward of %T returned a value that was not computed from its input", module)
	}
	for _, n := range g.nodes {
		for i, p := range n.params {
			if p.data == nil {
				return nil, fmt.Errorf("nn: parameter %d of %s has no values: call nn.Init on the network before compiling it", i, nodeName(n, names))
			}
		}
	}
	return g, nil
}

// nodeName says which layer an operation belongs to, as a person would find
// it in the code: "conv2d conv2", or "maxpool2d after conv2d conv2".
func nodeName(n *node, names map[*Param]string) string {
	for _, p := range n.params {
		if name := names[p]; name != "" {
			if i := strings.LastIndexByte(name, '.'); i >= 0 {
				name = name[:i]
			}
			return n.op.Name() + " " + name
		}
	}
	if from := n.inputs[0].producer; from != nil {
		return n.op.Name() + " after " + nodeName(from, names)
	}
	return n.op.Name() + " at the input"
}
