package idx

import (
	"encoding/binary"
	"fmt"
	"io"
	"math"

	"inkling/internal/wording"
)

// WriteImages writes an idx file of pictures. For a gzipped one give it a
// gzip.Writer, and close that afterwards.
func WriteImages(w io.Writer, images *Images) error {
	return write(w, images.Pixels, images.Count, images.Height, images.Width)
}

// WriteLabels writes an idx file of labels. For a gzipped one give it a
// gzip.Writer, and close that afterwards.
func WriteLabels(w io.Writer, labels []byte) error {
	return write(w, labels, len(labels))
}

func write(w io.Writer, elements []byte, dims ...int) error {
	header := binary.BigEndian.AppendUint32(nil, uint32(unsignedByte<<8|len(dims)))
	left := len(elements)
	for _, d := range dims {
		if d < 1 || d > math.MaxInt32 || left%d != 0 {
			return fmt.Errorf("%s cannot be written as %s", wording.Number(len(elements), "element"), times(dims))
		}
		left /= d
		header = binary.BigEndian.AppendUint32(header, uint32(d))
	}
	if left != 1 {
		return fmt.Errorf("%s cannot be written as %s", wording.Number(len(elements), "element"), times(dims))
	}
	if _, err := w.Write(header); err != nil {
		return err
	}
	_, err := w.Write(elements)
	return err
}
