package prepare

import (
	"image"
	"slices"

	"inkling/sketch"
)

// FindsDigits tells whether the digits of a number can be told apart for a network with
// such classes, whose pictures are prepared so: its classes are the ten digits, and the
// way finds the ink.
func (p Preparation) FindsDigits(classes []string) bool {
	return slices.Equal(classes, []string{"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}) &&
		(p.Way == string(sketch.EMNIST) || p.Way == string(sketch.MNIST))
}

// FindDigits finds the digits on a picture that was prepared. If there is one, and what was
// taken off the picture is not seen in what was made of it, that is made of the digit alone.
func (p Preparation) FindDigits(img image.Image, reader *sketch.Reader, made *Prepared, options ...sketch.Option) (*sketch.Page, error) {
	switch {
	case p.Invert == "yes":
		options = append(slices.Clip(options), sketch.DarkInk)
	case p.Invert == "no":
		options = append(slices.Clip(options), sketch.LightInk)
	}
	page, err := reader.Picture(img, options...)
	if err != nil || len(page.Marks) != 1 || !page.Cleaned() {
		return page, err
	}
	result := page.Marks[0].Result
	made.Bytes, made.steps = result.Pixels[:], append(page.Steps, result.Steps...)
	if p.Ground == GroundLight {
		made.Bytes = inverse(made.Bytes)
	}
	return page, nil
}
