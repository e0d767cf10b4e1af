package sketch

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"
)

// Digits as few lines, 60 wide and 100 high at most.
var lineDigits = map[byte][]Stroke{
	'1': {{{X: 30, Y: 0}, {X: 30, Y: 100}}},
	'2': {{{X: 0, Y: 20}, {X: 30, Y: 0}, {X: 55, Y: 20}, {X: 0, Y: 100}, {X: 60, Y: 100}}},
	'4': {{{X: 20, Y: 0}, {X: 0, Y: 60}, {X: 60, Y: 60}}, {{X: 45, Y: 30}, {X: 45, Y: 100}}},
	'5': {{{X: 5, Y: 5}, {X: 0, Y: 45}, {X: 50, Y: 50}, {X: 50, Y: 90}, {X: 0, Y: 100}}, {{X: 5, Y: 0}, {X: 55, Y: 0}}},
	'7': {{{X: 0, Y: 0}, {X: 60, Y: 0}, {X: 20, Y: 100}}, {{X: 15, Y: 50}, {X: 55, Y: 50}}}, // barred
	'8': {{{X: 10, Y: 0}, {X: 50, Y: 0}, {X: 50, Y: 42}, {X: 10, Y: 42}, {X: 10, Y: 0}}, {{X: 0, Y: 50}, {X: 60, Y: 50}, {X: 60, Y: 100}, {X: 0, Y: 100}, {X: 0, Y: 50}}},
	'o': {{{X: 0, Y: 50}, {X: 40, Y: 50}, {X: 40, Y: 100}, {X: 0, Y: 100}, {X: 0, Y: 50}}},               // a low one
	'.': {{{X: 0, Y: 98}}},                                                                               // dot
	',': {{{X: 6, Y: 95}, {X: 0, Y: 112}}},                                                               // comma
	'"': {{{X: 0, Y: 0}, {X: 60, Y: 0}, {X: 20, Y: 100}}, {{X: 85, Y: 48}, {X: 110, Y: 48}}},             // a seven and a dash
	'~': {{{X: 22, Y: 0}, {X: 0, Y: 60}, {X: 40, Y: 64}}, {{X: 48, Y: 40}, {X: 46, Y: 110}}},             // an open four
	'^': {{{X: 0, Y: 10}, {X: 0, Y: 45}, {X: 50, Y: 50}, {X: 0, Y: 100}}, {{X: 8, Y: 0}, {X: 60, Y: 0}}}, // a five whose bar is apart
}

// written puts digits side by side, so far apart, and lines below each other.
func written(text string, gap float64) Drawing {
	var d Drawing
	x, y := 0.0, 0.0
	for _, c := range []byte(text) {
		if c == '\n' {
			x, y = 0, y+170
			continue
		}
		right := x
		for _, s := range lineDigits[c] {
			var moved Stroke
			for _, p := range s {
				moved = append(moved, Point{X: x + p.X, Y: y + p.Y})
				right = max(right, x+p.X)
			}
			d.Strokes = append(d.Strokes, moved)
		}
		x = right + gap
	}
	return d
}

var pages = []struct {
	text    string
	lines   []int // how many digits each has
	leftOut int
}{
	{"1", []int{1}, 0},
	{"4", []int{1}, 0},
	{"5", []int{1}, 0},
	{"7", []int{1}, 0},
	{"8", []int{1}, 0},
	{"~", []int{1}, 0},
	{"^", []int{1}, 0},
	{"11", []int{2}, 0},
	{"27", []int{2}, 0},
	{"4785", []int{4}, 0},
	{"12457812", []int{8}, 0},
	{"1.2", []int{2}, 1},
	{"12,5", []int{3}, 1},
	{"\"", []int{1}, 1},
	{"2o2", []int{3}, 0},
	{"12\n457", []int{2, 3}, 0},
	{"7\n7\n4", []int{1, 1, 1}, 0},
}

func TestReaderFindsStrokes(t *testing.T) {
	for _, test := range pages {
		d := written(test.text, 25)
		for range 2 {
			page, err := (&Reader{Procedure: EMNIST}).Strokes(d)
			if err != nil {
				t.Fatal(err)
			}
			checkPage(t, test.text, page, test.lines, test.leftOut)
			slices.Reverse(d.Strokes) // written from the right, bars first
		}
	}
}

