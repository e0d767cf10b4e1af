package folder

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strconv"
	"strings"
)

// OpenList opens the pictures that a CSV file in fsys lists: a path in fsys, with
// slashes, and a label in every line, behind a first line "path,label" if there
// is one. The classes are those of the options or else the labels that occur, in
// the order of the numbers if all of them are numbers, else of the alphabet.
func OpenList(fsys fs.FS, name string, o Options) (*Dataset, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("the list of pictures cannot be opened: %w", err)
	}
	defer f.Close()
	d := &Dataset{fsys: fsys}
	lines := csv.NewReader(f)
	lines.FieldsPerRecord, lines.ReuseRecord, lines.TrimLeadingSpace = 2, true, true
	known := map[string]int{} // the classes in the order that they occur
	for first := true; ; first = false {
		fields, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("%s is no list of paths and labels: %w", name, err)
		}
		line, _ := lines.FieldPos(0)
		file, label := strings.TrimPrefix(fields[0], "\ufeff"), fields[1]
		switch {
		case first && strings.EqualFold(file, "path") && strings.EqualFold(label, "label"):
			continue
		case !fs.ValidPath(file) || file == ".":
			return nil, fmt.Errorf("%s, line %d: %q is no path below the folder of the list, want one such as cats/tom.jpg", name, line, file)
		case label == "":
			return nil, fmt.Errorf("%s, line %d: %s has no label", name, line, file)
		}
		number, ok := known[label]
		if !ok {
			number = len(known)
			label = strings.Clone(label) // of the whole line
			known[label] = number
			d.classes = append(d.classes, label)
		}
		d.index.add(file, number)
	}
	if d.index.len() == 0 {
		return nil, fmt.Errorf("%s lists no pictures: want a path and a label in every line", name)
	}
	asRead := slices.Clone(d.classes)
	if d.sortClasses(); o.Classes != nil {
		d.classes = o.Classes
	}
	labels := make([]int32, len(asRead))
	for number, class := range asRead {
		label := slices.Index(d.classes, class)
		if label < 0 {
			return nil, fmt.Errorf("%s: %w", name, unknownClass(class, d.classes))
		}
		labels[number] = int32(label)
	}
	for i, number := range d.index.labels {
		d.index.labels[i] = labels[number]
	}
	return d, d.begin(o)
}

// sortClasses puts the classes in their order.
func (d *Dataset) sortClasses() {
	slices.Sort(d.classes)
	var failed error
	number := func(s string) int {
		n, err := strconv.Atoi(s)
		failed = errors.Join(failed, err)
		return n
	}
	byNumber := slices.Clone(d.classes)
	slices.SortStableFunc(byNumber, func(a, b string) int { return cmp.Compare(number(a), number(b)) })
	if failed == nil {
		d.classes = byNumber
	}
}
