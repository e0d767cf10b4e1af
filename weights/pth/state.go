package pth

import (
	"slices"
	"strconv"
	"strings"
)

// stateKeys are the keys under which checkpoints usually keep the state dict,
// the most telling first.
var stateKeys = []string{
	"state_dict", "model_state_dict", "model", "net", "network", "module", "weights", "params",
	"model_state", "net_state_dict", "network_state_dict", "model_weights", "ema_state_dict", "model_ema", "ema_model", "ema",
}

const (
	// maxDepth bounds the nesting of dicts, lists and tuples, and of modules; a
	// checkpoint with an optimiser has 5.
	maxDepth = 100
	// visitCost is what an entry of a map takes, in bytes.
	visitCost = 100
)

// collect finds the tensors in the value of a pickle, and returns the network if the
// value is one.
func (f *File) collect(p *pickled, b *budget) (*object, error) {
	w := walker{budget: b, stop: p.stop, seen: map[any]bool{}, names: map[string]bool{}, script: f.Script}
	if err := w.findState(p.value); err != nil {
		return nil, err
	}
	if w.state != nil {
		flat, err := w.unpack(w.state)
		if err != nil {
			return nil, err
		}
		if err := w.direct(flat); err != nil {
			return nil, err
		}
		f.Tensors = w.found
		trimModule(f.Tensors)
		w.found = nil
		clear(w.names)
	}
	if err := w.walk(p.value, "", 0); err != nil {
		return nil, err
	}
	f.Others = w.found
	var err error
	if f.Optimizer, err = w.findOptimizer(p.value); err != nil {
		return nil, err
	}
	f.StatePath, f.StatePaths, f.LeftOut = w.statePath, w.statePaths, w.leftOut
	for _, c := range p.unknown {
		if !w.isOwnClass(c) {
			f.Names = append(f.Names, c.name)
		}
	}
	if err := w.spend(0); err != nil { // that much work, too
		return nil, err
	}
	if w.module != nil {
		f.Class = w.module.class.name
		if f.Script {
			return w.module, nil // its code says what it computes
		}
		if f.Structure, err = w.describe(w.module); err != nil {
			return nil, err
		}
	}
	return w.module, nil
}

// isOwnClass tells whether a name is that of a class of the TorchScript program
// in the file.
func (w *walker) isOwnClass(c *class) bool {
	return w.script && strings.HasPrefix(c.name, "__torch__.")
}

// refused is the error for a name where none may stand.
func (c *class) refused() error {
	return fault(int64(c.at), "the pickle names the Python object %s, which has no place here", shorten(c.name))
}

// place is a value in the content of a file, and where it stands.
type place struct {
	path  string
	key   string // the last one of path
	value any
}

// maxStateDepth bounds how many keys lead to a state dict.
const maxStateDepth = 8

// findState sets state to the dict that is the state dict, unless there is none or
// nothing tells which of several it is. Of what lies equally deep, a usual key
// decides; what lies higher goes before what lies deeper. A dict whose tensors are
// all single numbers, such as losses, is a state dict if there is no other.
func (w *walker) findState(value any) error {
	level := []place{{value: value}}
	top, isDict := value.(*dict)
	var single *place // the highest dict of single numbers
	seen := map[any]bool{}
	for depth := 0; len(level) > 0 && depth <= maxStateDepth; depth++ {
		next, err := w.below(level, seen)
		if err != nil {
			return err
		}
		if depth == 0 && isDict && top.tensors {
			// The values of a state dict are tensors; beside a usual key with a state
			// dict they are something else.
			if best := bestState(next); best != nil {
				return w.useState(*best, next)
			}
		}
		var found []place
		for _, p := range level {
			switch {
			case !w.holdsState(p.value):
			case !onlyNumbers(p.value):
				found = append(found, p)
			case single == nil:
				single = &p
			}
		}
		if best := bestState(found); best != nil {
			return w.useState(*best, found)
		}
		if len(found) == 1 {
			return w.useState(found[0], nil)
		}
		if len(found) > 1 {
			for _, p := range found {
				if w.budget.Spend(int64(stringCost + len(p.path))) {
					w.statePaths = append(w.statePaths, p.path)
				}
			}
			return nil
		}
		level = next
	}
	if single != nil {
		return w.useState(*single, nil)
	}
	return nil
}

