package data

import (
	"errors"
	"slices"
	"strings"
	"sync"
	"testing"
)

// uneven returns pictures of which 10 have label 0, 4 have 1, 1 has 2; none 3.
func uneven(t testing.TB) *Memory {
	t.Helper()
	labels := []byte{0, 0, 1, 0, 0, 2, 0, 1, 0, 0, 1, 0, 0, 0, 1}
	m, err := NewMemory(make([]byte, len(labels)), labels, []string{"a", "b", "c", "d"}, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestStratifiedSplit(t *testing.T) {
	d := uneven(t)
	for _, test := range []struct {
		share float64
		want  []int // pictures of each class that are held out
	}{{0.2, []int{2, 1, 0, 0}}, {0.5, []int{5, 2, 0, 0}}, {0.001, []int{1, 1, 0, 0}}, {0.999, []int{9, 3, 0, 0}}} {
		train, validation, err := StratifiedSplit(d, test.share, 1)
		if err != nil {
			t.Fatal(err)
		}
		labels, err := Labels(validation)
		if err != nil {
			t.Fatal(err)
		}
		counts := make([]int, 4)
		for _, label := range labels {
			counts[label]++
		}
		if !slices.Equal(counts, test.want) {
			t.Errorf("share %v: %v are held out, want %v", test.share, counts, test.want)
		}
		all := slices.Concat(train.indices, validation.indices)
		slices.Sort(all)
		if len(slices.Compact(all)) != d.Len() || !slices.IsSorted(train.indices) || !slices.IsSorted(validation.indices) {
			t.Errorf("share %v: %v and %v", test.share, train.indices, validation.indices)
		}
	}
}

// Which pictures a seed holds out is a promise, as the order of the loader is.
func TestRandomSplitIsPinned(t *testing.T) {
	d := numbered(t, 10)
	train, validation, err := RandomSplit(d, 0.3, 1)
	if err != nil {
		t.Fatal(err)
	}
	// The shuffle of the loader's seed 1, epoch 0, begins with 7, 6, 1.
	if !slices.Equal(validation.indices, []int{1, 6, 7}) || !slices.Equal(train.indices, []int{0, 2, 3, 4, 5, 8, 9}) {
		t.Errorf("%v and %v", train.indices, validation.indices)
	}
}

func TestSplitsRefuse(t *testing.T) {
	one, err := NewMemory([]byte{1, 2}, []byte{0, 1}, pair, 1, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, share := range []float64{0, 1, -0.5, 2} {
		if _, _, err := RandomSplit(one, share, 1); err == nil || !strings.Contains(err.Error(), "want a share between 0 and 1") {
			t.Errorf("share %v: %v", share, err)
		}
	}
	if _, _, err := StratifiedSplit(one, 0.5, 1); err == nil || !strings.Contains(err.Error(), "2 pictures of 2 classes cannot be divided") {
		t.Errorf("one picture a class: %v", err)
	}
	cause := errors.New("unreadable")
	if _, _, err := StratifiedSplit(unlabelled{faulty{numbered(t, 9), 3, nil, 0, cause}}, 0.5, 1); !errors.Is(err, cause) || !strings.Contains(err.Error(), "picture 3") {
		t.Errorf("a picture that cannot be read: %v", err)
	}
	if _, _, err := StratifiedSplit(unlabelled{faulty{numbered(t, 9), 3, nil, 7, nil}}, 0.5, 1); err == nil || !strings.Contains(err.Error(), "picture 3 of the data set has label 7, want 0 to 1") {
		t.Errorf("a label that there is not: %v", err)
	}
}

// unlabelled tells no label without a picture.
type unlabelled struct{ Dataset }

func TestLabels(t *testing.T) {
	d := uneven(t)
	part, err := NewSubset(d, []int{5, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := NewSubset(unlabelled{d}, []int{5, 2, 0})
	if err != nil {
		t.Fatal(err)
	}
	for name, set := range map[string]Dataset{"subset": part, "read": hidden, "kept": Keep(hidden, 100)} {
		if labels, err := Labels(set); err != nil || !slices.Equal(labels, []int{2, 1, 0}) {
			t.Errorf("%s: %v, %v", name, labels, err)
		}
	}
}

// counted counts how often pictures are read.
type counted struct {
	Dataset
	mutex sync.Mutex
	reads []int
}

func (c *counted) Example(i int) ([]byte, int, error) {
	c.mutex.Lock()
	c.reads[i]++
	c.mutex.Unlock()
	return c.Dataset.Example(i)
}

func TestKeep(t *testing.T) {
	m := numbered(t, 10) // pictures of 4 samples
	if Keep(m, 0) != Dataset(m) {
		t.Error("what is in memory is kept once more")
	}
	for _, test := range []struct {
		most  int64
		reads int
	}{{40, 1}, {39, 3}} {
		c := &counted{Dataset: m, reads: make([]int, 10)}
		d := Keep(c, test.most)
		for range 3 {
			for i := range 10 {
				pixels, label, err := d.Example(i)
				if err != nil || label != i%2 || pixels[3] != byte(i) {
					t.Fatalf("picture %d: %v, %d, %v", i, pixels, label, err)
				}
			}
		}
		if slices.Max(c.reads) != test.reads || slices.Min(c.reads) != test.reads {
			t.Errorf("with %d bytes: read %v times, want %d", test.most, c.reads, test.reads)
		}
	}
	cause := errors.New("not yet")
	f := &faulty{m, 3, nil, 0, cause}
	d := Keep(f, 1000)
	if _, _, err := d.Example(3); !errors.Is(err, cause) {
		t.Errorf("error %v", err)
	}
	f.at = -1 // what fails once may be read later
	if _, label, err := d.Example(3); err != nil || label != 1 {
		t.Errorf("label %d, %v", label, err)
	}
	for _, i := range []int{-1, 10} {
		if _, _, err := d.Example(i); err == nil {
			t.Errorf("there is a picture %d", i)
		}
	}
}
