package plot

import (
	"bytes"
	"image"
	"image/color"
	"image/png"
	"math/rand/v2"
	"testing"
)

// coloured makes a picture of so many colours, each on as many pixels as its number says, with
// its upper left corner somewhere.
func coloured(colours int, alpha byte) *image.RGBA {
	img := image.NewRGBA(image.Rect(3, 5, 203, 5+max(colours*colours/300, 4)))
	at := 0
	for n := range colours {
		for range n + 1 {
			copy(img.Pix[at:], []byte{byte(n), byte(n >> 8), byte(3 * n), 255})
			at += 4
		}
	}
	for ; at < len(img.Pix); at += 4 {
		copy(img.Pix[at:], []byte{0, 0, 0, alpha})
	}
	return img
}

func TestWritePNG(t *testing.T) {
	noise := image.NewRGBA(image.Rect(0, 0, 100, 100))
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise.Pix {
		noise.Pix[i] = byte(r.Uint32()) | byte(i&3/3*255)
	}
	for name, test := range map[string]struct {
		img      *image.RGBA
		paletted bool
	}{
		"one colour":   {coloured(1, 255), true},
		"256":          {coloured(256, 255), true},
		"257":          {coloured(257, 255), false},
		"noise":        {noise, false},
		"transparent":  {coloured(5, 0), false},
		"no colour":    {image.NewRGBA(image.Rect(0, 0, 2, 2)), false},
		"part of more": {noise.SubImage(image.Rect(10, 20, 24, 33)).(*image.RGBA), true},
	} {
		var file bytes.Buffer
		if err := WritePNG(&file, test.img); err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		got, err := png.Decode(&file)
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if _, is := got.(*image.Paletted); is != test.paletted {
			t.Errorf("%s is a %T", name, got)
		}
		size, corner := test.img.Rect.Size(), test.img.Rect.Min
		if got.Bounds().Size() != size {
			t.Errorf("%s is %v large, want %v", name, got.Bounds().Size(), size)
			continue
		}
		for y := range size.Y {
			for x := range size.X {
				if want := test.img.RGBAAt(corner.X+x, corner.Y+y); color.RGBAModel.Convert(got.At(x, y)) != want {
					t.Fatalf("%s has %v at %d, %d, want %v", name, got.At(x, y), x, y, want)
				}
			}
		}
	}
}

// TestPalettes checks that of too many colours the rarest become their neighbours.
func TestPalettes(t *testing.T) {
	img := coloured(300, 255)
	p := new(numbering).paletted(img, mostColours)
	if p == nil || len(p.Palette) != paletteSize {
		t.Fatalf("the palette is %v", p)
	}
	for i := range p.Pix {
		got := p.Palette[p.Pix[i]].(color.RGBA)
		want := color.RGBA{img.Pix[4*i], img.Pix[4*i+1], img.Pix[4*i+2], 255}
		often := int(want.R)+int(want.G)<<8 > 300-paletteSize
		if often && got != want {
			t.Fatalf("%v is written as %v", want, got)
		}
		if difference := int(got.R) - int(want.R); difference < -44 || difference > 44 {
			t.Fatalf("%v is written as %v", want, got)
		}
	}
	if new(numbering).paletted(img, 299) != nil {
		t.Error("there are more colours than may be rounded")
	}
}
