package onnx

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inkling/weights"
	"inkling/weights/internal/hostile"
)

// outside is an initializer of two float32 in another file.
func outside(name string, pairs ...string) string {
	fields := []string{numberField(tensorLocation, locationExternal)}
	for i := 0; i < len(pairs); i += 2 {
		fields = append(fields, bytesField(tensorExternal, bytesField(1, pairs[i]), bytesField(2, pairs[i+1])))
	}
	return weight(name, 1, fields...)
}

// TestExternalData reads weights from a file beside the model.
func TestExternalData(t *testing.T) {
	folder := t.TempDir()
	at := func(name string) string { return filepath.Join(folder, name) }
	put := func(name, content string) {
		t.Helper()
		if err := os.WriteFile(at(name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	put("all.data", floats(0, 1, -2, 3, 4))
	put("short.data", floats(0, 1, -2, 3, 4)[:11])
	put("model.onnx", string(file(
		outside("a", "location", "all.data", "offset", "4", "length", "8", "checksum", "x"),
		outside("b", "location", "all.data", "offset", "12"),
		weight("c", 1, bytesField(tensorRaw, floats(7, 8))))))
	for name, read := range map[string]func() ([]weights.Tensor, error){
		"onnx": func() ([]weights.Tensor, error) {
			c, err := ReadFile(at("model.onnx"))
			if err != nil {
				return nil, err
			}
			return c.Tensors, nil
		},
		"weights": func() ([]weights.Tensor, error) {
			f, err := weights.Read(at("model.onnx"))
			if err != nil {
				return nil, err
			}
			return f.Tensors, nil
		},
	} {
		tensors, err := read()
		if err != nil {
			t.Fatal(err)
		}
		for i, want := range [][]float32{{1, -2}, {3, 4}, {7, 8}} {
			if got := tensors[i].Float32s(); !slices.Equal(got, want) {
				t.Errorf("%s: %s is %v, want %v", name, tensors[i].Name, got, want)
			}
		}
	}

	inner := t.TempDir()
	if err := os.WriteFile(filepath.Join(inner, "secret"), []byte(floats(1, 2)), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(at("folder"), 0o700); err != nil {
		t.Fatal(err)
	}
	put("folder/inner.data", floats(1, 2))
	if runtime.GOOS != "windows" {
		for link, target := range map[string]string{"link": filepath.Join(inner, "secret"), "near": "all.data", "up": "../" + filepath.Base(folder) + "/all.data"} {
			if err := os.Symlink(target, at(link)); err != nil {
				t.Fatal(err)
			}
		}
	}
	for _, test := range []struct {
		fields string
		says   string
	}{
		{outside("w", "location", "missing.data"), "missing.data is not beside the file; put both into one folder"},
		{outside("w", "location", "../"+filepath.Base(inner)+"/secret"), "is no plain file name"},
		{outside("w", "location", filepath.Join(inner, "secret")), "is no plain file name"},
		{outside("w", "location", "./all.data"), "is no plain file name"},
		{outside("w", "location", "folder/inner.data"), "is no plain file name"},
		{outside("w", "location", `folder\inner.data`), "is no plain file name"},
		{outside("w", "location", "C:all.data"), "is no plain file name"},
		{outside("w", "location", "all.data\x00"), "is no plain file name"},
		{outside("w", "location", ".."), "is no plain file name"},
		{outside("w", "location", "."), "is no plain file name"},
		{outside("w", "location", ""), "does not say in which"},
		{outside("w", "offset", "0"), "does not say in which"},
		{outside("w", "location", "folder"), "is no regular file"},
		{outside("w", "location", "link"), "is a link, which is not followed|is not beside the file"},
		{outside("w", "location", "near"), "is a link, which is not followed|is not beside the file"},
		{outside("w", "location", "up"), "is a link, which is not followed|is not beside the file"},
		{outside("w", "location", "short.data", "offset", "4"), "8 bytes from byte 4 of short.data, which has 11"},
		{outside("w", "location", "all.data", "offset", "21"), "from byte 21 of all.data, which has 20"},
		{outside("w", "location", "all.data", "offset", "9223372036854775807"), "which has 20"},
		{outside("w", "location", "all.data", "offset", "-4"), "has the offset -4, wanted a number from 0"},
		{outside("w", "location", "all.data", "offset", "1e1"), "has the offset 1e1, wanted a number from 0"},
		{outside("w", "location", "all.data", "length", "99999999999999999999"), "has the length 99999999999999999999, wanted"},
		{outside("w", "location", "all.data", "length", "4"), "4 bytes of all.data, but its shape takes 8"},
		{outside("w", "location", "all.data", "length", "12"), "12 bytes of all.data, but its shape takes 8"},
	} {
		put("bad.onnx", string(file(test.fields)))
		hostile.Refused(t, func(data []byte) error { _, err := ReadFile(at("bad.onnx")); return err }, file(test.fields), test.says)
	}
	data := file(outside("w", "location", "all.data"))
	if _, err := Read(bytes.NewReader(data), int64(len(data))); err == nil || !strings.Contains(err.Error(), "nothing but this one is at hand; open it by its name") {
		t.Errorf("from memory: %v", err)
	}
}

// TestExternalBomb has many tensors of the same bytes in another file: what they
// take is counted.
func TestExternalBomb(t *testing.T) {
	folder := t.TempDir()
	content := strings.Repeat("\x00\x00\x80\x3f", 1<<18)
	if err := os.WriteFile(filepath.Join(folder, "a.data"), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	var tensors []string
	for i := range 100 {
		tensors = append(tensors, bytesField(graphInitializer, bytesField(tensorName, fmt.Sprint(i)), numberField(tensorType, 1), numberField(tensorDims, 1<<18),
			numberField(tensorLocation, locationExternal), bytesField(tensorExternal, bytesField(1, "location"), bytesField(2, "a.data"))))
	}
	path := filepath.Join(folder, "model.onnx")
	model := file(tensors...)
	if err := os.WriteFile(path, model, 0o600); err != nil {
		t.Fatal(err)
	}
	hostile.Refused(t, func([]byte) error { _, err := ReadFile(path); return err }, append(model, content...), "more than the")
}
