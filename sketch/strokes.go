package sketch

import (
	"fmt"
	"math"

	"inkling/internal/wording"
)

// check refuses drawings that would be too much work, or whose coordinates cannot
// be computed with.
func (d *Drawing) check() error {
	if len(d.Strokes) > MaxStrokes {
		return fmt.Errorf("the drawing has %s, want %d at most", wording.Number(len(d.Strokes), "stroke"), MaxStrokes)
	}
	points := 0
	for _, s := range d.Strokes {
		points += len(s)
	}
	if points > MaxPoints {
		return fmt.Errorf("the drawing has %s, want %d at most", wording.Number(points, "point"), MaxPoints)
	}
	for i, s := range d.Strokes {
		for k, p := range s {
			// Written so that it is true of what is not a number, too.
			if !(math.Abs(p.X) <= MaxCoordinate && math.Abs(p.Y) <= MaxCoordinate) {
				return fmt.Errorf("point %d of stroke %d is at %v, %v, want numbers from %v to %v", k+1, i+1, p.X, p.Y, -MaxCoordinate, MaxCoordinate)
			}
		}
	}
	for _, f := range []struct {
		name  string
		value float64
	}{{"width of the pad", d.Width}, {"height of the pad", d.Height}, {"width of the brush", d.BrushWidth}} {
		if !(f.value >= 0 && f.value <= MaxCoordinate) {
			return fmt.Errorf("the %s is %v, want a number from 0 (unknown) to %v", f.name, f.value, MaxCoordinate)
		}
	}
	return nil
}

// A box is a rectangle that holds all points of a drawing.
type box struct{ left, top, right, bottom float64 }

func (b box) width() float64  { return b.right - b.left }
func (b box) height() float64 { return b.bottom - b.top }
func (b box) side() float64   { return max(b.width(), b.height()) }

// bounds returns the box round all points, and whether there are any.
func (d *Drawing) bounds() (b box, found bool) {
	b = box{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
	for _, s := range d.Strokes {
		for _, p := range s {
			b.left, b.right = min(b.left, p.X), max(b.right, p.X)
			b.top, b.bottom = min(b.top, p.Y), max(b.bottom, p.Y)
			found = true
		}
	}
	return b, found
}

// pad returns the rectangle that was drawn on, for a drawing with points inside
// ink.
func (d *Drawing) pad(ink box) box {
	if d.Width > 0 && d.Height > 0 {
		return box{0, 0, d.Width, d.Height}
	}
	const margin = 0.1
	half := ink.side() * (0.5 + margin)
	if half == 0 {
		half = 1 // one point: any pad will do
	}
	x, y := (ink.left+ink.right)/2, (ink.top+ink.bottom)/2
	return box{x - half, y - half, x + half, y + half}
}

// brushWidth returns the width of the lines as they were on the pad.
func (d *Drawing) brushWidth(pad box) float64 {
	if d.BrushWidth > 0 {
		return d.BrushWidth
	}
	return pad.side() / 32
}

// A placement says where on the canvas a point of the drawing lies: at
// (x*scaleX + shiftX, y*scaleY + shiftY).
type placement struct{ scaleX, scaleY, shiftX, shiftY float64 }

func (at placement) point(p Point) vector {
	return vector{p.X*at.scaleX + at.shiftX, p.Y*at.scaleY + at.shiftY}
}

// centred places a box so that its longer side is so long and its middle is the
// middle of the canvas.
func centred(b box, side float64) placement {
	scale := side / b.side()
	return placement{scale, scale,
		canvasSize/2 - scale*(b.left+b.right)/2,
		canvasSize/2 - scale*(b.top+b.bottom)/2}
}

// evenly is a pen's width that does not depend on the pressure.
func evenly(Point) float64 { return 1 }

// pressed is how wide a pen's line is, as a share of the brush's width: half of
// it without pressure, and half as much again when pressed fully. A mouse, which
// has pressure 0.5, draws lines of the brush's own width, and so does what knows of
// no pressure. The page paints the pad so.
func pressed(p Point) float64 {
	if p.Pressure > 0 {
		return 0.5 + min(p.Pressure, 1)
	}
	return 1
}

// draw draws the strokes on the canvas with a round pen of the given radius times
// the pen's width at each point.
func (c *canvas) draw(strokes []Stroke, at placement, radius float64, width func(Point) float64) {
	for _, s := range strokes {
		c.stroke(s, at, radius, width)
	}
}

// stroke draws a smooth line through the points of a stroke.
//
// The line is a Catmull-Rom spline, with the tangents of the centripetal
// parametrisation (Yuksel, Schaefer and Keyser 2011, "Parameterization and
// applications of Catmull-Rom curves"), which makes no loops where points are
// unevenly far apart. At a sharp corner the tangent is zero, so that the corner
// stays one.
func (c *canvas) stroke(s Stroke, at placement, radius float64, width func(Point) float64) {
	// Points closer than this cannot be told apart in the result.
	const closest = 0.5
	if len(s) == 0 {
		return
	}
	points := c.points[:0]
	for i, p := range s {
		v := passed{at.point(p), radius * width(p)}
		if n := len(points); n > 0 && v.at.minus(points[n-1].at).length() < closest {
			if i == len(s)-1 && n > 1 {
				points[n-1] = v // the end stays where it is
			}
			continue
		}
		points = append(points, v)
	}
	c.points = points

	if len(points) == 1 {
		c.line(points[0].at, points[0].at, points[0].radius)
		return
	}
	var from vector // the tangent where the piece begins, for a parameter of length
	for i, p := range points[:len(points)-1] {
		q := points[i+1]
		var to vector
		if i+2 < len(points) {
			to = tangent(p.at, q.at, points[i+2].at)
		}
		c.curve(p.at, q.at, from, to, (p.radius+q.radius)/2)
		from = to
	}
}

// tangent returns the direction of the curve at b, as long as the curve there
// moves while the parameter, which is the root of the length, runs by 1.
func tangent(a, b, c vector) vector {
	before, after := b.minus(a), c.minus(b)
	lengthBefore, lengthAfter := before.length(), after.length()
	// The cosine of an angle of 75 degrees.
	const sharp = 0.26
	if lengthBefore == 0 || lengthAfter == 0 || before.dot(after) < sharp*lengthBefore*lengthAfter {
		return vector{}
	}
	t0, t1 := math.Sqrt(lengthBefore), math.Sqrt(lengthAfter)
	across := c.minus(a)
	return before.times(1 / t0).plus(after.times(1 / t1)).minus(across.times(1 / (t0 + t1)))
}

// curve draws the cubic from p to q with the tangents there, in pieces that are
// short enough to look round. A tangent of zero is one along the chord.
func (c *canvas) curve(p, q, from, to vector, radius float64) {
	const longest = 3.0
	chord := q.minus(p)
	length := chord.length()
	pieces := min(int(math.Ceil(length/longest)), 2*canvasSize)
	if pieces <= 1 || from == (vector{}) && to == (vector{}) {
		c.line(p, q, radius)
		return
	}
	t := math.Sqrt(length)
	m0, m1 := from.times(t), to.times(t)
	if from == (vector{}) {
		m0 = chord
	}
	if to == (vector{}) {
		m1 = chord
	}
	last := p
	for i := 1; i < pieces; i++ {
		u := float64(i) / float64(pieces)
		u2, u3 := u*u, u*u*u
		next := p.times(2*u3 - 3*u2 + 1).plus(m0.times(u3 - 2*u2 + u)).plus(q.times(3*u2 - 2*u3)).plus(m1.times(u3 - u2))
		c.line(last, next, radius)
		last = next
	}
	c.line(last, q, radius)
}
