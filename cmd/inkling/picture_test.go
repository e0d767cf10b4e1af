package main

import (
	"bytes"
	"encoding/binary"
	"hash/crc32"
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"inkling/data"
	"inkling/data/folder"
	"inkling/models"
	"inkling/transform"
)

func readPNG(t *testing.T, path ...string) image.Image {
	t.Helper()
	img, err := readPicture(filepath.Join(path...), nil)
	if err != nil {
		t.Fatal(err)
	}
	return img
}

// testdata/pillow/make.py says how the pictures were made.
func TestPictureAsPillow(t *testing.T) {
	gray := toGray(readPNG(t, "testdata", "pillow", "eight.png"))
	if want := readPNG(t, "testdata", "pillow", "eight_gray.png").(*image.Gray); !slices.Equal(gray.Pix, want.Pix) {
		t.Error("gray is not as Pillow's convert('L')")
	}
	small := fit(gray, 28, 28)
	if want := readPNG(t, "testdata", "pillow", "eight_28x28.png").(*image.Gray); !slices.Equal(small.Pix, want.Pix) {
		t.Error("resized is not as Pillow's resize with BILINEAR")
	}
}

func TestToGray(t *testing.T) {
	img := image.NewNRGBA(image.Rect(10, 20, 15, 21))
	for i, c := range []color.NRGBA{{0, 0, 0, 255}, {255, 255, 255, 255}, {255, 0, 0, 255}, {0, 0, 0, 0}, {0, 0, 0, 128}} {
		img.SetNRGBA(10+i, 20, c)
	}
	if got, want := toGray(img).Pix, []uint8{0, 255, 76, 255, 127}; !slices.Equal(got, want) {
		t.Errorf("black, white, red, transparent and half-transparent black are %v, want %v", got, want)
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
		{[]byte{0, 10, 20}, groundDark, true, false},
		{[]byte{255, 240}, groundLight, false, true},
		{[]byte{0, 255, 0, 255}, groundMixed, false, false},
	} {
		network, err := models.NewLeNetFor(1, 16, 16, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		m := &model{network: network}
		if test.grounds != nil {
			ground, err := groundOf(set(test.grounds...))
			if err != nil || ground != test.want {
				t.Errorf("%v: the ground is %q, %v, want %q", test.grounds, ground, err, test.want)
			}
			m.about.Extra = map[string]string{groundKey: ground}
		}
		m.about.Mean, m.about.Std = []float32{0}, []float32{1}
		pipeline, err := transform.Compile(m.transformDrawing(), 1, 1, 1)
		if err != nil {
			t.Fatal(err)
		}
		white := make([]float32, 1)
		if pipeline.Apply(white, []byte{255}); white[0] == 0 != test.invertsDark {
			t.Errorf("trained on %q: the white of a drawing becomes %v", test.want, white[0])
		}
		for img, want := range map[*image.Gray]bool{light: test.invertsLight, dark: test.invertsDark} {
			p, inverted, err := m.samples(img, "auto")
			if err != nil {
				t.Fatal(err)
			}
			if seen := img.Pix[100]; inverted != want || p.Bytes[100] != seen && !want || p.Bytes[100] != 255-seen && want {
				t.Errorf("trained on %q: the ground %d is inverted: %v, want %v; sample %d", test.want, img.Pix[0], inverted, want, p.Bytes[100])
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
	m := &model{network: network}
	img := image.NewNRGBA(image.Rect(0, 0, 40, 16))
	for i := range 40 * 16 {
		copy(img.Pix[4*i:], []byte{200, 100, 50, 255})
	}
	img.SetNRGBA(0, 0, color.NRGBA{}) // transparent: paper
	want, err := folder.FromImage(img, 3, 16, 20)
	if err != nil {
		t.Fatal(err)
	}
	p, inverted, err := m.samples(img, "auto")
	if err != nil || inverted || !slices.Equal(p.Bytes, want) || p.Bytes[319] != 200 || p.Bytes[639] != 100 || p.Bytes[959] != 50 || p.Bytes[0] <= 200 {
		t.Errorf("samples %v, %v, %v", p, inverted, err)
	}
	p, inverted, err = m.samples(img, "yes")
	if err != nil || !inverted || p.Bytes[319] != 55 {
		t.Errorf("inverted: %v, %v", inverted, err)
	}
	gray := image.NewGray(image.Rect(0, 0, 3, 3))
	if p, _, err = m.samples(gray, "auto"); err != nil || len(p.Bytes) != 3*16*20 {
		t.Errorf("a gray picture: %v, %v", p, err)
	}
	four, err := models.NewLeNetFor(4, 16, 16, 2, 1)
	if err != nil {
		t.Fatal(err)
	}
	if _, _, err := (&model{network: four}).samples(gray, "auto"); err == nil || !strings.Contains(err.Error(), "reads pictures of 4 channels") {
		t.Errorf("four channels: %v", err)
	}
}

func TestMostProbable(t *testing.T) {
	var all []classAndOdds
	for i := range 12 {
		all = append(all, classAndOdds{string(rune('a' + i)), float64(i%6) / 100})
	}
	if got := mostProbable(all[:10]); !slices.Equal(got, all[:10]) {
		t.Errorf("of ten classes: %v, want all in their order", got)
	}
	got := mostProbable(all)
	if len(got) != 5 || got[0].Class != "f" || got[1].Class != "l" || got[2].Class != "e" {
		t.Errorf("of twelve classes: %v, want f, l, e and two more", got)
	}
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

// hugePNG is a small file that asks for a picture of 20,000 x 20,000 pixels.
func hugePNG() []byte {
	b := []byte("\x89PNG\r\n\x1a\n")
	chunk := []byte("IHDR\x00\x00\x4e\x20\x00\x00\x4e\x20\x08\x00\x00\x00\x00")
	b = binary.BigEndian.AppendUint32(b, 13)
	b = append(b, chunk...)
	return binary.BigEndian.AppendUint32(b, crc32.ChecksumIEEE(chunk))
}

func TestReadPictureRefuses(t *testing.T) {
	var whole bytes.Buffer
	if err := png.Encode(&whole, image.NewGray(image.Rect(0, 0, 40, 40))); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		content []byte
		want    string
	}{
		"empty":   {nil, "is empty"},
		"html":    {[]byte("<html>not found</html>"), "no picture of a known format, want PNG, JPEG"},
		"huge":    {hugePNG(), "has 20000x20000 pixels, want at least 1 and at most 50,000,000"},
		"cut":     {whole.Bytes()[:whole.Len()-30], "is damaged"},
		"cut off": {whole.Bytes()[:20], "is damaged"},
	} {
		path := filepath.Join(t.TempDir(), "picture")
		if err := os.WriteFile(path, test.content, 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := readPicture(path, nil); err == nil || !strings.Contains(err.Error(), test.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: error is %v, want the path and %q", name, err, test.want)
		}
		if _, err := readPicture("-", bytes.NewReader(test.content)); err == nil || !strings.Contains(err.Error(), "standard input") {
			t.Errorf("%s from standard input: error is %v", name, err)
		}
	}
	if _, err := readPicture(filepath.Join(t.TempDir(), "none.png"), nil); err == nil || !strings.Contains(err.Error(), "none.png") {
		t.Errorf("a missing file: error is %v", err)
	}
}

func FuzzReadPicture(f *testing.F) {
	var b bytes.Buffer
	img := image.NewGray(image.Rect(0, 0, 5, 3))
	img.Pix[7] = 200
	if err := png.Encode(&b, img); err != nil {
		f.Fatal(err)
	}
	f.Add(b.Bytes())
	f.Add([]byte("GIF89a\x01\x00\x01\x00\x80\x00\x00\x00\x00\x00\xff\xff\xff,\x00\x00\x00\x00\x01\x00\x01\x00\x00\x02\x02D\x01\x00;"))
	f.Add(hugePNG())
	f.Fuzz(func(t *testing.T, content []byte) {
		img, err := readPicture("-", bytes.NewReader(content))
		if err != nil || img.Bounds().Dx()*img.Bounds().Dy() > 1_000_000 {
			return
		}
		if got := fit(toGray(img), 28, 28).Rect; got != image.Rect(0, 0, 28, 28) {
			t.Errorf("%v became %v", img.Bounds(), got)
		}
	})
}
