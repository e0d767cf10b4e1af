// Package cifar opens CIFAR-10 and CIFAR-100, 60,000 small colour photographs of
// 10 or 100 kinds of things, 32x32 each, by Alex Krizhevsky, Vinod Nair and
// Geoffrey Hinton (Krizhevsky 2009, "Learning Multiple Layers of Features from
// Tiny Images").
//
// It reads the binary version: records of a label, or with CIFAR-100 a coarse
// and a fine one, and the 3,072 bytes of a picture, red, green and blue one
// after another and row by row, as https://www.cs.toronto.edu/~kriz/cifar.html
// describes it. The published archives are read as they are: nothing has to be
// unpacked.
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
)

const (
	channels, side = 3, 32
	pictureSize    = channels * side * side
)

// Set is one of the two data sets.
type Set struct {
	published.Set
	Coarse []string // the groups of classes, nil in CIFAR-10

	folder      string // in the archive
	train, test []string
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
		folder: "cifar-10-batches-bin",
		train:  []string{"data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin"},
		test:   []string{"test_batch.bin"},
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
		folder: "cifar-100-binary",
		train:  []string{"train.bin"},
		test:   []string{"test.bin"},
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
// It looks for the files of the archive in the folder itself and in the folder
// that they have in the archive, with or without .gz, and else for the archive.
// Files of another length than the published ones are taken as well, if they
// hold whole records.
func (s *Set) Open(fsys fs.FS, train bool) (*Dataset, error) {
	names := s.test
	if train {
		names = s.train
	}
	all := &records{set: s}
	for _, name := range names {
		found, err := files.Find(fsys, name, path.Join(s.folder, name))
		if errors.Is(err, fs.ErrNotExist) && len(all.labels) == 0 {
			if _, missing := fs.Stat(fsys, s.archive()); missing == nil {
				return s.openArchive(fsys, names)
			}
		}
		if err != nil {
			return nil, err
		}
		if err := files.Read(fsys, found, all.read); err != nil {
			return nil, err
		}
	}
	return all.dataset()
}

// Read reads records, gzipped or not, to the end of r.
func (s *Set) Read(r io.Reader) (*Dataset, error) {
	all := &records{set: s}
	if err := all.read(r); err != nil {
		return nil, err
	}
	return all.dataset()
}

// Holds tells whether the pictures to train on and to test with are in a folder.
func (s *Set) Holds(fsys fs.FS) bool {
	if _, err := fs.Stat(fsys, s.archive()); err == nil {
		return true
	}
	for _, name := range append(append([]string{}, s.train...), s.test...) {
		if _, err := files.Find(fsys, name, path.Join(s.folder, name)); err != nil {
			return false
		}
	}
	return true
}

// Download gets the archive into a folder, see [published.Set.Download].
func (s *Set) Download(ctx context.Context, dir string, o download.Options) error {
	return s.Set.Download(ctx, dir, nil, o)
}

func (s *Set) archive() string { return s.Files[0].Name }

// openArchive reads the files of those names out of the archive.
func (s *Set) openArchive(fsys fs.FS, names []string) (*Dataset, error) {
	found := map[string]*records{}
	err := files.Read(fsys, s.archive(), func(r io.Reader) error {
		packed := &files.Counter{R: r}
		unzipped, err := gzip.NewReader(packed)
		if err != nil {
			return fmt.Errorf("it is no gzip file: %w", err)
		}
		for members := tar.NewReader(unzipped); len(found) < len(names); {
			header, err := members.Next()
			if err != nil {
				return fmt.Errorf("it ends or is damaged before %s was found: %w", strings.Join(names, ", "), err)
			}
			for _, name := range names {
				if header.Typeflag != tar.TypeReg || header.Name != path.Join(s.folder, name) || found[name] != nil {
					continue
				}
				found[name] = &records{set: s}
				if err := found[name].readPlain(members, packed); err != nil {
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

// read appends the records of r, gzipped or not.
func (a *records) read(r io.Reader) error {
	plain := bufio.NewReaderSize(r, 64<<10)
	first, err := plain.Peek(2)
	switch {
	case err != nil && err != io.EOF:
		return fmt.Errorf("it cannot be read: %w", err)
	case len(first) == 0:
		return errors.New("it is empty: download it again")
	case !bytes.Equal(first, []byte{0x1f, 0x8b}): // which would be a label above 9 and a red dot
		return a.readPlain(plain, nil)
	}
	packed := &files.Counter{R: plain}
	unzipped, err := gzip.NewReader(packed)
	if err != nil {
		return fmt.Errorf("it begins as gzip, but is damaged: %w", err)
	}
	return a.readPlain(unzipped, packed)
}

// readPlain appends the records of r. If they come out of gzip, packed counts
// what went into it: photographs shrink by a tenth, so that what unpacks to
// three times its size is none, and reading takes memory in proportion to the
// file.
func (a *records) readPlain(r io.Reader, packed *files.Counter) error {
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
			return fmt.Errorf("it ends %d bytes into record %d at offset %d, want records of %d bytes: it is cut off or no file of %s", got, n, n*record, record, a.set.Title)
		case err != nil:
			return fmt.Errorf("it cannot be read past record %d at offset %d: it is damaged (%w)", n, n*record, err)
		case packed != nil && int64(n)*int64(record) > 3*packed.N+256<<10:
			return fmt.Errorf("its first %d bytes unpack to %d records of %d bytes, and photographs cannot be packed so tightly: it is damaged", packed.N, n, record)
		}
		labels, fine := buffer[:a.set.labelSize()], len(a.set.Classes)
		if label := labels[len(labels)-1]; int(label) >= fine {
			return fmt.Errorf("record %d at offset %d has the label %d, want 0 to %d: it is no file of %s", n, n*record, label, fine-1, a.set.Title)
		}
		if a.set.Coarse != nil {
			if int(labels[0]) >= len(a.set.Coarse) {
				return fmt.Errorf("record %d at offset %d has the coarse label %d, want 0 to %d: it is no file of %s", n, n*record, labels[0], len(a.set.Coarse)-1, a.set.Title)
			}
			a.coarse = append(a.coarse, labels[0])
		}
		a.labels = append(a.labels, labels[len(labels)-1])
		a.pixels = append(a.pixels, buffer[len(labels):]...)
	}
}

func (a *records) dataset() (*Dataset, error) {
	memory, err := data.NewMemory(a.pixels, a.labels, a.set.Classes, channels, side, side)
	if err != nil {
		return nil, err
	}
	return &Dataset{memory, a.coarse}, nil
}
