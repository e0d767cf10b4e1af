package web

import (
	"encoding/json"
	"net/http"
	"strings"
	"testing"

	"inkling/data"
	"inkling/data/mnist/embedded"
)

// few are pictures of MNIST's test set, of which some are learned and some tested with.
func few() (learned, tests data.Dataset, err error) {
	all, err := embedded.Test()
	if err != nil {
		return nil, nil, err
	}
	places := make([]int, 2200)
	for i := range places {
		places[i] = i
	}
	if learned, err = data.NewSubset(all, places[:2000]); err != nil {
		return nil, nil, err
	}
	tests, err = data.NewSubset(all, places[2000:])
	return learned, tests, err
}

// What is trained on the page learns, is told of, and answers; the same seed gives the
// same.
func TestTraining(t *testing.T) {
	s := newTestServer(t, func(c *Config) { c.Training = few })
	if w := askJSON(s, "/api/trained/predict", "{"+seven+"}"); w.Code != http.StatusNotFound {
		t.Errorf("before a training: status %d, want 404", w.Code)
	}
	learn := func(body string) (lines []trainingLine) {
		w := askJSON(s, "/api/train", body)
		for text := range strings.Lines(w.Body.String()) {
			var line trainingLine
			if err := json.Unmarshal([]byte(text), &line); err != nil {
				t.Fatalf("%s: %v", text, err)
			}
			line.Seconds = 0
			lines = append(lines, line)
		}
		return lines
	}
	first := learn(`{"seed": 3, "lr": 0.01}`)
	end := first[len(first)-1]
	if end.Event != "end" || end.Pictures != 4000 || !end.Whole || end.Accuracy < 0.5 || len(end.Misread) == 0 || len(floatsOf(end.Filters)) != 150 {
		t.Fatalf("the training ends with %s after %d pictures, %v right, %d misread", end.Event, end.Pictures, end.Accuracy, len(end.Misread))
	}
	if first[0].Event != "begin" || first[0].Pictures != 4000 || first[1].Event != "loss" || first[1].Loss <= first[len(first)-2].Loss {
		t.Errorf("it tells %d lines, the losses from %v to %v", len(first), first[1].Loss, first[len(first)-2].Loss)
	}
	if p := decoded[prediction](t, askJSON(s, "/api/trained/predict", `{"details": true, `+seven+"}")); p.Label != "7" || p.Inside == nil {
		t.Errorf("the trained network reads %q", p.Label)
	}
	if testing.Short() {
		return
	}
	again := learn(`{"seed": 3, "lr": 0.01}`)
	if mustJSON(again) != mustJSON(first) {
		t.Error("the same seed gives another network")
	}
	if wild := learn(`{"seed": 3, "lr": 1}`); wild[len(wild)-1].Event != "diverged" && wild[len(wild)-1].Accuracy > 0.3 {
		t.Errorf("a learning rate of 1 ends with %v right", wild[len(wild)-1].Accuracy)
	}
}

func TestTrainingRefuses(t *testing.T) {
	if w := askJSON(newTestServer(t, nil), "/api/train", `{"seed": 1, "lr": 0.01}`); w.Code != http.StatusNotFound || !strings.Contains(w.Body.String(), "--training") {
		t.Errorf("where it is off: status %d, %s", w.Code, w.Body)
	}
	s := newTestServer(t, func(c *Config) { c.Training = few })
	for _, body := range []string{`{"seed": 1}`, `{"seed": 1, "lr": 2}`, `{"seed": 1, "lr": -0.1}`, `{"seed": -1, "lr": 0.1}`, `{"seed": 1.5, "lr": 0.1}`} {
		if w := askJSON(s, "/api/train", body); w.Code != http.StatusUnprocessableEntity {
			t.Errorf("%s: status %d, want 422: %s", body, w.Code, w.Body)
		}
	}
	s.trainingNow.Lock()
	defer s.trainingNow.Unlock()
	if w := askJSON(s, "/api/train", `{"seed": 1, "lr": 0.01}`); w.Code != http.StatusServiceUnavailable || w.Header().Get("Retry-After") == "" {
		t.Errorf("while another network is trained: status %d", w.Code)
	}
}
