package models

import (
	"fmt"
	"math"

	"inkling/nn"
)

// MobileNetV2 is a network of inverted residuals for small machines (Sandler et al.
// 2018, arXiv:1801.04381) with the layers and state-dict keys of torchvision's
// mobilenet_v2: features.0.0.weight, ..., classifier.1.bias.
type MobileNetV2 struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *MobileNetV2) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(nn.GlobalAvgPool2d(n.Features.Forward(x)))
}

// invertedResidual is a block: channels are made more, filtered each by itself, and
// made fewer; what it was given is added where the shape stays.
type invertedResidual struct {
	Conv nn.Sequential
	add  bool
}

func (b *invertedResidual) Forward(x *nn.Value) *nn.Value {
	y := b.Conv.Forward(x)
	if b.add {
		return nn.Add(x, y)
	}
	return y
}

// convNormAct is a convolution, BatchNorm and a function, as torchvision's
// Conv2dNormActivation; without a function there are two modules.
func convNormAct(in, out, kernel, stride, groups int, eps, momentum float64, f func(x *nn.Value) *nn.Value) nn.Sequential {
	c := conv(in, out, kernel, stride, groups)
	s := nn.Sequential{&c, &nn.BatchNorm2d{Features: out, Eps: eps, Momentum: momentum}}
	if f != nil {
		s = append(s, nn.Func(f))
	}
	return s
}

func newMobileNetV2(c Config, o options, draw nn.Draw) (Network, error) {
	if c.Channels < 1 {
		return nil, fmt.Errorf("MobileNetV2 cannot read pictures of %d channels", c.Channels)
	}
	layer := func(in, out, kernel, stride, groups int) nn.Sequential {
		return convNormAct(in, out, kernel, stride, groups, 0, 0, nn.ReLU6)
	}
	// For small pictures the first two strides of two are left out, as is usual for CIFAR.
	strides := []int{2, 1, 2, 2, 2, 1, 2, 1}
	if o.small(c) {
		strides = []int{1, 1, 1, 2, 2, 1, 2, 1}
	}
	width := o.number("width_mult")
	in, last := eighths(32*width), eighths(1280*max(width, 1))
	n := &MobileNetV2{input: inputOf(c), Features: nn.Sequential{layer(c.Channels, in, 3, strides[0], 1)}}
	for i, stage := range [][3]int{{1, 16, 1}, {6, 24, 2}, {6, 32, 3}, {6, 64, 4}, {6, 96, 3}, {6, 160, 3}, {6, 320, 1}} {
		expand, out := stage[0], eighths(float64(stage[1])*width)
		for k := range stage[2] {
			stride, hidden := 1, in*expand
			if k == 0 {
				stride = strides[1+i]
			}
			b := &invertedResidual{add: stride == 1 && in == out}
			if expand != 1 {
				b.Conv = append(b.Conv, layer(in, hidden, 1, 1, 1))
			}
			project, norm := conv(hidden, out, 1, 1, 1), batchNorm(out)
			b.Conv = append(b.Conv, layer(hidden, hidden, 3, stride, hidden), &project, &norm)
			n.Features = append(n.Features, b)
			in = out
		}
	}
	n.Features = append(n.Features, layer(in, last, 1, 1, 1))
	n.Classifier = nn.Sequential{&nn.Dropout{P: o.number("dropout")}, &nn.Linear{In: last, Out: c.Classes}}
	return n, initialiseLinear(n, draw, 0.01, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, math.Sqrt2) })
}

// MobileNetV3 is the network that a search found from MobileNetV2's blocks (Howard
// et al. 2019, arXiv:1905.02244), with the layers and state-dict keys of
// torchvision's mobilenet_v3_small.
type MobileNetV3 struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *MobileNetV3) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(nn.GlobalAvgPool2d(n.Features.Forward(x)))
}

// block is a list of layers with what it was given added where the shape stays.
type block struct {
	Block nn.Sequential
	add   bool
}

