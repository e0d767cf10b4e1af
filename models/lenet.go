// Package models has ready-made networks.
package models

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"

	"inkling/internal/wording"
	"inkling/nn"
	"inkling/weights/structure"
)

// LeNet is the network of PyTorch's tutorial "Training a Classifier": two
// convolutions of 5x5, each followed by a max-pool of 2x2, and three linear
// layers. It descends from LeNet-5 (LeCun, Bottou, Bengio and Haffner 1998,
// "Gradient-based learning applied to document recognition").
//
// Its state dict has PyTorch's keys conv1.weight to fc3.bias: for ten classes
// 44,426 numbers in all for pictures of 1x28x28, and 62,006 for the 3x32x32 of
// the tutorial itself.
//
// The convolutions may have padding: LeNet-5 was made for pictures of 32x32, and
// is often given those of 28x28 with two rows and columns of zeros around them.
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
	return newLeNet(Config{Channels: channels, Height: height, Width: width, Classes: classes}, seed)
}

func newLeNet(c Config, seed uint64) (*LeNet, error) {
	return drawLeNet(c, nn.From(rand.New(rand.NewPCG(seed, initStream))))
}

// newDrawnLeNet is drawLeNet for the zoo.
func newDrawnLeNet(c Config, _ options, draw nn.Draw) (Network, error) { return drawLeNet(c, draw) }

func drawLeNet(c Config, draw nn.Draw) (*LeNet, error) {
	padding, err := lenetPadding(c.Padding)
	switch {
	case err != nil:
		return nil, err
	case !lenetReads(c.Height, c.Width):
		return nil, fmt.Errorf("LeNet cannot read pictures of %dx%d pixels: their sides must be %d to %d", c.Height, c.Width, leNetSmallest, leNetLargest)
	case c.Channels < 1 || c.Channels > leNetMostChannels:
		return nil, fmt.Errorf("LeNet cannot read pictures of %s: they must have 1 to %d", wording.Number(c.Channels, "channel"), leNetMostChannels)
	case c.Classes < 1:
		return nil, fmt.Errorf("LeNet cannot tell %s apart: there must be at least 1", wording.Number(c.Classes, "class"))
	}
	n := &LeNet{
		Conv1:  nn.Conv2d{In: c.Channels, Out: 6, Kernel: 5, Padding: padding[0]},
		Pool:   nn.MaxPool2d{Kernel: 2},
		Conv2:  nn.Conv2d{In: 6, Out: 16, Kernel: 5, Padding: padding[1]},
		FC1:    nn.Linear{In: 16 * padding.left(c.Height) * padding.left(c.Width), Out: 120},
		FC2:    nn.Linear{In: 120, Out: 84},
		FC3:    nn.Linear{In: 84, Out: c.Classes},
		height: c.Height, width: c.Width,
	}
	return n, nn.InitUniform(n, draw)
}

// newLeNet5 returns LeNet with the 400 features that LeNet-5 has: pictures of
// less than 32x32, such as MNIST's, get two rows and columns of zeros around them.
func newLeNet5(c Config, _ options, draw nn.Draw) (Network, error) {
	if len(c.Padding) == 0 && max(c.Height, c.Width) < 32 {
		c.Padding = []int{2}
	}
	return drawLeNet(c, draw)
}

// lenetReads reports whether pictures of so many pixels can be read.
func lenetReads(height, width int) bool {
	return min(height, width) >= leNetSmallest && max(height, width) <= leNetLargest
}

// A lenetPads is the padding of both convolutions.
type lenetPads [2]int

// lenetPadding is the padding that a list of none, one or two numbers says.
func lenetPadding(list []int) (p lenetPads, err error) {
	const most = 4 // with more, a filter of 5x5 would see nothing but zeros
	if len(list) > len(p) {
		return p, fmt.Errorf("LeNet has %d convolutions, but the padding of %d was given", len(p), len(list))
	}
	for i, n := range list {
		if n < 0 || n > most {
			return p, fmt.Errorf("LeNet cannot have a padding of %d: it must be 0 to %d", n, most)
		}
		p[i] = n
	}
	return p, nil
}

// left is the side that both convolutions and poolings leave of a picture's side.
func (p lenetPads) left(side int) int { return ((side+2*p[0]-4)/2 + 2*p[1] - 4) / 2 }

