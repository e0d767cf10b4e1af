package folder

import (
	"context"
	"fmt"
	"image"

	"inkling/picture"
	"inkling/transform"
)

// content reads a file.
func (d *Dataset) content(name string) ([]byte, error) {
	f, err := d.fsys.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s cannot be opened: %w", name, err)
	}
	defer f.Close()
	content, err := d.options.Decoder.Read(f)
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return content, nil
}

// head looks at the head of a picture.
func (d *Dataset) head(name string) (picture.Head, error) {
	content, err := d.content(name)
	if err != nil {
		return picture.Head{}, err
	}
	h, err := d.options.Decoder.Head(content)
	if err != nil {
		return h, fmt.Errorf("%s %w", name, err)
	}
	return h, nil
}

// read makes the wanted samples of a file.
func (d *Dataset) read(name string) (pixels []byte, err error) {
	content, err := d.content(name)
	if err != nil {
		return nil, err
	}
	err = d.options.Decoder.Use(context.Background(), content, func(img image.Image, _ picture.Head) error {
		pixels, err = d.options.Prepare(img)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s %w", name, err)
	}
	return pixels, nil
}

// FromImage makes of an image what Example makes of a file, if the options do not
// say otherwise: the samples of channels (1 or 3) x height x width, on paper where it
// is transparent, and resized whatever its proportions are.
func FromImage(img image.Image, channels, height, width int) ([]byte, error) {
	p, err := transform.FromImage(picture.Flat(img)).Resized(channels, height, width)
	if err != nil {
		return nil, err
	}
	return p.Bytes, nil
}
