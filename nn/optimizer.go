package nn

// Optimizer changes parameters by their gradients. Package optim has
// PyTorch's; a user's own implements this interface.
type Optimizer interface {
	// Slots is how many numbers of its own the optimizer keeps for each
	// element of a parameter: 1 for a momentum, 2 for Adam's moments.
	Slots() int
	// Begin starts a training step, the first of a program being number 1.
	Begin(step int)
	// Update changes some elements of a parameter, given as many of its
	// gradient and of each slot. It works element by element, and is called
	// from several goroutines at once for different elements. Where the
	// parameter and the gradient are zero it must leave zero (unused lanes of
	// the kernels are that).
	Update(parameter, gradient []float32, slots [][]float32)
}

// WholeTensorOptimizer is an Optimizer whose rule needs a parameter as a whole,
// such as one that takes it as a matrix. A program calls UpdateTensor in place
// of Update.
type WholeTensorOptimizer interface {
	Optimizer
	// CheckShape says whether a parameter of this shape can be updated.
	CheckShape(shape []int) error
	// Scratch returns how many floats UpdateTensor needs to work with for a
	// parameter of this shape. Their contents are undefined.
	Scratch(shape []int) int
	// UpdateTensor is Update for a whole parameter, in PyTorch's order. It is
	// called from several goroutines at once for different parameters.
	UpdateTensor(shape []int, parameter, gradient []float32, slots [][]float32, scratch []float32)
}
