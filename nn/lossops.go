package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Losses as operations: a module that computes, from a network's outputs and
// targets that are inputs, one number for every example, whose mean over the
// batch is the loss. Losses are weighted and joined as any other values:
//
//	total := nn.Add(classes.Forward(logits, labels), nn.Affine(boxes.Forward(corners, wanted), 0.5, 0))

// Reduction is how the losses of the elements become one number.
type Reduction uint8

// The reductions, with PyTorch's names.
const (
	// ReduceMean has the mean of all elements of the batch, each by its weight.
	ReduceMean Reduction = iota
	// ReduceSum has the sum.
	ReduceSum
	// ReduceNone leaves the elements as they are.
	ReduceNone
)

// CrossEntropyLoss is -log softmax(logits)[target], as torch.nn.CrossEntropyLoss.
// The logits are N x C, or N x C x d1 x ...; the targets are classes, an Int32
// value of N x d1 x ..., or probabilities of the classes, a Float32 value of the
// logits' shape.
type CrossEntropyLoss struct {
	// ClassWeights, if there are any, weigh the classes. With classes as targets
	// the mean is that of the weighted elements, divided by the sum of the weights.
	ClassWeights []float32
	// IgnoreIndex is a class that does not count; nil means -100.
	IgnoreIndex *int
	// LabelSmoothing, 0 to 1, is the share of a target that is spread evenly over
	// all classes (Szegedy et al. 2015, arXiv:1512.00567).
	LabelSmoothing float64
	Reduction      Reduction
}

// Forward adds the loss to the network.
func (l *CrossEntropyLoss) Forward(logits, targets *Value) *Value {
	op := crossEntropy{smoothing: l.LabelSmoothing, soft: targets.kind == Float32, ignore: ignored(l.IgnoreIndex), classes: len(l.ClassWeights)}
	elements := ApplyAll(op, nil, weightBuffers(l.ClassWeights), logits, targets)
	return reduceLoss(l.Reduction, elements[0], elements[1])
}

// NLLLoss is -input[target], as torch.nn.NLLLoss: the cross-entropy of what
// LogSoftmax gives. See CrossEntropyLoss.
type NLLLoss struct {
	ClassWeights []float32
	IgnoreIndex  *int // nil means -100
	Reduction    Reduction
}

// Forward adds the loss to the network.
func (l *NLLLoss) Forward(logProbabilities, targets *Value) *Value {
	op := crossEntropy{logs: true, ignore: ignored(l.IgnoreIndex), classes: len(l.ClassWeights)}
	elements := ApplyAll(op, nil, weightBuffers(l.ClassWeights), logProbabilities, targets)
	return reduceLoss(l.Reduction, elements[0], elements[1])
}

func ignored(index *int) int {
	if index == nil {
		return -100
	}
	return *index
}

// weightBuffers is how weights reach an operation.
func weightBuffers(lists ...[]float32) []*Buffer {
	var buffers []*Buffer
	for _, list := range lists {
		if len(list) > 0 {
			b := NewBuffer(len(list))
			b.Write(list)
			buffers = append(buffers, &b)
		}
	}
	return buffers
}

// crossEntropy computes the loss and the weight of every element. Weights have no
// gradient: they do not depend on the logits.
type crossEntropy struct {
	smoothing float64
	soft      bool // targets are probabilities
	logs      bool // the input is log-probabilities, not logits
	ignore    int
	classes   int // number of class weights, or 0
}

func (crossEntropy) Name() string                          { return "cross_entropy" }
func (crossEntropy) BackwardReads() (inputs, outputs bool) { return true, false }

func (o crossEntropy) OutputShape(inputs []Shape) (Shape, error) {
	in, target := inputs[0], inputs[1]
	if len(in) < 2 {
		return nil, fmt.Errorf("wants logits of shape N x C or N x C x ..., got %v", in)
	}
	out := append(Shape{in[0]}, in[2:]...)
	if o.soft && !target.Equal(in) {
		return nil, fmt.Errorf("wants probabilities of the logits' shape %v, got %v", in, target)
	}
	if !o.soft && !target.Equal(out) {
		return nil, fmt.Errorf("wants classes of shape %v for logits of shape %v, got %v", out, in, target)
	}
	if o.classes != 0 && o.classes != in[1] {
		return nil, fmt.Errorf("wants a weight for each of the %d classes, got %d weights", in[1], o.classes)
	}
	if !(o.smoothing >= 0 && o.smoothing <= 1) {
		return nil, fmt.Errorf("wants a LabelSmoothing from 0 to 1, got %v", o.smoothing)
	}
	return out, nil
}

