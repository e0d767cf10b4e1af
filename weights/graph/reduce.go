package graph

import (
	"math"
	"slices"
)

// reductionAxes returns over which axes a node goes: an attribute's, or from a version
// on an input's. None are all, unless the node says that they are none.
func (c *call) reductionAxes(rank, since int) []int {
	axes := c.node.ints("axes")
	if c.version >= since {
		axes = c.list(1)
	}
	if len(axes) == 0 {
		if c.version >= since && c.node.int("noop_with_empty_axes", 0) != 0 {
			return nil
		}
		return every(rank)
	}
	return axesOf(axes, rank)
}

// reduced is the shape that is left, with axes of 1 or without them.
func reduced(shape, axes []int, keep bool) []int {
	out := []int{}
	for d, size := range shape {
		switch {
		case !slices.Contains(axes, d):
			out = append(out, size)
		case keep:
			out = append(out, 1)
		}
	}
	return out
}

// ones are the strides of a tensor that has 1 in place of the axes.
func reducedStrides(shape, axes []int) []int { return spread(reduced(shape, axes, true), shape) }

// A folding makes one number of many.
type folding struct {
	start  float64
	take   func(sum, x float64) float64
	finish func(sum float64, n int) float64
	whole  func(sum, x int64) int64 // of whole numbers, for those that have it
	first  func(t Type) int64       // its start
	since  int                      // the version since which the axes are an input
}

func zero(Type) int64 { return 0 }

// foldings are the reductions.
var foldings = map[string]folding{
	"ReduceSum": {take: func(s, x float64) float64 { return s + x }, whole: func(s, x int64) int64 { return s + x }, first: zero, since: 13},
	"ReduceMean": {take: func(s, x float64) float64 { return s + x }, finish: func(s float64, n int) float64 { return s / float64(n) },
		whole: func(s, x int64) int64 { return s + x }, first: zero, since: 18},
	"ReduceMax":       {start: math.Inf(-1), take: largest, whole: func(s, x int64) int64 { return max(s, x) }, first: func(t Type) int64 { low, _ := t.bounds(); return low }, since: 18},
	"ReduceMin":       {start: math.Inf(1), take: smallest, whole: func(s, x int64) int64 { return min(s, x) }, first: func(t Type) int64 { _, high := t.bounds(); return high }, since: 18},
	"ReduceProd":      {start: 1, take: func(s, x float64) float64 { return s * x }, whole: func(s, x int64) int64 { return s * x }, first: func(Type) int64 { return 1 }, since: 18},
	"ReduceL1":        {take: func(s, x float64) float64 { return s + math.Abs(x) }, since: 18},
	"ReduceL2":        {take: func(s, x float64) float64 { return s + x*x }, finish: func(s float64, _ int) float64 { return math.Sqrt(s) }, since: 18},
	"ReduceSumSquare": {take: func(s, x float64) float64 { return s + x*x }, whole: func(s, x int64) int64 { return s + x*x }, first: zero, since: 18},
	"ReduceLogSum":    {take: func(s, x float64) float64 { return s + x }, finish: func(s float64, _ int) float64 { return math.Log(s) }, since: 18},
}

// reduce is an operator of foldings.
func reduce(c *call) []*Tensor {
	f, x := foldings[c.node.Kind], c.x(0)
	axes := c.reductionAxes(len(x.Shape), f.since)
	y := c.make(x.Type, reduced(x.Shape, axes, c.node.int("keepdims", 1) != 0)...)
	if len(axes) == 0 && len(x.Shape) > 0 {
		// The numbers of what is one number each.
		axes = []int{}
	}
	to := reducedStrides(x.Shape, axes)
	n := 1
	for _, d := range axes {
		n *= x.Shape[d]
	}
	if x.Type.Float() {
		sums := make([]float64, y.Len())
		for i := range sums {
			sums[i] = f.start
		}
		walk(x.Shape, func(i int, at []int) { sums[at[0]] = f.take(sums[at[0]], float64(x.Floats[i])) }, to)
		for i, s := range sums {
			if f.finish != nil {
				s = f.finish(s, n)
			}
			y.Floats[i] = float32(s)
		}
		return one(y)
	}
	if f.whole == nil {
		refuse("of whole numbers, %v, is not run", x)
	}
	for i := range y.Ints {
		y.Ints[i] = f.first(x.Type)
	}
	walk(x.Shape, func(i int, at []int) { y.Ints[at[0]] = x.Type.wrap(f.whole(y.Ints[at[0]], x.Ints[i])) }, to)
	if c.node.Kind == "ReduceMean" && n > 0 {
		for i := range y.Ints {
			y.Ints[i] /= int64(n)
		}
	}
	return one(y)
}

