// Package table reads tables of text as people have them: with commas,
// semicolons, tabs, bars or spaces between the fields, with or without a byte
// order mark, in UTF-8 or in the UTF-16 that spreadsheets write, with any ends of
// lines and with fields in quotes (RFC 4180). What separates the fields is found
// out by looking at the first lines, not at the file's name. A table may be packed
// with gzip, and numbers between semicolons or tabs may have decimal commas.
package table

import (
	"bufio"
	"bytes"
	"compress/flate"
	"compress/gzip"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"inkling/data/internal/files"
)

const (
	// lookedAt is how many bytes are looked at to find out how a table is
	// written, and lookedAtLines how many lines of them.
	lookedAt      = 64 << 10
	lookedAtLines = 20

	// MaxLine is how many bytes a line may have, those of a field in quotes
	// that goes on over several lines included. A picture of 256x256 colours
	// has some 800,000.
	MaxLine = 4 << 20
)

// Reader reads a table line by line. It keeps no more than the first lines in
// memory.
type Reader struct {
	csv    *csv.Reader
	guard  *guard
	head   []Line
	ahead  []Line // those of head that Read has not returned
	failed error  // what came after head, if that was an error
	width  int
	// decimal: numbers have commas where others have points.
	decimal bool
}

// Line is a line of a table.
type Line struct {
	Number int // in the file, from 1
	Fields []string
}

