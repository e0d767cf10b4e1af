package onnx

import (
	"math"
	"os"
	"path/filepath"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights/graph"
)

// BenchmarkImported predicts one picture of 3x224x224 by networks built in Go and by the
// same ones as graphs of operators: as they are exported here and, where INKLING_TORCHVISION
// names a folder with resnet18-224.onnx and others, as PyTorch exports them.
func BenchmarkImported(b *testing.B) {
	const size = 224
	for _, name := range []string{"resnet18", "mobilenet_v2", "squeezenet1_1"} {
		m, err := models.FindModel(name)
		if err != nil {
			b.Fatal(err)
		}
		built, err := m.NewModel(models.Config{Channels: 3, Height: size, Width: size, Classes: 1000}, 1)
		if err != nil {
			b.Fatal(err)
		}
		path := filepath.Join(b.TempDir(), name+".onnx")
		if err := (&Model{Network: built, Shape: []int{3, size, size}}).Save(path); err != nil {
			b.Fatal(err)
		}
		networks := []struct {
			name   string
			module nn.Module
		}{{"built", built}, {"exported", pictured(b, path, size)}}
		if theirs := filepath.Join(os.Getenv("INKLING_TORCHVISION"), name+"-224.onnx"); os.Getenv("INKLING_TORCHVISION") != "" {
			networks = append(networks, networks[0])
			networks[2].name, networks[2].module = "pytorch", pictured(b, theirs, size)
		}
		x := make([]float32, 3*size*size)
		for i := range x {
			x[i] = float32(math.Sin(float64(i) * 0.37))
		}
		for _, n := range networks {
			b.Run(name+"/"+n.name, func(b *testing.B) {
				network := nn.NewNetwork(n.module, 1, 3, size, size)
				network.Convolutions = nn.FastConvolutions
				p, err := network.Compile()
				if err != nil {
					b.Fatal(err)
				}
				for b.Loop() {
					p.Forward(x)
				}
			})
		}
	}
}

func pictured(b *testing.B, path string, size int) nn.Module {
	b.Helper()
	c, err := ReadFile(path)
	if err != nil {
		b.Fatal(err)
	}
	g, err := c.Graph()
	if err != nil {
		b.Fatal(err)
	}
	p, err := graph.NewPicture(g, 3, size, size)
	if err != nil {
		b.Fatal(err)
	}
	return p
}
