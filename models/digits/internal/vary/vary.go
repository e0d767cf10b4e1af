// Package vary makes pictures and drawings of digits a little different, as another hand
// would have written them.
package vary

import (
	"image"
	"math"
	"math/rand/v2"

	"inkling/sketch"
)

// Picture returns a picture that was turned by up to 12 degrees, slanted by up to
// 0.25, made up to a quarter narrower or wider, and then scaled and centred so that
// its ink fills 21.5 to 24 pixels again, as EMNIST's does.
func Picture(r *rand.Rand, picture []byte) []byte {
	between := func(low, high float64) float64 { return low + r.Float64()*(high-low) }
	turn, slant, stretch := between(-12, 12)*math.Pi/180, between(-0.25, 0.25), math.Exp(between(-0.22, 0.22))
	sin, cos := math.Sincos(turn)
	// Lying pictures are slanted along y.
	a, b := cos, -sin*stretch+cos*slant*stretch
	c, d := sin, cos*stretch+sin*slant*stretch

	// Where the ink comes to lie.
	const ink = 64
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for i, v := range picture {
		if v < ink {
			continue
		}
		x, y := float64(i%sketch.Size)+0.5, float64(i/sketch.Size)+0.5
		u, w := a*x+b*y, c*x+d*y
		left, right, top, bottom = min(left, u), max(right, u), min(top, w), max(bottom, w)
	}
	if left > right {
		return picture
	}
	scale := between(20.5, 23) / max(right-left, bottom-top, 1)
	a, b, c, d = scale*a, scale*b, scale*c, scale*d
	middleX, middleY := scale*(left+right)/2, scale*(top+bottom)/2

	out := make([]byte, sketch.Size*sketch.Size)
	determinant := a*d - b*c
	for i := range out {
		u := float64(i%sketch.Size) + 0.5 - sketch.Size/2 + middleX
		w := float64(i/sketch.Size) + 0.5 - sketch.Size/2 + middleY
		out[i] = sample(picture, (d*u-b*w)/determinant-0.5, (a*w-c*u)/determinant-0.5)
	}
	return out
}

// sample returns the brightness between pixels, by bilinear interpolation.
func sample(picture []byte, x, y float64) byte {
	x0, y0 := math.Floor(x), math.Floor(y)
	fx, fy := x-x0, y-y0
	at := func(dx, dy int) float64 {
		p := image.Pt(int(x0)+dx, int(y0)+dy)
		if !p.In(image.Rect(0, 0, sketch.Size, sketch.Size)) {
			return 0
		}
		return float64(picture[p.Y*sketch.Size+p.X])
	}
	return byte((1-fy)*((1-fx)*at(0, 0)+fx*at(1, 0)) + fy*((1-fx)*at(0, 1)+fx*at(1, 1)) + 0.5)
}

// Strokes returns strokes as another hand and another tablet would have them: turned
// by up to 12 degrees, slanted by up to 0.25, up to a quarter narrower or wider, every
// point a little astray, and only each second to sixth of them or all.
func Strokes(r *rand.Rand, strokes []sketch.Stroke) []sketch.Stroke {
	between := func(low, high float64) float64 { return low + r.Float64()*(high-low) }
	sin, cos := math.Sincos(between(-12, 12) * math.Pi / 180)
	slant, stretch := between(-0.25, 0.25), math.Exp(between(-0.22, 0.22))
	stray, each := between(0, 0.012)*side(strokes), 1+r.IntN(6)
	rewritten := make([]sketch.Stroke, len(strokes))
	for i, s := range strokes {
		for j, p := range s {
			if j%each != 0 && j != len(s)-1 {
				continue
			}
			x, y := p.X+stray*r.NormFloat64(), p.Y+stray*r.NormFloat64()
			x = stretch * (x + slant*y)
			rewritten[i] = append(rewritten[i], sketch.Point{X: cos*x - sin*y, Y: sin*x + cos*y})
		}
	}
	return rewritten
}

// side is the longer side of a box round the strokes.
func side(strokes []sketch.Stroke) float64 {
	left, top, right, bottom := math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range strokes {
		for _, p := range s {
			left, right, top, bottom = min(left, p.X), max(right, p.X), min(top, p.Y), max(bottom, p.Y)
		}
	}
	return max(right-left, bottom-top, 0)
}