// NewReader looks at the beginning of a table.
func NewReader(r io.Reader) (*Reader, error) {
	raw := bufio.NewReaderSize(r, 4<<10)
	first, err := raw.Peek(512)
	if err != nil && err != io.EOF {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if len(first) == 0 {
		return nil, errors.New("it is empty")
	}
	if unpacked, ok := unpack(first, raw); ok {
		raw = unpacked
	} else if what := files.Kind(first); what != "" {
		return nil, fmt.Errorf("it is no table of text, but %s", what)
	}
	text := bufio.NewReaderSize(transform.NewReader(raw, unicode.BOMOverride(encoding.Nop.NewDecoder())), lookedAt)
	sample, err := text.Peek(lookedAt)
	whole := err == io.EOF
	if err != nil && !whole {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	if bytes.IndexByte(sample, 0) >= 0 {
		return nil, errors.New("it has bytes of value 0 and is no table of text")
	}
	if bytes.IndexByte(sample, '\n') < 0 && bytes.IndexByte(sample, '\r') >= 0 {
		return nil, errors.New("its lines end as those of old Macintoshes do, with a carriage return alone: save it with another end of lines")
	}
	t := &Reader{guard: &guard{r: text}}
	line := 1
	for isComment(sample) {
		if _, err := text.ReadSlice('\n'); err != nil {
			return nil, errors.New("it has comments and no lines")
		}
		line++
		sample, err = text.Peek(lookedAt)
		whole = err == io.EOF
	}
	comma, named := separator(sample)
	if named { // the line that names it is no line of the table
		if _, err := text.ReadSlice('\n'); err != nil {
			return nil, errors.New("it has one line, which names a separator")
		}
		line++
	} else {
		comma = findSeparator(sample, whole)
	}
	t.csv = newCSV(t.guard, comma)
	for len(t.head) < lookedAtLines {
		l, err := t.next()
		if err == io.EOF {
			break
		}
		if err != nil {
			if len(t.head) == 0 {
				return nil, err
			}
			t.failed = err
			break
		}
		l.Number += line - 1
		l.Fields = append([]string(nil), l.Fields...)
		t.head = append(t.head, l)
	}
	if len(t.head) == 0 {
		return nil, errors.New("it has no lines")
	}
	if t.decimal = comma != ',' && slices.ContainsFunc(t.head, hasDecimalCommas); t.decimal {
		for _, l := range t.head {
			withPoints(l.Fields)
		}
	}
	t.ahead = t.head
	return t, nil
}

// unpack returns what a file that was packed with gzip holds, if that is text.
func unpack(first []byte, raw io.Reader) (text *bufio.Reader, ok bool) {
	if !bytes.HasPrefix(first, []byte{0x1f, 0x8b}) {
		return nil, false
	}
	// What first shows is looked at first, so that raw has lost nothing if it is no table.
	head, err := gzip.NewReader(bytes.NewReader(first))
	if err != nil {
		return nil, false
	}
	start, _ := io.ReadAll(io.LimitReader(head, 512))
	if len(start) == 0 || files.Kind(start) != "" || bytes.Count(start, []byte{0}) > len(start)/2 {
		return nil, false
	}
	packed := &files.Counter{R: raw}
	unpacked, err := gzip.NewReader(packed)
	if err != nil {
		return nil, false
	}
	return bufio.NewReaderSize(&bounded{r: unpacked, packed: packed}, 4<<10), true
}

// bounded is a reader of what was packed that fails where that is so much more than it was
// packed that it is no table.
type bounded struct {
	r      io.Reader
	packed *files.Counter
	read   int64
}

var errSwells = errors.New("it unpacks to more than 200 times its size, which no table of pictures does")

func (b *bounded) Read(p []byte) (int, error) {
	n, err := b.r.Read(p)
	const most, free = 200, 1 << 20
	if b.read += int64(n); b.read > most*b.packed.N+free {
		return 0, errSwells
	}
	return n, err
}

// isComment reports whether a text begins with a line that is a note of its author's, and
// no header.
func isComment(sample []byte) bool {
	line, _, whole := bytes.Cut(sample, []byte("\n"))
	return whole && (bytes.HasPrefix(line, []byte("# ")) || bytes.HasPrefix(line, []byte("##"))) && !bytes.ContainsAny(line, ",;\t|")
}

// hasDecimalCommas reports whether so many fields of a line are numbers with a decimal
// comma that it is no list of paths.
func hasDecimalCommas(l Line) bool {
	const fewest = 8
	n := 0
	for _, f := range l.Fields {
		if isDecimal(f) {
			n++
		}
	}
	return n >= fewest
}

// isDecimal reports whether a field is a number with a decimal comma.
func isDecimal(field string) bool {
	whole, fraction, ok := strings.Cut(field, ",")
	return ok && whole != "" && fraction != "" && IsNumber(whole+"."+fraction) && !strings.Contains(whole, ".")
}

// withPoints writes numbers with a decimal comma with a point.
func withPoints(fields []string) {
	for i, f := range fields {
		if isDecimal(f) {
			fields[i] = strings.Replace(f, ",", ".", 1)
		}
	}
}

// newCSV returns a reader of lines that may have any number of fields.
func newCSV(r io.Reader, comma rune) *csv.Reader {
	c := csv.NewReader(r)
	c.Comma, c.ReuseRecord, c.FieldsPerRecord = comma, true, -1
	// A tab is a space to encoding/csv, and an empty first field would be lost.
	c.TrimLeadingSpace = comma != '\t' && comma != ' '
	return c
}

// separator returns what a first line such as sep=; names, as spreadsheets write
// it.
func separator(sample []byte) (comma rune, found bool) {
	first, _, _ := bytes.Cut(sample, []byte("\n"))
	named, found := strings.CutPrefix(strings.ToLower(strings.TrimRight(string(first), "\r")), "sep=")
	if !found || len(named) != 1 || !strings.ContainsAny(named, separators) {
		return 0, false
	}
	return rune(named[0]), true
}

// separators are what may stand between fields, in the order in which they are
// preferred.
const separators = ",;\t| "

// findSeparator returns what divides all lines into the same number of fields,
// which is the largest; or else the first line, so that the line that differs can
// be named.
func findSeparator(sample []byte, whole bool) rune {
	if end := bytes.LastIndexByte(sample, '\n'); !whole && end >= 0 {
		sample = sample[:end+1]
	}
	best, bestScore := ',', 0
	for _, comma := range separators {
		if comma == ' ' && bestScore > 0 {
			break // spaces are in the fields of other tables
		}
		lines := newCSV(bytes.NewReader(sample), comma)
		width, same := 0, true
		for range lookedAtLines {
			fields, err := lines.Read()
			if err != nil {
				same = same && err == io.EOF
				break
			}
			if width == 0 {
				width = len(fields)
			}
			same = same && len(fields) == width
		}
		score := 0
		if width > 1 {
			score = width
			if same {
				score += 1 << 20
			}
		}
		// Where commas and semicolons divide the lines into as many, the commas are decimal.
		if score > bestScore || comma == ';' && same && score == bestScore {
			best, bestScore = comma, score
		}
	}
	return best
}

// Head returns the first lines, which Read returns as well. There is at least
// one.
func (t *Reader) Head() []Line { return t.head }

// Skip makes Read leave out the first line that is still to come of those of
// Head, such as a header.
func (t *Reader) Skip() {
	if len(t.ahead) > 0 {
		t.ahead = t.ahead[1:]
	}
}

// Read returns the next line; its fields are overwritten by the next call. After
// the last one the error is io.EOF. A line with more or fewer fields than the
// first one is an error.
func (t *Reader) Read() (Line, error) {
	if t.width == 0 {
		t.width = len(t.head[0].Fields)
	}
	var l Line
	if len(t.ahead) > 0 {
		l, t.ahead = t.ahead[0], t.ahead[1:]
	} else {
		if t.failed != nil {
			return l, t.failed
		}
		var err error
		if l, err = t.next(); err != nil {
			return l, err
		}
	}
	if len(l.Fields) != t.width {
		return l, fmt.Errorf("line %d has %d fields, and line %d has %d: a field with a separator in it must stand in quotes",
			l.Number, len(l.Fields), t.head[0].Number, t.width)
	}
	return l, nil
}

func (t *Reader) next() (Line, error) {
	t.guard.left = MaxLine
	fields, err := t.csv.Read()
	var parse *csv.ParseError
	switch {
	case err == nil:
		line, _ := t.csv.FieldPos(0)
		if t.decimal {
			withPoints(fields)
		}
		return Line{line, fields}, nil
	case errors.As(err, &parse):
		return Line{}, fmt.Errorf("line %d cannot be read: %s", parse.Line, quoteFault(parse.Err))
	case err == errLong:
		return Line{}, fmt.Errorf("a line has more than %d MB, or a quote in it is not closed: it is no table of pictures", MaxLine>>20)
	case err == io.ErrUnexpectedEOF || err == gzip.ErrChecksum || errors.As(err, new(flate.CorruptInputError)):
		return Line{}, errors.New("it is packed with gzip, and damaged or cut off: copy or download it again")
	}
	return Line{}, err
}

// quoteFault says what is wrong with a line.
func quoteFault(err error) string {
	switch err {
	case csv.ErrQuote:
		return "a quote (\") inside a field, or one that is not closed; inside quotes it is written twice"
	case csv.ErrBareQuote:
		return "a quote (\") in a field that does not begin with one"
	}
	return err.Error()
}

var errLong = errors.New("the line is too long")

// guard is a reader that gives no more than a line may have.
type guard struct {
	r    io.Reader
	left int
}

func (g *guard) Read(b []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLong
	}
	n, err := g.r.Read(b)
	g.left -= n
	return n, err
}
