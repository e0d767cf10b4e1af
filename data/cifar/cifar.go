// Package cifar opens CIFAR-10 and CIFAR-100, 60,000 small colour photographs of
// 10 or 100 kinds of things, 32x32 each, by Alex Krizhevsky, Vinod Nair and
// Geoffrey Hinton (Krizhevsky 2009, "Learning Multiple Layers of Features from
// Tiny Images").
//
// It reads the binary version: records of a label, or with CIFAR-100 a coarse
// and a fine one, and the 3,072 bytes of a picture, red, green and blue one
// after another and row by row, as https://www.cs.toronto.edu/~kriz/cifar.html
// describes it. It reads the Python version, too, which is what torchvision
// downloads: pickles of the same bytes. The published archives are read as they
// are: nothing has to be unpacked.
package cifar

import (
	"archive/tar"
	"bufio"
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"inkling/data"
	"inkling/data/download"
	"inkling/data/internal/files"
	"inkling/data/published"
	"inkling/internal/wording"
)

const (
	channels, side = 3, 32
	pictureSize    = channels * side * side
)

// Set is one of the two data sets.
type Set struct {
	published.Set
	Coarse []string // the groups of classes, nil in CIFAR-10

	layouts []layout // the binary version, which is downloaded, and the Python version
}

// layout is how the files of a set are called in one of its versions.
type layout struct {
	archive     string
	folder      string // in the archive
	train, test []string
	pickled     bool
}

// files returns the names of the files to train on or to test with.
func (l layout) files(train bool) []string {
	if train {
		return l.train
	}
	return l.test
}

// The two data sets, as published. Sums are those that are on their page and in
// torchvision's datasets/cifar.py.
var (
	CIFAR10 = &Set{
		Set: published.Set{
			Name: "cifar-10", Title: "CIFAR-10", Licence: licence, Home: home,
			Classes:  []string{"airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"},
			TrainLen: 50_000, TestLen: 10_000, Channels: channels, Height: side, Width: side, Bytes: 170e6,
			Mirrors: mirrors,
			Files:   []published.File{{Name: "cifar-10-binary.tar.gz", MD5: "c32a1d4ab5d03f1284b67883e8d87530"}},
		},
		layouts: []layout{{
			archive: "cifar-10-binary.tar.gz", folder: "cifar-10-batches-bin",
			train: []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
			test:  []string{"test_batch.bin"},
		}, {
			archive: "cifar-10-python.tar.gz", folder: "cifar-10-batches-py", pickled: true,
			train: []string{"data_batch_1", "data_batch_2", "data_batch_3", "data_batch_4", "data_batch_5"},
			test:  []string{"test_batch"},
		}},
	}
	CIFAR100 = &Set{
		Set: published.Set{
			Name: "cifar-100", Title: "CIFAR-100", Licence: licence, Home: home,
			Classes:  fineClasses,
			TrainLen: 50_000, TestLen: 10_000, Channels: channels, Height: side, Width: side, Bytes: 170e6,
			Mirrors: mirrors,
			Files:   []published.File{{Name: "cifar-100-binary.tar.gz", MD5: "03b5dce01913d631647c71ecec9e9cb8"}},
		},
		Coarse: coarseClasses,
		layouts: []layout{{
			archive: "cifar-100-binary.tar.gz", folder: "cifar-100-binary",
			train: []string{"train.bin"}, test: []string{"test.bin"},
		}, {
			archive: "cifar-100-python.tar.gz", folder: "cifar-100-python", pickled: true,
			train: []string{"train"}, test: []string{"test"},
		}},
	}
)

const (
	licence = "cite Krizhevsky 2009"
	home    = "https://www.cs.toronto.edu/~kriz/cifar.html"
)

var mirrors = []string{"https://www.cs.toronto.edu/~kriz/"}

// Sets returns the data sets of this package.
func Sets() []*Set { return []*Set{CIFAR10, CIFAR100} }

// Dataset is a part of a set in memory.
type Dataset struct {
	*data.Memory
	coarse []byte
}

