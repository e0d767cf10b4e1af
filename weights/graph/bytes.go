package graph

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"inkling/weights/internal/untrusted"
)

// FromBytes makes a tensor of little-endian elements in row-major order, of a type by
// PyTorch's name.
func FromBytes(dtype string, shape []int, data []byte) (*Tensor, error) {
	element, ok := untrusted.Elements[dtype]
	if !ok {
		return nil, fmt.Errorf("the type %s is not read", dtype)
	}
	out := &Tensor{Type: Type(dtype), Shape: append([]int{}, shape...)}
	n := len(data) / element.Size
	if element.Float {
		out.Floats = make([]float32, n)
		for i := range out.Floats {
			out.Floats[i] = element.Float32(data[i*element.Size:], binary.LittleEndian)
		}
		return out, nil
	}
	out.Ints = make([]int64, n)
	for i := range out.Ints {
		b := data[i*element.Size:][:element.Size]
		switch Type(dtype) {
		case Bool, UInt8:
			out.Ints[i] = int64(b[0])
		case Int8:
			out.Ints[i] = int64(int8(b[0]))
		case UInt16:
			out.Ints[i] = int64(binary.LittleEndian.Uint16(b))
		case Int16:
			out.Ints[i] = int64(int16(binary.LittleEndian.Uint16(b)))
		case UInt32:
			out.Ints[i] = int64(binary.LittleEndian.Uint32(b))
		case Int32:
			out.Ints[i] = int64(int32(binary.LittleEndian.Uint32(b)))
		case Int64, UInt64:
			v := binary.LittleEndian.Uint64(b)
			if Type(dtype) == UInt64 && v > math.MaxInt64 {
				return nil, fmt.Errorf("it has the number %d, which is too large", v)
			}
			out.Ints[i] = int64(v)
		}
	}
	return out, nil
}

// Bytes returns the elements, little-endian in row-major order, and their type by PyTorch's
// name: what has a floating-point type is float32.
func (t *Tensor) Bytes() (dtype string, data []byte) {
	if t.Type.Float() {
		return string(Float32), untrusted.Bytes(t.Floats)
	}
	size := untrusted.Elements[string(t.Type)].Size
	data = make([]byte, 0, size*len(t.Ints))
	for _, v := range t.Ints {
		var b [8]byte
		binary.LittleEndian.PutUint64(b[:], uint64(v))
		data = append(data, b[:size]...)
	}
	return string(t.Type), data
}

// Difference is how two tensors differ.
type Difference struct {
	// Shapes tells that type or shape are not the same; then nothing else counts.
	Shapes bool
	// Beyond counts elements that differ by more than is allowed, of All.
	Beyond, All int
	// At is where they differ most, Got and Want what is there, and Largest by how much.
	At                []int
	Got, Want         float64
	Largest, Relative float64
}

// Compare compares got with want: elements may differ by absolute, and relative times the
// size of what is wanted. A NaN equals a NaN.
func Compare(got, want *Tensor, relative, absolute float64) Difference {
	d := Difference{All: want.Len()}
	if got.Type.Float() != want.Type.Float() || !slices.Equal(got.Shape, want.Shape) {
		d.Shapes = true
		return d
	}
	worst := -1
	for i := range d.All {
		g, w := got.number(i), want.number(i)
		if g == w || g != g && w != w {
			continue
		}
		by := math.Abs(g - w)
		if !(by <= absolute+relative*math.Abs(w)) {
			d.Beyond++
		}
		if by != by {
			by = math.Inf(1)
		}
		if worst < 0 || by > d.Largest {
			worst, d.Largest, d.Got, d.Want = i, by, g, w
		}
		if w != 0 {
			d.Relative = max(d.Relative, by/math.Abs(w))
		}
	}
	if worst >= 0 {
		for _, step := range strides(want.Shape) {
			d.At = append(d.At, worst/step)
			worst %= step
		}
	}
	return d
}

// number returns an element.
func (t *Tensor) number(i int) float64 {
	if t.Type.Float() {
		return float64(t.Floats[i])
	}
	return float64(t.Ints[i])
}
