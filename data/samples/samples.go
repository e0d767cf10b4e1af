// Package samples finds what is to be learnt of one's own that is no picture: texts and
// rows of numbers with labels in tables (TSV, CSV, JSON lines), texts in files in a folder
// for every class, and recordings in folders or with names that tell their class. Labels are
// classes, or numbers that measure something. It divides the samples into those to
// train on and those to test with. It does not say what a network reads of them.
package samples

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"

	"inkling/data"
	"inkling/data/parts"
	"inkling/internal/wording"
)

// Kind is what samples are.
type Kind string

// The kinds.
const (
	Texts      Kind = "texts"
	Recordings Kind = "recordings"
	Vectors    Kind = "vectors" // rows of numbers
)

// one is what one of them is called.
func (k Kind) one() string { return strings.TrimSuffix(string(k), "s") }

// An Item is a sample.
type Item struct {
	Label string
	Text  string            // of a text
	File  string            // of a recording, in the file system that was opened
	Row   []float64         // of a vector, a number for each of the Set's Columns
	Err   error             // why there is no Row
	Where string            // for messages: "train.tsv, line 7", "zero/a.wav"
	Part  parts.Part        // None if nothing tells it
	Names map[string]string // what its file's name says, by the pattern's fields

	Number float64 // that the Label is, of a Set that Measures
}

// Options say how samples are found and divided. The zero value guesses, and says what.
type Options struct {
	// TextColumn and LabelColumn are columns of a table, by name or by number from 1; a
	// key of JSON lines.
	TextColumn, LabelColumn string
	// Columns are those of a table of vectors whose numbers are read, by name or by number
	// from 1; without any all are that have numbers and are not the label.
	Columns []string
	// Labels is what labels are.
	Labels data.LabelKind
	// Names is a pattern of recordings' names, such as "{class}_{speaker}_{number}"; its
	// field class is the label.
	Names string
	// TestWhere chooses what is tested with by a field of the pattern: "speaker=theo",
	// "number<5".
	TestWhere string
	// Fold and Folds divide into Folds parts of every class, and test with the one of the
	// number Fold, from 1. 0 means a fifth, if nothing else tells what to test with.
	Fold, Folds int
	// Seed is what folds, and what is held out, follow from.
	Seed uint64
}

// A Set is samples that were found.
type Set struct {
	Kind    Kind
	Form    string // folder or table, for messages
	Items   []Item
	Columns []string // what the numbers of a vector are called
	// Measures tells that the labels are numbers; Label is what these are called.
	Measures bool
	Label    string
	Notes    []string // what was guessed, and what was left alone
	FS       fs.FS

	natural string // a TestWhere that is the usual one, "" for none
}

// Whole tells whether nothing but the samples' order divides them: they are those of one
// file.
func (s *Set) Whole() bool {
	return s.Form == "table" && !slices.ContainsFunc(s.Items, func(i Item) bool { return i.Part != parts.None })
}

func (s *Set) note(format string, values ...any) {
	if text := fmt.Sprintf(format, values...); !slices.Contains(s.Notes, text) {
		s.Notes = append(s.Notes, text)
	}
}

const (
	// MaxClasses is how many classes there may be.
	MaxClasses = 256
	// MaxItems is how many samples there may be.
	MaxItems = 5_000_000
	// MaxBytes is how much all texts together may have.
	MaxBytes = 1 << 30
)

// Division is samples to train on and to test with. Classes are sorted: as numbers if all
// are such, else by their letters. Of a Set that Measures there is one, the Set's Label.
type Division struct {
	Train, Test []Item
	Classes     []string
	Labels      map[string]int
	Notes       []string
}

// Divide divides the samples as the options say, else as folders, files or columns say,
// else a fifth of every class, always the same, is held out. It fails if there are fewer
// than two classes or more than MaxClasses, if a class is tested that is not trained, or if a
// part would be empty.
func (s *Set) Divide(o Options) (*Division, error) {
	d := &Division{}
	where := o.TestWhere
	if where == "" && o.Folds == 0 && s.natural != "" {
		if err := d.choose(s, s.natural); err != nil {
			return nil, err
		}
		if len(d.Train) > 0 && len(d.Test) > 0 {
			where = s.natural
		}
		d.Train, d.Test = nil, nil
	}
	given := map[parts.Part]int{}
	for _, item := range s.Items {
		given[item.Part]++
	}
	switch {
	case o.Folds > 0 && o.TestWhere != "":
		return nil, errors.New("folds and a condition both say what to test with: give one")
	case o.Folds > 0:
		d.fold(s, o.Fold, o.Folds, o.Seed)
		d.Notes = append(d.Notes, fmt.Sprintf("Fold %d of %d tests: %s of %d.", o.Fold, o.Folds, wording.Number(len(d.Test), s.Kind.one()), len(s.Items)))
	case where != "":
		if err := d.choose(s, where); err != nil {
			return nil, err
		}
		if o.TestWhere == "" {
			d.Notes = append(d.Notes, fmt.Sprintf("Those with %s test, as the data set's authors have it.", where))
		}
	case given[parts.Train] > 0 && given[parts.Test]+given[parts.Validation] > 0:
		d.take(s, given)
	default:
		const heldOut = 5
		d.fold(s, 1, heldOut, 0)
		of := " of every class"
		if s.Measures {
			of = ""
		}
		d.Notes = append(d.Notes, fmt.Sprintf("There are no %s to test with: a fifth%s, %d of %d and always the same, are held out.", s.Kind, of, len(d.Test), len(s.Items)))
	}
	return d, d.finish(s)
}

