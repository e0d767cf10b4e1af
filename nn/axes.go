package nn

import "fmt"

// line is one dimension of a tensor: size elements that lie inner apart, in each
// of outer*inner lines.
type line struct{ outer, size, inner int }

// lineOf returns the lines along a dimension.
func lineOf(shape Shape, dim int) line {
	return line{shape[:dim].Elements(), shape[dim], shape[dim+1:].Elements()}
}

// start returns where the k-th line begins.
func (l line) start(k int) int { return k/l.inner*l.size*l.inner + k%l.inner }

func (l line) count() int { return l.outer * l.inner }

// fromEnd makes a dimension that is counted from the end, -1 for the last, one
// that is counted from the start. What is out of range stays so.
func fromEnd(dim, rank int) int {
	if dim < 0 {
		return dim + rank
	}
	return dim
}

// checkDim refuses a dimension that there is not, and the batch.
func checkDim(dim int, in Shape) error {
	switch {
	case dim == 0:
		return fmt.Errorf("wants a dimension after the batch, got dimension 0 of %v", in)
	case dim < 0 || dim >= len(in):
		return fmt.Errorf("wants a dimension of 1 to %d, got %d for the input %v", len(in)-1, dim, in)
	}
	return nil
}

// maxRank is the most dimensions that operations with a setting a dimension
// take. Settings are arrays so that operations can be compared.
const maxRank = 8

// dims is a list of dimensions in an operation's settings.
type dims struct {
	list  [maxRank]int
	count int
}

// newDims makes such a list, counted from the start for a tensor of a rank. One
// that is too long is cut, and refused by check.
func newDims(list []int, rank int) dims {
	d := dims{count: len(list)}
	for i, dim := range list {
		if i < maxRank {
			d.list[i] = fromEnd(dim, rank)
		}
	}
	return d
}

func (d *dims) slice() []int { return d.list[:min(d.count, maxRank)] }

// ints is a list of numbers in an operation's settings, for a message.
func (d dims) String() string { return fmt.Sprint(d.list[:min(d.count, maxRank)]) }
