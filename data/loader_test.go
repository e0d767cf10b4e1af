package data

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"inkling/transform"
)

// copied is what a test keeps of a batch.
type copied struct {
	images  []float32
	labels  []int
	indices []int
}

func collect(t *testing.T, l *Loader) []copied {
	t.Helper()
	var all []copied
	for i, b := range l.Batches() {
		if i != len(all) {
			t.Fatalf("batch %d came as number %d", i, len(all))
		}
		all = append(all, copied{slices.Clone(b.Images), slices.Clone(b.Labels), slices.Clone(b.Indices)})
	}
	if err := l.Err(); err != nil {
		t.Fatal(err)
	}
	return all
}

func same(a, b copied) bool {
	return slices.Equal(a.images, b.images) && slices.Equal(a.labels, b.labels) && slices.Equal(a.indices, b.indices)
}

func TestZeroLoaderGivesSinglePicturesInOrder(t *testing.T) {
	l := &Loader{Dataset: numbered(t, 5)}
	if l.Len() != 5 {
		t.Errorf("Len() = %d, want 5", l.Len())
	}
	if c, h, w, err := l.Shape(); c != 1 || h != 2 || w != 2 || err != nil {
		t.Errorf("Shape() = %d, %d, %d, %v", c, h, w, err)
	}
	for i, b := range collect(t, l) {
		v := float32(i) / 255
		if !same(b, copied{[]float32{v, v, v, v}, []int{i % 2}, []int{i}}) {
			t.Errorf("batch %d is %v", i, b)
		}
	}
}

func TestEveryPictureOnceAnEpoch(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, workers := range []int{0, 1, 3} {
		for _, batchSize := range []int{1, 4, 10, 100, math.MaxInt} {
			for _, dropLast := range []bool{false, true} {
				t.Run(fmt.Sprintf("workers %d, batch %d, drop %v", workers, batchSize, dropLast), func(t *testing.T) {
					l := &Loader{Dataset: numbered(t, 10), BatchSize: batchSize, Shuffle: true, Workers: workers, DropLast: dropLast, Prefetch: 1}
					want := 10
					if dropLast {
						want = 10 / batchSize * batchSize
					}
					all := collect(t, l)
					if len(all) != l.Len() {
						t.Errorf("%d batches, but Len() = %d", len(all), l.Len())
					}
					var seen []int
					for _, b := range all {
						if len(b.images) != 4*len(b.indices) || len(b.labels) != len(b.indices) || len(b.indices) > batchSize {
							t.Fatalf("batch %v", b)
						}
						for k, i := range b.indices {
							if b.labels[k] != i%2 || b.images[4*k+3] != float32(i)/255 {
								t.Errorf("picture %d has label %d and sample %v", i, b.labels[k], b.images[4*k+3])
							}
						}
						seen = append(seen, b.indices...)
					}
					slices.Sort(seen)
					if len(seen) != want || len(slices.Compact(seen)) != want {
						t.Errorf("saw %v, want %d different pictures", seen, want)
					}
				})
			}
		}
	}
}

// The order a seed stands for is a promise. This one was computed by a separate
// program from the definition (PCG-DXSM, Fisher-Yates) and must never change.
func TestShuffleOrderIsPinned(t *testing.T) {
	l := &Loader{Dataset: numbered(t, 10), BatchSize: 10, Shuffle: true, Seed: 1}
	var got [][]int
	for range 2 {
		got = append(got, collect(t, l)[0].indices)
	}
	want := [][]int{{7, 6, 1, 3, 2, 4, 8, 9, 0, 5}, {2, 5, 8, 3, 4, 1, 7, 6, 0, 9}}
	if !slices.EqualFunc(got, want, slices.Equal) {
		t.Errorf("orders %v, want %v", got, want)
	}
}

