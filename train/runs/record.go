package runs

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/goccy/go-yaml"

	"inkling/internal/atomicfile"
)

// Result is what a training that came to its end was.
type Result struct {
	Parameters      int     `json:"parameters"`
	Images          int     `json:"images"`  // shown
	Seconds         float64 `json:"seconds"` // of training
	ImagesPerSecond float64 `json:"images_per_second"`

	// Accuracy of the test, 0 to 1, and of how many pictures; nil if there was none.
	TestAccuracy *float64 `json:"test_accuracy,omitempty"`
	TestImages   int      `json:"test_images,omitempty"`

	// TestR2 and TestMAE are those of a test with numbers, in place of the accuracy.
	TestR2  *float64 `json:"test_r2,omitempty"`
	TestMAE *float64 `json:"test_mae,omitempty"`

	// The sums of the data to train on and to test with (see [inkling/data/audit.Sums.String]),
	// empty where they were not computed.
	TrainSum string `json:"train_sha256,omitempty"`
	TestSum  string `json:"test_sha256,omitempty"`
}

// WriteResult writes the result of the run.
func (f *Folder) WriteResult(r Result) error {
	return atomicfile.Write(f.File(ResultFile), func(w io.Writer) error {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(r)
	})
}

// Record is what the folder of a run tells to who does not train there.
type Record struct {
	Path     string
	Settings map[string]any
	Rows     []Row
	Result   *Result // nil before the end
	// PID is the process that trains there, 0 if none does, or none that can be seen.
	PID int
}

// Read reads the folder of a run, also of one under way.
func Read(path string) (*Record, error) {
	r := &Record{Path: path}
	config, err := readSmall(filepath.Join(path, ConfigFile))
	if errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s is not the folder of a run: there is no %s in it: %w", path, ConfigFile, err)
	}
	if err != nil {
		return nil, err
	}
	if err := yaml.Unmarshal(config, &r.Settings); err != nil {
		return nil, fmt.Errorf("%s is no file of settings: %w", filepath.Join(path, ConfigFile), err)
	}
	if r.Rows, err = ReadRows(filepath.Join(path, EventsFile)); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	result, err := readSmall(filepath.Join(path, ResultFile))
	if err == nil {
		r.Result = &Result{}
		err = json.Unmarshal(result, r.Result)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("%s cannot be read: %w", filepath.Join(path, ResultFile), err)
	}
	r.PID = atomicfile.Holder(filepath.Join(path, LastFile))
	return r, nil
}

func readSmall(path string) ([]byte, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	const most = 1 << 20
	text, err := io.ReadAll(io.LimitReader(f, most+1))
	if err == nil && len(text) > most {
		err = fmt.Errorf("%s is larger than %d bytes, and so no file of a run", path, most)
	}
	return text, err
}

// Epochs is how many epochs were asked for, 0 if that is not known.
func (r *Record) Epochs() int {
	switch v := r.Settings["epochs"].(type) {
	case uint64:
		return int(v)
	case int64:
		return int(v)
	}
	return 0
}

// Last is the newest row, nil if there is none.
func (r *Record) Last() *Row {
	if len(r.Rows) == 0 {
		return nil
	}
	return &r.Rows[len(r.Rows)-1]
}

// Best is the row of the best validation, nil if there was none.
func (r *Record) Best() *Row {
	var best *Row
	for i := range r.Rows {
		if v := r.Rows[i].Score(); v != nil && (best == nil || *v > *best.Score()) {
			best = &r.Rows[i]
		}
	}
	return best
}

// Share is how much of the training is done, 0 to 1, and 0 if that is not known.
func (r *Record) Share() float64 {
	last, epochs := r.Last(), r.Epochs()
	if last == nil || epochs == 0 {
		return 0
	}
	for i := range r.Rows {
		if row := &r.Rows[i]; row.EpochEnd && row.Step > 0 {
			return min(float64(last.Step)/float64(row.Step/row.Epoch*epochs), 1)
		}
	}
	return 0
}
