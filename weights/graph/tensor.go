package graph

import (
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
)

// Type is what a tensor's elements are, by PyTorch's name; a graph knows more of
// them than package nn.
type Type string

// The types that graphs have. Float64 is computed as float32.
const (
	Float32  Type = "float32"
	Float16  Type = "float16"
	BFloat16 Type = "bfloat16"
	Float64  Type = "float64"
	Int8     Type = "int8"
	Int16    Type = "int16"
	Int32    Type = "int32"
	Int64    Type = "int64"
	UInt8    Type = "uint8"
	UInt16   Type = "uint16"
	UInt32   Type = "uint32"
	UInt64   Type = "uint64"
	Bool     Type = "bool"
)

// Float reports whether elements are floating-point numbers.
func (t Type) Float() bool { return strings.Contains(string(t), "float") }

// bounds are the smallest and the largest number of a type of whole numbers.
func (t Type) bounds() (low, high int64) {
	if t == Bool {
		return 0, 1
	}
	name, unsigned := strings.CutPrefix(string(t), "u")
	bits, err := strconv.Atoi(strings.TrimPrefix(name, "int"))
	switch {
	case err != nil || bits == 64:
		return math.MinInt64, math.MaxInt64
	case unsigned:
		return 0, 1<<bits - 1
	}
	return -1 << (bits - 1), 1<<(bits-1) - 1
}

// wrap returns a whole number as a type keeps it: modulo its size.
func (t Type) wrap(n int64) int64 {
	switch t {
	case Bool:
		return number(n != 0)
	case Int8:
		return int64(int8(n))
	case Int16:
		return int64(int16(n))
	case Int32:
		return int64(int32(n))
	case UInt8:
		return int64(uint8(n))
	case UInt16:
		return int64(uint16(n))
	case UInt32:
		return int64(uint32(n))
	}
	return n
}

// saturate returns the number of the type that is nearest.
func (t Type) saturate(n int64) int64 {
	low, high := t.bounds()
	return min(max(n, low), high)
}

func number(truth bool) int64 {
	if truth {
		return 1
	}
	return 0
}

// Tensor is numbers in row-major order: floating-point ones, of whatever type, in
// Floats, whole numbers and truths in Ints; the other is nil.
type Tensor struct {
	Type   Type
	Shape  []int
	Floats []float32
	Ints   []int64
}

// Elements returns the number of elements of a shape.
func Elements(shape []int) int {
	n := 1
	for _, d := range shape {
		n *= d
	}
	return n
}

// Len returns the number of elements.
func (t *Tensor) Len() int { return Elements(t.Shape) }

// String tells type and shape.
func (t *Tensor) String() string { return fmt.Sprintf("%s %v", t.Type, t.Shape) }

// Check reports whether the tensor has as many numbers as its shape says, of its type.
func (t *Tensor) Check() error {
	n := 1
	for _, d := range t.Shape {
		if d < 0 || d > 0 && n > math.MaxInt32/d {
			return fmt.Errorf("an array cannot have the shape %v", t.Shape)
		}
		n *= d
	}
	got, field, other := len(t.Ints), "Ints", len(t.Floats)
	if t.Type.Float() {
		got, field, other = other, "Floats", got
	}
	if got != n || other > 0 {
		return fmt.Errorf("an array of %v has %d numbers in %s, got %d and %d in the other list", t, n, field, got, other)
	}
	return nil
}

// floats returns the elements as float32, which share memory with the tensor if they are.
func (t *Tensor) floats() []float32 {
	if t.Type.Float() {
		return t.Floats
	}
	out := make([]float32, len(t.Ints))
	for i, n := range t.Ints {
		out[i] = float32(n)
	}
	return out
}

// list returns whole numbers.
func (t *Tensor) list() []int {
	var out []int
	for _, n := range t.Ints {
		out = append(out, int(min(max(n, math.MinInt32), math.MaxInt32)))
	}
	return out
}

// reshaped returns the same elements under another shape.
func (t *Tensor) reshaped(shape ...int) *Tensor {
	r := *t
	r.Shape = slices.Clone(shape)
	return &r
}

// equal reports whether two tensors are the same, NaNs too.
func (t *Tensor) equal(o *Tensor) bool {
	return t.Type == o.Type && slices.Equal(t.Shape, o.Shape) && slices.Equal(t.Ints, o.Ints) &&
		slices.EqualFunc(t.Floats, o.Floats, func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) })
}

// strides are the steps in memory along each dimension.
func strides(shape []int) []int {
	out := make([]int, len(shape))
	step := 1
	for d := len(shape) - 1; d >= 0; d-- {
		out[d] = step
		step *= shape[d]
	}
	return out
}

// walk calls visit with the positions, in memory, of each element of a shape in
// tensors of these steps, in row-major order.
func walk(shape []int, visit func(i int, at []int), steps ...[]int) {
	count := Elements(shape)
	at, index := make([]int, len(steps)), make([]int, len(shape))
	for i := range count {
		visit(i, at)
		for d := len(shape) - 1; d >= 0; d-- {
			index[d]++
			for k := range steps {
				at[k] += steps[k][d]
			}
			if index[d] < shape[d] {
				break
			}
			for k := range steps {
				at[k] -= steps[k][d] * shape[d]
			}
			index[d] = 0
		}
	}
}

// spread are the strides of a tensor that is broadcast to a shape: 0 where it repeats.
func spread(from, to []int) []int {
	out, own := make([]int, len(to)), strides(from)
	for d := range from {
		if from[d] != 1 {
			out[len(to)-len(from)+d] = own[d]
		}
	}
	return out
}

// broadcast returns the shape that two become together, as NumPy's.
func broadcast(a, b []int) ([]int, bool) {
	out := make([]int, max(len(a), len(b)))
	for i := range out {
		x, y := 1, 1
		if k := i - len(out) + len(a); k >= 0 {
			x = a[k]
		}
		if k := i - len(out) + len(b); k >= 0 {
			y = b[k]
		}
		switch {
		case x == y || y == 1:
			out[i] = x
		case x == 1:
			out[i] = y
		default:
			return nil, false
		}
	}
	return out, true
}
