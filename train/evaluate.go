package train

import (
	"cmp"
	"context"
	"fmt"
	"runtime"

	"inkling/data"
	"inkling/nn"
	"inkling/transform"
)

// Evaluation is how a network did on a data set.
type Evaluation struct {
	Classes []string

	// Confusion counts the pictures: Confusion[label][prediction].
	Confusion [][]int

	// Loss is the mean cross-entropy over the pictures.
	Loss float64
}

// evaluationBatch returns how many pictures of so many samples are classified at a
// time: enough to keep several workers busy, and of large ones no more.
func evaluationBatch(samples int) int {
	const least, most, mostSamples = 16, 250, 1 << 22
	return min(max(mostSamples/samples, least), most)
}

// Evaluate lets the network classify every picture of d, made ready by t as in
// training, on at most so many workers (0 for GOMAXPROCS; the numbers do not
// depend on it).
//
// It fails when the network does not suit the data set, when a picture cannot
// be read, when an output is not a finite number (because a weight is not),
// and, with context.Cause(ctx), when ctx is cancelled.
func Evaluate(ctx context.Context, network nn.Module, d data.Dataset, t transform.Transform, workers int) (*Evaluation, error) {
	loader := &data.Loader{Dataset: d, Transform: t}
	if !data.InMemory(d) {
		loader.Workers = cmp.Or(workers, runtime.GOMAXPROCS(0))
	}
	channels, height, width, err := loader.Shape()
	if err != nil {
		return nil, err
	}
	loader.BatchSize = evaluationBatch(channels * height * width)
	// The loss of every picture is an output of the program, as its logits are.
	program, err := nn.Network{
		Module: network,
		Inputs: []nn.Spec{{Shape: nn.Shape{loader.BatchSize, channels, height, width}}, {Shape: nn.Shape{loader.BatchSize}, Type: nn.Int32}},
		Forward: func(x []*nn.Value) []*nn.Value {
			logits := network.Forward(x[0])
			return []*nn.Value{logits, nn.CrossEntropy{}.Judge([]*nn.Value{logits}, x[1:])}
		},
	}.Compile()
	if err != nil {
		return nil, err
	}
	if err := checkClasses(program.OutputShape(), d); err != nil {
		return nil, err
	}
	program.SetWorkers(workers)
	classes := len(d.Classes())
	e := &Evaluation{Classes: d.Classes(), Confusion: make([][]int, classes)}
	for i := range e.Confusion {
		e.Confusion[i] = make([]int, classes)
	}
	var loss float64
	labels := make([]int32, loader.BatchSize)
	inputs := make([]nn.Tensor[float32], 2)
	for _, batch := range loader.BatchesContext(ctx) {
		for i, label := range batch.Labels {
			labels[i] = int32(label)
		}
		inputs[0].Data, inputs[1].Ints = batch.Images, labels[:len(batch.Labels)]
		outputs := program.ForwardAll(inputs...)
		logits := outputs[0].Data
		for i, label := range batch.Labels {
			row := logits[i*classes : (i+1)*classes]
			for _, v := range row {
				if v-v != 0 {
					return nil, fmt.Errorf("the network's output for picture %d is %v, not a finite number: its weights are damaged", batch.Indices[i], v)
				}
			}
			e.Confusion[label][Argmax(row)]++
		}
		for _, l := range outputs[1].Data {
			loss += float64(l)
		}
	}
	if err := loader.Err(); err != nil {
		return nil, err
	}
	e.Loss = loss / float64(d.Len())
	return e, nil
}

// Total is the number of pictures.
func (e *Evaluation) Total() int {
	total := 0
	for label := range e.Confusion {
		_, n := e.Class(label)
		total += n
	}
	return total
}

// Correct is the number of pictures whose class was recognised.
func (e *Evaluation) Correct() int {
	correct := 0
	for label := range e.Confusion {
		correct += e.Confusion[label][label]
	}
	return correct
}

// Accuracy is the share of pictures whose class was recognised, 0 to 1.
func (e *Evaluation) Accuracy() float64 {
	if e.Total() == 0 {
		return 0
	}
	return float64(e.Correct()) / float64(e.Total())
}

// Class returns how many pictures of a class there are, and how many of them
// were recognised.
func (e *Evaluation) Class(label int) (correct, total int) {
	for _, n := range e.Confusion[label] {
		total += n
	}
	return e.Confusion[label][label], total
}

// Argmax returns the index of the largest value, the first of equals, as
// torch.argmax does: of logits, the class. It panics if there are no values.
func Argmax(values []float32) int {
	best := 0
	for i, v := range values {
		if v > values[best] {
			best = i
		}
	}
	return best
}
