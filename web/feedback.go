package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"slices"
	"strconv"
	"time"

	"inkling/feedback"
	"inkling/prepare"
	"inkling/sketch"
	"inkling/train"
	"inkling/web/reading"
)

// A feedbackRequest is what /api/feedback is told: a drawing and what it shows.
type feedbackRequest struct {
	reading.Drawing
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
		p.Wait = wait
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
	label, err := s.labelled(request.Label)
	if err != nil {
		return err
	}
	started, err := s.begin(r.Context(), &request.Drawing, s.reads.Preparation, false)
	if err != nil {
		return err
	}
	if started.prepared[0].Empty {
		return problemf(http.StatusUnprocessableEntity, "the drawing is empty, so there is nothing to learn from it")
	}
	if err := s.predictor.wait(r.Context(), started.jobs[0]); err != nil {
		return err
	}
	predicted := train.Argmax(started.jobs[0].Probabilities)
	kept := feedback.Drawing{
		Time: time.Now(), Picture: started.prepared[0].Pixels, Preprocess: preprocessOf(&request.Drawing, s.reads.Preparation),
		Model: s.name, Prediction: s.reads.Label(predicted), Label: feedback.None, LabelIndex: feedback.NoneIndex,
	}
	if len(label) > 1 {
		return s.keepNumber(w, r, kept, label, started.prepared[0].Page)
	}
	if len(label) == 1 {
		kept.Label, kept.LabelIndex = s.reads.Label(label[0]), label[0]
	}
	if request.Strokes != nil {
		if kept.Strokes, err = strokesJSON(&request.Drawing); err != nil {
			return err
		}
	}
	return s.keep(w, r, kept)
}

// keepNumber keeps each digit of a number as a drawing of its own.
func (s *Server) keepNumber(w http.ResponseWriter, r *http.Request, each feedback.Drawing, label []int, page *sketch.Page) error {
	found := 1
	if page != nil {
		found = len(page.Marks)
	}
	if found != len(label) {
		return problemf(http.StatusUnprocessableEntity, "the label has %d digits, but %d were found in the drawing, so it is not known which is which", len(label), found)
	}
	var all []feedback.Drawing
	for i, mark := range page.Marks {
		each.Picture, each.Prediction = mark.Result.Pixels[:], s.reads.Label(train.Argmax(mark.Probabilities))
		each.Label, each.LabelIndex = s.reads.Label(label[i]), label[i]
		all = append(all, each)
	}
	return s.keep(w, r, all...)
}

// keep adds to the store.
func (s *Server) keep(w http.ResponseWriter, r *http.Request, drawings ...feedback.Drawing) error {
	for _, d := range drawings {
		if err := s.feedback.Add(r.Context(), d); errors.Is(err, feedback.ErrFull) {
			return problemf(http.StatusInsufficientStorage, "this server keeps no more drawings (%w); its operator can move the file away, or raise --feedback-limit", err)
		} else if err != nil {
			return err
		}
		s.metrics.feedbacks.Inc()
	}
	w.WriteHeader(http.StatusNoContent)
	return nil
}

// preprocessOf names how a drawing was prepared.
func preprocessOf(d *drawing, p prepare.Preparation) string {
	if d.Given() == "image" {
		return p.Way
	}
	return string(p.Procedure())
}

// labelled returns what a label names: one class, by its index, a number, or by its name,
// a text; the digits of a number, a text of several; nothing for none of the classes.
func (s *Server) labelled(label classLabel) ([]int, error) {
	var name string
	if json.Unmarshal(label, &name) == nil && label[0] == '"' {
		for i, class := range s.reads.About.Classes {
			if class == name {
				return []int{i}, nil
			}
		}
		if name == feedback.None {
			return nil, nil
		}
		if number := s.digitsOf(name); number != nil {
			return number, nil
		}
	} else if index, err := strconv.Atoi(string(label)); err == nil && index >= 0 && index < len(s.reads.About.Classes) {
		return []int{index}, nil
	}
	return nil, problemf(http.StatusUnprocessableEntity, "label is %.40s, want a class of the model or its number from 0 to %d, several digits where these are the classes, or \"none\" for none of them", orNothing(label), len(s.reads.About.Classes)-1)
}

// digitsOf is the classes of a number's digits, nil if it is none that is read.
func (s *Server) digitsOf(number string) []int {
	if !s.reads.Preparation.FindsDigits(s.reads.About.Classes) {
		return nil
	}
	var list []int
	for _, digit := range number {
		i := slices.Index(s.reads.About.Classes, string(digit))
		if i < 0 {
			return nil
		}
		list = append(list, i)
	}
	return list
}

func orNothing(text classLabel) string {
	if len(text) == 0 {
		return "missing"
	}
	return string(text)
}

// strokesJSON is the drawing in the form in which it is sent.
func strokesJSON(d *drawing) (string, error) {
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
