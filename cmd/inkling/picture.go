package main

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	_ "image/gif" // formats register themselves
	_ "image/jpeg"
	_ "image/png"
	"io"
	"os"

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
