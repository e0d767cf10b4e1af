package models

import (
	"fmt"
	"math"

	"inkling/nn"
)

// Airbench is the network that CIFAR-10 is learned with in seconds (Jordan 2024,
// "94% on CIFAR-10 in 3.29 Seconds on a Single GPU", arXiv:2404.00498), with the
// layers and state-dict keys of airbench94_muon: whiten.weight, whiten.bias,
// layers.1.conv1.weight, ..., head.weight. It is to be trained as examples/airbench
// does: the filters of Whiten are set by InitWhitening and left so, its bias is trained at
// first only, and the weights of the BatchNorms stay at 1.
type Airbench struct {
	Whiten nn.Conv2d
	Layers nn.Sequential
	Head   nn.Linear

	input
}

// Forward computes the logits, N x classes, of a batch of pictures.
func (n *Airbench) Forward(x *nn.Value) *nn.Value {
	x = n.Layers.Forward(n.Whiten.Forward(x)).Flatten()
	return nn.Affine(n.Head.Forward(x), 1/float64(n.Head.In), 0)
}

// convGroup is two convolutions of 3x3, a pooling behind the first.
type convGroup struct {
	Conv1 nn.Conv2d
	Norm1 nn.BatchNorm2d
	Conv2 nn.Conv2d
	Norm2 nn.BatchNorm2d
}

func (g *convGroup) Forward(x *nn.Value) *nn.Value {
	x = (&nn.MaxPool2d{Kernel: 2}).Forward(g.Conv1.Forward(x))
	x = nn.GELU(g.Norm1.Forward(x))
	return nn.GELU(g.Norm2.Forward(g.Conv2.Forward(x)))
}

// whitenKernel is the side of the patches that are whitened.
const whitenKernel = 2

func newAirbench(c Config, _ options, draw nn.Draw) (Network, error) {
	const least, most = 25, 256
	if min(c.Height, c.Width) < least || max(c.Height, c.Width) > most {
		return nil, fmt.Errorf("airbench cannot read pictures of %dx%d pixels: their sides must be %d to %d", c.Height, c.Width, least, most)
	}
	norm := func(features int) nn.BatchNorm2d {
		return nn.BatchNorm2d{Features: features, Eps: 1e-12, Momentum: 0.4}
	}
	in, height, width := 2*c.Channels*whitenKernel*whitenKernel, c.Height-1, c.Width-1
	n := &Airbench{input: inputOf(c), Whiten: nn.Conv2d{In: c.Channels, Out: in, Kernel: whitenKernel}, Layers: nn.Sequential{nn.Func(nn.GELU)}}
	for _, out := range []int{64, 256, 256} {
		n.Layers = append(n.Layers, &convGroup{Conv1: conv(in, out, 3, 1, 1), Norm1: norm(out), Conv2: conv(out, out, 3, 1, 1), Norm2: norm(out)})
		in, height, width = out, height/2, width/2
	}
	n.Layers = append(n.Layers, &nn.MaxPool2d{Kernel: 3})
	n.Head = nn.Linear{In: in * (height / 3) * (width / 3), Out: c.Classes, NoBias: true}
	if err := nn.InitUniform(n, draw); err != nil || draw == nil {
		return n, err
	}
	nn.Visit(n, func(_ string, layer any) {
		if g, ok := layer.(*convGroup); ok {
			passThrough(&g.Conv1.Weight)
			passThrough(&g.Conv2.Weight)
		}
	})
	unitDeviation(&n.Head.Weight)
	return n, nil
}

// passThrough sets the first filters of a convolution so that each passes one channel on as it is, as
// many as there are channels: torch.nn.init.dirac_ of a part.
func passThrough(weight *nn.Param) {
	shape := weight.Shape()
	size := shape[1:].Elements()
	values := make([]float32, shape.Elements())
	weight.Read(values)
	for i := range min(shape[0], shape[1]) {
		filter := values[i*size:][:size]
		clear(filter)
		filter[(i*shape[2]+shape[2]/2)*shape[3]+shape[3]/2] = 1
	}
	weight.Write(values)
}

// unitDeviation scales a parameter so that its standard deviation is 1; one that
// does not deviate stays as it is.
func unitDeviation(p *nn.Param) {
	values := make([]float32, p.Shape().Elements())
	p.Read(values)
	var sum, squares float64
	for _, v := range values {
		sum += float64(v)
	}
	mean := sum / float64(len(values))
	for _, v := range values {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	if scale := math.Sqrt(float64(len(values)-1) / squares); squares > 0 && scale > 0 {
		for i := range values {
			values[i] *= float32(scale)
		}
	}
	p.Write(values)
}
