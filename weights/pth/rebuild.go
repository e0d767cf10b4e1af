package pth

import (
	"fmt"
	"math"
	"strconv"
)

// global is a Python name that this package knows: a class or a function that
// it acts for, with Go code of its own. There is no other, and nothing adds one.
type global struct {
	name string
	kind globalKind
	// dtype belongs to a storage class, whose elements it is of, and to the name
	// of a dtype.
	dtype DType
	// what is the kind of tensor that is not read.
	what string
}

type globalKind int

const (
	orderedDict globalKind = iota
	defaultDict
	rebuildTensor
	rebuildTyped // a tensor whose dtype stands beside its storage
	rebuildParameter
	storageClass
	collection // a set or tuple made of one list or tuple
	device
	plainName // stands for itself, as torch.float32
	newArray
	newElementType
	encodeText
	rebuildQuantised
	rebuildSubclass // a tensor by another function of the list, for a class of its own
	rebuildUnread   // a tensor of a kind that is not read
	layout
	typed // a value with the name of its type
	scalarNumber
)

// globals is the allow-list.
var globals = allowed()

func allowed() map[string]*global {
	names := map[string]*global{
		"collections.OrderedDict":                    {kind: orderedDict},
		"collections.defaultdict":                    {kind: defaultDict},
		"torch._utils._rebuild_tensor_v2":            {kind: rebuildTensor},
		"torch._utils._rebuild_tensor_v3":            {kind: rebuildTyped},
		"torch._utils._rebuild_parameter":            {kind: rebuildParameter},
		"torch._utils._rebuild_parameter_with_state": {kind: rebuildParameter},
		"torch._utils._rebuild_qtensor":              {kind: rebuildQuantised},
		"torch._tensor._rebuild_from_type_v2":        {kind: rebuildSubclass},
		"torch.serialization._get_layout":            {kind: layout},
		"torch.jit._pickle.restore_type_tag":         {kind: typed},
		"torch.Size":                                 {kind: collection},
		"torch.device":                               {kind: device},
	}
	for _, name := range []string{"tensorlist", "intlist", "doublelist", "boollist"} {
		names["torch.jit._pickle.build_"+name] = &global{kind: collection}
	}
	for _, name := range []string{
		"per_tensor_affine", "per_channel_affine", "per_channel_affine_float_qparams",
		"strided", "sparse_coo", "sparse_csr", "sparse_csc", "sparse_bsr", "sparse_bsc", "jagged",
	} {
		names["torch."+name] = &global{kind: plainName}
	}
	for name, what := range map[string]string{
		"_rebuild_sparse_tensor": "a sparse tensor", "_rebuild_sparse_csr_tensor": "a sparse tensor",
		"_rebuild_nested_tensor": "a nested tensor", "_rebuild_mkldnn_tensor": "a tensor in MKL-DNN's layout",
		"_rebuild_meta_tensor_no_storage":        "a tensor without data (of the device meta)",
		"_rebuild_device_tensor_from_numpy":      "a tensor of a device of its own",
		"_rebuild_device_tensor_from_cpu_tensor": "a tensor of a device of its own",
		"_rebuild_xla_tensor":                    "a tensor of a device of its own", "_rebuild_wrapper_subclass": "a tensor of a class of its own",
	} {
		names["torch._utils."+name] = &global{kind: rebuildUnread, what: what}
	}
	for _, module := range []string{"numpy.core.multiarray", "numpy._core.multiarray"} { // before NumPy 2 and since
		names[module+".scalar"] = &global{kind: scalarNumber}
	}
	names["numpy.dtype"] = &global{kind: newElementType}
	names["_codecs.encode"] = &global{kind: encodeText}
	for _, module := range []string{"builtins", "__builtin__"} { // Python 3's name and 2's
		names[module+".set"] = &global{kind: collection}
		names[module+".frozenset"] = &global{kind: collection}
	}
	for dtype := Float32; dtype.valid(); dtype++ {
		if class := dtypes[dtype].storage; class != "" {
			names["torch."+class] = &global{kind: storageClass, dtype: dtype}
		}
		names["torch."+dtypes[dtype].name] = &global{kind: plainName, dtype: dtype}
	}
	// A storage of bytes, of what type is said elsewhere.
	names["torch.storage.UntypedStorage"] = &global{kind: storageClass, dtype: Uint8}
	for name, g := range names {
		g.name = name
	}
	return names
}

