package graph

import (
	"runtime"
	"slices"

	"inkling/nn"
)

// lowering is one node on its way to operations of package nn.
type lowering struct {
	net     *Network
	node    *Node
	version int
	in      []*nnValue // nil where an input is left out
	scope   *scope
	key     string // of the last layer
}

// has reports whether an input is there.
func (l *lowering) has(i int) bool { return i < len(l.in) && l.in[i] != nil }

// call is the node with those inputs that are constants.
func (l *lowering) call() *call {
	most := int64(mostElements)
	c := &call{node: l.node, version: l.version, outputs: len(l.node.Outputs), limits: limits{left: &most}}
	for _, v := range l.in {
		var t *Tensor
		if v != nil {
			if t = v.tensor; !v.constant() {
				t = &Tensor{Type: v.typ, Shape: v.shape} // without numbers
			}
		}
		c.in = append(c.in, t)
	}
	return c
}

// apply computes the node: at once where everything is constant, else by operations of
// package nn where these can, and by the plain definition where not.
func (l *lowering) apply(op operator) []*nnValue {
	if l.node.Kind == "Shape" && l.has(0) || l.node.Kind == "Size" && l.has(0) {
		return l.measured()
	}
	l.needs(op.known)
	computed := slices.ContainsFunc(l.in, func(v *nnValue) bool { return v != nil && !v.constant() })
	if !computed {
		return l.foldNamed(op)
	}
	if op.lower != nil {
		if out := l.try(op); out != nil {
			return out
		}
	}
	return l.define(op)
}

// try returns nil where package nn refuses the shapes: the definition then tells what is
// wrong, or can do more.
func (l *lowering) try(op operator) (out []*nnValue) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case runtime.Error:
			panic(r)
		default:
			out = nil
		}
	}()
	return op.lower(l)
}

// needs wants constants as some inputs.
func (l *lowering) needs(known []int) {
	for _, i := range known {
		if !l.has(i) || l.in[i].constant() {
			continue
		}
		r := &Refusal{Node: l.node, Reason: "has a shape that depends on numbers that the network computes, which is not run"}
		// Where these are but an input's, a network can be made for each value of it.
		l.net.sources(l.in[i], r)
		panic(r)
	}
}

// sources collects the inputs of the graph that a value comes from.
func (n *Network) sources(v *nnValue, r *Refusal) {
	seen := map[*nnValue]bool{}
	var look func(v *nnValue)
	look = func(v *nnValue) {
		if v == nil || seen[v] || v.constant() {
			return
		}
		seen[v] = true
		if v.kind == inputKind {
			r.Needs = append(r.Needs, v.weight)
		}
		for _, s := range v.source {
			look(s)
		}
	}
	look(v)
}

const inputKind = "input"

// measured is the shape of a value, or its size, for the batch and for the other.
func (l *lowering) measured() []*nnValue {
	here, other := l.in[0].shapes()
	of := func(shape []int) *Tensor {
		if l.node.Kind == "Size" {
			return &Tensor{Type: Int64, Shape: []int{}, Ints: []int64{int64(Elements(shape))}}
		}
		return shapeTensor(l.node, shape)
	}
	v := &nnValue{tensor: of(here)}
	if o := of(other); !o.equal(v.tensor) {
		v.other = o
	}
	return []*nnValue{v}
}

// foldNamed is fold, and knows weights again that are only passed on or transposed.
func (l *lowering) foldNamed(op operator) []*nnValue {
	if len(l.in) == 1 && l.in[0] != nil && l.in[0].weight != "" && l.node.standard() {
		in := l.in[0]
		switch l.node.Kind {
		case "Identity":
			return []*nnValue{in}
		case "Transpose":
			if len(in.tensor.Shape) != 2 || !slices.Equal(permutation(l.node, 2), []int{1, 0}) {
				break
			}
			out := l.fold(op)
			out[0].weight, out[0].turned = in.weight, !in.turned
			return out
		}
	}
	return l.fold(op)
}

