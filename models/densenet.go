package models

import (
	"fmt"
	"math"

	"inkling/nn"
)

// DenseNet is a network whose layers each read what all layers before them in
// their block gave (Huang et al. 2016, arXiv:1608.06993), with the layers and
// state-dict keys of torchvision's densenet121: features.conv0.weight, ...,
// features.denseblock1.denselayer1.norm1.weight, ..., classifier.bias.
type DenseNet struct {
	Features   nn.Sequential
	Classifier nn.Linear

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *DenseNet) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(nn.GlobalAvgPool2d(nn.ReLU(n.Features.Forward(x))))
}

// denseLayer makes a few channels of those that it is given, and gives both.
type denseLayer struct {
	Norm1 nn.BatchNorm2d
	Conv1 nn.Conv2d
	Norm2 nn.BatchNorm2d
	Conv2 nn.Conv2d
}

func (l *denseLayer) Forward(x *nn.Value) *nn.Value {
	y := l.Conv1.Forward(nn.ReLU(l.Norm1.Forward(x)))
	y = l.Conv2.Forward(nn.ReLU(l.Norm2.Forward(y)))
	return nn.Concat(1, x, y)
}

// transition stands between two blocks: half the channels, half the size.
type transition struct {
	Norm nn.BatchNorm2d
	Conv nn.Conv2d
}

func (l *transition) Forward(x *nn.Value) *nn.Value {
	x = l.Conv.Forward(nn.ReLU(l.Norm.Forward(x)))
	return (&nn.AvgPool2d{Kernel: 2}).Forward(x)
}

// newDenseNet121 returns DenseNet-121. Pictures whose sides are all below 64 get a stem for
// CIFAR, as ResNet's: a convolution of 3x3 that leaves the size, and no pooling.
func newDenseNet121(c Config, o options, draw nn.Draw) (Network, error) {
	const growth, bottleneck = 32, 4 * 32
	small, least := o.small(c), 29
	if small {
		least = 8
	}
	if min(c.Height, c.Width) < least {
		return nil, fmt.Errorf("DenseNet-121 cannot read pictures of %dx%d pixels: their sides must be at least %d", c.Height, c.Width, least)
	}
	n := &DenseNet{input: inputOf(c)}
	add := func(name string, m nn.Module) { n.Features = append(n.Features, nn.Named{Name: name, Module: m}) }
	channels := 64
	stem, norm := conv(c.Channels, channels, 7, 2, 1), batchNorm(channels)
	if small {
		stem = conv(c.Channels, channels, 3, 1, 1)
	}
	add("conv0", &stem)
	add("norm0", &norm)
	add("relu0", nn.Func(nn.ReLU))
	if !small {
		add("pool0", &nn.MaxPool2d{Kernel: 3, Stride: 2, Padding: 1})
	}
	blocks := []int{6, 12, 24, 16}
	for i, layers := range blocks {
		var block nn.Sequential
		for k := range layers {
			layer := &denseLayer{Norm1: batchNorm(channels), Conv1: conv(channels, bottleneck, 1, 1, 1), Norm2: batchNorm(bottleneck), Conv2: conv(bottleneck, growth, 3, 1, 1)}
			block = append(block, nn.Named{Name: fmt.Sprint("denselayer", k+1), Module: layer})
			channels += growth
		}
		add(fmt.Sprint("denseblock", i+1), block)
		if i < len(blocks)-1 {
			add(fmt.Sprint("transition", i+1), &transition{Norm: batchNorm(channels), Conv: conv(channels, channels/2, 1, 1, 1)})
			channels /= 2
		}
	}
	last := batchNorm(channels)
	add("norm5", &last)
	n.Classifier = nn.Linear{In: channels, Out: c.Classes}
	err := initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanIn, math.Sqrt2) })
	if err == nil {
		nn.Constant(&n.Classifier.Bias, 0)
	}
	return n, err
}
