package pth

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/hostile"
)

// part is a record of an archive made by hand.
type part struct {
	name string
	data string
}

// craft makes an archive of the given pickle, a storage data/0 of 24 bytes and
// further records.
func craft(t testing.TB, pickle string, more ...part) []byte {
	t.Helper()
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	parts := slices.Concat([]part{{"data.pkl", pickle}, {"data/0", strings.Repeat("\x00\x00\x80\x3f", 6)}}, more, []part{{"version", "3\n"}})
	for _, p := range parts {
		if err := z.Record(archiveFolder+"/"+p.name, []byte(p.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func le32(n uint32) string { return string(binary.LittleEndian.AppendUint32(nil, n)) }
func le64(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }

func str(s string) string { return "X" + le32(uint32(len(s))) + s }

// num is the pickle of an integer.
func num(n int64) string { return "\x8a\x08" + le64(uint64(n)) }

func nums(numbers ...int64) string {
	s := "("
	for _, n := range numbers {
		s += num(n)
	}
	return s + "t"
}

// storageOf is the pickle of a storage, tensorOf that of a tensor on data/0.
func storageOf(class, key string, count int64) string {
	return "(" + str("storage") + "ctorch\n" + class + "\n" + str(key) + str("cpu") + num(count) + "tQ"
}

func tensorOn(storage string, offset int64, size, stride string) string {
	return "ctorch._utils\n_rebuild_tensor_v2\n(" + storage + num(offset) + size + stride + "\x89ccollections\nOrderedDict\n)RtR"
}

func tensorOf(offset int64, size, stride string) string {
	return tensorOn(storageOf("FloatStorage", "0", 6), offset, size, stride)
}

// untyped is the name of the class of a storage of bytes, which is not in the
// module that storageOf names.
const untyped = "UntypedStorage"

// typedOn is the pickle of a tensor whose type stands beside its storage.
func typedOn(storage, dtype, size string) string {
	storage = strings.Replace(storage, "ctorch\n"+untyped, "ctorch.storage\n"+untyped, 1)
	return "ctorch._utils\n_rebuild_tensor_v3\n(" + storage + num(0) + size + nums(1) + "\x89ccollections\nOrderedDict\n)R" + dtype + "tR"
}

func stateOf(tensor string) string { return "\x80\x02}" + str("w") + tensor + "s." }

// module is the pickle of a module of class m.Net: something before it, its
// parameters and its children.
func module(before, parameters, modules string) string {
	return "\x80\x02cm\nNet\n)\x81}(" + str("hook") + "K\x01" + str("_parameters") + parameters + str("_buffers") + "}" + str("_modules") + modules +
		str("last") + "N" + before + "0ub."
}

// wholeOf is a module without children that makes something by the way.
func wholeOf(before, parameters string) string {
	if before == "" {
		before = "N"
	}
	return module(before, parameters, "}")
}

// whole is a module with one parameter, w.
var whole = wholeOf("", "}"+str("w")+tensorOf(0, nums(6), nums(1))+"s")

// doubling is a module with two children that are one and the same, which has
// two that are one and the same, and so on.
func doubling(depth int) string {
	child := "}"
	for range depth {
		m := "cm\nNet\n)\x81}(" + str("_parameters") + "}" + str("_buffers") + "}" + str("_modules") + child + "ub"
		child = "}" + str("a") + m + "q\x00s" + str("b") + "h\x00s"
	}
	return module("N", "}", child)
}

func TestCraftedIsFine(t *testing.T) {
	for _, pickle := range []string{
		stateOf(tensorOf(0, nums(2, 3), nums(3, 1))),
		stateOf(tensorOf(5, nums(), nums())),
		whole,
		module("c__builtin__\nset\n(]K\x01atR", "}"+str("w")+"Ns", "}("+str("a")+"N"+str("b")+whole[2:len(whole)-1]+"u"),
		"\x80\x04\x8f(K\x01K\x02\x900(K\x01\x910" + whole[2:],
		stateOf(tensorOf(6, nums(0), nums(1))),
		stateOf(tensorOf(0, nums(3, 4), nums(0, 0))),
		stateOf(tensorOf(0, nums(1, 6), nums(math.MaxInt32, 1))),
		"\x80\x02ccollections\nOrderedDict\n(]]" + str("w") + "a" + tensorOf(0, nums(6), nums(1)) + "aatR.",
		"\x80\x04\x95" + le64(0) + "}" + str("w") + "0" + "2" + "\x941" + ".",
	} {
		_, err := readBytes(craft(t, pickle))
		if strings.HasSuffix(pickle, "1.") {
			if err == nil {
				t.Error("POP_MARK without a MARK: no error")
			}
		} else if err != nil {
			t.Errorf("%q: %v", pickle, err)
		}
	}
}

func TestHostilePickles(t *testing.T) {
	ok := tensorOf(0, nums(6), nums(1))
	deep := strings.Repeat("]", 150) + strings.Repeat("a", 149)
	tests := []struct{ name, pickle, says string }{
		{"empty", "", "wants 2 more bytes"},
		{"protocol 0", "(dp0\n.", "protocol of 2 or later|pickle of protocol 2 or later"},
		{"protocol 6", "\x80\x06}.", "pickle protocol 6 is unknown"},
		{"no STOP", "\x80\x02}", "ends without STOP"},
		{"nothing at STOP", "\x80\x02.", "empty stack"},
		{"two values at STOP", "\x80\x02}}.", "left over"},
		{"a MARK at STOP", "\x80\x02(}.", "left over"},
		{"bytes after STOP", "\x80\x02}.}", "1 byte follows the end"},
		{"opcode 118", "\x80\x02v.", "opcode 118 (0x76)"},
		{"opcode 121", "\x80\x02y.", "opcode 121"},
		{"an endless name", "\x80\x02c" + strings.Repeat("a", 1000), "does not end"},
		{"STACK_GLOBAL of numbers", "\x80\x04K\x01K\x02\x93.", "wants two str"},
		{"os.system by BUILD", "\x80\x02cos\nsystem\n}b.", "sets attributes of the name os.system"},
		{"NEWOBJ of a number", "\x80\x02K\x01)\x81.", "makes an object of an int"},
		{"NEWOBJ of a tensor", "\x80\x02" + ok + ")\x81.", "makes an object of a tensor"},
		{"NEWOBJ of nothing", "\x80\x02)\x81.", "empty stack"},
		{"a parameter that is an int", wholeOf("", "}"+str("w")+"K\x01s"), "w in the _parameters of a module of the class m.Net is an int"},
		{"a parameter that is os.system", wholeOf("", "}"+str("w")+"cos\nsystem\ns"), "is the name os.system"},
		{"a parameter of no name", wholeOf("", "}K\x01"+ok+"s"), "an int is a name in the _parameters"},
		{"a parameter's name twice", wholeOf("", "}("+str("w")+ok+str("w")+ok+"u"), "two tensors w"},
		{"a module that is a tensor", module("N", "}", "}"+str("a")+ok+"s"), "a in the _modules of a module of the class m.Net is a tensor"},
		{"a module within itself", "\x80\x02cm\nNet\n)\x81q\x00}(" + str("_parameters") + "}" + str("_buffers") + "}" + str("_modules") + "}" + str("a") + "h\x00sub.", "nested more than 100 deep"},
		{"modules that double", doubling(30), "more than the"},
		{"REDUCE of a storage class", "\x80\x02ctorch\nFloatStorage\n)R.", "no function"},
		{"REDUCE of a dict", "\x80\x02})R.", "calls a dict"},
		{"REDUCE with a list", "\x80\x02ccollections\nOrderedDict\n]R.", "a list"},
		{"OrderedDict of numbers", "\x80\x02ccollections\nOrderedDict\n(]K\x01atR.", "wants pairs"},
		{"BUILD of a tensor", "\x80\x02" + ok + "}b.", "sets attributes of a tensor"},
		{"a set of a number", "\x80\x02c__builtin__\nset\n(K\x01tR.", "wants no argument or a list or tuple"},
		{"ADDITEMS to a dict", "\x80\x04}(K\x01\x90.", "is no list"},
		{"FROZENSET without MARK", "\x80\x04\x91.", "MARK that is not there"},
		{"a torch.dtype called", "\x80\x02ctorch\nfloat32\n)R.", "no function"},
		{"a module's source that is a text", "\x80\x02(" + str("module") + str("Net") + str("f") + str("s") + "tQ.", "persistent id"},
		{"BUILD with a tuple", "\x80\x02})b.", "sets attributes of a dict to a tuple"},
		{"SETITEM of a list", "\x80\x02]K\x01K\x02s.", "is no dict"},
		{"SETITEMS without a value", "\x80\x02}(K\x01u.", "without a value"},
		{"SETITEM with a dict for a key", "\x80\x02}}K\x01s.", "a dict is the key"},
		{"APPEND to a dict", "\x80\x02}K\x01a.", "is no list"},
		{"TUPLE without MARK", "\x80\x02t.", "MARK that is not there"},
		{"TUPLE3 of two", "\x80\x02NN\x87.", "empty stack"},
		{"APPEND from under a MARK", "\x80\x02](a.", "empty stack"},
		{"memo never stored", "\x80\x02h\x05.", "fetches value 5 of its memo"},
		{"memo with a gap", "\x80\x02}r\xff\xff\xff\xff.", "stores value 4294967295"},
		{"huge text", "\x80\x02X\xff\xff\xff\xff.", "wants 4294967295 more bytes"},
		{"huge text of 8 bytes", "\x80\x04\x8d" + le64(1<<63) + ".", "more bytes"},
		{"huge bytes", "\x80\x04\x8e" + le64(1<<62) + ".", "more bytes"},
		{"huge frame", "\x80\x04\x95" + le64(1<<40) + "}.", "a frame of 1099511627776 bytes"},
		{"text not UTF-8", "\x80\x02X\x02\x00\x00\x00\xff\xfe.", "not UTF-8"},
		{"deep nesting", "\x80\x02" + deep + ".", "nested more than 100 deep"},
		{"two tensors of a name", "\x80\x02}(" + str("w") + ok + str("w") + ok + "u.", "two tensors w"},
		{"persistent id of a number", "\x80\x02K\x01Q.", "persistent id"},
		{"persistent id of another kind", "\x80\x02(" + str("module") + "NNNNtQ.", "persistent id"},
		{"a missing storage", stateOf(tensorOn(storageOf("FloatStorage", "7", 6), 0, nums(1), nums(1))), "data/7"},
		{"a storage's path", stateOf(tensorOn(storageOf("FloatStorage", "../data.pkl", 6), 0, nums(1), nums(1))), "is missing"},
		{"a storage too long", stateOf(tensorOn(storageOf("FloatStorage", "0", 7), 0, nums(1), nums(1))), "7 elements of float32, its record has 24 bytes"},
		{"a storage of exabytes", stateOf(tensorOn(storageOf("FloatStorage", "0", 1<<58), 0, nums(1<<40), nums(1))), "said to hold"},
		{"a storage of -1", stateOf(tensorOn(storageOf("FloatStorage", "0", -1), 0, nums(1), nums(1))), "declares -1"},
		{"one storage, two types", "\x80\x02]" + ok + "a" + tensorOn(storageOf("IntStorage", "0", 6), 0, nums(6), nums(1)) + "a.", "and, elsewhere"},
		{"negative offset", stateOf(tensorOf(-1, nums(1), nums(1))), "starts at element -1"},
		{"offset past the end", stateOf(tensorOf(7, nums(0), nums(1))), "starts at element 7"},
		{"offset at the end", stateOf(tensorOf(6, nums(1), nums(1))), "past the end"},
		{"offset at the end, expanded", stateOf(tensorOf(6, nums(5), nums(0))), "past the end"},
		{"negative dimension", stateOf(tensorOf(0, nums(-2, -3), nums(3, 1))), "dimension 0 of a tensor is -2"},
		{"negative stride", stateOf(tensorOf(5, nums(6), nums(-1))), "stride -1"},
		{"shape past the end", stateOf(tensorOf(0, nums(7), nums(1))), "past the end"},
		{"stride past the end", stateOf(tensorOf(0, nums(2), nums(6))), "past the end"},
		{"overflowing shape", stateOf(tensorOf(0, nums(1<<32, 1<<32), nums(0, 0))), "too many elements|wanted numbers from 0"},
		{"overflowing stride", stateOf(tensorOf(0, nums(5, 5), nums(1<<62, 1<<62))), "past the end|numbers from 0"},
		{"expanded beyond reason", stateOf(tensorOf(0, nums(1<<30), nums(0))), "more than the|too many elements"},
		{"more strides than dimensions", stateOf(tensorOf(0, nums(6), nums(6, 1))), "1 dimension and 2 strides"},
		{"65 dimensions", stateOf(tensorOf(0, nums(slices.Repeat([]int64{1}, 65)...), nums(slices.Repeat([]int64{1}, 65)...))), "at most 64"},
		{"a dimension that is a str", stateOf(tensorOf(0, "("+str("6")+"t", nums(1))), "wanted two int"},
		{"a typed tensor without a type", stateOf(typedOn(storageOf(untyped, "0", 24), "N", nums(1))), "with a dtype as the seventh"},
		{"a typed tensor of a class", stateOf(typedOn(storageOf(untyped, "0", 24), "ctorch\nFloatStorage\n", nums(1))), "with a dtype as the seventh"},
		{"a typed tensor on floats", stateOf(typedOn(storageOf("FloatStorage", "0", 6), "ctorch\nuint16\n", nums(1))), "wanted one of bytes"},
		{"a typed tensor past the end", stateOf(typedOn(storageOf(untyped, "0", 24), "ctorch\nuint16\n", nums(13))), "reaches past the end of its storage of 12 elements"},
		{"3 arguments", "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NNNtR.", "6 or 7 arguments"},
		{"arguments of other kinds", "\x80\x02ctorch._utils\n_rebuild_tensor_v2\n(NNNNNNtR.", "wants a storage"},
		{"a parameter of nothing", "\x80\x02ctorch._utils\n_rebuild_parameter\n(NNNtR.", "_rebuild_parameter wants"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			data := craft(t, test.pickle)
			hostile.Refused(t, readAll, data, test.says)
			var format *FormatError
			if _, err := readBytes(data); !errors.As(err, &format) || format.Record != "data.pkl" {
				t.Errorf("error %v, want one in data.pkl", err)
			}
		})
	}
}

// TestBombs holds reading to 8 times the file and 1 MB for files made to take
// more.
func TestBombs(t *testing.T) {
	if hostile.RaceEnabled {
		t.Skip("memory cannot be measured under the race detector")
	}
	const n = 20_000
	share := "ctorch._utils\n_rebuild_tensor_v2\nq\x00(" + storageOf("FloatStorage", "0", 6) + "K\x00" + nums(6) + nums(1) + "\x89Ntq\x01R0"
	names := make([]byte, 0, 8*n)
	for i := range n {
		names = fmt.Appendf(names, "X\x03\x00\x00\x00%03x", i%4096)
		names = append(names, 'h', 0, 'h', 1, 'R')
	}
	keyed := strings.Repeat("k", 100_000)
	tests := map[string]string{
		"lists":                    "\x80\x02" + strings.Repeat("]", n) + ".",
		"dicts":                    "\x80\x02" + strings.Repeat("}", n) + ".",
		"marks":                    "\x80\x02" + strings.Repeat("(", n) + ".",
		"empty texts":              "\x80\x04" + strings.Repeat("\x8c\x00", n) + ".",
		"big integers":             "\x80\x02" + strings.Repeat("\x8a\x09123456789", n) + ".",
		"doubling tuples":          "\x80\x02)q\x00" + strings.Repeat("h\x00h\x00\x86q\x00", n) + ".",
		"doubling lists":           "\x80\x02]" + strings.Repeat("q\x00](h\x00h\x00h\x00h\x00e", n) + ".",
		"memoize":                  "\x80\x04]" + strings.Repeat("\x94", n) + ".",
		"ordered dicts":            "\x80\x02ccollections\nOrderedDict\nq\x00(](" + strings.Repeat("](X\x01\x00\x00\x00aNe", 100) + "etq\x01" + strings.Repeat("h\x00h\x01R", n) + ".",
		"names":                    "\x80\x02" + strings.Repeat("ctorch\nFloatStorage\n", n) + ".",
		"tensors":                  "\x80\x02}" + share + "(" + string(names) + "u.",
		"tensors in list":          "\x80\x02]" + share + "(" + strings.Repeat("h\x00h\x01R", n) + "e.",
		"one tensor":               "\x80\x02]" + tensorOf(0, nums(6), nums(1)) + "q\x000(" + strings.Repeat("h\x00", n) + "e.",
		"long paths":               "\x80\x02" + str(keyed) + "q\x00" + strings.Repeat("}h\x00", 90) + tensorOf(0, nums(6), nums(1)) + strings.Repeat("s", 90) + ".",
		"a loop":                   "\x80\x02]q\x00(" + strings.Repeat("h\x00", n) + "e.",
		"objects":                  "\x80\x02cm\nNet\nq\x000(" + strings.Repeat("h\x00)\x81", n) + "l.",
		"classes":                  "\x80\x02(" + strings.Repeat("cm\nNet\n", n) + "t.",
		"modules":                  doubling(12),
		"wide modules":             module("N", "}", "}("+strings.Repeat(str("a")+whole[2:len(whole)-1], 1000)+"u"),
		"buffer names":             module("N", "}", "}")[:len(module("N", "}", "}"))-3] + str("_non_persistent_buffers_set") + "](" + strings.Repeat(str("k"), n) + "eub.",
		"one dict of many objects": "\x80\x02}q\x00(" + strings.Repeat("K\x01N", n) + "uq\x010cm\nNet\nq\x020](" + strings.Repeat("h\x02)\x81h\x00b", n) + "e.",
		"one dict many times":      "\x80\x02}q\x00(" + strings.Repeat("K\x01N", n) + "u](" + strings.Repeat("h\x00", n) + "e\x86.",
		"one dict of many modules": "\x80\x02}q\x00(" + strings.Repeat("K\x01N", n) + str("_parameters") + "}" + str("_buffers") + "}" + str("_modules") + "}uq\x010cm\nNet\nq\x020](" + strings.Repeat("h\x02)\x81h\x00b", n) + "e.",
		"expanded":                 stateOf(tensorOf(0, nums(400_000), nums(0))),
	}
	for name, pickle := range tests {
		t.Run(name, func(t *testing.T) { hostile.InMemory(t, readAll, craft(t, pickle)) })
	}
	for name, metadata := range map[string]string{
		"pairs":        `{"":"` + strings.Repeat(`","":"`, n) + `"}`,
		"distinct":     "{" + distinctPairs(n) + "}",
		"deep":         strings.Repeat("[", n),
		"no JSON":      strings.Repeat("x", n),
		"other values": "{" + strings.Repeat(`"":0,`, n) + `"":0}`,
	} {
		t.Run("metadata, "+name, func(t *testing.T) {
			hostile.InMemory(t, readAll, craft(t, stateOf(tensorOf(0, nums(6), nums(1))), part{metadataRecord, metadata}))
		})
	}
}

// TestWork has small files that would have the same long list looked through again
// and again. The work is counted, and what is out of proportion is refused.
func TestWork(t *testing.T) {
	const n = 30_000
	long := "}q\x00(" + strings.Repeat("K\x01N", n)
	room := part{"data/1", strings.Repeat("x", 2<<20)} // so that memory is not what is short
	for name, pickle := range map[string]string{
		"objects": "\x80\x02" + long + "uq\x010cm\nNet\nq\x020](" + strings.Repeat("h\x02)\x81h\x01b", n) + "e.",
		"modules": "\x80\x02" + long + str("_parameters") + "}" + str("_buffers") + "}" + str("_modules") + "}uq\x010cm\nNet\nq\x020](" + strings.Repeat("h\x02)\x81h\x01b", n) + "e.",
	} {
		err := hostile.Bounded(t, readFrom, craft(t, pickle, room))
		if err == nil || !strings.Contains(err.Error(), "more work than a file of this size may") {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// One list that is named many times is looked through once.
	if _, err := readBytes(craft(t, "\x80\x02"+long+"u]("+strings.Repeat("h\x00", n)+"e\x86.", room)); err != nil {
		t.Error(err)
	}
}

func distinctPairs(n int) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `"%x":"",`, i)
	}
	return strings.TrimSuffix(b.String(), ",")
}

func TestBadRecords(t *testing.T) {
	good := stateOf(tensorOf(0, nums(6), nums(1)))
	tests := []struct {
		name string
		more []part
		says string
	}{
		{"twice", []part{{"data/0", ""}}, "twice"},
		{"byte order", []part{{"byteorder", "middle"}}, "record byteorder, byte 0: the byte order is middle"},
		{"constants", []part{{"constants.pkl", ""}}, "record constants.pkl, byte 0: the pickle wants 2 more bytes"},
		{"metadata", []part{{metadataRecord, `{"a":1}`}}, "no JSON object of strings"},
		{"metadata null", []part{{metadataRecord, `null`}}, "no JSON object of strings"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readAll, craft(t, good, test.more...), test.says)
		})
	}
	f := mustRead(t, craft(t, good, part{"byteorder", "big"}, part{".data/serialization_id", "1"}))
	if values := mustFloat32s(t, f.Tensors[0]); values[0] != math.Float32frombits(0x0000803f) {
		t.Errorf("big-endian value %v", values[0])
	}
}

