package plot

import (
	"encoding/json"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/sbinet/npyio"
)

// open opens a file that testdata/goldens.py wrote.
func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("testdata", name))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

// sameImage fails the test at the first pixel in which two pictures differ.
func sameImage(t *testing.T, got, want image.Image) {
	t.Helper()
	if got.Bounds() != want.Bounds() {
		t.Fatalf("the picture is %v, want %v", got.Bounds(), want.Bounds())
	}
	for y := range want.Bounds().Dy() {
		for x := range want.Bounds().Dx() {
			g, w := color.RGBAModel.Convert(got.At(x, y)), color.RGBAModel.Convert(want.At(x, y))
			if g != w {
				t.Fatalf("pixel (%d, %d) is %v, want %v", x, y, g, w)
			}
		}
	}
}

// arguments are those of make_grid.
type arguments struct {
	NRow       int        `json:"nrow"`
	Padding    *int       `json:"padding"`
	PadValue   float32    `json:"pad_value"`
	Normalize  bool       `json:"normalize"`
	ScaleEach  bool       `json:"scale_each"`
	ValueRange [2]float32 `json:"value_range"`
}

func (a arguments) grid() Grid {
	g := Grid{Columns: a.NRow, PadValue: a.PadValue, ScaleEach: a.ScaleEach, Low: a.ValueRange[0], High: a.ValueRange[1]}
	g.Normalize = a.Normalize && a.ValueRange == [2]float32{}
	if a.Padding != nil {
		g.Padding = *a.Padding
		if g.Padding == 0 {
			g.Padding = -1
		}
	}
	return g
}

func TestGridAsTorchvision(t *testing.T) {
	var cases []struct {
		Input, Output string
		Shape         [4]int
		Arguments     arguments
	}
	if err := json.NewDecoder(open(t, "grids.json")).Decode(&cases); err != nil {
		t.Fatal(err)
	}
	if len(cases) != 34 {
		t.Errorf("%d cases, want 34", len(cases))
	}
	for _, c := range cases {
		t.Run(c.Output, func(t *testing.T) {
			var samples []float32
			if err := npyio.Read(open(t, c.Input), &samples); err != nil {
				t.Fatal(err)
			}
			want, err := png.Decode(open(t, c.Output))
			if err != nil {
				t.Fatal(err)
			}
			got, err := c.Arguments.grid().Floats(samples, c.Shape[1], c.Shape[2], c.Shape[3])
			if err != nil {
				t.Fatal(err)
			}
			sameImage(t, got, want)
		})
	}
}

func TestBytesEqualTheirFloats(t *testing.T) {
	pixels, samples := make([]byte, 3*256), make([]float32, 3*256)
	for i := range pixels {
		pixels[i] = byte(i)
		samples[i] = float32(pixels[i]) / 255
	}
	fromBytes, err := Grid{}.Bytes(pixels, 1, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	fromFloats, err := Grid{}.Floats(samples, 1, 16, 16)
	if err != nil {
		t.Fatal(err)
	}
	sameImage(t, fromBytes, fromFloats)
}

func TestScaleRepeatsEveryPixel(t *testing.T) {
	pixels := make([]byte, 2*3*4*5)
	for i := range pixels {
		pixels[i] = byte(3 * i)
	}
	one, err := Grid{}.Bytes(pixels, 3, 4, 5)
	if err != nil {
		t.Fatal(err)
	}
	three, err := Grid{Scale: 3}.Bytes(pixels, 3, 4, 5)
	if err != nil {
		t.Fatal(err)
	}
	want := image.NewRGBA(image.Rect(0, 0, 3*one.Rect.Dx(), 3*one.Rect.Dy()))
	for y := range want.Rect.Dy() {
		for x := range want.Rect.Dx() {
			want.Set(x, y, one.At(x/3, y/3))
		}
	}
	sameImage(t, three, want)
}

func TestLabels(t *testing.T) {
	pixels := make([]byte, 3*28*28)
	for i := range pixels {
		pixels[i] = 200
	}
	for _, test := range []struct {
		grid          Grid
		width, height int
		indent        int
		paper         byte
	}{
		// Three columns of 28 and four frames of 2; 28 + 18 and two frames.
		{Grid{Labels: []string{"7", "1", "4"}}, 92, 50, 0, 0},
		{Grid{Labels: []string{"7", "1", "4"}, PadValue: 1, Scale: 2}, 3*56 + 4*4, 56 + 18 + 8, 0, 255},
		// "seventy" is 56 pixels wide: the columns follow, pictures are centred.
		{Grid{Labels: []string{"seventy", "1", ""}}, 3*(56+8) + 8, 50, 18, 0},
		{Grid{Labels: []string{"猫", "1", "狗"}}, 92, 50, 0, 0},
	} {
		got, err := test.grid.Bytes(pixels, 1, 28, 28)
		if err != nil {
			t.Fatal(err)
		}
		if got.Rect.Dx() != test.width || got.Rect.Dy() != test.height {
			t.Errorf("%v: %v, want %dx%d", test.grid.Labels, got.Rect, test.width, test.height)
			continue
		}
		scale := max(1, test.grid.Scale)
		for x := range got.Rect.Dx() {
			c := got.RGBAAt(x, 2*scale)
			first := x >= 2*scale+test.indent && x < 2*scale+test.indent+28*scale
			if first && c.R != 200 {
				t.Errorf("%v: pixel %d of the first picture is %v", test.grid.Labels, x, c)
				break
			}
			if x < 2*scale+test.indent && c.R != test.paper {
				t.Errorf("%v: pixel %d before the first picture is %v", test.grid.Labels, x, c)
				break
			}
		}
		written := 0
		for y := (2 + 28) * scale; y < got.Rect.Dy(); y++ {
			for x := range got.Rect.Dx() {
				if distance(got.RGBAAt(x, y).R, test.paper) > 127 {
					written++
				}
			}
		}
		if written < 20 {
			t.Errorf("%v: only %d pixels are written below the pictures", test.grid.Labels, written)
		}
	}
}

func TestGridRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		grid    Grid
		samples int
		c, h, w int
		message string
	}{
		{"channels", Grid{}, 8, 2, 2, 2, "2 channels"},
		{"height", Grid{}, 8, 1, 0, 2, "0x2"},
		{"no pictures", Grid{}, 0, 1, 2, 2, "0 samples are no whole number of 1x2x2"},
		{"part of a picture", Grid{}, 7, 1, 2, 2, "7 samples are no whole number"},
		{"labels", Grid{Labels: []string{"1"}}, 8, 1, 2, 2, "1 label cannot be those of 2 pictures"},
		{"scale", Grid{Scale: -1}, 8, 1, 2, 2, "scale -1"},
		{"columns", Grid{Columns: -1}, 8, 1, 2, 2, "-1 columns"},
		{"padding", Grid{Padding: -2}, 8, 1, 2, 2, "padding -2"},
	} {
		_, err := test.grid.Bytes(make([]byte, test.samples), test.c, test.h, test.w)
		if err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want one with %q", test.name, err, test.message)
		}
		if _, err := test.grid.Floats(make([]float32, test.samples), test.c, test.h, test.w); err == nil {
			t.Errorf("%s: Floats accepts it", test.name)
		}
	}
}

func TestCanWrite(t *testing.T) {
	for label, want := range map[string]bool{"": true, "T-shirt/top 7%": true, "Übung": true, "chién": true, "猫": true, "cat 猫": true, "猫 Übung": true, "e\u0301": false, "🐈": false} {
		if CanWrite(label) != want {
			t.Errorf("%q: %v", label, !want)
		}
	}
}
