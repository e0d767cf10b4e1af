package pixels

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"inkling/data/parts"
	"inkling/data/table"
	"inkling/internal/wording"
)

// fewest is how many numbers a line has at least in which a picture stands: those
// of 4x4 samples.
const fewest = 16

// IsTable tells whether the lines of a table have pictures in them, and not, say,
// the names of files: whether nearly all of a line are numbers, and as many as a
// small picture has, or one field is a list of so many.
func IsTable(head []table.Line) bool {
	l := head[min(1, len(head)-1)]
	if len(head) == 1 && len(l.Fields) > fewest && isHeader(l.Fields) {
		return true // without pictures, as will be said
	}
	if listColumn(l.Fields) >= 0 {
		return true
	}
	numbers := 0
	for _, f := range l.Fields {
		if f == "" || table.IsNumber(f) {
			numbers++
		}
	}
	if numbers < fewest || numbers < len(l.Fields)-4 {
		return false
	}
	path := table.FindColumns(head[0].Fields).Path
	return path < 0 || table.IsNumber(l.Fields[path])
}

// listColumn returns the number of the field that is a list of samples with
// spaces, -1 if there is none.
func listColumn(fields []string) int {
	return slices.IndexFunc(fields, func(f string) bool {
		values := strings.Fields(strings.Trim(f, "[]"))
		return len(values) >= fewest && !slices.ContainsFunc(values, func(v string) bool { return !table.IsNumber(v) })
	})
}

// columns are what the columns of a table of pictures are.
type columns struct {
	header      bool
	label, part int   // -1 if there is none
	list        int   // the column whose fields are lists of samples, else -1
	samples     []int // those of the samples, if list is -1
	layout      layout
	notes       []string
}

// ReadTable reads a table of pictures, which open opens, once or twice. The label
// stands in the column of that name, or else in the first one; a column such as
// split or Usage divides the pictures.
func ReadTable(open func() (io.ReadCloser, error), o Options) (*Samples, error) {
	f, err := open()
	if err != nil {
		return nil, err
	}
	defer f.Close()
	lines, err := table.NewReader(f)
	if err != nil {
		return nil, err
	}
	c, err := findColumns(lines.Head(), open)
	if err != nil {
		return nil, err
	}
	if c.header {
		lines.Skip()
	}
	t := &tableSamples{columns: c, names: map[string]string{}, values: newRange()}
	for {
		l, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err == nil {
			err = t.add(l)
		}
		if err != nil {
			return nil, err
		}
	}
	return t.finish(o)
}

// findColumns finds out what the columns are.
func findColumns(head []table.Line, open func() (io.ReadCloser, error)) (*columns, error) {
	first := head[0].Fields
	c := &columns{label: -1, part: -1, list: -1, header: isHeader(first)}
	rest := head
	if c.header {
		if rest = head[1:]; len(rest) == 0 {
			return nil, errors.New("it has a header and no pictures")
		}
	}
	c.list = listColumn(rest[0].Fields)
	named := table.Columns{Path: -1, Label: -1, Part: -1}
	if c.header {
		named = table.FindColumns(first)
		c.label = named.Label
		if p := named.Part; p >= 0 && isPartColumn(table.Column(rest, p)) {
			c.part = p
		}
	}
	if c.list >= 0 {
		if c.label == c.list {
			c.label = -1
		}
		if c.label < 0 && len(first) == 2 {
			c.label = 1 - c.list
			c.notes = append(c.notes, fmt.Sprintf("Column %d is taken as that of the labels.", c.label+1))
		}
		return c, nil
	}
	for i := range first {
		isIndex := c.header && table.IsIndex(first[i], table.Column(rest, i))
		if i != c.label && i != c.part && !isIndex && (i != named.Path || !c.header) {
			c.samples = append(c.samples, i)
		}
	}
	found := false
	if c.layout, found = square(len(c.samples)); !found && c.header {
		c.keepNumbered(first)
		c.layout, found = square(len(c.samples))
	}
	if !found && c.label < 0 {
		if err := c.guessLabel(open); err != nil {
			return nil, err
		}
		c.layout, found = square(len(c.samples))
	}
	if !found {
		return nil, fmt.Errorf("every line has %s beside the label, which are no square picture: want 784 for 28x28, or another square, or three times one for colours", wording.Number(len(c.samples), "number"))
	}
	if c.layout.last {
		c.notes = append(c.notes, "Red, green and blue of a pixel are taken to stand beside each other.")
	}
	return c, nil
}