// reduceLogSumExp subtracts the largest number first, so that nothing is infinite.
func reduceLogSumExp(c *call) []*Tensor {
	x := c.float(0)
	axes := c.reductionAxes(len(x.Shape), 18)
	y := c.make(x.Type, reduced(x.Shape, axes, c.node.int("keepdims", 1) != 0)...)
	to := reducedStrides(x.Shape, axes)
	tops, sums := make([]float64, y.Len()), make([]float64, y.Len())
	for i := range tops {
		tops[i] = math.Inf(-1)
	}
	walk(x.Shape, func(i int, at []int) { tops[at[0]] = max(tops[at[0]], float64(x.Floats[i])) }, to)
	walk(x.Shape, func(i int, at []int) {
		if top := tops[at[0]]; !math.IsInf(top, 0) {
			sums[at[0]] += math.Exp(float64(x.Floats[i]) - top)
		}
	}, to)
	for i := range sums {
		y.Floats[i] = float32(tops[i] + math.Log(sums[i]))
		if math.IsInf(tops[i], 0) {
			y.Floats[i] = float32(tops[i])
		}
	}
	return one(y)
}

// lines calls visit with every line along an axis: positions i*step from the start.
func lines(shape []int, axis int, visit func(line, start, size, step int)) {
	outer, size, inner := split(shape, axis)
	for o := range outer {
		for i := range inner {
			visit(o*inner+i, o*size*inner+i, size, inner)
		}
	}
}

// argument returns the place of the largest, or smallest, number along an axis.
func argument(better func(a, b float64) bool) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := c.x(0)
		axis := axisOf(c.node.int("axis", 0), len(x.Shape))
		last := c.node.int("select_last_index", 0) != 0
		y := c.make(Int64, reduced(x.Shape, []int{axis}, c.node.int("keepdims", 1) != 0)...)
		values := x.floats()
		lines(x.Shape, axis, func(line, start, size, step int) {
			best := 0
			for i := 1; i < size; i++ {
				a, b := float64(values[start+i*step]), float64(values[start+best*step])
				if better(a, b) || last && a == b {
					best = i
				}
			}
			y.Ints[line] = int64(best)
		})
		return one(y)
	}
}

func topK(c *call) []*Tensor {
	x := c.x(0)
	axis := axisOf(c.node.int("axis", -1), len(x.Shape))
	k := c.node.int("k", -1)
	if c.version >= 10 {
		if list := c.list(1); len(list) == 1 {
			k = list[0]
		}
	}
	if k < 0 || k > x.Shape[axis] {
		refuse("wants the %d largest of %d", k, x.Shape[axis])
	}
	shape := slices.Clone(x.Shape)
	shape[axis] = k
	y, places := c.make(x.Type, shape...), c.make(Int64, shape...)
	direction := 1
	if c.node.int("largest", 1) == 0 {
		direction = -1
	}
	order := make([]int, x.Shape[axis])
	_, _, inner := split(shape, axis)
	lines(x.Shape, axis, func(line, start, size, step int) {
		for i := range order {
			order[i] = i
		}
		slices.SortStableFunc(order, func(a, b int) int {
			a, b = start+a*step, start+b*step
			var larger int
			if x.Type.Float() {
				larger = compareNumbers(x.Floats[b], x.Floats[a])
			} else {
				larger = compareNumbers(x.Ints[b], x.Ints[a])
			}
			return direction * larger
		})
		for i, from := range order[:k] {
			to := line/inner*inner*k + line%inner + i*inner
			places.Ints[to] = int64(from)
			if x.Type.Float() {
				y.Floats[to] = x.Floats[start+from*step]
			} else {
				y.Ints[to] = x.Ints[start+from*step]
			}
		}
	})
	return []*Tensor{y, places}
}

