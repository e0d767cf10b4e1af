// Command gather puts several idx data sets of pictures together, as the ones to
// train on in a folder that "inkling train --data" reads as EMNIST's split mnist:
//
//	go run ./models/digits/gather [-distorted N] [-upright PREFIXES] [-strokes FILE [-writers NAMES] [-copies N]] FOLDER PREFIX...
//
// The files of each data set are PREFIX-images-idx3-ubyte.gz and
// PREFIX-labels-idx1-ubyte.gz. Their pictures come in the order of the prefixes,
// and lie as they lay: transposed, as EMNIST's do. To them come, if asked for,
//
//   - the pictures of data sets that stand upright, as MNIST's do, laid down;
//   - N distorted copies of each picture, see [vary.Picture];
//   - N pictures of each drawing in a file of strokes, see [vary.Strokes].
//
// The same arguments give the same files.
package main

import (
	"errors"
	"flag"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkling/data/idx"
	"inkling/internal/atomicfile"
	"inkling/models/digits/internal/vary"
	"inkling/sketch"
)

const size = sketch.Size * sketch.Size

// options are the flags.
type options struct {
	distorted, copies int
	strokes           string
	writers, upright  []string
}

func main() {
	var o options
	flag.IntVar(&o.distorted, "distorted", 0, "add `N` distorted copies of each picture")
	upright := flag.String("upright", "", "add the data sets of these `PREFIXES`, whose pictures stand upright")
	flag.StringVar(&o.strokes, "strokes", "", "add pictures of the drawings in `FILE`, which inkling eval-strokes describes")
	writers := flag.String("writers", "*", "only what these `NAMES` drew; a name may have *, ? and [a-z]")
	flag.IntVar(&o.copies, "copies", 1, "draw each of them `N` times")
	flag.Parse()
	o.writers = strings.Split(*writers, ",")
	if *upright != "" {
		o.upright = strings.Split(*upright, ",")
	}
	if err := o.gather(flag.Args()); err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

// A collection is pictures with their labels.
type collection struct {
	images idx.Images
	labels []byte
}

func (c *collection) add(pixels []byte, labels ...byte) {
	c.images.Pixels = append(c.images.Pixels, pixels...)
	c.labels = append(c.labels, labels...)
}

// open adds the data set whose files begin with prefix. Pictures that stand upright are laid down.
func (c *collection) open(prefix string, upright bool) error {
	dir, name := filepath.Split(prefix)
	images, labels, err := idx.Open(os.DirFS(filepath.Clean(dir+".")), name+"-images-idx3-ubyte.gz", name+"-labels-idx1-ubyte.gz")
	if err != nil {
		return err
	}
	if images.Height != sketch.Size || images.Width != sketch.Size {
		return fmt.Errorf("the pictures of %s are %dx%d, want %dx%d", prefix, images.Height, images.Width, sketch.Size, sketch.Size)
	}
	if upright {
		for picture := range slices.Chunk(images.Pixels, size) {
			layDown(picture)
		}
	}
	c.add(images.Pixels, labels...)
	return nil
}

// layDown mirrors a picture on its diagonal, in place: one that stands upright comes to lie as
// EMNIST's do.
func layDown(picture []byte) {
	for y := range sketch.Size {
		for x := range y {
			a, b := &picture[y*sketch.Size+x], &picture[x*sketch.Size+y]
			*a, *b = *b, *a
		}
	}
}

func (o *options) gather(args []string) error {
	if len(args) < 2 {
		return errors.New("want a folder and the prefixes of the files to put into it")
	}
	folder, prefixes := args[0], args[1:]
	all := collection{images: idx.Images{Height: sketch.Size, Width: sketch.Size}}
	for _, prefix := range prefixes {
		if err := all.open(prefix, false); err != nil {
			return err
		}
	}
	for _, prefix := range o.upright {
		if err := all.open(prefix, true); err != nil {
			return err
		}
	}
	const seed, stream = 1, 0x64696769747 // "digit"
	r := rand.New(rand.NewPCG(seed, stream))
	originals := len(all.labels)
	for i := range originals * o.distorted {
		picture := all.images.Pixels[i%originals*size:][:size]
		all.add(vary.Picture(r, picture), all.labels[i%originals])
	}
	if err := o.addDrawings(r, &all); err != nil {
		return err
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	all.images.Count = len(all.labels)
	base := filepath.Join(folder, "emnist-mnist-train")
	err := atomicfile.Write(base+"-images-idx3-ubyte", func(w io.Writer) error { return idx.WriteImages(w, &all.images) })
	if err != nil {
		return err
	}
	return atomicfile.Write(base+"-labels-idx1-ubyte", func(w io.Writer) error { return idx.WriteLabels(w, all.labels) })
}
