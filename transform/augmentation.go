package transform

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// An Augmentation is what changes pictures at random in training.
type Augmentation struct {
	// Spec is what was asked for, with auto spelt out; empty if nothing was.
	Spec string

	// Steps change every picture by itself, at random. They want bytes: [ToTensor]
	// comes behind them.
	Steps []Transform

	// Batch mixes the finished pictures of a batch; nil if nothing does.
	Batch BatchTransform
}

// canvas is what a step of an augmentation is made for.
type canvas struct {
	channels, height, width int
	symbols                 bool      // characters, which must not be mirrored
	fill                    []float32 // what is seen where a picture does not reach
}

// An augmentStep is a step of an augmentation with one number. Either picture or batch
// makes it.
type augmentStep struct {
	name, number, about string
	least, most         float64
	standard            float64 // 0 if it depends on the picture
	whole               bool    // the number has nothing behind its point

	picture func(c canvas, v float64) Transform
	batch   func(c canvas, v float64) BatchTransform
}

var augmentSteps = []augmentStep{
	{
		name: "crop", number: "PADDING", about: "pad, then cut the old size out of a random place (side/8)",
		least: 1, most: 1024, whole: true,
		picture: func(c canvas, v float64) Transform {
			padding := cmp.Or(int(v), max(1, min(c.height, c.width)/8))
			return RandomCrop{Height: c.height, Width: c.width, Padding: padding, Fill: c.fill}
		},
	},
	{
		name: "flip", number: "P", about: "mirror left and right with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(_ canvas, v float64) Transform { return RandomHorizontalFlip{P: v} },
	},
	{
		name: "alternate", about: "mirror left and right in every other epoch, half of the pictures in the odd ones",
		picture: func(canvas, float64) Transform { return AlternateHorizontalFlip{} },
	},
	{
		name: "shift", number: "PIXELS", about: "move by up to so many pixels, the border mirrored (2)",
		least: 1, most: 1024, whole: true, standard: 2,
		picture: func(c canvas, v float64) Transform {
			return RandomCrop{Height: c.height, Width: c.width, Padding: int(v), Mode: Reflect}
		},
	},
	{
		name: "vflip", number: "P", about: "mirror top and bottom with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(_ canvas, v float64) Transform { return RandomVerticalFlip{P: v} },
	},
	{
		name: "rotate", number: "DEGREES", about: "turn by up to this angle, either way (15)", most: 180, standard: 15,
		picture: func(c canvas, v float64) Transform {
			return RandomRotation{Degrees: Range{Min: -v, Max: v}, Interpolation: Bilinear, Fill: c.fill}
		},
	},
	{
		name: "affine", number: "DEGREES", about: "turn by up to this angle, shear by half of it, move and scale by a tenth (10)", most: 90, standard: 10,
		picture: func(c canvas, v float64) Transform {
			return RandomAffine{
				Degrees: Range{Min: -v, Max: v}, ShearX: Range{Min: -v / 2, Max: v / 2},
				Translate: [2]float64{0.1, 0.1}, Scale: Range{Min: 0.9, Max: 1.1},
				Interpolation: Bilinear, Fill: c.fill,
			}
		},
	},
	{
		name: "perspective", number: "SHARE", about: "see every other picture from aslant, corners moved in by up to this share (0.2)", most: 1, standard: 0.2,
		picture: func(c canvas, v float64) Transform {
			return RandomPerspective{Distortion: v, Fill: c.fill}
		},
	},
	{
		name: "elastic", number: "ALPHA", about: "pull about like rubber, this strongly (50)", most: 1000, standard: 50,
		picture: func(c canvas, v float64) Transform {
			return ElasticTransform{Alpha: v, Fill: c.fill}
		},
	},
	{
		name: "color", number: "SHARE", about: "change brightness, contrast and saturation by up to this share (0.2)", most: 1, standard: 0.2,
		picture: func(c canvas, v float64) Transform {
			if c.channels == 1 {
				return ColorJitter{Brightness: v, Contrast: v}
			}
			return ColorJitter{Brightness: v, Contrast: v, Saturation: v, Hue: v / 4}
		},
	},
	{
		name: "blur", number: "SIGMA", about: "blur by up to so many pixels (1)", least: 0.1, most: 100, standard: 1,
		picture: func(c canvas, v float64) Transform {
			return RandomGaussianBlur{Sigma: Range{Min: 0.1, Max: v}}
		},
	},
	{
		name: "erase", number: "P", about: "cover a random rectangle with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(c canvas, v float64) Transform {
			value := c.fill
			if !c.symbols {
				value = []float32{127}
			}
			return RandomErasing{P: v, Value: value}
		},
	},
	{
		name: "mixup", number: "ALPHA", about: "lay pictures of a batch over each other, in shares of Beta(ALPHA, ALPHA) (1)", least: 0.01, most: 100, standard: 1,
		batch: func(_ canvas, v float64) BatchTransform { return MixUp{Alpha: v} },
	},
	{
		name: "cutmix", number: "ALPHA", about: "put rectangles of other pictures of the batch into them, likewise (1)", least: 0.01, most: 100, standard: 1,
		batch: func(c canvas, v float64) BatchTransform {
			return CutMix{Height: c.height, Width: c.width, Alpha: v}
		},
	},
	{
		name: "fill", number: "LEVEL", about: "what is seen where a picture does not reach, 0 (black) to 255 (0)", most: 255, whole: true,
	},
}

