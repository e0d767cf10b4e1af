package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"inkling/data"
	"inkling/data/cifar"
	"inkling/data/emnist"
	"inkling/data/folder"
	"inkling/data/mnist"
	"inkling/weights"
)

// pictureOptions say what is made of pictures in a folder or list of one's own.
// The zero value is what is usual.
type pictureOptions struct {
	size     string // "", N or HxW
	channels int    // 0 for those that the pictures have
	skipBad  bool
}

const skipBadHelp = "leave out pictures of a folder that cannot be read"

func (o *pictureOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.size, "size", "", "resize the pictures of a folder to `N` or HEIGHTxWIDTH pixels; by default to the commonest size")
	f.BoolVar(&o.skipBad, "skip-bad", false, skipBadHelp)
}

func (o pictureOptions) check() error {
	_, _, err := o.sides()
	return err
}

// sides returns the wanted height and width, 0 and 0 if none are.
func (o pictureOptions) sides() (height, width int, err error) {
	if o.size == "" {
		return 0, 0, nil
	}
	const most = 4096
	first, second, both := strings.Cut(o.size, "x")
	height, err1 := strconv.Atoi(first)
	width, err2 := height, error(nil)
	if both {
		width, err2 = strconv.Atoi(second)
	}
	if err1 != nil || err2 != nil || height < 1 || width < 1 || height > most || width > most {
		return 0, 0, usagef("--size is %q, want a number of pixels such as 32, or HEIGHTxWIDTH such as 24x32, of 1 to %d", o.size, most)
	}
	return height, width, nil
}

func (o pictureOptions) options() (folder.Options, error) {
	height, width, err := o.sides()
	return folder.Options{Channels: o.channels, Height: height, Width: width, SkipBad: o.skipBad}, err
}

// keptBytes is how much memory pictures may take that are read once and kept.
const keptBytes = 512 << 20

// openFolder opens a folder that holds the files of a data set that is known, or
// records of CIFAR, or a folder of pictures for every class.
func openFolder(dir string, o pictureOptions) (*pictureSet, error) {
	fsys := os.DirFS(dir)
	set := &pictureSet{dataset: "folder", title: "folder " + dir, stored: weights.Upright}
	known := mnist.Identify(fsys)
	split, isEMNIST := findEMNIST(fsys)
	var err error
	switch {
	case isEMNIST:
		set.stored, set.split = weights.Transposed, split
		set.title += ", EMNIST's split " + split
		set.open = func(train bool) (data.Dataset, error) { return emnist.Open(fsys, split, train, emnist.Upright) }
	case known != nil:
		if known != mnist.MNIST {
			set.title += ", " + known.Title
		}
		set.open = func(train bool) (data.Dataset, error) { return known.Open(fsys, train) }
	default:
		err = openOther(set, fsys, o)
	}
	if err != nil {
		return nil, fmt.Errorf("folder %s: %w", dir, err)
	}
	open := set.open
	set.open = func(train bool) (data.Dataset, error) {
		d, err := open(train)
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", dir, err)
		}
		return d, nil
	}
	return set, nil
}

// findEMNIST returns the split of EMNIST of which a folder has files. Opening
// them would tell, too, but read them.
func findEMNIST(fsys fs.FS) (split string, found bool) {
	for _, split := range emnist.Splits() {
		for _, folder := range []string{".", "EMNIST/raw", "gzip"} {
			if found, _ := fs.Glob(fsys, path.Join(folder, "emnist-"+split+"-*-images-idx3-ubyte*")); len(found) > 0 {
				return split, true
			}
		}
	}
	return "", false
}

// openOther opens a folder with the files of another set of the catalog, with
// records of CIFAR, or with pictures by class.
func openOther(set *pictureSet, fsys fs.FS, o pictureOptions) error {
	for _, s := range catalog() {
		if s.holds(fsys) {
			set.title += ", " + s.Title
			set.open = func(train bool) (data.Dataset, error) { return s.open(fsys, train) }
			return nil
		}
	}
	if !folder.HoldsPictures(fsys) {
		train, test, err := cifar.Loose(fsys)
		if err != nil {
			return err
		}
		if len(train) > 0 {
			return openRecords(set, fsys, train, test)
		}
		return errors.New("there is nothing in it that can be read: want the files of a data set that \"inkling data list\" names, " +
			"or the folders train and test with a folder of pictures for every class, or just these")
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	parts, err := folder.OpenParts(fsys, options)
	if err != nil {
		return err
	}
	set.divide(parts)
	return nil
}

// openRecords opens records of CIFAR in files of any name.
func openRecords(set *pictureSet, fsys fs.FS, train, test []string) error {
	s, err := cifar.Which(fsys, train[0])
	if err != nil {
		return err
	}
	set.title += ", records of " + s.Title
	if len(test) > 0 {
		set.open = func(wantTrain bool) (data.Dataset, error) {
			if wantTrain {
				return s.OpenFiles(fsys, train...)
			}
			return s.OpenFiles(fsys, test...)
		}
		return nil
	}
	d, err := s.OpenFiles(fsys, train...)
	if err != nil {
		return err
	}
	parts, err := folder.HoldOut(d)
	if err != nil {
		return err
	}
	set.divide(parts)
	return nil
}

// openList opens a list of paths and labels.
func openList(name string, o pictureOptions) (*pictureSet, error) {
	options, err := o.options()
	if err != nil {
		return nil, err
	}
	dir, base := filepath.Split(name)
	if dir == "" {
		dir = "."
	}
	parts, err := folder.OpenListParts(os.DirFS(dir), base, options)
	if err != nil {
		return nil, err
	}
	set := &pictureSet{dataset: "folder", title: "list " + name, stored: weights.Upright}
	set.divide(parts)
	return set, nil
}

// divide makes parts of a folder the pictures of the set.
func (s *pictureSet) divide(parts *folder.Parts) {
	train, test := data.Keep(parts.Train, keptBytes), data.Keep(parts.Test, keptBytes)
	s.reason = strings.Join(parts.Notes, " ")
	s.parts = parts
	s.open = func(wantTrain bool) (data.Dataset, error) {
		if wantTrain {
			return train, nil
		}
		return test, nil
	}
}