// Outputs wants Float32 logits, and Int32 or Float32 targets.
func (o crossEntropy) Outputs(inputs []Spec) ([]Spec, error) {
	target := Int32
	if o.soft {
		target = Float32
	}
	if len(inputs) != 2 || inputs[0].Type != Float32 || inputs[1].Type != target {
		return nil, fmt.Errorf("wants float32 logits and %v targets, got %v", target, typesOf(inputs))
	}
	shape, err := o.OutputShape(shapesOf(inputs))
	return []Spec{{Shape: shape}, {Shape: shape}}, err
}

func (o crossEntropy) Forward(c *Call[float32])    { crossEntropyForward(o, c) }
func (o crossEntropy) Backward(c *Call[float32])   { crossEntropyBackward(o, c) }
func (o crossEntropy) Forward64(c *Call[float64])  { crossEntropyForward(o, c) }
func (o crossEntropy) Backward64(c *Call[float64]) { crossEntropyBackward(o, c) }

// classWeight is the weight of a class.
func classWeight[T Float](c *Call[T], class int) float64 {
	if len(c.Buffers) == 0 {
		return 1
	}
	return float64(c.Buffers[0].Data[class])
}

// target returns the share that a class has in the target of the k-th element,
// smoothed, and whether the element counts.
func crossEntropyTarget[T Float](o crossEntropy, c *Call[T], k, class int, l line) (share float64, counts bool) {
	if o.soft {
		share = float64(c.Inputs[1].Data[l.start(k)+class*l.inner])
	} else {
		label := int(c.Inputs[1].Ints[k])
		if label == o.ignore {
			return 0, false
		}
		if label < 0 || label >= l.size {
			panic(refusedNumber{label, l.size})
		}
		share = float64(truth(label == class))
	}
	return (1-o.smoothing)*share + o.smoothing/float64(l.size), true
}

// crossEntropyNorm returns what to take from a logit to make it a log-probability.
func crossEntropyNorm[T Float](o crossEntropy, x []T, at int, l line) (largest, logSum float64) {
	if o.logs {
		return 0, 0
	}
	return logSumExp(x, at, l)
}

func crossEntropyForward[T Float](o crossEntropy, c *Call[T]) {
	x, l := c.Inputs[0].Data, lineOf(c.Inputs[0].Shape, 1)
	for k := range l.count() {
		at := l.start(k)
		var loss, weight float64
		if _, counts := crossEntropyTarget(o, c, k, 0, l); counts {
			largest, logSum := crossEntropyNorm(o, x, at, l)
			for class := range l.size {
				share, _ := crossEntropyTarget(o, c, k, class, l)
				if share != 0 { // infinitely improbable is no loss where it is not wanted
					loss -= classWeight(c, class) * share * (float64(x[at+class*l.inner]) - largest - logSum)
				}
			}
			if weight = 1; !o.soft {
				weight = classWeight(c, int(c.Inputs[1].Ints[k]))
			}
		}
		c.Output.Data[k], c.Outputs[1].Data[k] = T(loss), T(weight)
	}
}

func crossEntropyBackward[T Float](o crossEntropy, c *Call[T]) {
	x, dy, l := c.Inputs[0].Data, c.OutputGrad.Data, lineOf(c.Inputs[0].Shape, 1)
	dx, dt := c.InputGrads[0].Data, c.InputGrads[1].Data
	if dy == nil {
		return
	}
	for k := range l.count() {
		at := l.start(k)
		if _, counts := crossEntropyTarget(o, c, k, 0, l); !counts {
			continue
		}
		largest, logSum := crossEntropyNorm(o, x, at, l)
		var whole float64 // the sum of all classes' weighted shares
		for class := range l.size {
			share, _ := crossEntropyTarget(o, c, k, class, l)
			whole += classWeight(c, class) * share
		}
		for class := range l.size {
			i := at + class*l.inner
			share, _ := crossEntropyTarget(o, c, k, class, l)
			logit := float64(x[i]) - largest - logSum
			if dx != nil {
				d := -classWeight(c, class) * share
				if !o.logs {
					d += whole * math.Exp(logit)
				}
				dx[i] += T(float64(dy[k]) * d)
			}
			if dt != nil {
				dt[i] -= T(float64(dy[k]) * classWeight(c, class) * (1 - o.smoothing) * logit)
			}
		}
	}
}

// reduceLoss makes one number an example of the elements, whose mean over the
// batch is the loss. Weights may be nil.
func reduceLoss(r Reduction, losses, weights *Value) *Value {
	switch {
	case r == ReduceNone:
		return losses
	case r == ReduceMean && weights == nil:
		if len(losses.shape) == 1 {
			return losses
		}
		return Mean(losses, false)
	case weights == nil || r == ReduceSum:
		return Apply(lossShare{sum: true}, nil, losses)
	}
	return Apply(lossShare{}, nil, losses, weights)
}

