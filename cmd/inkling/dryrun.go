package main

import (
	"cmp"
	"context"
	"fmt"
	"path/filepath"
	"time"

	"inkling/nn"
	"inkling/train"
)

// chosen says which of the pictures are trained on, and which validate.
func (o *trainOptions) chosen(p *prepared) (notes []string) {
	every := "every class"
	if p.set.target != nil {
		every = "them"
	}
	if o.fraction > 0 && o.fraction < 1 {
		notes = append(notes, fmt.Sprintf("These are %s of %s, chosen by the seed (--fraction).", percent(o.fraction), every))
	}
	switch {
	case o.overfit > 0:
		notes = append(notes, "The same pictures validate (--overfit): a network that can learn at all gets them right sooner or later.")
	case p.validation != nil:
		notes = append(notes, fmt.Sprintf("%s of %s, %s, are held out to validate with.", percent(o.valSplit), every, count(p.validation.Len(), p.set.kind().One())))
	}
	return notes
}

// rehearse shows the network a batch to train on and one to validate with, and tells
// what a training would do.
func (o *trainOptions) rehearse(ctx context.Context, r *reporter, p *prepared, config train.Config) error {
	var memory nn.Memory
	var loss float64
	config.MaxSteps, config.Epochs, config.LogEvery = 1, 1, 1
	config.OnEvent = func(e train.Event) { loss = e.Loss }
	config.OnStart = func(program *nn.TrainProgram) { memory = program.Memory() }
	r.close() // one batch needs no bar
	ran, err := train.Run(ctx, config)
	if err != nil {
		return err
	}
	took := ran.Elapsed
	r.line("Showed it a batch to train on: loss %.3f, %s.\n", loss, took.Round(time.Microsecond))
	event := map[string]any{"loss": loss, "seconds": took.Seconds(), "memory": memory.Total(), "steps": o.steps(config.Loader.Len()), "out": o.out}
	d, what := p.validation, "validate"
	if d == nil {
		d, what = p.test, "test"
	}
	if d == nil {
		r.line("There are no pictures to validate or to test with.\n")
	} else {
		if d, err = first(d, o.batch); err != nil {
			return err
		}
		e, err := train.Evaluate(ctx, p.model.Network, d, p.model.Transform(), o.workers)
		if err != nil {
			return err
		}
		r.line("Showed it a batch to %s with: loss %.3f, %d of %d right.\n", what, e.Loss, e.Correct(), e.Total())
		event[what+"_loss"] = e.Loss
	}
	r.line("A training would take %s steps and %.1f MB for the network, and save the model in %s.\n", thousands(o.steps(config.Loader.Len())), float64(memory.Total())/1e6, o.out)
	if o.run != "" {
		r.line("It would keep its settings, measurements and checkpoints in %s, or beside it if there is one of that name.\n", filepath.Join(cmp.Or(o.parent, runsFolder), o.run))
	}
	r.line("Nothing was saved.\n")
	r.object("rehearsed", event)
	return nil
}

// steps is how many steps the training makes, unless time or patience end it.
func (o *trainOptions) steps(batches int) int {
	if steps := o.epochs * batches; o.maxSteps == 0 || steps < o.maxSteps {
		return steps
	}
	return o.maxSteps
}
