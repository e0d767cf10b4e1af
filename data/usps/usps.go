// Package usps opens USPS, 9,298 handwritten digits of 16x16 pixels, light on
// dark, that were cut out of addresses on envelopes (Hull 1994, "A Database for
// Handwritten Text Recognition Research").
//
// It reads the files of the LIBSVM collection, as torchvision does: lines of
// text, compressed by bzip2, with a label from 1 to 10 for the digits 0 to 9 and
// the samples as index:value, from 1 to 256 and from -1 to 1.
package usps

import (
	"bufio"
	"bytes"
	"compress/bzip2"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/data/download"
	"inkling/data/internal/files"
	"inkling/data/published"
	"inkling/internal/wording"
)

const (
	side        = 16
	pictureSize = side * side
)

// USPS is the data set as published. Sums are those that torchvision's
// datasets/usps.py lists.
var USPS = &published.Set{
	Name: "usps", Title: "USPS", Licence: "cite Hull 1994", Home: "https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass.html#usps",
	Classes:  []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"},
	TrainLen: 7291, TestLen: 2007, Channels: 1, Height: side, Width: side, Bytes: 8.4e6,
	Mirrors: []string{"https://www.csie.ntu.edu.tw/~cjlin/libsvmtools/datasets/multiclass/"},
	Files: []published.File{
		{Name: "usps.bz2", MD5: "ec16c51db3855ca6c91edd34d0e9b197"},
		{Name: "usps.t.bz2", MD5: "8ea070ee2aca1ac39742fdd1ef5ed118"},
	},
}

// Open returns the pictures to train on, or those to test with, from a folder
// that holds the published files, compressed or not.
func Open(fsys fs.FS, train bool) (data.Dataset, error) {
	name, err := find(fsys, train)
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

func find(fsys fs.FS, train bool) (string, error) {
	name := USPS.Files[1].Name
	if train {
		name = USPS.Files[0].Name
	}
	return files.Find(fsys, name, strings.TrimSuffix(name, ".bz2"))
}

// Holds tells whether both files are in a folder. It does not read them.
func Holds(fsys fs.FS) bool {
	_, err1 := find(fsys, true)
	_, err2 := find(fsys, false)
	return err1 == nil && err2 == nil
}

// Download gets the files into a folder, see [published.Set.Download].
func Download(ctx context.Context, dir string, o download.Options) error {
	check := func(_ string, r io.Reader) error {
		_, err := Read(r)
		return err
	}
	return USPS.Download(ctx, dir, check, o)
}

// maxLine is the length that a line may have: 256 samples of some 10 letters.
const maxLine = 16 << 10

// Read reads a file, compressed by bzip2 or not, to its end. An index that is
// left out stands for 0, as always in this format. The samples become bytes as
// torchvision's: (value + 1) / 2 * 255, rounded down.
//
// A picture takes more room in the files than in memory; input that takes less
// than a quarter of it is refused, so that reading takes memory in proportion to
// the file.
func Read(r io.Reader) (*data.Memory, error) {
	packed := &files.Counter{R: r}
	content := bufio.NewReaderSize(packed, 32<<10)
	first, err := content.Peek(3)
	switch {
	case err != nil && err != io.EOF:
		return nil, fmt.Errorf("it cannot be read: %w", err)
	case len(first) == 0:
		return nil, errors.New("it is empty: download it again")
	case bytes.HasPrefix(first, []byte{0x1f, 0x8b}):
		return nil, errors.New("it is gzipped: unpack it with gunzip")
	case bytes.HasPrefix(first, []byte("<")):
		return nil, errors.New("it is a web page and not the file: look at it to see what the server had to say, then download the file again")
	}
	text := io.Reader(content)
	if bytes.Equal(first, []byte("BZh")) {
		text = &files.Unpacked{R: bzip2.NewReader(content), Packed: packed, Times: 32, Free: 1 << 20}
	}
	return readLines(text, packed)
}

// readLines reads the lines of text, of which packed counts the bytes of the file.
func readLines(text io.Reader, packed *files.Counter) (*data.Memory, error) {
	lines := bufio.NewScanner(text)
	lines.Buffer(make([]byte, maxLine), maxLine)
	var pixels, labels []byte
	var err error
	for n := 1; lines.Scan(); n++ {
		if pixels, labels, err = addPicture(pixels, labels, lines.Text()); err != nil {
			// A block of bzip2 is compared with its sum at its end: is it that?
			if _, damage := io.CopyN(io.Discard, text, 1<<20); damage != nil && damage != io.EOF {
				err = fmt.Errorf("it is damaged or cut off, download it again (%w)", damage)
			}
			return nil, fmt.Errorf("line %d: %w", n, err)
		}
		if int64(len(pixels)) > 4*packed.N+256<<10 {
			return nil, fmt.Errorf("its first %d bytes hold %s, more than can be: it is damaged", packed.N, wording.Number(len(labels), "picture"))
		}
	}
	switch err := lines.Err(); {
	case errors.Is(err, bufio.ErrTooLong):
		return nil, fmt.Errorf("line %d has more than %d letters: it is no file of USPS", len(labels)+1, maxLine)
	case err != nil:
		return nil, fmt.Errorf("it cannot be read past line %d: it is damaged or cut off, download it again (%w)", len(labels), err)
	case len(labels) == 0:
		return nil, errors.New("it has no pictures: download it again")
	}
	return data.NewMemory(pixels, labels, USPS.Classes, 1, side, side)
}

// addPicture reads a line.
func addPicture(pixels, labels []byte, line string) ([]byte, []byte, error) {
	fields := strings.Fields(line)
	if len(fields) == 0 {
		return nil, nil, errors.New("it is empty, want a label and samples")
	}
	label, err := strconv.Atoi(fields[0])
	if err != nil || label < 1 || label > len(USPS.Classes) {
		return nil, nil, fmt.Errorf("its label is %.20q, want 1 to %d", fields[0], len(USPS.Classes))
	}
	begin := len(pixels)
	for range pictureSize {
		pixels = append(pixels, sample(0))
	}
	last := 0
	for _, field := range fields[1:] {
		left, right, found := strings.Cut(field, ":")
		index, err1 := strconv.Atoi(left)
		value, err2 := strconv.ParseFloat(right, 32)
		switch {
		case !found || err1 != nil || err2 != nil:
			return nil, nil, fmt.Errorf("%.40q is no sample, want index:value such as 1:-0.5", field)
		case index <= last || index > pictureSize:
			return nil, nil, fmt.Errorf("the sample %.40q has the index %d, want %d to %d", field, index, last+1, pictureSize)
		case !(value >= -1 && value <= 1):
			return nil, nil, fmt.Errorf("the sample %.40q has the value %v, want -1 to 1", field, value)
		}
		pixels[begin+index-1] = sample(float32(value))
		last = index
	}
	return pixels, append(labels, byte(label-1)), nil
}

func sample(value float32) byte { return byte((value + 1) / 2 * 255) }