// below returns what lies one key deeper, each container once.
func (w *walker) below(level []place, seen map[any]bool) ([]place, error) {
	var next []place
	add := func(p place, key string, value any) error {
		switch value.(type) {
		case *dict, *list, *tuple, *object:
		default:
			return nil
		}
		if seen[value] {
			return nil
		}
		if err := w.spend(visitCost); err != nil {
			return err
		}
		seen[value] = true
		if d, ok := value.(*dict); ok && isOptimizer(d) {
			return nil
		}
		if o, ok := value.(*object); ok && o.items == nil && !w.holdsState(o) {
			return nil
		}
		path := key
		if p.path != "" {
			path = p.path + "." + key
		}
		const cost = 150 // in a growing list, and in the map
		if err := w.spend(int64(cost + len(path))); err != nil {
			return err
		}
		next = append(next, place{path, key, value})
		return nil
	}
	for _, p := range level {
		if w.holdsState(p.value) && !onlyNumbers(p.value) && p.path != "" {
			continue // what is in a state dict is a part of it
		}
		items := []any(nil)
		switch value := p.value.(type) {
		case *dict:
			for _, e := range value.entries {
				if isPlain(e.value) {
					continue
				}
				if err := add(p, keyText(e.key), e.value); err != nil {
					return nil, err
				}
			}
		case *object:
			if value.items != nil {
				if err := add(p, "items", value.items); err != nil {
					return nil, err
				}
			}
		case *list:
			items = value.items
		case *tuple:
			items = value.items
		}
		for i, item := range items {
			if isPlain(item) {
				continue
			}
			if err := add(p, strconv.Itoa(i), item); err != nil {
				return nil, err
			}
		}
	}
	return next, nil
}

