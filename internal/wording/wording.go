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
func Count(n int, what string) string {
	many := what + "s"
	if strings.HasSuffix(what, "s") || strings.HasSuffix(what, "x") || strings.HasSuffix(what, "ch") {
		many = what + "es"
	}
	return Thousands(n) + " " + Plural(n, what, many)
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
