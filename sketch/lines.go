package sketch

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strconv"

	"inkling/internal/wording"
)

// Labelled is a drawing of which it is known what it shows.
type Labelled struct {
	Drawing
	Label  string // what it shows, such as "7"
	Writer string // who drew it; "" if unknown
	Line   int    // where it stands in the file, from 1
}

// mostLine is how long a line of a file of drawings may be, in bytes.
const mostLine = 2 << 20

// Lines reads labelled drawings, one JSON object a line:
//
//	{"label": 7, "writer": "anna", "strokes": [[[0, 0], [9, 0.5], [4, 20]], ...]}
//
// A stroke is a list of points, a point a list of x, y (down) and, if they are
// known, time and pressure. The label is a text or a whole number; writer may be
// left out, and so may width, height and brush, which are the pad's. Other members
// are passed over, as are empty lines. If the text is gzipped, it is unpacked.
//
//	lines := sketch.NewLines(file)
//	for lines.Next() {
//		use(lines.Drawing())
//	}
//	if err := lines.Err(); err != nil {
//		return err
//	}
//
// A drawing is as [FromStrokes] takes it. A line may have 2 MiB. Memory is needed
// for one line at a time.
type Lines struct {
	scanner *bufio.Scanner
	current Labelled
	line    int
	err     error
}

// NewLines reads from r. It reads no further than it must.
func NewLines(r io.Reader) *Lines {
	l := &Lines{}
	buffered := bufio.NewReader(r)
	r = buffered
	if head, _ := buffered.Peek(2); bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(buffered)
		if err != nil {
			l.err = fmt.Errorf("the file begins as a gzipped one, but is damaged: %w", err)
		}
		r = unpacked
	}
	l.scanner = bufio.NewScanner(r)
	l.scanner.Buffer(nil, mostLine)
	return l
}

// Next reads the next drawing. It returns false at the end or at an error.
func (l *Lines) Next() bool {
	for l.err == nil && l.scanner.Scan() {
		l.line++
		line := bytes.TrimSpace(l.scanner.Bytes())
		if len(line) == 0 {
			continue
		}
		if err := l.parse(line); err != nil {
			l.err = fmt.Errorf("line %d: %w", l.line, err)
			return false
		}
		return true
	}
	if l.err == nil {
		switch err := l.scanner.Err(); {
		case errors.Is(err, bufio.ErrTooLong):
			l.err = fmt.Errorf("line %d has more than %s, which is more than a drawing needs", l.line+1, wording.Number(mostLine, "byte"))
		case err != nil:
			l.err = fmt.Errorf("line %d cannot be read: %w", l.line+1, err)
		}
	}
	return false
}

// Drawing returns the drawing that Next has read.
func (l *Lines) Drawing() Labelled { return l.current }

// Err returns the error that ended the reading, nil at the end of the file. It
// names the line.
func (l *Lines) Err() error { return l.err }

func (l *Lines) parse(line []byte) error {
	// Every list begins so. Looking first keeps a line of empty lists from
	// becoming many times as large in memory.
	if n := bytes.Count(line, []byte("[")); n > MaxPoints+MaxStrokes+1 {
		return fmt.Errorf("there are %d lists, want at most %s in %s", n, wording.Number(MaxPoints, "point"), wording.Number(MaxStrokes, "stroke"))
	}
	var v struct {
		Label   *label     `json:"label"`
		Writer  string     `json:"writer"`
		Strokes [][]values `json:"strokes"`
		Width   float64    `json:"width"`
		Height  float64    `json:"height"`
		Brush   float64    `json:"brush"`
	}
	if err := json.Unmarshal(line, &v); err != nil {
		var kind *json.UnmarshalTypeError
		var syntax *json.SyntaxError
		switch {
		case errors.As(err, &kind) && kind.Field != "":
			return fmt.Errorf("%s is a %s, want a drawing such as %s", kind.Field, kind.Value, layout)
		case errors.As(err, &kind), errors.As(err, &syntax):
			return fmt.Errorf("it is no drawing in JSON, such as %s: %w", layout, err)
		}
		return err // of a point or a label
	}
	if v.Label == nil {
		return fmt.Errorf("the label is missing, want a drawing such as %s", layout)
	}
	if v.Strokes == nil {
		return fmt.Errorf("the strokes are missing, want a drawing such as %s", layout)
	}
	l.current = Labelled{Drawing: Drawing{Width: v.Width, Height: v.Height, BrushWidth: v.Brush},
		Label: string(*v.Label), Writer: v.Writer, Line: l.line}
	for _, points := range v.Strokes {
		s := make(Stroke, len(points))
		for i, p := range points {
			s[i] = Point{p[0], p[1], p[2], p[3]}
		}
		l.current.Strokes = append(l.current.Strokes, s)
	}
	return l.current.check()
}

const layout = `{"label":7,"writer":"anna","strokes":[[[0,0],[9,0.5],[4,20]]]}`

// label is a text or a whole number.
type label string

func (l *label) UnmarshalJSON(text []byte) error {
	var s string
	if json.Unmarshal(text, &s) == nil {
		*l = label(s)
		return nil
	}
	n, err := strconv.Atoi(string(text))
	if err != nil {
		return fmt.Errorf("the label is %.40s, want a text or a whole number", text)
	}
	*l = label(strconv.Itoa(n))
	return nil
}

// values are those of a point: x, y, time, pressure.
type values [4]float64

func (v *values) UnmarshalJSON(text []byte) error {
	var list []float64
	err := json.Unmarshal(text, &list)
	if err != nil || len(list) < 2 || len(list) > len(v) {
		return fmt.Errorf("a point is %.40s, want [x, y] or [x, y, time, pressure]", text)
	}
	copy(v[:], list)
	return nil
}
