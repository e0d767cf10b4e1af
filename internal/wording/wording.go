// Package wording writes numbers and foreign text for people.
package wording

import (
	"fmt"
	"strconv"
	"strings"
)

// Thousands writes n with a comma after every three digits: 44,426.
func Thousands(n int) string {
	if n < 0 {
		return "-" + Thousands(-n)
	}
	s := strconv.Itoa(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Percent writes a share of 0 to 1 to two places: 98.57%.
func Percent(share float64) string { return fmt.Sprintf("%.2f%%", 100*share) }

// Count writes how many there are: 1 epoch, 2,000 epochs, 3 classes.
func Count[N integer](n N, what string) string {
	return Thousands(int(n)) + " " + Plural(int(n), what, many(what))
}

// Number is Count without commas, as errors write numbers: 20000 pictures.
func Number[N integer](n N, what string) string {
	return fmt.Sprintf("%d %s", n, Plural(int(n), what, many(what)))
}

// many is the plural of a word.
func many(what string) string {
	if strings.HasSuffix(what, "s") || strings.HasSuffix(what, "x") || strings.HasSuffix(what, "tch") {
		return what + "es"
	}
	return what + "s"
}

// Plural is one for a single thing, else many.
func Plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// Printable keeps text from a file from breaking the line or the terminal: it
// returns text quoted if anything in it had to be escaped.
func Printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

type integer interface {
	~int | ~int8 | ~int16 | ~int32 | ~int64 | ~uint8 | ~uint16 | ~uint32 | ~uint64
}
