package train

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"runtime"
	"slices"

	"inkling/data"
	"inkling/metrics"
	"inkling/nn"
	"inkling/transform"
)

// Evaluation is how a network did on a data set.
type Evaluation struct {
	Classes []string

	// Numbers is how far the answers are from the labels of a data set that is
	// [data.Numbered]; of such, Loss is the mean squared error in units of the Scale,
	// Farthest are the examples with the largest errors, the worst first, and the other
	// fields are empty. Nil for classes.
	Numbers  *metrics.Regression
	Farthest []Miss

	// Confusion counts the pictures: Confusion[label][prediction]. Its methods tell
	// accuracy, precision, recall and F1.
	metrics.Confusion

	// Loss is the mean cross-entropy over the pictures.
	Loss float64

	// Top counts the pictures whose class was among the k likeliest.
	Top metrics.TopK

	// Calibration tells how far the probabilities of the answers can be believed;
	// Temperature is what to divide the logits by to mend them, 0 if there were too
	// many pictures and classes to find out (16 million logits).
	Calibration *metrics.Calibration
	Temperature float64

	// Worst are the pictures that were misread with most confidence, the surest
	// first, at most so many as there is room for in a picture of them.
	Worst []Misread
	// Mistaken has some of the pictures of a class that were taken for another, by the
	// numbers of the two: those of most confidence, the surest first.
	Mistaken map[[2]int][]Misread
}

// Misread is a picture whose class was not recognised.
type Misread struct {
	Index             int // in the data set
	Label, Prediction int
	Confidence        float64 // probability of the prediction, 0 to 1
}

// Miss is an example, what the network told of it and its number, both in the label's unit.
type Miss struct {
	Index          int // in the data set
	Answer, Number float64
}

// Samples is how many there were.
func (e *Evaluation) Samples() int {
	if e.Numbers != nil {
		return e.Numbers.Count
	}
	return e.Total()
}

// Score is what tells how good the answers are, the more the better, and what it is called:
// the accuracy, or of numbers R2.
func (e *Evaluation) Score() (score float64, name string) {
	if e.Numbers != nil {
		return e.Numbers.R2(), "r2"
	}
	return e.Accuracy(), "accuracy"
}

const (
	mostWorst       = 64
	mostMistaken    = 4       // of two classes
	mostKept        = 1 << 24 // logits
	calibrationBins = 15      // as in Guo et al. 2017
)

// evaluating collects an Evaluation.
type evaluating struct {
	*Evaluation
	loss          float64
	probabilities []float64
	logits        []float32
	labels        []int
}

func newEvaluating(classes []string, pictures int) *evaluating {
	e := &evaluating{Evaluation: &Evaluation{Classes: classes, Confusion: metrics.NewConfusion(len(classes)), Calibration: metrics.NewCalibration(calibrationBins),
		Mistaken: map[[2]int][]Misread{}},
		probabilities: make([]float64, len(classes))}
	if pictures*len(classes) <= mostKept {
		e.logits, e.labels = make([]float32, 0, pictures*len(classes)), make([]int, 0, pictures)
	}
	return e
}

// add counts the network's outputs for a picture.
func (e *evaluating) add(index, label int, logits []float32) {
	answer := Argmax(logits)
	e.Confusion[label][answer]++
	e.Top.Add(logits, label)
	metrics.Softmax(e.probabilities, logits, 1)
	confidence := e.probabilities[answer]
	e.Calibration.Add(confidence, answer == label)
	if answer != label {
		m, of := Misread{index, label, answer, confidence}, [2]int{label, answer}
		e.Worst = withFirst(e.Worst, m, mostWorst, surestFirst)
		e.Mistaken[of] = withFirst(e.Mistaken[of], m, mostMistaken, surestFirst)
	}
	if e.labels != nil {
		e.logits, e.labels = append(e.logits, logits...), append(e.labels, label)
	}
}

// withFirst inserts v where compare puts it into a sorted list, of which there are so many
// at most.
func withFirst[T any](list []T, v T, most int, compare func(a, b T) int) []T {
	at, _ := slices.BinarySearchFunc(list, v, compare)
	if at == most {
		return list
	}
	return slices.Insert(list[:min(len(list), most-1)], at, v)
}

// surestFirst orders what was misread.
func surestFirst(a, b Misread) int {
	return cmp.Or(cmp.Compare(b.Confidence, a.Confidence), cmp.Compare(a.Index, b.Index))
}

// farthestFirst orders what was not told.
func farthestFirst(a, b Miss) int {
	return cmp.Or(cmp.Compare(math.Abs(b.Answer-b.Number), math.Abs(a.Answer-a.Number)), cmp.Compare(a.Index, b.Index))
}

