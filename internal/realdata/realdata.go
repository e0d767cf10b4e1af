// Package realdata has real data for tests: only they import it.
//
//   - emnist-mnist-test-images-idx3-ubyte.bz2 and -labels-: the 10,000 pictures of
//     EMNIST's split mnist to test with, as published (their .gz have md5
//     fb51b6430fc4dd67deaada1bf25d4524 and ae7f6be798a9a5d5f2bd32e078a402dd),
//     packed again. EMNIST is by Cohen, Afshar, Tapson and van Schaik
//     (arXiv:1702.05373) and derives from NIST's Special Database 19, a work of the
//     government of the United States.
//   - pendigits-heldout.jsonl.bz2: the 2,498 drawings of the ten writers tra21 to
//     tra30 of "Pen-Based Recognition of Handwritten Digits" by Alpaydin and
//     Alimoglu (1996, UCI Machine Learning Repository, CC BY 4.0), as lines that
//     sketch.NewLines reads. The built-in network was not trained on them.
//   - pillow.tar.bz2: drawings and noise, and what Pillow and torchvision make of
//     them; pillow.py made them.
package realdata

import (
	"archive/tar"
	"bytes"
	"compress/bzip2"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
)

//go:embed *.bz2
var files embed.FS

func unpack(name string) ([]byte, error) {
	f, err := files.Open(name + ".bz2")
	if err != nil {
		return nil, err
	}
	defer f.Close()
	content, err := io.ReadAll(bzip2.NewReader(f))
	if err != nil {
		return nil, fmt.Errorf("internal/realdata/%s.bz2: %w", name, err)
	}
	return content, nil
}

// EMNISTTest returns the files of EMNIST's split mnist to test with, by their
// published names, for emnist.Open. They are unpacked once.
var EMNISTTest = sync.OnceValues(func() (fs.FS, error) {
	all := fstest.MapFS{}
	for _, name := range []string{"emnist-mnist-test-images-idx3-ubyte", "emnist-mnist-test-labels-idx1-ubyte"} {
		content, err := unpack(name)
		if err != nil {
			return nil, err
		}
		all[name] = &fstest.MapFile{Data: content}
	}
	return all, nil
})

var pillow = sync.OnceValues(func() ([]byte, error) { return unpack("pillow.tar") })

// Pillow returns a folder that has the folder image with pictures that Pillow and
// torchvision made; its index.json lists them. The folder is gone after the test.
func Pillow(t testing.TB) string {
	t.Helper()
	content, err := pillow()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "image"), 0o755); err != nil {
		t.Fatal(err)
	}
	for members := tar.NewReader(bytes.NewReader(content)); ; {
		header, err := members.Next()
		if err == io.EOF {
			return dir
		}
		var file []byte
		if err == nil {
			file, err = io.ReadAll(members)
		}
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, "image", path.Base(header.Name)), file, 0o644)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
}

// PenDigits returns drawings of digits by ten people, one a line.
func PenDigits() (io.Reader, error) {
	content, err := unpack("pendigits-heldout.jsonl")
	return strings.NewReader(string(content)), err
}
