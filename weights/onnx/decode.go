package onnx

import (
	"encoding/binary"
	"fmt"
	"math"
	"strconv"

	"google.golang.org/protobuf/encoding/protowire"

	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/internal/untrusted"
)

// The fields of NodeProto, AttributeProto and FunctionProto.
const (
	modelFunctions = 25

	nodeInput     = 1
	nodeOutput    = 2
	nodeName      = 3
	nodeAttribute = 5
	nodeDomain    = 7

	attributeName    = 1
	attributeFloat   = 2
	attributeInt     = 3
	attributeText    = 4
	attributeTensor  = 5
	attributeGraph   = 6
	attributeFloats  = 7
	attributeInts    = 8
	attributeTexts   = 9
	attributeTensors = 10
	attributeGraphs  = 11
	attributeKind    = 20
	attributeRefers  = 21
	attributeSparse  = 22

	functionName     = 1
	functionInput    = 4
	functionOutput   = 5
	functionNode     = 7
	functionVersions = 9
	functionDomain   = 10
	functionDefaults = 11
)

const (
	mostGraphNodes = 50_000
	mostGraphDepth = 8
	// graphRoom is what the nodes of a graph may take besides once the file's size, and
	// how many elements may be made of its constants besides those of the file.
	graphRoom    = 12 << 20
	constantRoom = 512 << 10
)

// decoder reads a graph of nodes. What is too much makes the graph one that is not run,
// and is no error of the file, whose weights can be read.
type decoder struct {
	*parser
	room  int64 // bytes
	nodes int
}

// tooMuch ends the reading of a graph.
type tooMuch struct{ error }

func (d *decoder) pay(bytes int) error {
	if d.room -= int64(bytes); d.room < 0 {
		return tooMuch{fmt.Errorf("it has more nodes than a file of %d bytes may have", len(d.data))}
	}
	return nil
}

// decodeGraph reads the nodes of the file's graph, and its functions.
func (p *parser) decodeGraph() (*graph.Graph, error) {
	d := &decoder{parser: p, room: int64(len(p.data)) + graphRoom}
	g := &graph.Graph{Initializers: map[string]graph.Initializer{}, Version: p.contents.OperatorSet, Room: int64(len(p.data)) + constantRoom}
	for _, list := range [][]weights.Tensor{p.contents.Tensors, p.contents.Others} {
		for i := range list {
			g.Initializers[list[i].Name] = initializerOf(&list[i])
		}
	}
	for _, in := range p.contents.Inputs {
		g.Inputs = append(g.Inputs, portOf(in))
	}
	for _, out := range p.contents.Outputs {
		g.Outputs = append(g.Outputs, portOf(out))
	}
	err := p.each(message{0, len(p.data)}, func(f field) (err error) {
		switch f.number {
		case modelGraph:
			g.Nodes, err = d.nodesOf(f, graphNode, 0)
		case modelFunctions:
			var function *graph.Function
			if function, err = d.function(f); err == nil {
				g.Functions = append(g.Functions, function)
			}
		}
		return err
	})
	if much, ok := err.(tooMuch); ok {
		g.Nodes, g.Functions, g.Obstacle = nil, nil, much.Error()
		return g, nil
	}
	return g, err
}

// portOf makes numbers of the dimensions that are.
func portOf(p Port) graph.Port {
	out := graph.Port{Name: p.Name, Type: graph.Type(p.DType), Ranked: p.Shape != nil}
	for _, text := range p.Shape {
		n, err := strconv.Atoi(text)
		if err != nil || n < 0 {
			n = -1
		} else {
			text = ""
		}
		out.Shape, out.Names = append(out.Shape, n), append(out.Names, text)
	}
	return out
}

// initializerOf makes numbers of a tensor's bytes when they are wanted.
func initializerOf(t *weights.Tensor) graph.Initializer {
	return graph.Initializer{Type: graph.Type(t.DType), Shape: t.Shape, Load: func() (*graph.Tensor, error) { return numbersOf(t) }}
}

