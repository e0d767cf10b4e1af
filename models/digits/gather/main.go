// Command gather puts several idx data sets of pictures together, as the ones to
// train on in a folder that "inkling train --data" reads as EMNIST's split mnist:
//
//	go run ./models/digits/gather [-distorted N] [-drawn N] FOLDER PREFIX...
//
// The files of each data set are PREFIX-images-idx3-ubyte.gz and
// PREFIX-labels-idx1-ubyte.gz. Their pictures come in the order of the prefixes,
// and lie as they lay: transposed, as EMNIST's do. To them come, if asked for,
//
//   - N distorted copies of each picture, see [distort];
//   - N drawings of each of the shapes in [shapes], ways to write digits that
//     EMNIST, whose writers are American, has too few of.
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

	"inkling/data/idx"
	"inkling/internal/atomicfile"
	"inkling/sketch"
)

const size = sketch.Size * sketch.Size

func main() {
	distorted := flag.Int("distorted", 0, "add so many distorted copies of each picture")
	drawn := flag.Int("drawn", 0, "add so many drawings of each shape")
	flag.Parse()
	if err := gather(flag.Args(), *distorted, *drawn); err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

func gather(args []string, distorted, drawn int) error {
	if len(args) < 2 {
		return errors.New("want a folder and the prefixes of the files to put into it")
	}
	folder, prefixes := args[0], args[1:]
	all := &idx.Images{Height: sketch.Size, Width: sketch.Size}
	var labels []byte
	add := func(pixels []byte, label byte) {
		all.Pixels = append(all.Pixels, pixels...)
		labels = append(labels, label)
	}
	for _, prefix := range prefixes {
		dir, name := filepath.Split(prefix)
		images, own, err := idx.Open(os.DirFS(filepath.Clean(dir+".")), name+"-images-idx3-ubyte.gz", name+"-labels-idx1-ubyte.gz")
		if err != nil {
			return err
		}
		if images.Height != all.Height || images.Width != all.Width {
			return fmt.Errorf("the pictures of %s are %dx%d, want %dx%d", prefix, images.Height, images.Width, all.Height, all.Width)
		}
		all.Pixels = append(all.Pixels, images.Pixels...)
		labels = append(labels, own...)
	}
	const seed, stream = 1, 0x64696769747 // "digit"
	r := rand.New(rand.NewPCG(seed, stream))
	originals := len(labels)
	for i := range originals * distorted {
		picture := all.Pixels[i%originals*size:][:size]
		add(distort(r, picture), labels[i%originals])
	}
	for range drawn {
		for _, s := range shapes {
			picture, err := s.draw(r)
			if err != nil {
				return err
			}
			add(picture, s.label)
		}
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	all.Count = len(labels)
	base := filepath.Join(folder, "emnist-mnist-train")
	err := atomicfile.Write(base+"-images-idx3-ubyte", func(w io.Writer) error { return idx.WriteImages(w, all) })
	if err != nil {
		return err
	}
	return atomicfile.Write(base+"-labels-idx1-ubyte", func(w io.Writer) error { return idx.WriteLabels(w, labels) })
}
