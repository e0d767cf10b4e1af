// Package plot draws what training and testing have to show.
package plot

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"sync"

	"golang.org/x/image/font"
	"golang.org/x/image/font/basicfont"
	"golang.org/x/image/font/inconsolata"
	"golang.org/x/image/font/opentype"
	"golang.org/x/image/font/sfnt"
	"golang.org/x/image/math/fixed"

	"inkling/internal/wording"
	"inkling/plot/microhei"
)

// Grid lays pictures out side by side. Its zero value is
// torchvision.utils.make_grid with its defaults; every field but Scale and
// Labels is a parameter of that.
type Grid struct {
	// Columns is the number of pictures in a row (make_grid's nrow). 0 means 8.
	Columns int

	// Padding is the width of the frame round every picture, in samples. 0
	// means 2 and -1 none. As with make_grid a single picture has no frame.
	Padding int

	// PadValue is the brightness of the frame, from 0 to 1.
	PadValue float32

	// Low and High are the samples shown black and white (make_grid's
	// value_range); what is beyond them is cut. Both 0 means 0 and 1. The
	// tutorial's normalized pictures go from -1 to 1. They do not apply to
	// bytes.
	Low, High float32

	// Normalize takes Low and High from the smallest and the largest sample,
	// with ScaleEach from those of each picture. It does not apply to bytes.
	Normalize, ScaleEach bool

	// Scale draws every sample as a square of so many pixels. 0 means 1.
	Scale int

	// Labels, if there are any, stand under the pictures: one for each. They
	// are 16 pixels high whatever Scale is, Latin letters 8 wide; a column becomes
	// as wide as the widest needs. See [CanWrite].
	Labels []string
}

// LetterWidth is how many pixels wide every Latin letter of a label is.
const LetterWidth = 8

const (
	labelHeight = 18          // of the line under a picture
	labelGap    = LetterWidth // between the labels of neighbours, at least
)

// latin is what labels are written in where it has the letters.
var latin = inconsolata.Regular8x16

// everywhere is what other labels are written in.
var everywhere = sync.OnceValue(func() font.Face {
	face, err := opentype.NewFace(microhei.Font(), &opentype.FaceOptions{Size: 15, DPI: 72})
	if err != nil {
		panic(fmt.Sprintf("plot: %v", err)) // the size is a constant
	}
	return face
})

func hasLatin(label string) bool {
	for _, letter := range label {
		if !slices.ContainsFunc(latin.Ranges, func(r basicfont.Range) bool { return r.Low <= letter && letter < r.High }) {
			return false
		}
	}
	return true
}

// faceOf is what a label is written in.
func faceOf(label string) font.Face {
	if hasLatin(label) {
		return latin
	}
	return everywhere()
}

// CanWrite tells whether there is a glyph for every letter of a label. Others are
// drawn as a box.
func CanWrite(label string) bool {
	if hasLatin(label) {
		return true
	}
	var buffer sfnt.Buffer
	for _, letter := range label {
		if glyph, err := microhei.Font().GlyphIndex(&buffer, letter); glyph == 0 || err != nil {
			return false
		}
	}
	return true
}

// Floats draws pictures of float32 samples: one or three channels, n x channels
// x height x width, row-major, as in the Images of a batch. A level from 0 to 1
// becomes a byte as in torchvision.utils.save_image: 255 times it, rounded.
func (g Grid) Floats(samples []float32, channels, height, width int) (*image.RGBA, error) {
	n, err := g.check(len(samples), channels, height, width)
	if err != nil {
		return nil, err
	}
	low, high := g.Low, g.High
	if low == 0 && high == 0 {
		high = 1
	}
	if g.Normalize {
		low, high = limits(samples)
	}
	pixels := make([]byte, len(samples))
	size := len(samples) / n
	for k := range n {
		picture := samples[k*size : (k+1)*size]
		if g.Normalize && g.ScaleEach {
			low, high = limits(picture)
		}
		for i, v := range picture {
			pixels[k*size+i] = toByte(v, low, high)
		}
	}
	return g.Bytes(pixels, channels, height, width)
}

func limits(samples []float32) (low, high float32) {
	low, high = samples[0], samples[0]
	for _, v := range samples {
		low, high = min(low, v), max(high, v)
	}
	return low, high
}

// toByte computes in the order in which torchvision does, so that it rounds as
// torchvision: subtract, divide by a span of at least 1e-5, multiply.
func toByte(v, low, high float32) byte {
	if v != v {
		return 0 // not a number
	}
	span := float32(max(float64(high)-float64(low), 1e-5))
	level := float32(min(max(v, low), high)-low) / span
	return byte(min(max(float32(level*255)+0.5, 0), 255))
}

