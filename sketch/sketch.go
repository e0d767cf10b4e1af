// Package sketch turns a drawing into the picture that a network for digits
// reads: 28x28 pixels, white ink on black.
//
// A network reads best what looks like the pictures it was trained on, so there
// is a [Procedure] for each data set: the same drawing becomes a little different
// for a network trained on EMNIST and for one trained on MNIST. A drawing comes as
// strokes, see [FromStrokes], or as a picture, see [FromPicture].
//
// Strokes are drawn here, with a pen whose width follows from the size of the
// ink. So the result depends neither on where and how large somebody wrote, nor
// on the brush, the pad or the browser.
package sketch

import (
	"fmt"
	"image"
	"slices"
	"strings"
)

// Size is the width and the height of the picture that the network reads.
const Size = 28

// Point is a place that the pen passed. X runs to the right and Y down, in any
// unit.
type Point struct {
	X, Y     float64
	Time     float64 // in milliseconds from any moment; 0 if unknown
	Pressure float64 // 0 to 1; 0 if unknown
}

// Stroke is what is drawn without lifting the pen. One point is a dot.
type Stroke []Point

// Drawing is what was drawn on a pad.
//
// Times are of no influence on how it looks. Pressure makes lines on the pad wider,
// so it matters where the pad itself is shown or shrunk: to Tutorial and to the step
// "drawing". For EMNIST and MNIST all lines are as wide as those of the data set,
// which were written with pens that know no pressure.
type Drawing struct {
	Strokes []Stroke

	// Width and Height are the pad's, whose corner is at 0, 0. If one is 0, the
	// pad is taken for a square round the ink with a margin of a tenth of it.
	// For EMNIST and MNIST they matter only in that ink much smaller than the
	// pad is a dot.
	Width, Height float64

	// BrushWidth is how wide the lines were on the pad at a pressure of 0.5. 0
	// means a 32nd of the pad's longer side, 25 of 800 as in Gradio's sketchpad.
	// It matters to Tutorial and to the step "drawing" only.
	BrushWidth float64
}

// The limits of what is taken. They keep the work for one drawing below a fraction
// of a second, and that for an ordinary one at a small part of a millisecond.
const (
	MaxPoints     = 50_000     // of a drawing; more than three minutes at 240 points a second
	MaxStrokes    = 5_000      // of a drawing
	MaxCoordinate = 1e9        // of a point and of a pad, either side of 0
	MaxPixels     = 50_000_000 // of a picture
)

// Procedure is a way from a drawing to 28x28 pixels.
type Procedure string

// The procedures.
const (
	// EMNIST is that of Cohen, Afshar, Tapson and van Schaik 2017
	// (arXiv:1702.05373), section II-A: blur, crop to the ink, put it into the
	// middle of a square with a border, keeping the aspect, and scale that down
	// with bicubic interpolation.
	EMNIST Procedure = "emnist"

	// MNIST is that of LeCun, Cortes and Burges
	// (http://yann.lecun.com/exdb/mnist/): scale the ink to fit 20x20 pixels,
	// keeping the aspect, and put its centre of mass into the middle of 28x28.
	MNIST Procedure = "mnist"

	// Tutorial is that of the simplest demonstrations: scale the whole pad to
	// 28x28 pixels, wherever and however large the ink is on it.
	Tutorial Procedure = "tutorial"
)

// Procedures are all the procedures.
func Procedures() []Procedure { return []Procedure{EMNIST, MNIST, Tutorial} }

// ParseProcedure returns the procedure of a name: emnist, mnist or tutorial.
func ParseProcedure(name string) (Procedure, error) {
	var names []string
	for _, p := range Procedures() {
		if string(p) == name {
			return p, nil
		}
		names = append(names, string(p))
	}
	return "", fmt.Errorf("%q is no way to prepare a drawing, want %s", name, strings.Join(names, " or "))
}

// ForModel returns the procedure for a network by the data set that it was trained
// on, and the split of that, as the network's metadata names them: MNIST for "mnist"
// and for a folder with files under MNIST's names, else EMNIST.
func ForModel(dataset, split string) Procedure {
	if dataset == "mnist" || dataset == "folder" && split == "" {
		return MNIST
	}
	return EMNIST
}

// Step is the picture as it is after one step of a procedure.
type Step struct {
	// Name is one of drawing, invert, crop, scale, centre, blur.
	Name string
	// Image is the picture, white ink on black, except that before a step
	// invert it is as it came.
	Image *image.Gray
}

// Result is a drawing as a network reads it.
type Result struct {
	// Pixels are white ink, 255, on black, upright and row by row, as in MNIST.
	Pixels [Size * Size]byte
	// Empty tells that there was no ink. All pixels are 0 then.
	Empty bool
	// Dark tells, of a picture, that its ink was darker than what it is on.
	Dark bool
	// Steps shows how the drawing became the pixels, from first to last; the
	// last one's picture is that of Pixels. It is nil unless WithSteps was given.
	Steps []Step
}

// Image returns the pixels as a picture of their own.
func (r *Result) Image() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, Size, Size))
	copy(img.Pix, r.Pixels[:])
	return img
}

// Option asks for more than the pixels.
type Option int

// The options.
const (
	// WithSteps asks for Result.Steps.
	WithSteps Option = iota + 1
	// DarkInk and LightInk say what the ink of a picture is, which is otherwise
	// told by the ground.
	DarkInk
	LightInk
)

// note keeps the picture after a step, if steps are wanted.
func (r *Result) note(opts []Option, name string, picture func() *image.Gray) {
	if slices.Contains(opts, WithSteps) {
		r.Steps = append(r.Steps, Step{name, picture()})
	}
}
