package inkling

import (
	"bytes"
	"fmt"
	"math/rand/v2"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/graph"
	"inkling/weights/onnx"
)

// withGraph returns the metadata with the graph of a network, whose weights are those of
// the state dict.
func (m *Classifier) withGraph(p *graph.Picture) (weights.Metadata, error) {
	about := cloned(m.About)
	g, err := p.Trained()
	if err != nil {
		return about, err
	}
	state := map[string]bool{}
	for _, e := range nn.State(p) {
		state[e.Name()] = true
	}
	return about, keepGraph(&about, g, func(name string) bool { return state[name] })
}

// sayGraph has the file's metadata say its graph, for a file of the same tensors.
func (m *Classifier) sayGraph(file *weights.File) error {
	g, err := graphOf(file)()
	if err != nil {
		return err
	}
	tensors := map[string]bool{}
	for i := range file.Tensors {
		tensors[file.Tensors[i].Name] = true
	}
	return keepGraph(&m.said, g, func(name string) bool { return tensors[name] })
}

// Graph returns the network as a graph of ONNX's operators with its weights as they are
// now, nil if that is not what its file said.
func (m *Classifier) Graph() (*graph.Graph, error) {
	p, ok := m.Network.(*graph.Picture)
	if !ok {
		return nil, nil
	}
	return p.Trained()
}

// headStream tells the random numbers of a new head from others of the same seed.
const headStream = 0x68656164

// asGraph returns a network that is none of the zoo as a graph.
func (m *Classifier) asGraph() (*graph.Picture, error) {
	if p, ok := m.Network.(*graph.Picture); ok {
		return p, nil
	}
	var file bytes.Buffer
	written := onnx.Model{Network: m.Network, Shape: m.Input()}
	if err := written.Write(&file); err != nil {
		return nil, fmt.Errorf("it cannot become a graph of operators, as which it would be saved: %w", err)
	}
	contents, err := onnx.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		return nil, err
	}
	g, err := contents.Graph()
	if err != nil {
		return nil, err
	}
	input := m.Input()
	return graph.NewPicture(g, input[0], input[1], input[2])
}

// graphFrom is NewClassifierFrom for a network that is none of the zoo.
func graphFrom(path string, old *Classifier, o Options) (c *Classifier, replaced []string, err error) {
	p, err := old.asGraph()
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	if len(p.Definitions()) > 0 && len(nn.State(p)) == 0 {
		return nil, nil, fmt.Errorf("%s holds a network none of whose operators can be trained: %s", path, counted(p.Definitions()))
	}
	g, err := p.Trained()
	if err != nil {
		return nil, nil, err
	}
	if was, is := len(old.About.Classes), len(o.Classes); was != is {
		draw := nn.From(rand.New(rand.NewPCG(o.Seed, headStream)))
		if g, replaced, err = g.WithClasses(was, is, draw); err != nil {
			return nil, nil, fmt.Errorf("%s: %w", path, err)
		}
	}
	c = &Classifier{sizeNote: -1, classesAsked: true}
	c.About = weights.Metadata{Architecture: graphName, Input: []int{o.Channels, o.Height, o.Width}}
	channels, height, width := o.Channels, o.Height, o.Width
	o.Channels, o.Height, o.Width = 0, 0, 0
	if err := o.settle(c); err != nil {
		return nil, nil, err
	}
	c.said = cloned(c.About)
	made, err := graph.NewPicture(g, channels, height, width)
	if err != nil {
		return nil, nil, fmt.Errorf("%s: %w", path, err)
	}
	c.Network, c.Output = made, old.Output
	return c, replaced, c.fillIn()
}
