package folder

import (
	"archive/tar"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"testing"

	"inkling/data"
	"inkling/transform"
)

// unpackCIFAR unpacks the first n of CIFAR-10's pictures as JPEG files, which lie
// in train/CLASS and test/CLASS.
func unpackCIFAR(t testing.TB, n int) (dir string) {
	t.Helper()
	f, err := os.Open("../../../shared/data/cifar10/cifar10-jpg.tar.gz")
	if err != nil {
		t.Skipf("CIFAR-10 has no licence that lets us keep some of it here, and it is not beside the repository: %v", err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	dir = t.TempDir()
	for members := tar.NewReader(z); n > 0; {
		h, err := members.Next()
		if err != nil {
			t.Fatal(err)
		}
		if h.Typeflag != tar.TypeReg || !filepath.IsLocal(h.Name) {
			continue
		}
		content, err := io.ReadAll(members)
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		if err = errors.Join(err, os.MkdirAll(filepath.Dir(path), 0o755), os.WriteFile(path, content, 0o644)); err != nil {
			t.Fatal(err)
		}
		n--
	}
	return dir
}

// The first pictures of CIFAR-10 as files, unpacked for real.
func TestPublishedPictures(t *testing.T) {
	d, err := Open(os.DirFS(filepath.Join(unpackCIFAR(t, 300), "train")), Options{})
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := d.Shape(); d.Len() != 300 || c != 3 || h != 32 || w != 32 || d.Classes()[0] != "airplane" {
		t.Errorf("%d pictures of %dx%dx%d, classes %v", d.Len(), c, h, w, d.Classes())
	}
	loader := &data.Loader{Dataset: d, BatchSize: 64, Shuffle: true, Workers: 2}
	seen := 0
	for _, b := range loader.Batches() {
		seen += len(b.Labels)
	}
	if err := loader.Err(); err != nil || seen != 300 {
		t.Errorf("%d pictures came, %v", seen, err)
	}
}

// BenchmarkCIFAR loads an epoch of CIFAR-10's pictures to train on, JPEG files in
// class folders, with the usual augmentation: read anew, or kept in memory after
// the first epoch.
func BenchmarkCIFAR(b *testing.B) {
	parts, err := OpenParts(os.DirFS(unpackCIFAR(b, 60_000)), Options{})
	if err != nil {
		b.Fatal(err)
	}
	for _, kept := range []bool{false, true} {
		d := parts.Train
		if kept {
			d = data.Keep(d, 1<<30)
		}
		for _, workers := range []int{1, 2} {
			b.Run(fmt.Sprintf("kept=%v/workers=%d", kept, workers), func(b *testing.B) {
				l := &data.Loader{
					Dataset: d, BatchSize: 64, Shuffle: true, Workers: workers,
					Transform: transform.Compose{
						transform.RandomCrop{Height: 32, Width: 32, Padding: 4}, transform.RandomHorizontalFlip{}, transform.ToTensor{},
						transform.Normalize{Mean: []float32{0.4914, 0.4822, 0.4465}, Std: []float32{0.2470, 0.2435, 0.2616}},
					},
				}
				for b.Loop() {
					for range l.Batches() {
					}
				}
				if err := l.Err(); err != nil {
					b.Fatal(err)
				}
				b.ReportMetric(float64(b.N*l.Samples())/b.Elapsed().Seconds(), "images/s")
			})
		}
	}
}
