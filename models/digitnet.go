package models

import (
	"fmt"

	"inkling/nn"
)

// DigitNet is a small convolutional network for written characters of about 28x28: four
// convolutions with BatchNorm, wide where the picture has become small, and one linear
// layer. It has 0.25 million parameters, 1 MB, for digits.
type DigitNet struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *DigitNet) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(n.Features.Forward(x).Flatten())
}

func newDigitNet(c Config, o options, draw nn.Draw) (Network, error) {
	height, width := c.Height/8, c.Width/8
	if height < 1 || width < 1 || max(c.Height, c.Width) > 256 {
		return nil, fmt.Errorf("digitnet cannot read pictures of %dx%d pixels: their sides must be 8 to 256", c.Height, c.Width)
	}
	n := &DigitNet{input: inputOf(c)}
	in := c.Channels
	for _, layer := range []struct {
		out, kernel int
		pool        bool
	}{{32, 5, true}, {64, 3, true}, {128, 3, false}, {128, 3, true}} {
		c, b := conv(in, layer.out, layer.kernel, 1, 1), batchNorm(layer.out)
		n.Features = append(n.Features, &c, &b, nn.Func(nn.ReLU))
		if layer.pool {
			n.Features = append(n.Features, &nn.MaxPool2d{Kernel: 2})
		}
		in = layer.out
	}
	n.Classifier = nn.Sequential{&nn.Dropout{P: o.number("dropout")}, &nn.Linear{In: in * height * width, Out: c.Classes}}
	return n, initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, nn.Gain("relu", 0)) })
}
