package sketch

import (
	"image"
	"image/png"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func readPNG(t *testing.T, path string) image.Image {
	t.Helper()
	f, err := os.Open(path)
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

// The tutorial's preprocessing in Pillow, on many drawings.
func TestTutorialEqualsPillow(t *testing.T) {
	inputs, _ := filepath.Glob("../../shared/golden/image/*_0_input.png")
	if len(inputs) == 0 {
		t.Skip("the pictures that Pillow made are not there")
	}
	for _, input := range inputs {
		r, err := FromPicture(readPNG(t, input), Tutorial)
		if err != nil {
			t.Fatal(err)
		}
		want := readPNG(t, strings.Replace(input, "_0_input", "_3_resize28", 1)).(*image.Gray)
		off, most := 0, 0
		for i, v := range r.Pixels {
			if d := int(255-v) - int(want.Pix[i]); d != 0 {
				off++
				most = max(most, d, -d)
			}
		}
		t.Log(filepath.Base(input), off, most)
	}
}
