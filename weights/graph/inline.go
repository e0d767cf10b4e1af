package graph

import (
	"fmt"
	"maps"
	"slices"
)

// Inlined returns the graph with the nodes of its functions where these are called. A
// graph without functions is returned itself.
func (g *Graph) Inlined() (out *Graph, err error) {
	if len(g.Functions) == 0 {
		return g, nil
	}
	defer catch(nil, &err)
	in := &inliner{graph: g, sizes: map[*Function]int{}}
	// What a small file may become is in proportion to it.
	const free, each = 10_000, 64
	if most := min(mostNodes, free+int(g.Room/each)); in.size(g.Nodes, 0) > most {
		refuse("the graph has more than %d nodes after its functions were put in", most)
	}
	copied := *g
	copied.Nodes = in.nodes(g.Nodes, nil, 0)
	copied.Functions = nil
	return &copied, nil
}

type inliner struct {
	graph *Graph
	calls int               // so far
	sizes map[*Function]int // in nodes, with those of the functions that they call
}

// size counts the nodes that nodes become.
func (in *inliner) size(nodes []*Node, depth int) int {
	if depth > mostDepth {
		refuse("the graph's functions lie deeper than %d in each other", mostDepth)
	}
	total := 0
	for _, n := range nodes {
		total++
		for _, a := range n.Attributes {
			if a.Graph != nil {
				total += in.size(a.Graph.Nodes, depth+1)
			}
		}
		if f := in.graph.function(n); f != nil {
			size, known := in.sizes[f]
			if !known {
				size = in.size(f.Nodes, depth+1)
				in.sizes[f] = size
			}
			total += size
		}
		total = min(total, mostNodes+1)
	}
	return total
}

// nodes returns the nodes with functions put in, their values renamed.
func (in *inliner) nodes(nodes []*Node, rename func(name string) string, depth int) (out []*Node) {
	if depth > mostDepth {
		refuse("the graph's functions lie deeper than %d in each other", mostDepth)
	}
	for _, node := range nodes {
		n := *node
		n.Inputs, n.Outputs = renamed(node.Inputs, rename), renamed(node.Outputs, rename)
		n.Attributes = maps.Clone(node.Attributes)
		for name, a := range n.Attributes {
			if a.Graph == nil {
				continue
			}
			sub := *a.Graph
			sub.Nodes = in.nodes(sub.Nodes, rename, depth+1)
			sub.Outputs = slices.Clone(sub.Outputs)
			for i := range sub.Outputs {
				sub.Outputs[i].Name = renamed([]string{sub.Outputs[i].Name}, rename)[0]
			}
			if rename != nil && len(sub.Initializers) > 0 {
				initializers := map[string]Initializer{}
				for key, init := range sub.Initializers {
					initializers[rename(key)] = init
				}
				sub.Initializers = initializers
			}
			a.Graph = &sub
			n.Attributes[name] = a
		}
		f := in.graph.function(&n)
		if f == nil {
			out = append(out, &n)
			continue
		}
		out = append(out, in.call(&n, f, depth)...)
	}
	return out
}

func renamed(names []string, rename func(name string) string) []string {
	if rename == nil {
		return names
	}
	out := make([]string, len(names))
	for i, name := range names {
		if name != "" {
			out[i] = rename(name)
		}
	}
	return out
}

// call returns a function's nodes, for the values and attributes of a caller.
func (in *inliner) call(caller *Node, f *Function, depth int) []*Node {
	in.calls++
	prefix := fmt.Sprintf("call %d of %s: ", in.calls, f.Name)
	names := map[string]string{}
	for i, name := range f.Inputs {
		names[name] = "" // left out
		if i < len(caller.Inputs) {
			names[name] = caller.Inputs[i]
		}
	}
	var passed []*Node // outputs that are inputs
	for i, name := range f.Outputs {
		if i >= len(caller.Outputs) || caller.Outputs[i] == "" {
			continue
		}
		if from, taken := names[name]; taken {
			passed = append(passed, &Node{Kind: "Identity", Inputs: []string{from}, Outputs: []string{caller.Outputs[i]}, Place: caller.Place, Version: f.Version})
			continue
		}
		names[name] = caller.Outputs[i]
	}
	rename := func(name string) string {
		if to, known := names[name]; known {
			return to
		}
		return prefix + name
	}
	nodes := make([]*Node, 0, len(f.Nodes))
	for _, node := range f.Nodes {
		n := *node
		n.Version, n.Place = f.Version, caller.Place
		n.Attributes = given(node.Attributes, caller, f)
		if n.Name != "" {
			n.Name = prefix + n.Name
		}
		nodes = append(nodes, &n)
	}
	return append(in.nodes(nodes, rename, depth+1), passed...)
}

// given are a function's attributes with what its caller gives in their places.
func given(attributes map[string]Attribute, caller *Node, f *Function) map[string]Attribute {
	out := map[string]Attribute{}
	for name, a := range attributes {
		if a.Refers != "" {
			from, ok := caller.Attributes[a.Refers]
			if !ok {
				if from, ok = f.Defaults[a.Refers]; !ok {
					continue
				}
			}
			a = from
		}
		out[name] = a
	}
	return out
}
