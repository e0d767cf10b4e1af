package pth

import (
	"encoding/binary"
	"math"
)

// DType is the type of a tensor's elements, under PyTorch's names.
type DType uint8

// The element types of PyTorch that a tensor can be read from and written as.
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
)

// dtypes holds, for each DType, torch.dtype's name, the name of the storage
// class that stands for it in a pickle, and the bytes of an element.
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
}

func (d DType) valid() bool { return d >= Float32 && int(d) < len(dtypes) }

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

// float32From returns the conversion of one element to float32, which rounds
// to nearest as tensor.float() does: a float64 or int64 may lose digits, and a
// float64 beyond float32 becomes an infinity. A bool is 0 or 1.
func (d DType) float32From(order binary.ByteOrder) func(b []byte) float32 {
	switch d {
	case Float32:
		return func(b []byte) float32 { return math.Float32frombits(order.Uint32(b)) }
	case Float64:
		return func(b []byte) float32 { return float32(math.Float64frombits(order.Uint64(b))) }
	case Float16:
		return func(b []byte) float32 { return halfToFloat32(order.Uint16(b)) }
	case BFloat16:
		// bfloat16 is the upper half of a float32.
		return func(b []byte) float32 { return math.Float32frombits(uint32(order.Uint16(b)) << 16) }
	case Uint8:
		return func(b []byte) float32 { return float32(b[0]) }
	case Int8:
		return func(b []byte) float32 { return float32(int8(b[0])) }
	case Int16:
		return func(b []byte) float32 { return float32(int16(order.Uint16(b))) }
	case Int32:
		return func(b []byte) float32 { return float32(int32(order.Uint32(b))) }
	case Int64:
		return func(b []byte) float32 { return float32(int64(order.Uint64(b))) }
	case Bool:
		return func(b []byte) float32 {
			if b[0] != 0 {
				return 1
			}
			return 0
		}
	}
	panic("pth: conversion from " + d.String())
}

// halfToFloat32 converts an IEEE 754 binary16, exactly: 1 sign bit, 5 bits of
// exponent with bias 15, 10 bits of fraction.
func halfToFloat32(h uint16) float32 {
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
