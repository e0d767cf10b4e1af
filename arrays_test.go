package inkling

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/weights/graph"
	"inkling/weights/onnx"
)

func list(t graph.Type, shape []int, numbers ...float32) *graph.Tensor {
	out := &graph.Tensor{Type: t, Shape: shape}
	for _, v := range numbers {
		if t.Float() {
			out.Floats = append(out.Floats, v)
		} else {
			out.Ints = append(out.Ints, int64(v))
		}
	}
	return out
}

// TestNetworkOfArrays runs a graph of two inputs, one of which decides the shape of what comes
// out, again and again: with the same shapes, with other ones, and with other numbers.
func TestNetworkOfArrays(t *testing.T) {
	g := &graph.Graph{
		Version: 17, Room: 1 << 20,
		Inputs:  []graph.Port{{Name: "x", Type: graph.Float32, Shape: []int{-1, 2}, Names: []string{"rows"}, Ranked: true}, {Name: "shape", Type: graph.Int64, Shape: []int{2}, Ranked: true}},
		Outputs: []graph.Port{{Name: "y", Type: graph.Float32}, {Name: "count", Type: graph.Int64}},
		Nodes: []*graph.Node{
			{Kind: "Neg", Inputs: []string{"x"}, Outputs: []string{"n"}, Place: 1},
			{Kind: "Reshape", Inputs: []string{"n", "shape"}, Outputs: []string{"y"}, Place: 2},
			{Kind: "Size", Inputs: []string{"x"}, Outputs: []string{"count"}, Place: 3},
		},
	}
	data, err := onnx.Encode(g, nil, nil)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "turned.onnx")
	if err := os.WriteFile(path, data, 0o666); err != nil {
		t.Fatal(err)
	}
	n, err := OpenNetwork(path)
	if err != nil {
		t.Fatal(err)
	}
	if text := n.Inputs[0].ShapeText() + ", " + n.Inputs[1].ShapeText() + ", " + n.Outputs[0].ShapeText(); text != "rowsx2, 2, of any dimensions" {
		t.Errorf("its shapes are %s", text)
	}
	for _, test := range []struct {
		x, shape *graph.Tensor
		y        []float32
		shaped   []int
		says     string
	}{
		{x: list(graph.Float32, []int{1, 2}, 1, 2), shape: list(graph.Int64, []int{2}, 2, 1), y: []float32{-1, -2}, shaped: []int{2, 1}},
		{x: list(graph.Float32, []int{1, 2}, 3, 4), shape: list(graph.Int64, []int{2}, 2, 1), y: []float32{-3, -4}, shaped: []int{2, 1}},
		{x: list(graph.Float32, []int{1, 2}, 3, 4), shape: list(graph.Int64, []int{2}, 1, 2), y: []float32{-3, -4}, shaped: []int{1, 2}},
		{x: list(graph.Float32, []int{2, 2}, 1, 2, 3, 4), shape: list(graph.Int64, []int{2}, 4, 1), y: []float32{-1, -2, -3, -4}, shaped: []int{4, 1}},
		{x: list(graph.Float32, []int{2, 2}, 1, 2, 3, 4), shape: list(graph.Int64, []int{2}, 3, 1), says: "node 2 (Reshape)"},
		{x: list(graph.Float32, []int{2, 2}, 1, 2, 3), shape: list(graph.Int64, []int{2}, 4, 1), says: `the input "x": an array of float32 [2 2] has 4 numbers in Floats, got 3`},
		{x: list(graph.Float32, []int{2, 3}, 1, 2, 3, 4, 5, 6), shape: list(graph.Int64, []int{2}, 4, 1), says: `the input "x" has the shape rowsx2, got float32 [2 3]`},
		{x: list(graph.Float32, []int{2, 2}, 1, 2, 3, 4), shape: list(graph.Float32, []int{2}, 4, 1), says: `the input "shape" is of int64, got float32 [2]`},
		{x: list(graph.Float32, []int{2, 2}, 1, 2, 3, 4), says: `the input "shape" is missing`},
		{x: list(graph.Float32, []int{1, 2}, 5, 6), shape: list(graph.Int64, []int{2}, 2, 1), y: []float32{-5, -6}, shaped: []int{2, 1}},
	} {
		inputs := map[string]*graph.Tensor{"x": test.x}
		if test.shape != nil {
			inputs["shape"] = test.shape
		}
		out, err := n.Run(inputs)
		switch {
		case test.says != "":
			if err == nil || !strings.Contains(err.Error(), test.says) {
				t.Errorf("%v and %v: %v, want %q", test.x, test.shape, err, test.says)
			}
		case err != nil:
			t.Errorf("%v and %v: %v", test.x, test.shape, err)
		case !slices.Equal(out["y"].Floats, test.y) || !slices.Equal(out["y"].Shape, test.shaped) || out["count"].Ints[0] != int64(test.x.Len()):
			t.Errorf("%v and %v make %v %v of %v", test.x.Floats, test.shape.Ints, out["y"], out["y"].Floats, out["count"].Ints)
		}
	}
}

// TestClassifierOnArrays runs classifiers through the door for arrays: their names, shapes and
// answers are those of the pictures' door, and what is trained keeps its file's names.
func TestClassifierOnArrays(t *testing.T) {
	asGraph, err := Open(writeGraph(t))
	if err != nil {
		t.Fatal(err)
	}
	kept := filepath.Join(t.TempDir(), "kept.pth")
	if err := asGraph.Save(kept); err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct{ path, inputs, outputs string }{
		{kept, "input Nx3x8x8", "logits Nx4"},
		{filepath.Join("cmd", "inkling", "testdata", "cases", "padding_state_dict.pth"), "input Nx1x?x?", "output Nx10"},
	} {
		m, err := Open(test.path)
		if err != nil {
			t.Fatal(err)
		}
		n, err := OpenNetwork(test.path)
		if err != nil {
			t.Fatal(err)
		}
		for what, ports := range map[string][2][]graph.Port{"file": {n.Inputs, n.Outputs}, "classifier": {m.Inputs(), m.Outputs()}} {
			in, out := ports[0][0], ports[1][0]
			if got := in.Name + " " + in.ShapeText(); got != test.inputs || in.Type != graph.Float32 {
				t.Errorf("%s: the %s reads %s of %s, want %s", test.path, what, got, in.Type, test.inputs)
			}
			if got := out.Name + " " + out.ShapeText(); got != test.outputs || out.Type != graph.Float32 {
				t.Errorf("%s: the %s computes %s of %s, want %s", test.path, what, got, out.Type, test.outputs)
			}
		}
		shape := append([]int{2}, m.Input()...)
		x := &graph.Tensor{Type: graph.Float32, Shape: shape, Floats: make([]float32, graph.Elements(shape))}
		for i := range x.Floats {
			x.Floats[i] = float32(i%7) / 7
		}
		inputs := map[string]*graph.Tensor{n.Inputs[0].Name: x}
		for range 2 {
			own, err := m.Arrays().Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			got, err := n.Run(inputs)
			if err != nil {
				t.Fatal(err)
			}
			name := n.Outputs[0].Name
			if d := graph.Compare(got[name], own[name], 1e-4, 1e-5); d.Shapes || d.Beyond > 0 || d.Largest == 0 && d.At != nil {
				t.Errorf("%s: %+v", test.path, d)
			}
			x.Floats[0]++
		}
		x.Type = graph.Float16
		if _, err := m.Arrays().Run(inputs); err == nil || !strings.Contains(err.Error(), "want float32 of N x") {
			t.Errorf("%s takes float16: %v", test.path, err)
		}
	}
}
