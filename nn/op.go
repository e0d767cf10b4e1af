package nn

import "fmt"

// Float is the element type of a computation: networks run in float32;
// gradient checks run the same operations in float64.
type Float interface{ ~float32 | ~float64 }

// Tensor is a dense array in row-major order, len(Data) == Shape.Elements().
type Tensor[T Float] struct {
	Shape Shape
	Data  []T
}

// Op is one differentiable operation. The built-in layers are Ops and so can
// be a user's own; Apply puts one into a network.
//
// An Op must treat the examples of a batch (the first dimension) as
// independent of each other: a program calls it with any number of them at a
// time, from several goroutines at once for different examples. It keeps no
// state of its own between calls. What Backward needs to know of Forward and
// cannot read off inputs and output is asked for by implementing Saver.
type Op interface {
	// Name is the operation's name in messages and listings: "conv2d".
	Name() string
	// OutputShape is the shape rule: the output's shape for inputs of these
	// shapes, or an error that says what was wanted and what was got. The
	// first dimension of every shape is the batch and must be kept.
	OutputShape(inputs []Shape) (Shape, error)
	// Forward computes c.Output, whose old contents are undefined.
	Forward(c *Call[float32])
	// Backward adds the gradients of the loss to c.InputGrads and
	// c.ParamGrads, given c.OutputGrad.
	Backward(c *Call[float32])
}

// Op64 is an Op that also computes in float64, which CheckGradients needs.
// An operation written as generic functions implements both with one line a
// method.
type Op64 interface {
	Op
	Forward64(c *Call[float64])
	Backward64(c *Call[float64])
}

// Saver is implemented by an Op whose Backward needs indices from Forward,
// such as the positions that a max-pool chose.
type Saver interface {
	// SavedIndices returns how many int32 to keep for one example, given the
	// shapes of the inputs (whose batch dimension does not matter).
	SavedIndices(inputs []Shape) int
}

// Call is one run of an operation over some examples of a batch.
type Call[T Float] struct {
	Inputs []Tensor[T]
	Params []Tensor[T] // in PyTorch's layout, as given to Apply
	Output Tensor[T]
	// Saved is the operation's memory from Forward to Backward, of the size
	// that Saver asked for times the number of examples.
	Saved []int32

	// The rest is set in Backward only. A gradient that nobody needs has nil
	// Data and is to be left out.
	OutputGrad Tensor[T]
	InputGrads []Tensor[T]
	ParamGrads []Tensor[T]
}

// forwardOp runs op in the precision of the call.
func forwardOp[T Float](op Op, c *Call[T]) {
	switch c := any(c).(type) {
	case *Call[float32]:
		op.Forward(c)
	case *Call[float64]:
		op.(Op64).Forward64(c)
	}
}

func backwardOp[T Float](op Op, c *Call[T]) {
	switch c := any(c).(type) {
	case *Call[float32]:
		op.Backward(c)
	case *Call[float64]:
		op.(Op64).Backward64(c)
	}
}

// wantRank is the common start of a shape rule: one input of the given rank.
func wantRank(inputs []Shape, rank int, dims string) (Shape, error) {
	if len(inputs) != 1 {
		return nil, fmt.Errorf("wants one input, got %d", len(inputs))
	}
	if len(inputs[0]) != rank {
		return nil, fmt.Errorf("wants an input of shape %s, got %v", dims, inputs[0])
	}
	return inputs[0], nil
}
