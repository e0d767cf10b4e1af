package samples

import (
	"bufio"
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/encoding"
	"golang.org/x/text/encoding/unicode"
	"golang.org/x/text/transform"

	"inkling/data/parts"
	"inkling/internal/wording"
	"inkling/text"
)

// maxLine is how many bytes a line may have: those of a text, and of what stands beside it.
const maxLine = text.MaxBytes + 64<<10

// endings are those of tables of texts.
var endings = []string{".tsv", ".csv", ".txt", ".jsonl", ".ndjson"}

// textNames and labelNames are what columns are called.
var (
	textNames  = []string{"text", "sentence", "review", "content", "message", "comment", "question", "title", "sms", "tweet", "body", "document", "headline", "utterance", "description", "v2", "文本", "内容", "评论", "标题"}
	labelNames = []string{"label", "class", "category", "sentiment", "target", "polarity", "intent", "type", "tag", "rating", "stars", "topic", "y", "v1", "标签", "类别", "分类"}
	partNames  = []string{"split", "part", "set", "subset", "fold"}
)

// endingOf is a file's, without that of gzip.
func endingOf(name string) string {
	return strings.ToLower(path.Ext(strings.TrimSuffix(strings.ToLower(name), ".gz")))
}

// A row is a line of a table: its fields, or the keys and values of a JSON line.
type row struct {
	line   int
	fields []string
	keys   []string
}

// rows calls f with every row of a table until it returns an error.
func rows(fsys fs.FS, name string, f func(row) error) error {
	file, err := fsys.Open(name)
	if err != nil {
		return err
	}
	defer file.Close()
	r := bufio.NewReaderSize(file, 64<<10)
	head, _ := r.Peek(2)
	if bytes.Equal(head, []byte{0x1f, 0x8b}) {
		unpacked, err := gzip.NewReader(r)
		if err != nil {
			return fmt.Errorf("it is gzipped and damaged: %w", err)
		}
		r = bufio.NewReaderSize(unpacked, 64<<10)
	}
	// Spreadsheets write UTF-16, which its byte order mark tells.
	r = bufio.NewReaderSize(transform.NewReader(r, unicode.BOMOverride(encoding.Nop.NewDecoder())), 64<<10)
	if sample, _ := r.Peek(512); what(sample) != "" {
		return fmt.Errorf("it is no table, but %s", what(sample))
	}
	count := 0
	each := func(x row) error {
		if count++; count > MaxItems {
			return fmt.Errorf("it has more than %d lines, want fewer", MaxItems)
		}
		return f(x)
	}
	switch ending := endingOf(name); ending {
	case ".jsonl", ".ndjson":
		err = jsonRows(r, each)
	case ".csv":
		err = csvRows(r, each)
	default:
		err = tabRows(r, each)
	}
	if errors.Is(err, gzip.ErrChecksum) || errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, gzip.ErrHeader) {
		err = fmt.Errorf("it is damaged or cut short: %w", err)
	}
	return err
}

// what names what is no text, by how it begins.
func what(head []byte) string {
	for begin, name := range map[string]string{"\x89PNG": "a PNG picture", "\xff\xd8\xff": "a JPEG picture", "GIF8": "a GIF picture", "RIFF": "a WAV or WebP file", "fLaC": "a FLAC recording",
		"%PDF": "a PDF document", "PK\x03\x04": "a zip archive or an office document", "SQLite format 3": "an SQLite database", "PAR1": "a Parquet file", "\x7fELF": "a program", "BZh": "a bzip2 archive"} {
		if bytes.HasPrefix(head, []byte(begin)) {
			return name
		}
	}
	if bytes.IndexByte(head, 0) >= 0 {
		return "a file with bytes of value 0"
	}
	return ""
}

// scan calls f with every line.
func scan(r io.Reader, f func(n int, line string) error) error {
	lines := bufio.NewScanner(r)
	lines.Buffer(make([]byte, 64<<10), maxLine)
	n := 0
	for lines.Scan() {
		n++
		line := lines.Text()
		if !utf8.ValidString(line) {
			return fmt.Errorf("line %d is not UTF-8: save the file as UTF-8, or leave the line out", n)
		}
		if err := f(n, line); err != nil {
			return fmt.Errorf("line %d: %w", n, err)
		}
	}
	if errors.Is(lines.Err(), bufio.ErrTooLong) {
		return fmt.Errorf("line %d has more than %d bytes, want fewer: is it a table of texts?", n+1, maxLine)
	}
	return lines.Err()
}

