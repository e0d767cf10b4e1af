package graph

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"inkling/nn"
)

// Network is a graph as operations of package nn. Its weights are those of the file,
// under the file's names, and can be trained where the operators are of package nn.
type Network struct {
	Weights

	graph    *Graph
	mutex    sync.Mutex
	layers   map[string]*made     // of package nn, by their settings and weights
	folded   map[*Node][]*Tensor  // what nodes give that no input changes
	loaded   map[string]*Tensor   // initializers in use
	shared   map[string]string    // copies of weights, and which they are of
	reads    map[position]reading // where nodes read weights, as of the last trace
	uses     map[string]int       // how often values are read
	computed map[string]*Node     // what gives a value, by its name
	plain    map[string]int       // operators that run by their definitions
	known    map[string]*Tensor   // inputs whose numbers decide shapes, while it is traced
	left     int64                // elements that may still be made of constants
	steps    float64              // that may still be taken for these
	growth   int64                // elements that may still be made of inputs, while it is traced
	fault    *fault               // of the last run
	taken    map[string]bool      // names of weights
	first    *nn.Value            // an input, while it is traced
	// fixedBatch is the batch that the file's inputs have, if that is a number, and
	// generalised that shapes were taken for those of any batch.
	fixedBatch  int
	generalised bool
	// classifies tells that the network is one of pictures, training which of its operators
	// say that they are of a training.
	classifies bool
	training   map[string]int
	count      int // of nodes, while it is traced
}

// Weights are parameters and buffers by their names.
type Weights []nn.Named

// weight and buffer make parts of a state dict.
type weight struct{ *nn.Param }

// Forward is never called: the network knows what to do with the weight.
func (weight) Forward(x *nn.Value) *nn.Value { return x }

type buffer struct{ *nn.Buffer }

// Forward is never called.
func (buffer) Forward(x *nn.Value) *nn.Value { return x }

// NewNetwork makes a network of a graph, if all of its operators can be run.
func NewNetwork(g *Graph) (*Network, error) {
	if missing := g.Missing(); len(missing) > 0 {
		texts := make([]string, 0, len(missing))
		for _, m := range missing {
			texts = append(texts, m.String())
		}
		const most = 10
		if len(texts) > most {
			texts = append(texts[:most], fmt.Sprintf("and %d operators more", len(texts)-most))
		}
		return nil, fmt.Errorf("the graph has operators that are not run: %s", strings.Join(texts, "; "))
	}
	if g.Obstacle != "" {
		return nil, fmt.Errorf("the graph is not run: %s", g.Obstacle)
	}
	if len(g.Outputs) == 0 {
		return nil, fmt.Errorf("the graph has no output")
	}
	g, err := g.Inlined()
	if err != nil {
		return nil, err
	}
	n := &Network{graph: g, layers: map[string]*made{}, folded: map[*Node][]*Tensor{},
		loaded: map[string]*Tensor{}, shared: map[string]string{}, taken: map[string]bool{}, left: g.Room, fault: &fault{},
		uses: map[string]int{}, computed: map[string]*Node{}}
	const least, each = 1e8, 256 // of what people fold, hardly any has more
	n.steps = least + each*float64(g.Room)
	for _, port := range g.Outputs {
		n.uses[port.Name]++
	}
	n.index(g.Nodes)
	return n, nil
}

// index counts how often values are read.
func (n *Network) index(nodes []*Node) {
	for _, node := range nodes {
		for _, name := range node.Inputs {
			n.uses[name]++
		}
		for _, name := range node.Outputs {
			n.computed[name] = node
		}
		for _, a := range node.Attributes {
			if a.Graph != nil {
				for _, port := range a.Graph.Outputs {
					n.uses[port.Name]++
				}
				n.index(a.Graph.Nodes)
			}
		}
	}
}

// Graph returns what the network was made of, with the nodes of functions in their places.
func (n *Network) Graph() *Graph { return n.graph }

