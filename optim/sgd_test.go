package optim

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"github.com/sbinet/npyio"
)

// read reads a .npy file of float32 under testdata.
func read(t *testing.T, path string) []float32 {
	t.Helper()
	f, err := os.Open("testdata/" + path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var values []float32
	if err := npyio.Read(f, &values); err != nil {
		t.Fatal(path, err)
	}
	return values
}

// TestSGDGolden retraces twelve steps of PyTorch's SGD with every option, on
// two parameters.
func TestSGDGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/sgd.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Name   string
		Params struct {
			Steps      int
			Parameters []string `json:"p0"`
			Grads      []string
			Defaults   struct {
				LR          float64
				Momentum    float64
				Dampening   float64
				WeightDecay float64 `json:"weight_decay"`
				Nesterov    bool
			}
		}
		Files map[string]string
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Name, func(t *testing.T) {
			d := c.Params.Defaults
			for k, file := range []string{"traj_a", "traj_b"} {
				sgd := &SGD{LR: d.LR, Momentum: d.Momentum, Dampening: d.Dampening, WeightDecay: d.WeightDecay, Nesterov: d.Nesterov}
				parameter, gradients, want := read(t, c.Params.Parameters[k]), read(t, c.Params.Grads[k]), read(t, c.Files[file])
				slots := [][]float32{make([]float32, len(parameter))}
				for step := range c.Params.Steps {
					at := step * len(parameter)
					sgd.Begin(step + 1)
					sgd.Update(parameter, gradients[at:at+len(parameter)], slots)
					for i, v := range parameter {
						if diff := math.Abs(float64(v - want[at+i])); !(diff <= 1e-5*max(1, math.Abs(float64(want[at+i])))) {
							t.Fatalf("step %d, element %d: %v, PyTorch has %v", step+1, i, v, want[at+i])
						}
					}
				}
			}
		})
	}
}
