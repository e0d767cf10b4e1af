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
	drawings := filepath.Join(dir, "drawings.jsonl")
	lines := `{"label": 7, "writer": "anna", "strokes": [[[0, 0], [9, 0.5], [4, 20]]]}
{"label": 1, "writer": "bob", "strokes": [[[5, 0], [5, 20]]]}
{"label": 0, "writer": "ada", "strokes": [[[5, 5]], []]}
`
	if err := os.WriteFile(drawings, []byte(lines), 0o644); err != nil {
		t.Fatal(err)
	}
	o := options{distorted: 2, strokes: drawings, writers: []string{"a*"}, copies: 3}
	var first []byte
	for i, out := range []string{"one", "two"} {
		folder := filepath.Join(dir, out)
		if err := o.gather(append([]string{folder}, prefixes...)); err != nil {
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
	labels := []int{1, 5, 1, 5, 1, 5, 7, 0, 7, 0, 7, 0}
	if d.Len() != len(labels) {
		t.Fatalf("there are %d pictures, want %d", d.Len(), len(labels))
	}
	seen := map[string]int{}
	for i, want := range labels {
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
		if before, found := seen[string(pixels)]; found && label != 5 && label != 0 { // of nothing and of a dot there is one picture
			t.Errorf("picture %d is that of %d", i, before)
		}
		seen[string(pixels)] = i
	}
}

func TestGatherFails(t *testing.T) {
	dir := t.TempDir()
	write(t, filepath.Join(dir, "a"), &idx.Images{Count: 1, Height: 28, Width: 28, Pixels: make([]byte, size)}, []byte{1})
	a := filepath.Join(dir, "a")
	letter := filepath.Join(dir, "letter.jsonl")
	if err := os.WriteFile(letter, []byte(`{"label": "x", "strokes": [[[0, 0]]]}`), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		o    options
		args []string
	}{
		"no prefix":   {options{}, []string{dir}},
		"no files":    {options{}, []string{dir, filepath.Join(dir, "none")}},
		"no strokes":  {options{strokes: filepath.Join(dir, "none"), writers: []string{"*"}}, []string{dir, a}},
		"a letter":    {options{strokes: letter, writers: []string{"*"}}, []string{dir, a}},
		"no pattern":  {options{strokes: letter, writers: []string{"["}}, []string{dir, a}},
		"no drawings": {options{strokes: letter, writers: []string{"anna"}}, []string{dir, a}},
	} {
		if err := test.o.gather(test.args); err == nil {
			t.Errorf("%s: there is no error", name)
		}
	}
}
