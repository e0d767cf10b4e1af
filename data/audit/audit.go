// Package audit looks at the pictures to train on and those to test with before a
// training believes them: whether there are classes to tell apart and pictures
// enough of each, whether the same picture has two labels, and whether pictures to
// test with are among those to train on, so that an accuracy would be worth nothing.
package audit

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"runtime"
	"slices"
	"strings"
	"sync"

	"inkling/data"
	"inkling/internal/wording"
)

// Severity is how bad a finding is.
type Severity string

const (
	Refused Severity = "refused" // the data are of no use as they are
	Warning Severity = "warning" // they are probably not as they were meant
	Note    Severity = "note"    // to know
)

// Finding is something strange about a data set.
type Finding struct {
	Severity Severity `json:"severity"`
	Kind     string   `json:"kind"` // for programs, such as "one-class"
	Text     string   `json:"text"` // a sentence that says what it is and what to do
	Count    int      `json:"count,omitempty"`
	Examples []string `json:"examples,omitempty"` // some of the pictures
}

// Report is what there is to say of a data set.
type Report struct {
	Classes     []string  `json:"classes"`
	Train, Test *Counts   `json:"-"`
	Findings    []Finding `json:"findings"`

	// Compared tells how many pictures were compared with each other, to find
	// the same ones; those of a large set are not all compared in a quick look.
	Compared int `json:"compared"`
}

// Counts are how many pictures a part has of each class.
type Counts struct {
	Pictures int   `json:"pictures"`
	Classes  []int `json:"counts"`
}

// Refused tells whether something makes the data useless.
func (r *Report) Refused() bool {
	return slices.ContainsFunc(r.Findings, func(f Finding) bool { return f.Severity == Refused })
}

// Err returns what makes the data useless as an error, nil if nothing does.
func (r *Report) Err() error {
	for _, f := range r.Findings {
		if f.Severity == Refused {
			return errors.New(f.Text)
		}
	}
	return nil
}

func (r *Report) add(s Severity, kind string, count int, examples []string, format string, values ...any) {
	const most = 5
	r.Findings = append(r.Findings, Finding{s, kind, fmt.Sprintf(format, values...), count, examples[:min(len(examples), most)]})
}

// Options say how much is looked at.
type Options struct {
	// Pixels reads all pictures and compares their samples, so that a picture is
	// known again in another format. Without it only the labels are looked at,
	// pictures that lie in memory anyway, and the bytes of files of which two
	// have the same size.
	Pixels bool

	// Limited tells that only some of the pictures are to be used, as for a
	// trial: then nothing is said about how many there are.
	Limited bool

	// MostBytes is how many bytes of files are read at most without Pixels. 0
	// means 256 MB.
	MostBytes int64
}

// Check looks at the pictures to train on and at those to test with, which may be
// nil. It fails only when something cannot be read, or ctx is done.
func Check(ctx context.Context, train, test data.Dataset, o Options) (*Report, error) {
	r := &Report{Classes: train.Classes()}
	var err error
	if r.Train, err = counts(train); err != nil {
		return nil, err
	}
	if test != nil {
		if r.Test, err = counts(test); err != nil {
			return nil, err
		}
	}
	if number, _ := data.Numbers(train); number == nil {
		r.lookAtClasses(o.Limited)
	}
	prints, err := fingerprints(ctx, train, test, o)
	if err != nil {
		return nil, err
	}
	r.compare(train, test, prints)
	slices.SortStableFunc(r.Findings, func(a, b Finding) int { return rank(a.Severity) - rank(b.Severity) })
	return r, nil
}

func rank(s Severity) int { return slices.Index([]Severity{Refused, Warning, Note}, s) }

func counts(d data.Dataset) (*Counts, error) {
	labels, err := data.Labels(d)
	if err != nil {
		return nil, err
	}
	c := &Counts{len(labels), make([]int, len(d.Classes()))}
	for _, label := range labels {
		if label >= 0 && label < len(c.Classes) {
			c.Classes[label]++
		}
	}
	return c, nil
}

const (
	handful   = 5  // fewer pictures of a class teach a network little
	imbalance = 10 // so many times as many pictures of one class as of another
)

