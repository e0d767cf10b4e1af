package transform

import (
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// counted returns a picture of bytes that count up.
func counted(channels, height, width int) *Picture {
	p := NewPicture(Format{Channels: channels, Height: height, Width: width})
	for i := range p.Bytes {
		p.Bytes[i] = byte(i)
	}
	return p
}

// augmentation holds every random step that works on bytes, and one that does not.
var augmentation = Compose{
	RandomCrop{Height: 16, Width: 12, Padding: 2},
	RandomHorizontalFlip{},
	RandomVerticalFlip{P: 0.3},
	Compose{RandomRotation{Degrees: Range{-20, 20}, Interpolation: Bilinear}},
	RandomAffine{Degrees: Range{-5, 5}, Translate: [2]float64{0.1, 0.2}, Scale: Range{0.8, 1.2}, ShearX: Range{-5, 5}},
	RandomPerspective{Distortion: 0.2},
	ElasticTransform{Alpha: 20, Sigma: 3},
	ColorJitter{Brightness: 0.5, Contrast: 0.5, Saturation: 0.5, Hue: 0.1},
	ToTensor{},
	RandomErasing{Noise: true},
	Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
}

func TestSeedDecidesAlone(t *testing.T) {
	src := counted(3, 18, 14)
	first, err := Compile(augmentation, 3, 18, 14)
	if err != nil {
		t.Fatal(err)
	}
	size := 3 * 16 * 12
	apply := func(p *Pipeline, seed uint64, epoch, place int) []float32 {
		dst := make([]float32, size)
		p.Seed(seed, epoch, place)
		p.Apply(dst, src.Bytes)
		return dst
	}
	// Two pipelines go over the places in opposite orders.
	second := first.Clone()
	var forwards, back [8][]float32
	for i := range 8 {
		forwards[i] = apply(first, 1, 2, i)
		back[7-i] = apply(second, 1, 2, 7-i)
	}
	for i := range 8 {
		sameBits(t, "the other way round", back[i], forwards[i])
		for j := range i {
			if slices.Equal(forwards[i], forwards[j]) {
				t.Errorf("places %d and %d give the same picture", i, j)
			}
		}
	}
	if slices.Equal(forwards[3], apply(first, 1, 3, 3)) || slices.Equal(forwards[3], apply(first, 2, 2, 3)) {
		t.Error("another epoch or another seed gives the same picture")
	}

	// Generator draws what the pipeline draws.
	dst := NewPicture(Format{Channels: 3, Height: 16, Width: 12, Float: true})
	augmentation.Draw(Generator(1, 2, 3), src.Format).Apply(dst, src)
	sameBits(t, "drawn by hand", dst.Floats, forwards[3])
}

// The first numbers after Seed must be as random as those of one generator: for
// 65,536 neighbouring places, each of 256 intervals is hit 256 times, give or
// take, and one place says nothing about the next.
func TestNeighbouringSeedsAreIndependent(t *testing.T) {
	for _, next := range []func(i int) *rand.Rand{
		func(i int) *rand.Rand { return Generator(0, 0, i) },
		func(i int) *rand.Rand { return Generator(0, i, 0) },
		func(i int) *rand.Rand { return Generator(uint64(i), 0, 0) },
	} {
		const n = 1 << 16
		var counts [256]int
		correlation, last := 0.0, 0.0
		for i := range n {
			v := next(i).Float64()
			counts[int(v*256)]++
			correlation += 12 * (v - 0.5) * last
			last = v - 0.5
		}
		square := 0.0
		for _, c := range counts {
			square += float64((c-256)*(c-256)) / 256
		}
		// Chi squared of 255 degrees has a standard deviation of 22.6, the mean
		// product one of 1/sqrt(n).
		if math.Abs(square-255) > 5*22.6 || math.Abs(correlation/n) > 5/math.Sqrt(n) {
			t.Errorf("chi squared is %.1f, correlation %.4f", square, correlation/n)
		}
	}
}

func TestRandomStepsNeedAGenerator(t *testing.T) {
	p, err := Compile(Compose{RandomHorizontalFlip{}, ToTensor{}}, 1, 2, 2)
	if err != nil {
		t.Fatal(err)
	}
	for name, f := range map[string]func(){
		"pipeline": func() { p.Apply(make([]float32, 4), make([]byte, 4)) },
		"compose":  func() { apply(t, Compose{RandomHorizontalFlip{}}, counted(1, 2, 2)) },
	} {
		func() {
			defer func() {
				if v, ok := recover().(string); !ok || !strings.Contains(v, "random") {
					t.Errorf("%s: panic %v", name, v)
				}
			}()
			f()
		}()
	}
}

func TestRandomFlips(t *testing.T) {
	src := counted(1, 3, 4)
	for _, test := range []struct {
		step    Random
		flipped Transform
		p       float64
	}{
		{RandomHorizontalFlip{}, HorizontalFlip{}, 0.5},
		{RandomHorizontalFlip{P: 0.1}, HorizontalFlip{}, 0.1},
		{RandomVerticalFlip{P: 1}, VerticalFlip{}, 1},
		{RandomVerticalFlip{}, VerticalFlip{}, 0.5},
	} {
		r, n := Generator(1, 0, 0), 0
		want := apply(t, test.flipped, src)
		for range 1000 {
			got := apply(t, test.step.Draw(r, src.Format), src)
			if slices.Equal(got.Bytes, want.Bytes) {
				n++
			} else {
				samePicture(t, "not flipped", got, src)
			}
		}
		if deviation := math.Sqrt(1000 * test.p * (1 - test.p)); math.Abs(float64(n)-1000*test.p) > 5*deviation {
			t.Errorf("%#v flipped %d of 1000", test.step, n)
		}
	}
}

func TestRandomCropTakesEveryPlaceEvenly(t *testing.T) {
	src := counted(1, 4, 5)
	step := RandomCrop{Height: 3, Width: 4, Padding: 1, Mode: Reflect}
	padded := apply(t, Pad{1, 1, 1, 1, nil, Reflect}, src)
	places := map[string]int{} // 4 rows times 4 columns to begin at
	for top := range 4 {
		for left := range 4 {
			places[string(apply(t, Crop{top, left, 3, 4}, padded).Bytes)] = 0
		}
	}
	if len(places) != 16 {
		t.Fatalf("%d different crops", len(places))
	}
	r := Generator(5, 0, 0)
	for range 3200 {
		places[string(apply(t, step.Draw(r, src.Format), src).Bytes)]++
	}
	for crop, n := range places {
		if n < 130 || n > 270 { // 200 +- 5 standard deviations
			t.Errorf("the crop %v comes %d times of 3200", []byte(crop), n)
		}
	}
	if len(places) != 16 {
		t.Errorf("%d different crops, want 16", len(places))
	}
}

// spread checks that values lie in a range, evenly: their mean and their ends
// are those of the range.
func spread(t *testing.T, name string, values []float64, want Range) {
	t.Helper()
	sum := 0.0
	for _, v := range values {
		sum += v
	}
	width := want.Max - want.Min
	middle, mean := (want.Min+want.Max)/2, sum/float64(len(values))
	if tolerance := 5 * width / math.Sqrt(12*float64(len(values))); math.Abs(mean-middle) > tolerance {
		t.Errorf("%s: mean %v, want %v +- %v", name, mean, middle, tolerance)
	}
	low, high := slices.Min(values), slices.Max(values)
	if low < want.Min || high > want.Max || low > want.Min+width/20 || high < want.Max-width/20 {
		t.Errorf("%s: from %v to %v, want %v", name, low, high, want)
	}
}

func TestRandomRotationAndAffineDrawFromTheirRanges(t *testing.T) {
	in := Format{Channels: 1, Height: 40, Width: 100}
	r := Generator(1, 2, 3)
	values := map[string][]float64{}
	note := func(name string, v float64) { values[name] = append(values[name], v) }
	rotation := RandomRotation{Degrees: Range{-30, 10}, Interpolation: Bicubic}
	affine := RandomAffine{Degrees: Range{0, 90}, Translate: [2]float64{0.1, 0.5}, Scale: Range{0.5, 2}, ShearX: Range{-10, 10}, ShearY: Range{3, 4}}
	for range 1000 {
		rotate := rotation.Draw(r, in).(Rotate)
		if rotate.Interpolation != Bicubic || rotate.Expand {
			t.Fatalf("drew %#v", rotate)
		}
		note("rotation", rotate.Angle)
		a := affine.Draw(r, in).(Affine)
		note("angle", a.Angle)
		note("x", a.TranslateX)
		note("y", a.TranslateY)
		note("scale", a.Scale)
		note("shear x", a.Shear[0])
		note("shear y", a.Shear[1])
		if a.TranslateX != math.Trunc(a.TranslateX) {
			t.Fatalf("moves by %v", a.TranslateX)
		}
	}
	for name, want := range map[string]Range{"rotation": {-30, 10}, "angle": {0, 90}, "x": {-10, 10}, "y": {-20, 20},
		"scale": {0.5, 2}, "shear x": {-10, 10}, "shear y": {3, 4}} {
		spread(t, name, values[name], want)
	}
}

// A dot that lies where a corner is to go comes from that corner.
func TestPerspectiveTakesCornersToCorners(t *testing.T) {
	in := Format{Channels: 1, Height: 21, Width: 31}
	r := Generator(1, 0, 0)
	step := RandomPerspective{P: 1, Distortion: 0.4}
	var across, down []float64
	for range 1000 {
		p := step.Draw(r, in).(Perspective)
		if want := (Corners{{0, 0}, {30, 0}, {30, 20}, {0, 20}}); p.Start != want {
			t.Fatalf("starts at %v", p.Start)
		}
		back, ok := project(p.End, p.Start)
		if !ok {
			t.Fatalf("no projection to %v", p.End)
		}
		for i, end := range p.End {
			across = append(across, math.Abs(end[0]-p.Start[i][0]))
			down = append(down, math.Abs(end[1]-p.Start[i][1]))
			if end[0] < 0 || end[0] > 30 || end[1] < 0 || end[1] > 20 {
				t.Fatalf("a corner goes to %v", end)
			}
			x, y := back.at(end[0], end[1])
			if math.Abs(x-p.Start[i][0]) > 1e-9 || math.Abs(y-p.Start[i][1]) > 1e-9 {
				t.Fatalf("corner %v comes from %v, %v", p.Start[i], x, y)
			}
		}
	}
	spread(t, "across", across, Range{0, 6}) // 0.4 of half of 31, which is 15
	spread(t, "down", down, Range{0, 4})

	if _, ok := step.Draw(r, Format{Channels: 1, Height: 1, Width: 9}).(Compose); !ok {
		t.Error("the corners of a picture of one row moved")
	}
}

// Blurring noise of the variance 1/3 with a bell of sigma leaves a variance of
// 1/3/(4 pi sigma^2).
func TestElasticNoise(t *testing.T) {
	in := Format{Channels: 1, Height: 120, Width: 100}
	d := ElasticTransform{Alpha: 40, Sigma: 2}.Draw(Generator(1, 0, 0), in).(*displace)
	want := 20 * math.Sqrt(1/(3*4*math.Pi*4))
	for name, field := range map[string][]float64{"dx": d.dx, "dy": d.dy} {
		sum, squares, steps := 0.0, 0.0, 0.0
		for i, v := range field {
			sum += v
			squares += v * v
			if i%in.Width > 0 {
				steps += (v - field[i-1]) * (v - field[i-1])
			}
		}
		n := float64(len(field))
		if mean, deviation := sum/n, math.Sqrt(squares/n); math.Abs(mean) > 0.3 || math.Abs(deviation/want-1) > 0.1 {
			t.Errorf("%s has mean %v and standard deviation %v, want 0 and %v", name, mean, deviation, want)
		}
		// Neighbours correlate by exp(-1/(4 sigma^2)), so they differ by little.
		if smooth, wanted := steps/squares, 2*(1-math.Exp(-1.0/16)); math.Abs(smooth/wanted-1) > 0.2 {
			t.Errorf("%s: the squares of neighbours' differences are %v of the squares, want %v", name, smooth, wanted)
		}
	}
	if slices.Equal(d.dx, d.dy) {
		t.Error("dx and dy are the same")
	}
}

func TestRandomGaussianBlurDrawsFromItsRange(t *testing.T) {
	r := Generator(1, 0, 0)
	var standard, wide []float64
	for range 1000 {
		drawn := RandomGaussianBlur{KernelWidth: 5, KernelHeight: 3}.Draw(r, Format{}).(GaussianBlur)
		if drawn.KernelWidth != 5 || drawn.KernelHeight != 3 {
			t.Fatalf("drew %v", drawn)
		}
		standard = append(standard, drawn.Sigma)

		drawn = RandomGaussianBlur{Sigma: Range{1, 4}}.Draw(r, Format{}).(GaussianBlur)
		if half := float64(drawn.KernelWidth / 2); half < 3*drawn.Sigma || half >= 3*drawn.Sigma+1 || drawn.KernelHeight != drawn.KernelWidth {
			t.Fatalf("drew %v", drawn)
		}
		wide = append(wide, drawn.Sigma)
	}
	spread(t, "the default", standard, Range{0.1, 2})
	spread(t, "sigma", wide, Range{1, 4})
}

func TestColorJitterDrawsFromItsRanges(t *testing.T) {
	r := Generator(1, 0, 0)
	step := ColorJitter{Brightness: 0.3, Contrast: 0.2, Saturation: 2, Hue: 0.25}
	var brightness, contrast, saturation, hue []float64
	firsts := map[string]int{}
	for range 1000 {
		drawn := step.Draw(r, Format{}).(Compose)
		if len(drawn) != 4 {
			t.Fatalf("%d steps", len(drawn))
		}
		firsts[name(drawn[0])]++
		for _, s := range drawn {
			switch s := s.(type) {
			case AdjustBrightness:
				brightness = append(brightness, s.Factor)
			case AdjustContrast:
				contrast = append(contrast, s.Factor)
			case AdjustSaturation:
				saturation = append(saturation, s.Factor)
			case AdjustHue:
				hue = append(hue, s.Shift)
			}
		}
	}
	spread(t, "brightness", brightness, Range{0.7, 1.3})
	spread(t, "contrast", contrast, Range{0.8, 1.2})
	spread(t, "saturation", saturation, Range{0, 3})
	spread(t, "hue", hue, Range{-0.25, 0.25})
	for s, n := range firsts {
		if len(firsts) != 4 || n < 180 || n > 320 {
			t.Errorf("%s comes first %d times of 1000", s, n)
		}
	}
	if drawn := (ColorJitter{Hue: 0.1}).Draw(r, Format{}).(Compose); len(drawn) != 1 {
		t.Errorf("%d steps of hue alone", len(drawn))
	}
}

func TestRandomErasingCoversOneRectangle(t *testing.T) {
	src := NewPicture(Format{Channels: 2, Height: 40, Width: 50, Float: true})
	r := Generator(1, 0, 0)
	covered := 0
	for range 500 {
		got := apply(t, RandomErasing{P: 0.7, Value: []float32{3, 4}}.Draw(r, src.Format), src)
		top, left, bottom, right, n := 40, 50, -1, -1, 0
		for i, v := range got.Floats[:2000] {
			if (v == 3) != (got.Floats[2000+i] == 4) {
				t.Fatal("the channels are not covered at the same places")
			}
			if v == 3 {
				n++
				top, bottom = min(top, i/50), max(bottom, i/50)
				left, right = min(left, i%50), max(right, i%50)
			}
		}
		if n == 0 {
			continue
		}
		covered++
		height, width := bottom-top+1, right-left+1
		if n != height*width {
			t.Fatalf("%d samples in %dx%d", n, height, width)
		}
		// Rounding the sides to whole samples moves area and ratio a little.
		area, ratio := float64(n)/2000, float64(height)/float64(width)
		if area < 0.02*0.8 || area > 0.33*1.1 || ratio < 0.3*0.8 || ratio > 3.3*1.25 {
			t.Fatalf("%dx%d is %v of the picture, and of the ratio %v", height, width, area, ratio)
		}
	}
	if covered < 300 || covered > 400 {
		t.Errorf("covered %d of 500, want 70 %%", covered)
	}

	sum, squares, n := 0.0, 0.0, 0.0
	for range 50 {
		for _, v := range apply(t, RandomErasing{P: 1, Noise: true}.Draw(r, src.Format), src).Floats {
			if v != 0 {
				sum, squares, n = sum+float64(v), squares+float64(v*v), n+1
			}
		}
	}
	if n < 10000 || math.Abs(sum/n) > 5/math.Sqrt(n) || math.Abs(squares/n-1) > 5*math.Sqrt(2/n) {
		t.Errorf("noise of %v samples with mean %v and variance %v", n, sum/n, squares/n)
	}
}

func TestRandomStepsRefuse(t *testing.T) {
	bytes, floats := Format{Channels: 4, Height: 4, Width: 5}, Format{Channels: 3, Height: 4, Width: 5, Float: true}
	for _, test := range []struct {
		step    Transform
		in      Format
		message string
	}{
		{RandomHorizontalFlip{P: 1.5}, bytes, "the P of RandomHorizontalFlip is 1.5"},
		{RandomVerticalFlip{P: -1}, bytes, "the P of RandomVerticalFlip is -1"},
		{RandomCrop{Height: 5, Width: 5}, bytes, "RandomCrop wants 5x5 out of a picture of 4x5"},
		{RandomCrop{Height: 0, Width: 5}, bytes, "0 high"},
		{RandomCrop{Height: 4, Width: 5, Padding: -2}, bytes, "the border of Pad is -2"},
		{RandomRotation{Degrees: Range{10, -10}}, bytes, "the Degrees of RandomRotation is from 10 to -10"},
		{RandomRotation{}, floats, "the step RandomRotation wants a picture of bytes"},
		{RandomAffine{Scale: Range{-1, 1}}, bytes, "the Scale of RandomAffine is from -1 to 1"},
		{RandomAffine{Translate: [2]float64{0, 2}}, bytes, "the Translate of RandomAffine"},
		{Affine{Scale: -1}, bytes, "the Scale of Affine is -1"},
		{Affine{Shear: [2]float64{math.NaN(), 0}}, bytes, "the Shear of Affine is NaN"},
		{RandomPerspective{Distortion: 2}, bytes, "the Distortion of RandomPerspective"},
		{Perspective{}, bytes, "no perspective takes"},
		{ElasticTransform{Interpolation: Bicubic}, bytes, "the Interpolation of ElasticTransform is bicubic"},
		{ElasticTransform{Sigma: -1}, bytes, "the Sigma of ElasticTransform"},
		{ColorJitter{Hue: 0.6}, Format{Channels: 3, Height: 1, Width: 1}, "the Hue of ColorJitter"},
		{ColorJitter{}, bytes, "ColorJitter wants a picture of 1 channel (gray) or 3 (RGB)"},
		{AdjustHue{math.NaN()}, Format{Channels: 3, Height: 1, Width: 1}, "AdjustHue is to adjust by NaN"},
		{RandomErasing{Noise: true}, bytes, "put it after ToTensor"},
		{RandomErasing{Scale: Range{0, 2}}, floats, "the Scale of RandomErasing"},
		{RandomErasing{Value: []float32{1, 2}}, floats, "the Value of RandomErasing has 2 values"},
		{GaussianBlur{KernelWidth: 2, KernelHeight: 3, Sigma: 1}, bytes, "the kernel of GaussianBlur is 2x3"},
		{GaussianBlur{KernelWidth: 3, KernelHeight: 3}, bytes, "the Sigma of GaussianBlur is 0"},
		{RandomGaussianBlur{KernelWidth: 4}, bytes, "the kernel of GaussianBlur is 4x13"},
		{RandomGaussianBlur{Sigma: Range{2, 1}}, bytes, "the Sigma of RandomGaussianBlur is from 2 to 1"},
		{RandomGaussianBlur{}, floats, "put it before ToTensor"},
	} {
		_, err := Compose{test.step}.Format(test.in)
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%v of %v: error %v, want one with %q", name(test.step), test.in, err, test.message)
		}
	}
}

