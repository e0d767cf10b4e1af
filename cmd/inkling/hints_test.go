package main

import (
	"math"
	"strings"
	"testing"

	"inkling/metrics"
	"inkling/train"
)

// TestHints tells of epochs and what is to be said of each, once.
func TestHints(t *testing.T) {
	judged := func(right int, loss float64) *train.Evaluation { // of 100
		return &train.Evaluation{Confusion: metrics.Confusion{{right, 100 - right}, {0, 0}}, Loss: loss}
	}
	epochs := func(losses ...float64) (list []train.Event) {
		for i, loss := range losses {
			list = append(list, train.Event{Kind: train.EpochEnd, Epoch: i + 1, Batch: 1000, Step: 1000 * (i + 1), Loss: loss})
		}
		return list
	}
	with := func(v *train.Evaluation, e train.Event) train.Event { e.Validation = v; return e }
	for _, test := range []struct {
		name   string
		events []train.Event
		want   []string // beginnings, one an event
	}{
		{"it learns", epochs(0.5, 0.3, 0.301, 0.2), []string{"", "", "", ""}},
		{"it guesses", epochs(0.7, 0.69, 0.68), []string{"after epoch 1 the loss 0.700 is that of guessing", "", ""}},
		{"it has hardly begun", []train.Event{{Kind: train.EpochEnd, Epoch: 1, Step: 25, Loss: 0.7}}, []string{""}},
		{"the loss rises", epochs(0.3, 0.4, 0.5), []string{"", "the loss of epoch 2, 0.400, is higher", ""}},
		{"a few batches", []train.Event{{Kind: train.EpochEnd, Epoch: 90, Batch: 4, Step: 360, Loss: 0.3}, {Kind: train.EpochEnd, Epoch: 91, Batch: 4, Step: 364, Loss: 0.4}}, []string{"", ""}},
		{"other events", []train.Event{{Kind: train.LossReport, Loss: 9}, {Kind: train.Progress, Loss: 9}}, []string{"", ""}},
		{"the validation guesses", []train.Event{with(judged(60, 0.7), train.Event{Kind: train.EpochEnd, Epoch: 1, Step: 1000, Loss: 0.1})}, []string{"after epoch 1 the validation is no better"}},
		{"by heart", []train.Event{with(judged(90, 0.3), epochs(0.3)[0]), with(judged(90, 0.4), epochs(0.2)[0]), with(judged(90, 0.5), epochs(0.1)[0])},
			[]string{"", "", "the loss of the validation rises"}},
	} {
		h := &hints{entropy: math.Ln2, guess: 0, told: map[string]bool{}, loss: math.NaN(), validationLoss: math.NaN()}
		if test.events[0].Validation != nil {
			h.guess, h.images = 0.5, 100
		}
		for i, e := range test.events {
			if got := h.event(e); (got == "") != (test.want[i] == "") || !strings.HasPrefix(got, test.want[i]) {
				t.Errorf("%s: event %d is told as %q, want %q", test.name, i, got, test.want[i])
			}
		}
	}
}
