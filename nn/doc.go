// Package nn defines, trains and runs convolutional networks.
//
// A network is a struct of layers with a Forward method:
//
//	type Net struct {
//		Conv nn.Conv2d
//		Pool nn.MaxPool2d
//		FC   nn.Linear
//	}
//
//	func (n *Net) Forward(x *nn.Value) *nn.Value {
//		x = n.Pool.Forward(nn.ReLU(n.Conv.Forward(x)))
//		return n.FC.Forward(x.Flatten())
//	}
//
// Init gives it PyTorch's default initial weights, and State its parameters
// under PyTorch's state-dict keys (conv.weight, conv.bias, fc.weight, ...).
//
// Forward is not run on numbers. Compile and CompileTrain run it once, on a
// Value that has a shape only, and make a program of what it did: they check
// the shapes, derive the gradients, fuse operations that belong together and
// lay out the memory. Programs allocate nothing as they run.
//
//	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, &optim.SGD{LR: 0.001, Momentum: 0.9}, 4, 1, 28, 28)
//	...
//	loss := program.Step(images, labels)
//
// Pictures are given as in PyTorch: N x C x H x W, row-major, float32. The
// batch a program was compiled for is the largest it takes; smaller ones are
// welcome. Whether a program trains is decided when it is compiled, so there is
// no mode to forget.
//
// The same weights, data and settings give the same bits, whatever the number
// of workers. Between processor families results agree within rounding.
//
// An operation of your own implements Op and is put into a network by Apply,
// like the built-in ones. CheckGradients compares its gradients with finite
// differences.
package nn
