package inkling

import (
	"image"
	"math"
	"path/filepath"
	"strings"
	"testing"

	"inkling/models"
	"inkling/text"
)

// A model of texts is asked for texts alone.
func TestKindsAreToldApart(t *testing.T) {
	way := text.Way{Tokenizer: text.Treebank}
	vocabulary, err := text.NewVocabulary(way.All([]string{"a good film and a bad plot"}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewClassifier("textcnn dim=6 filters=4", Options{Classes: []string{"bad", "good"}, Text: &text.Input{Way: way, Length: 8, Vocabulary: vocabulary}})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := m.PredictText("a good film"); err != nil {
		t.Error(err)
	}
	_, ofPicture := m.Predict(image.NewGray(image.Rect(0, 0, 28, 28)))
	_, ofClip := m.PredictClip(nil)
	for err, want := range map[error]string{ofPicture: "reads texts, no pictures", ofClip: "reads texts, no recordings"} {
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("error %v, want one with %q", err, want)
		}
	}
}

// TestRunsOfTokens saves a model that reads runs of two tokens beside them, opens it, and
// has it answer and explain: the runs count, and the file has all that it takes.
func TestRunsOfTokens(t *testing.T) {
	in := &text.Input{Way: text.Way{Tokenizer: text.Treebank}, Length: 8, Runs: 2}
	counted := func(yield func([]string, error) bool) {
		tokens, err := in.Tokens("a good film and a bad plot")
		yield(in.Counted(tokens), err)
	}
	var err error
	if in.Vocabulary, err = text.NewVocabulary(counted); err != nil {
		t.Fatal(err)
	}
	m, err := NewClassifier("textcnn dim=6 filters=4 tally=10", Options{Classes: []string{"bad", "good"}, Text: in, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"model.pth", "model.safetensors", "model.onnx"} {
		path := filepath.Join(t.TempDir(), name)
		if err := m.Save(path); err != nil {
			t.Fatal(err)
		}
		again, err := Open(path)
		if err != nil {
			t.Fatal(err)
		}
		known, err := again.PredictText("a good film")
		if err != nil {
			t.Fatal(err)
		}
		first, err := m.PredictText("a good film")
		if err != nil || first.Probability != known.Probability {
			t.Errorf("%s: %v (%v) and read again %v", name, first, err, known)
		}
		explained, err := again.Explain("a good film")
		if err != nil {
			t.Fatal(err)
		}
		if math.Abs(explained.Probability-known.Probability) > 1e-6 || len(explained.Support) != 3 || len(explained.Runs) != 1 || len(explained.Runs[0]) != 2 {
			t.Errorf("%s: %v, explained as %+v", name, known, explained)
		}
	}
	// What "film" and "good film" say for good stands beside them.
	before, err := m.Explain("a good film")
	if err != nil {
		t.Fatal(err)
	}
	tally := &m.Network.(*models.TextCNN).Tally.Weight
	said := make([]float32, in.Vocabulary.Len()*2)
	for token, v := range map[string]float32{"film": 0.3, "good film": 0.5} {
		said[2*in.Vocabulary.Encode([]string{token})[0]+1] = v
	}
	tally.Write(said)
	m.reading.explainer = nil
	after, err := m.Explain("a good film")
	if err != nil || after.Class != "good" {
		t.Fatalf("%v, %v", after, err)
	}
	sign := 1.0 // of what spoke for the other class before
	if before.Class != "good" {
		sign = -1
	}
	scale := 10 / math.Sqrt(3) / 2
	for i, want := range []float64{0, 0.25 * scale, (0.3 + 0.25) * scale} {
		if got := after.Support[i] - sign*before.Support[i]; math.Abs(got-want) > 1e-5 {
			t.Errorf("%q says %v more, want %v", after.Tokens[i], got, want)
		}
	}
	// Without the runs, the same tokens give another answer.
	sample, err := in.Read("a good film")
	if err != nil {
		t.Fatal(err)
	}
	with, err := m.predictSample(in.Bytes(sample))
	if err != nil {
		t.Fatal(err)
	}
	p := with.Probability
	sample.Runs = nil
	if without, err := m.predictSample(in.Bytes(sample)); err != nil || without.Probability == p {
		t.Errorf("with runs %v, without %v, %v", p, without, err)
	}
}
