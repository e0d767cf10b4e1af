package main

import (
	"bytes"
	"encoding/binary"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

func mustConvert(t *testing.T, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if status := run(append([]string{"convert"}, args...), nil, &stdout, &stderr); status != statusOK {
		t.Fatalf("convert %v ended with status %d: %s", args, status, stderr.String())
	}
	return stdout.String()
}

// TestConvertRoundTrip takes a model through every format and back: tensors bit
// for bit and metadata are those of the beginning, and so is the file.
func TestConvertRoundTrip(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	about := weights.Metadata{
		Inkling: "v0.1.0", Architecture: "LeNet", Dataset: "emnist", Split: "mnist", Classes: strings.Fields("null eins <2> 3 4 5 6 7 8 \"9\""),
		Mean: []float32{0.1307}, Std: []float32{0.3081}, Orientation: weights.Transposed, Input: []int{1, 28, 28},
		Extra: map[string]string{"epochs": "2", "note": "é\n\"中"},
	}
	network := models.NewLeNet(10, 1)
	if err := weights.Load(filepath.Join("..", "..", "weights", "testdata", "trained", "model.pth"), nn.State(network)); err != nil {
		t.Fatal(err)
	}
	if err := weights.Save(at("0.pth"), nn.State(network), about); err != nil {
		t.Fatal(err)
	}
	want, err := weights.Read(at("0.pth"))
	if err != nil {
		t.Fatal(err)
	}
	from := at("0.pth")
	for _, name := range []string{"1.safetensors", "2.npz", "3.pth", "4.npz", "5.safetensors", "6.pt"} {
		if said := mustConvert(t, from, at(name)); !strings.Contains(said, "What it says about itself was kept.") || strings.Count(said, "\n") != 1 {
			t.Errorf("%s: %s", name, said)
		}
		from = at(name)
		got, err := weights.Read(from)
		if err != nil {
			t.Fatal(err)
		}
		if len(got.Others) > 0 {
			t.Errorf("%s holds tensors outside the state dict", name)
		}
		got.Format, got.Others = want.Format, want.Others
		if !reflect.DeepEqual(got, want) {
			t.Errorf("%s differs; it says of itself %+v", name, got.Metadata)
		}
	}
	first, err := os.ReadFile(at("0.pth"))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"3.pth", "6.pt"} {
		if last, err := os.ReadFile(at(name)); err != nil || !bytes.Equal(first, last) {
			t.Errorf("%s differs from 0.pth, %v", name, err)
		}
	}
	said := mustConvert(t, from, at("7.onnx"), "--pixels")
	if strings.Contains(said, "assumed") {
		t.Errorf("something was assumed though the file says it: %s", said)
	}
}

// TestConvertSaysWhatIsLost converts a checkpoint of PyTorch.
func TestConvertSaysWhatIsLost(t *testing.T) {
	to := filepath.Join(t.TempDir(), "model.npz")
	said := mustConvert(t, filepath.Join("..", "..", "weights", "pth", "testdata", "checkpoint.pth"), to)
	for _, want := range []string{"\nLeft out: ", "outside the state dict, such as "} {
		if !strings.Contains(said, want) {
			t.Errorf("%q lacks %q", said, want)
		}
	}
	if strings.Contains(said, "Became") {
		t.Errorf("%q, but NumPy has int64", said)
	}
	var stdout, stderr bytes.Buffer
	nested := filepath.Join("..", "..", "weights", "pth", "testdata", "nested.pth")
	if status := run([]string{"convert", nested, to, "--force"}, nil, &stdout, &stderr); status != statusFailed || !strings.Contains(stderr.String(), "holds no state dict") {
		t.Errorf("no state dict: status %d, %s", status, stderr.String())
	}
}

