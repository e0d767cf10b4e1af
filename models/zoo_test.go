package models

import (
	"encoding/json"
	"fmt"
	"hash/crc32"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
)

// share is the formula of testdata/zoo.py: n numbers from -0.5 up to and without
// 0.5.
func share(name string, n int) []float64 {
	values, first := make([]float64, n), crc32.ChecksumIEEE([]byte(name))
	for i := range values {
		x := (first + uint32(i)) * 0x9E3779B1
		x ^= x >> 16
		x *= 0x85EBCA6B
		x ^= x >> 13
		values[i] = float64(x)/(1<<32) - 0.5
	}
	return values
}

// formulaValue is what zoo.py sets a tensor to.
func formulaValue(name string, shape []int) []float32 {
	scale, shift := 0.2, 0.0
	switch {
	case strings.HasSuffix(name, "num_batches_tracked"):
		scale = 0
	case len(shape) > 1:
		scale = 2 * math.Sqrt(6/float64(nn.Shape(shape[1:]).Elements()))
	case strings.HasSuffix(name, "weight"):
		shift = 1
	case strings.HasSuffix(name, "running_var"):
		scale, shift = 0.4, 1
	}
	values := make([]float32, nn.Shape(shape).Elements())
	for i, u := range share(name, len(values)) {
		values[i] = float32(shift + u*scale)
	}
	return values
}

// ofPictures are the models that read pictures.
func ofPictures() []Model {
	return slices.DeleteFunc(Zoo(), func(m Model) bool { return m.Reads != Pictures })
}

// ours are networks that torchvision has not; sentences_test.go has the last four.
var ours = map[string]bool{"LeNet": true, "digitnet": true, "resnet9": true, "smallvgg": true, "textcnn": true, "charcnn": true, "melcnn": true, "mlp": true}

// large are models that take seconds to make.
var large = map[string]bool{"resnet34": true, "resnet50": true, "densenet121": true}

// TestZooGolden compares logits with torchvision's networks, which have the same
// weights under the same names.
func TestZooGolden(t *testing.T) {
	data, err := os.ReadFile("testdata/zoo.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Model            string
		Side             int
		State            uint32 // sum of the lines that name and shapes make
		Keys, Parameters int
		Logits           []float64
	}
	if err := json.Unmarshal(data, &cases); err != nil {
		t.Fatal(err)
	}
	const tolerance = 1e-4 // of the largest
	for _, c := range cases {
		t.Run(c.Model, func(t *testing.T) {
			if name, _, _ := strings.Cut(c.Model, " "); testing.Short() && (large[name] || name == "resnet18") {
				t.Skip("takes seconds")
			}
			m, err := FindModel(c.Model)
			if err != nil {
				t.Fatal(err)
			}
			net, err := m.New(Config{Channels: 3, Height: c.Side, Width: c.Side, Classes: 7}, func(float64) float32 { return 0 })
			if err != nil {
				t.Fatal(err)
			}
			state := nn.State(net)
			var lines strings.Builder
			for _, e := range state {
				fmt.Fprintln(&lines, e.Name(), strings.Trim(fmt.Sprint(e.Shape()), "[]"))
				e.Write(formulaValue(e.Name(), e.Shape()))
			}
			s, err := nn.Summary(net, 1, 3, c.Side, c.Side)
			if err != nil {
				t.Fatal(err)
			}
			if len(state) != c.Keys || s.Parameters != c.Parameters {
				t.Errorf("%d tensors and %d parameters, torchvision has %d and %d", len(state), s.Parameters, c.Keys, c.Parameters)
			}
			if crc32.ChecksumIEEE([]byte(lines.String())) != c.State {
				t.Errorf("names, shapes or their order are not torchvision's:\n%s", lines.String())
			}
			p, err := nn.Compile(net, 2, 3, c.Side, c.Side)
			if err != nil {
				t.Fatal(err)
			}
			pictures := make([]float32, 2*3*c.Side*c.Side)
			for i, u := range share("input", len(pictures)) {
				pictures[i] = 4 * float32(u)
			}
			got := p.Forward(pictures)
			if len(got) != len(c.Logits) {
				t.Fatalf("%d logits, want %d", len(got), len(c.Logits))
			}
			var largest, worst float64
			for i, want := range c.Logits {
				largest = max(largest, math.Abs(want))
				if diff := math.Abs(float64(got[i]) - want); !(diff <= worst) {
					worst = diff
				}
			}
			if !(worst <= tolerance*largest) {
				t.Errorf("logits differ by %.2g of the largest, want at most %g", worst/largest, tolerance)
			}
			t.Logf("%d: %.2g", c.Side, worst/largest)
		})
	}
}

// unfolded is a network within a training, with BatchNorm as at eval.
type unfolded struct{ Network Network }

func (u *unfolded) Forward(x *nn.Value) *nn.Value { return nn.AsEval(x, u.Network.Forward) }

// TestZooFolds compares logits of programs for inference, which have every BatchNorm
// behind a convolution in its weights, with those of programs that have none there.
func TestZooFolds(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, m := range ofPictures() {
		net, err := m.New(Config{Channels: 3, Height: 32, Width: 32, Classes: 7}, func(float64) float32 { return 0 })
		if err != nil {
			t.Fatal(m.Name, err)
		}
		norms := false
		for _, e := range nn.State(net) {
			e.Write(formulaValue(e.Name(), e.Shape()))
			norms = norms || e.IsBuffer()
		}
		if !norms {
			continue
		}
		folded, err := nn.Compile(net, 1, 3, 32, 32)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		plain, err := nn.CompileTrain(&unfolded{net}, nn.CrossEntropy{}, plainSGD{}, 1, 3, 32, 32)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		picture := make([]float32, 3*32*32)
		for i, u := range share("input", len(picture)) {
			picture[i] = 4 * float32(u)
		}
		got, want := folded.Forward(picture), plain.Forward(picture)
		var largest, worst float64
		for i, v := range want {
			largest, worst = max(largest, math.Abs(float64(v))), max(worst, math.Abs(float64(got[i]-v)))
		}
		const tolerance = 2e-5 // of the largest
		if !(worst <= tolerance*largest) || largest == 0 {
			t.Errorf("%s: logits differ by %.2g of the largest, want at most %g", m.Name, worst/largest, tolerance)
		}
		t.Logf("%s: %.2g", m.Name, worst/largest)
	}
}

