package table

import (
	"slices"
	"strconv"
	"strings"
	"unicode"
)

// Columns are the numbers of the columns that tell of pictures, from 0, or -1.
type Columns struct {
	Path, Label, Part int
}

// The names of columns, without what is neither letter nor digit, the best first.
var (
	pathNames = []string{
		"path", "filepath", "filepaths", "imagepath", "imgpath", "relativepath", "relpath", "filename", "filenames", "imagefilename", "imagename",
		"imgname", "imagefile", "file", "files", "fname", "image", "images", "img", "picture", "photo", "imageid", "imgid", "fileid", "uri", "src", "location", "id", "name",
	}
	labelNames = []string{
		"label", "labels", "class", "classes", "classname", "classlabel", "labelname", "category", "categoryname", "target", "targets", "y", "groundtruth", "gt",
		"breed", "species", "tag", "digit", "character", "letter", "emotion", "diagnosis", "dx", "kind", "type", "finding", "annotation", "output",
		"classid", "labelid", "categoryid", "targetid", "classindex", "labelindex", "labelidx", "classidx", "labelindices", "name",
	}
	partNames = []string{
		"split", "set", "subset", "part", "partition", "dataset", "datasplit", "phase", "usage", "purpose", "traintest", "trainortest", "traintestsplit", "trainvaltest", "mode", "stage", "splitname",
	}
)

// Normal returns a column's name without capitals and without what is neither
// letter nor digit.
func Normal(name string) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, name)
}

// FindColumns looks for the columns by their names.
func FindColumns(header []string) Columns {
	find := func(known []string, taken ...int) int {
		for _, name := range known {
			i := slices.IndexFunc(header, func(h string) bool { return Normal(h) == name })
			if i >= 0 && !slices.Contains(taken, i) {
				return i
			}
		}
		return -1
	}
	c := Columns{Path: find(pathNames)}
	c.Label = find(labelNames, c.Path)
	c.Part = find(partNames, c.Path, c.Label)
	return c
}

// IsIndex tells whether a column of this name and these values numbers the lines,
// as pandas writes it unasked: whole numbers that count up by one.
func IsIndex(name string, values []string) bool {
	switch Normal(name) {
	case "", "unnamed0", "index", "idx", "row", "rowid", "no", "nr", "number":
	default:
		return false
	}
	last := 0
	for i, v := range values {
		n, err := strconv.Atoi(strings.TrimSpace(v))
		if err != nil || i > 0 && n != last+1 {
			return false
		}
		last = n
	}
	return true
}

// IsNumber tells whether a field is a number.
func IsNumber(field string) bool {
	_, err := strconv.ParseFloat(strings.TrimSpace(field), 64)
	return err == nil
}

// Column returns the values that some lines have in a column.
func Column(lines []Line, i int) []string {
	var values []string
	for _, l := range lines {
		if i < len(l.Fields) {
			values = append(values, l.Fields[i])
		}
	}
	return values
}

// SortNames puts names in the order of the numbers if all of them are whole
// numbers, else in that of the alphabet.
func SortNames(names []string) {
	numbers := map[string]int{}
	for _, name := range names {
		n, err := strconv.Atoi(name)
		if err != nil {
			slices.Sort(names)
			return
		}
		numbers[name] = n
	}
	slices.Sort(names) // so that 01 and 1 have an order
	slices.SortStableFunc(names, func(a, b string) int { return numbers[a] - numbers[b] })
}
