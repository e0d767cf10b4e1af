package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"inkling"
	"inkling/sound"
	"inkling/text"
	"inkling/train"
	"inkling/web/reading"
)

// maxText is how many bytes a text may have that the server reads.
const maxText = 64 << 10

// recordingLimits are those of recordings: 16 MB when they are decoded, which is a minute
// and a half at 48,000 samples a second.
var recordingLimits = sound.Limits{Bytes: maxFile, Channels: 16, Samples: 4 << 20}

// mostWave is how many places a waveform is told at.
const mostWave = 240

// A sampleRequest is what /api/predict of a model for texts, recordings or vectors is asked.
type sampleRequest struct {
	Text  *string `json:"text,omitempty" doc:"for a model that reads texts"`
	Audio *string `json:"audio,omitempty" doc:"for a model that understands recordings: WAV or FLAC as a data URL" example:"data:audio/wav;base64,UklGR..."`

	Vector []float64          `json:"vector,omitempty" nullable:"false" doc:"for a model that reads vectors: a number for each of its columns"`
	Named  map[string]float64 `json:"named,omitempty" doc:"the same by the columns' names, in place of vector"`

	Instances []sampleInstance `json:"instances,omitempty" nullable:"false" minItems:"1" maxItems:"256" doc:"several texts or vectors, in place of one"`
	Details   bool             `json:"details,omitempty" doc:"whether to tell which tokens made the answer, or the waveform and the spectrogram"`

	file []byte
}

type sampleInstance struct {
	Text   *string            `json:"text,omitempty"`
	Vector []float64          `json:"vector,omitempty" nullable:"false"`
	Named  map[string]float64 `json:"named,omitempty"`
}

// A sampleAnswer is what a model thinks of a text, a recording or a vector.
type sampleAnswer struct {
	Label         string    `json:"label" doc:"the most probable class; empty for a text without a word, and where it tells a number" example:"good"`
	Index         int       `json:"index" doc:"its place among the model's classes, -1 for none"`
	Probabilities []float32 `json:"probabilities" nullable:"false" doc:"of each class, in the order of the model's classes"`
	Number        *float64  `json:"number,omitempty" doc:"what it tells in place of a class: the model's target"`
	Sure          bool      `json:"sure" doc:"whether the largest probability is at least the model's sure_above"`
	Empty         bool      `json:"empty" doc:"whether there is no word in the text"`
	Milliseconds  float64   `json:"milliseconds" doc:"the time from the whole request to the answer"`

	Cut     int          `json:"cut,omitempty" doc:"how many tokens at the end of the text were not read"`
	Unknown int          `json:"unknown,omitempty" doc:"how many tokens the model does not know"`
	Tokens  []shownToken `json:"tokens,omitempty" nullable:"false" doc:"with details: the tokens that were read"`

	Seconds  float64      `json:"seconds,omitempty" doc:"how long the recording lasts"`
	Rate     int          `json:"rate,omitempty" doc:"its samples a second"`
	Channels int          `json:"channels,omitempty"`
	Waveform [][2]float32 `json:"waveform,omitempty" nullable:"false" doc:"with details: the least and the largest sample of each of some parts of what was read"`
	Spectrum string       `json:"spectrum,omitempty" doc:"with details: what the network reads, a picture with low pitches below, as a data URL"`
}

type shownToken struct {
	Token   string  `json:"token"`
	Known   bool    `json:"known" doc:"whether the model's vocabulary has it"`
	Support float64 `json:"support" doc:"what it adds to the answer, less what it adds to all classes in the mean: above 0 it speaks for the answer"`
}

type sampleAnswers struct {
	Predictions []*sampleAnswer `json:"predictions" nullable:"false" doc:"one for each of the instances, in their order"`
}

// kind is what the server's model reads.
func (s *Server) kind() inkling.Kind {
	switch {
	case s.texts != nil:
		return inkling.Texts
	case s.recordings != nil:
		return inkling.Recordings
	case s.vectors != nil:
		return inkling.Vectors
	}
	return inkling.Pictures
}

