package pth

import (
	"encoding/binary"
	"errors"
	"fmt"
	"strconv"
)

// readLegacy reads the format of PyTorch before 1.6, which is still written
// with _use_new_zipfile_serialization=False: five pickles one after another
// (magic number, protocol version, facts about the machine, the value, the
// list of storage keys), then for each key the number of elements as an int64
// and the elements. Everything is little-endian, whatever
// the machine was. See torch/serialization.py, _legacy_save.
func readLegacy(data []byte) (*File, error) {
	b := newBudget(int64(len(data)))
	at := len(legacyMagic)
	storages := map[string]*storage{}
	declare := func(dtype DType, key string, count int64) (*storage, error) {
		s := storages[key]
		if s == nil {
			const storageCost = 200 // with its place in the map
			if !b.Spend(storageCost + int64(len(key))) {
				return nil, errors.New("there are too many storages for a file of this size")
			}
			s = &storage{dtype: dtype, count: count}
			storages[key] = s
		}
		if s.dtype != dtype || s.count != count {
			return nil, fmt.Errorf("storage %s is said to hold %d elements of %s and, elsewhere, %d of %s", shorten(key), s.count, s.dtype, count, dtype)
		}
		return s, nil
	}
	next := func() (*pickled, error) {
		p, err := unpickle(data, at, b, declare)
		if err == nil {
			at = p.stop + 1
		}
		return p, err
	}
	// plain is next for a pickle that holds no network.
	plain := func() (any, error) {
		p, err := next()
		if err == nil && len(p.unknown) > 0 {
			err = p.unknown[0].refused()
		}
		if err != nil {
			return nil, err
		}
		return p.value, nil
	}
	const protocol = 1001
	version, err := plain()
	if number, isInt := version.(int64); err == nil && number != protocol {
		what := describe(version)
		if isInt {
			what = strconv.FormatInt(number, 10)
		}
		err = fault(int64(len(legacyMagic)), "the protocol of the legacy format is %s; wanted %d", what, protocol)
	}
	if err != nil {
		return nil, err
	}
	machine, err := plain()
	if err != nil {
		return nil, err
	}
	if _, ok := machine.(*dict); !ok {
		return nil, fault(int64(at), "the facts about the machine are %s; wanted a dict", describe(machine))
	}
	content, err := next()
	if err != nil {
		return nil, err
	}
	keys, err := plain()
	if err != nil {
		return nil, err
	}
	names, ok := keys.(*list)
	if !ok || len(names.items) != len(storages) {
		return nil, fault(int64(at), "the list of storages does not name the %d storages that are used", len(storages))
	}
	for _, item := range names.items {
		key, _ := item.(string)
		s := storages[key]
		if s == nil || s.data != nil {
			return nil, fault(int64(at), "the list of storages names %s, which is not used or was named before", shorten(key))
		}
		if len(data)-at < 8 {
			return nil, fault(int64(at), "the file ends before storage %s; it was cut short, copy or save it again", shorten(key))
		}
		count := int64(binary.LittleEndian.Uint64(data[at:]))
		at += 8
		left := int64(len(data)-at) / int64(s.dtype.Size())
		if count != s.count || count > left {
			return nil, fault(int64(at-8), "storage %s has %d elements of %s, wanted %d, and %d are left in the file; it is damaged or cut short", shorten(key), count, s.dtype, s.count, left)
		}
		end := at + int(count)*s.dtype.Size()
		s.data, s.order = data[at:end:end], binary.LittleEndian
		at = end
	}
	if at != len(data) {
		return nil, fault(int64(at), "%d bytes follow the last storage", len(data)-at)
	}
	file := &File{Format: "legacy"}
	_, err = file.collect(content, b)
	return file, err
}
