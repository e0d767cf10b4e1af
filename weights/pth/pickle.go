package pth

import "encoding/binary"

// The values of a pickle are Go's bool, int64, float64 and string, nil for
// None, and the types below. Nothing else is ever constructed: a class or a
// function is its name, an object the name of its class and what the pickle says
// of it, and what a call would return the name of what is called.
type (
	list  struct{ items []any }
	tuple struct{ items []any }
	// dict keeps the order of its entries, as Python's dict and OrderedDict do.
	dict struct {
		entries []entry
		tensors bool    // whether a tensor has a str for its key
		budget  *budget // that looking through the entries is counted by
	}
	entry struct{ key, value any }
	// longInt is an integer beyond 64 bits, as little-endian two's complement.
	longInt string
	pyBytes []byte
)

// add appends an entry, for which there must be room.
func (d *dict) add(e entry) {
	d.entries = append(d.entries, e)
	d.tensors = d.tensors || e.named()
}

// named tells whether the entry is one of a state dict: a name and a tensor.
func (e entry) named() bool {
	_, isName := e.key.(string)
	_, isTensor := e.value.(*Tensor)
	return isName && isTensor
}

// Sizes in memory that a budget is charged for.
const (
	objectCost = 32 // a list, tuple or dict and the interface to it
	itemCost   = 16 // one interface value in a slice
	entryCost  = 32 // one entry in a dict
	numberCost = 8  // a number behind an interface value
	stringCost = 24 // the header of a string behind an interface value
)

// unpickler runs the few opcodes of Python's pickle machine that a state dict
// needs. The opcodes and their meaning are those of Python's
// Lib/pickletools.py, protocols 2 to 5.
type unpickler struct {
	data   []byte
	at     int // of the opcode in hand
	next   int // of the next byte
	stack  []any
	marks  []int // heights of the stack where a MARK lies
	memo   []any
	budget *budget
	// storage gives the storage that a persistent id names.
	storage func(dtype DType, key string, count int64) (*storage, error)
	// arrays tells that the names of NumPy are allowed, in place of PyTorch's.
	arrays bool
	// unknown are the names that are not in the allow-list, classes the same by
	// their names.
	unknown []*class
	classes map[string]*class
}

// pickled is what a pickle holds.
type pickled struct {
	value any
	stop  int // where in the data STOP stands, the last opcode
	// unknown are the names in the pickle that are not in the allow-list, each
	// once, in their order.
	unknown []*class
}

// unpickle runs the pickle that starts at a place in data. Errors have offsets
// in data.
func unpickle(data []byte, start int, b *budget, load func(DType, string, int64) (*storage, error)) (*pickled, error) {
	u := &unpickler{data: data, at: start, next: start, budget: b, storage: load}
	return u.run()
}

// run runs the pickle that begins at the next byte.
func (u *unpickler) run() (*pickled, error) {
	op, err := u.take(2)
	if err != nil {
		return nil, err
	}
	if op[0] != opProto {
		return nil, u.fault("a pickle of protocol 2 or later starts with byte 0x80, got 0x%02x", op[0])
	}
	if op[1] < 2 || op[1] > 5 {
		return nil, fault(int64(u.at)+1, "pickle protocol %d is unknown; protocols 2 to 5 can be read", op[1])
	}
	for {
		u.at = u.next
		op, err := u.take(1)
		if err != nil {
			return nil, u.fault("the pickle ends without STOP")
		}
		if op[0] == opStop {
			value, err := u.pop()
			if err != nil {
				return nil, err
			}
			if len(u.stack) > 0 || len(u.marks) > 0 {
				return nil, u.fault("%d values are left over at the end of the pickle", len(u.stack))
			}
			return &pickled{value: value, stop: u.at, unknown: u.unknown}, nil
		}
		if err := u.step(op[0]); err != nil {
			return nil, err
		}
	}
}

func (u *unpickler) fault(format string, arguments ...any) error {
	return fault(int64(u.at), format, arguments...)
}

func (u *unpickler) spend(bytes int) error {
	if u.budget.Exhausted() {
		return u.fault("the pickle asks for more work than a file of this size may; it was made to deceive")
	}
	if !u.budget.Spend(int64(bytes)) {
		return u.fault("the pickle asks for more memory than a file of this size may take (%d bytes)", u.budget.All())
	}
	return nil
}

// grow makes room for more elements of the given size, paid for.
func grow[T any](u *unpickler, s []T, more, size int) ([]T, error) {
	if len(s)+more <= cap(s) {
		return s, nil
	}
	room := max(2*cap(s), len(s)+more, 4)
	if err := u.spend(room * size); err != nil {
		return s, err
	}
	return append(make([]T, 0, room), s...), nil
}

func (u *unpickler) push(value any) error {
	var err error
	u.stack, err = grow(u, u.stack, 1, itemCost)
	if err == nil {
		u.stack = append(u.stack, value)
	}
	return err
}

// container pushes a value that takes room for itself and count items.
func (u *unpickler) container(value any, count int) error {
	if err := u.spend(objectCost + count*itemCost); err != nil {
		return err
	}
	return u.push(value)
}

// top returns the value on the stack above the last MARK.
func (u *unpickler) top() (any, error) {
	floor := 0
	if len(u.marks) > 0 {
		floor = u.marks[len(u.marks)-1]
	}
	if len(u.stack) <= floor {
		return nil, u.fault("the pickle takes a value from an empty stack")
	}
	return u.stack[len(u.stack)-1], nil
}

func (u *unpickler) pop() (any, error) {
	value, err := u.top()
	if err == nil {
		u.stack = u.stack[:len(u.stack)-1]
	}
	return value, err
}

// popMark returns what lies above the last MARK, valid until the next push.
func (u *unpickler) popMark() ([]any, error) {
	if len(u.marks) == 0 {
		return nil, u.fault("the pickle goes back to a MARK that is not there")
	}
	mark := u.marks[len(u.marks)-1]
	u.marks = u.marks[:len(u.marks)-1]
	items := u.stack[mark:]
	u.stack = u.stack[:mark]
	return items, nil
}

// take returns the next count bytes of the pickle.
func (u *unpickler) take(count uint64) ([]byte, error) {
	if left := uint64(len(u.data) - u.next); count > left {
		return nil, u.fault("the pickle wants %d more bytes, %d are left", count, left)
	}
	taken := u.data[u.next : u.next+int(count)]
	u.next += int(count)
	return taken, nil
}

// length reads an unsigned little-endian number of 1, 2, 4 or 8 bytes.
func (u *unpickler) length(size uint64) (uint64, error) {
	raw, err := u.take(size)
	if err != nil {
		return 0, err
	}
	var padded [8]byte
	copy(padded[:], raw)
	return binary.LittleEndian.Uint64(padded[:]), nil
}

// describe names the kind of a value in Python's words.
func describe(value any) string {
	switch value := value.(type) {
	case nil:
		return "None"
	case bool:
		return "a bool"
	case int64, longInt:
		return "an int"
	case float64:
		return "a float"
	case string:
		return "a str"
	case pyBytes:
		return "bytes"
	case *list:
		return "a list"
	case *tuple:
		return "a tuple"
	case *dict:
		return "a dict"
	case *Tensor:
		return "a tensor"
	case *storage:
		return "a storage"
	case *Array:
		return "an array"
	case *elementType:
		return "the type of an array"
	case *unread:
		return value.what
	case *global:
		return "the name " + value.name
	case *class:
		return "the name " + shorten(value.name)
	case *object:
		return value.what()
	}
	return "an unknown value"
}
