package weights

import (
	"encoding/binary"
	"fmt"
	"math"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// Tensor is a named tensor of a file.
type Tensor struct {
	Name  string
	Shape []int
	// DType is the element type in the file, under PyTorch's name: "float32",
	// "bfloat16", "int64", ...
	DType string
	// Data holds the elements in row-major order, little-endian, in the type DType.
	// It may be a part of the file that was read and must not be changed.
	Data []byte
	// Quantization tells what the integers of a quantised tensor stand for; it is
	// nil for any other.
	Quantization *Quantization
}

// Quantization is what the integers q of a quantised tensor stand for:
// Scales[i] * (q - ZeroPoints[i]), as PyTorch's tensor.dequantize() has it.
type Quantization struct {
	// Scales and ZeroPoints have one element for the whole tensor, or one for each
	// index of the dimension Axis.
	Scales     []float64
	ZeroPoints []int64
	// Axis is the dimension that the scales belong to, -1 if there is one for the
	// whole tensor.
	Axis int
}

// NewTensor returns a float32 tensor of values in row-major order, which are
// copied.
func NewTensor(name string, shape []int, values []float32) Tensor {
	return Tensor{Name: name, Shape: shape, DType: "float32", Data: untrusted.Bytes(values)}
}

// TensorOf returns a copy of an entry.
func TensorOf(e Entry) Tensor {
	values := make([]float32, elements(e.Shape()))
	e.Read(values)
	return NewTensor(e.Name(), e.Shape(), values)
}

// Len returns the number of elements, the product of the dimensions.
func (t Tensor) Len() int { return elements(t.Shape) }

// element returns the type of the elements. Quantised ones are integers here.
func (t Tensor) element() (untrusted.Element, bool) {
	name := t.DType
	if integer, quantised := quantisedTypes[name]; quantised {
		name = integer
	}
	e, known := untrusted.Elements[name]
	return e, known
}

// quantisedTypes are PyTorch's types of quantised elements, and the integers that
// they are.
var quantisedTypes = map[string]string{"qint8": "int8", "quint8": "uint8", "qint32": "int32"}

// Float32s returns the elements converted as PyTorch's tensor.float() does, or
// tensor.dequantize() if it is quantised, in memory of their own. A float64
// beyond float32 becomes an infinity, which NotFinite counts. It panics if DType
// is unknown, as it is of no tensor that was read.
func (t Tensor) Float32s() []float32 {
	e, known := t.element()
	if !known {
		panic("weights: tensor " + t.Name + " is of the unknown type " + t.DType)
	}
	if t.Quantization != nil {
		return t.Quantization.values(t, e)
	}
	return untrusted.Float32s(t.Data, e)
}

// values computes as PyTorch does: the difference first, and the product in
// float32 with one scale, in float64 with one for each channel.
func (q *Quantization) values(t Tensor, e untrusted.Element) []float32 {
	values := make([]float32, t.Len())
	inner := len(values) // elements that share a scale, side by side
	if q.Axis >= 0 {
		inner = elements(t.Shape[q.Axis+1:])
	}
	for i := range values {
		at := i / inner % len(q.Scales)
		number := int64(0)
		switch b := t.Data[i*e.Size:]; e.Name {
		case "int8":
			number = int64(int8(b[0]))
		case "uint8":
			number = int64(b[0])
		default:
			number = int64(int32(binary.LittleEndian.Uint32(b)))
		}
		if difference := float32(number - q.ZeroPoints[at]); q.Axis < 0 {
			values[i] = float32(q.Scales[at]) * difference
		} else {
			values[i] = float32(q.Scales[at] * float64(difference))
		}
	}
	return values
}

// QuantisedRange returns the smallest and the largest of the integers of a tensor of
// integers, such as a quantised one; both are 0 if it has none.
func (t Tensor) QuantisedRange() (lowest, highest int64) {
	e, known := t.element()
	if !known || e.Float {
		return 0, 0
	}
	for at := 0; at+e.Size <= len(t.Data); at += e.Size {
		n := int64(e.Float32(t.Data[at:], binary.LittleEndian)) // exact up to 24 bits
		if e.Size == 4 {
			n = int64(int32(binary.LittleEndian.Uint32(t.Data[at:])))
		}
		if at == 0 || n < lowest {
			lowest = n
		}
		if at == 0 || n > highest {
			highest = n
		}
	}
	return lowest, highest
}

// Convert returns the tensor in another type of elements: one of float64,
// float32, float16 and bfloat16, rounded to nearest, or its own. It is an error
// if a finite number would become an infinity; zeros is how many numbers that
// were none became zero. The type of a quantised tensor becomes float32 first.
func (t Tensor) Convert(dtype string) (converted Tensor, zeros int, err error) {
	if t.DType == dtype {
		return t, 0, nil
	}
	converted = Tensor{Name: t.Name, Shape: t.Shape, DType: dtype}
	from, known := t.element()
	if !known {
		return Tensor{}, 0, fmt.Errorf("tensor %s is of the type %s, which is unknown", printable(t.Name), printable(t.DType))
	}
	if !untrusted.Convertible(dtype) {
		return Tensor{}, 0, fmt.Errorf("tensor %s of %s cannot become %s; only float64, float32, float16 and bfloat16 are converted to", printable(t.Name), t.DType, printable(dtype))
	}
	data := t.Data
	if t.Quantization != nil {
		from, data = untrusted.Elements["float32"], untrusted.Bytes(t.Float32s())
	}
	var losses untrusted.Losses
	converted.Data, losses = untrusted.Convert(data, from, untrusted.Elements[dtype])
	if losses.Infinite > 0 {
		return Tensor{}, 0, fmt.Errorf("tensor %s of %s holds %s too large for %s, such as %v, which would become infinite; choose a type of a wider range",
			printable(t.Name), t.DType, numbers(losses.Infinite), dtype, losses.Example)
	}
	return converted, losses.Zero, nil
}

// IsFloat tells whether the elements are of a floating-point type, in contrast to
// integers, bool and quantised ones.
func (t Tensor) IsFloat() bool {
	e, known := t.element()
	return known && e.Float
}

// NotFinite is a tensor with numbers that are not finite, as float32.
type NotFinite struct {
	Name string
	// NaN and Inf count the elements that are no number or infinite.
	NaN, Inf int
	// Beyond counts the elements of a float64 that are finite, but become infinite
	// as float32, which networks here compute with.
	Beyond int
	// Of is the number of all elements.
	Of int
}

// NotFinite returns the tensors of the state dict that have numbers which are not
// finite, as those of a training that diverged do.
func (f *File) NotFinite() []NotFinite {
	var found []NotFinite
	for i := range f.Tensors {
		if n := f.Tensors[i].notFinite(); n.NaN+n.Inf+n.Beyond > 0 {
			found = append(found, n)
		}
	}
	return found
}

func (t Tensor) notFinite() NotFinite {
	n := NotFinite{Name: t.Name, Of: t.Len()}
	e, known := t.element()
	if !known || !e.Float {
		if q := t.Quantization; q != nil {
			for _, scale := range q.Scales { // one that is not finite spoils all its elements
				n.NaN += btoi(math.IsNaN(scale)) * n.Of / len(q.Scales)
				n.Inf += btoi(math.IsInf(scale, 0)) * n.Of / len(q.Scales)
			}
		}
		return n
	}
	for at := 0; at+e.Size <= len(t.Data); at += e.Size {
		value := float64(e.Float32(t.Data[at:], binary.LittleEndian))
		switch {
		case math.IsNaN(value):
			n.NaN++
		case !math.IsInf(value, 0):
		case e.Size == 8 && !math.IsInf(math.Float64frombits(binary.LittleEndian.Uint64(t.Data[at:])), 0):
			n.Beyond++
		default:
			n.Inf++
		}
	}
	return n
}

func numbers(n int) string {
	if n == 1 {
		return "1 number"
	}
	return fmt.Sprintf("%d numbers", n)
}

func btoi(b bool) int {
	if b {
		return 1
	}
	return 0
}

// IsBuffer tells whether the tensor is one that training does not train: running
// statistics of a normalisation, by the names that PyTorch gives them, or integers
// and bools, which have no gradient.
func (t Tensor) IsBuffer() bool {
	if t.Quantization == nil && !t.IsFloat() {
		return true
	}
	return slices.Contains(bufferNames, t.Name[strings.LastIndexByte(t.Name, '.')+1:])
}

// bufferNames are those of torch.nn.BatchNorm and torch.nn.InstanceNorm.
var bufferNames = []string{"running_mean", "running_var", "num_batches_tracked"}

func elements(shape []int) int {
	count := 1
	for _, n := range shape {
		count *= n
	}
	return count
}
