package vector

import (
	"encoding/json"
	"math"
	"slices"
	"strings"
	"testing"

	"inkling/transform"
)

func flowers(t testing.TB) *Input {
	t.Helper()
	in, err := NewInput([]string{"length", "width"}, [][]float64{{1, 10}, {3, 10}})
	if err != nil {
		t.Fatal(err)
	}
	return in
}

func TestParse(t *testing.T) {
	in := flowers(t)
	for _, row := range []string{"4,-1.5", " 4 ; -1.5 ", "4\t-1.5\r\n", "4 -15e-1", "[4, -1.5]", `{"width": -1.5, "length": 4}`} {
		got, err := in.Parse(row)
		if err != nil || !slices.Equal(got, []float64{4, -1.5}) {
			t.Errorf("%q is %v: %v", row, got, err)
		}
	}
	for row, want := range map[string]string{
		"":                                     "there are 0 numbers, want 2: length, width",
		"1,2,3":                                "there are 3 numbers",
		"1,two":                                `"two" is no number`,
		"1,NaN":                                `"NaN" is no number`,
		"[1,":                                  "no JSON array",
		`{"length": 1}`:                        `there is no "width"`,
		`{"length": 1, "width": 2, "hue": 3}`:  `there is no column "hue"`,
		`{"length": "1", "width": 2}`:          "no JSON object of numbers",
		"1, " + strings.Repeat("9", 400) + "e": "is no number",
	} {
		if _, err := in.Parse(row); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", row, err, want)
		}
	}
}

// The network reads what is left when the mean is taken away and the deviation divided by.
func TestBytes(t *testing.T) {
	in := flowers(t)
	c, h, w := in.Shape()
	pipeline, err := transform.Compile(in.Transform(), c, h, w)
	if err != nil {
		t.Fatal(err)
	}
	row, err := in.Bytes([]float64{5, 12})
	if err != nil {
		t.Fatal(err)
	}
	got := make([]float32, 2)
	pipeline.Apply(got, row)
	if !slices.Equal(got, []float32{3, 2}) { // a column of equal numbers has the deviation 1
		t.Errorf("the network reads %v, want 3 and 2", got)
	}
	for _, row := range [][]float64{{1}, {1, math.NaN()}, {math.Inf(1), 1}, {1e300, 1}} {
		if _, err := in.Bytes(row); err == nil {
			t.Errorf("%v is taken", row)
		}
	}
}

func TestInputJSON(t *testing.T) {
	in := flowers(t)
	file, err := json.Marshal(in)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseInput(string(file)); err != nil || !slices.Equal(got.Columns, in.Columns) {
		t.Errorf("%s became %v: %v", file, got, err)
	}
	for _, bad := range []string{"", "{}", `{"columns":[{"name":"a","mean":0,"std":0}]}`, `{"columns":[{"name":"a","mean":0,"std":-1}]}`,
		`{"columns":[{"name":"a","mean":0,"std":1},{"name":"a","mean":0,"std":1}]}`} {
		if _, err := ParseInput(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	if _, err := NewInput([]string{"a"}, nil); err == nil {
		t.Error("an input of no rows is taken")
	}
	if _, err := NewInput([]string{"a"}, [][]float64{{1, 2}}); err == nil {
		t.Error("a row of two is taken for one column")
	}
}

// No row makes it panic, and what is read is a row.
func FuzzParse(f *testing.F) {
	for _, row := range []string{"1,2", "[1,2]", `{"length":1,"width":2}`, "1e999,2", ";;", "{", "[[]]"} {
		f.Add(row)
	}
	in := flowers(f)
	f.Fuzz(func(t *testing.T, row string) {
		values, err := in.Parse(row)
		if err != nil {
			return
		}
		if _, err := in.Bytes(values); err != nil && !strings.Contains(err.Error(), "too far") {
			t.Errorf("%q is read as %v, which is no row: %v", row, values, err)
		}
	})
}
