package reading

import (
	"bytes"
	"errors"
	"fmt"
	"math"
	"slices"

	"inkling/inside"
	"inkling/models"
	"inkling/nn"
	"inkling/sketch"
	"inkling/train"
	"inkling/transform"
)

// pixelCount is the number of pixels of a drawing.
const pixelCount = sketch.Size * sketch.Size

// MaxBatch is the largest number of pictures that are computed together. From
// about this number on a picture gets no cheaper.
const MaxBatch = 32

var errDamaged = errors.New("the network's output is not a finite number: the weights in the model's file are damaged")

// An Ask is one picture that a network is shown, and what it makes of it.
type Ask struct {
	Pixels  []byte // upright; of drawings the ink is bright
	Details bool   // whether to tell Features and Inside
	Outcome
	Err error
}

// An Outcome is what a network made of a picture.
type Outcome struct {
	Probabilities []float32
	Features      [][]float32
	Inside        *Looked // with details, if the network is shown whole
}

// Programs are a network, compiled. They belong to one goroutine at a time.
type Programs struct {
	Batch int // pictures that are computed together, at most
	Bytes int // of a picture, or of what stands for a text or a recording

	// Numbers tells that the network's outputs are no logits but numbers: the Probabilities
	// of an Outcome are these then.
	Numbers bool

	each     int // numbers that the network reads of a picture
	classes  int
	inputs   []float32
	pipeline *transform.Pipeline
	network  *nn.Program
	features []*nn.Program
	view     func() (*inside.View, error) // makes one; nil if the network is not shown whole
	inside   *inside.View
	layers   []featureLayer
}

// Compile compiles a network with so many classes, for at most so many pictures together. By
// t it makes the network's input of bytes of the shape sample: channels, height and width.
// What n, which may be nil, shows of the network is compiled, too, and n's Ground and Ink are
// set.
func Compile(network models.Network, convolutions nn.Convolutions, t transform.Transform, sample [3]int, classes, together int, n *Network) (*Programs, error) {
	batch, err := batchFor(network, together)
	if err != nil {
		return nil, err
	}
	channels, height, width := network.Input()
	p := &Programs{Batch: batch, Bytes: sample[0] * sample[1] * sample[2], each: channels * height * width, classes: classes}
	p.inputs = make([]float32, batch*p.each)
	if p.pipeline, err = transform.Compile(t, sample[0], sample[1], sample[2]); err != nil {
		return nil, fmt.Errorf("the network's pictures cannot be prepared: %w", err)
	}
	compiled := nn.NewNetwork(network, batch, channels, height, width)
	compiled.Convolutions = convolutions
	if p.network, err = compiled.Compile(); err != nil {
		return nil, fmt.Errorf("the network cannot be compiled: %w", err)
	}
	p.network.SetWorkers(1) // whoever asks is the parallelism
	if n == nil {
		return p, nil
	}
	n.Ground, n.Ink = p.shown(0), p.shown(255)
	p.layers = n.features
	if n.Stages != nil {
		n.Stages.Ground, n.Stages.Ink = n.Ground, n.Ink
		p.view = func() (*inside.View, error) { return inside.New(network, channels, height, width) }
		if p.inside, err = p.view(); err != nil {
			return nil, fmt.Errorf("the network cannot be looked into: %w", err)
		}
		return p, nil
	}
	for _, layer := range p.layers {
		program, err := nn.Compile(layer.module, 1, channels, height, width)
		if err != nil {
			return nil, fmt.Errorf("the network cannot be compiled up to %s: %w", layer.name, err)
		}
		program.SetWorkers(1)
		p.features = append(p.features, program)
	}
	return p, nil
}

// batchFor is how many pictures are computed together: so many, or fewer of a network that
// needs much memory for one.
func batchFor(network models.Network, together int) (int, error) {
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
	return max(min(most/numbers, together), 1), nil
}

// shown returns what the network is shown for a byte.
func (p *Programs) shown(pixel byte) float32 {
	input := make([]float32, p.each)
	p.pipeline.Apply(input, bytes.Repeat([]byte{pixel}, p.Bytes))
	return input[0]
}

// Clone returns programs for another goroutine. They share the weights.
func (p *Programs) Clone() (*Programs, error) {
	c := *p
	c.inputs, c.pipeline, c.network, c.features = make([]float32, len(p.inputs)), p.pipeline.Clone(), p.network.Clone(), nil
	for _, f := range p.features {
		c.features = append(c.features, f.Clone())
	}
	var err error
	if p.view != nil {
		c.inside, err = p.view()
	}
	return &c, err
}

// Read shows the network pictures, at most as many as are computed together. The answers do
// not depend on the company.
func (p *Programs) Read(asks []*Ask) {
	for i, a := range asks {
		p.pipeline.Apply(p.input(i), a.Pixels)
	}
	logits := p.network.Forward(p.inputs[:len(asks)*p.each])
	for i, a := range asks {
		own := logits[i*p.classes : (i+1)*p.classes]
		if a.Probabilities, a.Err = Softmax(own); p.Numbers && a.Err == nil {
			a.Probabilities = slices.Clone(own)
		}
		if a.Details && a.Err == nil {
			p.look(&a.Outcome, p.input(i))
		}
	}
}

func (p *Programs) input(i int) []float32 { return p.inputs[i*p.each : (i+1)*p.each] }

// look keeps what the network computed of a picture on its way.
func (p *Programs) look(o *Outcome, input []float32) {
	if p.inside == nil {
		for _, f := range p.features {
			o.Features = append(o.Features, slices.Clone(f.Forward(input)))
		}
		return
	}
	o.Inside = &Looked{Input: slices.Clone(input)}
	for _, values := range p.inside.Values(input) {
		o.Inside.Values = append(o.Inside.Values, slices.Clone(values))
	}
	o.Inside.Saliency = slices.Clone(p.inside.Saliency(train.Argmax(o.Probabilities)))
	for _, layer := range p.layers {
		o.Features = append(o.Features, o.Inside.Values[layer.operation])
	}
}

// Softmax returns probabilities, which add up to 1. It fails if the logits are no finite
// numbers.
func Softmax(logits []float32) ([]float32, error) {
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
