package main

import (
	"fmt"
	"image/png"
	"io"
	"math/rand/v2"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"inkling/data"
	"inkling/internal/atomicfile"
	"inkling/plot"
)

func newShow() *cobra.Command {
	var dataName, out string
	var number int
	var seed uint64
	c := &cobra.Command{
		Use:   "show",
		Short: "Look at some pictures of a data set",
		Long: `Draw a random batch of training pictures with their labels, as a PNG file and,
if this is a terminal, right here. Looking at the data is the first step of every
training: a wrong label or a picture lying on its side is seen at once.`,
		Example: `  inkling show
  inkling show --count 64 --seed 7 --out many.png
  inkling show --data emnist`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			const most = 1024
			if number < 1 || number > most {
				return usagef("--count is %d, want 1 to %d", number, most)
			}
			set, err := findPictures(dataName)
			if err != nil {
				return err
			}
			d, err := openLimited(set, true, 0)
			if err != nil {
				return err
			}
			batch, err := randomBatch(d, number, seed)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "Data: %s.\n", set.title)
			if err := printBatch(c.OutOrStdout(), batch); err != nil {
				return err
			}
			if err := writeGrid(out, batch); err != nil {
				return err
			}
			_, err = fmt.Fprintf(c.OutOrStdout(), "Drew %s in %s.\n", count(batch.Len(), "picture"), out)
			return err
		},
	}
	f := c.Flags()
	f.StringVar(&dataName, "data", "auto", dataHelp)
	f.IntVar(&number, "count", 16, "show `N` pictures")
	f.Uint64Var(&seed, "seed", 1, "`NUMBER` that the choice follows from")
	f.StringVar(&out, "out", "batch.png", "draw them in `FILE`, a PNG")
	return c
}

// randomBatch returns n pictures of d, or all if there are not so many.
func randomBatch(d data.Dataset, n int, seed uint64) (data.Dataset, error) {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(d.Len())
	return data.NewSubset(d, order[:min(n, len(order))])
}

// examples returns the pixels of all pictures of d and the names of their
// classes.
func examples(d data.Dataset) (pixels []byte, labels []string, err error) {
	for i := range d.Len() {
		picture, label, err := d.Example(i)
		if err != nil {
			return nil, nil, err
		}
		pixels = append(pixels, picture...)
		labels = append(labels, d.Classes()[label])
	}
	return pixels, labels, nil
}

// writeGrid draws the pictures of d with their labels in a PNG file.
func writeGrid(path string, d data.Dataset) error {
	pixels, labels, err := examples(d)
	if err != nil {
		return err
	}
	channels, height, width := d.Shape()
	img, err := plot.Grid{Scale: 3, Labels: labels}.Bytes(pixels, channels, height, width)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// printBatch prints the labels of pictures, and above them the pictures if out
// is a terminal.
func printBatch(out io.Writer, d data.Dataset) error {
	pixels, labels, err := examples(d)
	if err != nil {
		return err
	}
	f := terminal(out)
	if f == nil {
		_, err := fmt.Fprintln(out, strings.Join(labels, " "))
		return err
	}
	channels, height, width := d.Shape()
	columns, _, err := term.GetSize(int(f.Fd()))
	if err != nil || columns < 1 {
		columns = 80
	}
	perRow := min(max(columns/width, 1), 8)
	size := channels * height * width
	for from := 0; from < len(labels); from += perRow {
		to := min(from+perRow, len(labels))
		img, err := plot.Grid{Columns: perRow, Padding: -1}.Bytes(pixels[from*size:to*size], channels, height, width)
		if err != nil {
			return err
		}
		if err := plot.Terminal(f, img, columns); err != nil {
			return err
		}
		for _, label := range labels[from:to] {
			fmt.Fprintf(f, "%-*s", width, strings.Repeat(" ", width/2)+label)
		}
		fmt.Fprintln(f)
	}
	return nil
}
