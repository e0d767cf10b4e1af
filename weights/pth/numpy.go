package pth

import (
	"encoding/binary"
	"math"
	"slices"
	"strings"

	"inkling/weights/internal/untrusted"
)

// Array is an array of bytes as NumPy pickles it, of dtype uint8.
type Array struct {
	Shape []int
	Bytes []byte // in row-major order, part of what was read
}

// elementType is a dtype that NumPy names, such as "u1".
type elementType struct {
	name string
	big  bool // whether its bytes are in the other order
}

// arrayGlobals is the allow-list of [ReadArrays].
var arrayGlobals = map[string]*global{
	"numpy.core.multiarray._reconstruct":  {name: "numpy.core.multiarray._reconstruct", kind: newArray},
	"numpy._core.multiarray._reconstruct": {name: "numpy._core.multiarray._reconstruct", kind: newArray}, // since NumPy 2
	"numpy.ndarray":                       {name: "numpy.ndarray", kind: plainName},
	"numpy.dtype":                         {name: "numpy.dtype", kind: newElementType},
	"_codecs.encode":                      {name: "_codecs.encode", kind: encodeText},
}

// ReadArrays reads a pickle of a dict of NumPy arrays, numbers and text, without
// PyTorch's file around it: CIFAR's Python version is published so. It is read by
// the same interpreter as a .pth file, with NumPy's few names allowed in place of
// PyTorch's, and in memory in proportion to the data.
//
// The values of the map are *[Array], []int64, []string, int64 and string;
// entries of another kind, and those whose key is not a str, are left out. An
// array of anything but bytes is an error.
func ReadArrays(data []byte) (map[string]any, error) {
	u := &unpickler{data: data, budget: newBudget(int64(len(data))), arrays: true}
	p, err := u.run()
	switch {
	case err != nil:
		return nil, err
	case len(p.unknown) > 0:
		return nil, fault(int64(p.unknown[0].at), "the pickle names the Python object %s; only NumPy arrays, lists, numbers and text are read", shorten(p.unknown[0].name))
	case p.stop+1 != len(data):
		return nil, fault(int64(p.stop+1), "%d bytes follow the end of the pickle", len(data)-p.stop-1)
	}
	d, ok := p.value.(*dict)
	if !ok {
		return nil, fault(0, "the pickle holds %s, wanted a dict", describe(p.value))
	}
	values := map[string]any{}
	for _, e := range d.entries {
		key, isText := e.key.(string)
		if !isText {
			continue
		}
		switch value := e.value.(type) {
		case *Array:
			if value.Bytes == nil {
				return nil, fault(int64(p.stop), "the array %s has no content", shorten(key))
			}
			values[key] = value
		case int64, string:
			values[key] = value
		case *list:
			if all := allOf[int64](value.items); all != nil {
				values[key] = all
			} else if all := allOf[string](value.items); all != nil {
				values[key] = all
			}
		}
	}
	return values, nil
}

// allOf returns the items if all are of one kind and there are any.
func allOf[T any](items []any) []T {
	var all []T
	for _, item := range items {
		value, ok := item.(T)
		if !ok {
			return nil
		}
		all = append(all, value)
	}
	return all
}

// elementType acts for numpy.dtype(name, align, copy).
func (u *unpickler) elementType(args []any) error {
	if len(args) > 0 {
		if name, ok := args[0].(string); ok {
			return u.container(&elementType{name: name}, 0)
		}
	}
	if !u.arrays {
		return u.call(&class{name: "numpy.dtype", at: u.at}, &tuple{args})
	}
	return u.fault("numpy.dtype wants the name of a type, got %d arguments", len(args))
}

// encode acts for _codecs.encode(text, "latin1"), as which Python 3 writes bytes
// for Python 2.
func (u *unpickler) encode(args []any) error {
	if !u.arrays && !isLatin1(args) {
		return u.call(&class{name: "_codecs.encode", at: u.at}, &tuple{args})
	}
	if len(args) != 2 || args[1] != "latin1" {
		return u.fault(`_codecs.encode wants a text and "latin1", got %d arguments`, len(args))
	}
	text, ok := args[0].(string)
	if !ok {
		return u.fault("_codecs.encode wants a text, got %s", describe(args[0]))
	}
	if err := u.spend(len(text)); err != nil {
		return err
	}
	raw := make([]byte, 0, len(text))
	for _, r := range text {
		if r > 0xff {
			return u.fault("_codecs.encode is given the letter %q, which latin1 has not", r)
		}
		raw = append(raw, byte(r))
	}
	return u.bytes(raw)
}

