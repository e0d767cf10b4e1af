// Package models has ready-made networks.
package models

import (
	"fmt"
	"math/rand/v2"

	"inkling/nn"
)

// LeNet is the network of PyTorch's tutorial "Training a Classifier": two
// convolutions of 5x5, each followed by a max-pool of 2x2, and three linear
// layers. It descends from LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998,
// "Gradient-based learning applied to document recognition").
//
// Its state dict has PyTorch's keys conv1.weight to fc3.bias: for ten classes
// 44,426 numbers in all for pictures of 1x28x28, and 62,006 for the 3x32x32 of
// the tutorial itself.
type LeNet struct {
	Conv1         nn.Conv2d
	Pool          nn.MaxPool2d
	Conv2         nn.Conv2d
	FC1, FC2, FC3 nn.Linear

	height, width int
}

// The pictures that NewLeNet's network reads.
const (
	LeNetChannels = 1
	LeNetHeight   = 28
	LeNetWidth    = 28
)

// The sides that a picture may have. The smallest leaves one pixel for the linear
// layers; the largest makes a network of 7 million numbers.
const (
	leNetSmallest = 16
	leNetLargest  = 256
)

// leNetMostChannels is the largest number of channels of a picture.
const leNetMostChannels = 64

// initStream tells the random numbers of the initial weights from others that
// are drawn with the same seed, such as the order of the pictures.
const initStream = 0x776569676874 // "weight"

// NewLeNet returns the network for gray pictures of 28x28 pixels with PyTorch's
// default initial weights, drawn from seed: the same seed gives the same weights.
// It panics if classes is not positive.
func NewLeNet(classes int, seed uint64) *LeNet {
	n, err := NewLeNetFor(LeNetChannels, LeNetHeight, LeNetWidth, classes, seed)
	if err != nil {
		panic("models: " + err.Error())
	}
	return n
}

// NewLeNetFor is NewLeNet for pictures of 1 to 64 channels whose sides are 16 to
// 256 pixels. Other sizes, and classes that are not positive, are an error.
func NewLeNetFor(channels, height, width, classes int, seed uint64) (*LeNet, error) {
	switch {
	case min(height, width) < leNetSmallest || max(height, width) > leNetLargest:
		return nil, fmt.Errorf("LeNet cannot read pictures of %dx%d pixels: their sides must be %d to %d", height, width, leNetSmallest, leNetLargest)
	case channels < 1 || channels > leNetMostChannels:
		return nil, fmt.Errorf("LeNet cannot read pictures of %d channels: they must have 1 to %d", channels, leNetMostChannels)
	case classes < 1:
		return nil, fmt.Errorf("LeNet cannot tell %d classes apart: there must be at least 1", classes)
	}
	n := &LeNet{
		Conv1:  nn.Conv2d{In: channels, Out: 6, Kernel: 5},
		Pool:   nn.MaxPool2d{Kernel: 2},
		Conv2:  nn.Conv2d{In: 6, Out: 16, Kernel: 5},
		FC1:    nn.Linear{In: 16 * left(height) * left(width), Out: 120},
		FC2:    nn.Linear{In: 120, Out: 84},
		FC3:    nn.Linear{In: 84, Out: classes},
		height: height, width: width,
	}
	nn.Init(n, rand.New(rand.NewPCG(seed, initStream)))
	return n, nil
}

// left is the side that both convolutions and poolings leave of a picture's side.
func left(side int) int { return ((side-4)/2 - 4) / 2 }

// LeNetSide is the side of the square pictures that a network reads whose FC1 has
// so many inputs, the smallest of the four that there are: 28 for 256, 32 for 400.
// It is false if no square pictures have that many.
func LeNetSide(features int) (side int, ok bool) {
	for side := leNetSmallest; side <= leNetLargest; side += 4 {
		if 16*left(side)*left(side) == features {
			return side, true
		}
	}
	return 0, false
}

// Input is the shape of the pictures that the network reads.
func (n *LeNet) Input() (channels, height, width int) { return n.Conv1.In, n.height, n.width }

// Forward computes the logits, N x classes, of a batch of pictures,
// N x channels x height x width. The comments give the shapes for 1x28x28.
func (n *LeNet) Forward(x *nn.Value) *nn.Value {
	x = n.Pool.Forward(nn.ReLU(n.Conv1.Forward(x))) // N x 6 x 12 x 12
	x = n.Pool.Forward(nn.ReLU(n.Conv2.Forward(x))) // N x 16 x 4 x 4
	x = x.Flatten()                                 // N x 256
	x = nn.ReLU(n.FC1.Forward(x))
	x = nn.ReLU(n.FC2.Forward(x))
	return n.FC3.Forward(x)
}
