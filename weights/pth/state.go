package pth

import (
	"strconv"
	"strings"
)

// stateKeys are the keys under which checkpoints usually keep the state dict,
// the most telling first.
var stateKeys = []string{"state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params"}

const (
	// maxDepth bounds the nesting of dicts, lists and tuples, and of modules; a
	// checkpoint with an optimiser has 5.
	maxDepth = 100
	// visitCost is what an entry of a map takes, in bytes.
	visitCost = 100
)

// collect finds the tensors in the value of a pickle.
func (f *File) collect(p *pickled, b *budget) error {
	w := walker{budget: b, stop: p.stop, seen: map[any]bool{}, names: map[string]bool{}}
	if err := w.findState(p.value); err != nil {
		return err
	}
	if w.state != nil {
		if err := w.direct(); err != nil {
			return err
		}
		f.Tensors = w.found
		trimModule(f.Tensors)
		w.found = nil
		clear(w.names)
	}
	if err := w.walk(p.value, "", 0); err != nil {
		return err
	}
	f.Others = w.found
	var err error
	if f.Optimizer, err = w.findOptimizer(p.value); err != nil {
		return err
	}
	if p.unknown != nil && !w.modules {
		return p.unknown.refused()
	}
	if w.module != nil {
		f.Class = w.module.class.name
		if f.Structure, err = w.describe(w.module); err != nil {
			return err
		}
	}
	return nil
}

// refused is the error for a name where only a module may have one.
func (c *class) refused() error {
	return fault(int64(c.at), "the pickle names the Python object %s, which no state dict needs; only tensors in dicts, lists and tuples are read, and the modules of a pickled network: in PyTorch save the weights alone with torch.save(net.state_dict(), path)", shorten(c.name))
}

// findState sets state to the dict that is the state dict, unless there is none.
func (w *walker) findState(value any) error {
	top, ok := value.(*dict)
	if !ok {
		return w.useState(value)
	}
	for _, key := range stateKeys {
		for _, e := range top.entries {
			if e.key == key {
				if err := w.useState(e.value); err != nil || w.state != nil {
					return err
				}
			}
		}
	}
	if top.tensors {
		w.state = top
		return nil
	}
	var only any
	for _, e := range top.entries {
		if !holdsState(e.value) {
			continue
		}
		if only != nil {
			return nil
		}
		only = e.value
	}
	return w.useState(only)
}

// holdsState tells whether a value is a state dict, or a module to take one of.
func holdsState(value any) bool {
	switch value := value.(type) {
	case *dict:
		return value.tensors
	case *object:
		return value.isModule()
	}
	return false
}

// useState sets state to a value that is a state dict or a module.
func (w *walker) useState(value any) (err error) {
	if !holdsState(value) {
		return nil
	}
	if w.module, _ = value.(*object); w.module == nil {
		w.state = value.(*dict)
		return nil
	}
	w.state, err = w.stateDict(w.module)
	return err
}

// trimModule removes the prefix that torch.nn.DataParallel gives every key. One
// key without it means that "module" is a layer of the network's own.
func trimModule(tensors []Tensor) {
	const prefix = "module."
	for _, t := range tensors {
		if !strings.HasPrefix(t.Name, prefix) || t.Name == prefix {
			return
		}
	}
	for i := range tensors {
		tensors[i].Name = strings.TrimPrefix(tensors[i].Name, prefix)
	}
}

// walker gathers tensors and their names.
type walker struct {
	budget *budget
	stop   int     // where the pickle ends: the place of what has no other
	state  *dict   // the state dict, whose tensors are added by direct
	module *object // that the state dict is of, nil if it is one itself
	// modules tells that there is a module anywhere.
	modules bool
	found   []Tensor
	names   map[string]bool
	// seen holds the containers that were walked: a pickle can refer to one
	// from many places, even from within itself.
	seen map[any]bool
}

// direct adds the tensors of a state dict, which is flat. Values that are no
// tensors, such as a layer's extra state, are passed over.
func (w *walker) direct() error {
	for _, e := range w.state.entries {
		if e.named() {
			if err := w.add(e.value.(*Tensor), e.key.(string)); err != nil {
				return err
			}
		}
	}
	return nil
}

func (w *walker) walk(value any, path string, depth int) error {
	if depth > maxDepth {
		return w.fault("dicts and lists are nested more than %d deep", maxDepth)
	}
	switch value := value.(type) {
	case *Tensor:
		return w.add(value, path)
	case *dict:
		if first, err := w.visit(value); !first {
			return err
		}
		for _, e := range value.entries {
			if value == w.state && e.named() {
				continue
			}
			if err := w.child(e.value, path, keyText(e.key), depth); err != nil {
				return err
			}
		}
	case *list:
		if first, err := w.visit(value); !first {
			return err
		}
		return w.items(value.items, path, depth)
	case *tuple:
		if first, err := w.visit(value); !first {
			return err
		}
		return w.items(value.items, path, depth)
	case *class:
		return value.refused()
	case *object:
		if !value.isModule() {
			return value.class.refused()
		}
		w.modules = true
		flat, err := w.stateDict(value)
		if err != nil || flat == w.state {
			return err
		}
		return w.walk(flat, path, depth)
	}
	return nil
}

func (w *walker) items(items []any, path string, depth int) error {
	for i, item := range items {
		if err := w.child(item, path, strconv.Itoa(i), depth); err != nil {
			return err
		}
	}
	return nil
}

// child walks a value inside a container, if tensors can be in it.
func (w *walker) child(value any, path, key string, depth int) error {
	switch value.(type) {
	case *Tensor, *dict, *list, *tuple, *class, *object:
	default:
		return nil
	}
	if err := w.spend(int64(stringCost + len(path) + len(key))); err != nil {
		return err
	}
	if depth > 0 {
		key = path + "." + key
	}
	return w.walk(value, key, depth+1)
}

// visit tells whether a container is met for the first time.
func (w *walker) visit(container any) (bool, error) {
	if w.seen[container] {
		return false, nil
	}
	w.seen[container] = true
	err := w.spend(visitCost)
	return err == nil, err
}

func (w *walker) fault(format string, arguments ...any) error {
	return fault(int64(w.stop), format, arguments...)
}

func (w *walker) spend(bytes int64) error {
	if !w.budget.Spend(bytes) {
		return w.fault("the tensors of the file would take more than the %d bytes of memory that a file of this size may take", w.budget.All())
	}
	return nil
}

// add notes a tensor and pays for its float32s in advance: tensors that share a
// storage, or repeat it with a stride of 0, can be far larger than the file.
func (w *walker) add(t *Tensor, name string) error {
	const cost = 3*128 + 100 // the growing slice and the map of names
	if w.names[name] {
		return w.fault("the file holds two tensors %s", shorten(name))
	}
	if err := w.spend(cost + int64(len(name))); err != nil {
		return err
	}
	if err := w.spend(4 * int64(t.Elements())); err != nil {
		return err
	}
	w.names[name] = true
	named := *t
	named.Name = name
	w.found = append(w.found, named)
	return nil
}

func keyText(key any) string {
	switch key := key.(type) {
	case string:
		return key
	case int64:
		return strconv.FormatInt(key, 10)
	case bool:
		return strconv.FormatBool(key)
	case float64:
		return strconv.FormatFloat(key, 'g', -1, 64)
	}
	return describe(key)
}
