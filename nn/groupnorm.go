package nn

import (
	"fmt"
	"math"
	"math/rand/v2"
)

// GroupNorm normalises the channels of each example, N x C x ..., in groups, as
// torch.nn.GroupNorm:
//
//	y = (x - mean) / sqrt(variance + Eps) * Weight + Bias
//
// with mean and variance of the group's elements (the variance divided by their
// number), and Weight and Bias for each channel. Source: Wu and He 2018,
// arXiv:1803.08494.
type GroupNorm struct {
	Groups   int // divides Channels
	Channels int
	Eps      float64 // 0 means 1e-5
	NoAffine bool    // neither Weight nor Bias

	Weight Param // Channels
	Bias   Param // Channels
}

func (l *GroupNorm) op() groupNorm {
	return groupNorm{groups: l.Groups, channels: l.Channels, eps: orDefault(l.Eps, 1e-5)}
}

// Forward adds the normalisation to the network.
func (l *GroupNorm) Forward(x *Value) *Value {
	return Apply(l.op(), affineParams(l.NoAffine, &l.Weight, &l.Bias), x)
}

func affineParams(none bool, weight, bias *Param) []*Param {
	if none {
		return nil
	}
	return []*Param{weight, bias}
}

func (l *GroupNorm) check() error { return l.op().check() }

func (l *GroupNorm) initialize(func(bound float64) float32) {
	if !l.NoAffine {
		l.Weight, l.Bias = NewParam(l.Channels), NewParam(l.Channels)
		l.Weight.fill(1)
	}
}

// InstanceNorm2d normalises every channel of each example, N x C x H x W, by
// itself, as torch.nn.InstanceNorm2d; it has no Weight and Bias unless Affine.
// Source: Ulyanov et al. 2016, arXiv:1607.08022.
type InstanceNorm2d struct {
	Features int     // channels
	Eps      float64 // 0 means 1e-5
	Affine   bool

	Weight Param // Features
	Bias   Param // Features
}

func (l *InstanceNorm2d) op() instanceNorm {
	return instanceNorm{groupNorm{groups: l.Features, channels: l.Features, eps: orDefault(l.Eps, 1e-5)}}
}

// Forward adds the normalisation to the network.
func (l *InstanceNorm2d) Forward(x *Value) *Value {
	return Apply(l.op(), affineParams(!l.Affine, &l.Weight, &l.Bias), x)
}

func (l *InstanceNorm2d) check() error { return l.op().check() }

func (l *InstanceNorm2d) initialize(func(bound float64) float32) {
	if l.Affine {
		l.Weight, l.Bias = NewParam(l.Features), NewParam(l.Features)
		l.Weight.fill(1)
	}
}

// groupNorm is the operation behind GroupNorm.
type groupNorm struct {
	groups, channels int
	eps              float64
}

func (groupNorm) Name() string                          { return "groupnorm" }
func (groupNorm) BackwardReads() (inputs, outputs bool) { return true, false }

func (g groupNorm) check() error {
	if g.groups < 1 || g.channels < 1 || g.channels%g.groups != 0 {
		return fmt.Errorf("wants a number of groups that divides the channels, got %d groups of %d channels", g.groups, g.channels)
	}
	return checkEps(g.eps)
}

func checkEps(eps float64) error {
	if !(eps >= 0) || math.IsInf(eps, 1) {
		return fmt.Errorf("wants an eps of 0 or more, got %v", eps)
	}
	return nil
}

func (g groupNorm) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err == nil {
		err = g.check()
	}
	if err == nil && (len(in) < 2 || in[1] != g.channels) {
		err = fmt.Errorf("wants %d channels as second dimension, got the input %v", g.channels, in)
	}
	return in, err
}

// Saves asks for the moments of every group.
func (g groupNorm) Saves([]Shape) Saves { return Saves{Floats: momentFloats * g.groups} }

func (g groupNorm) Forward(c *Call[float32])    { groupNormForward(g, c) }
func (g groupNorm) Backward(c *Call[float32])   { groupNormBackward(g, c) }
func (g groupNorm) Forward64(c *Call[float64])  { groupNormForward(g, c) }
func (g groupNorm) Backward64(c *Call[float64]) { groupNormBackward(g, c) }

// instanceNorm is groupNorm with every channel a group.
type instanceNorm struct{ groupNorm }

func (instanceNorm) Name() string                          { return "instancenorm2d" }
func (instanceNorm) BackwardReads() (inputs, outputs bool) { return true, false }

