package embedded

import (
	"compress/gzip"
	"crypto/sha256"
	"fmt"
	"io"
	"runtime"
	"slices"
	"testing"

	"inkling/data"
	"inkling/data/mnist"
	"inkling/transform"
)

func TestContentIsAsPublished(t *testing.T) {
	for _, f := range mnist.MNIST.Files {
		file, err := files.Open(f.Name)
		if err != nil {
			t.Fatal(err)
		}
		defer file.Close()
		unzipped, err := gzip.NewReader(file)
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.New()
		if _, err := io.Copy(sum, unzipped); err != nil {
			t.Fatal(err)
		}
		if got := fmt.Sprintf("%x", sum.Sum(nil)); got != f.SHA256 {
			t.Errorf("%s unpacks to sha256 %s, published is %s", f.Name, got, f.SHA256)
		}
	}
}

func TestSets(t *testing.T) {
	for _, test := range []struct {
		name     string
		open     func() (data.Dataset, error)
		perClass []int
		first    []int
	}{
		{"train", Train, []int{5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949}, []int{5, 0, 4, 1, 9}},
		{"test", Test, []int{980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009}, []int{7, 2, 1, 0, 4}},
	} {
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		d, err := test.open()
		runtime.ReadMemStats(&after)
		if err != nil {
			t.Fatal(err)
		}
		// The decoder of gzip allocates small tables as it goes; a second copy
		// of the pictures would be more than that.
		if more := int64(after.TotalAlloc-before.TotalAlloc) - int64(785*d.Len()); more > 4<<20 {
			t.Errorf("%s: unpacking allocates %d bytes more than the pictures need", test.name, more)
		}
		if c, h, w := d.Shape(); c != 1 || h != 28 || w != 28 {
			t.Errorf("%s: pictures of %dx%dx%d", test.name, c, h, w)
		}
		perClass, labels := make([]int, 10), make([]int, d.Len())
		for i := range labels {
			if _, labels[i], err = d.Example(i); err != nil {
				t.Fatal(err)
			}
			perClass[labels[i]]++
		}
		if !slices.Equal(perClass, test.perClass) || !slices.Equal(labels[:5], test.first) {
			t.Errorf("%s: %v a class, beginning with %v", test.name, perClass, labels[:5])
		}
	}
}

func BenchmarkTrain(b *testing.B) {
	for b.Loop() {
		if _, err := Train(); err != nil {
			b.Fatal(err)
		}
	}
}

// BenchmarkEpoch loads an epoch as PyTorch's tutorial does: 60,000 pictures,
// shuffled, normalized, four at a time.
func BenchmarkEpoch(b *testing.B) {
	d, err := Train()
	if err != nil {
		b.Fatal(err)
	}
	for _, workers := range []int{0, 1} {
		b.Run(fmt.Sprintf("workers=%d", workers), func(b *testing.B) {
			l := &data.Loader{
				Dataset: d, BatchSize: 4, Shuffle: true, Workers: workers,
				Transform: transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}},
			}
			b.ReportAllocs()
			for b.Loop() {
				for range l.Batches() {
				}
			}
			if err := l.Err(); err != nil {
				b.Fatal(err)
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N*l.Len()), "ns/batch")
		})
	}
}
