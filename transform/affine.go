package transform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// Affine turns, scales and shears a picture around its middle and then moves it,
// as torchvision.transforms.functional.affine does. Its size stays. Go's sines and
// tangents may differ from C's in the last bit, and one mixed byte in some 100,000
// by 1.
type Affine struct {
	Angle      float64    // degrees, clockwise
	TranslateX float64    // samples to the right
	TranslateY float64    // samples down
	Scale      float64    // 0 means 1
	Shear      [2]float64 // degrees along x and along y

	Interpolation Interpolation // Nearest (as it is when not set), Bilinear or Bicubic
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format.
func (t Affine) Format(in Format) (Format, error) {
	err := cmp.Or(
		wantBytes("Affine", in),
		checkFinite("Affine", "Angle", t.Angle),
		checkFinite("Affine", "Translate", t.TranslateX, t.TranslateY),
		checkFinite("Affine", "Shear", t.Shear[0], t.Shear[1]),
		t.Interpolation.check("Affine", Bicubic),
		checkFill("Affine", "Fill", t.Fill, in),
	)
	if err == nil && !(t.Scale >= 0 && !math.IsInf(t.Scale, 0)) {
		err = fmt.Errorf("the Scale of Affine is %v: give a positive number", t.Scale)
	}
	return in, err
}

// Apply warps every channel.
func (t Affine) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Affine) expand(in Format) []Transform {
	return warpSteps(in, &warp{t.project(in), in.Height, in.Width, t.Interpolation.or(Nearest), t.Fill})
}

// project returns the inverse of the motion: where the samples come from.
func (t Affine) project(in Format) projection {
	const radians = math.Pi / 180
	scale := t.Scale
	if scale == 0 {
		scale = 1
	}
	sin, cos := math.Sincos(t.Angle * radians)
	sinY, cosY := math.Sincos(t.Angle*radians - t.Shear[1]*radians)
	tanX := math.Tan(t.Shear[0] * radians)
	cosShear := math.Cos(t.Shear[1] * radians)
	a, c := cosY/cosShear, sinY/cosShear
	b, d := -cosY*tanX/cosShear-sin, -sinY*tanX/cosShear+cos

	middleX, middleY := float64(in.Width)/2, float64(in.Height)/2
	p := projection{d / scale, -b / scale, 0, -c / scale, a / scale, 0}
	p[2], p[5] = p.at(-middleX-t.TranslateX, -middleY-t.TranslateY)
	p[2] += middleX
	p[5] += middleY
	return p
}

// RandomRotation turns a picture around its middle by a random angle.
type RandomRotation struct {
	Degrees       Range         // the angles, counter-clockwise
	Interpolation Interpolation // Nearest (as it is when not set), Bilinear or Bicubic
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format.
func (t RandomRotation) Format(in Format) (Format, error) {
	if err := t.Degrees.check("RandomRotation", "Degrees", -maxAngle, maxAngle); err != nil {
		return Format{}, err
	}
	if err := wantBytes("RandomRotation", in); err != nil {
		return Format{}, err
	}
	return t.rotate(0).Format(in)
}

// maxAngle is the largest angle to draw, in degrees.
const maxAngle = 360

func (t RandomRotation) rotate(angle float64) Rotate {
	return Rotate{Angle: angle, Interpolation: t.Interpolation, Fill: t.Fill}
}

// Draw returns a Rotate.
func (t RandomRotation) Draw(r *rand.Rand, _ Format) Transform { return t.rotate(t.Degrees.draw(r)) }

// Apply panics: the step is random.
func (t RandomRotation) Apply(_, _ *Picture) { noChance(t) }

// RandomAffine turns, moves, scales and shears a picture at random, as
// torchvision.transforms.RandomAffine.
type RandomAffine struct {
	Degrees   Range      // the angles, clockwise
	Translate [2]float64 // how far at most, as a share of the width and of the height
	Scale     Range      // the zero value means 1
	ShearX    Range      // degrees along x
	ShearY    Range      // degrees along y

	Interpolation Interpolation // Nearest (as it is when not set), Bilinear or Bicubic
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format. Angles are from -360 to 360, shears
// from -89 to 89 and shares from 0 to 1.
func (t RandomAffine) Format(in Format) (Format, error) {
	err := cmp.Or(
		t.Degrees.check("RandomAffine", "Degrees", -maxAngle, maxAngle),
		checkWithin("RandomAffine", "Translate", t.Translate[0], 0, 1),
		checkWithin("RandomAffine", "Translate", t.Translate[1], 0, 1),
		t.Scale.or(Range{1, 1}).check("RandomAffine", "Scale", 1e-3, 1e3),
		t.ShearX.check("RandomAffine", "ShearX", -89, 89),
		t.ShearY.check("RandomAffine", "ShearY", -89, 89),
	)
	if err != nil {
		return Format{}, err
	}
	return Affine{Interpolation: t.Interpolation, Fill: t.Fill}.Format(in)
}

// Draw returns an Affine that moves by whole samples.
func (t RandomAffine) Draw(r *rand.Rand, in Format) Transform {
	return Affine{
		Angle:         t.Degrees.draw(r),
		TranslateX:    math.RoundToEven(around(0, t.Translate[0]*float64(in.Width)).draw(r)),
		TranslateY:    math.RoundToEven(around(0, t.Translate[1]*float64(in.Height)).draw(r)),
		Scale:         t.Scale.or(Range{1, 1}).draw(r),
		Shear:         [2]float64{t.ShearX.draw(r), t.ShearY.draw(r)},
		Interpolation: t.Interpolation,
		Fill:          t.Fill,
	}
}

// Apply panics: the step is random.
func (t RandomAffine) Apply(_, _ *Picture) { noChance(t) }
