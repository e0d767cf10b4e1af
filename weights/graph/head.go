package graph

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"inkling/nn"
)

// A part of a head is a weight whose shape follows from the number of classes.
type part struct {
	name      string // of the initializer
	dimension int    // that is the number of classes
	value     func(bound float64) float32
}

// WithClasses returns the graph, as Trained makes it, of a classifier that tells another
// number of classes apart: the weights of its head, whose shapes follow from that, are
// new, as PyTorch draws the first weights of a layer. Replaced are their names.
//
// The head is found from the first output backwards: through operators that leave classes
// classes, such as Softmax, pooling and Reshape, up to a Gemm, a MatMul or a Conv.
func (g *Graph) WithClasses(was, is int, draw nn.Draw) (out *Graph, replaced []string, err error) {
	h := &head{graph: g, classes: was, producers: map[string]*Node{}, shapes: map[*Node]bool{}}
	for _, n := range g.Nodes {
		for _, name := range n.Outputs {
			h.producers[name] = n
		}
	}
	if err := h.walk(g.Outputs[0].Name, 0); err != nil {
		return nil, nil, err
	}
	if h.inputs == 0 {
		return nil, nil, fmt.Errorf("the layer that tells its %d classes apart was not found", was)
	}
	copied := *g
	copied.Initializers = maps.Clone(g.Initializers)
	copied.Outputs = slices.Clone(g.Outputs)
	for i := range copied.Outputs {
		copied.Outputs[i].Shape, copied.Outputs[i].Names, copied.Outputs[i].Ranked = nil, nil, false
	}
	bound := 1 / math.Sqrt(float64(h.inputs))
	for _, p := range h.parts {
		init := g.Initializers[p.name]
		shape := slices.Clone(init.Shape)
		shape[p.dimension] = is
		t := &Tensor{Type: Float32, Shape: shape, Floats: make([]float32, Elements(shape))}
		for i := range t.Floats {
			if p.value != nil {
				t.Floats[i] = p.value(bound)
			} else if draw != nil {
				t.Floats[i] = draw(bound)
			}
		}
		copied.Initializers[p.name] = constant(t)
		replaced = append(replaced, p.name)
	}
	return &copied, replaced, h.reshape(&copied, is)
}

// head looks for the weights of a graph's head.
type head struct {
	graph     *Graph
	classes   int
	producers map[string]*Node
	parts     []part
	inputs    int            // of each class
	shapes    map[*Node]bool // that give shapes to what is computed of the classes
}

// passing are the operators whose output has the classes of their first input.
var passing = map[string]bool{
	"Softmax": true, "LogSoftmax": true, "Identity": true, "Dropout": true, "Cast": true,
	"Relu": true, "LeakyRelu": true, "Sigmoid": true, "Tanh": true, "Clip": true, "Elu": true, "HardSigmoid": true, "HardSwish": true,
	"GlobalAveragePool": true, "GlobalMaxPool": true, "AveragePool": true, "MaxPool": true, "ReduceMean": true, "ReduceMax": true,
	"Flatten": true, "Reshape": true, "Squeeze": true, "Unsqueeze": true, "Transpose": true,
}

// walk looks at what gives a value.
func (h *head) walk(name string, depth int) error {
	n := h.producers[name]
	const deep = 32
	if n == nil || depth > deep {
		return fmt.Errorf("the layer that tells its %d classes apart was not found: %q comes from none", h.classes, name)
	}
	weight := func(i int, value func(bound float64) float32) {
		if i < len(n.Inputs) {
			h.add(n.Inputs[i], value)
		}
	}
	switch {
	case !n.standard():
	case passing[n.Kind]:
		if n.Kind == "Reshape" {
			h.shapes[n] = true
		}
		return h.walk(n.Inputs[0], depth+1)
	case n.Kind == "Add" || n.Kind == "Sub" || n.Kind == "Mul" || n.Kind == "Div" || n.Kind == "Sum":
		for i, input := range n.Inputs {
			if h.producers[input] != nil {
				if err := h.walk(input, depth+1); err != nil {
					return err
				}
				continue
			}
			var value func(float64) float32
			if n.Kind == "Mul" || n.Kind == "Div" {
				value = func(float64) float32 { return 1 }
			}
			weight(i, value)
		}
		return nil
	case n.Kind == "BatchNormalization":
		for i, start := range []float32{1, 0, 0, 1} {
			weight(i+1, func(float64) float32 { return start })
		}
		return h.walk(n.Inputs[0], depth+1)
	case n.Kind == "Gemm" || n.Kind == "MatMul" || n.Kind == "Conv":
		input := n.Inputs[1]
		if turned := h.producers[input]; turned != nil && turned.Kind == "Transpose" {
			input = turned.Inputs[0]
		}
		init, is := h.graph.Initializers[input]
		if !is || len(init.Shape) < 2 || !slices.Contains(init.Shape, h.classes) {
			break
		}
		dimension := len(init.Shape) - 1
		if n.Kind == "Conv" || n.Kind == "Gemm" && n.int("transB", 0) != 0 || input != n.Inputs[1] {
			dimension = 0
		}
		if init.Shape[dimension] != h.classes {
			break
		}
		h.inputs = Elements(init.Shape) / h.classes
		h.parts = append(h.parts, part{name: input, dimension: dimension})
		weight(2, nil)
		return nil
	}
	return fmt.Errorf("the layer that tells its %d classes apart was not found: before the output stands %s, and other classes would need another such", h.classes, n.where())
}

// add notes a constant that has a number for each class.
func (h *head) add(name string, value func(bound float64) float32) {
	init, is := h.graph.Initializers[name]
	if !is || !init.Type.Float() {
		return
	}
	if d := slices.Index(init.Shape, h.classes); d >= 0 {
		h.parts = append(h.parts, part{name, d, value})
	}
}

// reshape has shapes that hold the number of classes hold the new one.
func (h *head) reshape(g *Graph, is int) error {
	for i, n := range g.Nodes {
		if !h.shapes[n] {
			continue
		}
		init, known := g.Initializers[n.Inputs[1]]
		var t *Tensor
		if from := h.producers[n.Inputs[1]]; known {
			var err error
			if t, err = init.Load(); err != nil {
				return err
			}
		} else if from != nil && from.Kind == "Constant" {
			t = from.Attributes["value"].Tensor
		}
		if t == nil || !slices.Contains(t.Ints, int64(h.classes)) {
			continue
		}
		own := *t
		own.Ints = slices.Clone(t.Ints)
		for k, size := range own.Ints {
			if size == int64(h.classes) {
				own.Ints[k] = int64(is)
			}
		}
		c := *n
		name := n.Outputs[0] + ".shape"
		c.Inputs = []string{n.Inputs[0], name}
		g.Initializers[name] = constant(&own)
		g.Nodes = slices.Clone(g.Nodes)
		g.Nodes[i] = &c
	}
	return nil
}
