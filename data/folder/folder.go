// Package folder opens pictures of one's own: a folder with a folder of pictures
// for every class, as torchvision's ImageFolder takes it,
//
//	train/cat/tom.jpg
//	train/dog/rex.png
//
// or a list of paths and labels in a table (.csv, .tsv). Pictures are PNG, JPEG, GIF (the
// first frame), BMP, TIFF or WebP; their content decides, not their name.
// [OpenParts] finds the pictures to train on and those to test with, whatever
// people call these, or divides what there is; it takes tables and arrays of
// samples, too, as package pixels reads them.
//
// Only the names are kept in memory. A picture is read when it is asked for, made
// gray or coloured as is wanted, turned as the camera notes (EXIF), seen on white
// paper where it is transparent (on black if it is light ink), and resized to the one
// size that all of them have.
package folder

import (
	"errors"
	"fmt"
	"image"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"

	"inkling/data"
	"inkling/internal/wording"
	"inkling/picture"
)

// Options say what is made of the pictures. The zero value finds the shape out.
type Options struct {
	// Channels is 3 for red, green and blue or 1 for gray. With 0 it is 1 if the
	// pictures that are looked at for it are gray, and else 3.
	Channels int

	// Height and Width are what every picture is resized to, as
	// transform.Resize does it, whatever its own proportions are. With 0 it is
	// the commonest size among the pictures that are looked at for it, made
	// smaller if a side has more than 256 pixels.
	Height, Width int

	// Classes are the classes that there may be, in the order of their labels,
	// so that two folders have the same ones. With nil they are those that
	// there are. A class of another name is an error, one without pictures is
	// not.
	Classes []string

	// Labels is what the labels are; by default classes, or, of a list, a table or arrays
	// whose labels are numbers with fractions, numbers that measure something.
	Labels data.LabelKind

	// SkipBad hands out, in the place of a picture that cannot be used, the next
	// one that can; see [Dataset.Bad]. Without it such a picture is an error.
	SkipBad bool

	// Decoder decodes the files within its limits. nil means picture.Shared.
	Decoder *picture.Decoder

	// Prepare makes the samples, channels x height x width, of a picture as it is
	// seen. nil means FromImage. What else a network's pictures may go through,
	// such as finding the ink on a photograph, is so done to those of a folder.
	Prepare func(image.Image) ([]byte, error)
}

// lookedAt is how many pictures are looked at, evenly over all, to find out the
// shape.
const lookedAt = 256

// mostSide is the largest side of a size that is found out.
const mostSide = 256

// Dataset is pictures in files. It implements data.Dataset; its methods may be
// called from several goroutines at once.
type Dataset struct {
	fsys    fs.FS
	index   index
	classes []string
	options Options
	shape   string // how it was found out, if it was and that is worth a word
	resized bool   // whether any that was looked at has another size

	measures        string   // what the column of the labels is called, of a list
	base            string   // the folder in which fsys lies, for messages
	notes, warnings []string // sentences about what lies in the folder

	mutex sync.Mutex
	bad   map[int]error
}