// An AugmentationStep says what one step of [ParseAugmentation] is.
type AugmentationStep struct {
	Name   string // "crop"
	Number string // what its number is, such as PADDING; empty if it takes none
	About  string // what it does, and in brackets its number where none is given
}

// AugmentationSteps lists the steps that [ParseAugmentation] knows.
func AugmentationSteps() []AugmentationStep {
	list := make([]AugmentationStep, len(augmentSteps))
	for i, s := range augmentSteps {
		list[i] = AugmentationStep{s.name, s.number, s.about}
	}
	return list
}

// ParseAugmentation reads a list of steps such as "crop=4,flip" for pictures of a
// format. "auto", alone or first, stands for crop,flip, and for affine where the
// pictures are symbols: characters, which must not be mirrored; "none" and an empty
// string stand for nothing. It refuses a step that is not among
// [AugmentationSteps], comes twice, has a number out of range, or does not suit the
// format.
func ParseAugmentation(spec string, f Format, symbols bool) (Augmentation, error) {
	var a Augmentation
	if spec == "" || spec == "none" {
		return a, nil
	}
	if spec = strings.TrimSpace(spec); spec == "auto" || strings.HasPrefix(spec, "auto,") {
		standard := "crop,flip"
		if symbols {
			standard = "affine"
		}
		spec = standard + strings.TrimPrefix(spec, "auto")
	}
	c := canvas{channels: f.Channels, height: f.Height, width: f.Width, symbols: symbols}
	type wanted struct {
		step  *augmentStep
		value float64
	}
	var list []wanted
	for _, word := range strings.Split(spec, ",") {
		step, value, err := parseAugmentStep(word)
		if err != nil {
			return a, err
		}
		if slices.ContainsFunc(list, func(w wanted) bool { return w.step == step }) {
			return a, fmt.Errorf("the step %s comes twice", step.name)
		}
		list = append(list, wanted{step, value})
		if step.name == "fill" {
			c.fill = []float32{float32(value)}
		}
	}
	a.Spec = spec
	var mixes RandomChoice
	for _, w := range list {
		switch {
		case w.step.picture != nil && w.value == 0 && w.step.standard != 0:
			// A number of 0 leaves the step out; the transforms take it for
			// their default.
		case w.step.picture != nil:
			a.Steps = append(a.Steps, w.step.picture(c, w.value))
		case w.step.batch != nil:
			mixes = append(mixes, w.step.batch(c, w.value))
		}
	}
	if _, err := Compose(a.Steps).Format(f); err != nil {
		return Augmentation{}, fmt.Errorf("%s does not suit these pictures: %w", spec, err)
	}
	switch len(mixes) {
	case 0:
	case 1:
		a.Batch = mixes[0]
	default:
		a.Batch = mixes
	}
	return a, nil
}

// parseAugmentStep reads NAME or NAME=NUMBER.
func parseAugmentStep(word string) (*augmentStep, float64, error) {
	name, number, given := strings.Cut(strings.TrimSpace(word), "=")
	i := slices.IndexFunc(augmentSteps, func(s augmentStep) bool { return s.name == name })
	if i < 0 {
		var names []string
		for _, s := range augmentSteps {
			names = append(names, s.name)
		}
		return nil, 0, fmt.Errorf("there is no step %q, want a list of %s, which auto may begin, or none", name, strings.Join(names, ", "))
	}
	step := &augmentSteps[i]
	if given && step.number == "" {
		return nil, 0, fmt.Errorf("%s: %s takes no number", word, step.name)
	}
	if !given {
		return step, step.standard, nil
	}
	v, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || !(v >= step.least && v <= step.most):
		return nil, 0, fmt.Errorf("%s=%s: %s must be a number from %v to %v", name, number, step.number, step.least, step.most)
	case step.whole && v != math.Trunc(v):
		return nil, 0, fmt.Errorf("%s=%s: %s must be a whole number", name, number, step.number)
	}
	return step, v, nil
}
