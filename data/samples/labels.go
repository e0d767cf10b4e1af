package samples

import (
	"fmt"
	"iter"
	"maps"
	"math"
	"slices"
	"strings"

	"inkling/data"
	"inkling/internal/wording"
)

// defaultLabel is what numbers are called that have no name.
const defaultLabel = "label"

// areNumbers tells whether labels are numbers, all of them, and there are some.
func areNumbers(labels iter.Seq[string]) bool {
	some := false
	for label := range labels {
		if !isNumber(label) {
			return false
		}
		some = true
	}
	return some
}

// measure finds out whether the labels measure something, and reads their numbers then.
func (s *Set) measure(o Options) error {
	if s.Label == "" {
		s.Label = defaultLabel
	}
	switch o.Labels {
	case data.ClassLabels:
		return nil
	case data.NumberLabels:
		s.Measures = true
	default:
		different := map[string]bool{}
		for _, item := range s.Items {
			different[item.Label] = true
		}
		why := measuring(different, len(s.Items))
		if s.Measures = why != ""; s.Measures {
			s.note("The labels (%s) measure something: %s. The network learns to tell numbers; --labels classes takes each of them for a class.", s.Label, why)
		}
	}
	if !s.Measures {
		return nil
	}
	for i := range s.Items {
		item := &s.Items[i]
		var err error
		if item.Number, err = data.ParseNumber(item.Label); err != nil {
			return fmt.Errorf("%s: the label %w, and labels that are numbers are wanted", item.Where, err)
		}
	}
	return nil
}

// measuring says why labels look as if they measured something: numbers with a fraction do,
// and whole ones of which there are too many for classes; "" if they do not.
func measuring(different map[string]bool, samples int) string {
	const few, fewEach, most = 50, 5, 10 // in all, of each, and different ones that may be classes all the same
	labels := slices.Collect(maps.Keys(different))
	if !areNumbers(slices.Values(labels)) {
		return ""
	}
	fraction := data.Fraction(labels)
	switch n := len(different); {
	case fraction != "":
		return fmt.Sprintf("they have fractions, such as %s", fraction)
	case n > MaxClasses || samples >= few && n > most && samples < fewEach*n:
		return fmt.Sprintf("there are %s in %s", wording.Number(n, "different number"), wording.Number(samples, "sample"))
	}
	return ""
}

// columnNumbers are the places of columns, by name or by number from 1, among those of a
// head.
func columnNumbers(asked, head []string) ([]int, error) {
	var all []int
	for _, name := range asked {
		at, _, err := columnNumber(name, head)
		if err != nil {
			return nil, err
		}
		if slices.Contains(all, at) {
			return nil, fmt.Errorf("the column %q is there twice", name)
		}
		all = append(all, at)
	}
	return all, nil
}

// columnNumber is the place of one, and whether its name told it: that of just this name, else
// the only one of such a name in capitals or small letters, else that of a number.
func columnNumber(name string, head []string) (at int, named bool, err error) {
	name = strings.TrimSpace(name)
	for _, same := range []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold} {
		var found []int
		for at, cell := range head {
			if same(strings.TrimSpace(cell), name) {
				found = append(found, at)
			}
		}
		switch len(found) {
		case 0:
		case 1:
			return found[0], true, nil
		default:
			return 0, false, errSameName(head, found[0], found[1])
		}
	}
	if v, err := data.ParseNumber(name); err == nil && v >= 1 && v <= float64(len(head)) && v == math.Trunc(v) {
		return int(v) - 1, false, nil
	}
	const most = 20
	return 0, false, fmt.Errorf("there is no column %q, there are %s", name, strings.Join(head[:min(len(head), most)], ", "))
}

// errSameName is why columns cannot be told apart.
func errSameName(head []string, first, second int) error {
	return fmt.Errorf("the columns %d and %d are called %q and %q, so nothing tells which is meant: rename one of them", first+1, second+1, head[first], head[second])
}
