package untrusted

import (
	"encoding/binary"
	"io"
	"math"
	"slices"
	"strings"
)

// Element is a type of a tensor's elements.
type Element struct {
	// Name is PyTorch's name: "float32".
	Name string
	// Size is the bytes of one element.
	Size int
	// Float32 converts one element, the first Size bytes of b, to float32,
	// rounding to nearest as PyTorch's tensor.float() does: a float64 or a
	// large integer may lose digits, and a float64 beyond float32 becomes an
	// infinity. A bool is 0 or 1.
	Float32 func(b []byte, order binary.ByteOrder) float32
	// Float tells that it is a floating-point type: one that has infinities, or at
	// least a NaN.
	Float bool
}

// Elements holds the types that are known, by their names.
var Elements = map[string]Element{}

func init() {
	for _, e := range []Element{
		{Name: "float64", Size: 8, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(math.Float64frombits(o.Uint64(b))) }},
		{Name: "float32", Size: 4, Float32: func(b []byte, o binary.ByteOrder) float32 { return math.Float32frombits(o.Uint32(b)) }},
		{Name: "float16", Size: 2, Float32: func(b []byte, o binary.ByteOrder) float32 { return HalfToFloat32(o.Uint16(b)) }},
		// bfloat16 is the upper half of a float32, float8_e5m2 that of a float16.
		{Name: "bfloat16", Size: 2, Float32: func(b []byte, o binary.ByteOrder) float32 { return math.Float32frombits(uint32(o.Uint16(b)) << 16) }},
		{Name: "float8_e5m2", Size: 1, Float32: func(b []byte, _ binary.ByteOrder) float32 { return HalfToFloat32(uint16(b[0]) << 8) }},
		{Name: "float8_e4m3fn", Size: 1, Float32: func(b []byte, _ binary.ByteOrder) float32 { return e4m3ToFloat32(b[0]) }},
		{Name: "uint8", Size: 1, Float32: func(b []byte, _ binary.ByteOrder) float32 { return float32(b[0]) }},
		{Name: "uint16", Size: 2, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint16(b)) }},
		{Name: "uint32", Size: 4, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint32(b)) }},
		{Name: "uint64", Size: 8, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint64(b)) }},
		{Name: "int8", Size: 1, Float32: func(b []byte, _ binary.ByteOrder) float32 { return float32(int8(b[0])) }},
		{Name: "int16", Size: 2, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(int16(o.Uint16(b))) }},
		{Name: "int32", Size: 4, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(int32(o.Uint32(b))) }},
		{Name: "int64", Size: 8, Float32: func(b []byte, o binary.ByteOrder) float32 { return float32(int64(o.Uint64(b))) }},
		{Name: "bool", Size: 1, Float32: func(b []byte, _ binary.ByteOrder) float32 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}},
	} {
		e.Float = strings.Contains(e.Name, "float")
		Elements[e.Name] = e
	}
}

// HalfToFloat32 converts an IEEE 754 binary16, exactly: 1 sign bit, 5 bits of
// exponent with bias 15, 10 bits of fraction.
func HalfToFloat32(h uint16) float32 {
	sign := uint32(h>>15) << 31
	exponent := uint32(h>>10) & 0x1f
	fraction := uint32(h) & 0x3ff
	switch exponent {
	case 0: // zero or subnormal: fraction times 2^-24
		value := math.Float32bits(float32(fraction) * 0x1p-24)
		return math.Float32frombits(sign | value)
	case 0x1f: // infinity or NaN
		return math.Float32frombits(sign | 0xff<<23 | fraction<<13)
	}
	return math.Float32frombits(sign | (exponent-15+127)<<23 | fraction<<13)
}

// e4m3ToFloat32 converts a float8_e4m3fn (Micikevicius et al. 2022,
// arXiv:2209.05433), exactly: 1 sign bit, 4 bits of exponent with bias 7, 3 bits
// of fraction. It has no infinities, and a NaN only where all bits are set.
func e4m3ToFloat32(b byte) float32 {
	sign := uint32(b>>7) << 31
	exponent := uint32(b>>3) & 0xf
	fraction := uint32(b) & 7
	switch {
	case exponent == 0: // zero or subnormal: fraction times 2^-9
		return math.Float32frombits(sign | math.Float32bits(float32(fraction)*0x1p-9))
	case exponent == 0xf && fraction == 7:
		return math.Float32frombits(sign | 0x7fc00000)
	}
	return math.Float32frombits(sign | (exponent-7+127)<<23 | fraction<<20)
}

// Float32s converts little-endian elements to float32, as Element.Float32 does.
func Float32s(data []byte, e Element) []float32 {
	values := make([]float32, len(data)/e.Size)
	for i := range values {
		values[i] = e.Float32(data[i*e.Size:], binary.LittleEndian)
	}
	return values
}

// Bytes returns float32 values as little-endian bytes.
func Bytes(values []float32) []byte {
	data := make([]byte, 0, 4*len(values))
	for _, v := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(v))
	}
	return data
}

// ReadElements reads count elements from r, as little-endian bytes. If place is
// not nil, it is called for one element after another and tells where it goes.
func ReadElements(r io.Reader, count int, e Element, order binary.ByteOrder, place func() int) ([]byte, error) {
	data := make([]byte, count*e.Size)
	if place == nil {
		if _, err := io.ReadFull(r, data); err != nil {
			return nil, err
		}
	} else {
		const part = 8 << 10 // bytes
		buffer := make([]byte, min(part/e.Size, count)*e.Size)
		for left := len(data); left > 0; left -= len(buffer) {
			buffer = buffer[:min(len(buffer), left)]
			if _, err := io.ReadFull(r, buffer); err != nil {
				return nil, err
			}
			for at := 0; at < len(buffer); at += e.Size {
				copy(data[place()*e.Size:], buffer[at:at+e.Size])
			}
		}
	}
	if order == binary.BigEndian && e.Size > 1 {
		for at := 0; at < len(data); at += e.Size {
			slices.Reverse(data[at : at+e.Size])
		}
	}
	return data, nil
}

// maxElements bounds the product of the dimensions that are not 0, so that no
// product of a shape, nor its bytes, overflows.
const maxElements = min(math.MaxInt/8, 1<<40)

// Count returns the product of the dimensions, none of which is negative, and
// whether it is small enough to compute with.
func Count(shape []int) (int, bool) {
	count, nonzero := 1, 1
	for _, n := range shape {
		if n > 0 {
			if nonzero > maxElements/n {
				return 0, false
			}
			nonzero *= n
		}
		count *= n
	}
	return count, true
}