// TestZoo makes every model for a few classes of pictures that are neither square
// nor of its usual size, and counts parameters of the usual one.
func TestZoo(t *testing.T) {
	seen := map[string]bool{}
	for _, m := range ofPictures() {
		if seen[m.Name] {
			t.Errorf("%s is in the zoo twice", m.Name)
		}
		seen[m.Name] = true
		if large[m.Name] {
			continue // as resnet18, and TestZooGolden counts their parameters
		}
		c := Config{Channels: 1, Height: 40, Width: 48, Classes: 3}
		net, err := m.NewModel(c, 1)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		if channels, height, width := net.Input(); channels != 1 || height != 40 || width != 48 {
			t.Errorf("%s reads %dx%dx%d", m.Name, channels, height, width)
		}
		s, err := nn.Summary(net, 2, 1, 40, 48)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		if last := s.Rows[len(s.Rows)-1].Shape; !last.Equal(nn.Shape{2, 3}) {
			t.Errorf("%s gives %v", m.Name, last)
		}
		for _, bad := range []Config{{}, {Channels: 3, Height: 32, Width: 32}, {Channels: 3, Height: 0, Width: 32, Classes: 2}, {Channels: -1, Height: 32, Width: 32, Classes: 2}} {
			if _, err := m.NewModel(bad, 1); err == nil {
				t.Errorf("%s takes %+v", m.Name, bad)
			}
		}
	}
	m, _ := FindModel("resnet18")
	if _, err := m.NewModel(Config{Channels: 3, Height: 32, Width: 32, Classes: 2, Padding: []int{1}}, 1); err == nil || !strings.Contains(err.Error(), "takes no padding") {
		t.Errorf("a padding that a model does not take: %v", err)
	}
	if _, err := FindModel("resnet19"); err == nil || !strings.Contains(err.Error(), "resnet18") {
		t.Errorf("FindModel of a model that there is not: %v", err)
	}
}

// TestZooTrains takes a step with the small models: the loss of the same batch
// falls.
func TestZooTrains(t *testing.T) {
	if testing.Short() {
		t.Skip("takes seconds")
	}
	for _, name := range []string{"digitnet", "smallvgg", "squeezenet1_1"} {
		m, err := FindModel(name)
		if err != nil {
			t.Fatal(err)
		}
		c := Config{Channels: 1, Height: 17, Width: 17, Classes: 3}
		net, err := m.NewModel(c, 1)
		if err != nil {
			t.Fatal(err)
		}
		p, err := nn.CompileTrain(net, nn.CrossEntropy{}, plainSGD{}, 4, 1, 17, 17)
		if err != nil {
			t.Fatal(err)
		}
		pictures := make([]float32, 4*17*17)
		for i, u := range share("input", len(pictures)) {
			pictures[i] = float32(4 * u)
		}
		labels := []int{0, 1, 2, 1}
		first := p.Step(pictures, labels)
		last := first
		for range 15 {
			last = p.Step(pictures, labels)
		}
		if !(last < first) {
			t.Errorf("%s: the loss goes from %v to %v", name, first, last)
		}
	}
}

// plainSGD is gradient descent with a rate of 0.02.
type plainSGD struct{}

func (plainSGD) Slots() int { return 0 }
func (plainSGD) Begin(int)  {}
func (plainSGD) Update(p, g []float32, _ [][]float32) {
	for i := range p {
		p[i] -= 0.02 * g[i]
	}
}

// TestZooIsChecked wants all that checks a model for every line of the table: logits and
// initial weights of torchvision's, but for networks that are ours.
func TestZooIsChecked(t *testing.T) {
	var logits []struct{ Model string }
	var initial map[string]any
	for name, into := range map[string]any{"zoo.json": &logits, "zoo_init.json": &initial} {
		content, err := os.ReadFile("testdata/" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := json.Unmarshal(content, into); err != nil {
			t.Fatal(name, err)
		}
	}
	checked := map[string]bool{}
	for _, c := range logits {
		checked[c.Model] = true
	}
	for _, m := range Zoo() {
		if !ours[m.Name] && (!checked[m.Name] || initial[m.Name] == nil) {
			t.Errorf("%s lacks torchvision's logits in zoo.json or its initial weights in zoo_init.json", m.Name)
		}
		// Its keys are those of no other model, or it is a chain, which goes first.
		network, err := m.Draw(m.Usual, nil)
		if err != nil {
			t.Fatal(m.Name, err)
		}
		shapes := map[string][]int{}
		for _, e := range nn.State(network) {
			shapes[e.Name()] = e.Shape()
		}
		found, configs, err := Recognise(shapes, Config{Height: m.Usual.Height, Width: m.Usual.Width})
		if m.Reads == Rows && found == nil && err == nil {
			continue // the file must name it
		}
		if err != nil || found == nil || found.Name != m.Name && m.Name != "lenet5" || len(configs) == 0 {
			t.Errorf("%s is recognised as %v, %v", m.Name, found, err)
		}
	}
}
