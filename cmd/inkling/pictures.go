package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"
	"sync"

	"inkling"
	"inkling/data"
	"inkling/data/audit"
	"inkling/data/emnist"
	"inkling/data/folder"
	"inkling/sound"
	"inkling/text"
	"inkling/vector"
)

// A pictureSet is what --data names.
type pictureSet struct {
	dataset string // "mnist", "emnist", or "folder" for a folder of one's own
	split   string // of EMNIST
	title   string // for people
	reason  string // why it was chosen, when it was not asked for
	stored  string // how the pictures lie in the files: weights.Upright or weights.Transposed

	// untested is set when there are no pictures to test with, nor enough others.
	untested bool

	// open returns the pictures to train on or those to test with, upright.
	open func(train bool) (data.Dataset, error)

	findings []audit.Finding // what is strange about them, if they were looked at

	parts *folder.Parts // of a folder of one's own, else nil

	// text, sound or vector is set if the samples are texts, recordings or rows of numbers,
	// and says what a network reads of them; target if it is to tell a number. Faults are of
	// those that were left out.
	text   *text.Input
	sound  *sound.Input
	vector *vector.Input
	target *inkling.Target
	turn   sync.Mutex // guards faults: both parts are read at once
	faults []error
}

// bad returns why pictures were left out so far.
func (s *pictureSet) bad() []error {
	if s.parts == nil {
		return s.faults
	}
	return s.parts.Bad()
}

// leftOut tells in a sentence how many pictures were left out so far, and why the
// first of them was; it is empty if none were.
func (s *pictureSet) leftOut() string {
	bad := s.bad()
	if len(bad) == 0 {
		return ""
	}
	return fmt.Sprintf("%s could not be used and %s left out: %v", count(len(bad), s.kind().One()), plural(len(bad), "was", "were"), bad[0])
}

const dataHelp = "`SET` to learn from: auto, a name of \"inkling data list\" such as mnist or emnist:letters, or what is your own: a folder, a zip archive, a table (.csv, .tsv, .jsonl) or arrays (.npz), of pictures, texts, recordings or numbers"

// findPictures looks for what --data names, with the usual options. It reads no
// more than it takes to tell, and downloads nothing.
func findPictures(name string) (*pictureSet, error) {
	return findPicturesAs(context.Background(), name, pictureOptions{})
}

// findPicturesAs looks for what --data names. When ctx is done, nothing more is read
// of it.
func findPicturesAs(ctx context.Context, name string, o pictureOptions) (*pictureSet, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if name == "auto" {
		set, err := autoPictures()
		if err != nil {
			return nil, err
		}
		return set, o.refuse(set.title, false)
	}
	if published := findPublished(name); published != nil {
		return published.pictures(ctx, "", o)
	}
	if split, isEMNIST := strings.CutPrefix(name, "emnist:"); isEMNIST {
		return nil, usagef("--data %s: EMNIST has no split %q, want %s", name, split, strings.Join(emnist.Splits(), " or "))
	}
	if _, err := os.Stat(name); errors.Is(err, fs.ErrNotExist) {
		return nil, usagef("--data %q is no data set and no folder, want auto, a name of \"inkling data list\" or a folder", name)
	}
	return openPath(ctx, name, o)
}

// autoPictures returns EMNIST's split mnist if it is there, else the digits that
// are built in, and says why.
func autoPictures() (*pictureSet, error) {
	name, reason := "mnist", `EMNIST was not downloaded; "inkling train --download" does that.`
	if _, there, err := findPublished(autoDownload).there(""); err == nil && there {
		name, reason = autoDownload, "It was downloaded before; --data mnist takes the digits that are built in."
	}
	set, err := findPublished(name).pictures(context.Background(), "", pictureOptions{})
	if err != nil {
		return nil, err
	}
	set.reason = reason
	return set, nil
}

// autoDownload is the set that is downloaded when none was named.
const autoDownload = "emnist:mnist"

// loaderWorkers is how many goroutines shall prepare pictures for a training:
// none if that costs next to nothing.
func loaderWorkers(d data.Dataset, workers int) int {
	if data.InMemory(d) {
		return 0
	}
	return effectiveWorkers(workers)
}

// first returns the first n pictures of d, all of them if n is 0. If they lie
// sorted by class it takes them evenly from all.
func first(d data.Dataset, n int) (data.Dataset, error) {
	if n == 0 || n >= d.Len() {
		return d, nil
	}
	labels, err := data.Labels(d)
	if err != nil {
		return nil, err
	}
	sorted := slices.IsSorted(labels)
	indices := make([]int, n)
	for i := range indices {
		indices[i] = i
		if sorted {
			indices[i] = i * d.Len() / n
		}
	}
	return data.NewSubset(d, indices)
}