// predictSample serves POST /api/predict of models for texts, recordings and vectors.
func (s *Server) predictSample(w http.ResponseWriter, r *http.Request) error {
	body, leave, err := s.enter(w, r, s.bodies.readAny)
	if err != nil {
		return err
	}
	defer leave()
	started := time.Now()
	request, err := s.parseSample(r, body)
	if err != nil {
		return err
	}
	if request.Instances != nil {
		all := sampleAnswers{make([]*sampleAnswer, len(request.Instances))}
		for i, instance := range request.Instances {
			if all.Predictions[i], err = s.readInstance(r.Context(), instance); err != nil {
				return reading.Within(i, err)
			}
			all.Predictions[i].Milliseconds = milliseconds(started)
		}
		answer(w, r, all)
		return nil
	}
	var a *sampleAnswer
	switch s.kind() {
	case inkling.Texts:
		a, err = s.readText(r.Context(), *request.Text, request.Details)
	case inkling.Vectors:
		a, err = s.readVector(r.Context(), request.Vector, request.Named)
	default:
		a, err = s.readRecording(r.Context(), request.file, request.Details)
	}
	if err != nil {
		return err
	}
	a.Milliseconds = milliseconds(started)
	answer(w, r, a)
	return nil
}

// readInstance reads one of several texts or vectors.
func (s *Server) readInstance(ctx context.Context, instance sampleInstance) (*sampleAnswer, error) {
	switch {
	case s.vectors != nil && instance.Text != nil, s.texts != nil && (instance.Vector != nil || instance.Named != nil):
		return nil, problemf(http.StatusUnprocessableEntity, "the model reads %s: send these", s.kind())
	case s.vectors != nil:
		return s.readVector(ctx, instance.Vector, instance.Named)
	case instance.Text == nil:
		return nil, problemf(http.StatusUnprocessableEntity, "there is no text")
	}
	return s.readText(ctx, *instance.Text, false)
}

// readVector reads a row of numbers, in their order or by the columns' names.
func (s *Server) readVector(ctx context.Context, row []float64, named map[string]float64) (*sampleAnswer, error) {
	var err error
	switch {
	case row != nil && named != nil:
		err = errors.New("there are vector and named: send one")
	case named != nil:
		row, err = s.vectors.Named(named)
	case row == nil:
		err = errors.New("there is no vector")
	}
	var sample []byte
	if err == nil {
		sample, err = s.vectors.Bytes(row)
	}
	if err != nil {
		return nil, problemf(http.StatusUnprocessableEntity, "%w", err)
	}
	return s.readSample(ctx, sample)
}

// parseSample reads a request: JSON, or a form with a file.
func (s *Server) parseSample(r *http.Request, body []byte) (*sampleRequest, error) {
	request := &sampleRequest{}
	if name, parameters := mediaType(r); name == "multipart/form-data" {
		form, err := parseForm(body, parameters["boundary"])
		if err != nil {
			return nil, err
		}
		for _, part := range form {
			switch part.name {
			case "audio":
				request.file = part.content
			case "text":
				given := string(part.content)
				request.Text = &given
			case "vector":
				if s.vectors == nil {
					request.Vector = []float64{} // refused below
				} else if request.Vector, err = s.vectors.Parse(string(part.content)); err != nil {
					return nil, problemf(http.StatusUnprocessableEntity, "%w", err)
				}
			case "details":
				if request.Details, err = strconv.ParseBool(string(part.content)); err != nil {
					return nil, problemf(http.StatusUnprocessableEntity, "details is %.20q, want true or false", part.content)
				}
			}
		}
	} else if err := parseJSON(r, body, request); err != nil {
		return nil, err
	}
	wanted, has, other := "", false, ""
	for _, given := range []struct {
		name string
		kind inkling.Kind
		is   bool
	}{{"text", inkling.Texts, request.Text != nil}, {"audio", inkling.Recordings, request.Audio != nil || request.file != nil}, {"vector", inkling.Vectors, request.Vector != nil || request.Named != nil}} {
		switch {
		case given.kind == s.kind():
			wanted, has = given.name, given.is
		case given.is:
			other = given.name
		}
	}
	switch {
	case request.Instances != nil && (s.recordings != nil || has):
		return nil, problemf(http.StatusUnprocessableEntity, "instances are texts or vectors, in place of one: send these alone, to a model that reads such")
	case request.Instances != nil && (len(request.Instances) == 0 || len(request.Instances) > reading.MaxInstances):
		return nil, problemf(http.StatusUnprocessableEntity, "instances has %d %s, want 1 to %d", len(request.Instances), s.kind(), reading.MaxInstances)
	case request.Instances != nil:
		return request, nil
	case other != "":
		return nil, problemf(http.StatusUnprocessableEntity, "the model reads %s, and the request has %s: send %s", s.kind(), other, wanted)
	case !has:
		return nil, problemf(http.StatusUnprocessableEntity, "the request has no %s", wanted)
	}
	if request.Audio != nil {
		file, err := audioOf(*request.Audio)
		if err != nil {
			return nil, err
		}
		request.file = file
	}
	return request, nil
}

