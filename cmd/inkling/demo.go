package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/nn"
	"inkling/train"
	"inkling/weights"
)

// demoPictures is how many pictures the demo shows, and later reads; demoDrawn is how many
// of each it draws in files.
const (
	demoPictures = 4
	demoDrawn    = 16
)

// The files that the demo draws beside the model's.
const (
	demoBatch       = "batch.png"
	demoPredictions = "predictions.png"
)

func newDemo() *cobra.Command {
	var o trainOptions
	page := serveOptions{preprocess: "auto", logLevel: "warn"}
	var noServe bool
	var language string
	c := &cobra.Command{
		Use:   "demo",
		Short: "The whole tour: train, test, save, load, predict, draw",
		Long: `Go through the classic tutorial once and say at each step what happens: look at
the pictures, make a network, train it, test it, save it, load it again, let it read
some test pictures, and in the end what you draw, on a page for the browser. With the
digits of MNIST, which are built in, it needs nothing else and takes seconds.

Pictures of the data are drawn in batch.png, and test pictures with what the network
reads in them in predictions.png. docs/lesson in the source tells the same at leisure.

The page stays until Ctrl-C; --no-serve ends before it, and so does a network that
reads other pictures than drawings become, as of photographs.

examples/tutorial/main.go in the source is the same, without the page, as one short
program.`,
		Example: `  inkling demo --open
  inkling demo --epochs 5 --out five.pth --no-serve`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.test = true
			if err := o.check(); err != nil {
				return err
			}
			level, err := page.check()
			if err != nil {
				return err
			}
			words, err := demoWordsFor(language, os.Getenv)
			if err != nil {
				return err
			}
			page.otherPort = !c.Flags().Changed("addr")
			ctx, stop := interruptible()
			defer stop()
			ctx, out, stop := watched(ctx, c.OutOrStdout())
			defer stop()
			m, err := demo(ctx, &o, words, out)
			if err != nil || noServe || m.Drawable(o.out) != nil { // nobody draws photographs
				return err
			}
			return demoPage(ctx, out, words, page.logger(c.ErrOrStderr(), level), m, filepath.Base(o.out), &page)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.MarkHidden("test") // it is a part of the tour
	f.StringVar(&language, "lang", "auto", "tell it in this `LANGUAGE`: en, zh, or auto, which is what LANG says")
	f.BoolVar(&noServe, "no-serve", false, "end before the page")
	f.StringVar(&page.address, "addr", defaultAddress, "show the page at this `ADDRESS`; port 0 takes any that is free")
	f.BoolVar(&page.open, "open", false, "open the page in the browser")
	return c
}

// demo goes through the tour as far as the page, and returns the model that it
// has trained, saved and loaded.
func demo(ctx context.Context, o *trainOptions, words *demoWords, out io.Writer) (*inkling.Classifier, error) {
	step := 0
	say := func(format string, values ...any) {
		step++
		fmt.Fprintf(out, "\n%d. "+format+"\n\n", append([]any{step}, values...)...)
	}
	r := newReporter(out, false)
	saver, p, err := beginTraining(ctx, o, r)
	if err != nil {
		return nil, err
	}
	defer saver.release()
	if p.test == nil {
		return nil, fmt.Errorf("%s has no pictures to test with, which the tour shows, and too few to hold some out", p.set.title)
	}
	d := p.train
	batch, err := randomBatch(d, demoPictures, o.seed)
	if err != nil {
		return nil, err
	}
	say(words.look, thousands(d.Len()), p.set.title)
	if err := printBatch(out, batch); err != nil {
		return nil, err
	}
	more, err := randomBatch(d, demoDrawn, o.seed)
	if err != nil {
		return nil, err
	}
	if err := writeGrid(demoBatch, more); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, words.drawn+"\n", demoBatch)

	say(words.train, p.model.Architecture(), thousands(inkling.Parameters(p.model.Network)), thousands(o.batch))
	summary, err := nn.Summary(p.model.Network, append([]int{1}, p.model.Input()...)...)
	if err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "%s\n\n%s\n\n", strings.TrimSpace(summary.String()), words.watch)
	result, err := finishTraining(ctx, o, r, saver, p)
	if err != nil {
		return nil, err
	}

	e := result.evaluation
	say(words.good, percent(1/float64(len(e.Classes))))
	if err := printClasses(out, inkling.Pictures, e); err != nil {
		return nil, err
	}

	say(words.load, o.out, o.out)
	return demoPredict(out, words, o, result)
}

// demoPage shows the page on which the model reads what is drawn.
func demoPage(ctx context.Context, out io.Writer, words *demoWords, log *slog.Logger, m *inkling.Classifier, name string, o *serveOptions) error {
	fmt.Fprintf(out, "\n5. %s\n\n", words.draw)
	return serve(ctx, out, log, m, name, o)
}

// demoPredict loads the saved model and lets it read some test pictures.
func demoPredict(out io.Writer, words *demoWords, o *trainOptions, result *trained) (*inkling.Classifier, error) {
	m, err := inkling.Open(o.out)
	if err != nil {
		return nil, err
	}
	m.Orient("", weights.Upright, "")
	batch, err := randomBatch(result.test, demoPictures, o.seed)
	if err != nil {
		return nil, err
	}
	if err := printBatch(out, batch); err != nil {
		return nil, err
	}
	more, err := randomBatch(result.test, demoDrawn, o.seed)
	if err != nil {
		return nil, err
	}
	if err := predictBatch(out, words, m, batch, more); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, words.drawn+"\n", demoPredictions)
	fmt.Fprintf(out, words.yours+"\n", o.out)
	return m, nil
}

// predictBatch reads some pictures, and tells it, and draws more with what is read in them.
func predictBatch(out io.Writer, words *demoWords, m *inkling.Classifier, told, drawn data.Dataset) error {
	reader, err := inkling.NewReader(m, m.Transform())
	if err != nil {
		return err
	}
	read := func(d data.Dataset, each func(i, label, best int, probability float32)) error {
		for i := range d.Len() {
			pixels, label, err := d.Example(i)
			if err != nil {
				return err
			}
			probabilities, err := reader.Read(pixels)
			if err != nil {
				return err
			}
			best := train.Argmax(probabilities)
			each(i, label, best, probabilities[best])
		}
		return nil
	}
	err = read(told, func(_, label, best int, probability float32) {
		verdict := words.right
		if best != label {
			verdict = fmt.Sprintf(words.wrong, told.Classes()[label])
		}
		fmt.Fprintf(out, words.read+"\n", m.About.Classes[best], percent(float64(probability)), verdict)
	})
	if err != nil {
		return err
	}
	g, err := newGallery(drawn, 1)
	if err != nil {
		return err
	}
	err = read(drawn, func(i, label, best int, _ float32) {
		g.captions[i] = g.classes[best]
		if best != label {
			g.captions[i] += " (" + g.classes[label] + ")"
		}
	})
	if err != nil {
		return err
	}
	return g.save(demoPredictions)
}
