package pth

import (
	"bytes"
	"encoding/binary"
	"math"
	"unicode/utf8"
)

// Opcodes, with the names of Python's pickle module.
const (
	opMark            = '('
	opStop            = '.'
	opPop             = '0'
	opPopMark         = '1'
	opDup             = '2'
	opBinFloat        = 'G'
	opBinInt          = 'J'
	opBinInt1         = 'K'
	opBinInt2         = 'M'
	opNone            = 'N'
	opBinPersID       = 'Q'
	opReduce          = 'R'
	opBinString       = 'T'
	opShortBinString  = 'U'
	opBinUnicode      = 'X'
	opAppend          = 'a'
	opBuild           = 'b'
	opGlobal          = 'c'
	opAppends         = 'e'
	opBinGet          = 'h'
	opLongBinGet      = 'j'
	opBinPut          = 'q'
	opLongBinPut      = 'r'
	opSetItem         = 's'
	opTuple           = 't'
	opSetItems        = 'u'
	opEmptyDict       = '}'
	opEmptyList       = ']'
	opEmptyTuple      = ')'
	opBinBytes        = 'B'
	opShortBinBytes   = 'C'
	opProto           = 0x80
	opNewObj          = 0x81
	opTuple1          = 0x85
	opTuple2          = 0x86
	opTuple3          = 0x87
	opNewTrue         = 0x88
	opNewFalse        = 0x89
	opLong1           = 0x8a
	opShortBinUnicode = 0x8c
	opBinUnicode8     = 0x8d
	opBinBytes8       = 0x8e
	opEmptySet        = 0x8f
	opAddItems        = 0x90
	opFrozenSet       = 0x91
	opNewObjEx        = 0x92
	opStackGlobal     = 0x93
	opMemoize         = 0x94
	opFrame           = 0x95
	opInst            = 'i'
	opObj             = 'o'
	opExt1            = 0x82
	opExt2            = 0x83
	opExt4            = 0x84
	opLong4           = 0x8b
	opByteArray8      = 0x96
)

func (u *unpickler) step(op byte) error {
	switch op {
	case opMark:
		var err error
		u.marks, err = grow(u, u.marks, 1, 8)
		if err == nil {
			u.marks = append(u.marks, len(u.stack))
		}
		return err
	case opPop:
		// Python's pickler drops an unused MARK with POP, too.
		if n := len(u.marks); n > 0 && u.marks[n-1] == len(u.stack) {
			u.marks = u.marks[:n-1]
			return nil
		}
		_, err := u.pop()
		return err
	case opPopMark:
		_, err := u.popMark()
		return err
	case opDup:
		top, err := u.top()
		if err != nil {
			return err
		}
		return u.push(top)
	case opNone:
		return u.push(nil)
	case opNewTrue:
		return u.push(true)
	case opNewFalse:
		return u.push(false)
	case opBinInt, opBinInt1, opBinInt2, opLong1, opLong4, opBinFloat:
		return u.number(op)
	case opBinUnicode, opShortBinUnicode, opBinUnicode8, opBinString, opShortBinString,
		opBinBytes, opShortBinBytes, opBinBytes8, opByteArray8:
		return u.text(op)
	case opEmptyList, opEmptySet: // a set is the list of its elements
		return u.container(&list{}, 0)
	case opEmptyDict:
		return u.container(&dict{budget: u.budget}, 0)
	case opEmptyTuple, opTuple, opTuple1, opTuple2, opTuple3, opFrozenSet: // a frozenset is the tuple of its elements
		return u.tuple(op)
	case opAppend, opAppends, opAddItems:
		return u.appendItems(op)
	case opSetItem, opSetItems:
		return u.setItems(op)
	case opBinGet, opLongBinGet, opBinPut, opLongBinPut, opMemoize:
		return u.memory(op)
	case opFrame:
		length, err := u.length(8)
		if err == nil && length > uint64(len(u.data)-u.next) {
			err = u.fault("a frame of %d bytes is declared, %d are left", length, len(u.data)-u.next)
		}
		return err
	case opGlobal, opStackGlobal:
		return u.global(op)
	case opReduce:
		return u.reduce()
	case opNewObj, opNewObjEx:
		return u.newObject(op)
	case opInst, opObj:
		return u.instance(op)
	case opExt1, opExt2, opExt4:
		return u.extension(op)
	case opBuild:
		return u.build()
	case opBinPersID:
		return u.persistentID()
	}
	return u.fault("the pickle opcode %d (0x%02x) is not one that a state dict needs; in PyTorch save the weights alone with torch.save(net.state_dict(), path)", op, op)
}

