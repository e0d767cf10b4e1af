package models

import (
	"encoding/json"
	"math"
	"os"
	"regexp"
	"strings"
	"testing"

	"inkling/internal/kernel"
	"inkling/nn"
	"inkling/optim"
)

// A digest is what testdata/train.py keeps of an array: largest magnitude, norm,
// sum and some elements.
type digest []float64

func digestOf(a []float32) digest {
	const kept = 4
	d := make(digest, 3, 3+kept)
	for _, v := range a {
		d[0] = max(d[0], math.Abs(float64(v)))
		d[1] += float64(v) * float64(v)
		d[2] += float64(v)
	}
	d[1] = math.Sqrt(d[1])
	for k := range kept {
		d = append(d, float64(a[(k*2654435761+12345)%len(a)]))
	}
	return d
}

// differs is by how much two arrays of n elements differ, as a share of the
// largest element, or of least if that is more. A norm and a sum may differ as n chance errors do.
func (d digest) differs(want digest, n int, least float64) float64 {
	worst, largest := 0.0, max(want[0], least)
	for i := range want {
		diff := math.Abs(d[i] - want[i])
		if i == 1 || i == 2 {
			diff /= math.Sqrt(float64(n))
		}
		if !(diff <= worst*largest) {
			worst = diff / largest
		}
	}
	return worst
}

var (
	corner = regexp.MustCompile(`(layer\d\.\d\.bn1|features\.(0|18)\.1|conv\.\d\.1)\.bias$`)
	shift  = regexp.MustCompile(`(bn\d|downsample\.1|conv\.[23])\.bias$`)
)

// trainingValue is what train.py sets a tensor of a network with ReLU to.
func trainingValue(name string, shape []int) []float32 {
	values := formulaValue(name, shape)
	weight := len(shape) == 1 && strings.HasSuffix(name, ".weight")
	for i, u := range share(name, len(values)) {
		switch {
		case len(shape) == 2:
			values[i] *= 0.25
		case len(shape) != 1:
			return values
		case weight:
			values[i] = float32(0.45 + 0.1*u)
		case corner.MatchString(name) && u < -0.4:
			values[i] = float32(-3 + 0.2*u)
		case corner.MatchString(name) && u > 0.4:
			values[i] = float32(9 + 0.2*u)
		case corner.MatchString(name) || shift.MatchString(name):
			values[i] = float32(3 + 0.2*u)
		}
	}
	return values
}

// TestTrainingGolden compares whole networks in training with PyTorch: logits,
// loss, all gradients, and weights and running statistics after ten steps.
func TestTrainingGolden(t *testing.T) {
	if testing.Short() {
		t.Skip("takes long with the race detector; TestZooSteps runs the same layers")
	}
	if kernel.Implementation() == "go" {
		// TestPrograms hold plain kernels to the definitions.
		t.Skip("plain kernels take minutes, and by the order of their sums AdamW's steps of ResNet-18 differ by 1.7e-4")
	}
	const batch, steps = 4, 10
	// AdamW divides gradients by their own size: what rounding differs in grows with every
	// step, with AVX-512's order of sums to 1.05e-4 in ResNet-18.
	tolerances := map[string]float64{"AdamW": 1.1e-4}
	const tolerance = 1e-4
	labels := [2][]int{{3, 1, 0, 6}, {5, 2, 2, 4}}
	data, err := os.ReadFile("testdata/train.json")
	if err != nil {
		t.Fatal(err)
	}
	type run struct {
		Losses []float64
		State  map[string]digest
	}
	var cases []struct {
		Model      string
		Side       int
		Logits     []float64
		Loss       float64
		Gradients  map[string]digest
		SGD, AdamW run
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		t.Run(c.Model, func(t *testing.T) {
			m, err := FindModel(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			net, err := m.New(Config{Channels: 3, Height: c.Side, Width: c.Side, Classes: 7}, nil)
			if err != nil {
				t.Fatal(err)
			}
			nn.Visit(net, func(_ string, layer any) {
				if d, ok := layer.(*nn.Dropout); ok {
					d.P = 0
				}
			})
			pictures := make([]float32, 2*batch*3*c.Side*c.Side)
			for i, u := range share("input", len(pictures)) {
				pictures[i] = 4 * float32(u)
			}
			given := [2][]float32{pictures[:len(pictures)/2], pictures[len(pictures)/2:]}
			var first [][]float32
			for _, e := range nn.State(net) {
				if c.Model == "airbench" {
					first = append(first, formulaValue(e.Name(), e.Shape()))
				} else {
					first = append(first, trainingValue(e.Name(), e.Shape()))
				}
			}
			start := func(o nn.Optimizer) *nn.TrainProgram {
				for i, e := range nn.State(net) {
					e.Write(first[i])
				}
				p, err := nn.CompileTrain(net, nn.CrossEntropy{}, o, batch, 3, c.Side, c.Side)
				if err != nil {
					t.Fatal(err)
				}
				return p
			}
			worst := map[string]float64{}
			compare := func(what string, entries []nn.Entry, want map[string]digest) {
				if len(entries) != len(want) {
					t.Errorf("%s: %d arrays, PyTorch has %d", what, len(entries), len(want))
				}
				// Before another BatchNorm the gradient of a bias is zero, but for rounding.
				least := 0.0
				for _, w := range want {
					least = max(least, 1e-3*w[0])
				}
				for _, e := range entries {
					values := make([]float32, nn.Shape(e.Shape()).Elements())
					e.Read(values)
					got, w := digestOf(values), want[e.Name()]
					if w == nil {
						t.Errorf("%s: PyTorch has no %s", what, e.Name())
						continue
					}
					diff := got.differs(w, len(values), least)
					worst[what] = max(worst[what], diff)
					if !(diff <= max(tolerance, tolerances[what])) {
						t.Errorf("%s: %s differs by %.2g of the largest: %v, want %v", what, e.Name(), diff, got, w)
					}
				}
			}

			p := start(&optim.SGD{})
			largest := 0.0
			for _, v := range c.Logits {
				largest = max(largest, math.Abs(v))
			}
			for i, got := range p.Forward(given[0]) {
				if !(math.Abs(float64(got)-c.Logits[i]) <= tolerance*largest) {
					t.Errorf("logit %d is %v, want %v", i, got, c.Logits[i])
				}
			}
			if loss := p.Backward(labels[0]); !(math.Abs(loss/c.Loss-1) <= tolerance) {
				t.Errorf("loss is %v, want %v", loss, c.Loss)
			}
			compare("gradients", p.Gradients(), c.Gradients)
			adamW := optim.NewAdamW(0.0002)
			adamW.Eps = 1e-3 // which keeps rounding out of gradients near zero
			for what, r := range map[string]struct {
				optimizer nn.Optimizer
				want      run
			}{
				"SGD":   {&optim.SGD{LR: 0.002, Momentum: 0.9, WeightDecay: 0.01}, c.SGD},
				"AdamW": {adamW, c.AdamW},
			} {
				p := start(r.optimizer)
				for step := range steps {
					if loss, want := p.Step(given[step%2], labels[step%2]), r.want.Losses[step]; !(math.Abs(loss-want) <= tolerance*max(1, want)) {
						t.Errorf("%s, step %d: loss is %v, want %v", what, step+1, loss, want)
					}
				}
				compare(what, nn.State(net), r.want.State)
			}
			t.Logf("largest differences: %v", worst)
		})
	}
}
