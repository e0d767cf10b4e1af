package folder

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/internal/files"
	"inkling/data/parts"
	"inkling/data/pixels"
	"inkling/data/table"
	"inkling/internal/wording"
	"inkling/weights/npy"
)

// heldOut is the share of each class that is kept from training where there are
// no pictures to test with, and heldOutSeed what they are chosen by: always the
// same ones, so that no later run trains on what an earlier one tested with.
const (
	heldOut     = 0.2
	heldOutSeed = 0
)

// Parts are the pictures to train on and those to test with.
type Parts struct {
	Train, Test data.Dataset // of the same shape and classes

	// Notes are sentences about what was chosen: how the pictures were divided,
	// what they are resized to, what was left alone.
	Notes []string

	// Warnings are sentences about what is probably not as it was meant, each
	// with what to do about it.
	Warnings []string

	// Form is what was opened by [OpenFile]: list (of paths), table (of samples)
	// or arrays.
	Form string

	// HeldOut tells that the pictures to test with were held out of one part.
	HeldOut bool

	within string // the folder that the pictures were found in, if it was the only one
	files  []*Dataset
}

// Bad returns why pictures of either part were left out so far, see
// [Dataset.Bad].
func (p *Parts) Bad() []error {
	var all []error
	for _, d := range p.files {
		all = append(all, d.Bad()...)
	}
	return all
}

// OpenParts opens a folder of pictures. The pictures to train on and those to test
// with are folders with a folder for every class in each, tables (.csv, .tsv) that
// list pictures or hold their samples, or arrays of samples (.npz, or several .npy);
// they are called train and test as people call them, see package parts: test is
// preferred to val. If there is nothing to test with, a fifth of every class is held
// out, always the same pictures. So it is with a folder that has just a folder for
// every class, or one table or file of arrays. A folder that holds nothing but one
// other is opened in its place.
func OpenParts(fsys fs.FS, o Options) (*Parts, error) {
	p, err := openParts(fsys, o, 0)
	if err == nil && p.within != "" {
		p.Notes = append([]string{"The pictures are those in the folder " + p.within + "."}, p.Notes...)
	}
	return p, err
}

func openParts(fsys fs.FS, o Options, depth int) (*Parts, error) {
	if depth > deepest {
		return nil, fmt.Errorf("it has nothing but folders one within another, more than %d deep", deepest)
	}
	l, err := readLayout(fsys)
	if err != nil {
		return nil, err
	}
	p := &Parts{}
	hidden := l.hidden.sentence()
	train, tests, err := l.choose(p)
	switch {
	case err != nil:
		return nil, err
	case train != nil:
		p.note(hidden)
		return p.open(fsys, *train, tests, o)
	case l.alone != nil:
		p.note(hidden)
		p.note(fmt.Sprintf("The pictures are those of %s.", l.alone.name))
		return p.open(fsys, *l.alone, nil, o)
	}
	if name, ok := Wrapped(fsys); ok {
		below, err := fs.Sub(fsys, name)
		if err != nil {
			return nil, err
		}
		wrapped, err := openParts(below, o, depth+1)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		wrapped.within = path.Join(name, wrapped.within)
		if len(l.tables) > 0 {
			p.note(list(l.tables, 4) + " beside it " + plural(len(l.tables), "is", "are") + " left alone: name a table to use it.")
		}
		p.note(hidden)
		wrapped.Notes = append(p.Notes, wrapped.Notes...)
		return wrapped, nil
	}
	d, err := Open(fsys, o)
	if err != nil {
		if len(l.tables) > 1 {
			return nil, fmt.Errorf("there are several tables in it (%s), and nothing tells which one is to train on: name one of them, or call them train.csv and test.csv (%w)", list(l.tables, 6), err)
		}
		return nil, err
	}
	if len(l.tables) > 0 {
		d.remark("The classes are the folders; %s beside them %s left alone: name a table to use it.", list(l.tables, 4), plural(len(l.tables), "is", "are"))
	}
	return p.holdOut(d)
}

// OpenFile opens a table of pictures or of their samples (.csv, .tsv, .txt) or a
// file of arrays (.npz) as OpenParts does it: one that says which pictures are to
// test with is divided so, and else a fifth of every class is held out.
func OpenFile(fsys fs.FS, name string, o Options) (*Parts, error) {
	s, err := sourceOf(fsys, name)
	if err != nil {
		return nil, err
	}
	return (&Parts{Form: [...]string{"folder", "list", "table", "arrays", "arrays"}[s.kind]}).open(fsys, s, nil, o)
}

// IsZip tells from the first bytes of a file whether it is a zip archive of files,
// and not one of NumPy, which OpenFile takes.
func IsZip(head []byte) bool {
	return strings.HasPrefix(string(head), "PK\x03\x04") && !npy.SniffArchive(head)
}

// HoldOut divides pictures among which none are to test with: a fifth of every
// class is held out, always the same pictures.
func HoldOut(d data.Dataset) (*Parts, error) { return (&Parts{}).holdOut(d) }