func (e *evaluating) finish() (*Evaluation, error) {
	e.Loss = e.loss / float64(e.Total())
	var err error
	if e.labels != nil {
		e.Temperature, err = metrics.Temperature(e.logits, len(e.Classes), e.labels)
	}
	return e.Evaluation, err
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
	return EvaluateBy(ctx, network, nn.ExactConvolutions, d, t, workers)
}

// EvaluateBy is Evaluate where it is said how convolutions are computed, and which views
// of a picture the network sees (test-time augmentation): the logits are the means of
// those of all views. Without views it sees the picture as it is. It fails if a view is
// moved as far as the picture is wide or high.
func EvaluateBy(ctx context.Context, network nn.Module, convolutions nn.Convolutions, d data.Dataset, t transform.Transform, workers int, views ...View) (*Evaluation, error) {
	loader := &data.Loader{Dataset: d, Transform: t}
	if !data.InMemory(d) {
		loader.Workers = cmp.Or(workers, runtime.GOMAXPROCS(0))
	}
	channels, height, width, err := loader.Shape()
	if err != nil {
		return nil, err
	}
	if err := checkViews(views, height, width); err != nil {
		return nil, err
	}
	loader.BatchSize = evaluationBatch(channels * height * width)
	if number, scale := data.Numbers(d); number != nil {
		network := nn.NewNetwork(network, loader.BatchSize, channels, height, width)
		network.Convolutions = convolutions
		return evaluateNumbers(ctx, network, loader, number, scale, workers, views)
	}
	// The loss of every picture is an output of the program, as its logits are.
	program, err := nn.Network{
		Module: network, Convolutions: convolutions,
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
	e := newEvaluating(d.Classes(), d.Len())
	labels := make([]int32, loader.BatchSize)
	inputs := make([]nn.Tensor[float32], 2)
	for _, batch := range loader.BatchesContext(ctx) {
		for i, label := range batch.Labels {
			labels[i] = int32(label)
		}
		inputs[0].Data, inputs[1].Ints = batch.Images, labels[:len(batch.Labels)]
		var logits, losses []float32
		if asItIs(views) {
			outputs := program.ForwardAll(inputs...)
			logits, losses = outputs[0].Data, outputs[1].Data
		} else {
			logits = meanOfViews(views, batch.Images, height, width, func(images []float32) []float32 {
				inputs[0].Data = images
				return program.ForwardAll(inputs...)[0].Data
			})
			losses = crossEntropies(logits, batch.Labels)
		}
		for i, label := range batch.Labels {
			row := logits[i*classes : (i+1)*classes]
			if err := checkFinite(row, batch.Indices[i]); err != nil {
				return nil, err
			}
			e.add(batch.Indices[i], label, row)
		}
		for _, l := range losses {
			e.loss += float64(l)
		}
	}
	if err := loader.Err(); err != nil {
		return nil, err
	}
	return e.finish()
}

// checkFinite refuses what no network puts out whose weights are numbers.
func checkFinite(outputs []float32, picture int) error {
	for _, v := range outputs {
		if v-v != 0 {
			return fmt.Errorf("the network's output for picture %d is %v, not a finite number: its weights are damaged", picture, v)
		}
	}
	return nil
}

// evaluateNumbers is EvaluateBy where the labels are numbers.
func evaluateNumbers(ctx context.Context, network nn.Network, loader *data.Loader, number func(i int) float64, scale data.Scale, workers int, views []View) (*Evaluation, error) {
	program, err := network.Compile()
	if err != nil {
		return nil, err
	}
	if err := checkClasses(program.OutputShape(), loader.Dataset); err != nil {
		return nil, err
	}
	program.SetWorkers(workers)
	e := &Evaluation{Classes: loader.Dataset.Classes(), Numbers: &metrics.Regression{}}
	input := network.Inputs[0].Shape
	squares := 0.0
	for _, batch := range loader.BatchesContext(ctx) {
		var answers []float32
		if asItIs(views) {
			answers = program.Forward(batch.Images)
		} else {
			answers = meanOfViews(views, batch.Images, input[2], input[3], program.Forward)
		}
		if err := checkFinite(answers, batch.Indices[0]); err != nil {
			return nil, err
		}
		for k, answer := range answers {
			m := Miss{batch.Indices[k], scale.Number(answer), number(batch.Indices[k])}
			e.Numbers.Add(m.Answer, m.Number)
			e.Farthest = withFirst(e.Farthest, m, mostWorst, farthestFirst)
			off := float64(answer - batch.Numbers[k])
			squares += off * off
		}
	}
	if err := loader.Err(); err != nil {
		return nil, err
	}
	e.Loss = squares / float64(max(e.Numbers.Count, 1))
	return e, nil
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
