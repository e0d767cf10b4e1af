package npy

import (
	"archive/zip"
	"io"
	"strings"

	"inkling/weights/internal/untrusted"
)

// A Stream is an array whose elements are handed out one after another, so that
// it takes the memory of a buffer, whatever its size. It may be an array of texts,
// too, as labels are.
type Stream struct {
	// Name is as that of an Array.
	Name string
	// Shape holds the dimensions.
	Shape []int
	// DType is the type of the elements: "uint8", or "<U5" and "|S5" for texts
	// of up to five letters.
	DType string

	open func() (io.ReadCloser, int64, error)
}

// NewStream looks at the head of an array, which open opens; so it does again
// whenever the elements are asked for. A file that is damaged, or holds anything
// but numbers and texts, gives a *FormatError.
func NewStream(name string, open func() (r io.ReadCloser, size int64, err error)) (*Stream, error) {
	s := &Stream{Name: name, open: open}
	h, r, err := s.start()
	if err != nil {
		return nil, err
	}
	s.Shape, s.DType = h.shape, h.element.Name
	return s, r.Close()
}

func (s *Stream) start() (*header, io.ReadCloser, error) {
	r, size, err := s.open()
	if err != nil {
		return nil, nil, err
	}
	h, _, err := readStart(r, size)
	if err != nil {
		r.Close()
		return nil, nil, reason(err)
	}
	return h, r, nil
}

// Len is the number of elements.
func (s *Stream) Len() int {
	n, _ := untrusted.Count(s.Shape) // was looked at with the head
	return n
}

// IsText tells whether the elements are texts.
func (s *Stream) IsText() bool { return strings.ContainsAny(s.DType, "US") }

// Each calls visit with the number, in row-major order, and the value of each
// element, in the order of the file, and checks the file's sum if it has one. It
// is for arrays of numbers.
func (s *Stream) Each(visit func(i int, value float32)) error {
	h, r, err := s.start()
	if err != nil {
		return err
	}
	defer r.Close()
	if h.text != 0 {
		return fault(0, "the array has texts (%s), and numbers are wanted", h.element.Name)
	}
	var place func() int
	if h.fortran && len(h.shape) > 1 {
		place = columnMajor(h.shape)
	}
	const part = 8 << 10 // bytes
	size := h.element.Size
	buffer := make([]byte, min(part/size, h.count)*size)
	for done := 0; done < h.count; {
		n := min(len(buffer)/size, h.count-done)
		if _, err := io.ReadFull(r, buffer[:n*size]); err != nil {
			return err
		}
		for i := range n {
			at := done + i
			if place != nil {
				at = place()
			}
			visit(at, h.element.Float32(buffer[i*size:], h.order))
		}
		done += n
	}
	return atEnd(r)
}

// EachText does for texts of one dimension what Each does for numbers.
func (s *Stream) EachText(visit func(i int, text string)) error {
	h, r, err := s.start()
	if err != nil {
		return err
	}
	defer r.Close()
	if h.text == 0 {
		return fault(0, "the array has numbers (%s), and texts are wanted", h.element.Name)
	}
	buffer := make([]byte, h.element.Size)
	for i := range h.count {
		if _, err := io.ReadFull(r, buffer); err != nil {
			return err
		}
		visit(i, h.textOf(buffer))
	}
	return atEnd(r)
}

// textOf returns the text of an element, which zeros fill up.
func (h *header) textOf(b []byte) string {
	if h.text == 'S' {
		return strings.TrimRight(string(b), "\x00")
	}
	var text strings.Builder
	for ; len(b) >= 4; b = b[4:] {
		text.WriteRune(rune(h.order.Uint32(b)))
	}
	return strings.TrimRight(text.String(), "\x00")
}

// OpenArchive returns the arrays of a .npz file of size bytes, of which it reads
// no more than the heads. Members that are no .npy are passed over.
func OpenArchive(r io.ReaderAt, size int64) ([]*Stream, error) {
	file := &watched{r: r, size: max(size, 0)}
	z, err := zip.NewReader(file, file.size)
	if err != nil {
		return nil, file.explain(fault(file.size, "the file is no whole zip archive (%v): it was cut short while it was written or copied; copy or save it again", err))
	}
	if err := checkMembers(z.File); err != nil {
		return nil, file.explain(err)
	}
	var all []*Stream
	for _, f := range z.File {
		name, isArray := strings.CutSuffix(f.Name, ending)
		if !isArray {
			continue
		}
		s, err := NewStream(name, func() (io.ReadCloser, int64, error) {
			m, err := f.Open()
			return m, int64(f.UncompressedSize64), err
		})
		if err != nil {
			return nil, file.explain(untrusted.Within(f.Name, err))
		}
		all = append(all, s)
	}
	if len(all) == 0 {
		return nil, fault(0, "the zip archive holds no array, that is no member whose name ends in %s", ending)
	}
	return all, nil
}