// Open opens the folder that fsys is. Its folders are the classes, in the order
// of their names, with all pictures in them and below them. Folders without
// pictures are skipped, and those that are hidden or that systems leave behind,
// such as __MACOSX. Folders that cannot be classes are refused: those that are
// called as the parts of a data set are and hold no classes, and such that hold
// folders of the same names. Of the pictures it reads no more than it takes to find
// out a shape that is not given.
func Open(fsys fs.FS, o Options) (*Dataset, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("the folder of pictures cannot be read: %w", err)
	}
	d := &Dataset{fsys: fsys, classes: o.Classes}
	var found []classFolder
	hidden := &survey{}
	direct := 0
	for _, e := range entries { // sorted by name
		switch {
		case isJunk(e.Name()):
			hidden.addJunk(e.Name())
			continue
		case !isFolder(fsys, e):
			if IsPicture(e.Name()) {
				direct++
			}
			continue
		}
		before, label := d.index.len(), len(d.classes)
		if o.Classes != nil {
			label = slices.Index(o.Classes, e.Name())
		}
		s, err := d.index.addAll(fsys, e.Name(), label)
		if err != nil {
			return nil, fmt.Errorf("the folder of class %q cannot be read: %w", e.Name(), err)
		}
		added := d.index.len() - before
		found = append(found, classFolder{e.Name(), added, s})
		switch {
		case added == 0:
		case o.Classes == nil:
			d.classes = append(d.classes, e.Name())
		case label < 0:
			return nil, unknownClass(e.Name(), o.Classes)
		}
	}
	if len(found) == 0 {
		if direct > 0 {
			return nil, fmt.Errorf("it has %d %s, but no folders: want one for every class, with the pictures of that class, or a list of paths and labels (.csv)", direct, plural(direct, "picture", "pictures"))
		}
		return nil, errors.New("there are no folders in it: want one for every class, with the pictures of that class")
	}
	if direct > 0 {
		d.warn("%d %s beside the folders of the classes %s of no class and left alone.", direct, plural(direct, "picture", "pictures"), plural(direct, "is", "are"))
	}
	if err := d.lookAtClasses(found, hidden, o.Classes != nil); err != nil {
		return nil, err
	}
	if d.index.len() == 0 {
		return nil, fmt.Errorf("the folders in it have no pictures (%s)", strings.Join(extensions, " "))
	}
	return d, d.begin(o)
}

// isFolder tells whether an entry of fsys's root is a visible folder or a link to
// one.
func isFolder(fsys fs.FS, e fs.DirEntry) bool {
	if isJunk(e.Name()) {
		return false
	}
	if e.Type()&fs.ModeSymlink != 0 {
		info, err := fs.Stat(fsys, e.Name())
		return err == nil && info.IsDir()
	}
	return e.IsDir()
}

func unknownClass(name string, classes []string) error {
	const most = 12
	known := strings.Join(classes[:min(len(classes), most)], ", ")
	if len(classes) > most {
		known += ", ..."
	}
	return fmt.Errorf("there is a class %q, which is not among the %s to train on (%s): give it the name that it has there, or take it away", name, wording.Number(len(classes), "class"), known)
}

// begin checks the options and finds the shape out if it is not given.
func (d *Dataset) begin(o Options) error {
	if o.Decoder == nil {
		o.Decoder = picture.Shared()
	}
	const most = 1 << 15
	switch {
	case o.Channels != 0 && o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("pictures of %d channels are wanted: give 1 or 3", o.Channels)
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0, o.Height > most, o.Width > most:
		return fmt.Errorf("pictures of height %d and width %d are wanted: give 1 to %d for both, or 0 for both", o.Height, o.Width, most)
	}
	if o.Prepare == nil {
		o.Prepare = func(img image.Image) ([]byte, error) {
			pixels, err := FromImage(img, d.options.Channels, d.options.Height, d.options.Width)
			if err != nil {
				return nil, fmt.Errorf("cannot be used: %w", err)
			}
			return pixels, nil
		}
	}
	d.options, d.bad = o, map[int]error{}
	if o.Height != 0 && o.Channels != 0 {
		return nil
	}
	return d.look()
}

