package inkling

import (
	"fmt"
	"slices"

	"inkling/nn"
	"inkling/weights/graph"
)

// What the one input and the one output of a network are called whose file has no names
// for them.
const (
	inputName  = "input"
	outputName = "output"
)

// A Network is a network that is run on arrays, whatever it is for: of as many inputs and
// outputs as it has, by their names. [OpenNetwork] reads one from a file;
// [Classifier.Arrays] is a classifier as one. It belongs to one goroutine at a time.
type Network struct {
	// Inputs and Outputs are in the file's order. A dimension that is not fixed, as the
	// number of pictures, has the size -1. The type is empty, and the shape not Ranked,
	// where the file does not say them.
	Inputs, Outputs []graph.Port

	classifier *Classifier    // nil if the graph is run as it is
	graph      *graph.Network // nil if the classifier is
	compiled   *graph.Compiled
	program    *nn.Program
	batch      nn.Shape // of the program
}

// OpenNetwork reads the file of a network that [Network.Run] runs: any that [Open] opens,
// and besides any graph of ONNX's operators, of whatever inputs and outputs.
func OpenNetwork(path string) (*Network, error) { return (&Options{}).OpenNetwork(path) }

// OpenNetwork is [OpenNetwork] with what the options say of a classifier's file.
func (o *Options) OpenNetwork(path string) (*Network, error) {
	file, err := ReadFile(path)
	if err != nil {
		return nil, err
	}
	read := graphOf(file)
	if read == nil || o.Any() {
		m, err := o.Use(path, file)
		if err != nil {
			return nil, err
		}
		return m.Arrays(), nil
	}
	g, err := read()
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	n, err := graph.NewNetwork(g)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return &Network{Inputs: g.Inputs, Outputs: g.Outputs, graph: n}, nil
}

// Arrays is the network that is run on arrays rather than on pictures, with what the
// file's own has behind the logits. Arrays may settle the size of the pictures as
// [Classifier.FitTo] does.
func (m *Classifier) Arrays() *Network {
	in := graph.Port{Name: inputName, Type: graph.Float32, Ranked: true, Shape: append([]int{-1}, m.Input()...), Names: []string{"N"}}
	if m.SizeAssumed() {
		in.Shape[2], in.Shape[3] = -1, -1
	}
	out := graph.Port{Name: outputName, Type: graph.Float32, Ranked: true, Shape: []int{-1, len(m.About.Classes)}, Names: []string{"N"}}
	if p, ok := m.Network.(*graph.Picture); ok {
		in.Name, out.Name = p.Graph().Inputs[0].Name, p.Graph().Outputs[0].Name
	}
	return &Network{Inputs: []graph.Port{in}, Outputs: []graph.Port{out}, classifier: m}
}

// Inputs are the names, types and shapes of what the network reads: one input, of pictures
// that were made ready, N x channels x height x width. See [Classifier.Arrays].
func (m *Classifier) Inputs() []graph.Port { return m.Arrays().Inputs }

// Outputs are the names, types and shapes of what the network computes: one output, of a
// number for each class.
func (m *Classifier) Outputs() []graph.Port { return m.Arrays().Outputs }

// Assumed is what was taken for granted of what the network computes, see
// [Classifier.AssumedOfNetwork]. Arrays of other sizes may have changed it.
func (n *Network) Assumed() []string {
	if n.classifier == nil {
		return nil
	}
	return n.classifier.AssumedOfNetwork()
}

// Run computes the outputs, by their names, of an array for each input. The first run, and
// each with other shapes than the one before, makes the network ready for these. It fails
// if an input is missing or does not suit, and for numbers that an operator does not take.
func (n *Network) Run(inputs map[string]*graph.Tensor) (map[string]*graph.Tensor, error) {
	list, _, err := n.run(inputs, false)
	if err != nil {
		return nil, err
	}
	return n.named(list), nil
}

// Profile is [Network.Run], and tells how long each part of the network took.
func (n *Network) Profile(inputs map[string]*graph.Tensor) (map[string]*graph.Tensor, []nn.StageTime, error) {
	list, times, err := n.run(inputs, true)
	if err != nil {
		return nil, nil, err
	}
	return n.named(list), times, nil
}

func (n *Network) named(list []*graph.Tensor) map[string]*graph.Tensor {
	out := map[string]*graph.Tensor{}
	for i, t := range list {
		out[n.Outputs[i].Name] = t
	}
	return out
}

func (n *Network) run(inputs map[string]*graph.Tensor, profile bool) ([]*graph.Tensor, []nn.StageTime, error) {
	if n.graph == nil {
		return n.classify(inputs, profile)
	}
	if n.compiled == nil || !n.compiled.Suits(inputs) {
		c, err := n.graph.Compile(inputs)
		if err != nil {
			return nil, nil, err
		}
		n.compiled = c
	}
	if profile {
		return n.compiled.Profile(inputs)
	}
	out, err := n.compiled.Run(inputs)
	return out, nil, err
}

// classify runs a classifier.
func (n *Network) classify(inputs map[string]*graph.Tensor, profile bool) ([]*graph.Tensor, []nn.StageTime, error) {
	m, in := n.classifier, &n.Inputs[0]
	x := inputs[in.Name]
	if x == nil || len(inputs) != 1 {
		return nil, nil, fmt.Errorf("the network has one input, %q; want an array for it and for nothing else", in.Name)
	}
	if err := x.Check(); err != nil {
		return nil, nil, fmt.Errorf("the input %q: %w", in.Name, err)
	}
	if len(x.Shape) == 4 {
		m.FitTo(x.Shape[1], x.Shape[2], x.Shape[3], "the array has them")
	}
	if wanted := m.Input(); len(x.Shape) != 4 || x.Type != graph.Float32 || x.Shape[0] < 1 || !slices.Equal(x.Shape[1:], wanted) {
		return nil, nil, fmt.Errorf("the input is %v, want float32 of N x %s", x, nn.Shape(wanted))
	}
	if n.program == nil || !slices.Equal(n.batch, x.Shape) {
		p, err := nn.Compile(m.Whole(), x.Shape...)
		if err != nil {
			return nil, nil, err
		}
		n.program, n.batch = p, slices.Clone(x.Shape)
	}
	var times []nn.StageTime
	if profile {
		times = n.program.Profile(x.Floats)
	}
	y := slices.Clone(n.program.Forward(x.Floats))
	return []*graph.Tensor{{Type: graph.Float32, Shape: n.program.OutputShape(), Floats: y}}, times, nil
}