func TestEpochsAndSeeds(t *testing.T) {
	d := numbered(t, 100)
	load := func(seed uint64, epoch, workers int) copied {
		return collect(t, &Loader{Dataset: d, BatchSize: 100, Shuffle: true, Seed: seed, Epoch: epoch, Workers: workers})[0]
	}
	first := load(3, 0, 0)
	if !same(first, load(3, 0, 0)) {
		t.Error("the same seed gave another order")
	}
	if same(first, load(4, 0, 0)) || same(first, load(3, 1, 0)) {
		t.Error("another seed or epoch gave the same order")
	}

	l := &Loader{Dataset: d, BatchSize: 100, Shuffle: true, Seed: 3}
	if !same(collect(t, l)[0], first) || !same(collect(t, l)[0], load(3, 1, 0)) || l.Epoch != 2 {
		t.Errorf("two epochs of one loader are not epochs 0 and 1; Epoch is %d", l.Epoch)
	}
	sequence := l.Batches()
	var orders [][]int
	for range 2 {
		for _, b := range sequence {
			orders = append(orders, slices.Clone(b.Indices))
		}
	}
	if !slices.Equal(orders[0], orders[1]) {
		t.Error("one sequence ranged over twice gave two orders")
	}
}

func TestWorkersChangeNothing(t *testing.T) {
	defer goleak.VerifyNone(t)
	const n = 70_000 // several chunks of 65,536 samples
	d := numbered(t, n)
	load := func(workers, prefetch int) []copied {
		return collect(t, &Loader{Dataset: d, BatchSize: 16, Shuffle: true, Seed: 5, Workers: workers, Prefetch: prefetch,
			Transform: transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}})
	}
	want := load(0, 0)
	for _, test := range [][2]int{{1, 1}, {2, 0}, {3, 7}, {64, math.MaxInt}} {
		if !slices.EqualFunc(load(test[0], test[1]), want, same) {
			t.Errorf("%d workers, prefetch %d give other batches", test[0], test[1])
		}
	}
}

func TestLeavingTheLoopLeavesNoGoroutine(t *testing.T) {
	defer goleak.VerifyNone(t)
	l := &Loader{Dataset: numbered(t, 70_000), BatchSize: 4, Workers: 3}
	for i := range l.Batches() {
		if i == 5000 {
			break
		}
	}
	if err := l.Err(); err != nil {
		t.Errorf("Err() = %v after a break", err)
	}
	func() {
		defer func() { recover() }()
		for range l.Batches() {
			panic("in the loop")
		}
	}()
}

// faulty fails at one picture, or gives a wrong one.
type faulty struct {
	*Memory
	at     int
	pixels []byte
	label  int
	err    error
}

func (f faulty) Example(i int) ([]byte, int, error) {
	if i == f.at {
		return f.pixels, f.label, f.err
	}
	return f.Memory.Example(i)
}

func TestABadPictureEndsTheLoop(t *testing.T) {
	defer goleak.VerifyNone(t)
	cause := errors.New("the disk is on fire")
	good := make([]byte, 4)
	tests := []struct {
		name    string
		bad     faulty
		message string
	}{
		{"error", faulty{err: cause}, "picture 17 of the data set cannot be read: the disk is on fire"},
		{"short", faulty{pixels: good[:3]}, "picture 17 of the data set has 3 samples, want 1x2x2"},
		{"label", faulty{pixels: good, label: 2}, "picture 17 of the data set has label 2, want 0 to 1"},
		{"negative label", faulty{pixels: good, label: -1}, "picture 17 of the data set has label -1"},
	}
	for _, test := range tests {
		for _, workers := range []int{0, 2} {
			t.Run(fmt.Sprintf("%s, workers %d", test.name, workers), func(t *testing.T) {
				test.bad.Memory, test.bad.at = numbered(t, 100), 17
				l := &Loader{Dataset: test.bad, BatchSize: 4, Workers: workers}
				n := 0
				for range l.Batches() {
					n++
				}
				if n != 4 {
					t.Errorf("%d batches before the bad one, want 4", n)
				}
				err := l.Err()
				if err == nil || !strings.Contains(err.Error(), test.message) {
					t.Errorf("Err() = %v, want %q", err, test.message)
				}
				if test.bad.err != nil && !errors.Is(err, cause) {
					t.Errorf("the cause is lost: %v", err)
				}
				l.Dataset = test.bad.Memory
				collect(t, l)
			})
		}
	}
}

