package untrusted

import (
	"encoding/binary"
	"math"
)

// floatFormat is how a binary floating-point type divides its bits.
type floatFormat struct{ exponentBits, fractionBits int }

// floatFormats are the types that elements can be converted to, those of IEEE
// 754-2019 and Google's bfloat16, which is the upper half of a binary32.
var floatFormats = map[string]floatFormat{
	"float64":  {11, 52},
	"float32":  {8, 23},
	"float16":  {5, 10},
	"bfloat16": {8, 7},
}

// Convertible tells whether Convert converts to a type.
func Convertible(name string) bool {
	_, ok := floatFormats[name]
	return ok
}

// Losses counts what a conversion could not keep. Rounding is none.
type Losses struct {
	// Infinite numbers were finite before.
	Infinite int
	// Zero numbers were none before.
	Zero int
	// Example is the first number that became infinite or, if there is none, zero.
	Example float64
}

// Convert returns little-endian elements in another type, one that Convertible
// knows, rounded to nearest, ties to even.
func Convert(data []byte, from, to Element) ([]byte, Losses) {
	var losses Losses
	if from.Name == to.Name {
		return data, losses
	}
	format := floatFormats[to.Name]
	count := len(data) / from.Size
	out := make([]byte, count*to.Size)
	for i := range count {
		value := from.float64(data[i*from.Size:])
		bits := format.bits(value)
		size := bits &^ (1 << (format.exponentBits + format.fractionBits)) // without the sign
		infinite := size == format.infinity() && !math.IsInf(value, 0)
		zero := size == 0 && value != 0
		if infinite && losses.Infinite == 0 || zero && losses.Infinite+losses.Zero == 0 {
			losses.Example = value
		}
		if infinite {
			losses.Infinite++
		}
		if zero {
			losses.Zero++
		}
		switch b := out[i*to.Size:]; to.Size {
		case 2:
			binary.LittleEndian.PutUint16(b, uint16(bits))
		case 4:
			binary.LittleEndian.PutUint32(b, uint32(bits))
		case 8:
			binary.LittleEndian.PutUint64(b, bits)
		}
	}
	return out, losses
}

// float64 returns a little-endian element: exactly, but for integers of more
// than 53 bits, which are rounded.
func (e Element) float64(b []byte) float64 {
	switch e.Name {
	case "float64":
		return math.Float64frombits(binary.LittleEndian.Uint64(b))
	case "int32":
		return float64(int32(binary.LittleEndian.Uint32(b)))
	case "int64":
		return float64(int64(binary.LittleEndian.Uint64(b)))
	case "uint32":
		return float64(binary.LittleEndian.Uint32(b))
	case "uint64":
		return float64(binary.LittleEndian.Uint64(b))
	}
	return float64(e.Float32(b, binary.LittleEndian)) // exact for all others
}

func (f floatFormat) infinity() uint64 { return (1<<f.exponentBits - 1) << f.fractionBits }

// bits returns the bits of the number of the format that is nearest to a value.
func (f floatFormat) bits(value float64) uint64 {
	sign := uint64(0)
	if math.Signbit(value) {
		sign = 1 << (f.exponentBits + f.fractionBits)
	}
	size := math.Abs(value)
	bias := 1<<(f.exponentBits-1) - 1
	switch {
	case math.IsNaN(value):
		return sign | f.infinity() | 1<<(f.fractionBits-1) // a quiet one
	case math.IsInf(value, 0):
		return sign | f.infinity()
	case size == 0:
		return sign
	}
	// A subnormal number has the smallest exponent and lacks the leading 1, which
	// is what adding the exponent below takes away from the others.
	_, exponent := math.Frexp(size)
	exponent = max(exponent-1, 1-bias)
	fraction := math.RoundToEven(math.Ldexp(size, f.fractionBits-exponent))
	bits := uint64(exponent+bias-1)<<f.fractionBits + uint64(fraction) // rounding up may carry into the exponent
	return sign | min(bits, f.infinity())
}

// Round returns the number of a type of 16 bits, "float16" or "bfloat16", that is
// nearest to v, ties to even.
func Round(v float32, name string) float32 {
	bits := floatFormats[name].bits(float64(v))
	if name == "float16" {
		return HalfToFloat32(uint16(bits))
	}
	return math.Float32frombits(uint32(bits) << 16)
}
