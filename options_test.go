package inkling

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

func TestParseNumbers(t *testing.T) {
	for text, want := range map[string][]float32{
		"0.5": {0.5}, "1/255": {1.0 / 255}, "0.485, 0.456,0.406": {0.485, 0.456, 0.406}, "-1": {-1}, "1e-3": {0.001}, " 1 / 2 ": {0.5},
		"": nil, "x": nil, "1/0": nil, "1/": nil, "NaN": nil, "1e99": nil, "1,,2": nil, strings.Repeat("1,", 70) + "1": nil,
	} {
		got, err := ParseNumbers(text)
		if !slices.Equal(got, want) && err == nil || (err == nil) != (want != nil) {
			t.Errorf("%q became %v, %v, want %v", text, got, err, want)
		}
		if err != nil && strings.Contains(err.Error(), "strconv") {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestParseClasses(t *testing.T) {
	file := func(text string) string {
		path := filepath.Join(t.TempDir(), "names")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	for _, test := range []struct {
		text  string
		names []string
		says  string
	}{
		{"a,b", []string{"a", "b"}, ""},
		{file("\ufeffcat\r\nhot dog\r\n\r\n"), []string{"cat", "hot dog"}, ""},
		{file("cat\n\ndog\n"), nil, "class 1 has no name"},
		{file("cat\ncat\n"), nil, `the classes 0 and 1 have the same name, "cat"`},
		{file(""), nil, "there are no names"},
		{file(strings.Repeat("x", 1<<20+1)), nil, "more than 1024 kB"},
		{"nowhere", nil, `there is no file "nowhere"`},
	} {
		names, err := ParseClasses(test.text)
		if !slices.Equal(names, test.names) || test.says == "" && err != nil || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says)) {
			t.Errorf("%.40q became %q, %v", test.text, names, err)
		}
	}
}

// save writes tensors to a file.
func save(t *testing.T, tensors []weights.Tensor, about ...weights.Metadata) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "model.pth")
	if err := weights.Write(path, tensors, about...); err != nil {
		t.Fatal(err)
	}
	return path
}

func lenetTensors(classes int, rename func(name string) string) []weights.Tensor {
	var tensors []weights.Tensor
	for _, e := range nn.State(models.NewLeNet(classes, 1)) {
		tensor := weights.TensorOf(e)
		tensor.Name = rename(tensor.Name)
		tensors = append(tensors, tensor)
	}
	return tensors
}

// The names of tensors may have anything before them that all share, or be the numbers
// of a Sequential; what is done with them is said. Tensors that the network lacks are
// never taken for others.
func TestOpenNames(t *testing.T) {
	numbers := strings.NewReplacer("conv1", "0", "conv2", "3", "fc1", "7", "fc2", "9", "fc3", "11")
	for _, test := range []struct {
		name   string
		rename func(name string) string
		note   string // "" for none
	}{
		{"as they are", func(name string) string { return name }, ""},
		{"Lightning", func(name string) string { return "model." + name }, "begin with model., which was taken off"},
		{"compiled in parallel", func(name string) string { return "_orig_mod.module." + name }, "begin with _orig_mod.module., which was taken off"},
		{"numbers", numbers.Replace, "called 0, 3, 7, 9, 11; by their order and shapes they were taken for conv1, conv2, fc1, fc2, fc3"},
		{"nested numbers", func(name string) string { return "net." + numbers.Replace(name) }, "called net.0, net.3, net.7, net.9, net.11;"},
		{"parts", func(name string) string {
			return strings.NewReplacer("conv1", "features.0", "conv2", "features.3", "fc1", "classifier.0", "fc2", "classifier.2", "fc3", "classifier.4").Replace(name)
		}, "called features.0, features.3, classifier.0, classifier.2, classifier.4;"},
	} {
		m, err := Open(save(t, lenetTensors(10, test.rename)))
		if err != nil {
			t.Errorf("%s: %v", test.name, err)
			continue
		}
		if len(m.Notes) > 1 || len(m.Notes) == 0 != (test.note == "") || test.note != "" && !strings.Contains(m.Notes[0], test.note) {
			t.Errorf("%s: the notes are %q, want %q", test.name, m.Notes, test.note)
		}
		want := nn.State(models.NewLeNet(10, 1))
		for i, e := range nn.State(m.Network) {
			if !slices.Equal(weights.TensorOf(e).Float32s(), weights.TensorOf(want[i]).Float32s()) {
				t.Errorf("%s: %s has other values", test.name, e.Name())
			}
		}
	}
	// In alphabetical order, as archives have it, 11 stands before 3.
	sorted := lenetTensors(10, numbers.Replace)
	slices.SortFunc(sorted, func(a, b weights.Tensor) int { return strings.Compare(a.Name, b.Name) })
	if _, err := Open(save(t, sorted)); err != nil {
		t.Errorf("sorted by name: %v", err)
	}
	// A network with BatchNorm is another one.
	norm := &struct{ BatchNorm nn.BatchNorm2d }{nn.BatchNorm2d{Features: 6}}
	nn.Init(norm, rand.New(rand.NewPCG(1, 1)))
	tensors := lenetTensors(10, numbers.Replace)
	for _, e := range nn.State(norm) {
		tensors = append(tensors, weights.TensorOf(e))
	}
	if _, err := Open(save(t, tensors)); err == nil || !strings.Contains(err.Error(), "unexpected in the file: batch_norm.running_mean") {
		t.Errorf("with BatchNorm: %v", err)
	}
}

