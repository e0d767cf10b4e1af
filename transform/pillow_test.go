package transform

import (
	"fmt"
	"image"
	"image/png"
	"math"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
)

// pillow reads a picture that testdata/pillow/goldens.py wrote.
func pillow(t testing.TB, name string) *Picture {
	t.Helper()
	return readPNG(t, filepath.Join("testdata", "pillow", name))
}

// readPNG reads a picture with the channels that its file has.
func readPNG(t testing.TB, path string) *Picture {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatalf("%s: %v", path, err)
	}
	p := FromImage(img)
	// An opaque picture with a channel of alpha has lost it in FromImage.
	if _, ok := img.(*image.NRGBA); ok && p.Channels == 3 {
		plane := p.Height * p.Width
		for range plane {
			p.Bytes = append(p.Bytes, 255)
		}
		p.Channels = 4
	}
	return p
}

// apply returns what a step makes of a picture.
func apply(t testing.TB, step Transform, src *Picture) *Picture {
	t.Helper()
	f, err := step.Format(src.Format)
	if err != nil {
		t.Fatal(err)
	}
	dst := NewPicture(f)
	step.Apply(dst, src)
	return dst
}

// compare returns how many bytes of two pictures differ, and by how much at most.
func compare(t testing.TB, what string, got, want *Picture) (number, most int) {
	t.Helper()
	if got.Format != want.Format {
		t.Fatalf("%s: got %v, want %v", what, got.Format, want.Format)
	}
	for i, v := range got.Bytes {
		if d := int(v) - int(want.Bytes[i]); d != 0 {
			number++
			most = max(most, d, -d)
		}
	}
	return number, most
}

// samePicture fails the test unless two pictures are equal.
func samePicture(t testing.TB, what string, got, want *Picture) {
	t.Helper()
	if n, most := compare(t, what, got, want); n != 0 {
		t.Errorf("%s: %d of %d bytes differ, by up to %d", what, n, len(want.Bytes), most)
	}
}

// each calls f for every golden file of a kind, with what its name holds between
// the prefix and the ending, and checks that there are as many as were written.
func each(t *testing.T, prefix string, number int, f func(t *testing.T, middle string, want *Picture)) {
	t.Helper()
	files, err := filepath.Glob(filepath.Join("testdata", "pillow", prefix+"*.png"))
	if err != nil || len(files) != number {
		t.Fatalf("%d files %s*.png, want %d", len(files), prefix, number)
	}
	for _, file := range files {
		name := filepath.Base(file)
		t.Run(name, func(t *testing.T) {
			f(t, strings.TrimSuffix(strings.TrimPrefix(name, prefix), ".png"), pillow(t, name))
		})
	}
}

// input splits "noise_rgb_53x37_REST" into the picture and the rest.
func input(t testing.TB, middle string) (*Picture, []string) {
	t.Helper()
	for _, name := range []string{"three_500x333", "one_17x23", "noise_rgba_47x61", "noise_rgb_53x37",
		"noise_gray_91x64", "gradient_rgba_200x300", "smooth_64x48"} {
		if rest, ok := strings.CutPrefix(middle, name); ok {
			return pillow(t, name+"_0_input.png"), strings.Split(strings.TrimPrefix(rest, "_"), "_")
		}
	}
	t.Fatalf("%s names no input", middle)
	return nil, nil
}