// lossShare is each example's part of the loss of the batch, times the number of
// examples: of the sum, or of the sum divided by that of the weights.
type lossShare struct{ sum bool }

func (lossShare) Name() string    { return "loss_share" }
func (lossShare) Batchwise() bool { return true }

func (o lossShare) OutputShape(inputs []Shape) (Shape, error) {
	if !o.sum && (len(inputs) != 2 || !inputs[0].Equal(inputs[1])) {
		return nil, fmt.Errorf("wants losses and weights of one shape, got %v", inputs)
	}
	return inputs[0][:1], nil
}

func (o lossShare) Forward(c *Call[float32])    { lossShareForward(o, c) }
func (o lossShare) Backward(c *Call[float32])   { lossShareBackward(o, c) }
func (o lossShare) Forward64(c *Call[float64])  { lossShareForward(o, c) }
func (o lossShare) Backward64(c *Call[float64]) { lossShareBackward(o, c) }

func lossShareForward[T Float](o lossShare, c *Call[T]) {
	losses, each := c.Inputs[0].Data, len(c.Inputs[0].Data)/c.N
	factor := float64(c.N) / lossWeight(o, c)
	for n := range c.N {
		var sum float64
		for _, v := range losses[n*each:][:each] {
			sum += float64(v)
		}
		c.Output.Data[n] = T(sum * factor)
	}
}

// lossWeight is what the sum of the losses is divided by.
func lossWeight[T Float](o lossShare, c *Call[T]) float64 {
	if o.sum {
		return 1
	}
	var sum float64
	for _, w := range c.Inputs[1].Data {
		sum += float64(w)
	}
	return sum
}

func lossShareBackward[T Float](o lossShare, c *Call[T]) {
	dy, each := c.OutputGrad.Data, len(c.Inputs[0].Data)/c.N
	weight := lossWeight(o, c)
	if dx := c.InputGrads[0].Data; dx != nil {
		for i := range dx {
			dx[i] += T(float64(dy[i/each]) * float64(c.N) / weight)
		}
	}
	if len(c.InputGrads) < 2 || c.InputGrads[1].Data == nil {
		return
	}
	var d float64
	for n := range c.N {
		d -= float64(dy[n]) * float64(c.Output.Data[n]) / weight
	}
	for i := range c.InputGrads[1].Data {
		c.InputGrads[1].Data[i] += T(d)
	}
}

func crossEntropyExample(r *rand.Rand) Example {
	shape := anyShape(r)
	classes := shape[1]
	l := &CrossEntropyLoss{LabelSmoothing: []float64{0, 0.1, 1}[r.IntN(3)], Reduction: Reduction(r.IntN(3))}
	if r.IntN(2) == 0 {
		for range classes {
			l.ClassWeights = append(l.ClassWeights, 0.1+r.Float32())
		}
	}
	if r.IntN(4) == 0 && classes > 1 && shape[0] > 1 {
		l.IgnoreIndex = new(int)
	}
	soft := r.IntN(3) == 0
	target := Spec{append(Shape{shape[0]}, shape[2:]...), Int32}
	if soft {
		target = Spec{Shape: shape}
	}
	logs := r.IntN(4) == 0 && !soft
	e := Example{Inputs: []Spec{{Shape: shape}, target}, Forward: func(x []*Value) []*Value {
		if logs {
			return []*Value{(&NLLLoss{l.ClassWeights, l.IgnoreIndex, l.Reduction}).Forward(x[0], x[1])}
		}
		return []*Value{l.Forward(x[0], x[1])}
	}}
	drawn := 0
	e.Draw = func(r *rand.Rand, input int) float64 {
		switch {
		case input == 0:
			return r.NormFloat64()
		case soft:
			return r.Float64()
		}
		if drawn++; l.IgnoreIndex != nil && drawn == 1 {
			return 1 // so that not all is ignored
		}
		return float64(r.IntN(classes))
	}
	return e
}

func lossShareExample(r *rand.Rand) Example {
	shape := anyShape(r)
	e := exampleOfFunc(func(x []*Value) *Value { return Apply(lossShare{}, nil, x[0], x[1]) }, shape, shape)
	if r.IntN(3) == 0 {
		e = exampleOfFunc(func(x []*Value) *Value { return Apply(lossShare{sum: true}, nil, x[0]) }, shape)
	}
	e.Draw = func(r *rand.Rand, _ int) float64 { return 0.5 + r.Float64() }
	return e
}