// isHeader tells whether a line names columns: most of it are no numbers, or all
// but one or two fields count up from 0 or 1, as pandas names columns.
func isHeader(fields []string) bool {
	words, counted, last := 0, 0, 0
	for i, f := range fields {
		n, err := strconv.Atoi(f)
		switch {
		case !table.IsNumber(f):
			words++
		case err == nil && i > 0 && n == last+1:
			counted++
		}
		if err == nil {
			last = n
		}
	}
	return words > len(fields)/2 || len(fields) > 4 && counted >= len(fields)-3 || len(fields) <= 3 && words == len(fields)
}

func isPartColumn(values []string) bool {
	return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool {
		part, _ := parts.Of(v)
		return part == parts.None
	})
}

// keepNumbered leaves the columns whose names are a number, or the commonest word
// and a number, and says which are left alone.
func (c *columns) keepNumbered(header []string) {
	stem := func(name string) string {
		trimmed := strings.TrimRight(name, "0123456789")
		if trimmed == name {
			return "\x00" // no number
		}
		if left, right, ok := strings.Cut(name, "x"); ok && table.IsNumber(left) && table.IsNumber(right) {
			return "x" // row and column: 1x1
		}
		return trimmed
	}
	counts := map[string]int{}
	for _, i := range c.samples {
		counts[stem(header[i])]++
	}
	best := ""
	for s, n := range counts {
		if s != "\x00" && (n > counts[best] || n == counts[best] && s < best) {
			best = s
		}
	}
	var kept []int
	var other []string
	for _, i := range c.samples {
		if stem(header[i]) == best {
			kept = append(kept, i)
		} else {
			other = append(other, fmt.Sprintf("%.20q", header[i]))
		}
	}
	if _, ok := square(len(kept)); !ok {
		return
	}
	c.samples = kept
	if c.label < 0 && len(other) == 1 {
		c.label = slices.IndexFunc(header, func(h string) bool { return fmt.Sprintf("%.20q", h) == other[0] })
		c.notes = append(c.notes, "The column "+other[0]+" is taken as that of the labels.")
		return
	}
	c.notes = append(c.notes, "The columns "+shortList(other)+" are left alone.")
}

// guessLabel takes the first column for that of the labels, or the last one if that looks
// like one and the first does not.
func (c *columns) guessLabel(open func() (io.ReadCloser, error)) error {
	last := len(c.samples) - 1
	if _, ok := square(last); !ok {
		return nil
	}
	f, err := open()
	if err != nil {
		return err
	}
	defer f.Close()
	lines, err := table.NewReader(f)
	if err != nil {
		return err
	}
	if c.header {
		lines.Skip()
	}
	first, other := newLabelGuess(), newLabelGuess()
	for {
		l, err := lines.Read()
		if err != nil {
			break // the reading says what is wrong
		}
		first.add(l.Fields[c.samples[0]])
		other.add(l.Fields[c.samples[last]])
	}
	// The corner of a picture often has the same value in all.
	if other.likely() && !first.likely() || len(first.seen) == 1 && len(other.seen) > 1 {
		c.label, c.samples = c.samples[last], c.samples[:last]
		c.notes = append(c.notes, "No column is called label: the last one is taken for it.")
		return nil
	}
	c.label, c.samples = c.samples[0], c.samples[1:]
	c.notes = append(c.notes, "No column is called label: the first one is taken for it.")
	return nil
}

// labelGuess is what is seen of a column that may hold labels.
type labelGuess struct {
	seen        map[string]bool
	least, most int
	words       bool
}

// mostGuessed is how many classes a column may have that is guessed to hold labels.
const mostGuessed = 1000

func newLabelGuess() *labelGuess { return &labelGuess{seen: map[string]bool{}} }

func (g *labelGuess) add(field string) {
	if len(g.seen) > mostGuessed || g.seen[field] {
		return
	}
	if v, err := strconv.ParseFloat(strings.TrimSpace(field), 64); err != nil || v != float64(int(v)) {
		g.words = g.words || err != nil
		g.most = mostSamples // a fraction is no label
	} else {
		if len(g.seen) == 0 {
			g.least = int(v)
		}
		g.least, g.most = min(g.least, int(v)), max(g.most, int(v))
	}
	g.seen[strings.Clone(field)] = true
}

// likely reports whether the values are several words, or whole numbers from 0 or 1
// without gaps, as labels are and a pixel is not.
func (g *labelGuess) likely() bool {
	n := len(g.seen)
	return n > 1 && n <= mostGuessed && (g.words || (g.least == 0 || g.least == 1) && g.most-g.least+1 == n)
}