// isLatin1 tells whether the arguments of _codecs.encode are those of bytes.
func isLatin1(args []any) bool {
	if len(args) != 2 || args[1] != "latin1" {
		return false
	}
	text, ok := args[0].(string)
	return ok && !strings.ContainsFunc(text, func(r rune) bool { return r > 0xff })
}

// scalar acts for numpy.core.multiarray.scalar(dtype, content), as which a number
// is pickled that came from NumPy. It becomes a number like any other; a scalar of
// another type stays a placeholder.
func (u *unpickler) scalar(g *global, args []any) error {
	if len(args) == 2 {
		kind, isKind := args[0].(*elementType)
		content, isBytes := args[1].(pyBytes)
		if text, isText := args[1].(string); isText { // Python 2's str
			content, isBytes = pyBytes(text), true
		}
		if isKind && isBytes {
			if value, ok := kind.number(content); ok {
				if err := u.spend(numberCost); err != nil {
					return err
				}
				return u.push(value)
			}
		}
	}
	return u.call(&class{name: g.name, at: u.at}, &tuple{args})
}

// number returns the bool, int64 or float64 that is an element of the type.
func (e *elementType) number(content []byte) (any, bool) {
	name := numpyTypes[e.name]
	element := untrusted.Elements[name]
	if name == "" || len(content) != element.Size {
		return nil, false
	}
	var raw [8]byte
	copy(raw[:], content)
	if e.big {
		slices.Reverse(raw[:element.Size])
	}
	bits := binary.LittleEndian.Uint64(raw[:])
	unused := 64 - 8*element.Size
	switch {
	case name == "bool":
		return bits != 0, true
	case name == "float64":
		return math.Float64frombits(bits), true
	case element.Float:
		return float64(element.Float32(raw[:], binary.LittleEndian)), true
	case e.name[0] == 'i':
		return int64(bits<<unused) >> unused, true
	case bits > math.MaxInt64:
		return longInt(append(raw[:], 0)), true
	}
	return int64(bits), true
}

// numpyTypes are the types of numbers, by NumPy's names for them.
var numpyTypes = map[string]string{
	"b1": "bool", "i1": "int8", "i2": "int16", "i4": "int32", "i8": "int64",
	"u1": "uint8", "u2": "uint16", "u4": "uint32", "u8": "uint64",
	"f2": "float16", "f4": "float32", "f8": "float64",
}

// setState acts for numpy.dtype.__setstate__((version, byte order, ...)).
func (e *elementType) setState(state any) {
	if t, ok := state.(*tuple); ok && len(t.items) > 1 {
		e.big = t.items[1] == ">"
	}
}

// fillArray acts for numpy.ndarray.__setstate__((version, shape, dtype,
// is_fortran, content)).
func (u *unpickler) fillArray(a *Array, state any) error {
	t, ok := state.(*tuple)
	if !ok || len(t.items) != 5 {
		return u.fault("an array is made of %s, wanted a tuple of version, shape, dtype, order and content", describe(state))
	}
	shape, isShape := t.items[1].(*tuple)
	kind, isKind := t.items[2].(*elementType)
	byColumns, isOrder := t.items[3].(bool)
	if !isShape || !isKind || !isOrder {
		return u.fault("an array has %s for its shape, %s for its dtype and %s for its order", describe(t.items[1]), describe(t.items[2]), describe(t.items[3]))
	}
	var content []byte
	switch raw := t.items[4].(type) {
	case pyBytes:
		content = raw
	case string: // Python 2's str, when it is UTF-8 by chance
		content = []byte(raw)
	default:
		return u.fault("an array has %s for its content, wanted bytes", describe(raw))
	}
	switch {
	case kind.name != "u1":
		return u.fault("an array is of the dtype %s, and only bytes (u1) are read", shorten(kind.name))
	case byColumns && len(shape.items) > 1:
		return u.fault("an array is stored by columns, and only rows are read: save numpy.ascontiguousarray of it")
	case a.Bytes != nil:
		return u.fault("an array is filled twice")
	}
	if err := u.spend(numberCost*len(shape.items) + len(content)); err != nil {
		return err
	}
	left := len(content)
	for i, item := range shape.items {
		n, ok := item.(int64)
		if !ok || n < 1 || int64(left)%n != 0 {
			return u.fault("dimension %d of an array of %d bytes is %v, which cannot be", i, len(content), item)
		}
		left /= int(n)
		a.Shape = append(a.Shape, int(n))
	}
	if left != 1 {
		return u.fault("an array of shape %v has %d bytes", a.Shape, len(content))
	}
	a.Bytes = content
	return nil
}
