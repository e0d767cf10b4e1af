package inkling

import (
	"fmt"
	"math"

	"inkling/nn"
	"inkling/train"
	"inkling/transform"
)

// A Reader classifies one picture at a time.
type Reader struct {
	program       *nn.Program
	pipeline      *transform.Pipeline
	input         []float32
	probabilities []float32
}

// NewReader returns a reader that prepares pictures by t.
func NewReader(m *Model, t transform.Transform) (*Reader, error) {
	channels, height, width := m.Network.Input()
	program, err := nn.Compile(m.Network, 1, channels, height, width)
	if err != nil {
		return nil, err
	}
	pipeline, err := transform.Compile(t, channels, height, width)
	if err != nil {
		return nil, err
	}
	return &Reader{program, pipeline, make([]float32, channels*height*width), make([]float32, len(m.About.Classes))}, nil
}

// Read returns the probability of every class for an upright picture of bytes, as
// large as the network reads. The slice is overwritten by the next call.
func (r *Reader) Read(pixels []byte) ([]float32, error) {
	r.pipeline.Apply(r.input, pixels)
	logits := r.program.Forward(r.input)
	for _, v := range logits {
		if v-v != 0 {
			return nil, fmt.Errorf("the network's output is %v, not a finite number: the weights in the model's file are damaged", v)
		}
	}
	softmax(r.probabilities, logits)
	return r.probabilities, nil
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
