package main

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"

	"inkling/transform"
)

// An augmentation is what --augment asks for.
type augmentation struct {
	// spec is what was asked for, with auto spelt out; empty if nothing was.
	spec string

	// steps change every picture by itself, at random. They want bytes: ToTensor
	// comes behind them.
	steps []transform.Transform

	// batch mixes the finished pictures of a batch; nil if nothing does.
	batch transform.BatchTransform
}

const augmentFlag = "change the pictures of training at random: `STEPS` such as crop=4,flip; auto takes what suits the data"

// canvas is what a step of an augmentation is made for.
type canvas struct {
	channels, height, width int
	symbols                 bool      // characters, which must not be mirrored
	fill                    []float32 // what is seen where a picture does not reach
}

// An augmentStep is a step of --augment with one number. Either picture or batch
// makes it.
type augmentStep struct {
	name, number, about string
	least, most         float64
	standard            float64 // 0 if it depends on the picture
	whole               bool    // the number has nothing behind its point

	picture func(c canvas, v float64) transform.Transform
	batch   func(c canvas, v float64) transform.BatchTransform
}

var augmentSteps = []augmentStep{
	{
		name: "crop", number: "PADDING", about: "pad, then cut the old size out of a random place (side/8)",
		least: 1, most: 1024, whole: true,
		picture: func(c canvas, v float64) transform.Transform {
			padding := cmp.Or(int(v), max(1, min(c.height, c.width)/8))
			return transform.RandomCrop{Height: c.height, Width: c.width, Padding: padding, Fill: c.fill}
		},
	},
	{
		name: "flip", number: "P", about: "mirror left and right with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(_ canvas, v float64) transform.Transform { return transform.RandomHorizontalFlip{P: v} },
	},
	{
		name: "alternate", about: "mirror left and right in every other epoch, half of the pictures in the odd ones",
		picture: func(canvas, float64) transform.Transform { return transform.AlternateHorizontalFlip{} },
	},
	{
		name: "shift", number: "PIXELS", about: "move by up to so many pixels, the border mirrored (2)",
		least: 1, most: 1024, whole: true, standard: 2,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.RandomCrop{Height: c.height, Width: c.width, Padding: int(v), Mode: transform.Reflect}
		},
	},
	{
		name: "vflip", number: "P", about: "mirror top and bottom with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(_ canvas, v float64) transform.Transform { return transform.RandomVerticalFlip{P: v} },
	},
	{
		name: "rotate", number: "DEGREES", about: "turn by up to this angle, either way (15)", most: 180, standard: 15,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.RandomRotation{Degrees: transform.Range{Min: -v, Max: v}, Interpolation: transform.Bilinear, Fill: c.fill}
		},
	},
	{
		name: "affine", number: "DEGREES", about: "turn by up to this angle, shear by half of it, move and scale by a tenth (10)", most: 90, standard: 10,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.RandomAffine{
				Degrees: transform.Range{Min: -v, Max: v}, ShearX: transform.Range{Min: -v / 2, Max: v / 2},
				Translate: [2]float64{0.1, 0.1}, Scale: transform.Range{Min: 0.9, Max: 1.1},
				Interpolation: transform.Bilinear, Fill: c.fill,
			}
		},
	},
	{
		name: "perspective", number: "SHARE", about: "see every other picture from aslant, corners moved in by up to this share (0.2)", most: 1, standard: 0.2,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.RandomPerspective{Distortion: v, Fill: c.fill}
		},
	},
	{
		name: "elastic", number: "ALPHA", about: "pull about like rubber, this strongly (50)", most: 1000, standard: 50,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.ElasticTransform{Alpha: v, Fill: c.fill}
		},
	},
	{
		name: "color", number: "SHARE", about: "change brightness, contrast and saturation by up to this share (0.2)", most: 1, standard: 0.2,
		picture: func(c canvas, v float64) transform.Transform {
			if c.channels == 1 {
				return transform.ColorJitter{Brightness: v, Contrast: v}
			}
			return transform.ColorJitter{Brightness: v, Contrast: v, Saturation: v, Hue: v / 4}
		},
	},
	{
		name: "blur", number: "SIGMA", about: "blur by up to so many pixels (1)", least: 0.1, most: 100, standard: 1,
		picture: func(c canvas, v float64) transform.Transform {
			return transform.RandomGaussianBlur{Sigma: transform.Range{Min: 0.1, Max: v}}
		},
	},
	{
		name: "erase", number: "P", about: "cover a random rectangle with this probability (0.5)", most: 1, standard: 0.5,
		picture: func(c canvas, v float64) transform.Transform {
			value := c.fill
			if !c.symbols {
				value = []float32{127}
			}
			return transform.RandomErasing{P: v, Value: value}
		},
	},
	{
		name: "mixup", number: "ALPHA", about: "lay pictures of a batch over each other, in shares of Beta(ALPHA, ALPHA) (1)", least: 0.01, most: 100, standard: 1,
		batch: func(_ canvas, v float64) transform.BatchTransform { return transform.MixUp{Alpha: v} },
	},
	{
		name: "cutmix", number: "ALPHA", about: "put rectangles of other pictures of the batch into them, likewise (1)", least: 0.01, most: 100, standard: 1,
		batch: func(c canvas, v float64) transform.BatchTransform {
			return transform.CutMix{Height: c.height, Width: c.width, Alpha: v}
		},
	},
	{
		name: "fill", number: "LEVEL", about: "what is seen where a picture does not reach, 0 (black) to 255 (0)", most: 255, whole: true,
	},
}