// number reads a number out of a file's name.
func number(t testing.TB, s string) float64 {
	t.Helper()
	v, err := strconv.ParseFloat(s, 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// named finds an interpolation by its name.
func named(t testing.TB, name string) Interpolation {
	t.Helper()
	for i, n := range interpolationNames {
		if n == name {
			return Interpolation(i)
		}
	}
	t.Fatalf("no interpolation is called %s", name)
	return 0
}

var drawings = []string{"seven_280", "three_500x333", "eight_800", "one_17x23", "three_28", "diag_1000x40", "empty_280",
	"color_333x500", "noise_rgba_47x61", "gradient_rgba_200x300", "full_black_1x1", "three_600x800_thin",
	"noise_rgb_53x37", "noise_gray_91x64"}

// The preprocessing of the tutorial, which turns a drawing into the picture of a
// digit as EMNIST holds it.
var preprocessing = Compose{
	PasteOver{},
	Grayscale{},
	Resize{Height: 28, Width: 28},
	HorizontalFlip{},
	Rotate{Angle: 90, Expand: true},
	ToTensor{},
	Invert{},
	Normalize{Mean: []float32{0.5}, Std: []float32{0.5}},
}

func TestTutorialPreprocessing(t *testing.T) {
	files := []string{"1_pasted.png", "2_gray.png", "3_resize28.png", "4_hflip.png", "5_rot90.png",
		"6_totensor.npy", "7_invert.npy", "8_normalize.npy"}
	for _, name := range drawings {
		t.Run(name, func(t *testing.T) {
			src := pillow(t, name+"_0_input.png")
			p := src
			for i, file := range files {
				p = apply(t, preprocessing[i], p)
				if strings.HasSuffix(file, ".npy") {
					sameBits(t, file, p.Floats, golden[float32](t, "pillow/"+name+"_"+file))
				} else {
					samePicture(t, file, p, pillow(t, name+"_"+file))
				}
			}

			pipeline, err := Compile(preprocessing, src.Channels, src.Height, src.Width)
			if err != nil {
				t.Fatal(err)
			}
			got := make([]float32, 28*28)
			pipeline.Apply(got, src.Bytes)
			sameBits(t, "pipeline", got, p.Floats)
			if n := testing.AllocsPerRun(2, func() { pipeline.Apply(got, src.Bytes) }); n != 0 {
				t.Errorf("%v allocations a picture", n)
			}
		})
	}
}

// levelsAndAlphas has a row for every level and a column for every alpha.
func levelsAndAlphas() *Picture {
	p := NewPicture(Format{Channels: 4, Height: 256, Width: 256})
	for i := range 1 << 16 {
		for c := range 3 {
			p.Bytes[c<<16+i] = byte(i >> 8)
		}
		p.Bytes[3<<16+i] = byte(i)
	}
	return p
}

func TestPasteOverEveryLevelAndAlpha(t *testing.T) {
	src := levelsAndAlphas()
	white := apply(t, PasteOver{}, src)
	samePicture(t, "white", &Picture{Format: Format{Channels: 1, Height: 256, Width: 256}, Bytes: white.Bytes[:1<<16]}, pillow(t, "paste_white.png"))
	samePicture(t, "colour", apply(t, PasteOver{Ground: []byte{40, 90, 210}}, src), pillow(t, "paste_40_90_210.png"))
}

// lattice returns a picture of colours step apart, with blue counting first.
func lattice(step int) *Picture {
	n := 255/step + 1
	p := NewPicture(Format{Channels: 3, Height: n * n, Width: n})
	for i := range n * n * n {
		p.Bytes[i] = byte(i / n / n * step)
		p.Bytes[n*n*n+i] = byte(i / n % n * step)
		p.Bytes[2*n*n*n+i] = byte(i % n * step)
	}
	return p
}

func TestGrayscaleAsPillow(t *testing.T) {
	samePicture(t, "lattice", apply(t, Grayscale{}, lattice(5)), pillow(t, "lattice_gray.png"))
	each(t, "gr_", 8, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		samePicture(t, "gray", apply(t, Grayscale{Channels: int(number(t, rest[0]))}, src), want)
	})
	src := apply(t, ToTensor{}, pillow(t, "noise_rgb_53x37_0_input.png"))
	sameBits(t, "float32", apply(t, Grayscale{}, src).Floats, golden[float32](t, "pillow/gr_float_noise_rgb_53x37.npy"))
}

func TestResizeAsPillow(t *testing.T) {
	each(t, "rs_", 102, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		var step Resize
		switch rest[0] {
		case "edge20":
			step = Resize{Edge: 20}
		case "edge20max22":
			step = Resize{Edge: 20, MaxEdge: 22}
		default:
			if _, err := fmt.Sscanf(rest[0], "%dx%d", &step.Height, &step.Width); err != nil {
				t.Fatal(err)
			}
			step.Interpolation = named(t, rest[1])
		}
		samePicture(t, step.String(), apply(t, step, src), want)
	})
}

// torchvision computes places and weights in float32, so the last digits differ:
// by up to 9e-7 in the smaller pictures and 2.7e-6 in the larger ones.
func TestResizeFloatsAsTorchvision(t *testing.T) {
	src := apply(t, ToTensor{}, pillow(t, "noise_rgb_53x37_0_input.png"))
	for _, step := range []Resize{{Height: 28, Width: 20}, {Height: 40, Width: 60},
		{Height: 28, Width: 20, Interpolation: Bicubic}, {Height: 40, Width: 60, Interpolation: Bicubic}} {
		got := apply(t, step, src)
		file := fmt.Sprintf("rsf_noise_rgb_53x37_%dx%d_%v.npy", step.Height, step.Width, step.Interpolation.or(Bilinear))
		closeTo(t, file, got.Floats, golden[float32](t, "pillow/"+file), 4e-6)
	}
}

func TestRotateAsPillow(t *testing.T) {
	each(t, "rot_", 46, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		step := Rotate{Angle: number(t, rest[0]), Expand: rest[1] == "1", Interpolation: named(t, rest[2])}
		samePicture(t, step.String(), apply(t, step, src), want)
	})
}

