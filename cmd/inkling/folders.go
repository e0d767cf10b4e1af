package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/data/archive"
	"inkling/data/cifar"
	"inkling/data/emnist"
	"inkling/data/folder"
	"inkling/data/mnist"
	"inkling/data/samples"
	"inkling/weights"
)

// pictureOptions say what is made of pictures in a folder or list of one's own.
// The zero value is what is usual.
type pictureOptions struct {
	size    string // "", N or HxW
	skipBad bool
	// way is how pictures are prepared, one of inkling.Ways, "" or "auto" as is usual.
	way string

	// count leaves bad pictures out unasked, for whoever counts them.
	count bool

	// What a model reads, if the pictures are for one: it is made of pictures of
	// one's own, and others have it or not.
	channels, height, width int
	// prepare makes the samples of a picture, nil as folder.FromImage does.
	prepare func(image.Image) ([]byte, error)

	// samples say what is made of texts and recordings.
	samples sampleOptions
}

const skipBadHelp = "leave out pictures of a folder that cannot be read"

func (o *pictureOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.size, "size", "", "resize pictures of one's own to `N` or HEIGHTxWIDTH pixels; by default to the commonest size")
	f.BoolVar(&o.skipBad, "skip-bad", false, skipBadHelp)
}

// ownWay tells whether a way to prepare the pictures was asked for.
func (o pictureOptions) ownWay() bool { return o.way != "" && o.way != "auto" }

func (o pictureOptions) check() error {
	_, _, err := o.sides()
	return err
}

// sides returns the wanted height and width, 0 and 0 if none are.
func (o pictureOptions) sides() (height, width int, err error) {
	if o.size == "" {
		return 0, 0, nil
	}
	const most = 4096
	first, second, both := strings.Cut(o.size, "x")
	height, err1 := strconv.Atoi(first)
	width, err2 := height, error(nil)
	if both {
		width, err2 = strconv.Atoi(second)
	}
	if err1 != nil || err2 != nil || height < 1 || width < 1 || height > most || width > most {
		return 0, 0, usagef("--size is %q, want a number of pixels such as 32, or HEIGHTxWIDTH such as 24x32, of 1 to %d", o.size, most)
	}
	return height, width, nil
}

func (o pictureOptions) options() (folder.Options, error) {
	height, width, err := o.sides()
	if height == 0 {
		height, width = o.height, o.width
	}
	return folder.Options{Channels: o.channels, Height: height, Width: width, SkipBad: o.skipBad || o.count, Prepare: o.prepare, Labels: o.samples.find.Labels}, err
}

// refuse refuses the options that were given where they do not apply: to pictures
// that are as they were published, and in part to those that are no files.
func (o pictureOptions) refuse(title string, own bool) error {
	switch {
	case o.size != "" && !own:
		return usagef("--size resizes pictures of one's own, and %s is taken as it was published: leave --size out", title)
	case o.ownWay():
		return usagef("--preprocess prepares picture files of one's own, and %s is none: leave --preprocess out", title)
	case o.samples.like != nil && o.samples.like.Kind() != inkling.Pictures:
		return usagef("the model reads %s, and %s has pictures", o.samples.like.Kind(), title)
	case o.samples.given(inkling.Pictures) != "":
		return usagef("%s, and %s has pictures: leave them out", o.samples.given(inkling.Pictures), title)
	case !own && o.samples.like != nil && o.samples.like.Target != nil:
		return usagef("the model tells the number %s, and %s has classes", o.samples.like.Target.Name, title)
	case !own && o.samples.find.Labels == data.NumberLabels:
		return usagef("--labels numbers is for data of one's own, and %s has classes: leave it out", title)
	case o.skipBad:
		return usagef("--skip-bad leaves out picture files that cannot be read, and %s has none: leave it out", title)
	}
	return nil
}

// keptBytes is how much memory pictures may take that are read once and kept.
const keptBytes = 512 << 20

