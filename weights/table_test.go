package weights_test

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/weights"
	"inkling/weights/internal/hostile"
	"inkling/weights/internal/untrusted"
	_ "inkling/weights/onnx" // registers its format
)

// TestFormatsAreChecked wants all that checks a format for every one that is registered:
// its own files are known for its and for no other's, come back as they were in every type
// of elements, and may be cut or changed anywhere; and its package has a fuzz target.
func TestFormatsAreChecked(t *testing.T) {
	packages := map[string]string{"npz": "npy"}                      // where it is not called as the format
	samples := map[string]string{"onnx": "onnx/testdata/torch.onnx"} // of formats that tensors alone make no file of
	names := map[string]bool{}
	for _, f := range weights.Formats() {
		t.Run(f.Name, func(t *testing.T) {
			for _, name := range append([]string{f.Name}, f.Endings...) {
				if names[name] || name != strings.ToLower(name) {
					t.Errorf("%s is taken or has capitals", name)
				}
				names[name] = true
			}
			if len(f.Endings) == 0 || f.Endings[0][0] != '.' {
				t.Errorf("the endings are %q", f.Endings)
			}
			one := weights.NewTensor("0", []int{2, 3}, []float32{1, 2, 3, 4, 5, 6})
			if f.Name == "npy" {
				one.Name = "array"
			}
			var sample bytes.Buffer
			if f.Write != nil {
				if err := f.Write(&sample, []weights.Tensor{one}, nil); err != nil {
					t.Fatal(err)
				}
			} else {
				found, _ := filepath.Glob(filepath.FromSlash(samples[f.Name]))
				if len(found) == 0 {
					t.Fatal("there is no sample of a file")
				}
				content, err := os.ReadFile(found[0])
				if err != nil {
					t.Fatal(err)
				}
				sample.Write(content)
			}
			data := sample.Bytes()
			for _, other := range weights.Formats() {
				if is := other.Sniff(data[:min(len(data), 1024)]); is != (other.Name == f.Name) {
					t.Errorf("a file is known for one of %s: %v", other.Name, is)
				}
			}
			read := func(data []byte) error {
				_, _, err := f.Read(bytes.NewReader(data), int64(len(data)))
				return err
			}
			if err := hostile.InMemory(t, read, data); err != nil {
				t.Fatal(err)
			}
			for i := range 64 { // what is wrong is its package's matter; here it must not panic or take memory
				at := len(data) * i / 64
				if err := hostile.InMemory(t, read, data[:at]); err == nil && at == 0 {
					t.Error("an empty file is read")
				}
				changed := bytes.Clone(data)
				changed[at] ^= 0xff
				_ = hostile.InMemory(t, read, changed)
			}
			for _, dtype := range f.DTypes {
				if f.Write == nil {
					break
				}
				given := weights.Tensor{Name: one.Name, Shape: []int{3}, DType: dtype, Data: bytes.Repeat([]byte{1}, 3*untrusted.Elements[dtype].Size)}
				var file bytes.Buffer
				if err := f.Write(&file, []weights.Tensor{given}, nil); err != nil {
					t.Errorf("%s: %v", dtype, err)
					continue
				}
				got, _, err := f.Read(bytes.NewReader(file.Bytes()), int64(file.Len()))
				if err != nil || len(got.Tensors) != 1 || got.Tensors[0].DType != dtype || !bytes.Equal(got.Tensors[0].Data, given.Data) {
					t.Errorf("%s does not come back: %v", dtype, err)
				}
			}
			home := f.Name
			if other := packages[home]; other != "" {
				home = other
			}
			tests, _ := filepath.Glob(filepath.Join(home, "*_test.go"))
			if !slices.ContainsFunc(tests, func(path string) bool {
				source, err := os.ReadFile(path)
				return err == nil && bytes.Contains(source, []byte("\nfunc Fuzz"))
			}) {
				t.Errorf("%s has no fuzz target", home)
			}
		})
	}
}
