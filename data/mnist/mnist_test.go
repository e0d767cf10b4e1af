package mnist

import (
	"bytes"
	"crypto/md5"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data/idx"
)

// smallSet returns a set of the given labels under two names.
func smallSet(t *testing.T, imagesName, labelsName string, labels ...byte) fstest.MapFS {
	t.Helper()
	var images, labelFile bytes.Buffer
	err := errors.Join(
		idx.WriteImages(&images, &idx.Images{Count: len(labels), Height: 28, Width: 28, Pixels: make([]byte, 784*len(labels))}),
		idx.WriteLabels(&labelFile, labels))
	if err != nil {
		t.Fatal(err)
	}
	return fstest.MapFS{imagesName: {Data: images.Bytes()}, labelsName: {Data: labelFile.Bytes()}}
}

func TestOpenFindsTheNames(t *testing.T) {
	for _, name := range []struct {
		images, labels string
		train          bool
	}{
		{"train-images-idx3-ubyte", "train-labels-idx1-ubyte.gz", true},
		{"t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte", false},
		{"train-images.idx3-ubyte", "train-labels.idx1-ubyte", true},
		{"MNIST/raw/t10k-images-idx3-ubyte", "MNIST/raw/t10k-labels-idx1-ubyte", false},
	} {
		fsys := smallSet(t, name.images, name.labels, 9, 0, 3)
		d, err := Open(fsys, name.train)
		if err != nil {
			t.Errorf("%s: %v", name.images, err)
			continue
		}
		_, label, err := d.Example(2)
		if c, h, w := d.Shape(); d.Len() != 3 || c != 1 || h != 28 || w != 28 || label != 3 || err != nil || d.Classes()[9] != "9" {
			t.Errorf("%s: %d pictures of %dx%dx%d, label %d, %v", name.images, d.Len(), c, h, w, label, err)
		}
		if _, err := Open(fsys, !name.train); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("%s: the other half: %v", name.images, err)
		}
	}
}

func TestOpenRefuses(t *testing.T) {
	letters := smallSet(t, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 1, 10)
	if _, err := Open(letters, true); err == nil || err.Error() != "train-labels-idx1-ubyte is not usable: label 1 is 10, want 0 to 9: the data set has 10 classes" {
		t.Errorf("label 10: %v", err)
	}
	delete(letters, "train-labels-idx1-ubyte")
	if _, err := Open(letters, true); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "train-labels") {
		t.Errorf("no labels: %v", err)
	}
	bad := smallSet(t, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 1)
	bad["train-images-idx3-ubyte"].Data[3] = 1
	if _, err := Open(bad, true); err == nil || !strings.Contains(err.Error(), "train-images-idx3-ubyte is not usable") {
		t.Errorf("bad images: %v", err)
	}
}

func TestPublishedFiles(t *testing.T) {
	const folder = "../../../shared/data/mnist"
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("MNIST's files as they were packed when published are not beside the repository; embedded has the same, packed again: %v", err)
	}
	fsys := os.DirFS(folder)
	for _, f := range MNIST.Files {
		content, err := fs.ReadFile(fsys, f.Name)
		if err != nil {
			t.Fatal(err)
		}
		if sum := fmt.Sprintf("%x", md5.Sum(content)); sum != f.MD5 {
			t.Errorf("%s has md5 %s, published is %s", f.Name, sum, f.MD5)
		}
	}
	for train, want := range map[bool]int{true: 60_000, false: 10_000} {
		if d, err := Open(fsys, train); err != nil || d.Len() != want {
			t.Errorf("train %v: %v", train, err)
		}
	}
}
