package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"slices"
	"sync"

	"inkling/inside"
	"inkling/models"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/transform"
)

// pixelCount is the number of pixels of a drawing.
const pixelCount = sketch.Size * sketch.Size

// maxBatch is the largest number of pictures that are computed together. From
// about this number on a picture gets no cheaper.
const maxBatch = 32

var errDamaged = errors.New("the network's output is not a finite number: the weights in the model's file are damaged")

// A predictor runs the network on several goroutines. Whoever is idle takes a
// picture at once; pictures that came meanwhile are taken together. So a lone
// request never waits for company, and under load there are batches.
type predictor struct {
	classes int
	each    int // numbers that the network reads of a picture
	bytes   int // of a picture, or of what stands for a text or a recording
	batch   int // pictures that are computed together
	jobs    chan *job
	quit    chan struct{}
	workers sync.WaitGroup
	// batched is told the size of every batch.
	batched func(size int)
	// ground and ink are what the network is shown for the bytes 0 and 255.
	ground, ink float32
}

// A job is one picture.
type job struct {
	pixels        []byte // upright; of drawings the ink is bright
	wantFeatures  bool
	probabilities []float32
	features      [][]float32
	inside        *looked // with features, if the network is shown whole
	err           error
	done          chan struct{}
}

// programs is what one worker computes with.
type programs struct {
	pipeline *transform.Pipeline
	network  *nn.Program
	features []*nn.Program
	view     func() (*inside.View, error) // makes one; nil if the network is not shown whole
	inside   *inside.View
	layers   []featureLayer
}

func compile(network models.Network, convolutions nn.Convolutions, layers []featureLayer, whole bool, t transform.Transform, sample [3]int, batch int) (*programs, error) {
	p := &programs{layers: layers}
	channels, height, width := network.Input()
	var err error
	if p.pipeline, err = transform.Compile(t, sample[0], sample[1], sample[2]); err != nil {
		return nil, fmt.Errorf("the network's pictures cannot be prepared: %w", err)
	}
	compiled := nn.NewNetwork(network, batch, channels, height, width)
	compiled.Convolutions = convolutions
	if p.network, err = compiled.Compile(); err != nil {
		return nil, fmt.Errorf("the network cannot be compiled: %w", err)
	}
	// The workers are the parallelism.
	p.network.SetWorkers(1)
	if whole {
		p.view = func() (*inside.View, error) { return inside.New(network, channels, height, width) }
		if p.inside, err = p.view(); err != nil {
			return nil, fmt.Errorf("the network cannot be looked into: %w", err)
		}
		return p, nil
	}
	for _, layer := range layers {
		program, err := nn.Compile(layer.module, 1, channels, height, width)
		if err != nil {
			return nil, fmt.Errorf("the network cannot be compiled up to %s: %w", layer.name, err)
		}
		program.SetWorkers(1)
		p.features = append(p.features, program)
	}
	return p, nil
}

// batchFor is how many pictures are computed together: fewer of a network that needs
// much memory for one.
func batchFor(network models.Network) (int, error) {
	channels, height, width := network.Input()
	operations, err := nn.Trace(network, 1, channels, height, width)
	if err != nil {
		return 0, err
	}
	const most = 1 << 24 // numbers between layers
	numbers := channels * height * width
	for _, op := range operations {
		numbers += op.Shape.Elements()
	}
	return max(min(most/numbers, maxBatch), 1), nil
}

// shown returns what the network is shown for a byte.
func (p *programs) shown(pixel byte, each, samples int) float32 {
	input := make([]float32, each)
	p.pipeline.Apply(input, bytes.Repeat([]byte{pixel}, samples))
	return input[0]
}

func (p *programs) clone() (*programs, error) {
	c := &programs{pipeline: p.pipeline.Clone(), network: p.network.Clone(), view: p.view, layers: p.layers}
	for _, f := range p.features {
		c.features = append(c.features, f.Clone())
	}
	var err error
	if p.view != nil {
		c.inside, err = p.view()
	}
	return c, err
}