// Resized tells whether any of the files that were looked at had another size.
func (p *Parts) Resized() bool {
	return slices.ContainsFunc(p.files, func(d *Dataset) bool { return d.resized })
}

// HasFiles tells whether the pictures are files, which can turn out to be bad.
func (p *Parts) HasFiles() bool { return len(p.files) > 0 }

func (p *Parts) holdOut(d data.Dataset) (*Parts, error) {
	if d, ok := d.(*Dataset); ok {
		p.take(d)
	}
	train, test, err := data.StratifiedSplit(d, heldOut, heldOutSeed)
	if err != nil {
		return nil, fmt.Errorf("nothing can be held out to test with: %w", err)
	}
	p.Train, p.Test, p.HeldOut = train, test, true
	p.note(fmt.Sprintf("There are no pictures to test with: a fifth of every class, %d of %s and always the same, are held out.", test.Len(), wording.Number(d.Len(), "picture")))
	return p, nil
}

// take adds what is to be said of pictures in files.
func (p *Parts) take(d *Dataset) {
	if slices.Contains(p.files, d) {
		return
	}
	p.files = append(p.files, d)
	p.note(d.shape)
	for _, n := range d.notes {
		p.note(n)
	}
	p.Warnings = append(p.Warnings, d.warnings...)
}

func (p *Parts) note(sentence string) {
	if sentence != "" && !slices.Contains(p.Notes, sentence) {
		p.Notes = append(p.Notes, sentence)
	}
}

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

// opened is what a source holds: pictures with their parts, as far as it says them.
type opened struct {
	whole data.Dataset // nil if its parts are known
	parts map[parts.Part]data.Dataset
	like  *pixels.Samples
}

// open opens the part to train on and one to test with.
func (p *Parts) open(fsys fs.FS, train source, tests []source, o Options) (*Parts, error) {
	first, err := p.openSource(fsys, train, o, nil)
	if err != nil {
		return nil, err
	}
	if first.parts != nil && len(tests) == 0 {
		return p.divided(train, first)
	}
	d := first.whole
	if d == nil { // it says itself what is to train on, and another is to test with
		if d = first.parts[parts.Train]; d == nil {
			return nil, fmt.Errorf("%s has no pictures to train on", train.name)
		}
	}
	o.Classes = d.Classes()
	o.Channels, o.Height, o.Width = d.Shape()
	for i, t := range tests {
		second, err := p.openSource(fsys, t, o, first.like)
		if errors.Is(err, pixels.ErrNoLabels) || err == errUnsorted {
			p.note(t.name + " does not say what its pictures show, by labels or folders: it is left alone.")
			continue
		}
		if err != nil {
			return nil, err
		}
		p.Train, p.Test = d, second.whole
		if second.whole == nil {
			for _, part := range []parts.Part{parts.Train, parts.Validation, parts.Test} {
				if s := second.parts[part]; s != nil {
					p.Test = s
				}
			}
		}
		if t.part != parts.Test || i > 0 {
			p.note("The pictures to test with are those of " + t.name + ".")
		}
		return p, nil
	}
	return p.holdOut(d)
}

// divided takes the parts that a source names itself.
func (p *Parts) divided(s source, o *opened) (*Parts, error) {
	train, val, test := o.parts[parts.Train], o.parts[parts.Validation], o.parts[parts.Test]
	switch {
	case train == nil:
		return nil, fmt.Errorf("%s has pictures to test with, but none to train on", s.name)
	case test == nil && val == nil:
		return p.holdOut(train)
	case test == nil:
		p.note("The pictures to test with are those to validate with (val).")
		test = val
	case val != nil:
		p.note(fmt.Sprintf("The %s to validate with (val) are left alone.", wording.Number(val.Len(), "picture")))
	}
	p.Train, p.Test = train, test
	return p, nil
}

