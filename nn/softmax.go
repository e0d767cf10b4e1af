package nn

import (
	"math"
	"math/rand/v2"
)

// Softmax returns exp(x)/Σexp(x) along a dimension, -1 for the last, as
// torch.nn.Softmax.
func Softmax(x *Value, dim int) *Value { return Apply(softmax{fromEnd(dim, len(x.shape))}, nil, x) }

type softmax struct{ dim int }

func (softmax) Name() string                          { return "softmax" }
func (softmax) BackwardReads() (inputs, outputs bool) { return false, true }

func (s softmax) OutputShape(inputs []Shape) (Shape, error) { return alongOne(inputs, s.dim) }

// alongOne is the shape rule of operations along one dimension of their input.
func alongOne(inputs []Shape, dim int) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = checkDim(dim, in)
	}
	return in, err
}

func (s softmax) Forward(c *Call[float32])    { softmaxForward(s.dim, c) }
func (s softmax) Backward(c *Call[float32])   { softmaxBackward(s.dim, c) }
func (s softmax) Forward64(c *Call[float64])  { softmaxForward(s.dim, c) }
func (s softmax) Backward64(c *Call[float64]) { softmaxBackward(s.dim, c) }

// logSumExp returns the largest element of a line and log Σexp(x - largest).
func logSumExp[T Float](x []T, at int, l line) (largest, logSum float64) {
	largest = float64(x[at])
	for i := range l.size {
		largest = max(largest, float64(x[at+i*l.inner]))
	}
	if math.IsInf(largest, -1) {
		return 0, largest // of minus infinities alone: a mean of nothing, NaN
	}
	var sum float64
	for i := range l.size {
		sum += math.Exp(float64(x[at+i*l.inner]) - largest)
	}
	return largest, math.Log(sum)
}

func softmaxForward[T Float](dim int, c *Call[T]) {
	x, y, l := c.Inputs[0].Data, c.Output.Data, lineOf(c.Inputs[0].Shape, dim)
	for k := range l.count() {
		at := l.start(k)
		largest, logSum := logSumExp(x, at, l)
		for i := at; i < at+l.size*l.inner; i += l.inner {
			y[i] = T(math.Exp(float64(x[i]) - largest - logSum))
		}
	}
}

func softmaxBackward[T Float](dim int, c *Call[T]) {
	dx, dy, y, l := c.InputGrads[0].Data, c.OutputGrad.Data, c.Output.Data, lineOf(c.Output.Shape, dim)
	if dx == nil {
		return
	}
	for k := range l.count() {
		at := l.start(k)
		var dot float64
		for i := at; i < at+l.size*l.inner; i += l.inner {
			dot += float64(dy[i]) * float64(y[i])
		}
		for i := at; i < at+l.size*l.inner; i += l.inner {
			dx[i] += T(float64(y[i]) * (float64(dy[i]) - dot))
		}
	}
}

// LogSoftmax returns x - log Σexp(x) along a dimension, -1 for the last, as
// torch.nn.LogSoftmax.
func LogSoftmax(x *Value, dim int) *Value {
	return Apply(logSoftmax{fromEnd(dim, len(x.shape))}, nil, x)
}

type logSoftmax struct{ dim int }

func (logSoftmax) Name() string                                { return "log_softmax" }
func (logSoftmax) BackwardReads() (inputs, outputs bool)       { return false, true }
func (s logSoftmax) OutputShape(inputs []Shape) (Shape, error) { return alongOne(inputs, s.dim) }

func (s logSoftmax) Forward(c *Call[float32])    { logSoftmaxForward(s.dim, c) }
func (s logSoftmax) Backward(c *Call[float32])   { logSoftmaxBackward(s.dim, c) }
func (s logSoftmax) Forward64(c *Call[float64])  { logSoftmaxForward(s.dim, c) }
func (s logSoftmax) Backward64(c *Call[float64]) { logSoftmaxBackward(s.dim, c) }

func logSoftmaxForward[T Float](dim int, c *Call[T]) {
	x, y, l := c.Inputs[0].Data, c.Output.Data, lineOf(c.Inputs[0].Shape, dim)
	for k := range l.count() {
		at := l.start(k)
		largest, logSum := logSumExp(x, at, l)
		for i := at; i < at+l.size*l.inner; i += l.inner {
			y[i] = T(float64(x[i]) - largest - logSum)
		}
	}
}

func logSoftmaxBackward[T Float](dim int, c *Call[T]) {
	dx, dy, y, l := c.InputGrads[0].Data, c.OutputGrad.Data, c.Output.Data, lineOf(c.Output.Shape, dim)
	if dx == nil {
		return
	}
	for k := range l.count() {
		at := l.start(k)
		var sum float64
		for i := at; i < at+l.size*l.inner; i += l.inner {
			sum += float64(dy[i])
		}
		for i := at; i < at+l.size*l.inner; i += l.inner {
			dx[i] += T(float64(dy[i]) - math.Exp(float64(y[i]))*sum)
		}
	}
}

// drawDim draws a dimension of a shape after the batch, from either end.
func drawDim(r *rand.Rand, shape Shape) int {
	dim := 1 + r.IntN(len(shape)-1)
	if r.IntN(2) == 0 {
		return dim - len(shape)
	}
	return dim
}

func softmaxExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim := drawDim(r, shape)
	return exampleOfFunc(func(x []*Value) *Value { return Softmax(x[0], dim) }, shape)
}

func logSoftmaxExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim := drawDim(r, shape)
	return exampleOfFunc(func(x []*Value) *Value { return LogSoftmax(x[0], dim) }, shape)
}
