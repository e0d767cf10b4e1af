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