// openPath opens what lies in a folder or a file: a folder or a zip archive of
// files of a data set that is known, of records of CIFAR, or of pictures of one's
// own; or one table or file of arrays.
func openPath(ctx context.Context, name string, o pictureOptions) (*pictureSet, error) {
	info, err := os.Stat(name)
	if err != nil {
		return nil, fmt.Errorf("the folder of --data cannot be read: %w", err)
	}
	set := &pictureSet{dataset: "folder", stored: weights.Upright}
	switch {
	case info.IsDir():
		set.title = "folder " + name
		err = openFolder(ctx, set, data.WithContext(ctx, os.DirFS(name)), o)
	case isZip(name):
		set.title = "archive " + name
		var fsys fs.FS
		if fsys, err = openZip(name); err == nil {
			err = openFolder(ctx, set, data.WithContext(ctx, fsys), o)
		}
	default:
		dir, base := filepath.Split(name)
		files := data.WithContext(ctx, os.DirFS(filepath.Clean(dir)))
		if samples.KindOfTable(files, base, o.samples.find) != "" {
			return set, set.openTable(ctx, files, name, base, o)
		}
		return set, openFile(set, files, name, base, o)
	}
	var usage usageError
	switch {
	case errors.As(err, &usage):
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%s: %w", set.title, err)
	}
	open, title := set.open, "folder "+name
	if !info.IsDir() {
		title = "archive " + name
	}
	set.open = func(train bool) (data.Dataset, error) {
		d, err := open(train)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", title, err)
		}
		return d, nil
	}
	return set, nil
}

// isZip tells whether a file is a zip archive, but none of NumPy.
func isZip(name string) bool {
	f, err := os.Open(name)
	if err != nil {
		return false
	}
	defer f.Close()
	head := make([]byte, 512)
	n, _ := io.ReadFull(f, head)
	return folder.IsZip(head[:n])
}

// openZip opens an archive, which stays open until the command ends.
func openZip(name string) (fs.FS, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	info, err := f.Stat()
	if err == nil {
		var fsys fs.FS
		if fsys, err = archive.OpenZip(f, info.Size()); err == nil {
			return fsys, nil
		}
	}
	f.Close()
	return nil, err
}

// openFile opens a table or a file of arrays.
func openFile(set *pictureSet, fsys fs.FS, name, base string, o pictureOptions) error {
	options, err := o.options()
	if err != nil {
		return err
	}
	parts, err := folder.OpenFile(fsys, base, options)
	if err != nil {
		switch strings.ToLower(filepath.Ext(strings.TrimSuffix(base, ".gz"))) {
		case ".csv", ".tsv", ".txt", ".npz":
			return err
		}
		return usagef("--data %s is a file, want a folder, or a list of pictures or a table (.csv, .tsv), arrays (.npz) or a zip archive: %v", name, err)
	}
	set.title = parts.Form + " " + name
	return set.divide(parts, o)
}

// openFolder opens a folder that holds the files of a data set that is known, or
// records of CIFAR, or pictures of one's own. A folder with nothing but one other in
// it stands for that.
func openFolder(ctx context.Context, set *pictureSet, fsys fs.FS, o pictureOptions) error {
	const deepest = 8
	below, inner := fsys, ""
	for range deepest {
		found, err := openKnown(set, below)
		if err != nil {
			return err
		}
		if found {
			if inner != "" {
				set.addReason("The files are those in the folder " + inner + ".")
			}
			return o.refuse(set.title, false)
		}
		name, ok := folder.Wrapped(below)
		if !ok {
			break
		}
		if below, err = fs.Sub(below, name); err != nil {
			return err
		}
		inner = path.Join(inner, name)
	}
	found, err := samples.Find(fsys, o.samples.find)
	if err != nil {
		return err
	}
	if found != nil {
		return set.learnt(ctx, found, o)
	}
	return openOwn(set, fsys, o)
}

// openKnown opens the files of a data set that is known, and tells whether there
// are some.
func openKnown(set *pictureSet, fsys fs.FS) (found bool, err error) {
	if splits := findEMNIST(fsys); len(splits) > 0 {
		split := splits[0]
		set.stored, set.split = weights.Transposed, split
		set.title += ", EMNIST's split " + split
		if len(splits) > 1 {
			set.addReason("It has other splits, too: " + strings.Join(splits[1:], ", ") + ". A folder of its own for a split chooses it.")
		}
		set.open = func(train bool) (data.Dataset, error) { return emnist.Open(fsys, split, train, emnist.Upright) }
		return true, nil
	}
	if known := mnist.Identify(fsys); known != nil {
		if known != mnist.MNIST {
			set.title += ", " + known.Title
		}
		set.open = func(train bool) (data.Dataset, error) { return known.Open(fsys, train) }
		if known.HoldsTrainOnly(fsys) {
			return true, set.holdOut()
		}
		return true, nil
	}
	for _, s := range catalog() {
		// Files of texts are called as anyone's: train.txt, test.txt.
		if s.samples == nil && s.holds(fsys) {
			set.title += ", " + s.Title
			set.open = func(train bool) (data.Dataset, error) { return s.open(fsys, train) }
			return true, nil
		}
	}
	train, test, err := cifar.Loose(fsys)
	if err != nil || len(train) == 0 || folder.HoldsPictures(fsys) {
		return false, err
	}
	return true, openRecords(set, fsys, train, test)
}

