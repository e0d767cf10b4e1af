package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	_ "image/gif" // formats register themselves
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"
	"slices"

	bild "github.com/anthonynsimon/bild/transform"
	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"
)

const (
	// mostPixels is how large a picture may be: that of a good camera. A file
	// of 50 kB may ask for 400 million.
	mostPixels = 50_000_000
	// mostBytes is how large its file may be.
	mostBytes = 64 << 20
)

// readPicture decodes an image file, or stdin for "-".
func readPicture(path string, stdin io.Reader) (image.Image, error) {
	name := path
	r := stdin
	if path == "-" {
		name = "the picture from standard input"
	} else {
		f, err := os.Open(path)
		if err != nil {
			return nil, fmt.Errorf("the picture cannot be opened: %w", err)
		}
		defer f.Close()
		r = f
	}
	content, err := io.ReadAll(io.LimitReader(r, mostBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	case len(content) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case len(content) > mostBytes:
		return nil, fmt.Errorf("%s has more than %d MB, which is more than a picture may have", name, mostBytes>>20)
	}
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	if errors.Is(err, image.ErrFormat) {
		return nil, fmt.Errorf("%s is no picture of a known format, want PNG, JPEG, GIF, BMP, TIFF or WebP", name)
	} else if err != nil {
		return nil, fmt.Errorf("%s is damaged: %w", name, err)
	}
	if config.Width < 1 || config.Height < 1 || config.Height > mostPixels/config.Width {
		return nil, fmt.Errorf("%s has %dx%d pixels, want at least 1 and at most %s in all", name, config.Width, config.Height, thousands(mostPixels))
	}
	img, _, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s begins as a picture in %s format, but is damaged: %w", name, format, err)
	}
	if img.Bounds().Empty() {
		return nil, fmt.Errorf("%s has no pixels", name)
	}
	return img, nil
}

// toGray turns a picture gray, with the weights of ITU-R 601 as Pillow does.
// What is transparent is seen on white paper.
func toGray(img image.Image) *image.Gray {
	bounds := img.Bounds()
	gray := image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			r, g, b, a := img.At(bounds.Min.X+x, bounds.Min.Y+y).RGBA()
			white := 0xffff - a // the colours are multiplied by alpha already
			gray.SetGray(x, y, color.GrayModel.Convert(color.RGBA64{uint16(r + white), uint16(g + white), uint16(b + white), 0xffff}).(color.Gray))
		}
	}
	return gray
}

// paper is the brightness of a picture's ground: the median of its border.
func paper(gray *image.Gray) uint8 {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	var border []uint8
	for x := range width {
		border = append(border, gray.GrayAt(x, 0).Y, gray.GrayAt(x, height-1).Y)
	}
	for y := range height {
		border = append(border, gray.GrayAt(0, y).Y, gray.GrayAt(width-1, y).Y)
	}
	slices.Sort(border)
	return border[len(border)/2]
}

// blank tells whether all pixels are the same.
func blank(gray *image.Gray) bool {
	return !slices.ContainsFunc(gray.Pix, func(v uint8) bool { return v != gray.Pix[0] })
}

// fit brings a picture to a square of size x size: its longer side is made size
// pixels long, as Pillow does with BILINEAR, and paper fills what is missing of
// a square.
func fit(gray *image.Gray, size int) *image.Gray {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	if width == size && height == size {
		return gray
	}
	// Resizing comes first: the square round a picture of 1x50,000,000 would
	// not fit in any memory.
	side := max(width, height)
	scaled := func(length int) int { return max((length*size+side/2)/side, 1) }
	resized := bild.Resize(gray, scaled(width), scaled(height), bild.Linear)
	square := image.NewGray(image.Rect(0, 0, size, size))
	draw.Draw(square, square.Rect, image.NewUniform(color.Gray{Y: paper(gray)}), image.Point{}, draw.Src)
	corner := image.Pt((size-resized.Rect.Dx())/2, (size-resized.Rect.Dy())/2)
	draw.Draw(square, resized.Rect.Add(corner), resized, image.Point{}, draw.Src)
	return square
}

// invert turns dark on light into light on dark, which is what the networks
// are trained on.
func invert(gray *image.Gray) {
	for i, v := range gray.Pix {
		gray.Pix[i] = 255 - v
	}
}
