package onnx

import (
	"fmt"
	"slices"
	"strconv"

	"google.golang.org/protobuf/proto"

	"inkling/weights"
	"inkling/weights/internal/untrusted"
	"inkling/weights/onnx/internal/pb"
	"inkling/weights/structure"
)

// What of a graph is looked at to describe it. What is larger is no chain of layers.
const (
	mostNodes     = 2000
	mostNodeBytes = 4096 // weights in a node take more
	mostNumbers   = 64   // of a constant
	// nodeCost is how much memory a byte of a node may take while it is read.
	nodeCost = 64
)

// describe tells what the graph computes, if it is a chain of layers. A graph that
// is not has an Obstacle, and is no error.
func (p *parser) describe() *structure.Network {
	d := &describer{
		contents: p.contents, total: len(p.nodes),
		weights: map[string]*weights.Tensor{}, values: map[string]*value{}, network: &structure.Network{},
	}
	for _, list := range [][]weights.Tensor{p.contents.Tensors, p.contents.Others} {
		for i := range list {
			d.weights[list[i].Name] = &list[i]
		}
	}
	if err := d.run(p); err != nil {
		d.network.Obstacle = err.Error()
	}
	return d.network
}

// A describer walks over the nodes of a graph.
type describer struct {
	contents *Contents
	weights  map[string]*weights.Tensor
	network  *structure.Network

	values map[string]*value          // what nodes have computed that is not the chain
	slopes map[string]*weights.Tensor // of PRelu, in the shape that it wants
	chain  string                     // the name of the value that the last layer computed
	passed map[string]bool            // and those that it had before
	inputs []string                   // what each layer reads

	base       string             // what the chain was before the activation that may be in hand
	baseLayers int                // and the layers before it
	products   map[string]product // what nodes compute of it
	pending    error              // why the first node that is part of no layer is none itself

	place    int // of the node in hand, from 1
	total    int
	node     *pb.NodeProto
	lastAxis bool // a constant before the first layer was one for each of the last axis
}

// A value is what a node computes beside the chain: numbers, or the sizes of
// dimensions of the chain.
type value struct {
	numbers []float64
	shape   []int
	tensor  *weights.Tensor // an initializer under another name
	sizes   []size
}

// A size is that of a dimension: a number, the batch, or not known.
type size struct {
	n            int64
	known, batch bool
}

// An obstacle is why a graph is not described.
func (d *describer) obstacle(format string, values ...any) error {
	return fmt.Errorf("%s (%s) %s", d.where(), d.node.GetOpType(), fmt.Sprintf(format, values...))
}

func (d *describer) where() string { return fmt.Sprintf("node %d of %d", d.place, d.total) }

func (d *describer) run(p *parser) error {
	c := d.contents
	if len(c.Inputs) != 1 || len(c.Outputs) != 1 {
		return fmt.Errorf("the graph has %d inputs and %d outputs", len(c.Inputs), len(c.Outputs))
	}
	if len(p.nodes) > mostNodes {
		return fmt.Errorf("the graph has %d nodes", len(p.nodes))
	}
	d.chain = c.Inputs[0].Name
	d.begin()
	for i, m := range p.nodes {
		d.place = i + 1
		if m.to-m.from > mostNodeBytes {
			continue // a constant, which whoever reads it misses
		}
		if !p.budget.Spend(int64(nodeCost * (m.to - m.from))) {
			return fmt.Errorf("the graph has more nodes than its size allows to look at")
		}
		d.node = &pb.NodeProto{}
		if err := proto.Unmarshal(p.data[m.from:m.to], d.node); err != nil {
			return fmt.Errorf("%s cannot be read", d.where())
		}
		if err := d.take(); err != nil {
			return err
		}
	}
	if d.chain != c.Outputs[0].Name {
		if d.pending != nil {
			return d.pending
		}
		return fmt.Errorf("the output %q is not that of the last layer", c.Outputs[0].Name)
	}
	if d.lastAxis {
		return fmt.Errorf("a constant is added to, or multiplied with, the columns of the pictures")
	}
	d.input()
	return nil
}

// input notes the shape of the pictures.
func (d *describer) input() {
	in := d.contents.Inputs[0]
	if len(in.Shape) != 4 {
		return
	}
	shape := make([]int, 3)
	for i := range shape {
		if n, err := strconv.Atoi(in.Shape[i+1]); err == nil && n > 0 {
			shape[i] = n
		}
	}
	if prep := d.network.Preparation; prep != nil {
		if prep.ChannelsLast {
			shape[0], shape[1], shape[2] = shape[2], shape[0], shape[1]
		}
		if prep.Transposed {
			shape[1], shape[2] = shape[2], shape[1]
		}
	}
	d.network.Input = shape
}

