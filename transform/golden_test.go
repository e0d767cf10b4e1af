package transform

import (
	"encoding/json"
	"fmt"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/internal/realdata"
)

// A goldenIndex lists pictures that Pillow and torchvision made of others, in
// addition to those in testdata. Paths are relative to the folder of goldens.
type goldenIndex struct {
	Pipeline []map[string]any
	Resize   []struct {
		Input, Interp, Out string
		HW                 [2]int
		Edge               int `json:"shorter_edge"`
		MaxEdge            int `json:"max_size"`
		Tensor, Antialias  bool
	}
	RotateFlip []struct {
		Input, Op, Resample, Out string
		Angle                    float64
		Expand                   bool
	} `json:"rotate_flip"`
	Grayscale []struct {
		Input, RGB, Out string
		Channels        int `json:"num_output_channels"`
	}
	ToPIL []struct{ Name, Input, Out string } `json:"to_pil"`
}

// goldens is the folder of the pictures, for the test that readGoldenIndex is called in.
var goldens string

func readGoldenIndex(t *testing.T) *goldenIndex {
	t.Helper()
	goldens = realdata.Pillow(t)
	content, err := os.ReadFile(filepath.Join(goldens, "image", "index.json"))
	if err != nil {
		t.Fatal(err)
	}
	var index goldenIndex
	if err := json.Unmarshal(content, &index); err != nil {
		t.Fatal(err)
	}
	return &index
}

func goldenPNG(t *testing.T, name string) *Picture { return readPNG(t, filepath.Join(goldens, name)) }

// Of the pictures named here all are compared but one of each drawing: that of
// the last step taken back to bytes, where torchvision takes what is below 0
// modulo 256.
func TestGoldenPreprocessing(t *testing.T) {
	index := readGoldenIndex(t)
	steps := []string{"pasted", "grayscale", "resize", "hflip", "rotate90", "totensor", "invert", "normalize"}
	for _, c := range index.Pipeline {
		p := goldenPNG(t, c["input"].(string))
		for i, step := range steps {
			p = apply(t, preprocessing[i], p)
			name := c[step].(string)
			if p.Float {
				sameBits(t, name, p.Floats, readNPY[float32](t, filepath.Join(goldens, name)))
			} else {
				samePicture(t, name, p, goldenPNG(t, name))
			}
		}
	}
	if len(index.Pipeline) != 14 {
		t.Errorf("%d drawings, want 14", len(index.Pipeline))
	}
}

// A tensor that is resized without antialiasing is left out: Resize always
// antialiases, as torchvision does by default since 0.17.
func TestGoldenResizes(t *testing.T) {
	index := readGoldenIndex(t)
	compared := 0
	for _, c := range index.Resize {
		step := Resize{Height: c.HW[0], Width: c.HW[1], Edge: c.Edge, MaxEdge: c.MaxEdge, Interpolation: named(t, c.Interp)}
		switch {
		case !c.Tensor:
			samePicture(t, c.Out, apply(t, step, goldenPNG(t, c.Input)), goldenPNG(t, c.Out))
		case c.Antialias:
			// A tensor of 1x64x91.
			src := &Picture{Format: Format{Channels: 1, Height: 64, Width: 91, Float: true}, Floats: readNPY[float32](t, filepath.Join(goldens, c.Input))}
			closeTo(t, c.Out, apply(t, step, src).Floats, readNPY[float32](t, filepath.Join(goldens, c.Out)), 4e-6)
		default:
			continue
		}
		compared++
	}
	if compared != 103 {
		t.Errorf("%d pictures were compared, want 103", compared)
	}
}

// closeTo fails the test unless all values are as close as that to those wanted.
func closeTo(t *testing.T, what string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d values, want %d", what, len(got), len(want))
	}
	most := 0.0
	for i, v := range want {
		most = max(most, math.Abs(float64(got[i]-v)))
	}
	if !(most <= tolerance) {
		t.Errorf("%s: differs by up to %v", what, most)
	}
}

