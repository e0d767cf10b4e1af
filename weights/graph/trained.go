package graph

import (
	"maps"
	"slices"

	"inkling/nn"
)

// Trained returns the graph with the network's weights as they are now: each is an
// initializer of the name that it has in the state dict, and of the same shape. What no
// output needs is left out. The network must have been traced.
func (n *Network) Trained() (out *Graph, err error) {
	n.mutex.Lock()
	defer n.mutex.Unlock()
	defer catch(nil, &err)
	t := &rewriter{net: n, out: *n.graph, weights: map[string]nn.Entry{}, turning: map[*Node]bool{}}
	t.out.Initializers = maps.Clone(n.graph.Initializers)
	if t.out.Initializers == nil {
		t.out.Initializers = map[string]Initializer{}
	}
	for _, e := range nn.State(n.Weights) {
		if !e.Integer() { // a counter of batches is no weight
			t.weights[e.Name()] = e
		}
	}
	for at, r := range n.reads {
		if name := at.node.Inputs[at.input]; r.turned && n.transposes(name, r.name) {
			t.turning[n.computed[name]] = true
		}
	}
	t.out.Nodes = t.nodes(n.graph.Nodes)
	for name, e := range t.weights {
		values := make([]float32, Elements(e.Shape()))
		e.Read(values)
		tensor := &Tensor{Type: Float32, Shape: slices.Clone(e.Shape()), Floats: values}
		t.out.Initializers[name] = constant(tensor)
	}
	t.out.prune()
	return &t.out, nil
}

func constant(t *Tensor) Initializer {
	return Initializer{Type: t.Type, Shape: t.Shape, Load: func() (*Tensor, error) { return t, nil }}
}

// rewriter makes the graph of a network anew.
type rewriter struct {
	net     *Network
	out     Graph
	weights map[string]nn.Entry
	turning map[*Node]bool // that transpose weights, as they are to
}

func (t *rewriter) nodes(nodes []*Node) []*Node {
	var list []*Node
	for _, node := range nodes {
		c := *node
		c.Inputs, c.Attributes = slices.Clone(node.Inputs), maps.Clone(node.Attributes)
		for name, a := range c.Attributes {
			if a.Graph != nil {
				sub := *a.Graph
				sub.Nodes = t.nodes(sub.Nodes)
				a.Graph = &sub
				c.Attributes[name] = a
			}
		}
		for i, name := range node.Inputs {
			r, known := t.net.reads[position{node, i}]
			switch {
			case known && r.turned && node.standard() && node.Kind == "Gemm":
				c.Attributes["transB"] = Attribute{Kind: IntAttribute, Int: 1}
				c.Inputs[i] = r.name
			case known && r.turned && t.net.transposes(name, r.name):
			case known && r.turned:
				turned := r.name + " transposed for " + node.Outputs[0]
				list = append(list, &Node{Kind: "Transpose", Inputs: []string{r.name}, Outputs: []string{turned}, Place: node.Place,
					Attributes: map[string]Attribute{"perm": {Kind: IntsAttribute, Ints: []int64{1, 0}}}})
				c.Inputs[i] = turned
			case known:
				c.Inputs[i] = r.name
			case !t.turning[node]:
				c.Inputs[i] = t.fixed(name)
			}
		}
		list = append(list, &c)
	}
	return list
}

// fixed is the name of a constant that is not trained, where another node's weight has the
// name that it had.
func (t *rewriter) fixed(name string) string {
	if _, trained := t.weights[name]; !trained {
		return name
	}
	init, ok := t.net.graph.Initializers[name]
	if !ok {
		return name
	}
	kept := name + ".fixed"
	t.out.Initializers[kept] = init
	return kept
}

// prune leaves out the nodes that no output needs, and the initializers that no node reads.
func (g *Graph) prune() {
	wanted := map[string]bool{}
	for _, port := range g.Outputs {
		wanted[port.Name] = true
	}
	var nodes []*Node
	for _, node := range slices.Backward(g.Nodes) {
		if slices.ContainsFunc(node.Outputs, func(name string) bool { return wanted[name] }) {
			nodes = append(nodes, node)
			node.wants(wanted)
		}
	}
	slices.Reverse(nodes)
	g.Nodes = nodes
	for name := range g.Initializers {
		if !wanted[name] {
			delete(g.Initializers, name)
		}
	}
}

// wants adds what a node reads, and what the graphs in it may read.
func (n *Node) wants(wanted map[string]bool) {
	for _, name := range n.Inputs {
		wanted[name] = true
	}
	for _, a := range n.Attributes {
		if a.Graph == nil {
			continue
		}
		for _, port := range a.Graph.Outputs {
			wanted[port.Name] = true
		}
		for _, inner := range a.Graph.Nodes {
			inner.wants(wanted)
		}
	}
}
