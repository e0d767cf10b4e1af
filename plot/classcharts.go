package plot

import (
	"fmt"
	"image/color"
	"math"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"
)

// What of a class's name fits beside an axis, and how many classes can be named.
const (
	mostLetters = 24
	mostNamed   = 60
)

// ConfusionMatrix draws counts of answers as a table of colours: a row for each
// class that pictures have, a column for each that they were taken for. With
// normalized the colours and numbers are shares of the row. It panics if counts
// is not square or has not a name for each row.
func ConfusionMatrix(title string, counts [][]int, classes []string, normalized bool) *Chart {
	n := len(counts)
	if n != len(classes) {
		panic(fmt.Sprintf("plot: %d classes have %d names", n, len(classes)))
	}
	p := newPlot(title, "prediction", "label")
	m := &matrix{levels: make([][]float64, n), texts: make([][]string, n), size: min(9, 220/float64(max(n, 1)))}
	for label, row := range counts {
		total, most := 0, 0
		for _, count := range row {
			total += count
			most = max(most, count)
		}
		m.levels[label], m.texts[label] = make([]float64, n), make([]string, n)
		for prediction, count := range row {
			if total > 0 {
				m.levels[label][prediction] = float64(count) / float64(total)
			}
			switch {
			case count == 0 || n > 30:
			case normalized:
				m.texts[label][prediction] = strconv.FormatFloat(100*m.levels[label][prediction], 'f', 1, 64)
			default:
				m.texts[label][prediction] = strconv.Itoa(count)
			}
		}
	}
	if normalized {
		p.Y.Label.Text = "label, percent of its pictures"
	}
	p.Add(m)
	nameTicks(&p.X, classes, false)
	nameTicks(&p.Y, classes, true)
	if longest(classes) > 3 || n > 25 {
		p.X.Tick.Label.Rotation, p.X.Tick.Label.XAlign, p.X.Tick.Label.YAlign = math.Pi/2, draw.XRight, draw.YCenter
	}
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = -0.5, float64(n)-0.5, -0.5, float64(n)-0.5
	side := vg.Length(min(max(float64(n)*0.42, 4), 12)) * vg.Inch
	room := vg.Points(6 * float64(min(longest(classes), mostLetters)))
	return chartOf(p, side+room, side+room+vg.Points(40))
}

// longest is the number of letters in the longest name, Chinese ones counted
// double.
func longest(names []string) int {
	most := 0
	for _, name := range names {
		n := 0
		for _, letter := range name {
			if n++; letter > 0x2e80 {
				n++
			}
		}
		most = max(most, n)
	}
	return most
}

// nameTicks writes the names of classes along an axis, where there are too many
// only some of them. Downwards, the first is at the top.
func nameTicks(a *plot.Axis, names []string, downwards bool) {
	every := (len(names) + mostNamed - 1) / mostNamed
	var ticks []plot.Tick
	for i, name := range names {
		at := i
		if downwards {
			at = len(names) - 1 - i
		}
		if i%max(every, 1) == 0 {
			ticks = append(ticks, plot.Tick{Value: float64(at), Label: shortened(name, mostLetters)})
		}
	}
	a.Tick.Marker = plot.ConstantTicks(ticks)
	a.Tick.Length = 0
	// In an SVG the letters are those of the viewer, and may be wider than was measured.
	a.Padding = vg.Points(4 + 0.5*float64(min(longest(names), mostLetters)))
	a.LineStyle.Width = 0
}

// matrix draws squares in the colours of levels from 0 to 1, the first row at the
// top, with texts in them.
type matrix struct {
	levels [][]float64
	texts  [][]string
	size   float64 // of letters, in points
}

// levelColour is a colour from white to dark blue: what has more is darker, also in
// print.
func levelColour(level float64) color.Color {
	mix := func(from, to float64) uint8 { return uint8(math.Round(from + (to-from)*math.Sqrt(level))) }
	return color.RGBA{mix(255, 8), mix(255, 48), mix(255, 107), 255}
}

// Plot draws the matrix; it makes it a plot.Plotter.
func (m *matrix) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	n := len(m.levels)
	style := centred(m.size)
	for row, levels := range m.levels {
		for column, level := range levels {
			left, top := float64(column)-0.5, float64(n-1-row)+0.5
			c.FillPolygon(levelColour(level), []vg.Point{{X: x(left), Y: y(top)}, {X: x(left + 1), Y: y(top)}, {X: x(left + 1), Y: y(top - 1)}, {X: x(left), Y: y(top - 1)}})
		}
	}
	between := draw.LineStyle{Color: gridColour, Width: vg.Points(0.25)}
	low, high := -0.5, float64(n)-0.5
	for line := range n + 1 {
		at := float64(line) - 0.5
		c.StrokeLines(between, []vg.Point{{X: x(at), Y: y(low)}, {X: x(at), Y: y(high)}}, []vg.Point{{X: x(low), Y: y(at)}, {X: x(high), Y: y(at)}})
	}
	for row, texts := range m.texts {
		for column, text := range texts {
			if text == "" {
				continue
			}
			style.Color = color.Black
			if m.levels[row][column] > 0.25 {
				style.Color = color.White
			}
			c.FillText(style, vg.Point{X: x(float64(column)), Y: y(float64(n - 1 - row))}, text)
		}
	}
}