// Bytes draws pictures of bytes: one or three channels, n x channels x height x
// width, row-major.
func (g Grid) Bytes(pixels []byte, channels, height, width int) (*image.RGBA, error) {
	n, err := g.check(len(pixels), channels, height, width)
	if err != nil {
		return nil, err
	}
	l := g.layout(n, height, width)
	frame := toByte(g.PadValue, 0, 1)
	img := image.NewRGBA(image.Rect(0, 0, l.width, l.height))
	draw.Draw(img, img.Rect, image.NewUniform(color.Gray{Y: frame}), image.Point{}, draw.Src)

	size := len(pixels) / n
	for k := range n {
		corner := l.corner(k)
		drawPicture(img, corner, pixels[k*size:(k+1)*size], channels, height, width, l.scale)
		if g.Labels != nil {
			ink := image.White
			if frame > 127 {
				ink = image.Black
			}
			middle := corner.Add(image.Pt(width*l.scale/2, height*l.scale))
			drawLabel(img, middle, g.Labels[k], ink)
		}
	}
	return img, nil
}

// check returns the number of pictures.
func (g Grid) check(samples, channels, height, width int) (n int, err error) {
	if channels != 1 && channels != 3 {
		return 0, fmt.Errorf("a picture of %s cannot be drawn, want 1 (gray) or 3 (red, green, blue)", wording.Number(channels, "channel"))
	}
	if height < 1 || width < 1 {
		return 0, fmt.Errorf("a picture of %dx%d cannot be drawn, want at least 1x1", height, width)
	}
	if g.Columns < 0 || g.Scale < 0 || g.Padding < -1 {
		return 0, fmt.Errorf("a grid of %s, padding %d and scale %d cannot be drawn: give no negative numbers, but for padding -1", wording.Number(g.Columns, "column"), g.Padding, g.Scale)
	}
	size := channels * height * width
	if samples == 0 || samples%size != 0 {
		return 0, fmt.Errorf("%d samples are no whole number of %dx%dx%d pictures", samples, channels, height, width)
	}
	n = samples / size
	if g.Labels != nil && len(g.Labels) != n {
		return 0, fmt.Errorf("%s cannot be those of %s, want one for each", wording.Number(len(g.Labels), "label"), wording.Number(n, "picture"))
	}
	return n, nil
}

// A layout is where the pictures come to lie, in pixels.
type layout struct {
	width, height           int // of the whole
	scale, padding, columns int
	columnPitch, rowPitch   int // from one picture to the next
	indent                  int // of a picture in its column, if a label is wider
}

func (g Grid) layout(n, height, width int) layout {
	l := layout{scale: max(g.Scale, 1), padding: max(g.Padding, 0), columns: g.Columns}
	if g.Padding == 0 {
		l.padding = 2
	}
	if n == 1 {
		l.padding = 0
	}
	if l.columns == 0 {
		l.columns = 8
	}
	l.columns = min(l.columns, n)
	rows := (n + l.columns - 1) / l.columns

	l.padding *= l.scale
	columnWidth, rowHeight := width*l.scale, height*l.scale
	if g.Labels != nil {
		rowHeight += labelHeight
		for _, label := range g.Labels {
			columnWidth = max(columnWidth, font.MeasureString(faceOf(label), label).Ceil()+labelGap)
		}
	}
	l.indent = (columnWidth - width*l.scale) / 2
	l.columnPitch, l.rowPitch = columnWidth+l.padding, rowHeight+l.padding
	l.width, l.height = l.columns*l.columnPitch+l.padding, rows*l.rowPitch+l.padding
	return l
}

// corner is where the upper left corner of picture k lies.
func (l layout) corner(k int) image.Point {
	return image.Pt(l.padding+k%l.columns*l.columnPitch+l.indent, l.padding+k/l.columns*l.rowPitch)
}

func drawPicture(img *image.RGBA, corner image.Point, pixels []byte, channels, height, width, scale int) {
	plane := height * width
	for y := range height {
		first := img.PixOffset(corner.X, corner.Y+y*scale)
		row := img.Pix[first:][:4*width*scale]
		at := y * width
		for x := 0; x < len(row); at++ {
			c := [4]byte{pixels[at], pixels[at], pixels[at], 255}
			if channels == 3 {
				c[1], c[2] = pixels[plane+at], pixels[2*plane+at]
			}
			for range scale {
				x += copy(row[x:], c[:])
			}
		}
		for dy := 1; dy < scale; dy++ {
			copy(img.Pix[first+dy*img.Stride:], row)
		}
	}
}

// drawLabel writes text in the line that begins below middle.
func drawLabel(img *image.RGBA, middle image.Point, text string, ink image.Image) {
	d := font.Drawer{Dst: img, Src: ink, Face: faceOf(text)}
	width := d.MeasureString(text).Ceil()
	d.Dot = fixed.P(middle.X-width/2, middle.Y+1+latin.Ascent)
	d.DrawString(text)
}
