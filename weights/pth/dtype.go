package pth

import (
	"encoding/binary"
	"strings"

	"inkling/weights/internal/untrusted"
)

// DType is the type of a tensor's elements, under PyTorch's names.
type DType uint8

// The element types of PyTorch that a tensor can have. PyTorch has those after
// Bool since version 2.1 to 2.3.
const (
	Float32 DType = iota + 1
	Float64
	Float16
	BFloat16
	Uint8
	Int8
	Int16
	Int32
	Int64
	Bool
	Uint16
	Uint32
	Uint64
	Float8E4M3FN
	Float8E5M2
	// Quantised elements are integers q, which stand for scale * (q - zero point),
	// see Quantization. They are read only.
	QInt8
	QUInt8
	QInt32
	// These have no float32; a tensor of them is left out.
	complexHalf
	complexFloat
	complexDouble
)

// dtypes holds, for each DType, torch.dtype's name, the name of the storage
// class that stands for it in a pickle, and the bytes of an element. The newer
// types have no such class.
var dtypes = [...]struct {
	name, storage string
	size          int
}{
	Float32:  {"float32", "FloatStorage", 4},
	Float64:  {"float64", "DoubleStorage", 8},
	Float16:  {"float16", "HalfStorage", 2},
	BFloat16: {"bfloat16", "BFloat16Storage", 2},
	Uint8:    {"uint8", "ByteStorage", 1},
	Int8:     {"int8", "CharStorage", 1},
	Int16:    {"int16", "ShortStorage", 2},
	Int32:    {"int32", "IntStorage", 4},
	Int64:    {"int64", "LongStorage", 8},
	Bool:     {"bool", "BoolStorage", 1},

	Uint16:       {"uint16", "", 2},
	Uint32:       {"uint32", "", 4},
	Uint64:       {"uint64", "", 8},
	Float8E4M3FN: {"float8_e4m3fn", "", 1},
	Float8E5M2:   {"float8_e5m2", "", 1},

	QInt8:  {"qint8", "QInt8Storage", 1},
	QUInt8: {"quint8", "QUInt8Storage", 1},
	QInt32: {"qint32", "QInt32Storage", 4},

	complexHalf:   {"complex32", "ComplexHalfStorage", 4},
	complexFloat:  {"complex64", "ComplexFloatStorage", 8},
	complexDouble: {"complex128", "ComplexDoubleStorage", 16},
}

func (d DType) valid() bool { return d >= Float32 && int(d) < len(dtypes) }

// plain tells whether the elements are numbers that stand for themselves.
func (d DType) plain() bool { return d.valid() && d <= Float8E5M2 }

func (d DType) quantised() bool { return d >= QInt8 && d <= QInt32 }

// String returns PyTorch's name: "float32", "bfloat16", "int64", ...
func (d DType) String() string {
	if !d.valid() {
		return "invalid"
	}
	return dtypes[d].name
}

// Size returns the bytes of one element, 0 for an invalid DType.
func (d DType) Size() int {
	if !d.valid() {
		return 0
	}
	return dtypes[d].size
}

// ParseDType returns the type of one of PyTorch's names: "float32".
func ParseDType(name string) (d DType, ok bool) {
	for d = Float32; d.plain(); d++ {
		if dtypes[d].name == name {
			return d, true
		}
	}
	return 0, false
}

// DTypes returns the names of all types that can be written.
func DTypes() []string {
	var names []string
	for d := Float32; d.plain(); d++ {
		names = append(names, dtypes[d].name)
	}
	return names
}

// float32From returns the conversion of one element to float32, as
// tensor.float() does it.
func (d DType) float32From(order binary.ByteOrder) func(b []byte) float32 {
	// Quantised elements are named for the integers that they are.
	element := untrusted.Elements[strings.TrimPrefix(d.String(), "q")]
	return func(b []byte) float32 { return element.Float32(b, order) }
}
