package pth

// This file takes the tensors out of a whole network that was pickled with
// torch.save(net), as its state_dict() would give them. Such a file names the
// network's classes, whose code is not in it. Nothing here looks for that code:
// a class stays a name, and an object is what the pickle says its attributes
// are.

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
		gather := w.gather
		if w.script {
			gather = w.gatherScript
		}
		if err := gather(flat, module, "", 0); err != nil {
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
	return w.gatherPacked(flat, module, prefix)
}