// Coarse is the group that the class of picture i belongs to, an index of the
// set's Coarse; 0 in CIFAR-10.
func (d *Dataset) Coarse(i int) int {
	if d.coarse == nil {
		return 0
	}
	return int(d.coarse[i])
}

// Open returns the pictures to train on, or those to test with, from a folder.
// It looks for the files of the binary and of the Python version in the folder
// itself and in the folder that they have in their archive, with or without .gz,
// and else for the archives. Files of another length than the published ones are
// taken as well, if they hold whole records.
func (s *Set) Open(fsys fs.FS, train bool) (*Dataset, error) {
	l, found, err := s.find(fsys, train)
	if err != nil {
		return nil, err
	}
	if found == nil {
		return s.openArchive(fsys, l, train)
	}
	all := &records{set: s}
	for _, name := range found {
		err := files.Read(fsys, name, func(r io.Reader) error { return all.readGzip(r, l.pickled) })
		if err != nil {
			return nil, err
		}
	}
	return all.dataset()
}

// find returns the layout in which the pictures lie in a folder, and their files
// or none if it is their archive. Where some files are missing it is these that
// the error tells of.
func (s *Set) find(fsys fs.FS, train bool) (l layout, found []string, err error) {
	var missing error
	most := -1
	for _, l := range s.layouts {
		found, err := l.find(fsys, train)
		if err == nil {
			return l, found, nil
		}
		if len(found) > most {
			missing, most = err, len(found)
		}
	}
	for _, l := range s.layouts {
		if _, err := fs.Stat(fsys, l.archive); err == nil && most == 0 {
			return l, nil, nil
		}
	}
	return layout{}, nil, missing
}

// find returns where the files are, up to the first that is not there.
func (l layout) find(fsys fs.FS, train bool) (found []string, err error) {
	for _, name := range l.files(train) {
		place, err := files.Find(fsys, name, path.Join(l.folder, name))
		if err != nil {
			return found, err
		}
		found = append(found, place)
	}
	return found, nil
}

// Read reads records, gzipped or not, to the end of r.
func (s *Set) Read(r io.Reader) (*Dataset, error) {
	all := &records{set: s}
	if err := all.readGzip(r, false); err != nil {
		return nil, err
	}
	return all.dataset()
}

// Holds tells whether the pictures to train on and to test with are in a folder.
func (s *Set) Holds(fsys fs.FS) bool {
	_, _, err1 := s.find(fsys, true)
	_, _, err2 := s.find(fsys, false)
	return err1 == nil && err2 == nil
}

// Download gets the archive into a folder, see [published.Set.Download].
func (s *Set) Download(ctx context.Context, dir string, o download.Options) error {
	return s.Set.Download(ctx, dir, nil, o)
}

// openArchive reads the files out of the archive.
func (s *Set) openArchive(fsys fs.FS, l layout, train bool) (*Dataset, error) {
	names, found := l.files(train), map[string]*records{}
	err := files.Read(fsys, l.archive, func(r io.Reader) error {
		unzipped, err := unzip(r)
		if err != nil {
			return fmt.Errorf("it is no gzip file: %w", err)
		}
		for members := tar.NewReader(unzipped); len(found) < len(names); {
			header, err := members.Next()
			if err != nil {
				return fmt.Errorf("it ends or is damaged before %s was found: %w", strings.Join(names, ", "), err)
			}
			for _, name := range names {
				if header.Typeflag != tar.TypeReg || header.Name != path.Join(l.folder, name) || found[name] != nil {
					continue
				}
				found[name] = &records{set: s}
				if err := found[name].read(members, l.pickled); err != nil {
					return fmt.Errorf("%s in it: %w", name, err)
				}
			}
		}
		return nil
	})
	if err != nil {
		return nil, err
	}
	all := &records{set: s}
	for _, name := range names { // which may lie in another order
		all.append(found[name])
	}
	return all.dataset()
}

