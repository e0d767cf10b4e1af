package onnx

import (
	"encoding/binary"

	"google.golang.org/protobuf/encoding/protowire"

	"inkling/weights"
	"inkling/weights/internal/untrusted"
)

// dtypes are the types of elements that have a float32, by their numbers in
// onnx.proto (TensorProto.DataType).
var dtypes = map[uint64]string{
	1: "float32", 2: "uint8", 3: "int8", 4: "uint16", 5: "int16", 6: "int32", 7: "int64", 9: "bool", 10: "float16",
	11: "float64", 12: "uint32", 13: "uint64", 16: "bfloat16", 17: "float8_e4m3fn", 19: "float8_e5m2",
}

// The fields of TensorProto.
const (
	tensorDims     = 1
	tensorType     = 2
	tensorSegment  = 3
	tensorFloats   = 4
	tensorInt32s   = 5
	tensorTexts    = 6
	tensorInt64s   = 7
	tensorName     = 8
	tensorRaw      = 9
	tensorDoubles  = 10
	tensorUint64s  = 11
	tensorExternal = 13
	tensorLocation = 14
)

// initializer reads a tensor of the graph.
func (p *parser) initializer(m message) error {
	t, err := p.tensor(m)
	if err != nil {
		return err
	}
	if t.Name == "" || p.names[t.Name] {
		return p.fault(m.from, "the graph has two tensors of the name %q, or one without a name", t.Name)
	}
	p.names[t.Name] = true
	p.contents.Tensors = append(p.contents.Tensors, t)
	return nil
}

// tensor reads a TensorProto. Its elements are raw bytes, or in one of the
// lists of numbers, of which floats lie in the file as raw ones do.
func (p *parser) tensor(m message) (weights.Tensor, error) {
	var none weights.Tensor
	const cost = 500 // a tensor in a growing list, and a place in the map
	if err := p.spend(m.from, cost); err != nil {
		return none, err
	}
	var t weights.Tensor
	var kind uint64
	var raw []byte
	var numbers []message // of the lists
	lists := map[protowire.Number]bool{}
	elsewhere := external{at: m.from, length: -1}
	err := p.each(m, func(f field) (err error) {
		switch f.number {
		case tensorName:
			t.Name, err = p.text(f)
		case tensorType:
			kind = f.value
		case tensorDims:
			err = p.numbers(f, func(n uint64) error {
				const most = 64
				if len(t.Shape) == most || int64(n) < 0 || int64(int(n)) != int64(n) {
					return p.fault(f.from, "dimension %d of a tensor is %d; wanted at most %d dimensions, none of them negative", len(t.Shape), int64(n), most)
				}
				t.Shape = append(t.Shape, int(n))
				return p.spend(f.from, 4*8) // in a growing list
			})
		case tensorRaw:
			lists[f.number] = true
			raw, err = p.bytes(f)
		case tensorFloats, tensorDoubles, tensorInt32s, tensorInt64s, tensorUint64s:
			lists[f.number] = true
			numbers = append(numbers, f.message)
			err = p.spend(f.from, 4*16) // in a growing list
		case tensorExternal:
			err = p.externalEntry(&elsewhere, f)
		case tensorLocation:
			elsewhere.located = f.value == locationExternal
			if f.value != locationHere && f.value != locationExternal {
				err = p.fault(f.from, "a tensor keeps its elements in a place of the kind %d, which is unknown", f.value)
			}
		case tensorSegment, tensorTexts:
			err = p.fault(f.from, "a tensor is divided into segments or holds texts, which is not read")
		}
		return err
	})
	if err != nil {
		return none, err
	}
	element, known := untrusted.Elements[dtypes[kind]]
	if !known {
		return none, p.fault(m.from, "tensor %s has elements of the type %d, which is not read", untrusted.Shorten(t.Name), kind)
	}
	count, ok := untrusted.Count(t.Shape)
	if !ok {
		return none, p.fault(m.from, "tensor %s has the shape %v, which is too large", untrusted.Shorten(t.Name), t.Shape)
	}
	if len(lists) > 1 {
		return none, p.fault(m.from, "tensor %s has its elements in two places", untrusted.Shorten(t.Name))
	}
	if elsewhere.located != elsewhere.hasPart || elsewhere.located && len(lists) > 0 {
		return none, p.fault(m.from, "tensor %s has its elements both here and in another file, or in neither", untrusted.Shorten(t.Name))
	}
	if elsewhere.located {
		if raw, err = p.external(t.Name, &elsewhere, int64(count)*int64(element.Size)); err != nil {
			return none, err
		}
	}
	if numbers != nil {
		if raw, err = p.list(m, lists, numbers, element); err != nil {
			return none, err
		}
	}
	if int64(len(raw)) != int64(count)*int64(element.Size) {
		return none, p.fault(m.from, "tensor %s has the shape %v of %s, which takes %d bytes, and %d are there", untrusted.Shorten(t.Name), t.Shape, element.Name, int64(count)*int64(element.Size), len(raw))
	}
	if err := p.spend(m.from, 4*int64(count)); err != nil {
		return none, err
	}
	t.DType = element.Name
	t.Data = raw
	return t, nil
}

// list returns the elements of a list of numbers as they would be in raw bytes.
// A number may stand alone or among others.
func (p *parser) list(m message, lists map[protowire.Number]bool, parts []message, element untrusted.Element) ([]byte, error) {
	wanted := map[string]protowire.Number{
		"float32": tensorFloats, "float64": tensorDoubles, "int64": tensorInt64s, "uint32": tensorUint64s, "uint64": tensorUint64s,
	}[element.Name]
	if wanted == 0 {
		wanted = tensorInt32s // small integers, and the bits of small floats
	}
	if !lists[wanted] {
		return nil, p.fault(m.from, "a tensor of %s has its elements in the list of another type", element.Name)
	}
	packed := wanted == tensorFloats || wanted == tensorDoubles
	size := 0
	for _, part := range parts {
		if packed {
			size += part.to - part.from
			continue
		}
		for _, b := range p.data[part.from:part.to] {
			if b < 0x80 { // the last byte of a number
				size += element.Size
			}
		}
	}
	if err := p.spend(m.from, int64(size)); err != nil {
		return nil, err
	}
	raw := make([]byte, 0, size)
	for _, part := range parts {
		b := p.data[part.from:part.to]
		if packed {
			raw = append(raw, b...)
			continue
		}
		for len(b) > 0 {
			value, n := protowire.ConsumeVarint(b)
			if n < 0 {
				return nil, p.fault(part.to-len(b), "a number is damaged")
			}
			var number [8]byte
			binary.LittleEndian.PutUint64(number[:], value)
			raw = append(raw, number[:element.Size]...)
			b = b[n:]
		}
	}
	return raw, nil
}

// numbers calls visit for each number of a field that holds one or, packed,
// many.
func (p *parser) numbers(f field, visit func(n uint64) error) error {
	if f.kind == protowire.VarintType {
		return visit(f.value)
	}
	b, err := p.bytes(f)
	if err != nil {
		return err
	}
	for len(b) > 0 {
		value, n := protowire.ConsumeVarint(b)
		if n < 0 {
			return p.fault(f.to-len(b), "a number is damaged")
		}
		if err := visit(value); err != nil {
			return err
		}
		b = b[n:]
	}
	return nil
}
