package mnist

import (
	"fmt"
	"io"
	"io/fs"

	"inkling/data"
	"inkling/data/idx"
	"inkling/data/internal/files"
	"inkling/internal/wording"
)

// Origin says where a digit of QMNIST comes from in NIST Special Database 19.
// The columns are described on the page of [QMNIST].
type Origin struct {
	Series int // NIST's hsf: 0 and 1 were written by employees, 4 by high-school students
	Writer int // 0 to 610 and 2100 to 2599
	Number int // of the digit among those of its writer, from 0
	Code   int // NIST's code of the class: 30 to 39
	Index  int // of the digit among all of NIST's, from 0
}

// QMNISTDataset is a half of QMNIST in memory.
type QMNISTDataset struct {
	*data.Memory
	origins []Origin
}

// Origin tells where picture i comes from, 0 <= i < Len().
func (d *QMNISTDataset) Origin(i int) Origin { return d.origins[i] }

// OpenQMNIST opens QMNIST as [Set.Open] does, with what its labels tell beside
// the class.
func OpenQMNIST(fsys fs.FS, train bool) (*QMNISTDataset, error) {
	imagesName, labelsName, err := QMNIST.find(fsys, train)
	if err != nil {
		return nil, err
	}
	return openQMNIST(fsys, imagesName, labelsName)
}

// labelColumns is how many numbers QMNIST's labels have; two of them are always
// 0.
const labelColumns = 8

func openQMNIST(fsys fs.FS, imagesName, labelsName string) (*QMNISTDataset, error) {
	var images *idx.Images
	err := files.Read(fsys, imagesName, func(r io.Reader) (err error) {
		images, err = idx.ReadImages(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	var table *idx.Table
	err = files.Read(fsys, labelsName, func(r io.Reader) (err error) {
		table, err = idx.ReadTable(r)
		return err
	})
	if err != nil {
		return nil, err
	}
	switch {
	case table.Columns != labelColumns:
		return nil, fmt.Errorf("%s is not usable: its labels are rows of %s, want %d", labelsName, wording.Number(table.Columns, "number"), labelColumns)
	case table.Rows != images.Count:
		return nil, fmt.Errorf("%s has %s, but %s has %s: the two do not belong together", imagesName, wording.Number(images.Count, "image"), labelsName, wording.Number(table.Rows, "label"))
	}
	labels, origins := make([]byte, table.Rows), make([]Origin, table.Rows)
	for i := range labels {
		row := table.Values[i*labelColumns:]
		if row[0] < 0 || int(row[0]) >= len(Classes) {
			return nil, fmt.Errorf("%s is not usable: label %d is %d, want 0 to %d", labelsName, i, row[0], len(Classes)-1)
		}
		labels[i] = byte(row[0])
		origins[i] = Origin{int(row[1]), int(row[2]), int(row[3]), int(row[4]), int(row[5])}
	}
	memory, err := QMNIST.dataset(images, labels, labelsName)
	if err != nil {
		return nil, err
	}
	return &QMNISTDataset{memory, origins}, nil
}
