package pth

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"testing"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/hostile"
	"inkling/weights/internal/untrusted"
)

// expectedTensor is an entry of testdata/expected.json.
type expectedTensor struct {
	Name, DType string
	Shape       []int
	Bits        []uint32
}

func readTestdata(t testing.TB, name string) []byte {
	t.Helper()
	data, err := os.ReadFile(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	return data
}

func readBytes(data []byte) (*File, error) {
	return Read(bytes.NewReader(data), int64(len(data)))
}

// readAll reads a file and converts all of its tensors.
func readAll(data []byte) error {
	f, err := readBytes(data)
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

func mustRead(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func mustFloat32s(t testing.TB, tensor Tensor) []float32 {
	t.Helper()
	values, err := tensor.Float32s()
	if err != nil {
		t.Fatal(err)
	}
	return values
}

func TestReadsPyTorch(t *testing.T) {
	var expected map[string][]expectedTensor
	if err := json.Unmarshal(readTestdata(t, "expected.json"), &expected); err != nil {
		t.Fatal(err)
	}
	if len(expected) < 10 {
		t.Fatalf("only %d files in expected.json", len(expected))
	}
	for name, tensors := range expected {
		t.Run(name, func(t *testing.T) {
			f, err := ReadFile(filepath.Join("testdata", name))
			if err != nil {
				t.Fatal(err)
			}
			if want := map[bool]string{true: "legacy", false: "zip"}[strings.Contains(name, "legacy")]; f.Format != want {
				t.Errorf("format %q, want %q", f.Format, want)
			}
			want := map[string]string{"module": "__main__.Net", "module_legacy": "torch.nn.parallel.data_parallel.DataParallel",
				"attributes_protocol2": "__main__.Attributes", "attributes_protocol4": "__main__.Attributes"}
			if class := want[strings.TrimPrefix(strings.TrimSuffix(name, ".pth"), "whole_")]; f.Class != class {
				t.Errorf("the class is %q, want %q", f.Class, class)
			}
			got := slices.Concat(f.Tensors, f.Others)
			if len(got) != len(tensors) {
				t.Fatalf("%d tensors, want %d", len(got), len(tensors))
			}
			for i, want := range tensors {
				g := got[i]
				if g.Name != want.Name || g.DType.String() != want.DType || !slices.Equal(g.Shape, want.Shape) {
					t.Errorf("tensor %d is %s %s %v, want %s %s %v", i, g.Name, g.DType, g.Shape, want.Name, want.DType, want.Shape)
					continue
				}
				for j, v := range mustFloat32s(t, g) {
					if math.Float32bits(v) != want.Bits[j] {
						t.Errorf("%s[%d] = %v, want %v", g.Name, j, v, math.Float32frombits(want.Bits[j]))
					}
				}
			}
		})
	}
}

func TestStateDictIsFound(t *testing.T) {
	tests := []struct {
		file           string
		tensors, other int
	}{
		{"net_protocol2.pth", 9, 0},
		{"net_parallel.pth", 9, 0},
		{"checkpoint.pth", 9, 6},
		{"nested.pth", 0, 2},
		{"tensor_only.pth", 0, 1},
		{"whole_module.pth", 9, 0},
		{"whole_module_legacy.pth", 9, 0},
	}
	for _, test := range tests {
		f := mustRead(t, readTestdata(t, test.file))
		if len(f.Tensors) != test.tensors || len(f.Others) != test.other {
			t.Errorf("%s: %d tensors in the state dict and %d others, want %d and %d", test.file, len(f.Tensors), len(f.Others), test.tensors, test.other)
		}
	}
}

func TestBytesAreContiguousAndLittleEndian(t *testing.T) {
	f := mustRead(t, readTestdata(t, "odd.pth"))
	for _, tensor := range f.Tensors {
		data, err := tensor.Bytes()
		if err != nil {
			t.Fatal(err)
		}
		again, err := NewBytes(tensor.Name, tensor.DType, tensor.Shape, data)
		if err != nil {
			t.Fatal(err)
		}
		sameValues(t, tensor, again)
	}
}

// sameValues compares two tensors bit for bit.
func sameValues(t testing.TB, a, b Tensor) {
	t.Helper()
	if a.Name != b.Name || a.DType != b.DType || !slices.Equal(a.Shape, b.Shape) {
		t.Fatalf("%s %s %v and %s %s %v differ", a.Name, a.DType, a.Shape, b.Name, b.DType, b.Shape)
	}
	x, errX := a.Bytes()
	y, errY := b.Bytes()
	if errX != nil || errY != nil || !bytes.Equal(x, y) {
		t.Fatalf("%s: the elements differ (%v, %v)", a.Name, errX, errY)
	}
	bits := func(f float32) uint32 { return math.Float32bits(f) }
	if !slices.EqualFunc(mustFloat32s(t, a), mustFloat32s(t, b), func(p, q float32) bool { return bits(p) == bits(q) }) {
		t.Fatalf("%s: the values differ", a.Name)
	}
}

func sameFiles(t testing.TB, a, b *File) {
	t.Helper()
	if len(a.Tensors) != len(b.Tensors) || len(a.Others) != len(b.Others) {
		t.Fatalf("%d and %d tensors, %d and %d others", len(a.Tensors), len(b.Tensors), len(a.Others), len(b.Others))
	}
	for i := range a.Tensors {
		sameValues(t, a.Tensors[i], b.Tensors[i])
	}
	for i := range a.Others {
		sameValues(t, a.Others[i], b.Others[i])
	}
}

// TestOptimizer reads the state of PyTorch's SGD, writes it and reads it again.
func TestOptimizer(t *testing.T) {
	f := mustRead(t, readTestdata(t, "checkpoint.pth"))
	o := f.Optimizer
	if o == nil || len(o.Groups) != 1 || len(o.State) != 6 {
		t.Fatalf("the optimizer is %+v", o)
	}
	g := o.Groups[0]
	if g.Settings["lr"] != 0.1 || g.Settings["momentum"] != 0.9 || g.Settings["nesterov"] != false || g.Settings["dampening"] != int64(0) || g.Settings["weight_decay"] != int64(0) {
		t.Errorf("the settings are %v", g.Settings)
	}
	if value, ok := g.Settings["foreach"]; value != nil || !ok || !slices.Equal(g.Parameters, []int{0, 1, 2, 3, 4, 5}) {
		t.Errorf("foreach is %v, the parameters are %v", value, g.Parameters)
	}
	var b bytes.Buffer
	if err := WriteCheckpoint(&b, f.Tensors, o, map[string]string{"a": "b"}); err != nil {
		t.Fatal(err)
	}
	again := mustRead(t, b.Bytes())
	sameFiles(t, &File{Tensors: again.Tensors}, &File{Tensors: f.Tensors})
	if !reflect.DeepEqual(again.Optimizer.Groups, o.Groups) || again.Metadata["a"] != "b" {
		t.Errorf("the groups became %+v", again.Optimizer.Groups)
	}
	for n, slots := range o.State {
		a, b := again.Optimizer.State[n]["momentum_buffer"], slots["momentum_buffer"]
		if a.Name != "optimizer_state_dict.state."+strconv.Itoa(n)+".momentum_buffer" || b.Name != "optimizer.state."+strconv.Itoa(n)+".momentum_buffer" {
			t.Errorf("names %s and %s", a.Name, b.Name)
		}
		a.Name = b.Name
		sameValues(t, a, b)
	}
	hostile.EveryByteCounts(t, b.Bytes(), readBytes, sameFiles, hostile.NoneFree)
	for name, o := range map[string]*Optimizer{
		"setting lr is a int":          {Groups: []ParameterGroup{{Settings: map[string]any{"lr": 1}}}},
		"holds no data":                {State: map[int]map[string]Tensor{0: {"a": {}}}},
		`the name "\xff" is not UTF-8`: {Groups: []ParameterGroup{{Settings: map[string]any{"\xff": nil}}}},
	} {
		if err := WriteCheckpoint(io.Discard, nil, o, nil); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("error %v, want %q", err, name)
		}
	}
}

// TestNewTypes reads the types that came after PyTorch's storage classes.
func TestNewTypes(t *testing.T) {
	// A storage of 24 bytes: 0 0 128 63, six times.
	for dtype, want := range map[DType][]float32{
		Uint16: {0, 0x3f80, 0}, Uint32: {0x3f800000, 0x3f800000, 0x3f800000}, Uint64: {0x3f8000003f800000, 0x3f8000003f800000, 0x3f8000003f800000},
		Float8E4M3FN: {0, 0, float32(math.Copysign(0, -1))}, Float8E5M2: {0, 0, float32(math.Copysign(0, -1))}, Int16: {0, 0x3f80, 0},
	} {
		f := mustRead(t, craft(t, stateOf(typedOn(storageOf(untyped, "0", 24), "ctorch\n"+dtype.String()+"\n", nums(3)))))
		got := f.Tensors[0]
		if got.DType != dtype || !reflect.DeepEqual(mustFloat32s(t, got), want) {
			t.Errorf("%s: %s %v, want %v", dtype, got.DType, mustFloat32s(t, got), want)
		}
	}
}

// TestBigEndianFile turns the elements of a file of PyTorch's round, as PyTorch
// on a big-endian machine writes them. The pickle stays as it is.
func TestBigEndianFile(t *testing.T) {
	data := readTestdata(t, "odd.pth")
	little := mustRead(t, data)
	found, _, err := records(data)
	if err != nil {
		t.Fatal(err)
	}
	sizes := map[string]int{} // of the elements in each record
	if _, err := unpickle(found["data.pkl"], 0, newBudget(1<<20), func(dtype DType, key string, count int64) (*storage, error) {
		sizes["data/"+key] = dtype.Size()
		return &storage{dtype: dtype, count: count}, nil
	}); err != nil {
		t.Fatal(err)
	}
	var b bytes.Buffer
	z := archive.NewWriter(&b)
	found["byteorder"] = []byte("big")
	for _, name := range slices.Sorted(maps.Keys(found)) {
		content := bytes.Clone(found[name])
		for element := range slices.Chunk(content, max(sizes[name], 1)) {
			slices.Reverse(element)
		}
		if err := z.Record("odd/"+name, content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if len(sizes) < 10 || bytes.Equal(b.Bytes(), data) {
		t.Fatalf("%d storages were turned round", len(sizes))
	}
	big := mustRead(t, b.Bytes())
	sameFiles(t, big, little)
	// What is written of it is little-endian again, whatever the machine.
	sameFiles(t, mustRead(t, mustWrite(t, big.Tensors, nil)), &File{Tensors: little.Tensors})
}

func TestBigEndian(t *testing.T) {
	for dtype := Float32; dtype.plain(); dtype++ {
		size := dtype.Size()
		little := []byte{0, 1, 0x80, 0x3f, 4, 5, 6, 0x47, 8, 9, 10, 0xc1, 12, 13, 14, 0x40}[:2*size]
		big := slices.Clone(little)
		for i := 0; i < len(big); i += size {
			slices.Reverse(big[i : i+size])
		}
		a, err := NewBytes("x", dtype, []int{2}, little)
		if err != nil {
			t.Fatal(err)
		}
		b, err := NewBytes("x", dtype, []int{2}, big)
		if err != nil {
			t.Fatal(err)
		}
		b.storage.order = binary.BigEndian
		sameValues(t, a, b)
	}
}

func TestHalfToFloat32(t *testing.T) {
	for bits := range 1 << 16 {
		h := uint16(bits)
		sign, exponent, fraction := 1-2*float64(h>>15), int(h>>10&31), float64(h&1023)
		want := sign * math.Ldexp(1+fraction/1024, exponent-15)
		switch {
		case exponent == 0:
			want = math.Copysign(math.Ldexp(fraction, -24), sign)
		case exponent == 31 && fraction == 0:
			want = math.Inf(int(sign))
		case exponent == 31:
			want = math.NaN()
		}
		got := float64(untrusted.HalfToFloat32(h))
		if math.IsNaN(want) != math.IsNaN(got) || !math.IsNaN(want) && math.Float64bits(got) != math.Float64bits(want) {
			t.Fatalf("half %04x is %v, want %v", h, got, want)
		}
	}
}

func TestRefusals(t *testing.T) {
	plain := readTestdata(t, "net_protocol2.pth")
	tests := []struct {
		name string
		data []byte
		says string
	}{
		{"empty", nil, "the file is empty"},
		{"web page", []byte("<!DOCTYPE html><html>404</html>"), "web page"},
		{"git lfs", []byte("version https://git-lfs.github.com/spec/v1\noid"), "git lfs pull"},
		{"gzip", []byte("\x1f\x8b\x08 something"), "gzip"},
		{"bare pickle", []byte("\x80\x02}."), "bare pickle"},
		{"other", []byte("MZ executable"), `starts with "MZ execu"`},
		{"Keras", []byte("\x89HDF\r\n\x1a\n"), "an HDF5 file, as Keras writes; export"},
		{"a newer Keras", foreignZip(t, 0, "", "metadata.json", "config.json"), "an archive of Keras; export"},
		{"TensorFlow Lite", []byte("\x1c\x00\x00\x00TFL3"), "a TensorFlow Lite file"},
		{"GGUF", []byte("GGUF\x03\x00\x00\x00"), "a GGUF file"},
		{"empty zip", append([]byte("PK\x05\x06"), make([]byte, 18)...), "empty zip"},
		{"tar", append(append(make([]byte, 257), "ustar"...), 0), "tar archive"},
		{"safetensors", append([]byte{10, 0, 0, 0, 0, 0, 0, 0}, `{"a":{}}  `...), "safetensors"},
		{"junk before", append([]byte("junk"), plain...), "starts with"},
		{"bytes after", append(slices.Clone(plain), 0), "bytes were added"},
		{"cut", plain[:len(plain)/2], "cut short"},
		{"legacy, cut", readTestdata(t, "net_legacy.pth")[:1400], "cut short"},
		{"legacy, bytes after", append(readTestdata(t, "net_legacy.pth"), 1), "1 byte follows the last storage"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readAll, test.data, test.says)
		})
	}
}

// TestDamagedLegacy cuts and changes a file of the legacy format, which has no
// CRC: a cut is always noticed, and a change at least does no harm.
func TestDamagedLegacy(t *testing.T) {
	data := readTestdata(t, "odd_legacy.pth")
	for length := range len(data) {
		if _, err := readBytes(data[:length]); err == nil {
			t.Errorf("cut to %d of %d bytes: no error", length, len(data))
		}
	}
	for i := range data {
		for _, flip := range []byte{0x01, 0x80, 0xff} {
			data[i] ^= flip
			if f, err := readBytes(data); err == nil {
				for _, tensor := range f.Tensors {
					mustFloat32s(t, tensor)
				}
			}
			data[i] ^= flip
		}
	}
}

func TestReadFileErrors(t *testing.T) {
	folder := t.TempDir()
	if _, err := ReadFile(filepath.Join(folder, "missing.pth")); !errors.Is(err, os.ErrNotExist) || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("missing file: %v", err)
	}
	if _, err := ReadFile(folder); err == nil || !strings.Contains(err.Error(), "no regular file") {
		t.Errorf("folder: %v", err)
	}
	path := filepath.Join(folder, "bad.pth")
	data := readTestdata(t, "net_protocol2.pth")
	data[200] ^= 1
	if err := os.WriteFile(path, data, 0o644); err != nil {
		t.Fatal(err)
	}
	_, err := ReadFile(path)
	var format *FormatError
	if !errors.As(err, &format) || format.Path != path || format.Offset < 0 || !strings.HasPrefix(err.Error(), path+", byte ") {
		t.Errorf("damaged file: %v", err)
	}
}

func TestReaderErrors(t *testing.T) {
	if _, err := Read(bytes.NewReader([]byte("short")), 1<<27); err == nil || !strings.Contains(err.Error(), "shorter than") {
		t.Errorf("a size that is not true: %v", err)
	}
	if _, err := Read(&hostile.BrokenDisk{Err: io.ErrClosedPipe}, 10); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("failing reader: %v", err)
	}
}
