package graph

import (
	"math"
	"slices"
)

// perAxis returns, for every element of x, which of some numbers is its own: those of
// a tensor of one number, of one for each place along an axis or, with a block size, of
// one for each block of neighbours along it.
func (c *call) perAxis(x, numbers *Tensor) func(i int) int {
	block := c.node.int("block_size", 0)
	if numbers.Len() == 1 && block == 0 {
		return func(int) int { return 0 }
	}
	axis := axisOf(c.node.int("axis", 1), len(x.Shape))
	_, size, inner := split(x.Shape, axis)
	wanted := []int{size}
	if block > 0 {
		wanted = slices.Clone(x.Shape)
		wanted[axis] = (size + block - 1) / block
	}
	if !slices.Equal(numbers.Shape, wanted) {
		refuse("has scales of %v for %v, the axis %d and blocks of %d; want scales of %v", numbers.Shape, x, axis, block, wanted)
	}
	if block > 0 {
		return func(i int) int { return (i/inner/size*wanted[axis]+i/inner%size/block)*inner + i%inner }
	}
	return func(i int) int { return i / inner % size }
}

// zeroPoint returns the whole number that stands for zero.
func (c *call) zeroPoint(i int) func(k int) int64 {
	if !c.has(i) {
		return func(int) int64 { return 0 }
	}
	t := c.whole(i)
	return func(k int) int64 {
		if len(t.Ints) == 1 {
			return t.Ints[0]
		}
		if k >= len(t.Ints) {
			refuse("has fewer zero points than scales")
		}
		return t.Ints[k]
	}
}

// quantised is the whole number of a type that stands for a number.
func quantised(v, scale float64, zero int64, t Type) int64 {
	q := math.RoundToEven(float64(float32(v) / float32(scale)))
	if q != q {
		return t.saturate(zero)
	}
	return t.saturate(int64(min(max(q, -1<<40), 1<<40)) + zero)
}

func quantizeLinear(c *call) []*Tensor {
	x, scale := c.x(0), c.float(1)
	t := UInt8
	if c.has(2) {
		t = c.whole(2).Type
	} else if n := c.node.int("output_dtype", 0); n != 0 {
		t = Types[n]
	}
	if low, high := t.bounds(); t == "" || t.Float() || high-low > 1<<16 {
		refuse("makes whole numbers of the type %q, which is not run", t)
	}
	of, zero := c.perAxis(x, scale), c.zeroPoint(2)
	y := c.make(t, x.Shape...)
	for i, v := range x.floats() {
		k := of(i)
		y.Ints[i] = quantised(float64(v), float64(scale.Floats[k]), zero(k), t)
	}
	return one(y)
}

func dequantizeLinear(c *call) []*Tensor {
	x, scale := c.whole(0), c.float(1)
	of, zero := c.perAxis(x, scale), c.zeroPoint(2)
	y := c.make(scale.Type, x.Shape...)
	for i, n := range x.Ints {
		k := of(i)
		y.Floats[i] = float32(n-zero(k)) * scale.Floats[k]
	}
	return one(y)
}

func dynamicQuantizeLinear(c *call) []*Tensor {
	x := c.float(0)
	low, high := float32(0), float32(0)
	for _, v := range x.Floats {
		low, high = min(low, v), max(high, v)
	}
	y, scale, zero := c.make(UInt8, x.Shape...), c.make(Float32), c.make(UInt8)
	scale.Floats[0] = (high - low) / 255
	if scale.Floats[0] == 0 {
		scale.Floats[0] = 1
	}
	zero.Ints[0] = UInt8.saturate(int64(math.RoundToEven(float64(-low / scale.Floats[0]))))
	for i, v := range x.Floats {
		y.Ints[i] = quantised(float64(v), float64(scale.Floats[0]), zero.Ints[0], UInt8)
	}
	return []*Tensor{y, scale, zero}
}

func convInteger(c *call) []*Tensor {
	x, weight := c.whole(0), c.whole(1)
	xZero, wZero := c.zeroPoint(2), c.zeroPoint(3)
	y := c.make(Int32, c.convShape(x, weight)...)
	each := Elements(weight.Shape[1:])
	convolve(c, x.Shape, weight.Shape, func(int, int, int) float64 { return 0 },
		func(i, k int) float64 { return float64((x.Ints[i] - xZero(0)) * (weight.Ints[k] - wZero(k/each))) },
		func(i int, sum float64) { y.Ints[i] = Int32.wrap(int64(sum)) })
	return one(y)
}

