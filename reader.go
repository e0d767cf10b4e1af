package inkling

import (
	"fmt"
	"math"

	"inkling/nn"
	"inkling/train"
	"inkling/transform"
)

// A Reader classifies pictures, one at a time or some together.
type Reader struct {
	program       *nn.Program
	pipeline      *transform.Pipeline
	input         []float32
	classes, each int
	most          int  // pictures at a time
	numbers       bool // are what the network tells, no classes
}

// NewReader returns a reader that normalises pictures by t.
func NewReader(m *Classifier, t transform.Transform) (*Reader, error) { return NewBatchReader(m, t, 1) }

// NewBatchReader returns a reader that takes up to n pictures together, which is
// faster for networks of any size.
func NewBatchReader(m *Classifier, t transform.Transform, n int) (*Reader, error) {
	channels, height, width := m.Network.Input()
	network := nn.NewNetwork(m.Network, n, channels, height, width)
	network.Convolutions = m.Convolutions
	sampleChannels, sampleHeight, sampleWidth := m.SampleShape()
	program, err := network.Compile()
	if err != nil {
		return nil, err
	}
	pipeline, err := transform.Compile(t, sampleChannels, sampleHeight, sampleWidth)
	if err != nil {
		return nil, err
	}
	each := channels * height * width
	return &Reader{program, pipeline, make([]float32, n*each), len(m.About.Classes), each, n, m.Target != nil}, nil
}

// Read returns the probability of every class for an upright picture of bytes, as
// large as the network reads; of a model with a Target the one output.
func (r *Reader) Read(pixels []byte) ([]float32, error) {
	all, err := r.ReadAll([][]byte{pixels})
	if err != nil {
		return nil, err
	}
	return all[0], nil
}

// ReadAll is Read for pictures, at most as many as the reader takes together. The
// answers do not depend on the company.
func (r *Reader) ReadAll(pictures [][]byte) ([][]float32, error) {
	if len(pictures) == 0 {
		return nil, nil
	}
	for i, pixels := range pictures {
		r.pipeline.Apply(r.input[i*r.each:][:r.each], pixels)
	}
	logits := r.program.Forward(r.input[:len(pictures)*r.each])
	all := make([][]float32, len(pictures))
	for i := range all {
		own := logits[i*r.classes:][:r.classes]
		for _, v := range own {
			if v-v != 0 {
				return nil, fmt.Errorf("the network's output is %v, not a finite number: the weights in the model's file are damaged", v)
			}
		}
		all[i] = make([]float32, r.classes)
		if r.numbers {
			copy(all[i], own)
		} else {
			softmax(all[i], own)
		}
	}
	return all, nil
}

// softmax turns logits into probabilities, which add up to 1.
func softmax(probabilities, logits []float32) {
	largest := logits[train.Argmax(logits)]
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v - largest))
	}
	for i, v := range logits {
		probabilities[i] = float32(math.Exp(float64(v-largest)) / sum)
	}
}
