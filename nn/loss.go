package nn

import (
	"fmt"
	"math"
)

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

// SoftLoss is a Loss that can also measure how far outputs are from
// probabilities of the classes, as mixed pictures have them. StepSoft needs it.
type SoftLoss interface {
	Loss
	// SoftRows is Rows with a row of classes probabilities for each example, one
	// row after another, in place of the labels.
	SoftRows(outputs []float32, classes, stride int, targets []float32, scale float64, gradient []float32) float64
}

// CrossEntropy is the mean over the batch of -log softmax(logits)[label], or of
// -Σ targets[c] log softmax(logits)[c], as torch.nn.CrossEntropyLoss. The
// network's outputs are logits, N x classes.
type CrossEntropy struct {
	// LabelSmoothing, 0 to 1, is the share of a target that is spread evenly
	// over all classes (Szegedy et al. 2015, arXiv:1512.00567); 0, PyTorch's
	// default, leaves targets as they are.
	LabelSmoothing float64
}

// Name returns "cross-entropy".
func (CrossEntropy) Name() string { return "cross-entropy" }

// CheckShape wants N x classes, and a LabelSmoothing from 0 to 1.
func (l CrossEntropy) CheckShape(outputs Shape) error {
	if len(outputs) != 2 {
		return fmt.Errorf("cross-entropy wants logits of shape N x classes, got %v", outputs)
	}
	if !(l.LabelSmoothing >= 0 && l.LabelSmoothing <= 1) {
		return fmt.Errorf("cross-entropy wants a LabelSmoothing from 0 to 1, got %v", l.LabelSmoothing)
	}
	return nil
}

// Rows computes loss and gradient of some examples; see Loss.
func (l CrossEntropy) Rows(logits []float32, classes, stride int, labels []int, scale float64, gradient []float32) float64 {
	return crossEntropyRows(logits, classes, stride, labels, l.LabelSmoothing, scale, gradient)
}

// SoftRows computes loss and gradient of some examples; see SoftLoss.
func (l CrossEntropy) SoftRows(logits []float32, classes, stride int, targets []float32, scale float64, gradient []float32) float64 {
	return softCrossEntropyRows(logits, classes, stride, targets, l.LabelSmoothing, scale, gradient)
}

func crossEntropyRows[T Float](logits []T, classes, stride int, labels []int, smoothing, scale float64, gradient []T) float64 {
	var total float64
	for n, label := range labels {
		row, grad := logits[n*stride:][:classes], gradientRow(gradient, n, stride)
		sum, logSum := exponentials(grad, row)
		loss := logSum - float64(row[label])
		if smoothing > 0 {
			loss += smoothing * (float64(row[label]) - mean(row))
		}
		total += loss
		if grad == nil {
			continue
		}
		multiply(grad[:classes], T(scale/sum))
		grad[label] -= T(scale * (1 - smoothing))
		if smoothing > 0 {
			for i := range row {
				grad[i] -= T(scale * smoothing / float64(classes))
			}
		}
	}
	return total * scale
}

func softCrossEntropyRows[T Float](logits []T, classes, stride int, targets []T, smoothing, scale float64, gradient []T) float64 {
	var total float64
	for n := range len(targets) / classes {
		row, grad := logits[n*stride:][:classes], gradientRow(gradient, n, stride)
		target := targets[n*classes:][:classes]
		smoothed := func(i int) float64 { return (1-smoothing)*float64(target[i]) + smoothing/float64(classes) }
		sum, logSum := exponentials(grad, row)
		var whole float64 // the sum of the targets, 1 if they are probabilities
		for i, v := range row {
			total += smoothed(i) * (logSum - float64(v))
			whole += smoothed(i)
		}
		if grad == nil {
			continue
		}
		multiply(grad[:classes], T(scale*whole/sum))
		for i := range row {
			grad[i] -= T(scale * smoothed(i))
		}
	}
	return total * scale
}

// gradientRow is the place of an example's gradient, nil if none is wanted.
func gradientRow[T Float](gradient []T, n, stride int) []T {
	if gradient == nil {
		return nil
	}
	return gradient[n*stride:][:stride]
}

// exponentials returns Σ exp(row - max(row)) and log Σ exp(row). It sets to,
// unless that is nil, to the terms of the first sum and zeros: divided by the
// sum they are the softmax. They are rounded to the precision of the logits, as
// PyTorch's are.
func exponentials[T Float](to, row []T) (sum, logSum float64) {
	largest := row[0]
	for _, v := range row {
		largest = max(largest, v)
	}
	for i, v := range row {
		e := T(math.Exp(float64(v - largest)))
		sum += float64(e)
		if to != nil {
			to[i] = e
		}
	}
	if to != nil {
		clear(to[len(row):])
	}
	return sum, math.Log(sum) + float64(largest)
}

func mean[T Float](row []T) float64 {
	var sum float64
	for _, v := range row {
		sum += float64(v)
	}
	return sum / float64(len(row))
}

func multiply[T Float](row []T, factor T) {
	for i := range row {
		row[i] *= factor
	}
}
