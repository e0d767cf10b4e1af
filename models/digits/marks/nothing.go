package main

import (
	"image"
	"math"
	"math/rand/v2"

	"inkling/models/digits/internal/vary"
	"inkling/sketch"
)

// A kind is a kind of marks that are no digits.
type kind struct {
	name string
	many int // to train on
	add  func(r *rand.Rand, to *set, drawings []sketch.Labelled, written []*set) error
}

var kinds = []kind{
	{"scribbles", 60_000, scribbled},
	{"shapes", 25_000, shaped},
	{"crossed out", 25_000, crossedOut},
	{"two digits, drawn", 40_000, twoDrawn},
	{"two digits, written", 40_000, twoWritten},
}

// nothing adds marks of all kinds.
func nothing(r *rand.Rand, to *set, drawings []sketch.Labelled, written []*set) error {
	for _, k := range kinds {
		for range k.many {
			if err := k.add(r, to, drawings, written); err != nil {
				return err
			}
		}
	}
	return nil
}

func between(r *rand.Rand, low, high float64) float64 { return low + r.Float64()*(high-low) }

// scribbled adds a line that wanders, goes to and fro, or round and round, or several.
func scribbled(r *rand.Rand, to *set, _ []sketch.Labelled, _ []*set) error {
	var strokes []sketch.Stroke
	switch r.IntN(4) {
	case 0: // wandering
		for range 1 + r.IntN(3) {
			var s sketch.Stroke
			x, y, angle := between(r, 0, 100), between(r, 0, 100), between(r, 0, 2*math.Pi)
			turn := between(r, 0.4, 1.1)
			for range 40 + r.IntN(90) {
				angle += turn * r.NormFloat64()
				x, y = x+6*math.Cos(angle), y+6*math.Sin(angle)
				// Back to the middle.
				x, y = x+0.03*(50-x), y+0.03*(50-y)
				s = append(s, sketch.Point{X: x, Y: y})
			}
			strokes = append(strokes, s)
		}
	case 1: // to and fro
		var s sketch.Stroke
		n := 5 + r.IntN(14)
		tilt, long, step := between(r, 0, math.Pi), between(r, 40, 120), between(r, 2, 14)
		sin, cos := math.Sincos(tilt)
		for i := range n {
			u, v := long*(float64(i%2)-0.5)+0.12*long*r.NormFloat64(), step*float64(i)+2*r.NormFloat64()
			s = append(s, sketch.Point{X: cos*u - sin*v, Y: sin*u + cos*v})
		}
		strokes = append(strokes, s)
	case 2: // round and round
		var s sketch.Stroke
		turns := between(r, 2.2, 7)
		wide, high, drift := between(r, 15, 50), between(r, 15, 50), between(r, -14, 14)
		shrink := between(r, -0.12, 0.12)
		for i := range int(turns * 16) {
			a := float64(i) * 2 * math.Pi / 16
			f := 1 + shrink*a/math.Pi/2 + 0.05*r.NormFloat64()
			s = append(s, sketch.Point{X: f*wide*math.Cos(a) + drift*a/math.Pi, Y: f * high * math.Sin(a)})
		}
		strokes = append(strokes, s)
	case 3: // many short lines
		for range 4 + r.IntN(9) {
			x, y := between(r, 0, 100), between(r, 0, 100)
			s := sketch.Stroke{{X: x, Y: y}}
			for range 1 + r.IntN(3) {
				x, y = x+30*r.NormFloat64(), y+30*r.NormFloat64()
				s = append(s, sketch.Point{X: x, Y: y})
			}
			strokes = append(strokes, s)
		}
	}
	return to.draw(strokes, none)
}

// shaped adds a figure that has a name but is no digit: a polygon, a star, an arrow, a
// cross, a wave, a spiral, a heart, a dash, ticks.
func shaped(r *rand.Rand, to *set, _ []sketch.Labelled, _ []*set) error {
	var strokes []sketch.Stroke
	at := func(points ...float64) {
		var s sketch.Stroke
		for i := 0; i < len(points); i += 2 {
			s = append(s, sketch.Point{X: points[i], Y: points[i+1]})
		}
		strokes = append(strokes, s)
	}
	round := func(n int, radius func(i int) float64) {
		var s sketch.Stroke
		for i := range n + 1 {
			a := float64(i)*2*math.Pi/float64(n) - math.Pi/2
			s = append(s, sketch.Point{X: radius(i) * math.Cos(a), Y: radius(i) * math.Sin(a)})
		}
		strokes = append(strokes, s)
	}
	switch r.IntN(10) {
	case 0:
		n := 3 + r.IntN(3)
		round(n, func(int) float64 { return 50 })
	case 1:
		n := 4 + r.IntN(4)
		inner := between(r, 15, 28)
		round(2*n, func(i int) float64 { return []float64{50, inner}[i%2] })
	case 2: // arrow
		at(0, 0, 100, 0)
		at(70, -25, 100, 0, 70, 25)
	case 3: // cross
		at(0, 0, 80, 80)
		at(80, 0, 0, 80)
	case 4: // plus
		at(50, 0, 50, 100)
		at(0, 50, 100, 50)
	case 5: // wave
		var s sketch.Stroke
		waves := between(r, 1.5, 4)
		for i := range 60 {
			s = append(s, sketch.Point{X: float64(2 * i), Y: 20 * math.Sin(float64(i)/60*waves*2*math.Pi)})
		}
		strokes = append(strokes, s)
	case 6: // spiral
		var s sketch.Stroke
		turns := between(r, 2, 4)
		for i := range 80 {
			a := float64(i) / 80 * turns * 2 * math.Pi
			s = append(s, sketch.Point{X: a * math.Cos(a), Y: a * math.Sin(a)})
		}
		strokes = append(strokes, s)
	case 7: // heart
		var s sketch.Stroke
		for i := range 41 {
			a := float64(i) / 40 * 2 * math.Pi
			s = append(s, sketch.Point{X: 16 * math.Pow(math.Sin(a), 3), Y: -13*math.Cos(a) + 5*math.Cos(2*a) + 2*math.Cos(3*a)})
		}
		strokes = append(strokes, s)
	case 8: // dash, or two, or three
		for i := range 1 + r.IntN(3) {
			at(0, 30*float64(i), between(r, 60, 110), 30*float64(i))
		}
	case 9: // hatch, fence
		n := 3 + r.IntN(3)
		for i := range n {
			at(25*float64(i), 0, 25*float64(i), 80)
		}
		if r.IntN(2) == 0 {
			at(-10, 40, 25*float64(n), 40)
		}
	}
	return to.draw(vary.Strokes(r, shaken(r, strokes)), none)
}

