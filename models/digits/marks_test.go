package digits_test

import (
	"math/rand/v2"
	"slices"
	"testing"

	"inkling"
	"inkling/models/digits"
	"inkling/sketch"
)

// reader finds digits with the built-in networks.
func reader(t *testing.T) *sketch.Reader {
	t.Helper()
	network, about, err := digits.Load()
	if err != nil {
		t.Fatal(err)
	}
	m := &inkling.Classifier{Network: network, About: about}
	const together = 16
	single, err := inkling.NewBatchReader(m, m.TransformDrawing(), together)
	if err != nil {
		t.Fatal(err)
	}
	judge, err := digits.Judge()
	if err != nil {
		t.Fatal(err)
	}
	return &sketch.Reader{Procedure: sketch.EMNIST, Read: single.ReadAll, Judge: judge, Together: together}
}

// A digit is one digit, also a barred seven and one of several strokes, and seldom none.
func TestSingleDigitsStayWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("reads thousands of digits")
	}
	r := reader(t)
	drawings := unseenDrawings(t)
	if testing.Short() {
		drawings = drawings[:500]
	}
	several, none := 0, 0
	for _, d := range drawings {
		page, err := r.Strokes(d.Drawing)
		if err != nil {
			t.Fatal(err)
		}
		if len(page.Marks) != 1 {
			several++
		} else if page.Marks[0].None >= digits.NoneFrom {
			none++
		}
	}
	t.Logf("of %d digits %d are taken for several and %d for none", len(drawings), several, none)
	if 500*several > len(drawings) || 200*none > len(drawings) {
		t.Errorf("of %d digits %d are taken for several, want 0.2 %% at most, and %d for none, want 0.5 %%", len(drawings), several, none)
	}
}

// Numbers that strangers drew are read.
func TestNumbers(t *testing.T) {
	r := reader(t)
	drawings := unseenDrawings(t)
	random := rand.New(rand.NewPCG(1, 2))
	const numbers = 100
	right := 0
	for i := range numbers {
		writer := drawings[random.IntN(len(drawings))].Writer
		var d sketch.Drawing
		want, at := "", 0.0
		for range 2 + i%4 {
			digit := drawings[random.IntN(len(drawings))]
			for digit.Writer != writer {
				digit = drawings[random.IntN(len(drawings))]
			}
			want += digit.Label
			left, right := at+1e9, at
			for _, s := range digit.Strokes {
				for _, p := range s {
					left = min(left, p.X)
				}
			}
			for _, s := range digit.Strokes {
				var moved sketch.Stroke
				for _, p := range s {
					moved = append(moved, sketch.Point{X: at + p.X - left, Y: p.Y})
					right = max(right, at+p.X-left)
				}
				d.Strokes = append(d.Strokes, moved)
			}
			at = right + 30
		}
		page, err := r.Strokes(d)
		if err != nil {
			t.Fatal(err)
		}
		if page.Text([]string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) == want {
			right++
		}
	}
	t.Logf("%d of %d numbers are read", right, numbers)
	if right < 93 {
		t.Errorf("%d of %d numbers are read, want 93", right, numbers)
	}
}

// What is none is told, and real digits of EMNIST seldom are.
func TestNone(t *testing.T) {
	r := reader(t)
	var scribble, zigzag, star sketch.Stroke
	for i := range 40 {
		scribble = append(scribble, sketch.Point{X: float64(i*37%100) + float64(i), Y: float64(i * 53 % 90)})
		zigzag = append(zigzag, sketch.Point{X: float64(i%2) * 90, Y: 4 * float64(i)})
	}
	for _, p := range [][2]float64{{50, 0}, {80, 95}, {2, 36}, {98, 36}, {20, 95}, {50, 0}} {
		star = append(star, sketch.Point{X: p[0], Y: p[1]})
	}
	for name, s := range map[string]sketch.Stroke{"a scribble": scribble, "a zigzag": zigzag, "a star": star} {
		page, err := r.Strokes(sketch.Drawing{Strokes: []sketch.Stroke{s}})
		if err != nil || len(page.Marks) != 1 || page.Marks[0].None < digits.NoneFrom {
			t.Errorf("%s: %+v, %v, want one mark that is none", name, page, err)
		}
	}
	judge, err := digits.Judge()
	if err != nil {
		t.Fatal(err)
	}
	all, err := judge([][]byte{make([]byte, 784), slices.Repeat([]byte{255}, 784)})
	if err != nil || len(all) != 2 || len(all[0]) != 11 {
		t.Errorf("%v, %v, want two answers of eleven classes", all, err)
	}
}
