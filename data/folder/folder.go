// Package folder opens pictures of one's own: a folder with a folder of pictures
// for every class, as torchvision's ImageFolder takes it,
//
//	train/cat/tom.jpg
//	train/dog/rex.png
//
// or a list of paths and labels in a CSV file. Pictures are PNG, JPEG, GIF (the
// first frame), BMP, TIFF or WebP; their content decides, not their name.
//
// Only the names are kept in memory. A picture is read when it is asked for, made
// gray or coloured as is wanted, seen on white paper where it is transparent, and
// resized to the one size that all of them have. What a camera notes about its
// position is not looked at.
package folder

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"path"
	"slices"
	"strings"
	"sync"
)

// Options say what is made of the pictures. The zero value takes colour pictures
// that all have the size of the first.
type Options struct {
	// Channels is 3 for red, green and blue or 1 for gray. 0 means 3.
	Channels int

	// Height and Width are what every picture is resized to, as
	// transform.Resize does it. With 0 all must have the size of the first one.
	Height, Width int

	// SkipBad hands out, in the place of a picture that cannot be used, the next
	// one that can; see [Dataset.Bad]. Without it such a picture is an error.
	SkipBad bool

	// MaxPixels is how many pixels a picture may have before it is resized, so
	// that a small file cannot ask for a large memory. 0 means 50,000,000.
	MaxPixels int
}

// extensions are those that pictures have. Other files in the folder of a class,
// such as thumbnails' lists, are left alone.
var extensions = []string{".png", ".jpg", ".jpeg", ".gif", ".bmp", ".tif", ".tiff", ".webp"}

// picture is a file and its label.
type picture struct {
	path  string
	label int
}

// Dataset is pictures in files. It implements data.Dataset; its methods may be
// called from several goroutines at once.
type Dataset struct {
	fsys     fs.FS
	pictures []picture
	classes  []string
	options  Options

	mutex sync.Mutex
	bad   map[int]error
}

// Open opens the folder that fsys is. Its folders are the classes, in the order
// of their names, with all pictures in them and below them. It reads one picture
// if the size is not given, and else none.
func Open(fsys fs.FS, o Options) (*Dataset, error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, fmt.Errorf("the folder of pictures cannot be read: %w", err)
	}
	d := &Dataset{fsys: fsys}
	for _, e := range entries { // sorted by name
		if !e.IsDir() || strings.HasPrefix(e.Name(), ".") {
			continue
		}
		before := len(d.pictures)
		err := fs.WalkDir(fsys, e.Name(), func(name string, e fs.DirEntry, err error) error {
			if err == nil && e.Type().IsRegular() && slices.Contains(extensions, strings.ToLower(path.Ext(name))) {
				d.pictures = append(d.pictures, picture{name, len(d.classes)})
			}
			return err
		})
		if err != nil {
			return nil, fmt.Errorf("the folder of class %q cannot be read: %w", e.Name(), err)
		}
		if len(d.pictures) == before {
			return nil, fmt.Errorf("the folder of class %q has no pictures (%s): put some in or take it away", e.Name(), strings.Join(extensions, " "))
		}
		d.classes = append(d.classes, e.Name())
	}
	if len(d.classes) == 0 {
		return nil, errors.New("there are no folders in it: want one for every class, with the pictures of that class")
	}
	return d, d.begin(o)
}

// begin checks the options and finds the size out if it is not given.
func (d *Dataset) begin(o Options) error {
	o.Channels = cmp.Or(o.Channels, 3)
	o.MaxPixels = cmp.Or(o.MaxPixels, 50_000_000)
	const most = 1 << 15
	switch {
	case o.Channels != 1 && o.Channels != 3:
		return fmt.Errorf("pictures of %d channels are wanted: give 1 or 3", o.Channels)
	case (o.Height == 0) != (o.Width == 0), o.Height < 0, o.Width < 0, o.Height > most, o.Width > most:
		return fmt.Errorf("pictures of height %d and width %d are wanted: give 1 to %d for both, or 0 for both", o.Height, o.Width, most)
	case o.MaxPixels < 0:
		return fmt.Errorf("pictures may have %d pixels: give 1 or more", o.MaxPixels)
	}
	d.options, d.bad = o, map[int]error{}
	if o.Height != 0 {
		return nil
	}
	for i, p := range d.pictures {
		config, err := d.config(p.path)
		if err == nil {
			d.options.Height, d.options.Width = config.Height, config.Width
			return nil
		}
		if !o.SkipBad {
			return err
		}
		d.note(i, err)
	}
	return errors.New("none of the pictures can be used")
}

// Len is the number of pictures, with those that turn out to be bad.
func (d *Dataset) Len() int { return len(d.pictures) }

// Shape is the shape of every picture.
func (d *Dataset) Shape() (channels, height, width int) {
	return d.options.Channels, d.options.Height, d.options.Width
}

// Classes names the classes: the folders, or the labels of the list.
func (d *Dataset) Classes() []string { return d.classes }

// Path is where picture i lies, 0 <= i < Len().
func (d *Dataset) Path(i int) string { return d.pictures[i].path }

// Example reads picture i. With SkipBad it is the next one that can be used,
// after the last the first again.
func (d *Dataset) Example(i int) (pixels []byte, label int, err error) {
	if i < 0 || i >= len(d.pictures) {
		return nil, 0, fmt.Errorf("there is no picture %d: the data set has %d, numbered from 0", i, len(d.pictures))
	}
	for range d.pictures {
		if !d.isBad(i) {
			pixels, err := d.read(d.pictures[i].path)
			if err == nil {
				return pixels, d.pictures[i].label, nil
			}
			if !d.options.SkipBad {
				return nil, 0, err
			}
			d.note(i, err)
		}
		i = (i + 1) % len(d.pictures)
	}
	return nil, 0, errors.New("none of the pictures can be used")
}

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