// side is the side of the square pictures of which so many features are left, the
// smallest of the four that there are; it is 0 if there are none.
func (p lenetPads) side(features int) int {
	for side := leNetSmallest; side <= leNetLargest; side += 4 {
		if 16*p.left(side)*p.left(side) == features {
			return side
		}
	}
	return 0
}

// LeNetSide is the side of the square pictures that a network reads whose FC1 has
// so many inputs, the smallest of the four that there are: 28 for 256, 32 for 400.
// It is false if no square pictures have that many.
func LeNetSide(features int) (side int, ok bool) {
	side = lenetPads{}.side(features)
	return side, side > 0
}

// lenetPaddings are those that people give LeNet, the commonest first.
var lenetPaddings = [][]int{nil, {2}, {2, 2}}

// lenetConfigs returns what LeNets with weights of these shapes may be for. The
// weights tell channels and classes, and, for each padding, the side of pictures if
// those are square.
func lenetConfigs(shapes map[string][]int, known Config) ([]Config, error) {
	conv1, fc1, fc3 := shapes["conv1.weight"], shapes["fc1.weight"], shapes["fc3.weight"]
	if len(conv1) != 4 || len(fc1) != 2 || len(fc3) != 2 || known.Channels != 0 && known.Channels != conv1[1] {
		return nil, nil
	}
	c := Config{Channels: conv1[1], Classes: fc3[0]}
	if !lenetShapes(shapes, c, fc1[1]) || known.Height > 0 && !lenetReads(known.Height, known.Width) {
		return nil, nil
	}
	paddings := lenetPaddings
	if known.Padding != nil {
		paddings = [][]int{known.Padding}
	}
	var all []Config
	for _, list := range paddings {
		p, err := lenetPadding(list)
		if err != nil {
			return nil, err
		}
		c.Padding, c.Height, c.Width = list, known.Height, known.Width
		if c.Height == 0 {
			c.Height = p.side(fc1[1])
			c.Width = c.Height
		}
		if c.Height > 0 && 16*p.left(c.Height)*p.left(c.Width) == fc1[1] {
			all = append(all, c)
		}
	}
	if all != nil {
		return all, nil
	}
	if known.Height == 0 {
		return nil, fmt.Errorf("it does not say what pictures its network reads, and its fc1.weight, %v, is not that of square ones", nn.Shape(fc1))
	}
	return nil, fmt.Errorf("its fc1.weight, %v, is not that of a LeNet for pictures of %dx%d pixels%s", nn.Shape(fc1), known.Height, known.Width, lenetSuits(fc1[1]))
}

// lenetSuits tells what pictures a network reads whose FC1 has so many inputs.
func lenetSuits(features int) string {
	text, join := "", "; it suits "
	for _, list := range lenetPaddings {
		p, _ := lenetPadding(list)
		if side := p.side(features); side > 0 {
			text += fmt.Sprintf("%s%dx%d with a padding of %d and %d", join, side, side, p[0], p[1])
			join = ", "
		}
	}
	return text
}

// lenetShapes reports whether the shapes are those of a network for so many
// channels, classes and features, and no others.
func lenetShapes(shapes map[string][]int, c Config, features int) bool {
	wanted := map[string][]int{
		"conv1.weight": {6, c.Channels, 5, 5}, "conv1.bias": {6}, "conv2.weight": {16, 6, 5, 5}, "conv2.bias": {16},
		"fc1.weight": {120, features}, "fc1.bias": {120}, "fc2.weight": {84, 120}, "fc2.bias": {84}, "fc3.weight": {c.Classes, 84}, "fc3.bias": {c.Classes},
	}
	return maps.EqualFunc(shapes, wanted, slices.Equal[[]int])
}

// lenetLayers describes the network without padding.
func lenetLayers() []structure.Layer {
	conv := structure.New("Conv2d", map[string]string{"kernel_size": "5"})
	pool := structure.New("MaxPool2d", map[string]string{"kernel_size": "2"})
	relu, linear := structure.New("ReLU", nil), structure.New("Linear", nil)
	return []structure.Layer{
		conv, relu, pool, conv, relu, pool,
		structure.New("Flatten", nil), linear, relu, linear, relu, linear,
	}
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
