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

// A shape is a way to write a digit: strokes of points, each of which may be
// anywhere in a range.
type shape struct {
	label   byte
	strokes [][]spot
}

// A spot is where a point is, in a unit square, and how far it may stray.
type spot struct{ x, y, dx, dy float64 }

// shapes are how digits are written in much of Europe: ones with a long upstroke,
// sevens with a bar, open fours, nines whose tail curls.
var shapes = []shape{
	// One: an upstroke, a stem; with a foot or without.
	{1, [][]spot{{{0, 0.5, 0.45, 0.25}, {0.6, 0, 0.06, 0}, {0.45, 1, 0.25, 0}}}},
	{1, [][]spot{{{0, 0.45, 0.35, 0.2}, {0.85, 0, 0.12, 0}, {0.35, 1, 0.25, 0}}}},
	{1, [][]spot{{{0.2, 0.35, 0.2, 0.15}, {0.6, 0, 0.06, 0}, {0.5, 1, 0.12, 0}}, {{0.2, 1, 0.15, 0.04}, {0.85, 0.98, 0.15, 0.04}}}},
	// Seven: a roof with a corner, a round one, and all in one stroke.
	{7, [][]spot{{{0.05, 0.1, 0.1, 0.1}, {0.85, 0.03, 0.1, 0.03}, {0.35, 1, 0.2, 0}}, {{0.2, 0.52, 0.15, 0.12}, {0.85, 0.48, 0.15, 0.12}}}},
	{7, [][]spot{{{0.05, 0.15, 0.08, 0.1}, {0.3, 0.03, 0.1, 0.03}, {0.8, 0.03, 0.08, 0.03}, {0.6, 0.45, 0.08, 0.06}, {0.4, 1, 0.2, 0}}, {{0.15, 0.6, 0.12, 0.12}, {0.85, 0.55, 0.15, 0.12}}}},
	{7, [][]spot{{{0.05, 0.15, 0.08, 0.1}, {0.3, 0.03, 0.1, 0.03}, {0.8, 0.03, 0.08, 0.03}, {0.6, 0.45, 0.08, 0.06}, {0.35, 1, 0.15, 0}, {0.1, 0.65, 0.1, 0.1}, {0.85, 0.58, 0.15, 0.1}}}},
	// Four, open at the top: cornered, with a low bar, and with a round belly.
	{4, [][]spot{{{0.35, 0, 0.12, 0.04}, {0.1, 0.55, 0.08, 0.08}, {0.9, 0.55, 0.1, 0.08}}, {{0.65, 0.3, 0.08, 0.12}, {0.55, 1, 0.12, 0}}}},
	{4, [][]spot{{{0.4, 0, 0.2, 0.02}, {0.12, 0.72, 0.1, 0.08}, {0.9, 0.68, 0.1, 0.1}}, {{0.6, 0.45, 0.1, 0.12}, {0.52, 1, 0.12, 0}}}},
	{4, [][]spot{{{0.5, 0, 0.2, 0.02}, {0.25, 0.35, 0.1, 0.08}, {0.12, 0.68, 0.08, 0.06}, {0.4, 0.74, 0.08, 0.04}, {0.85, 0.62, 0.1, 0.08}}, {{0.65, 0.35, 0.1, 0.15}, {0.5, 1, 0.12, 0}}}},
	{4, [][]spot{{{0.4, 0, 0.12, 0.04}, {0.3, 0.25, 0.08, 0.05}, {0.15, 0.6, 0.08, 0.1}, {0.75, 0.6, 0.1, 0.1}, {0.6, 0.4, 0.08, 0.08}, {0.55, 1, 0.1, 0}}}},
	// Nine: a round head, and a small one with a long tail.
	{9, [][]spot{{{0.75, 0.12, 0.08, 0.05}, {0.4, 0, 0.06, 0.03}, {0.15, 0.25, 0.08, 0.05}, {0.45, 0.45, 0.08, 0.06}, {0.75, 0.15, 0.05, 0.05}, {0.78, 0.6, 0.06, 0.08}, {0.55, 0.97, 0.08, 0.03}, {0.15, 0.88, 0.12, 0.08}}}},
	{9, [][]spot{{{0.72, 0.12, 0.08, 0.06}, {0.5, 0, 0.08, 0.02}, {0.25, 0.15, 0.08, 0.05}, {0.4, 0.32, 0.08, 0.05}, {0.68, 0.2, 0.06, 0.05}, {0.75, 0.45, 0.06, 0.08}, {0.78, 0.72, 0.06, 0.08}, {0.5, 0.99, 0.1, 0.02}, {0.08, 0.88, 0.15, 0.08}}}},
}

// draw draws the shape as EMNIST's pictures are made, distorted, and lying as they
// lie.
func (s *shape) draw(r *rand.Rand) ([]byte, error) {
	around := func(by float64) float64 { return by * (2*r.Float64() - 1) }
	width := 0.3 + 0.6*r.Float64()
	var d sketch.Drawing
	for _, spots := range s.strokes {
		var stroke sketch.Stroke
		for _, p := range spots {
			stroke = append(stroke, sketch.Point{X: width * (p.x + around(p.dx)), Y: p.y + around(p.dy)})
		}
		d.Strokes = append(d.Strokes, stroke)
	}
	result, err := sketch.FromStrokes(d, sketch.EMNIST)
	if err != nil {
		return nil, err
	}
	lying := make([]byte, size)
	for i, v := range result.Pixels {
		lying[i%sketch.Size*sketch.Size+i/sketch.Size] = v
	}
	return distort(r, lying), nil
}
