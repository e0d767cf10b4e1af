package nn

import (
	"cmp"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"unicode"
	"unsafe"
)

// Module is a network, or a part of one: ordinary Go that computes a Value
// from a Value. Its parameters and buffers are the Params and Buffers in its
// exported fields, found through nested structs, pointers, slices and arrays.
type Module interface {
	Forward(x *Value) *Value
}

// Param is a trainable tensor. Its elements are stored in the order the
// kernels want; Read and Write speak PyTorch's order.
type Param struct {
	shape   Shape
	strides []int     // storage offset of a step along each dimension
	data    []float32 // storage; what lies between the elements is zero
	// version is another one after each change, so that programs know when to repack
	// weights.
	version uint64
}

// NewParam returns a parameter of the given shape, all zero, for a user's own
// operations and modules.
func NewParam(shape ...int) Param {
	var p Param
	p.allocate(Shape(shape), rowMajor(shape), Shape(shape).Elements())
	return p
}

func rowMajor(shape []int) []int {
	strides := make([]int, len(shape))
	step := 1
	for i := len(shape) - 1; i >= 0; i-- {
		strides[i] = step
		step *= shape[i]
	}
	return strides
}

func (p *Param) allocate(shape Shape, strides []int, size int) {
	p.shape, p.strides = shape.clone(), strides
	p.data = alignedFloats(size)
	p.version = newVersion()
}

// Shape returns the parameter's dimensions, nil before nn.Init.
func (p *Param) Shape() Shape { return p.shape }

// Read copies the values, in PyTorch's order, to dst. It panics unless
// len(dst) is Shape().Elements().
func (p *Param) Read(dst []float32) { readStrided(dst, p.data, p.shape, p.strides) }

// Write sets the values from src, in PyTorch's order. It panics unless
// len(src) is Shape().Elements(). It must not run while a program that uses
// the parameter is running.
func (p *Param) Write(src []float32) {
	writeStrided(p.data, src, p.shape, p.strides)
	p.version = newVersion()
}

func writeStrided(storage, src []float32, shape Shape, strides []int) {
	if len(src) != shape.Elements() {
		panic(fmt.Sprintf("nn: Write: %d values for shape %v", len(src), shape))
	}
	if slices.Equal(strides, rowMajor(shape)) {
		copy(storage, src)
		return
	}
	i := 0
	eachOffset(shape, strides, func(offset int) {
		storage[offset] = src[i]
		i++
	})
}

func readStrided(dst, storage []float32, shape Shape, strides []int) {
	if len(dst) != shape.Elements() {
		panic(fmt.Sprintf("nn: Read: room for %d values, shape is %v", len(dst), shape))
	}
	if slices.Equal(strides, rowMajor(shape)) {
		copy(dst, storage)
		return
	}
	i := 0
	eachOffset(shape, strides, func(offset int) {
		dst[i] = storage[offset]
		i++
	})
}

// eachOffset calls visit with the storage offset of every element, in
// row-major order.
func eachOffset(shape Shape, strides []int, visit func(offset int)) {
	at, offset := make([]int, len(shape)), 0
	for range shape.Elements() {
		visit(offset)
		for d := len(shape) - 1; d >= 0; d-- {
			at[d]++
			offset += strides[d]
			if at[d] < shape[d] {
				break
			}
			offset -= at[d] * strides[d]
			at[d] = 0
		}
	}
}

// Buffer is state of a network that is not trained, such as the running
// statistics of a BatchNorm. It is part of the state dict as a Param is.
type Buffer struct {
	shape   Shape
	data    []float32
	integer bool
	version uint64 // another one after each change
}

// NewBuffer returns a buffer of the given shape, all zero; without a dimension
// it is one number.
func NewBuffer(shape ...int) Buffer {
	return Buffer{shape: Shape(shape).clone(), data: make([]float32, Shape(shape).Elements()), version: newVersion()}
}

// NewCounter returns a buffer of one whole number, zero, such as the count of
// batches.
func NewCounter() Buffer {
	return Buffer{shape: Shape{}, data: make([]float32, 1), integer: true, version: newVersion()}
}

// Shape returns the buffer's dimensions.
func (b *Buffer) Shape() Shape { return b.shape }

// Read copies the values to dst. It panics unless len(dst) is
// Shape().Elements().
func (b *Buffer) Read(dst []float32) { readStrided(dst, b.data, b.shape, rowMajor(b.shape)) }

// Write sets the values from src. It panics unless len(src) is
// Shape().Elements().
func (b *Buffer) Write(src []float32) {
	writeStrided(b.data, src, b.shape, rowMajor(b.shape))
	b.version = newVersion()
}

