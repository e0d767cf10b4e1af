package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"inkling"
	"inkling/data"
	"inkling/data/audit"
)

// auditSet looks at pictures before they are believed. Test may be nil.
func auditSet(ctx context.Context, set *pictureSet, train, test data.Dataset, o audit.Options) (*audit.Report, error) {
	report, err := audit.Check(ctx, train, test, o)
	if err != nil {
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		return nil, fmt.Errorf("%s: %w", set.title, err)
	}
	if one := set.kind().One(); set.kind() != inkling.Pictures {
		words := strings.NewReplacer("pictures", one+"s", "picture", one)
		for i, f := range report.Findings {
			report.Findings[i].Text = words.Replace(f.Text)
		}
	}
	if set.parts != nil {
		for _, warning := range set.parts.Warnings {
			report.Findings = append(report.Findings, audit.Finding{Severity: audit.Warning, Kind: "layout", Text: warning})
		}
	}
	return report, nil
}

// auditTraining looks at pictures of one's own that a training is about to use, as
// far as that takes no time. Sets that are known by name have been looked at by
// others. It is an error if the pictures are of no use.
func auditTraining(ctx context.Context, set *pictureSet, train, test data.Dataset, limit int) ([]audit.Finding, error) {
	if set.dataset != "folder" {
		return nil, nil
	}
	report, err := auditSet(ctx, set, train, test, audit.Options{Limited: limit > 0})
	if err != nil {
		return nil, err
	}
	if err := report.Err(); err != nil {
		return nil, fmt.Errorf("%s: %w", set.title, err)
	}
	return report.Findings, nil
}

// check looks at all pictures of a data set, and at its files if they have sums.
func (o *dataOptions) check(ctx context.Context, out io.Writer, name string) error {
	result := map[string]any{"name": name}
	var fileFaults error
	if s := findPublished(name); s != nil {
		dir, there, err := s.there(o.root)
		if err != nil {
			return err
		}
		if there {
			checks, faults, err := s.checkFiles(dir)
			if err != nil {
				return err
			}
			result["checks"] = checks
			if !o.json {
				printChecks(out, checks)
			}
			fileFaults = s.verdict(dir, checks, faults)
		}
	}
	set, train, test, err := o.openToCheck(ctx, name)
	var report *audit.Report
	if err == nil {
		report, err = auditSet(ctx, set, train, test, audit.Options{Pixels: true})
	}
	var usage usageError
	if errors.As(err, &usage) || ctx.Err() != nil || errors.Is(err, os.ErrNotExist) {
		return err
	}
	if err != nil {
		// What cannot be opened is the finding.
		report = &audit.Report{Findings: []audit.Finding{{Severity: audit.Refused, Kind: "unusable", Text: err.Error()}}}
	}
	if o.json {
		result["refused"], result["findings"] = report.Refused() || fileFaults != nil, append([]audit.Finding{}, report.Findings...)
		if set != nil && err == nil {
			result["source"], result["note"], result["classes"] = set.title, set.reason, report.Classes
			result["train"], result["test"], result["compared"] = report.Train, report.Test, report.Compared
		}
		if err := writeJSON(out, result); err != nil {
			return err
		}
	} else if err == nil {
		printReport(out, set, report)
	}
	switch {
	case err != nil:
		return err
	case fileFaults != nil:
		return fileFaults
	case report.Refused():
		return fmt.Errorf("%s is of no use as it is", set.title)
	}
	return nil
}

// openToCheck opens both parts.
func (o *dataOptions) openToCheck(ctx context.Context, name string) (set *pictureSet, train, test data.Dataset, err error) {
	o.pictures.count = true
	if set, err = o.find(ctx, name); err != nil {
		return nil, nil, nil, err
	}
	if train, err = set.open(true); err != nil {
		return nil, nil, nil, err
	}
	test, err = set.open(false)
	return set, train, test, err
}

func printReport(out io.Writer, set *pictureSet, report *audit.Report) {
	what := countOf(len(report.Classes), "class", "classes")
	if set.target != nil {
		what = "labels are numbers (" + printable(set.target.Name) + ")"
	}
	fmt.Fprintf(out, "%s: %s to train on, %s to test with, %s.\n", set.title, count(report.Train.Pictures, set.kind().One()), thousands(report.Test.Pictures), what)
	if set.reason != "" {
		fmt.Fprintf(out, "%s\n", set.reason)
	}
	for _, f := range report.Findings {
		fmt.Fprintf(out, "%s: %s\n", f.Severity, f.Text)
		if len(f.Examples) > 1 {
			for _, example := range f.Examples {
				fmt.Fprintf(out, "  %s\n", printable(example))
			}
			if more := f.Count - len(f.Examples); more > 0 {
				fmt.Fprintf(out, "  and %s more\n", thousands(more))
			}
		}
	}
	if len(report.Findings) == 0 {
		fmt.Fprintf(out, "All pictures were read and compared: nothing strange was found.\n")
	}
}

// countOf writes a number and what it counts, where the plural is irregular.
func countOf(n int, one, many string) string { return thousands(n) + " " + plural(n, one, many) }

// sketchKey is the name in the metadata of what a model remembers of the pictures
// that it was trained on.
const sketchKey = "trained_on"

// noteTrained notes in the model which pictures it was trained on, and returns their sums,
// if they lie in memory, so that it costs next to nothing; else they are nil.
func noteTrained(ctx context.Context, m *inkling.Classifier, d data.Dataset) *audit.Sums {
	sums := keptSums(ctx, d)
	if sums != nil { // else nothing is said later
		m.SetExtra(sketchKey, sums.Sketch().String())
	}
	return sums
}

// keptSums are the sums of a data set that lies in memory, else nil.
func keptSums(ctx context.Context, d data.Dataset) *audit.Sums {
	if d == nil || !data.Kept(d) {
		return nil
	}
	sums, err := audit.NewSums(ctx, d)
	if err != nil {
		return nil
	}
	return sums
}

// seen tells how many of the pictures to test with the model was trained on, as far
// as it knows, and says so in a sentence, which is empty if there are none.
func seen(ctx context.Context, m *inkling.Classifier, d data.Dataset) (n int, sentence string) {
	sketch, err := audit.ParseSketch(m.About.Extra[sketchKey])
	if err != nil {
		return 0, ""
	}
	one := m.Kind().One()
	n, exact, err := sketch.Seen(ctx, d)
	if err != nil || n == 0 {
		return 0, ""
	}
	about := "About "
	if exact {
		about = ""
	}
	return n, fmt.Sprintf("Warning: %s%s of the %s %ss %s among those that the network was trained on: what it says of %s it remembers, and the accuracy is better than on new %ss.",
		about, thousands(n), thousands(d.Len()), one, plural(n, "is", "are"), plural(n, "it", "them"), one)
}
