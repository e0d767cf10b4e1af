package folder

import (
	"cmp"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"inkling/data/parts"
	"inkling/data/pixels"
	"inkling/data/table"
	"inkling/weights/npy"
)

// kind is a form that a part of a data set can have.
type kind int

const (
	folders kind = iota // of classes
	listing             // a table of paths and labels
	samples             // a table of samples
	arrays              // .npz
	loose               // .npy, one for each array
)

// source is a part of a data set, or all of it.
type source struct {
	name  string
	kind  kind
	part  parts.Part
	frame string
}

// layout is what lies in a folder that matters.
type layout struct {
	fsys    fs.FS
	sources []source // those that are parts by their names
	flat    []string // folders of pictures that are parts by their names and have no classes
	alone   *source  // the only table or file of arrays, if there is nothing else
	tables  []string // tables and files of arrays that are no parts
	folders []string // those that are no parts
	hidden  survey   // what is hidden or left behind by a system
}

// isData tells by its name whether a file is a table or has arrays.
func isData(name string) bool {
	switch strings.ToLower(path.Ext(unpackedName(name))) {
	case ".csv", ".tsv", ".npz", ".npy":
		return !isJunk(name)
	case ".txt": // a table if it is called so, else a text
		return parts.Plain(stemOf(name))
	}
	return false
}

// unpackedName is the name of a file without what tells that it is packed with gzip, as a
// table may be.
func unpackedName(name string) string {
	if ending := path.Ext(name); strings.EqualFold(ending, ".gz") {
		return strings.TrimSuffix(name, ending)
	}
	return name
}

// stemOf is the name of a file of data without its endings.
func stemOf(name string) string {
	name = unpackedName(name)
	return strings.TrimSuffix(name, path.Ext(name))
}

// readLayout looks at what lies in a folder.
func readLayout(fsys fs.FS) (*layout, error) {
	l := &layout{fsys: fsys}
	var dirs, tables, npys []string
	pictures := false
	err := eachEntry(fsys, ".", func(e fs.DirEntry) error {
		const most = 100_000 // more folders or tables are no parts
		switch {
		case isJunk(e.Name()):
			l.hidden.addJunk(e.Name())
		case isFolder(fsys, e):
			dirs = append(dirs, e.Name())
		case strings.EqualFold(path.Ext(e.Name()), ".npy"):
			npys = append(npys, e.Name())
		case isData(e.Name()):
			tables = append(tables, e.Name())
		case IsPicture(e.Name()):
			pictures = true
		}
		if len(dirs)+len(tables)+len(npys) > most {
			return fmt.Errorf("it has more than %d folders, tables and arrays", most)
		}
		return nil
	})
	if err != nil {
		return nil, fmt.Errorf("the folder of pictures cannot be read: %w", err)
	}
	slices.Sort(dirs)
	slices.Sort(tables)
	named := map[string]bool{}
	for _, n := range parts.Choose(dirs, false) {
		has, err := hasFolders(fsys, n.Name)
		if err != nil {
			return nil, fmt.Errorf("the folder %s cannot be read: %w", n.Name, err)
		}
		if has {
			l.sources = append(l.sources, source{n.Name, folders, n.Part, n.Frame})
			named[n.Name] = true
		} else {
			l.flat = append(l.flat, n.Name)
		}
	}
	stems := map[string]string{}
	var names []string
	for _, t := range tables {
		stem := stemOf(t)
		if _, double := stems[stem]; !double {
			stems[stem] = t
			names = append(names, stem)
		}
	}
	for _, n := range parts.Choose(names, false) {
		s, err := sourceOf(fsys, stems[n.Name])
		if err != nil {
			return nil, err
		}
		s.part, s.frame = n.Part, n.Frame
		l.sources = append(l.sources, s)
		named[s.name] = true
	}
	for _, t := range tables {
		if !named[t] {
			l.tables = append(l.tables, t)
		}
	}
	for _, name := range dirs {
		if !named[name] {
			l.folders = append(l.folders, name)
		}
	}
	if len(npys) > 0 {
		l.tables = append(l.tables, "the arrays (.npy)")
	}
	if len(dirs) == 1 && len(l.flat) == 0 && len(l.tables) == 1 && len(npys) == 0 {
		has, err := hasFolders(fsys, dirs[0])
		if err != nil {
			return nil, fmt.Errorf("the folder %s cannot be read: %w", dirs[0], err)
		}
		if s, err := sourceOf(fsys, l.tables[0]); !has && err == nil && s.kind == listing {
			l.flat = dirs // one folder of pictures makes no classes, either
		}
	}
	// Folders of pictures that are parts by their names are no classes: a list
	// beside them says what is in them.
	if len(l.sources) == 0 && len(l.tables) == 1 && !pictures && len(l.flat) == len(dirs) || len(l.tables) == 1 && pictures && len(dirs) == 0 {
		s := source{name: "the arrays (.npy)", kind: loose}
		if len(npys) == 0 {
			if s, err = sourceOf(fsys, l.tables[0]); err != nil {
				return nil, err
			}
		}
		l.alone = &s
	}
	return l, nil
}

