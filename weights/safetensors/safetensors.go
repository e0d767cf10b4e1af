// Package safetensors reads and writes Hugging Face's format for tensors
// (.safetensors), as https://github.com/huggingface/safetensors describes it:
// 8 bytes with the length of a header, the header, which is JSON, and the
// elements of all tensors.
//
// The header is checked before anything in it is believed: every byte of the
// data belongs to exactly one tensor, and a name comes once. Reading a file
// takes at most 8 times its size and 1 MB of memory.
//
// The format has no checksum. Write keeps its own in the metadata, as
// inkling_crc32_header and inkling_crc32_data, so that no change of a byte goes
// unnoticed when the file is read here. A file of another program that was cut
// short or grew is refused; a changed element in it goes unnoticed.
package safetensors

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
	"slices"

	"inkling/weights/internal/untrusted"
)

// File is the content of a safetensors file.
type File struct {
	// Tensors holds the tensors in the order of the header.
	Tensors []Tensor
	// Metadata is the header's __metadata__, nil if there is none.
	Metadata map[string]string
}

// Tensor is a named tensor.
type Tensor struct {
	Name string
	// Shape holds the dimensions; it is empty for a tensor of 0 dimensions,
	// which has one element.
	Shape []int
	// DType is the type of the elements under PyTorch's name: "float32",
	// "bfloat16".
	DType string
	// Data holds the elements in row-major order, little-endian.
	Data []byte
}

// New returns a float32 tensor of values in row-major order, which are copied.
func New(name string, shape []int, values []float32) Tensor {
	return Tensor{Name: name, Shape: shape, DType: "float32", Data: untrusted.Bytes(values)}
}

// Float32s returns the elements converted as PyTorch's tensor.float() does, in
// memory of their own.
func (t Tensor) Float32s() []float32 { return untrusted.Float32s(t.Data, untrusted.Elements[t.DType]) }

// FormatError tells why a file was refused and where in it: its fields are the
// Offset in the file, negative if there is no one place, and the Reason.
type FormatError = untrusted.FormatError

var (
	fault   = untrusted.Fault
	shorten = untrusted.Shorten
)

// maxHeader bounds the header as the reference implementation does
// (safetensors/src/tensor.rs, MAX_HEADER_SIZE).
const maxHeader = 100_000_000

// dtypes are the element types that have a float32, by their names in a file;
// names are the names, by PyTorch's.
var (
	dtypes     = map[string]untrusted.Element{}
	dtypeNames = map[string]string{}
)

// DTypes returns the types of elements that a file can hold, under PyTorch's
// names.
func DTypes() []string { return slices.Sorted(maps.Keys(dtypeNames)) }

func init() {
	for name, element := range map[string]string{
		"F64": "float64", "F32": "float32", "F16": "float16", "BF16": "bfloat16",
		"F8_E5M2": "float8_e5m2", "F8_E4M3": "float8_e4m3fn",
		"U8": "uint8", "U16": "uint16", "U32": "uint32", "U64": "uint64",
		"I8": "int8", "I16": "int16", "I32": "int32", "I64": "int64", "BOOL": "bool",
	} {
		dtypes[name] = untrusted.Elements[element]
		dtypeNames[element] = name
	}
}

// Sniff tells from the first bytes of a file, 9 or more, whether it looks like
// one that Read reads.
func Sniff(head []byte) bool {
	const most = 1 << 40 // a text whose ninth letter is a brace means far more
	return len(head) > 8 && head[8] == '{' && binary.LittleEndian.Uint64(head) < most
}

// Read reads a file of size bytes. One that is damaged or of a wrong kind gives
// a *FormatError.
func Read(r io.ReaderAt, size int64) (*File, error) {
	const prefix = 8
	if size < prefix {
		return nil, fault(size, "the file ends after %d bytes; a safetensors file starts with 8 bytes that tell the length of its header", max(size, 0))
	}
	// A size that is not true must not cost memory.
	if err := readAt(r, make([]byte, 1), size-1); err != nil {
		return nil, err
	}
	start := make([]byte, prefix)
	if err := readAt(r, start, 0); err != nil {
		return nil, err
	}
	length := binary.LittleEndian.Uint64(start)
	if known := untrusted.Guess(start); known != "" && length > maxHeader {
		return nil, fault(0, "%s; wanted a safetensors file", known)
	}
	if length > maxHeader {
		return nil, fault(0, "the header is said to have %d bytes, wanted at most %d; this is no safetensors file or a damaged one", length, maxHeader)
	}
	if length > uint64(size-prefix) {
		return nil, fault(0, "the header is said to have %d bytes, the file has %d after it says so; the file was cut short or is no safetensors file", length, size-prefix)
	}
	text := make([]byte, length)
	if err := readAt(r, text, prefix); err != nil {
		return nil, err
	}
	h, err := parseHeader(text, size-prefix-int64(length), untrusted.NewBudget(size))
	if err != nil {
		if f, ok := err.(*FormatError); ok && f.Offset >= 0 {
			f.Offset += prefix
		}
		return nil, err
	}
	data := prefix + int64(length)
	if err := h.verify(text, io.NewSectionReader(r, data, size-data)); err != nil {
		if f, ok := err.(*FormatError); ok {
			f.Offset += prefix
		}
		return nil, err
	}
	file := &File{Metadata: h.metadata, Tensors: make([]Tensor, 0, len(h.entries))}
	for _, e := range h.entries {
		section := io.NewSectionReader(r, data+e.begin, e.end-e.begin)
		elements, err := untrusted.ReadElements(section, e.count, e.element, binary.LittleEndian, nil)
		if err == io.EOF || err == io.ErrUnexpectedEOF {
			return nil, fault(data+e.begin, "the file ends within tensor %s, though it is said to have %d bytes", shorten(e.name), size)
		} else if err != nil {
			return nil, err
		}
		file.Tensors = append(file.Tensors, Tensor{Name: e.name, Shape: e.shape, DType: e.element.Name, Data: elements})
	}
	return file, nil
}

// readAt fills b. A file that is shorter than its size was said to be gives a
// *FormatError.
func readAt(r io.ReaderAt, b []byte, at int64) error {
	n, err := r.ReadAt(b, at)
	if n == len(b) {
		return nil
	}
	if err == io.EOF {
		return fault(at+int64(n), "the file ends here, before it should")
	}
	return err
}

// Write writes tensors in their order, and the metadata with checksums as
// __metadata__. The same tensors and metadata give the same bytes.
//
// It is an error if two tensors have the same name, if a tensor's data is
// not as long as its shape and type say, or if Read would refuse the metadata for a
// size that is out of proportion to the tensors.
func Write(w io.Writer, tensors []Tensor, metadata map[string]string) error {
	text, size, err := formatHeader(tensors, withChecksums(metadata))
	if err != nil {
		return err
	}
	crc := crc32.NewIEEE()
	for i := range tensors {
		crc.Write(tensors[i].Data)
	}
	setChecksums(text, crc.Sum32())
	// What would not be read again is not written. Names and shapes were
	// checked, so only the memory that Read allows itself can be the reason.
	if _, err := parseHeader(text, size, untrusted.NewBudget(8+int64(len(text))+size)); err != nil {
		return fmt.Errorf("the file could not be read again: %w", err)
	}
	if _, err := w.Write(binary.LittleEndian.AppendUint64(nil, uint64(len(text)))); err != nil {
		return err
	}
	if _, err := w.Write(text); err != nil {
		return err
	}
	for i := range tensors {
		if _, err := w.Write(tensors[i].Data); err != nil {
			return err
		}
	}
	return nil
}
