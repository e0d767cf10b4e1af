package sketch

import (
	"image"
	"math"
	"slices"
)

// How large the ink is, pen included, how wide the pen and, for EMNIST, the sigma of
// the blur, in pixels of the result.
//
// They were chosen so that drawings look like the data sets do. TestLikeness takes
// 1,000 test pictures of each and 1,000 of the UCI pen digits and compares medians
// of the mean level (0 to 255), of the thickness of the lines (twice the ink over
// the sum of the slopes, in pixels), of the longer side of what is at least 64, and
// of the share of inked pixels that are 250 or more:
//
//	                 level  thickness  longer side  saturated
//	EMNIST            43.5       2.87           24       0.17
//	drawn as EMNIST   43.1       2.86           24       0.14
//	MNIST             32.7       2.38           20       0.38
//	drawn as MNIST    32.6       2.37           20       0.38
//
// The blur's sigma of one pixel in NIST's pictures (Cohen et al. 2017) is so about
// half a pixel here: NIST's digits are about twice as large.
const (
	emnistInk  = 23.0
	emnistPen  = 2.75
	emnistBlur = 0.5
	mnistInk   = 20.0
	mnistPen   = 2.4
)

// smallest is the share of the pad's side below which ink is a dot.
const smallest = 0.04

var (
	blurring = blurTaps(canvasSize, emnistBlur*detail)
	bicubic  = newTaps(canvasSize, 0, canvasSize, Size, bicubicFilter)
	shrink   = bicubic.after(blurring)
	area     = newTaps(canvasSize, 0, canvasSize, Size, areaFilter)
)

// FromStrokes turns strokes into the network's picture.
//
// It fails when the drawing has more than MaxPoints or MaxStrokes, when a
// coordinate is not a number or beyond MaxCoordinate, or when the procedure is
// none. A drawing without points is Empty.
func FromStrokes(d Drawing, p Procedure, opts ...Option) (*Result, error) {
	if _, err := ParseProcedure(string(p)); err != nil {
		return nil, err
	}
	if err := d.check(); err != nil {
		return nil, err
	}
	r := &Result{}
	ink, found := d.bounds()
	if !found {
		r.Empty = true
		return r, nil
	}
	c := newCanvas()
	defer c.free()
	pad := d.pad(ink)
	if p == Tutorial || slices.Contains(opts, WithSteps) {
		width, height := c.drawPad(&d, pad)
		r.note(opts, "drawing", func() *image.Gray { return inverted(c.pad(width, height)) })
		r.note(opts, "invert", func() *image.Gray { return c.pad(width, height) })
		if p == Tutorial {
			r.resize(c, newTaps(canvasSize, 0, width, Size, bilinearFilter), newTaps(canvasSize, 0, height, Size, bilinearFilter))
			r.note(opts, "scale", r.Image)
			return r, nil
		}
		clear(c.pix[:])
	}

	side, pen := emnistInk*detail, emnistPen*detail
	if p == MNIST {
		side, pen = mnistInk*detail, mnistPen*detail
	}
	// What is drawn is wider than the points by the pen.
	if least := smallest * pad.side(); ink.side() < least {
		x, y := (ink.left+ink.right)/2, (ink.top+ink.bottom)/2
		ink = box{x - least/2, y - least/2, x + least/2, y + least/2}
		side = 2 * pen
	}
	at := centred(ink, side-pen)
	c.draw(d.Strokes, at, pen/2, evenly)
	r.finish(c, p, opts)
	return r, nil
}

// drawPad draws the pad with everything on it as it was drawn, as large as fits
// the canvas, from its upper left corner. It returns how large the pad is there.
func (c *canvas) drawPad(d *Drawing, pad box) (width, height float64) {
	scale := canvasSize / pad.side()
	at := placement{scale, scale, -scale * pad.left, -scale * pad.top}
	c.draw(d.Strokes, at, scale*d.brushWidth(pad)/2, pressed)
	return max(scale*pad.width(), 1), max(scale*pad.height(), 1)
}

// pad returns the part of the canvas that drawPad drew on.
func (c *canvas) pad(width, height float64) *image.Gray {
	return crop(c.image(), image.Rect(0, 0, int(math.Ceil(width)), int(math.Ceil(height))))
}

// inverted turns a picture of its own from light on dark to dark on light.
func inverted(gray *image.Gray) *image.Gray {
	for i, v := range gray.Pix {
		gray.Pix[i] = 255 - v
	}
	return gray
}

// finish makes the result of a canvas in whose middle the ink lies, in its right
// size.
func (r *Result) finish(c *canvas, p Procedure, opts []Option) {
	r.note(opts, "crop", func() *image.Gray { return crop(c.image(), c.bounds()) })
	if p == MNIST {
		r.resize(c, area, area)
		r.note(opts, "scale", r.Image)
		r.centreMass()
		r.note(opts, "centre", r.Image)
		return
	}
	if slices.Contains(opts, WithSteps) {
		r.note(opts, "centre", c.image)
		blurred := newCanvas()
		defer blurred.free()
		resample(blurred.pix[:], c.row, blurring, blurring, false)
		r.note(opts, "blur", blurred.image)
	}
	r.resize(c, shrink, shrink)
	r.note(opts, "scale", r.Image)
}

// resize makes the result's pixels of a canvas.
func (r *Result) resize(c *canvas, across, down taps) {
	var pixels [Size * Size]float32
	resample(pixels[:], c.row, across, down, false)
	for i, v := range pixels {
		r.Pixels[i] = level(v)
	}
}

// centreMass moves the pixels by whole ones so that their centre of mass comes to
// lie in the middle of pixel 14, 14. They are not moved so far that ink is lost.
func (r *Result) centreMass() {
	const middle = Size/2 + 0.5
	var sum, sumX, sumY float64
	left, top, right, bottom := Size, Size, 0, 0
	for y := range Size {
		for x := range Size {
			v := float64(r.Pixels[y*Size+x])
			if v == 0 {
				continue
			}
			sum, sumX, sumY = sum+v, sumX+v*(float64(x)+0.5), sumY+v*(float64(y)+0.5)
			left, right, top, bottom = min(left, x), max(right, x+1), min(top, y), max(bottom, y+1)
		}
	}
	if sum == 0 {
		return
	}
	dx := min(max(int(math.Round(middle-sumX/sum)), -left), Size-right)
	dy := min(max(int(math.Round(middle-sumY/sum)), -top), Size-bottom)
	var moved [Size * Size]byte
	for y := top; y < bottom; y++ {
		copy(moved[(y+dy)*Size+left+dx:], r.Pixels[y*Size+left:y*Size+right])
	}
	r.Pixels = moved
}

// bounds returns the rectangle of the canvas that holds ink.
func (c *canvas) bounds() image.Rectangle {
	var ink image.Rectangle
	for y := range canvasSize {
		if first, end := inked(c.row(y)); first < end {
			ink = ink.Union(image.Rect(first, y, end, y+1))
		}
	}
	return ink
}

// crop returns a part of a picture as one of its own.
func crop(img *image.Gray, part image.Rectangle) *image.Gray {
	part = part.Intersect(img.Rect)
	out := image.NewGray(image.Rect(0, 0, part.Dx(), part.Dy()))
	for y := range part.Dy() {
		copy(out.Pix[y*out.Stride:][:part.Dx()], img.Pix[img.PixOffset(part.Min.X, part.Min.Y+y):])
	}
	return out
}
