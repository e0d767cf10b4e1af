package folder

import (
	"bytes"
	"errors"
	"fmt"
	"image"
	"image/draw"
	_ "image/gif" // formats register themselves
	_ "image/jpeg"
	_ "image/png"
	"io"

	_ "golang.org/x/image/bmp"
	_ "golang.org/x/image/tiff"
	_ "golang.org/x/image/webp"

	"inkling/transform"
)

// mostBytes is how large a picture's file may be.
const mostBytes = 64 << 20

// content reads a file.
func (d *Dataset) content(name string) ([]byte, error) {
	f, err := d.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", name, err)
	}
	defer f.Close()
	content, err := io.ReadAll(io.LimitReader(f, mostBytes+1))
	switch {
	case err != nil:
		return nil, fmt.Errorf("%s cannot be read: %w", name, err)
	case len(content) == 0:
		return nil, fmt.Errorf("%s is empty", name)
	case len(content) > mostBytes:
		return nil, fmt.Errorf("%s has more than %d MB, which is more than a picture may have", name, mostBytes>>20)
	}
	return content, nil
}

// config looks at the head of a picture.
func (d *Dataset) config(name string) (image.Config, error) {
	content, err := d.content(name)
	if err != nil {
		return image.Config{}, err
	}
	return d.head(name, content)
}

// head tells the size of a picture before anything is made of it.
func (d *Dataset) head(name string, content []byte) (image.Config, error) {
	config, format, err := image.DecodeConfig(bytes.NewReader(content))
	switch {
	case errors.Is(err, image.ErrFormat):
		return config, fmt.Errorf("%s is no picture of a known format, want PNG, JPEG, GIF, BMP, TIFF or WebP", name)
	case err != nil:
		return config, fmt.Errorf("%s is damaged: %w", name, err)
	case config.Width < 1 || config.Height < 1 || config.Height > d.options.MaxPixels/config.Width:
		return config, fmt.Errorf("%s, in %s format, has %dx%d pixels, want at least 1 and at most %d in all", name, format, config.Width, config.Height, d.options.MaxPixels)
	}
	return config, nil
}

// read makes the wanted samples of a file.
func (d *Dataset) read(name string) ([]byte, error) {
	content, err := d.content(name)
	if err != nil {
		return nil, err
	}
	config, err := d.head(name, content)
	if err != nil {
		return nil, err
	}
	img, format, err := image.Decode(bytes.NewReader(content))
	if err != nil {
		return nil, fmt.Errorf("%s begins as a picture in %s format, but is damaged: %w", name, format, err)
	}
	// What is decoded may be another size than was announced.
	if size := img.Bounds().Size(); size.X != config.Width || size.Y != config.Height {
		return nil, fmt.Errorf("%s, in %s format, has %dx%d pixels, but announces %dx%d", name, format, size.X, size.Y, config.Width, config.Height)
	}
	pixels, err := FromImage(img, d.options.Channels, d.options.Height, d.options.Width)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be used: %w", name, err)
	}
	return pixels, nil
}

// FromImage makes of an image what Example makes of a file: the samples of
// channels (1 or 3) x height x width.
func FromImage(img image.Image, channels, height, width int) ([]byte, error) {
	var steps []transform.Transform
	p := transform.FromImage(onPaper(img))
	switch {
	case channels == 1:
		steps = append(steps, transform.Grayscale{})
	case p.Channels == 1:
		steps = append(steps, transform.Grayscale{Channels: channels})
	}
	if p.Height != height || p.Width != width {
		steps = append(steps, transform.Resize{Height: height, Width: width})
	}
	for _, step := range steps {
		format, err := step.Format(p.Format)
		if err != nil {
			return nil, err
		}
		next := transform.NewPicture(format)
		step.Apply(next, p)
		p = next
	}
	return p.Bytes, nil
}

// onPaper puts a picture that is not opaque on white paper.
func onPaper(img image.Image) image.Image {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return img
	}
	paper := image.NewRGBA(img.Bounds())
	draw.Draw(paper, paper.Rect, image.White, image.Point{}, draw.Src)
	draw.Draw(paper, paper.Rect, img, img.Bounds().Min, draw.Over)
	return paper
}
