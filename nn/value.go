package nn

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"unsafe"

	"inkling/internal/kernel"
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
	kind  Type
	// other is the shape for another batch than the graph's: what differs
	// between the two depends on the batch.
	other Shape
	// producer is the operation that computes this value, as one of its
	// outputs; nil for the network's inputs.
	producer *node
}

// Shape returns the value's dimensions, the batch first unless an operation
// moved it. It must not be modified.
func (v *Value) Shape() Shape { return v.shape }

// OtherShape returns the shape for another number of examples than Shape's: networks are
// traced for two, and what differs between them depends on the batch. It must not be
// modified.
func (v *Value) OtherShape() Shape { return v.other }

// Type returns what the value's elements are.
func (v *Value) Type() Type { return v.kind }

// Training reports whether the network is being compiled for training here: it
// is not in a program for inference, nor inside of AsEval. Layers that differ,
// such as BatchNorm and Dropout, ask it.
func (v *Value) Training() bool { return v.graph.training && v.graph.frozen == 0 }

// AsEval puts part of a network into a training program as it is at eval:
// BatchNorm uses its running statistics and leaves them alone, dropout does
// nothing. Gradients flow through it, and its parameters are trained.
func AsEval(x *Value, part func(x *Value) *Value) *Value {
	x.graph.frozen++
	defer func() { x.graph.frozen-- }()
	return part(x)
}

// rows returns how many rows of the value, along its first dimension, belong to
// each example, if examples lie one after another; and 0 if not.
func (v *Value) rows() int {
	g := v.graph
	if len(v.shape) == 0 || len(v.other) != len(v.shape) || !v.shape[1:].Equal(v.other[1:]) || v.shape[0]%g.batch != 0 {
		return 0
	}
	if rows := v.shape[0] / g.batch; rows*g.otherBatch == v.other[0] {
		return rows
	}
	return 0
}

// spec returns the value's shape and type.
func (v *Value) spec() Spec { return Spec{v.shape, v.kind} }

// Flatten returns v as a matrix of N rows: all dimensions after the batch
// become one, in row-major order, as PyTorch's torch.flatten(x, 1).
func (v *Value) Flatten() *Value { return Apply(flatten{}, nil, v) }

// node is one operation of a traced network.
type node struct {
	op      Op
	number  int // in graph.nodes
	stream  int // of random numbers: the number in every program of the module
	params  []*Param
	buffers []*Buffer
	inputs  []*Value
	outputs []*Value
	part    int // of the network, that is recomputed, or 0
}

// examplewise reports whether the operation can be run for some of the examples.
func (n *node) examplewise() bool {
	if batchwise(n.op) {
		return false
	}
	for _, v := range append(append([]*Value(nil), n.inputs...), n.outputs...) {
		if v.rows() == 0 {
			return false
		}
	}
	return true
}

// hasGradient reports whether gradients flow through the operation.
func (n *node) hasGradient() bool {
	if _, never := n.op.(ForwardOnly); never {
		return false
	}
	for _, out := range n.outputs {
		if out.kind == Float32 {
			return true
		}
	}
	return false
}

// graph is a traced network: operations in the order in which Forward made
// them, which is a topological order.
type graph struct {
	inputs  []*Value
	outputs []*Value
	// targets are the inputs of the loss, which is one number for each example.
	// Both are nil where nothing is judged. The loss's operations are those from
	// number judged.
	targets []*Value
	loss    *Value
	judged  int

	values []*Value
	nodes  []*node
	// batch is the number of examples, otherBatch that of Value.other.
	batch, otherBatch int
	training          bool
	convolutions      Convolutions
	chaining          chaining
	frozen            int // depth of AsEval
	// frozenParams are not trained. With frozenAsEval, what belongs to them runs as at
	// eval, see Training.FrozenAsEval.
	frozenParams map[*Param]bool
	frozenAsEval bool
	parts, part  int // that are recomputed: their number, and the current one
}

func (g *graph) newValue(spec Spec, other Shape, producer *node) *Value {
	v := &Value{graph: g, index: len(g.values), shape: spec.Shape.clone(), kind: spec.Type, other: other.clone(), producer: producer}
	g.values = append(g.values, v)
	return v
}

// input and output are those of a network that has one of each.
func (g *graph) input() *Value  { return g.inputs[0] }
func (g *graph) output() *Value { return g.outputs[0] }

