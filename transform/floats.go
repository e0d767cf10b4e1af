package transform

import (
	"encoding/binary"
	"fmt"
	"math"
)

// Floats takes bytes four by four as a float32 (IEEE 754), the lowest byte first, as the
// numbers of a vector are handed on: 1 x rows x 4n bytes become 1 x rows x n float32.
type Floats struct{}

// Format takes rows of bytes.
func (Floats) Format(in Format) (Format, error) {
	if in.Float || in.Channels != 1 || in.Width%4 != 0 {
		return Format{}, fmt.Errorf("Floats wants rows of bytes, four for each number, but gets %v", in)
	}
	return Format{Channels: 1, Height: in.Height, Width: in.Width / 4, Float: true}, nil
}

// Apply converts all numbers.
func (Floats) Apply(dst, src *Picture) {
	for i := range dst.Floats {
		dst.Floats[i] = math.Float32frombits(binary.LittleEndian.Uint32(src.Bytes[4*i:]))
	}
}

// String returns "Floats".
func (Floats) String() string { return "Floats" }
