// Package runs keeps what a training leaves: a folder of its own, with its settings,
// its measurements as tables, its checkpoints, and a report that a browser shows.
package runs

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkling/internal/atomicfile"
)

// The files of a run's folder.
const (
	ConfigFile  = "config.yaml"    // all settings
	TableFile   = "metrics.csv"    // a line an epoch
	EventsFile  = "metrics.jsonl"  // a line an epoch or report of the loss
	LastFile    = "last.pth"       // the newest checkpoint
	BestFile    = "best.pth"       // the best of the epochs, by the validation
	ResultFile  = "result.json"    // what the training came to, once it is over
	ReportFile  = "report.html"    // all of it, to look at
	epochFile   = "epoch-%04d.pth" // the checkpoint after an epoch, if it is kept
	BoardFolder = "tensorboard"    // TensorBoard's files of events
	namePattern = "%s-%d"          // of the second run of a name, and on
	mostRuns    = 100_000          // of a name
	folderMode  = fs.FileMode(0o755)
)

// Folder is the folder of a run.
type Folder struct {
	path    string
	release func()
}

// Create makes a folder for a new run below parent: name, or if that is taken name-2,
// name-3 and so on, so that no run is overwritten. This process holds it until
// Release.
func Create(parent, name string) (*Folder, error) {
	if name == "" || name != filepath.Base(name) || strings.HasPrefix(name, ".") {
		return nil, fmt.Errorf("%q cannot be the name of a run: it must be the name of a folder, without slashes and with no dot at its beginning", name)
	}
	if err := os.MkdirAll(parent, folderMode); err != nil {
		return nil, fmt.Errorf("the folder %s for runs cannot be made: %w", parent, err)
	}
	for number := 1; number <= mostRuns; number++ {
		path := filepath.Join(parent, name)
		if number > 1 {
			path = filepath.Join(parent, fmt.Sprintf(namePattern, name, number))
		}
		err := os.Mkdir(path, folderMode)
		if errors.Is(err, fs.ErrExist) {
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("the folder %s for a run cannot be made: %w", path, err)
		}
		return hold(path)
	}
	return nil, fmt.Errorf("there are %d runs called %s in %s: choose another name", mostRuns, name, parent)
}

// Open opens the folder of a run to go on with it. It fails with an
// *atomicfile.HeldError, which says which process, while another trains there.
func Open(path string) (*Folder, error) {
	if _, err := os.Stat(filepath.Join(path, ConfigFile)); err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s is not the folder of a run: there is no %s in it: %w", path, ConfigFile, err)
		}
		return nil, err
	}
	return hold(path)
}

func hold(path string) (*Folder, error) {
	release, err := atomicfile.Hold(filepath.Join(path, LastFile))
	var held *atomicfile.HeldError
	if errors.As(err, &held) {
		who := "another process"
		if held.PID > 0 {
			who = fmt.Sprintf("process %d", held.PID)
		}
		return nil, fmt.Errorf("%s trains in %s: wait for it, stop it, or begin another run (%w)", who, path, err)
	}
	if err != nil {
		return nil, err
	}
	return &Folder{path, release}, nil
}

// Path returns where the folder is.
func (f *Folder) Path() string { return f.path }

// File returns where a file of the folder is.
func (f *Folder) File(name string) string { return filepath.Join(f.path, name) }

// KeepEpoch keeps the newest checkpoint as that of an epoch, and of those kept before
// only so many that there are most in all, the latest.
func (f *Folder) KeepEpoch(epoch, most int) error {
	name := f.File(fmt.Sprintf(epochFile, epoch))
	if err := os.Remove(name); err != nil && !errors.Is(err, fs.ErrNotExist) { // of a training that did not come to save what followed
		return err
	}
	if err := os.Link(f.File(LastFile), name); err != nil { // not every file system has links
		content, err := os.ReadFile(f.File(LastFile))
		if err == nil {
			err = atomicfile.Write(name, func(w io.Writer) error { _, err := w.Write(content); return err })
		}
		if err != nil {
			return fmt.Errorf("the checkpoint of epoch %d cannot be kept: %w", epoch, err)
		}
	}
	kept, err := f.Epochs()
	if err != nil {
		return err
	}
	for _, old := range kept[:max(len(kept)-most, 0)] {
		if err := os.Remove(f.File(fmt.Sprintf(epochFile, old))); err != nil {
			return err
		}
	}
	return nil
}

// Epochs are the epochs whose checkpoints are kept, in their order.
func (f *Folder) Epochs() ([]int, error) {
	entries, err := os.ReadDir(f.path)
	if err != nil {
		return nil, err
	}
	var kept []int
	for _, entry := range entries {
		var epoch int
		if _, err := fmt.Sscanf(entry.Name(), epochFile, &epoch); err == nil && entry.Name() == fmt.Sprintf(epochFile, epoch) {
			kept = append(kept, epoch)
		}
	}
	slices.Sort(kept)
	return kept, nil
}

// Release lets others train in the folder.
func (f *Folder) Release() { f.release() }
