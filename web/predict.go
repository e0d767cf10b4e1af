package web

import (
	"bytes"
	"context"
	"encoding/base64"
	"image"
	"image/png"
	"net/http"
	"sync"
	"time"

	"inkling"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/weights"
)

// SureAbove is the probability from which on the network's best guess counts as
// sure. Softmax makes networks bolder than they should be; below
// this it pays to ask the person who drew. Of 2,498 drawings by strangers (see
// models/digits/README.md) the built-in network reads 11 wrong, 4 of them below
// this, where 16 are that it reads right.
const SureAbove = 0.9

// A prediction is the answer about one drawing.
type prediction struct {
	Label         string    `json:"label" doc:"the class that the drawing most probably shows, or the number that several digits are, with a line feed between lines; empty for an empty drawing" example:"7"`
	Index         int       `json:"index" doc:"the place of that class among the model's classes; -1 for an empty drawing and for several digits"`
	Probabilities []float32 `json:"probabilities" nullable:"false" doc:"of each class, in the order of the model's classes; all 0 for several digits, which have their own"`
	Sure          bool      `json:"sure" doc:"whether the largest probability is high, at least the model's sure_above, of each digit, and none is probably no digit"`
	Empty         bool      `json:"empty" doc:"whether there is no ink"`
	Processed     string    `json:"processed" doc:"the picture that the network was shown, upright, as a data URL"`
	Milliseconds  float64   `json:"milliseconds" doc:"the time from the whole request to the answer"`

	Digits  []readDigit `json:"digits,omitempty" nullable:"false" doc:"the digits of a number, line by line, from left to right; left out for a single one"`
	None    float64     `json:"none,omitempty" doc:"how probable it is that the drawing is no digit, where that is judged; the largest of several"`
	LeftOut int         `json:"left_out,omitempty" doc:"how many pieces of ink were left out, being too small for a digit: dots, commas, dashes"`

	Steps    []shownStep    `json:"steps,omitempty" nullable:"false" doc:"with details: how the drawing became the processed picture, step by step"`
	Features []shownFeature `json:"features,omitempty" nullable:"false" doc:"with details: what the first two convolutions see, with what follows them, such as ReLU"`
	Inside   *shownInside   `json:"inside,omitempty" doc:"with details: what every stage of the network computed, where the model's inside says so"`
	Tutorial *shownTutorial `json:"tutorial,omitempty" doc:"with details: the same with the tutorial's own preprocessing"`
}

type shownStep struct {
	Name  string  `json:"name" doc:"drawing, invert, crop, scale, centre, blur, transpose or normalise"`
	Image string  `json:"image" doc:"a data URL"`
	Black float64 `json:"black" doc:"the number that black stands for"`
	White float64 `json:"white" doc:"the number that white stands for"`
}

type shownFeature struct {
	Name    string `json:"name" doc:"the layer, by its name in the state dict: conv1"`
	Maps    int    `json:"maps" doc:"the number of feature maps"`
	Columns int    `json:"columns" doc:"how many of them are side by side in the picture"`
	Image   string `json:"image" doc:"all maps as tiles without gaps, row by row, as a data URL; white is the largest value of the layer and black 0"`
}

type shownTutorial struct {
	Processed     string    `json:"processed" doc:"a data URL"`
	Probabilities []float32 `json:"probabilities" nullable:"false"`
	Label         string    `json:"label"`
}

type batchPrediction struct {
	Predictions []*prediction `json:"predictions" nullable:"false" doc:"one for each of the instances, in their order"`
}

