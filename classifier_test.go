package inkling

import (
	"fmt"
	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/transform"
	"inkling/weights"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestOpenRefuses(t *testing.T) {
	whole := weights.Metadata{Architecture: "LeNet", Input: []int{1, 28, 28}, Mean: []float32{0.5}, Std: []float32{0.5}}
	for name, test := range map[string]struct {
		change func(m *weights.Metadata)
		want   string
	}{
		"other network":  {func(m *weights.Metadata) { m.Architecture = "ResNet19" }, `holds the network "ResNet19", but only LeNet, `},
		"other pictures": {func(m *weights.Metadata) { m.Input = []int{3, 32, 32} }, "conv1.weight, wanted [6 3 5 5], got [6 1 5 5]"},
		"huge pictures":  {func(m *weights.Metadata) { m.Input = []int{1, 4000, 4000} }, "LeNet cannot read pictures of 4000x4000 pixels: their sides must be 16 to 256"},
		"colours": {func(m *weights.Metadata) {
			m.Input, m.Mean, m.Std = nil, []float32{0, 0, 0}, []float32{1, 1, 1}
		}, "3 means and standard deviations, but its pictures have 1 channel"},
		"more classes": {func(m *weights.Metadata) { m.Classes = []string{"a", "b", "c"} }, "fc3.weight, wanted [3 84], got [10 84]"},
	} {
		about := whole
		test.change(&about)
		path := filepath.Join(t.TempDir(), "model.pth")
		if err := weights.Save(path, nn.State(models.NewLeNet(10, 1)), about); err != nil {
			t.Fatal(err)
		}
		if _, err := Open(path); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want %q", name, err, test.want)
		}
	}
}

// What a file does not say of its pictures, the weights tell.
func TestOpenInfersInput(t *testing.T) {
	for _, test := range []struct{ channels, height, width, side int }{{1, 28, 28, 28}, {3, 32, 32, 32}, {1, 31, 30, 28}, {4, 64, 64, 64}, {3, 28, 60, 0}} {
		network, err := models.NewLeNetFor(test.channels, test.height, test.width, 4, 1)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "model.pth")
		if err := weights.Save(path, nn.State(network)); err != nil {
			t.Fatal(err)
		}
		m, err := Open(path)
		if test.side == 0 {
			if err == nil || !strings.Contains(err.Error(), "does not say what pictures its network reads, and its fc1.weight, 120x768, is not that of square ones") {
				t.Errorf("%+v: error %v", test, err)
			}
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		want := []int{test.channels, test.side, test.side}
		if got := m.Input(); !slices.Equal(got, want) || !slices.Equal(m.About.Input, want) {
			t.Errorf("%+v: the network reads %v, want %v", test, got, want)
		}
		if note := fmt.Sprintf("pictures have %s and %dx%[2]d pixels", wording.Count(test.channels, "channel"), test.side); !slices.ContainsFunc(m.Assumed, func(said string) bool { return strings.HasPrefix(said, note) }) {
			t.Errorf("%+v: assumed is %q, want %q", test, m.Assumed, note)
		}
	}
}

// A model of another shape is refused with everything that differs.
func TestOpenListsMismatches(t *testing.T) {
	type other struct {
		Conv1 nn.Conv2d
		FC3   nn.Linear
		Extra nn.Linear
	}
	net := &other{nn.Conv2d{In: 1, Out: 8, Kernel: 5}, nn.Linear{In: 84, Out: 7}, nn.Linear{In: 2, Out: 2}}
	nn.Init(net, rand.New(rand.NewPCG(1, 1)))
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := weights.Save(path, nn.State(net)); err != nil {
		t.Fatal(err)
	}
	_, err := Open(path)
	for _, want := range []string{"missing in the file: conv2.weight", "missing in the file: fc1.bias", "unexpected in the file: extra.weight", "wrong shape: conv1.weight, wanted [6 1 5 5], got [8 1 5 5]"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error is %v, want %q", err, want)
		}
	}
}

func TestModelOrientation(t *testing.T) {
	for _, test := range []struct{ file, asked, otherwise, want string }{
		{"", "", weights.Transposed, weights.Transposed},
		{weights.Upright, "", weights.Transposed, weights.Upright},
		{weights.Transposed, "", weights.Upright, weights.Transposed},
		{weights.Upright, weights.Transposed, weights.Upright, weights.Transposed},
	} {
		m := &Classifier{About: weights.Metadata{Orientation: test.file, Mean: []float32{0}, Std: []float32{1}}}
		m.Orient(test.asked, test.otherwise, "as is usual")
		if m.About.Orientation != test.want {
			t.Errorf("%+v: pictures lie %s", test, m.About.Orientation)
		}
		if told := len(m.Assumed) == 1; told != (test.file == "" && test.asked == "") {
			t.Errorf("%+v: assumptions are %q", test, m.Assumed)
		}
		pipeline, err := transform.Compile(m.Transform(), 1, 2, 2)
		if err != nil {
			t.Fatal(err)
		}
		got, want := make([]float32, 4), []float32{0, 1, 0, 0}
		if test.want == weights.Transposed {
			want = []float32{0, 0, 1, 0}
		}
		if pipeline.Apply(got, []byte{0, 255, 0, 0}); !slices.Equal(got, want) {
			t.Errorf("%+v: the network sees %v, want %v", test, got, want)
		}
	}
}
