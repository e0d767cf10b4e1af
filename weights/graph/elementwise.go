package graph

import (
	"maps"
	"math"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// each is an operator that makes a number of every number.
func each(f func(n *Node) func(x float64) float64) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := c.float(0)
		y, function := c.like(x), f(c.node)
		for i, v := range x.Floats {
			y.Floats[i] = float32(function(float64(v)))
		}
		return one(y)
	}
}

// plainly is each for a function without settings.
func plainly(f func(x float64) float64) func(c *call) []*Tensor {
	return each(func(*Node) func(float64) float64 { return f })
}

func sigmoid(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

func softplus(x float64) float64 {
	if x > 30 { // where one more is nothing
		return x
	}
	return math.Log1p(math.Exp(x))
}

func elu(alpha float64) func(x float64) float64 {
	return func(x float64) float64 {
		if x < 0 {
			return alpha * math.Expm1(x)
		}
		return x
	}
}

func clamped(x float64) float64 { return min(max(x, 0), 1) }

func hardSigmoid(n *Node) func(x float64) float64 {
	alpha, beta := n.real("alpha", 0.2), n.real("beta", 0.5)
	return func(x float64) float64 { return clamped(alpha*x + beta) }
}

func leakyRelu(n *Node) func(x float64) float64 {
	alpha := n.real("alpha", 0.01)
	return func(x float64) float64 {
		if x < 0 {
			return alpha * x
		}
		return x
	}
}

func selu(n *Node) func(x float64) float64 {
	f, gamma := elu(n.real("alpha", 1.67326319217681884765625)), n.real("gamma", 1.05070102214813232421875)
	return func(x float64) float64 { return gamma * f(x) }
}

func celu(n *Node) func(x float64) float64 {
	alpha := n.real("alpha", 1)
	return func(x float64) float64 { return max(x, 0) + min(0, alpha*math.Expm1(x/alpha)) }
}

func gelu(n *Node) func(x float64) float64 {
	if n.text("approximate", "none") == "tanh" {
		return func(x float64) float64 {
			return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
		}
	}
	return func(x float64) float64 { return 0.5 * x * (1 + math.Erf(x/math.Sqrt2)) }
}

func thresholded(n *Node) func(x float64) float64 {
	alpha := n.real("alpha", 1)
	return func(x float64) float64 {
		if x > alpha {
			return x
		}
		return 0
	}
}

func swish(n *Node) func(x float64) float64 {
	alpha := n.real("alpha", 1)
	return func(x float64) float64 { return x * sigmoid(alpha*x) }
}

func shrink(n *Node) func(x float64) float64 {
	bias, lambda := n.real("bias", 0), n.real("lambd", 0.5)
	return func(x float64) float64 {
		switch {
		case x < -lambda:
			return x + bias
		case x > lambda:
			return x - bias
		}
		return 0
	}
}

// eachNumber is an operator on numbers of any type.
func eachNumber(f func(x float64) float64, whole func(n int64) int64) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := c.x(0)
		y := c.like(x)
		for i, v := range x.Floats {
			y.Floats[i] = float32(f(float64(v)))
		}
		for i, v := range x.Ints {
			y.Ints[i] = x.Type.wrap(whole(v))
		}
		return one(y)
	}
}

func sign(x float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return x
}

// relu keeps a NaN.
func relu(x float64) float64 {
	if x < 0 {
		return 0
	}
	return x
}

// test is an operator that tells something of every number.
func test(f func(n *Node, x float64) bool) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		x := c.float(0)
		y := c.make(Bool, x.Shape...)
		for i, v := range x.Floats {
			y.Ints[i] = number(f(c.node, float64(v)))
		}
		return one(y)
	}
}

func infinite(n *Node, x float64) bool {
	return math.IsInf(x, 1) && n.int("detect_positive", 1) != 0 || math.IsInf(x, -1) && n.int("detect_negative", 1) != 0
}

func not(c *call) []*Tensor {
	x := c.whole(0)
	y := c.make(Bool, x.Shape...)
	for i, v := range x.Ints {
		y.Ints[i] = number(v == 0)
	}
	return one(y)
}

// together returns the shape of two tensors that are broadcast.
func together(a, b []int) []int {
	shape, ok := broadcast(a, b)
	if !ok {
		refuse("cannot put tensors of the shapes %v and %v together", a, b)
	}
	return shape
}

// pair is an operator on two tensors of one type, which are broadcast.
func pair(f func(a, b float64) float64, whole func(a, b int64) int64) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		a, b := c.aligned()
		return one(c.pair(a, b, f, whole))
	}
}

