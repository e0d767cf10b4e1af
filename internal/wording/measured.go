package wording

import (
	"slices"
	"strconv"
	"strings"
)

// Measured goes on with a sentence about labels of which there are too many to be classes,
// where all of them are numbers, which can be learnt as such: it says how.
// It is empty where a label is no number.
func Measured(labels []string) string {
	isNoNumber := func(label string) bool {
		_, err := strconv.ParseFloat(strings.TrimSpace(label), 64)
		return err != nil
	}
	if len(labels) == 0 || slices.ContainsFunc(labels, isNoNumber) {
		return ""
	}
	return "; they are numbers: --labels numbers learns them as such (from Go, data.NewMeasured)"
}