// Pictures of one row, one column or one sample go through every step that
// accepts them, and come out as promised.
func TestTinyPictures(t *testing.T) {
	steps := Compose{
		PasteOver{}, Grayscale{}, Grayscale{Channels: 3}, Invert{}, HorizontalFlip{}, VerticalFlip{}, Transpose{},
		CenterCrop{3, 2}, Crop{-5, 100, 2, 2}, Pad{Left: 2, Bottom: 3, Mode: Edge}, Pad{Left: 1, Mode: Symmetric}, Pad{Top: 1, Mode: Reflect},
		Resize{Height: 5, Width: 3}, Resize{Height: 3, Width: 5, Interpolation: Lanczos}, Resize{Edge: 4}, Resize{Edge: 2, MaxEdge: 3},
		Resize{Height: 1, Width: 1, Interpolation: Nearest},
		Rotate{Angle: 33, Expand: true, Interpolation: Bicubic}, Rotate{Angle: 90}, Rotate{Angle: -1e300, Expand: true}, Rotate{Angle: 1e-30},
		Affine{Scale: 1e-300}, Affine{Scale: 1e300, Interpolation: Bilinear}, Affine{TranslateX: 1e300, Shear: [2]float64{90, 90}},
		GaussianBlur{KernelWidth: 9, KernelHeight: 5, Sigma: 1},
		RandomCrop{Height: 2, Width: 2, Padding: 1}, RandomRotation{Degrees: Range{-9, 9}, Interpolation: Bilinear},
		RandomAffine{Degrees: Range{-9, 9}, Translate: [2]float64{1, 1}, Scale: Range{1e-3, 1e3}, ShearX: Range{-89, 89}},
		RandomPerspective{P: 1, Distortion: 1}, ElasticTransform{}, ElasticTransform{Alpha: 1e300, Interpolation: Nearest},
		ColorJitter{Brightness: 1e30, Contrast: 1, Saturation: 1, Hue: 0.5}, RandomGaussianBlur{}, RandomErasing{P: 1}, RandomErasing{P: 1, Noise: true},
	}
	r := Generator(0, 0, 0)
	accepted := map[int]bool{}
	for channels := 1; channels <= 4; channels++ {
		for _, size := range [][2]int{{1, 1}, {1, 7}, {7, 1}, {2, 2}} {
			for _, float := range []bool{false, true} {
				in := Format{channels, size[0], size[1], float}
				for i, step := range steps {
					out, err := step.Format(in)
					if err != nil {
						continue
					}
					accepted[i] = true
					if random, ok := step.(Random); ok {
						step = random.Draw(r, in)
					}
					src, dst := NewPicture(in), NewPicture(out)
					for i := range src.Bytes {
						src.Bytes[i] = byte(r.Uint32())
					}
					step.Apply(dst, src)
					if drawn, err := step.Format(in); err != nil || drawn != out {
						t.Errorf("%v of %v gives %v, %v; promised %v", name(step), in, drawn, err, out)
					}
				}
			}
		}
	}
	if len(accepted) != len(steps) {
		t.Errorf("only %d of %d steps were tried", len(accepted), len(steps))
	}
}
