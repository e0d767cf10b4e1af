package inkling

import (
	"errors"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// TestHead checks of every network that its head is its last layer.
func TestHead(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large networks")
	}
	for _, m := range models.Zoo() {
		c := m.Usual
		network, err := m.Draw(c, nil)
		if err != nil {
			t.Fatal(err)
		}
		head, err := m.Head(c)
		if err != nil {
			t.Fatal(err)
		}
		list, err := nn.Trace(network, 1, c.Channels, c.Height, c.Width)
		if err != nil {
			t.Fatal(err)
		}
		var last []string
		for _, op := range list {
			if len(op.Params) > 0 {
				last = op.Params
			}
		}
		if !slices.Equal(head, last) {
			t.Errorf("%s: the head is %v, want %v", m.Name, head, last)
		}
	}
}

// TestNewClassifierFrom lets a network that has learnt begin again: all is kept but a
// head of another size.
func TestNewClassifierFrom(t *testing.T) {
	if testing.Short() {
		t.Skip("makes large networks")
	}
	classes := []string{"a", "b", "c"}
	old, err := NewClassifier("resnet9", Options{Height: 8, Width: 8, Classes: classes, Mean: []float32{0.4, 0.5, 0.6}, Std: []float32{0.2, 0.3, 0.2}, Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "old.pth")
	if err := old.Save(path); err != nil {
		t.Fatal(err)
	}
	if old, err = Open(path); err != nil {
		t.Fatal(err)
	}
	read := func(c *Classifier) (list [][]float32) {
		for _, e := range nn.State(c.Network) {
			list = append(list, weights.TensorOf(e).Float32s())
		}
		return list
	}
	learnt := read(old)
	for _, test := range []struct {
		options  Options
		replaced []string
	}{
		{Options{Seed: 2}, nil},
		{Options{Seed: 2, Classes: []string{"x", "y", "z"}}, nil},
		{Options{Seed: 2, Classes: []string{"x", "y"}, Height: 12, Width: 16}, []string{"fc.weight", "fc.bias"}},
	} {
		c, replaced, err := NewClassifierFrom(path, old, test.options)
		if err != nil {
			t.Fatal(err)
		}
		if !slices.Equal(replaced, test.replaced) {
			t.Errorf("%v: %v is new, want %v", test.options, replaced, test.replaced)
		}
		for i, e := range nn.State(c.Network) {
			if got := read(c)[i]; slices.Equal(got, learnt[i]) == slices.Contains(replaced, e.Name()) {
				t.Errorf("%v: %s is as it was: %v", test.options, e.Name(), slices.Equal(got, learnt[i]))
			}
		}
		if !slices.Equal(c.About.Mean, old.About.Mean) || !slices.Equal(c.About.Std, old.About.Std) || c.About.Orientation != weights.Upright {
			t.Errorf("%v: the pictures are others: %+v", test.options, c.About)
		}
	}
	_, _, err = NewClassifierFrom(path, old, Options{Channels: 1})
	var mismatch *weights.MismatchError
	if !errors.As(err, &mismatch) || len(mismatch.Shapes) != 1 || !strings.Contains(err.Error(), path) {
		t.Errorf("for gray pictures: got error %v", err)
	}
}
