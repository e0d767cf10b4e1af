package pth

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"math"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// golden is a folder of larger files written by PyTorch, which lies beside the
// repository on some machines.
const golden = "../../../shared/golden"

func goldenFolder(t testing.TB) string {
	if _, err := os.Stat(filepath.Join(golden, "index.json")); err != nil {
		t.Skip("the larger files of PyTorch beside the project are not there; those in testdata are of every kind that they are:", golden)
	}
	return golden
}

// readNPY returns the float32 values and the shape of a .npy file.
func readNPY(t *testing.T, path string) ([]float32, []int) {
	t.Helper()
	data, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	end := 10 + int(binary.LittleEndian.Uint16(data[8:]))
	match := regexp.MustCompile(`'descr': '(.*?)', 'fortran_order': False, 'shape': \((.*?)\)`).FindStringSubmatch(string(data[10:end]))
	if match == nil {
		t.Fatalf("%s: header %s", path, data[10:end])
	}
	shape := []int{}
	count := 1
	for _, text := range strings.FieldsFunc(match[2], func(r rune) bool { return r == ',' || r == ' ' }) {
		n, err := strconv.Atoi(text)
		if err != nil {
			t.Fatal(err)
		}
		shape = append(shape, n)
		count *= n
	}
	dtype, ok := map[string]DType{"<f4": Float32, "<f8": Float64, "<f2": Float16, "|u1": Uint8, "|i1": Int8,
		"<i2": Int16, "<i4": Int32, "<i8": Int64, "|b1": Bool}[match[1]]
	if !ok {
		t.Fatalf("%s: type %s", path, match[1])
	}
	tensor, err := NewBytes(path, dtype, shape, data[end:])
	if err != nil {
		t.Fatal(err)
	}
	return mustFloat32s(t, tensor), shape
}

func TestGolden(t *testing.T) {
	folder := goldenFolder(t)
	text, err := os.ReadFile(filepath.Join(folder, "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Cases []struct {
			Kind, Name string
			Params     json.RawMessage
		}
	}
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	checked := 0
	for _, c := range index.Cases {
		var params struct {
			File    string
			Tensors map[string]struct {
				DType string
				Shape []int
				File  string
			}
		}
		if c.Kind != "pth" || json.Unmarshal(c.Params, &params) != nil || len(params.Tensors) == 0 {
			continue
		}
		checked++
		t.Run(c.Name, func(t *testing.T) {
			f, err := ReadFile(filepath.Join(folder, params.File))
			if err != nil {
				t.Fatal(err)
			}
			if whole := strings.HasPrefix(c.Name, "net_whole"); whole != (f.Class == "__main__.Net") {
				t.Errorf("the class is %q", f.Class)
			}
			got := map[string]Tensor{}
			for _, tensor := range f.Tensors {
				got[tensor.Name] = tensor
				got["model."+tensor.Name] = tensor
			}
			for _, tensor := range f.Others {
				got[strings.Replace(tensor.Name, "optimizer_state_dict.state.", "opt.", 1)] = tensor
			}
			if len(f.Tensors)+len(f.Others) != len(params.Tensors) {
				t.Errorf("%d tensors and %d others, want %d together", len(f.Tensors), len(f.Others), len(params.Tensors))
			}
			for name, want := range params.Tensors {
				tensor, ok := got[name]
				if !ok {
					t.Errorf("%s is missing", name)
					continue
				}
				if "torch."+tensor.DType.String() != want.DType || !slices.Equal(tensor.Shape, want.Shape) {
					t.Errorf("%s is %s %v, want %s %v", name, tensor.DType, tensor.Shape, want.DType, want.Shape)
				}
				values, shape := readNPY(t, filepath.Join(folder, want.File))
				same := func(a, b float32) bool { return math.Float32bits(a) == math.Float32bits(b) }
				if !slices.Equal(shape, tensor.Shape) || !slices.EqualFunc(mustFloat32s(t, tensor), values, same) {
					t.Errorf("%s: the values differ", name)
				}
			}
		})
	}
	if checked < 10 {
		t.Errorf("only %d files checked", checked)
	}
}