// Definitions counts the operators that run by their plain definitions, and through which
// no gradient flows, as of the last time that the network was traced.
func (n *Network) Definitions() map[string]int {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return maps.Clone(n.plain)
}

// Shared are the weights that several layers have copies of: trained, they would part.
func (n *Network) Shared() []string {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	return slices.Sorted(maps.Values(n.shared))
}

// nnValue is a value of the graph: a constant, or what is computed.
type nnValue struct {
	// tensor is what a constant is, other what it is for the other batch with which
	// networks are traced, nil if the same.
	tensor, other *Tensor
	// weight is under which name the file has it; turned tells that this is its transpose.
	weight string
	turned bool

	value *nn.Value
	typ   Type
	shape []int // for the batch at hand

	// What made it, where it may become part of another operation.
	kind   string
	node   *Node
	source []*nnValue
	layer  string // its key, if it is one of package nn with weights
	number float64
	// defined is the node whose plain definition computes it.
	defined *Node
}

func (v *nnValue) constant() bool { return v.value == nil }

// shapes are those for the batch at hand and for the other.
func (v *nnValue) shapes() (here, other []int) {
	if v.constant() {
		if v.other != nil {
			return v.tensor.Shape, v.other.Shape
		}
		return v.tensor.Shape, v.tensor.Shape
	}
	if len(v.shape) == 0 {
		return v.shape, v.shape
	}
	return v.shape, v.value.OtherShape()
}

// scope are the values that nodes see, by their names.
type scope struct {
	values map[string]*nnValue
	outer  *scope
	depth  int
}

func (s *scope) find(name string) *nnValue {
	for ; s != nil; s = s.outer {
		if v := s.values[name]; v != nil {
			return v
		}
	}
	return nil
}

// trace computes the outputs from values for the inputs.
func (n *Network) trace(inputs map[string]*nnValue, known map[string]*Tensor, first *nn.Value) (out []*nnValue, err error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	defer catch(nil, &err)
	n.training = map[string]int{}
	n.plain, n.known, n.first, n.count, n.reads = map[string]int{}, known, first, 0, map[position]reading{}
	defer func() { n.first, n.known = nil, nil }()
	s := &scope{values: map[string]*nnValue{}}
	given := 0
	for name, v := range inputs {
		s.values[name] = v
		given += Elements(v.shape)
	}
	for name, t := range known {
		s.values[name] = &nnValue{tensor: t}
		given += t.Len()
	}
	n.growth = n.mayGrow(given)
	n.run(n.graph.Nodes, s)
	for _, port := range n.graph.Outputs {
		v := n.find(s, port.Name)
		if v == nil {
			refuse("the output %q is computed by no node", port.Name)
		}
		out = append(out, v)
	}
	n.countDefinitions(out)
	return out, nil
}

// mayGrow is how many elements all values together may have that are computed of inputs of
// so many: memory is in proportion to these and to the file. Of networks that people make,
// those with few weights have a few hundred for each of the input's, and those that make
// pictures of a few numbers have many weights.
func (n *Network) mayGrow(given int) int64 {
	const least, each = 1 << 16, 4096
	weights := 0
	for _, init := range n.graph.Initializers {
		weights += Elements(init.Shape)
	}
	return least + n.graph.Room/4 + int64(weights) + each*int64(given)
}

// countDefinitions counts the nodes that run by their definitions, of those that the
// outputs need.
func (n *Network) countDefinitions(outputs []*nnValue) {
	seen, nodes := map[*nnValue]bool{}, map[*Node]bool{}
	var look func(v *nnValue)
	look = func(v *nnValue) {
		if v == nil || seen[v] {
			return
		}
		seen[v] = true
		if v.defined != nil && !nodes[v.defined] {
			nodes[v.defined] = true
			n.plain[v.defined.Kind]++
		}
		for _, s := range v.source {
			look(s)
		}
	}
	for _, v := range outputs {
		look(v)
	}
}

