package samples

import (
	"errors"
	"fmt"
	"io/fs"
	"math"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/folder"
	"inkling/data/parts"
	"inkling/data/table"
	"inkling/internal/wording"
	"inkling/vector"
)

// missing are what stands for a number that is not known.
var missing = []string{"", "na", "n/a", "nan", "null", "none", "?", "-"}

func isMissing(field string) bool {
	return slices.Contains(missing, strings.ToLower(strings.TrimSpace(field)))
}

func isNumber(field string) bool {
	_, err := data.ParseNumber(field)
	return err == nil
}

// vectorColumns are what the columns of a table of vectors are: places, which for JSON lines
// are those among the keys of the first.
type vectorColumns struct {
	head        []string // the names of all columns
	header      bool     // the first line has them
	keys        bool     // lines are of JSON
	label, part int      // -1 for none
	numbers     []int
	notes       []string
}

// names are those of the numbers.
func (c *vectorColumns) names() []string {
	names := make([]string, len(c.numbers))
	for i, at := range c.numbers {
		names[i] = strings.TrimSpace(c.head[at])
	}
	return names
}

// cell is a row's field of a column.
func (c *vectorColumns) cell(x row, column int) (string, bool) {
	if c.keys {
		column = slices.Index(x.keys, c.head[column])
	}
	if column < 0 || column >= len(x.fields) {
		return "", false
	}
	return x.fields[column], true
}

// lookAt is the first rows of a table; with an error, those before it.
func lookAt(fsys fs.FS, name string) ([]row, error) {
	const looked = 300
	var first []row
	err := rows(fsys, name, func(x row) error {
		if first = append(first, x); len(first) == looked {
			return errEnough
		}
		return nil
	})
	if err != nil && !errors.Is(err, errEnough) {
		return first, err
	}
	if len(first) == 0 {
		return nil, errors.New("there is no line in it")
	}
	return first, nil
}

// headOf finds the names of the columns, and the rows below them.
func headOf(first []row) (c *vectorColumns, body []row) {
	c = &vectorColumns{label: -1, part: -1}
	if first[0].keys != nil {
		c.head, c.keys = first[0].keys, true
		return c, first
	}
	c.head = first[0].fields
	named := 0 // columns that have a name above numbers
	for i, cell := range c.head {
		if !isNumber(cell) && len(first) > 1 && i < len(first[1].fields) && isNumber(first[1].fields[i]) {
			named++
		}
	}
	if c.header = named > 0; c.header {
		return c, first[1:]
	}
	c.head = nil
	for i := range first[0].fields {
		c.head = append(c.head, fmt.Sprintf("column%d", i+1))
	}
	return c, first
}

// column is what stands in one.
func (c *vectorColumns) column(body []row, at int) []string {
	var all []string
	for _, x := range body {
		if cell, has := c.cell(x, at); has {
			all = append(all, cell)
		}
	}
	return all
}

// hasNumbers tells whether a column has numbers, but for what is missing and one in ten cells
// at most: a line with such a one is told of when it is read.
func hasNumbers(cells []string) bool {
	numbers, others := 0, 0
	for _, cell := range cells {
		switch {
		case isNumber(cell):
			numbers++
		case !isMissing(cell):
			others++
		}
	}
	return numbers > 0 && 10*others <= numbers
}

// areTexts tells whether a column's cells are texts and no names of classes: mostly words
// with spaces between them, and mostly different ones.
func areTexts(cells []string) bool {
	different, texts := map[string]bool{}, 0
	for _, cell := range cells {
		different[cell] = true
		if wordsIn(cell) {
			texts++
		}
	}
	return 2*texts > len(cells) && 2*len(different) > len(cells)
}

// looksLikeVectors tells whether a table is one of rows of numbers: whether all columns but
// two at most have numbers, these two have no texts, and the numbers are not the pixels of
// pictures.
func looksLikeVectors(first []row) bool {
	c, body := headOf(first)
	if len(body) == 0 || len(c.head) < 2 {
		return false
	}
	numeric, pixels := 0, true
	for at := range c.head {
		cells := c.column(body, at)
		if slices.ContainsFunc(cells, func(cell string) bool { return folder.IsPicture(path.Base(cell)) }) {
			return false
		}
		switch {
		case hasNumbers(cells):
			numeric++
		case areTexts(cells):
			return false
		}
	}
	if numeric == 0 || len(c.head)-numeric > 2 {
		return false
	}
	if c.header || c.keys {
		pixels = alike(c.head)
	}
	return !pixels || !pictureSized(numeric)
}

