package wording

import (
	"slices"
	"strconv"
	"strings"
)

// Measured goes on with a sentence about labels of which there are too many to be classes,
// where all of them are numbers, as what is to be learnt by regression: it says what to do.
// It is empty where a label is no number.
func Measured(labels []string) string {
	isNoNumber := func(label string) bool {
		_, err := strconv.ParseFloat(strings.TrimSpace(label), 64)
		return err != nil
	}
	if len(labels) == 0 || slices.ContainsFunc(labels, isNoNumber) {
		return ""
	}
	return `; they are numbers, and of pictures the command learns classes: divide them into a few ranges, such as low and high, or train on numbers in Go, with a data set that is data.Numbered`
}