// shaken puts points between those of strokes and moves all a little.
func shaken(r *rand.Rand, strokes []sketch.Stroke) []sketch.Stroke {
	var all []sketch.Stroke
	for _, s := range strokes {
		var more sketch.Stroke
		for i, p := range s {
			if i > 0 {
				for k := 1; k < 8; k++ {
					t := float64(k) / 8
					more = append(more, sketch.Point{X: s[i-1].X + t*(p.X-s[i-1].X), Y: s[i-1].Y + t*(p.Y-s[i-1].Y)})
				}
			}
			more = append(more, p)
		}
		all = append(all, more)
	}
	return all
}

// extent is the box round strokes.
func extent(strokes []sketch.Stroke) (left, top, right, bottom float64) {
	left, top, right, bottom = math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)
	for _, s := range strokes {
		for _, p := range s {
			left, right, top, bottom = min(left, p.X), max(right, p.X), min(top, p.Y), max(bottom, p.Y)
		}
	}
	return left, top, right, bottom
}

// crossedOut adds a digit with two lines or more across it, or a zigzag.
func crossedOut(r *rand.Rand, to *set, drawings []sketch.Labelled, _ []*set) error {
	strokes := vary.Strokes(r, drawings[r.IntN(len(drawings))].Strokes)
	left, top, right, bottom := extent(strokes)
	width, height := max(right-left, 0.4*(bottom-top)), bottom-top
	place := func(u, v float64) sketch.Point {
		return sketch.Point{X: (left+right)/2 + (u-0.5)*width*1.3 + 0.05*height*r.NormFloat64(), Y: top + v*height + 0.05*height*r.NormFloat64()}
	}
	switch r.IntN(3) {
	case 0: // crossed
		strokes = append(strokes, sketch.Stroke{place(0, 0), place(1, 1)}, sketch.Stroke{place(1, 0), place(0, 1)})
	case 1: // lines
		for range 2 + r.IntN(3) {
			v := between(r, 0.1, 0.9)
			strokes = append(strokes, sketch.Stroke{place(-0.1, v+0.1), place(1.1, v-0.1)})
		}
	case 2: // zigzag
		var s sketch.Stroke
		n := 5 + r.IntN(8)
		for i := range n {
			s = append(s, place(float64(i%2), (float64(i)+0.5)/float64(n)))
		}
		strokes = append(strokes, s)
	}
	return to.draw(strokes, none)
}

// twoDrawn adds two digits side by side, and now and then three.
func twoDrawn(r *rand.Rand, to *set, drawings []sketch.Labelled, _ []*set) error {
	var all []sketch.Stroke
	at := 0.0
	for range 2 + r.IntN(5)/4 {
		strokes := vary.Strokes(r, drawings[r.IntN(len(drawings))].Strokes)
		left, top, right, bottom := extent(strokes)
		scale := between(r, 85, 115) / max(bottom-top, 1)
		shift := between(r, -8, 8)
		for _, s := range strokes {
			var moved sketch.Stroke
			for _, p := range s {
				moved = append(moved, sketch.Point{X: at + scale*(p.X-left), Y: shift + scale*(p.Y-top)})
			}
			all = append(all, moved)
		}
		at += scale*(right-left) + between(r, -6, 25)
	}
	return to.draw(all, none)
}

// twoWritten adds two of EMNIST's digits side by side.
func twoWritten(r *rand.Rand, to *set, _ []sketch.Labelled, written []*set) error {
	const canvas = 2 * sketch.Size
	var wide [canvas * canvas]byte
	at := 2
	for range 2 {
		s := written[r.IntN(len(written))]
		picture := s.pixels[r.IntN(len(s.labels))*size:][:size]
		left, right := sketch.Size, 0
		for i, v := range picture {
			if v >= 64 {
				left, right = min(left, i%sketch.Size), max(right, i%sketch.Size+1)
			}
		}
		down := sketch.Size/2 + r.IntN(5) - 2
		for y := range sketch.Size {
			for x := left; x < right; x++ {
				if to := at + x - left; to < canvas {
					i := (y+down)*canvas + to
					wide[i] = max(wide[i], picture[y*sketch.Size+x])
				}
			}
		}
		at += right - left + r.IntN(6) - 1
	}
	made, err := squeezed(wide[:], canvas)
	if err == nil && made != nil {
		to.add(made, none)
	}
	return err
}

// squeezed makes the network's picture of light ink on a square canvas.
func squeezed(pixels []byte, side int) ([]byte, error) {
	img := &image.Gray{Pix: pixels, Stride: side, Rect: image.Rect(0, 0, side, side)}
	result, err := sketch.FromPicture(img, sketch.EMNIST, sketch.LightInk)
	if err != nil || result.Empty {
		return nil, err
	}
	return result.Pixels[:], nil
}
