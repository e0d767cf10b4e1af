package transform

import (
	"cmp"
	"fmt"
	"math"
	"math/rand/v2"
)

// Corners are four points of a picture, each a column and a row: upper left,
// upper right, lower right, lower left.
type Corners [4][2]float64

// Perspective moves four points of a picture to four others and the rest as a
// plane seen in perspective, as torchvision.transforms.functional.perspective does
// since torchvision 0.18. Older ones found the projection in float32, with 5 digits
// right, so that one byte in some 700 differs.
type Perspective struct {
	Start, End Corners

	Interpolation Interpolation // Nearest, Bilinear (as it is when not set) or Bicubic
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format. No three of the points may lie on one
// line.
func (t Perspective) Format(in Format) (Format, error) {
	err := cmp.Or(
		wantBytes("Perspective", in),
		t.Interpolation.check("Perspective", Bicubic),
		checkFill("Perspective", "Fill", t.Fill, in),
	)
	if _, ok := project(t.End, t.Start); err == nil && !ok {
		err = fmt.Errorf("no perspective takes %v to %v: give four points of which no three lie on one line", t.Start, t.End)
	}
	return in, err
}

// Apply warps every channel.
func (t Perspective) Apply(dst, src *Picture) { applyAll(t.expand(src.Format), dst, src) }

func (t Perspective) expand(in Format) []Transform {
	p, ok := project(t.End, t.Start)
	if !ok {
		panic("transform: Perspective between points that Format refuses")
	}
	for i := range p {
		p[i] = float64(float32(p[i])) // as torchvision
	}
	return warpSteps(in, &warp{p, in.Height, in.Width, t.Interpolation.or(Bilinear), t.Fill})
}

// project returns the projection that takes four points to four others, by
// elimination in the eight equations that they are.
func project(from, to Corners) (projection, bool) {
	var m [8][9]float64
	for i, f := range from {
		x, y, u, v := f[0], f[1], to[i][0], to[i][1]
		m[2*i] = [9]float64{x, y, 1, 0, 0, 0, -u * x, -u * y, u}
		m[2*i+1] = [9]float64{0, 0, 0, x, y, 1, -v * x, -v * y, v}
	}
	for k := range 8 {
		pivot := k
		for i := k + 1; i < 8; i++ {
			if math.Abs(m[i][k]) > math.Abs(m[pivot][k]) {
				pivot = i
			}
		}
		m[k], m[pivot] = m[pivot], m[k]
		if !(math.Abs(m[k][k]) > 1e-9) {
			return projection{}, false
		}
		for i := range 8 {
			if i == k {
				continue
			}
			factor := m[i][k] / m[k][k]
			for j := k; j < 9; j++ {
				m[i][j] -= float64(factor * m[k][j])
			}
		}
	}
	var p projection
	for k := range p {
		p[k] = m[k][8] / m[k][k]
		if math.IsNaN(p[k]) || math.IsInf(p[k], 0) {
			return projection{}, false
		}
	}
	return p, true
}

// RandomPerspective moves each corner of a picture a random way inwards, with
// the probability P, as torchvision.transforms.RandomPerspective.
type RandomPerspective struct {
	P float64 // 0 means 0.5

	// Distortion is how far at most, as a share of half the side. 0 means 0.5.
	Distortion float64

	Interpolation Interpolation // Nearest, Bilinear (as it is when not set) or Bicubic
	Fill          []float32     // what is seen where the picture does not reach, as in Rotate
}

// Format takes bytes and keeps the format. Distortion is from 0 to 1.
func (t RandomPerspective) Format(in Format) (Format, error) {
	return in, cmp.Or(
		checkWithin("RandomPerspective", "P", t.P, 0, 1),
		checkWithin("RandomPerspective", "Distortion", t.Distortion, 0, 1),
		wantBytes("RandomPerspective", in),
		t.Interpolation.check("RandomPerspective", Bicubic),
		checkFill("RandomPerspective", "Fill", t.Fill, in),
	)
}

// Draw returns a Perspective, or a step that does nothing. A picture whose
// corners have no room to move stays as it is.
func (t RandomPerspective) Draw(r *rand.Rand, in Format) Transform {
	if !happens(r, t.P) {
		return Compose{}
	}
	distortion := t.Distortion
	if distortion == 0 {
		distortion = 0.5
	}
	right, bottom := float64(in.Width-1), float64(in.Height-1)
	mostX, mostY := int(distortion*float64(in.Width/2)), int(distortion*float64(in.Height/2))
	start := Corners{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}}
	end := start
	for i, corner := range start {
		dx, dy := float64(r.IntN(mostX+1)), float64(r.IntN(mostY+1))
		if corner[0] > 0 {
			dx = -dx
		}
		if corner[1] > 0 {
			dy = -dy
		}
		end[i][0] += dx
		end[i][1] += dy
	}
	if _, ok := project(end, start); !ok {
		return Compose{}
	}
	return Perspective{start, end, t.Interpolation, t.Fill}
}

// Apply panics: the step is random.
func (t RandomPerspective) Apply(_, _ *Picture) { noChance(t) }
