package untrusted

import (
	"encoding/binary"
	"io"
	"math"
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
}

// Elements holds the types that are known, by their names.
var Elements = map[string]Element{}

func init() {
	for _, e := range []Element{
		{"float64", 8, func(b []byte, o binary.ByteOrder) float32 { return float32(math.Float64frombits(o.Uint64(b))) }},
		{"float32", 4, func(b []byte, o binary.ByteOrder) float32 { return math.Float32frombits(o.Uint32(b)) }},
		{"float16", 2, func(b []byte, o binary.ByteOrder) float32 { return HalfToFloat32(o.Uint16(b)) }},
		// bfloat16 is the upper half of a float32, float8_e5m2 that of a float16.
		{"bfloat16", 2, func(b []byte, o binary.ByteOrder) float32 { return math.Float32frombits(uint32(o.Uint16(b)) << 16) }},
		{"float8_e5m2", 1, func(b []byte, _ binary.ByteOrder) float32 { return HalfToFloat32(uint16(b[0]) << 8) }},
		{"float8_e4m3fn", 1, func(b []byte, _ binary.ByteOrder) float32 { return e4m3ToFloat32(b[0]) }},
		{"uint8", 1, func(b []byte, _ binary.ByteOrder) float32 { return float32(b[0]) }},
		{"uint16", 2, func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint16(b)) }},
		{"uint32", 4, func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint32(b)) }},
		{"uint64", 8, func(b []byte, o binary.ByteOrder) float32 { return float32(o.Uint64(b)) }},
		{"int8", 1, func(b []byte, _ binary.ByteOrder) float32 { return float32(int8(b[0])) }},
		{"int16", 2, func(b []byte, o binary.ByteOrder) float32 { return float32(int16(o.Uint16(b))) }},
		{"int32", 4, func(b []byte, o binary.ByteOrder) float32 { return float32(int32(o.Uint32(b))) }},
		{"int64", 8, func(b []byte, o binary.ByteOrder) float32 { return float32(int64(o.Uint64(b))) }},
		{"bool", 1, func(b []byte, _ binary.ByteOrder) float32 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}},
	} {
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

// EachFloat32 reads count elements from r, a part at a time, and calls visit
// with the number and the value of each.
func EachFloat32(r io.Reader, count int, e Element, order binary.ByteOrder, visit func(i int, value float32)) error {
	const part = 8 << 10 // bytes
	buffer := make([]byte, min(part/e.Size, count)*e.Size)
	for done := 0; done < count; {
		n := min(len(buffer)/e.Size, count-done)
		if _, err := io.ReadFull(r, buffer[:n*e.Size]); err != nil {
			return err
		}
		for i := range n {
			visit(done+i, e.Float32(buffer[i*e.Size:], order))
		}
		done += n
	}
	return nil
}

// ReadFloat32s returns count elements from r.
func ReadFloat32s(r io.Reader, count int, e Element, order binary.ByteOrder) ([]float32, error) {
	values := make([]float32, count)
	err := EachFloat32(r, count, e, order, func(i int, value float32) { values[i] = value })
	return values, err
}

// WriteFloat32s writes values little-endian.
func WriteFloat32s(w io.Writer, values []float32) error {
	const part = 2048
	var buffer [4 * part]byte
	for len(values) > 0 {
		n := min(part, len(values))
		for i, v := range values[:n] {
			binary.LittleEndian.PutUint32(buffer[4*i:], math.Float32bits(v))
		}
		if _, err := w.Write(buffer[:4*n]); err != nil {
			return err
		}
		values = values[n:]
	}
	return nil
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