// TestConvertTypes keeps the types of elements, or makes those of --dtype.
func TestConvertTypes(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	double := func(values ...float64) []byte {
		var data []byte
		for _, v := range values {
			data = binary.LittleEndian.AppendUint64(data, math.Float64bits(v))
		}
		return data
	}
	write := func(name string, tensors ...weights.Tensor) {
		t.Helper()
		if err := weights.Write(at(name), tensors); err != nil {
			t.Fatal(err)
		}
	}
	write("wide.pth", weights.Tensor{Name: "w", Shape: []int{2}, DType: "float64", Data: double(1e300, 1)})
	write("mixed.pth",
		weights.Tensor{Name: "d", Shape: []int{2}, DType: "float64", Data: double(0.1, 1e-20)},
		weights.Tensor{Name: "b", Shape: []int{2}, DType: "bfloat16", Data: []byte{0x80, 0x3f, 0, 0}},
		weights.Tensor{Name: "n", Shape: nil, DType: "int64", Data: []byte{1, 0, 0, 0, 0, 0, 0, 0x40}})
	for _, test := range []struct {
		args  []string
		says  []string
		types string
	}{
		{[]string{"wide.pth", "wide.npz"}, nil, "float64"},
		{[]string{"wide.pth", "wide.safetensors"}, nil, "float64"},
		{[]string{"mixed.pth", "mixed.safetensors"}, nil, "float64 bfloat16 int64"},
		{[]string{"mixed.pth", "mixed.npz"}, []string{"Became float32: 1 tensor, such as b of bfloat16."}, "float64 float32 int64"},
		{[]string{"mixed.pth", "half.pth", "--dtype", "float16"}, []string{"Became float16: 2 tensors, such as d of float64.", "Became zero: 1 number too small for float16."}, "float16 float16 int64"},
		{[]string{"mixed.pth", "brain.safetensors", "--dtype", "bfloat16"}, []string{"Became bfloat16: 1 tensor"}, "bfloat16 bfloat16 int64"},
	} {
		said := mustConvert(t, append([]string{at(test.args[0]), at(test.args[1])}, test.args[2:]...)...)
		for _, want := range test.says {
			if !strings.Contains(said, "\n"+want) {
				t.Errorf("%v: %q lacks %q", test.args, said, want)
			}
		}
		if test.says == nil && strings.Contains(said, "Became") {
			t.Errorf("%v: %q", test.args, said)
		}
		from, err := weights.Read(at(test.args[0]))
		if err != nil {
			t.Fatal(err)
		}
		got, err := weights.Read(at(test.args[1]))
		if err != nil {
			t.Fatal(err)
		}
		var types []string
		for i, tensor := range got.Tensors {
			types = append(types, tensor.DType)
			if tensor.DType == from.Tensors[i].DType && !bytes.Equal(tensor.Data, from.Tensors[i].Data) {
				t.Errorf("%v: %s is %x", test.args, tensor.Name, tensor.Data)
			}
		}
		if strings.Join(types, " ") != test.types {
			t.Errorf("%v: the types are %v, want %s", test.args, types, test.types)
		}
	}
	for _, test := range []struct {
		args   []string
		status int
		says   string
	}{
		{[]string{"wide.pth", "no.pth", "--dtype", "float32"}, statusFailed, "wide.pth: tensor w of float64 holds 1 number too large for float32, such as 1e+300"},
		{[]string{"mixed.pth", "no.npz", "--dtype", "bfloat16"}, statusUsage, "a .npz has no bfloat16; use .pth or .safetensors"},
		{[]string{"mixed.pth", "no.pth", "--dtype", "int8"}, statusUsage, `--dtype is "int8", want one of float64`},
		{[]string{"mixed.pth", "no.onnx", "--dtype", "float16"}, statusUsage, "--dtype is for files of tensors"},
	} {
		var stdout, stderr bytes.Buffer
		args := append([]string{"convert", at(test.args[0]), at(test.args[1])}, test.args[2:]...)
		if status := run(args, nil, &stdout, &stderr); status != test.status || !strings.Contains(stderr.String(), test.says) {
			t.Errorf("%v: status %d, %q, want %d, %q", test.args, status, stderr.String(), test.status, test.says)
		}
		if _, err := os.Stat(at(test.args[1])); err == nil {
			t.Errorf("%v: a file was written", test.args)
		}
	}
}

// TestNotFiniteIsSaid has a network of which every weight is NaN, as the published
// one of the shared cases.
func TestNotFiniteIsSaid(t *testing.T) {
	folder := t.TempDir()
	network := models.NewLeNet(10, 1)
	for _, e := range nn.State(network) {
		values := make([]float32, nn.Shape(e.Shape()).Elements())
		for i := range values {
			values[i] = float32(math.NaN())
		}
		e.Write(values)
	}
	path := filepath.Join(folder, "nan.pth")
	if err := weights.Save(path, nn.State(network)); err != nil {
		t.Fatal(err)
	}
	want := "\nNot finite: 44,426 NaN of 44,426 numbers, in 10 tensors: conv1.weight (150 of 150), conv1.bias (6 of 6), conv2.weight (2,400 of 2,400), 7 more.\n"
	var stdout, stderr bytes.Buffer
	if status := run([]string{"info", path}, nil, &stdout, &stderr); status != statusOK || !strings.Contains(stdout.String(), want) {
		t.Errorf("info: status %d, %s%s lacks %q", status, stdout.String(), stderr.String(), want)
	}
	if said := mustConvert(t, path, filepath.Join(folder, "nan.npz")); !strings.Contains(said, want) {
		t.Errorf("convert: %s lacks %q", said, want)
	}
}