func (u *unpickler) global(op byte) error {
	var module, name string
	if op == opGlobal {
		var err error
		if module, err = u.line(); err != nil {
			return err
		}
		if name, err = u.line(); err != nil {
			return err
		}
	} else {
		second, err := u.pop()
		if err != nil {
			return err
		}
		first, err := u.pop()
		if err != nil {
			return err
		}
		var isModule, isName bool
		module, isModule = first.(string)
		name, isName = second.(string)
		if !isModule || !isName {
			return u.fault("STACK_GLOBAL wants two str, got %s and %s", describe(first), describe(second))
		}
	}
	const most = 255
	if len(module) > most || len(name) > most {
		return u.fault("a name of %d bytes is too long", len(module)+len(name))
	}
	full := module + "." + name
	known := globals
	if u.arrays {
		known = arrayGlobals
	}
	if g, ok := known[full]; ok {
		return u.push(g)
	}
	c, err := u.name(full)
	if err != nil {
		return err
	}
	return u.push(c)
}

// reduce acts for a function of the allow-list, given a tuple of arguments.
func (u *unpickler) reduce() error {
	arguments, err := u.pop()
	if err != nil {
		return err
	}
	function, err := u.pop()
	if err != nil {
		return err
	}
	args, isTuple := arguments.(*tuple)
	if isTuple {
		switch function := function.(type) {
		case *class:
			return u.call(function, args)
		case *object: // what a call would return is called
			return u.call(function.class, args)
		}
	}
	g, ok := function.(*global)
	if !ok || !isTuple {
		return u.fault("the pickle calls %s with %s, wanted an allowed function and a tuple", describe(function), describe(arguments))
	}
	switch g.kind {
	case orderedDict:
		return u.orderedDict(args.items)
	case defaultDict: // of the function that makes missing values
		return u.container(&dict{budget: u.budget}, 0)
	case rebuildTensor:
		return u.rebuildTensor(args.items)
	case rebuildTyped:
		return u.rebuildTyped(args.items)
	case rebuildParameter:
		// data, requires_grad, backward_hooks and maybe attributes: a parameter
		// is its tensor.
		if len(args.items) == 3 || len(args.items) == 4 {
			switch t := args.items[0].(type) {
			case *Tensor, *unread:
				return u.push(t)
			}
		}
		return u.fault("_rebuild_parameter wants a tensor and 2 or 3 more arguments, got %d arguments", len(args.items))
	case collection:
		return u.collection(g, args.items)
	case device: // ("cuda", 0)
		return u.push(args)
	case newArray:
		return u.container(&Array{}, 0)
	case newElementType:
		return u.elementType(args.items)
	case encodeText:
		return u.encode(args.items)
	case scalarNumber:
		return u.scalar(g, args.items)
	case rebuildQuantised:
		return u.rebuildQuantised(args.items)
	case rebuildUnread:
		return u.unread("%s", g.what)
	case layout: // ("torch.sparse_coo",)
		return u.push(args)
	case typed: // (value, type)
		if len(args.items) == 2 {
			return u.push(args.items[0])
		}
	case rebuildSubclass:
		// function, class, arguments, attributes: the tensor is that of the function.
		if len(args.items) == 4 {
			if inner, ok := args.items[0].(*global); ok && inner.kind != rebuildSubclass && inner.isTensor() {
				if err := u.push(inner); err != nil {
					return err
				}
				if err := u.push(args.items[2]); err != nil {
					return err
				}
				return u.reduce()
			}
		}
		return u.unread("a tensor of a class of its own")
	}
	return u.fault("the pickle calls %s, which is no function", g.name)
}

// isTensor tells whether the name is that of a function that makes a tensor.
func (g *global) isTensor() bool {
	switch g.kind {
	case rebuildTensor, rebuildTyped, rebuildParameter, rebuildQuantised, rebuildUnread:
		return true
	}
	return false
}

// unread pushes a placeholder for a tensor of a kind that is not read.
func (u *unpickler) unread(format string, arguments ...any) error {
	const cost = 64
	if err := u.spend(cost); err != nil {
		return err
	}
	return u.push(&unread{fmt.Sprintf(format, arguments...)})
}