// audioOf decodes a data URL.
func audioOf(url string) ([]byte, error) {
	file, err := reading.FromDataURL(url)
	var p *problem
	if errors.As(err, &p) {
		return nil, problemf(p.Status, "%s", strings.NewReplacer("image/png", "audio/wav", "image", "audio").Replace(p.Detail))
	}
	return file, err
}

// readText reads a text.
func (s *Server) readText(ctx context.Context, sentence string, details bool) (*sampleAnswer, error) {
	if len(sentence) > maxText {
		return nil, problemf(http.StatusRequestEntityTooLarge, "the text has %d bytes, and %d are the most that is taken", len(sentence), maxText)
	}
	sample, err := s.texts.Read(sentence)
	if errors.Is(err, text.ErrNoToken) {
		empty := &sampleAnswer{Index: -1, Empty: true, Probabilities: []float32{}}
		if s.target == nil {
			empty.Probabilities = make([]float32, len(s.reads.About.Classes))
		}
		return empty, nil
	}
	if err != nil {
		return nil, problemf(http.StatusUnprocessableEntity, "%w", err)
	}
	if !details {
		a, err := s.readSample(ctx, s.texts.Bytes(sample))
		if err != nil {
			return nil, err
		}
		a.Cut, a.Unknown = sample.Cut, sample.Unknown
		return a, nil
	}
	var explainer *inkling.Explainer
	select {
	case explainer = <-s.explainers:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	defer func() { s.explainers <- explainer }()
	explained, err := explainer.ExplainSample(sample)
	if err != nil {
		return nil, err
	}
	var a *sampleAnswer
	if s.target != nil {
		a = s.numberOf(explained.Number)
	} else {
		a = s.answerOf(explained.Probabilities)
	}
	a.Cut, a.Unknown = sample.Cut, sample.Unknown
	for i, token := range sample.Tokens {
		a.Tokens = append(a.Tokens, shownToken{token, sample.Numbers[i] != text.Unknown, math.Round(explained.Support[i]*1e4) / 1e4})
	}
	return a, nil
}

// readRecording understands a recording.
func (s *Server) readRecording(ctx context.Context, file []byte, details bool) (*sampleAnswer, error) {
	samples, clip, err := s.recordings.Load(ctx, bytes.NewReader(file), recordingLimits)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, problemf(http.StatusUnprocessableEntity, "%w", err)
	}
	a, err := s.readSample(ctx, s.recordings.Bytes(samples))
	if err != nil {
		return nil, err
	}
	a.Seconds, a.Rate, a.Channels = clip.Duration().Seconds(), clip.Rate, len(clip.Channels)
	if !details {
		return a, nil
	}
	a.Waveform = waveform(samples)
	p, err := s.recordings.Picture(samples)
	if err != nil {
		return nil, problemf(http.StatusUnprocessableEntity, "%w", err)
	}
	a.Spectrum = reading.DataURL(spectrumImage(p))
	return a, nil
}

// readSample gives a sample's bytes to the network.
func (s *Server) readSample(ctx context.Context, sample []byte) (*sampleAnswer, error) {
	j, err := s.submit(ctx, sample, false)
	if err != nil {
		return nil, err
	}
	if err := s.predictor.wait(ctx, j); err != nil {
		return nil, err
	}
	if s.target != nil {
		return s.numberOf(s.target.Number(j.Probabilities[0])), nil
	}
	return s.answerOf(j.Probabilities), nil
}

// numberOf is the answer that is a number.
func (s *Server) numberOf(number float64) *sampleAnswer {
	s.metrics.answers.WithLabelValues(s.target.Name).Inc()
	return &sampleAnswer{Index: -1, Probabilities: []float32{}, Number: &number}
}

func (s *Server) answerOf(probabilities []float32) *sampleAnswer {
	index := train.Argmax(probabilities)
	s.metrics.answers.WithLabelValues(s.reads.Label(index)).Inc()
	return &sampleAnswer{Label: s.reads.Label(index), Index: index, Probabilities: probabilities, Sure: probabilities[index] >= SureAbove}
}

// waveform is the least and the largest sample of parts.
func waveform(samples []float32) [][2]float32 {
	parts := make([][2]float32, min(mostWave, len(samples)))
	for i := range parts {
		own := samples[i*len(samples)/len(parts) : (i+1)*len(samples)/len(parts)]
		for _, v := range own {
			parts[i][0], parts[i][1] = min(parts[i][0], v), max(parts[i][1], v)
		}
		for k := range parts[i] {
			parts[i][k] = float32(math.Round(float64(parts[i][k])*1e3) / 1e3)
		}
	}
	return parts
}

