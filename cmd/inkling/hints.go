package main

import (
	"fmt"
	"math"

	"inkling/data"
	"inkling/train"
)

// hints notices what is often wrong with a training, and tells each thing once: that it
// learns nothing, that its loss rises, that it learns by heart.
type hints struct {
	entropy float64 // of the labels: the loss of who knows nothing but how common they are
	guess   float64 // accuracy of who always says the commonest class of the validation
	images  int     // of the validation

	told                 map[string]bool
	loss, validationLoss float64 // of the epoch before
	rising               int     // epochs in which the loss of the validation rose and that of the training fell
}

func newHints(train, validation data.Dataset) *hints {
	h := &hints{told: map[string]bool{}, loss: math.NaN(), validationLoss: math.NaN()}
	if number, _ := data.Numbers(train); number != nil {
		h.entropy = 1 // the squared error of who always tells the mean
		return h
	}
	for _, share := range sharesOf(train) {
		if share > 0 {
			h.entropy -= share * math.Log(share)
		}
	}
	if validation != nil {
		h.images = validation.Len()
		for _, share := range sharesOf(validation) {
			h.guess = max(h.guess, share)
		}
	}
	return h
}

// sharesOf are the parts of the pictures that each class has, none if the labels
// cannot be told without the pictures.
func sharesOf(d data.Dataset) []float64 {
	labels, err := data.Labels(d)
	if err != nil {
		return nil
	}
	shares := make([]float64, len(d.Classes()))
	for _, label := range labels {
		if label >= 0 && label < len(shares) {
			shares[label] += 1 / float64(len(labels))
		}
	}
	return shares
}

// event takes in an event, and returns what is to be told, mostly nothing.
func (h *hints) event(e train.Event) string {
	if e.Kind != train.EpochEnd {
		return ""
	}
	defer func() {
		h.loss = e.Loss
		if e.Validation != nil {
			h.validationLoss = e.Validation.Loss
		}
	}()
	// A loss at chance, or one that rises, says little after few steps.
	// The loss of an epoch of a few batches rises and falls by chance.
	const few, fewBatches = 200, 20
	if e.Step < few {
		return ""
	}
	v := e.Validation
	// Three standard deviations above guessing are no chance.
	chance := v != nil && h.guess > 0 && v.Accuracy() <= h.guess+3*math.Sqrt(h.guess*(1-h.guess)/float64(h.images))
	if v == nil || v.Numbers != nil {
		chance = h.entropy > 0 && e.Loss >= 0.97*h.entropy
	}
	if v != nil && v.Loss > h.validationLoss && e.Loss < h.loss {
		h.rising++
	} else {
		h.rising = 0
	}
	switch {
	case chance && h.guess > 0:
		return h.once("chance", "after epoch %d the validation is no better than always saying the commonest class (%s). Try a larger or smaller --lr, more --epochs, --optimizer adamw, or find out with --overfit 32 whether the network can learn at all.", e.Epoch, percent(h.guess))
	case chance:
		return h.once("chance", "after epoch %d the loss %.3f is that of guessing (%.3f). Try a larger or smaller --lr, more --epochs, --optimizer adamw, or find out with --overfit 32 whether the network can learn at all.", e.Epoch, e.Loss, h.entropy)
	case e.Loss > 1.02*h.loss && e.Batch >= fewBatches:
		return h.once("rises", "the loss of epoch %d, %.3f, is higher than that of the one before, %.3f. A smaller --lr mostly helps, or a --schedule that lowers it.", e.Epoch, e.Loss, h.loss)
	case h.rising == 2:
		return h.once("heart", "the loss of the validation rises while that of the training falls: the network learns its pictures by heart. More pictures or --augment help; --patience stops in time, and best.pth of a --run is the best of the epochs.")
	}
	return ""
}

func (h *hints) once(kind, format string, values ...any) string {
	if h.told[kind] {
		return ""
	}
	h.told[kind] = true
	return fmt.Sprintf(format, values...)
}
