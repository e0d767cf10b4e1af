package pth

import (
	"fmt"
	"slices"
)

// This file keeps what a pickle holds beside tensors: objects of any class, and
// what calls of any function would return. Nothing is looked up and nothing is
// called. A placeholder remembers the name and what the pickle says of it, which
// is data like any other: tensors in it are found, and the rest can be listed.

// class is a Python name that is not in the allow-list.
type class struct {
	name string
	at   int // where in the data the pickle names it
}

// object stands for an object of a class, or for what a call would return.
type object struct {
	class *class
	// called tells that the pickle calls the name as a function, with arguments.
	called bool
	// arguments are those of the call or of the class's __new__.
	arguments *tuple
	state     *dict // its attributes, as far as they are a dict
	extra     any   // those that are none, such as what __getstate__ returned
	items     *dict // what it holds if it is a dict of the author's own kind
	elements  *list // what it holds if it is a list
	flat      *dict // what state_dict() returns, once it was asked for
}

// unread stands for a tensor that is of a kind which cannot be read.
type unread struct{ what string }

// what says in Python's words what the placeholder stands for.
func (o *object) what() string {
	name := shorten(o.class.name)
	switch {
	case o.called && slices.Contains(arrayFunctions, o.class.name):
		return "a NumPy array"
	case o.called && isClassName(o.class.name):
		return "an object of the class " + name // that made it by __reduce__
	case o.called:
		return "what a call of " + name + " would return"
	}
	return "an object of the class " + name
}

// arrayFunctions are those that NumPy's arrays are pickled as calls of, before
// NumPy 2 and since.
var arrayFunctions = []string{
	"numpy.core.multiarray._reconstruct", "numpy._core.multiarray._reconstruct",
	"numpy.core.numeric._frombuffer", "numpy._core.numeric._frombuffer",
}

// isClassName tells whether a name looks like that of a class, as PEP 8 has it.
func isClassName(name string) bool {
	for i := len(name) - 1; i >= 0; i-- {
		if name[i] == '.' {
			return i+1 < len(name) && name[i+1] >= 'A' && name[i+1] <= 'Z'
		}
	}
	return false
}

// name returns the class of a name that is not in the allow-list.
func (u *unpickler) name(full string) (*class, error) {
	if c := u.classes[full]; c != nil {
		return c, nil
	}
	const cost = 200 // with its place in the map and the list
	if err := u.spend(cost + len(full)); err != nil {
		return nil, err
	}
	if u.classes == nil {
		u.classes = map[string]*class{}
	}
	c := &class{name: full, at: u.at}
	u.classes[full] = c
	u.unknown = append(u.unknown, c)
	return c, nil
}

// object pushes a placeholder.
func (u *unpickler) object(o *object) error {
	const cost = 112
	if err := u.spend(cost); err != nil {
		return err
	}
	return u.push(o)
}

// call notes what a call would return.
func (u *unpickler) call(c *class, arguments *tuple) error {
	return u.object(&object{class: c, called: true, arguments: arguments})
}

// newObject notes an object of a class that is only a name, with the arguments of
// its __new__.
func (u *unpickler) newObject(op byte) error {
	if op == opNewObjEx {
		if _, err := u.pop(); err != nil { // the arguments that have names
			return err
		}
	}
	arguments, err := u.pop()
	if err != nil {
		return err
	}
	value, err := u.pop()
	if err != nil {
		return err
	}
	given, _ := arguments.(*tuple)
	switch value := value.(type) {
	case *class:
		return u.object(&object{class: value, arguments: given})
	case *global:
		return u.object(&object{class: &class{name: value.name, at: u.at}, arguments: given})
	case *object: // a class that a call would make, as cloudpickle has it
		return u.object(&object{class: value.class, arguments: given})
	}
	return u.fault("the pickle makes an object of %s, wanted a class", describe(value))
}

// instance notes an object as Python 2 writes it: INST names a class and OBJ takes
// it from above the MARK, where the arguments follow.
func (u *unpickler) instance(op byte) error {
	var value any
	if op == opInst {
		module, err := u.line()
		if err != nil {
			return err
		}
		name, err := u.line()
		if err != nil {
			return err
		}
		if value, err = u.name(module + "." + name); err != nil {
			return err
		}
	}
	items, err := u.popMark()
	if err != nil {
		return err
	}
	if op == opObj {
		if len(items) == 0 {
			return u.fault("the pickle makes an object of nothing, wanted a class")
		}
		value, items = items[0], items[1:]
	}
	c, ok := value.(*class)
	if !ok {
		return u.fault("the pickle makes an object of %s, wanted a class", describe(value))
	}
	if err := u.spend(objectCost + len(items)*itemCost); err != nil {
		return err
	}
	return u.object(&object{class: c, arguments: &tuple{append([]any(nil), items...)}})
}

// extension notes a name that stands in Python's registry of extensions, which is
// not looked at.
func (u *unpickler) extension(op byte) error {
	size := map[byte]uint64{opExt1: 1, opExt2: 2, opExt4: 4}[op]
	number, err := u.length(size)
	if err != nil {
		return err
	}
	c, err := u.name(fmt.Sprintf("copyreg.extension_%d", number))
	if err != nil {
		return err
	}
	return u.push(c)
}

// setState notes an object's attributes: a dict, or a pair of one and of those
// in __slots__.
func (o *object) setState(state any) {
	o.extra = state
	if pair, ok := state.(*tuple); ok && len(pair.items) == 2 {
		state = pair.items[0]
	}
	if d, ok := state.(*dict); ok {
		o.state, o.extra = d, nil
	}
}

// dictOf returns the dict of an object whose class is a kind of dict, listOf the
// list.
func (u *unpickler) dictOf(o *object) (*dict, error) {
	if o.items == nil {
		if err := u.spend(objectCost); err != nil {
			return nil, err
		}
		o.items = &dict{budget: u.budget}
	}
	return o.items, nil
}

func (u *unpickler) listOf(o *object) (*list, error) {
	if o.elements == nil {
		if err := u.spend(objectCost); err != nil {
			return nil, err
		}
		o.elements = &list{}
	}
	return o.elements, nil
}