func TestGoldenRotationsFlipsPadsAndCrops(t *testing.T) {
	index := readGoldenIndex(t)
	for _, c := range index.RotateFlip {
		var step Transform
		switch c.Op {
		case "rotate":
			step = Rotate{Angle: c.Angle, Expand: c.Expand, Interpolation: named(t, c.Resample)}
		case "hflip":
			step = HorizontalFlip{}
		case "vflip":
			step = VerticalFlip{}
		case "pad(3,4,5,6) fill 7":
			step = Pad{Left: 3, Top: 4, Right: 5, Bottom: 6, Fill: []float32{7}}
		case "center_crop(20,30)":
			step = CenterCrop{20, 30}
		default:
			t.Fatalf("no step is called %s", c.Op)
		}
		samePicture(t, c.Out, apply(t, step, goldenPNG(t, c.Input)), goldenPNG(t, c.Out))
	}
	if len(index.RotateFlip) != 76 {
		t.Errorf("%d pictures, want 76", len(index.RotateFlip))
	}
}

func TestGoldenGrays(t *testing.T) {
	index := readGoldenIndex(t)
	for _, c := range index.Grayscale {
		if c.RGB == "" {
			samePicture(t, c.Out, apply(t, Grayscale{Channels: c.Channels}, goldenPNG(t, c.Input)), goldenPNG(t, c.Out))
			continue
		}
		got := apply(t, Grayscale{}, lattice(5)).Bytes
		if !slices.Equal(got, readNPY[byte](t, filepath.Join(goldens, c.Out))) {
			t.Errorf("%s differs", c.Out)
		}
	}
	if len(index.Grayscale) != 9 {
		t.Errorf("%d pictures, want 9", len(index.Grayscale))
	}
}

// Image rounds where torchvision's ToPILImage cuts off, and limits to 0 and 1.
func TestGoldenImages(t *testing.T) {
	index := readGoldenIndex(t)
	for _, c := range index.ToPIL {
		floats := readNPY[float32](t, filepath.Join(goldens, c.Input))
		src := &Picture{Format: Format{Channels: 1, Height: 1, Width: len(floats), Float: true}, Floats: floats}
		var want []byte
		if strings.HasSuffix(c.Out, ".png") {
			src.Format = Format{Channels: 3, Height: 5, Width: 7, Float: true}
			want = goldenPNG(t, c.Out).Bytes
		} else {
			want = readNPY[byte](t, filepath.Join(goldens, c.Out))
		}
		img, err := src.Image()
		if err != nil {
			t.Fatal(err)
		}
		got := FromImage(img).Bytes
		differ := 0
		for i, v := range floats {
			if v >= 0 && got[i] != want[i] {
				differ++
				if got[i] != want[i]+1 {
					t.Errorf("%s: %v becomes %d, want %d or one more", c.Name, v, got[i], want[i])
				}
			}
		}
		if strings.HasPrefix(c.Name, "k/255") && differ != 0 {
			t.Errorf("%s: %d bytes do not come back", c.Name, differ)
		}
	}
	if len(index.ToPIL) != 3 {
		t.Errorf("%d tensors, want 3", len(index.ToPIL))
	}
}

// What becomes of every byte, and of every level with every alpha.
func TestGoldenTables(t *testing.T) {
	readGoldenIndex(t)
	npy := func(name string) string { return filepath.Join(goldens, "image", name+".npy") }
	every := &Picture{Format: Format{Channels: 1, Height: 1, Width: 256}, Bytes: everyByte(1)}
	for name, steps := range map[string]Compose{
		"bytes_totensor":   {ToTensor{}},
		"bytes_norm":       {ToTensor{}, Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}},
		"bytes_inv_norm":   {ToTensor{}, Invert{}, Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}},
		"bytes_norm_mnist": {ToTensor{}, Normalize{Mean: []float32{0.1307}, Std: []float32{0.3081}}},
	} {
		sameBits(t, name, apply(t, steps, every).Floats, readNPY[float32](t, npy(name)))
	}

	white := apply(t, PasteOver{}, levelsAndAlphas()).Bytes[:1<<16]
	if !slices.Equal(white, readNPY[byte](t, npy("paste_white_src_alpha"))) {
		t.Error("pasted over white differs")
	}
	colour := apply(t, PasteOver{Ground: []byte{40, 90, 210}}, levelsAndAlphas()).Bytes
	for i, v := range readNPY[byte](t, npy("paste_color_src_alpha")) { // channels last
		if got := colour[i%3<<16+i/3]; got != v {
			t.Fatalf("pasted over a colour: %s is %d, want %d", fmt.Sprint(i/3>>8, i/3&255, i%3), got, v)
		}
	}
}
