package onnx_test

import (
	"bytes"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights/graph"
	"inkling/weights/onnx"
)

// TestImportOfExport: what is written of a network computes the same bits when it is run
// as a graph, and has the same weights.
func TestImportOfExport(t *testing.T) {
	for _, model := range models.Zoo() {
		if testing.Short() && model.Name != "LeNet" {
			continue
		}
		t.Run(model.Name, func(t *testing.T) {
			if model.Reads == models.Sentences {
				t.Skip("a graph is opened as one of pictures")
			}
			c := models.Config{Channels: model.Usual.Channels, Height: 32, Width: 32, Classes: 7}
			small := slices.Contains([]string{"LeNet", "airbench", "mobilenet_v3_small", "squeezenet1_1"}, model.Name)
			make := func() (models.Network, error) { return model.Draw(c, nil) }
			if small {
				make = func() (models.Network, error) { return model.NewModel(c, 3) }
			}
			network, err := make()
			if err != nil {
				t.Skip(err)
			}
			var file bytes.Buffer
			written := onnx.Model{Network: network, Shape: []int{c.Channels, c.Height, c.Width}}
			if err := written.Write(&file); err != nil {
				t.Fatal(err)
			}
			contents, err := onnx.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
			if err != nil {
				t.Fatal(err)
			}
			g, err := contents.Graph()
			if err != nil {
				t.Fatal(err)
			}
			read, err := graph.NewPicture(g, c.Channels, c.Height, c.Width)
			if err != nil {
				t.Fatal(err)
			}
			if plain := read.Definitions(); len(plain) > 0 {
				t.Errorf("run by their definitions: %v", plain)
			}
			if got, want := operationsOf(t, read, c), operationsOf(t, network, c); !slices.Equal(got, want) {
				for i := range min(len(got), len(want)) {
					if got[i] != want[i] {
						t.Fatalf("operation %d is %s, want %s", i, got[i], want[i])
					}
				}
				t.Fatalf("there are %d operations, want %d", len(got), len(want))
			}
			if small {
				compareBits(t, network, read, c)
			}
			own := map[string]nn.Entry{}
			for _, e := range nn.State(read) {
				own[e.Name()] = e
			}
			for _, e := range nn.State(network) {
				if _, has := own[e.Name()]; !has && !models.IsCounter(e.Name()) {
					t.Errorf("the graph has no weight %q", e.Name())
				}
			}
		})
	}
}

// operationsOf lists what a network computes, with all settings.
func operationsOf(t *testing.T, network nn.Module, c models.Config) (list []string) {
	t.Helper()
	operations, err := nn.Trace(network, 2, c.Channels, c.Height, c.Width)
	if err != nil {
		t.Fatal(err)
	}
	for _, o := range operations {
		delete(o.Settings, "ceil") // where nothing is left over it makes no difference
		list = append(list, fmt.Sprint(o.Name, o.Settings, o.Inputs, o.Shape, o.Params))
	}
	return list
}

func compareBits(t *testing.T, network, read nn.Module, c models.Config) {
	t.Helper()
	r := rand.New(rand.NewPCG(1, 2))
	pictures := make([]float32, 2*c.Channels*c.Height*c.Width)
	for i := range pictures {
		pictures[i] = float32(r.NormFloat64())
	}
	var results [][]float32
	for _, m := range []nn.Module{network, read} {
		p, err := nn.Compile(m, 2, c.Channels, c.Height, c.Width)
		if err != nil {
			t.Fatal(err)
		}
		results = append(results, slices.Clone(p.Forward(pictures)))
	}
	for i, want := range results[0] {
		if got := results[1][i]; math.Float32bits(got) != math.Float32bits(want) {
			t.Fatalf("output %d is %v, want %v", i, got, want)
		}
	}
}
