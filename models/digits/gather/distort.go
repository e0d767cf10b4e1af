package main

import (
	"image"
	"math"
	"math/rand/v2"

	"inkling/sketch"
)

// distort returns a picture that was turned by up to 12 degrees, slanted by up to
// 0.25, made up to a quarter narrower or wider, and then scaled and centred so that
// its ink fills 21.5 to 24 pixels again, as EMNIST's does.
func distort(r *rand.Rand, picture []byte) []byte {
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

	out := make([]byte, size)
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
