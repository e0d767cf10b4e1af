// Package npy reads and writes NumPy's files: an array (.npy), and a zip
// archive of named arrays (.npz), as numpy.lib.format describes them.
//
// A header is checked against the size of its file before anything in it is
// believed, and nothing but numbers is ever made of a file: an array of Python
// objects, which NumPy would unpickle, is refused. Reading a file takes at most
// 8 times its size and 1 MB of memory.
//
// A .npz has a CRC of each array. A .npy has none and no room for one: a file
// that was cut short or grew is refused, a changed element goes unnoticed.
package npy

import (
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// Array is an array of numbers.
type Array struct {
	// Name is the array's name in an archive without the ending .npy, and
	// Unnamed for a file of one array.
	Name string
	// Shape holds the dimensions; it is empty for an array of 0 dimensions,
	// which has one element.
	Shape []int
	// DType is the type of the elements: "float32", "int64".
	DType string
	// Data holds the elements in row-major order, little-endian.
	Data []byte
}

// New returns a float32 array of values in row-major order, which are copied.
func New(name string, shape []int, values []float32) Array {
	return Array{Name: name, Shape: shape, DType: "float32", Data: untrusted.Bytes(values)}
}

// Float32s returns the elements converted as NumPy's astype does, in memory of
// their own.
func (a Array) Float32s() []float32 { return untrusted.Float32s(a.Data, untrusted.Elements[a.DType]) }

// Unnamed is what numpy.savez calls an array that was given no name.
const Unnamed = "arr_0"

// FormatError tells why a file was refused and where in it: its fields are the
// Record of the archive, empty for a .npy, the Offset in the record or the
// file, negative if there is no one place, and the Reason.
type FormatError = untrusted.FormatError

var (
	fault   = untrusted.Fault
	shorten = untrusted.Shorten
)

const magic = "\x93NUMPY"

// Sniff tells from the first bytes of a file, 6 or more, whether it looks like
// a .npy.
func Sniff(head []byte) bool { return strings.HasPrefix(string(head), magic) }

// Read reads a .npy file of size bytes. One that is damaged, or holds anything
// but numbers, gives a *FormatError.
func Read(r io.ReaderAt, size int64) (*Array, error) {
	// A size that is not true must not cost memory.
	if size > 0 {
		if n, err := r.ReadAt(make([]byte, 1), size-1); n == 0 && err == io.EOF {
			return nil, fault(size-1, "the file is shorter than the %d bytes it is said to have", size)
		} else if n == 0 {
			return nil, err
		}
	}
	a, err := readArray(io.NewSectionReader(r, 0, max(size, 0)), max(size, 0), untrusted.NewBudget(max(size, 0)))
	if err != nil {
		return nil, reason(err)
	}
	a.Name = Unnamed
	return a, nil
}

// readStart reads what stands before the elements of an array, which shall take
// all size bytes of r, and returns where they begin.
func readStart(r io.Reader, size int64) (h *header, data int64, err error) {
	start := make([]byte, min(size, 12))
	if _, err := io.ReadFull(r, start); err != nil {
		return nil, 0, err
	}
	if !Sniff(start) {
		if known := untrusted.Guess(start); known != "" {
			return nil, 0, &unsupported{fault(0, "%s; wanted a .npy file of NumPy", known), "no array"}
		}
		return nil, 0, &unsupported{fault(0, "this is no .npy file of NumPy: it starts with %q", start[:min(len(start), 8)]), "no array"}
	}
	if len(start) < 12 {
		return nil, 0, fault(size, "the file ends here, within its header; it was cut short")
	}
	// Version 1 has two bytes for the length of the header, later ones four.
	// What was read too many is the header's beginning.
	length, at := int64(binary.LittleEndian.Uint32(start[8:])), 12
	switch major, minor := start[6], start[7]; {
	case major == 1 && minor == 0:
		length, at = int64(binary.LittleEndian.Uint16(start[8:])), 10
	case major < 1 || major > 3 || minor != 0:
		return nil, 0, fault(6, "the format version is %d.%d; versions 1.0, 2.0 and 3.0 can be read", major, minor)
	}
	const most = 1 << 16 // a header of 64 dimensions has about 1,500 bytes
	if length > most {
		return nil, 0, fault(8, "the header is said to have %d bytes, wanted at most %d", length, most)
	}
	if length > size-int64(at) || length < 2 {
		return nil, 0, fault(8, "the header is said to have %d bytes, the file has %d after it says so; the file was cut short", length, size-int64(at))
	}
	text := make([]byte, length)
	if _, err := io.ReadFull(r, text[copy(text, start[at:]):]); err != nil {
		return nil, 0, err
	}
	h, err = parseHeader(string(text))
	if err != nil {
		var f *FormatError
		if errors.As(err, &f) {
			f.Offset += int64(at)
		}
		return nil, 0, err
	}
	data = int64(at) + length
	if want := int64(h.count) * int64(h.element.Size); want != size-data {
		return nil, 0, fault(data, "an array of the shape %v of %s takes %d bytes, %d are there; the file was cut short or changed after it was written", h.shape, h.element.Name, want, size-data)
	}
	return h, data, nil
}

// readArray reads an array, which shall take all size bytes of r.
func readArray(r io.Reader, size int64, b *untrusted.Budget) (*Array, error) {
	h, data, err := readStart(r, size)
	if err != nil {
		return nil, err
	}
	if h.text != 0 {
		return nil, &unsupported{fault(0, "the array has elements of the type %s; wanted integers of 1 to 8 bytes, bool, float16, float32 or float64", h.element.Name), "an array of texts"}
	}
	if !b.Spend(8*int64(len(h.shape)) + 4*int64(h.count)) {
		return nil, fault(data, "an array of the shape %v would take more than the %d bytes of memory that a file of this size may take; if it is compressed, save it with numpy.savez", h.shape, b.All())
	}
	a := &Array{Shape: h.shape, DType: h.element.Name}
	var place func() int
	if h.fortran && len(h.shape) > 1 {
		place = columnMajor(h.shape)
	}
	a.Data, err = untrusted.ReadElements(r, h.count, h.element, h.order, place)
	return a, err
}

// columnMajor returns a function that tells, called for one element after
// another of an array whose first dimension runs fastest, where it lies when
// the last one does.
func columnMajor(shape []int) func() int {
	stride, step := make([]int, len(shape)), 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = step
		step *= max(shape[i], 1)
	}
	index, at := make([]int, len(shape)), 0
	return func() int {
		here := at
		for i := range index {
			index[i]++
			at += stride[i]
			if index[i] < shape[i] {
				break
			}
			at -= index[i] * stride[i]
			index[i] = 0
		}
		return here
	}
}