func (u *unpickler) number(op byte) error {
	var value any
	switch op {
	case opBinFloat: // the one big-endian number of the format
		raw, err := u.take(8)
		if err != nil {
			return err
		}
		value = math.Float64frombits(binary.BigEndian.Uint64(raw))
	case opLong1, opLong4:
		size, err := u.length(map[byte]uint64{opLong1: 1, opLong4: 4}[op])
		if err != nil {
			return err
		}
		raw, err := u.take(size)
		if err != nil {
			return err
		}
		if size > 8 {
			if err := u.spend(stringCost + int(size)); err != nil {
				return err
			}
			return u.push(longInt(raw))
		}
		var number int64
		for i := len(raw) - 1; i >= 0; i-- {
			number = number<<8 | int64(raw[i])
		}
		if spare := 64 - 8*len(raw); spare < 64 {
			number = number << spare >> spare // extends the sign
		}
		value = number
	default:
		size := map[byte]uint64{opBinInt: 4, opBinInt1: 1, opBinInt2: 2}[op]
		raw, err := u.length(size)
		if err != nil {
			return err
		}
		value = int64(raw)
		if op == opBinInt {
			value = int64(int32(raw))
		}
	}
	if err := u.spend(numberCost); err != nil {
		return err
	}
	return u.push(value)
}

func (u *unpickler) text(op byte) error {
	size := uint64(4)
	switch op {
	case opShortBinUnicode, opShortBinString, opShortBinBytes:
		size = 1
	case opBinUnicode8, opBinBytes8, opByteArray8:
		size = 8
	}
	length, err := u.length(size)
	if err != nil {
		return err
	}
	raw, err := u.take(length)
	if err != nil {
		return err
	}
	if op == opBinBytes || op == opShortBinBytes || op == opBinBytes8 || op == opByteArray8 {
		return u.bytes(raw)
	}
	// BINSTRING is Python 2's str; PyTorch reads it as UTF-8 as well. What is none
	// is bytes, which an array's content was written as then.
	if !utf8.Valid(raw) {
		if op == opBinString || op == opShortBinString {
			return u.bytes(raw)
		}
		return u.fault("a text of %d bytes is not UTF-8", length)
	}
	if err := u.spend(stringCost + len(raw)); err != nil {
		return err
	}
	return u.push(string(raw))
}

// bytes pushes a part of the data.
func (u *unpickler) bytes(raw []byte) error {
	if err := u.spend(stringCost); err != nil {
		return err
	}
	return u.push(pyBytes(raw))
}

func (u *unpickler) tuple(op byte) error {
	var items []any
	if op == opTuple || op == opFrozenSet {
		var err error
		if items, err = u.popMark(); err != nil {
			return err
		}
	} else if op != opEmptyTuple {
		count := int(op-opTuple1) + 1
		for range count {
			if _, err := u.pop(); err != nil {
				return err
			}
		}
		items = u.stack[len(u.stack) : len(u.stack)+count]
	}
	if err := u.spend(objectCost + len(items)*itemCost); err != nil {
		return err
	}
	return u.push(&tuple{append([]any(nil), items...)})
}

