package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"time"

	"inkling"
	"inkling/data"
	"inkling/data/mnist/embedded"
	"inkling/internal/kernel"
	"inkling/nn"
	"inkling/optim"
	"inkling/weights"
)

// prepare makes the pictures that the network is shown.
func (b *bench) prepare() error {
	if b.isTutorial() {
		return b.readDigits()
	}
	n := max(64, b.batches[len(b.batches)-1])
	for _, batch := range b.batches {
		n = max(n, batch)
	}
	const most = 1 << 26 // floats: large pictures are few
	n = max(min(n, most/b.size()), 1)
	for _, batch := range b.batches {
		if batch > n {
			return fmt.Errorf("a batch of %d pictures of %v has more than %s numbers: choose a smaller --batch or --size", batch, nn.Shape{b.config.Channels, b.config.Height, b.config.Width}, thousands(most))
		}
	}
	r := rand.New(rand.NewPCG(1, 1))
	b.images, b.labels = make([]float32, n*b.size()), make([]int, n)
	for i := range b.images {
		b.images[i] = float32(r.NormFloat64())
	}
	for i := range b.labels {
		b.labels[i] = r.IntN(b.config.Classes)
	}
	return nil
}

// readDigits makes the network's input of MNIST's first test pictures.
func (b *bench) readDigits() error {
	const least = 2000
	n := least
	for _, batch := range b.batches {
		n = max(n, batch)
	}
	d, err := embedded.Test()
	if err == nil {
		d, err = first(d, n)
	}
	if err != nil {
		return err
	}
	m := inkling.Classifier{About: weights.Metadata{Mean: []float32{inkling.DefaultMean}, Std: []float32{inkling.DefaultStd}, Orientation: weights.Upright}}
	loader := &data.Loader{Dataset: d, Transform: m.Transform(), BatchSize: n}
	for _, batch := range loader.Batches() {
		b.images = append(b.images, batch.Images...)
		b.labels = append(b.labels, batch.Labels...)
	}
	return loader.Err()
}

// measure takes the median speed of several runs.
func (b *bench) measure(job string, batch, workers int) (measurement, error) {
	m := measurement{Job: job, Batch: batch, Workers: workers}
	step, multiplyAdds, err := b.step(job, batch, workers)
	if err != nil {
		return m, err
	}
	step(0) // warm up
	var speeds, peaks []float64
	next, several := 0, 1
	if b.isTutorial() {
		several = max(1, 256/batch) // asking for the time is dear against a step of one picture
	}
	for range b.runs {
		peaks = append(peaks, kernel.MeasurePeak(workers))
		done, started := 0, time.Now()
		for time.Since(started) < b.length || done == 0 {
			if b.ctx.Err() != nil {
				return m, context.Cause(b.ctx)
			}
			for range several {
				if next+batch > len(b.labels) {
					next = 0
				}
				step(next)
				next += batch
				done += batch
			}
		}
		speeds = append(speeds, float64(done)/time.Since(started).Seconds())
	}
	m.ImagesPerSecond = median(speeds)
	m.GFLOPS = m.ImagesPerSecond * 2 * multiplyAdds / 1e9
	m.PeakGFLOPS = median(peaks) / 1e9
	return m, nil
}

// step returns a function that does the job for a batch from a picture on, and the
// multiply-adds of a picture.
func (b *bench) step(job string, batch, workers int) (func(from int), float64, error) {
	images := func(from int) []float32 { return b.images[from*b.size() : (from+batch)*b.size()] }
	if job == "train" {
		program, err := b.trainProgram(batch)
		if err != nil {
			return nil, 0, err
		}
		program.SetWorkers(workers)
		return func(from int) { program.Step(images(from), b.labels[from:from+batch]) }, multiplyAdds(program.Stages()) / float64(batch), nil
	}
	program, err := b.program(batch)
	if err != nil {
		return nil, 0, err
	}
	program.SetWorkers(workers)
	return func(from int) { program.Forward(images(from)) }, multiplyAdds(program.Stages()) / float64(batch), nil
}

// trainProgram compiles the network for training. The rate is so small that
// random labels do not lead the weights away.
func (b *bench) trainProgram(batch int) (*nn.TrainProgram, error) {
	network, err := b.network(batch)
	if err != nil {
		return nil, err
	}
	optimizer := &optim.SGD{LR: 0.001, Momentum: 0.9}
	if !b.isTutorial() {
		optimizer.LR = 1e-5
	}
	return b.compiled(network, batch).CompileTrain(nn.CrossEntropy{}, optimizer)
}

func (b *bench) program(batch int) (*nn.Program, error) {
	network, err := b.network(batch)
	if err != nil {
		return nil, err
	}
	return b.compiled(network, batch).Compile()
}

// compiled is a network as it is to be compiled.
func (b *bench) compiled(network nn.Module, batch int) nn.Network {
	n := nn.NewNetwork(network, batch, b.config.Channels, b.config.Height, b.config.Width)
	n.Convolutions = b.conv
	return n
}

// network makes the network, unless a batch of pictures would need too much memory.
func (b *bench) network(batch int) (nn.Module, error) {
	network, err := b.model.Draw(b.config, nil)
	if err != nil {
		return nil, err
	}
	summary, err := nn.Summary(network, batch, b.config.Channels, b.config.Height, b.config.Width)
	if err != nil {
		return nil, err
	}
	const most = 2 << 30
	floats := 0
	for _, row := range summary.Rows {
		floats += row.Shape.Elements()
	}
	if floats > most {
		return nil, fmt.Errorf("%s makes %.0f GB of numbers of a batch of %d, more than the %d GB that are measured: choose a smaller --batch or --size", b.model.Name, 4*float64(floats)/(1<<30), batch, 4*most>>30)
	}
	return b.model.NewModel(b.config, 1)
}

// multiplyAdds adds up those of a program's stages.
func multiplyAdds(stages []nn.PlannedStage) (sum float64) {
	for _, s := range stages {
		sum += float64(s.MultiplyAdds)
	}
	return sum
}
