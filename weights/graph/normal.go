package graph

import (
	"math"
	"slices"
)

// perChannel returns a list of one number for each channel.
func (c *call) perChannel(i, channels int) []float32 {
	t := c.float(i)
	if t.Len() != channels {
		refuse("wants %d numbers as input %d, one for each channel, got %v", channels, i, t)
	}
	return t.Floats
}

// channelsOf returns the sizes of N x C x ....
func channelsOf(x *Tensor) (batch, channels, pixels int) {
	if len(x.Shape) < 2 {
		refuse("wants a batch of channels, got %v", x)
	}
	return x.Shape[0], x.Shape[1], Elements(x.Shape[2:])
}

func batchNormalization(c *call) []*Tensor {
	x := c.float(0)
	n, channels, pixels := channelsOf(x)
	scale, shift := c.perChannel(1, channels), c.perChannel(2, channels)
	mean, variance := c.perChannel(3, channels), c.perChannel(4, channels)
	epsilon := c.node.real("epsilon", 1e-5)
	y := c.like(x)
	out := []*Tensor{y}
	if c.node.int("training_mode", 0) != 0 {
		momentum := c.node.real("momentum", 0.9)
		m, v := c.make(Float32, channels), c.make(Float32, channels)
		runningMean, runningVariance := c.make(Float32, channels), c.make(Float32, channels)
		for k := range channels {
			mu, sigma := moments(n, pixels, func(b, i int) float64 { return float64(x.Floats[(b*channels+k)*pixels+i]) })
			m.Floats[k], v.Floats[k] = float32(mu), float32(sigma)
			runningMean.Floats[k] = float32(float64(mean[k])*momentum + mu*(1-momentum))
			runningVariance.Floats[k] = float32(float64(variance[k])*momentum + sigma*(1-momentum))
		}
		mean, variance = m.Floats, v.Floats
		out = append(out, runningMean, runningVariance)
	} else if c.version < 7 && c.node.int("is_test", 0) == 0 {
		refuse("normalises by the batch as in training (is_test 0), which is not run in a network that is used")
	} else if c.node.int("spatial", 1) == 0 {
		refuse("normalises every pixel by itself (spatial 0), which is not run")
	}
	for i, v := range x.Floats {
		k := i / pixels % channels
		y.Floats[i] = float32((float64(v)-float64(mean[k]))/math.Sqrt(float64(variance[k])+epsilon)*float64(scale[k]) + float64(shift[k]))
	}
	return out
}

// moments are mean and variance of n lists of m numbers.
func moments(n, m int, at func(i, j int) float64) (mean, variance float64) {
	for i := range n {
		for j := range m {
			mean += at(i, j)
		}
	}
	count := float64(n * m)
	mean /= count
	for i := range n {
		for j := range m {
			d := at(i, j) - mean
			variance += d * d
		}
	}
	return mean, variance / count
}

// groupsOf normalises groups of channels of each example, and scales channels.
func groupsOf(c *call, groups int, scale, shift func(channel int) float64) []*Tensor {
	x := c.float(0)
	n, channels, pixels := channelsOf(x)
	if groups < 1 || channels%groups != 0 {
		refuse("divides %d channels into %d groups", channels, groups)
	}
	epsilon := c.node.real("epsilon", 1e-5)
	y := c.like(x)
	size := channels / groups * pixels
	for g := range n * groups {
		part := x.Floats[g*size:][:size]
		mean, variance := moments(1, size, func(_, j int) float64 { return float64(part[j]) })
		for j, v := range part {
			k := (g%groups*size + j) / pixels
			y.Floats[g*size+j] = float32((float64(v)-mean)/math.Sqrt(variance+epsilon)*scale(k) + shift(k))
		}
	}
	return one(y)
}

func instanceNormalization(c *call) []*Tensor {
	_, channels, _ := channelsOf(c.float(0))
	scale, shift := c.perChannel(1, channels), c.perChannel(2, channels)
	return groupsOf(c, channels, func(k int) float64 { return float64(scale[k]) }, func(k int) float64 { return float64(shift[k]) })
}