// alike tells whether nearly all names differ in their numbers alone, as pixel0 and pixel1.
func alike(names []string) bool {
	const others = 4
	times := map[string]int{}
	most := 0
	for _, name := range names {
		name = strings.Map(func(r rune) rune {
			if r >= '0' && r <= '9' {
				return -1
			}
			return r
		}, name)
		times[name]++
		most = max(most, times[name])
	}
	return most >= len(names)-others
}

// pictureSized tells whether so many columns may be the pixels of a square picture, gray or
// in colours, of 4x4 at least, and a few more.
func pictureSized(columns int) bool {
	const least, others = 16, 4
	for n := columns; n >= max(columns-others, least); n-- {
		for _, channels := range []int{1, 3} {
			if side := int(math.Sqrt(float64(n / channels))); n%channels == 0 && side*side*channels == n && side >= 4 {
				return true
			}
		}
	}
	return false
}

// findVectorColumns finds out what the columns of a table of vectors are.
func findVectorColumns(fsys fs.FS, name string, o Options) (*vectorColumns, error) {
	first, err := lookAt(fsys, name)
	if err != nil {
		return nil, err
	}
	c, body := headOf(first)
	if len(body) == 0 {
		return nil, errors.New("it has a header and no rows")
	}
	numeric := make([]bool, len(c.head))
	for at := range c.head {
		numeric[at] = hasNumbers(c.column(body, at))
	}
	if c.header || c.keys {
		named := table.FindColumns(c.head)
		c.label, c.part = named.Label, named.Part
		if c.part >= 0 && numeric[c.part] {
			c.part = -1
		}
	}
	if o.LabelColumn != "" {
		if c.label, _, err = columnNumber(o.LabelColumn, c.head); err != nil {
			return nil, err
		}
		if c.part == c.label {
			c.part = -1
		}
	}
	if c.label < 0 {
		if err := c.guessLabel(numeric); err != nil {
			return nil, err
		}
	}
	if len(o.Columns) > 0 {
		if c.numbers, err = columnNumbers(o.Columns, c.head); err != nil {
			return nil, err
		}
		for _, at := range c.numbers {
			switch {
			case at == c.label:
				return nil, fmt.Errorf("the column %s is the label, and is to be read as well: leave it out", c.head[at])
			case !numeric[at]:
				return nil, fmt.Errorf("the column %s has something else than numbers, such as %s: leave it out", c.head[at], oddCell(c.column(body, at)))
			}
		}
		return c, c.check()
	}
	var left []string
	for at, name := range c.head {
		switch {
		case at == c.label || at == c.part:
		case !numeric[at]:
			left = append(left, name)
		case numbersLines(name, c.column(body, at)):
			c.notes = append(c.notes, fmt.Sprintf("The column %s numbers the lines and is left out (--columns says which are read).", name))
		default:
			c.numbers = append(c.numbers, at)
		}
	}
	if len(left) > 0 {
		c.notes = append(c.notes, fmt.Sprintf("%s without numbers %s left out: %s.", wording.Number(len(left), "column"), map[bool]string{true: "is", false: "are"}[len(left) == 1], strings.Join(left[:min(len(left), 12)], ", ")))
	}
	return c, c.check()
}

// numbersLines tells whether a column counts the lines: one of such a name, or an id.
func numbersLines(name string, cells []string) bool {
	if strings.HasSuffix(table.Normal(name), "id") {
		name = "index"
	}
	return table.IsIndex(name, cells)
}

// oddCell is one that is no number.
func oddCell(cells []string) string {
	for _, cell := range cells {
		if !isNumber(cell) && !isMissing(cell) {
			return fmt.Sprintf("%.40q", cell)
		}
	}
	return "nothing at all"
}

// check refuses no numbers, too many, and two of one name, which a row to predict could not
// tell apart.
func (c *vectorColumns) check() error {
	if n := len(c.numbers); n == 0 || n > vector.MaxColumns {
		return fmt.Errorf("there are %s of numbers beside the label, want 1 to %d", wording.Number(n, "column"), vector.MaxColumns)
	}
	names := map[string]int{}
	for i, name := range c.names() {
		if first, has := names[name]; has {
			return errSameName(c.head, first, c.numbers[i])
		}
		names[name] = c.numbers[i]
	}
	return nil
}

