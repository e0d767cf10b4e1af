package pth

import (
	"strconv"
	"strings"

	"inkling/weights/structure"
)

// This file describes a pickled network by its modules. A module of torch.nn keeps
// the arguments that it was made with as attributes; a module of another class is
// its children, in the order in which they were made, and code that is not in the
// file.

// How the names of classes begin and end that are torch.nn's own.
const (
	torchModules  = "torch.nn.modules."
	torchLosses   = "torch.nn.modules.loss."
	dynamicLinear = ".quantized.dynamic.modules.linear.Linear"
)

// containers run their children one after the other, and do nothing else.
var containers = map[string]bool{
	"torch.nn.modules.container.Sequential":                 true,
	"torch.nn.parallel.data_parallel.DataParallel":          true,
	"torch.nn.parallel.distributed.DistributedDataParallel": true,
	"torch._dynamo.eval_frame.OptimizedModule":              true,
	"torch.optim.swa_utils.AveragedModel":                   true,
}

// structureCost is what a layer of a description takes, with its settings.
const structureCost = 2000

// describe tells what a pickled module computes.
func (w *walker) describe(module *object) (*structure.Network, error) {
	n := &structure.Network{}
	if err := w.describeModule(n, module, "", 0); err != nil {
		return nil, err
	}
	return n, nil
}

func (w *walker) describeModule(n *structure.Network, module *object, prefix string, depth int) error {
	if depth > maxDepth {
		return w.fault("modules are nested more than %d deep", maxDepth)
	}
	children := module.attribute(moduleChildren).(*dict).entries
	class := module.class.name
	if hooked(module) && containers[class] {
		n.Layers = append(n.Layers, structure.Layer{Kind: class[strings.LastIndexByte(class, '.')+1:] + structure.Hooked, Name: strings.TrimSuffix(prefix, "."), Place: placeOf(prefix)})
	}
	if len(children) == 0 && !containers[class] || strings.HasSuffix(class, dynamicLinear) {
		return w.describeLayer(n, module, prefix)
	}
	if !containers[class] {
		if n.Class == "" {
			n.Class = class
		}
		if err := w.describeAttributes(n, module, prefix); err != nil {
			return err
		}
	}
	for _, e := range children {
		child, isObject := e.value.(*object)
		name, isName := e.key.(string)
		if !isObject || !isName || !child.isModule() {
			continue
		}
		if err := w.describeModule(n, child, prefix+name+".", depth+1); err != nil {
			return err
		}
	}
	return nil
}

// describeLayer adds a module that has no children.
func (w *walker) describeLayer(n *structure.Network, module *object, prefix string) error {
	class := module.class.name
	if strings.HasPrefix(class, torchLosses) {
		return nil // what training asks for
	}
	if err := w.spend(int64(structureCost + 4*len(prefix))); err != nil {
		return err
	}
	kind := class
	settings := map[string]string{}
	if strings.HasPrefix(class, torchModules) {
		kind = class[strings.LastIndexByte(class, '.')+1:]
		const most = 64 // attributes
		for i, e := range module.state.entries {
			name, isName := e.key.(string)
			if !isName || strings.HasPrefix(name, "_") || i == most {
				continue
			}
			if value, ok := argument(e.value); ok {
				settings[name] = value
			}
		}
	}
	l := structure.Layer{Kind: kind}
	if kind != class {
		l = structure.New(kind, settings)
		if !structure.Known(kind) {
			l.Settings = nil // training, and more of no use
		}
	}
	l.Name = strings.TrimSuffix(prefix, ".")
	l.Place = placeOf(prefix)
	l.Tensors = map[string]string{}
	for _, attribute := range []string{moduleParameters, moduleBuffers} {
		for _, e := range module.attribute(attribute).(*dict).entries {
			if name, isName := e.key.(string); isName {
				if _, isTensor := e.value.(*Tensor); isTensor {
					l.Tensors[name] = prefix + name
				}
			}
		}
	}
	if strings.HasSuffix(class, dynamicLinear) {
		l.Kind = "Linear"
		l.Tensors = map[string]string{"weight": prefix + "weight", "bias": prefix + "bias"}
	}
	if hooked(module) {
		l.Kind += structure.Hooked
	}
	n.Layers = append(n.Layers, l)
	return nil
}

// placeOf tells where the module stands whose tensors' names begin with the prefix.
func placeOf(prefix string) string {
	if prefix == "" {
		return "the whole"
	}
	return "module " + strings.TrimSuffix(prefix, ".")
}

// hooked reports whether a module calls functions, which are not in the file, on what it
// reads or computes.
func hooked(module *object) bool {
	for _, hooks := range []string{"_forward_hooks", "_forward_pre_hooks"} {
		if d, ok := module.attribute(hooks).(*dict); ok && len(d.entries) > 0 {
			return true
		}
	}
	return false
}

// describeAttributes adds what a module of an author's own class has beside its
// children: parameters of its own, and the names of functions among its attributes.
func (w *walker) describeAttributes(n *structure.Network, module *object, prefix string) error {
	add := func(l structure.Layer) error {
		if err := w.spend(structureCost); err != nil {
			return err
		}
		n.Layers = append(n.Layers, l)
		return nil
	}
	for _, e := range module.attribute(moduleParameters).(*dict).entries {
		name, isName := e.key.(string)
		if _, isTensor := e.value.(*Tensor); isName && isTensor {
			err := add(structure.Layer{Kind: "Parameter", Name: prefix + name, Place: "parameter " + prefix + name, Tensors: map[string]string{"weight": prefix + name}})
			if err != nil {
				return err
			}
		}
	}
	for _, e := range module.state.entries {
		name, isName := e.key.(string)
		if !isName || strings.HasPrefix(name, "_") {
			continue
		}
		var function string
		switch value := e.value.(type) {
		case *class:
			function = value.name[strings.LastIndexByte(value.name, '.')+1:]
		case string:
			if strings.Contains(name, "act") || strings.Contains(name, "nonlin") {
				function = value
			}
		}
		if kind, ok := structure.Activation(function); ok {
			l := structure.New(kind, nil)
			l.Name, l.Place = prefix+name, "attribute "+prefix+name
			if err := add(l); err != nil {
				return err
			}
		}
	}
	return nil
}

// argument writes the value of an attribute as [structure.Layer] has it.
func argument(value any) (text string, ok bool) {
	switch value := value.(type) {
	case nil:
		return "None", true
	case bool:
		if value {
			return "True", true
		}
		return "False", true
	case int64:
		return strconv.FormatInt(value, 10), true
	case float64:
		return structure.Float(value), true
	case string:
		const most = 32
		return value, len(value) <= most
	case *tuple:
		return sizes(value.items)
	case *list:
		return sizes(value.items)
	}
	return "", false
}

func sizes(items []any) (text string, ok bool) {
	const most = 8
	var list []int64
	for _, item := range items {
		n, isInt := item.(int64)
		if !isInt || len(list) == most {
			return "", false
		}
		list = append(list, n)
	}
	return structure.Sizes(list), len(list) > 0
}
