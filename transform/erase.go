package transform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// RandomErasing covers a random rectangle of a picture with the probability P
// (Zhong et al. 2017, arXiv:1708.04896), as torchvision.transforms.RandomErasing.
type RandomErasing struct {
	P     float64 // 0 means 0.5
	Scale Range   // the area, as a share of the picture's; the zero value means 0.02 to 0.33
	Ratio Range   // height by width; the zero value means 0.3 to 3.3

	// Value is what covers: one value for each channel, one for all, or none for
	// 0. It is from 0 to 255 before ToTensor.
	Value []float32

	// Noise covers with noise of mean 0 and standard deviation 1 in place of
	// Value. It comes after ToTensor.
	Noise bool
}

var (
	erasedScale = Range{0.02, 0.33}
	erasedRatio = Range{0.3, 3.3}
)

// Format takes every picture and keeps its format.
func (t RandomErasing) Format(in Format) (Format, error) {
	err := cmp.Or(
		checkWithin("RandomErasing", "P", t.P, 0, 1),
		t.Scale.or(erasedScale).check("RandomErasing", "Scale", 0, 1),
		t.Ratio.or(erasedRatio).check("RandomErasing", "Ratio", 1e-3, 1e3),
		checkFill("RandomErasing", "Value", t.Value, in),
	)
	if t.Noise && !in.Float {
		err = cmp.Or(err, fmt.Errorf("RandomErasing with Noise wants float32: put it after ToTensor"))
	}
	return in, err
}

// Draw returns a step that covers a rectangle or, like torchvision when no
// rectangle of ten is smaller than the picture, one that does nothing.
func (t RandomErasing) Draw(r *rand.Rand, in Format) Transform {
	if !happens(r, t.P) {
		return Compose{}
	}
	scale, ratio := t.Scale.or(erasedScale), t.Ratio.or(erasedRatio)
	ratio = Range{math.Log(ratio.Min), math.Log(ratio.Max)}
	for range 10 {
		area, aspect := scale.draw(r)*float64(in.Height*in.Width), math.Exp(ratio.draw(r))
		height := int(math.RoundToEven(math.Sqrt(area * aspect)))
		width := int(math.RoundToEven(math.Sqrt(area / aspect)))
		if height >= in.Height || width >= in.Width {
			continue
		}
		e := &erase{top: r.IntN(in.Height - height + 1), left: r.IntN(in.Width - width + 1), height: height, width: width, value: t.Value}
		if t.Noise {
			e.noise = make([]float32, in.Channels*height*width)
			for i := range e.noise {
				e.noise[i] = float32(r.NormFloat64())
			}
		}
		return e
	}
	return Compose{}
}

// Apply panics: the step is random.
func (t RandomErasing) Apply(_, _ *Picture) { noChance(t) }

// An erase covers one rectangle.
type erase struct {
	top, left, height, width int
	value, noise             []float32
}

func (t *erase) Format(in Format) (Format, error) { return in, nil }

func (t *erase) Apply(dst, src *Picture) {
	Compose{}.Apply(dst, src)
	noise := t.noise
	for c := range src.Channels {
		value := fillOf(t.value, c)
		for y := range t.height {
			at := (c*src.Height+t.top+y)*src.Width + t.left
			switch {
			case !src.Float:
				for x := range t.width {
					dst.Bytes[at+x] = byte(value)
				}
			case noise != nil:
				noise = noise[copy(dst.Floats[at:at+t.width], noise):]
			default:
				for x := range t.width {
					dst.Floats[at+x] = value
				}
			}
		}
	}
}
