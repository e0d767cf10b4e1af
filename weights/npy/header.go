package npy

import (
	"encoding/binary"
	"maps"
	"math"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// header is what stands before the elements.
type header struct {
	element untrusted.Element
	order   binary.ByteOrder
	text    byte // U or S if the elements are texts, else 0
	fortran bool // the first dimension runs fastest
	shape   []int
	count   int // elements, the product of shape
}

// elements are the types of numbers, by what follows the byte order in a
// header's descr.
var elements = map[string]untrusted.Element{}

// descrs are the descr of the types that can be written, by PyTorch's names.
var descrs = map[string]string{}

// DTypes returns the types of elements that a file can hold, under PyTorch's
// names.
func DTypes() []string { return slices.Sorted(maps.Keys(descrs)) }

func init() {
	for code, name := range map[string]string{
		"f8": "float64", "f4": "float32", "f2": "float16", "b1": "bool",
		"i8": "int64", "i4": "int32", "i2": "int16", "i1": "int8",
		"u8": "uint64", "u4": "uint32", "u2": "uint16", "u1": "uint8",
	} {
		elements[code] = untrusted.Elements[name]
		descrs[name] = "<" + code
		if elements[code].Size == 1 {
			descrs[name] = "|" + code
		}
	}
}

// otherKinds are the kinds of elements that are no numbers here, by the letter that
// NumPy has for them.
var otherKinds = map[byte]string{'U': "texts", 'S': "texts", 'a': "texts", 'c': "complex numbers", 'M': "dates", 'm': "spans of time", 'V': "raw bytes"}

// unsupported is the error for an array of a kind that is not read.
type unsupported struct {
	error
	what string
}

func (u *unsupported) Unwrap() error { return u.error }

// reason returns the error for a reader that wants this array and no other.
func reason(err error) error {
	if u, ok := err.(*unsupported); ok {
		return u.error
	}
	return err
}

// parseHeader reads Python's literal {'descr': '<f4', 'fortran_order': False,
// 'shape': (2, 3), }. The three keys may come in any order, each once. Offsets
// in errors count from the start of text.
func parseHeader(text string) (*header, error) {
	s := &scanner{text: text}
	h := &header{}
	seen := map[string]bool{}
	if !s.accept("{") {
		return nil, s.unexpected("{")
	}
	for !s.accept("}") {
		s.space()
		at := s.at
		key, err := s.quoted()
		if err != nil {
			return nil, err
		}
		if seen[key] {
			return nil, fault(int64(at), "the header has %s twice", shorten(key))
		}
		seen[key] = true
		if !s.accept(":") {
			return nil, s.unexpected(":")
		}
		switch key {
		case "descr":
			err = s.descr(h)
		case "fortran_order":
			h.fortran = s.accept("True")
			if !h.fortran && !s.accept("False") {
				err = s.unexpected("True or False")
			}
		case "shape":
			err = s.shape(h)
		default:
			err = fault(int64(at), "the header has %s; wanted descr, fortran_order and shape alone", shorten(key))
		}
		if err != nil {
			return nil, err
		}
		if !s.accept(",") && s.peek() != '}' {
			return nil, s.unexpected(", or }")
		}
	}
	for _, key := range []string{"descr", "fortran_order", "shape"} {
		if !seen[key] {
			return nil, fault(0, "the header has no %s", key)
		}
	}
	if s.space(); s.at < len(text) {
		return nil, s.unexpected("the header's end")
	}
	return h, nil
}

// scanner reads the little Python that a header may have.
type scanner struct {
	text string
	at   int
}

func (s *scanner) space() {
	for s.at < len(s.text) && strings.IndexByte(" \t\r\n", s.text[s.at]) >= 0 {
		s.at++
	}
}

// peek returns the next byte that is no white space, 0 at the end.
func (s *scanner) peek() byte {
	if s.space(); s.at < len(s.text) {
		return s.text[s.at]
	}
	return 0
}

// accept passes the word if it is next.
func (s *scanner) accept(word string) bool {
	s.space()
	if !strings.HasPrefix(s.text[s.at:], word) {
		return false
	}
	s.at += len(word)
	return true
}

// unexpected is the error for what is next.
func (s *scanner) unexpected(wanted string) error {
	s.space()
	if s.at == len(s.text) {
		return fault(int64(s.at), "the header ends where %s was wanted", wanted)
	}
	return fault(int64(s.at), "the header has %q where %s was wanted", s.text[s.at], wanted)
}

// quoted reads a text in either of Python's quotes, without escapes.
func (s *scanner) quoted() (string, error) {
	quote := s.peek()
	if quote != '\'' && quote != '"' {
		return "", s.unexpected("a text in quotes")
	}
	end := strings.IndexByte(s.text[s.at+1:], quote)
	if end < 0 {
		return "", fault(int64(s.at), "a text of the header does not end")
	}
	text := s.text[s.at+1:][:end]
	s.at += end + 2
	return text, nil
}

// descr reads the type of the elements: the byte order and the kind.
func (s *scanner) descr(h *header) error {
	if s.peek() == '[' {
		return &unsupported{fault(int64(s.at), "the array has elements of several fields; save each field as an array of its own"), "an array of several fields"}
	}
	at := s.at
	text, err := s.quoted()
	if err != nil {
		return err
	}
	kind := strings.TrimLeft(text, "<>|")
	element, known := elements[kind]
	if size, ok := textSize(kind); ok {
		element, known, h.text = untrusted.Element{Name: text, Size: size}, true, kind[0]
	}
	switch {
	case strings.HasPrefix(kind, "O"):
		return &unsupported{fault(int64(at), "the array holds Python objects, which could run anything as they are loaded; save it as numbers"), "an array of Python objects"}
	case !known:
		what := "an array of the type " + shorten(text)
		if kind != "" && otherKinds[kind[0]] != "" {
			what = "an array of " + otherKinds[kind[0]]
		}
		return &unsupported{fault(int64(at), "the array has elements of the type %s; wanted integers of 1 to 8 bytes, bool, float16, float32 or float64", shorten(text)), what}
	}
	switch order := text[:len(text)-len(kind)]; {
	case order == "<" || order == "|" && (element.Size == 1 || h.text == 'S'):
		h.order = binary.LittleEndian
	case order == ">":
		h.order = binary.BigEndian
	default:
		return fault(int64(at), "the type %s has no byte order; wanted < or > before it", shorten(text))
	}
	h.element = element
	return nil
}

// textSize returns how many bytes a text of the type has: U5 are five code points
// of four bytes, S5 five bytes.
func textSize(kind string) (size int, ok bool) {
	if kind == "" || kind[0] != 'U' && kind[0] != 'S' {
		return 0, false
	}
	const most = 1 << 10 // letters of a label
	n, ok := whole(kind[1:])
	if kind[0] == 'U' {
		return 4 * n, ok && n > 0 && n <= most
	}
	return n, ok && n > 0 && n <= most
}

// shape reads a tuple of numbers.
func (s *scanner) shape(h *header) error {
	if !s.accept("(") {
		return s.unexpected("(")
	}
	for !s.accept(")") {
		s.space()
		at := s.at
		for s.at < len(s.text) && strings.IndexByte("+-.0123456789eE", s.text[s.at]) >= 0 {
			s.at++
		}
		if s.at == at {
			return s.unexpected("a number")
		}
		n, ok := whole(s.text[at:s.at])
		if !ok {
			return fault(int64(at), "dimension %d is %s; wanted a whole number from 0 to %d", len(h.shape), shorten(s.text[at:s.at]), math.MaxInt)
		}
		s.accept("L") // as Python 2 wrote long numbers
		const most = 64
		if len(h.shape) == most {
			return fault(int64(at), "the array has more than %d dimensions", most)
		}
		h.shape = append(h.shape, n)
		if comma := s.accept(","); !comma && (s.peek() != ')' || len(h.shape) == 1) {
			return s.unexpected(", between numbers")
		}
	}
	count, ok := untrusted.Count(h.shape)
	if !ok {
		return fault(int64(s.at), "the shape %v is too large", h.shape)
	}
	h.count = count
	return nil
}

func whole(digits string) (int, bool) {
	n := 0
	for _, c := range []byte(digits) {
		if c < '0' || c > '9' || n > (math.MaxInt-int(c-'0'))/10 {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, digits != ""
}
