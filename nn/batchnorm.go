package nn

import (
	"fmt"
	"math"
	"math/rand/v2"

	"inkling/internal/kernel"
)

// BatchNorm2d normalises every channel of pictures, N x C x H x W, over the batch
// and the pixels, as torch.nn.BatchNorm2d:
//
//	y = (x - mean) / sqrt(variance + Eps) * Weight + Bias
//
// In a program compiled for training mean and variance are those of the batch
// (the variance divided by the number of values), and the running statistics
// follow them:
//
//	running = (1 - Momentum)*running + Momentum*batch's
//
// where the batch's variance is divided by the number less one. In a program for
// inference, and inside of AsEval, mean and variance are the running ones.
// Source: Ioffe and Szegedy 2015, arXiv:1502.03167.
type BatchNorm2d struct {
	Features int     // channels
	Eps      float64 // 0 means 1e-5
	// Momentum is the weight of the newest batch; 0 means 0.1. CumulativeAverage
	// instead weighs all batches alike, PyTorch's momentum=None.
	Momentum          float64
	CumulativeAverage bool
	NoAffine          bool // neither Weight nor Bias
	// NoRunningStats: there are no running statistics; those of the batch serve
	// inference, too.
	NoRunningStats bool

	Weight Param // Features
	Bias   Param // Features

	RunningMean, RunningVar Buffer // Features
	NumBatchesTracked       Buffer // one number
}

func (l *BatchNorm2d) op() batchNorm {
	op := batchNorm{rank: 4, features: l.Features, eps: orDefault(l.Eps, 1e-5), momentum: orDefault(l.Momentum, 0.1), running: !l.NoRunningStats}
	if l.CumulativeAverage {
		op.momentum = 0
	}
	return op
}

// Forward adds the normalisation to the network.
func (l *BatchNorm2d) Forward(x *Value) *Value { return l.apply(l.op(), x) }

func (l *BatchNorm2d) apply(op batchNorm, x *Value) *Value {
	var params []*Param
	if !l.NoAffine {
		params = []*Param{&l.Weight, &l.Bias}
	}
	op.training = x.Training() && !x.graph.allFrozen(params)
	var buffers []*Buffer
	if op.running {
		buffers = []*Buffer{&l.RunningMean, &l.RunningVar, &l.NumBatchesTracked}
	}
	return ApplyAll(op, params, buffers, x)[0]
}

func (l *BatchNorm2d) check() error { return l.op().check() }

// BatchNorm1d is BatchNorm2d for features, N x C, and for lines, N x C x L, as
// torch.nn.BatchNorm1d.
type BatchNorm1d BatchNorm2d

// Forward adds the normalisation to the network.
func (l *BatchNorm1d) Forward(x *Value) *Value {
	op := (*BatchNorm2d)(l).op()
	op.rank = 1
	return (*BatchNorm2d)(l).apply(op, x)
}

func (l *BatchNorm1d) check() error { return (*BatchNorm2d)(l).check() }

func (l *BatchNorm1d) initialize(uniform func(bound float64) float32) {
	(*BatchNorm2d)(l).initialize(uniform)
}

func (l *BatchNorm2d) initialize(func(bound float64) float32) {
	if !l.NoAffine {
		l.Weight, l.Bias = NewParam(l.Features), NewParam(l.Features)
		l.Weight.fill(1)
	}
	if !l.NoRunningStats {
		l.RunningMean, l.RunningVar, l.NumBatchesTracked = NewBuffer(l.Features), NewBuffer(l.Features), NewCounter()
		for i := range l.RunningVar.data {
			l.RunningVar.data[i] = 1
		}
	}
}

// batchNorm is the operation behind BatchNorm: of N x C x ... with any number of
// further dimensions, or none.
type batchNorm struct {
	rank     int // 4 for pictures, 1 for features and lines
	features int
	eps      float64
	momentum float64 // 0 for the average of all batches
	training bool
	running  bool // has running statistics
}

func (batchNorm) Name() string                          { return "batchnorm" }
func (batchNorm) BackwardReads() (inputs, outputs bool) { return true, false }

// ofBatch reports whether mean and variance are those of the batch.
func (b batchNorm) ofBatch() bool { return b.training || !b.running }

// Batchwise is true where the statistics are the batch's.
func (b batchNorm) Batchwise() bool { return b.ofBatch() }

func (b batchNorm) check() error {
	if b.features < 1 || !(b.eps > 0) || !(b.momentum >= 0 && b.momentum <= 1) {
		return fmt.Errorf("wants at least 1 feature, an eps above 0 and a momentum from 0 to 1, got features %d, eps %v, momentum %v", b.features, b.eps, b.momentum)
	}
	return nil
}

func (b batchNorm) OutputShape(inputs []Shape) (Shape, error) {
	if err := b.check(); err != nil {
		return nil, err
	}
	in, err := oneInput(inputs)
	if err == nil && b.rank == 1 && len(in) != 2 && len(in) != 3 {
		err = fmt.Errorf("wants an input of shape N x C or N x C x L, got %v", in)
	}
	if err == nil && b.rank == 4 {
		in, err = wantRank(inputs, 4, "N x C x H x W")
	}
	if err != nil {
		return nil, err
	}
	if len(in) < 2 || in[1] != b.features {
		return nil, fmt.Errorf("wants %d features as second dimension, got the input %v", b.features, in)
	}
	if b.training && in[0]*in[2:].Elements() == 1 {
		return nil, fmt.Errorf("wants more than one value a channel when training, got the input %v: train on a larger batch", in)
	}
	return in, nil
}

