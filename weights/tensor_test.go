package weights

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
	"inkling/weights/internal/untrusted"
)

// everyType returns a tensor of each type that Inkling knows, whose elements have
// bits of their own in every byte.
func everyType() []Tensor {
	var tensors []Tensor
	for name, e := range untrusted.Elements {
		data := make([]byte, 6*e.Size)
		for i := range data {
			data[i] = byte(17*i + 1)
			if name == "bool" {
				data[i] = byte(i % 2)
			}
		}
		tensors = append(tensors, Tensor{Name: "of_" + name, Shape: []int{2, 3}, DType: name, Data: data})
	}
	slices.SortFunc(tensors, func(a, b Tensor) int { return strings.Compare(a.Name, b.Name) })
	return tensors
}

// TestTypesAreKept writes every type in every format: bit for bit where the format
// has it, else as float32.
func TestTypesAreKept(t *testing.T) {
	lacks := map[string][]string{
		".pth": nil, ".safetensors": nil,
		".npz": {"bfloat16", "float8_e4m3fn", "float8_e5m2"},
	}
	for ending, lacking := range lacks {
		path := filepath.Join(t.TempDir(), "model"+ending)
		if err := Write(path, everyType()); err != nil {
			t.Fatal(err)
		}
		file, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(file.Tensors) != len(untrusted.Elements) {
			t.Fatalf("%s: %d tensors", ending, len(file.Tensors))
		}
		for i, want := range everyType() {
			got := file.Tensors[i]
			dtype := want.DType
			if slices.Contains(lacking, dtype) {
				dtype = "float32"
			}
			if Holds(path, want.DType) == slices.Contains(lacking, want.DType) {
				t.Errorf("%s: Holds errs on %s", ending, want.DType)
			}
			if got.Name != want.Name || got.DType != dtype || dtype == want.DType && !bytes.Equal(got.Data, want.Data) || !sameBits(got.Float32s(), want.Float32s()) {
				t.Errorf("%s: %s became %s %x, want %x", ending, want.Name, got.DType, got.Data, want.Data)
			}
		}
	}
}

