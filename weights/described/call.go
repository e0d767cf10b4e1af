package described

import (
	"fmt"
	"strconv"
	"strings"
	"unicode"
)

// call is a layer as Python writes it: Conv2d(3, 16, kernel_size=3, padding=1).
type call struct {
	kind  string
	list  []argument // those without a name
	named map[string]argument
}

// argument is a value in a call: an int, a float64, a bool, a string, nil for None, or
// several of them.
type argument struct {
	value any
	at    int // in the text
}

// A fault is what is wrong at a place of a text.
type fault struct {
	at     int
	reason string
}

func (f *fault) Error() string { return f.reason }

func faultf(at int, format string, values ...any) error {
	return &fault{at, fmt.Sprintf(format, values...)}
}

// reader reads a call.
type reader struct {
	text string
	at   int
}

func parseCall(text string) (*call, error) {
	r := &reader{text: text}
	r.space()
	c := &call{kind: r.word(), named: map[string]argument{}}
	c.kind = c.kind[strings.LastIndexByte(c.kind, '.')+1:] // nn.Conv2d, too
	if c.kind == "" {
		return nil, faultf(r.at, "here should stand the name of a layer, such as Conv2d(3, 16, 3)")
	}
	r.space()
	if r.at == len(text) { // without any arguments
		return c, nil
	}
	if !r.take('(') {
		return nil, faultf(r.at, "after %s comes (", c.kind)
	}
	for {
		r.space()
		if r.take(')') {
			break
		}
		at := r.at
		name := r.word()
		r.space()
		if name != "" && r.take('=') {
			r.space()
			if _, twice := c.named[name]; twice {
				return nil, faultf(at, "%s is given twice", name)
			}
			v, err := r.value(0)
			if err != nil {
				return nil, err
			}
			c.named[name] = argument{v, at}
		} else {
			if len(c.named) > 0 {
				return nil, faultf(at, "what has no name stands before what has one")
			}
			r.at = at
			v, err := r.value(0)
			if err != nil {
				return nil, err
			}
			c.list = append(c.list, argument{v, at})
		}
		r.space()
		if r.take(')') {
			break
		}
		if !r.take(',') {
			return nil, faultf(r.at, "here should stand a comma or )")
		}
	}
	r.space()
	if r.at < len(text) {
		return nil, faultf(r.at, "after ) nothing more is wanted")
	}
	return c, nil
}

func (r *reader) space() {
	for r.at < len(r.text) && r.text[r.at] == ' ' {
		r.at++
	}
}

func (r *reader) take(b byte) bool {
	if r.at < len(r.text) && r.text[r.at] == b {
		r.at++
		return true
	}
	return false
}

// word reads letters, digits, dots and underscores that begin with a letter.
func (r *reader) word() string {
	start := r.at
	for r.at < len(r.text) {
		b := rune(r.text[r.at])
		if b != '_' && !unicode.IsLetter(b) && (r.at == start || b != '.' && !unicode.IsDigit(b)) {
			break
		}
		r.at++
	}
	return r.text[start:r.at]
}

// value reads a number, a word, a text or several values in brackets.
func (r *reader) value(depth int) (any, error) {
	start := r.at
	for _, brackets := range []string{"()", "[]"} {
		if depth > 0 || !r.take(brackets[0]) {
			continue
		}
		var list []any
		for {
			r.space()
			if r.take(brackets[1]) {
				return list, nil
			}
			v, err := r.value(depth + 1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
			r.space()
			if !r.take(',') && (r.at == len(r.text) || r.text[r.at] != brackets[1]) {
				return nil, faultf(r.at, "here should stand a comma or %c", brackets[1])
			}
		}
	}
	for _, quote := range []byte(`'"`) {
		if !r.take(quote) {
			continue
		}
		end := strings.IndexByte(r.text[r.at:], quote)
		if end < 0 {
			return nil, faultf(start, "the text that begins here does not end")
		}
		text := r.text[r.at:][:end]
		r.at += end + 1
		return text, nil
	}
	for r.at < len(r.text) && !strings.ContainsRune(" ,()[]=", rune(r.text[r.at])) {
		r.at++
	}
	switch text := r.text[start:r.at]; text {
	case "True", "true":
		return true, nil
	case "False", "false":
		return false, nil
	case "None":
		return nil, nil
	case "":
		return nil, faultf(start, "here should stand a value")
	default:
		if n, err := strconv.Atoi(text); err == nil {
			return n, nil
		}
		v, err := strconv.ParseFloat(text, 64)
		if err != nil || v-v != 0 {
			return nil, faultf(start, "%q is no value; there are numbers, True, False, None, and texts in quotes", text)
		}
		return v, nil
	}
}
