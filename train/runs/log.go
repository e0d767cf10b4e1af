package runs

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"

	"inkling/internal/atomicfile"
)

// A Row is what was measured at a moment of a training. Numbers that were not
// measured are nil.
type Row struct {
	Epoch              int      `json:"epoch"`  // from 1
	Step               int      `json:"step"`   // batches shown, in all epochs
	Images             int      `json:"images"` // pictures shown
	EpochEnd           bool     `json:"epoch_end,omitempty"`
	Seconds            float64  `json:"seconds"` // of training so far
	LearningRate       *float64 `json:"lr,omitempty"`
	Loss               *float64 `json:"loss,omitempty"` // mean of the batches since the last row of its kind, or of those of an epoch in whose midst training ended
	ValidationLoss     *float64 `json:"val_loss,omitempty"`
	ValidationAccuracy *float64 `json:"val_accuracy,omitempty"` // 0 to 1
	ValidationR2       *float64 `json:"val_r2,omitempty"`       // of numbers, in place of the accuracy: at most 1
}

// Score is what tells how good a validation was, the more the better: the accuracy, or of
// numbers R2; nil if there was none.
func (r *Row) Score() *float64 {
	if r.ValidationR2 != nil {
		return r.ValidationR2
	}
	return r.ValidationAccuracy
}

// columns are those of the table.
var columns = []struct {
	name  string
	value func(r *Row) string
}{
	{"epoch", func(r *Row) string { return strconv.Itoa(r.Epoch) }},
	{"step", func(r *Row) string { return strconv.Itoa(r.Step) }},
	{"images", func(r *Row) string { return strconv.Itoa(r.Images) }},
	{"seconds", func(r *Row) string { return strconv.FormatFloat(r.Seconds, 'f', 3, 64) }},
	{"lr", func(r *Row) string { return number(r.LearningRate) }},
	{"loss", func(r *Row) string { return number(r.Loss) }},
	{"val_loss", func(r *Row) string { return number(r.ValidationLoss) }},
	{"val_accuracy", func(r *Row) string { return number(r.ValidationAccuracy) }},
	{"val_r2", func(r *Row) string { return number(r.ValidationR2) }},
}

func number(v *float64) string {
	if v == nil {
		return ""
	}
	return strconv.FormatFloat(*v, 'g', -1, 64)
}

// Log writes rows into the files of a run's folder as they come: every one into
// EventsFile, those at the ends of epochs into TableFile. A line is written whole
// or, if the machine goes down, left out when the log is opened again.
type Log struct {
	events, table *os.File
	rows          []Row
}

// OpenLog opens the log of a run that has come to a step, 0 for a new one. What
// lies behind that step was measured by a training that did not save it, and is
// taken out.
func (f *Folder) OpenLog(step int) (*Log, error) {
	rows, err := ReadRows(f.File(EventsFile))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	l := &Log{}
	for _, r := range rows {
		if r.Step <= step {
			l.rows = append(l.rows, r)
		}
	}
	var events, table bytes.Buffer
	table.WriteString(header())
	for i := range l.rows {
		event, line := lines(&l.rows[i])
		events.Write(event)
		table.WriteString(line)
	}
	for _, file := range []struct {
		name    string
		content []byte
		open    **os.File
	}{{EventsFile, events.Bytes(), &l.events}, {TableFile, table.Bytes(), &l.table}} {
		err := atomicfile.Write(f.File(file.name), func(w io.Writer) error { _, err := w.Write(file.content); return err })
		if err == nil {
			*file.open, err = os.OpenFile(f.File(file.name), os.O_APPEND|os.O_WRONLY, 0)
		}
		if err != nil {
			l.Close()
			return nil, err
		}
	}
	return l, nil
}

func header() string {
	var names []string
	for _, c := range columns {
		names = append(names, c.name)
	}
	return csvLine(names)
}

func csvLine(fields []string) string {
	var b bytes.Buffer
	w := csv.NewWriter(&b)
	w.Write(fields) // into memory: cannot fail
	w.Flush()
	return b.String()
}

// lines are a row as a line of EventsFile, and of TableFile if it is one.
func lines(r *Row) (event []byte, table string) {
	event, err := json.Marshal(r)
	if err != nil {
		panic(fmt.Sprintf("runs: %v", err)) // numbers that are not finite were taken out
	}
	if r.EpochEnd {
		var fields []string
		for _, c := range columns {
			fields = append(fields, c.value(r))
		}
		table = csvLine(fields)
	}
	return append(event, '\n'), table
}

// Add writes a row. Numbers that are not finite are left out.
func (l *Log) Add(r Row) error {
	for _, v := range []**float64{&r.LearningRate, &r.Loss, &r.ValidationLoss, &r.ValidationAccuracy, &r.ValidationR2} {
		if *v != nil && **v-**v != 0 {
			*v = nil
		}
	}
	l.rows = append(l.rows, r)
	event, table := lines(&r)
	if _, err := l.events.Write(event); err != nil {
		return fmt.Errorf("the measurements cannot be written: %w", err)
	}
	if table == "" {
		return nil
	}
	if _, err := l.table.WriteString(table); err != nil {
		return fmt.Errorf("the measurements cannot be written: %w", err)
	}
	return nil
}

// Sync forces what was added to the disk: before a checkpoint is saved, so that no row up
// to it can be lost.
func (l *Log) Sync() error {
	for _, f := range []*os.File{l.events, l.table} {
		if err := f.Sync(); err != nil {
			return fmt.Errorf("the measurements cannot be forced to the disk: %w", err)
		}
	}
	return nil
}

// Rows are all rows of the run, those before it was taken up among them.
func (l *Log) Rows() []Row { return l.rows }

// Close closes the files.
func (l *Log) Close() error {
	var errs []error
	for _, f := range []*os.File{l.events, l.table} {
		if f != nil {
			errs = append(errs, f.Close())
		}
	}
	return errors.Join(errs...)
}

// mostRowsBytes is how much of a file of rows is read.
const mostRowsBytes = 256 << 20

// ReadRows reads the EventsFile of a run, also of one that is under way: a last
// line that is not whole is left out, and so is what comes from a line with zero bytes on,
// which a power failure leaves of what was not on the disk yet. Any other line that is no row
// is an error.
func ReadRows(path string) ([]Row, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	text, err := io.ReadAll(io.LimitReader(f, mostRowsBytes+1))
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if len(text) > mostRowsBytes {
		return nil, fmt.Errorf("%s is larger than %d MB, and so no list of measurements", path, mostRowsBytes>>20)
	}
	var rows []Row
	for number := 1; ; number++ {
		line, rest, whole := bytes.Cut(text, []byte("\n"))
		if !whole || bytes.IndexByte(line, 0) >= 0 {
			return rows, nil
		}
		var r Row
		if err := json.Unmarshal(line, &r); err != nil {
			return nil, fmt.Errorf("line %d of %s is no measurement: %w", number, path, err)
		}
		rows, text = append(rows, r), rest
	}
}
