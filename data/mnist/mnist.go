// Package mnist opens the MNIST database of handwritten digits and the data sets
// that were published in its image: Fashion-MNIST, KMNIST and QMNIST. Each is a
// [Set] of four files of 28x28 pictures, light on dark and upright.
//
// It reads the files as they were published, gzipped or not, and downloads them
// when it is told to. The package embedded below this one has the files of MNIST
// compiled in.
package mnist

import (
	"context"
	"crypto/md5"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/download"
	"inkling/data/idx"
	"inkling/data/internal/files"
	"inkling/data/published"
)

// Classes are the ten digits; the label of a picture is the digit itself.
var Classes = []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}

// Set is a data set of four files: images and labels to train on, images and
// labels to test with.
type Set struct {
	published.Set
	torchvision string // the folder that torchvision puts the files in
}

// The files of MNIST, as published; and the sets made in its image. Sums and
// places are those that torchvision's datasets/mnist.py lists.
var (
	// MNIST is by Yann LeCun, Corinna Cortes and Christopher J.C. Burges.
	MNIST = &Set{Set: published.Set{
		Name: "mnist", Title: "MNIST", Licence: "CC BY-SA 3.0", Home: "http://yann.lecun.com/exdb/mnist/",
		Classes: Classes, TrainLen: 60_000, TestLen: 10_000, Channels: 1, Height: 28, Width: 28, Bytes: 12e6,
		Mirrors: []string{"https://ossci-datasets.s3.amazonaws.com/mnist/", "http://yann.lecun.com/exdb/mnist/"},
		Files: []published.File{
			{Name: "train-images-idx3-ubyte.gz", MD5: "f68b3c2dcbeaaa9fbdd348bbdeb94873", SHA256: "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db"},
			{Name: "train-labels-idx1-ubyte.gz", MD5: "d53e105ee54ea40749a09fcbcd1e9432", SHA256: "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5"},
			{Name: "t10k-images-idx3-ubyte.gz", MD5: "9fb629c4189551a2d022fa330f9573f3", SHA256: "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7"},
			{Name: "t10k-labels-idx1-ubyte.gz", MD5: "ec29112dd5afa0611ce80d1b7f02629c", SHA256: "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2"},
		},
	}, torchvision: "MNIST/raw"}

	// FashionMNIST is by Han Xiao, Kashif Rasul and Roland Vollgraf (2017,
	// arXiv:1708.07747): pictures of clothes.
	FashionMNIST = &Set{Set: published.Set{
		Name: "fashion-mnist", Title: "Fashion-MNIST", Licence: "MIT", Home: "https://github.com/zalandoresearch/fashion-mnist",
		Classes:  []string{"T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot"},
		TrainLen: 60_000, TestLen: 10_000, Channels: 1, Height: 28, Width: 28, Bytes: 31e6,
		Mirrors: []string{"http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"},
		Files: []published.File{
			{Name: "train-images-idx3-ubyte.gz", MD5: "8d4fb7e6c68d591d4c3dfef9ec88bf0d"},
			{Name: "train-labels-idx1-ubyte.gz", MD5: "25c81989df183df01b3e8a0aad5dffbe"},
			{Name: "t10k-images-idx3-ubyte.gz", MD5: "bef4ecab320f06d8554ea6380940ec79"},
			{Name: "t10k-labels-idx1-ubyte.gz", MD5: "bb300cfdad3c16e7a12a480ee83cd310"},
		},
	}, torchvision: "FashionMNIST/raw"}

	// KMNIST, Kuzushiji-MNIST, is by Tarin Clanuwat and others (2018,
	// arXiv:1812.01718): ten hiragana as they were written until 1900. The
	// classes are their names in Latin letters.
	KMNIST = &Set{Set: published.Set{
		Name: "kmnist", Title: "KMNIST", Licence: "CC BY-SA 4.0", Home: "http://codh.rois.ac.jp/kmnist/",
		Classes:  []string{"o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo"},
		TrainLen: 60_000, TestLen: 10_000, Channels: 1, Height: 28, Width: 28, Bytes: 21e6,
		Mirrors: []string{"http://codh.rois.ac.jp/kmnist/dataset/kmnist/"},
		Files: []published.File{
			{Name: "train-images-idx3-ubyte.gz", MD5: "bdb82020997e1d708af4cf47b453dcf7"},
			{Name: "train-labels-idx1-ubyte.gz", MD5: "e144d726b3acfaa3e44228e80efcd344"},
			{Name: "t10k-images-idx3-ubyte.gz", MD5: "5c965bf0a639b31b8f53240b1b52f4d7"},
			{Name: "t10k-labels-idx1-ubyte.gz", MD5: "7320c461ea6c1c855c0b718fb2a4b134"},
		},
	}, torchvision: "KMNIST/raw"}

	// QMNIST is by Chhavi Yadav and Léon Bottou (2019, arXiv:1905.10498): the
	// digits of MNIST made anew from their source, with the 50,000 test digits
	// that were never published, after the 10,000 that were. Its labels say who
	// wrote a digit, see [OpenQMNIST].
	QMNIST = &Set{Set: published.Set{
		Name: "qmnist", Title: "QMNIST", Licence: "BSD-3-Clause", Home: "https://github.com/facebookresearch/qmnist",
		Classes: Classes, TrainLen: 60_000, TestLen: 60_000, Channels: 1, Height: 28, Width: 28, Bytes: 20e6,
		Mirrors: []string{"https://raw.githubusercontent.com/facebookresearch/qmnist/master/"},
		Files: []published.File{
			{Name: "qmnist-train-images-idx3-ubyte.gz", MD5: "ed72d4157d28c017586c42bc6afe6370"},
			{Name: "qmnist-train-labels-idx2-int.gz", MD5: "0058f8dd561b90ffdd0f734c6a30e5e4"},
			{Name: "qmnist-test-images-idx3-ubyte.gz", MD5: "1394631089c404de565df7b7aeaf9412"},
			{Name: "qmnist-test-labels-idx2-int.gz", MD5: "5b5b05890a5e13444e108efe57b788aa"},
		},
	}, torchvision: "QMNIST/raw"}
)

