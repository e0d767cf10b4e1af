// Command gather puts several idx data sets of pictures together, as the ones to
// train on in a folder that "inkling train --data" reads as EMNIST's split mnist:
//
//	go run ./models/digits/gather FOLDER PREFIX...
//
// The files of each data set are PREFIX-images-idx3-ubyte.gz and
// PREFIX-labels-idx1-ubyte.gz. Their pictures come in the order of the prefixes,
// and lie as they lay.
package main

import (
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"inkling/data/idx"
	"inkling/internal/atomicfile"
)

func main() {
	if err := gather(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "gather:", err)
		os.Exit(1)
	}
}

func gather(args []string) error {
	if len(args) < 2 {
		return errors.New("want FOLDER PREFIX...")
	}
	folder, prefixes := args[0], args[1:]
	all := &idx.Images{}
	var labels []byte
	for _, prefix := range prefixes {
		dir, name := filepath.Split(prefix)
		images, own, err := idx.Open(os.DirFS(filepath.Clean(dir+".")), name+"-images-idx3-ubyte.gz", name+"-labels-idx1-ubyte.gz")
		if err != nil {
			return err
		}
		if all.Count > 0 && (images.Height != all.Height || images.Width != all.Width) {
			return fmt.Errorf("the pictures of %s are %dx%d, but those before it %dx%d", prefix, images.Height, images.Width, all.Height, all.Width)
		}
		all.Count += images.Count
		all.Height, all.Width = images.Height, images.Width
		all.Pixels = append(all.Pixels, images.Pixels...)
		labels = append(labels, own...)
	}
	if err := os.MkdirAll(folder, 0o755); err != nil {
		return err
	}
	base := filepath.Join(folder, "emnist-mnist-train")
	err := atomicfile.Write(base+"-images-idx3-ubyte", func(w io.Writer) error { return idx.WriteImages(w, all) })
	if err != nil {
		return err
	}
	return atomicfile.Write(base+"-labels-idx1-ubyte", func(w io.Writer) error { return idx.WriteLabels(w, labels) })
}
