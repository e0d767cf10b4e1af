package transform

import (
	"math"
	"slices"
	"strings"
	"testing"
)

func TestMixUp(t *testing.T) {
	for seed := range uint64(20) {
		share := float32(beta(Generator(seed, 0, 0), 0.4))
		images := []float32{1, 2, 10, 20, 100, 200}
		targets := MixUp{Alpha: 0.4}.Apply(Generator(seed, 0, 0), images, []int{0, 1, 1}, 2)
		mixed := func(a, b float32) float32 { return float32(a*share) + float32(b*(1-share)) }
		sameBits(t, "images", images, []float32{mixed(1, 100), mixed(2, 200), mixed(10, 1), mixed(20, 2), mixed(100, 10), mixed(200, 20)})
		sameBits(t, "targets", targets, []float32{share, 1 - share, 1 - share, share, 0, share + (1 - share)})
	}
}

// Every sample is the picture's own or, inside of one rectangle, that of the
// picture before, and the targets tell the areas.
func TestCutMix(t *testing.T) {
	const height, width, size = 6, 8, 2 * 6 * 8
	sizes := map[int]bool{}
	for seed := range uint64(200) {
		images := make([]float32, 3*size)
		for i := range images {
			images[i] = float32(i)
		}
		targets := CutMix{Height: height, Width: width}.Apply(Generator(seed, 0, 0), images, []int{0, 1, 2}, 3)
		var rectangle []int
		for i := range size {
			if images[i] != float32(i) {
				rectangle = append(rectangle, i)
			}
			for k := range 3 {
				want := k*size + i
				if images[i] != float32(i) {
					want = (k+2)%3*size + i
				}
				if images[k*size+i] != float32(want) {
					t.Fatalf("seed %d: sample %d of picture %d is %v, want %v", seed, i, k, images[k*size+i], want)
				}
			}
		}
		n := len(rectangle) / 2
		if n > 0 {
			first, last := rectangle[0], rectangle[n-1]
			if (last/width-first/width+1)*(last%width-first%width+1) != n || rectangle[n] != first+height*width {
				t.Fatalf("seed %d: %v is no rectangle in both channels", seed, rectangle)
			}
		}
		sizes[n] = true
		share := float32(1 - float64(n)/(height*width))
		if want := []float32{share, 0, 1 - share, 1 - share, share, 0, 0, 1 - share, share}; !slices.Equal(targets, want) {
			t.Fatalf("seed %d: targets %v, want %v", seed, targets, want)
		}
	}
	if len(sizes) < 10 || !sizes[0] {
		t.Errorf("rectangles of %d areas", len(sizes))
	}
}

func TestRandomChoiceTakesEachAsOften(t *testing.T) {
	r := Generator(1, 0, 0)
	mixed := 0
	for range 1000 {
		images := []float32{0, 0, 0, 0, 1, 1, 1, 1}
		RandomChoice{MixUp{}, CutMix{Height: 2, Width: 2}}.Apply(r, images, []int{0, 1}, 2)
		if images[0] != 0 && images[0] != 1 { // a cut leaves samples whole
			mixed++
		}
	}
	if mixed < 420 || mixed > 580 { // 500 +- 5 standard deviations
		t.Errorf("%d of 1000 batches were mixed by MixUp", mixed)
	}
}

// Beta(a, a) has the mean 1/2 and the variance 1/(4(2a+1)).
func TestBeta(t *testing.T) {
	for _, alpha := range []float64{0, 0.01, 0.2, 1, 4} {
		r := Generator(1, 0, 0)
		const n = 20000
		sum, squares := 0.0, 0.0
		for range n {
			v := beta(r, alpha)
			if !(v >= 0 && v <= 1) {
				t.Fatalf("alpha %v: drew %v", alpha, v)
			}
			sum += v
			squares += (v - 0.5) * (v - 0.5)
		}
		if alpha == 0 {
			alpha = 1
		}
		variance := 1 / (4 * (2*alpha + 1))
		if math.Abs(sum/n-0.5) > 5*math.Sqrt(variance/n) || math.Abs(squares/n/variance-1) > 0.05 {
			t.Errorf("alpha %v: mean %v, variance %v, want 0.5 and %v", alpha, sum/n, squares/n, variance)
		}
	}
}

func TestMixingPanicsOnMisuse(t *testing.T) {
	for name, f := range map[string]func(){
		"no pictures":    func() { MixUp{}.Apply(Generator(0, 0, 0), nil, nil, 2) },
		"uneven batch":   func() { MixUp{}.Apply(Generator(0, 0, 0), make([]float32, 3), make([]int, 2), 2) },
		"label too high": func() { MixUp{}.Apply(Generator(0, 0, 0), make([]float32, 4), []int{0, 2}, 2) },
		"other size":     func() { CutMix{Height: 3, Width: 3}.Apply(Generator(0, 0, 0), make([]float32, 4), []int{0, 1}, 2) },
		"bad alpha":      func() { MixUp{Alpha: -1}.Apply(Generator(0, 0, 0), make([]float32, 4), []int{0, 1}, 2) },
	} {
		func() {
			defer func() {
				if recover() == nil {
					t.Errorf("%s: no panic", name)
				}
			}()
			f()
		}()
	}
}

func TestMixCheck(t *testing.T) {
	for _, test := range []struct {
		mix  interface{ Check() error }
		says string // empty for what is right
	}{
		{MixUp{}, ""},
		{MixUp{Alpha: 0.2}, ""},
		{CutMix{Height: 28, Width: 28}, ""},
		{RandomChoice{MixUp{}, CutMix{Height: 1, Width: 1}}, ""},
		{MixUp{Alpha: -1}, "the Alpha of MixUp is -1"},
		{MixUp{Alpha: math.NaN()}, "the Alpha of MixUp is NaN"},
		{MixUp{Alpha: math.Inf(1)}, "the Alpha of MixUp is +Inf"},
		{CutMix{Alpha: 1}, "CutMix is for pictures of 0x0"},
		{CutMix{Height: 28, Width: 28, Alpha: -0.1}, "the Alpha of CutMix is -0.1"},
		{RandomChoice{}, "no transforms"},
		{RandomChoice{nil}, "transform 0 of RandomChoice is nil"},
		{RandomChoice{MixUp{}, MixUp{Alpha: -2}}, "the Alpha of MixUp is -2"},
	} {
		err := test.mix.Check()
		if (err == nil) != (test.says == "") || err != nil && !strings.Contains(err.Error(), test.says) {
			t.Errorf("%+v: error %v, want one with %q", test.mix, err, test.says)
		}
	}
}