// Sets returns the data sets of this package.
func Sets() []*Set { return []*Set{MNIST, FashionMNIST, KMNIST, QMNIST} }

// Open returns MNIST's pictures, see [Set.Open].
func Open(fsys fs.FS, train bool) (data.Dataset, error) { return MNIST.Open(fsys, train) }

// Open returns the pictures to train on, or those to test with, from a folder
// that holds the published files. It looks for them in the folder itself and
// where torchvision puts them, such as MNIST/raw, with or without .gz, and also
// spelled train-images.idx3-ubyte. A set of another size than the published one
// is taken as well.
func (s *Set) Open(fsys fs.FS, train bool) (data.Dataset, error) {
	imagesName, labelsName, err := s.find(fsys, train)
	if err != nil {
		return nil, err
	}
	if strings.Contains(labelsName, "idx2-int") {
		set, err := openQMNIST(fsys, imagesName, labelsName)
		if err != nil {
			return nil, err
		}
		return set, nil
	}
	images, labels, err := idx.Open(fsys, imagesName, labelsName)
	if err != nil {
		return nil, err
	}
	return s.dataset(images, labels, labelsName)
}

func (s *Set) dataset(images *idx.Images, labels []byte, labelsName string) (*data.Memory, error) {
	memory, err := data.NewMemory(images.Pixels, labels, s.Classes, 1, images.Height, images.Width)
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", labelsName, err)
	}
	return memory, nil
}

// find returns where the files to train on or to test with are.
func (s *Set) find(fsys fs.FS, train bool) (images, labels string, err error) {
	pair := s.Files[2:]
	if train {
		pair = s.Files[:2]
	}
	if images, err = files.Find(fsys, s.places(pair[0])...); err != nil {
		return "", "", err
	}
	labels, err = files.Find(fsys, s.places(pair[1])...)
	return images, labels, err
}

// places returns where a file may be, without .gz.
func (s *Set) places(f published.File) []string {
	name := strings.TrimSuffix(f.Name, ".gz")
	var all []string
	for _, folder := range []string{"", s.torchvision} {
		all = append(all, path.Join(folder, name))
		if dotted := strings.Replace(name, "-idx", ".idx", 1); !slices.Contains(all, dotted) {
			all = append(all, path.Join(folder, dotted))
		}
	}
	return all
}

// Holds tells whether all four files are in a folder. It does not read them.
func (s *Set) Holds(fsys fs.FS) bool {
	for _, train := range []bool{true, false} {
		if _, _, err := s.find(fsys, train); err != nil {
			return false
		}
	}
	return true
}

// HoldsTrainOnly tells whether both files to train on are in a folder, and none of
// those to test with. It does not read them.
func (s *Set) HoldsTrainOnly(fsys fs.FS) bool {
	for i, file := range s.Files {
		if _, err := files.Find(fsys, s.places(file)...); (err == nil) != (i < 2) {
			return false
		}
	}
	return true
}

// Identify returns the set whose files are in a folder, nil if there are none:
// the published sum of its labels or the folder that torchvision puts them in
// tell. If nothing tells, it is MNIST.
func Identify(fsys fs.FS) *Set {
	var unknown *Set
	for _, s := range Sets() {
		for _, train := range []bool{true, false} {
			_, name, err := s.find(fsys, train)
			if err != nil {
				continue
			}
			unknown = MNIST
			if s == QMNIST || path.Dir(name) == s.torchvision {
				return s
			}
			content, err := fs.ReadFile(fsys, name)
			sum := md5.Sum(content)
			if known := hex.EncodeToString(sum[:]); err == nil && (known == s.Files[1].MD5 || known == s.Files[3].MD5) {
				return s
			}
		}
	}
	return unknown
}

// Download gets the four files into a folder, see [published.Set.Download].
func (s *Set) Download(ctx context.Context, dir string, o download.Options) error {
	return s.Set.Download(ctx, dir, check, o)
}

// check reads a file of a set through.
func check(name string, r io.Reader) (err error) {
	switch {
	case strings.Contains(name, "idx3"):
		_, err = idx.CheckImages(r)
	case strings.Contains(name, "idx2"):
		_, err = idx.ReadTable(r)
	default:
		_, err = idx.CheckLabels(r)
	}
	return err
}