func checkPage(t *testing.T, name string, page *Page, lines []int, leftOut int) {
	t.Helper()
	found := make([]int, page.Lines())
	right := math.Inf(-1)
	for i, m := range page.Marks {
		found[m.Line]++
		if i > 0 && m.Line > page.Marks[i-1].Line {
			right = math.Inf(-1)
		}
		if m.Left < right-10 || m.Result == nil || m.Result.Empty {
			t.Errorf("%q: digit %d lies at %v, behind one that ends at %v, or has no picture", name, i, m.Left, right)
		}
		right = m.Right
	}
	if !slices.Equal(found, lines) || page.LeftOut != leftOut {
		t.Errorf("%q: lines of %v digits and %d left out, want %v and %d", name, found, page.LeftOut, lines, leftOut)
	}
}

// One digit is what it was before there were numbers.
func TestReaderLeavesOneAlone(t *testing.T) {
	for _, text := range []string{"1", "2", "4", "5", "7", "8"} {
		d := written(text, 0)
		d.Width, d.Height = 300, 300
		want, err := FromStrokes(d, EMNIST, WithSteps)
		if err != nil {
			t.Fatal(err)
		}
		page, err := (&Reader{Procedure: EMNIST}).Strokes(d, WithSteps)
		if err != nil || len(page.Marks) != 1 || page.Marks[0].Result.Pixels != want.Pixels || len(page.Marks[0].Result.Steps) != len(want.Steps) {
			t.Errorf("%q: %v, %v, want one digit, as FromStrokes makes it", text, page, err)
		}
	}
	if page, err := (&Reader{Procedure: EMNIST}).Strokes(Drawing{}); err != nil || len(page.Marks) > 0 {
		t.Errorf("an empty pad: %v, %v", page, err)
	}
}

// paper draws strokes in ink on paper whose light falls from left to right, with lines
// that are so far apart, if any.
func paper(d Drawing, ink, light color.Gray, ruled int) *image.Gray {
	const margin, radius = 40, 4
	b, _ := d.bounds()
	img := image.NewGray(image.Rect(0, 0, int(b.right)+2*margin, int(b.bottom)+2*margin))
	shade := func(x int, c color.Gray) byte {
		return byte(float64(c.Y) * (1 - 0.45*float64(x)/float64(img.Rect.Dx())))
	}
	for y := range img.Rect.Dy() {
		for x := range img.Rect.Dx() {
			c := light
			if ruled > 0 && y%ruled == ruled/2 {
				c = ink
			}
			img.Pix[y*img.Stride+x] = shade(x, c)
		}
	}
	for _, s := range d.Strokes {
		for i := range s {
			from, to := s[max(i-1, 0)], s[i]
			for k := range 101 {
				t := float64(k) / 100
				px, py := from.X+t*(to.X-from.X)+margin, from.Y+t*(to.Y-from.Y)+margin
				for y := int(py - radius); y <= int(py+radius); y++ {
					for x := int(px - radius); x <= int(px+radius); x++ {
						img.Pix[y*img.Stride+x] = shade(x, ink)
					}
				}
			}
		}
	}
	return img
}

func TestReaderFindsPictures(t *testing.T) {
	for _, test := range pages {
		d := written(test.text, 25)
		for name, img := range map[string]*image.Gray{
			"dark ink in a shadow": paper(d, color.Gray{30}, color.Gray{220}, 0),
			"light ink":            paper(d, color.Gray{230}, color.Gray{20}, 0),
		} {
			page, err := (&Reader{Procedure: EMNIST}).Picture(img, WithSteps)
			if err != nil {
				t.Fatal(err)
			}
			checkPage(t, test.text+" in "+name, page, test.lines, test.leftOut)
			if page.Ruled {
				t.Errorf("%q in %s: there are no lines to take off", test.text, name)
			}
		}
	}
}

// Lines from border to border are taken off, and frames round digits.
func TestReaderTakesLinesOff(t *testing.T) {
	img := paper(written("1247", 25), color.Gray{30}, color.Gray{220}, 33)
	page, err := (&Reader{Procedure: EMNIST}).Picture(img, WithSteps)
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, "ruled paper", page, []int{4}, page.LeftOut)
	if !page.Ruled || len(page.Steps) != 2 || page.Steps[1].Name != "lines" {
		t.Errorf("Ruled is %v, with %d steps", page.Ruled, len(page.Steps))
	}
	d := written("1 2 4", 25)
	frame := Stroke{{X: -20, Y: -20}, {X: 260, Y: -20}, {X: 260, Y: 120}, {X: -20, Y: 120}, {X: -20, Y: -20}}
	d.Strokes = append(d.Strokes, frame)
	page, err = (&Reader{Procedure: EMNIST}).Picture(paper(d, color.Gray{30}, color.Gray{220}, 0))
	if err != nil {
		t.Fatal(err)
	}
	checkPage(t, "a frame", page, []int{3}, page.LeftOut)
}

