package inkling

import (
	"math"
	"path/filepath"
	"strings"
	"testing"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/text"
	"inkling/vector"
)

// A model of rows of numbers that tells a number says the same when it is opened again, in
// the number's unit.
func TestTargetOfVectors(t *testing.T) {
	in, err := vector.NewInput([]string{"a", "b", "c"}, [][]float64{{1, 2, 3}, {3, 8, -1}})
	if err != nil {
		t.Fatal(err)
	}
	target := &Target{"price", data.Scale{Mean: 200, Std: 50}}
	m, err := NewClassifier("mlp hidden=8", Options{Classes: []string{"price"}, Vector: in, Target: target, Seed: 3})
	if err != nil {
		t.Fatal(err)
	}
	row := []float64{2, 5, 0}
	want, err := m.PredictVector(row)
	if err != nil {
		t.Fatal(err)
	}
	program, err := nn.NewNetwork(m.Network, 1, 1, 1, 3).Compile()
	if err != nil {
		t.Fatal(err)
	}
	output := program.Forward([]float32{in.Columns[0].Of(2), in.Columns[1].Of(5), in.Columns[2].Of(0)})[0]
	if math.Abs(want.Number-(200+50*float64(output))) > 1e-3 || want.Class != "price" || want.Probabilities != nil {
		t.Errorf("the answer is %+v, want the number %v", want, 200+50*float64(output))
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
		if again.Kind() != Vectors || again.Target == nil || *again.Target != *target {
			t.Fatalf("%s: reads %s and tells %v", name, again.Kind(), again.Target)
		}
		if got, err := again.PredictVector(row); err != nil || math.Abs(got.Number-want.Number) > 1e-3 {
			t.Errorf("%s: %v, want %v: %v", name, got.Number, want.Number, err)
		}
	}
	if _, err := m.PredictVector(row[:2]); err == nil || !strings.Contains(err.Error(), "want 3: a, b, c") {
		t.Errorf("two numbers of three: %v", err)
	}
	if _, err := m.PredictText("2 5 0"); err == nil || !strings.Contains(err.Error(), "reads vectors") {
		t.Errorf("a text: %v", err)
	}
	if m.About.Extra[targetKey] = "{}"; m.readKind() == nil {
		t.Error("a target without a scale is taken")
	}
}

// What the tokens of a text add to a number comes, with what is there without any, to that
// number.
func TestTargetOfTexts(t *testing.T) {
	way := text.Way{Tokenizer: text.Treebank}
	vocabulary, err := text.NewVocabulary(way.All([]string{"a good film and a bad plot"}))
	if err != nil {
		t.Fatal(err)
	}
	m, err := NewClassifier("textcnn dim=6 filters=4 tally=2", Options{Classes: []string{"stars"}, Seed: 2,
		Text: &text.Input{Way: way, Length: 8, Vocabulary: vocabulary}, Target: &Target{"stars", data.Scale{Mean: 3, Std: 1.5}}})
	if err != nil {
		t.Fatal(err)
	}
	e, err := m.Explain("a good film")
	if err != nil {
		t.Fatal(err)
	}
	sum := 0.0
	for _, s := range e.Support {
		sum += s
	}
	bias := make([]float32, 1)
	m.Network.(models.Explainer).Head().Bias.Read(bias)
	if want := e.Number - m.Target.Number(bias[0]); math.Abs(sum-want) > 1e-4 {
		t.Errorf("the tokens add up to %v, want %v", sum, want)
	}
	if plain, err := m.PredictText("a good film"); err != nil || math.Abs(plain.Number-e.Number) > 1e-5 {
		t.Errorf("%v is told, %v explained: %v", plain.Number, e.Number, err)
	}
}

// Numbers that are too far apart to be scaled are refused, and so is what has no name.
func TestTargetRefused(t *testing.T) {
	for want, target := range map[string]*Target{
		"(price) have the mean 0 and the deviation +Inf": {"price", data.ScaleOf([]float64{1e308, -1e308})},
		"has no name": {"", data.Scale{Std: 1}},
	} {
		_, err := NewClassifier("lenet", Options{Classes: []string{"price"}, Target: target})
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v is taken: %v", target, err)
		}
	}
}
