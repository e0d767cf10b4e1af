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
package realdata

import (
	"compress/bzip2"
	"embed"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"sync"
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

// PenDigits returns drawings of digits by ten people, one a line.
func PenDigits() (io.Reader, error) {
	content, err := unpack("pendigits-heldout.jsonl")
	return strings.NewReader(string(content)), err
}