func numbersOf(t *weights.Tensor) (*graph.Tensor, error) {
	return graph.FromBytes(t.DType, t.Shape, t.Data)
}

// nodesOf reads the nodes in a message.
func (d *decoder) nodesOf(f field, number protowire.Number, depth int) (nodes []*graph.Node, err error) {
	err = d.within(f, number, func(f field) error {
		n, err := d.node(f, len(nodes)+1, depth)
		nodes = append(nodes, n)
		return err
	})
	return nodes, err
}

func (d *decoder) node(f field, place, depth int) (*graph.Node, error) {
	const cost = 400
	if d.nodes++; d.nodes > mostGraphNodes {
		return nil, tooMuch{fmt.Errorf("it has more than %d nodes", mostGraphNodes)}
	}
	if err := d.pay(cost); err != nil {
		return nil, err
	}
	n := &graph.Node{Place: place}
	if _, err := d.bytes(f); err != nil {
		return nil, err
	}
	return n, d.each(f.message, func(f field) (err error) {
		switch f.number {
		case nodeInput:
			err = d.addText(&n.Inputs, f)
		case nodeOutput:
			err = d.addText(&n.Outputs, f)
		case nodeName:
			n.Name, err = d.name(f)
		case nodeKind:
			n.Kind, err = d.name(f)
		case nodeDomain:
			n.Domain, err = d.name(f)
		case nodeAttribute:
			var name string
			var a graph.Attribute
			if name, a, err = d.attribute(f, depth); err != nil {
				return err
			}
			if n.Attributes == nil {
				n.Attributes = map[string]graph.Attribute{}
			}
			n.Attributes[name] = a
		}
		return err
	})
}

// name is text that the room pays for.
func (d *decoder) name(f field) (string, error) {
	b, err := d.bytes(f)
	if err == nil {
		err = d.pay(len(b))
	}
	return string(b), err
}

func (d *decoder) addText(list *[]string, f field) error {
	text, err := d.name(f)
	if err == nil {
		err = d.pay(4 * 16) // in a growing list
	}
	*list = append(*list, text)
	return err
}

func (d *decoder) attribute(f field, depth int) (name string, a graph.Attribute, err error) {
	const cost = 900 // a place in a small map
	if err := d.pay(cost); err != nil {
		return "", a, err
	}
	if _, err := d.bytes(f); err != nil {
		return "", a, err
	}
	err = d.each(f.message, func(f field) (err error) {
		switch f.number {
		case attributeName:
			name, err = d.name(f)
		case attributeKind:
			a.Kind = graph.AttributeKind(min(f.value, math.MaxInt32))
		case attributeFloat:
			if f.kind != protowire.Fixed32Type {
				return d.fault(f.from, "a setting of a node is of the wrong wire type %d", f.kind)
			}
			a.Float = math.Float32frombits(binary.LittleEndian.Uint32(d.data[f.from:]))
		case attributeInt:
			a.Int = int64(f.value)
		case attributeText:
			a.Text, err = d.name(f)
		case attributeRefers:
			a.Refers, err = d.name(f)
		case attributeInts:
			err = d.numbers(f, func(n uint64) error {
				a.Ints = append(a.Ints, int64(n))
				return d.pay(3 * 8)
			})
		case attributeFloats:
			err = d.reals(f, &a.Floats)
		case attributeTensor:
			a.Tensor, a.Obstacle, err = d.constant(f)
		case attributeGraph:
			a.Graph, err = d.subgraph(f, depth+1)
		case attributeTexts, attributeTensors, attributeGraphs, attributeSparse:
			a.Obstacle = "it holds texts, several tensors, several graphs or sparse numbers"
		}
		return err
	})
	return name, a, err
}

