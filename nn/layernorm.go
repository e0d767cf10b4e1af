package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// LayerNorm normalises the last dimensions of its input, as torch.nn.LayerNorm:
//
//	y = (x - mean) / sqrt(variance + Eps) * Weight + Bias
//
// with mean and variance over these dimensions (the variance divided by the number of
// elements), and Weight and Bias for each element of them. Source: Ba et al. 2016,
// arXiv:1607.06450.
type LayerNorm struct {
	Shape    []int   // of the dimensions that are normalised: PyTorch's normalized_shape
	Eps      float64 // 0 means 1e-5
	NoAffine bool    // neither Weight nor Bias: PyTorch's elementwise_affine=False

	Weight Param // Shape
	Bias   Param // Shape
}

func (l *LayerNorm) op() layerNorm {
	return layerNorm{shape: newDims(l.Shape, 0), eps: orDefault(l.Eps, 1e-5)}
}

// Forward adds the normalisation to the network.
func (l *LayerNorm) Forward(x *Value) *Value {
	return Apply(l.op(), affineParams(l.NoAffine, &l.Weight, &l.Bias), x)
}

func (l *LayerNorm) check() error { return l.op().check() }

func (l *LayerNorm) initialize(func(bound float64) float32) {
	if !l.NoAffine {
		l.Weight, l.Bias = NewParam(l.Shape...), NewParam(l.Shape...)
		l.Weight.fill(1)
	}
}

type layerNorm struct {
	shape dims
	eps   float64
}

func (layerNorm) Name() string                          { return "layernorm" }
func (layerNorm) BackwardReads() (inputs, outputs bool) { return true, false }

func (l layerNorm) check() error {
	if l.shape.count < 1 || l.shape.count >= maxRank || slices.Min(l.shape.slice()) < 1 {
		return fmt.Errorf("wants a shape of 1 to %d dimensions of at least 1, got %v", maxRank-1, l.shape)
	}
	return checkEps(l.eps)
}

func (l layerNorm) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = l.check()
	}
	if err == nil && (len(in) <= l.shape.count || !in[len(in)-l.shape.count:].Equal(l.shape.slice())) {
		err = fmt.Errorf("wants an input that ends in the dimensions %v, after the batch, got %v", l.shape, in)
	}
	return in, err
}

// size is how many elements are normalised together.
func (l layerNorm) size() int { return Shape(l.shape.slice()).Elements() }

// Saves asks for the moments of every group of elements.
func (l layerNorm) Saves(inputs []Shape) Saves {
	return Saves{Floats: momentFloats * inputs[0][1:].Elements() / l.size()}
}

func (l layerNorm) Forward(c *Call[float32])    { layerNormForward(l, c) }
func (l layerNorm) Backward(c *Call[float32])   { layerNormBackward(l, c) }
func (l layerNorm) Forward64(c *Call[float64])  { layerNormForward(l, c) }
func (l layerNorm) Backward64(c *Call[float64]) { layerNormBackward(l, c) }

func itself(i int) int { return i }

func layerNormForward[T Float](l layerNorm, c *Call[T]) {
	size := l.size()
	for k := range len(c.Output.Data) / size {
		normalise(c, k, size, l.eps, itself)
	}
}

func layerNormBackward[T Float](l layerNorm, c *Call[T]) {
	size := l.size()
	for k := range len(c.Output.Data) / size {
		normaliseBackward(c, k, size, itself)
	}
}

func layerNormExample(r *rand.Rand) Example {
	shape := anyShape(r)
	shape[len(shape)-1]++
	l := &LayerNorm{Shape: shape[1+r.IntN(len(shape)-1):], NoAffine: r.IntN(4) == 0, Eps: 0.01}
	return exampleOf(l, shape...)
}