// guessLabel takes the only column without numbers for the label.
func (c *vectorColumns) guessLabel(numeric []bool) error {
	for at, is := range numeric {
		switch {
		case is || at == c.part:
		case c.label >= 0:
			c.label = -1
			return c.noLabel()
		default:
			c.label = at
		}
	}
	if c.label < 0 {
		return c.noLabel()
	}
	c.notes = append(c.notes, fmt.Sprintf("The column %s is taken for the label, the only one without numbers.", c.head[c.label]))
	return nil
}

func (c *vectorColumns) noLabel() error {
	const most = 20
	return fmt.Errorf("it has %d columns (%s), and nothing tells which has the label: say it with --label-column, by its name or its number from 1", len(c.head), strings.Join(c.head[:min(len(c.head), most)], ", "))
}

// row reads the numbers of a row.
func (c *vectorColumns) row(x row) ([]float64, error) {
	values := make([]float64, len(c.numbers))
	for i, at := range c.numbers {
		cell, has := c.cell(x, at)
		if !has || isMissing(cell) {
			return nil, fmt.Errorf("%s is missing", c.head[at])
		}
		var err error
		if values[i], err = data.ParseNumber(cell); err != nil {
			return nil, fmt.Errorf("%s: %w", c.head[at], err)
		}
	}
	return values, nil
}

// maxNumbers is how many numbers all rows together may have.
const maxNumbers = 1 << 28

// vectors adds the rows of a table.
func (s *Set) vectors(name string, part parts.Part, o Options) error {
	asked := o
	if s.Columns != nil { // those of the part before
		asked.Columns = s.Columns
		if o.LabelColumn == "" {
			asked.LabelColumn = s.Label
		}
	}
	c, err := findVectorColumns(s.FS, name, asked)
	if err != nil {
		return err
	}
	for _, note := range c.notes {
		s.note("%s", note)
	}
	if s.Columns == nil {
		s.Columns, s.Label = c.names(), strings.TrimSpace(c.head[c.label])
	}
	unlabelled, firstUnlabelled, header := 0, 0, c.header
	err = rows(s.FS, name, func(x row) error {
		if header {
			header = false
			return nil
		}
		if !c.keys && len(x.fields) != len(c.head) {
			return fmt.Errorf("it has %s, want %d: %.60q", wording.Number(len(x.fields), "field"), len(c.head), strings.Join(x.fields, ","))
		}
		label, _ := c.cell(x, c.label)
		if label = strings.TrimSpace(label); label == "" {
			if unlabelled++; unlabelled == 1 {
				firstUnlabelled = x.line
			}
			return nil
		}
		item := Item{Label: label, Where: fmt.Sprintf("%s, line %d", path.Base(name), x.line), Part: part}
		if c.part >= 0 {
			own, _ := c.cell(x, c.part)
			if p, _ := parts.Of(own); p != parts.None {
				item.Part = p
			}
		}
		item.Row, item.Err = c.row(x)
		if item.Err != nil {
			item.Err = fmt.Errorf("%s: %w", item.Where, item.Err)
		}
		if s.Items = append(s.Items, item); len(s.Items) > maxNumbers/len(c.numbers) {
			return fmt.Errorf("the rows have more than %d million numbers, want fewer: read fewer with --columns", maxNumbers>>20)
		}
		return nil
	})
	if unlabelled > 0 {
		s.note("%s of %s without a label %s left out, the first line %d.", wording.Number(unlabelled, "line"), path.Base(name), map[bool]string{true: "is", false: "are"}[unlabelled == 1], firstUnlabelled)
	}
	return err
}

// ReadRows calls f with the rows of a table that have numbers in all columns of these names,
// or the reason why one has not, and where it stands, until f returns an error. Without a
// header the columns are those of the table, in their order, and there must be as many.
func ReadRows(fsys fs.FS, name string, columns []string, f func(where string, values []float64, err error) error) error {
	first, err := lookAt(fsys, name)
	if err != nil {
		return err
	}
	c, _ := headOf(first)
	if c.header || c.keys {
		if c.numbers, err = columnNumbers(columns, c.head); err != nil {
			return err
		}
	} else {
		if len(c.head) != len(columns) {
			return fmt.Errorf("its rows have %s and no header, want %d, or a header that names them: %s", wording.Number(len(c.head), "column"), len(columns), strings.Join(columns[:min(len(columns), 20)], ", "))
		}
		for i := range columns {
			c.head[i], c.numbers = columns[i], append(c.numbers, i)
		}
	}
	header := c.header
	return rows(fsys, name, func(x row) error {
		if header {
			header = false
			return nil
		}
		values, err := c.row(x)
		return f(fmt.Sprintf("%s, line %d", path.Base(name), x.line), values, err)
	})
}
