package reading

import (
	"bytes"
	"context"
	"errors"
	"image"

	"inkling/nn"
	"inkling/prepare"
	"inkling/sketch"
)

// MaxInstances is how many drawings one request may have.
const MaxInstances = 256

// A Drawing is one thing to read: exactly one of strokes, image and pixels.
type Drawing struct {
	Strokes Strokes   `json:"strokes,omitempty"`
	Width   float64   `json:"width,omitempty" minimum:"0" doc:"of the pad that the strokes were drawn on; its corner is at 0, 0"`
	Height  float64   `json:"height,omitempty" minimum:"0" doc:"of the pad"`
	Brush   float64   `json:"brush,omitempty" minimum:"0" doc:"the width of the lines on the pad; it matters to the tutorial's preprocessing only"`
	Image   *string   `json:"image,omitempty" doc:"a picture as a data URL: PNG, JPEG, GIF, WebP or BMP" example:"data:image/png;base64,iVBORw0KGgo..."`
	Pixels  PixelRows `json:"pixels,omitempty"`

	File []byte `json:"-"` // of a picture that came as a file
}

// A Request is what /api/predict is asked.
type Request struct {
	Drawing
	Instances  []Drawing `json:"instances,omitempty" nullable:"false" minItems:"1" maxItems:"256" doc:"several drawings to read, in place of one"`
	Preprocess string    `json:"preprocess,omitempty" enum:"auto,emnist,mnist,tutorial,fit,resize" doc:"how drawings are prepared; auto, which is the default, is the model's preprocess, but takes pictures that are as those of the model's data as they are"`
	Details    bool      `json:"details,omitempty" doc:"whether to tell steps, features and tutorial as well; of one drawing only, not of instances"`
}

// Given names what the drawing is given as, "" for nothing.
func (d *Drawing) Given() string {
	switch {
	case d.Strokes != nil:
		return "strokes"
	case d.Image != nil || d.File != nil:
		return "image"
	case d.Pixels != nil:
		return "pixels"
	}
	return ""
}

// check wants exactly one kind of drawing.
func (d *Drawing) check() error {
	kinds := 0
	for _, given := range []bool{d.Strokes != nil, d.Image != nil || d.File != nil, d.Pixels != nil} {
		if given {
			kinds++
		}
	}
	if kinds != 1 {
		return Problemf(Unprocessable, "there are %d of strokes, image and pixels, want one", kinds)
	}
	return nil
}

// Prepare makes the network's picture of the drawing in each of the ways. The first
// one's steps are kept if they are wanted.
func (n *Network) Prepare(ctx context.Context, d *Drawing, withSteps bool, preparations ...prepare.Preparation) ([]*Shown, error) {
	if err := d.check(); err != nil {
		return nil, err
	}
	if given := d.Given(); given != "image" && !n.Draws() {
		return nil, Problemf(Unprocessable, "the network reads pictures of %v (channels, height, width), and %s are for drawings of %dx%d; send an image", nn.Shape(n.Input), given, sketch.Size, sketch.Size)
	}
	results := make([]*Shown, len(preparations))
	reader := n.readerFor(ctx, preparations[0])
	each := func(apply func(prepare.Preparation, *sketch.Reader, ...sketch.Option) (*Shown, error)) error {
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
				return Problemf(Unprocessable, "%w", err)
			}
		}
		return nil
	}
	switch d.Given() {
	case "strokes":
		drawing := sketch.Drawing{Strokes: d.Strokes, Width: d.Width, Height: d.Height, BrushWidth: d.Brush}
		return results, each(func(p prepare.Preparation, reader *sketch.Reader, o ...sketch.Option) (*Shown, error) {
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
	if d.File == nil {
		var err error
		if d.File, err = FromDataURL(*d.Image); err != nil {
			return nil, err
		}
	}
	return results, n.Decode(ctx, d.File, func(img image.Image) error {
		return each(func(p prepare.Preparation, reader *sketch.Reader, o ...sketch.Option) (*Shown, error) {
			if !n.Draws() {
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