// TestGoldenSame compares files that hold the same network, and the trained
// ones after they are written and read again.
func TestGoldenSame(t *testing.T) {
	folder := goldenFolder(t)
	for _, same := range [][2]string{
		{"model.pth", "model_legacy.pth"},
		{"model_f16.pth", "model_f16_legacy.pth"},
		{"model_proto2.pth", "model_proto3.pth"},
		{"model_proto2.pth", "model_proto4.pth"},
		{"model_proto2.pth", "model_proto5.pth"},
	} {
		a, err := ReadFile(filepath.Join(folder, "pth", same[0]))
		if err != nil {
			t.Fatal(err)
		}
		b, err := ReadFile(filepath.Join(folder, "pth", same[1]))
		if err != nil {
			t.Fatal(err)
		}
		sameFiles(t, a, b)
	}
	for _, name := range []string{"trained", "trained_emnist"} {
		f, err := ReadFile(filepath.Join(folder, name, "model.pth"))
		if err != nil {
			t.Fatal(err)
		}
		if len(f.Tensors) != 10 {
			t.Errorf("%s: %d tensors", name, len(f.Tensors))
		}
		sameFiles(t, mustRead(t, mustWrite(t, f.Tensors, nil)), f)
	}
	adam, err := ReadFile(filepath.Join(folder, "pth/checkpoint_adam.pth"))
	if err != nil || len(adam.Tensors) != 0 || len(adam.Others) != 30 {
		t.Errorf("checkpoint_adam.pth: %v", err)
	}
	for _, name := range []string{"nested.pth", "tensor_only.pth"} {
		f, err := ReadFile(filepath.Join(folder, "pth", name))
		if err != nil || len(f.Others) == 0 || !slices.Equal(f.Others[0].Shape, []int{4, 6}) {
			t.Errorf("%s: %v", name, err)
		}
	}
	script, err := ReadFile(filepath.Join(folder, "pth/model_torchscript.pt"))
	if err != nil || !script.Script || len(script.Tensors) != 10 || script.Class != "__torch__.common.Net" {
		t.Errorf("model_torchscript.pt: %+v, %v", script, err)
	}
}

// lenet is the tutorial's network, 44,426 parameters, all zero.
func lenet(t testing.TB) []Tensor {
	t.Helper()
	var tensors []Tensor
	for _, p := range []struct {
		name  string
		shape []int
	}{
		{"conv1.weight", []int{6, 1, 5, 5}}, {"conv1.bias", []int{6}},
		{"conv2.weight", []int{16, 6, 5, 5}}, {"conv2.bias", []int{16}},
		{"fc1.weight", []int{120, 256}}, {"fc1.bias", []int{120}},
		{"fc2.weight", []int{84, 120}}, {"fc2.bias", []int{84}},
		{"fc3.weight", []int{10, 84}}, {"fc3.bias", []int{10}},
	} {
		count, err := elements(p.shape)
		if err != nil {
			t.Fatal(err)
		}
		tensor, err := New(p.name, p.shape, make([]float32, count))
		if err != nil {
			t.Fatal(err)
		}
		tensors = append(tensors, tensor)
	}
	return tensors
}

func BenchmarkReadFile(b *testing.B) {
	path := filepath.Join(b.TempDir(), "model.pth")
	data := mustWrite(b, lenet(b), nil)
	if err := os.WriteFile(path, data, 0o644); err != nil {
		b.Fatal(err)
	}
	b.SetBytes(int64(len(data)))
	for b.Loop() {
		f, err := ReadFile(path)
		if err != nil {
			b.Fatal(err)
		}
		for i := range f.Tensors {
			if _, err := f.Tensors[i].Float32s(); err != nil {
				b.Fatal(err)
			}
		}
	}
}

func BenchmarkWrite(b *testing.B) {
	tensors := lenet(b)
	var buffer bytes.Buffer
	for b.Loop() {
		buffer.Reset()
		if err := Write(&buffer, tensors, nil); err != nil {
			b.Fatal(err)
		}
	}
}