// spectrumImage draws a spectrogram, low pitches below and loud ones light.
func spectrumImage(p *sound.Picture) image.Image {
	img := image.NewGray(image.Rect(0, 0, p.Columns, p.Rows))
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range p.Values {
		low, high = min(low, v), max(high, v)
	}
	for i, v := range p.Values {
		row, column := i/p.Columns, i%p.Columns
		if high > low {
			img.Pix[(p.Rows-1-row)*img.Stride+column] = byte(255 * (v - low) / (high - low))
		}
	}
	return img
}

// predictSample is the function that Gradio's clients call of a model for texts or
// recordings. Its output is that of a Label.
func (g *gradio) predictSample(ctx context.Context, input json.RawMessage) ([]any, error) {
	s := g.server
	var a *sampleAnswer
	if s.recordings == nil {
		var sentence *string
		if err := reading.Unmarshal(input, &sentence); err != nil {
			return nil, err
		}
		if sentence == nil {
			sentence = new(string)
		}
		var err error
		if s.texts != nil {
			a, err = s.readText(ctx, *sentence, false)
		} else if row, parseErr := s.vectors.Parse(*sentence); parseErr != nil {
			err = problemf(http.StatusUnprocessableEntity, "%w", parseErr)
		} else {
			a, err = s.readVector(ctx, row, nil)
		}
		if err != nil {
			return nil, err
		}
	} else {
		var given *givenFile
		if len(input) > 0 && input[0] == '"' {
			given = &givenFile{Path: new(string)}
			if err := reading.Unmarshal(input, given.Path); err != nil {
				return nil, err
			}
		} else if err := reading.Unmarshal(input, &given); err != nil {
			return nil, err
		}
		if given == nil || given.Path == nil && given.URL == nil {
			return nil, problemf(http.StatusUnprocessableEntity, "there is no recording: upload a WAV or FLAC file")
		}
		file, err := g.open(given)
		if err != nil {
			return nil, err
		}
		if a, err = s.readRecording(ctx, file.content, false); err != nil {
			return nil, err
		}
	}
	type confidence struct {
		Label      string  `json:"label"`
		Confidence float32 `json:"confidence"`
	}
	label := map[string]any{"label": nil, "confidences": []confidence{}}
	if a.Number != nil {
		label["label"] = shownNumber(*a.Number)
	}
	if a.Index >= 0 {
		var all []confidence
		for i, p := range a.Probabilities {
			all = append(all, confidence{s.reads.About.Classes[i], p})
		}
		label = map[string]any{"label": a.Label, "confidences": all}
	}
	return []any{label}, nil
}

// shownNumber is a number as a text for people.
func shownNumber(number float64) string { return strconv.FormatFloat(number, 'g', 6, 64) }

// sampleComponent is the component of Gradio that a model for texts or recordings has for
// its input.
func (g *gradio) sampleComponent() (kind, name string) {
	switch g.server.kind() {
	case inkling.Texts:
		return "textbox", "text"
	case inkling.Vectors:
		return "textbox", "vector" // its numbers with commas between
	}
	return "audio", "audio"
}

// sampleInfo is what GET /info tells of a model for texts or recordings.
func (g *gradio) sampleInfo() map[string]any {
	type object = map[string]any
	component, name := g.sampleComponent()
	given, python := object{"type": "string"}, object{"type": "str", "description": ""}
	if component == "audio" {
		given, python = object{"title": "FileData", "type": "object"}, object{"type": "filepath", "description": ""}
	}
	return object{
		"unnamed_endpoints": object{},
		"named_endpoints": object{"/" + gradioNames[0]: object{
			"description": fmt.Sprintf("Says what one of the %s is.", g.server.kind()), "api_visibility": "public", "show_api": true,
			"parameters": []any{object{
				"label": name, "parameter_name": name, "parameter_has_default": false, "parameter_default": nil,
				"component": strings.ToUpper(component[:1]) + component[1:], "type": given, "python_type": python, "example_input": nil,
			}},
			"returns": []any{object{"label": "prediction", "component": "Label", "type": object{"title": "LabelData", "type": "object"},
				"python_type": object{"type": "dict(label: str | int | float | None, confidences: list[dict(label: str | int | float | None, confidence: float | None)] | None)", "description": ""}}},
		}},
	}
}
