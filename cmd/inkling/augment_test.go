package main

import (
	"errors"
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"

	"inkling/transform"
)

func TestParseAugment(t *testing.T) {
	byDegrees := func(v float64) transform.Range { return transform.Range{Min: -v, Max: v} }
	affine := func(v float64, fill []float32) transform.Transform {
		return transform.RandomAffine{
			Degrees: byDegrees(v), ShearX: byDegrees(v / 2), Translate: [2]float64{0.1, 0.1}, Scale: transform.Range{Min: 0.9, Max: 1.1},
			Interpolation: transform.Bilinear, Fill: fill,
		}
	}
	crop := func(size, padding int, fill ...float32) transform.Transform {
		return transform.RandomCrop{Height: size, Width: size, Padding: padding, Fill: fill}
	}
	flip := transform.RandomHorizontalFlip{P: 0.5}
	for _, test := range []struct {
		spec     string
		channels int
		size     int
		symbols  bool
		want     []transform.Transform
		batch    transform.BatchTransform
	}{
		{spec: "", channels: 1, size: 28},
		{spec: "none", channels: 1, size: 28},
		{spec: "auto", channels: 3, size: 32, want: []transform.Transform{crop(32, 4), flip}},
		{spec: "auto", channels: 1, size: 28, symbols: true, want: []transform.Transform{affine(10, nil)}},
		{spec: "auto,fill=255", channels: 1, size: 28, symbols: true, want: []transform.Transform{affine(10, []float32{255})}},
		{spec: "flip=0.25, crop=2", channels: 3, size: 32, want: []transform.Transform{transform.RandomHorizontalFlip{P: 0.25}, crop(32, 2)}},
		{spec: "flip=0,vflip,crop,fill=7", channels: 1, size: 4, want: []transform.Transform{transform.RandomVerticalFlip{P: 0.5}, crop(4, 1, 7)}},
		{spec: "rotate,affine=4,perspective,elastic=20", channels: 1, size: 28, want: []transform.Transform{
			transform.RandomRotation{Degrees: byDegrees(15), Interpolation: transform.Bilinear}, affine(4, nil),
			transform.RandomPerspective{Distortion: 0.2}, transform.ElasticTransform{Alpha: 20},
		}},
		{spec: "color=0.4,blur=2,erase", channels: 3, size: 32, want: []transform.Transform{
			transform.ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
			transform.RandomGaussianBlur{Sigma: transform.Range{Min: 0.1, Max: 2}},
			transform.RandomErasing{P: 0.5, Value: []float32{127}},
		}},
		{spec: "color,erase=1", channels: 1, size: 28, symbols: true, want: []transform.Transform{
			transform.ColorJitter{Brightness: 0.2, Contrast: 0.2}, transform.RandomErasing{P: 1},
		}},
		{spec: "mixup=0.2", channels: 3, size: 32, batch: transform.MixUp{Alpha: 0.2}},
		{spec: "mixup,flip,cutmix", channels: 3, size: 32, want: []transform.Transform{flip},
			batch: transform.RandomChoice{transform.MixUp{Alpha: 1}, transform.CutMix{Height: 32, Width: 32, Alpha: 1}}},
	} {
		got, err := parseAugment(test.spec, test.channels, test.size, test.size, test.symbols)
		if err != nil {
			t.Errorf("%q: %v", test.spec, err)
			continue
		}
		spelt := strings.Replace(strings.Replace(test.spec, "auto", "crop,flip", 1), "none", "", 1)
		if test.symbols {
			spelt = strings.Replace(test.spec, "auto", "affine", 1)
		}
		if got.spec != spelt {
			t.Errorf("%q is spelt out as %q, want %q", test.spec, got.spec, spelt)
		}
		if !reflect.DeepEqual(got.steps, test.want) || !reflect.DeepEqual(got.batch, test.batch) {
			t.Errorf("%q of %d channels gives\n%#v, want\n%#v", test.spec, test.channels, got, test)
		}
	}
}

func TestParseAugmentRefuses(t *testing.T) {
	for spec, message := range map[string]string{
		"flop":           `no step "flop", want a list of crop, flip, alternate, shift, vflip, rotate, affine,`,
		"crop,":          `no step ""`,
		"flip,auto":      `no step "auto"`,
		"auto=2":         `no step "auto"`,
		"flip=2":         "flip=2: P must be a number from 0 to 1",
		"flip=":          "flip=: P must be a number",
		"rotate=NaN":     "rotate=NaN: DEGREES must be a number from 0 to 180",
		"crop=2.5":       "crop=2.5: PADDING must be a whole number",
		"crop,flip,crop": "the step crop twice",
		"auto,flip":      "the step flip twice",
		"color":          "does not suit these pictures: ColorJitter wants",
	} {
		_, err := parseAugment(spec, 4, 32, 32, false)
		var usage usageError
		if err == nil || !errors.As(err, &usage) || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: error %v, want a usage error with %q", spec, err, message)
		}
	}
}

// Every step works with its default and both ends of its range, on the shapes
// that data sets have.
func TestEveryAugmentStepRuns(t *testing.T) {
	for _, channels := range []int{1, 3} {
		var all []string
		for _, s := range augmentSteps {
			if s.name != "fill" {
				all = append(all, s.name)
			}
			for _, v := range []float64{s.standard, s.least, s.most} {
				if (s.name == "crop" || s.name == "shift") && v != s.least { // which must be less than a side
					v = 4
				}
				c := canvas{channels: channels, height: 28, width: 30}
				if s.picture != nil && (v > 0 || s.standard == 0) {
					p, err := transform.Compile(transform.Compose{s.picture(c, v), transform.ToTensor{}}, channels, 28, 30)
					if err != nil {
						t.Errorf("%s=%v: %v", s.name, v, err)
						continue
					}
					p.Seed(1, 2, 3)
					p.Apply(make([]float32, channels*28*30), make([]byte, channels*28*30))
				}
				if s.batch != nil {
					s.batch(c, v).Apply(rand.New(rand.NewPCG(1, 2)), make([]float32, 2*channels*28*30), []int{0, 1}, 2)
				}
			}
		}
		if _, err := parseAugment(strings.Join(all, ","), channels, 28, 30, false); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseAugment(f *testing.F) {
	for _, spec := range []string{"auto", "auto,erase", "crop=4,flip", "mixup,cutmix=0.2,fill=255", "rotate=1e-300,elastic=1e3", "=,", "blur=+Inf"} {
		f.Add(spec, 3, 32, 28)
	}
	f.Fuzz(func(t *testing.T, spec string, channels, height, width int) {
		side := func(v int) int { return 1 + (v&0x7fffffff)%64 }
		channels, height, width = 1+2*(channels&1), side(height), side(width)
		a, err := parseAugment(spec, channels, height, width, false)
		if err != nil {
			return
		}
		p, err := transform.Compile(append(transform.Compose(a.steps), transform.ToTensor{}), channels, height, width)
		if err != nil {
			t.Fatalf("%q is read, but does not compile: %v", spec, err)
		}
		samples := make([]float32, channels*height*width)
		p.Seed(1, 0, 0)
		p.Apply(samples, make([]byte, len(samples)))
		if a.batch != nil {
			a.batch.Apply(rand.New(rand.NewPCG(1, 2)), samples, []int{0}, 2)
		}
	})
}