// augmentHelp describes the steps, for the help of a command with --augment.
func augmentHelp() string {
	var b strings.Builder
	b.WriteString(`The steps of --augment, in their order, with a number (in brackets: without one):
`)
	for _, s := range augmentSteps {
		fmt.Fprintf(&b, "  %-18s %s\n", strings.TrimSuffix(s.name+"="+s.number, "="), s.about)
	}
	b.WriteString("  auto               crop,flip for pictures; affine for characters, which must not be mirrored\n" +
		"  none               nothing")
	return b.String()
}

// parseAugment reads the value of --augment for pictures of a shape. What is
// wrong with it is a usage error.
func parseAugment(spec string, channels, height, width int, symbols bool) (augmentation, error) {
	var a augmentation
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
	c := canvas{channels: channels, height: height, width: width, symbols: symbols}
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
			return a, usagef("--augment has the step %s twice", step.name)
		}
		list = append(list, wanted{step, value})
		if step.name == "fill" {
			c.fill = []float32{float32(value)}
		}
	}
	a.spec = spec
	var mixes transform.RandomChoice
	for _, w := range list {
		switch {
		case w.step.picture != nil && w.value == 0 && w.step.standard != 0:
			// A number of 0 leaves the step out; the transforms take it for
			// their default.
		case w.step.picture != nil:
			a.steps = append(a.steps, w.step.picture(c, w.value))
		case w.step.batch != nil:
			mixes = append(mixes, w.step.batch(c, w.value))
		}
	}
	if _, err := transform.Compose(a.steps).Format(transform.Format{Channels: channels, Height: height, Width: width}); err != nil {
		return augmentation{}, usageError{fmt.Errorf("--augment %s does not suit these pictures: %w", spec, err)}
	}
	switch len(mixes) {
	case 0:
	case 1:
		a.batch = mixes[0]
	default:
		a.batch = mixes
	}
	return a, nil
}

// holdsSymbols tells whether classes are characters. Then the name of one of them
// is a single character: "7", "a", and KMNIST's "o".
func holdsSymbols(classes []string) bool {
	return slices.ContainsFunc(classes, func(name string) bool { return utf8.RuneCountInString(name) == 1 })
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
		return nil, 0, usagef("--augment has no step %q, want a list of %s, which auto may begin, or none", name, strings.Join(names, ", "))
	}
	step := &augmentSteps[i]
	if given && step.number == "" {
		return nil, 0, usagef("--augment %s: %s takes no number", word, step.name)
	}
	if !given {
		return step, step.standard, nil
	}
	v, err := strconv.ParseFloat(number, 64)
	switch {
	case err != nil || !(v >= step.least && v <= step.most):
		return nil, 0, usagef("--augment %s=%s: %s must be a number from %v to %v", name, number, step.number, step.least, step.most)
	case step.whole && v != math.Trunc(v):
		return nil, 0, usagef("--augment %s=%s: %s must be a whole number", name, number, step.number)
	}
	return step, v, nil
}