// reals reads floats, each by itself or packed.
func (d *decoder) reals(f field, list *[]float32) error {
	if f.kind != protowire.Fixed32Type && f.kind != protowire.BytesType || (f.to-f.from)%4 != 0 {
		return d.fault(f.from, "a list of numbers is damaged")
	}
	for at := f.from; at < f.to; at += 4 {
		*list = append(*list, math.Float32frombits(binary.LittleEndian.Uint32(d.data[at:])))
	}
	return d.pay(3 * (f.to - f.from))
}

// constant reads a tensor in a node; one that is of no known type is an obstacle.
func (d *decoder) constant(f field) (*graph.Tensor, string, error) {
	if _, err := d.bytes(f); err != nil {
		return nil, "", err
	}
	t, err := d.tensor(f.message)
	if err != nil {
		return nil, err.Error(), nil
	}
	if err := d.pay(8 * graph.Elements(t.Shape)); err != nil {
		return nil, "", err
	}
	out, err := numbersOf(&t)
	if err != nil {
		return nil, err.Error(), nil
	}
	return out, "", nil
}

// subgraph reads a branch.
func (d *decoder) subgraph(f field, depth int) (*graph.Graph, error) {
	if depth > mostGraphDepth {
		return nil, tooMuch{fmt.Errorf("its graphs lie more than %d deep in each other", mostGraphDepth)}
	}
	g := &graph.Graph{Initializers: map[string]graph.Initializer{}}
	var err error
	if g.Nodes, err = d.nodesOf(f, graphNode, depth); err != nil {
		return nil, err
	}
	return g, d.each(f.message, func(f field) error {
		switch f.number {
		case graphInput, graphOutput:
			if _, err := d.bytes(f); err != nil {
				return err
			}
			if err := d.pay(300); err != nil {
				return err
			}
			ports, err := d.port(nil, f.message)
			if err != nil {
				return err
			}
			if f.number == graphOutput {
				g.Outputs = append(g.Outputs, portOf(ports[0]))
			} else {
				g.Inputs = append(g.Inputs, portOf(ports[0]))
			}
		case graphInitializer:
			if _, err := d.bytes(f); err != nil {
				return err
			}
			t, err := d.tensor(f.message)
			if err != nil {
				return err
			}
			g.Initializers[t.Name] = initializerOf(&t)
		}
		return nil
	})
}

func (d *decoder) function(f field) (*graph.Function, error) {
	out := &graph.Function{Version: d.contents.OperatorSet, Defaults: map[string]graph.Attribute{}}
	if err := d.pay(500); err != nil {
		return nil, err
	}
	var err error
	if out.Nodes, err = d.nodesOf(f, functionNode, 0); err != nil {
		return nil, err
	}
	return out, d.each(f.message, func(f field) (err error) {
		switch f.number {
		case functionName:
			out.Name, err = d.name(f)
		case functionDomain:
			out.Domain, err = d.name(f)
		case functionInput:
			err = d.addText(&out.Inputs, f)
		case functionOutput:
			err = d.addText(&out.Outputs, f)
		case functionVersions:
			domain, _, version, err := d.pair(f)
			if err == nil && (domain == "" || domain == "ai.onnx") && version < math.MaxInt32 {
				out.Version = int(version)
			}
			return err
		case functionDefaults:
			name, a, err := d.attribute(f, 0)
			out.Defaults[name] = a
			return err
		}
		return err
	})
}

// ReadTensor reads a file of one tensor (TensorProto), as ONNX's tests keep their inputs
// and outputs, and its name.
func ReadTensor(data []byte) (name string, t *graph.Tensor, err error) {
	p := &parser{data: data, budget: untrusted.NewBudget(int64(len(data))), contents: &Contents{}, names: map[string]bool{}}
	read, err := p.tensor(message{0, len(data)})
	if err != nil {
		return "", nil, err
	}
	t, err = numbersOf(&read)
	return read.Name, t, err
}
