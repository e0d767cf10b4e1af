package prepare

import (
	"image"
	"image/color"
	"image/png"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"inkling/picture"
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
	gray, _ := picture.Gray(readPNG(t, "..", "testdata", "pillow", "eight.png"))
	if want := readPNG(t, "..", "testdata", "pillow", "eight_gray.png").(*image.Gray); !slices.Equal(gray.Pix, want.Pix) {
		t.Error("gray is not as Pillow's convert('L')")
	}
	small := fit(gray, 28, 28)
	if want := readPNG(t, "..", "testdata", "pillow", "eight_28x28.png").(*image.Gray); !slices.Equal(small.Pix, want.Pix) {
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

func TestPaper(t *testing.T) {
	gray := image.NewGray(image.Rect(0, 0, 9, 9))
	for i := range gray.Pix {
		gray.Pix[i] = 250
	}
	for i := range 9 { // a stroke through the picture
		gray.SetGray(4, i, color.Gray{Y: 3})
	}
	if got := Paper(gray); got != 250 {
		t.Errorf("paper is %d, want 250", got)
	}
	if blank(gray) {
		t.Error("a stroke is called blank")
	}
	if !blank(image.NewGray(image.Rect(0, 0, 3, 3))) {
		t.Error("an empty picture is not called blank")
	}
}
