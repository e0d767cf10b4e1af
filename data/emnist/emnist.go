// Package emnist opens EMNIST, handwritten characters of some 3,600 people in the
// format of MNIST, and gets it from NIST when it is told to.
//
// EMNIST is by Gregory Cohen, Saeed Afshar, Jonathan Tapson and André van Schaik
// (2017, arXiv:1702.05373) and derives from NIST Special Database 19. It comes in
// six splits, of 28x28 pictures, white on black:
//
//	mnist     digits, as many as MNIST has   60,000 to train on    10,000 to test with
//	digits    digits                        240,000                40,000
//	letters   letters, both cases one class 124,800                20,800
//	balanced  as bymerge, equally many      112,800                18,800
//	bymerge   as byclass, but letters that look alike in both cases are one class
//	                                        697,932               116,323
//	byclass   digits, capitals, small letters
//	                                        697,932               116,323
//
// The published pictures lie transposed: rows and columns are exchanged. A
// network that was trained on them so, as in PyTorch's usual tutorials, does not
// read upright digits, and the other way round. So how the pictures shall lie is
// always said, see [Orientation].
package emnist

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/idx"
	"inkling/data/internal/files"
	"inkling/data/published"
	"inkling/transform"
)

// Orientation says how the pictures of a data set lie. Its zero value is no
// orientation: it has to be chosen.
type Orientation int

const (
	// Raw pictures are transposed, as they were published.
	Raw Orientation = iota + 1
	// Upright pictures are as people read them.
	Upright
)

// String returns "raw" or "upright".
func (o Orientation) String() string {
	switch o {
	case Raw:
		return "raw"
	case Upright:
		return "upright"
	}
	return fmt.Sprintf("Orientation(%d)", int(o))
}

// split is what there is to know of a part of EMNIST.
type split struct {
	name        string
	classes     []string // what the published mapping file of the split names, in its order
	first       byte     // the label of classes[0] in the published files
	train, test int      // how many pictures are published
}

const (
	digits   = "0123456789"
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	smalls   = "abcdefghijklmnopqrstuvwxyz"

	// unlike are the small letters that do not look like their capitals. The
	// others share a class with these in the splits bymerge and balanced.
	unlike = "abdefghnqrt"
)

// splits has a line for every part, the most usual first. A letter that stands
// for both cases is named by its capital, which the mapping files name first.
var splits = []split{
	{"mnist", characters(digits), 0, 60_000, 10_000},
	{"digits", characters(digits), 0, 240_000, 40_000},
	{"letters", characters(capitals), 1, 124_800, 20_800},
	{"balanced", characters(digits + capitals + unlike), 0, 112_800, 18_800},
	{"bymerge", characters(digits + capitals + unlike), 0, 697_932, 116_323},
	{"byclass", characters(digits + capitals + smalls), 0, 697_932, 116_323},
}

func characters(s string) []string { return strings.Split(s, "") }

// Splits are the names of the parts of EMNIST that can be opened.
func Splits() []string {
	var names []string
	for _, s := range splits {
		names = append(names, s.name)
	}
	return names
}

// About tells what there is to know of a split. Its Title names the split, and
// its Files are none: they come out of one archive, see [Download].
func About(splitName string) (*published.Set, error) {
	s, err := findSplit(splitName)
	if err != nil {
		return nil, err
	}
	return &published.Set{
		Name: "emnist", Title: "EMNIST, split " + s.name, Licence: "public domain (NIST)", Home: "https://www.nist.gov/itl/products-and-services/emnist-dataset",
		Classes: s.classes, TrainLen: s.train, TestLen: s.test, Channels: 1, Height: 28, Width: 28,
		Bytes: int64(s.train+s.test) * 250,
	}, nil
}

// Holds tells whether all four files of a split are in a folder, where Open looks
// for them. It does not read them.
func Holds(fsys fs.FS, splitName string) bool {
	s, err := findSplit(splitName)
	if err != nil {
		return false
	}
	for _, name := range s.allFiles() {
		if _, err := files.Find(fsys, places(name)...); err != nil {
			return false
		}
	}
	return true
}

