package models

import (
	"io"
	"math"
	"slices"
	"testing"

	"inkling/nn"
	"inkling/weights/onnx"
)

// tiny are the smallest pictures that the models read; the others read 8x8.
var tiny = map[string]int{"airbench": 25, "LeNet": 16, "lenet5": 16, "squeezenet1_1": 17}

func tinyConfig(name string) Config {
	side := tiny[name]
	if side == 0 {
		side = 8
	}
	if m, err := FindModel(name); err == nil && m.Reads == Sentences {
		return Config{Channels: 1, Height: 1, Width: 11, Classes: 3, Tokens: 40}
	}
	return Config{Channels: 1, Height: side, Width: side, Classes: 3}
}

func tinyPictures(c Config, batch int) ([]float32, []int) {
	pictures, labels := make([]float32, batch*c.Channels*c.Height*c.Width), make([]int, batch)
	for i, u := range share("input", len(pictures)) {
		pictures[i] = 4 * float32(u)
		if c.Tokens > 0 {
			pictures[i] = float32(int((u + 0.5) * float64(c.Tokens)))
		}
	}
	for i := range labels {
		labels[i] = (i + 1) % c.Classes
	}
	return pictures, labels
}

// TestZooSteps checks every model as a program: outputs are finite, two steps of
// training give the same bits for 1 to 4 workers and change all parameters, and neither a
// step nor a prediction allocates.
func TestZooSteps(t *testing.T) {
	const batch = 5
	for _, m := range Zoo() {
		t.Run(m.Name, func(t *testing.T) {
			if m.Name == "resnet34" || testing.Short() && (large[m.Name] || m.Name == "resnet18" || m.Name == "resnet9" || m.Name == "airbench" || m.Name == "efficientnet_b0") {
				t.Skip("takes seconds; made of the blocks of others")
			}
			c := tinyConfig(m.Name)
			pictures, labels := tinyPictures(c, batch)
			net, err := m.NewModel(c, 1)
			if err != nil {
				t.Fatal(err)
			}
			before := stateValues(net)
			workers, elements := []int{1, 2, 3, 4}, 0
			for _, values := range before {
				elements += len(values)
			}
			if elements > 2e6 {
				workers = []int{1, 3}
			}
			var bits [][]float32
			for _, n := range workers {
				for i, e := range nn.State(net) {
					e.Write(before[i])
				}
				p, err := nn.CompileTrain(net, nn.CrossEntropy{}, plainSGD{}, batch, c.Channels, c.Height, c.Width)
				if err != nil {
					t.Fatal(err)
				}
				p.SetWorkers(n)
				loss := p.Step(pictures, labels)
				allocations := allocationsOf(func() { loss = p.Step(pictures, labels) })
				if math.IsNaN(loss) || math.IsInf(loss, 0) || allocations != 0 {
					t.Fatalf("%d workers: the loss is %v, a step allocates %v times", n, loss, allocations)
				}
				after := stateValues(net)
				if n > 1 {
					sameBits(t, net, n, after, bits)
					continue
				}
				bits = after
				for i, e := range nn.State(net) {
					if slices.Equal(before[i], after[i]) {
						t.Errorf("training leaves %s as it was", e.Name())
					}
				}
			}
			infer, err := nn.Compile(net, batch, c.Channels, c.Height, c.Width)
			if err != nil {
				t.Fatal(err)
			}
			for i, v := range infer.Forward(pictures) {
				if math.IsNaN(float64(v)) || math.IsInf(float64(v), 0) {
					t.Fatalf("output %d is %v", i, v)
				}
			}
			if n := allocationsOf(func() { infer.Forward(pictures) }); n != 0 {
				t.Errorf("a prediction allocates %v times", n)
			}
		})
	}
}

// allocationsOf returns what a run of f allocates. Of few strays, which the runtime makes at
// times, the mean is rounded down to none. It runs f as often each time.
func allocationsOf(f func()) float64 { return testing.AllocsPerRun(2, f) }

func stateValues(net nn.Module) (all [][]float32) {
	for _, e := range nn.State(net) {
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(values)
		all = append(all, values)
	}
	return all
}

func sameBits(t *testing.T, net nn.Module, workers int, got, want [][]float32) {
	t.Helper()
	for i, e := range nn.State(net) {
		for k := range want[i] {
			if math.Float32bits(got[i][k]) != math.Float32bits(want[i][k]) {
				t.Fatalf("%d workers: %s, element %d is %v, with one worker %v", workers, e.Name(), k, got[i][k], want[i][k])
			}
		}
	}
}

// TestZooONNX writes the models as ONNX. That ONNX Runtime computes the same is checked
// where the writer is.
func TestZooONNX(t *testing.T) {
	for _, m := range Zoo() {
		if large[m.Name] && testing.Short() {
			continue
		}
		c := tinyConfig(m.Name)
		net, err := m.New(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		if err := (&onnx.Model{Network: net, Shape: []int{c.Channels, c.Height, c.Width}}).Write(io.Discard); err != nil {
			t.Errorf("%s: %v", m.Name, err)
		}
	}
}
