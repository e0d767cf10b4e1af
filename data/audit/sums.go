package audit

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"slices"

	"inkling/data"
)

// Sums tell the examples of a data set from others: a SHA-256 of each.
type Sums struct {
	of      [][sha256.Size]byte
	uniform []bool // pictures of one colour, which are all the same
	labels  []int
}

// NewSums computes the sums of a data set, of which it reads all examples. The error is the
// context's, or that of an example that cannot be read.
func NewSums(ctx context.Context, d data.Dataset) (*Sums, error) {
	s, err := sumsOf(ctx, d)
	if err != nil {
		return nil, err
	}
	s.labels, err = data.Labels(d)
	return s, err
}

// sumsOf computes sums without labels.
func sumsOf(ctx context.Context, d data.Dataset) (*Sums, error) {
	n := d.Len()
	s := &Sums{of: make([][sha256.Size]byte, n), uniform: make([]bool, n)}
	errs := make([]error, n)
	err := each(ctx, n, func(i int) {
		var pixels []byte
		if pixels, errs[i] = data.Whole(d, i); errs[i] != nil {
			return
		}
		s.of[i] = sha256.Sum256(pixels)
		s.uniform[i] = !slices.ContainsFunc(pixels, func(b byte) bool { return b != pixels[0] })
	})
	if err != nil {
		return nil, err
	}
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return s, nil
}

// String is one sum of all, in 64 hexadecimal digits: the SHA-256 of the sums and the labels
// (64 bits each, the lowest byte first) of the examples in their order.
func (s *Sums) String() string {
	all := sha256.New()
	var label [8]byte
	for i := range s.of {
		binary.LittleEndian.PutUint64(label[:], uint64(s.labels[i]))
		all.Write(s.of[i][:])
		all.Write(label[:])
	}
	return hex.EncodeToString(all.Sum(nil))
}

// short are the first bytes of the sums, but for pictures of one colour.
func (s *Sums) short() (list []uint64) {
	for i, sum := range s.of {
		if !s.uniform[i] {
			list = append(list, binary.BigEndian.Uint64(sum[:])>>(64-8*sumSize))
		}
	}
	return list
}
