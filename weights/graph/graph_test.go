package graph

import (
	"slices"
	"testing"
)

// numbers is a tensor of 0, 1, 2 and so on, of either sign.
func numbers(shape ...int) *Tensor {
	t := &Tensor{Type: Float32, Shape: shape, Floats: make([]float32, Elements(shape))}
	for i := range t.Floats {
		t.Floats[i] = float32(i%7) - float32(i%3) + float32(i)/64
	}
	return t
}

func whole(list ...int64) Attribute { return Attribute{Kind: IntsAttribute, Ints: list} }

func shapeConstant(list ...int64) Initializer {
	return constant(&Tensor{Type: Int64, Shape: []int{len(list)}, Ints: list})
}

// TestFixedBatch runs a graph that is for two pictures alone, so that no dimension of
// its values is the batch.
func TestFixedBatch(t *testing.T) {
	g := &Graph{
		Version: 17, Room: 1 << 20,
		Inputs:       []Port{{Name: "x", Type: Float32, Shape: []int{2, 3, 8, 8}, Ranked: true}},
		Outputs:      []Port{{Name: "y"}},
		Initializers: map[string]Initializer{"w": constant(numbers(4, 3, 3, 3)), "shape": shapeConstant(1, 32)},
		Nodes: []*Node{
			{Kind: "Conv", Inputs: []string{"x", "w"}, Outputs: []string{"a"}, Attributes: map[string]Attribute{"pads": whole(1, 1, 1, 1)}, Place: 1},
			{Kind: "MaxPool", Inputs: []string{"a"}, Outputs: []string{"b"}, Attributes: map[string]Attribute{"kernel_shape": whole(4, 4), "strides": whole(4, 4)}, Place: 2},
			{Kind: "Reshape", Inputs: []string{"b", "shape"}, Outputs: []string{"y"}, Place: 3},
		},
	}
	n, err := NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	inputs := map[string]*Tensor{"x": numbers(2, 3, 8, 8)}
	got, err := n.Run(inputs)
	if err != nil {
		t.Fatal(err)
	}
	want, err := n.Evaluate(inputs)
	if err != nil {
		t.Fatal(err)
	}
	if d := Compare(got["y"], want["y"], 1e-5, 1e-5); d.Shapes || d.Beyond > 0 {
		t.Errorf("it computes %v, by the definitions it is %v", got["y"].Floats, want["y"].Floats)
	}
}

// TestInlined puts functions in their places, one in another, one twice.
func TestInlined(t *testing.T) {
	scaled := &Function{
		Domain: "own", Name: "Scaled", Inputs: []string{"x", "left out"}, Outputs: []string{"y"}, Version: 17,
		Nodes: []*Node{
			{Kind: "LeakyRelu", Inputs: []string{"x"}, Outputs: []string{"r"}, Attributes: map[string]Attribute{"alpha": {Refers: "slope"}}},
			{Kind: "Add", Inputs: []string{"r", "x"}, Outputs: []string{"y"}},
		},
		Defaults: map[string]Attribute{"slope": {Kind: FloatAttribute, Float: 0.5}},
	}
	twice := &Function{
		Domain: "own", Name: "Twice", Inputs: []string{"a"}, Outputs: []string{"b", "a"}, Version: 17,
		Nodes: []*Node{
			{Domain: "own", Kind: "Scaled", Inputs: []string{"a"}, Outputs: []string{"r"}},
			{Domain: "own", Kind: "Scaled", Inputs: []string{"r"}, Outputs: []string{"b"}, Attributes: map[string]Attribute{"slope": {Kind: FloatAttribute, Float: 2}}},
		},
	}
	g := &Graph{
		Version: 17, Room: 1 << 20, Functions: []*Function{scaled, twice},
		Inputs: []Port{{Name: "r", Type: Float32, Shape: []int{-1, 2}, Ranked: true}}, Outputs: []Port{{Name: "y"}, {Name: "same"}},
		Nodes: []*Node{{Domain: "own", Kind: "Twice", Inputs: []string{"r"}, Outputs: []string{"y", "same"}}},
	}
	n, err := NewNetwork(g)
	if err != nil {
		t.Fatal(err)
	}
	out, err := n.Run(map[string]*Tensor{"r": {Type: Float32, Shape: []int{1, 2}, Floats: []float32{-1, 3}}})
	if err != nil {
		t.Fatal(err)
	}
	if want := []float32{-4.5, 12}; !slices.Equal(out["y"].Floats, want) || !slices.Equal(out["same"].Floats, []float32{-1, 3}) {
		t.Errorf("it computes %v and %v, want %v", out["y"].Floats, out["same"].Floats, want)
	}
	scaled.Nodes = append(scaled.Nodes, &Node{Domain: "own", Kind: "Twice", Inputs: []string{"x"}, Outputs: []string{"endless"}})
	if _, err := g.Inlined(); err == nil {
		t.Error("a function that calls itself is put in")
	}
}