// step takes a node in.
func (d *describer) step() error {
	n := d.node
	if domain := n.GetDomain(); domain != "" && domain != "ai.onnx" {
		return d.obstacle("is an operation of %q, not of ONNX itself", domain)
	}
	from := -1 // which input the chain is
	for i, name := range n.Input {
		if name == d.chain {
			if from >= 0 && n.GetOpType() != "Shape" {
				return d.obstacle("reads one result twice")
			}
			from = i
		}
	}
	if from < 0 {
		return d.aside()
	}
	if n.GetOpType() == "Shape" {
		d.shape()
		return nil
	}
	for i, name := range n.Input {
		if i != from && name != "" && d.constant(name) == nil && d.slopes[name] == nil {
			return d.obstacle("reads %q, too, which another branch of the network computes or which is not known", name)
		}
	}
	take, known := operators[n.GetOpType()]
	if !known {
		// It is a layer that is no more than its name.
		d.add(structure.New(n.GetOpType(), nil))
		return nil
	}
	if from != 0 && n.GetOpType() != "Add" && n.GetOpType() != "Mul" {
		return d.obstacle("computes with the network's result in another place than the first")
	}
	return take(d)
}

// set notes the node's output.
func (d *describer) set(v *value) {
	if len(d.node.Output) > 0 {
		d.values[d.node.Output[0]] = v
	}
}

// shape notes the sizes of a value of the chain, of which only the batch is known.
func (d *describer) shape() {
	sizes := make([]size, 4)
	sizes[0].batch = true
	d.set(&value{sizes: sizes})
}

// pass lets the chain go on without a layer.
func (d *describer) pass() error {
	if d.passed == nil {
		d.passed = map[string]bool{}
	}
	d.passed[d.chain] = true
	if len(d.node.Output) > 0 {
		d.chain = d.node.Output[0]
	}
	return nil
}

// add appends a layer to the chain.
func (d *describer) add(l structure.Layer) {
	l.Place, l.Name = d.where(), d.node.GetName()
	d.network.Layers = append(d.network.Layers, l)
	d.inputs = append(d.inputs, d.chain)
	d.pass()
}

// constant returns a value that does not depend on the pictures, nil if the name is
// none.
func (d *describer) constant(name string) *value {
	if t := d.weights[name]; t != nil {
		return &value{tensor: t, shape: t.Shape}
	}
	return d.values[name]
}

// tensor returns the name of the initializer that an input of the node is.
func (d *describer) tensor(input int) (*weights.Tensor, error) {
	if input < len(d.node.Input) {
		if v := d.constant(d.node.Input[input]); v != nil && v.tensor != nil {
			return v.tensor, nil
		}
	}
	return nil, d.obstacle("has no initializer for input %d, as weights are kept", input+1)
}

// has reports whether the node has an input, for those that may be left out.
func (d *describer) has(input int) bool {
	return input < len(d.node.Input) && d.node.Input[input] != ""
}

// numbers returns the elements of an input that is a small constant.
func (d *describer) numbers(input int) (numbers []float64, shape []int, err error) {
	if !d.has(input) {
		return nil, nil, d.obstacle("lacks input %d", input+1)
	}
	v := d.constant(d.node.Input[input])
	switch {
	case v == nil || v.sizes != nil:
	case v.numbers != nil:
		return v.numbers, v.shape, nil
	case v.tensor != nil && elements(v.tensor.Shape) <= mostNumbers:
		for _, f := range v.tensor.Float32s() {
			numbers = append(numbers, float64(f))
		}
		return numbers, v.tensor.Shape, nil
	}
	return nil, nil, d.obstacle("has no small constant for input %d", input+1)
}

func elements(shape []int) int {
	count := 1
	for _, n := range shape {
		count *= n
	}
	return count
}

// The attributes of the node, or what holds without one.

func (d *describer) attribute(name string) *pb.AttributeProto {
	for _, a := range d.node.Attribute {
		if a.GetName() == name {
			return a
		}
	}
	return nil
}

func (d *describer) integer(name string, otherwise int64) int64 {
	if a := d.attribute(name); a != nil {
		return a.GetI()
	}
	return otherwise
}

func (d *describer) float(name string, otherwise float64) float64 {
	if a := d.attribute(name); a != nil {
		// As short as it can be written, for Python's 0.1 is not float32's.
		v, err := strconv.ParseFloat(strconv.FormatFloat(float64(a.GetF()), 'g', -1, 32), 64)
		if err == nil {
			return v
		}
	}
	return otherwise
}

func (d *describer) text(name, otherwise string) string {
	if a := d.attribute(name); a != nil {
		return string(a.GetS())
	}
	return otherwise
}

