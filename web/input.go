package web

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"mime/multipart"
	"net/http"
	"strconv"
	"strings"

	"inkling"
	"inkling/nn"
	"inkling/sketch"
)

// maxInstances is how many drawings one request may have.
const maxInstances = 256

// A drawing is one thing to read: exactly one of strokes, image and pixels.
type drawing struct {
	Strokes strokes   `json:"strokes,omitempty"`
	Width   float64   `json:"width,omitempty" minimum:"0" doc:"of the pad that the strokes were drawn on; its corner is at 0, 0"`
	Height  float64   `json:"height,omitempty" minimum:"0" doc:"of the pad"`
	Brush   float64   `json:"brush,omitempty" minimum:"0" doc:"the width of the lines on the pad; it matters to the tutorial's preprocessing only"`
	Image   *string   `json:"image,omitempty" doc:"a picture as a data URL: PNG, JPEG, GIF, WebP or BMP" example:"data:image/png;base64,iVBORw0KGgo..."`
	Pixels  pixelRows `json:"pixels,omitempty"`

	file []byte // of a picture that came as a file
}

// A predictRequest is what /api/predict is asked.
type predictRequest struct {
	drawing
	Instances  []drawing `json:"instances,omitempty" nullable:"false" minItems:"1" maxItems:"256" doc:"several drawings to read, in place of one"`
	Preprocess string    `json:"preprocess,omitempty" enum:"auto,emnist,mnist,tutorial,fit,resize" doc:"how drawings are prepared; auto, which is the default, is the model's preprocess, but takes pictures that are as those of the model's data as they are"`
	Details    bool      `json:"details,omitempty" doc:"whether to tell steps, features and tutorial as well; of one drawing only, not of instances"`
}

// parseJSON reads a JSON body into value.
func parseJSON(r *http.Request, body []byte, value any) error {
	if name, _ := mediaType(r); name != "application/json" {
		return problemf(http.StatusUnsupportedMediaType, "the request's Content-Type is %.60q, want application/json", r.Header.Get("Content-Type"))
	}
	return unmarshal(body, value)
}

func unmarshal(text []byte, value any) error {
	err := json.Unmarshal(text, value)
	var known *problem
	var syntax *json.SyntaxError
	var kind *json.UnmarshalTypeError
	switch {
	case err == nil:
		return nil
	case errors.As(err, &known):
		return known
	case errors.As(err, &syntax):
		if strings.HasPrefix(syntax.Error(), "unexpected end") {
			return problemf(http.StatusBadRequest, "the request is no JSON: it ends in the middle")
		}
		return problemf(http.StatusBadRequest, "the request is no JSON: byte %d does not belong there", syntax.Offset)
	case errors.As(err, &kind):
		return problemf(http.StatusUnprocessableEntity, "%s is a JSON %s, which it cannot be", orRequest(kind.Field), kind.Value)
	}
	return problemf(http.StatusBadRequest, "the request cannot be read: %w", err)
}

func orRequest(field string) string {
	if field == "" {
		return "the request"
	}
	return field
}

// parsePredict reads a request to predict: JSON, or a form with a file.
func parsePredict(r *http.Request, body []byte) (*predictRequest, error) {
	request := &predictRequest{}
	if name, parameters := mediaType(r); name == "multipart/form-data" {
		return request, request.parseForm(body, parameters["boundary"])
	}
	if err := parseJSON(r, body, request); err != nil {
		return nil, err
	}
	if request.Instances != nil {
		switch {
		case request.given() != "":
			return nil, problemf(http.StatusUnprocessableEntity, "the request has %s beside instances, want one of them", request.given())
		case request.Details:
			return nil, problemf(http.StatusUnprocessableEntity, "details are told of one drawing only, not of instances")
		case len(request.Instances) == 0 || len(request.Instances) > maxInstances:
			return nil, problemf(http.StatusUnprocessableEntity, "instances has %d drawings, want 1 to %d", len(request.Instances), maxInstances)
		}
	}
	return request, nil
}

func (p *predictRequest) parseForm(body []byte, boundary string) error {
	form, err := parseForm(body, boundary)
	if err != nil {
		return err
	}
	for _, part := range form {
		switch part.name {
		case "image":
			if p.file != nil {
				return problemf(http.StatusUnprocessableEntity, "the form has more than one field image")
			}
			p.file = part.content
		case "preprocess":
			p.Preprocess = string(part.content)
		case "details":
			if p.Details, err = strconv.ParseBool(string(part.content)); err != nil {
				return problemf(http.StatusUnprocessableEntity, "details is %.20q, want true or false", part.content)
			}
		}
	}
	if p.file == nil {
		return problemf(http.StatusUnprocessableEntity, "the form has no field image, which the picture must be in")
	}
	return nil
}

// A formPart is a field of a form, with its file if it has one.
type formPart struct {
	name, fileName, mediaType string
	content                   []byte
}

// maxParts is how many fields a form may have.
const maxParts = 32