// TestPyTorchReadsTypes has PyTorch and NumPy compare what they read with the
// bytes that were written.
func TestPyTorchReadsTypes(t *testing.T) {
	python, folder := hostile.Python(t, "torch, numpy"), t.TempDir()
	var tensors []Tensor
	for _, tensor := range everyType() { // PyTorch 1.13 lacks the newer types
		if !slices.Contains([]string{"uint16", "uint32", "uint64", "float8_e4m3fn", "float8_e5m2"}, tensor.DType) {
			tensors = append(tensors, tensor)
		}
	}
	for _, name := range []string{"types.pth", "types.npz"} {
		if err := Write(filepath.Join(folder, name), tensors); err != nil {
			t.Fatal(err)
		}
	}
	for _, tensor := range tensors {
		if err := os.WriteFile(filepath.Join(folder, tensor.DType+".bytes"), tensor.Data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	output, err := exec.Command(python, "-B", filepath.Join("testdata", "check_types.py"), folder).CombinedOutput()
	if err != nil || strings.TrimSpace(string(output)) != "10 types" {
		t.Errorf("%v\n%s", err, output)
	}
}

func TestConvert(t *testing.T) {
	wide := Tensor{Name: "w", Shape: []int{3}, DType: "float64", Data: doubles(1, 1e300, 1e-300)}
	if _, _, err := wide.Convert("float32"); err == nil || !strings.Contains(err.Error(), "tensor w of float64 holds 1 number too large for float32, such as 1e+300") {
		t.Errorf("overflow: %v", err)
	}
	wide.Data = doubles(1, 3, 1e-300)
	narrow, zeros, err := wide.Convert("float16")
	if err != nil || zeros != 1 || narrow.DType != "float16" || !slices.Equal(narrow.Float32s(), []float32{1, 3, 0}) {
		t.Errorf("%+v, %d zeros, %v", narrow, zeros, err)
	}
	if same, _, err := wide.Convert("float64"); err != nil || !bytes.Equal(same.Data, wide.Data) {
		t.Errorf("%+v, %v", same, err)
	}
	for _, dtype := range []string{"int8", "complex64", ""} {
		if _, _, err := wide.Convert(dtype); err == nil || !strings.Contains(err.Error(), "cannot become") {
			t.Errorf("to %q: %v", dtype, err)
		}
	}
	q := Tensor{Name: "q", Shape: []int{2, 2}, DType: "qint8", Data: []byte{1, 0xff, 2, 0x80},
		Quantization: &Quantization{Scales: []float64{0.5, 2}, ZeroPoints: []int64{1, -1}, Axis: 0}}
	if got, _, err := q.Convert("float32"); err != nil || got.Quantization != nil || !slices.Equal(got.Float32s(), []float32{0, -1, 6, -254}) {
		t.Errorf("%+v, %v", got, err)
	}
	q.Quantization.Axis = 1
	if got := q.Float32s(); !slices.Equal(got, []float32{0, 0, 0.5, -254}) {
		t.Errorf("by the second dimension: %v", got)
	}
}

func doubles(values ...float64) []byte {
	var data []byte
	for _, v := range values {
		data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
	}
	return data
}

func TestNotFinite(t *testing.T) {
	nan, inf := math.NaN(), math.Inf(-1)
	f := &File{Tensors: []Tensor{
		NewTensor("good", []int{2}, []float32{1, math.MaxFloat32}),
		NewTensor("bad", []int{4}, []float32{float32(nan), float32(inf), 1, float32(nan)}),
		{Name: "wide", Shape: []int{4}, DType: "float64", Data: doubles(nan, inf, 1e300, 1)},
		{Name: "half", Shape: []int{2}, DType: "float16", Data: []byte{0x00, 0x7c, 0x01, 0x7c}},
		{Name: "count", Shape: nil, DType: "int64", Data: bytes.Repeat([]byte{0xff}, 8)},
		{Name: "q", Shape: []int{2, 3}, DType: "qint8", Data: make([]byte, 6), Quantization: &Quantization{Scales: []float64{1, nan}, ZeroPoints: []int64{0, 0}}},
	}}
	want := []NotFinite{
		{"bad", 2, 1, 0, 4}, {"wide", 1, 1, 1, 4}, {"half", 1, 1, 0, 2}, {"q", 3, 0, 0, 6},
	}
	if got := f.NotFinite(); !slices.Equal(got, want) {
		t.Errorf("%+v, want %+v", got, want)
	}
}

// TestTooLarge has numbers that a network of float32 could only hold as infinities.
func TestTooLarge(t *testing.T) {
	e := &param{name: "wide", shape: []int{1}, values: []float32{7}}
	f := &File{Tensors: []Tensor{{Name: "wide", Shape: []int{1}, DType: "float64", Data: doubles(1e300)}}}
	if err := Restore("a.pth", f, []*param{e}); err == nil || !strings.Contains(err.Error(), "a.pth: tensor wide holds 1 number too large for float32") || e.values[0] != 7 {
		t.Errorf("%v, the network has %v", err, e.values)
	}
}

// TestIsBuffer counts a ResNet-18 as torchvision names its tensors: of its
// parameters there are 11,689,512.
func TestIsBuffer(t *testing.T) {
	var tensors []Tensor
	add := func(name string, shape ...int) {
		dtype := "float32"
		if strings.HasSuffix(name, "num_batches_tracked") {
			dtype = "int64"
		}
		tensors = append(tensors, Tensor{Name: name, Shape: shape, DType: dtype})
	}
	norm := func(name string, channels int) {
		for _, part := range []string{"weight", "bias", "running_mean", "running_var"} {
			add(name+"."+part, channels)
		}
		add(name + ".num_batches_tracked")
	}
	add("conv1.weight", 64, 3, 7, 7)
	norm("bn1", 64)
	in := 64
	for layer, channels := range []int{64, 128, 256, 512} {
		for block := range 2 {
			name := "layer" + string(rune('1'+layer)) + "." + string(rune('0'+block))
			add(name+".conv1.weight", channels, in, 3, 3)
			norm(name+".bn1", channels)
			add(name+".conv2.weight", channels, channels, 3, 3)
			norm(name+".bn2", channels)
			if in != channels {
				add(name+".downsample.0.weight", channels, in, 1, 1)
				norm(name+".downsample.1", channels)
			}
			in = channels
		}
	}
	add("fc.weight", 1000, 512)
	add("fc.bias", 1000)
	parameters, buffers := 0, 0
	for _, tensor := range tensors {
		if tensor.IsBuffer() {
			buffers += tensor.Len()
		} else {
			parameters += tensor.Len()
		}
	}
	if parameters != 11_689_512 || buffers != 9_620 || len(tensors) != 122 {
		t.Errorf("%d parameters and %d numbers in buffers, in %d tensors", parameters, buffers, len(tensors))
	}
}
