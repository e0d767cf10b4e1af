// Package mnist opens the MNIST database of handwritten digits: 60,000 pictures
// to train on and 10,000 to test with, each 28x28, white on black and upright,
// by Yann LeCun, Corinna Cortes and Christopher J.C. Burges
// (http://yann.lecun.com/exdb/mnist/), under CC BY-SA 3.0.
//
// It reads the files as they were published, gzipped or not, and also
// Fashion-MNIST or KMNIST under the same names, whose classes it cannot name.
// The package embedded below this one has the files compiled in.
package mnist

import (
	"fmt"
	"io/fs"
	"path"

	"inkling/data"
	"inkling/data/idx"
)

// Classes are the ten digits; the label of a picture is the digit itself.
var Classes = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// File is one of the four published files.
type File struct {
	Name   string // as published
	MD5    string // of the published file, as torchvision lists it
	SHA256 string // of what is in it when it is unpacked
}

// Files are the published files: images and labels to train on, images and
// labels to test with.
var Files = []File{
	{"train-images-idx3-ubyte.gz", "f68b3c2dcbeaaa9fbdd348bbdeb94873", "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
	{"train-labels-idx1-ubyte.gz", "d53e105ee54ea40749a09fcbcd1e9432", "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
	{"t10k-images-idx3-ubyte.gz", "9fb629c4189551a2d022fa330f9573f3", "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
	{"t10k-labels-idx1-ubyte.gz", "ec29112dd5afa0611ce80d1b7f02629c", "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
}

// Open returns the pictures to train on, or those to test with, from a folder
// that holds the published files. It looks for them in the folder itself and in
// MNIST/raw, where torchvision puts them, with or without .gz, and also spelled
// train-images.idx3-ubyte. A set of another size than the published one is
// taken as well.
func Open(fsys fs.FS, train bool) (data.Dataset, error) {
	set := "t10k"
	if train {
		set = "train"
	}
	imagesName, err := idx.Find(fsys, names(set+"-images", "idx3-ubyte")...)
	if err != nil {
		return nil, err
	}
	labelsName, err := idx.Find(fsys, names(set+"-labels", "idx1-ubyte")...)
	if err != nil {
		return nil, err
	}
	images, labels, err := idx.Open(fsys, imagesName, labelsName)
	if err != nil {
		return nil, err
	}
	memory, err := data.NewMemory(images.Pixels, labels, Classes, 1, images.Height, images.Width)
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", labelsName, err)
	}
	return memory, nil
}

// names returns where a file may be.
func names(set, kind string) []string {
	var all []string
	for _, folder := range []string{"", "MNIST/raw"} {
		all = append(all, path.Join(folder, set+"-"+kind), path.Join(folder, set+"."+kind))
	}
	return all
}