// lookAtClasses looks at how many pictures there are of each class.
func (r *Report) lookAtClasses(limited bool) {
	var few, untrained, untested []string
	most, least := 0, 0
	used := 0
	for label, n := range r.Train.Classes {
		switch {
		case n == 0:
			untrained = append(untrained, r.Classes[label])
			continue
		case n < handful:
			few = append(few, fmt.Sprintf("%s (%d)", r.Classes[label], n))
		}
		used++
		if n > r.Train.Classes[most] {
			most = label
		}
		if r.Train.Classes[least] == 0 || n < r.Train.Classes[least] {
			least = label
		}
		if r.Test != nil && r.Test.Classes[label] == 0 {
			untested = append(untested, r.Classes[label])
		}
	}
	if used < 2 {
		name := "none"
		if used == 1 {
			name = fmt.Sprintf("%.40q", r.Classes[most])
		}
		r.add(Refused, "one-class", used, nil, "There is one class to train on, %s: a network tells classes apart, and without a second one it is always right and of no use. "+
			"Put the pictures of every class into a folder of its own, side by side, or check which folder or column was given.", name)
	}
	if limited {
		return
	}
	if len(untrained) > 0 {
		r.add(Warning, "class-not-trained", len(untrained), nil, "There is nothing to train on for the %s %s: the network cannot learn %s.", plural(len(untrained), "class", "classes"), some(untrained), plural(len(untrained), "it", "them"))
	}
	if len(untested) > 0 {
		r.add(Warning, "class-not-tested", len(untested), nil, "There is nothing to test with for the %s %s: the accuracy says nothing about %s.", plural(len(untested), "class", "classes"), some(untested), plural(len(untested), "it", "them"))
	}
	if len(few) > 0 {
		r.add(Warning, "few-pictures", len(few), nil, "There are fewer than %s to train on for %s: add some, at best tens or hundreds for each class.", wording.Number(handful, "picture"), some(few))
	}
	if a, b := r.Train.Classes[most], r.Train.Classes[least]; used > 1 && b > 0 && a >= imbalance*b {
		r.add(Warning, "imbalance", 0, nil, "The classes are unequal: %s has %s to train on and %s has %d, so that the network may learn to say %s. Add pictures of the rare classes, and look at the accuracy of each.",
			r.Classes[most], wording.Number(a, "picture"), r.Classes[least], b, r.Classes[most])
	}
}

// print is what tells a picture from others, or that it could not be read.
type print struct {
	sum     [16]byte
	known   bool
	uniform bool // all samples are the same
	fault   error
}

// picture is a picture of one of the two parts.
type picture struct {
	test bool
	i    int
}

// filer is a data set of files.
type filer interface {
	data.Dataset
	FS() fs.FS
	Path(i int) string
	FullPath(i int) string
	Own(i int) ([]byte, error)
}

func isFiler(d data.Dataset) bool {
	_, ok := d.(filer)
	return ok
}

// name tells which picture it is.
func (p picture) name(train, test data.Dataset) string {
	d, part := train, "to train on"
	if p.test {
		d, part = test, "to test with"
	}
	origin, i := data.Origin(d, p.i)
	if f, ok := origin.(filer); ok {
		return f.FullPath(i)
	}
	if o, ok := origin.(data.Original); ok {
		return o.Where(i)
	}
	return fmt.Sprintf("picture %d %s", p.i, part)
}

// prints are those of the pictures of both parts.
type prints struct{ train, test []print }

// fingerprints computes what pictures are compared by.
func fingerprints(ctx context.Context, train, test data.Dataset, o Options) (*prints, error) {
	p := &prints{train: make([]print, train.Len())}
	if test != nil {
		p.test = make([]print, test.Len())
	}
	inMemory := data.InMemory(train) && (test == nil || data.InMemory(test))
	if o.Pixels || inMemory {
		err := each(ctx, len(p.train), func(i int) { p.train[i] = ofPixels(train, i) })
		if err == nil && test != nil {
			err = each(ctx, len(p.test), func(i int) { p.test[i] = ofPixels(test, i) })
		}
		return p, err
	}
	return p, p.compareFiles(ctx, train, test, o)
}

// each calls f with the numbers from 0 to n-1, on all processors, until ctx is
// done.
func each(ctx context.Context, n int, f func(i int)) error {
	workers := runtime.GOMAXPROCS(0)
	var all sync.WaitGroup
	for w := range workers {
		all.Go(func() {
			for i := w; i < n && ctx.Err() == nil; i += workers {
				f(i)
			}
		})
	}
	all.Wait()
	return context.Cause(ctx)
}

func ofPixels(d data.Dataset, i int) print {
	var pixels []byte
	var err error
	if origin, at := data.Origin(d, i); isFiler(origin) {
		pixels, err = origin.(filer).Own(at) // Example gives another one for a bad one
	} else {
		pixels, err = data.Whole(d, i)
	}
	if err != nil {
		return print{fault: err}
	}
	p := print{known: true, uniform: !slices.ContainsFunc(pixels, func(b byte) bool { return b != pixels[0] })}
	sum := sha256.Sum256(pixels)
	copy(p.sum[:], sum[:])
	return p
}

