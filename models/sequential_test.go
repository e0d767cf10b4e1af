package models

import (
	"encoding/json"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/weights/structure"
)

// The layers that describe a chain compute what its networks do.
func TestChainLayers(t *testing.T) {
	for _, a := range Chains() {
		network, err := a.NewModel(a.Usual, 1)
		if err != nil {
			t.Fatal(err)
		}
		shapes := map[string][]int{}
		names := []string{}
		for _, e := range nn.State(network) {
			shapes[e.Name()] = e.Shape()
			if layer, isWeight := strings.CutSuffix(e.Name(), ".weight"); isWeight {
				names = append(names, layer)
			}
		}
		layers := append([]structure.Layer(nil), a.Layers()...)
		for i := range layers {
			if layers[i].Kind == "Conv2d" || layers[i].Kind == "Linear" {
				layers[i].Tensors = map[string]string{"weight": names[0] + ".weight", "bias": names[0] + ".bias"}
				names = names[1:]
			}
		}
		sequential, err := NewSequential(layers, shapes)
		if err != nil {
			t.Fatal(err)
		}
		if sequential, err = sequential.For(network.Input()); err != nil {
			t.Fatal(err)
		}
		if !SameComputation(network, sequential) {
			t.Errorf("%s computes something else than its layers", a.Name)
		}
		// And another layer makes another network.
		for i := range layers {
			if layers[i].Kind == "ReLU" {
				layers[i] = structure.New("Tanh", nil)
				break
			}
		}
		other, err := NewSequential(layers, shapes)
		if err != nil {
			t.Fatal(err)
		}
		if other, err = other.For(network.Input()); err != nil || SameComputation(network, other) {
			t.Errorf("%s computes the same with Tanh, %v", a.Name, err)
		}
	}
}

// FuzzSequential makes networks of any layers: it may fail, and neither panic nor ask
// for much memory.
func FuzzSequential(f *testing.F) {
	f.Add(`[{"kind":"Conv2d","settings":{"kernel_size":"3","stride":"1","padding":"1","dilation":"1","groups":"1","padding_mode":"zeros"},"tensors":{"weight":"w","bias":"b"}},{"kind":"Flatten"}]`, 2, 1, 3, 3)
	f.Add(`[{"kind":"Flatten"},{"kind":"Linear","tensors":{"weight":"w"},"transposed":true}]`, 36, 2, 0, 0)
	f.Add(`[{"kind":"AvgPool2d","settings":{"kernel_size":"3x2","stride":"2","padding":"1","ceil_mode":"True","count_include_pad":"False"}},{"kind":"PReLU","tensors":{"weight":"b"}}]`, 2, 0, 0, 0)
	f.Add(`[{"kind":"MaxPool2d","settings":{"kernel_size":"2","stride":"1","padding":"2","dilation":"9","ceil_mode":"True"}},{"kind":"BatchNorm2d","settings":{"eps":"1e-5"},"tensors":{"running_mean":"b"}}]`, 1, 0, 0, 0)
	f.Add(`[{"kind":"ZeroPad2d","settings":{"padding":"4096"}},{"kind":"AdaptiveAvgPool2d","settings":{"output_size":"4096x1"}},{"kind":"ELU","settings":{"alpha":"inf"}}]`, 1, 0, 0, 0)
	f.Fuzz(func(t *testing.T, text string, a, b, c, d int) {
		var layers []structure.Layer
		if json.Unmarshal([]byte(text), &layers) != nil || len(layers) > 50 {
			return
		}
		weight := nn.Shape{a & 63, b & 63}
		if c > 0 {
			weight = append(weight, c&7, d&7)
		}
		n, err := NewSequential(layers, map[string][]int{"w": weight, "b": {a & 63}})
		if err != nil {
			return
		}
		if n, err = n.For(1, 6, 6); err == nil {
			if _, err := nn.Compile(n, 2, 1, 6, 6); err != nil {
				t.Errorf("%s is made, but not compiled: %v", text, err)
			}
		}
	})
}
