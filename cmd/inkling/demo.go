package main

import (
	"context"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"inkling/data"
	"inkling/models"
	"inkling/train"
	"inkling/weights"
)

// demoPictures is how many pictures the demo shows, and later reads.
const demoPictures = 4

func newDemo() *cobra.Command {
	var o trainOptions
	c := &cobra.Command{
		Use:   "demo",
		Short: "The whole tour: train, test, save, load, predict",
		Long: `Go through the classic tutorial once and say at each step what happens: look at
the pictures, make a network, train it, test it, save it, load it again, and let it
read some test pictures. With the digits of MNIST, which are built in, it needs
nothing else and takes seconds.

examples/tutorial/main.go in the source is the same as one short program.`,
		Example: `  inkling demo
  inkling demo --epochs 5 --out five.pth`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.test = true
			if err := o.check(); err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			return demo(ctx, &o, c.OutOrStdout())
		},
	}
	o.flags(c)
	c.Flags().MarkHidden("test") // it is a part of the tour
	return c
}

func demo(ctx context.Context, o *trainOptions, out io.Writer) error {
	step := 0
	say := func(format string, values ...any) {
		step++
		fmt.Fprintf(out, "\n%d. "+format+"\n\n", append([]any{step}, values...)...)
	}
	set, err := findPictures(o.data)
	if err != nil {
		return err
	}
	d, err := openLimited(set, true, o.limit)
	if err != nil {
		return err
	}
	batch, err := randomBatch(d, demoPictures, o.seed)
	if err != nil {
		return err
	}
	say("Look at the data. Some of the %s pictures of %s, with their labels:", thousands(d.Len()), set.title)
	if err := printBatch(out, batch); err != nil {
		return err
	}

	say(`Train. The network is LeNet: two convolutions find strokes and their
   arrangement, three linear layers decide. Its %s weights start at random;
   each step shows it %d pictures, and every weight moves a little to where the
   loss (how wrong the network was) is smaller. Watch the loss fall:`, thousands(parameters(models.NewLeNet(len(d.Classes()), 0))), o.batch)
	result, err := runTraining(ctx, o, newReporter(out, false))
	if err != nil {
		return err
	}

	e := result.evaluation
	say(`How good is that? Guessing would be right for %s. The accuracy above counts
   pictures that the network has never seen. By class:`, percent(1/float64(len(e.Classes))))
	if err := printClasses(out, e); err != nil {
		return err
	}

	say(`Load %s again and let it read some test pictures. PyTorch loads the file,
   too: net.load_state_dict(torch.load("%s")).`, o.out, o.out)
	return demoPredict(out, o, result)
}

// demoPredict loads the saved model and lets it read some test pictures.
func demoPredict(out io.Writer, o *trainOptions, result *trained) error {
	m, err := openModel(o.out)
	if err != nil {
		return err
	}
	m.orient("", weights.Upright, "")
	batch, err := randomBatch(result.test, demoPictures, o.seed)
	if err != nil {
		return err
	}
	if err := printBatch(out, batch); err != nil {
		return err
	}
	if err := predictBatch(out, m, batch); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "\nNow yours: inkling predict %s PICTURE\n", o.out)
	return err
}

func predictBatch(out io.Writer, m *model, d data.Dataset) error {
	reader, err := newReader(m)
	if err != nil {
		return err
	}
	for i := range d.Len() {
		pixels, label, err := d.Example(i)
		if err != nil {
			return err
		}
		probabilities, err := reader.read(pixels)
		if err != nil {
			return err
		}
		best := train.Argmax(probabilities)
		verdict := "right"
		if best != label {
			verdict = "wrong, it is " + d.Classes()[label]
		}
		fmt.Fprintf(out, "read as %s, sure to %s: %s\n", m.about.Classes[best], percent(float64(probabilities[best])), verdict)
	}
	return nil
}
