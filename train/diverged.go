package train

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"inkling/nn"
)

// DivergedError reports that training went astray: the loss or a weight is not
// a finite number any more. If it is the loss, the batch has changed no parameter.
type DivergedError struct {
	Epoch, Batch int     // from 1
	Loss         float64 // of that batch; finite if it was a weight that became infinite
	Step         int     // batches shown, with that one, in all epochs
	Where        string  // what was first, such as "the output of linear fc1 is NaN"; "" if that is not known
}

func (e *DivergedError) Error() string {
	what := "a weight became infinite"
	if math.IsNaN(e.Loss) || math.IsInf(e.Loss, 0) {
		what = fmt.Sprintf("the loss became %v", e.Loss)
	}
	what += fmt.Sprintf(" in epoch %d at batch %d", e.Epoch, e.Batch)
	if e.Step > 0 {
		what += fmt.Sprintf(" (step %d)", e.Step)
	}
	if e.Where != "" {
		what += ", where " + e.Where
	}
	return what + ": training diverged, try a smaller learning rate"
}

// diverged is the error of a training that went astray at a batch.
func (t *training) diverged(epoch, batch int, loss float64) *DivergedError {
	e := &DivergedError{Epoch: epoch, Batch: batch, Loss: loss, Step: t.result.Steps}
	if name, v := notFinite(t.Network); name != "" {
		e.Where = fmt.Sprintf("%s has %v", name, v)
	}
	return e
}

// explained is diverged for a batch that a program has just shown, and that has
// changed nothing.
func (t *training) explained(program *nn.TrainProgram, epoch, batch int, loss float64) *DivergedError {
	e := t.diverged(epoch, batch, loss)
	e.Where = cmp.Or(program.NotFinite(), e.Where)
	return e
}

// finite reports whether all weights are finite numbers.
func finite(network nn.Module) bool {
	name, _ := notFinite(network)
	return name == ""
}

// notFinite returns the first weight or running statistic that is not finite, and its
// name, "" if there is none.
func notFinite(network nn.Module) (name string, value float32) {
	var values []float32
	for _, e := range nn.State(network) {
		n := nn.Shape(e.Shape()).Elements()
		values = slices.Grow(values[:0], n)[:n]
		e.Read(values)
		for _, v := range values {
			if v-v != 0 {
				return e.Name(), v
			}
		}
	}
	return "", 0
}
