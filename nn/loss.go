package nn

import "math"

// Loss measures how far a network's outputs are from the labels, and starts
// the backward pass.
type Loss interface {
	// Name is the loss's name in messages.
	Name() string
	// CheckShape says whether outputs of this shape can be judged.
	CheckShape(outputs Shape) error
	// Rows adds up the losses of some examples and sets the gradient of the
	// loss with respect to their outputs, both multiplied by scale (for a mean
	// over the batch, 1/N). outputs and gradient hold one example after
	// another, rows of stride elements of which the first classes count; the
	// others of gradient must be set to zero. A nil gradient is left out.
	// Labels are in 0..classes-1.
	Rows(outputs []float32, classes, stride int, labels []int, scale float64, gradient []float32) float64
}

// CrossEntropy is the mean over the batch of -log softmax(logits)[label], as
// torch.nn.CrossEntropyLoss with its default settings. The network's outputs
// are logits, N x classes.
type CrossEntropy struct{}

// Name returns "cross-entropy".
func (CrossEntropy) Name() string { return "cross-entropy" }

// CheckShape wants N x classes.
func (CrossEntropy) CheckShape(outputs Shape) error {
	if len(outputs) != 2 {
		return errorf("cross-entropy wants logits of shape N x classes, got %v", outputs)
	}
	return nil
}

// Rows computes loss and gradient of some examples; see Loss.
func (CrossEntropy) Rows(logits []float32, classes, stride int, labels []int, scale float64, gradient []float32) float64 {
	return crossEntropyRows(logits, classes, stride, labels, scale, gradient)
}

func crossEntropyRows[T Float](logits []T, classes, stride int, labels []int, scale float64, gradient []T) float64 {
	var total float64
	for n, label := range labels {
		row := logits[n*stride:][:classes]
		largest := row[0]
		for _, v := range row {
			largest = max(largest, v)
		}
		var sum float64
		for _, v := range row {
			sum += math.Exp(float64(v) - float64(largest))
		}
		logSum := math.Log(sum) + float64(largest)
		total += logSum - float64(row[label])
		if gradient == nil {
			continue
		}
		grad := gradient[n*stride:][:stride]
		for i, v := range row {
			grad[i] = T(math.Exp(float64(v)-logSum) * scale)
		}
		grad[label] -= T(scale)
		clear(grad[classes:])
	}
	return total * scale
}
