package data

import (
	"math"
	"slices"
	"strings"
	"testing"
)

// pair is the names of two classes.
var pair = []string{"no", "yes"}

// numbered returns n pictures of 1x2x2 samples; picture i is filled with byte(i)
// and has label i%2.
func numbered(t testing.TB, n int) *Memory {
	t.Helper()
	pixels, labels := make([]byte, 4*n), make([]byte, n)
	for i := range n {
		for k := range 4 {
			pixels[4*i+k] = byte(i)
		}
		labels[i] = byte(i % 2)
	}
	m, err := NewMemory(pixels, labels, pair, 1, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestMemory(t *testing.T) {
	m, err := NewMemory([]byte{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12}, []byte{1, 0}, pair, 3, 1, 2)
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := m.Shape(); m.Len() != 2 || c != 3 || h != 1 || w != 2 || !slices.Equal(m.Classes(), pair) {
		t.Errorf("%d pictures of %dx%dx%d, classes %v", m.Len(), c, h, w, m.Classes())
	}
	pixels, label, err := m.Example(1)
	if err != nil || label != 0 || !slices.Equal(pixels, []byte{7, 8, 9, 10, 11, 12}) {
		t.Errorf("Example(1) = %v, %d, %v", pixels, label, err)
	}
	if pixels, _, _ := m.Example(0); cap(pixels) != 6 {
		t.Errorf("appending to a picture would overwrite the next: cap %d", cap(pixels))
	}
	for _, i := range []int{-1, 2} {
		if _, _, err := m.Example(i); err == nil {
			t.Errorf("Example(%d) did not fail", i)
		}
	}
}

func TestNewMemoryRefuses(t *testing.T) {
	tests := []struct {
		name    string
		pixels  int
		labels  []byte
		c, h, w int
		message string
	}{
		{"no height", 4, []byte{0}, 1, 0, 4, "1x0x4"},
		{"part of a picture", 7, []byte{0}, 1, 2, 2, "7 samples are no whole number of 1x2x2 pictures"},
		{"overflowing shape", 8, []byte{0}, math.MaxInt, math.MaxInt, 2, "8 samples are no whole number"},
		{"label missing", 8, []byte{0}, 1, 2, 2, "2 pictures have 1 label:"},
		{"label too large", 8, []byte{0, 2}, 1, 2, 2, "label 1 is 2, want 0 to 1"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := NewMemory(make([]byte, test.pixels), test.labels, pair, test.c, test.h, test.w)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
		})
	}
}

func TestSubset(t *testing.T) {
	s, err := NewSubset(numbered(t, 10), []int{7, 2, 7})
	if err != nil {
		t.Fatal(err)
	}
	if c, h, w := s.Shape(); s.Len() != 3 || c != 1 || h != 2 || w != 2 {
		t.Errorf("%d pictures of %dx%dx%d", s.Len(), c, h, w)
	}
	for i, want := range []int{7, 2, 7} {
		if pixels, label, err := s.Example(i); err != nil || int(pixels[0]) != want || label != want%2 {
			t.Errorf("Example(%d) = %v, %d, %v", i, pixels, label, err)
		}
	}
	if _, _, err := s.Example(3); err == nil {
		t.Error("Example(3) did not fail")
	}
	if _, err := NewSubset(s, []int{0, 3}); err == nil || !strings.Contains(err.Error(), "no picture 3") {
		t.Errorf("index past the end: %v", err)
	}
	if _, err := NewSubset(nil, nil); err == nil {
		t.Error("a subset of nil was made")
	}
}