func findSplit(name string) (split, error) {
	i := slices.IndexFunc(splits, func(s split) bool { return s.name == name })
	if i < 0 {
		return split{}, fmt.Errorf("%q is not the name of a split of EMNIST, want %s", name, oneOf(Splits()))
	}
	return splits[i], nil
}

// oneOf lists what may be chosen from: a, b or c.
func oneOf(names []string) string {
	last := len(names) - 1
	return strings.Join(names[:last], ", ") + " or " + names[last]
}

// files returns the published names of the images and labels of a part, without
// their .gz.
func (s split) files(part string) (images, labels string) {
	prefix := "emnist-" + s.name + "-" + part
	return prefix + "-images-idx3-ubyte", prefix + "-labels-idx1-ubyte"
}

// allFiles returns the names of all four files.
func (s split) allFiles() []string {
	var all []string
	for _, part := range []string{"train", "test"} {
		images, labels := s.files(part)
		all = append(all, images, labels)
	}
	return all
}

// Dataset is a part of EMNIST in memory.
type Dataset struct {
	*data.Memory
	split       string
	orientation Orientation
}

// Split is the name of the split that the pictures belong to.
func (d *Dataset) Split() string { return d.split }

// Orientation is how the pictures lie.
func (d *Dataset) Orientation() Orientation { return d.orientation }

// Open returns the pictures of a split to train on, or those to test with, lying
// as orientation says, from a folder that holds the published files. It looks
// for them in the folder itself, in EMNIST/raw, where torchvision puts them, and
// in gzip, as the archive has them; with or without .gz.
//
// The labels count from 0, also those of letters, whose published labels are 1
// to 26: A is 0. A network trained with PyTorch on letters as torchvision hands
// them out has a 27th class before A, which never comes.
func Open(fsys fs.FS, splitName string, train bool, orientation Orientation) (*Dataset, error) {
	s, err := findSplit(splitName)
	if err != nil {
		return nil, err
	}
	if orientation != Raw && orientation != Upright {
		return nil, errors.New("the orientation of EMNIST's pictures is not given, want Raw (transposed, as published) or Upright")
	}
	part := "test"
	if train {
		part = "train"
	}
	imagesBase, labelsBase := s.files(part)
	imagesName, err := files.Find(fsys, places(imagesBase)...)
	if err != nil {
		return nil, err
	}
	labelsName, err := files.Find(fsys, places(labelsBase)...)
	if err != nil {
		return nil, err
	}
	images, labels, err := idx.Open(fsys, imagesName, labelsName)
	if err != nil {
		return nil, err
	}
	if err := s.countFromZero(labels); err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", labelsName, err)
	}
	if orientation == Upright {
		transposeAll(images)
	}
	memory, err := data.NewMemory(images.Pixels, labels, s.classes, 1, images.Height, images.Width)
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", labelsName, err)
	}
	return &Dataset{memory, s.name, orientation}, nil
}

// countFromZero makes indices of the split's classes of published labels.
func (s split) countFromZero(labels []byte) error {
	last := int(s.first) + len(s.classes) - 1
	for i, label := range labels {
		if label < s.first || int(label) > last {
			return fmt.Errorf("label %d is %d, want %d to %d in the split %s", i, label, s.first, last, s.name)
		}
		labels[i] = label - s.first
	}
	return nil
}

// places returns where a file may be.
func places(name string) []string {
	var all []string
	for _, folder := range []string{"", "EMNIST/raw", "gzip"} {
		all = append(all, path.Join(folder, name), path.Join(folder, strings.Replace(name, "-idx", ".idx", 1)))
	}
	return all
}

// transposeAll exchanges rows and columns of all pictures where they are.
func transposeAll(images *idx.Images) {
	lying := &transform.Picture{Format: transform.Format{Channels: 1, Height: images.Height, Width: images.Width}}
	upright := transform.NewPicture(transform.Format{Channels: 1, Height: images.Width, Width: images.Height})
	for at := 0; at < len(images.Pixels); at += lying.Len() {
		lying.Bytes = images.Pixels[at : at+lying.Len()]
		transform.Transpose{}.Apply(upright, lying)
		copy(lying.Bytes, upright.Bytes)
	}
	images.Height, images.Width = images.Width, images.Height
}
