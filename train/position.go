package train

import (
	"fmt"
	"slices"
	"time"
)

// Position is how far a training has come. With the weights, the state of the
// optimizer and the settings it is all that a training needs to go on as if it had
// never ended: what is random follows from the settings' seed and from it. It can be
// kept as JSON.
type Position struct {
	Epochs  int `json:"epochs"`  // completed
	Batches int `json:"batches"` // shown of the epoch after these
	Steps   int `json:"steps"`   // batches shown, in all epochs
	Images  int `json:"images"`  // pictures shown

	// Loss is the mean of the last whole epoch's batches, 0 if there was none.
	Loss float64 `json:"loss"`

	// EpochLoss is the sum of the losses of the epoch's batches so far, ReportLoss of
	// those since the last LossReport.
	EpochLoss  float64 `json:"epoch_loss"`
	ReportLoss float64 `json:"report_loss"`

	// Measured is what a Schedule that follows measurements has observed, epoch by
	// epoch.
	Measured []float64 `json:"measured,omitempty"`

	// Elapsed is for how long it was trained.
	Elapsed time.Duration `json:"elapsed_ns"`
}

// takeUp starts from where an earlier training had come.
func (t *training) takeUp() error {
	if t.From == nil {
		return nil
	}
	from := *t.From
	from.Measured = slices.Clone(from.Measured)
	switch {
	case from.Epochs < 0 || from.Batches < 0 || from.Steps < 0 || from.Images < 0 || from.Steps < from.Epochs:
		return fmt.Errorf("train: Config.From has a negative number, or fewer steps than epochs: it is no position of a training")
	case from.Batches > 0 && from.Batches >= t.Loader.Len():
		return fmt.Errorf("train: Config.From is after batch %d of an epoch, but an epoch has %d: it is the position of a training with other data or another batch size", from.Batches, t.Loader.Len())
	case from.Steps%t.accumulate != 0:
		return fmt.Errorf("train: Config.From is after %d batches, in the midst of %d whose gradients are added up, which no checkpoint holds", from.Steps, t.accumulate)
	case from.Epochs > t.Epochs:
		return fmt.Errorf("train: Config.From is after epoch %d, but Config.Epochs is %d", from.Epochs, t.Epochs)
	}
	if o, ok := t.Schedule.(observer); ok {
		for _, metric := range from.Measured {
			o.Observe(metric)
		}
	}
	t.Loader.Epoch += from.Epochs
	t.Loader.Skip = from.Batches
	t.program.SetSteps(from.Steps / t.accumulate)
	t.at = from
	t.result.Epochs, t.result.Steps, t.result.Images, t.result.Loss = from.Epochs, from.Steps, from.Images, from.Loss
	return nil
}

// keepSteps sets the number of steps again when OnStart has restored an optimizer,
// which knows how many its parameters had, but not all how many there were.
func (t *training) keepSteps() {
	if t.From == nil {
		return
	}
	parameters := t.program.ParameterStates()
	t.program.SetSteps(t.From.Steps / t.accumulate)
	for _, p := range parameters {
		p.SetSteps(p.Steps)
	}
}

// position is how far the training has come.
func (t *training) position() Position {
	at := t.at
	at.Steps, at.Images, at.Loss, at.Elapsed = t.result.Steps, t.result.Images, t.result.Loss, t.elapsed()
	at.Measured = slices.Clone(at.Measured)
	return at
}

func (t *training) elapsed() time.Duration { return t.at.Elapsed + time.Since(t.started) }

// due tells whether it is time to save in the middle of an epoch.
func (t *training) due() bool {
	if t.Checkpoint == nil {
		return false
	}
	return t.CheckpointSteps > 0 && t.result.Steps%t.CheckpointSteps == 0 ||
		t.CheckpointInterval > 0 && time.Since(t.saved) >= t.CheckpointInterval
}

// enough tells whether the training has come to one of its ends.
func (t *training) enough() bool {
	return t.MaxSteps > 0 && t.result.Steps >= t.MaxSteps || t.MaxTime > 0 && t.elapsed() >= t.MaxTime
}

// checkpoint lets the weights be saved.
func (t *training) checkpoint() error {
	if t.Checkpoint == nil {
		return nil
	}
	err := t.Checkpoint(t.position())
	t.saved = time.Now()
	return err
}
