// Package models has ready-made networks.
package models

import (
	"fmt"
	"math/rand/v2"

	"inkling/nn"
)

// LeNet is the network of PyTorch's tutorial "Training a Classifier", for
// pictures of one channel and 28x28 pixels: two convolutions of 5x5, each
// followed by a max-pool of 2x2, and three linear layers. It descends from
// LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998, "Gradient-based learning
// applied to document recognition").
//
// Its state dict has PyTorch's keys conv1.weight to fc3.bias, 44,426 numbers in
// all for ten classes.
type LeNet struct {
	Conv1         nn.Conv2d
	Pool          nn.MaxPool2d
	Conv2         nn.Conv2d
	FC1, FC2, FC3 nn.Linear
}

// The size of the pictures that LeNet reads.
const (
	LeNetChannels = 1
	LeNetHeight   = 28
	LeNetWidth    = 28
)

// initStream tells the random numbers of the initial weights from others that
// are drawn with the same seed, such as the order of the pictures.
const initStream = 0x776569676874 // "weight"

// NewLeNet returns the network with PyTorch's default initial weights, drawn
// from seed: the same seed gives the same weights. It panics if classes is not
// positive.
func NewLeNet(classes int, seed uint64) *LeNet {
	if classes < 1 {
		panic(fmt.Sprintf("models: a network for %d classes", classes))
	}
	n := &LeNet{
		Conv1: nn.Conv2d{In: LeNetChannels, Out: 6, Kernel: 5},
		Pool:  nn.MaxPool2d{Kernel: 2},
		Conv2: nn.Conv2d{In: 6, Out: 16, Kernel: 5},
		FC1:   nn.Linear{In: 16 * 4 * 4, Out: 120},
		FC2:   nn.Linear{In: 120, Out: 84},
		FC3:   nn.Linear{In: 84, Out: classes},
	}
	nn.Init(n, rand.New(rand.NewPCG(seed, initStream)))
	return n
}

// Forward computes the logits, N x classes, of a batch of pictures,
// N x 1 x 28 x 28.
func (n *LeNet) Forward(x *nn.Value) *nn.Value {
	x = n.Pool.Forward(nn.ReLU(n.Conv1.Forward(x))) // N x 6 x 12 x 12
	x = n.Pool.Forward(nn.ReLU(n.Conv2.Forward(x))) // N x 16 x 4 x 4
	x = x.Flatten()                                 // N x 256
	x = nn.ReLU(n.FC1.Forward(x))
	x = nn.ReLU(n.FC2.Forward(x))
	return n.FC3.Forward(x)
}
