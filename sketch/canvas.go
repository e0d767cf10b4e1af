package sketch

import (
	"image"
	"math"
	"sync"
)

const (
	// detail is how many pixels of the canvas become one of the result, in
	// each direction.
	detail = 3
	// canvasSize is the width and the height of the canvas.
	canvasSize = detail * Size
)

// A canvas is where ink is put before it is made small: its pixels say how much
// of them is covered, from 0 to 1.
type canvas struct {
	pix    [canvasSize * canvasSize]float32
	points []passed // of the stroke that is drawn
}

// passed is a place on the canvas that the pen passes, and the pen's radius there.
type passed struct {
	at     vector
	radius float64
}

var canvases = sync.Pool{New: func() any { return new(canvas) }}

// newCanvas returns an empty canvas. It should be given back with free.
func newCanvas() *canvas {
	c := canvases.Get().(*canvas)
	clear(c.pix[:])
	return c
}

func (c *canvas) free() {
	const mostPoints = 4096 // more than this is not worth keeping
	if cap(c.points) > mostPoints {
		c.points = nil
	}
	canvases.Put(c)
}

func (c *canvas) row(y int) []float32 { return c.pix[y*canvasSize : (y+1)*canvasSize] }

// image returns the canvas as a picture.
func (c *canvas) image() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, canvasSize, canvasSize))
	for i, v := range c.pix {
		img.Pix[i] = level(v)
	}
	return img
}

// level returns the byte for a coverage, which may be beyond 0 to 1.
func level(v float32) byte { return byte(min(max(255*v+0.5, 0), 255)) }

// line draws a line from a to b with round ends: all points that are not farther
// than the radius from it. A pixel at the edge is covered by the share that the
// edge, were it straight and upright, would leave. Where lines meet, the larger
// coverage counts, so that joints are round and no darker than the rest.
func (c *canvas) line(a, b vector, radius float64) {
	reach := radius + 0.5
	top, bottom := reachable(min(a.y, b.y)-reach, max(a.y, b.y)+reach)
	along := b.minus(a)
	squared := along.dot(along)
	var per float64 // one over the square of the length
	if squared > 0 {
		per = 1 / squared
	}
	inner := max(radius-0.5, 0)
	for y := top; y < bottom; y++ {
		py := float64(y) + 0.5
		// The part of the line that lies within reach of the row.
		t0, t1 := 0.0, 1.0
		if along.y != 0 {
			u, v := (py-reach-a.y)/along.y, (py+reach-a.y)/along.y
			t0, t1 = max(t0, min(u, v)), min(t1, max(u, v))
		}
		if t0 > t1 {
			continue
		}
		x0, x1 := a.x+t0*along.x, a.x+t1*along.x
		left, right := reachable(min(x0, x1)-reach, max(x0, x1)+reach)
		row := c.row(y)
		dy := py - a.y
		for x := left; x < right; x++ {
			if row[x] == 1 {
				continue // another piece of the line has been here
			}
			dx := float64(x) + 0.5 - a.x
			t := min(max((dx*along.x+dy*along.y)*per, 0), 1)
			ex, ey := dx-t*along.x, dy-t*along.y
			d := ex*ex + ey*ey
			switch {
			case d >= reach*reach:
			case d <= inner*inner:
				row[x] = 1
			default:
				row[x] = max(row[x], float32(min(reach-math.Sqrt(d), 1)))
			}
		}
	}
}

// reachable returns the pixels of the canvas, first and past the last, whose
// middles lie from low to high.
func reachable(low, high float64) (first, end int) {
	return int(min(max(math.Ceil(low-0.5), 0), canvasSize)), int(min(max(math.Floor(high-0.5)+1, 0), canvasSize))
}

type vector struct{ x, y float64 }

func (a vector) plus(b vector) vector   { return vector{a.x + b.x, a.y + b.y} }
func (a vector) minus(b vector) vector  { return vector{a.x - b.x, a.y - b.y} }
func (a vector) times(f float64) vector { return vector{f * a.x, f * a.y} }
func (a vector) dot(b vector) float64   { return a.x*b.x + a.y*b.y }
func (a vector) length() float64        { return math.Sqrt(a.dot(a)) }
