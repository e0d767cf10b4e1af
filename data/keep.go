package data

import "sync/atomic"

// InMemory tells whether the pictures of d lie in memory, as a [Memory] or a part
// of one, so that getting one costs nothing.
func InMemory(d Dataset) bool {
	switch d := d.(type) {
	case *Subset:
		return InMemory(d.Dataset)
	case *Measured:
		return InMemory(d.viewed)
	case interface{ inMemory() }:
		return true
	}
	return false
}

func (m *Memory) inMemory() {}

// Kept tells whether the pictures of d lie in memory, or will once they have been
// read for the first time.
func Kept(d Dataset) bool {
	switch d := d.(type) {
	case *Subset:
		return Kept(d.Dataset)
	case *Measured:
		return Kept(d.viewed)
	case *kept:
		return true
	}
	return InMemory(d)
}

// Keep returns d such that every picture is read once and kept in memory, if all
// of them together take at most so many bytes, and else d itself. A data set
// that lies in memory anyway is returned as it is.
func Keep(d Dataset, most int64) Dataset {
	channels, height, width := d.Shape()
	size := int64(channels) * int64(height) * int64(width)
	if InMemory(d) || int64(d.Len()) > most/size {
		return d
	}
	return &kept{Dataset: d, examples: make([]atomic.Pointer[example], d.Len())}
}

// kept is a data set that remembers what it has read.
type kept struct {
	Dataset
	examples []atomic.Pointer[example]
}

type example struct {
	pixels []byte
	label  int
}

// Example returns picture i and its label, which it reads the first time.
func (k *kept) Example(i int) (pixels []byte, label int, err error) {
	if i < 0 || i >= len(k.examples) {
		return nil, 0, outOfRange(i, len(k.examples))
	}
	if e := k.examples[i].Load(); e != nil {
		return e.pixels, e.label, nil
	}
	// Two goroutines may read the same picture; they get the same.
	if pixels, label, err = k.Dataset.Example(i); err == nil {
		k.examples[i].Store(&example{pixels, label})
	}
	return pixels, label, err
}
