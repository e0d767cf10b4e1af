package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// Draw returns a random number, evenly distributed from -bound up to and without
// bound. From makes one; that of package torchrand, Symmetric, has PyTorch's
// numbers. A nil Draw draws nothing, and the initialisers leave what is there: zeros in
// new layers, for a network whose weights are read from a file.
type Draw = func(bound float64) float32

// From returns draws from r.
func From(r *rand.Rand) Draw {
	return func(bound float64) float32 { return float32((2*r.Float64() - 1) * bound) }
}

// Fan is what an initialiser keeps the spread of: values on their way forward, or
// gradients on their way back.
type Fan uint8

// The fans, with PyTorch's names.
const (
	FanIn  Fan = iota // the number of inputs of an output
	FanOut            // the number of outputs of an input
)

// of returns the fan of a parameter: of a linear layer, Out x In, or of a
// convolution, Out x In x Kh x Kw. It panics for one of fewer dimensions.
func (f Fan) of(p *Param) float64 {
	if len(p.shape) < 2 {
		panic(fmt.Sprintf("nn: an initialiser by fan wants a parameter of two or more dimensions, got %v", p.shape))
	}
	n := p.shape[1]
	if f == FanOut {
		n = p.shape[0]
	}
	return float64(n * p.shape[2:].Elements())
}

// Gain is by how much a function is to be made up for: torch.nn.init's
// calculate_gain. Names are linear (and sigmoid, conv2d and the like), tanh, relu,
// leaky_relu, of which slope is the negative slope, and selu. It panics at
// another name.
func Gain(function string, slope float64) float64 {
	switch function {
	case "linear", "conv1d", "conv2d", "sigmoid":
		return 1
	case "tanh":
		return 5. / 3
	case "relu":
		return math.Sqrt2
	case "leaky_relu":
		return math.Sqrt(2 / (1 + slope*slope))
	case "selu":
		return 0.75
	}
	panic(fmt.Sprintf("nn: there is no gain of %q; there are linear, conv1d, conv2d, sigmoid, tanh, relu, leaky_relu and selu", function))
}

// The initialisers of torch.nn.init set a parameter that has values already, as Init
// gives them.

// KaimingUniform draws evenly from -b to b, b = gain * sqrt(3/fan) (He et al.
// 2015, arXiv:1502.01852), as kaiming_uniform_.
func KaimingUniform(p *Param, draw Draw, fan Fan, gain float64) {
	p.draw(gain*math.Sqrt(3/fan.of(p)), draw)
}

// KaimingNormal draws from the normal distribution with mean 0 and deviation
// gain/sqrt(fan), as kaiming_normal_.
func KaimingNormal(p *Param, draw Draw, fan Fan, gain float64) {
	Normal(p, draw, 0, gain/math.Sqrt(fan.of(p)))
}

// XavierUniform draws evenly from -b to b, b = gain * sqrt(6/(fan in + fan out))
// (Glorot and Bengio 2010), as xavier_uniform_.
func XavierUniform(p *Param, draw Draw, gain float64) {
	p.draw(gain*math.Sqrt(6/(FanIn.of(p)+FanOut.of(p))), draw)
}

// XavierNormal draws from the normal distribution with mean 0 and deviation
// gain * sqrt(2/(fan in + fan out)), as xavier_normal_.
func XavierNormal(p *Param, draw Draw, gain float64) {
	Normal(p, draw, 0, gain*math.Sqrt(2/(FanIn.of(p)+FanOut.of(p))))
}

// Uniform draws evenly from low to high, as uniform_.
func Uniform(p *Param, draw Draw, low, high float64) {
	if draw == nil {
		return
	}
	p.set(func() float32 { return float32((low+high)/2) + draw((high-low)/2) })
}

// Normal draws from a normal distribution, as normal_.
func Normal(p *Param, draw Draw, mean, deviation float64) {
	if draw == nil {
		return
	}
	p.set(normals(mean, deviation, draw))
}

// TruncNormal draws from a normal distribution what lies between low and high, as
// trunc_normal_, whose defaults are a mean of 0, a deviation of 1, and -2 and 2.
func TruncNormal(p *Param, draw Draw, mean, deviation, low, high float64) {
	if draw == nil {
		return
	}
	below := func(x float64) float64 { return math.Erfc(-(x-mean)/deviation/math.Sqrt2) / 2 }
	from, to := below(low), below(high)
	p.set(func() float32 {
		share := from + (to-from)*(float64(draw(0.5))+0.5)
		return float32(min(max(mean+deviation*math.Sqrt2*math.Erfinv(2*share-1), low), high))
	})
}

// Constant sets all elements to one number, as constant_.
func Constant(p *Param, value float64) { p.fill(float32(value)) }

// set fills p in PyTorch's element order; nil leaves what is there.
func (p *Param) set(next func() float32) {
	if next == nil {
		return
	}
	eachOffset(p.shape, p.strides, func(offset int) { p.data[offset] = next() })
	p.version = newVersion()
}