// end is what the backward pass starts from.
func (g *graph) end() *Value {
	if g.loss != nil {
		return g.loss
	}
	return g.output()
}

// newInput adds a value that is given.
func (g *graph) newInput(spec Spec) *Value {
	other := spec.Shape.clone()
	other[0] = spec.Shape[0] / g.batch * g.otherBatch
	return g.newValue(spec, other, nil)
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

// needed returns the values that the outputs depend on, themselves among them.
func (g *graph) needed() map[*Value]bool {
	needed := map[*Value]bool{g.end(): true}
	for _, v := range g.outputs {
		needed[v] = true
	}
	for i := len(g.nodes) - 1; i >= 0; i-- {
		if n := g.nodes[i]; n.needed(needed) {
			for _, in := range n.inputs {
				needed[in] = true
			}
		}
	}
	return needed
}

// needed reports whether one of the outputs is.
func (n *node) needed(values map[*Value]bool) bool {
	for _, v := range n.outputs {
		if values[v] {
			return true
		}
	}
	return false
}

// traceError is how a shape rule's complaint travels from Apply, inside the
// user's Forward, to Compile, which returns it as an error.
type traceError struct {
	node *node
	err  error
}

// Apply adds an operation to the network that is being traced: op on inputs
// (all of one network), with trainable params. Layers call it; so does a
// user's own operation. The shape rule of op decides the shape of the result,
// which is its first output.
//
// Apply panics when op refuses the shapes; Compile recovers that panic and
// returns it as an error that names the layer.
func Apply(op Op, params []*Param, inputs ...*Value) *Value {
	return ApplyAll(op, params, nil, inputs...)[0]
}

// ApplyAll is Apply for an operation with buffers, or with several outputs, of
// which it returns all.
func ApplyAll(op Op, params []*Param, buffers []*Buffer, inputs ...*Value) []*Value {
	if len(inputs) == 0 {
		panic("nn.Apply: " + op.Name() + " has no input")
	}
	g := inputs[0].graph
	specs, others := make([]Spec, len(inputs)), make([]Spec, len(inputs))
	for i, in := range inputs {
		if in.graph != g {
			panic("nn.Apply: the inputs of " + op.Name() + " belong to different networks")
		}
		specs[i], others[i] = in.spec(), Spec{in.other, in.kind}
	}
	n := &node{op: op, number: len(g.nodes), stream: len(g.nodes), params: params, buffers: buffers, inputs: inputs, part: g.part}
	outputs, err := outputsOf(op, specs)
	if err == nil {
		others, err = outputsOf(op, others)
		if err != nil {
			err = fmt.Errorf("it fits a batch of %d and no other: %w", g.batch, err)
		}
	}
	for i, out := range outputs {
		if err == nil && out.Shape.Elements() <= 0 {
			err = fmt.Errorf("its output %v would be empty", out.Shape)
		}
		if err == nil {
			v := g.newValue(out, others[i].Shape, n)
			n.outputs = append(n.outputs, v)
			if v.rows() == 0 && !batchwise(op) && inputs[0].rows() > 0 {
				err = fmt.Errorf("its output %v does not keep the batch of its input %v as first dimension; an operation for which that is right implements nn.Batchwise", out.Shape, specs[0].Shape)
			}
		}
	}
	if err != nil {
		panic(&traceError{node: n, err: err})
	}
	g.nodes = append(g.nodes, n)
	return n.outputs
}

// trace runs forward once on an input of the given shape.
func trace(module Module, shape Shape, training bool) (*graph, error) {
	forward := func(x []*Value) []*Value { return []*Value{module.Forward(x[0])} }
	return traceAll(module, []Spec{{Shape: shape}}, forward, training, nil)
}

// traceAll is trace for any number of inputs and outputs, and for the loss that
// judges them, if there is one. All inputs have the same batch first.
func traceAll(module any, inputs []Spec, forward func(x []*Value) []*Value, training bool, loss Loss) (g *graph, err error) {
	if err := kernel.Err(); err != nil {
		return nil, fmt.Errorf("nn: %w", err)
	}
	if len(inputs) == 0 {
		return nil, errors.New("nn: the network has no input")
	}
	for _, in := range inputs {
		for _, d := range in.Shape {
			if d < 1 {
				return nil, fmt.Errorf("nn: input shape %v has a dimension below 1; give batch size, channels, height and width", in.Shape)
			}
		}
		if len(in.Shape) < 1 || len(in.Shape) < 2 && in.Type == Float32 {
			return nil, fmt.Errorf("nn: input shape %v has no dimension after the batch; give batch size and the shape of one example", in.Shape)
		}
		if in.Shape[0] != inputs[0].Shape[0] {
			return nil, fmt.Errorf("nn: inputs %v and %v have different batches", inputs[0].Shape, in.Shape)
		}
	}
	g = &graph{batch: inputs[0].Shape[0], training: training}
	g.otherBatch = 2*g.batch + 1
	for _, in := range inputs {
		g.inputs = append(g.inputs, g.newInput(in))
	}
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
	g.outputs = forward(append([]*Value(nil), g.inputs...))
	for _, out := range g.outputs {
		if out == nil || out.graph != g {
			return nil, fmt.Errorf("nn: Forward of %T returned a value that was not computed from its input", module)
		}
	}
	if len(g.outputs) == 0 {
		return nil, fmt.Errorf("nn: Forward of %T returned nothing", module)
	}
	if loss != nil {
		if err := g.judge(loss); err != nil {
			return nil, err
		}
	}
	for _, n := range g.nodes {
		for i, p := range n.params {
			if p.data == nil {
				return nil, noValues(module, unsafe.Pointer(p), fmt.Sprintf("parameter %d of %s", i, nodeName(n, names)))
			}
		}
		for i, b := range n.buffers {
			if b.data == nil {
				return nil, noValues(module, unsafe.Pointer(b), fmt.Sprintf("buffer %d of %s", i, nodeName(n, names)))
			}
			if k := slices.IndexFunc(b.data, func(v float32) bool { return v != v }); k >= 0 && training {
				return nil, fmt.Errorf("nn: buffer %d of %s has NaN as element %d, from which no training can start: initialise it, or load another file", i, nodeName(n, names), k)
			}
		}
	}
	return g, nil
}

// judge adds a loss to the network.
func (g *graph) judge(loss Loss) error {
	g.judged = len(g.nodes)
	targets, err := loss.Targets(specsOf(g.outputs))
	if err != nil {
		return fmt.Errorf("nn: the network's output does not suit the loss: %w", err)
	}
	for i, t := range targets {
		if len(t.Shape) == 0 || t.Shape.Elements() < 1 || t.Shape[0]%g.batch != 0 {
			return fmt.Errorf("nn: target %d of the loss has the shape %v; its first dimension must be the batch, %d, or a multiple of it", i, t.Shape, g.batch)
		}
		g.targets = append(g.targets, g.newInput(t))
	}
	g.loss = loss.Judge(g.outputs, g.targets)
	switch {
	case g.loss == nil || g.loss.graph != g:
		return errors.New("nn: the loss returned a value that was not computed from the network's outputs")
	case g.loss.kind != Float32 || len(g.loss.shape) != 1 || g.loss.rows() != 1:
		return fmt.Errorf("nn: the loss is %v of type %v; it must be one float32 for each example, %v (ReduceNone leaves more)", g.loss.shape, g.loss.kind, Shape{g.batch})
	case slices.Contains(g.inputs, g.loss) || slices.Contains(g.targets, g.loss):
		return errors.New("nn: the loss is an input, and not computed")
	}
	return nil
}

func specsOf(values []*Value) []Spec {
	list := make([]Spec, len(values))
	for i, v := range values {
		list[i] = v.spec()
	}
	return list
}

// noValues is the error for a parameter or buffer that was not initialised.
func noValues(module any, at unsafe.Pointer, what string) error {
	if hidden := hiddenPlace(module, at); hidden != "" {
		return fmt.Errorf("nn: %s has no values, as nn.Init, nn.State and files do not reach it: %s; keep layers in exported fields, slices and pointers", what, hidden)
	}
	return fmt.Errorf("nn: %s has no values: call nn.Init on the network before compiling it", what)
}

// nodeName says which layer an operation belongs to, as a person would find
// it in the code: "conv2d conv2", or "maxpool2d after conv2d conv2".
func nodeName(n *node, names map[*Param]string) string {
	for _, p := range n.params {
		if name := names[p]; name != "" {
			i := strings.LastIndexByte(name, '.')
			if i < 0 { // of the module itself
				return n.op.Name()
			}
			return n.op.Name() + " " + name[:i]
		}
	}
	if from := n.inputs[0].producer; from != nil {
		return n.op.Name() + " after " + nodeName(from, names)
	}
	return n.op.Name() + " at the input"
}