// look keeps what the network computed of a job's picture on its way.
func (p *programs) look(j *job, input []float32) {
	if p.inside == nil {
		for _, f := range p.features {
			j.features = append(j.features, slices.Clone(f.Forward(input)))
		}
		return
	}
	j.inside = &looked{input: slices.Clone(input)}
	for _, values := range p.inside.Values(input) {
		j.inside.values = append(j.inside.values, slices.Clone(values))
	}
	j.inside.saliency = slices.Clone(p.inside.Saliency(train.Argmax(j.probabilities)))
	for _, layer := range p.layers {
		j.features = append(j.features, j.inside.values[layer.operation])
	}
}

// newPredictor starts the workers. Sample is the shape of the bytes that t makes the
// network's input of.
func newPredictor(network models.Network, convolutions nn.Convolutions, layers []featureLayer, whole bool, t transform.Transform, sample [3]int, classes, workers int, batched func(size int)) (*predictor, error) {
	batch, err := batchFor(network)
	if err != nil {
		return nil, err
	}
	first, err := compile(network, convolutions, layers, whole, t, sample, batch)
	if err != nil {
		return nil, err
	}
	channels, height, width := network.Input()
	p := &predictor{classes: classes, each: channels * height * width, bytes: sample[0] * sample[1] * sample[2], batch: batch, jobs: make(chan *job, maxBatch*workers), quit: make(chan struct{}), batched: batched}
	p.ground, p.ink = first.shown(0, p.each, p.bytes), first.shown(255, p.each, p.bytes)
	all := []*programs{first}
	for len(all) < workers {
		own, err := first.clone()
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	for _, own := range all {
		p.workers.Go(func() { p.work(own) })
	}
	return p, nil
}

// close ends the workers. Jobs that are waiting then are not done.
func (p *predictor) close() {
	close(p.quit)
	p.workers.Wait()
}

func newJob() *job { return &job{done: make(chan struct{})} }

// submit hands a job to the workers.
func (p *predictor) submit(ctx context.Context, j *job) error {
	select {
	case p.jobs <- j:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.quit:
		return errClosed
	}
}

// wait waits until a submitted job is done. If it returns an error, the job may
// still be under way.
func (p *predictor) wait(ctx context.Context, j *job) error {
	select {
	case <-j.done:
		return j.err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.quit:
		return errClosed
	}
}

func (p *predictor) work(own *programs) {
	batch := make([]*job, 0, p.batch)
	inputs := make([]float32, p.batch*p.each)
	for {
		select {
		case j := <-p.jobs:
			batch = append(batch[:0], j)
			runtime.Gosched() // let others come along
		case <-p.quit:
			return
		}
	more:
		for len(batch) < p.batch {
			select {
			case j := <-p.jobs:
				batch = append(batch, j)
			default:
				break more
			}
		}
		for i, j := range batch {
			own.pipeline.Apply(inputs[i*p.each:(i+1)*p.each], j.pixels)
		}
		p.batched(len(batch))
		logits := own.network.Forward(inputs[:len(batch)*p.each])
		for i, j := range batch {
			j.probabilities, j.err = softmax(logits[i*p.classes : (i+1)*p.classes])
			if j.wantFeatures && j.err == nil {
				own.look(j, inputs[i*p.each:(i+1)*p.each])
			}
			close(j.done)
			batch[i] = nil
		}
	}
}

// softmax returns probabilities, which add up to 1.
func softmax(logits []float32) ([]float32, error) {
	largest := logits[train.Argmax(logits)]
	probabilities := make([]float32, len(logits))
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v - largest))
	}
	for i, v := range logits {
		probabilities[i] = float32(math.Exp(float64(v-largest)) / sum)
		if v-v != 0 {
			return nil, errDamaged
		}
	}
	return probabilities, nil
}
