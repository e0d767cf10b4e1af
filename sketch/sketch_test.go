package sketch

import (
	"flag"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the pictures in testdata anew")

func mustDraw(t testing.TB, d Drawing, p Procedure, opts ...Option) *Result {
	t.Helper()
	r, err := FromStrokes(d, p, opts...)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// farthest is the largest difference between pixels.
func farthest(a, b []byte) int {
	most := 0
	for i := range a {
		most = max(most, int(a[i])-int(b[i]), int(b[i])-int(a[i]))
	}
	return most
}

// compare holds a picture to the one in testdata. Processors that fuse
// multiplications and additions may differ by a rounding.
func compare(t *testing.T, name string, got *image.Gray) {
	t.Helper()
	path := filepath.Join("testdata", name+".png")
	if *update {
		f, err := os.Create(path)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if err := png.Encode(f, got); err != nil {
			t.Fatal(err)
		}
		return
	}
	want := readPNG(t, path).(*image.Gray)
	if want.Rect != got.Rect {
		t.Fatalf("%s is %v large, want %v", name, got.Rect, want.Rect)
	}
	if most := farthest(got.Pix, want.Pix); most > 1 {
		t.Errorf("%s: a pixel is off by %d, want 1 at most", name, most)
	}
}

func stroke(xy ...float64) Stroke {
	var s Stroke
	for i := 0; i < len(xy); i += 2 {
		s = append(s, Point{X: xy[i], Y: xy[i+1]})
	}
	return s
}

var drawings = map[string]Drawing{
	"three": three(),
	"seven": {Strokes: []Stroke{stroke(20, 20, 200, 15, 90, 260), stroke(60, 130, 170, 125)}, Width: 280, Height: 280},
	"one":   {Strokes: []Stroke{stroke(100, 20, 100, 250)}, Width: 280, Height: 280},
	"dot":   {Strokes: []Stroke{stroke(30, 250)}, Width: 280, Height: 280},
	"wide":  {Strokes: []Stroke{stroke(10, 10, 390, 90, 10, 90)}, Width: 400, Height: 100, BrushWidth: 12},
}

func TestPictures(t *testing.T) {
	for name, d := range drawings {
		for _, p := range Procedures() {
			compare(t, name+"_"+string(p), mustDraw(t, d, p).Image())
		}
	}
}

func TestNeitherPlaceNorSizeNorBrushMatters(t *testing.T) {
	d := three()
	for _, p := range []Procedure{EMNIST, MNIST} {
		want := mustDraw(t, d, p)
		for _, c := range []struct {
			name                       string
			scale, dx, dy, side, brush float64
		}{
			{"smaller", 0.25, 0, 0, 280, 0},
			{"larger", 1e6, 0, 0, 0, 0},
			{"tiny", 1e-6, 0, 0, 0, 0},
			{"in a corner", 0.5, 130, 120, 280, 0},
			{"left of the pad", 1, -1000, -5, 280, 0},
			{"with a broad brush", 1, 0, 0, 280, 60},
			{"on a large pad", 1, 300, 300, 1000, 0},
		} {
			moved := Drawing{Width: c.side, Height: c.side, BrushWidth: c.brush}
			for _, s := range d.Strokes {
				var m Stroke
				for i, q := range s {
					m = append(m, Point{X: c.scale*q.X + c.dx, Y: c.scale*q.Y + c.dy, Time: float64(8 * i), Pressure: 0.1})
				}
				moved.Strokes = append(moved.Strokes, m)
			}
			if most := farthest(mustDraw(t, moved, p).Pixels[:], want.Pixels[:]); most > 1 {
				t.Errorf("%s, %s: a pixel differs by %d", p, c.name, most)
			}
		}
	}
	small := Drawing{Strokes: []Stroke{stroke(10, 10, 50, 50)}, Width: 280, Height: 280}
	large := Drawing{Strokes: []Stroke{stroke(10, 10, 250, 250)}, Width: 280, Height: 280}
	if mustDraw(t, small, Tutorial).Pixels == mustDraw(t, large, Tutorial).Pixels {
		t.Error("the tutorial's picture does not depend on how large the ink is")
	}
}

// Who presses harder draws a wider line on the pad, but not for the networks of the
// data sets.
func TestPressure(t *testing.T) {
	with := func(pressure float64) Drawing {
		d := three()
		for i, s := range d.Strokes {
			d.Strokes[i] = slices.Clone(s)
			for j := range s {
				d.Strokes[i][j].Pressure = pressure
			}
		}
		return d
	}
	ink := func(pressure float64) (sum int) {
		for _, v := range mustDraw(t, with(pressure), Tutorial).Pixels {
			sum += int(v)
		}
		return sum
	}
	if light, even, heavy := ink(0.1), ink(0.5), ink(1); light*3 > even*2 || heavy*3 < even*4 || ink(0) != even || ink(7) != heavy {
		t.Errorf("ink at the pressures 0.1, 0.5 and 1: %d, %d, %d; at none %d, at 7 %d", light, even, heavy, ink(0), ink(7))
	}
	for _, p := range []Procedure{EMNIST, MNIST} {
		if mustDraw(t, with(1), p).Pixels != mustDraw(t, with(0), p).Pixels {
			t.Errorf("%s: the pressure changes the picture", p)
		}
	}
	first := mustDraw(t, with(0), EMNIST, WithSteps).Steps[0].Image
	if hard := mustDraw(t, with(1), EMNIST, WithSteps).Steps[0].Image; slices.Equal(hard.Pix, first.Pix) {
		t.Error("the drawing does not show the pressure")
	}
}

// The number of points on a line is of no matter either.
func TestDensityOfPoints(t *testing.T) {
	few := Drawing{Strokes: []Stroke{stroke(0, 0, 50, 100)}}
	var many Stroke
	for i := range 10_001 {
		many = append(many, Point{X: float64(i) / 200, Y: float64(i) / 100})
	}
	a, b := mustDraw(t, few, EMNIST), mustDraw(t, Drawing{Strokes: []Stroke{many}}, EMNIST)
	if most := farthest(a.Pixels[:], b.Pixels[:]); most > 3 {
		t.Errorf("a line of 10,001 points differs by %d from one of 2", most)
	}
}

func TestInkLiesAsInTheData(t *testing.T) {
	for name, d := range drawings {
		if name == "dot" {
			continue
		}
		e := inkBounds(mustDraw(t, d, EMNIST).Image())
		if longer := max(e.Dx(), e.Dy()); longer < 22 || longer > 26 {
			t.Errorf("%s: EMNIST's ink is %v, want its longer side from 22 to 26", name, e)
		}
		if x, y := e.Min.X+e.Max.X, e.Min.Y+e.Max.Y; x < Size-1 || x > Size+1 || y < Size-1 || y > Size+1 {
			t.Errorf("%s: EMNIST's ink is at %v, want it in the middle", name, e)
		}
		r := mustDraw(t, d, MNIST)
		m := inkBounds(r.Image())
		if longer := max(m.Dx(), m.Dy()); longer < 19 || longer > 20 {
			t.Errorf("%s: MNIST's ink is %v, want its longer side 20", name, m)
		}
		var sum, x, y float64
		for i, v := range r.Pixels {
			sum, x, y = sum+float64(v), x+float64(v)*float64(i%Size), y+float64(v)*float64(i/Size)
		}
		if math.Abs(x/sum-14) > 0.51 || math.Abs(y/sum-14) > 0.51 {
			t.Errorf("%s: MNIST's centre of mass is %.2f, %.2f, want 14, 14 within half a pixel", name, x/sum, y/sum)
		}
	}
}

func TestDot(t *testing.T) {
	for _, p := range []Procedure{EMNIST, MNIST} {
		for name, d := range map[string]Drawing{
			"a point":             {Strokes: []Stroke{stroke(5, 5)}},
			"a point on a pad":    {Strokes: []Stroke{stroke(5, 5)}, Width: 280, Height: 280},
			"a tap that trembled": {Strokes: []Stroke{stroke(5, 5, 6, 5, 5, 6)}, Width: 280, Height: 280},
		} {
			r := mustDraw(t, d, p)
			ink := inkBounds(r.Image())
			if r.Empty || ink.Dx() < 2 || ink.Dx() > 6 || ink.Dy() < 2 || ink.Dy() > 6 {
				t.Errorf("%s, %s: ink is %v, want a dot", p, name, ink)
			}
		}
	}
}

func TestEmpty(t *testing.T) {
	for _, p := range Procedures() {
		for name, d := range map[string]Drawing{
			"nothing":          {},
			"no points":        {Strokes: []Stroke{{}, nil}, Width: 280, Height: 280},
			"a pad of no size": {Width: 280},
		} {
			r := mustDraw(t, d, p)
			if !r.Empty || r.Pixels != [Size * Size]byte{} {
				t.Errorf("%s, %s: Empty is %v", p, name, r.Empty)
			}
		}
	}
	if mustDraw(t, three(), EMNIST).Empty {
		t.Error("a digit is Empty")
	}
}

func TestBadDrawings(t *testing.T) {
	ok := stroke(0, 0, 1, 1)
	for _, c := range []struct {
		name, want string
		d          Drawing
	}{
		{"not a number", "point 2 of stroke 1 is at 0, NaN", Drawing{Strokes: []Stroke{stroke(0, 0, 0, math.NaN())}}},
		{"infinite", "point 1 of stroke 2 is at +Inf, 0", Drawing{Strokes: []Stroke{ok, stroke(math.Inf(1), 0)}}},
		{"huge", "is at 1e+308, 0", Drawing{Strokes: []Stroke{stroke(1e308, 0, -1e308, 0)}}},
		{"points", "50001 points, want 50000 at most", Drawing{Strokes: []Stroke{make(Stroke, MaxPoints), make(Stroke, 1)}}},
		{"strokes", "5001 strokes, want 5000 at most", Drawing{Strokes: make([]Stroke, MaxStrokes+1)}},
		{"pad", "width of the pad is -1", Drawing{Strokes: []Stroke{ok}, Width: -1}},
		{"pad not a number", "height of the pad is NaN", Drawing{Strokes: []Stroke{ok}, Height: math.NaN()}},
		{"brush", "width of the brush is +Inf", Drawing{Strokes: []Stroke{ok}, BrushWidth: math.Inf(1)}},
	} {
		_, err := FromStrokes(c.d, EMNIST)
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
	if _, err := FromStrokes(Drawing{}, "jpeg"); err == nil || !strings.Contains(err.Error(), "want emnist or mnist or tutorial") {
		t.Errorf("unknown procedure: error %v", err)
	}
}

// What is at the limits is drawn.
func TestWorstDrawing(t *testing.T) {
	zigzag := make(Stroke, MaxPoints)
	for i := range zigzag {
		zigzag[i] = Point{X: float64(i % 2 * 1000), Y: float64(i*7919%1000) - MaxCoordinate/1e3}
	}
	for _, p := range Procedures() {
		mustDraw(t, Drawing{Strokes: []Stroke{zigzag}}, p)
	}
	// Points farther apart than the pad is wide, and a brush wider than it.
	far := Drawing{Strokes: []Stroke{stroke(-1e9, -1e9, 1e9, 1e9, 0, 5)}, Width: 1e-9, Height: 1e9, BrushWidth: 1e9}
	for _, p := range Procedures() {
		mustDraw(t, far, p, WithSteps)
	}
}

func TestSteps(t *testing.T) {
	for p, want := range map[Procedure][]string{
		EMNIST:   {"drawing", "invert", "crop", "centre", "blur", "scale"},
		MNIST:    {"drawing", "invert", "crop", "scale", "centre"},
		Tutorial: {"drawing", "invert", "scale"},
	} {
		plain, r := mustDraw(t, three(), p), mustDraw(t, three(), p, WithSteps)
		var names []string
		for _, s := range r.Steps {
			names = append(names, s.Name)
			if s.Image.Rect.Empty() || slices.Max(s.Image.Pix) < 128 || slices.Min(s.Image.Pix) > 0 {
				t.Errorf("%s: the picture after %s shows nothing", p, s.Name)
			}
			if light := s.Image.Pix[0] == 255; light != (s.Name == "drawing") {
				t.Errorf("%s: the ground of the picture after %s is light: %v", p, s.Name, light)
			}
		}
		if !slices.Equal(names, want) {
			t.Errorf("%s: steps are %v, want %v", p, names, want)
		}
		if last := r.Steps[len(r.Steps)-1].Image; !slices.Equal(last.Pix, r.Pixels[:]) {
			t.Errorf("%s: the last step is not the result", p)
		}
		if plain.Steps != nil || plain.Pixels != r.Pixels {
			t.Errorf("%s: WithSteps changes the result", p)
		}
	}
}

// A curve goes through its points, and a corner is not rounded.
func TestCurve(t *testing.T) {
	c := newCanvas()
	defer c.free()
	points := stroke(10, 10, 40, 14, 60, 40, 30, 60, 50, 75)
	c.stroke(points, placement{1, 1, 0, 0}, 1.5, evenly)
	for _, p := range points {
		if v := c.row(int(p.Y))[int(p.X)]; v < 0.9 {
			t.Errorf("the curve covers %.2f of the pixel at %v, want all", v, p)
		}
	}
	if v := c.row(11)[25]; v == 1 && c.row(14)[25] == 1 {
		t.Error("the curve is thicker than the pen")
	}
	corner := newCanvas()
	defer corner.free()
	corner.stroke(stroke(10, 10, 70, 10, 20, 75), placement{1, 1, 0, 0}, 1.5, evenly)
	if ink := corner.bounds(); ink != image.Rect(8, 8, 72, 77) {
		t.Errorf("a stroke with a corner covers %v, want 2 pixels round its points", ink)
	}
}

func TestFromStrokesAllocates(t *testing.T) {
	d := three()
	// The least of several runs: the race detector has sync.Pool lose now and then what it was given.
	least := math.Inf(1)
	for range 20 {
		least = min(least, testing.AllocsPerRun(2, func() { mustDraw(t, d, EMNIST) }))
	}
	if least > 4 {
		t.Errorf("FromStrokes allocates %v times, want 4 at most", least)
	}
}

func TestForModel(t *testing.T) {
	for _, c := range []struct {
		dataset, split string
		want           Procedure
	}{{"mnist", "", MNIST}, {"emnist", "mnist", EMNIST}, {"folder", "", MNIST}, {"folder", "mnist", EMNIST}, {"", "", EMNIST}} {
		if got := ForModel(c.dataset, c.split); got != c.want {
			t.Errorf("ForModel(%q, %q) is %s, want %s", c.dataset, c.split, got, c.want)
		}
	}
}

func FuzzFromStrokes(f *testing.F) {
	f.Add(10.0, 10.0, 20.0, 30.0, 5.0, 40.0, 0.0, 0.0)
	f.Add(0.0, 0.0, 1e-300, 0.0, 1e-300, 1e-300, 1e9, 1e-9)
	f.Add(-1e9, 1e9, 1e9, -1e9, 0.0, 0.0, 280.0, 280.0)
	f.Add(math.NaN(), 0.0, 0.0, 0.0, 0.0, 0.0, 0.0, 0.0)
	f.Fuzz(func(t *testing.T, x0, y0, x1, y1, x2, y2, width, height float64) {
		d := Drawing{Strokes: []Stroke{stroke(x0, y0, x1, y1, x2, y2), stroke(x2, y2)}, Width: width, Height: height, BrushWidth: y1}
		for _, p := range Procedures() {
			r, err := FromStrokes(d, p, WithSteps)
			if err == nil && p != Tutorial && slices.Max(r.Pixels[:]) < 64 {
				t.Errorf("%s: nothing is to be seen of %v", p, d)
			}
		}
	})
}
