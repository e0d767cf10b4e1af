package inkling

import (
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx"
)

// joined is a small network that is no chain of layers.
type joined struct {
	Conv1, Conv2 nn.Conv2d
	BN           nn.BatchNorm2d
	FC           nn.Linear
}

func (n *joined) Forward(x *nn.Value) *nn.Value {
	x = nn.ReLU(n.BN.Forward(n.Conv1.Forward(x)))
	x = nn.ReLU(nn.Add(x, n.Conv2.Forward(x)))
	return n.FC.Forward((&nn.AdaptiveAvgPool2d{SizeHW: [2]int{1, 1}}).Forward(x).Flatten())
}

// writeGraph writes a network that opens as a graph.
func writeGraph(t *testing.T) string {
	t.Helper()
	n := &joined{
		Conv1: nn.Conv2d{In: 3, Out: 8, Kernel: 3, Padding: 1}, BN: nn.BatchNorm2d{Features: 8},
		Conv2: nn.Conv2d{In: 8, Out: 8, Kernel: 3, Padding: 1}, FC: nn.Linear{In: 8, Out: 4},
	}
	nn.Init(n, rand.New(rand.NewPCG(1, 2)))
	path := filepath.Join(t.TempDir(), "joined.onnx")
	if err := (&onnx.Model{Network: n, Shape: []int{3, 8, 8}}).Save(path); err != nil {
		t.Fatal(err)
	}
	return path
}

// logits are what a classifier computes of some pictures.
func logits(t *testing.T, c *Classifier) []float32 {
	t.Helper()
	in := c.Input()
	program, err := nn.Compile(c.Network, 2, in[0], in[1], in[2])
	if err != nil {
		t.Fatal(err)
	}
	x := make([]float32, 2*in[0]*in[1]*in[2])
	random := rand.New(rand.NewPCG(3, 4))
	for i := range x {
		x[i] = float32(random.NormFloat64())
	}
	return slices.Clone(program.Forward(x))
}

// TestGraphsAreTuned gives a network that was opened as a graph another head and other
// weights, as a training does: written as tensors and as a graph, it is opened as what it is.
func TestGraphsAreTuned(t *testing.T) {
	old, err := Open(writeGraph(t))
	if err != nil {
		t.Fatal(err)
	}
	if old.Architecture() != graphName {
		t.Fatalf("it is opened as %s", old.Architecture())
	}
	same, replaced, err := NewClassifierFrom("joined.onnx", old, Options{})
	if err != nil {
		t.Fatal(err)
	}
	if len(replaced) > 0 || !slices.Equal(logits(t, same), logits(t, old)) {
		t.Errorf("for the same classes %v was replaced, and it computes %v, not %v", replaced, logits(t, same), logits(t, old))
	}
	classes := []string{"ant", "bee", "cow"}
	c, replaced, err := NewClassifierFrom("joined.onnx", old, Options{Classes: classes, Seed: 7})
	if err != nil {
		t.Fatal(err)
	}
	if want := []string{"fc.weight", "fc.bias"}; !slices.Equal(replaced, want) {
		t.Errorf("replaced are %v, want %v", replaced, want)
	}
	random := rand.New(rand.NewPCG(5, 6))
	for _, e := range nn.State(c.Network) {
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		for i := range values {
			values[i] = 0.5 + random.Float32()
		}
		e.Write(values)
	}
	want := logits(t, c)
	folder := t.TempDir()
	for _, name := range []string{"tuned.pth", "tuned.safetensors", "tuned.npz", "tuned.onnx"} {
		path := filepath.Join(folder, name)
		if err := c.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(logits(t, again), want) || !slices.Equal(again.About.Classes, classes) {
			t.Errorf("%s: it computes %v for %v, want %v for %v", name, logits(t, again), again.About.Classes, want, classes)
		}
		if _, err := (&Options{Model: "resnet18"}).Open(path); err == nil {
			t.Errorf("%s is opened as another network", name)
		}
	}
}

// TestTensorsOfGraphs converts a graph to a file of its tensors, of half the digits too: it
// stays the same network.
func TestTensorsOfGraphs(t *testing.T) {
	path := writeGraph(t)
	old, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	file, err := weights.Read(path)
	if err != nil {
		t.Fatal(err)
	}
	about, _, err := (&Options{}).MetadataFor(path, file)
	if err != nil {
		t.Fatal(err)
	}
	tensors := filepath.Join(t.TempDir(), "tensors.pth")
	for _, dtype := range []string{"float32", "float16"} {
		var converted []weights.Tensor
		for _, own := range file.Tensors {
			c, _, err := own.Convert(dtype)
			if err != nil {
				t.Fatal(err)
			}
			converted = append(converted, c)
		}
		if err := weights.Write(tensors, converted, *about); err != nil {
			t.Fatal(err)
		}
		again, err := Open(tensors)
		if err != nil {
			t.Fatal(err)
		}
		for i, v := range logits(t, again) {
			want := logits(t, old)[i]
			if d := v - want; d > 1e-2 || d < -1e-2 || dtype == "float32" && d != 0 {
				t.Errorf("%s: logit %d is %v, want %v", dtype, i, v, want)
			}
		}
	}
	file.Tensors[0].Shape = []int{1, file.Tensors[0].Len()}
	if err := weights.Write(tensors, file.Tensors, *about); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(tensors); err == nil {
		t.Error("a tensor of another shape is taken for a weight of the graph")
	}
}
