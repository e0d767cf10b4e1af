package inkling

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"inkling/data"
	"inkling/data/folder"
	"inkling/models"
	"inkling/picture"
	"inkling/transform"
)

func readPNG(t *testing.T, path ...string) image.Image {
	t.Helper()
	f, err := os.Open(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	img, err := png.Decode(f)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// testdata/pillow/make.py says how the pictures were made.
func TestPictureAsPillow(t *testing.T) {
	gray, _ := picture.Gray(readPNG(t, "testdata", "pillow", "eight.png"))
	if want := readPNG(t, "testdata", "pillow", "eight_gray.png").(*image.Gray); !slices.Equal(gray.Pix, want.Pix) {
		t.Error("gray is not as Pillow's convert('L')")
	}
	small := fit(gray, 28, 28)
	if want := readPNG(t, "testdata", "pillow", "eight_28x28.png").(*image.Gray); !slices.Equal(small.Pix, want.Pix) {
		t.Error("resized is not as Pillow's resize with BILINEAR")
	}
}

func TestFit(t *testing.T) {
	// A wide picture gets as much paper above as below.
	wide := image.NewGray(image.Rect(0, 0, 56, 28))
	for i := range wide.Pix {
		wide.Pix[i] = 200
	}
	wide.SetGray(28, 14, color.Gray{Y: 0})
	small := fit(wide, 28, 28)
	if small.Rect != image.Rect(0, 0, 28, 28) {
		t.Fatalf("size is %v", small.Rect)
	}
	if corner, dark := small.GrayAt(0, 0).Y, small.GrayAt(14, 14).Y; corner != 200 || dark >= 200 {
		t.Errorf("a corner is %d, want paper, 200; the middle is %d, want darker", corner, dark)
	}
	square := image.NewGray(image.Rect(0, 0, 28, 28))
	if fit(square, 28, 28) != square {
		t.Error("a picture of the right size was changed")
	}
	// The smallest, and such as would not fit in memory in a square.
	for _, r := range []image.Rectangle{image.Rect(0, 0, 1, 1), image.Rect(0, 0, 1, 999_999), image.Rect(0, 0, 999_999, 1)} {
		if got := fit(image.NewGray(r), 28, 28).Rect; got != image.Rect(0, 0, 28, 28) {
			t.Errorf("%v became %v", r, got)
		}
	}
}

// A network may read pictures that are not square.
func TestFitOblong(t *testing.T) {
	for _, test := range []struct{ width, height, paperAt int }{{60, 20, 0}, {20, 60, 1}} {
		img := image.NewGray(image.Rect(0, 0, 30, 30)) // black
		for i := range 30 {
			img.Pix[i], img.Pix[870+i], img.Pix[30*i], img.Pix[30*i+29] = 200, 200, 200, 200
		}
		got := fit(img, test.width, test.height)
		edge, middle := got.GrayAt(0, test.height/2).Y, got.GrayAt(test.width/2, test.height/2).Y
		if test.paperAt == 1 {
			edge = got.GrayAt(test.width/2, 0).Y
		}
		if got.Rect != image.Rect(0, 0, test.width, test.height) || edge != 200 || middle != 0 {
			t.Errorf("%+v: %v, the edge is %d, want paper, 200, and the middle %d, want 0", test, got.Rect, edge, middle)
		}
	}
}

// What is done to a gray picture depends on the ground of the training's.
func TestGround(t *testing.T) {
	set := func(grounds ...byte) data.Dataset {
		var pixels []byte
		for _, ground := range grounds {
			picture := bytes.Repeat([]byte{ground}, 16*16)
			picture[8*16+8] = 255 - ground
			pixels = append(pixels, picture...)
		}
		d, err := data.NewMemory(pixels, make([]byte, len(grounds)), []string{"a"}, 1, 16, 16)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	light, dark := image.NewGray(image.Rect(0, 0, 16, 16)), image.NewGray(image.Rect(0, 0, 16, 16))
	for i := range light.Pix {
		light.Pix[i] = 250
	}
	light.Pix[100], dark.Pix[100] = 0, 255
	for _, test := range []struct {
		grounds                   []byte
		want                      string
		invertsLight, invertsDark bool
	}{
		{nil, "", true, false}, // not known
		{[]byte{0, 10, 20}, GroundDark, true, false},
		{[]byte{255, 240}, GroundLight, false, true},
		{[]byte{0, 255, 0, 255}, GroundMixed, false, false},
	} {
		network, err := models.NewLeNetFor(1, 16, 16, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		m := &Classifier{Network: network}
		if test.grounds != nil {
			ground, err := GroundOf(set(test.grounds...))
			if err != nil || ground != test.want {
				t.Errorf("%v: the ground is %q, %v, want %q", test.grounds, ground, err, test.want)
			}
			m.About.Extra = map[string]string{GroundKey: ground}
		}
		m.About.Mean, m.About.Std = []float32{0}, []float32{1}
		pipeline, err := transform.Compile(m.TransformDrawing(), 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		white := make([]float32, 1)
		if pipeline.Apply(white, []byte{255}); white[0] == 0 != test.invertsDark {
			t.Errorf("trained on %q: the white of a drawing becomes %v", test.want, white[0])
		}
		for img, want := range map[*image.Gray]bool{light: test.invertsLight, dark: test.invertsDark} {
			for _, way := range []string{Fit, Resize} {
				p := prepared(t, m, way, "", img)
				if seen := img.Pix[100]; p.Inverted != want || p.Bytes[100] != seen && !want || p.Bytes[100] != 255-seen && want {
					t.Errorf("trained on %q, %s: the ground %d is inverted: %v, want %v; sample %d", test.want, way, img.Pix[0], p.Inverted, want, p.Bytes[100])
				}
			}
		}
	}
}

// A colour network gets what training got of the same file.
func TestColourSamples(t *testing.T) {
	network, err := models.NewLeNetFor(3, 16, 20, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	m := &Classifier{Network: network}
	img := image.NewNRGBA(image.Rect(0, 0, 40, 16))
	for i := range 40 * 16 {
		copy(img.Pix[4*i:], []byte{200, 100, 50, 255})
	}
	img.SetNRGBA(0, 0, color.NRGBA{}) // transparent: paper
	want, err := folder.FromImage(img, 3, 16, 20)
	if err != nil {
		t.Fatal(err)
	}
	p := prepared(t, m, "", "", img)
	if p.Way != Resize || p.Inverted || !p.Resized || !slices.Equal(p.Bytes, want) || p.Bytes[319] != 200 || p.Bytes[639] != 100 || p.Bytes[959] != 50 || p.Bytes[0] <= 200 {
		t.Errorf("samples %v", p)
	}
	if p = prepared(t, m, "", "yes", img); !p.Inverted || p.Bytes[319] != 55 {
		t.Errorf("inverted: %v", p.Inverted)
	}
	// Twice as wide as the network's pictures are high: a fifth of the rows are black.
	if p = prepared(t, m, Fit, "", img); p.Bytes[0] != 0 || p.Bytes[3*20+19] != 0 || p.Bytes[8*20+19] != 200 || p.Bytes[15*20] != 0 {
		t.Errorf("fitted: %v", p.Bytes[:320])
	}
	gray := image.NewGray(image.Rect(0, 0, 3, 3))
	if p = prepared(t, m, "", "", gray); len(p.Bytes) != 3*16*20 {
		t.Errorf("a gray picture: %v", p)
	}
	four, err := models.NewLeNetFor(4, 16, 16, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	for _, way := range []string{Fit, Resize} {
		preparation, err := (&Classifier{Network: four}).Preparation(way)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := preparation.Prepare(gray); err == nil {
			t.Errorf("four channels, %s: no error", way)
		}
	}
}

// prepared is a picture as a model's preparation makes it.
func prepared(t *testing.T, m *Classifier, way, invert string, img image.Image) *Prepared {
	t.Helper()
	p, err := m.Preparation(way)
	if err != nil {
		t.Fatal(err)
	}
	p.Invert = invert
	made, err := p.Prepare(img)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

func TestPaper(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 9, 9))
	for i := range gray.Pix {
		gray.Pix[i] = 250
	}
	for i := range 9 { // a stroke through the picture
		gray.SetGray(4, i, color.Gray{Y: 3})
	}
	if got := paper(gray); got != 250 {
		t.Errorf("paper is %d, want 250", got)
	}
	if blank(gray) {
		t.Error("a stroke is called blank")
	}
	if !blank(image.NewGray(image.Rect(0, 0, 3, 3))) {
		t.Error("an empty picture is not called blank")
	}
}
