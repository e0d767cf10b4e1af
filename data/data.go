// Package data holds labelled pictures and hands them out in batches.
//
// A [Dataset] is a length and random access to pictures of one shape, each with
// a label. A [Loader] turns it into batches of transformed samples, epoch after
// epoch:
//
//	loader := &data.Loader{Dataset: train, BatchSize: 4, Shuffle: true}
//	for i, batch := range loader.Batches() {
//		loss := program.Step(batch.Images, batch.Labels)
//		...
//	}
//	if err := loader.Err(); err != nil {
//		return err
//	}
//
// A [Sampler] chooses other pictures or another order, [RandomSplit] and
// [StratifiedSplit] hold a part out, and [Keep] remembers what is slow to read.
//
// The packages below it read published data sets, and folders of pictures.
package data

import (
	"errors"
	"fmt"

	"inkling/internal/wording"
)

// Dataset is a fixed number of labelled pictures of one shape. Its methods may
// be called from several goroutines at once.
type Dataset interface {
	// Len is the number of pictures.
	Len() int

	// Shape is the shape of every picture.
	Shape() (channels, height, width int)

	// Classes names the classes: Classes()[label] is what a picture with that
	// label shows. It must not be modified.
	Classes() []string

	// Example returns picture i, 0 <= i < Len(), as channels*height*width
	// samples from 0 to 255, channel after channel and row by row, and its
	// label, 0 <= label < len(Classes()). The samples must not be modified, and
	// stay as they are when Example is called again.
	Example(i int) (pixels []byte, label int, err error)
}

// Memory is a [Dataset] that lies in memory. Its labels are bytes, as in the
// published files, so it has at most 256 classes.
type Memory struct {
	pixels                  []byte
	labels                  []byte
	classes                 []string
	channels, height, width int
}

// NewMemory returns a data set of len(labels) pictures of channels x height x
// width samples, which lie one after another in pixels. It keeps the slices and
// does not copy them. It fails when a side is not positive, when pixels has not
// the length that the labels and the shape ask for, or when a label is outside
// 0 to len(classes)-1.
func NewMemory(pixels []byte, labels []byte, classes []string, channels, height, width int) (*Memory, error) {
	if channels < 1 || height < 1 || width < 1 {
		return nil, fmt.Errorf("pictures of %dx%dx%d (channels x height x width) have no samples: every side must be at least 1", channels, height, width)
	}
	// Dividing instead of multiplying cannot overflow.
	size := len(pixels)
	for _, side := range []int{channels, height, width} {
		if size%side != 0 {
			return nil, fmt.Errorf("%d samples are no whole number of %dx%dx%d pictures", len(pixels), channels, height, width)
		}
		size /= side
	}
	if size != len(labels) {
		return nil, fmt.Errorf("%d pictures have %s: every picture needs one", size, wording.Number(len(labels), "label"))
	}
	for i, label := range labels {
		if int(label) >= len(classes) {
			return nil, fmt.Errorf("label %d is %d, want 0 to %d: the data set has %s", i, label, len(classes)-1, wording.Number(len(classes), "class"))
		}
	}
	return &Memory{pixels, labels, classes, channels, height, width}, nil
}

// Len is the number of pictures.
func (m *Memory) Len() int { return len(m.labels) }

// Shape is the shape of every picture.
func (m *Memory) Shape() (channels, height, width int) { return m.channels, m.height, m.width }

// Classes names the classes.
func (m *Memory) Classes() []string { return m.classes }

// Example returns picture i and its label. It fails only when there is no such
// picture.
func (m *Memory) Example(i int) (pixels []byte, label int, err error) {
	if i < 0 || i >= len(m.labels) {
		return nil, 0, outOfRange(i, len(m.labels))
	}
	size := m.channels * m.height * m.width
	return m.pixels[i*size : (i+1)*size : (i+1)*size], int(m.labels[i]), nil
}

// Label returns the label of picture i, 0 <= i < Len().
func (m *Memory) Label(i int) int { return int(m.labels[i]) }

// Subset is a part of another [Dataset], in an order of its own.
type Subset struct {
	Dataset
	indices []int
}

// NewSubset returns the pictures of d at the given indices, in their order; an
// index may come more than once. It keeps the slice. It fails when an index is
// outside 0 to d.Len()-1.
func NewSubset(d Dataset, indices []int) (*Subset, error) {
	if d == nil {
		return nil, errors.New("a subset needs a data set to be taken from")
	}
	for _, i := range indices {
		if i < 0 || i >= d.Len() {
			return nil, outOfRange(i, d.Len())
		}
	}
	return &Subset{d, indices}, nil
}

// Len is the number of pictures of the subset.
func (s *Subset) Len() int { return len(s.indices) }

// Example returns picture i of the subset and its label.
func (s *Subset) Example(i int) (pixels []byte, label int, err error) {
	if i < 0 || i >= len(s.indices) {
		return nil, 0, outOfRange(i, len(s.indices))
	}
	return s.Dataset.Example(s.indices[i])
}

func outOfRange(i, n int) error {
	return fmt.Errorf("there is no picture %d: the data set has %d, numbered from 0", i, n)
}