// collection makes a set, as the list of its elements, or a torch.Size, as a
// tuple, from nothing or from one list or tuple, which it shares.
func (u *unpickler) collection(g *global, args []any) error {
	if len(args) == 0 {
		return u.container(&list{}, 0)
	}
	switch args[0].(type) {
	case *list, *tuple:
		if len(args) == 1 {
			return u.push(args[0])
		}
	}
	return u.fault("%s wants no argument or a list or tuple, got %s", g.name, describe(args[0]))
}

// orderedDict makes an OrderedDict from nothing or, as Python 2 wrote it, from
// a list of pairs.
func (u *unpickler) orderedDict(args []any) error {
	d := &dict{budget: u.budget}
	if err := u.container(d, 0); err != nil || len(args) == 0 {
		return err
	}
	pairs, ok := args[0].(*list)
	if !ok || len(args) != 1 {
		return u.fault("OrderedDict wants no argument or a list of pairs, got %d arguments", len(args))
	}
	if err := u.spend(len(pairs.items) * entryCost); err != nil {
		return err
	}
	d.entries = make([]entry, 0, len(pairs.items))
	for _, pair := range pairs.items {
		l, ok := pair.(*list)
		if !ok || len(l.items) != 2 {
			return u.fault("OrderedDict wants pairs of a key and a value, got %s", describe(pair))
		}
		if _, ok := l.items[0].(string); !ok {
			return u.fault("%s is the key of an OrderedDict", describe(l.items[0]))
		}
		d.add(entry{l.items[0], l.items[1]})
	}
	return nil
}

// build sets the attributes of an object. A state dict has one, _metadata with
// the versions of the layers, which loading weights does not need.
func (u *unpickler) build() error {
	state, err := u.pop()
	if err != nil {
		return err
	}
	target, err := u.top()
	if err != nil {
		return err
	}
	switch target := target.(type) {
	case *object:
		target.setState(state)
		return nil
	case *Array:
		return u.fillArray(target, state)
	case *elementType:
		target.setState(state)
		return nil
	case *unread:
		return nil
	}
	_, isDict := target.(*dict)
	_, isState := state.(*dict)
	if !isDict || !isState {
		return u.fault("the pickle sets attributes of %s to %s; only an OrderedDict may have attributes, in a dict", describe(target), describe(state))
	}
	return nil
}

// persistentID resolves ("storage", class, key, location, count), to which the
// legacy format adds a view that PyTorch has long written as None.
func (u *unpickler) persistentID() error {
	value, err := u.pop()
	if err != nil {
		return err
	}
	if u.storage == nil {
		return u.fault("the pickle refers to something outside of it")
	}
	id, ok := value.(*tuple)
	if ok && len(id.items) == 4 && id.items[0] == "module" {
		// The legacy format keeps the source of a module's class beside it:
		// ("module", class, file, source).
		if c, ok := id.items[1].(*class); ok {
			return u.push(c)
		}
	}
	if !ok || len(id.items) < 5 || len(id.items) > 6 || id.items[0] != "storage" {
		return u.fault(`a persistent id wants ("storage", class, key, location, count), got %s`, describe(value))
	}
	storageType, isClass := id.items[1].(*global)
	key, isKey := id.items[2].(string)
	_, isLocation := id.items[3].(string)
	count, isCount := id.items[4].(int64)
	if !isClass || storageType.kind != storageClass || !isKey || !isLocation || !isCount {
		return u.fault("a persistent id wants a storage class, two str and an int, got %s, %s, %s and %s",
			describe(id.items[1]), describe(id.items[2]), describe(id.items[3]), describe(id.items[4]))
	}
	if len(id.items) == 6 && id.items[5] != nil {
		return u.fault("storage %s is a view of another storage, as PyTorch before 0.4 wrote; load and save the file with a newer PyTorch", shorten(key))
	}
	if count < 0 || count > math.MaxInt64/16 {
		return u.fault("storage %s declares %d elements", shorten(key), count)
	}
	const longestKey = 255 // PyTorch's are short numbers
	if len(key) > longestKey {
		return u.fault("a storage has a name of %d bytes, wanted at most %d", len(key), longestKey)
	}
	s, err := u.storage(storageType.dtype, key, count)
	if err != nil {
		return u.fault("%v", err)
	}
	return u.push(s)
}