// Digits that touch are cut where a network reads the parts surest.
func TestReaderCuts(t *testing.T) {
	// Wide ink is none, and what is narrow a digit, the surer the better it fills 20 to
	// 60 hundredths.
	judge := func(pictures [][]byte) ([][]float32, error) {
		var all [][]float32
		for _, p := range pictures {
			left, right := Size, 0
			for i, v := range p {
				if v > 100 {
					left, right = min(left, i%Size), max(right, i%Size+1)
				}
			}
			none := float32(0.001)
			if right-left > 18 {
				none = 0.999
			}
			all = append(all, []float32{1 - none, 0, none})
		}
		return all, nil
	}
	for _, text := range []string{"22", "27"} {
		d := written(text, 0)
		whole := Drawing{Strokes: []Stroke{slices.Concat(d.Strokes...)}} // without lifting the pen
		reader := &Reader{Procedure: EMNIST, Judge: judge, Together: 4}
		page, err := reader.Strokes(whole)
		if err != nil || len(page.Marks) != 2 || page.Marks[0].None > 0.5 {
			t.Errorf("%q: %d marks, %v, want 2", text, len(page.Marks), err)
		}
		page, err = reader.Picture(paper(whole, color.Gray{30}, color.Gray{220}, 0))
		if err != nil || len(page.Marks) != 2 {
			t.Errorf("a picture of %q: %d marks, %v, want 2", text, len(page.Marks), err)
		}
	}
	page, err := (&Reader{Procedure: EMNIST, Judge: judge}).Strokes(written("2", 0))
	if err != nil || len(page.Marks) != 1 {
		t.Errorf("one digit: %d marks, %v", len(page.Marks), err)
	}
}

// Of a mark that is none nearly for sure, the classes' probabilities still come to 1.
func TestJudgedProbabilities(t *testing.T) {
	judge := func(pictures [][]byte) ([][]float32, error) {
		return slices.Repeat([][]float32{{2e-8, 9e-8, 1 - 6e-8}}, len(pictures)), nil
	}
	reader := &Reader{Procedure: EMNIST, Judge: judge, Together: 4}
	page, err := reader.Picture(paper(written("22", 2), color.Gray{30}, color.Gray{220}, 0))
	if err != nil || len(page.Marks) == 0 {
		t.Fatalf("%d marks, %v", len(page.Marks), err)
	}
	for _, m := range page.Marks {
		if p := m.Probabilities; len(p) != 2 || p[0]+p[1] < 1-1e-6 || p[0]+p[1] > 1+1e-6 || p[1] < 0.75 {
			t.Errorf("the probabilities are %v, want about 0.19 and 0.81", p)
		}
	}
}

// Much ink is no page, and takes no time out of proportion.
func TestReaderGivesUp(t *testing.T) {
	var d Drawing
	for i := range mostStrokes + 1 {
		d.Strokes = append(d.Strokes, Stroke{{X: float64(20 * i), Y: 0}, {X: float64(20 * i), Y: 100}})
	}
	if page, err := (&Reader{Procedure: EMNIST}).Strokes(d); err != nil || len(page.Marks) != 1 {
		t.Errorf("%d marks, %v, want one", len(page.Marks), err)
	}
	scribble := make(Stroke, 20_000) // and two more
	for i := range scribble {
		scribble[i] = Point{X: float64(i * 7919 % 1009), Y: float64(i * 104729 % 997)}
	}
	long := Drawing{Strokes: []Stroke{scribble, scribble[:10_000], scribble[:10_000]}}
	none := func(pictures [][]byte) ([][]float32, error) {
		return slices.Repeat([][]float32{{0.1, 0.9}}, len(pictures)), nil
	}
	if page, err := (&Reader{Procedure: EMNIST, Judge: none, Together: 8}).Strokes(long); err != nil || len(page.Marks) != 1 {
		t.Errorf("%d marks, %v, want one", len(page.Marks), err)
	}
	noise := image.NewGray(image.Rect(0, 0, 400, 400))
	for i := range noise.Pix {
		if x, y := i%400, i/400; x%12 > 2 || y%12 == 0 {
			noise.Pix[i] = 255
		}
	}
	if page, err := (&Reader{Procedure: EMNIST}).Picture(noise); err != nil || len(page.Marks) != 1 {
		t.Errorf("%d marks, %v, want one", len(page.Marks), err)
	}
}