// TestWithClasses finds the head of networks that end in several ways.
func TestWithClasses(t *testing.T) {
	const was, is = 4, 3
	node := func(kind string, output string, inputs ...string) *Node {
		return &Node{Kind: kind, Inputs: inputs, Outputs: []string{output}, Attributes: map[string]Attribute{}}
	}
	transB := func(n *Node) *Node {
		n.Attributes["transB"] = Attribute{Kind: IntAttribute, Int: 1}
		return n
	}
	for name, test := range map[string]struct {
		nodes        []*Node
		initializers map[string]Initializer
		want         []string
	}{
		"a matrix, turned":       {[]*Node{transB(node("Gemm", "y", "x", "w", "b"))}, map[string]Initializer{"w": constant(numbers(was, 6)), "b": constant(numbers(was))}, []string{"w", "b"}},
		"a matrix":               {[]*Node{node("Gemm", "y", "x", "w")}, map[string]Initializer{"w": constant(numbers(6, was))}, []string{"w"}},
		"a product and a sum":    {[]*Node{node("MatMul", "m", "x", "w"), node("Add", "s", "b", "m"), node("Softmax", "y", "s")}, map[string]Initializer{"w": constant(numbers(6, was)), "b": constant(numbers(1, was))}, []string{"b", "w"}},
		"a reshape that says it": {[]*Node{node("MatMul", "m", "x", "w"), node("Reshape", "y", "m", "to")}, map[string]Initializer{"w": constant(numbers(6, was)), "to": shapeConstant(-1, was)}, []string{"w"}},
	} {
		g := &Graph{Version: 17, Room: 1 << 20, Inputs: []Port{{Name: "x", Type: Float32, Shape: []int{-1, 6}, Ranked: true}}, Outputs: []Port{{Name: "y"}}, Nodes: test.nodes, Initializers: test.initializers}
		out, replaced, err := g.WithClasses(was, is, func(bound float64) float32 { return float32(bound) })
		if err != nil || !slices.Equal(replaced, test.want) {
			t.Errorf("%s: replaced are %v, want %v (%v)", name, replaced, test.want, err)
			continue
		}
		n, err := NewNetwork(out)
		if err != nil {
			t.Fatal(err)
		}
		results, err := n.Run(map[string]*Tensor{"x": numbers(5, 6)})
		if err != nil || !slices.Equal(results["y"].Shape, []int{5, is}) {
			t.Errorf("%s: it gives %v, %v", name, results["y"], err)
		}
	}
	g := &Graph{Version: 17, Inputs: []Port{{Name: "x"}}, Outputs: []Port{{Name: "y"}}, Nodes: []*Node{node("TopK", "y", "x", "k")}}
	if _, _, err := g.WithClasses(was, is, nil); err == nil {
		t.Error("a network that ends with TopK has a head")
	}
}