func parseForm(body []byte, boundary string) ([]formPart, error) {
	reader := multipart.NewReader(bytes.NewReader(body), boundary)
	var form []formPart
	for {
		part, err := reader.NextPart()
		if err == io.EOF {
			return form, nil
		}
		if err != nil {
			return nil, problemf(http.StatusBadRequest, "the form is damaged: %w", err)
		}
		if len(form) == maxParts {
			return nil, problemf(http.StatusRequestEntityTooLarge, "the form has more than the %d fields that are taken", maxParts)
		}
		content, err := io.ReadAll(part)
		if err != nil {
			return nil, problemf(http.StatusBadRequest, "the form is damaged: %w", err)
		}
		if content == nil {
			content = []byte{}
		}
		form = append(form, formPart{part.FormName(), part.FileName(), part.Header.Get("Content-Type"), content})
	}
}

// given names what the drawing is given as, "" for nothing.
func (d *drawing) given() string {
	switch {
	case d.Strokes != nil:
		return "strokes"
	case d.Image != nil || d.file != nil:
		return "image"
	case d.Pixels != nil:
		return "pixels"
	}
	return ""
}

// check wants exactly one kind of drawing.
func (d *drawing) check() error {
	kinds := 0
	for _, given := range []bool{d.Strokes != nil, d.Image != nil || d.file != nil, d.Pixels != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		return problemf(http.StatusUnprocessableEntity, "there are %d of strokes, image and pixels, want one", kinds)
	}
	return nil
}

// prepare makes the network's picture of the drawing in each of the ways. The first
// one's steps are kept if they are wanted.
func (s *Server) prepare(ctx context.Context, d *drawing, withSteps bool, preparations ...inkling.Preparation) ([]*shown, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if given := d.given(); given != "image" && !s.draws() {
		return nil, problemf(http.StatusUnprocessableEntity, "the network reads pictures of %v (channels, height, width), and %s are for drawings of %dx%d; send an image", nn.Shape(s.input), given, sketch.Size, sketch.Size)
	}
	results := make([]*shown, len(preparations))
	reader := s.readerFor(ctx, preparations[0])
	each := func(apply func(inkling.Preparation, *sketch.Reader, ...sketch.Option) (*shown, error)) error {
		for i, p := range preparations {
			var options []sketch.Option
			var own *sketch.Reader
			if i == 0 {
				if own = reader; withSteps {
					options = append(options, sketch.WithSteps)
				}
			}
			var err error
			if results[i], err = apply(p, own, options...); err != nil {
				var network *networkError
				if errors.As(err, &network) {
					return network.error
				}
				return problemf(http.StatusUnprocessableEntity, "%w", err)
			}
		}
		return nil
	}
	switch d.given() {
	case "strokes":
		drawing := sketch.Drawing{Strokes: d.Strokes, Width: d.Width, Height: d.Height, BrushWidth: d.Brush}
		return results, each(func(p inkling.Preparation, reader *sketch.Reader, o ...sketch.Option) (*shown, error) {
			var page *sketch.Page
			if reader != nil {
				var err error
				if page, err = reader.Strokes(drawing, o...); err != nil {
					return nil, err
				}
				if len(page.Marks) == 1 {
					return drawnOn(page.Marks[0].Result, page), nil
				}
			}
			r, err := sketch.FromStrokes(drawing, p.Procedure(), o...)
			if err != nil {
				return nil, err
			}
			return drawnOn(r, page), nil
		})
	case "pixels":
		result := &sketch.Result{Empty: len(bytes.Trim(d.Pixels, "\x00")) == 0}
		copy(result.Pixels[:], d.Pixels)
		for i := range results {
			results[i] = drawnOn(result, nil)
		}
		return results, nil
	}
	if d.file == nil {
		var err error
		if d.file, err = fromDataURL(*d.Image); err != nil {
			return nil, err
		}
	}
	return results, s.pictures.use(ctx, d.file, func(img image.Image) error {
		return each(func(p inkling.Preparation, reader *sketch.Reader, o ...sketch.Option) (*shown, error) {
			if !s.draws() {
				made, err := p.Prepare(img)
				if err != nil {
					return nil, err
				}
				return photographed(made), nil
			}
			r, err := p.Sketch(img, o...)
			if err != nil || reader == nil {
				return drawnOn(r, nil), err
			}
			page, err := reader.Picture(img, o...)
			if err != nil {
				return nil, err
			}
			if len(page.Marks) == 1 && page.Cleaned() {
				r = page.Marks[0].Result
				r.Steps = append(page.Steps, r.Steps...)
			}
			return drawnOn(r, page), nil
		})
	})
}

// within says in which of several drawings a problem is.
func within(i int, err error) error {
	var p *problem
	if !errors.As(err, &p) {
		return err
	}
	return &problem{Title: p.Title, Status: p.Status, Detail: fmt.Sprintf("instances[%d]: %s", i, p.Detail), cause: p.cause}
}