// above returns the values that an opcode for one or many adds to the value
// below them, and that value.
func (u *unpickler) above(many bool, count int) (items []any, target any, err error) {
	if many {
		items, err = u.popMark()
	} else {
		for range count {
			if _, err = u.pop(); err != nil {
				return nil, nil, err
			}
		}
		items = u.stack[len(u.stack) : len(u.stack)+count]
	}
	if err == nil {
		target, err = u.top()
	}
	return items, target, err
}

func (u *unpickler) appendItems(op byte) error {
	items, target, err := u.above(op != opAppend, 1)
	if err != nil {
		return err
	}
	l, ok := target.(*list)
	if o, isObject := target.(*object); isObject { // a list of the author's own kind
		l, err = u.listOf(o)
		if err != nil {
			return err
		}
		ok = true
	}
	if !ok {
		return u.fault("the pickle appends to %s, which is no list", describe(target))
	}
	if l.items, err = grow(u, l.items, len(items), itemCost); err != nil {
		return err
	}
	l.items = append(l.items, items...)
	return nil
}

func (u *unpickler) setItems(op byte) error {
	items, target, err := u.above(op == opSetItems, 2)
	if err != nil {
		return err
	}
	d, ok := target.(*dict)
	if o, isObject := target.(*object); isObject { // a dict of the author's own kind
		d, err = u.dictOf(o)
		if err != nil {
			return err
		}
		ok = true
	}
	if !ok {
		return u.fault("the pickle sets an item of %s, which is no dict", describe(target))
	}
	if len(items)%2 != 0 {
		return u.fault("the pickle sets a key of a dict without a value")
	}
	if d.entries, err = grow(u, d.entries, len(items)/2, entryCost); err != nil {
		return err
	}
	for i := 0; i < len(items); i += 2 {
		switch items[i].(type) {
		case *dict, *list:
			return u.fault("%s is the key of a dict", describe(items[i]))
		}
		d.add(entry{items[i], items[i+1]})
	}
	return nil
}

// memory stores the top of the stack under a number or fetches it again.
// Python's and PyTorch's picklers number what they store from 0 without gaps,
// Python 2's from 1; holding them to it keeps a huge number from being a huge
// table.
func (u *unpickler) memory(op byte) error {
	index := uint64(len(u.memo))
	if op != opMemoize {
		size := uint64(1)
		if op == opLongBinGet || op == opLongBinPut {
			size = 4
		}
		var err error
		if index, err = u.length(size); err != nil {
			return err
		}
	}
	if op == opBinGet || op == opLongBinGet {
		if index >= uint64(len(u.memo)) {
			return u.fault("the pickle fetches value %d of its memo, which holds %d", index, len(u.memo))
		}
		return u.push(u.memo[index])
	}
	top, err := u.top()
	if err != nil {
		return err
	}
	if index == 1 && len(u.memo) == 0 {
		if u.memo, err = grow(u, u.memo, 1, itemCost); err != nil {
			return err
		}
		u.memo = append(u.memo, nil)
	}
	if index > uint64(len(u.memo)) {
		return u.fault("the pickle stores value %d in its memo, which holds only %d", index, len(u.memo))
	}
	if index < uint64(len(u.memo)) {
		u.memo[index] = top
		return nil
	}
	if u.memo, err = grow(u, u.memo, 1, itemCost); err == nil {
		u.memo = append(u.memo, top)
	}
	return err
}

// line returns the text up to the next line feed.
func (u *unpickler) line() (string, error) {
	const most = 255 // no name in the allow-list is near that
	rest := u.data[u.next:]
	rest = rest[:min(len(rest), most+1)]
	end := bytes.IndexByte(rest, '\n')
	if end < 0 {
		return "", u.fault("a name does not end within %d bytes", most)
	}
	u.next += end + 1
	if err := u.spend(stringCost + end); err != nil {
		return "", err
	}
	return string(rest[:end]), nil
}