// find is scope.find, and knows the initializers.
func (n *Network) find(s *scope, name string) *nnValue {
	if v := s.find(name); v != nil {
		return v
	}
	for outer := s; outer != nil; outer = outer.outer {
		if outer.outer == nil {
			if init, ok := n.graph.Initializers[name]; ok {
				v := &nnValue{tensor: n.load(name, init), weight: name}
				outer.values[name] = v
				return v
			}
		}
	}
	return nil
}

func (n *Network) load(name string, init Initializer) *Tensor {
	if t := n.loaded[name]; t != nil {
		return t
	}
	t, err := init.Load()
	if err != nil {
		refuse("the weight %q cannot be read: %v", name, err)
	}
	n.loaded[name] = t
	return t
}

// run computes nodes, which are in the order in which they can be.
func (n *Network) run(nodes []*Node, s *scope) {
	for _, node := range nodes {
		if n.count++; n.count > mostNodes {
			refuse("the graph has more than %d nodes", mostNodes)
		}
		n.node(node, s)
	}
}

func (n *Network) node(node *Node, s *scope) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case *Refusal:
			if r.Node == nil {
				r.Node = node
			}
			panic(r)
		default:
			panic(r)
		}
	}()
	l := &lowering{net: n, node: node, version: n.graph.versionOf(node), scope: s}
	for name, a := range node.Attributes {
		if a.Obstacle != "" {
			refuse("has an attribute %q that is not read: %s", name, a.Obstacle)
		}
	}
	for _, name := range node.Inputs {
		var v *nnValue
		if name != "" {
			if v = n.find(s, name); v == nil {
				refuse("reads %q, which no node before it computes; the nodes are not in order or go round in a circle", name)
			}
		}
		l.in = append(l.in, v)
	}
	var out []*nnValue
	if node.standard() && node.Kind == "If" {
		out = n.branch(l)
	} else {
		op, err := lookUp(node, l.version)
		if err != nil {
			refuse("%v", err)
		}
		out = l.apply(op)
	}
	for i, name := range node.Outputs {
		if name == "" || i >= len(out) || out[i] == nil {
			continue
		}
		if !out[i].constant() {
			if n.growth -= int64(Elements(out[i].shape)); n.growth < 0 {
				refuse("gives a value of the shape %v, with which the network computes more numbers than its inputs and its file may become", out[i].shape)
			}
		}
		if s.values[name] != nil {
			refuse("gives %q, which is there already", name)
		}
		s.values[name] = out[i]
	}
}

// branch runs one of the graphs of an If, whose condition must be known.
func (n *Network) branch(l *lowering) []*nnValue {
	if len(l.in) != 1 || l.in[0] == nil {
		refuse("has no condition")
	}
	l.needs([]int{0})
	condition := l.in[0].tensor
	if len(condition.Ints) != 1 || l.in[0].other != nil {
		refuse("has the condition %v", condition)
	}
	name := "else_branch"
	if condition.Ints[0] != 0 {
		name = "then_branch"
	}
	g := l.node.Attributes[name].Graph
	if g == nil {
		refuse("has no %s", name)
	}
	inner := &scope{values: map[string]*nnValue{}, outer: l.scope, depth: l.scope.depth + 1}
	if inner.depth > mostDepth {
		refuse("lies deeper than %d graphs in each other", mostDepth)
	}
	for key, init := range g.Initializers {
		t, err := init.Load()
		if err != nil {
			refuse("%v", err)
		}
		inner.values[key] = &nnValue{tensor: t}
	}
	n.run(g.Nodes, inner)
	var out []*nnValue
	for _, port := range g.Outputs {
		v := n.find(inner, port.Name)
		if v == nil {
			refuse("has a branch whose output %q is computed by no node", port.Name)
		}
		out = append(out, v)
	}
	return out
}

// transposes reports whether a value is the transpose of a weight.
func (n *Network) transposes(name, weight string) bool {
	node := n.computed[name]
	return node != nil && node.standard() && node.Kind == "Transpose" && node.Inputs[0] == weight
}
