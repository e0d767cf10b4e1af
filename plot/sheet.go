package plot

import (
	"image"
	"image/color"
	"image/draw"
	"math"
	"sync"

	"git.sr.ht/~sbinet/gg"
	letter "golang.org/x/image/font"
	"golang.org/x/image/math/fixed"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/vgimg"
)

// chartDPI is how many pixels an inch of a PNG has: twice as many as most
// screens, so that letters are sharp.
const chartDPI = 144

// sheet is gonum's canvas of pixels on a picture that is used again, where letters that
// are not turned are drawn as they are, at a tenth of what it takes to turn them.
type sheet struct {
	*vgimg.Canvas
	img     *image.RGBA
	colours []color.Color // for each Push
	moved   []bool
	faces   map[font.Face]letter.Face
}

var sheets sync.Pool // of pictures' bytes

func newSheet(width, height vg.Length) *sheet {
	rect := image.Rect(0, 0, int(width.Dots(chartDPI)+0.5), int(height.Dots(chartDPI)+0.5))
	size := 4 * rect.Dx() * rect.Dy()
	bytes, _ := sheets.Get().(*[]byte)
	if bytes == nil || cap(*bytes) < size {
		bytes = new(make([]byte, size))
	}
	img := &image.RGBA{Pix: (*bytes)[:size], Stride: 4 * rect.Dx(), Rect: rect}
	ctx := gg.NewContextForRGBA(img)
	ctx.SetLineCapButt()
	ctx.InvertY()
	canvas := vgimg.NewWith(vgimg.UseImageWithContext(img, ctx), vgimg.UseDPI(chartDPI)) // white
	return &sheet{canvas, img, []color.Color{color.Black}, []bool{false}, map[font.Face]letter.Face{}}
}

// free lets the picture be used again.
func (s *sheet) free() {
	sheets.Put(&s.img.Pix)
}

// The methods of a vg.Canvas that say in what colour and where letters are drawn.

func (s *sheet) Push() {
	s.colours = append(s.colours, s.colours[len(s.colours)-1])
	s.moved = append(s.moved, s.moved[len(s.moved)-1])
	s.Canvas.Push()
}

func (s *sheet) Pop() {
	s.colours = s.colours[:len(s.colours)-1]
	s.moved = s.moved[:len(s.moved)-1]
	s.Canvas.Pop()
}

func (s *sheet) SetColor(c color.Color) {
	if c == nil {
		c = color.Black // as in vgimg
	}
	s.colours[len(s.colours)-1] = c
	s.Canvas.SetColor(c)
}

func (s *sheet) Rotate(angle float64)  { s.move(); s.Canvas.Rotate(angle) }
func (s *sheet) Translate(to vg.Point) { s.move(); s.Canvas.Translate(to) }
func (s *sheet) Scale(x, y float64)    { s.move(); s.Canvas.Scale(x, y) }
func (s *sheet) move()                 { s.moved[len(s.moved)-1] = true }

// Fill fills a shape; an upright rectangle begins and ends with whole pixels.
func (s *sheet) Fill(p vg.Path) {
	colour := s.colours[len(s.colours)-1]
	_, _, _, alpha := colour.RGBA()
	if rect, ok := upright(p); ok && alpha == 0xFFFF && !s.moved[len(s.moved)-1] {
		pixel := func(v vg.Length) int { return int(math.Round(v.Dots(chartDPI))) }
		height := s.img.Rect.Dy()
		draw.Draw(s.img, image.Rect(pixel(rect.Min.X), height-pixel(rect.Min.Y), pixel(rect.Max.X), height-pixel(rect.Max.Y)), image.NewUniform(colour), image.Point{}, draw.Src)
		return
	}
	s.Canvas.Fill(p)
}

// upright is the rectangle that a path goes round, if it does, corner by corner.
func upright(p vg.Path) (r vg.Rectangle, ok bool) {
	if len(p) != 5 || p[0].Type != vg.MoveComp || p[1].Type != vg.LineComp || p[2].Type != vg.LineComp || p[3].Type != vg.LineComp || p[4].Type != vg.CloseComp {
		return r, false
	}
	a, b := p[0].Pos, p[2].Pos // opposite each other
	one, other := vg.Point{X: a.X, Y: b.Y}, vg.Point{X: b.X, Y: a.Y}
	ok = p[1].Pos == one && p[3].Pos == other || p[1].Pos == other && p[3].Pos == one
	return vg.Rectangle{Min: a, Max: b}, ok
}

// FillString writes a line of text that begins at a point.
func (s *sheet) FillString(f font.Face, at vg.Point, text string) {
	if s.moved[len(s.moved)-1] || f.Font.Size == 0 {
		s.Canvas.FillString(f, at, text)
		return
	}
	face := s.faces[f]
	if face == nil {
		face = f.FontFace(chartDPI)
		s.faces[f] = face
	}
	dot := func(v float64) fixed.Int26_6 { return fixed.Int26_6(math.Round(v * 64)) }
	d := letter.Drawer{Dst: s.img, Src: image.NewUniform(s.colours[len(s.colours)-1]), Face: face,
		Dot: fixed.Point26_6{X: dot(at.X.Dots(chartDPI)), Y: dot(float64(s.img.Rect.Dy()) - at.Y.Dots(chartDPI))}}
	d.DrawString(text)
}