func TestInvalidLoader(t *testing.T) {
	d := numbered(t, 3)
	empty, err := NewSubset(d, nil)
	if err != nil {
		t.Fatal(err)
	}
	tests := []struct {
		name    string
		loader  Loader
		message string
	}{
		{"zero value", Loader{}, "the loader's Dataset is nil"},
		{"batch size", Loader{Dataset: d, BatchSize: -4}, "the loader's BatchSize is -4, want 0 or more"},
		{"workers", Loader{Dataset: d, Workers: -1}, "the loader's Workers is -1"},
		{"prefetch", Loader{Dataset: d, Prefetch: -1}, "the loader's Prefetch is -1"},
		{"empty", Loader{Dataset: empty}, "is empty"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			if n := test.loader.Len(); n != 0 {
				t.Errorf("Len() = %d", n)
			}
			for range test.loader.Batches() {
				t.Error("a batch came")
			}
			if err := test.loader.Err(); err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("Err() = %v, want %q", err, test.message)
			}
		})
	}
	l := Loader{Dataset: d, Transform: transform.Transpose{}}
	for range l.Batches() {
		t.Error("a batch came")
	}
	if _, _, _, err := l.Shape(); l.Err() == nil || err == nil || !strings.Contains(err.Error(), "ToTensor") {
		t.Errorf("Err() = %v, Shape() = %v", l.Err(), err)
	}
}

// An epoch allocates its order and its one batch, whatever the number of
// batches.
func TestABatchAllocatesNothing(t *testing.T) {
	d := numbered(t, 4000)
	epoch := func(batchSize int) float64 {
		l := &Loader{Dataset: d, BatchSize: batchSize, Shuffle: true}
		return testing.AllocsPerRun(5, func() {
			for range l.Batches() {
			}
		})
	}
	if few, many := epoch(1000), epoch(4); few != many {
		t.Errorf("%v allocations an epoch of 4 batches, %v of 1000", few, many)
	}
}

// TestLoaderRandomTransform wants the same random pictures whatever the number
// of workers, and others in the next epoch.
func TestLoaderRandomTransform(t *testing.T) {
	pixels := make([]byte, 50*16)
	for i := range pixels {
		pixels[i] = byte(i * 7)
	}
	set, err := NewMemory(pixels, make([]byte, 50), []string{"a"}, 1, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	epochs := func(workers, batch int) (images [2][]float32) {
		l := &Loader{Dataset: set, BatchSize: batch, Shuffle: true, Seed: 3, Workers: workers,
			Transform: transform.Compose{transform.RandomHorizontalFlip{}, transform.ToTensor{}}}
		for e := range images {
			for _, b := range l.Batches() {
				images[e] = append(images[e], b.Images...)
			}
			if l.Err() != nil {
				t.Fatal(l.Err())
			}
		}
		return images
	}
	want := epochs(0, 4)
	if slices.Equal(want[0], want[1]) {
		t.Error("both epochs are the same")
	}
	for _, workers := range []int{0, 1, 3} {
		for _, batch := range []int{1, 4, 7} {
			if got := epochs(workers, batch); !slices.Equal(got[0], want[0]) || !slices.Equal(got[1], want[1]) {
				t.Errorf("%d workers, batches of %d: other pictures", workers, batch)
			}
		}
	}
}

// slowSet is a data set whose pictures are read until it is told to go on.
type slowSet struct {
	Dataset
	reading, goOn chan struct{}
}

func (s *slowSet) Example(i int) ([]byte, int, error) {
	if i >= 8 {
		select {
		case s.reading <- struct{}{}:
		default:
		}
		<-s.goOn
	}
	return s.Dataset.Example(i)
}

func TestBatchesContext(t *testing.T) {
	defer goleak.VerifyNone(t)
	enough := errors.New("enough")
	for _, workers := range []int{0, 1, 3} {
		d := &slowSet{Dataset: numbered(t, 100), reading: make(chan struct{}, 1), goOn: make(chan struct{})}
		ctx, cancel := context.WithCancelCause(context.Background())
		if workers == 0 {
			close(d.goOn)
		} else {
			go func() {
				<-d.reading
				cancel(enough)
			}()
		}
		l := &Loader{Dataset: d, BatchSize: 4, Workers: workers}
		batches := 0
		for range l.BatchesContext(ctx) {
			if batches++; workers == 0 && batches == 2 {
				cancel(enough)
			}
		}
		if !errors.Is(l.Err(), enough) || batches > 2 {
			t.Errorf("%d workers: error %v after %d batches, want %q after at most 2", workers, l.Err(), batches, enough)
		}
		cancel(nil)
		if workers > 0 {
			close(d.goOn) // all goroutines end: goleak looks
		}
	}
}
