package sketch

import (
	"errors"
	"image"
)

// FromPicture turns a picture into the network's picture.
func FromPicture(img image.Image, p Procedure, opts ...Option) (*Result, error) {
	return nil, errors.New("pictures cannot be read yet")
}
