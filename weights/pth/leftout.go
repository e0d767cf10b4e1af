package pth

import (
	"strconv"
)

// LeftOut is something in a file that is no tensor, or no tensor that can be read.
type LeftOut struct {
	// Path is where it stands: "args", "callbacks.0".
	Path string
	// What says what it is in words: "an int", "an object of the class
	// argparse.Namespace", "a sparse tensor".
	What string
	// Value is the value of a number or a text, shortened, else empty.
	Value string
	// Tensor tells that it is a tensor of a kind that is not read.
	Tensor bool
	// InState tells that it is an entry of the state dict.
	InState bool
}

// mostLeftOut bounds how many things are listed.
const mostLeftOut = 1000

// leave notes what is left out.
func (w *walker) leave(path string, value any) {
	if value == nil || len(w.leftOut) >= mostLeftOut {
		return
	}
	_, isTensor := value.(*unread)
	l := LeftOut{Path: path, What: describe(value), Value: valueText(value), Tensor: isTensor}
	if items, ok := value.(*list); ok {
		l.What = "a list of " + strconv.Itoa(len(items.items))
	}
	// A list that is too long for the budget is cut short: it is no reason to
	// refuse a file.
	const cost = 3 * 72
	if w.budget.Spend(int64(cost + len(l.What) + len(l.Value))) {
		w.leftOut = append(w.leftOut, l)
	}
}

// isPlain tells whether a value is a number, a text or nothing.
func isPlain(value any) bool {
	switch value.(type) {
	case nil, bool, int64, float64, string, longInt, pyBytes:
		return true
	}
	return false
}

// valueText is a number or a text as Python would print it.
func valueText(value any) string {
	switch value := value.(type) {
	case bool:
		if value {
			return "True"
		}
		return "False"
	case int64:
		return strconv.FormatInt(value, 10)
	case float64:
		return strconv.FormatFloat(value, 'g', -1, 64)
	case string:
		return shorten(value)
	}
	return ""
}