func compareNumbers[T float32 | int64](a, b T) int {
	switch {
	case a < b:
		return -1
	case a > b:
		return 1
	}
	return 0
}

func cumSum(c *call) []*Tensor {
	x, axes := c.x(0), c.list(1)
	if len(axes) != 1 {
		refuse("wants one axis, got %v", axes)
	}
	axis := axisOf(axes[0], len(x.Shape))
	exclusive, reverse := c.node.int("exclusive", 0) != 0, c.node.int("reverse", 0) != 0
	y := c.like(x)
	lines(x.Shape, axis, func(_, start, size, step int) {
		var sum float64
		var whole int64
		for i := range size {
			at := start + i*step
			if reverse {
				at = start + (size-1-i)*step
			}
			if x.Type.Float() {
				before := sum
				sum += float64(x.Floats[at])
				if y.Floats[at] = float32(sum); exclusive {
					y.Floats[at] = float32(before)
				}
			} else {
				before := whole
				whole = x.Type.wrap(whole + x.Ints[at])
				if y.Ints[at] = whole; exclusive {
					y.Ints[at] = before
				}
			}
		}
	})
	return one(y)
}

// overLines is an operator on every line of numbers along an axis. Before operator set 13
// softmax and its like had everything from the axis on for one line.
func overLines(f func(in, out []float64)) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := c.float(0)
		y := c.like(x)
		shape, axis := x.Shape, 0
		if c.version < 13 {
			axis = c.node.int("axis", 1)
			if axis != len(shape) {
				axis = axisOf(axis, len(shape))
			}
			shape, axis = []int{Elements(shape[:axis]), Elements(shape[axis:])}, 1
		} else {
			axis = axisOf(c.node.int("axis", -1), len(shape))
		}
		in, out := make([]float64, shape[axis]), make([]float64, shape[axis])
		lines(shape, axis, func(_, start, size, step int) {
			for i := range size {
				in[i] = float64(x.Floats[start+i*step])
			}
			f(in, out)
			for i := range size {
				y.Floats[start+i*step] = float32(out[i])
			}
		})
		return one(y)
	}
}

func softmax(in, out []float64) {
	logSoftmax(in, out)
	for i := range out {
		out[i] = math.Exp(out[i])
	}
}

func logSoftmax(in, out []float64) {
	top, sum := math.Inf(-1), 0.0
	for _, v := range in {
		top = max(top, v)
	}
	for _, v := range in {
		sum += math.Exp(v - top)
	}
	for i, v := range in {
		out[i] = v - top - math.Log(sum)
	}
}

func hardmax(in, out []float64) {
	best := 0
	for i, v := range in {
		out[i] = 0
		if v > in[best] {
			best = i
		}
	}
	if len(out) > 0 {
		out[best] = 1
	}
}

func lpNormalization(c *call) []*Tensor {
	x := c.float(0)
	axis, p := axisOf(c.node.int("axis", -1), len(x.Shape)), c.node.int("p", 2)
	if p != 1 && p != 2 {
		refuse("has the p %d; 1 and 2 are run", p)
	}
	y := c.like(x)
	lines(x.Shape, axis, func(_, start, size, step int) {
		sum := 0.0
		for i := range size {
			v := math.Abs(float64(x.Floats[start+i*step]))
			if p == 2 {
				v *= v
			}
			sum += v
		}
		if p == 2 {
			sum = math.Sqrt(sum)
		}
		for i := range size {
			if at := start + i*step; sum != 0 {
				y.Floats[at] = float32(float64(x.Floats[at]) / sum)
			}
		}
	})
	return one(y)
}
