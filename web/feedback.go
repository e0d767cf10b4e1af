package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"inkling"
	"inkling/feedback"
)

// A feedbackRequest is what /api/feedback is told: a drawing and what it shows.
type feedbackRequest struct {
	drawing
	Label      classLabel `json:"label"`
	Prediction any        `json:"prediction,omitempty" doc:"what the network saw in it; this is not believed but computed again"`
}

// A classLabel is a class's name or number.
type classLabel json.RawMessage

// UnmarshalJSON keeps the text.
func (l *classLabel) UnmarshalJSON(text []byte) error {
	*l = append((*l)[:0], text...)
	return nil
}

// keepFeedback serves POST /api/feedback.
func (s *Server) keepFeedback(w http.ResponseWriter, r *http.Request) error {
	if s.feedback == nil {
		return problemf(http.StatusNotFound, "this server keeps no drawings; start it with --feedback PATH to keep them")
	}
	if wait := s.feedbacks.take(clientOf(r)); wait > 0 {
		p := problemf(http.StatusTooManyRequests, "this server takes %d labelled drawings of one client in %v; try again later", s.feedbacks.rate.Number, s.feedbacks.rate.Period)
		p.wait = wait
		return p
	}
	body, leave, err := s.enter(w, r, s.bodies.readDrawings)
	if err != nil {
		return err
	}
	defer leave()
	var request feedbackRequest
	if err := parseJSON(r, body, &request); err != nil {
		return err
	}
	index, err := s.class(request.Label)
	if err != nil {
		return err
	}
	started, err := s.begin(r.Context(), &request.drawing, s.preparation, false)
	if err != nil {
		return err
	}
	if started.prepared.empty {
		return problemf(http.StatusUnprocessableEntity, "the drawing is empty, so there is nothing to learn from it")
	}
	_, predicted, err := s.await(r.Context(), started.job)
	if err != nil {
		return err
	}
	kept := feedback.Drawing{
		Time: time.Now(), Picture: started.prepared.pixels, Preprocess: preprocessOf(&request.drawing, s.preparation),
		Model: s.name, Prediction: s.label(predicted), Label: s.label(index), LabelIndex: index,
	}
	if request.Strokes != nil {
		if kept.Strokes, err = request.strokesJSON(); err != nil {
			return err
		}
	}
	if err := s.feedback.Add(r.Context(), kept); errors.Is(err, feedback.ErrFull) {
		return problemf(http.StatusInsufficientStorage, "this server keeps no more drawings (%w); its operator can move the file away, or raise --feedback-limit", err)
	} else if err != nil {
		return err
	}
	s.metrics.feedbacks.Inc()
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// preprocessOf names how a drawing was prepared.
func preprocessOf(d *drawing, p inkling.Preparation) string {
	if d.given() == "image" {
		return p.Way
	}
	return string(p.Procedure())
}

// class returns the index of the class that a label names: by its index, a
// number, or by its name, a text.
func (s *Server) class(label classLabel) (int, error) {
	var name string
	if json.Unmarshal(label, &name) == nil && label[0] == '"' {
		for i, class := range s.about.Classes {
			if class == name {
				return i, nil
			}
		}
	} else if index, err := strconv.Atoi(string(label)); err == nil && index >= 0 && index < len(s.about.Classes) {
		return index, nil
	}
	return 0, problemf(http.StatusUnprocessableEntity, "label is %.40s, want a class of the model or its number from 0 to %d", orNothing(label), len(s.about.Classes)-1)
}

func orNothing(text classLabel) string {
	if len(text) == 0 {
		return "missing"
	}
	return string(text)
}

// strokesJSON is the drawing in the form in which it is sent.
func (d *drawing) strokesJSON() (string, error) {
	all := make([][][4]float64, len(d.Strokes))
	for i, stroke := range d.Strokes {
		all[i] = make([][4]float64, len(stroke))
		for j, p := range stroke {
			all[i][j] = [4]float64{p.X, p.Y, p.Time, p.Pressure}
		}
	}
	text, err := json.Marshal(struct {
		Strokes [][][4]float64 `json:"strokes"`
		Width   float64        `json:"width"`
		Height  float64        `json:"height"`
		Brush   float64        `json:"brush"`
	}{all, d.Width, d.Height, d.Brush})
	return string(text), err
}