// sourceOf tells what a file is by looking into it.
func sourceOf(fsys fs.FS, name string) (source, error) {
	s := source{name: name}
	f, err := fsys.Open(name)
	if err != nil {
		return s, fmt.Errorf("%s cannot be opened: %w", name, err)
	}
	defer f.Close()
	head := make([]byte, 512)
	n, err := io.ReadFull(f, head)
	if err != nil && err != io.EOF && err != io.ErrUnexpectedEOF {
		return s, fmt.Errorf("%s cannot be read: %w", name, err)
	}
	switch {
	case npy.SniffArchive(head[:n]):
		s.kind = arrays
		return s, nil
	case npy.Sniff(head[:n]):
		return s, fmt.Errorf("%s is a single array of NumPy: give the folder that holds x_train.npy, y_train.npy, x_test.npy and y_test.npy, or an .npz", name)
	}
	// What was read of the file is wanted again.
	lines, err := table.NewReader(io.MultiReader(strings.NewReader(string(head[:n])), f))
	if err != nil {
		return s, fmt.Errorf("%s is no table of pictures: %w", name, err)
	}
	s.kind = listing
	if pixels.IsTable(lines.Head()) {
		s.kind = samples
	}
	return s, nil
}

// choose returns the part to train on, nil if there is none, and those to test
// with, the best first.
func (l *layout) choose(p *Parts) (train *source, tests []source, err error) {
	var trains []source
	for _, s := range l.sources {
		if s.part == parts.Train {
			trains = append(trains, s)
		}
	}
	if len(trains) == 0 {
		if len(l.sources) > 0 {
			return nil, nil, fmt.Errorf("there are pictures to test with in %s, but none to train on: want train beside it", l.sources[0].name)
		}
		return nil, nil, nil
	}
	train = &trains[0]
	for _, other := range trains[1:] {
		switch {
		case other.kind == train.kind && other.frame != train.frame:
			return nil, nil, fmt.Errorf("there are several data sets in it, with %s and %s to train on: name one of them, or put each into a folder of its own", train.name, other.name)
		case other.kind == train.kind:
			return nil, nil, fmt.Errorf("both %s and %s may be the pictures to train on: take one away, or give it another name", train.name, other.name)
		case other.kind == folders: // rather than a table
			train = &other
		}
	}
	var left []string
	for _, s := range l.sources {
		switch {
		case s.part == parts.Train:
			if s != *train {
				left = append(left, s.name)
			}
		case s.frame != train.frame:
			left = append(left, s.name)
		default:
			tests = append(tests, s)
		}
	}
	// The parts to test with come before those to validate with, and of one part
	// the folders before the tables.
	slices.SortStableFunc(tests, func(a, b source) int {
		return cmp.Or(cmp.Compare(b.part, a.part), cmp.Compare(a.kind, b.kind))
	})
	for _, name := range l.flat {
		if !slices.ContainsFunc(l.sources, func(s source) bool { return s.kind != folders && s.part == partOf(name) }) {
			p.note(name + " does not say what its pictures show, by labels or folders: it is left alone.")
		}
	}
	left = append(left, l.tables...)
	if train.kind == folders {
		others := slices.DeleteFunc(slices.Clone(l.folders), func(name string) bool { return slices.Contains(l.flat, name) })
		left = append(left, others...)
	}
	if len(tests) > 1 {
		for _, t := range tests[1:] {
			left = append(left, t.name)
		}
	}
	if len(left) > 0 {
		p.note("The pictures of " + list(left, 8) + " are left alone.")
	}
	return train, tests, nil
}

func partOf(name string) parts.Part {
	part, _ := parts.Of(name)
	return part
}