// Write writes an array as a .npy file in row-major order. A .npy has no room for
// a name. It is an error if NumPy lacks the type, or if the data is not as long as
// shape and type say.
func Write(w io.Writer, a *Array) error {
	const most = 64 // dimensions, as NumPy 2 has it
	descr, known := descrs[a.DType]
	if !known {
		return fmt.Errorf("array %s has elements of the type %s, which NumPy lacks; convert it to float32", shorten(a.Name), shorten(a.DType))
	}
	count, ok := untrusted.Count(a.Shape)
	if !ok || len(a.Data) != count*untrusted.Elements[a.DType].Size || len(a.Shape) > most || slices.ContainsFunc(a.Shape, func(n int) bool { return n < 0 }) {
		return fmt.Errorf("array %s has %d bytes for the shape %v of %s", shorten(a.Name), len(a.Data), a.Shape, a.DType)
	}
	shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(a.Shape), "[]"), " ", ", ")
	if len(a.Shape) == 1 {
		shape += "," // a tuple of one
	}
	// Spaces and a new line fill up the header, so that the data starts at a
	// multiple of 64 bytes.
	const start, alignment = len(magic) + 4, 64
	text := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%s), }", descr, shape)
	length := (start+len(text)+1+alignment-1)/alignment*alignment - start
	head := append([]byte(magic), 1, 0)
	head = binary.LittleEndian.AppendUint16(head, uint16(length))
	head = fmt.Appendf(head, "%-*s\n", length-1, text)
	if _, err := w.Write(head); err != nil {
		return err
	}
	_, err := w.Write(a.Data)
	return err
}
