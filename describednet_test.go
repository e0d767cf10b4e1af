package inkling

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/weights"
)

const lenetDescribed = `
input: [1, 28, 28]
layers:
  - conv1: Conv2d(1, 6, 5)
  - relu1: ReLU()
  - pool1: MaxPool2d(2)
  - conv2: Conv2d(6, 16, 5)
  - relu2: ReLU()
  - pool2: MaxPool2d(2)
  - flat: Flatten()
  - fc1: Linear(256, 120)
  - relu3: ReLU()
  - fc2: Linear(120, 84)
  - relu4: ReLU()
  - fc3: Linear(84, 10)
`

// TestDescribed runs weights by a description of their network: it computes what the zoo's
// does, opened by either file, converted, and trained on.
func TestDescribed(t *testing.T) {
	classes := strings.Split("abcdefghij", "")
	zoo, err := NewClassifier("LeNet", Options{Classes: classes, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	in := func(name string) string { return filepath.Join(folder, name) }
	write := func(name, text string) {
		t.Helper()
		if err := os.WriteFile(in(name), []byte(text), 0o666); err != nil {
			t.Fatal(err)
		}
	}
	if err := zoo.Save(in("w.pth")); err != nil {
		t.Fatal(err)
	}
	write("network.yaml", lenetDescribed)
	write("whole.yaml", lenetDescribed+"weights: w.pth\nclasses: [k, l, m, n, o, p, q, r, s, t]\n")
	write("wrong.yaml", strings.Replace(lenetDescribed, "fc2: Linear(120, 84)", "fc4: Linear(120, 84, bias=False)", 1)+"weights: w.pth\n")
	want := logits(t, zoo)
	near := func(c *Classifier) bool {
		got := logits(t, c)
		return slices.EqualFunc(got, want, func(a, b float32) bool { return a-b < 1e-5 && b-a < 1e-5 })
	}
	whole, err := Open(in("whole.yaml"))
	if err != nil {
		t.Fatal(err)
	}
	if !near(whole) || whole.About.Classes[0] != "k" {
		t.Errorf("it computes %v for %v, the zoo's %v", logits(t, whole), whole.About.Classes, want)
	}
	byOption, err := (&Options{Model: in("network.yaml")}).Open(in("w.pth"))
	if err != nil {
		t.Fatal(err)
	}
	if !near(byOption) || byOption.About.Classes[0] != "a" {
		t.Errorf("by --model it computes %v for %v", logits(t, byOption), byOption.About.Classes)
	}
	tuned, replaced, err := NewClassifierFrom("whole.yaml", whole, Options{Classes: []string{"x", "y"}})
	if err != nil || !slices.Equal(replaced, []string{"fc3.weight", "fc3.bias"}) {
		t.Fatalf("replaced are %v, %v", replaced, err)
	}
	if err := tuned.Save(in("tuned.pth")); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(in("tuned.pth")); err != nil || !slices.Equal(logits(t, again), logits(t, tuned)) {
		t.Errorf("saved, it is another network (%v)", err)
	}
	fresh, err := NewClassifier(in("network.yaml"), Options{Classes: classes, Seed: 5})
	if err != nil {
		t.Fatal(err)
	}
	if fresh.Notes != nil || near(fresh) {
		t.Errorf("a new network has the notes %q", fresh.Notes)
	}
	for name, want := range map[string]string{
		"network.yaml": "without weights: name their file",
		"wrong.yaml":   "fc4.weight",
		"none.yaml":    "there is no file",
	} {
		if _, err := Open(in(name)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: the error is %v, want %q", name, err, want)
		}
	}
	if _, err := NewClassifier(in("network.yaml"), Options{Classes: classes[:4]}); err == nil || !strings.Contains(err.Error(), "tells 10 classes apart, but there are 4") {
		t.Errorf("for other classes the error is %v", err)
	}
	file, err := ReadFile(in("whole.yaml"))
	if err != nil || len(file.Tensors) != 10 {
		t.Fatalf("%v", err)
	}
	about, _, err := (&Options{}).MetadataFor(in("whole.yaml"), file)
	if err != nil {
		t.Fatal(err)
	}
	if err := weights.Write(in("told.safetensors"), file.Tensors, *about); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(in("told.safetensors")); err != nil || !near(again) {
		t.Errorf("its tensors are another network (%v)", err)
	}
}
