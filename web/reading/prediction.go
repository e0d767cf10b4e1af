package reading

import (
	"image"

	"inkling/nn"
	"inkling/sketch"
	"inkling/weights"
)

// SureAbove is the probability from which on the network's best guess counts as
// sure. Softmax makes networks bolder than they should be; below
// this it pays to ask the person who drew. Of 2,498 drawings by strangers (see
// models/digits/README.md) the built-in network reads 11 wrong, 4 of them below
// this, where 16 are that it reads right.
const SureAbove = 0.9

// A Prediction is the answer about one drawing.
type Prediction struct {
	Label         string    `json:"label" doc:"the class that the drawing most probably shows, or the number that several digits are, with a line feed between lines; empty for an empty drawing, and where the model tells a number" example:"7"`
	Index         int       `json:"index" doc:"the place of that class among the model's classes; -1 for an empty drawing, for several digits and for a number"`
	Probabilities []float32 `json:"probabilities" nullable:"false" doc:"of each class, in the order of the model's classes; all 0 for several digits, which have their own; none for a number"`
	Number        *float64  `json:"number,omitempty" doc:"what it tells in place of a class: the model's target"`
	Sure          bool      `json:"sure" doc:"whether the largest probability is high, at least the model's sure_above, of each digit, and none is probably no digit"`
	Empty         bool      `json:"empty" doc:"whether there is no ink"`
	Processed     string    `json:"processed" doc:"the picture that the network was shown, upright, as a data URL"`
	Milliseconds  float64   `json:"milliseconds" doc:"the time from the whole request to the answer"`

	Digits  []ReadDigit `json:"digits,omitempty" nullable:"false" doc:"the digits of a number, line by line, from left to right; left out for a single one"`
	None    float64     `json:"none,omitempty" doc:"how probable it is that the drawing is no digit, where that is judged; the largest of several"`
	LeftOut int         `json:"left_out,omitempty" doc:"how many pieces of ink were left out, being too small for a digit: dots, commas, dashes"`

	Steps    []ShownStep    `json:"steps,omitempty" nullable:"false" doc:"with details: how the drawing became the processed picture, step by step"`
	Features []ShownFeature `json:"features,omitempty" nullable:"false" doc:"with details: what the first two convolutions see, with what follows them, such as ReLU"`
	Inside   *ShownInside   `json:"inside,omitempty" doc:"with details: what every stage of the network computed, where the model's inside says so"`
	Tutorial *ShownTutorial `json:"tutorial,omitempty" doc:"with details: the same with the tutorial's own preprocessing"`
}

// A ShownStep is one step from the drawing to the processed picture.
type ShownStep struct {
	Name  string  `json:"name" doc:"drawing, invert, crop, scale, centre, blur, transpose or normalise"`
	Image string  `json:"image" doc:"a data URL"`
	Black float64 `json:"black" doc:"the number that black stands for"`
	White float64 `json:"white" doc:"the number that white stands for"`
}

// A ShownFeature is what a layer sees in the picture: its feature maps.
type ShownFeature struct {
	Name    string `json:"name" doc:"the layer, by its name in the state dict: conv1"`
	Maps    int    `json:"maps" doc:"the number of feature maps"`
	Columns int    `json:"columns" doc:"how many of them are side by side in the picture"`
	Image   string `json:"image" doc:"all maps as tiles without gaps, row by row, as a data URL; white is the largest value of the layer and black 0"`
}

// A ShownTutorial is the answer to the same drawing after the tutorial's preprocessing.
type ShownTutorial struct {
	Processed     string    `json:"processed" doc:"a data URL"`
	Probabilities []float32 `json:"probabilities" nullable:"false"`
	Label         string    `json:"label"`
}

// A BatchPrediction is the answers about several drawings.
type BatchPrediction struct {
	Predictions []*Prediction `json:"predictions" nullable:"false" doc:"one for each of the instances, in their order"`
}

// steps shows how a drawing became the network's input. It is nil if there was
// nothing to prepare.
func (n *Network) steps(prepared *Shown) []ShownStep {
	const white = 255
	var shown []ShownStep
	for _, step := range prepared.Steps {
		shown = append(shown, ShownStep{step.Name, DataURL(step.Image), 0, white})
	}
	if shown == nil || prepared.Empty {
		return shown
	}
	input := prepared.gray()
	add := func(name string, black, white float32) {
		shown = append(shown, ShownStep{name, DataURL(input), float64(black), float64(white)})
	}
	ground, ink := n.Ground, n.Ink
	if ground > ink {
		for i, v := range prepared.Pixels {
			input.Pix[i] = white - v
		}
		add("invert", 0, white)
	}
	if n.About.Orientation == weights.Transposed {
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
