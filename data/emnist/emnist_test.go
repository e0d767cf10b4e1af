package emnist

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data/idx"
	"inkling/internal/realdata"
)

// pictures returns gzipped files of one 2x3 picture for every label.
func pictures(t testing.TB, labels ...byte) (imageFile, labelFile []byte) {
	t.Helper()
	all := &idx.Images{Count: len(labels), Height: 2, Width: 3}
	for i := range labels {
		all.Pixels = append(all.Pixels, byte(i), 1, 2, 3, 4, 5)
	}
	var images, labelled bytes.Buffer
	zi, zl := gzip.NewWriter(&images), gzip.NewWriter(&labelled)
	if err := errors.Join(idx.WriteImages(zi, all), zi.Close(), idx.WriteLabels(zl, labels), zl.Close()); err != nil {
		t.Fatal(err)
	}
	return images.Bytes(), labelled.Bytes()
}

func TestOpen(t *testing.T) {
	images, labels := pictures(t, 4, 0, 9)
	for _, folder := range []string{"", "EMNIST/raw/", "gzip/"} {
		fsys := fstest.MapFS{
			folder + "emnist-mnist-test-images-idx3-ubyte.gz": {Data: images},
			folder + "emnist-mnist-test-labels-idx1-ubyte.gz": {Data: labels},
		}
		for _, test := range []struct {
			orientation   Orientation
			height, width int
			pixels        []byte
		}{
			{Raw, 2, 3, []byte{2, 1, 2, 3, 4, 5}},
			{Upright, 3, 2, []byte{2, 3, 1, 4, 2, 5}},
		} {
			d, err := Open(fsys, "mnist", false, test.orientation)
			if err != nil {
				t.Fatal(err)
			}
			pixels, label, err := d.Example(2)
			if err != nil || label != 9 || !slices.Equal(pixels, test.pixels) {
				t.Errorf("%v: Example(2) = %v, %d, %v", test.orientation, pixels, label, err)
			}
			if c, h, w := d.Shape(); c != 1 || h != test.height || w != test.width {
				t.Errorf("%v: shape %dx%dx%d", test.orientation, c, h, w)
			}
			if d.Orientation() != test.orientation || d.Split() != "mnist" || d.Len() != 3 || len(d.Classes()) != 10 {
				t.Errorf("split %q, %v, %d pictures, classes %v", d.Split(), d.Orientation(), d.Len(), d.Classes())
			}
		}
		if _, err := Open(fsys, "mnist", true, Raw); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "emnist-mnist-train-images-idx3-ubyte") {
			t.Errorf("no files to train on: %v", err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	images, labels := pictures(t, 4, 10)
	fsys := fstest.MapFS{
		"emnist-mnist-test-images-idx3-ubyte.gz": {Data: images},
		"emnist-mnist-test-labels-idx1-ubyte.gz": {Data: labels},
	}
	for _, test := range []struct {
		split       string
		orientation Orientation
		message     string
	}{
		{"mnist", Upright, "emnist-mnist-test-labels-idx1-ubyte.gz is not usable: label 1 is 10, want 0 to 9 in the split mnist"},
		{"mnist", 0, "the orientation of EMNIST's pictures is not given"},
		{"mnist", 3, "the orientation of EMNIST's pictures is not given"},
		{"mnits", Raw, `"mnits" is not the name of a split of EMNIST, want mnist, digits, letters, balanced, bymerge or byclass`},
	} {
		if _, err := Open(fsys, test.split, false, test.orientation); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s, %v: error %v, want %q", test.split, test.orientation, err, test.message)
		}
	}
}

func TestOrientationString(t *testing.T) {
	for o, want := range map[Orientation]string{Raw: "raw", Upright: "upright", 0: "Orientation(0)"} {
		if o.String() != want {
			t.Errorf("%d is %q, want %q", int(o), o, want)
		}
	}
}

func TestPublishedFiles(t *testing.T) {
	files, err := realdata.EMNISTTest()
	if err != nil {
		t.Fatal(err)
	}
	raw, err := Open(files, "mnist", false, Raw)
	if err != nil {
		t.Fatal(err)
	}
	upright, err := Open(files, "mnist", false, Upright)
	if err != nil {
		t.Fatal(err)
	}
	if raw.Len() != 10_000 || upright.Len() != 10_000 {
		t.Fatalf("%d and %d pictures, want 10000", raw.Len(), upright.Len())
	}
	perClass := make([]int, 10)
	for i := range raw.Len() {
		a, label, err := raw.Example(i)
		if err != nil {
			t.Fatal(err)
		}
		b, same, err := upright.Example(i)
		if err != nil || same != label {
			t.Fatalf("picture %d: labels %d and %d, %v", i, label, same, err)
		}
		perClass[label]++
		for y := range 28 {
			for x := range 28 {
				if a[y*28+x] != b[x*28+y] {
					t.Fatalf("picture %d: raw (%d, %d) is %d, upright (%d, %d) is %d", i, y, x, a[y*28+x], x, y, b[x*28+y])
				}
			}
		}
	}
	for class, n := range perClass {
		if n != 1000 {
			t.Errorf("%d pictures of %d, want 1000", n, class)
		}
	}
}
