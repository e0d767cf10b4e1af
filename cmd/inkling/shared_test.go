package main

import (
	"archive/tar"
	"compress/gzip"
	"context"
	"inkling"
	"io"
	"os"
	"path/filepath"
	"testing"

	"inkling/data/emnist"
	"inkling/data/idx"
	"inkling/optim"
	"inkling/train"
)

// beside returns a folder of real data that lies beside the repository, and skips
// the test where it does not.
func beside(t *testing.T, name string) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it trains on real data")
	}
	folder := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(folder); err != nil {
		t.Skipf("these data are too many to be kept here, or have no licence that lets us, and they are not beside the repository: %v", err)
	}
	return folder
}

// trainOn trains with the flags that o has, few as they may be, and returns the
// accuracy that was told.
func trainOn(t *testing.T, o trainOptions) float64 {
	t.Helper()
	o.batch, o.gamma, o.rng, o.test = 4, 1, "go", true
	o.out = filepath.Join(t.TempDir(), "model.pth")
	result, err := runTraining(t.Context(), &o, newReporter(io.Discard, false))
	if err != nil {
		t.Fatal(err)
	}
	m, err := inkling.Open(o.out)
	if err != nil {
		t.Fatal(err)
	}
	e, err := evaluate(context.Background(), m, result.set, result.test, 0, []train.View{{}})
	if err != nil {
		t.Fatal(err)
	}
	if e.Accuracy() != result.evaluation.Accuracy() {
		t.Errorf("the model read from its file is right for %v, before it was saved for %v", e.Accuracy(), result.evaluation.Accuracy())
	}
	t.Logf("accuracy %.3f", e.Accuracy())
	return e.Accuracy()
}

// The letters of EMNIST's byclass as a split letters of our own.
func TestLetters(t *testing.T) {
	source := beside(t, "emnist-byclass")
	byclass, err := emnist.Open(os.DirFS(source), "byclass", false, emnist.Raw)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	next := 0
	for _, part := range []struct {
		name  string
		count int
	}{{"train", 8_000}, {"test", 2_000}} {
		pictures := &idx.Images{Height: 28, Width: 28}
		var labels []byte
		for ; pictures.Count < part.count; next++ {
			pixels, label, err := byclass.Example(next)
			if err != nil {
				t.Fatal(err)
			}
			const digits, letters = 10, 26
			if label < digits {
				continue
			}
			pictures.Pixels = append(pictures.Pixels, pixels...)
			labels = append(labels, byte(1+(label-digits)%letters)) // a is as good as A
			pictures.Count++
		}
		stem := filepath.Join(dir, "emnist-letters-"+part.name)
		if err := writeWith(stem+"-images-idx3-ubyte", func(w io.Writer) error { return idx.WriteImages(w, pictures) }); err != nil {
			t.Fatal(err)
		}
		if err := writeWith(stem+"-labels-idx1-ubyte", func(w io.Writer) error { return idx.WriteLabels(w, labels) }); err != nil {
			t.Fatal(err)
		}
	}
	if got := trainOn(t, trainOptions{data: dir, epochs: 1, optimizing: optimizing{gamma: 1, optimizer: &optim.SGD{LR: 0.005, Momentum: 0.9}}}); got < 0.6 {
		t.Errorf("%.1f %% of the letters are read, want 60 or more", 100*got)
	}
}

// CIFAR-10 as records in a file, and as JPEG files by class.
func TestCIFAR(t *testing.T) {
	source := beside(t, "cifar10")
	for name, fill := range map[string]func(t *testing.T, dir string){
		"records": func(t *testing.T, dir string) {
			content, err := os.ReadFile(filepath.Join(source, "data_4000.bin.gz"))
			if err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(filepath.Join(dir, "data_4000.bin.gz"), content, 0o644); err != nil {
				t.Fatal(err)
			}
		},
		"files": func(t *testing.T, dir string) { unpackSome(t, filepath.Join(source, "cifar10-jpg.tar.gz"), dir, 25) },
	} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			fill(t, dir)
			if got := trainOn(t, trainOptions{data: dir, epochs: 2, optimizing: optimizing{gamma: 1, optimizer: &optim.SGD{LR: 0.004, Momentum: 0.9}}}); got < 0.15 {
				t.Errorf("%.1f %% of the pictures are told right, want 15 or more; guessing gives 10", 100*got)
			}
		})
	}
}

// unpackSome unpacks one of so many files of an archive of pictures.
func unpackSome(t *testing.T, archive, dir string, one int) {
	t.Helper()
	f, err := os.Open(archive)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	files := tar.NewReader(z)
	for i := 0; ; i++ {
		header, err := files.Next()
		if err == io.EOF {
			return
		}
		if err != nil {
			t.Fatal(err)
		}
		if header.Typeflag != tar.TypeReg || i%one != 0 {
			continue
		}
		path := filepath.Join(dir, filepath.FromSlash(header.Name))
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := writeWith(path, func(w io.Writer) error { _, err := io.Copy(w, files); return err }); err != nil {
			t.Fatal(err)
		}
	}
}