func qLinearConv(c *call) []*Tensor {
	x, weight := c.whole(0), c.whole(3)
	xScale, wScale, yScale := c.float(1), c.float(4), c.float(6)
	xZero, wZero, yZero := c.zeroPoint(2), c.zeroPoint(5), c.zeroPoint(7)
	y := c.make(c.whole(7).Type, c.convShape(x, weight)...)
	var bias []int64
	if c.has(8) {
		if bias = c.whole(8).Ints; len(bias) != y.Shape[1] {
			refuse("has %d biases for %d channels", len(bias), y.Shape[1])
		}
	}
	if n := wScale.Len(); n != 1 && n != y.Shape[1] || xScale.Len() != 1 || yScale.Len() != 1 {
		refuse("has scales of %v, %v and %v", xScale, wScale, yScale)
	}
	each, pixels := Elements(weight.Shape[1:]), Elements(y.Shape[2:])
	convolve(c, x.Shape, weight.Shape, func(_, m, _ int) float64 {
		if bias == nil {
			return 0
		}
		return float64(bias[m])
	}, func(i, k int) float64 { return float64((x.Ints[i] - xZero(0)) * (weight.Ints[k] - wZero(k/each))) },
		func(i int, sum float64) {
			scale := float64(wScale.Floats[0])
			if wScale.Len() > 1 {
				scale = float64(wScale.Floats[i/pixels%y.Shape[1]])
			}
			y.Ints[i] = quantised(sum*float64(xScale.Floats[0])*scale, float64(yScale.Floats[0]), yZero(0), y.Type)
		})
	return one(y)
}

// rowsOf tells to which row, or column, of its matrix an element belongs.
func rowsOf(t, numbers *Tensor, back int) func(i int) int {
	if numbers == nil || numbers.Len() == 1 {
		return func(int) int { return 0 }
	}
	axis := len(t.Shape) - back
	if axis < 0 || len(t.Shape) != 2 || numbers.Len() != t.Shape[axis] {
		refuse("has %v for the matrices %v", numbers, t)
	}
	_, size, inner := split(t.Shape, axis)
	return func(i int) int { return i / inner % size }
}

func matMulInteger(c *call) []*Tensor {
	a, b := c.whole(0), c.whole(1)
	_, _, _, shape := matrices(a.Shape, b.Shape)
	y := c.make(Int32, shape...)
	if !c.work(y.Len(), a.Shape[len(a.Shape)-1]) {
		return one(y)
	}
	aZero, bZero := c.zeroPoint(2), c.zeroPoint(3)
	var za, zb *Tensor
	if c.has(2) {
		za = c.in[2]
	}
	if c.has(3) {
		zb = c.in[3]
	}
	row, column := rowsOf(a, za, 2), rowsOf(b, zb, 1)
	multiply(a.Shape, b.Shape, func(i, j int) float64 {
		return float64((a.Ints[i] - aZero(row(i))) * (b.Ints[j] - bZero(column(j))))
	}, func(o int, sum float64) { y.Ints[o] = Int32.wrap(int64(sum)) })
	return one(y)
}

func qLinearMatMul(c *call) []*Tensor {
	a, b, aScale, bScale, yScale := c.whole(0), c.whole(3), c.float(1), c.float(4), c.float(6)
	_, _, _, shape := matrices(a.Shape, b.Shape)
	y := c.make(c.whole(7).Type, shape...)
	if !c.work(y.Len(), a.Shape[len(a.Shape)-1]) {
		return one(y)
	}
	aZero, bZero, yZero := c.zeroPoint(2), c.zeroPoint(5), c.zeroPoint(7)
	row, column := rowsOf(a, aScale, 2), rowsOf(b, bScale, 1)
	if yScale.Len() != 1 {
		refuse("has an output scale of %v", yScale)
	}
	multiply(a.Shape, b.Shape, func(i, j int) float64 {
		return float64((a.Ints[i]-aZero(row(i)))*(b.Ints[j]-bZero(column(j)))) * float64(aScale.Floats[row(i)]) * float64(bScale.Floats[column(j)])
	}, func(o int, sum float64) { y.Ints[o] = quantised(sum, float64(yScale.Floats[0]), yZero(0), y.Type) })
	return one(y)
}
