package safetensors

import (
	"bytes"
	"encoding/json"
	"math"
	"unicode/utf8"

	"inkling/weights/internal/untrusted"
)

// scanner reads the little JSON that a header may have: objects, strings and
// lists of numbers. encoding/json would neither notice a key that comes twice
// nor say where, and takes far more memory than the text.
type scanner struct {
	text   []byte
	at     int
	budget *untrusted.Budget
}

func (s *scanner) tooMuch(at int) error {
	return fault(int64(at), "the tensors would take more than the %d bytes of memory that a file of this size may take", s.budget.All())
}

// peek passes white space and returns the byte after it, 0 at the end.
func (s *scanner) peek() byte {
	for ; s.at < len(s.text); s.at++ {
		switch c := s.text[s.at]; c {
		case ' ', '\t', '\r', '\n':
		default:
			return c
		}
	}
	return 0
}

// accept passes the byte c if it is next.
func (s *scanner) accept(c byte) bool {
	if s.peek() != c {
		return false
	}
	s.at++
	return true
}

// unexpected is the error for the next byte.
func (s *scanner) unexpected(wanted string) error {
	s.peek()
	if s.at == len(s.text) {
		return fault(int64(s.at), "the header ends where %s was wanted", wanted)
	}
	return fault(int64(s.at), "the header has %q where %s was wanted", s.text[s.at], wanted)
}

// object reads {"key": value, ...}; member reads the value of a key, which
// stands at the given place.
func (s *scanner) object(member func(key string, at int) error) error {
	if !s.accept('{') {
		return s.unexpected("{")
	}
	if s.accept('}') {
		return nil
	}
	for {
		s.peek()
		at := s.at
		key, err := s.string()
		if err != nil {
			return err
		}
		if !s.accept(':') {
			return s.unexpected(":")
		}
		if err := member(key, at); err != nil {
			return err
		}
		if s.accept('}') {
			return nil
		}
		if !s.accept(',') {
			return s.unexpected(", or }")
		}
	}
}

// skipString passes a string and checks its characters.
func (s *scanner) skipString() error {
	if !s.accept('"') {
		return s.unexpected("a string")
	}
	for s.at < len(s.text) {
		switch c := s.text[s.at]; {
		case c == '"':
			s.at++
			return nil
		case c < ' ':
			return fault(int64(s.at), "a string of the header has a control character")
		case c == '\\':
			s.at += 2
		case c < utf8.RuneSelf:
			s.at++
		default:
			r, size := utf8.DecodeRune(s.text[s.at:])
			if r == utf8.RuneError && size == 1 {
				return fault(int64(s.at), "a string of the header is not UTF-8")
			}
			s.at += size
		}
	}
	s.at = len(s.text)
	return fault(int64(s.at), "the header ends within a string")
}

// string reads a string.
func (s *scanner) string() (string, error) {
	s.peek()
	start := s.at
	if err := s.skipString(); err != nil {
		return "", err
	}
	quoted := s.text[start:s.at]
	if bytes.IndexByte(quoted, '\\') < 0 {
		return string(quoted[1 : len(quoted)-1]), nil
	}
	var text string
	if err := json.Unmarshal(quoted, &text); err != nil {
		return "", fault(int64(start), "a string of the header has a wrong escape: %v", err)
	}
	return text, nil
}

// numbers reads [n, ...], at most most numbers from 0.
func (s *scanner) numbers(most int, what, tensor string) ([]int, error) {
	if !s.accept('[') {
		return nil, s.unexpected("[")
	}
	if s.accept(']') {
		return nil, nil
	}
	end := max(bytes.IndexByte(s.text[s.at:], ']'), 0)
	list := make([]int, 0, min(bytes.Count(s.text[s.at:s.at+end], []byte{','})+1, most))
	for {
		s.peek()
		at := s.at
		for s.at < len(s.text) && isNumber(s.text[s.at]) {
			s.at++
		}
		if s.at == at {
			return nil, s.unexpected("a number")
		}
		n, ok := whole(s.text[at:s.at])
		if !ok {
			return nil, fault(int64(at), "tensor %s: number %d of its %s is %s; wanted a whole number from 0 to %d", shorten(tensor), len(list), what, shorten(string(s.text[at:s.at])), math.MaxInt)
		}
		if len(list) == most {
			return nil, fault(int64(at), "tensor %s: its %s has more than %d numbers", shorten(tensor), what, most)
		}
		list = append(list, n)
		if s.accept(']') {
			return list, nil
		}
		if !s.accept(',') {
			return nil, s.unexpected(", or ]")
		}
	}
}

func isNumber(c byte) bool {
	return c >= '0' && c <= '9' || c == '-' || c == '+' || c == '.' || c == 'e' || c == 'E'
}

// whole returns the number that digits write as JSON does, without a zero in
// front.
func whole(digits []byte) (int, bool) {
	if len(digits) == 0 || len(digits) > 1 && digits[0] == '0' {
		return 0, false
	}
	n := 0
	for _, c := range digits {
		if c < '0' || c > '9' || n > (math.MaxInt-int(c-'0'))/10 {
			return 0, false
		}
		n = 10*n + int(c-'0')
	}
	return n, true
}
