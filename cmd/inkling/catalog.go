package main

import (
	"context"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"os"
	"slices"
	"strings"
	"unicode"

	"inkling"
	"inkling/data"
	"inkling/data/cifar"
	"inkling/data/corpora"
	"inkling/data/download"
	"inkling/data/emnist"
	"inkling/data/mnist"
	"inkling/data/mnist/embedded"
	"inkling/data/published"
	"inkling/data/samples"
	"inkling/data/svhn"
	"inkling/data/usps"
	"inkling/weights"
)

// A publishedSet is a data set that Inkling knows by name.
type publishedSet struct {
	published.Set
	split  string // of EMNIST
	stored string // how the pictures lie in the files

	holds func(fsys fs.FS) bool
	open  func(fsys fs.FS, train bool) (data.Dataset, error)
	get   func(ctx context.Context, dir string, o download.Options) error

	builtin func(train bool) (data.Dataset, error) // nil if nothing is built in

	// of texts and recordings, in place of open
	kind    inkling.Kind
	samples func(fsys fs.FS) (*samples.Set, error)
}

// fullName is what stands on the command line: NAME or NAME:SPLIT.
func (s *publishedSet) fullName() string {
	if s.split == "" {
		return s.Name
	}
	return s.Name + ":" + s.split
}

// shape is the shape of a picture, for people, or what there is in place of pictures.
func (s *publishedSet) shape() string {
	if s.samples != nil {
		return string(s.kind)
	}
	return fmt.Sprintf("%dx%dx%d", s.Channels, s.Height, s.Width)
}

// catalog has all data sets that are known by name.
func catalog() []*publishedSet {
	var all []*publishedSet
	for _, s := range mnist.Sets() {
		all = append(all, &publishedSet{Set: s.Set, stored: weights.Upright, holds: s.Holds, open: s.Open, get: s.Download})
		if s == mnist.MNIST {
			all[len(all)-1].builtin = func(train bool) (data.Dataset, error) {
				if train {
					return embedded.Train()
				}
				return embedded.Test()
			}
		}
	}
	for _, split := range emnist.Splits() {
		about, err := emnist.About(split)
		if err != nil {
			panic(err) // the split is one of Splits
		}
		all = append(all, &publishedSet{
			Set: *about, split: split, stored: weights.Transposed,
			holds: func(fsys fs.FS) bool { return emnist.Holds(fsys, split) },
			open: func(fsys fs.FS, train bool) (data.Dataset, error) {
				return emnist.Open(fsys, split, train, emnist.Upright)
			},
			get: func(ctx context.Context, dir string, o download.Options) error {
				return emnist.Download(ctx, emnist.DownloadOptions{Split: split, Dir: dir, Transfer: o})
			},
		})
	}
	all = append(all, &publishedSet{Set: *usps.USPS, stored: weights.Upright, holds: usps.Holds, open: usps.Open, get: usps.Download})
	for _, s := range cifar.Sets() {
		open := func(fsys fs.FS, train bool) (data.Dataset, error) { return s.Open(fsys, train) }
		all = append(all, &publishedSet{Set: s.Set, stored: weights.Upright, holds: s.Holds, open: open, get: s.Download})
	}
	all = append(all, &publishedSet{Set: *svhn.SVHN, stored: weights.Upright, holds: svhn.Holds, open: svhn.Open, get: svhn.Download})
	for _, s := range corpora.Sets() {
		all = append(all, &publishedSet{Set: s.Set, holds: s.Holds, get: s.Download, kind: inkling.Kind(s.Kind), samples: s.Open})
	}
	return all
}

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
	return published.CacheDir(s.Name)
}

// there tells whether the set's files are in its folder.
func (s *publishedSet) there(root string) (dir string, there bool, err error) {
	if dir, err = s.dir(root); err != nil {
		return "", false, err
	}
	return dir, s.holds(os.DirFS(dir)), nil
}

// pictures returns the set as --data names it, from what is built in or from its
// folder. The options say what is read of texts and recordings.
func (s *publishedSet) pictures(ctx context.Context, root string, o pictureOptions) (*pictureSet, error) {
	if s.samples == nil {
		if err := o.refuse(s.Title, false); err != nil {
			return nil, err
		}
	}
	dir, there, err := s.there(root)
	if err != nil {
		return nil, err
	}
	set := &pictureSet{dataset: s.Name, split: s.split, title: s.Title, stored: s.stored}
	switch {
	case s.builtin != nil && root == "":
		set.title, set.open = s.Title+", built in", s.builtin
	case there && s.samples != nil:
		if find := o.samples.find; find.TextColumn+find.LabelColumn+find.Names != "" {
			return nil, usagef("--text-column, --label-column and --names are for what is your own, and %s is known: leave them out", s.Title)
		}
		found, err := s.samples(os.DirFS(dir))
		if err == nil {
			err = set.learnt(ctx, found, o)
		}
		if err != nil {
			return nil, fmt.Errorf("folder %s: %w", dir, err)
		}
	case there:
		set.open = func(train bool) (data.Dataset, error) {
			d, err := s.open(os.DirFS(dir), train)
			if err != nil {
				return nil, fmt.Errorf("folder %s: %w", dir, err)
			}
			return d, nil
		}
	default:
		return nil, s.missing(dir)
	}
	return set, nil
}

// sizeOf tells how large a download is.
func sizeOf(bytes int64) string {
	if bytes < 10e6 {
		return fmt.Sprintf("%.1f MB", float64(bytes)/1e6)
	}
	return fmt.Sprintf("%d MB", bytes/1e6)
}

// missing says that the files are not there, and what to do.
func (s *publishedSet) missing(dir string) error {
	if s.builtin != nil {
		return fmt.Errorf(`%s is built in, and its files are not in %s: "inkling data get %s" downloads them (about %s)`, s.Title, dir, s.fullName(), sizeOf(s.Bytes))
	}
	return fmt.Errorf(`%s is not in %s: "inkling data get %s" downloads it (about %s)`, s.Title, dir, s.fullName(), sizeOf(s.Bytes))
}

// download gets the files into a folder, from the mirrors first, and tells on
// progress, if that is not nil, how it goes.
func (s *publishedSet) download(ctx context.Context, dir string, mirrors []string, progress io.Writer) error {
	o, done := downloading(progress)
	defer done()
	for _, mirror := range mirrors {
		o.Mirrors = append(o.Mirrors, strings.TrimSuffix(mirror, "/")+"/"+s.Name)
	}
	err := s.get(ctx, dir, o)
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w during the download; the next one goes on from here", errInterrupted)
	}
	return err
}

// mirrorsVariable is the environment variable that names mirrors, with spaces or
// commas between them.
const mirrorsVariable = "INKLING_MIRRORS"

// mirrors returns the given mirrors and those of the environment, in the order
// that they are asked in.
func mirrors(given []string) ([]string, error) {
	isBetween := func(r rune) bool { return r == ',' || unicode.IsSpace(r) }
	all := slices.Concat(given, strings.FieldsFunc(os.Getenv(mirrorsVariable), isBetween))
	for _, mirror := range all {
		if u, err := url.Parse(mirror); err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
			return nil, usagef("the mirror %q is no address of a server, want one such as https://example.org/data", mirror)
		}
	}
	return all, nil
}
