package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/data/samples"
	"inkling/internal/wording"
)

// showOptions are the flags of show.
type showOptions struct {
	data     string
	pictures pictureOptions
	test     bool
	count    int
	augment  string
	versions int
	seed     uint64
	graphics string
	out      string
}

func newShow() *cobra.Command {
	var o showOptions
	c := &cobra.Command{
		Use:   "show",
		Short: "Look at some pictures of a data set",
		Long: `Draw a random batch of training pictures with their labels, as a PNG file and,
if this is a terminal, right here. Looking at the data is the first step of every
training: a wrong label or a picture lying on its side is seen at once. Texts are
printed with their labels, and recordings drawn as the spectrograms that networks read.

With --augment the pictures are changed at random as a training with the same
--augment would. Does a person still read them? Then a network can learn it.

` + augmentHelp() + `

The terminal is known by its environment. With --graphics another way to draw is
chosen; a file or a pipe gets pictures only then.`,
		Example: `  inkling show
  inkling show --count 64 --seed 7 --out many.png
  inkling show --data emnist
  inkling show --augment auto --count 3 --versions 8
  inkling show --data photos --augment crop=8,flip,color=0.4
  inkling show --data reviews.tsv`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			ctx, stop := interruptible()
			defer stop()
			return o.run(ctx, c.OutOrStdout())
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.data, "data", "auto", dataHelp)
	o.pictures.flags(f)
	o.pictures.samples.flags(f)
	o.pictures.samples.inputFlags(f)
	f.BoolVar(&o.test, "test", false, "show pictures to test with")
	f.IntVar(&o.count, "count", 16, "show `N` pictures")
	f.StringVar(&o.augment, "augment", "", augmentFlag)
	f.IntVar(&o.versions, "versions", 1, "show every picture `N` times, changed in other ways")
	f.Uint64Var(&o.seed, "seed", 1, "`NUMBER` that the choice follows from")
	f.StringVar(&o.graphics, "graphics", "auto", "draw in the terminal by this `WAY`: auto, kitty, iterm2, sixel, blocks, none")
	f.StringVar(&o.out, "out", "batch.png", "draw them in `FILE`, a PNG; none if it is empty")
	return c
}

func (o *showOptions) run(ctx context.Context, out io.Writer) error {
	const most = 1024
	if o.count < 1 || o.count > most {
		return usagef("--count is %d, want 1 to %d", o.count, most)
	}
	if o.versions < 1 || o.versions > most/o.count {
		return usagef("--versions is %d, want 1 to %d, so that there are %s at most", o.versions, most/o.count, wording.Count(most, "picture"))
	}
	if err := o.pictures.samples.check(o.seed); err != nil {
		return err
	}
	graphics, err := findGraphics(o.graphics, out)
	if err != nil {
		return err
	}
	o.pictures.samples.weighs = true // as what is trained usually does
	set, err := findPicturesAs(ctx, o.data, o.pictures)
	if err != nil {
		return err
	}
	d, err := openLimited(set, !o.test, 0)
	if err != nil {
		return err
	}
	if set.kind() != inkling.Pictures && o.augment != "" {
		return usagef("--augment is shown of pictures, and these are %s: leave it out", set.kind())
	}
	switch set.kind() {
	case inkling.Texts, inkling.Vectors:
		return o.showRows(out, set, d)
	case inkling.Recordings:
		d = &spectrograms{d, set.sound}
	}
	channels, height, width := d.Shape()
	augmentation, err := parseAugment(o.augment, channels, height, width, holdsSymbols(d.Classes()))
	if err != nil {
		return err
	}
	if o.versions > 1 && augmentation.Spec == "" {
		return usagef("--versions %d wants --augment: without it all versions are the same", o.versions)
	}
	batch, err := randomBatch(d, o.count, o.seed)
	if err != nil {
		return err
	}
	g, err := newGallery(batch, o.versions)
	if err != nil {
		return err
	}
	g.augment(augmentation, o.seed)

	fmt.Fprintf(out, "Data: %s.\n", set.title)
	if set.kind() != inkling.Pictures {
		fmt.Fprintf(out, "%s\nLow pitches are below, and light is loud: %s.\n", set.reason, set.describe())
	}
	if augmentation.Spec != "" {
		fmt.Fprintf(out, "Augmented by %s.\n", augmentation.Spec)
	}
	if note := set.leftOut(); note != "" {
		fmt.Fprintln(out, note)
	}
	if err := g.print(out, graphics); err != nil {
		return err
	}
	if o.out == "" {
		return nil
	}
	if err := g.save(o.out); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Drew %s in %s.\n", count(len(g.labels), set.kind().One()), o.out)
	return err
}

// showRows prints some texts or vectors with their labels.
func (o *showOptions) showRows(out io.Writer, set *pictureSet, d data.Dataset) error {
	batch, err := randomBatch(d, o.count, o.seed)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "Data: %s. %s\nRead as %s.\n\n", set.title, set.reason, set.describe())
	for i := range batch.Len() {
		origin, at := data.Origin(batch, i)
		item := origin.(interface{ item(i int) samples.Item }).item(at)
		what := item.Text
		if item.Row != nil {
			what = numbersText(item.Row)
		}
		if _, err := fmt.Fprintf(out, "%s\t%s\n", printable(item.Label), printable(shortened(what, 160))); err != nil {
			return err
		}
	}
	return nil
}
