package main

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/emnist"
	"inkling/data/mnist"
	"inkling/data/mnist/embedded"
	"inkling/weights"
)

// A pictureSet is what --data names.
type pictureSet struct {
	dataset string // "mnist", "emnist", or "folder" for a folder of one's own
	split   string // of EMNIST
	title   string // for people
	reason  string // why it was chosen, when it was not asked for
	stored  string // how the pictures lie in the files: weights.Upright or weights.Transposed

	// open returns the pictures to train on or those to test with, upright.
	open func(train bool) (data.Dataset, error)
}

const dataHelp = "`SET` of pictures: auto, mnist, emnist[:SPLIT], another that \"inkling data list\" names, or a folder with such files"

// findPictures looks for what --data names. It reads no pictures yet, and
// downloads nothing.
func findPictures(name string) (*pictureSet, error) {
	split, isEMNIST, err := emnistSplit(name)
	switch {
	case err != nil:
		return nil, err
	case name == "auto":
		if emnist.Cached("mnist") {
			set, err := cachedEMNIST("mnist")
			if err == nil {
				set.reason = "It was downloaded before; --data mnist takes the digits that are built in."
			}
			return set, err
		}
		set := builtinMNIST()
		set.reason = `EMNIST was not downloaded; "inkling train --download" does that.`
		return set, nil
	case name == "mnist":
		return builtinMNIST(), nil
	case isEMNIST:
		if !emnist.Cached(split) {
			return nil, fmt.Errorf(`EMNIST's split %s was not downloaded: "inkling train --data emnist:%s --download" gets it, --data mnist needs no download`, split, split)
		}
		return cachedEMNIST(split)
	}
	if published := findPublished(name); published != nil {
		return published.pictures("")
	}
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, usagef("--data %q is no data set and no folder, want auto, a name of \"inkling data list\" or a folder", name)
	case err != nil:
		return nil, fmt.Errorf("the folder of --data cannot be read: %w", err)
	case !info.IsDir():
		return nil, usagef("--data %s is a file, want the folder that the idx files lie in", name)
	}
	return pictureFolder(name), nil
}

// emnistSplit returns the split that emnist or emnist:SPLIT names.
func emnistSplit(name string) (split string, isEMNIST bool, err error) {
	kind, split, found := strings.Cut(name, ":")
	switch {
	case kind != "emnist":
		return "", false, nil
	case !found:
		split = "mnist"
	}
	if !slices.Contains(emnist.Splits(), split) {
		return "", true, usagef("--data %s: EMNIST has no split %q, want %s", name, split, strings.Join(emnist.Splits(), " or "))
	}
	return split, true, nil
}

func builtinMNIST() *pictureSet {
	return &pictureSet{
		dataset: "mnist", title: "MNIST, built in", stored: weights.Upright,
		open: func(train bool) (data.Dataset, error) {
			if train {
				return embedded.Train()
			}
			return embedded.Test()
		},
	}
}

func cachedEMNIST(split string) (*pictureSet, error) {
	dir, err := emnist.CacheDir()
	if err != nil {
		return nil, err
	}
	return &pictureSet{
		dataset: "emnist", split: split, title: fmt.Sprintf("EMNIST, split %s", split), stored: weights.Transposed,
		open: func(train bool) (data.Dataset, error) {
			return emnist.Open(os.DirFS(dir), split, train, emnist.Upright)
		},
	}, nil
}

// pictureFolder is a folder that holds the files of MNIST, or of a split of
// EMNIST, under their published names.
func pictureFolder(dir string) *pictureSet {
	fsys := os.DirFS(dir)
	set := &pictureSet{dataset: "folder", title: "folder " + dir, stored: weights.Upright}
	known := mnist.Identify(fsys)
	if known != mnist.MNIST {
		set.title += ", " + known.Title
	}
	open := func(train bool) (data.Dataset, error) { return known.Open(fsys, train) }
	for _, split := range emnist.Splits() {
		if holdsEMNIST(fsys, split) {
			set.stored, set.split = weights.Transposed, split
			set.title += ", EMNIST's split " + split
			open = func(train bool) (data.Dataset, error) {
				return emnist.Open(fsys, split, train, emnist.Upright)
			}
			break
		}
	}
	set.open = func(train bool) (data.Dataset, error) {
		d, err := open(train)
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", dir, err)
		}
		return d, nil
	}
	return set
}

// holdsEMNIST tells whether a folder has files of a split of EMNIST. Opening
// them would tell, too, but read them.
func holdsEMNIST(fsys fs.FS, split string) bool {
	for _, folder := range []string{".", "EMNIST/raw", "gzip"} {
		if found, _ := fs.Glob(fsys, path.Join(folder, "emnist-"+split+"-*-images-idx3-ubyte*")); len(found) > 0 {
			return true
		}
	}
	return false
}

// first returns the first n pictures of d, all of them if n is 0.
func first(d data.Dataset, n int) (data.Dataset, error) {
	if n == 0 || n >= d.Len() {
		return d, nil
	}
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
	}
	return data.NewSubset(d, indices)
}
