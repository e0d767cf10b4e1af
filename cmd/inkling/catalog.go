package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"inkling/data"
	"inkling/data/cifar"
	"inkling/data/download"
	"inkling/data/emnist"
	"inkling/data/mnist"
	"inkling/data/mnist/embedded"
	"inkling/weights"
)

// A publishedSet is a data set that Inkling knows by name.
type publishedSet struct {
	name, split string // "emnist", "letters"
	title       string
	licence     string
	home        string
	classes     []string
	train, test int    // how many pictures
	shape       string // channels x height x width
	bytes       int64  // to download, about
	stored      string // how the pictures lie in the files

	holds func(fsys fs.FS) bool
	open  func(fsys fs.FS, train bool) (data.Dataset, error)
	get   func(ctx context.Context, dir string, o download.Options) error
	md5   map[string]string // published sums of files

	builtin func(train bool) (data.Dataset, error) // nil if nothing is built in
}

// fullName is what stands on the command line: NAME or NAME:SPLIT.
func (s *publishedSet) fullName() string {
	if s.split == "" {
		return s.name
	}
	return s.name + ":" + s.split
}

// catalog has all data sets that are known by name.
func catalog() []*publishedSet {
	var all []*publishedSet
	for _, s := range mnist.Sets() {
		known := &publishedSet{
			name: s.Name, title: s.Title, licence: s.Licence, home: s.Home, classes: s.Classes,
			train: s.TrainLen, test: s.TestLen, shape: "1x28x28", bytes: downloadSize[s.Name], stored: weights.Upright,
			holds: s.Holds, open: s.Open, get: s.Download, md5: map[string]string{},
		}
		for _, f := range s.Files {
			known.md5[f.Name] = f.MD5
		}
		if s == mnist.MNIST {
			known.builtin = func(train bool) (data.Dataset, error) {
				if train {
					return embedded.Train()
				}
				return embedded.Test()
			}
		}
		all = append(all, known)
	}
	for _, split := range emnist.Splits() {
		classes, trainLen, testLen, err := emnist.About(split)
		if err != nil {
			panic(err) // the split is one of Splits
		}
		all = append(all, &publishedSet{
			name: "emnist", split: split, title: "EMNIST, split " + split, licence: "public domain (NIST)", home: "https://www.nist.gov/itl/products-and-services/emnist-dataset",
			classes: classes, train: trainLen, test: testLen, shape: "1x28x28", bytes: int64(trainLen+testLen) * 250, stored: weights.Transposed,
			holds: func(fsys fs.FS) bool { return emnist.Holds(fsys, split) },
			open: func(fsys fs.FS, train bool) (data.Dataset, error) {
				return emnist.Open(fsys, split, train, emnist.Upright)
			},
			get: func(ctx context.Context, dir string, o download.Options) error {
				return emnist.Download(ctx, emnist.DownloadOptions{Split: split, Dir: dir, Transfer: o})
			},
		})
	}
	for _, s := range cifar.Sets() {
		all = append(all, &publishedSet{
			name: s.Name, title: s.Title, licence: s.Licence, home: s.Home, classes: s.Classes,
			train: s.TrainLen, test: s.TestLen, shape: "3x32x32", bytes: 170e6, stored: weights.Upright,
			holds: s.Holds, open: func(fsys fs.FS, train bool) (data.Dataset, error) { return s.Open(fsys, train) },
			get: s.Download, md5: map[string]string{filepath.Base(s.URL): s.MD5},
		})
	}
	return all
}

// downloadSize is about how many bytes the files of a set have.
var downloadSize = map[string]int64{"mnist": 12e6, "fashion-mnist": 31e6, "kmnist": 21e6, "qmnist": 20e6}

// findPublished returns the set of a name, nil if there is none.
func findPublished(name string) *publishedSet {
	if name == "emnist" {
		name = "emnist:mnist"
	}
	for _, s := range catalog() {
		if s.fullName() == name {
			return s
		}
	}
	return nil
}

// wantPublished returns the set of a name, or an error that lists the names.
func wantPublished(name string) (*publishedSet, error) {
	if s := findPublished(name); s != nil {
		return s, nil
	}
	var names []string
	for _, s := range catalog() {
		names = append(names, s.fullName())
	}
	return nil, usagef("there is no data set %q, want %s", name, strings.Join(names, ", "))
}

// dir is the folder of the set's files: root, or one in the cache if root is
// empty.
func (s *publishedSet) dir(root string) (string, error) {
	if root != "" {
		return root, nil
	}
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for downloaded files: %w", err)
	}
	return filepath.Join(dir, "inkling", s.name), nil
}

// there tells whether the set's files are in its folder.
func (s *publishedSet) there(root string) (dir string, there bool, err error) {
	if dir, err = s.dir(root); err != nil {
		return "", false, err
	}
	return dir, s.holds(os.DirFS(dir)), nil
}

// pictures returns the set as --data names it, from its folder or, if nothing is
// there, from what is built in.
func (s *publishedSet) pictures(root string) (*pictureSet, error) {
	dir, there, err := s.there(root)
	if err != nil {
		return nil, err
	}
	set := &pictureSet{dataset: s.name, split: s.split, title: s.title, stored: s.stored}
	switch {
	case there:
		set.open = func(train bool) (data.Dataset, error) {
			d, err := s.open(os.DirFS(dir), train)
			if err != nil {
				return nil, fmt.Errorf("folder %s: %w", dir, err)
			}
			return d, nil
		}
	case s.builtin != nil && root == "":
		set.title, set.open = s.title+", built in", s.builtin
	default:
		return nil, s.missing(dir)
	}
	return set, nil
}

// missing says that the files are not there, and what to do.
func (s *publishedSet) missing(dir string) error {
	return fmt.Errorf(`%s is not in %s: "inkling data get %s" downloads it (about %d MB)`, s.title, dir, s.fullName(), s.bytes/1e6)
}