// labelSize is how many labels a record begins with, a byte each.
func (s *Set) labelSize() int {
	if s.Coarse == nil {
		return 1
	}
	return 2
}

func (s *Set) recordSize() int { return s.labelSize() + pictureSize }

// records are what was read of a set.
type records struct {
	set                    *Set
	pixels, labels, coarse []byte
}

func (a *records) append(b *records) {
	a.pixels, a.labels, a.coarse = append(a.pixels, b.pixels...), append(a.labels, b.labels...), append(a.coarse, b.coarse...)
}

// readGzip appends the records of r, gzipped or not.
func (a *records) readGzip(r io.Reader, pickled bool) error {
	plain := bufio.NewReaderSize(r, 64<<10)
	first, err := plain.Peek(2)
	switch {
	case err != nil && err != io.EOF:
		return fmt.Errorf("it cannot be read: %w", err)
	case len(first) == 0:
		return errors.New("it is empty: download it again")
	case !bytes.Equal(first, []byte{0x1f, 0x8b}): // which would be a label above 9 and a red dot
		return a.read(plain, pickled)
	}
	unzipped, err := unzip(plain)
	if err != nil {
		return fmt.Errorf("it begins as gzip, but is damaged: %w", err)
	}
	return a.read(unzipped, pickled)
}

// read appends the records of r, in the layout that they have there.
func (a *records) read(r io.Reader, pickled bool) error {
	if pickled {
		return a.readPickle(r)
	}
	return a.readPlain(r)
}

// unzip undoes gzip. Photographs shrink by a tenth, so that what unpacks to three
// times its size is none, and reading takes memory and time in proportion to the
// file.
func unzip(r io.Reader) (io.Reader, error) {
	packed := &files.Counter{R: r}
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return nil, err
	}
	return &files.Unpacked{R: unzipped, Packed: packed, Times: 3, Free: 256 << 10}, nil
}

// readPlain appends the records of r.
func (a *records) readPlain(r io.Reader) error {
	record := a.set.recordSize()
	buffer := make([]byte, record)
	for n := 0; ; n++ {
		got, err := io.ReadFull(r, buffer)
		switch {
		case err == io.EOF && n == 0:
			return errors.New("it has no record: download it again")
		case err == io.EOF:
			return nil
		case err == io.ErrUnexpectedEOF && got > 0:
			return fmt.Errorf("it ends %s into record %d at offset %d, want records of %s: it is cut off or no file of %s", wording.Number(got, "byte"), n, n*record, wording.Number(record, "byte"), a.set.Title)
		case err != nil:
			return fmt.Errorf("it cannot be read past record %d at offset %d: it is damaged (%w)", n, n*record, err)
		}
		labels, coarse := buffer[:a.set.labelSize()], -1
		if a.set.Coarse != nil {
			coarse = int(labels[0])
		}
		if err := a.add(buffer[len(labels):], int(labels[len(labels)-1]), coarse); err != nil {
			return fmt.Errorf("record %d at offset %d %w", n, n*record, err)
		}
	}
}

// add appends a record. Coarse is looked at only where there are such labels.
func (a *records) add(pixels []byte, label, coarse int) error {
	if label < 0 || label >= len(a.set.Classes) {
		return fmt.Errorf("has the label %d, want 0 to %d: it is no file of %s", label, len(a.set.Classes)-1, a.set.Title)
	}
	if a.set.Coarse != nil {
		if coarse < 0 || coarse >= len(a.set.Coarse) {
			return fmt.Errorf("has the coarse label %d, want 0 to %d: it is no file of %s", coarse, len(a.set.Coarse)-1, a.set.Title)
		}
		a.coarse = append(a.coarse, byte(coarse))
	}
	a.labels = append(a.labels, byte(label))
	a.pixels = append(a.pixels, pixels...)
	return nil
}

func (a *records) dataset() (*Dataset, error) {
	memory, err := data.NewMemory(a.pixels, a.labels, a.set.Classes, channels, side, side)
	if err != nil {
		return nil, err
	}
	return &Dataset{memory, a.coarse}, nil
}