func TestFlipsAsPillow(t *testing.T) {
	each(t, "hf_", 4, func(t *testing.T, middle string, want *Picture) {
		src, _ := input(t, middle)
		samePicture(t, middle, apply(t, HorizontalFlip{}, src), want)
	})
	each(t, "vf_", 4, func(t *testing.T, middle string, want *Picture) {
		src, _ := input(t, middle)
		samePicture(t, middle, apply(t, VerticalFlip{}, src), want)
	})
}

func TestPadsAndCropsAsTorchvision(t *testing.T) {
	modes := map[string]PadMode{"constant": Constant, "edge": Edge, "reflect": Reflect, "symmetric": Symmetric}
	each(t, "pad_", 10, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		step := Pad{Left: 3, Top: 4, Right: 5, Bottom: 6, Mode: modes[rest[0]]}
		if step.Mode == Constant {
			step.Fill = []float32{7}
		}
		samePicture(t, middle, apply(t, step, src), want)
	})
	each(t, "cc_", 6, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		var step CenterCrop
		if _, err := fmt.Sscanf(rest[0], "%dx%d", &step.Height, &step.Width); err != nil {
			t.Fatal(err)
		}
		samePicture(t, middle, apply(t, step, src), want)
	})
}

func TestInvertAsTorchvision(t *testing.T) {
	each(t, "inv_", 2, func(t *testing.T, middle string, want *Picture) {
		src, _ := input(t, middle)
		samePicture(t, middle, apply(t, Invert{}, src), want)
	})
}

func TestGaussianBlurAsTorchvision(t *testing.T) {
	each(t, "blur_", 6, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		step := GaussianBlur{Sigma: number(t, rest[1])}
		if _, err := fmt.Sscanf(rest[0], "%dx%d", &step.KernelWidth, &step.KernelHeight); err != nil {
			t.Fatal(err)
		}
		samePicture(t, middle, apply(t, step, src), want)
	})
}

func TestAffineAsTorchvision(t *testing.T) {
	steps := []Affine{
		{Angle: 30, TranslateX: 5, TranslateY: -3, Scale: 0.8, Shear: [2]float64{10, -5}},
		{Angle: -100, Scale: 1.5},
		{TranslateX: 7, TranslateY: 2},
		{Angle: 12.5, Shear: [2]float64{0, 25}},
	}
	each(t, "affine_", 24, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		step := steps[int(number(t, rest[0]))]
		step.Interpolation, step.Fill = named(t, rest[1]), []float32{9}
		samePicture(t, middle, apply(t, step, src), want)
	})
}

func TestPerspectiveAsTorchvision(t *testing.T) {
	each(t, "persp_", 6, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		right, bottom := float64(src.Width-1), float64(src.Height-1)
		step := Perspective{
			Start:         Corners{{0, 0}, {right, 0}, {right, bottom}, {0, bottom}},
			End:           Corners{{9, 4}, {right - 3, 11}, {right - 12, bottom - 1}, {2, bottom - 9}},
			Interpolation: named(t, rest[0]),
			Fill:          []float32{9},
		}
		samePicture(t, middle, apply(t, step, src), want)
	})
}

func TestAdjustmentsAsTorchvision(t *testing.T) {
	for _, test := range []struct {
		prefix string
		files  int
		step   func(v float64) Transform
	}{
		{"brightness_", 6, func(v float64) Transform { return AdjustBrightness{v} }},
		{"contrast_", 6, func(v float64) Transform { return AdjustContrast{v} }},
		{"saturation_", 6, func(v float64) Transform { return AdjustSaturation{v} }},
		{"hue_", 8, func(v float64) Transform { return AdjustHue{v} }},
	} {
		each(t, test.prefix, test.files, func(t *testing.T, middle string, want *Picture) {
			src, rest := input(t, middle)
			samePicture(t, middle, apply(t, test.step(number(t, rest[0])), src), want)
		})
	}
	samePicture(t, "lattice", apply(t, AdjustHue{0.1}, lattice(15)), pillow(t, "lattice_hue_0.1.png"))
}

func TestElasticAsTorchvision(t *testing.T) {
	each(t, "elastic_", 4, func(t *testing.T, middle string, want *Picture) {
		src, rest := input(t, middle)
		step := &displace{interpolation: named(t, rest[0])}
		for i := range src.Height * src.Width {
			step.dx = append(step.dx, 4*math.Sin(float64(i/src.Width)/5))
			step.dy = append(step.dy, 3*math.Cos(float64(i%src.Width)/7))
		}
		samePicture(t, middle, apply(t, step, src), want)
	})
}
