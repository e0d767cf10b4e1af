package web

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math"
	"runtime"
	"sync"

	"inkling/models"
	"inkling/nn"
	"inkling/train"
	"inkling/transform"
)

// pixelCount is the number of pixels of a picture that the network reads.
const pixelCount = models.LeNetHeight * models.LeNetWidth

// maxBatch is the largest number of pictures that are computed together. From
// about this number on a picture gets no cheaper.
const maxBatch = 32

var errDamaged = errors.New("the network's output is not a finite number: the weights in the model's file are damaged")

// A predictor runs the network on several goroutines. Whoever is idle takes a
// picture at once; pictures that came meanwhile are taken together. So a lone
// request never waits for company, and under load there are batches.
type predictor struct {
	classes int
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
	pixels        [pixelCount]byte // upright, the ink bright
	wantFeatures  bool
	probabilities []float32
	features      [len(featureLayers)][]float32
	err           error
	done          chan struct{}
}

// A featureLayer is a layer whose maps are shown.
type featureLayer struct {
	name   string
	module func(*models.LeNet) nn.Module
}

// featureLayers are both convolutions, after ReLU.
var featureLayers = [2]featureLayer{
	{"conv1", func(n *models.LeNet) nn.Module { return throughConv1{n} }},
	{"conv2", func(n *models.LeNet) nn.Module { return throughConv2{n} }},
}

type throughConv1 struct{ Network *models.LeNet }

func (m throughConv1) Forward(x *nn.Value) *nn.Value { return nn.ReLU(m.Network.Conv1.Forward(x)) }

type throughConv2 struct{ Network *models.LeNet }

func (m throughConv2) Forward(x *nn.Value) *nn.Value {
	x = m.Network.Pool.Forward(throughConv1(m).Forward(x))
	return nn.ReLU(m.Network.Conv2.Forward(x))
}

// programs is what one worker computes with.
type programs struct {
	pipeline *transform.Pipeline
	network  *nn.Program
	features [len(featureLayers)]*nn.Program
}

func compile(network *models.LeNet, t transform.Transform) (*programs, error) {
	p := &programs{}
	var err error
	if p.pipeline, err = transform.Compile(t, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth); err != nil {
		return nil, fmt.Errorf("the network's pictures cannot be prepared: %w", err)
	}
	if p.network, err = nn.Compile(network, maxBatch, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth); err != nil {
		return nil, fmt.Errorf("the network cannot be compiled: %w", err)
	}
	// The workers are the parallelism.
	p.network.SetWorkers(1)
	for i, layer := range featureLayers {
		if p.features[i], err = nn.Compile(layer.module(network), 1, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth); err != nil {
			return nil, fmt.Errorf("the network cannot be compiled up to %s: %w", layer.name, err)
		}
		p.features[i].SetWorkers(1)
	}
	return p, nil
}

// shown returns what the network is shown for a byte.
func (p *programs) shown(pixel byte) float32 {
	input := make([]float32, pixelCount)
	p.pipeline.Apply(input, bytes.Repeat([]byte{pixel}, pixelCount))
	return input[0]
}

func (p *programs) clone() *programs {
	c := &programs{pipeline: p.pipeline.Clone(), network: p.network.Clone()}
	for i := range p.features {
		c.features[i] = p.features[i].Clone()
	}
	return c
}

// newPredictor starts the workers.
func newPredictor(network *models.LeNet, t transform.Transform, classes, workers int, batched func(size int)) (*predictor, error) {
	first, err := compile(network, t)
	if err != nil {
		return nil, err
	}
	p := &predictor{classes: classes, jobs: make(chan *job, maxBatch*workers), quit: make(chan struct{}), batched: batched}
	p.ground, p.ink = first.shown(0), first.shown(255)
	for worker := range workers {
		own := first
		if worker > 0 {
			own = first.clone()
		}
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
	batch := make([]*job, 0, maxBatch)
	inputs := make([]float32, maxBatch*pixelCount)
	for {
		select {
		case j := <-p.jobs:
			batch = append(batch[:0], j)
			runtime.Gosched() // let others come along
		case <-p.quit:
			return
		}
	more:
		for len(batch) < maxBatch {
			select {
			case j := <-p.jobs:
				batch = append(batch, j)
			default:
				break more
			}
		}
		for i, j := range batch {
			own.pipeline.Apply(inputs[i*pixelCount:(i+1)*pixelCount], j.pixels[:])
		}
		p.batched(len(batch))
		logits := own.network.Forward(inputs[:len(batch)*pixelCount])
		for i, j := range batch {
			j.probabilities, j.err = softmax(logits[i*p.classes : (i+1)*p.classes])
			if j.wantFeatures {
				for f := range j.features {
					j.features[f] = append([]float32(nil), own.features[f].Forward(inputs[i*pixelCount:(i+1)*pixelCount])...)
				}
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
