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