func (b *block) Forward(x *nn.Value) *nn.Value {
	y := b.Block.Forward(x)
	if b.add {
		return nn.Add(x, y)
	}
	return y
}

// squeezeExcitation weighs each channel by what all of them are on the mean (Hu et
// al. 2017, arXiv:1709.01507), as torchvision's.
type squeezeExcitation struct {
	FC1, FC2          nn.Conv2d
	activation, scale func(x *nn.Value) *nn.Value
}

func (s *squeezeExcitation) Forward(x *nn.Value) *nn.Value {
	y := (&nn.AdaptiveAvgPool2d{Size: 1}).Forward(x)
	y = s.scale(s.FC2.Forward(s.activation(s.FC1.Forward(y))))
	return nn.Mul(x, y)
}

func newSqueeze(channels, squeezed int, activation, scale func(x *nn.Value) *nn.Value) *squeezeExcitation {
	return &squeezeExcitation{FC1: nn.Conv2d{In: channels, Out: squeezed, Kernel: 1}, FC2: nn.Conv2d{In: squeezed, Out: channels, Kernel: 1}, activation: activation, scale: scale}
}

// eighths is the nearest multiple of eight that is not below nine tenths of n, as
// torchvision's _make_divisible.
func eighths(n float64) int {
	m := max(8, int(n+4)/8*8)
	if float64(m) < 0.9*n {
		m += 8
	}
	return m
}

func newMobileNetV3Small(c Config, o options, draw nn.Draw) (Network, error) {
	const eps, momentum = 0.001, 0.01
	scaled := func(channels int) int { return eighths(float64(channels) * o.number("width_mult")) }
	in := scaled(16)
	n := &MobileNetV3{input: inputOf(c), Features: nn.Sequential{convNormAct(c.Channels, in, 3, 2, 1, eps, momentum, nn.Hardswish)}}
	for _, b := range []struct {
		kernel, expanded, out int
		squeeze, hard         bool
		stride                int
	}{
		{3, 16, 16, true, false, 2}, {3, 72, 24, false, false, 2}, {3, 88, 24, false, false, 1}, {5, 96, 40, true, true, 2}, {5, 240, 40, true, true, 1}, {5, 240, 40, true, true, 1},
		{5, 120, 48, true, true, 1}, {5, 144, 48, true, true, 1}, {5, 288, 96, true, true, 2}, {5, 576, 96, true, true, 1}, {5, 576, 96, true, true, 1},
	} {
		b.expanded, b.out = scaled(b.expanded), scaled(b.out)
		f := nn.ReLU
		if b.hard {
			f = nn.Hardswish
		}
		layer := &block{add: b.stride == 1 && in == b.out}
		if b.expanded != in {
			layer.Block = append(layer.Block, convNormAct(in, b.expanded, 1, 1, 1, eps, momentum, f))
		}
		layer.Block = append(layer.Block, convNormAct(b.expanded, b.expanded, b.kernel, b.stride, b.expanded, eps, momentum, f))
		if b.squeeze {
			layer.Block = append(layer.Block, newSqueeze(b.expanded, eighths(float64(b.expanded)/4), nn.ReLU, nn.Hardsigmoid))
		}
		layer.Block = append(layer.Block, convNormAct(b.expanded, b.out, 1, 1, 1, eps, momentum, nil))
		n.Features = append(n.Features, layer)
		in = b.out
	}
	n.Features = append(n.Features, convNormAct(in, 6*in, 1, 1, 1, eps, momentum, nn.Hardswish))
	n.Classifier = nn.Sequential{&nn.Linear{In: 6 * in, Out: scaled(1024)}, nn.Func(nn.Hardswish), &nn.Dropout{P: o.number("dropout")}, &nn.Linear{In: scaled(1024), Out: c.Classes}}
	return n, initialiseLinear(n, draw, 0.01, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, math.Sqrt2) })
}
