package inkling

import (
	"image"
	"strings"
	"testing"

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