// Bars draws a group of horizontal bars for each class, one of each series, such
// as precision, recall and F1: values from 0 to 1, one a class; the X of a series
// is not looked at. It panics if a series has not a value for each class.
func Bars(title, x string, classes []string, series ...Series) *Chart {
	p := newPlot(title, x, "")
	grid := plotter.NewGrid()
	grid.Vertical.Color, grid.Horizontal.Width = gridColour, 0
	p.Add(grid)
	thick := 0.8 / float64(max(len(series), 1))
	for n, s := range series {
		if len(s.Y) != len(classes) {
			panic(fmt.Sprintf("plot: the bars %q are %d for %d classes", s.Name, len(s.Y), len(classes)))
		}
		b := &bars{values: s.Y, offset: 0.4 - (float64(n)+0.5)*thick, thick: thick * 0.92, colour: chartColours[n%len(chartColours)]}
		p.Add(b)
		if s.Name != "" {
			p.Legend.Add(s.Name, b)
		}
	}
	nameTicks(&p.Y, classes, true)
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, -0.6, float64(len(classes))-0.4
	p.X.Tick.Marker = plot.TickerFunc(fewTicks)
	height := vg.Length(min(max(float64(len(classes)*max(len(series), 2))*0.13, 3), 30)) * vg.Inch
	// The legend stands above the bars, as many lines high as there are series.
	p.Legend.Top = true
	legend := vg.Length(len(series)) * vg.Points(15)
	p.Y.Max += (p.Y.Max - p.Y.Min) * float64(legend/(height-vg.Points(80)-legend))
	return chartOf(p, 7*vg.Inch, height)
}

// bars are horizontal bars, the first at the top, each offset above its class's
// middle.
type bars struct {
	values        []float64
	offset, thick float64
	colour        color.Color
}

// Plot draws the bars.
func (b *bars) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, v := range b.values {
		if v-v != 0 {
			continue
		}
		middle := float64(len(b.values)-1-i) + b.offset
		low, high := y(middle-b.thick/2), y(middle+b.thick/2)
		c.FillPolygon(b.colour, []vg.Point{{X: x(0), Y: low}, {X: x(v), Y: low}, {X: x(v), Y: high}, {X: x(0), Y: high}})
	}
}

// Thumbnail draws the bars' colour for the legend.
func (b *bars) Thumbnail(c *draw.Canvas) {
	c.FillPolygon(b.colour, []vg.Point{{X: c.Min.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Min.Y}, {X: c.Max.X, Y: c.Max.Y}, {X: c.Min.X, Y: c.Max.Y}})
}

// Reliability draws how often answers were right (accuracy) against how sure the
// network was of them (confidence): bins of equal width, each with both means,
// from 0 to 1. Where counts is 0 nothing is drawn. A network whose confidence
// can be believed has its bars end at the diagonal.
func Reliability(title string, counts []int, confidence, accuracy []float64) *Chart {
	p := newPlot(title, "confidence", "accuracy")
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColour, gridColour
	p.Add(grid)
	boxes := &columns{colour: chartColours[4]}
	var points plotter.XYs
	for i, n := range counts {
		if n > 0 {
			boxes.left = append(boxes.left, float64(i)/float64(len(counts)))
			boxes.right = append(boxes.right, float64(i+1)/float64(len(counts)))
			boxes.height = append(boxes.height, accuracy[i])
			points = append(points, plotter.XY{X: confidence[i], Y: accuracy[i]})
		}
	}
	diagonal := &plotter.Line{XYs: plotter.XYs{{X: 0, Y: 0}, {X: 1, Y: 1}}, LineStyle: draw.LineStyle{Color: color.Gray{120}, Width: vg.Points(1), Dashes: chartDashes[1]}}
	marks := &plotter.Scatter{XYs: points, GlyphStyle: draw.GlyphStyle{Color: chartColours[1], Radius: vg.Points(3), Shape: draw.CircleGlyph{}}}
	p.Add(boxes, diagonal, marks)
	p.Legend.Add("accuracy of the bin", boxes)
	p.Legend.Add("at its mean confidence", marks)
	p.Legend.Add("perfectly calibrated", diagonal)
	p.Legend.Top, p.Legend.Left = true, true
	p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	p.X.Tick.Marker, p.Y.Tick.Marker = plot.TickerFunc(fewTicks), plot.TickerFunc(fewTicks)
	return chartOf(p, 5*vg.Inch, 5*vg.Inch)
}

// columns are upright boxes from 0 up.
type columns struct {
	left, right, height []float64
	colour              color.Color
}

// Plot draws the boxes.
func (b *columns) Plot(c draw.Canvas, p *plot.Plot) {
	x, y := p.Transforms(&c)
	for i, h := range b.height {
		box := []vg.Point{{X: x(b.left[i]), Y: y(0)}, {X: x(b.right[i]), Y: y(0)}, {X: x(b.right[i]), Y: y(h)}, {X: x(b.left[i]), Y: y(h)}}
		c.FillPolygon(b.colour, box)
		c.StrokeLines(draw.LineStyle{Color: color.White, Width: vg.Points(0.5)}, append(box, box[0]))
	}
}

// Thumbnail draws the boxes' colour for the legend.
func (b *columns) Thumbnail(c *draw.Canvas) { (&bars{colour: b.colour}).Thumbnail(c) }
