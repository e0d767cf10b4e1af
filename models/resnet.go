package models

import (
	"fmt"

	"inkling/nn"
)

// ResNet is a residual network (He et al. 2015, arXiv:1512.03385) with the layers,
// the state-dict keys and the initial weights of torchvision's: conv1.weight,
// layer1.0.conv1.weight, ..., fc.bias.
type ResNet struct {
	Conv1  nn.Conv2d
	BN1    nn.BatchNorm2d
	Layer1 nn.Sequential
	Layer2 nn.Sequential
	Layer3 nn.Sequential
	Layer4 nn.Sequential
	FC     nn.Linear

	// Recompute: training keeps only what the blocks return, and computes the rest
	// again when it is needed, as nn.Recompute: less memory for more time.
	Recompute bool

	small bool // the stem is for small pictures
	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *ResNet) Forward(x *nn.Value) *nn.Value {
	x = nn.ReLU(n.BN1.Forward(n.Conv1.Forward(x)))
	if !n.small {
		x = (&nn.MaxPool2d{Kernel: 3, Stride: 2, Padding: 1}).Forward(x)
	}
	for _, layer := range []nn.Sequential{n.Layer1, n.Layer2, n.Layer3, n.Layer4} {
		for _, block := range layer {
			if n.Recompute {
				x = nn.Recompute(x, block.Forward)
			} else {
				x = block.Forward(x)
			}
		}
	}
	return n.FC.Forward(nn.GlobalAvgPool2d(x))
}

// residual is a block of ResNet-18 and -34: two convolutions of 3x3.
type residual struct {
	Conv1      nn.Conv2d
	BN1        nn.BatchNorm2d
	Conv2      nn.Conv2d
	BN2        nn.BatchNorm2d
	Downsample nn.Sequential // of what goes past the block, where its shape changes
}

func (b *residual) Forward(x *nn.Value) *nn.Value {
	y := nn.ReLU(b.BN1.Forward(b.Conv1.Forward(x)))
	y = b.BN2.Forward(b.Conv2.Forward(y))
	return nn.ReLU(nn.Add(y, past(b.Downsample, x)))
}

// bottleneck is a block of ResNet-50: a convolution of 3x3 between two of 1x1.
type bottleneck struct {
	Conv1      nn.Conv2d
	BN1        nn.BatchNorm2d
	Conv2      nn.Conv2d
	BN2        nn.BatchNorm2d
	Conv3      nn.Conv2d
	BN3        nn.BatchNorm2d
	Downsample nn.Sequential
}

func (b *bottleneck) Forward(x *nn.Value) *nn.Value {
	y := nn.ReLU(b.BN1.Forward(b.Conv1.Forward(x)))
	y = nn.ReLU(b.BN2.Forward(b.Conv2.Forward(y)))
	y = b.BN3.Forward(b.Conv3.Forward(y))
	return nn.ReLU(nn.Add(y, past(b.Downsample, x)))
}

func past(downsample nn.Sequential, x *nn.Value) *nn.Value {
	if len(downsample) == 0 {
		return x
	}
	return downsample.Forward(x)
}

// conv is a convolution without bias, as before a BatchNorm, padded so that a
// stride of 1 leaves the size.
func conv(in, out, kernel, stride, groups int) nn.Conv2d {
	return nn.Conv2d{In: in, Out: out, Kernel: kernel, Stride: stride, Padding: (kernel - 1) / 2, Groups: groups, NoBias: true}
}

func batchNorm(features int) nn.BatchNorm2d { return nn.BatchNorm2d{Features: features} }

// newResNet returns a network with so many blocks in each of the four layers.
// Pictures whose sides are all below 64 get the stem for CIFAR: a convolution of 3x3 that
// leaves the size, and no pooling.
func newResNet(blocks [4]int, bottlenecks bool) func(c Config, o options, draw nn.Draw) (Network, error) {
	return func(c Config, o options, draw nn.Draw) (Network, error) {
		n := &ResNet{small: o.small(c), input: inputOf(c), Conv1: conv(c.Channels, 64, 7, 2, 1), BN1: batchNorm(64)}
		if n.small {
			n.Conv1 = conv(c.Channels, 64, 3, 1, 1)
		}
		in := 64
		for i, layer := range []*nn.Sequential{&n.Layer1, &n.Layer2, &n.Layer3, &n.Layer4} {
			width, stride := 64<<i, min(i+1, 2)
			for range blocks[i] {
				*layer = append(*layer, newResidual(&in, width, stride, bottlenecks))
				stride = 1
			}
		}
		n.FC = nn.Linear{In: in, Out: c.Classes}
		return n, initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, nn.Gain("relu", 0)) })
	}
}

// smallStem is from which side on a picture gets the stem for large ones.
const smallStem = 64

// newResidual returns the next block; in is the number of channels that it is
// given, and is set to what it gives.
func newResidual(in *int, width, stride int, bottlenecks bool) nn.Module {
	from, to := *in, width
	if bottlenecks {
		to = 4 * width
	}
	*in = to
	var downsample nn.Sequential
	if stride != 1 || from != to {
		c, b := conv(from, to, 1, stride, 1), batchNorm(to)
		downsample = nn.Sequential{&c, &b}
	}
	if bottlenecks {
		return &bottleneck{Conv1: conv(from, width, 1, 1, 1), BN1: batchNorm(width), Conv2: conv(width, width, 3, stride, 1), BN2: batchNorm(width),
			Conv3: conv(width, to, 1, 1, 1), BN3: batchNorm(to), Downsample: downsample}
	}
	return &residual{Conv1: conv(from, width, 3, stride, 1), BN1: batchNorm(width), Conv2: conv(width, width, 3, 1, 1), BN2: batchNorm(width), Downsample: downsample}
}

// ResNet9 is a small residual network for pictures of 32x32 (after David Page's
// for CIFAR-10, 2018): eight convolutions of 3x3 with BatchNorm, two of the pairs past a
// shortcut, and a linear layer.
type ResNet9 struct {
	Features nn.Sequential
	FC       nn.Linear

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *ResNet9) Forward(x *nn.Value) *nn.Value {
	return n.FC.Forward(nn.GlobalMaxPool2d(n.Features.Forward(x)))
}

// shortcut adds what it is given to what its layers make of it.
type shortcut struct{ Layers nn.Sequential }

func (s *shortcut) Forward(x *nn.Value) *nn.Value { return nn.Add(x, s.Layers.Forward(x)) }

func newResNet9(c Config, _ options, draw nn.Draw) (Network, error) {
	block := func(in, out int, pool bool) nn.Sequential {
		c, b := conv(in, out, 3, 1, 1), batchNorm(out)
		s := nn.Sequential{&c, &b, nn.Func(nn.ReLU)}
		if pool {
			s = append(s, &nn.MaxPool2d{Kernel: 2})
		}
		return s
	}
	if min(c.Height, c.Width) < 8 {
		return nil, fmt.Errorf("ResNet9 cannot read pictures of %dx%d pixels: their sides must be at least 8", c.Height, c.Width)
	}
	n := &ResNet9{input: inputOf(c), FC: nn.Linear{In: 512, Out: c.Classes}, Features: nn.Sequential{
		block(c.Channels, 64, false), block(64, 128, true), &shortcut{nn.Sequential{block(128, 128, false), block(128, 128, false)}},
		block(128, 256, true), block(256, 512, true), &shortcut{nn.Sequential{block(512, 512, false), block(512, 512, false)}},
	}}
	return n, initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, nn.Gain("relu", 0)) })
}