// rebuildTensor acts for torch._utils._rebuild_tensor_v2(storage,
// storage_offset, size, stride, requires_grad, backward_hooks, metadata=None).
func (u *unpickler) rebuildTensor(args []any) error {
	switch len(args) {
	case 6:
		return u.tensor(args, 0, nil)
	case 7:
		return u.tensor(args, 0, args[6])
	}
	return u.fault("_rebuild_tensor_v2 wants 6 or 7 arguments, got %d", len(args))
}

// rebuildTyped acts for torch._utils._rebuild_tensor_v3, whose arguments are
// those of _rebuild_tensor_v2 with a dtype before the metadata.
func (u *unpickler) rebuildTyped(args []any) error {
	if len(args) == 7 || len(args) == 8 {
		if g, ok := args[6].(*global); ok && g.kind == plainName && g.dtype.valid() {
			var metadata any
			if len(args) == 8 {
				metadata = args[7]
			}
			return u.tensor(args, g.dtype, metadata)
		}
	}
	return u.fault("_rebuild_tensor_v3 wants 7 or 8 arguments with a dtype as the seventh, got %d", len(args))
}

// tensor makes a tensor of a storage, an offset, a size and strides, with which
// args begins. The dtype is the storage's if it is 0; else the storage is one of
// bytes.
func (u *unpickler) tensor(args []any, dtype DType, metadata any) error {
	s, isStorage := args[0].(*storage)
	offset, isOffset := args[1].(int64)
	size, isSize := args[2].(*tuple)
	stride, isStride := args[3].(*tuple)
	if !isStorage || !isOffset || !isSize || !isStride {
		return u.fault("a tensor wants a storage, an int and two tuples, got %s, %s, %s and %s",
			describe(args[0]), describe(args[1]), describe(args[2]), describe(args[3]))
	}
	const mostDimensions = 64 // PyTorch's own limit
	dimensions := len(size.items)
	if dimensions != len(stride.items) || dimensions > mostDimensions {
		return u.fault("a tensor has %d dimensions and %d strides; wanted the same number, at most %d", dimensions, len(stride.items), mostDimensions)
	}
	const tensorCost = 160
	if err := u.spend(tensorCost + 16*dimensions); err != nil {
		return err
	}
	available := s.count
	if dtype == 0 {
		dtype = s.dtype
	} else if s.dtype != Uint8 {
		return u.fault("a tensor of %s is on a storage of %s, wanted one of bytes", dtype, s.dtype)
	} else {
		available /= int64(dtype.Size())
	}
	if metadata != nil {
		// The conjugate and negative bits, which would change the values.
		if d, ok := metadata.(*dict); !ok || len(d.entries) > 0 {
			return u.unread("a tensor with the lazy conjugate or negative bit set (save tensor.resolve_neg())")
		}
	}
	if !dtype.plain() && !dtype.quantised() {
		return u.unread("a tensor of complex numbers (%s)", dtype)
	}
	t := &Tensor{DType: dtype, storage: s, Shape: make([]int, dimensions), stride: make([]int, dimensions)}
	for i := range dimensions {
		n, isInt := size.items[i].(int64)
		step, isStep := stride.items[i].(int64)
		if !isInt || !isStep {
			return u.fault("dimension %d of a tensor is %s with stride %s, wanted two int", i, describe(size.items[i]), describe(stride.items[i]))
		}
		if n < 0 || step < 0 || int64(int(n)) != n || int64(int(step)) != step {
			return u.fault("dimension %d of a tensor is %d with stride %d; wanted numbers from 0", i, n, step)
		}
		t.Shape[i], t.stride[i] = int(n), int(step)
	}
	count, err := elements(t.Shape)
	if err != nil {
		return u.fault("a tensor's %v", err)
	}
	if offset < 0 || offset > available {
		return u.fault("a tensor starts at element %d of a storage of %d", offset, available)
	}
	t.offset = int(offset)
	if count > 0 {
		last := offset
		for i, n := range t.Shape {
			if n > 1 && int64(t.stride[i]) > (available-1-last)/int64(n-1) {
				return u.fault("a tensor of shape %v and strides %v from element %d reaches past the end of its storage of %d elements", t.Shape, t.stride, offset, available)
			}
			if n > 1 {
				last += int64(n-1) * int64(t.stride[i])
			}
		}
		if last >= available {
			return u.fault("a tensor of shape %v from element %s reaches past the end of its storage of %d elements", t.Shape, strconv.FormatInt(offset, 10), available)
		}
	}
	return u.push(t)
}
