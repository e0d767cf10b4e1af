package models

import (
	"encoding/json"
	"math"
	"os"
	"testing"

	"inkling/nn"
)

// TestZooInit compares the initial weights of every model with those that PyTorch
// draws: constants, the mean and the deviation as far as chance allows, and by the
// largest magnitude the kind of distribution.
func TestZooInit(t *testing.T) {
	data, err := os.ReadFile("testdata/zoo_init.json")
	if err != nil {
		t.Fatal(err)
	}
	var models map[string]map[string][3]float64 // mean, deviation, largest magnitude
	if err := json.Unmarshal(data, &models); err != nil {
		t.Fatal(err)
	}
	for _, m := range Zoo() {
		want := models[m.Name]
		if want == nil {
			if !ours[m.Name] {
				t.Errorf("%s: PyTorch's initial weights are not in zoo_init.json", m.Name)
			}
			continue
		}
		if m.Name == "resnet34" || testing.Short() && large[m.Name] {
			continue // made as resnet18; takes seconds
		}
		// With sides of 28 or 64 the weights have the shapes of the case.
		side := 64
		if m.Usual.Height < 64 {
			side = m.Usual.Height
		}
		net, err := m.NewModel(Config{Channels: 3, Height: side, Width: side, Classes: 7}, 5)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		for _, e := range nn.State(net) {
			if e.IsBuffer() {
				continue
			}
			mean, deviation, largest := spread(e)
			w := want[e.Name()]
			n := float64(nn.Shape(e.Shape()).Elements())
			if w[1] == 0 {
				if mean != w[0] || deviation != 0 {
					t.Errorf("%s: %s has the mean %v and the deviation %v, PyTorch sets all to %v", m.Name, e.Name(), mean, deviation, w[0])
				}
				continue
			}
			// Two draws of n numbers, each with a chance of error below 1e-6.
			chance := 7 / math.Sqrt(n)
			if math.Abs(deviation/w[1]-1) > chance || math.Abs(mean-w[0]) > chance*w[1]+1e-4 {
				t.Errorf("%s: %s has the mean %.4g and the deviation %.4g, PyTorch's draw %.4g and %.4g", m.Name, e.Name(), mean, deviation, w[0], w[1])
			}
			even := func(largest, deviation float64) bool { return largest < 1.9*deviation }
			if n >= 400 && even(largest, deviation) != even(w[2], w[1]) {
				t.Errorf("%s: %s goes to %.4g at a deviation of %.4g, PyTorch's draw to %.4g at %.4g: another distribution", m.Name, e.Name(), largest, deviation, w[2], w[1])
			}
		}
	}
}

func spread(e nn.Entry) (mean, deviation, largest float64) {
	values := make([]float32, nn.Shape(e.Shape()).Elements())
	e.Read(values)
	for _, v := range values {
		mean += float64(v)
		largest = max(largest, math.Abs(float64(v)))
	}
	mean /= float64(len(values))
	for _, v := range values {
		deviation += (float64(v) - mean) * (float64(v) - mean) / float64(len(values))
	}
	return mean, math.Sqrt(deviation), largest
}