// compareFiles computes the sums of the files of which others have the same size:
// no others can be the same.
func (p *prints) compareFiles(ctx context.Context, train, test data.Dataset, o Options) error {
	most := o.MostBytes
	if most == 0 {
		most = 256 << 20
	}
	type file struct {
		*print
		f    filer
		i    int
		size int64
	}
	bySize := map[int64][]file{}
	for _, part := range []struct {
		d      data.Dataset
		prints []print
	}{{train, p.train}, {test, p.test}} {
		for i := range part.prints {
			origin, at := data.Origin(part.d, i)
			f, ok := origin.(filer)
			if !ok {
				return nil // other pictures are compared by their samples alone
			}
			if i%1024 == 0 && ctx.Err() != nil {
				return context.Cause(ctx)
			}
			info, err := fs.Stat(f.FS(), f.Path(at))
			if err != nil {
				part.prints[i].fault = fmt.Errorf("%s cannot be opened: %w", f.FullPath(at), err)
				continue
			}
			bySize[info.Size()] = append(bySize[info.Size()], file{&part.prints[i], f, at, info.Size()})
		}
	}
	var candidates []file
	for size, all := range bySize {
		if len(all) > 1 && most >= size*int64(len(all)) {
			most -= size * int64(len(all))
			candidates = append(candidates, all...)
		}
	}
	return each(ctx, len(candidates), func(i int) {
		c := candidates[i]
		content, err := c.f.FS().Open(c.f.Path(c.i))
		if err != nil {
			c.fault = err
			return
		}
		defer content.Close()
		sum := sha256.New()
		if _, err := io.Copy(sum, io.LimitReader(content, c.size+1)); err != nil {
			c.fault = err
			return
		}
		copy(c.sum[:], sum.Sum(nil))
		c.known = true
	})
}

// compare looks for pictures that are the same.
func (r *Report) compare(train, test data.Dataset, p *prints) {
	name := func(x picture) string { return x.name(train, test) }
	labelOf := func(x picture) int {
		d := train
		if x.test {
			d = test
		}
		label, _ := data.LabelOf(d, x.i)
		return label
	}
	first := make(map[[16]byte]picture, len(p.train))
	var leaked, twice, contrary, blank, faults []string
	nLeaked, nTwice, nContrary, nBlank, nFaults := 0, 0, 0, 0, 0
	count := func(n *int, examples *[]string, text func() string) {
		const most = 5
		if *n++; *n <= most {
			*examples = append(*examples, text())
		}
	}
	pair := func(a, b picture) func() string {
		return func() string { return name(a) + " and " + name(b) }
	}
	for _, part := range []struct {
		test   bool
		prints []print
	}{{false, p.train}, {true, p.test}} {
		for i, print := range part.prints {
			x := picture{part.test, i}
			if print.fault != nil {
				count(&nFaults, &faults, func() string { return print.fault.Error() })
			}
			if !print.known {
				continue
			}
			r.Compared++
			if print.uniform {
				count(&nBlank, &blank, func() string { return name(x) })
				continue // blank pictures are all the same
			}
			before, seen := first[print.sum]
			if !seen {
				first[print.sum] = x
				continue
			}
			if labelOf(before) != labelOf(x) {
				count(&nContrary, &contrary, func() string {
					return fmt.Sprintf("%s (%s) and %s (%s)", name(before), r.Classes[labelOf(before)], name(x), r.Classes[labelOf(x)])
				})
			}
			switch {
			case before.test != x.test:
				count(&nLeaked, &leaked, pair(before, x))
			default:
				count(&nTwice, &twice, pair(before, x))
			}
		}
	}
	if nFaults > 0 {
		r.add(Warning, "unreadable", nFaults, faults, "%d %s cannot be read, the first because %s. Mend or remove %s, or leave %s out with --skip-bad.",
			nFaults, plural(nFaults, "picture", "pictures"), faults[0], plural(nFaults, "it", "them"), plural(nFaults, "it", "them"))
	}
	if nLeaked > 0 {
		r.add(Warning, "test-in-train", nLeaked, leaked, "%d of the %s to test with %s among those to train on (%s): the accuracy will be better than it is on new pictures. Remove %s from one of the two.",
			nLeaked, wording.Number(len(p.test), "picture"), plural(nLeaked, "is", "are"), leaked[0], plural(nLeaked, "it", "them"))
	}
	if nContrary > 0 {
		r.add(Warning, "two-labels", nContrary, contrary, "The same picture has two labels in %d %s (%s): decide for one, as the network cannot learn both.", nContrary, plural(nContrary, "case", "cases"), contrary[0])
	}
	if nTwice > 0 {
		r.add(Note, "twice", nTwice, twice, "%d %s there more than once (%s).", nTwice, plural(nTwice, "picture is", "pictures are"), twice[0])
	}
	if nBlank > 0 {
		r.add(Warning, "blank", nBlank, blank, "%d %s of one colour (%s): there is nothing in %s to learn from.", nBlank, plural(nBlank, "picture is", "pictures are"), blank[0], plural(nBlank, "it", "them"))
	}
}

func plural(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// some names some of many.
func some(names []string) string {
	const most = 8
	if len(names) > most {
		return strings.Join(names[:most], ", ") + fmt.Sprintf(" and %d more", len(names)-most)
	}
	return strings.Join(names, ", ")
}