// What an option says is taken rather than what the file says, and that is noted and
// kept for other files.
func TestOptionsOverMetadata(t *testing.T) {
	about := weights.Metadata{Architecture: "LeNet", Input: []int{1, 28, 28}, Mean: []float32{0.5}, Std: []float32{0.5},
		Classes: strings.Fields("a b c"), Orientation: weights.Upright}
	path := save(t, lenetTensors(3, func(name string) string { return name }), about)
	o := Options{Mean: []float32{0.1}, Std: []float32{0.5}, Classes: strings.Fields("x y z"), Orientation: weights.Transposed, Height: 30, Width: 30}
	m, err := o.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if len(m.Assumed) > 0 {
		t.Errorf("assumed is %q", m.Assumed)
	}
	for _, want := range []string{
		"its file says the mean 0.5, but 0.1 was asked for and taken", "its file says the size 28x28, but 30x30 was asked for and taken",
		"its file names other classes", "its file says that pictures lie upright, but transposed was asked for and taken",
	} {
		if !slices.ContainsFunc(m.Notes, func(note string) bool { return strings.HasPrefix(note, want) }) {
			t.Errorf("the notes are %q, want %q", m.Notes, want)
		}
	}
	said := m.Said()
	if said.Mean[0] != 0.1 || said.Classes[2] != "z" || said.Orientation != weights.Transposed || !slices.Equal(said.Input, []int{1, 30, 30}) || !slices.Equal(m.Input(), said.Input) {
		t.Errorf("what is said is %+v", said)
	}
	if m, err := Open(path); err != nil || len(m.Notes)+len(m.Assumed) > 0 {
		t.Errorf("without options: %v, notes %q, assumed %q", err, m.Notes, m.Assumed)
	}
}

// With a label offset the network's first outputs stand for no class of the data.
func TestLabelOffset(t *testing.T) {
	letters, err := data.NewMemory(make([]byte, 2*28*28), []byte{0, 2}, strings.Fields("a b c"), 1, 28, 28)
	if err != nil {
		t.Fatal(err)
	}
	path := save(t, lenetTensors(4, func(name string) string { return name }))
	m, err := Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Suits(letters, "the letters"); err == nil || !strings.Contains(err.Error(), "tells 4 classes apart, but the data set has 3; if its labels were counted from 1") {
		t.Errorf("without an offset: %v", err)
	}
	for _, o := range []Options{{LabelOffset: 1}, {LabelOffset: 1, Classes: strings.Fields("a b c")}, {LabelOffset: 1, Classes: strings.Fields("none a b c")}} {
		m, err := o.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		if err := m.Suits(letters, "the letters"); err != nil {
			t.Error(err)
		}
		d := m.Relabel(letters)
		if _, label, err := d.Example(1); err != nil || label != 3 || len(d.Classes()) != 4 || d.Classes()[3] != "c" {
			t.Errorf("%+v: the label of a c is %d of %q, %v", o, label, d.Classes(), err)
		}
		// What is kept says it again.
		again, err := Open(save(t, lenetTensors(4, func(name string) string { return name }), m.Said()))
		if err != nil || again.Suits(letters, "the letters") != nil {
			t.Errorf("%+v: kept: %v", o, err)
		}
	}
	m, err = (&Options{LabelOffset: 1, Classes: strings.Fields("a b x")}).Open(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := m.Suits(letters, "the letters"); err == nil || !strings.Contains(err.Error(), `label 2 of the letters means "c", but to the network it means "x"`) {
		t.Errorf("other classes: %v", err)
	}
}