// Saves asks for the mean, in two parts, and 1/sqrt(variance + eps) of every
// channel. A float32 alone does not tell a mean of 1000 finely enough from the
// values around it where these deviate little.
func (b batchNorm) Saves([]Shape) Saves {
	if b.ofBatch() {
		return Saves{BatchFloats: 3 * b.features}
	}
	return Saves{}
}

func (b batchNorm) Forward(c *Call[float32])    { batchNormForward(b, c) }
func (b batchNorm) Backward(c *Call[float32])   { batchNormBackward(b, c) }
func (b batchNorm) Forward64(c *Call[float64])  { batchNormForward(b, c) }
func (b batchNorm) Backward64(c *Call[float64]) { batchNormBackward(b, c) }

func batchNormForward[T Float](b batchNorm, c *Call[T]) {
	x, y := c.Inputs[0], c.Output.Data
	pixels := x.Shape[2:].Elements()
	for f := range b.features {
		if b.ofBatch() {
			batchNormStatistics(b, c, f)
		}
		mean, inverse := batchNormMoments(b, c, f)
		scale, shift := inverse, 0.0
		if len(c.Params) > 0 {
			scale, shift = scale*float64(c.Params[0].Data[f]), float64(c.Params[1].Data[f])
		}
		for n := range x.Shape[0] {
			at := (n*b.features + f) * pixels
			for i, v := range x.Data[at:][:pixels] {
				y[at+i] = T((float64(v)-mean)*scale + shift)
			}
		}
	}
	if c.UpdateBuffers && b.training && b.running {
		c.Buffers[2].Data[0]++
	}
}

// batchNormStatistics computes mean and variance of a channel, in two passes,
// keeps them and lets the running ones follow.
func batchNormStatistics[T Float](b batchNorm, c *Call[T], f int) {
	x := c.Inputs[0]
	pixels := x.Shape[2:].Elements()
	count := float64(x.Shape[0] * pixels)
	var sum, squares float64
	for n := range x.Shape[0] {
		for _, v := range x.Data[(n*b.features+f)*pixels:][:pixels] {
			sum += float64(v)
		}
	}
	mean := sum / count
	for n := range x.Shape[0] {
		for _, v := range x.Data[(n*b.features+f)*pixels:][:pixels] {
			squares += (float64(v) - mean) * (float64(v) - mean)
		}
	}
	kept := c.BatchFloats
	kept[f] = T(mean)
	kept[b.features+f] = T(mean - float64(kept[f]))
	kept[2*b.features+f] = T(1 / math.Sqrt(squares/count+b.eps))
	if c.UpdateBuffers && b.training && b.running {
		momentum := b.momentum
		if momentum == 0 {
			momentum = 1 / (float64(c.Buffers[2].Data[0]) + 1)
		}
		follow := func(running []T, batch float64) {
			running[f] = kernel.Flush(T((1-momentum)*float64(running[f]) + momentum*batch))
		}
		follow(c.Buffers[0].Data, mean)
		follow(c.Buffers[1].Data, squares/max(count-1, 1))
	}
}

// batchNormMoments returns the mean and 1/sqrt(variance + eps) that normalise a
// channel.
func batchNormMoments[T Float](b batchNorm, c *Call[T], f int) (mean, inverse float64) {
	if b.ofBatch() {
		kept := c.BatchFloats
		return float64(kept[f]) + float64(kept[b.features+f]), float64(kept[2*b.features+f])
	}
	return float64(c.Buffers[0].Data[f]), 1 / math.Sqrt(float64(c.Buffers[1].Data[f])+b.eps)
}

func batchNormBackward[T Float](b batchNorm, c *Call[T]) {
	x, dy := c.Inputs[0], c.OutputGrad.Data
	pixels := x.Shape[2:].Elements()
	count := float64(x.Shape[0] * pixels)
	for f := range b.features {
		mean, inverse := batchNormMoments(b, c, f)
		var sum, dot float64 // of the gradients, and with the normalised values
		for n := range x.Shape[0] {
			at := (n*b.features + f) * pixels
			for i, v := range x.Data[at:][:pixels] {
				sum += float64(dy[at+i])
				dot += float64(dy[at+i]) * (float64(v) - mean) * inverse
			}
		}
		weight := 1.0
		if len(c.Params) > 0 {
			weight = float64(c.Params[0].Data[f])
			if dw := c.ParamGrads[0].Data; dw != nil {
				dw[f] += T(dot)
			}
			if db := c.ParamGrads[1].Data; db != nil {
				db[f] += T(sum)
			}
		}
		dx := c.InputGrads[0].Data
		if dx == nil {
			continue
		}
		if !b.ofBatch() {
			sum, dot = 0, 0 // the statistics do not depend on x
		}
		for n := range x.Shape[0] {
			at := (n*b.features + f) * pixels
			for i, v := range x.Data[at:][:pixels] {
				normal := (float64(v) - mean) * inverse
				dx[at+i] += T(weight * inverse * (float64(dy[at+i]) - sum/count - normal*dot/count))
			}
		}
	}
}

func batchNormExample(r *rand.Rand) Example {
	l := &BatchNorm2d{Features: 1 + r.IntN(4), NoAffine: r.IntN(4) == 0, NoRunningStats: r.IntN(4) == 0, CumulativeAverage: r.IntN(4) == 0}
	shape := pictureShape(r, l.Features, 1)
	shape[0]++
	e := exampleOf(l, shape...)
	if r.IntN(4) == 0 {
		lines := (*BatchNorm1d)(l)
		return exampleOf(lines, shape[:2+r.IntN(2)]...)
	}
	if r.IntN(4) == 0 {
		e.Forward = func(x []*Value) []*Value { return []*Value{AsEval(x[0], l.Forward)} }
	}
	return e
}
