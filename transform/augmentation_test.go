package transform

import (
	"math/rand/v2"
	"reflect"
	"strings"
	"testing"
)

func TestParseAugmentation(t *testing.T) {
	byDegrees := func(v float64) Range { return Range{Min: -v, Max: v} }
	affine := func(v float64, fill []float32) Transform {
		return RandomAffine{
			Degrees: byDegrees(v), ShearX: byDegrees(v / 2), Translate: [2]float64{0.1, 0.1}, Scale: Range{Min: 0.9, Max: 1.1},
			Interpolation: Bilinear, Fill: fill,
		}
	}
	crop := func(size, padding int, fill ...float32) Transform {
		return RandomCrop{Height: size, Width: size, Padding: padding, Fill: fill}
	}
	flip := RandomHorizontalFlip{P: 0.5}
	for _, test := range []struct {
		spec     string
		channels int
		size     int
		symbols  bool
		want     []Transform
		batch    BatchTransform
	}{
		{spec: "", channels: 1, size: 28},
		{spec: "none", channels: 1, size: 28},
		{spec: "auto", channels: 3, size: 32, want: []Transform{crop(32, 4), flip}},
		{spec: "auto", channels: 1, size: 28, symbols: true, want: []Transform{affine(10, nil)}},
		{spec: "auto,fill=255", channels: 1, size: 28, symbols: true, want: []Transform{affine(10, []float32{255})}},
		{spec: "flip=0.25, crop=2", channels: 3, size: 32, want: []Transform{RandomHorizontalFlip{P: 0.25}, crop(32, 2)}},
		{spec: "flip=0,vflip,crop,fill=7", channels: 1, size: 4, want: []Transform{RandomVerticalFlip{P: 0.5}, crop(4, 1, 7)}},
		{spec: "rotate,affine=4,perspective,elastic=20", channels: 1, size: 28, want: []Transform{
			RandomRotation{Degrees: byDegrees(15), Interpolation: Bilinear}, affine(4, nil),
			RandomPerspective{Distortion: 0.2}, ElasticTransform{Alpha: 20},
		}},
		{spec: "color=0.4,blur=2,erase", channels: 3, size: 32, want: []Transform{
			ColorJitter{Brightness: 0.4, Contrast: 0.4, Saturation: 0.4, Hue: 0.1},
			RandomGaussianBlur{Sigma: Range{Min: 0.1, Max: 2}},
			RandomErasing{P: 0.5, Value: []float32{127}},
		}},
		{spec: "color,erase=1", channels: 1, size: 28, symbols: true, want: []Transform{
			ColorJitter{Brightness: 0.2, Contrast: 0.2}, RandomErasing{P: 1},
		}},
		{spec: "mixup=0.2", channels: 3, size: 32, batch: MixUp{Alpha: 0.2}},
		{spec: "mixup,flip,cutmix", channels: 3, size: 32, want: []Transform{flip},
			batch: RandomChoice{MixUp{Alpha: 1}, CutMix{Height: 32, Width: 32, Alpha: 1}}},
	} {
		got, err := ParseAugmentation(test.spec, Format{Channels: test.channels, Height: test.size, Width: test.size}, test.symbols)
		if err != nil {
			t.Errorf("%q: %v", test.spec, err)
			continue
		}
		spelt := strings.Replace(strings.Replace(test.spec, "auto", "crop,flip", 1), "none", "", 1)
		if test.symbols {
			spelt = strings.Replace(test.spec, "auto", "affine", 1)
		}
		if got.Spec != spelt {
			t.Errorf("%q is spelt out as %q, want %q", test.spec, got.Spec, spelt)
		}
		if !reflect.DeepEqual(got.Steps, test.want) || !reflect.DeepEqual(got.Batch, test.batch) {
			t.Errorf("%q of %d channels gives\n%#v, want\n%#v", test.spec, test.channels, got, test)
		}
	}
}

func TestParseAugmentationRefuses(t *testing.T) {
	for spec, message := range map[string]string{
		"flop":           `no step "flop", want a list of crop, flip, alternate, shift, vflip, rotate, affine,`,
		"crop,":          `no step ""`,
		"flip,auto":      `no step "auto"`,
		"auto=2":         `no step "auto"`,
		"flip=2":         "flip=2: P must be a number from 0 to 1",
		"flip=":          "flip=: P must be a number",
		"rotate=NaN":     "rotate=NaN: DEGREES must be a number from 0 to 180",
		"crop=2.5":       "crop=2.5: PADDING must be a whole number",
		"crop,flip,crop": "the step crop comes twice",
		"auto,flip":      "the step flip comes twice",
		"color":          "does not suit these pictures: ColorJitter wants",
	} {
		_, err := ParseAugmentation(spec, Format{Channels: 4, Height: 32, Width: 32}, false)
		if err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("%q: error %v, want one with %q", spec, err, message)
		}
	}
}

// Every step works with its default and both ends of its range, on the shapes
// that data sets have.
func TestEveryAugmentationStepRuns(t *testing.T) {
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
					p, err := Compile(Compose{s.picture(c, v), ToTensor{}}, channels, 28, 30)
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
		if _, err := ParseAugmentation(strings.Join(all, ","), Format{Channels: channels, Height: 28, Width: 30}, false); err != nil {
			t.Error(err)
		}
	}
}

func FuzzParseAugmentation(f *testing.F) {
	for _, spec := range []string{"auto", "auto,erase", "crop=4,flip", "mixup,cutmix=0.2,fill=255", "rotate=1e-300,elastic=1e3", "=,", "blur=+Inf"} {
		f.Add(spec, 3, 32, 28)
	}
	f.Fuzz(func(t *testing.T, spec string, channels, height, width int) {
		side := func(v int) int { return 1 + (v&0x7fffffff)%64 }
		channels, height, width = 1+2*(channels&1), side(height), side(width)
		a, err := ParseAugmentation(spec, Format{Channels: channels, Height: height, Width: width}, false)
		if err != nil {
			return
		}
		p, err := Compile(append(Compose(a.Steps), ToTensor{}), channels, height, width)
		if err != nil {
			t.Fatalf("%q is read, but does not compile: %v", spec, err)
		}
		samples := make([]float32, channels*height*width)
		p.Seed(1, 0, 0)
		p.Apply(samples, make([]byte, len(samples)))
		if a.Batch != nil {
			a.Batch.Apply(rand.New(rand.NewPCG(1, 2)), samples, []int{0}, 2)
		}
	})
}
