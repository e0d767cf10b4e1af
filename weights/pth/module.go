package pth

// This file takes the tensors out of a whole network that was pickled with
// torch.save(net), as its state_dict() would give them. Such a file names the
// network's classes, whose code is not in it. Nothing here looks for that code:
// a class stays a name, and an object is what the pickle says its attributes
// are. Names that are not in the allow-list are tolerated as parts of a
// torch.nn.Module and nowhere else, and even there none is called.

// class is a Python name that is not in the allow-list.
type class struct {
	name string
	at   int // where in the data the pickle names it
}

// object is what a pickle says of an object: the name of its class, and its
// attributes as far as they are a dict.
type object struct {
	class *class
	state *dict
	flat  *dict // what state_dict() returns, once it was asked for
}

// partialFunction is the one function that a network may keep the call of among
// its attributes: torchvision's do, to remember how to make layers.
const partialFunction = "functools.partial"

// object pushes an object of a class.
func (u *unpickler) object(c *class) error {
	const cost = 48
	if err := u.spend(cost); err != nil {
		return err
	}
	return u.push(&object{class: c})
}

// newObject notes an object of a class that is only a name. The arguments of
// its __new__ are of no use without it.
func (u *unpickler) newObject(op byte) error {
	arguments := 1
	if op == opNewObjEx {
		arguments = 2 // those with names in a dict
	}
	for range arguments {
		if _, err := u.pop(); err != nil {
			return err
		}
	}
	value, err := u.pop()
	if err != nil {
		return err
	}
	c, ok := value.(*class)
	if !ok {
		return u.fault("the pickle makes an object of %s, wanted a class", describe(value))
	}
	return u.object(c)
}

// setState notes an object's attributes: a dict, or a pair of one and of those
// in __slots__.
func (o *object) setState(state any) {
	if pair, ok := state.(*tuple); ok && len(pair.items) == 2 {
		state = pair.items[0]
	}
	o.state, _ = state.(*dict)
}

// The attributes of torch.nn.Module that hold what is in its state dict, and
// the names of those buffers that are not.
const (
	moduleParameters = "_parameters"
	moduleBuffers    = "_buffers"
	moduleChildren   = "_modules"
	moduleTransient  = "_non_persistent_buffers_set"
)

// isModule tells whether the object has the attributes of a torch.nn.Module.
func (o *object) isModule() bool {
	for _, name := range []string{moduleParameters, moduleBuffers, moduleChildren} {
		if _, ok := o.attribute(name).(*dict); !ok {
			return false
		}
	}
	return true
}

// attribute returns an attribute's value, nil if there is none.
func (o *object) attribute(name string) any {
	if o.state == nil {
		return nil
	}
	return o.state.get(name)
}

// stateDict returns what Module.state_dict() would: a module's parameters, its
// buffers, and then those of its children, whose names have the child's before
// them.
func (w *walker) stateDict(module *object) (*dict, error) {
	if module.flat == nil {
		flat := &dict{}
		if err := w.gather(flat, module, "", 0); err != nil {
			return nil, err
		}
		module.flat = flat
	}
	return module.flat, nil
}

func (w *walker) gather(flat *dict, module *object, prefix string, depth int) error {
	if depth > maxDepth {
		return w.fault("modules are nested more than %d deep", maxDepth)
	}
	transient := map[any]bool{}
	if names, ok := module.attribute(moduleTransient).(*list); ok {
		if err := w.spend(int64(visitCost * len(names.items))); err != nil {
			return err
		}
		for _, name := range names.items {
			if _, isName := name.(string); isName {
				transient[name] = true
			}
		}
	}
	for _, attribute := range []string{moduleParameters, moduleBuffers, moduleChildren} {
		for _, e := range module.attribute(attribute).(*dict).entries {
			name, isName := e.key.(string)
			if !isName {
				return w.fault("%s is a name in the %s of a module of the class %s", describe(e.key), attribute, shorten(module.class.name))
			}
			if e.value == nil || attribute == moduleBuffers && transient[name] {
				continue // such as the bias of a layer without one
			}
			if err := w.spend(int64(2*entryCost + visitCost + len(prefix) + len(name) + 1)); err != nil {
				return err
			}
			var err error
			if child, ok := e.value.(*object); ok && attribute == moduleChildren && child.isModule() {
				err = w.gather(flat, child, prefix+name+".", depth+1)
			} else if tensor, ok := e.value.(*Tensor); ok && attribute != moduleChildren {
				flat.add(entry{prefix + name, tensor})
			} else {
				err = w.fault("%s in the %s of a module of the class %s is %s", shorten(prefix+name), attribute, shorten(module.class.name), describe(e.value))
			}
			if err != nil {
				return err
			}
		}
	}
	return nil
}