// findEMNIST returns the splits of EMNIST of which a folder has files. Opening
// them would tell, too, but read them.
func findEMNIST(fsys fs.FS) (splits []string) {
	for _, split := range emnist.Splits() {
		if slices.ContainsFunc([]string{".", "EMNIST/raw", "gzip"}, func(folder string) bool {
			found, _ := fs.Glob(fsys, path.Join(folder, "emnist-"+split+"-*-images?idx3-ubyte*"))
			return len(found) > 0
		}) {
			splits = append(splits, split)
		}
	}
	return splits
}

// openOwn opens pictures of one's own.
func openOwn(set *pictureSet, fsys fs.FS, o pictureOptions) error {
	if !folder.HoldsPictures(fsys) {
		return errors.New("there is nothing in it that can be read: want the files of a data set that \"inkling data list\" names, " +
			"or the folders train and test with a folder of pictures, recordings (.wav, .flac) or texts (.txt) for every class, or just these, or tables of texts or numbers (train.tsv, test.tsv)")
	}
	options, err := o.options()
	if err != nil {
		return err
	}
	parts, err := folder.OpenParts(fsys, options)
	if err != nil {
		return err
	}
	return set.divide(parts, o)
}

// openRecords opens records of CIFAR in files of any name.
func openRecords(set *pictureSet, fsys fs.FS, train, test []string) error {
	s, err := cifar.Which(fsys, train[0])
	if err != nil {
		return err
	}
	set.title += ", records of " + s.Title
	if len(test) > 0 {
		set.open = func(wantTrain bool) (data.Dataset, error) {
			if wantTrain {
				return s.OpenFiles(fsys, train...)
			}
			return s.OpenFiles(fsys, test...)
		}
		return nil
	}
	d, err := s.OpenFiles(fsys, train...)
	if err != nil {
		return err
	}
	parts, err := folder.HoldOut(d)
	if err != nil {
		return err
	}
	return set.divide(parts, pictureOptions{})
}

// holdOut divides the pictures of a set that has none to test with, such as those
// of "inkling feedback export", if there are enough.
func (s *pictureSet) holdOut() error {
	d, err := s.open(true)
	if err != nil {
		return err
	}
	parts, err := folder.HoldOut(d)
	if err == nil {
		return s.divide(parts, pictureOptions{})
	}
	s.untested = true
	s.addReason("There are no pictures to test with, and too few to hold some out: the network is not tested.")
	return nil
}

// divide makes parts of a folder the pictures of the set.
func (s *pictureSet) divide(parts *folder.Parts, o pictureOptions) error {
	given := o
	if parts.HasFiles() {
		given.skipBad, given.way = false, "" // which are for files
	}
	if err := given.refuse(s.title, true); err != nil {
		return err
	}
	if parts.Measures != "" {
		s.measure(parts, o.samples)
	}
	train, test := data.Keep(parts.Train, keptBytes), data.Keep(parts.Test, keptBytes)
	for _, note := range parts.Notes {
		s.addReason(note)
	}
	s.parts = parts
	s.open = func(wantTrain bool) (data.Dataset, error) {
		if wantTrain {
			return train, nil
		}
		return test, nil
	}
	return nil
}

// measure has the network tell numbers: those of a model that the pictures are for, or else
// theirs.
func (s *pictureSet) measure(parts *folder.Parts, o sampleOptions) {
	_, scale := data.Numbers(parts.Train)
	s.target = &inkling.Target{Name: parts.Measures, Scale: scale}
	if o.like == nil || o.own || o.like.Target == nil {
		return
	}
	s.target = o.like.Target
	for _, d := range []*data.Dataset{&parts.Train, &parts.Test} {
		if measured, is := (*d).(*data.Measured); is {
			*d = measured.WithScale(s.target.Scale)
		}
	}
}

func (s *pictureSet) addReason(sentence string) {
	if s.reason != "" {
		s.reason += " "
	}
	s.reason += sentence
}
