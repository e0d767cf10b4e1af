package main

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"testing"

	"inkling/data/emnist"
	"inkling/data/idx"
	"inkling/sketch"
)

func write(t *testing.T, prefix string, images *idx.Images, labels []byte) {
	t.Helper()
	for name, f := range map[string]func(z *gzip.Writer) error{
		"-images-idx3-ubyte.gz": func(z *gzip.Writer) error { return idx.WriteImages(z, images) },
		"-labels-idx1-ubyte.gz": func(z *gzip.Writer) error { return idx.WriteLabels(z, labels) },
	} {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		if err := f(z); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(prefix+name, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

func TestGather(t *testing.T) {
	dir := t.TempDir()
	picture := make([]byte, size)
	for y := 4; y < 24; y++ {
		picture[y*sketch.Size+10], picture[y*sketch.Size+11] = 255, 255
	}
	blank := make([]byte, size)
	write(t, filepath.Join(dir, "a"), &idx.Images{Count: 1, Height: 28, Width: 28, Pixels: picture}, []byte{1})
	write(t, filepath.Join(dir, "b"), &idx.Images{Count: 1, Height: 28, Width: 28, Pixels: blank}, []byte{5})
	prefixes := []string{filepath.Join(dir, "a"), filepath.Join(dir, "b")}
	var first []byte
	for i, out := range []string{"one", "two"} {
		folder := filepath.Join(dir, out)
		if err := gather(append([]string{folder}, prefixes...), 2, 3); err != nil {
			t.Fatal(err)
		}
		images, err := os.ReadFile(filepath.Join(folder, "emnist-mnist-train-images-idx3-ubyte"))
		if err != nil {
			t.Fatal(err)
		}
		if i == 0 {
			first = images
		} else if !bytes.Equal(images, first) {
			t.Error("the same arguments give other files")
		}
	}
	d, err := emnist.Open(os.DirFS(filepath.Join(dir, "one")), "mnist", true, emnist.Raw)
	if err != nil {
		t.Fatal(err)
	}
	if want := 2 + 2*2 + 3*len(shapes); d.Len() != want {
		t.Fatalf("there are %d pictures, want %d", d.Len(), want)
	}
	for i, want := range []int{1, 5, 1, 5, 1, 5, 1} {
		pixels, label, err := d.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		if label != want {
			t.Errorf("picture %d has the label %d, want %d", i, label, want)
		}
		if i < 2 && !bytes.Equal(pixels, [][]byte{picture, blank}[i]) {
			t.Errorf("picture %d is not the one that was gathered", i)
		}
		if i == 2 && bytes.Equal(pixels, picture) {
			t.Error("a distorted picture is as before")
		}
	}
	if err := gather([]string{dir}, 0, 0); err == nil {
		t.Error("no prefix is taken")
	}
	if err := gather([]string{dir, filepath.Join(dir, "none")}, 0, 0); err == nil {
		t.Error("missing files are taken")
	}
}
