// Package svhn opens SVHN, Street View House Numbers: 99,289 digits cut out of
// photographs of houses, 32x32 pixels in colour, often with neighbours at their
// sides (Netzer and others 2011, "Reading Digits in Natural Images with
// Unsupervised Feature Learning").
//
// It reads the cropped digits in the published files of MATLAB, train_32x32.mat
// and test_32x32.mat, and no other file of MATLAB. The 531,131 further and easier
// digits of extra_32x32.mat are not used.
package svhn

import (
	"context"
	"fmt"
	"io"
	"io/fs"

	"inkling/data"
	"inkling/data/download"
	"inkling/data/internal/files"
	"inkling/data/published"
	"inkling/internal/wording"
)

const (
	channels, side = 3, 32
	plane          = side * side
	pictureSize    = channels * plane
)

// SVHN is the data set as published. Sums are those that torchvision's
// datasets/svhn.py lists.
var SVHN = &published.Set{
	Name: "svhn", Title: "SVHN", Licence: "non-commercial, cite Netzer 2011", Home: "http://ufldl.stanford.edu/housenumbers/",
	Classes:  []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	TrainLen: 73_257, TestLen: 26_032, Channels: channels, Height: side, Width: side, Bytes: 246e6,
	Mirrors: []string{"http://ufldl.stanford.edu/housenumbers/"},
	Files: []published.File{
		{Name: "train_32x32.mat", MD5: "e26dedcc434d2e4c54c9b2d4a06d8373"},
		{Name: "test_32x32.mat", MD5: "eb5a983be6a315427106f1b164d9cef3"},
	},
}

// Open returns the pictures to train on, or those to test with, from a folder
// that holds the published files.
func Open(fsys fs.FS, train bool) (data.Dataset, error) {
	name := SVHN.Files[1].Name
	if train {
		name = SVHN.Files[0].Name
	}
	name, err := files.Find(fsys, name)
	if err != nil {
		return nil, err
	}
	var d *data.Memory
	err = files.Read(fsys, name, func(r io.Reader) (err error) {
		d, err = Read(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	return d, nil
}

// Holds tells whether both files are in a folder. It does not read them.
func Holds(fsys fs.FS) bool {
	for _, f := range SVHN.Files {
		if info, err := fs.Stat(fsys, f.Name); err != nil || !info.Mode().IsRegular() {
			return false
		}
	}
	return true
}

// Download gets the files into a folder, see [published.Set.Download].
func Download(ctx context.Context, dir string, o download.Options) error {
	return SVHN.Download(ctx, dir, nil, o)
}

// Read reads a file to its end: the array X of 32x32x3xN bytes (row, column,
// channel, picture, the first running fastest) and the array y of N labels from 1
// to 10, of which 10 stands for the digit 0.
func Read(r io.Reader) (*data.Memory, error) {
	arrays, err := readMAT(r, map[string]int{"X": pictureSize, "y": 1})
	if err != nil {
		return nil, err
	}
	x, y := arrays["X"], arrays["y"]
	if x == nil || y == nil {
		return nil, fmt.Errorf("it has not both of the arrays X and y: it is no file of %s", SVHN.Title)
	}
	if len(x.dims) < 3 || x.dims[0] != side || x.dims[1] != side || x.dims[2] != channels || len(x.dims) > 4 {
		return nil, fmt.Errorf("the array X is %v, want 32x32x3xN", x.dims)
	}
	if n := len(x.content) / pictureSize; n != len(y.content) {
		return nil, fmt.Errorf("the array X has %s, but y has %s", wording.Number(n, "picture"), wording.Number(len(y.content), "label"))
	}
	for i, label := range y.content {
		if label < 1 || label > 10 {
			return nil, fmt.Errorf("label %d is %d, want 1 to 10", i, label)
		}
		y.content[i] = label % 10
	}
	// MATLAB has columns one after another; rows are wanted.
	var rows [plane]byte
	for at := 0; at < len(x.content); at += plane {
		columns := x.content[at : at+plane]
		for row := range side {
			for column := range side {
				rows[row*side+column] = columns[column*side+row]
			}
		}
		copy(columns, rows[:])
	}
	return data.NewMemory(x.content, y.content, SVHN.Classes, channels, side, side)
}