// aside computes a node that the chain does not go through.
func (d *describer) aside() error {
	n := d.node
	input := func(i int) *value {
		if d.has(i) {
			return d.constant(n.Input[i])
		}
		return nil
	}
	switch n.GetOpType() {
	case "Constant":
		d.set(d.constantNode())
	case "Shape":
		if len(n.Input) == 1 && d.passed[n.Input[0]] {
			d.shape()
		}
	case "Identity":
		d.set(input(0))
	case "Gather":
		v := input(0)
		index, _, err := d.numbers(1)
		if v != nil && v.sizes != nil && err == nil && len(index) == 1 && int(index[0]) < len(v.sizes) && int(index[0]) >= -len(v.sizes) {
			at := int(index[0])
			if at < 0 {
				at += len(v.sizes)
			}
			d.set(&value{sizes: v.sizes[at : at+1]})
		}
	case "Unsqueeze", "Squeeze", "Cast", "Reshape":
		if v := input(0); v != nil && v.tensor == nil {
			d.set(v)
		} else if v != nil {
			d.slope(v)
		}
	case "Slice":
		v := input(0)
		starts, _, err := d.numbers(1)
		ends, _, err2 := d.numbers(2)
		if v != nil && v.sizes != nil && err == nil && err2 == nil && len(starts) == 1 && len(ends) == 1 {
			from, to := int(starts[0]), min(int(ends[0]), len(v.sizes))
			if 0 <= from && from <= to {
				d.set(&value{sizes: v.sizes[from:to]})
			}
		}
	case "Concat":
		var sizes []size
		for i := range n.Input {
			v := input(i)
			switch {
			case v != nil && v.sizes != nil:
				sizes = append(sizes, v.sizes...)
			default:
				numbers, _, err := d.numbers(i)
				if err != nil {
					return nil
				}
				for _, f := range numbers {
					sizes = append(sizes, size{n: int64(f), known: true})
				}
			}
		}
		if len(sizes) <= mostNumbers {
			d.set(&value{sizes: sizes})
		}
	}
	return nil // who reads what is not known here is told
}

// constantNode returns the value of a Constant, nil if it is not small.
func (d *describer) constantNode() *value {
	if len(d.node.Attribute) != 1 {
		return nil
	}
	a := d.node.Attribute[0]
	v := &value{}
	switch a.GetName() {
	case "value_float":
		v.numbers = []float64{float64(a.GetF())}
	case "value_int":
		v.numbers = []float64{float64(a.GetI())}
	case "value_floats":
		for _, f := range a.Floats {
			v.numbers = append(v.numbers, float64(f))
		}
		v.shape = []int{len(a.Floats)}
	case "value_ints":
		for _, i := range a.Ints {
			v.numbers = append(v.numbers, float64(i))
		}
		v.shape = []int{len(a.Ints)}
	case "value":
		t := a.GetT()
		data, err := proto.Marshal(t)
		if err != nil {
			return nil
		}
		own := &parser{data: data, budget: untrusted.NewBudget(int64(len(data))), contents: &Contents{}, names: map[string]bool{}}
		if t.GetName() == "" {
			t.Name = proto.String("constant")
			if data, err = proto.Marshal(t); err != nil {
				return nil
			}
			own.data = data
		}
		if own.initializer(message{0, len(data)}) != nil || len(own.contents.Tensors) != 1 || elements(own.contents.Tensors[0].Shape) > mostNumbers {
			return nil
		}
		read := &own.contents.Tensors[0]
		v.shape = read.Shape
		v.numbers = []float64{}
		for _, f := range read.Float32s() {
			v.numbers = append(v.numbers, float64(f))
		}
	default:
		return nil
	}
	return v
}

// resizes tells what a Reshape makes of the chain: whether it flattens all but the
// batch, and to how many features, or -1 for as many as there are.
func (d *describer) resizes() (features int64, ok bool) {
	if !d.has(1) {
		return 0, false
	}
	v := d.constant(d.node.Input[1])
	if v == nil {
		return 0, false
	}
	sizes := v.sizes
	if sizes == nil {
		numbers, _, err := d.numbers(1)
		if err != nil {
			return 0, false
		}
		for _, f := range numbers {
			sizes = append(sizes, size{n: int64(f), known: true})
		}
	}
	if len(sizes) != 2 {
		return 0, false
	}
	first, second := sizes[0], sizes[1]
	batch := d.contents.Inputs[0].Shape
	isBatch := first.batch || first.known && (first.n == -1 || first.n == 0 && d.integer("allowzero", 0) == 0) ||
		first.known && len(batch) > 0 && batch[0] == strconv.FormatInt(first.n, 10)
	if !isBatch || !second.known || second.n != -1 && second.n < 1 || second.n == -1 && first.known && first.n == -1 {
		return 0, false
	}
	return second.n, true
}

// axesOf returns the axes of a Squeeze or ReduceMean, an attribute in older files
// and an input in newer ones.
func (d *describer) axesOf() []int64 {
	if a := d.attribute("axes"); a != nil {
		return a.Ints
	}
	numbers, _, err := d.numbers(1)
	if err != nil {
		return nil
	}
	var axes []int64
	for _, f := range numbers {
		axes = append(axes, int64(f))
	}
	return axes
}

// spatial reports whether axes are height and width.
func spatial(axes []int64) bool {
	return slices.Equal(axes, []int64{2, 3}) || slices.Equal(axes, []int64{-2, -1}) || slices.Equal(axes, []int64{-1, -2})
}