// look finds the shape out by looking at the heads of some pictures.
func (d *Dataset) look() error {
	sizes := map[image.Point]int{}
	var commonest image.Point
	colour := false
	n := d.index.len()
	for k := range min(n, lookedAt) {
		i := k * n / min(n, lookedAt)
		head, err := d.head(d.index.path(i))
		if err != nil {
			if !d.options.SkipBad {
				return err
			}
			d.note(i, err)
			continue
		}
		size := image.Pt(head.Width, head.Height)
		sizes[size]++
		if sizes[size] > sizes[commonest] { // of equally many the one that is first so many
			commonest = size
		}
		colour = colour || !head.Gray
	}
	if len(sizes) == 0 {
		return fmt.Errorf("none of the pictures can be used, the first of %d because %w", n, d.Bad()[0])
	}
	if d.options.Channels == 0 {
		d.options.Channels = 1
		if colour {
			d.options.Channels = 3
		}
	}
	if height, width := d.options.Height, d.options.Width; height != 0 {
		d.resized = len(sizes) > 1 || commonest != image.Pt(width, height)
		return nil
	}
	height, width := commonest.Y, commonest.X
	if large := max(height, width); large > mostSide {
		height, width = max(height*mostSide/large, 1), max(width*mostSide/large, 1)
	}
	d.options.Height, d.options.Width = height, width
	d.resized = len(sizes) > 1 || commonest != image.Pt(width, height)
	switch {
	case len(sizes) > 1:
		d.shape = fmt.Sprintf("The pictures have different sizes: they are resized to %dx%d (height, width), after the commonest of them.", height, width)
	case commonest != image.Pt(width, height):
		d.shape = fmt.Sprintf("The pictures of %dx%d (height, width) are resized to %dx%d.", commonest.Y, commonest.X, height, width)
	}
	return nil
}

// Len is the number of pictures, with those that turn out to be bad.
func (d *Dataset) Len() int { return d.index.len() }

// Shape is the shape of every picture.
func (d *Dataset) Shape() (channels, height, width int) {
	return d.options.Channels, d.options.Height, d.options.Width
}

// Classes names the classes: the folders, or the labels of the list.
func (d *Dataset) Classes() []string { return d.classes }

// Path is where picture i lies in the folder or beside the list, 0 <= i < Len().
func (d *Dataset) Path(i int) string { return d.index.path(i) }

// FS is the folder that the paths of the pictures lead from.
func (d *Dataset) FS() fs.FS { return d.fsys }

// FullPath is as Path, with the part of the data set that it lies in, such as
// train, before it.
func (d *Dataset) FullPath(i int) string { return path.Join(d.base, d.index.path(i)) }

// Label returns the label of picture i, 0 <= i < Len().
func (d *Dataset) Label(i int) int { return int(d.index.labels[i]) }

// Example reads picture i. With SkipBad it is the next one that can be used,
// after the last the first again.
func (d *Dataset) Example(i int) (pixels []byte, label int, err error) {
	n := d.index.len()
	if i < 0 || i >= n {
		return nil, 0, fmt.Errorf("there is no picture %d: the data set has %d, numbered from 0", i, n)
	}
	for range n {
		if !d.isBad(i) {
			pixels, err := d.read(d.Path(i))
			if err == nil {
				return pixels, d.Label(i), nil
			}
			if !d.options.SkipBad {
				return nil, 0, err
			}
			d.note(i, err)
		}
		i = (i + 1) % n
	}
	return nil, 0, errors.New("none of the pictures can be used")
}

// Own reads picture i and no other in its place, even with SkipBad.
func (d *Dataset) Own(i int) ([]byte, error) { return d.read(d.Path(i)) }

func (d *Dataset) isBad(i int) bool {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	return d.bad[i] != nil
}

func (d *Dataset) note(i int, err error) {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	d.bad[i] = err
}

// Bad returns why pictures were left out so far, in their order, one error for
// each, which names the file.
func (d *Dataset) Bad() []error {
	d.mutex.Lock()
	defer d.mutex.Unlock()
	var all []error
	for _, i := range slices.Sorted(maps.Keys(d.bad)) {
		all = append(all, d.bad[i])
	}
	return all
}

// good returns the numbers of the pictures that can be used. It reads all of them.
func (d *Dataset) good() (all []int, err error) {
	for i := range d.index.len() {
		if _, err := d.Own(i); err != nil {
			d.note(i, err)
			continue
		}
		all = append(all, i)
	}
	if len(all) == 0 {
		return nil, errors.New("none of the pictures can be used")
	}
	return all, nil
}
