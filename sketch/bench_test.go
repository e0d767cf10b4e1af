package sketch

import "testing"

// three is a digit of 40 points, as many as a tablet gives.
func three() Drawing {
	corners := []Point{{X: 60, Y: 60}, {X: 150, Y: 30}, {X: 200, Y: 90}, {X: 120, Y: 140}, {X: 210, Y: 190}, {X: 150, Y: 260}, {X: 50, Y: 230}}
	var s Stroke
	const each = 7
	for i, p := range corners[1:] {
		q := corners[i]
		for k := range each {
			t := float64(k) / each
			s = append(s, Point{X: q.X + t*(p.X-q.X), Y: q.Y + t*(p.Y-q.Y)})
		}
	}
	return Drawing{Strokes: []Stroke{s}, Width: 280, Height: 280}
}

func BenchmarkFromStrokes(b *testing.B) {
	d := three()
	for _, p := range Procedures() {
		b.Run(string(p), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				if _, err := FromStrokes(d, p); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