// foreignZip packs records with the standard library, which writes what
// PyTorch does not: times, versions, data descriptors without a need.
func foreignZip(t *testing.T, method uint16, folder string, names ...string) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: folder + name, Method: method})
		if err != nil {
			t.Fatal(err)
		}
		content := map[string]string{"data.pkl": stateOf(tensorOf(0, nums(6), nums(1))), "data/0": strings.Repeat("\x00\x00\x80\x3f", 6), "version": "3\n"}[name]
		if _, err := io.WriteString(w, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestForeignZips(t *testing.T) {
	if f := mustRead(t, foreignZip(t, zip.Store, "repacked/", "data.pkl", "data/0", "version")); len(f.Tensors) != 1 {
		t.Errorf("%d tensors", len(f.Tensors))
	}
	for name, test := range map[string]struct {
		data []byte
		says string
	}{
		"compressed":   {foreignZip(t, zip.Deflate, "a/", "data.pkl", "data/0", "version"), "compressed or encrypted"},
		"a file in it": {foreignZip(t, zip.Store, "", "whole.pth"), "zip archive with whole.pth in it; unpack it first"},
		"no folder":    {foreignZip(t, zip.Store, "", "data.pkl", "data/0", "version"), "one folder"},
		"no pickle":    {foreignZip(t, zip.Store, "a/", "data/0", "version"), "no record data.pkl"},
		"no version":   {foreignZip(t, zip.Store, "a/", "data.pkl", "data/0"), "no record version"},
		"backslash":    {foreignZip(t, zip.Store, "a\\b/", "data.pkl", "data/0", "version"), "plain UTF-8"},
	} {
		t.Run(name, func(t *testing.T) { hostile.Refused(t, readAll, test.data, test.says) })
	}
}

// readFrom is readAll for a reader.
func readFrom(r io.ReaderAt, size int64) error {
	f, err := Read(r, size)
	if err != nil {
		return err
	}
	for _, tensor := range slices.Concat(f.Tensors, f.Others) {
		if _, err := tensor.Float32s(); err != nil {
			return err
		}
	}
	return nil
}

func FuzzRead(f *testing.F) {
	for _, name := range []string{"tensor_only.pth", "nested.pth", "net_legacy.pth"} {
		f.Add(readTestdata(f, name))
	}
	f.Add(craft(f, "\x80\x02}."))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := hostile.Bounded(t, readFrom, data); err != nil {
			hostile.Refused(t, readAll, data, "")
		}
	})
}

