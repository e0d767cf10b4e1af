package pth

import (
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

// legacyFile is a file of the legacy format, in its parts.
type legacyFile struct {
	version, machine, value, keys string
	// storages is what follows the pickles.
	storages string
}

func (f legacyFile) bytes() []byte {
	return []byte(legacyMagic + f.version + f.machine + f.value + f.keys + f.storages)
}

// goodLegacy is a file of one tensor, w, on a storage of six numbers.
func goodLegacy() legacyFile {
	return legacyFile{
		version:  "\x80\x02M\xe9\x03.", // 1001
		machine:  "\x80\x02}" + str("little_endian") + "\x88s.",
		value:    stateOf(tensorOf(0, nums(6), nums(1))),
		keys:     "\x80\x02]" + str("0") + "a.",
		storages: le64(6) + strings.Repeat("\x00\x00\x80\x3f", 6),
	}
}

func TestHostileLegacy(t *testing.T) {
	if f := mustRead(t, goodLegacy().bytes()); len(f.Tensors) != 1 || mustFloat32s(t, f.Tensors[0])[5] != 1 {
		t.Fatalf("the file that the others are made of holds %+v", f.Tensors)
	}
	system := "cos\nsystem\n(" + str("true") + "tR"
	tests := []struct {
		name   string
		change func(f *legacyFile)
		says   string
	}{
		{"the magic alone", func(f *legacyFile) { *f = legacyFile{} }, "byte 15: the pickle wants 2 more bytes"},
		{"version 1000", func(f *legacyFile) { f.version = "\x80\x02M\xe8\x03." }, "protocol of the legacy format is 1000; wanted 1001"},
		{"a version that is a dict", func(f *legacyFile) { f.version = "\x80\x02}." }, "protocol of the legacy format is a dict"},
		{"a version that is os.system", func(f *legacyFile) { f.version = "\x80\x02cos\nsystem\n." }, "byte 17: the pickle names the Python object os.system"},
		{"a version of protocol 0", func(f *legacyFile) { f.version = "I1001\n." }, "byte 15: a pickle of protocol 2 or later starts"},
		{"a machine that is a list", func(f *legacyFile) { f.machine = "\x80\x02]." }, "facts about the machine are a list"},
		{"a machine with os.system", func(f *legacyFile) { f.machine = "\x80\x02}" + str("a") + "cos\nsystem\ns." }, "names the Python object os.system"},
		{"a machine that calls os.system", func(f *legacyFile) { f.machine = "\x80\x02}" + str("a") + system + "s." }, "names the Python object os.system"},
		{"a value that calls os.system", func(f *legacyFile) { f.value = "\x80\x02" + system + "." }, "does not name the 0 storages that are used"},
		{"a value without STOP", func(f *legacyFile) { f.value = f.value[:len(f.value)-1] }, "opcode|left over"},
		{"a value of protocol 6", func(f *legacyFile) { f.value = "\x80\x06}." }, "pickle protocol 6 is unknown"},
		{"keys that are a dict", func(f *legacyFile) { f.keys = "\x80\x02}." }, "does not name the 1 storages"},
		{"keys that call os.system", func(f *legacyFile) { f.keys = "\x80\x02]" + system + "a." }, "names the Python object os.system"},
		{"no keys", func(f *legacyFile) { f.keys = "\x80\x02]." }, "does not name the 1 storages"},
		{"a key too many", func(f *legacyFile) { f.keys = "\x80\x02](" + str("0") + str("1") + "e." }, "does not name the 1 storages"},
		{"another key", func(f *legacyFile) { f.keys = "\x80\x02]" + str("1") + "a." }, "names 1, which is not used"},
		{"a key that is a number", func(f *legacyFile) { f.keys = "\x80\x02]K\x00a." }, "which is not used"},
		{"a key twice", func(f *legacyFile) {
			f.value = "\x80\x02](" + tensorOf(0, nums(6), nums(1)) + tensorOn(storageOf("FloatStorage", "1", 6), 0, nums(6), nums(1)) + "e."
			f.keys = "\x80\x02](" + str("0") + str("0") + "e."
			f.storages += f.storages
		}, "names 0, which is not used or was named before"},
		{"a storage of other size", func(f *legacyFile) { f.storages = le64(5) + f.storages[8:] }, "storage 0 has 5 elements of float32, wanted 6"},
		{"a storage of -1", func(f *legacyFile) { f.storages = le64(1<<64-1) + f.storages[8:] }, "storage 0 has -1 elements"},
		{"a storage of exabytes", func(f *legacyFile) {
			f.value = stateOf(tensorOn(storageOf("FloatStorage", "0", 1<<58), 0, nums(1), nums(1)))
			f.storages = le64(1<<58) + f.storages[8:]
		}, "and 6 are left in the file"},
		{"a storage cut short", func(f *legacyFile) { f.storages = f.storages[:len(f.storages)-1] }, "and 5 are left in the file"},
		{"a storage without its size", func(f *legacyFile) { f.storages = f.storages[:7] }, "the file ends before storage 0"},
		{"no storage", func(f *legacyFile) { f.storages = "" }, "the file ends before storage 0"},
		{"a byte after the storages", func(f *legacyFile) { f.storages += "x" }, "1 byte follows the last storage"},
		{"a tensor past its storage", func(f *legacyFile) { f.value = stateOf(tensorOf(0, nums(7), nums(1))) }, "reaches past the end"},
		{"one storage, two types", func(f *legacyFile) {
			f.value = "\x80\x02](" + tensorOf(0, nums(6), nums(1)) + tensorOn(storageOf("IntStorage", "0", 6), 0, nums(6), nums(1)) + "e."
		}, "storage 0 is said to hold 6 elements of float32 and, elsewhere, 6 of int32"},
		{"a view of a storage", func(f *legacyFile) {
			f.value = stateOf(tensorOn(strings.TrimSuffix(storageOf("FloatStorage", "0", 6), "tQ")+"(ttQ", 0, nums(6), nums(1)))
		}, "a view of another storage"},
		{"a value from another pickle's memo", func(f *legacyFile) {
			f.machine, f.value = "\x80\x02}q\x00.", "\x80\x02h\x00."
		}, "fetches value 0 of its memo, which holds 0"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			f := goodLegacy()
			test.change(&f)
			hostile.Refused(t, readAll, f.bytes(), test.says)
		})
	}
}

// FuzzLegacy reaches what follows the magic number, and each pickle.
func FuzzLegacy(f *testing.F) {
	good := goodLegacy()
	f.Add(good.version, good.machine, good.value, good.keys, good.storages)
	f.Add(good.version, good.machine, whole, good.keys, good.storages)
	f.Fuzz(func(t *testing.T, version, machine, value, keys, storages string) {
		hostile.Bounded(t, readFrom, legacyFile{version, machine, value, keys, storages}.bytes())
	})
}
