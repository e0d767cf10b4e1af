package folder

import (
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"
	"unicode/utf8"

	"inkling/data/parts"
	"inkling/data/table"
)

// OpenList opens the pictures that a table in fsys lists, as package table reads
// it: in every line a path in fsys and a label. With a header the columns are known
// by their names (path, filename, image; label, class, target), whatever their
// order, and others are left alone; without one the path is what looks like one.
// The classes are those of the options or else the labels that occur, in the order
// of the numbers if all of them are numbers, else of the alphabet.
//
// Paths may have backslashes. If there is no such file, folders before it are left
// out (as of a list that was made on another machine), and it is looked for in a
// folder beside the list, with the extension of a picture; what was done is said.
func OpenList(fsys fs.FS, name string, o Options) (*Dataset, error) {
	d, _, err := openList(fsys, name, o)
	return d, err
}

// openList returns the part of each picture, too, if the list has a column for it.
func openList(fsys fs.FS, name string, o Options) (*Dataset, []parts.Part, error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, nil, fmt.Errorf("the list of pictures cannot be opened: %w", err)
	}
	defer f.Close()
	lines, err := table.NewReader(f)
	if err != nil {
		return nil, nil, fmt.Errorf("%s is no list of paths and labels: %w", name, err)
	}
	d := &Dataset{fsys: fsys}
	l := &listReader{d: d, name: name, known: map[string]int{}}
	if err := l.findColumns(lines.Head()); err != nil {
		return nil, nil, fmt.Errorf("%s is no list of paths and labels: %w", name, err)
	}
	if l.header {
		lines.Skip()
	}
	for {
		line, err := lines.Read()
		if err == io.EOF {
			break
		}
		if err != nil {
			return nil, nil, fmt.Errorf("%s is no list of paths and labels: %w", name, err)
		}
		if err := l.add(line); err != nil {
			return nil, nil, fmt.Errorf("%s, line %d: %w", name, line.Number, err)
		}
	}
	if d.index.len() == 0 {
		return nil, nil, fmt.Errorf("%s lists no pictures: want a path and a label in every line", name)
	}
	asRead := slices.Clone(d.classes)
	if table.SortNames(d.classes); o.Classes != nil {
		d.classes = o.Classes
	}
	labels := make([]int32, len(asRead))
	for number, class := range asRead {
		label := slices.Index(d.classes, class)
		if label < 0 {
			return nil, nil, fmt.Errorf("%s: %w", name, unknownClass(class, d.classes))
		}
		labels[number] = int32(label)
	}
	for i, number := range d.index.labels {
		d.index.labels[i] = labels[number]
	}
	return d, l.parts, d.begin(o)
}

// listReader makes pictures of the lines of a list.
type listReader struct {
	d      *Dataset
	name   string
	header bool
	table.Columns
	oneHot  []int // columns of which one has a 1 in every line, if there is no Label
	classes []string
	where   place
	looked  int            // how often a file was looked for
	known   map[string]int // the classes in the order that they occur
	parts   []parts.Part
}

