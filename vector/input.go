// Package vector says how rows of numbers, such as the lines of a table, become what a
// network reads: which columns these are, and what each is brought to.
package vector

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"

	"inkling/data"
	"inkling/transform"
)

// MaxColumns is how many numbers of a row a network may read.
const MaxColumns = 4096

// A Column is one of the numbers of a row. Its Scale, the mean and the deviation of what
// was trained on, brings all columns to one size, as scikit-learn's StandardScaler does.
type Column struct {
	Name string `json:"name"`
	data.Scale
}

// An Input is what a network reads of a row of numbers. Its JSON is what a model's file
// keeps.
type Input struct {
	Columns []Column `json:"columns"`
	// Label is what the column is called that tells the answer where it is known, empty if
	// that has no name.
	Label string `json:"label,omitempty"`
}

// ParseInput reads the JSON of an Input.
func ParseInput(file string) (*Input, error) {
	var in Input
	if err := json.Unmarshal([]byte(file), &in); err != nil {
		return nil, fmt.Errorf("how rows become numbers cannot be read: %w", err)
	}
	return &in, in.Check()
}

// Check refuses an Input without columns or with more than MaxColumns, one with two of one
// name, and one whose scales are no numbers above 0.
func (in *Input) Check() error {
	if len(in.Columns) == 0 || len(in.Columns) > MaxColumns {
		return fmt.Errorf("there are %d columns, want 1 to %d", len(in.Columns), MaxColumns)
	}
	names := map[string]bool{}
	for _, c := range in.Columns {
		if names[c.Name] {
			return fmt.Errorf("two columns are called %q: rename one of them", c.Name)
		}
		names[c.Name] = true
		if !(c.Std > 0) || math.IsInf(c.Std, 0) || math.IsNaN(c.Mean) || math.IsInf(c.Mean, 0) {
			return fmt.Errorf("the column %q has the mean %v and the deviation %v, want numbers, the deviation above 0", c.Name, c.Mean, c.Std)
		}
	}
	return nil
}

// NewInput returns what a network reads of rows with columns of such names: all of them,
// brought to a mean of 0 and a deviation of 1. It fails if there are no rows, or if one has
// another number of numbers.
func NewInput(names []string, rows [][]float64) (*Input, error) {
	if len(rows) == 0 {
		return nil, errors.New("there are no rows")
	}
	in := &Input{}
	own := make([]float64, len(rows))
	for column, name := range names {
		for i, row := range rows {
			if len(row) != len(names) {
				return nil, fmt.Errorf("row %d has %d numbers, want %d", i+1, len(row), len(names))
			}
			own[i] = row[column]
		}
		in.Columns = append(in.Columns, Column{name, data.ScaleOf(own)})
	}
	return in, in.Check()
}

// Names are those of the columns, in their order.
func (in *Input) Names() []string {
	names := make([]string, len(in.Columns))
	for i, c := range in.Columns {
		names[i] = c.Name
	}
	return names
}

// Parse reads the numbers of a row with commas, semicolons or spaces between them, in the
// order of the columns, or a JSON array or object of them, the latter by the columns' names.
func (in *Input) Parse(row string) ([]float64, error) {
	row = strings.TrimSpace(row)
	switch {
	case strings.HasPrefix(row, "{"):
		var values map[string]float64
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			return nil, fmt.Errorf("it is no JSON object of numbers: %w", err)
		}
		return in.Named(values)
	case strings.HasPrefix(row, "["):
		var values []float64
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			return nil, fmt.Errorf("it is no JSON array of numbers: %w", err)
		}
		return values, in.check(values)
	}
	fields := strings.FieldsFunc(row, func(r rune) bool { return strings.ContainsRune(",; \t\r\n", r) })
	values := make([]float64, len(fields))
	for i, field := range fields {
		var err error
		if values[i], err = data.ParseNumber(field); err != nil {
			return nil, err
		}
	}
	return values, in.check(values)
}

// Named returns a row of the numbers of columns by their names. It fails if one is missing,
// or if there is no column of a name.
func (in *Input) Named(values map[string]float64) ([]float64, error) {
	row := make([]float64, 0, len(in.Columns))
	for _, c := range in.Columns {
		v, has := values[c.Name]
		if !has {
			return nil, fmt.Errorf("there is no %q: want %s", c.Name, in.wanted())
		}
		row = append(row, v)
	}
	for name := range values {
		if !slices.ContainsFunc(in.Columns, func(c Column) bool { return c.Name == name }) {
			return nil, fmt.Errorf("there is no column %q: want %s", name, in.wanted())
		}
	}
	return row, in.check(row)
}

// wanted names the columns.
func (in *Input) wanted() string {
	const most = 12
	names := in.Names()
	text := strings.Join(names[:min(len(names), most)], ", ")
	if len(names) > most {
		text += fmt.Sprintf(" and %d more", len(names)-most)
	}
	return text
}

// check refuses what is no row.
func (in *Input) check(row []float64) error {
	if len(row) != len(in.Columns) {
		return fmt.Errorf("there are %d numbers, want %d: %s", len(row), len(in.Columns), in.wanted())
	}
	for i, v := range row {
		if math.IsNaN(v) || math.IsInf(v, 0) {
			return fmt.Errorf("%s is %v, want a number", in.Columns[i].Name, v)
		}
	}
	return nil
}

// Bytes is a row as data sets hold it: each number, as its column's scale has it, in four
// bytes that [transform.Floats] takes. It fails unless there are as many numbers as columns,
// all finite.
func (in *Input) Bytes(row []float64) ([]byte, error) {
	if err := in.check(row); err != nil {
		return nil, err
	}
	all := make([]byte, 4*len(row))
	for i, v := range row {
		scaled := in.Columns[i].Of(v)
		if math.IsInf(float64(scaled), 0) {
			return nil, fmt.Errorf("%s is %v, which is too far from the %v of the training", in.Columns[i].Name, v, in.Columns[i].Mean)
		}
		binary.LittleEndian.PutUint32(all[4*i:], math.Float32bits(scaled))
	}
	return all, nil
}

// Transform makes the network's input of rows' bytes.
func (in *Input) Transform() transform.Transform { return transform.Floats{} }

// Shape is that of the rows' bytes: channels, height and width.
func (in *Input) Shape() (channels, height, width int) { return 1, 1, 4 * len(in.Columns) }
