package folder

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"

	"inkling/data"
)

// heldOut is the share of each class that is kept from training where there are
// no pictures to test with, and heldOutSeed what they are chosen by: always the
// same ones, so that no later run trains on what an earlier one tested with.
const (
	heldOut     = 0.2
	heldOutSeed = 0
)

// testNames are the names that the pictures to test with go by, the best first.
var testNames = []string{"test", "val", "valid", "validation"}

// Parts are the pictures to train on and those to test with.
type Parts struct {
	Train, Test data.Dataset // of the same shape and classes

	// Notes are sentences about what was chosen: how the pictures were divided,
	// what they are resized to.
	Notes []string

	files []*Dataset
}

// Bad returns why pictures of either part were left out so far, see
// [Dataset.Bad].
func (p *Parts) Bad() []error {
	var all []error
	for _, d := range p.files {
		all = append(all, d.Bad()...)
	}
	return all
}

// OpenParts opens a folder that has the folders train and test, or val, valid or
// validation in its place, with a folder for every class in each; or the files
// train.csv and test.csv, see [OpenList]. If there is nothing to test with, a
// fifth of every class is held out, always the same pictures. So it is with a
// folder that has just a folder for every class, too.
func OpenParts(fsys fs.FS, o Options) (*Parts, error) {
	train, err := findPart(fsys, "train")
	if err != nil {
		return nil, err
	}
	var tests []string
	for _, name := range testNames {
		found, err := findPart(fsys, name)
		if err != nil {
			return nil, err
		}
		if found != "" {
			tests = append(tests, found)
		}
	}
	if train == "" {
		if len(tests) > 0 {
			return nil, fmt.Errorf("there are pictures to test with in %s, but none to train on: want train beside it", tests[0])
		}
		d, err := Open(fsys, o)
		if err != nil {
			return nil, err
		}
		return HoldOut(d)
	}
	d, err := openPart(fsys, train, o)
	if err != nil {
		return nil, err
	}
	if len(tests) == 0 {
		return HoldOut(d)
	}
	o.Classes = d.Classes()
	o.Channels, o.Height, o.Width = d.Shape()
	test, err := openPart(fsys, tests[0], o)
	if err != nil {
		return nil, err
	}
	p := &Parts{Train: d, Test: test, files: []*Dataset{d, test}}
	p.note(d.shape)
	if tests[0] != testNames[0] && tests[0] != testNames[0]+".csv" {
		p.note("The pictures to test with are those of " + tests[0] + ".")
	}
	if len(tests) > 1 {
		p.note("The pictures of " + strings.Join(tests[1:], ", ") + " are left alone.")
	}
	return p, nil
}

// OpenListParts opens a list as [OpenList] does, and holds a fifth of every class
// out as [OpenParts] does.
func OpenListParts(fsys fs.FS, name string, o Options) (*Parts, error) {
	d, err := OpenList(fsys, name, o)
	if err != nil {
		return nil, err
	}
	return HoldOut(d)
}

// HoldOut divides pictures among which none are to test with: a fifth of every
// class is held out, always the same pictures.
func HoldOut(d data.Dataset) (*Parts, error) {
	train, test, err := data.StratifiedSplit(d, heldOut, heldOutSeed)
	if err != nil {
		return nil, fmt.Errorf("nothing can be held out to test with: %w", err)
	}
	p := &Parts{Train: train, Test: test}
	if d, ok := d.(*Dataset); ok {
		p.files = []*Dataset{d}
		p.note(d.shape)
	}
	p.note(fmt.Sprintf("There are no pictures to test with: a fifth of every class, %d of %d pictures and always the same, are held out.", test.Len(), d.Len()))
	return p, nil
}

func (p *Parts) note(sentence string) {
	if sentence != "" {
		p.Notes = append(p.Notes, sentence)
	}
}

// findPart returns the folder or list of a part, or "" if there is none. A folder
// without folders in it is none: it may be that of a class.
func findPart(fsys fs.FS, name string) (string, error) {
	info, err := fs.Stat(fsys, name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
	case err != nil:
		return "", fmt.Errorf("%s cannot be looked for: %w", name, err)
	case info.IsDir():
		has, err := hasFolders(fsys, name)
		if err != nil {
			return "", fmt.Errorf("the folder %s cannot be read: %w", name, err)
		}
		if has {
			return name, nil
		}
	}
	info, err = fs.Stat(fsys, name+".csv")
	switch {
	case err == nil && info.Mode().IsRegular():
		return name + ".csv", nil
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return "", fmt.Errorf("%s.csv cannot be looked for: %w", name, err)
	}
	return "", nil
}

// openPart opens what findPart found.
func openPart(fsys fs.FS, name string, o Options) (*Dataset, error) {
	if strings.HasSuffix(name, ".csv") {
		return OpenList(fsys, name, o)
	}
	below, err := fs.Sub(fsys, name)
	if err != nil {
		return nil, err
	}
	d, err := Open(below, o)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	return d, nil
}

var errFound = errors.New("found")

func hasFolders(fsys fs.FS, name string) (bool, error) {
	below, err := fs.Sub(fsys, name)
	if err != nil {
		return false, err
	}
	err = eachEntry(below, ".", func(e fs.DirEntry) error {
		if isFolder(below, e) {
			return errFound
		}
		return nil
	})
	if err == errFound {
		return true, nil
	}
	return false, err
}

// HoldsPictures tells whether a folder is one that [OpenParts] may open: whether
// it has visible folders, or one of the lists.
func HoldsPictures(fsys fs.FS) bool {
	if has, err := hasFolders(fsys, "."); err == nil && has {
		return true
	}
	return slices.ContainsFunc(append([]string{"train"}, testNames...), func(name string) bool {
		found, err := findPart(fsys, name)
		return err == nil && found != ""
	})
}
