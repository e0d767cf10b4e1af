package pth

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	"inkling/weights/internal/untrusted"
)

// Tensor is a named tensor of a file: read from one, or made by New or
// NewBytes to be written.
type Tensor struct {
	// Name is the state-dict key, such as "conv1.weight".
	Name string
	// Shape holds the dimensions, none of them negative; it is empty for a
	// tensor of 0 dimensions, which has one element.
	Shape []int
	// DType is the type of the elements in the file.
	DType DType
	// Quantization tells what quantised elements stand for; it is nil for others.
	Quantization *Quantization

	storage *storage
	offset  int   // of the first element, in elements
	stride  []int // in elements, one for each dimension, none negative

	scales, zeros *Tensor // of a tensor that is quantised by channels
}

// Quantization is what the integers q of a quantised tensor stand for:
// Scales[i] * (q - ZeroPoints[i]).
type Quantization struct {
	// Scales and ZeroPoints have one element for the whole tensor, or one for each
	// index of the dimension Axis.
	Scales     []float64
	ZeroPoints []int64
	// Axis is the dimension that the scales belong to, -1 if there is one for the
	// whole tensor.
	Axis int
}

// storage is the run of elements that one or more tensors look at.
type storage struct {
	dtype DType
	count int64 // elements
	data  []byte
	order binary.ByteOrder
}

// New returns a float32 tensor of the given values, which are in row-major
// (PyTorch's) order and are copied.
func New(name string, shape []int, values []float32) (Tensor, error) {
	data := make([]byte, 0, 4*len(values))
	for _, value := range values {
		data = binary.LittleEndian.AppendUint32(data, math.Float32bits(value))
	}
	return NewBytes(name, Float32, shape, data)
}

// NewBytes returns a tensor of any type from its elements in row-major order,
// little-endian. The tensor keeps data.
func NewBytes(name string, dtype DType, shape []int, data []byte) (Tensor, error) {
	if !dtype.plain() {
		return Tensor{}, fmt.Errorf("tensor %s: the element type %d is unknown; use one of the constants of package pth", shorten(name), dtype)
	}
	count, err := elements(shape)
	if err != nil {
		return Tensor{}, fmt.Errorf("tensor %s: %w", shorten(name), err)
	}
	if len(data) != count*dtype.Size() {
		return Tensor{}, fmt.Errorf("tensor %s: shape %v of %s wants %d bytes, got %d", shorten(name), shape, dtype, count*dtype.Size(), len(data))
	}
	shape = slices.Clone(shape)
	return Tensor{
		Name: name, Shape: shape, DType: dtype,
		storage: &storage{dtype: dtype, count: int64(count), data: data, order: binary.LittleEndian},
		stride:  rowMajor(shape),
	}, nil
}

// Elements returns the number of elements, the product of the dimensions.
func (t *Tensor) Elements() int {
	count := 1
	for _, n := range t.Shape {
		count *= n
	}
	return count
}

// Float32s returns the elements as float32 in row-major order, in memory of
// their own. Other types are converted as PyTorch's tensor.float() does: a
// float64 or a large integer is rounded to the nearest float32. Quantised elements
// are returned as the integers that they are.
func (t *Tensor) Float32s() ([]float32, error) {
	if t.storage == nil {
		return nil, fmt.Errorf("tensor %s holds no data; make tensors with New or NewBytes", shorten(t.Name))
	}
	values := make([]float32, t.Elements())
	size := t.DType.Size()
	if t.DType == Float32 && t.contiguous() && t.storage.order == binary.LittleEndian {
		data := t.storage.data[t.offset*size:]
		for i := range values {
			values[i] = math.Float32frombits(binary.LittleEndian.Uint32(data[4*i:]))
		}
		return values, nil
	}
	convert := t.DType.float32From(t.storage.order)
	i := 0
	t.each(func(at int) {
		values[i] = convert(t.storage.data[at*size : (at+1)*size])
		i++
	})
	return values, nil
}

// Bytes returns the elements in row-major order, little-endian, in the
// tensor's own type. The result must not be changed: it may be a part of the
// file.
func (t *Tensor) Bytes() ([]byte, error) {
	if t.storage == nil {
		return nil, fmt.Errorf("tensor %s holds no data; make tensors with New or NewBytes", shorten(t.Name))
	}
	size := t.DType.Size()
	count := t.Elements()
	little := size == 1 || t.storage.order == binary.LittleEndian
	if little && t.contiguous() {
		return t.storage.data[t.offset*size:][:count*size], nil
	}
	data := make([]byte, 0, count*size)
	t.each(func(at int) {
		data = append(data, t.storage.data[at*size:(at+1)*size]...)
		if !little {
			slices.Reverse(data[len(data)-size:])
		}
	})
	return data, nil
}

// contiguous tells whether the elements lie in row-major order without gaps.
func (t *Tensor) contiguous() bool {
	step := 1
	for i := len(t.Shape) - 1; i >= 0; i-- {
		if t.Shape[i] == 0 {
			return true
		}
		if t.Shape[i] != 1 && t.stride[i] != step {
			return false
		}
		step *= t.Shape[i]
	}
	return true
}

// each calls visit with the place in the storage of every element, in
// row-major order.
func (t *Tensor) each(visit func(at int)) {
	if t.Elements() == 0 {
		return
	}
	index := make([]int, len(t.Shape))
	at := t.offset
	for {
		visit(at)
		i := len(index) - 1
		for ; i >= 0; i-- {
			index[i]++
			at += t.stride[i]
			if index[i] < t.Shape[i] {
				break
			}
			at -= index[i] * t.stride[i]
			index[i] = 0
		}
		if i < 0 {
			return
		}
	}
}

func elements(shape []int) (int, error) {
	if slices.ContainsFunc(shape, func(n int) bool { return n < 0 }) {
		return 0, fmt.Errorf("shape %v has a negative dimension", shape)
	}
	count, ok := untrusted.Count(shape)
	if !ok {
		return 0, fmt.Errorf("shape %v has too many elements", shape)
	}
	return count, nil
}

func rowMajor(shape []int) []int {
	stride := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		stride[i] = step
		step *= max(shape[i], 1)
	}
	return stride
}