// findColumns finds out which columns have the paths, the labels and the parts.
func (l *listReader) findColumns(head []table.Line) error {
	first := head[0].Fields
	if len(first) < 2 {
		return fmt.Errorf("line %d has one field: want a path and a label, with a comma, a semicolon or a tab between them", head[0].Number)
	}
	looksLikePath := func(f string) bool {
		f = strings.ReplaceAll(f, `\`, "/")
		return IsPicture(path.Base(f)) || strings.Contains(f, "/") || l.exists(f)
	}
	pathColumn := func(lines []table.Line) int {
		for i := range first {
			values := table.Column(lines, i)
			if len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { return !looksLikePath(v) }) {
				return i
			}
		}
		return -1
	}
	rest, names := head, make([]string, len(first))
	named := table.FindColumns(first)
	if slices.ContainsFunc(first, looksLikePath) && !(named.Path >= 0 && named.Label >= 0) {
		l.Columns = table.Columns{Path: slices.IndexFunc(first, looksLikePath), Label: -1, Part: -1}
	} else {
		l.header = true
		rest, names = head[1:], first
		l.Columns = named
		if i := pathColumn(rest); i >= 0 && (l.Path < 0 || pathColumn(rest) != l.Path && !looksLikePath(strings.Join(table.Column(rest[:1], l.Path), ""))) {
			l.Path = i
			if l.Label == i {
				l.Label = -1
			}
		}
		if l.Path < 0 {
			if !utf8.ValidString(strings.Join(first, "")) {
				return fmt.Errorf("line %d is not UTF-8, and none of its columns is called path, filename or image: save the file as UTF-8", head[0].Number)
			}
			return fmt.Errorf("line 1 looks like a header (%s), but no column is called path, filename or image, and none holds paths", list(quoted(first), 8))
		}
	}
	isPart := func(i int) bool {
		values := table.Column(rest, i)
		return len(values) > 0 && !slices.ContainsFunc(values, func(v string) bool { part, _ := parts.Of(v); return part == parts.None })
	}
	if l.Part >= 0 && !isPart(l.Part) {
		l.Part = -1
	}
	var others []int
	for i := range first {
		if i != l.Path && i != l.Label && i != l.Part {
			others = append(others, i)
		}
	}
	others = slices.DeleteFunc(others, func(i int) bool {
		// Without a header labels that happen to count up could be lost.
		return table.IsIndex(names[i], table.Column(rest, i)) && (l.header || len(others) > 1 && i == 0 && (first[0] == "0" || first[0] == "1"))
	})
	if l.Label < 0 {
		var err error
		if others, err = l.findLabel(names, others, rest, isPart); err != nil {
			return err
		}
	}
	if len(others) > 0 && l.Label >= 0 && l.header {
		var left []string
		for _, i := range others {
			left = append(left, names[i])
		}
		l.d.remark("Of %s the columns %q and %q are read; %s %s left alone.", l.name, names[l.Path], names[l.Label], list(quoted(left), 6), plural(len(left), "is", "are"))
	}
	if l.Label >= 0 {
		l.d.measures = strings.TrimSpace(names[l.Label])
	}
	for _, line := range rest {
		if l.Path < len(line.Fields) && l.locate(line.Fields[l.Path]) {
			break
		}
	}
	return nil
}

// findLabel finds the labels where no column has a name that is known, and returns
// the columns that are left.
func (l *listReader) findLabel(names []string, others []int, rest []table.Line, isPart func(i int) bool) ([]int, error) {
	if !l.header && len(others) == 2 && l.Part < 0 {
		for k, i := range others { // a path, a label and a part, in any order
			if isPart(i) {
				l.Part = i
				others = slices.Delete(slices.Clone(others), k, k+1)
				break
			}
		}
	}
	isBit := func(i int) bool {
		return !slices.ContainsFunc(table.Column(rest, i), func(v string) bool { _, ok := bit(v); return !ok })
	}
	switch {
	case len(others) == 1:
		l.Label = others[0]
		if l.header {
			l.d.remark("The labels are taken from the column %q.", names[l.Label])
		}
		return nil, nil
	case len(others) == 0 && l.header:
		return nil, fmt.Errorf("it has no labels, so that nothing can be learnt from it or tested with it: its columns are %s; want one called label", list(quoted(names), 8))
	case l.header && !slices.ContainsFunc(others, func(i int) bool { return !isBit(i) }):
		l.oneHot = others
		for _, i := range others {
			l.classes = append(l.classes, names[i])
		}
		l.d.remark("The label of a picture is the column that has a 1: %s.", list(quoted(l.classes), 8))
		return nil, nil
	case l.header:
		return nil, fmt.Errorf("line 1 looks like a header (%s), but no column is called label or class: rename the one that the pictures are to be told apart by", list(quoted(names), 8))
	}
	return nil, fmt.Errorf("line %d has %d fields, and nothing says which of them is the label: put a first line above it that names the columns, such as path,label", rest[0].Number, len(rest[0].Fields))
}

// bit reads 0 or 1 as tables have them.
func bit(v string) (one, ok bool) {
	switch strings.TrimSpace(v) {
	case "1", "1.0":
		return true, true
	case "0", "0.0":
		return false, true
	}
	return false, false
}

// add adds the picture of a line.
func (l *listReader) add(line table.Line) error {
	given := strings.TrimSpace(line.Fields[l.Path])
	file := l.where.of(given)
	switch {
	case strings.Contains(given, "://"):
		return fmt.Errorf("%.100q is an address, and pictures are not downloaded: get them and list their paths", given)
	case !fs.ValidPath(file) || file == ".":
		return fmt.Errorf("%q is no path below the folder of the list, want one such as cats/tom.jpg", given)
	}
	label, err := l.label(line.Fields)
	if err != nil {
		return fmt.Errorf("%s %w", file, err)
	}
	number, ok := l.known[label]
	if !ok {
		number = len(l.known)
		label = strings.Clone(label) // of the whole line
		l.known[label] = number
		l.d.classes = append(l.d.classes, label)
	}
	if l.Part >= 0 {
		part, _ := parts.Of(line.Fields[l.Part])
		if part == parts.None {
			return fmt.Errorf("%s belongs to the part %.40q, want train, val or test", file, line.Fields[l.Part])
		}
		l.parts = append(l.parts, part)
	}
	l.d.index.add(file, number)
	return nil
}

func (l *listReader) label(fields []string) (string, error) {
	if l.oneHot == nil {
		label := strings.TrimSpace(fields[l.Label])
		if label == "" {
			return "", fmt.Errorf("has no label")
		}
		return label, nil
	}
	label := ""
	for k, i := range l.oneHot {
		one, ok := bit(fields[i])
		switch {
		case !ok:
			return "", fmt.Errorf("has %.20q in the column %q, want 0 or 1", fields[i], l.classes[k])
		case one && label != "":
			return "", fmt.Errorf("has a 1 in the columns %q and %q, want one class for each picture", label, l.classes[k])
		case one:
			label = l.classes[k]
		}
	}
	if label == "" {
		return "", fmt.Errorf("has a 1 in none of the columns of the classes")
	}
	return label, nil
}

// place says how the paths of a list lead to files.
type place struct {
	slashes   bool   // backslashes are slashes
	strip     int    // so many folders before it are left out
	prefix    string // the folder that it is looked for in
	extension string // what is missing at its end
}

func (p place) of(given string) string {
	if p.slashes {
		given = strings.ReplaceAll(given, `\`, "/")
	}
	for range p.strip {
		_, given, _ = strings.Cut(given, "/")
	}
	given = strings.TrimPrefix(given, "./")
	if p.extension != "" && !IsPicture(path.Base(given)) {
		given += p.extension
	}
	if p.prefix != "" {
		given = p.prefix + "/" + given
	}
	return given
}

func (l *listReader) exists(name string) bool {
	// However many columns and folders there are, the work is bounded.
	const most = 5000
	if l.looked++; l.looked > most || !fs.ValidPath(name) {
		return false
	}
	info, err := fs.Stat(l.d.fsys, name)
	return err == nil && info.Mode().IsRegular()
}

// locate finds out how a path leads to a file, and tells whether it does.
func (l *listReader) locate(given string) bool {
	given = strings.TrimSpace(given)
	l.where.slashes = strings.Contains(given, `\`) && !l.exists(given)
	if l.exists(l.where.of(given)) {
		return true
	}
	stem := strings.TrimSuffix(path.Base(l.name), path.Ext(l.name))
	prefixes := []string{"", stem}
	entries, _ := fs.ReadDir(l.d.fsys, ".")
	for _, e := range entries {
		if isFolder(l.d.fsys, e) && e.Name() != stem && len(prefixes) < 32 {
			prefixes = append(prefixes, e.Name())
		}
	}
	try := l.where
	endings := append([]string{""}, extensions...)
	if IsPicture(path.Base(try.of0(given))) {
		endings = endings[:1]
	}
	const deepest = 32
	for try.strip = 0; try.strip <= min(strings.Count(try.of0(given), "/"), deepest); try.strip++ {
		for _, try.prefix = range prefixes {
			for _, try.extension = range endings {
				if !l.exists(try.of(given)) {
					continue
				}
				l.where = try
				l.sayPlace(given)
				return true
			}
		}
	}
	return false
}

// of0 is the path with nothing but its slashes mended.
func (p place) of0(given string) string { return place{slashes: p.slashes}.of(given) }

// sayPlace says what was done to the paths.
func (l *listReader) sayPlace(given string) {
	l.d.remark("The path %q of %s is taken for %s, and the others likewise.", given, l.name, l.where.of(given))
}