// take divides as the samples' files or columns say.
func (d *Division) take(s *Set, given map[parts.Part]int) {
	test := parts.Test
	if given[test] == 0 {
		test = parts.Validation
		d.Notes = append(d.Notes, "There is no part to test with but that for validation: it tests.")
	} else if n := given[parts.Validation]; n > 0 {
		d.Notes = append(d.Notes, fmt.Sprintf("%s for validation are left alone; --val-split holds out others.", wording.Number(n, s.Kind.one())))
	}
	for _, item := range s.Items {
		switch item.Part {
		case parts.Train:
			d.Train = append(d.Train, item)
		case test:
			d.Test = append(d.Test, item)
		}
	}
}

// fold tests with one of so many parts of every class.
func (d *Division) fold(s *Set, k, n int, seed uint64) {
	byClass := map[string][]int{}
	var classes []string
	for i, item := range s.Items {
		class := item.Label
		if s.Measures {
			class = s.Label
		}
		if byClass[class] == nil {
			classes = append(classes, class)
		}
		byClass[class] = append(byClass[class], i)
	}
	tests := make([]bool, len(s.Items))
	next := 0 // folds are of one size in all, not in every class
	for c, class := range classes {
		own := byClass[class]
		r := rand.New(rand.NewPCG(seed, uint64(c)))
		r.Shuffle(len(own), func(i, j int) { own[i], own[j] = own[j], own[i] })
		for _, i := range own {
			tests[i] = next%n == k-1
			next++
		}
	}
	for i, item := range s.Items {
		if tests[i] {
			d.Test = append(d.Test, item)
		} else {
			d.Train = append(d.Train, item)
		}
	}
}

// choose tests with those that a condition is true of.
func (d *Division) choose(s *Set, text string) error {
	c, err := parseCondition(text)
	if err != nil {
		return err
	}
	for _, item := range s.Items {
		value, has := item.Names[c.field]
		if !has {
			return fmt.Errorf("the condition %q is about %s, which the names do not tell: a pattern with {%s} does", text, c.field, c.field)
		}
		holds, err := c.holds(value)
		switch {
		case err != nil:
			return fmt.Errorf("%s: the condition %q: %w", item.Where, text, err)
		case holds:
			d.Test = append(d.Test, item)
		default:
			d.Train = append(d.Train, item)
		}
	}
	return nil
}

// finish gives the classes their labels.
func (d *Division) finish(s *Set) error {
	kind := s.Kind
	if len(d.Train) == 0 || len(d.Test) == 0 {
		return fmt.Errorf("there are %s to train on and %d to test with, want at least one of each", wording.Number(len(d.Train), kind.one()), len(d.Test))
	}
	if s.Measures {
		d.Classes = []string{s.Label}
		return nil
	}
	d.Labels = map[string]int{}
	for _, item := range d.Train {
		d.Labels[item.Label] = 0
		if len(d.Labels) > MaxClasses {
			return fmt.Errorf("there are more than %d classes (%s has %q), want %d at most: is it the right column?", MaxClasses, item.Where, item.Label, MaxClasses)
		}
	}
	for label := range d.Labels {
		d.Classes = append(d.Classes, label)
	}
	numbers := !slices.ContainsFunc(d.Classes, func(s string) bool { _, err := strconv.Atoi(s); return err != nil })
	slices.SortFunc(d.Classes, func(a, b string) int {
		if numbers {
			x, _ := strconv.Atoi(a)
			y, _ := strconv.Atoi(b)
			return cmp.Or(cmp.Compare(x, y), cmp.Compare(a, b))
		}
		return cmp.Compare(a, b)
	})
	if len(d.Classes) < 2 {
		return fmt.Errorf("all %s are of the class %q, want two classes at least", kind, d.Classes[0])
	}
	for i, class := range d.Classes {
		d.Labels[class] = i
	}
	for _, item := range d.Test {
		if _, known := d.Labels[item.Label]; !known {
			return fmt.Errorf("%s is of the class %q, which no %s to train on has", item.Where, item.Label, kind.one())
		}
	}
	return nil
}

// A condition is about a field of names.
type condition struct {
	field, operator string
	values          []string
}

func parseCondition(text string) (*condition, error) {
	at := strings.IndexAny(text, "=<>")
	if at <= 0 {
		return nil, fmt.Errorf("%q is no condition, want FIELD=VALUE, with commas between several, FIELD<NUMBER or FIELD>NUMBER", text)
	}
	c := &condition{field: strings.TrimSpace(text[:at]), operator: text[at : at+1]}
	for value := range strings.SplitSeq(text[at+1:], ",") {
		c.values = append(c.values, strings.TrimSpace(value))
	}
	if c.operator != "=" {
		if _, err := strconv.ParseFloat(c.values[0], 64); err != nil || len(c.values) > 1 {
			return nil, fmt.Errorf("the condition %q compares with %q, want one number", text, text[at+1:])
		}
	}
	return c, nil
}

func (c *condition) holds(value string) (bool, error) {
	if c.operator == "=" {
		return slices.Contains(c.values, value), nil
	}
	is, err := strconv.ParseFloat(value, 64)
	if err != nil {
		return false, fmt.Errorf("%s is %q, want a number", c.field, value)
	}
	than, _ := strconv.ParseFloat(c.values[0], 64)
	return c.operator == "<" && is < than || c.operator == ">" && is > than, nil
}
