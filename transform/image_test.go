package transform

import (
	"image"
	"image/color"
	"math"
	"slices"
	"testing"
)

func TestFromImage(t *testing.T) {
	bounds := image.Rect(3, 2, 5, 3) // two pixels beside each other, away from the origin
	gray := image.NewGray(bounds)
	gray16 := image.NewGray16(bounds)
	rgba := image.NewRGBA(bounds)
	nrgba := image.NewNRGBA(bounds)
	paletted := image.NewPaletted(bounds, color.Palette{color.NRGBA{1, 2, 3, 255}, color.NRGBA{4, 5, 6, 255}})
	ycbcr := image.NewYCbCr(bounds, image.YCbCrSubsampleRatio444)
	ycbcr.Y[1], ycbcr.Cb[0], ycbcr.Cr[0], ycbcr.Cb[1], ycbcr.Cr[1] = 76, 128, 128, 85, 255
	clear := image.NewRGBA(bounds)
	gray.SetGray(4, 2, color.Gray{Y: 200})
	gray16.SetGray16(4, 2, color.Gray16{Y: 0x80ff})
	clear.SetRGBA(4, 2, color.RGBA{50, 100, 0, 200}) // multiplied by alpha
	rgba.SetRGBA(3, 2, color.RGBA{10, 20, 30, 255})
	rgba.SetRGBA(4, 2, color.RGBA{40, 50, 60, 255})
	nrgba.SetNRGBA(4, 2, color.NRGBA{100, 150, 200, 7})
	paletted.SetColorIndex(4, 2, 1)
	for _, test := range []struct {
		name     string
		img      image.Image
		channels int
		want     []byte
	}{
		{"gray", gray, 1, []byte{0, 200}},
		{"16 bits", gray16, 1, []byte{0, 0x80}},
		{"opaque", rgba, 3, []byte{10, 40, 20, 50, 30, 60}},
		{"alpha is divided out", clear, 4, []byte{0, 63, 0, 127, 0, 0, 0, 200}},
		{"JPEG's", ycbcr, 3, []byte{0, 254, 0, 0, 0, 0}},
		{"alpha is not multiplied", nrgba, 4, []byte{0, 100, 0, 150, 0, 200, 0, 7}},
		{"palette", paletted, 3, []byte{1, 4, 2, 5, 3, 6}},
	} {
		p := FromImage(test.img)
		if (p.Format != Format{Channels: test.channels, Height: 1, Width: 2}) || !slices.Equal(p.Bytes, test.want) {
			t.Errorf("%s: %v %v, want %d channels %v", test.name, p.Format, p.Bytes, test.channels, test.want)
		}
		img, err := p.Image()
		if err != nil {
			t.Fatal(err)
		}
		if back := FromImage(img); !slices.Equal(back.Bytes, p.Bytes) {
			t.Errorf("%s: came back as %v, want %v", test.name, back.Bytes, p.Bytes)
		}
	}
}

func TestImageOfFloats(t *testing.T) {
	every := &Picture{Format: Format{Channels: 1, Height: 16, Width: 16}, Bytes: everyByte(1)}
	img, err := apply(t, ToTensor{}, every).Image()
	if err != nil {
		t.Fatal(err)
	}
	samePicture(t, "ToTensor and back", FromImage(img), every)

	p := &Picture{Format: Format{1, 1, 4, true}, Floats: []float32{-1, 7, float32(math.NaN()), 0.5}}
	if img, err = p.Image(); err != nil {
		t.Fatal(err)
	}
	if got, want := FromImage(img).Bytes, []byte{0, 255, 0, 128}; !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	if _, err := NewPicture(Format{Channels: 2, Height: 1, Width: 1}).Image(); err == nil {
		t.Error("an image of two channels")
	}
}