// predict serves POST /api/predict.
func (s *Server) predict(w http.ResponseWriter, r *http.Request) error {
	body, leave, err := s.enter(w, r, s.bodies.readDrawings)
	if err != nil {
		return err
	}
	defer leave()
	started := time.Now()
	request, err := parsePredict(r, body)
	if err != nil {
		return err
	}
	preparation, err := s.preparationFor(request.Preprocess)
	if err != nil {
		return err
	}
	if request.Instances == nil {
		reading, err := s.begin(r.Context(), &request.drawing, preparation, request.Details)
		if err != nil {
			return err
		}
		p, err := s.finish(r.Context(), reading)
		if err != nil {
			return err
		}
		p.Milliseconds = milliseconds(started)
		answer(w, r, p)
		return nil
	}
	readings := make([]*reading, len(request.Instances))
	for i := range request.Instances {
		if readings[i], err = s.begin(r.Context(), &request.Instances[i], preparation, request.Details); err != nil {
			return within(i, err)
		}
	}
	batch := batchPrediction{make([]*prediction, len(readings))}
	for i, reading := range readings {
		if batch.Predictions[i], err = s.finish(r.Context(), reading); err != nil {
			return within(i, err)
		}
		batch.Predictions[i].Milliseconds = milliseconds(started)
	}
	answer(w, r, batch)
	return nil
}

func milliseconds(since time.Time) float64 {
	return float64(time.Since(since).Microseconds()) / 1000
}

// A reading is a drawing that the network is being shown.
type reading struct {
	prepared    *shown
	job         *job // nil if there is no ink
	tutorial    *shown
	tutorialJob *job
	details     bool
}

// preparationFor is how a request wants its drawings to be prepared.
func (s *Server) preparationFor(way string) (inkling.Preparation, error) {
	p := s.preparation
	if way == "" || way == "auto" {
		return p, nil
	}
	p.Way, p.Auto = way, false
	if err := inkling.CheckWay(way, p.Channels, p.Height, p.Width); err != nil {
		return p, problemf(http.StatusUnprocessableEntity, "%w", err)
	}
	return p, nil
}

// begin prepares a drawing and gives it to the network.
func (s *Server) begin(ctx context.Context, d *drawing, preparation inkling.Preparation, details bool) (*reading, error) {
	tutorial := preparation
	tutorial.Way, tutorial.Auto = string(sketch.Tutorial), false
	preparations := []inkling.Preparation{preparation, tutorial}
	if !details || d.given() == "pixels" || !s.draws() { // pixels are not preprocessed
		preparations = preparations[:1]
	}
	results, err := s.prepare(ctx, d, details, preparations...)
	if err != nil {
		return nil, err
	}
	started := &reading{prepared: results[0], details: details}
	if started.job, err = s.submit(ctx, results[0], details); err != nil {
		return nil, err
	}
	if len(results) > 1 {
		started.tutorial = results[1]
		started.tutorialJob, err = s.submit(ctx, results[1], false)
	}
	return started, err
}

// submit gives a prepared drawing to the network, unless there is no ink.
func (s *Server) submit(ctx context.Context, result *shown, features bool) (*job, error) {
	if result.empty {
		return nil, nil
	}
	j := newJob()
	j.pixels, j.wantFeatures = result.pixels, features
	return j, s.predictor.submit(ctx, j)
}

// finish waits for the network and makes the answer.
func (s *Server) finish(ctx context.Context, started *reading) (*prediction, error) {
	probabilities, index, err := s.await(ctx, started.job)
	if err != nil {
		return nil, err
	}
	p := &prediction{
		Label: s.label(index), Index: index, Probabilities: probabilities,
		Empty: started.job == nil, Processed: dataURL(started.prepared.Image()),
	}
	p.Sure = index >= 0 && probabilities[index] >= SureAbove
	s.addPage(p, started.prepared.page)
	counted := p.Label
	if len(p.Digits) > 0 {
		counted = "several"
	}
	s.metrics.answers.WithLabelValues(counted).Inc()
	if !started.details {
		return p, nil
	}
	p.Steps = s.steps(started.prepared)
	if started.job != nil {
		for i, values := range started.job.features {
			layer := s.features[i]
			img, columns := tile(values, layer.shape)
			p.Features = append(p.Features, shownFeature{layer.name, layer.shape[1], columns, dataURL(img)})
		}
		if started.job.inside != nil {
			p.Inside = s.showInside(started.job.inside)
		}
	}
	if started.tutorial != nil {
		probabilities, index, err := s.await(ctx, started.tutorialJob)
		if err != nil {
			return nil, err
		}
		p.Tutorial = &shownTutorial{dataURL(started.tutorial.Image()), probabilities, s.label(index)}
	}
	return p, nil
}

