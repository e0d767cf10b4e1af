package pth

import (
	"archive/zip"
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
	"runtime"
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

// small is a state dict whose file has every kind of record.
func small(t testing.TB) ([]Tensor, map[string]string) {
	t.Helper()
	weight, err := New("fc.weight", []int{2, 3}, []float32{1, -2, 3.5, float32(math.Inf(1)), 0, 1e-45})
	if err != nil {
		t.Fatal(err)
	}
	steps, err := NewBytes("steps", Int64, nil, []byte{1, 2, 3, 4, 5, 6, 7, 8})
	if err != nil {
		t.Fatal(err)
	}
	empty, err := New("empty", []int{0, 3}, nil)
	if err != nil {
		t.Fatal(err)
	}
	return []Tensor{weight, steps, empty}, map[string]string{"architecture": "LeNet", "classes": `["0","1"]`}
}

func TestWriteAndRead(t *testing.T) {
	tensors, metadata := small(t)
	data := mustWrite(t, tensors, metadata)
	f := mustRead(t, data)
	sameFiles(t, f, &File{Tensors: tensors})
	if !maps.Equal(f.Metadata, metadata) {
		t.Errorf("metadata %v, want %v", f.Metadata, metadata)
	}
	if !bytes.Equal(data, mustWrite(t, tensors, metadata)) {
		t.Error("the same tensors gave different bytes")
	}
	if f := mustRead(t, mustWrite(t, nil, nil)); len(f.Tensors) != 0 || f.Metadata != nil {
		t.Errorf("nothing was written, %d tensors were read", len(f.Tensors))
	}
}

func TestRewritePyTorch(t *testing.T) {
	for _, name := range []string{"odd.pth", "odd_legacy.pth", "net_protocol4.pth"} {
		tensors := mustRead(t, readTestdata(t, name)).Tensors
		sameFiles(t, mustRead(t, mustWrite(t, tensors, nil)), &File{Tensors: tensors})
	}
}

// TestManyTensors needs the opcodes for memo numbers, counts and shapes beyond
// one byte, and more than one size of integer.
func TestManyTensors(t *testing.T) {
	var tensors []Tensor
	for i := range 1000 {
		tensor, err := New(fmt.Sprintf("layer%d.weight", i), []int{i % 3, 300}, make([]float32, i%3*300))
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, tensor)
	}
	large, err := NewBytes("large", Bool, []int{70_000}, make([]byte, 70_000))
	if err != nil {
		t.Fatal(err)
	}
	tensors = append(tensors, large)
	sameFiles(t, mustRead(t, mustWrite(t, tensors, nil)), &File{Tensors: tensors})
}

