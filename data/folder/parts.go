package folder

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"slices"
	"strings"

	"inkling/data"
	"inkling/data/parts"
	"inkling/data/pixels"
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

	// Measures is what the labels measure, if they are numbers and not classes: Train and
	// Test are [data.Numbered] then, with the scale of Train.
	Measures string

	// HeldOut tells that the pictures to test with were held out of one part.
	HeldOut bool

	decided bool   // whether there are classes or numbers
	within  string // the folder that the pictures were found in, if it was the only one
	files   []*Dataset
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
	if err == nil {
		p.scale()
	}
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
	p.take(d)
	p.decide(d.classes, "", false, o)
	whole, _, err := p.labelled(d, nil)
	if err != nil {
		return nil, err
	}
	return p.holdOut(whole)
}

// OpenFile opens a table of pictures or of their samples (.csv, .tsv, .txt) or a
// file of arrays (.npz) as OpenParts does it: one that says which pictures are to
// test with is divided so, and else a fifth of every class is held out.
func OpenFile(fsys fs.FS, name string, o Options) (*Parts, error) {
	s, err := sourceOf(fsys, name)
	if err != nil {
		return nil, err
	}
	p, err := (&Parts{Form: [...]string{"folder", "list", "table", "arrays", "arrays"}[s.kind]}).open(fsys, s, nil, o)
	if err == nil {
		p.scale()
	}
	return p, err
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
	train, test, err := data.StratifiedSplit(d, heldOut, heldOutSeed)
	if err != nil {
		return nil, fmt.Errorf("nothing can be held out to test with: %w", err)
	}
	p.Train, p.Test, p.HeldOut = train, test, true
	p.note(fmt.Sprintf("There are no pictures to test with: a fifth%s, %d of %s and always the same, are held out.", map[bool]string{true: "", false: " of every class"}[p.Measures != ""], test.Len(), wording.Number(d.Len(), "picture")))
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
	if p.Measures == "" {
		o.Classes = d.Classes()
	}
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
		p.decide(d.classes, "", false, o)
		whole, _, err := p.labelled(d, nil)
		return &opened{whole: whole}, err
	case listing:
		d, rows, err := openList(fsys, s.name, o)
		if err != nil {
			return nil, err
		}
		p.take(d)
		p.decide(d.classes, d.measures, true, o)
		whole, rows, err := p.labelled(d, rows)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", s.name, err)
		}
		return divide(whole, rows, nil)
	case samples:
		all, err := pixels.ReadTable(func() (io.ReadCloser, error) { return fsys.Open(s.name) }, pixelOptions(o, like))
		if err != nil {
			return nil, fmt.Errorf("%s is not usable: %w", s.name, err)
		}
		d, err := p.samples(all, o.Classes, o)
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

// decide decides, of the first pictures that are opened, whether their labels are classes or
// numbers; name is what these measure, if that is known. Of folders only what was asked for
// makes numbers.
func (p *Parts) decide(labels []string, name string, table bool, o Options) {
	if p.decided {
		return
	}
	p.decided = true
	if name == "" {
		name = "label"
	}
	if o.Labels == data.NumberLabels {
		p.Measures = name
	}
	if o.Labels != data.LooksLike || !table {
		return
	}
	if fraction := data.Fraction(labels); fraction != "" {
		p.Measures = name
		p.note(fmt.Sprintf("The labels (%s) measure something: they have fractions, such as %s. The network learns to tell numbers; --labels classes takes each of them for a class.", name, fraction))
	}
}

// labelled returns the pictures with the labels that were decided on. Of pictures with numbers
// the bad ones are left out at once, as another would not have the number of a bad one; rows,
// the part of each, likewise.
func (p *Parts) labelled(d *Dataset, rows []parts.Part) (data.Dataset, []parts.Part, error) {
	if p.Measures == "" {
		return d, rows, nil
	}
	numbers, err := data.ClassNumbers(d)
	if err != nil {
		return nil, nil, err
	}
	whole := data.NewMeasured(d, p.Measures, numbers)
	if !d.options.SkipBad {
		return whole, rows, nil
	}
	good, err := d.good()
	if err != nil {
		return nil, nil, err
	}
	if rows != nil {
		kept := make([]parts.Part, len(good))
		for k, i := range good {
			kept[k] = rows[i]
		}
		rows = kept
	}
	some, err := data.NewSubset(whole, good)
	return some, rows, err
}

// samples is so of samples.
func (p *Parts) samples(all *pixels.Samples, classes []string, o Options) (data.Dataset, error) {
	if all.Labels != nil {
		p.decide(all.Names, "", true, o)
	}
	if p.Measures != "" {
		return all.Measured(p.Measures)
	}
	return all.Dataset(classes)
}

// scale gives both parts with numbers the scale of those to train on.
func (p *Parts) scale() {
	if p.Measures == "" {
		return
	}
	own := func(d data.Dataset) *data.Measured {
		number, _ := data.Numbers(d)
		all := make([]float64, d.Len())
		for i := range all {
			all[i] = number(i)
		}
		return data.NewMeasured(d, p.Measures, all)
	}
	train := own(p.Train)
	p.Train, p.Test = train, own(p.Test).WithScale(train.Scale())
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