// steps shows how a drawing became the network's input. It is nil if there was
// nothing to prepare.
func (s *Server) steps(prepared *shown) []shownStep {
	const white = 255
	var shown []shownStep
	for _, step := range prepared.steps {
		shown = append(shown, shownStep{step.Name, dataURL(step.Image), 0, white})
	}
	if shown == nil || prepared.empty {
		return shown
	}
	input := prepared.gray()
	add := func(name string, black, white float32) {
		shown = append(shown, shownStep{name, dataURL(input), float64(black), float64(white)})
	}
	ground, ink := s.predictor.ground, s.predictor.ink
	if ground > ink {
		for i, v := range prepared.pixels {
			input.Pix[i] = white - v
		}
		add("invert", 0, white)
	}
	if s.about.Orientation == weights.Transposed {
		for y := range sketch.Size {
			for x := range y {
				a, b := &input.Pix[y*sketch.Size+x], &input.Pix[x*sketch.Size+y]
				*a, *b = *b, *a
			}
		}
		add("transpose", 0, white)
	}
	add("normalise", min(ground, ink), max(ground, ink))
	return shown
}

// await returns a job's probabilities and the index of the largest, which is -1
// if there was no ink and so no job.
func (s *Server) await(ctx context.Context, j *job) ([]float32, int, error) {
	if j == nil {
		return make([]float32, len(s.about.Classes)), -1, nil
	}
	if err := s.predictor.wait(ctx, j); err != nil {
		return nil, 0, err
	}
	return j.probabilities, train.Argmax(j.probabilities), nil
}

// label is the name of a class, "" for -1.
func (s *Server) label(index int) string {
	if index < 0 {
		return ""
	}
	return s.about.Classes[index]
}

// tile lays feature maps of 1 x maps x height x width side by side.
func tile(values []float32, shape nn.Shape) (img *image.Gray, columns int) {
	maps, height, width := shape[1], shape[2], shape[3]
	columns = min(maps, 8)
	rows := (maps + columns - 1) / columns
	img = image.NewGray(image.Rect(0, 0, columns*width, rows*height))
	var largest float32
	for _, v := range values {
		largest = max(largest, v)
	}
	if largest == 0 {
		return img, columns
	}
	for i, v := range values {
		m, y, x := i/(height*width), i/width%height, i%width
		img.Pix[(m/columns*height+y)*img.Stride+m%columns*width+x] = byte(v/largest*255 + 0.5)
	}
	return img, columns
}

// encoder writes PNG without compressing, which would take longer than all else.
var encoder = png.Encoder{CompressionLevel: png.NoCompression, BufferPool: &pngBuffers{}}

type pngBuffers struct{ pool sync.Pool }

func (p *pngBuffers) Get() *png.EncoderBuffer {
	buffer, _ := p.pool.Get().(*png.EncoderBuffer)
	return buffer
}

func (p *pngBuffers) Put(buffer *png.EncoderBuffer) { p.pool.Put(buffer) }

// toPNG encodes a picture. It cannot fail for one that is not empty.
func toPNG(img image.Image) []byte {
	var b bytes.Buffer
	if err := encoder.Encode(&b, img); err != nil {
		panic("web: " + err.Error())
	}
	return b.Bytes()
}

func dataURL(img image.Image) string {
	return "data:image/png;base64," + base64.StdEncoding.EncodeToString(toPNG(img))
}
