package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// MSELoss is (input - target)², as torch.nn.MSELoss: of an input and a target of
// one shape. See CrossEntropyLoss for what a loss returns.
type MSELoss struct{ Reduction Reduction }

// Forward adds the loss to the network.
func (l *MSELoss) Forward(input, target *Value) *Value {
	return applyElementLoss(squaredError{}, l.Reduction, nil, input, target)
}

// L1Loss is |input - target|, as torch.nn.L1Loss.
type L1Loss struct{ Reduction Reduction }

// Forward adds the loss to the network.
func (l *L1Loss) Forward(input, target *Value) *Value {
	return applyElementLoss(huber{threshold: 0}, l.Reduction, nil, input, target)
}

// SmoothL1Loss is, of the distance d = |input - target|, d²/(2*Beta) below Beta and
// d - Beta/2 above, as torch.nn.SmoothL1Loss.
type SmoothL1Loss struct {
	Beta      float64 // 0 means 1; for L1Loss there is that
	Reduction Reduction
}

// Forward adds the loss to the network.
func (l *SmoothL1Loss) Forward(input, target *Value) *Value {
	beta := orDefault(l.Beta, 1)
	return applyElementLoss(huber{beta, 1}, l.Reduction, nil, input, target)
}

// HuberLoss is, of the distance d = |input - target|, d²/2 below Delta and
// Delta*(d - Delta/2) above, as torch.nn.HuberLoss.
type HuberLoss struct {
	Delta     float64 // 0 means 1
	Reduction Reduction
}

// Forward adds the loss to the network.
func (l *HuberLoss) Forward(input, target *Value) *Value {
	delta := orDefault(l.Delta, 1)
	return applyElementLoss(huber{delta, delta}, l.Reduction, nil, input, target)
}

// BCEWithLogitsLoss is the cross-entropy of yes or no for every element,
// -target*log(sigmoid(input)) - (1-target)*log(1-sigmoid(input)), as
// torch.nn.BCEWithLogitsLoss. Targets are from 0 to 1.
type BCEWithLogitsLoss struct {
	// Weights, if there are any, weigh the elements, and PosWeights what belongs to
	// the target: one for every element of an example, or of its last dimensions.
	Weights, PosWeights []float32
	Reduction           Reduction
}

// Forward adds the loss to the network.
func (l *BCEWithLogitsLoss) Forward(input, target *Value) *Value {
	op := binaryCrossEntropy{weights: len(l.Weights), positive: len(l.PosWeights)}
	return applyElementLoss(op, l.Reduction, weightBuffers(l.Weights, l.PosWeights), input, target)
}

// elementLoss is a loss of every element of an input and a target. F is the loss
// with its settings.
type elementLoss[F lossFunction] struct{ f F }

// lossFunction is the loss of an element x with target t, and its derivatives by
// both. W is the element's weight, and p the weight of what belongs to the target.
type lossFunction interface {
	comparable
	name() string
	check(each int) error
	loss(x, t, w, p float64) (loss, dx, dt float64)
}

func applyElementLoss[F lossFunction](f F, r Reduction, buffers []*Buffer, input, target *Value) *Value {
	return reduceLoss(r, ApplyAll(elementLoss[F]{f}, nil, buffers, input, target)[0], nil)
}

func (l elementLoss[F]) Name() string                        { return l.f.name() }
func (elementLoss[F]) BackwardReads() (inputs, outputs bool) { return true, false }

func (l elementLoss[F]) OutputShape(inputs []Shape) (Shape, error) {
	if len(inputs) != 2 || !inputs[0].Equal(inputs[1]) {
		return nil, fmt.Errorf("wants an input and a target of one shape, got %v", inputs)
	}
	return inputs[0], l.f.check(inputs[0][1:].Elements())
}

func (l elementLoss[F]) Forward(c *Call[float32])    { elementLossForward(l.f, c) }
func (l elementLoss[F]) Backward(c *Call[float32])   { elementLossBackward(l.f, c) }
func (l elementLoss[F]) Forward64(c *Call[float64])  { elementLossForward(l.f, c) }
func (l elementLoss[F]) Backward64(c *Call[float64]) { elementLossBackward(l.f, c) }

// elementWeights returns the weights of an element.
func elementWeights[T Float](f any, c *Call[T], i int) (w, p float64) {
	w, p = 1, 1
	b, ok := f.(binaryCrossEntropy)
	if !ok {
		return w, p
	}
	if b.weights > 0 {
		w = float64(c.Buffers[0].Data[i%b.weights])
	}
	if b.positive > 0 {
		p = float64(c.Buffers[len(c.Buffers)-1].Data[i%b.positive])
	}
	return w, p
}