// Entry is one named tensor of a state dict.
type Entry struct {
	name    string
	shape   Shape
	strides []int
	storage []float32
	param   *Param  // nil where the tensor is none
	buffer  *Buffer // nil where the tensor is none
	// readOnly is for a gradient.
	readOnly bool
}

// Name returns the tensor's key as PyTorch writes it: "conv1.weight".
func (e Entry) Name() string { return e.name }

// Shape returns the tensor's dimensions. It must not be modified.
func (e Entry) Shape() []int { return e.shape }

// IsBuffer reports whether the tensor is a buffer: state that is not trained.
func (e Entry) IsBuffer() bool { return e.buffer != nil }

// Integer reports whether the tensor holds whole numbers, which PyTorch keeps
// as int64.
func (e Entry) Integer() bool { return e.buffer != nil && e.buffer.integer }

// Read copies the values, in PyTorch's order, to dst; it panics unless
// len(dst) is the number of elements.
func (e Entry) Read(dst []float32) { readStrided(dst, e.storage, e.shape, e.strides) }

// Write sets the values from src, in PyTorch's order; it panics unless
// len(src) is the number of elements, or if the entry is a gradient.
func (e Entry) Write(src []float32) {
	if e.readOnly {
		panic("nn: " + e.name + " cannot be written")
	}
	writeStrided(e.storage, src, e.shape, e.strides)
	if e.param != nil {
		e.param.version = newVersion()
	}
	if e.buffer != nil {
		e.buffer.version = newVersion()
	}
}

// Clone returns an entry with storage of its own, and the values of this one.
func (e Entry) Clone() Entry {
	e.storage = append([]float32(nil), e.storage...)
	e.param, e.buffer, e.readOnly = nil, nil, false
	return e
}

// ParameterCount is the number of weights of a network that training changes.
func ParameterCount(module any) int {
	total := 0
	for _, e := range State(module) {
		if !e.IsBuffer() {
			total += Shape(e.Shape()).Elements()
		}
	}
	return total
}

// State returns the parameters and buffers of a module under PyTorch's
// state-dict keys, in the order of the fields: a field Conv1 of type Conv2d gives
// conv1.weight and conv1.bias, an element of a slice its index
// (layers.0.weight), unless it is Named. Field names become lower case with an underscore where a new
// word starts (BatchNorm: batch_norm; FC1: fc1); a struct tag `nn:"name"`
// overrides that. The entries share storage with the module. What has no
// values yet (before Init) is left out.
func State(module any) []Entry {
	var entries []Entry
	walkState(module, func(name string, p *Param, b *Buffer) {
		switch {
		case p != nil && p.data != nil:
			entries = append(entries, Entry{name: name, shape: p.shape, strides: p.strides, storage: p.data, param: p})
		case b != nil && b.data != nil:
			entries = append(entries, Entry{name: name, shape: b.shape, strides: rowMajor(b.shape), storage: b.data, buffer: b})
		}
	})
	return entries
}

func paramNames(module any) map[*Param]string {
	names := map[*Param]string{}
	walkState(module, func(name string, p *Param, _ *Buffer) {
		if _, seen := names[p]; p != nil && !seen {
			names[p] = name
		}
	})
	return names
}

// walkState visits the parameters and buffers of a module: of p and b one is
// nil.
func walkState(module any, visit func(name string, p *Param, b *Buffer)) {
	walk(reflect.ValueOf(module), "", func(name string, v reflect.Value) bool {
		switch v := v.Interface().(type) {
		case *Param:
			visit(name, v, nil)
		case *Buffer:
			visit(name, nil, v)
		default:
			return true
		}
		return false
	})
}

// walk visits every addressable struct reachable through exported fields,
// passing a pointer to it; visit returns whether to go on inside.
func walk(v reflect.Value, name string, visit func(name string, pointer reflect.Value) bool) {
	walkFrom(v, name, map[uintptr]bool{}, visit)
}