// groupNormalization has, before operator set 21, a scale for each group.
func groupNormalization(c *call) []*Tensor {
	_, channels, _ := channelsOf(c.float(0))
	groups := c.node.int("num_groups", 0)
	if groups < 1 || channels%groups != 0 {
		refuse("divides %d channels into %d groups", channels, groups)
	}
	count, each := channels, 1
	if c.version < 21 {
		count, each = groups, channels/groups
	}
	scale, shift := c.perChannel(1, count), c.perChannel(2, count)
	return groupsOf(c, groups, func(k int) float64 { return float64(scale[k/each]) }, func(k int) float64 { return float64(shift[k/each]) })
}

func layerNormalization(c *call) []*Tensor {
	x, scale := c.float(0), c.float(1)
	axis := axisOf(c.node.int("axis", -1), len(x.Shape))
	size := Elements(x.Shape[axis:])
	shape := slices.Clone(x.Shape)
	for d := axis; d < len(shape); d++ {
		shape[d] = 1
	}
	y, means, inverses := c.like(x), c.make(Float32, shape...), c.make(Float32, shape...)
	epsilon := c.node.real("epsilon", 1e-5)
	scales := spread(scale.Shape, together(scale.Shape, x.Shape[axis:]))
	var shift *Tensor
	shifts := repeated(0, len(scales))
	if c.has(2) {
		shift = c.float(2)
		shifts = spread(shift.Shape, together(shift.Shape, x.Shape[axis:]))
	}
	if len(scales) != len(x.Shape)-axis || len(shifts) != len(scales) {
		refuse("scales with %v what has the shape %v", scale, x.Shape[axis:])
	}
	for k := range means.Floats {
		part := x.Floats[k*size:][:size]
		mean, variance := moments(1, size, func(_, j int) float64 { return float64(part[j]) })
		inverse := 1 / math.Sqrt(variance+epsilon)
		means.Floats[k], inverses.Floats[k] = float32(mean), float32(inverse)
		walk(x.Shape[axis:], func(i int, at []int) {
			v := (float64(part[i]) - mean) * inverse * float64(scale.Floats[at[0]])
			if shift != nil {
				v += float64(shift.Floats[at[1]])
			}
			y.Floats[k*size+i] = float32(v)
		}, scales, shifts)
	}
	return []*Tensor{y, means, inverses}
}

func meanVarianceNormalization(c *call) []*Tensor {
	x := c.float(0)
	axes := []int{0, 2, 3}
	if c.node.has("axes") {
		axes = c.node.ints("axes")
	}
	axes = axesOf(axes, len(x.Shape))
	to := reducedStrides(x.Shape, axes)
	count := Elements(reduced(x.Shape, axes, true))
	sums, squares := make([]float64, count), make([]float64, count)
	each := float64(x.Len()) / float64(max(count, 1))
	walk(x.Shape, func(i int, at []int) { sums[at[0]] += float64(x.Floats[i]) / each }, to)
	walk(x.Shape, func(i int, at []int) { d := float64(x.Floats[i]) - sums[at[0]]; squares[at[0]] += d * d / each }, to)
	y := c.like(x)
	walk(x.Shape, func(i int, at []int) {
		y.Floats[i] = float32((float64(x.Floats[i]) - sums[at[0]]) / (math.Sqrt(squares[at[0]]) + 1e-9))
	}, to)
	return one(y)
}

func lrn(c *call) []*Tensor {
	x := c.float(0)
	n, channels, pixels := channelsOf(x)
	size := c.node.int("size", 0)
	if size < 1 {
		refuse("has the size %d", size)
	}
	alpha, beta, bias := c.node.real("alpha", 1e-4), c.node.real("beta", 0.75), c.node.real("bias", 1)
	y := c.like(x)
	for b := range n {
		for k := range channels {
			from, to := max(0, k-(size-1)/2), min(channels-1, k+size/2)
			for i := range pixels {
				sum := 0.0
				for other := from; other <= to; other++ {
					v := float64(x.Floats[(b*channels+other)*pixels+i])
					sum += v * v
				}
				at := (b*channels+k)*pixels + i
				y.Floats[at] = float32(float64(x.Floats[at]) / math.Pow(bias+alpha/float64(size)*sum, beta))
			}
		}
	}
	return one(y)
}
