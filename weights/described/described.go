// Package described reads networks that a person has described in a file network.yaml:
// what they read, and their layers, as PyTorch writes them, with what each reads. Such a
// network is a graph of ONNX's operators (package weights/graph), whose weights have the
// names of a state dict; docs/network-yaml.md tells what may stand in the file.
package described

import (
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"

	"inkling/internal/flagfile"
	"inkling/weights/graph"
)

// Is reports whether a name is that of a description: it ends in .yaml or .yml.
func Is(path string) bool {
	ending := strings.ToLower(filepath.Ext(path))
	return ending == ".yaml" || ending == ".yml"
}

// Error is what is wrong with a file, and where.
type Error = flagfile.Error

// Network is what a file describes.
type Network struct {
	// Input are channels, height and width of the pictures.
	Input [3]int
	// Classes, Mean and Std are as in weights.Metadata, nil if they are not said.
	Classes   []string
	Mean, Std []float32
	// Weights is the file with the weights, beside this one; empty if none is said.
	Weights string
	// Layers are in the order of the file.
	Layers []Layer
	// Parameters are the weights that the layers need.
	Parameters []Parameter
	// Graph computes the network. Of the parameters it knows type and shape, as inputs.
	Graph *graph.Graph
}

// Layer is one layer.
type Layer struct {
	Name, Text string
	// Shape is that of its output without the batch.
	Shape []int
}

// Parameter is a weight, or a running statistic, of a layer.
type Parameter struct {
	Name  string
	Shape []int
	// Bound tells how PyTorch draws the first values: evenly up to it either way. Where it
	// is 0 all are Start.
	Bound, Start float64
}

// mostBytes is how large a description may be.
const mostBytes = 256 << 10

// Read reads the file at path. What is wrong with it is an *Error with line and column.
func Read(path string) (*Network, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return Parse(path, text)
}

// Parse is Read of a text; path stands for its file in errors.
func Parse(path string, text []byte) (*Network, error) {
	if len(text) > mostBytes {
		return nil, &Error{Path: path, Reason: fmt.Sprintf("it is larger than %d bytes, and so no description of a network", mostBytes)}
	}
	file, err := parser.ParseBytes(text, 0)
	if err != nil {
		return nil, flagfile.SyntaxError(path, err)
	}
	p := &reading{path: path, network: &Network{}}
	for _, document := range file.Docs {
		if document.Body == nil {
			continue
		}
		pairs, ok := pairsOf(document.Body)
		if !ok {
			return nil, p.fault(document.Body, "there must be lines of the form name: value, with input and layers among them")
		}
		for _, pair := range pairs {
			if err := p.entry(pair); err != nil {
				return nil, err
			}
		}
	}
	switch {
	case p.input == nil:
		return nil, &Error{Path: path, Reason: "input is missing: the pictures that the network reads, as input: [3, 32, 32] (channels, height, width)"}
	case len(p.layers) == 0:
		return nil, &Error{Path: path, Reason: "layers is missing: a list of them, as in - conv1: Conv2d(3, 16, 3)"}
	}
	return p.network, p.build()
}

// reading is a description while it is read.
type reading struct {
	path    string
	network *Network
	input   ast.Node
	layers  []ast.Node
	seen    map[string]bool
}

func (p *reading) fault(at ast.Node, format string, values ...any) error {
	if pairs, ok := pairsOf(at); ok && len(pairs) > 0 {
		at = pairs[0].Key // whose own place is that of the colon
	}
	e := &Error{Path: p.path, Reason: fmt.Sprintf(format, values...)}
	if token := at.GetToken(); token != nil && token.Position != nil {
		e.Line, e.Column = token.Position.Line, token.Position.Column
	}
	return e
}

// pairsOf returns the lines of a mapping.
func pairsOf(n ast.Node) ([]*ast.MappingValueNode, bool) {
	switch n := n.(type) {
	case *ast.MappingNode:
		return n.Values, true
	case *ast.MappingValueNode:
		return []*ast.MappingValueNode{n}, true
	}
	return nil, false
}

// listOf returns the parts of a list, or a single value as a list of one.
func listOf(n ast.Node) []ast.Node {
	if list, ok := n.(*ast.SequenceNode); ok {
		return list.Values
	}
	return []ast.Node{n}
}

func textOf(n ast.Node) string {
	if s, ok := n.(*ast.StringNode); ok {
		return s.Value
	}
	return n.String()
}

