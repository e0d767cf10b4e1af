package inkling

import (
	"bytes"
	"encoding/base64"
	"fmt"
	"maps"
	"slices"

	"inkling/models"
	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/onnx"
)

// graphName is what a network that is run as its graph says is called.
const graphName = "Graph"

// graphKey is under which metadata keeps a graph, as a .onnx without the weights in base64,
// where a file of tensors alone was made of one that said it.
const graphKey = "graph"

// keepGraph notes a graph in metadata. The tensors hold its weights.
func keepGraph(about *weights.Metadata, g *graph.Graph, holds func(tensor string) bool) error {
	data, err := onnx.Encode(g, nil, holds)
	if err != nil {
		return fmt.Errorf("its network cannot be kept in a file of tensors: %w", err)
	}
	if about.Extra == nil {
		about.Extra = map[string]string{}
	}
	delete(about.Extra, layersKey)
	about.Architecture, about.Extra[graphKey] = graphName, base64.StdEncoding.EncodeToString(data)
	return nil
}

// keptGraph reads what keepGraph has noted.
func keptGraph(text string, tensors []weights.Tensor) (*graph.Graph, error) {
	data, err := base64.StdEncoding.DecodeString(text)
	if err != nil {
		return nil, fmt.Errorf("the metadata's %s is damaged: %w", graphKey, err)
	}
	contents, err := onnx.Read(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		return nil, fmt.Errorf("the metadata's %s is damaged: %w", graphKey, err)
	}
	g, err := contents.Graph()
	if err != nil {
		return nil, err
	}
	return g, onnx.Complete(g, tensors)
}

// graphOf returns what reads the file's graph, nil if it has none.
func graphOf(file *weights.File) func() (*graph.Graph, error) {
	if file.Graph != nil {
		return func() (*graph.Graph, error) {
			read, err := file.Graph()
			if err != nil {
				return nil, err
			}
			return read.(*graph.Graph), nil
		}
	}
	if file.Metadata == nil || file.Metadata.Extra[graphKey] == "" {
		return nil
	}
	return func() (*graph.Graph, error) { return keptGraph(file.Metadata.Extra[graphKey], file.Tensors) }
}

// useGraph makes a model of a file that describes its network by operators.
func (o *Options) useGraph(file *weights.File) (*Classifier, error) {
	m := &Classifier{sizeNote: -1, classesAsked: len(o.Classes) > 0}
	if file.Metadata != nil {
		m.About = cloned(*file.Metadata)
	}
	m.About.Architecture = ""
	if err := o.settle(m); err != nil {
		return nil, err
	}
	m.said = cloned(m.About)
	var err error
	if m.known, err = o.known(&m.About, true); err != nil {
		return nil, err
	}
	g, err := graphOf(file)()
	if err != nil {
		return nil, err
	}
	make := func(c models.Config) error {
		p, err := graph.NewPicture(g, c.Channels, c.Height, c.Width)
		if err != nil {
			return err
		}
		m.Network = p
		return nil
	}
	config := m.known
	assumed := false
	if config.Height == 0 && len(g.Inputs) == 1 && (len(g.Inputs[0].Shape) != 4 || g.Inputs[0].Shape[2] < 0) {
		// The size of ImageNet's pictures is what such networks are usually for.
		const usual = 224
		config.Height, config.Width, assumed = usual, usual, true
	}
	if config.Channels == 0 && len(g.Inputs) == 1 && len(g.Inputs[0].Shape) != 4 {
		config.Channels = 3
		m.assume("pictures have 3 channels")
	}
	if err := make(config); err != nil {
		return nil, err
	}
	p := m.Network.(*graph.Picture)
	m.About.Architecture = graphName
	m.About.Extra, m.said.Extra = maps.Clone(m.About.Extra), maps.Clone(m.said.Extra)
	delete(m.About.Extra, graphKey) // which is noted when the model is saved
	delete(m.said.Extra, graphKey)
	m.said.Architecture = graphName
	if p.Output != "" {
		m.endsWith(p.Output)
	}
	if p.Generalised {
		m.assume("the graph, whose shapes are for a fixed number of pictures, does the same with any number")
	}
	if len(g.Outputs) > 1 {
		m.note("of the graph's %d outputs the first, %q, is taken", len(g.Outputs), g.Outputs[0].Name)
	}
	if plain := p.Definitions(); len(plain) > 0 {
		m.note("the operators %s run by their definitions: slowly, and nothing before them can be trained", counted(plain))
	}
	if operators := p.OfTraining(); len(operators) > 0 {
		m.note("its graph is that of a training (%s); where it is not trained, these do as at eval", counted(operators))
	}
	if operators := quantised(g); len(operators) > 0 {
		m.note("it is quantised (%s), and computed with the numbers that its whole numbers stand for", counted(operators))
	}
	m.remake = make
	if assumed {
		m.sizeNote = len(m.Assumed)
		m.assume("%s, as those of ImageNet (--size says otherwise)", m.pictureText())
	}
	if m.About.Input == nil {
		m.About.Input = m.Input()
	}
	m.ofNetwork = len(m.Assumed)
	return m, m.fillIn()
}

// counted lists operators with their counts.
func counted(operators map[string]int) string {
	text := ""
	for i, kind := range slices.Sorted(maps.Keys(operators)) {
		if i > 0 {
			text += ", "
		}
		text += fmt.Sprintf("%s (%d)", kind, operators[kind])
	}
	return text
}

// quantised counts the operators on quantised numbers.
func quantised(g *graph.Graph) map[string]int {
	found := map[string]int{}
	for _, n := range g.Nodes {
		switch n.Kind {
		case "QuantizeLinear", "DequantizeLinear", "QLinearConv", "QLinearMatMul", "ConvInteger", "MatMulInteger", "DynamicQuantizeLinear":
			found[n.Kind]++
		}
	}
	return found
}