// bestState returns the place of a state dict with the most telling key, nil if
// there is none or there are two of it.
func bestState(places []place) *place {
	for _, key := range stateKeys {
		var best *place
		count := 0
		for i := range places {
			if p := &places[i]; p.key == key && holdsState(p.value) {
				best, count = p, count+1
			}
		}
		if count == 1 {
			return best
		}
		if count > 1 {
			return nil
		}
	}
	return nil
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

// holdsState is the function holdsState, and knows the modules of a TorchScript
// program, too.
func (w *walker) holdsState(value any) bool {
	o, ok := value.(*object)
	return holdsState(value) || ok && w.script && o.state != nil && w.isOwnClass(o.class)
}

// onlyNumbers tells whether all tensors of a state dict have no dimension.
func onlyNumbers(value any) bool {
	d, ok := value.(*dict)
	if !ok {
		return false
	}
	for _, e := range d.entries {
		if e.named() && len(e.value.(*Tensor).Shape) > 0 {
			return false
		}
	}
	return true
}

// useState sets state to a value that is a state dict or a module. Others of the
// same kind that lie beside it are noted.
func (w *walker) useState(p place, beside []place) (err error) {
	w.statePath = p.path
	for _, other := range beside {
		if other.value != p.value && w.holdsState(other.value) && !onlyNumbers(other.value) && w.budget.Spend(int64(stringCost+len(other.path))) {
			w.statePaths = append(w.statePaths, other.path)
		}
	}
	if w.module, _ = p.value.(*object); w.module == nil {
		w.state = p.value.(*dict)
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
	script bool    // whether the file is a TorchScript program
	// statePath tells where the state dict lies, statePaths where others do.
	statePath  string
	statePaths []string
	layers     map[string]bool // quantised ones, see unpack
	leftOut    []LeftOut
	found      []Tensor
	names      map[string]bool
	// seen holds the containers that were walked: a pickle can refer to one
	// from many places, even from within itself.
	seen map[any]bool
}

// direct adds the tensors of a state dict, which is flat. Values that are no
// tensors, such as a layer's extra state, are passed over.
func (w *walker) direct(flat *dict) error {
	for _, e := range flat.entries {
		if e.named() {
			if err := w.add(e.value.(*Tensor), e.key.(string)); err != nil {
				return err
			}
		}
	}
	return nil
}

// isTaken tells whether direct has added what an entry of the state dict holds.
func (w *walker) isTaken(e entry) bool {
	if e.named() {
		return true
	}
	name, _ := e.key.(string)
	layer, part := splitPacked(name)
	return part != "" && w.layers[layer]
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
		if isOptimizer(value) { // whose settings are no news
			defer func(listed []LeftOut) { w.leftOut = listed }(w.leftOut)
		}
		for i, e := range value.entries {
			if value == w.state && w.isTaken(e) {
				continue
			}
			key := keyText(e.key)
			if !isPlain(e.key) {
				key = "[" + strconv.Itoa(i) + "]" // such as the parameter that an optimizer's state is of
			}
			listed := len(w.leftOut)
			if err := w.child(e.value, path, key, depth); err != nil {
				return err
			}
			for i := listed; value == w.state && i < len(w.leftOut); i++ {
				w.leftOut[i].InState = true
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
	case *unread:
		w.leave(path, value)
	case *class:
		w.leave(path, value)
	case *object:
		if first, err := w.visit(value); !first {
			return err
		}
		if !w.holdsState(value) {
			return w.inside(value, path, depth)
		}
		flat, err := w.stateDict(value)
		if err != nil || flat == w.state {
			return err
		}
		return w.walk(flat, path, depth)
	}
	return nil
}

// inside notes an object and walks what it holds. An object may be nested without
// end, as a list of one node after another is: what lies too deep is passed over.
func (w *walker) inside(o *object, path string, depth int) error {
	const most = maxDepth - 20
	w.leave(path, o)
	if depth > most {
		return nil
	}
	listed := w.leftOut
	var err error
	for _, part := range []any{o.state, o.items, o.elements, o.arguments, o.extra} {
		if err == nil && !isNil(part) {
			err = w.walk(part, path, depth+1)
		}
	}
	w.leftOut = listed // what is in it goes with it
	return err
}

func isNil(part any) bool {
	switch part := part.(type) {
	case *dict:
		return part == nil
	case *list:
		return part == nil
	case *tuple:
		return part == nil
	}
	return part == nil
}

func (w *walker) items(items []any, path string, depth int) error {
	if len(items) > 0 && !slices.ContainsFunc(items, func(item any) bool { return !isPlain(item) }) {
		w.leave(path, &list{items}) // a history of losses, say, is one thing
		return nil
	}
	for i, item := range items {
		if err := w.child(item, path, strconv.Itoa(i), depth); err != nil {
			return err
		}
	}
	return nil
}

// child walks a value inside a container, if tensors can be in it.
func (w *walker) child(value any, path, key string, depth int) error {
	if depth > 0 && path != "" {
		if err := w.spend(int64(len(path))); err != nil {
			return err
		}
		key = path + "." + key
	}
	if isPlain(value) {
		w.leave(key, value)
		return nil
	}
	if err := w.spend(int64(stringCost + len(key))); err != nil {
		return err
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
	if w.budget.Exhausted() {
		return w.fault("the content asks for more work than a file of this size may; it was made to deceive")
	}
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
	size := 4
	if !t.contiguous() {
		size = max(size, t.DType.Size()) // which Bytes copies
	}
	if err := w.spend(int64(size) * int64(t.Elements())); err != nil {
		return err
	}
	w.names[name] = true
	t.resolve()
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
