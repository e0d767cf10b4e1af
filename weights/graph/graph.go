// Package graph runs networks that files describe as a graph of operators: ONNX's, by
// its words and definitions (Operators.md). A table has, for each operator, its plain
// definition, and for many how operations of package nn compute the same: then it is
// as fast as a network built of these, and can be trained.
package graph

import (
	"fmt"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// Node is one use of an operator.
type Node struct {
	Domain, Kind, Name string
	Inputs, Outputs    []string // names of values, "" for one that is left out
	Attributes         map[string]Attribute
	Place              int // in the file, from 1
	// Version is of the operators, where it is not the graph's.
	Version int
}

// AttributeKind is which field of an attribute counts, by ONNX's number.
type AttributeKind int

// The kinds of attributes that are read.
const (
	FloatAttribute AttributeKind = iota + 1
	IntAttribute
	TextAttribute
	TensorAttribute
	GraphAttribute
	FloatsAttribute
	IntsAttribute
)

// Attribute is a setting of a node.
type Attribute struct {
	Kind   AttributeKind
	Int    int64
	Float  float32
	Text   string
	Ints   []int64
	Floats []float32
	Tensor *Tensor
	Graph  *Graph
	// Refers names the attribute of a function's caller that stands here.
	Refers string
	// Obstacle tells why it cannot be read.
	Obstacle string
}

// Port is an input or an output.
type Port struct {
	Name string
	Type Type
	// Shape has a dimension's size, or -1 for one that is not fixed, whose name is in Names.
	Shape []int
	Names []string
	// Ranked tells that the file says the shape.
	Ranked bool
}

// Function is a graph that nodes call by its name.
type Function struct {
	Domain, Name    string
	Inputs, Outputs []string
	Nodes           []*Node
	Version         int
	// Defaults are the attributes that a caller may leave out.
	Defaults map[string]Attribute
}

// Initializer is a constant of a graph: its numbers are read when they are wanted.
type Initializer struct {
	Type  Type
	Shape []int
	Load  func() (*Tensor, error)
}

// Graph is a network as a file has it.
type Graph struct {
	Nodes           []*Node
	Inputs, Outputs []Port
	Initializers    map[string]Initializer
	Functions       []*Function
	// Version is that of ONNX's operators.
	Version int
	// Room is how many elements may be made of constants.
	Room int64
	// Obstacle tells why the graph was not read to its end.
	Obstacle string
}

// Refusal tells why a graph, or a node of it, is not run.
type Refusal struct {
	Node   *Node // nil for the graph
	Reason string
	// Needs are inputs of the graph whose numbers decide shapes.
	Needs []string
}

func (r *Refusal) Error() string {
	if r.Node == nil {
		return r.Reason
	}
	return r.Node.where() + " " + r.Reason
}

func (n *Node) where() string {
	text := "node " + fmt.Sprint(n.Place) + " (" + n.operator()
	if n.Name != "" {
		text += " " + untrusted.Shorten(n.Name)
	}
	return text + ")"
}

func (n *Node) operator() string {
	if n.standard() {
		return untrusted.Shorten(n.Kind)
	}
	return untrusted.Shorten(n.Domain + "." + n.Kind)
}

func (n *Node) standard() bool { return n.Domain == "" || n.Domain == "ai.onnx" }

// refuse panics with a refusal; whoever runs definitions recovers it.
func refuse(format string, values ...any) {
	panic(&Refusal{Reason: fmt.Sprintf(format, values...)})
}

// catch makes an error of a refusal about a node.
func catch(n *Node, err *error) {
	switch r := recover().(type) {
	case nil:
	case *Refusal:
		if r.Node == nil {
			r.Node = n
		}
		*err = r
	default:
		panic(r)
	}
}

// Missing is an operator that a graph uses and that is not run.
type Missing struct {
	Operator string
	Count    int
	First    string // where the first one is
	Reason   string
}

// String tells all of it in one line.
func (m Missing) String() string {
	return fmt.Sprintf("%s %s (%d of them, the first is %s)", m.Operator, m.Reason, m.Count, m.First)
}

// Missing returns the operators of the graph that cannot be run, by their names.
func (g *Graph) Missing() []Missing {
	var list []Missing
	var look func(nodes []*Node, depth int)
	look = func(nodes []*Node, depth int) {
		for _, n := range nodes {
			if depth < mostDepth {
				for _, a := range n.Attributes {
					if a.Graph != nil {
						look(a.Graph.Nodes, depth+1)
					}
				}
			}
			reason := ""
			if _, err := lookUp(n, g.versionOf(n)); err != nil && g.function(n) == nil {
				reason = err.Error()
			}
			if reason == "" {
				continue
			}
			i := slices.IndexFunc(list, func(m Missing) bool { return m.Operator == n.operator() && m.Reason == reason })
			if i < 0 {
				list = append(list, Missing{Operator: n.operator(), First: n.where(), Reason: reason})
				i = len(list) - 1
			}
			list[i].Count++
		}
	}
	look(g.Nodes, 0)
	for _, f := range g.Functions {
		look(f.Nodes, 0)
	}
	slices.SortFunc(list, func(a, b Missing) int { return strings.Compare(a.Operator, b.Operator) })
	return list
}

func (g *Graph) function(n *Node) *Function {
	for _, f := range g.Functions {
		if f.Name == n.Kind && f.Domain == n.Domain {
			return f
		}
	}
	return nil
}

func (g *Graph) versionOf(n *Node) int {
	if n.Version > 0 {
		return n.Version
	}
	return g.Version
}

// The operator sets that are run, and how deep functions and branches may lie in each other.
const (
	firstVersion = 1
	lastVersion  = 22
	mostDepth    = 8
	mostNodes    = 50_000 // after functions have been put in
)

// lookUp returns the operator of a node.
func lookUp(n *Node, version int) (operator, error) {
	op, known := operators[n.Kind]
	switch {
	case !n.standard():
		return op, fmt.Errorf("is an operator of %q, which is not ONNX's own and not a function of the file", n.Domain)
	case !known:
		return op, fmt.Errorf("is an operator that is not run")
	case version < firstVersion || version > lastVersion:
		return op, fmt.Errorf("is of operator set %d; sets %d to %d are run", version, firstVersion, lastVersion)
	case version < op.since:
		return op, fmt.Errorf("is of operator set %d, where it has another meaning than since set %d, which is run", version, op.since)
	}
	return op, nil
}