// aligned returns the two inputs of an operator that puts them together. Before operator
// set 7 the second one lay along an axis of the first, if an attribute said so.
func (c *call) aligned() (a, b *Tensor) {
	a, b = c.x(0), c.x(1)
	if c.version >= 7 || slices.Equal(a.Shape, b.Shape) {
		return a, b
	}
	if c.node.int("broadcast", 0) == 0 {
		refuse("puts %v and %v together without broadcast", a, b)
	}
	if !c.node.has("axis") {
		return a, b
	}
	axis := axisOf(c.node.int("axis", 0), max(len(a.Shape), 1))
	if axis+len(b.Shape) > len(a.Shape) {
		refuse("puts %v along axis %d of %v", b, axis, a)
	}
	return a, b.reshaped(slices.Concat(b.Shape, repeated(1, len(a.Shape)-axis-len(b.Shape)))...)
}

func (c *call) pair(a, b *Tensor, f func(a, b float64) float64, whole func(a, b int64) int64) *Tensor {
	if a.Type.Float() != b.Type.Float() {
		refuse("wants two inputs of one type, got %v and %v", a, b)
	}
	if a.Type.Float() && f == nil || !a.Type.Float() && whole == nil {
		refuse("does not take %v", a)
	}
	y := c.make(a.Type, together(a.Shape, b.Shape)...)
	if a.Type.Float() {
		walk(y.Shape, func(i int, at []int) { y.Floats[i] = float32(f(float64(a.Floats[at[0]]), float64(b.Floats[at[1]]))) }, spread(a.Shape, y.Shape), spread(b.Shape, y.Shape))
	} else {
		walk(y.Shape, func(i int, at []int) { y.Ints[i] = a.Type.wrap(whole(a.Ints[at[0]], b.Ints[at[1]])) }, spread(a.Shape, y.Shape), spread(b.Shape, y.Shape))
	}
	return y
}

func divide(a, b int64) int64 {
	if b == 0 {
		refuse("divides a whole number by zero")
	}
	if b == -1 { // the smallest number has no opposite
		return -a
	}
	return a / b
}

// compare is an operator that compares two tensors.
func compare(f func(a, b float64) bool, whole func(a, b int64) bool) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		a, b := c.aligned()
		if a.Type.Float() != b.Type.Float() {
			refuse("wants two inputs of one type, got %v and %v", a, b)
		}
		y := c.make(Bool, together(a.Shape, b.Shape)...)
		walk(y.Shape, func(i int, at []int) {
			if a.Type.Float() {
				y.Ints[i] = number(f(float64(a.Floats[at[0]]), float64(b.Floats[at[1]])))
			} else {
				y.Ints[i] = number(whole(a.Ints[at[0]], b.Ints[at[1]]))
			}
		}, spread(a.Shape, y.Shape), spread(b.Shape, y.Shape))
		return one(y)
	}
}

// power has the type of the base; the exponent may have another.
func power(c *call) []*Tensor {
	a, b := c.aligned()
	y := c.make(a.Type, together(a.Shape, b.Shape)...)
	base, exponent := a.floats(), b.floats()
	walk(y.Shape, func(i int, at []int) {
		p := math.Pow(float64(base[at[0]]), float64(exponent[at[1]]))
		if a.Type.Float() {
			y.Floats[i] = float32(p)
		} else {
			y.Ints[i] = a.Type.wrap(int64(p))
		}
	}, spread(a.Shape, y.Shape), spread(b.Shape, y.Shape))
	return one(y)
}

func modulo(c *call) []*Tensor {
	if c.node.int("fmod", 0) != 0 {
		return one(c.pair(c.x(0), c.x(1), math.Mod, func(a, b int64) int64 { return a - b*divide(a, b) }))
	}
	return one(c.pair(c.x(0), c.x(1), func(a, b float64) float64 { return a - b*math.Floor(a/b) }, func(a, b int64) int64 {
		if r := a - b*divide(a, b); r != 0 && (r < 0) != (b < 0) {
			return r + b
		} else {
			return r
		}
	}))
}

// largest and smallest are NaN where one of two numbers is.
func largest(a, b float64) float64  { return max(a, b) }
func smallest(a, b float64) float64 { return min(a, b) }

// several is an operator on any number of tensors, taken two by two.
func several(f func(a, b float64) float64, whole func(a, b int64) int64) func(c *call) []*Tensor {
	return func(c *call) []*Tensor {
		y := c.x(0)
		for i := 1; i < len(c.in); i++ {
			y = c.pair(y, c.x(i), f, whole)
		}
		return one(y)
	}
}

