package models

import (
	"fmt"

	"inkling/nn"
)

// SmallVGG is a plain convolutional network for pictures of about 32x32, after
// Simonyan and Zisserman 2014, arXiv:1409.1556: three pairs of convolutions of 3x3
// with BatchNorm, each followed by a pooling of 2x2, and two linear layers.
type SmallVGG struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *SmallVGG) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(n.Features.Forward(x).Flatten())
}

func newSmallVGG(c Config, o options, draw nn.Draw) (Network, error) {
	height, width := c.Height/8, c.Width/8
	if height < 1 || width < 1 || max(c.Height, c.Width) > 256 {
		return nil, fmt.Errorf("SmallVGG cannot read pictures of %dx%d pixels: their sides must be 8 to 256", c.Height, c.Width)
	}
	n := &SmallVGG{input: inputOf(c)}
	in := c.Channels
	for _, out := range []int{64, 128, 256} {
		for range 2 {
			c, b := conv(in, out, 3, 1, 1), batchNorm(out)
			n.Features = append(n.Features, &c, &b, nn.Func(nn.ReLU))
			in = out
		}
		n.Features = append(n.Features, &nn.MaxPool2d{Kernel: 2})
	}
	n.Classifier = nn.Sequential{&nn.Linear{In: in * height * width, Out: 256}, nn.Func(nn.ReLU), &nn.Dropout{P: o.number("dropout")}, &nn.Linear{In: 256, Out: c.Classes}}
	return n, initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, nn.Gain("relu", 0)) })
}
