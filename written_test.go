package inkling

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
	"inkling/text"
	"inkling/weights/onnx"
)

// TestWritten saves networks as .onnx and opens them: they are what they were, with their
// Dropout, their texts and the same bits, unless the file's graph is another than its
// metadata's name says.
func TestWritten(t *testing.T) {
	folder := t.TempDir()
	two := []string{"a", "b"}
	way := text.Way{Tokenizer: text.Treebank}
	vocabulary, err := text.NewVocabulary(way.All([]string{"a good film and a bad plot"}))
	if err != nil {
		t.Fatal(err)
	}
	for name, options := range map[string]Options{
		"digitnet dropout=0.3":    {Height: 28, Width: 28, Channels: 1},
		"textcnn dim=6 filters=4": {Text: &text.Input{Way: way, Length: 8, Vocabulary: vocabulary}},
		"textcnn dim=6 filters=5": {Text: &text.Input{Way: way, Length: 8, Runs: 2, Vocabulary: vocabulary}},
	} {
		options.Classes, options.Seed = two, 3
		m, err := NewClassifier(name, options)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		path := filepath.Join(folder, "model.onnx")
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if again.About.Architecture != m.About.Architecture || again.Kind() != m.Kind() {
			t.Errorf("%s is opened as %s for %s", name, again.About.Architecture, again.Kind())
		}
		if m.Text == nil && !slices.Equal(logits(t, again), logits(t, m)) {
			t.Errorf("%s computes something else", name)
		}
	}
	m, err := NewClassifier("lenet5", Options{Classes: two, Height: 28, Width: 28, Channels: 1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(folder, "softmax.onnx")
	if err := m.SaveONNX(path, Export{Metadata: &m.About, Softmax: true}); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(path); err != nil || again.Output != "Softmax" || again.Architecture() != "lenet5" {
		t.Errorf("%v, it ends with %q", err, again.Output)
	}
	// The same weights, and another network.
	other := onnx.Model{Network: &ended{m.Network, func(x *nn.Value, _ int) *nn.Value { return nn.Add(x, x) }}, Shape: m.Input(), Metadata: &m.About}
	if err := other.Save(path); err != nil {
		t.Fatal(err)
	}
	if again, err := Open(path); err != nil || again.Architecture() != graphName || slices.Equal(logits(t, again), logits(t, m)) {
		t.Errorf("another network of the same weights: %v, it is opened as %s", err, again.Architecture())
	}
	if err := m.SaveONNX(filepath.Join(folder, "none", "x.onnx"), Export{}); err == nil || !strings.Contains(err.Error(), "none") {
		t.Errorf("in a folder that is not there: %v", err)
	}
}

// TestDropoutIsMissed says what a network that becomes a graph has lost.
func TestDropoutIsMissed(t *testing.T) {
	folder, _ := networks(t)
	for name, want := range map[string]string{
		"dropout.pth":       "the file's network has Dropout2d, which does something in a training alone",
		"dropout.script.pt": "the file's network has Dropout2d, which does something in a training alone",
		"lenet-dropout.pth": "the file's network has Dropout, which does something in a training alone",
		"batchnorm.pth":     "",
	} {
		old, err := Open(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		c, _, err := NewClassifierFrom(name, old, Options{})
		if err != nil {
			t.Fatal(err)
		}
		if text := strings.Join(c.Notes, "\n"); !strings.Contains(text, want) || want == "" && text != "" {
			t.Errorf("%s: its notes are %q, want %q", name, text, want)
		}
	}
}