// TestLayout reads what Write wrote with the standard library and checks what
// PyTorch promises of its files.
func TestLayout(t *testing.T) {
	tensors, metadata := small(t)
	data := mustWrite(t, tensors, metadata)
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, f := range z.File {
		names = append(names, f.Name)
		if f.Method != zip.Store || !f.Modified.IsZero() && f.ModifiedDate != 0 {
			t.Errorf("%s: method %d, date %d", f.Name, f.Method, f.ModifiedDate)
		}
		if offset, err := f.DataOffset(); err != nil || offset%64 != 0 {
			t.Errorf("%s: data at %d, %v", f.Name, offset, err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadAll(r); err != nil { // checks the CRC
			t.Errorf("%s: %v", f.Name, err)
		}
	}
	want := "archive/data.pkl archive/byteorder archive/data/0 archive/data/1 archive/data/2 archive/extra/inkling.json archive/version"
	if got := strings.Join(names, " "); got != want {
		t.Errorf("records %s, want %s", got, want)
	}
}

func TestWriteErrors(t *testing.T) {
	a, err := New("a", []int{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	bad, err := New("\xff", []int{1}, []float32{1})
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		tensors []Tensor
		says    string
	}{
		"same name":   {[]Tensor{a, a}, "two tensors have the name a"},
		"no data":     {[]Tensor{{Name: "b", Shape: []int{1}, DType: Float32}}, "holds no data"},
		"name's text": {[]Tensor{bad}, "not UTF-8"},
	} {
		if err := Write(io.Discard, test.tensors, nil); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	// A writer that fails at any point must be noticed.
	data := mustWrite(t, []Tensor{a}, nil)
	for room := range len(data) {
		if err := Write(&hostile.FullDisk{Room: room}, []Tensor{a}, nil); !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("room for %d bytes: error %v", room, err)
		}
	}
}

func TestNewErrors(t *testing.T) {
	for _, test := range []struct {
		dtype DType
		shape []int
		bytes int
		says  string
	}{
		{Float32, []int{2, 3}, 20, "wants 24 bytes, got 20"},
		{Float32, []int{-1}, 4, "negative dimension"},
		{Float32, []int{1 << 30, 1 << 30}, 4, "too many elements"},
		{0, []int{1}, 4, "element type 0"},
		{Float8E5M2 + 1, []int{1}, 4, "element type 16"},
	} {
		if _, err := NewBytes("x", test.dtype, test.shape, make([]byte, test.bytes)); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%v %v: error %v", test.dtype, test.shape, err)
		}
	}
	if _, err := (&Tensor{Name: "x"}).Float32s(); err == nil {
		t.Error("a tensor without data was converted")
	}
}

// TestEveryByteCounts damages a saved model in every way that touches one byte
// or the length. Nothing in our own files is free to change.
func TestEveryByteCounts(t *testing.T) {
	tensors, metadata := small(t)
	hostile.EveryByteCounts(t, mustWrite(t, tensors, metadata), readBytes, sameFiles, hostile.NoneFree)
}

// TestEveryByteOfPyTorchCounts does the same with PyTorch's files. PyTorch puts
// off the CRC and the sizes in a record's header till after the data and leaves
// them 0 there: a change of these zeros to the right numbers is not damage.
func TestEveryByteOfPyTorchCounts(t *testing.T) {
	for _, name := range []string{"tensor_only.pth", "nested.pth", "net_protocol2.pth"} {
		data := readTestdata(t, name)
		hostile.EveryByteCounts(t, data, readBytes, sameFiles, func(i int) bool {
			header := bytes.LastIndex(data[:i], []byte(zipMagic))
			return header >= 0 && i >= header+14 && i < header+26
		})
	}
}

// TestPyTorchReadsOurs lets torch.load(weights_only=True) read what Write wrote.
func TestPyTorchReadsOurs(t *testing.T) {
	python := hostile.Python(t, "torch")
	tensors, metadata := small(t)
	odd := mustRead(t, readTestdata(t, "odd.pth")).Tensors
	for name, tensors := range map[string][]Tensor{"small": tensors, "odd": odd} {
		path := filepath.Join(t.TempDir(), name+".pth")
		if err := os.WriteFile(path, mustWrite(t, tensors, metadata), 0o644); err != nil {
			t.Fatal(err)
		}
		out, err := exec.Command(python, filepath.Join("testdata", "check_with_torch.py"), path).CombinedOutput()
		if err != nil {
			t.Fatalf("torch.load: %v\n%s", err, out)
		}
		var want strings.Builder
		for _, tensor := range tensors {
			data, err := tensor.Bytes()
			if err != nil {
				t.Fatal(err)
			}
			shape := strings.ReplaceAll(strings.Trim(fmt.Sprint(tensor.Shape), "[]"), " ", "x")
			fmt.Fprintf(&want, "%s\t%s\t[%s]\t%x\n", tensor.Name, tensor.DType, shape, sha256.Sum256(data))
		}
		if runtime.GOOS == "windows" {
			out = bytes.ReplaceAll(out, []byte("\r\n"), []byte("\n"))
		}
		if string(out) != want.String() {
			t.Errorf("%s: PyTorch read\n%s\nwant\n%s", name, out, want.String())
		}
	}
}

func ExampleWrite() {
	weight, err := New("fc.weight", []int{2, 2}, []float32{1, 2, 3, 4})
	if err != nil {
		panic(err)
	}
	var file bytes.Buffer
	if err := Write(&file, []Tensor{weight}, map[string]string{"dataset": "mnist"}); err != nil {
		panic(err)
	}
	f, err := Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
	if err != nil {
		panic(err)
	}
	values, err := f.Tensors[0].Float32s()
	fmt.Println(f.Tensors[0].Name, f.Tensors[0].Shape, f.Tensors[0].DType, values, err)
	fmt.Println(f.Metadata)
	// Output:
	// fc.weight [2 2] float32 [1 2 3 4] <nil>
	// map[dataset:mnist]
}
