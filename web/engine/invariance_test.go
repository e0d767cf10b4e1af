package engine

import (
	"encoding/json"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"inkling/internal/realdata"
	"inkling/sketch"
)

// variations are how else the same could have been drawn on a pad of 280 by 280.
var variations = []struct {
	name string
	vary func(r *rand.Rand, d *sketch.Drawing)
}{
	{"moved", func(r *rand.Rand, d *sketch.Drawing) {
		dx, dy := 200*(r.Float64()-0.5), 200*(r.Float64()-0.5)
		each(d, func(p *sketch.Point) { p.X, p.Y = p.X+dx, p.Y+dy })
	}},
	{"scaled 0.3 to 3 times", func(r *rand.Rand, d *sketch.Drawing) {
		by := math.Exp(math.Log(0.3) + r.Float64()*math.Log(10))
		each(d, func(p *sketch.Point) { p.X, p.Y = by*p.X, by*p.Y })
	}},
	{"with a line of 2 to 40", func(r *rand.Rand, d *sketch.Drawing) { d.BrushWidth = 2 + 38*r.Float64() }},
	{"in the other direction", func(r *rand.Rand, d *sketch.Drawing) {
		last := 0.0
		each(d, func(p *sketch.Point) { last = max(last, p.Time) })
		each(d, func(p *sketch.Point) { p.Time = last - p.Time })
		for _, s := range d.Strokes {
			slices.Reverse(s)
		}
		slices.Reverse(d.Strokes)
	}},
	{"in other strokes", func(r *rand.Rand, d *sketch.Drawing) {
		var all []sketch.Stroke
		for _, s := range d.Strokes {
			if len(s) > 3 {
				at := 1 + r.IntN(len(s)-2)
				all = append(all, slices.Clone(s[:at+1])) // the pen is put down where it was lifted
				s = s[at:]
			}
			all = append(all, slices.Clone(s))
		}
		d.Strokes = all
	}},
}

// together varies in all these ways at once.
func together(r *rand.Rand, d *sketch.Drawing) {
	for _, v := range variations {
		v.vary(r, d)
	}
}

func each(d *sketch.Drawing, change func(*sketch.Point)) {
	for _, s := range d.Strokes {
		for i := range s {
			change(&s[i])
		}
	}
}

// BenchmarkInvariance tells of how many drawings by strangers that are read correctly the
// answer is the same when they are drawn otherwise: go test ./web/engine -run '^$' -bench
// Invariance -benchtime 1x.
func BenchmarkInvariance(b *testing.B) {
	r, err := BuiltIn()
	if err != nil {
		b.Fatal(err)
	}
	read := func(d sketch.Drawing) string {
		var strokes [][][]float64
		for _, s := range d.Strokes {
			var points [][]float64
			for _, p := range s {
				points = append(points, []float64{p.X, p.Y, p.Time, p.Pressure})
			}
			strokes = append(strokes, points)
		}
		request, err := json.Marshal(map[string]any{"strokes": strokes, "width": 280, "height": 280, "brush": d.BrushWidth})
		if err != nil {
			b.Fatal(err)
		}
		p, err := r.Predict(b.Context(), request)
		if err != nil {
			b.Fatal(err)
		}
		return p.Label
	}
	file, err := realdata.PenDigits()
	if err != nil {
		b.Fatal(err)
	}
	var all []sketch.Drawing // that are read correctly, of an ordinary size in the middle of the pad
	lines := sketch.NewLines(file)
	for lines.Next() {
		d := lines.Drawing()
		if writer := strings.TrimPrefix(d.Writer, "tra"); len(writer) < 2 || writer <= "20" {
			continue // who was trained on
		}
		drawing := sketch.Drawing{Strokes: d.Strokes, BrushWidth: 18}
		box := [4]float64{math.Inf(1), math.Inf(1), math.Inf(-1), math.Inf(-1)}
		each(&drawing, func(p *sketch.Point) {
			box = [4]float64{min(box[0], p.X), min(box[1], p.Y), max(box[2], p.X), max(box[3], p.Y)}
		})
		by := 150 / max(box[2]-box[0], box[3]-box[1], 1e-9)
		each(&drawing, func(p *sketch.Point) {
			p.X, p.Y = 140+by*(p.X-(box[0]+box[2])/2), 140+by*(p.Y-(box[1]+box[3])/2)
		})
		if read(drawing) == d.Label {
			all = append(all, drawing)
		}
	}
	if lines.Err() != nil || len(all) < 2400 {
		b.Fatalf("%d drawings, %v", len(all), lines.Err())
	}
	for i := range len(variations) + 1 {
		name, vary := "all at once", together
		if i < len(variations) {
			name, vary = variations[i].name, variations[i].vary
		}
		b.Run(name, func(b *testing.B) {
			same := 0
			for range b.N {
				random := rand.New(rand.NewPCG(1, 2))
				same = 0
				for _, d := range all {
					before := read(d)
					varied := sketch.Drawing{BrushWidth: d.BrushWidth}
					for _, s := range d.Strokes {
						varied.Strokes = append(varied.Strokes, slices.Clone(s))
					}
					vary(random, &varied)
					if read(varied) == before {
						same++
					}
				}
			}
			b.ReportMetric(float64(same), "same")
			b.ReportMetric(float64(len(all)), "drawings")
		})
	}
}
