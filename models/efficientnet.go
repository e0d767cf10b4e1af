package models

import (
	"math"

	"inkling/nn"
)

// EfficientNet is a network of inverted residuals whose depth, width and pictures
// grow together (Tan and Le 2019, arXiv:1905.11946), with the layers and state-dict
// keys of torchvision's efficientnet_b0: features.0.0.weight, ...,
// features.1.0.block.0.0.weight, ..., classifier.1.bias.
type EfficientNet struct {
	Features   nn.Sequential
	Classifier nn.Sequential

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *EfficientNet) Forward(x *nn.Value) *nn.Value {
	return n.Classifier.Forward(nn.GlobalAvgPool2d(n.Features.Forward(x)))
}

// mbConv is a block. In training it is left out for some of the examples, where what
// it was given is added.
type mbConv struct {
	Block nn.Sequential
	depth nn.StochasticDepth
	add   bool
}

func (b *mbConv) Forward(x *nn.Value) *nn.Value {
	y := b.Block.Forward(x)
	if b.add {
		return nn.Add(b.depth.Forward(y), x)
	}
	return y
}

// newEfficientNetB0 returns EfficientNet-B0. For pictures whose sides are all below 64 the first
// two strides of two are left out.
func newEfficientNetB0(c Config, o options, draw nn.Draw) (Network, error) {
	layer := func(in, out, kernel, stride, groups int, f func(x *nn.Value) *nn.Value) nn.Sequential {
		return convNormAct(in, out, kernel, stride, groups, 0, 0, f)
	}
	stages := []struct{ expand, kernel, stride, out, blocks int }{
		{1, 3, 1, 16, 1}, {6, 3, 2, 24, 2}, {6, 5, 2, 40, 2}, {6, 3, 2, 80, 3}, {6, 5, 1, 112, 3}, {6, 5, 2, 192, 4}, {6, 3, 1, 320, 1},
	}
	first, total, done := 2, 0, 0
	if o.small(c) {
		first, stages[1].stride = 1, 1
	}
	for _, s := range stages {
		total += s.blocks
	}
	in := 32
	n := &EfficientNet{input: inputOf(c), Features: nn.Sequential{layer(c.Channels, in, 3, first, 1, nn.SiLU)}}
	for _, s := range stages {
		var stage nn.Sequential
		for k := range s.blocks {
			stride, hidden := 1, in*s.expand
			if k == 0 {
				stride = s.stride
			}
			b := &mbConv{add: stride == 1 && in == s.out, depth: nn.StochasticDepth{P: o.number("stochastic_depth_prob") * float64(done) / float64(total)}}
			if s.expand != 1 {
				b.Block = append(b.Block, layer(in, hidden, 1, 1, 1, nn.SiLU))
			}
			b.Block = append(b.Block, layer(hidden, hidden, s.kernel, stride, hidden, nn.SiLU), newSqueeze(hidden, in/4, nn.SiLU, nn.Sigmoid), layer(hidden, s.out, 1, 1, 1, nil))
			stage = append(stage, b)
			in = s.out
			done++
		}
		n.Features = append(n.Features, stage)
	}
	n.Features = append(n.Features, layer(in, 4*in, 1, 1, 1, nn.SiLU))
	last := &nn.Linear{In: 4 * in, Out: c.Classes}
	n.Classifier = nn.Sequential{&nn.Dropout{P: o.number("dropout")}, last}
	err := initialise(n, draw, func(p *nn.Param) { nn.KaimingNormal(p, draw, nn.FanOut, math.Sqrt2) })
	if err == nil {
		bound := 1 / math.Sqrt(float64(c.Classes))
		nn.Uniform(&last.Weight, draw, -bound, bound)
		nn.Constant(&last.Bias, 0)
	}
	return n, err
}