func elementLossForward[F lossFunction, T Float](f F, c *Call[T]) {
	t := c.Inputs[1].Data
	for i, x := range c.Inputs[0].Data {
		w, p := elementWeights(f, c, i)
		loss, _, _ := f.loss(float64(x), float64(t[i]), w, p)
		c.Output.Data[i] = T(loss)
	}
}

func elementLossBackward[F lossFunction, T Float](f F, c *Call[T]) {
	t, dy := c.Inputs[1].Data, c.OutputGrad.Data
	toInput, toTarget := c.InputGrads[0].Data, c.InputGrads[1].Data
	for i, x := range c.Inputs[0].Data {
		w, p := elementWeights(f, c, i)
		_, dx, dt := f.loss(float64(x), float64(t[i]), w, p)
		if toInput != nil {
			toInput[i] += T(float64(dy[i]) * dx)
		}
		if toTarget != nil {
			toTarget[i] += T(float64(dy[i]) * dt)
		}
	}
}

type squaredError struct{}

func (squaredError) name() string    { return "mse" }
func (squaredError) check(int) error { return nil }
func (squaredError) loss(x, t, _, _ float64) (loss, dx, dt float64) {
	d := x - t
	return d * d, 2 * d, -2 * d
}

// huber is, times scale, quadratic below threshold and linear above.
type huber struct{ threshold, scale float64 }

func (huber) name() string { return "huber" }

func (h huber) check(int) error {
	if !(h.threshold >= 0) || math.IsInf(h.threshold, 1) {
		return fmt.Errorf("wants a threshold of 0 or more, got %v", h.threshold)
	}
	return nil
}

func (h huber) loss(x, t, _, _ float64) (loss, dx, dt float64) {
	scale := h.scale
	if h.threshold == 0 {
		scale = 1
	}
	d := x - t
	if far := math.Abs(d); !(far < h.threshold) {
		sign := 0.0
		switch {
		case d > 0:
			sign = 1
		case d < 0:
			sign = -1
		}
		return scale * (far - h.threshold/2), scale * sign, -scale * sign
	}
	return scale * d * d / (2 * h.threshold), scale * d / h.threshold, -scale * d / h.threshold
}

// binaryCrossEntropy has so many weights, or 0.
type binaryCrossEntropy struct{ weights, positive int }

func (binaryCrossEntropy) name() string { return "bce_with_logits" }

func (b binaryCrossEntropy) check(each int) error {
	for _, n := range []int{b.weights, b.positive} {
		if n > 0 && each%n != 0 {
			return fmt.Errorf("wants weights for each of the %d elements of an example, or of its last dimensions, got %d weights", each, n)
		}
	}
	return nil
}

func (binaryCrossEntropy) loss(x, t, w, p float64) (loss, dx, dt float64) {
	// -log(sigmoid(x)) is softplus(-x), and -log(1-sigmoid(x)) is softplus(x).
	yes, no := softPlus(-x), softPlus(x)
	return w * (p*t*yes + (1-t)*no), w * (-p*t*logistic(-x) + (1-t)*logistic(x)), w * (p*yes - no)
}

func elementLossExample(loss func(r *rand.Rand, each int) func(input, target *Value) *Value) func(r *rand.Rand) Example {
	return func(r *rand.Rand) Example {
		shape := anyShape(r)
		f := loss(r, shape[len(shape)-1])
		e := exampleOfFunc(func(x []*Value) *Value { return f(x[0], x[1]) }, shape, shape)
		e.Draw = func(r *rand.Rand, input int) float64 {
			if input == 0 {
				return 2 * r.NormFloat64()
			}
			return r.Float64()
		}
		return e
	}
}

func mseExample(r *rand.Rand, _ int) func(input, target *Value) *Value {
	return (&MSELoss{Reduction(r.IntN(3))}).Forward
}

func huberExample(r *rand.Rand, _ int) func(input, target *Value) *Value {
	switch reduction := Reduction(r.IntN(3)); r.IntN(3) {
	case 0:
		return (&L1Loss{reduction}).Forward
	case 1:
		return (&SmoothL1Loss{0.7, reduction}).Forward
	default:
		return (&HuberLoss{0.7, reduction}).Forward
	}
}

func bceExample(r *rand.Rand, each int) func(input, target *Value) *Value {
	l := &BCEWithLogitsLoss{Reduction: Reduction(r.IntN(3))}
	for range each * r.IntN(2) {
		l.Weights = append(l.Weights, 0.1+r.Float32())
	}
	for range each * r.IntN(2) {
		l.PosWeights = append(l.PosWeights, 0.1+r.Float32())
	}
	return l.Forward
}
