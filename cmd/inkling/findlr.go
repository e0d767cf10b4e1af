package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"inkling/internal/atomicfile"
	"inkling/optim"
	"inkling/plot"
	"inkling/train"
)

// rateSearch is a test of rates: steps whose rate grows from one to the next.
type rateSearch struct {
	from, to float64
	steps    int
}

func newFindLR() *cobra.Command {
	var o trainOptions
	var search rateSearch
	c := &cobra.Command{
		Use:   "find-lr",
		Short: "Find a learning rate by trying small to large ones",
		Long: `Train for some steps with a learning rate that grows with each of them, from --from to
--to, and look where the loss falls fastest (Smith 2017, arXiv:1506.01186). It ends
early when the loss has become four times the lowest. The losses of single batches
jump; what is drawn and judged is their running mean. The suggestion is the rate of
the steepest fall, or a tenth of that of the lowest loss if that is smaller; it is a
place to begin at, no promise. No model is saved. All other flags are those of train.`,
		Example: `  inkling find-lr
  inkling find-lr --model resnet9 --batch 32 --optimizer adamw --out rates.png`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			o.test = false
			if err := o.check(); err != nil {
				return err
			}
			if err := search.check(); err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			return search.run(ctx, &o, c.OutOrStdout())
		},
	}
	o.flags(c)
	f := c.Flags()
	for _, name := range []string{"test", "force", "save-optimizer", "epochs", "log-every", "lr", "lr-gamma", "schedule", "schedule-step"} {
		f.MarkHidden(name)
	}
	f.Float64Var(&search.from, "from", 1e-6, "begin with this `RATE`")
	f.Float64Var(&search.to, "to", 10, "end with this `RATE`")
	f.IntVar(&search.steps, "steps", 400, "take `N` steps")
	out := f.Lookup("out")
	out.Usage, out.DefValue = "draw the losses in `FILE`, a .png", "find-lr.png"
	o.out = "find-lr.png"
	return c
}

func (s *rateSearch) check() error {
	const fewest, most = 20, 1_000_000
	switch {
	case !(s.from > 0 && s.from < s.to) || math.IsInf(s.to, 0):
		return usagef("--from is %v and --to %v, want 0 < --from < --to", s.from, s.to)
	case s.steps < fewest || s.steps > most:
		return usagef("--steps is %d, want %d to %d", s.steps, fewest, most)
	}
	return nil
}

// errEnoughRates ends the search when the loss has grown too much.
var errEnoughRates = errors.New("the loss has grown too much")

// run tries the rates.
func (s *rateSearch) run(ctx context.Context, o *trainOptions, out io.Writer) error {
	if !strings.EqualFold(filepath.Ext(o.out), ".png") {
		return usagef("--out %s: the drawing's name ends in .png", o.out)
	}
	p, err := o.prepare(ctx)
	if err != nil {
		return err
	}
	loader := o.loader(p)
	lr := settingOf(o.optimizer, "lr")
	if lr == nil {
		return usagef("%s has no learning rate to find", o.class())
	}
	*lr.Value.(*float64) = s.from
	config, err := o.config(p, loader)
	if err != nil {
		return err
	}
	config.Schedule = &optim.ExponentialLR{Gamma: math.Pow(s.to/s.from, 1/float64(s.steps-1))}
	config.ScheduleBatches, config.MaxSteps, config.LogEvery = true, s.steps, 1
	config.Epochs = (s.steps-1)/loader.Len() + 1
	stopping, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	var found curveOfRates
	config.OnEvent = func(e train.Event) {
		if e.Kind == train.LossReport && found.add(e.Rate, e.Loss) {
			abort(errEnoughRates)
		}
	}
	fmt.Fprintf(out, "Data: %s. Network: %s. Trying rates from %v to %v in %d steps of %d.\n", p.set.title, p.model.Architecture(), s.from, s.to, s.steps, o.batch)
	_, err = train.Run(stopping, config)
	var diverged *train.DivergedError
	if err != nil && !errors.Is(err, errEnoughRates) && !errors.As(err, &diverged) {
		return err
	}
	suggestion, ok := found.suggestion()
	chart := plot.Curves("Loss by learning rate", "learning rate", "loss, running mean", true, plot.Series{X: found.rates, Y: found.means})
	if err := atomicfile.Write(o.out, chart.WritePNG); err != nil {
		return err
	}
	fmt.Fprintf(out, "The curve is drawn in %s.\n", o.out)
	if !ok {
		fmt.Fprintf(out, "The loss did not fall at any rate after %s: try more --steps, larger --batch or another range.\n", count(len(found.rates), "step"))
		return nil
	}
	lowest := found.rates[found.lowest]
	fmt.Fprintf(out, "The loss falls fastest at %.2g and is lowest at %.2g, from where on the rate is too large.\nSuggestion: --lr %.2g\n", suggestion, lowest, min(suggestion, lowest/10))
	return nil
}

// curveOfRates is the losses that were seen, and their running mean, an exponential one
// without the bias of its beginning.
type curveOfRates struct {
	rates, means []float64
	mean         float64
	lowest       int // of means
}

// rateMemory is how much of the running mean stays when a loss comes to it.
const rateMemory = 0.95

// add takes in a loss, and tells whether there have been enough.
func (c *curveOfRates) add(rate, loss float64) bool {
	c.mean = rateMemory*c.mean + (1-rateMemory)*loss
	n := len(c.means)
	mean := c.mean / (1 - math.Pow(rateMemory, float64(n+1)))
	c.rates, c.means = append(c.rates, rate), append(c.means, mean)
	if mean < c.means[c.lowest] {
		c.lowest = n
	}
	return n >= rateWarmUp && mean > 4*c.means[c.lowest]
}

// rateWarmUp is how many of the first steps are not judged: the mean is of too few.
const rateWarmUp = 10

// suggestion is the rate at which the mean falls fastest, along the logarithm of the
// rate, before its lowest.
func (c *curveOfRates) suggestion() (rate float64, ok bool) {
	const reach = 5 // steps to either side
	steepest := 0.0
	for i := rateWarmUp + reach; i+reach < len(c.means) && i <= c.lowest; i++ {
		slope := (c.means[i+reach] - c.means[i-reach]) / math.Log(c.rates[i+reach]/c.rates[i-reach])
		if slope < steepest {
			steepest, rate = slope, c.rates[i]
		}
	}
	return rate, steepest < 0
}
