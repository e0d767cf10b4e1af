package plot

import (
	"math"
	"slices"
	"strconv"

	"gonum.org/v1/plot"
	"gonum.org/v1/plot/plotter"
	"gonum.org/v1/plot/vg"
	"gonum.org/v1/plot/vg/draw"

	"inkling/internal/wording"
)

// Series is a curve: points in the order in which they are joined. Where Y is not
// a finite number the curve has a gap.
type Series struct {
	Name string
	X, Y []float64 // of equal length
}

// Curves draws curves in one pair of axes, such as the losses of training and
// validation over the epochs. With logarithmic the horizontal axis is
// logarithmic, as for learning rates; points at zero or below are left out then.
func Curves(title, x, y string, logarithmic bool, series ...Series) *Chart {
	p := newPlot(title, x, y)
	grid := plotter.NewGrid()
	grid.Horizontal.Color, grid.Vertical.Color = gridColour, gridColour
	p.Add(grid)
	if logarithmic {
		p.X.Scale, p.X.Tick.Marker = plot.LogScale{}, plot.TickerFunc(powersOfTen)
	} else {
		p.X.Tick.Marker = plot.TickerFunc(fewTicks)
		if allWhole(series) {
			p.X.Tick.Marker = plot.TickerFunc(wholeTicks)
		}
	}
	p.Y.Tick.Marker = plot.TickerFunc(fewTicks)
	drawn := 0
	for n, s := range series {
		for i, part := range unbroken(s, logarithmic) {
			line := &plotter.Line{XYs: part, LineStyle: lineStyle(n)}
			p.Add(line)
			if len(part) <= mostMarked {
				p.Add(&plotter.Scatter{XYs: part, GlyphStyle: draw.GlyphStyle{Color: line.Color, Radius: vg.Points(2.5), Shape: draw.CircleGlyph{}}})
			}
			if i == 0 && s.Name != "" {
				p.Legend.Add(wording.Printable(s.Name), line)
			}
			drawn++
		}
	}
	if drawn == 0 {
		p.X.Scale, p.X.Tick.Marker = plot.LinearScale{}, plot.TickerFunc(fewTicks)
		p.X.Min, p.X.Max, p.Y.Min, p.Y.Max = 0, 1, 0, 1
	}
	widen(&p.X, logarithmic && drawn > 0)
	widen(&p.Y, false)
	// Losses fall and accuracies rise: the legend stands beside both.
	p.Legend.Top = true
	p.Legend.ThumbnailWidth = vg.Points(24)
	return chartOf(p, 7*vg.Inch, 4*vg.Inch)
}

// mostMarked is up to how many points of a curve each has a mark.
const mostMarked = 60

// unbroken divides a curve where a point cannot be drawn.
func unbroken(s Series, logarithmic bool) (parts []plotter.XYs) {
	var part plotter.XYs
	finish := func() {
		if len(part) > 0 {
			parts = append(parts, part)
		}
		part = nil
	}
	for i, x := range s.X {
		y := s.Y[i]
		if x-x != 0 || y-y != 0 || logarithmic && x <= 0 {
			finish()
			continue
		}
		part = append(part, plotter.XY{X: x, Y: y})
	}
	finish()
	return parts
}

// widen gives an axis whose points are all at one place an extent.
func widen(a *plot.Axis, logarithmic bool) {
	if a.Max > a.Min {
		return
	}
	if logarithmic {
		a.Min, a.Max = a.Min/2, a.Max*2
		return
	}
	by := math.Abs(a.Min) / 10
	if by == 0 {
		by = 0.5
	}
	a.Min, a.Max = a.Min-by, a.Max+by
}

// allWhole tells whether the curves are over whole numbers, such as epochs.
func allWhole(series []Series) bool {
	for _, s := range series {
		for _, x := range s.X {
			if x != math.Trunc(x) {
				return false
			}
		}
	}
	return true
}

// wholeTicks is fewTicks without those between whole numbers.
func wholeTicks(low, high float64) []plot.Tick {
	return slices.DeleteFunc(fewTicks(low, high), func(t plot.Tick) bool { return t.Value != math.Trunc(t.Value) })
}

// fewTicks puts four to nine labelled ticks at round numbers.
func fewTicks(low, high float64) []plot.Tick {
	span := high - low
	step := math.Pow(10, math.Floor(math.Log10(span)))
	for _, divisor := range []float64{1, 2, 5, 10} {
		if span/(step/divisor) >= 4 {
			step /= divisor
			break
		}
	}
	var ticks []plot.Tick
	for n := math.Ceil(low/step - 1e-9); n*step <= high+step*1e-9; n++ {
		at := n*step + 0 // no minus before zero
		ticks = append(ticks, plot.Tick{Value: at, Label: strconv.FormatFloat(at, 'g', 6, 64)})
	}
	return ticks
}

// powersOfTen labels the powers of ten of a logarithmic axis, or where there are
// not two of them both ends.
func powersOfTen(low, high float64) []plot.Tick {
	var ticks []plot.Tick
	first, last := int(math.Ceil(math.Log10(low)-1e-9)), int(math.Floor(math.Log10(high)+1e-9))
	for exponent := first - 1; exponent <= last; exponent++ {
		power, _ := strconv.ParseFloat("1e"+strconv.Itoa(exponent), 64)
		if exponent >= first {
			ticks = append(ticks, plot.Tick{Value: power, Label: strconv.FormatFloat(power, 'g', -1, 64)})
		}
		for digit := 2.0; digit < 10; digit++ {
			if at := digit * power; at > low && at < high {
				ticks = append(ticks, plot.Tick{Value: at})
			}
		}
	}
	if last <= first {
		for _, end := range []float64{low, high} {
			ticks = append(ticks, plot.Tick{Value: end, Label: strconv.FormatFloat(end, 'g', 3, 64)})
		}
	}
	return ticks
}
