package pth

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"inkling/weights/internal/archive"
	"inkling/weights/pth/internal/script"
	"inkling/weights/structure"
)

// This file takes the tensors out of a TorchScript program (torch.jit.save), as
// its state_dict() would give them. Its objects have their tensors and their
// children as plain attributes; what the program does with them is source that
// lies beside the pickle, see package script.

// follow sets Structure to what the program's code says.
func (f *File) follow(module *object, source map[string]*archive.Record, constants []any, b *budget) error {
	if module == nil || module.state == nil {
		return nil
	}
	// All of it is unpacked, so that damage to any of it is found.
	var unpacker archive.Unpacker
	paths := slices.Sorted(maps.Keys(source))
	size := int64(archive.UnpackerCost)
	for _, path := range paths {
		if size += 2 * min(source[path].Size(), math.MaxInt64/4); size < 0 || size > b.All() {
			break
		}
	}
	if b.Work(int(min(size, math.MaxInt32))); !b.Spend(size) {
		f.Structure = &structure.Network{Obstacle: "its program is too long for a file of its size"}
		return nil
	}
	for _, path := range paths {
		if err := unpacker.Unpack(source[path]); err != nil {
			return err
		}
	}
	texts := map[string]string{}
	p := &script.Program{
		Source: func(path string) (string, bool) {
			r := source[path]
			if r != nil && texts[path] == "" {
				texts[path] = string(r.Data)
			}
			return texts[path], r != nil
		},
		Spend: func(bytes int) bool { return b.Spend(int64(bytes)) },
		Work:  b.Work,
	}
	for i, value := range constants {
		p.Constants = append(p.Constants, scriptValue(value, fmt.Sprintf("%s%d", script.ConstantPrefix, i)))
	}
	f.Structure = script.Describe(p, scriptObject{module, ""})
	return nil
}

// A scriptObject is a module of the program under the name that leads to it.
type scriptObject struct {
	*object
	name string
}

func (o scriptObject) Class() string { return o.class.name }
func (o scriptObject) Name() string  { return o.name }

// Attribute returns an attribute.
func (o scriptObject) Attribute(name string) (any, bool) {
	for _, e := range o.state.entries {
		if e.key == any(name) {
			full := name
			if o.name != "" {
				full = o.name + "." + name
			}
			return scriptValue(e.value, full), true
		}
	}
	return nil, false
}

// scriptValue returns a value of a pickle as package script has it.
func scriptValue(value any, name string) any {
	values := func(items []any) any {
		const most = 64
		all := []any{}
		for i, item := range items[:min(len(items), most)] {
			all = append(all, scriptValue(item, fmt.Sprintf("%s.%d", name, i)))
		}
		return all
	}
	switch value := value.(type) {
	case nil, bool, int64, float64, string:
		return value
	case *tuple:
		return values(value.items)
	case *list:
		return values(value.items)
	case *object:
		if value.state != nil {
			return scriptObject{value, name}
		}
	case *Tensor:
		return &script.Tensor{Name: name, Shape: value.Shape, Numbers: func() (numbers []float64) {
			const most = 64
			if value.Elements() > most {
				return nil
			}
			floats, err := value.Float32s()
			if err != nil {
				return nil
			}
			for _, v := range floats {
				numbers = append(numbers, float64(v))
			}
			return numbers
		}}
	}
	return struct{}{} // of no use to a network
}

// gatherScript adds the tensors of a module of the program, and then those of its
// children.
func (w *walker) gatherScript(flat *dict, module *object, prefix string, depth int) error {
	if depth > maxDepth {
		return w.fault("modules are nested more than %d deep", maxDepth)
	}
	for _, children := range []bool{false, true} {
		for _, e := range module.state.entries {
			name, isName := e.key.(string)
			if !isName {
				return w.fault("%s is the name of an attribute of %s", describe(e.key), shorten(module.class.name))
			}
			child, isObject := e.value.(*object)
			isChild := isObject && child.state != nil && w.isOwnClass(child.class)
			tensor, isTensor := e.value.(*Tensor)
			if children && !isChild || !children && !isTensor {
				continue
			}
			if err := w.spend(int64(2*entryCost + visitCost + len(prefix) + len(name) + 1)); err != nil {
				return err
			}
			if isTensor {
				flat.add(entry{prefix + name, tensor})
			} else if err := w.gatherScript(flat, child, prefix+name+".", depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}
