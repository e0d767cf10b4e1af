package main

import (
	"inkling/data"
	"inkling/nn"
	"inkling/torchrand"
	"inkling/train"
	"inkling/transform"
)

// loader hands out the pictures to train on. With --rng torch the first weights are
// drawn here, before the order of the pictures, as PyTorch's programs do it.
func (o *trainOptions) loader(p *prepared) *data.Loader {
	loader := &data.Loader{Dataset: p.train, Transform: append(append(transform.Compose(p.augment.Steps), p.model.Transform()), p.after...), BatchSize: o.batch, Shuffle: true, Seed: o.seed,
		Workers: loaderWorkers(p.train, o.workers)}
	if len(p.augment.Steps)+len(p.after) > 0 || p.set.sound != nil {
		loader.Workers = effectiveWorkers(o.workers)
	}
	if o.rng == "torch" {
		generator := torchrand.New(o.seed)
		nn.InitUniform(p.model.Network, generator.Symmetric)
		loader.Sampler = data.Order(generator.Order)
	}
	return loader
}

// config is what, on what and how to train; the caller adds the schedule, and what is
// to happen on the way.
func (o *trainOptions) config(p *prepared, loader *data.Loader) (train.Config, error) {
	config := train.Config{
		Network:   p.model.Network,
		Optimizer: o.optimizer,
		Mix:       p.augment.Batch,
		Training:  o.training(),
		Loader:    loader,
		Epochs:    o.epochs,
		Workers:   o.workers,
	}
	if p.set.target == nil { // for numbers it is MSELoss
		config.Loss = nn.CrossEntropy{LabelSmoothing: o.smoothing, Soft: p.augment.Batch != nil}
	} else if o.smoothing != 0 {
		return config, usagef("--label-smoothing spreads labels over classes, and these are numbers: leave it out")
	}
	return config, p.byLength(loader, &config)
}
