package audit

import (
	"math/rand/v2"
	"testing"

	"inkling/data"
)

// noise returns n pictures of their own, and then those of other, if any.
func noise(t testing.TB, seed uint64, n int, other *data.Memory) *data.Memory {
	t.Helper()
	r := rand.New(rand.NewPCG(seed, 1))
	pixels := make([]byte, 16*n)
	for i := range pixels {
		pixels[i] = byte(r.Uint32())
	}
	if other != nil {
		for i := range other.Len() {
			p, _, err := other.Example(i)
			if err != nil {
				t.Fatal(err)
			}
			pixels = append(pixels, p...)
		}
	}
	d, err := data.NewMemory(pixels, make([]byte, len(pixels)/16), []string{"a"}, 1, 4, 4)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func TestSketch(t *testing.T) {
	few, many := noise(t, 1, 50, nil), noise(t, 2, 20_000, nil)
	half, err := data.NewSubset(many, func() (all []int) {
		for i := range 5000 {
			all = append(all, 4*i)
		}
		return all
	}())
	if err != nil {
		t.Fatal(err)
	}
	mixed := data.Dataset(noise(t, 3, 5000, nil))
	for _, test := range []struct {
		name             string
		trained, tested  data.Dataset
		least, most      int
		exact            bool
		lettersAtTheMost int
	}{
		{"the same few", few, few, 50, 50, true, 500},
		{"some of few", few, noise(t, 4, 100, few), 50, 50, true, 500},
		{"others than few", few, many, 0, 0, true, 500},
		{"the same many", many, many, 20_000, 20_000, false, 800},
		{"a part of many", many, half, 5000, 5000, false, 800},
		{"others than many", many, mixed, 0, 0, false, 800},
		{"a half of many, a half of others", many, noise(t, 5, 20_000, many), 15_000, 25_000, false, 800},
	} {
		sums, err := NewSums(t.Context(), test.trained)
		if err != nil {
			t.Fatal(err)
		}
		s := sums.Sketch()
		text := s.String()
		if len(text) > test.lettersAtTheMost {
			t.Errorf("%s: %d letters", test.name, len(text))
		}
		if s, err = ParseSketch(text); err != nil || s.String() != text {
			t.Errorf("%s: read as %v, %v", test.name, s, err)
			continue
		}
		if n, exact, err := s.Seen(t.Context(), test.tested); err != nil || n < test.least || n > test.most || exact != test.exact {
			t.Errorf("%s: %d, exact %v, %v, want %d to %d", test.name, n, exact, err, test.least, test.most)
		}
	}
	for _, bad := range []string{"", "1:", "1:whole", "1:all:", "2:part:", "1:part:AAA", "1:part:AQAAAAAAAAAAAAAA", "1:part:" + string(make([]byte, 5000))} {
		if _, err := ParseSketch(bad); err == nil {
			t.Errorf("%.20q is read", bad)
		}
	}
}
