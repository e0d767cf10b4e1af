package sketch

import (
	"bytes"
	"compress/gzip"
	"inkling/internal/realdata"
	"reflect"
	"runtime"
	"strings"
	"testing"
)

func zipped(t testing.TB, text string) string {
	t.Helper()
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if _, err := z.Write([]byte(text)); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

func readLines(text string) (all []Labelled, err error) {
	lines := NewLines(strings.NewReader(text))
	for lines.Next() {
		all = append(all, lines.Drawing())
	}
	return all, lines.Err()
}

func TestLines(t *testing.T) {
	const text = `{"label": 7, "writer": "anna", "strokes": [[[0, 0], [9.5, -1e2]], [[3, 4, 12, 0.5]]], "set": {"any": [1]}}

{"strokes":[],"label":"x","width":500,"height":400,"brush":12}`
	want := []Labelled{
		{Drawing{Strokes: []Stroke{{{X: 0}, {X: 9.5, Y: -100}}, {{3, 4, 12, 0.5}}}}, "7", "anna", 1},
		{Drawing{Width: 500, Height: 400, BrushWidth: 12}, "x", "", 3},
	}
	for name, text := range map[string]string{"plain": text, "with an end of line": text + "\r\n", "gzipped": zipped(t, text)} {
		got, err := readLines(text)
		if err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("%s: read %+v, %v, want %+v", name, got, err, want)
		}
	}
	for _, nothing := range []string{"", "\n\n", zipped(t, "")} {
		if got, err := readLines(nothing); len(got) != 0 || err != nil {
			t.Errorf("an empty file: read %v, %v", got, err)
		}
	}
}

const good = `{"label":1,"strokes":[[[0,0],[1,1]]]}`

func TestBadLines(t *testing.T) {
	packed := zipped(t, strings.Repeat(good+"\n", 50))
	for _, c := range []struct{ name, text, want string }{
		{"no JSON", good + "\n\nlabel 7", "line 3: it is no drawing in JSON"},
		{"cut", good[:20], "line 1: it is no drawing in JSON"},
		{"an HTML page", "<html>", "line 1: it is no drawing"},
		{"a list", "[1]", "line 1"},
		{"two on a line", good + good, "line 1: it is no drawing"},
		{"no label", `{"strokes":[]}`, "line 1: the label is missing"},
		{"broken label", `{"label":1.5,"strokes":[]}`, "the label is 1.5, want a text or a whole number"},
		{"no strokes", good + "\n" + `{"label":1}`, "line 2: the strokes are missing"},
		{"strokes of another kind", `{"label":1,"strokes":"M 0 0"}`, "line 1: strokes is a string"},
		{"a stroke of another kind", `{"label":1,"strokes":[7]}`, "line 1: strokes is a number"},
		{"an object as a point", `{"label":1,"strokes":[[{"x":1}]]}`, `a point is {"x":1}, want [x, y]`},
		{"half a point", `{"label":1,"strokes":[[[1]]]}`, "line 1: a point is [1], want [x, y]"},
		{"too much of a point", `{"label":1,"strokes":[[[1,2,3,4,5]]]}`, "a point is [1,2,3,4,5], want"},
		{"a text in a point", `{"label":1,"strokes":[[[1,"2"]]]}`, `a point is [1,"2"], want`},
		{"too large a number", `{"label":1,"strokes":[[[1,1e400]]]}`, "a point is [1,1e400]"},
		{"far away", `{"label":1,"strokes":[[[1,1e200]]]}`, "line 1: point 1 of stroke 1 is at 1, 1e+200"},
		{"pad", `{"label":1,"strokes":[],"width":-5}`, "line 1: the width of the pad is -5"},
		{"too many lists", `{"label":1,"strokes":[` + strings.Repeat("[],", 60_000) + `[]]}`, "line 1: there are 60002 lists"},
		{"too long a line", good + "\n" + strings.Repeat(" ", mostLine+1), "line 2 has more than 2097152 bytes"},
		{"damaged gzip", "\x1f\x8b\x07junk", "begins as a gzipped one, but is damaged"},
		{"cut gzip", packed[:len(packed)-9], "cannot be read: unexpected EOF"},
	} {
		_, err := readLines(c.text)
		if err == nil || !strings.Contains(err.Error(), c.want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%s: error %v, want one with %q", c.name, err, c.want)
		}
	}
}

// However much a gzipped file unpacks to, memory is needed for one line only.
func TestLinesMemory(t *testing.T) {
	bomb := zipped(t, strings.Repeat(" ", 16<<20))
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	if _, err := readLines(bomb); err == nil {
		t.Error("a line of 16 MB is taken")
	}
	runtime.ReadMemStats(&after)
	if used := after.TotalAlloc - before.TotalAlloc; used > 4*mostLine {
		t.Errorf("it took %d bytes to refuse %d, want less than %d", used, len(bomb), 4*mostLine)
	}
}

func TestPenDigits(t *testing.T) {
	f, err := realdata.PenDigits()
	if err != nil {
		t.Fatal(err)
	}
	lines, drawings, writers := NewLines(f), 0, map[string]bool{}
	for lines.Next() {
		drawings++
		writers[lines.Drawing().Writer] = true
	}
	if lines.Err() != nil || drawings != 2498 || len(writers) != 10 {
		t.Errorf("read %d drawings of %d writers, %v, want 2498 of 10", drawings, len(writers), lines.Err())
	}
}

func FuzzLines(f *testing.F) {
	f.Add([]byte(good + "\n" + good))
	f.Add([]byte(`{"label":"x","writer":"a","strokes":[[[1,2,3,0.5]],[]],"width":1e9}`))
	f.Add([]byte(zipped(f, good)))
	f.Add([]byte(`{"label":1,"strokes":[[[1,null],null],null]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		lines := NewLines(bytes.NewReader(text))
		for lines.Next() {
			if _, err := FromStrokes(lines.Drawing().Drawing, EMNIST); err != nil {
				t.Errorf("what Lines takes is refused: %v", err)
			}
		}
	})
}
