package nn

import "fmt"

// Float is the element type of a computation: networks run in float32;
// gradient checks run the same operations in float64.
type Float interface{ ~float32 | ~float64 }

// Type is what the elements of a value are.
type Type uint8

// The types of values. A network's numbers are Float32 (and float64 while
// gradients are checked); tokens, classes and positions are Int32; masks and
// comparisons are Bool. Only Float32 values have gradients.
const (
	Float32 Type = iota
	Int32
	Bool
)

// String returns PyTorch's name of the type.
func (t Type) String() string {
	switch t {
	case Float32:
		return "float32"
	case Int32:
		return "int32"
	case Bool:
		return "bool"
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// Tensor is a dense array in row-major order. Float32 values have Data, Int32
// and Bool values have Ints (a Bool is 0 or 1); the other slice is nil. Either
// is Shape.Elements() long.
type Tensor[T Float] struct {
	Shape Shape
	Data  []T
	Ints  []int32
}

// Spec is the shape and the type of a value.
type Spec struct {
	Shape Shape
	Type  Type
}

// Op is one operation: its definition. The built-in layers are Ops and so can
// be a user's own; Apply puts one into a network.
//
// # What a definition is
//
// An Op says by its shape rule what it accepts and makes, and computes, for
// all the examples of a call at once, its outputs (Forward) and the gradients
// of its inputs and parameters (Backward). It is written once, as generic
// functions over float32 and float64, and implements Op and Op64 with one line
// a method:
//
//	type scale struct{ factor float64 }
//
//	func (scale) Name() string                              { return "scale" }
//	func (scale) OutputShape(in []Shape) (Shape, error)     { return oneInput(in) }
//	func (s scale) Forward(c *Call[float32])                { scaleForward(s, c) }
//	func (s scale) Backward(c *Call[float32])               { scaleBackward(s, c) }
//	func (s scale) Forward64(c *Call[float64])              { scaleForward(s, c) }
//	func (s scale) Backward64(c *Call[float64])             { scaleBackward(s, c) }
//
// The value of the Op holds its settings and nothing else: no memory, no
// pointers to what a call changes. It is comparable and copied freely, and its
// methods run on several goroutines at once. Nothing may be allocated in
// Forward and Backward: what they need beyond inputs and outputs they ask for
// with Saver. From its definition alone an operation is right in every
// program; a fast form may come later and is held to it.
//
// # Examples
//
// The first dimension of a network's input is the batch. In a call there are
// c.N examples, which may be any part of the batch: a program calls an
// operation for one example, for a few, or for the whole batch, on one
// goroutine or on several. So, unless it says otherwise, an operation must
// treat examples as independent of each other: each output's first dimension
// is that of the batch, or a multiple of it with the same number of rows for
// every example in turn (N x T x F reshaped to N·T x F), and a row depends on
// the rows of its own example alone. Backward adds to the parameters'
// gradients in the order of the examples.
//
// An operation that lets examples see each other (statistics over the batch),
// or whose input or output has the batch elsewhere than first (a transposition,
// a sum over the batch), implements Batchwise. It is then always called with the
// whole batch, which may still be shorter than what the network was compiled for.
// CheckGradients and the table of operations find an operation that looks at other
// examples and does not say so.
//
// # More that an operation may say
//
//   - Typed: several outputs, or inputs and outputs that are not all Float32.
//   - Saver: numbers that Forward keeps for Backward.
//   - Batchwise: it needs the whole batch.
//   - BackwardReader: what Backward does not read.
//   - ForwardOnly: no gradient flows through it.
//
// State that is not trained, such as running statistics, is kept in Buffers,
// which ApplyAll hands over and c.Buffers holds. Random numbers come from
// c.Uniform alone, so that they are the same for any division of the work.
// Whether the network is being trained is fixed when it is compiled: a layer's
// Forward asks x.Training() and gives what follows from it to its Op as a
// setting (or applies none at all, as Dropout does at eval).
type Op interface {
	// Name is the operation's name in messages and listings: "conv2d".
	Name() string
	// OutputShape is the shape rule: the output's shape for inputs of these
	// shapes, or an error that says what was wanted and what was got, without
	// the operation's name. It must work for every batch.
	OutputShape(inputs []Shape) (Shape, error)
	// Forward computes the outputs, whose old contents are undefined.
	Forward(c *Call[float32])
	// Backward adds (+=) the gradients of the loss to c.InputGrads and
	// c.ParamGrads, given c.OutputGrads. A gradient that nobody needs has nil
	// Data and is to be left out. Inputs, outputs and what was saved are as
	// Forward left them, but for those that BackwardReader names.
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

// Typed is implemented by an Op that has several outputs, or inputs or outputs
// that are not Float32. Outputs is its shape rule, and OutputShape is not called. An Op without it wants Float32 and makes one Float32.
type Typed interface {
	Op
	Outputs(inputs []Spec) ([]Spec, error)
}

// Batchwise is implemented by an Op that, if Batchwise returns true, is to be
// called with the whole batch at once.
type Batchwise interface {
	Op
	Batchwise() bool
}

// ForwardOnly is implemented by an Op through which no gradient flows, though
// its outputs may be Float32. Its Backward is never called. An Op without
// Float32 outputs need not say so.
type ForwardOnly interface {
	Op
	ForwardOnly()
}

// Saver is implemented by an Op whose Backward needs numbers from Forward,
// such as the positions that a max-pool chose, or memory to work in. Call says
// where they are.
type Saver interface {
	Op
	// Saves returns how many numbers to keep, given the shapes of the inputs,
	// whose batch does not matter.
	Saves(inputs []Shape) Saves
}

// Saves is how many numbers an operation keeps from Forward to Backward.
type Saves struct {
	// Indices and Floats are for each row of the output: each of its first dimension,
	// which for most operations is an example.
	Indices, Floats int
	// BatchFloats are for the call as a whole; only a Batchwise operation can
	// have them (any other may be called for a part of the batch).
	BatchFloats int
}

// BackwardReader is implemented by an Op whose Backward does not read all that
// Forward read and made, so that a program need not keep it. Without it, it is taken
// to read all.
type BackwardReader interface {
	Op
	// BackwardReads says whether Backward reads the contents of the inputs, and those
	// of the outputs. What it does not read may have any contents then; the shapes,
	// and what Saver asked for, are as ever.
	BackwardReads() (inputs, outputs bool)
}

// Call is one run of an operation over some examples of a batch, or all. The
// shapes of its tensors are those of these examples.
type Call[T Float] struct {
	// N is the number of examples, First the number of the first one in the
	// batch.
	N, First int

	Inputs  []Tensor[T]
	Params  []Tensor[T] // in PyTorch's layout, as given to Apply
	Buffers []Tensor[T] // as given to ApplyAll
	Outputs []Tensor[T]
	Output  Tensor[T] // Outputs[0]

	// UpdateBuffers is set when Forward is to bring the buffers up to date:
	// in the forward pass of a training, once for each batch. Only a Batchwise
	// operation may change them.
	UpdateBuffers bool

	// Saved, Floats and BatchFloats are the operation's memory from Forward to
	// Backward, of the sizes that Saver asked for: for each example one after
	// another, and for the call.
	Saved       []int32
	Floats      []T
	BatchFloats []T

	// Seed belongs to this operation in this step: with First it decides the
	// random numbers. See Uniform.
	Seed uint64

	// The rest is set in Backward only. A gradient that nobody needs has nil
	// Data and is to be left out; so has that of an output that nobody uses,
	// or that is not Float32.
	OutputGrads []Tensor[T]
	OutputGrad  Tensor[T] // OutputGrads[0], which always has Data if it is the only one
	InputGrads  []Tensor[T]
	ParamGrads  []Tensor[T]
}

// Uniform returns a random number from [0, 1): the i-th of the call's, where
// each example has that many. It depends on the seed of the training, on the
// step, on the operation and on the number's place in the batch alone, so
// that Forward, Backward and any division of the batch see the same.
func (c *Call[T]) Uniform(each, i int) float64 {
	return float64(mix(c.Seed+uint64(c.First*each+i))>>11) / (1 << 53)
}

// operationSeed is the Seed of a call.
func operationSeed(seed uint64, step, operation int) uint64 {
	return mix(mix(mix(seed)+uint64(step)) + uint64(operation))
}

// mix is the output function of SplitMix64 (Steele, Lea and Flood 2014,
// "Fast splittable pseudorandom number generators").
func mix(x uint64) uint64 {
	x += 0x9e3779b97f4a7c15
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
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

// outputsOf is the shape rule of any operation.
func outputsOf(op Op, inputs []Spec) ([]Spec, error) {
	if t, ok := op.(Typed); ok {
		return t.Outputs(inputs)
	}
	for _, in := range inputs {
		if in.Type != Float32 {
			return nil, fmt.Errorf("wants float32, got %s; Cast converts it", in.Type)
		}
	}
	shape, err := op.OutputShape(shapesOf(inputs))
	return []Spec{{Shape: shape}}, err
}

func shapesOf(specs []Spec) []Shape {
	shapes := make([]Shape, len(specs))
	for i, s := range specs {
		shapes[i] = s.Shape
	}
	return shapes
}

// batchwise reports whether op wants the whole batch at once.
func batchwise(op Op) bool {
	b, ok := op.(Batchwise)
	return ok && b.Batchwise()
}

func backwardReads(op Op) (inputs, outputs bool) {
	if r, ok := op.(BackwardReader); ok {
		return r.BackwardReads()
	}
	return true, true
}

// saves returns how many numbers an operation keeps for each example of the batch.
func (n *node) saves() Saves {
	s, ok := n.op.(Saver)
	if !ok {
		return Saves{}
	}
	saves := s.Saves(shapesOfValues(n.inputs))
	if out := n.outputs[0]; len(out.shape) > 0 {
		batch := out.graph.batch
		saves.Indices = divideUp(saves.Indices*out.shape[0], batch)
		saves.Floats = divideUp(saves.Floats*out.shape[0], batch)
	}
	return saves
}

// oneInput is the shape rule of operations that work element by element.
func oneInput(inputs []Shape) (Shape, error) {
	if len(inputs) != 1 {
		return nil, fmt.Errorf("wants one input, got %d", len(inputs))
	}
	return inputs[0], nil
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