// walkFrom is walk inside the structs that open holds: a part that points back
// to one of them is not entered again.
func walkFrom(v reflect.Value, name string, open map[uintptr]bool, visit func(name string, pointer reflect.Value) bool) {
	switch v.Kind() {
	case reflect.Pointer:
		if at := v.Pointer(); !v.IsNil() && !open[at] {
			open[at] = true
			walkFrom(v.Elem(), name, open, visit)
			delete(open, at)
		}
	case reflect.Interface:
		if !v.IsNil() {
			walkFrom(v.Elem(), name, open, visit)
		}
	case reflect.Slice, reflect.Array:
		for i := range v.Len() {
			key, part := fmt.Sprint(i), v.Index(i)
			if kind := part.Kind(); kind == reflect.Interface || kind == reflect.Struct {
				if n, ok := part.Interface().(Named); ok {
					key, part = n.Name, reflect.ValueOf(n.Module)
				}
			}
			walkFrom(part, join(name, key), open, visit)
		}
	case reflect.Struct:
		if !v.CanAddr() {
			if holdsState(v.Type()) {
				panic(fmt.Sprintf("nn: %sa %v is held by value, where its parameters cannot be found or set: use a pointer, &%v{...}", prefixOf(name), v.Type(), v.Type()))
			}
			return
		}
		if !visit(name, v.Addr()) {
			return
		}
		for i := range v.NumField() {
			field := v.Type().Field(i)
			if !field.IsExported() {
				continue
			}
			key := field.Tag.Get("nn")
			if key == "" && !field.Anonymous {
				key = stateKey(field.Name)
			}
			walkFrom(v.Field(i), join(name, key), open, visit)
		}
	}
}

func prefixOf(name string) string {
	if name == "" {
		return ""
	}
	return name + ": "
}

// holdsState reports whether a struct of this type has parameters or buffers in
// its fields, not looking behind pointers.
func holdsState(t reflect.Type) bool {
	if t == reflect.TypeFor[Param]() || t == reflect.TypeFor[Buffer]() {
		return true
	}
	switch t.Kind() {
	case reflect.Array:
		return holdsState(t.Elem())
	case reflect.Struct:
		for i := range t.NumField() {
			if holdsState(t.Field(i).Type) {
				return true
			}
		}
	}
	return false
}

// hiddenPlace says where in a module a parameter or buffer is that walk does not
// find: behind a field that is not exported, or in a map. It returns "" if it is
// neither.
func hiddenPlace(module any, target unsafe.Pointer) string {
	open := map[uintptr]bool{}
	var search func(v reflect.Value, because string) string
	search = func(v reflect.Value, because string) string {
		switch v.Kind() {
		case reflect.Pointer:
			if at := v.Pointer(); !v.IsNil() && !open[at] {
				open[at] = true
				return search(v.Elem(), because)
			}
		case reflect.Interface:
			if !v.IsNil() {
				return search(v.Elem(), because)
			}
		case reflect.Slice, reflect.Array:
			for i := range v.Len() {
				if found := search(v.Index(i), because); found != "" {
					return found
				}
			}
		case reflect.Map:
			for entries := v.MapRange(); entries.Next(); {
				if found := search(entries.Value(), cmp.Or(because, fmt.Sprintf("it is in a map, a %v", v.Type()))); found != "" {
					return found
				}
			}
		case reflect.Struct:
			if v.Type() == reflect.TypeFor[Param]() || v.Type() == reflect.TypeFor[Buffer]() {
				if v.CanAddr() && v.UnsafeAddr() == uintptr(target) {
					return because
				}
				return ""
			}
			for i := range v.NumField() {
				field := v.Type().Field(i)
				why := because
				if !field.IsExported() {
					why = cmp.Or(because, fmt.Sprintf("the field %s of %v is not exported", field.Name, v.Type()))
				}
				if found := search(v.Field(i), why); found != "" {
					return found
				}
			}
		}
		return ""
	}
	return search(reflect.ValueOf(module), "")
}

func join(prefix, name string) string {
	if prefix == "" || name == "" {
		return prefix + name
	}
	return prefix + "." + name
}

// stateKey turns a Go field name into a state-dict key: lower case, an
// underscore between a lower-case letter or digit and an upper-case letter
// that starts a word.
func stateKey(field string) string {
	var b strings.Builder
	runes := []rune(field)
	for i, r := range runes {
		if i > 0 && unicode.IsUpper(r) && !unicode.IsUpper(runes[i-1]) {
			b.WriteByte('_')
		}
		b.WriteRune(unicode.ToLower(r))
	}
	return b.String()
}

// Visit calls visit with every part of a module that has exported fields, and its
// name in the state dict, in the order of the fields; layers are pointers, as
// *Conv2d. As torch.nn.Module.named_modules.
func Visit(module any, visit func(name string, layer any)) {
	walk(reflect.ValueOf(module), "", func(name string, v reflect.Value) bool {
		switch part := v.Interface().(type) {
		case *Param, *Buffer:
			return false
		default:
			visit(name, part)
		}
		return true
	})
}