// entry reads one line at the top.
func (p *reading) entry(pair *ast.MappingValueNode) error {
	key := pair.Key.GetToken().Value
	if p.seen[key] {
		return p.fault(pair.Key, "%q is there twice", key)
	}
	if p.seen == nil {
		p.seen = map[string]bool{}
	}
	p.seen[key] = true
	n := p.network
	switch key {
	case "input":
		p.input = pair.Value
		sizes := listOf(pair.Value)
		if len(sizes) != 3 {
			return p.fault(pair.Value, "input has %d numbers, want three: channels, height and width", len(sizes))
		}
		for i, size := range sizes {
			const most = 4096
			v, err := strconv.Atoi(textOf(size))
			if err != nil || v < 1 || v > most {
				return p.fault(size, "%s is no size, want a whole number of 1 to %d", textOf(size), most)
			}
			n.Input[i] = v
		}
	case "classes":
		for _, class := range listOf(pair.Value) {
			n.Classes = append(n.Classes, textOf(class))
		}
	case "mean", "std":
		list := &n.Mean
		if key == "std" {
			list = &n.Std
		}
		for _, number := range listOf(pair.Value) {
			v, err := strconv.ParseFloat(textOf(number), 32)
			if err != nil || v-v != 0 || key == "std" && v <= 0 {
				return p.fault(number, "%s is no number for %s", textOf(number), key)
			}
			*list = append(*list, float32(v))
		}
	case "weights":
		n.Weights = textOf(pair.Value)
		if !filepath.IsLocal(n.Weights) {
			return p.fault(pair.Value, "weights is %q, want a file in the same folder or below it", n.Weights)
		}
	case "layers":
		list, ok := pair.Value.(*ast.SequenceNode)
		if !ok {
			return p.fault(pair.Value, "layers is no list, want lines such as - conv1: Conv2d(3, 16, 3)")
		}
		p.layers = list.Values
	default:
		return p.fault(pair.Key, "there is nothing called %q; there are input, layers, classes, mean, std and weights", key)
	}
	return nil
}

// build makes the graph of the layers.
func (p *reading) build() error {
	n := p.network
	n.Graph = &graph.Graph{
		Version: operatorSet, Room: 1 << 20, Initializers: map[string]graph.Initializer{},
		Inputs: []graph.Port{{Name: inputName, Type: graph.Float32, Ranked: true, Shape: []int{-1, n.Input[0], n.Input[1], n.Input[2]}, Names: []string{"N", "", "", ""}}},
	}
	shapes := map[string][]int{inputName: n.Input[:]}
	last := inputName
	for _, node := range p.layers {
		l, err := p.layer(node, shapes, last)
		if err != nil {
			return err
		}
		shapes[l.name], last = l.shape, l.name
		n.Layers = append(n.Layers, Layer{l.name, l.text, l.shape})
	}
	for _, parameter := range n.Parameters {
		n.Graph.Inputs = append(n.Graph.Inputs, graph.Port{Name: parameter.Name, Type: graph.Float32, Shape: parameter.Shape, Ranked: true})
	}
	n.Graph.Outputs = []graph.Port{{Name: last, Type: graph.Float32}}
	if shape := shapes[last]; len(shape) != 1 {
		return p.fault(p.layers[len(p.layers)-1], "the last layer gives %s for each picture, want a number for each class", sizeText(shape))
	} else if count := len(n.Classes); count > 0 && count != shape[0] {
		return p.fault(p.layers[len(p.layers)-1], "the last layer tells %d classes apart, but classes names %d", shape[0], count)
	}
	return nil
}

func sizeText(shape []int) string {
	var parts []string
	for _, size := range shape {
		parts = append(parts, strconv.Itoa(size))
	}
	return strings.Join(parts, "x")
}

// layer reads one layer, which reads the last one if it does not say otherwise.
func (p *reading) layer(node ast.Node, shapes map[string][]int, last string) (*layer, error) {
	pairs, ok := pairsOf(node)
	if !ok {
		return nil, p.fault(node, "here should stand a layer with its name, such as conv1: Conv2d(3, 16, 3)")
	}
	l := &layer{network: p.network}
	from := []string{last}
	var text, fromNode ast.Node
	for _, pair := range pairs {
		switch key := pair.Key.GetToken().Value; {
		case key == "from":
			fromNode, from = pair.Value, nil
			for _, name := range listOf(pair.Value) {
				from = append(from, textOf(name))
			}
		case text == nil:
			l.name, text = key, pair.Value
			if _, taken := shapes[key]; taken || key == "" {
				return nil, p.fault(pair.Key, "there is a layer %q already", key)
			}
		default:
			return nil, p.fault(pair.Key, "the layer %s has %q beside it; only from may stand there", l.name, key)
		}
	}
	if text == nil {
		return nil, p.fault(node, "the layer lacks its name, as in conv1: Conv2d(3, 16, 3)")
	}
	if fromNode == nil {
		fromNode = text
	}
	for _, name := range from {
		shape, known := shapes[name]
		if !known {
			return nil, p.fault(fromNode, "%s reads %q, and no layer before it is called so; what the network reads is %q", l.name, name, inputName)
		}
		l.from, l.in = append(l.from, name), append(l.in, shape)
	}
	l.text = textOf(text)
	if err := l.make(); err != nil {
		place := p.fault(text, "%s: %v", l.name, err).(*Error)
		if f, ok := err.(*fault); ok {
			place.Column += f.at
		}
		return nil, place
	}
	if elements(l.shape) > mostElements {
		return nil, p.fault(text, "%s: it gives %s numbers for each picture, which is too much", l.name, sizeText(l.shape))
	}
	return l, nil
}

func elements(shape []int) int {
	n := 1
	for _, size := range shape {
		n *= size
	}
	return n
}

const (
	inputName    = "input"
	operatorSet  = 21
	mostElements = 1 << 26
)

// Kinds are the names of the layers that there are.
func Kinds() []string {
	var names []string
	for name := range kinds {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}
