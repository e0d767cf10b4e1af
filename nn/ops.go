package nn

import (
	"math/rand/v2"
	"reflect"
)

// Definition is an operation's line in the table of operations.
type Definition struct {
	// Op is the operation; of its value only the type counts.
	Op Op
	// Example makes one use of the operation for the checks that walk the
	// table: random settings and shapes, small, with every setting that
	// matters among a few dozen draws.
	Example func(r *rand.Rand) Example
}

// Example is a use of an operation in a network.
type Example struct {
	// Module holds the parameters and buffers, which Init sets; nil if there
	// are none.
	Module any
	// Inputs are the shapes and types of the network's inputs, batch first: a
	// batch of at least 1.
	Inputs []Spec
	// Forward is the network: the operation on the inputs, and no more than it
	// needs besides, by operations of the table. The batch is the first
	// dimension of its outputs; it is run for other batches than that of Inputs,
	// so it asks the values for their shapes.
	Forward func(x []*Value) []*Value
	// Draw, if not nil, draws an element of an input. Else numbers are
	// normally distributed, whole numbers and truths 0 or 1.
	Draw func(r *rand.Rand, input int) float64
}

// operations is every built-in operation, one a line. The checks in
// ops_test.go walk it.
var operations = []Definition{
	{pairwise[addition]{}, pairExample(Add)},
	{pairwise[division]{}, pairExample(Div)},
	{pairwise[multiplication]{}, pairExample(Mul)},
	{pairwise[subtraction]{}, pairExample(Sub)},
	{comparison{}, compareExample},
	{concat{}, concatExample},
	{maxOver{}, reductionExample(Max)},
	{adaptiveAvgPool2d{}, adaptiveAvgPool2dExample},
	{adaptiveMaxPool2d{}, adaptiveMaxPool2dExample},
	{argMax{}, argMaxExample},
	{avgPool2d{}, avgPool2dExample},
	{batchNorm{}, batchNormExample},
	{cast{}, castExample},
	{conv1d{}, conv1dExample},
	{conv2d{}, conv2dExample},
	{convTranspose2d{}, convTranspose2dExample},
	{crossEntropy{}, crossEntropyExample},
	{dropout{}, dropoutExample},
	{elementLoss[binaryCrossEntropy]{}, elementLossExample(bceExample)},
	{elementLoss[huber]{}, elementLossExample(huberExample)},
	{elementLoss[squaredError]{}, elementLossExample(mseExample)},
	{embedding{}, embeddingExample},
	{flatten{}, flattenExample},
	{gather{}, gatherExample},
	{groupNorm{}, groupNormExample},
	{instanceNorm{}, instanceNormExample},
	{layerNorm{}, layerNormExample},
	{linear{}, linearExample},
	{logSoftmax{}, logSoftmaxExample},
	{lossShare{}, lossShareExample},
	{matMul{}, matMulExample},
	{maxPool1d{}, maxPool1dExample},
	{maxPool2d{}, maxPool2dExample},
	{meanOver{}, reductionExample(Mean)},
	{pointwise[affine]{}, plainExample(affine{-1.5, 0.5})},
	{pointwise[clamp]{}, plainExample(clamp{0, 6})},
	{pointwise[elu]{}, plainExample(elu{0.7, 1.1})},
	{pointwise[exponential]{}, plainExample(exponential{})},
	{pointwise[gelu]{}, plainExample(gelu{})},
	{pointwise[geluTanh]{}, plainExample(geluTanh{})},
	{pointwise[hardsigmoid]{}, plainExample(hardsigmoid{})},
	{pointwise[hardswish]{}, plainExample(hardswish{})},
	{pointwise[leakyReLU]{}, plainExample(leakyReLU{0.1})},
	{pointwise[logarithm]{}, positiveExample(logarithm{})},
	{pointwise[magnitude]{}, plainExample(magnitude{})},
	{pointwise[mish]{}, plainExample(mish{})},
	{pointwise[root]{}, positiveExample(root{})},
	{pointwise[sigmoid]{}, plainExample(sigmoid{})},
	{pointwise[silu]{}, plainExample(silu{})},
	{pointwise[softplus]{}, plainExample(softplus{2, 3})},
	{pointwise[tanh]{}, plainExample(tanh{})},
	{pad{}, padExample},
	{prelu{}, preluExample},
	{relu{}, reluExample},
	{reshape{}, reshapeExample},
	{slice{}, sliceExample},
	{softmax{}, softmaxExample},
	{topK{}, topKExample},
	{transpose{}, transposeExample},
	{upsample{}, upsampleExample},
	{where{}, whereExample},
	{sumOver{}, reductionExample(Sum)},
}

// Operations returns the table of the built-in operations.
func Operations() []Definition { return append([]Definition(nil), operations...) }

// builtIn reports whether op is one of the table.
func builtIn(op Op) bool {
	for _, d := range operations {
		if reflect.TypeOf(d.Op) == reflect.TypeOf(op) {
			return true
		}
	}
	return false
}

// exampleOf is an Example of a layer or function with one Float32 input.
func exampleOf(module Module, shape ...int) Example {
	return Example{Module: module, Inputs: []Spec{{Shape: shape}}, Forward: func(x []*Value) []*Value {
		return []*Value{module.Forward(x[0])}
	}}
}

// exampleOfFunc is an Example of a function of some Float32 inputs.
func exampleOfFunc(f func(x []*Value) *Value, shapes ...Shape) Example {
	e := Example{Forward: func(x []*Value) []*Value { return []*Value{f(x)} }}
	for _, s := range shapes {
		e.Inputs = append(e.Inputs, Spec{Shape: s})
	}
	return e
}

// anyShape draws a shape of two to four small dimensions.
func anyShape(r *rand.Rand) Shape {
	shape := Shape{1 + r.IntN(6)}
	for range 1 + r.IntN(3) {
		shape = append(shape, 1+r.IntN(4))
	}
	return shape
}

// pictureShape draws the shape of some small pictures.
func pictureShape(r *rand.Rand, channels, smallest int) Shape {
	return Shape{1 + r.IntN(6), channels, smallest + r.IntN(4), smallest + r.IntN(4)}
}