// FuzzArchive makes whole archives of records, so that no checksum stands in the
// way of what is in them.
func FuzzArchive(f *testing.F) {
	good := stateOf(tensorOf(0, nums(2, 3), nums(3, 1)))
	f.Add(good, "\x00\x00\x80\x3f", "", "little", `{"a":"b"}`, "3\n")
	f.Add(good, "", "\x80\x02).", "big", "", "3\n")
	f.Add("\x80\x02c__torch__\nNet\n)\x81}("+str("w")+tensorOf(0, nums(6), nums(1))+"ub.", "", "\x80\x02"+tensorOf(0, nums(6), nums(1))+"\x85.", "little", "", "3\n")
	f.Fuzz(func(t *testing.T, pickle, storage, constants, order, metadata, version string) {
		var b bytes.Buffer
		z := archive.NewWriter(&b)
		for _, p := range []part{{"data.pkl", pickle}, {"byteorder", order}, {"data/0", strings.Repeat("\x00\x00\x80\x3f", 6)}, {"data/1", storage},
			{"constants.pkl", constants}, {"constants/0", strings.Repeat("\x00\x00\x80\x3f", 6)}, {metadataRecord, metadata}, {"version", version}} {
			if p.data == "" && p.name != "data/1" {
				continue
			}
			if err := z.Record(archiveFolder+"/"+p.name, []byte(p.data)); err != nil {
				t.Fatal(err)
			}
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := hostile.Bounded(t, readFrom, b.Bytes()); err != nil {
			hostile.Refused(t, readAll, b.Bytes(), "")
		}
	})
}

// FuzzPickle reaches the pickle machine without a CRC in the way.
func FuzzPickle(f *testing.F) {
	f.Add([]byte(stateOf(tensorOf(0, nums(2, 3), nums(3, 1)))))
	f.Add([]byte("\x80\x02]q\x00(h\x00h\x00e."))
	for _, attack := range attacks {
		f.Add([]byte("\x80\x04}(" + str("w") + tensorOf(0, nums(6), nums(1)) + str("evil") + attack("os", "system", "true") + "u."))
	}
	f.Add([]byte(stateOf(typedOn(storageOf(untyped, "0", 24), "ctorch\nuint16\n", nums(12)))))
	for _, name := range []string{"nested.pth", "checkpoint.pth", "whole_attributes_protocol4.pth", "objects_protocol4.pth", "quantised_kinds.pth"} {
		found, _, err := records(readTestdata(f, name))
		if err != nil {
			f.Fatal(err)
		}
		f.Add(found["data.pkl"])
	}
	f.Fuzz(func(t *testing.T, pickle []byte) {
		data := craft(t, string(pickle), part{"data/1", "12345678"}, part{"data/2", "1"})
		if err := hostile.Bounded(t, readFrom, data); err != nil {
			hostile.Refused(t, readAll, data, "")
			return
		}
		file := mustRead(t, data)
		total := 0
		for _, tensor := range slices.Concat(file.Tensors, file.Others) {
			values, err := tensor.Float32s()
			if err != nil {
				t.Fatal(err)
			}
			total += 4 * len(values)
		}
		if most := 8*len(data) + 1<<20; total > most {
			t.Errorf("%d bytes of values from a file of %d", total, len(data))
		}
		if names := map[string]bool{}; len(file.Tensors) > 0 {
			for _, tensor := range file.Tensors {
				if names[tensor.Name] {
					t.Errorf("two tensors %q", tensor.Name)
				}
				names[tensor.Name] = true
			}
			if !slices.ContainsFunc(file.Tensors, func(t Tensor) bool { return !t.DType.plain() }) { // quantised ones are not written
				sameFiles(t, mustRead(t, mustWrite(t, file.Tensors, nil)), &File{Tensors: file.Tensors})
			}
		}
	})
}