// tabRows reads lines with tabs. A field in quotes, with its own doubled, is without them.
func tabRows(r io.Reader, f func(row) error) error {
	return scan(r, func(n int, line string) error {
		if line == "" {
			return nil
		}
		fields := strings.Split(strings.TrimSuffix(line, "\r"), "\t")
		for i, field := range fields {
			if len(field) < 2 || field[0] != '"' || field[len(field)-1] != '"' {
				continue
			}
			if inner := field[1 : len(field)-1]; !strings.Contains(strings.ReplaceAll(inner, `""`, ""), `"`) && strings.Contains(inner, `""`) {
				fields[i] = strings.ReplaceAll(inner, `""`, `"`)
			}
		}
		return f(row{line: n, fields: fields})
	})
}

// csvRows reads RFC 4180, with commas or semicolons.
func csvRows(r *bufio.Reader, f func(row) error) error {
	first, _ := r.Peek(4096)
	first, _, _ = bytes.Cut(first, []byte("\n"))
	guard := &guarded{r: r}
	lines := csv.NewReader(guard)
	lines.FieldsPerRecord = -1
	if bytes.Count(first, []byte(";")) > bytes.Count(first, []byte(",")) {
		lines.Comma = ';'
	} else if bytes.Contains(first, []byte("\t")) && !bytes.Contains(first, []byte(",")) {
		lines.Comma = '\t'
	}
	line := 1
	for {
		guard.left = 2 * maxLine
		fields, err := lines.Read()
		if err == io.EOF {
			return nil
		}
		if len(fields) > 0 {
			line, _ = lines.FieldPos(0)
		}
		var syntax *csv.ParseError
		switch {
		case errors.Is(err, errLongRecord):
			return fmt.Errorf("line %d is followed by more than %d bytes that are one line, or in one pair of quotes: is a quote missing?", line, 2*maxLine)
		case errors.As(err, &syntax):
			return fmt.Errorf("line %d: %w; a field with quotes, commas or line feeds stands in quotes, its own doubled", syntax.Line, syntax.Err)
		case err != nil:
			return err
		}
		for _, field := range fields {
			if !utf8.ValidString(field) {
				return fmt.Errorf("line %d is not UTF-8: save the file as UTF-8, or leave the line out", line)
			}
		}
		if err := f(row{line: line, fields: fields}); err != nil {
			return fmt.Errorf("line %d: %w", line, err)
		}
	}
}

var errLongRecord = errors.New("a record is too long")

// guarded ends reading within one record.
type guarded struct {
	r    io.Reader
	left int
}

func (g *guarded) Read(p []byte) (int, error) {
	if g.left <= 0 {
		return 0, errLongRecord
	}
	n, err := g.r.Read(p)
	g.left -= n
	return n, err
}

// jsonRows reads an object a line.
func jsonRows(r io.Reader, f func(row) error) error {
	return scan(r, func(n int, line string) error {
		if strings.TrimSpace(line) == "" {
			return nil
		}
		var object map[string]any
		decoder := json.NewDecoder(strings.NewReader(line))
		decoder.UseNumber()
		if err := decoder.Decode(&object); err != nil {
			return fmt.Errorf("it is no JSON object: %w", err)
		}
		x := row{line: n}
		for key := range object {
			x.keys = append(x.keys, key)
		}
		slices.Sort(x.keys)
		for _, key := range x.keys {
			value := ""
			switch v := object[key].(type) {
			case string:
				value = v
			case json.Number, bool:
				value = fmt.Sprint(v)
			}
			x.fields = append(x.fields, value)
		}
		return f(x)
	})
}

// columns are where text, label and, if there is one, part of a row stand: places, or keys.
type columns struct {
	text, label, part int // -1 for none
	keys              [3]string
	header            bool
	labelName         string // "" if it has none
	guessed           string
}

// of returns the fields of a row.
func (c *columns) of(x row) (text, label, part string, err error) {
	at := [3]int{c.text, c.label, c.part}
	if x.keys != nil {
		for i, key := range c.keys {
			at[i] = slices.Index(x.keys, key)
		}
	}
	most := max(at[0], at[1])
	if min(at[0], at[1]) < 0 || most >= len(x.fields) {
		if x.keys != nil {
			return "", "", "", fmt.Errorf("want the keys %s and %s, got %s", c.keys[0], c.keys[1], strings.Join(x.keys, ", "))
		}
		return "", "", "", fmt.Errorf("it has %s, want %d at least, text in column %d and label in column %d: %.60q", wording.Number(len(x.fields), "field"), most+1, c.text+1, c.label+1, strings.Join(x.fields, "\t"))
	}
	if at[2] >= 0 && at[2] < len(x.fields) {
		part = x.fields[at[2]]
	}
	return x.fields[at[0]], x.fields[at[1]], part, nil
}

// errEnough ends a look at the beginning of a table.
var errEnough = errors.New("enough")