func (i instanceNorm) OutputShape(inputs []Shape) (Shape, error) {
	in, err := wantRank(inputs, 4, "N x C x H x W")
	if err == nil {
		_, err = i.groupNorm.OutputShape(inputs)
	}
	if err == nil && in[2]*in[3] == 1 {
		err = fmt.Errorf("wants more than one value a channel, got the input %v", in)
	}
	return in, err
}

func groupNormForward[T Float](g groupNorm, c *Call[T]) {
	pixels := c.Inputs[0].Shape[2:].Elements()
	width := g.channels / g.groups
	for k := range c.Inputs[0].Shape[0] * g.groups {
		normalise(c, k, width*pixels, g.eps, func(i int) int { return k%g.groups*width + i/pixels })
	}
}

func groupNormBackward[T Float](g groupNorm, c *Call[T]) {
	pixels := c.Inputs[0].Shape[2:].Elements()
	width := g.channels / g.groups
	for k := range c.Inputs[0].Shape[0] * g.groups {
		normaliseBackward(c, k, width*pixels, func(i int) int { return k%g.groups*width + i/pixels })
	}
}

// moments are the mean, in two parts, and 1/sqrt(variance + eps) of a group of
// values. A float32 alone does not tell a mean of 1000 finely enough from the
// values around it where these deviate little.
const momentFloats = 3

func momentsOf[T Float](kept []T) (mean, inverse float64) {
	return float64(kept[0]) + float64(kept[1]), float64(kept[2])
}

func keepMoments[T Float](kept []T, x []T, eps float64) {
	var sum, squares float64
	for _, v := range x {
		sum += float64(v)
	}
	mean := sum / float64(len(x))
	for _, v := range x {
		squares += (float64(v) - mean) * (float64(v) - mean)
	}
	kept[0] = T(mean)
	kept[1] = T(mean - float64(kept[0]))
	kept[2] = T(1 / math.Sqrt(squares/float64(len(x))+eps))
}

// normalise computes the k-th group of size elements of the input. Its i-th
// element is scaled by element param(i) of the parameters, if there are any.
func normalise[T Float](c *Call[T], k, size int, eps float64, param func(i int) int) {
	x, y, kept := c.Inputs[0].Data[k*size:][:size], c.Output.Data[k*size:][:size], c.Floats[momentFloats*k:]
	keepMoments(kept, x, eps)
	mean, inverse := momentsOf(kept)
	for i, v := range x {
		normal := (float64(v) - mean) * inverse
		if len(c.Params) > 0 {
			p := param(i)
			normal = normal*float64(c.Params[0].Data[p]) + shiftOf(c, p)
		}
		y[i] = T(normal)
	}
}

// shiftOf is an element of the bias, or 0 if there is none.
func shiftOf[T Float](c *Call[T], p int) float64 {
	if len(c.Params) < 2 {
		return 0
	}
	return float64(c.Params[1].Data[p])
}

func normaliseBackward[T Float](c *Call[T], k, size int, param func(i int) int) {
	x, dy := c.Inputs[0].Data[k*size:][:size], c.OutputGrad.Data[k*size:][:size]
	mean, inverse := momentsOf(c.Floats[momentFloats*k:])
	scaled := func(i int) float64 { // the gradient of a normalised value
		if len(c.Params) > 0 {
			return float64(dy[i]) * float64(c.Params[0].Data[param(i)])
		}
		return float64(dy[i])
	}
	var sum, dot float64
	for i, v := range x {
		normal := (float64(v) - mean) * inverse
		sum += scaled(i)
		dot += scaled(i) * normal
		for j, to := range c.ParamGrads {
			switch {
			case to.Data == nil:
			case j == 0:
				to.Data[param(i)] += T(float64(dy[i]) * normal)
			default:
				to.Data[param(i)] += dy[i]
			}
		}
	}
	if c.InputGrads[0].Data == nil {
		return
	}
	dx := c.InputGrads[0].Data[k*size:][:size]
	sum, dot = sum/float64(size), dot/float64(size)
	for i, v := range x {
		dx[i] += T(inverse * (scaled(i) - sum - (float64(v)-mean)*inverse*dot))
	}
}

func groupNormExample(r *rand.Rand) Example {
	groups := 1 + r.IntN(3)
	l := &GroupNorm{Groups: groups, Channels: groups * (1 + r.IntN(3)), NoAffine: r.IntN(4) == 0, Eps: 0.01}
	shape := anyShape(r)
	shape[1] = l.Channels
	if len(shape) == 2 {
		shape = append(shape, 3)
	}
	return exampleOf(l, shape...)
}

func instanceNormExample(r *rand.Rand) Example {
	l := &InstanceNorm2d{Features: 1 + r.IntN(3), Affine: r.IntN(2) == 0, Eps: 0.01}
	return exampleOf(l, pictureShape(r, l.Features, 2)...)
}