// openSource opens a part, or all there is.
func (p *Parts) openSource(fsys fs.FS, s source, o Options, like *pixels.Samples) (*opened, error) {
	switch s.kind {
	case folders:
		below, err := fs.Sub(fsys, s.name)
		if err != nil {
			return nil, err
		}
		name := s.name
		for range deepest { // seg_train/seg_train/CLASS
			inner, ok := Wrapped(below)
			if !ok || o.Classes != nil && slices.Contains(o.Classes, inner) {
				break
			}
			if has, err := hasFolders(below, inner); err != nil || !has {
				break
			}
			if below, err = fs.Sub(below, inner); err != nil {
				return nil, err
			}
			name += "/" + inner
		}
		if name != s.name {
			p.note("The pictures of " + s.name + " are those in " + name + ".")
		}
		if o.Classes != nil && unsorted(below, o.Classes) {
			return nil, errUnsorted
		}
		d, err := Open(below, o)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		d.base = name
		p.take(d)
		return &opened{whole: d}, nil
	case listing:
		d, rows, err := openList(fsys, s.name, o)
		if err != nil {
			return nil, err
		}
		p.take(d)
		return divide(d, rows, nil)
	case samples:
		all, err := pixels.ReadTable(func() (io.ReadCloser, error) { return fsys.Open(s.name) }, pixelOptions(o, like))
		if err != nil {
			return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		d, err := all.Dataset(o.Classes)
		if err != nil {
			return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		for _, n := range all.Notes {
			p.note(n)
		}
		return divide(d, all.Parts, all)
	}
	return p.openArrays(fsys, s, o, like)
}

var errUnsorted = errors.New("the pictures are not sorted into classes")

// unsorted tells whether a folder has just one other, which is no class but what
// an archive unpacks to, such as test/test or test/unknown.
func unsorted(fsys fs.FS, classes []string) bool {
	name, folders := "", 0
	err := eachEntry(fsys, ".", func(e fs.DirEntry) error {
		if isFolder(fsys, e) {
			name = e.Name()
			folders++
		}
		return nil
	})
	if err != nil || folders != 1 || slices.Contains(classes, name) {
		return false
	}
	return parts.Plain(name) || slices.Contains([]string{"unknown", "unlabeled", "unlabelled", "unclassified", "images", "pictures", "all", "data"}, strings.ToLower(name))
}

func pixelOptions(o Options, like *pixels.Samples) pixels.Options {
	return pixels.Options{Channels: o.Channels, Height: o.Height, Width: o.Width, Like: like}
}

// divide makes parts of pictures of which each one's part is known, if rows is not
// nil.
func divide(d data.Dataset, rows []parts.Part, like *pixels.Samples) (*opened, error) {
	if rows == nil {
		return &opened{whole: d, like: like}, nil
	}
	indices := map[parts.Part][]int{}
	for i, part := range rows {
		indices[part] = append(indices[part], i)
	}
	o := &opened{parts: map[parts.Part]data.Dataset{}, like: like}
	for part, chosen := range indices {
		s, err := data.NewSubset(d, chosen)
		if err != nil {
			return nil, err
		}
		o.parts[part] = s
	}
	return o, nil
}

// openArrays opens a file of arrays, or all arrays of a folder.
func (p *Parts) openArrays(fsys fs.FS, s source, o Options, like *pixels.Samples) (*opened, error) {
	streams, size, done, err := openStreams(fsys, s)
	if err != nil {
		return nil, err
	}
	defer done()
	all, notes, err := pixels.ReadArrays(streams, size, pixelOptions(o, like))
	if err != nil {
		return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
	}
	for _, n := range notes {
		p.note(n)
	}
	result := &opened{parts: map[parts.Part]data.Dataset{}}
	classes := o.Classes
	for _, part := range []parts.Part{parts.None, parts.Train, parts.Validation, parts.Test} {
		if all[part] == nil {
			continue
		}
		d, err := all[part].Dataset(classes)
		if errors.Is(err, pixels.ErrNoLabels) && part > parts.Train {
			p.note("The pictures of the part " + part.String() + " have no labels: they are left alone.")
			continue
		}
		if err != nil {
			return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		if part == parts.None {
			return &opened{whole: d, like: all[part]}, nil
		}
		result.parts[part] = d
		classes = d.Classes()
	}
	return result, nil
}

// openStreams opens the arrays of a source and tells how many bytes they take.
func openStreams(fsys fs.FS, s source) (streams []*npy.Stream, size int64, done func() error, err error) {
	if s.kind == arrays {
		r, size, closer, err := files.RandomAccess(fsys, s.name)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s cannot be opened: %w", s.name, err)
		}
		if streams, err = npy.OpenArchive(r, size); err != nil {
			closer()
			return nil, 0, nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		return streams, size, closer, nil
	}
	entries, err := fs.Glob(fsys, "*.[nN][pP][yY]")
	if err != nil {
		return nil, 0, nil, err
	}
	for _, name := range entries {
		if isJunk(name) {
			continue
		}
		info, err := fs.Stat(fsys, name)
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s cannot be opened: %w", name, err)
		}
		stream, err := npy.NewStream(strings.TrimSuffix(name, path.Ext(name)), func() (io.ReadCloser, int64, error) {
			f, err := fsys.Open(name)
			return f, info.Size(), err
		})
		if err != nil {
			return nil, 0, nil, fmt.Errorf("%s is not usable: %w", name, err)
		}
		streams = append(streams, stream)
		size += info.Size()
	}
	return streams, size, func() error { return nil }, nil
}

func hasFolders(fsys fs.FS, name string) (bool, error) {
	below, err := fs.Sub(fsys, name)
	if err != nil {
		return false, err
	}
	err = eachEntry(below, ".", func(e fs.DirEntry) error {
		if isFolder(below, e) {
			return errFound
		}
		return nil
	})
	if err == errFound {
		return true, nil
	}
	return false, err
}

// HoldsPictures tells whether a folder is one that [OpenParts] may open: whether
// it has visible folders, pictures, tables or arrays.
func HoldsPictures(fsys fs.FS) bool {
	err := eachEntry(fsys, ".", func(e fs.DirEntry) error {
		if isFolder(fsys, e) || IsPicture(e.Name()) || isData(e.Name()) {
			return errFound
		}
		return nil
	})
	return err == errFound
}