// findColumns looks at the first rows of a table.
func findColumns(fsys fs.FS, name string, o Options) (*columns, error) {
	first, err := lookAt(fsys, name)
	if err != nil {
		return nil, err
	}
	c := &columns{text: -1, label: -1, part: -1}
	head := first[0].fields
	if first[0].keys != nil {
		head = first[0].keys
	}
	asked := [3]string{o.TextColumn, o.LabelColumn, ""}
	for i, known := range [][]string{textNames, labelNames, partNames} {
		at, named := -1, false
		if asked[i] != "" {
			if at, named, err = columnNumber(asked[i], head); err != nil {
				return nil, err
			}
		} else if i != 2 || c.header || first[0].keys != nil {
			at = knownColumn(known, head)
			named = at >= 0
		}
		c.header = c.header || named && first[0].keys == nil
		*[]*int{&c.text, &c.label, &c.part}[i] = at
		if at >= 0 && first[0].keys != nil {
			c.keys[i] = head[at]
		}
	}
	if c.text < 0 || c.label < 0 {
		if err := c.guess(first, head); err != nil {
			return nil, err
		}
	}
	if c.header || first[0].keys != nil {
		c.labelName = strings.TrimSpace(head[c.label])
	}
	return c, nil
}

// knownColumn is the place of the column whose name comes first among those known, -1 if none
// has one of them.
func knownColumn(known, head []string) int {
	best, first := -1, len(known)
	for at, cell := range head {
		if rank := slices.Index(known, strings.ToLower(strings.TrimSpace(cell))); rank >= 0 && rank < first {
			best, first = at, rank
		}
	}
	return best
}

// guess takes the column with the longest fields for the text, and of two columns the
// other for the label.
func (c *columns) guess(first []row, head []string) error {
	body := first
	if c.header && len(first) > 1 {
		body = first[1:]
	}
	width := len(body[len(body)/2].fields)
	lengths, kinds := make([]int, width), make([]map[string]bool, width)
	for _, x := range body {
		for i := range min(width, len(x.fields)) {
			if kinds[i] == nil {
				kinds[i] = map[string]bool{}
			}
			lengths[i] += len(x.fields[i])
			kinds[i][x.fields[i]] = true
		}
	}
	if width < 2 {
		return fmt.Errorf("its lines have one field, want a label and a text with a tab or a comma between them: %.60q", strings.Join(body[0].fields, "\t"))
	}
	if c.text < 0 {
		for i := range lengths {
			if i != c.label && (c.text < 0 || lengths[i] > lengths[c.text]) {
				c.text = i
			}
		}
	}
	if c.label < 0 {
		if width != 2 {
			return fmt.Errorf("it has %d columns (%s), and nothing tells which has the label: say it with --label-column, by its name or its number from 1", width, strings.Join(head, ", "))
		}
		c.label = 1 - c.text
		if len(body) >= 50 && len(kinds[c.label]) > len(body)/2 && !areNumbers(maps.Keys(kinds[c.label])) {
			return fmt.Errorf("neither of its columns looks like labels: column %d has %d different values in %d lines", c.label+1, len(kinds[c.label]), len(body))
		}
	}
	if first[0].keys != nil {
		c.keys[0], c.keys[1] = head[c.text], head[c.label]
		c.guessed = fmt.Sprintf("%s is taken for the text, %s for the label.", c.keys[0], c.keys[1])
		return nil
	}
	c.guessed = fmt.Sprintf("Column %d is taken for the text, column %d for the label.", c.text+1, c.label+1)
	return nil
}

// table adds the rows of a file.
func (s *Set) table(name string, part parts.Part, o Options, bytes *int64) error {
	c, err := findColumns(s.FS, name, o)
	if err != nil {
		return err
	}
	if c.guessed != "" {
		s.note("%s", c.guessed)
	}
	if s.Label == "" {
		s.Label = c.labelName
	}
	empty, firstEmpty, header := 0, 0, c.header
	err = rows(s.FS, name, func(x row) error {
		if header {
			header = false
			return nil
		}
		text, label, own, err := c.of(x)
		if err != nil {
			return err
		}
		text, label = strings.TrimSpace(text), strings.TrimSpace(label)
		if text == "" || label == "" {
			if empty++; empty == 1 {
				firstEmpty = x.line
			}
			return nil
		}
		if *bytes += int64(len(text)); *bytes > MaxBytes {
			return fmt.Errorf("the texts have more than %d MB, want fewer", MaxBytes>>20)
		}
		item := Item{Label: label, Text: text, Where: fmt.Sprintf("%s, line %d", path.Base(name), x.line), Part: part}
		if p, _ := parts.Of(own); p != parts.None {
			item.Part = p
		}
		s.Items = append(s.Items, item)
		return nil
	})
	if empty > 0 {
		s.note("%s of %s without a text or a label %s left out, the first line %d.", wording.Number(empty, "line"), path.Base(name), map[bool]string{true: "is", false: "are"}[empty == 1], firstEmpty)
	}
	return err
}
