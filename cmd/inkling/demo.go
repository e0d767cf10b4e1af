package main

import (
	"context"
	"fmt"
	"io"
	"log/slog"
	"path/filepath"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/train"
	"inkling/weights"
)

// demoPictures is how many pictures the demo shows, and later reads.
const demoPictures = 4

func newDemo() *cobra.Command {
	var o trainOptions
	page := serveOptions{preprocess: "auto", logLevel: "warn"}
	var noServe bool
	c := &cobra.Command{
		Use:   "demo",
		Short: "The whole tour: train, test, save, load, predict, draw",
		Long: `Go through the classic tutorial once and say at each step what happens: look at
the pictures, make a network, train it, test it, save it, load it again, let it read
some test pictures, and in the end what you draw, on a page for the browser. With the
digits of MNIST, which are built in, it needs nothing else and takes seconds.

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
			page.otherPort = !c.Flags().Changed("addr")
			ctx, stop := interruptible()
			defer stop()
			ctx, out, stop := watched(ctx, c.OutOrStdout())
			defer stop()
			m, err := demo(ctx, &o, out)
			if err != nil || noServe || m.Drawable(o.out) != nil { // nobody draws photographs
				return err
			}
			return demoPage(ctx, out, page.logger(c.ErrOrStderr(), level), m, filepath.Base(o.out), &page)
		},
	}
	o.flags(c)
	f := c.Flags()
	f.MarkHidden("test") // it is a part of the tour
	f.BoolVar(&noServe, "no-serve", false, "end before the page")
	f.StringVar(&page.address, "addr", defaultAddress, "show the page at this `ADDRESS`; port 0 takes any that is free")
	f.BoolVar(&page.open, "open", false, "open the page in the browser")
	return c
}

// demo goes through the tour as far as the page, and returns the model that it
// has trained, saved and loaded.
func demo(ctx context.Context, o *trainOptions, out io.Writer) (*inkling.Classifier, error) {
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
	say("Look at the data. Some of the %s of %s, with their labels:", count(d.Len(), "picture"), p.set.title)
	if err := printBatch(out, batch); err != nil {
		return nil, err
	}

	say(`Train. The network is %s: its convolutions find strokes and their
   arrangement, its last layers decide. Its %s weights start at random;
   each step shows it %s, and every weight moves a little to where the
   loss (how wrong the network was) is smaller. Watch the loss fall:`, p.model.Architecture(), thousands(inkling.Parameters(p.model.Network)), count(o.batch, "picture"))
	result, err := finishTraining(ctx, o, r, saver, p)
	if err != nil {
		return nil, err
	}

	e := result.evaluation
	say(`How good is that? Guessing would be right for %s. The accuracy above counts
   pictures that the network has never seen. By class:`, percent(1/float64(len(e.Classes))))
	if err := printClasses(out, inkling.Pictures, e); err != nil {
		return nil, err
	}

	say(`Load %s again and let it read some test pictures. PyTorch loads the file,
   too: net.load_state_dict(torch.load("%s")).`, o.out, o.out)
	return demoPredict(out, o, result)
}

// demoPage shows the page on which the model reads what is drawn.
func demoPage(ctx context.Context, out io.Writer, log *slog.Logger, m *inkling.Classifier, name string, o *serveOptions) error {
	fmt.Fprintf(out, "\n5. Draw. On this page the network reads what you draw, and shows what it sees.\n\n")
	return serve(ctx, out, log, m, name, o)
}

// demoPredict loads the saved model and lets it read some test pictures.
func demoPredict(out io.Writer, o *trainOptions, result *trained) (*inkling.Classifier, error) {
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
	if err := predictBatch(out, m, batch); err != nil {
		return nil, err
	}
	fmt.Fprintf(out, "\nNow yours: inkling predict %s PICTURE\n", o.out)
	return m, nil
}

func predictBatch(out io.Writer, m *inkling.Classifier, d data.Dataset) error {
	reader, err := inkling.NewReader(m, m.Transform())
	if err != nil {
		return err
	}
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
		verdict := "right"
		if best != label {
			verdict = "wrong, it is " + d.Classes()[label]
		}
		fmt.Fprintf(out, "read as %s, sure to %s: %s\n", m.About.Classes[best], percent(float64(probabilities[best])), verdict)
	}
	return nil
}