// tableSamples is what has been read of a table. The samples are kept as bytes as
// long as all of them are whole numbers from 0 to 255, and else as floats.
type tableSamples struct {
	*columns
	bytes  []byte
	floats []float32
	values valueRange
	labels []string
	parts  []parts.Part
	names  map[string]string // each name once in memory
}

func (t *tableSamples) add(l table.Line) error {
	if t.list >= 0 {
		fields := strings.Fields(strings.Trim(l.Fields[t.list], "[]"))
		if t.layout.size() == 0 {
			var ok bool
			if t.layout, ok = square(len(fields)); !ok {
				return fmt.Errorf("line %d has %s, which are no square picture", l.Number, wording.Number(len(fields), "sample"))
			}
		}
		if len(fields) != t.layout.size() {
			return fmt.Errorf("line %d has %s, and those before have %d", l.Number, wording.Number(len(fields), "sample"), t.layout.size())
		}
		for i, f := range fields {
			if err := t.sample(f, l.Number, i); err != nil {
				return err
			}
		}
	} else {
		for _, i := range t.samples {
			if err := t.sample(l.Fields[i], l.Number, i); err != nil {
				return err
			}
		}
	}
	if t.label >= 0 {
		label := strings.TrimSpace(l.Fields[t.label])
		if label == "" {
			return fmt.Errorf("line %d has no label", l.Number)
		}
		name, known := t.names[label]
		if !known {
			if len(t.names) > 100_000 {
				return errors.New("its labels have more than 100,000 different values: is the column of the labels another one?")
			}
			name = strings.Clone(label)
			t.names[name] = name
		}
		t.labels = append(t.labels, name)
	}
	if t.part >= 0 {
		part, _ := parts.Of(l.Fields[t.part])
		if part == parts.None {
			return fmt.Errorf("line %d belongs to the part %.40q, want train, val or test", l.Number, l.Fields[t.part])
		}
		t.parts = append(t.parts, part)
	}
	return nil
}

// sample adds a sample.
func (t *tableSamples) sample(field string, line, column int) error {
	v, err := strconv.ParseFloat(strings.TrimSpace(field), 32)
	if err != nil {
		return fmt.Errorf("line %d, column %d: %.40q is no number", line, column+1, field)
	}
	if len(t.bytes)+len(t.floats) >= mostSamples/4 && t.floats != nil || len(t.bytes) >= mostSamples {
		return fmt.Errorf("it has more than the %s that are taken: divide it", wording.Number(mostSamples, "sample"))
	}
	t.values.add(v)
	if t.floats == nil {
		if whole := byte(v); v >= 0 && v <= 255 && float64(whole) == v {
			t.bytes = append(t.bytes, whole)
			return nil
		}
		t.floats = make([]float32, len(t.bytes), 2*len(t.bytes)+1024)
		for i, b := range t.bytes {
			t.floats[i] = float32(b)
		}
		t.bytes = nil
	}
	t.floats = append(t.floats, float32(v))
	return nil
}

// finish makes pictures of what was read.
func (t *tableSamples) finish(o Options) (*Samples, error) {
	s := &Samples{Channels: t.layout.channels, Height: t.layout.height, Width: t.layout.width, Parts: t.parts, Notes: t.notes}
	n := len(t.bytes) + len(t.floats)
	if n == 0 {
		return nil, errors.New("it has no pictures")
	}
	var err error
	if s.scale, err = o.chooseScale(t.values); err != nil {
		return nil, err
	}
	if s.scale.note != "" {
		s.note("%s", s.scale.note)
	}
	s.Pixels = t.bytes
	if t.floats != nil {
		s.Pixels = make([]byte, n)
		for i, v := range t.floats {
			s.Pixels[i] = s.scale.sample(float64(v))
		}
	} else if s.scale.by != 1 {
		for i, v := range s.Pixels {
			s.Pixels[i] = s.scale.sample(float64(v))
		}
	}
	if places := t.layout.places(); places != nil {
		size := len(places)
		picture := make([]byte, size)
		for at := 0; at < n; at += size {
			copy(picture, s.Pixels[at:at+size])
			for i, place := range places {
				s.Pixels[at+place] = picture[i]
			}
		}
	}
	if t.label >= 0 {
		s.setLabels(t.labels)
	}
	return s, s.fit(o)
}
