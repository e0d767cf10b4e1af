package weights

import (
	"math"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
)

// TestEveryFormat takes the tutorial's model that PyTorch trained through all
// formats and back, bit for bit, with metadata.
func TestEveryFormat(t *testing.T) {
	golden, err := Read(filepath.Join("testdata", "trained", "model.pth"))
	if err != nil {
		t.Fatal(err)
	}
	tensors := golden.Tensors
	want := full()
	want.FormatVersion = MetadataVersion
	path := filepath.Join(t.TempDir(), "0.pth")
	if err := Write(path, tensors, want); err != nil {
		t.Fatal(err)
	}
	for i, ending := range []string{".safetensors", ".npz", ".pth", ".npz", ".safetensors", ".pt"} {
		file, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		path = filepath.Join(t.TempDir(), "model"+ending)
		if err := Write(path, file.Tensors, *file.Metadata); err != nil {
			t.Fatal(err)
		}
		if file, err = Read(path); err != nil {
			t.Fatal(err)
		}
		if len(file.Tensors) != len(tensors) || !reflect.DeepEqual(*file.Metadata, want) {
			t.Fatalf("%d, %s: %d tensors, metadata %+v", i, ending, len(file.Tensors), file.Metadata)
		}
		for j, got := range file.Tensors {
			if got.Name != tensors[j].Name || !slices.Equal(got.Shape, tensors[j].Shape) || got.DType != "float32" || !sameBits(got.Float32s(), tensors[j].Float32s()) {
				t.Errorf("%d, %s: %s has changed", i, ending, got.Name)
			}
		}
	}
}

// TestPyTorchThroughEveryFormat takes what PyTorch saved, in every way that it
// does, through each format, bit for bit.
func TestPyTorchThroughEveryFormat(t *testing.T) {
	var paths []string
	for _, pattern := range []string{filepath.Join("pth", "testdata", "*.pth"), filepath.Join("..", "..", "shared", "golden", "pth", "*.pth")} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		paths = append(paths, found...)
	}
	if len(paths) < 10 {
		t.Fatalf("%d files", len(paths))
	}
	folder, networks := t.TempDir(), 0
	for _, path := range paths {
		want, err := Read(path)
		if err != nil {
			t.Fatal(err)
		}
		if len(want.Tensors) == 0 {
			continue
		}
		networks++
		for _, ending := range []string{".pth", ".npz", ".safetensors"} {
			to := filepath.Join(folder, "model"+ending)
			if err := Write(to, want.Tensors); err != nil {
				t.Fatal(err)
			}
			got, err := Read(to)
			if err != nil {
				t.Fatal(err)
			}
			if len(got.Tensors) != len(want.Tensors) {
				t.Fatalf("%s became %d tensors in a %s", path, len(got.Tensors), ending)
			}
			for i, tensor := range got.Tensors {
				if w := want.Tensors[i]; tensor.Name != w.Name || !slices.Equal(tensor.Shape, w.Shape) || !sameBits(tensor.Float32s(), w.Float32s()) {
					t.Errorf("%s: %s has changed in a %s", path, w.Name, ending)
				}
			}
		}
	}
	t.Logf("%d networks", networks)
}

func sameBits(a, b []float32) bool {
	return slices.EqualFunc(a, b, func(x, y float32) bool { return math.Float32bits(x) == math.Float32bits(y) })
}

func TestSingleArray(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a.npy")
	one := []Tensor{NewTensor("fc.bias", []int{2}, []float32{1, 2})}
	if err := Write(path, one); err != nil {
		t.Fatal(err)
	}
	file, err := Read(path)
	if err != nil || file.Format != "npy" || len(file.Tensors) != 1 || file.Tensors[0].Name != "arr_0" || !slices.Equal(file.Tensors[0].Float32s(), one[0].Float32s()) {
		t.Errorf("%+v, %v", file, err)
	}
	if err := Write(path, slices.Repeat(one, 2)); err == nil || !strings.Contains(err.Error(), "room for one tensor") {
		t.Errorf("two tensors: %v", err)
	}
	if err := Write(path, one, full()); err == nil || !strings.Contains(err.Error(), "no metadata") {
		t.Errorf("metadata: %v", err)
	}
}

// TestSniff finds formats by content whatever the name, and asks the reader
// that the name tells when the content tells nothing.
func TestSniff(t *testing.T) {
	folder := t.TempDir()
	long := network()
	long[0].name = strings.Repeat("long.", 100) + "weight"
	for _, ending := range []string{".pth", ".safetensors", ".npz"} {
		path := filepath.Join(folder, "model"+ending)
		if err := Save(path, long); err != nil {
			t.Fatal(err)
		}
		for _, other := range []string{"model", "model.txt", "other.pth", "other.npz", "other.safetensors", "other.npy"} {
			other = filepath.Join(folder, other)
			if err := os.Rename(path, other); err != nil {
				t.Fatal(err)
			}
			file, err := Read(other)
			if err != nil || "."+file.Format != ending {
				t.Errorf("%s as %s: %v", ending, filepath.Base(other), err)
			}
			path = other
		}
	}
	for name, says := range map[string]string{
		"page.pth": "web page", "page.safetensors": "wanted a safetensors file",
		"page.npy": "web page or another text with tags, perhaps an error page saved by a download; wanted a .npy",
		"page.npz": "no whole zip archive", "page": "wanted a file that torch.save wrote",
	} {
		path := filepath.Join(folder, name)
		if err := os.WriteFile(path, []byte("<!DOCTYPE html><html>Not Found</html>"), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Read(path); err == nil || !strings.Contains(err.Error(), says) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, says)
		}
	}
}
