package plot

import (
	"image/color"
	"io"
	"sync"

	"golang.org/x/image/font/opentype"
	"gonum.org/v1/plot"
	"gonum.org/v1/plot/font"
	"gonum.org/v1/plot/text"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
	"gonum.org/v1/plot/vg/vgsvg"

	"inkling/internal/wording"
	"inkling/plot/microhei"
)

// Chart is a drawing with axes: curves, bars or a table of colours.
type Chart struct {
	width, height vg.Length
	draw          func(c draw.Canvas, paper color.Color) // paper is nil where the canvas has it
}

// WritePNG writes the chart as a PNG.
func (c *Chart) WritePNG(w io.Writer) error {
	paper := newSheet(c.width, c.height)
	defer paper.free()
	c.draw(draw.New(paper), nil)
	return writePNG(w, paper.img, mostColours)
}

// WriteSVG writes the chart as an SVG whose letters are text, so that the viewer
// shows them in a font of its own.
func (c *Chart) WriteSVG(w io.Writer) error {
	canvas := vgsvg.New(c.width, c.height)
	c.draw(draw.New(canvas), color.White)
	_, err := canvas.WriteTo(w)
	return err
}

// chartColours are told apart by people who see some colours alike, too (Okabe and
// Ito 2008, Color Universal Design); dashes tell apart what follows.
var chartColours = []color.Color{
	color.RGBA{0, 114, 178, 255}, color.RGBA{213, 94, 0, 255}, color.RGBA{0, 158, 115, 255},
	color.RGBA{204, 121, 167, 255}, color.RGBA{86, 180, 233, 255}, color.RGBA{230, 159, 0, 255}, color.RGBA{0, 0, 0, 255},
}

var chartDashes = [][]vg.Length{nil, {vg.Points(6), vg.Points(3)}, {vg.Points(2), vg.Points(2)}, {vg.Points(8), vg.Points(3), vg.Points(2), vg.Points(3)}}

// lineStyle is that of the n-th curve.
func lineStyle(n int) draw.LineStyle {
	return draw.LineStyle{Width: vg.Points(1.5), Color: chartColours[n%len(chartColours)], Dashes: chartDashes[(n/len(chartColours))%len(chartDashes)]}
}

var gridColour = color.Gray{225}

// chartFont is what charts are lettered in, at a size in points.
func chartFont(size float64) font.Font {
	return font.Font{Typeface: "WenQuanYi Micro Hei", Variant: "Sans", Size: vg.Points(size)}
}

// lettering draws text as it is, with no meaning of dollars or backslashes, and unpacks the
// whole font only for a text that needs it.
type lettering struct{}

var letters lettering

var latinLetters = sync.OnceValue(func() text.Plain { return plainLetters(microhei.Latin()) })
var allLetters = sync.OnceValue(func() text.Plain { return plainLetters(microhei.Font()) })

func plainLetters(f *opentype.Font) text.Plain {
	return text.Plain{Fonts: font.NewCache(font.Collection{{Font: chartFont(0), Face: f}})}
}

func lettersFor(txt string) text.Plain {
	if microhei.IsLatin(txt) {
		return latinLetters()
	}
	return allLetters()
}

// The methods of a text.Handler.

func (lettering) Cache() *font.Cache               { return latinLetters().Cache() }
func (lettering) Extents(f font.Font) font.Extents { return latinLetters().Extents(f) }
func (lettering) Lines(txt string) []string        { return latinLetters().Lines(txt) }
func (lettering) Box(txt string, f font.Font) (width, height, depth vg.Length) {
	return lettersFor(txt).Box(txt, f)
}
func (lettering) Draw(c vg.Canvas, txt string, style text.Style, at vg.Point) {
	lettersFor(txt).Draw(c, txt, style, at)
}

// centred is the style of a text round a point.
func centred(size float64) text.Style {
	return text.Style{Color: color.Black, Font: chartFont(size), Handler: letters, XAlign: draw.XCenter, YAlign: draw.YCenter}
}

// newPlot returns an empty plot with a title and names of the axes, all of which
// may be empty.
func newPlot(title, x, y string) *plot.Plot {
	p := plot.New()
	p.TextHandler = letters
	p.Title.Text, p.Title.Padding = wording.Printable(title), vg.Points(8)
	p.X.Label.Text, p.Y.Label.Text = wording.Printable(x), wording.Printable(y)
	lettered := func(s *text.Style, size float64) { s.Font, s.Handler = chartFont(size), letters }
	lettered(&p.Title.TextStyle, 14)
	for _, axis := range []*plot.Axis{&p.X, &p.Y} {
		lettered(&axis.Label.TextStyle, 11)
		lettered(&axis.Tick.Label, 9)
		axis.Label.Padding = vg.Points(4)
	}
	lettered(&p.Legend.TextStyle, 10)
	p.Legend.Padding = vg.Points(2)
	return p
}

// shortened cuts a name that would need more than so many letters.
func shortened(name string, letters int) string {
	runes := []rune(wording.Printable(name))
	if len(runes) > letters {
		return string(runes[:letters-1]) + "…"
	}
	return string(runes)
}

// chartOf frames a plot.
func chartOf(p *plot.Plot, width, height vg.Length) *Chart {
	return &Chart{width, height, func(c draw.Canvas, paper color.Color) {
		p.BackgroundColor = paper
		p.Draw(draw.Crop(c, vg.Points(8), -vg.Points(14), vg.Points(8), -vg.Points(8)))
	}}
}
