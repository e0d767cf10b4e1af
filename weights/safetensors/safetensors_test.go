package safetensors

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

func mustWrite(t testing.TB, tensors []Tensor, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, tensors, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBytes(data []byte) (*File, error) {
	return Read(bytes.NewReader(data), int64(len(data)))
}

func mustRead(t testing.TB, data []byte) *File {
	t.Helper()
	f, err := readBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// small has every kind of shape and name.
func small() ([]Tensor, map[string]string) {
	large := make([]float32, 5000) // more than one write
	for i := range large {
		large[i] = float32(i)
	}
	return []Tensor{
		New("fc.weight", []int{2, 3}, []float32{1, -2, 3.5, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1e-45}),
		New("scale", nil, []float32{7}),
		New("empty", []int{0, 3}, []float32{}),
		New("a \"quoted\"\n名", []int{1}, []float32{2}),
		New("large", []int{50, 100}, large),
	}, map[string]string{"architecture": "LeNet", "classes": `["0","1"]`, "note": "<é>\u2028\"\\\n"}
}

func TestWriteAndRead(t *testing.T) {
	tensors, metadata := small()
	data := mustWrite(t, tensors, metadata)
	f := mustRead(t, data)
	if !reflect.DeepEqual(f.Tensors, tensors) || math.Float32bits(f.Tensors[0].Float32s()[4]) != 1<<31 {
		t.Errorf("got %+v", f.Tensors)
	}
	if !maps.Equal(f.Metadata, metadata) {
		t.Errorf("metadata %q, want %q", f.Metadata, metadata)
	}
	if !Sniff(data[:64]) {
		t.Error("Sniff does not know it")
	}
	for range 10 { // maps have no order
		if !bytes.Equal(data, mustWrite(t, tensors, metadata)) {
			t.Fatal("the same tensors gave different bytes")
		}
	}
	if length := data[0]; length%8 != 0 {
		t.Errorf("the data starts at byte %d", 8+int(length))
	}
	if f := mustRead(t, mustWrite(t, nil, nil)); len(f.Tensors) != 0 || f.Metadata != nil {
		t.Errorf("nothing was written, %+v was read", f)
	}
	if f := mustRead(t, mustWrite(t, nil, metadata)); len(f.Tensors) != 0 || !maps.Equal(f.Metadata, metadata) {
		t.Errorf("only metadata was written, %+v was read", f)
	}
}

func TestWriteErrors(t *testing.T) {
	one := []byte("\x00\x00\x80\x3f")
	for _, test := range []struct {
		says     string
		tensors  []Tensor
		metadata map[string]string
	}{
		{"two tensors have the name a", []Tensor{{"a", nil, "float32", one}, {"a", nil, "float32", one}}, nil},
		{"__metadata__", []Tensor{{"__metadata__", nil, "float32", one}}, nil},
		{"not UTF-8", []Tensor{{"\xff", nil, "float32", one}}, nil},
		{"metadata k is not UTF-8", nil, map[string]string{"k": "\xff"}},
		{"4 bytes for the shape [2]", []Tensor{{"a", []int{2}, "float32", one}}, nil},
		{"4 bytes for the shape [-1 -1]", []Tensor{{"a", []int{-1, -1}, "float32", one}}, nil},
		{"too much for a file", nil, map[string]string{"k": strings.Repeat("x", 1<<20)}},
	} {
		var b bytes.Buffer
		if err := Write(&b, test.tensors, test.metadata); err == nil || !strings.Contains(err.Error(), test.says) || b.Len() > 0 {
			t.Errorf("error %v after %d bytes, want %q", err, b.Len(), test.says)
		}
	}
	tensors, metadata := small()
	data := mustWrite(t, tensors, metadata)
	for _, room := range []int{0, 8, 100, len(data) - 1} {
		if err := Write(&hostile.FullDisk{Room: room}, tensors, metadata); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

// TestEveryType reads each element type with the same bytes that the types'
// own test decodes.
func TestEveryType(t *testing.T) {
	for _, test := range []struct {
		dtype, name, data string
		want              []float32
	}{
		{"F64", "float64", "\x00\x00\x00\x00\x00\x00\xf8\xbf", []float32{-1.5}},
		{"F32", "float32", "\x00\x00\xc0\xbf\x00\x00\x80\x3f", []float32{-1.5, 1}},
		{"F16", "float16", "\x00\xbe\x00\x3c", []float32{-1.5, 1}},
		{"BF16", "bfloat16", "\xc0\xbf\x80\x3f", []float32{-1.5, 1}},
		{"F8_E5M2", "float8_e5m2", "\xbe\x3c", []float32{-1.5, 1}},
		{"F8_E4M3", "float8_e4m3fn", "\xbc\x38", []float32{-1.5, 1}},
		{"U8", "uint8", "\x01\xff", []float32{1, 255}},
		{"U16", "uint16", "\x01\xff", []float32{65281}},
		{"U32", "uint32", "\x01\x00\x00\x80", []float32{1 << 31}},
		{"U64", "uint64", "\x00\x00\x00\x00\x00\x00\x00\x80", []float32{1 << 63}},
		{"I8", "int8", "\x01\xff", []float32{1, -1}},
		{"I16", "int16", "\xfe\xff", []float32{-2}},
		{"I32", "int32", "\xfd\xff\xff\xff", []float32{-3}},
		{"I64", "int64", "\xfc\xff\xff\xff\xff\xff\xff\xff", []float32{-4}},
		{"BOOL", "bool", "\x00\x01", []float32{0, 1}},
	} {
		header := fmt.Sprintf(`{"x":{"dtype":%q,"shape":[%d],"data_offsets":[0,%d]}}`, test.dtype, len(test.want), len(test.data))
		got := mustRead(t, craft(header, test.data)).Tensors[0]
		if got.DType != test.name || !slices.Equal(got.Float32s(), test.want) {
			t.Errorf("%s: %s %v, want %v", test.dtype, got.DType, got.Float32s(), test.want)
		}
	}
}

// TestHuggingFace has the library that defined the format load what Write
// wrote, and the other way round.
func TestHuggingFace(t *testing.T) {
	python := hostile.Python(t, "safetensors.numpy")
	folder := t.TempDir()
	tensors, metadata := small()
	path, theirs := filepath.Join(folder, "ours.safetensors"), filepath.Join(folder, "theirs.safetensors")
	if err := os.WriteFile(path, mustWrite(t, tensors, metadata), 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(python, filepath.Join("testdata", "check.py"), path, theirs).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, tensor := range tensors {
		line := fmt.Sprintf("%x %v\n", sha256.Sum256(littleEndian(t, tensor)), tensor.Shape)
		if !strings.Contains(string(output), line) {
			t.Errorf("%s is not loaded as it was written", tensor.Name)
		}
	}
	data, err := os.ReadFile(theirs)
	if err != nil {
		t.Fatal(err)
	}
	f := mustRead(t, data)
	if len(f.Tensors) != len(tensors) || !maps.Equal(f.Metadata, metadata) {
		t.Errorf("%d tensors, metadata %q", len(f.Tensors), f.Metadata)
	}
	for _, want := range tensors {
		i := slices.IndexFunc(f.Tensors, func(got Tensor) bool { return got.Name == want.Name })
		if i < 0 || !slices.Equal(f.Tensors[i].Float32s(), want.Float32s()) || !slices.Equal(f.Tensors[i].Shape, want.Shape) {
			t.Errorf("%s is not what was saved", want.Name)
		}
	}
}

func littleEndian(t *testing.T, tensor Tensor) []byte {
	return tensor.Data
}