// fold runs the definition on constants, once for each batch if they depend on it.
func (l *lowering) fold(op operator) []*nnValue {
	varies := slices.ContainsFunc(l.in, func(v *nnValue) bool { return v != nil && v.other != nil })
	fixed := !varies && len(l.net.known) == 0
	if fixed {
		if done := l.net.folded[l.node]; done != nil {
			return constants(done, nil)
		}
	}
	run := func(other bool) []*Tensor {
		var in []*Tensor
		for _, v := range l.in {
			var t *Tensor
			if v != nil {
				if t = v.tensor; other && v.other != nil {
					t = v.other
				}
			}
			in = append(in, t)
		}
		out, err := op.run(l.node, l.version, in, limits{left: &l.net.left, steps: &l.net.steps})
		if err != nil {
			panic(err)
		}
		return out
	}
	out := run(false)
	if varies {
		return constants(out, run(true))
	}
	if fixed {
		l.net.folded[l.node] = out
	}
	return constants(out, nil)
}

func constants(here, other []*Tensor) []*nnValue {
	list := make([]*nnValue, len(here))
	for i, t := range here {
		list[i] = &nnValue{tensor: t}
		if other != nil && !other[i].equal(t) {
			list[i].other = other[i]
		}
	}
	return list
}

// define runs the plain definition as an operation.
func (l *lowering) define(op operator) []*nnValue {
	p := &plan{op: op, node: l.node, version: l.version, fault: l.net.fault}
	var inputs []*nn.Value
	for _, v := range l.in {
		in := planned{absent: v == nil}
		switch {
		case v == nil:
		case v.constant():
			in.tensor, in.other = v.tensor, v.other
		default:
			in.k, in.typ = len(inputs), v.typ
			in.here, in.then = v.shapes()
			inputs = append(inputs, v.value)
		}
		p.inputs = append(p.inputs, in)
	}
	for i, name := range l.node.Outputs {
		if name != "" {
			p.outputs = append(p.outputs, i)
		}
	}
	d := definition{p}
	specs := make([]nn.Spec, len(inputs))
	for i, v := range inputs {
		specs[i] = nn.Spec{Shape: v.Shape(), Type: v.Type()}
	}
	rest := l.net.growth
	shapes, err := d.probe(specs, limits{left: &rest}) // whose types and ranks package nn does not keep
	if err != nil {
		panic(err)
	}
	list := make([]*nnValue, len(l.node.Outputs))
	if l.empty(d, shapes, list) {
		return list
	}
	for i, v := range nn.ApplyAll(d, nil, nil, inputs...) {
		k := p.outputs[i]
		list[k] = l.made(v, shapes[k].Type)
		list[k].defined = l.node
		if len(shapes[k].Shape) == 0 {
			list[k].shape = []int{}
		}
	}
	return list
}

// empty makes constants of outputs without elements, if there is nothing else.
func (l *lowering) empty(d definition, shapes []*Tensor, list []*nnValue) bool {
	for _, k := range d.outputs {
		if shapes[k].Len() > 0 {
			return false
		}
		list[k] = &nnValue{tensor: shapes[k]}
	}
	return true
}

// made is a value that the node computes.
func (l *lowering) made(v *nn.Value, t Type) *nnValue {
	const most = 1 << 29
	if v.Shape().Elements() > most {
		refuse("gives a value of the shape %v, which is too large", v.Shape())
	}
	made := &nnValue{value: v, typ: t, shape: v.Shape(), kind: l.node.Kind, node: l.node, source: l.in, layer: l.key}
	if made.kind == "HardSigmoid" && pytorchHardSigmoid(l.node) {
		made.number = 1
	}
	return made
}

// one is a list of one value of the type of the first input.
func (l *lowering) one(v *nn.Value) []*nnValue { return []*nnValue{l.made(v, l.in[0].typ)} }

// view gives a value other shapes, for the batch and for the other.
func (l *lowering) view(v *nnValue, here, other []int) *nnValue {
	x := v.value
	if kindOf(v.typ) == nn.Float32 && len(v.shape) > 0 && len(here) > 1 && len(other) == len(here) {
		now, then := v.shapes()
		if here[0] == now[0] && other[0] == then[0] && now[0] != then[0] && slices.Equal(here[1:], other[1:]) {
			if slices.Equal(here, now) {
				return l.made(x, v.typ)
			}
			if len(here) == 2 {
				return l.made(x.Flatten(), v.typ)
			}
			return l.made(nn.Reshape(x, here[1:]...), v.typ)
		}
	}
	op := view{here: sizesOf(here), other: sizesOf(other), now: x.Shape().Elements(), then: x.OtherShape().Elements(), kind: x.Type()}
	if op.here.elements() != op.now || op.other.elements() != op.then {
		refuse("makes the shape %v of %v", here, v.shape)
	}
	out := l.made(nn.Apply(op, nil, x), v.typ)
	out.shape = slices.Clone(here)
	return out
}