func mean(c *call) []*Tensor {
	y := several(func(a, b float64) float64 { return a + b }, nil)(c)[0]
	out := c.like(y)
	for i, v := range y.Floats {
		out.Floats[i] = v / float32(len(c.in))
	}
	return one(out)
}

func clip(c *call) []*Tensor {
	x := c.x(0)
	y := c.like(x)
	low, high := math.Inf(-1), math.Inf(1)
	least, most := x.Type.bounds()
	if c.version < 11 {
		low, high = c.node.real("min", low), c.node.real("max", high)
	}
	for i, bound := range []struct {
		real  *float64
		whole *int64
	}{{&low, &least}, {&high, &most}} {
		if c.has(1+i) && c.version >= 11 {
			if t := c.x(1 + i); t.Len() != 1 || t.Type.Float() != x.Type.Float() {
				refuse("wants one number of the type of its input as input %d, got %v", 1+i, t)
			} else if x.Type.Float() {
				*bound.real = float64(t.Floats[0])
			} else {
				*bound.whole = t.Ints[0]
			}
		}
	}
	for i, v := range x.Floats {
		y.Floats[i] = float32(min(max(float64(v), low), high))
	}
	for i, v := range x.Ints {
		y.Ints[i] = min(max(v, least), most)
	}
	return one(y)
}

func prelu(c *call) []*Tensor {
	x, slope := c.float(0), c.float(1)
	if c.version < 7 && slope.Len() > 1 { // one for each channel
		slope = slope.reshaped(append([]int{slope.Len()}, repeated(1, max(len(x.Shape)-2, 0))...)...)
	}
	return one(c.pair(x, slope, func(a, b float64) float64 {
		if a < 0 {
			return a * b
		}
		return a
	}, nil))
}

func where(c *call) []*Tensor {
	mask, a, b := c.whole(0), c.x(1), c.x(2)
	if a.Type.Float() != b.Type.Float() {
		refuse("wants two inputs of one type, got %v and %v", a, b)
	}
	shape := together(mask.Shape, together(a.Shape, b.Shape))
	y := c.make(a.Type, shape...)
	walk(shape, func(i int, at []int) {
		from, k := a, at[1]
		if mask.Ints[at[0]] == 0 {
			from, k = b, at[2]
		}
		if a.Type.Float() {
			y.Floats[i] = from.Floats[k]
		} else {
			y.Ints[i] = from.Ints[k]
		}
	}, spread(mask.Shape, shape), spread(a.Shape, shape), spread(b.Shape, shape))
	return one(y)
}

// cast makes another type of a tensor: what an attribute says, or that of input 1.
func cast(c *call) []*Tensor {
	var to Type
	if c.node.Kind == "CastLike" {
		to = c.x(1).Type
	} else {
		to = Types[c.node.int("to", 0)]
		if name := strings.ToLower(c.node.text("to", "")); name != "" { // before operator set 6
			if to = Type(name); name == "float" {
				to = Float32
			}
			if !slices.Contains(slices.Collect(maps.Values(Types)), to) {
				to = ""
			}
		}
	}
	if to == "" {
		refuse("makes the type %d of its input, which is not known here", c.node.int("to", 0))
	}
	return one(c.cast(c.x(0), to))
}

func (c *call) cast(x *Tensor, to Type) *Tensor {
	y := c.make(to, x.Shape...)
	for i, v := range x.Floats {
		switch {
		case to.Float():
			y.Floats[i] = to.round(v)
		case to == Bool:
			y.Ints[i] = number(v != 0)
		default:
			y.Ints[i] = to.wrap(int64(v))
		}
	}
	for i, n := range x.Ints {
		if to.Float() {
			y.Floats[i] = to.round(float32(n))
		} else {
			y.Ints[i] = to.wrap(n)
		}
	}
	return y
}

// round returns the number of a type that is nearest.
func (t Type) round(v float32) float32 {
	if t != Float16 && t != BFloat16 {
		return v
	}
	return untrusted.Round(v, string(t))
}

// Types are the types of elements by their numbers in onnx.proto (TensorProto.DataType).
var Types = map[int]Type{
	1: Float32, 2: UInt8, 3: Int8, 4: UInt16, 5: Int16, 6: Int32, 7: Int64, 9: Bool, 10: Float16,
	11: Float64, 12: UInt32, 13: UInt64, 16: BFloat16,
}
