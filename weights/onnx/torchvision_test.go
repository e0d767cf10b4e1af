package onnx

import (
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/weights/graph"
	"inkling/weights/npy"
)

func readNPY(t *testing.T, path string) *npy.Array {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		t.Fatal(err)
	}
	a, err := npy.Read(f, info.Size())
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// TestTorchvision runs networks as PyTorch exports them: the logits are PyTorch's.
func TestTorchvision(t *testing.T) {
	if testing.Short() {
		t.Skip("PyTorch takes seconds to export a network")
	}
	folder := os.Getenv("INKLING_TORCHVISION") // where the script has run already
	if folder == "" {
		if err := exec.Command("/usr/bin/python3", "-c", "import torch, torchvision").Run(); err != nil {
			t.Skip("Debian's python3-torch and python3-torchvision are not there")
		}
		folder = t.TempDir()
		// A quick one; the script exports all if it is run by itself.
		if out, err := exec.Command("/usr/bin/python3", "testdata/torchvision_graphs.py", folder, "shufflenet_v2").CombinedOutput(); err != nil {
			t.Fatalf("%v: %s", err, out)
		}
	}
	paths, _ := filepath.Glob(filepath.Join(folder, "*.onnx"))
	for _, path := range paths {
		name := strings.TrimSuffix(filepath.Base(path), ".onnx")
		t.Run(name, func(t *testing.T) {
			c, err := ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			g, err := c.Graph()
			if err != nil {
				t.Fatal(err)
			}
			in, want := readNPY(t, filepath.Join(folder, name+".input.npy")), readNPY(t, filepath.Join(folder, name+".output.npy"))
			network, err := graph.NewPicture(g, in.Shape[1], in.Shape[2], in.Shape[3])
			if err != nil {
				t.Fatal(err)
			}
			if plain := network.Definitions(); len(plain) > 0 {
				t.Errorf("run by their definitions: %v", plain)
			}
			p, err := nn.Compile(network, in.Shape...)
			if err != nil {
				t.Fatal(err)
			}
			got := p.Forward(in.Float32s())
			largest, difference := 0.0, 0.0
			for i, w := range want.Float32s() {
				largest, difference = max(largest, math.Abs(float64(w))), max(difference, math.Abs(float64(w-got[i])))
			}
			if !(difference <= 1e-4*largest) {
				t.Errorf("logits differ by %v, the largest is %v", difference, largest)
			}
		})
	}
	if len(paths) == 0 {
		t.Error("no network was exported")
	}
}
