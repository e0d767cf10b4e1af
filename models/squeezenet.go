package models

import (
	"fmt"
	"math"

	"inkling/nn"
)

// SqueezeNet is a network of few parameters (Iandola et al. 2016,
// arXiv:1602.07360) with the layers and state-dict keys of torchvision's
// squeezenet1_1: features.0.weight, features.3.squeeze.weight, ...,
// classifier.1.bias.
type SqueezeNet struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *SqueezeNet) Forward(x *nn.Value) *nn.Value {
	return nn.GlobalAvgPool2d(n.Classifier.Forward(n.Features.Forward(x)))
}

// fire is a block: few channels, and from these many, half of them by filters of
// 3x3.
type fire struct {
	Squeeze   nn.Conv2d
	Expand1x1 nn.Conv2d
	Expand3x3 nn.Conv2d
}

func (f *fire) Forward(x *nn.Value) *nn.Value {
	x = nn.ReLU(f.Squeeze.Forward(x))
	return nn.Concat(1, nn.ReLU(f.Expand1x1.Forward(x)), nn.ReLU(f.Expand3x3.Forward(x)))
}

func newSqueezeNet(c Config, o options, draw nn.Draw) (Network, error) {
	if min(c.Height, c.Width) < 17 {
		return nil, fmt.Errorf("SqueezeNet cannot read pictures of %dx%d pixels: their sides must be at least 17", c.Height, c.Width)
	}
	pool := func() nn.Module { return &nn.MaxPool2d{Kernel: 3, Stride: 2, Ceil: true} }
	in := 64
	squeeze := func(squeezed, expanded int) nn.Module {
		f := &fire{Squeeze: nn.Conv2d{In: in, Out: squeezed, Kernel: 1}, Expand1x1: nn.Conv2d{In: squeezed, Out: expanded, Kernel: 1}, Expand3x3: nn.Conv2d{In: squeezed, Out: expanded, Kernel: 3, Padding: 1}}
		in = 2 * expanded
		return f
	}
	n := &SqueezeNet{input: inputOf(c), Features: nn.Sequential{
		&nn.Conv2d{In: c.Channels, Out: 64, Kernel: 3, Stride: 2}, nn.Func(nn.ReLU), pool(),
		squeeze(16, 64), squeeze(16, 64), pool(), squeeze(32, 128), squeeze(32, 128), pool(),
		squeeze(48, 192), squeeze(48, 192), squeeze(64, 256), squeeze(64, 256),
	}}
	last := &nn.Conv2d{In: 512, Out: c.Classes, Kernel: 1}
	n.Classifier = nn.Sequential{&nn.Dropout{P: o.number("dropout")}, last, nn.Func(nn.ReLU)}
	err := initialise(n, draw, func(p *nn.Param) { nn.KaimingUniform(p, draw, nn.FanIn, math.Sqrt2) })
	if err == nil {
		nn.Normal(&last.Weight, draw, 0, 0.01)
	}
	return n, err
}
