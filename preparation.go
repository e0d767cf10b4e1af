package inkling

import (
	"fmt"
	"image"

	"inkling/data"
	"inkling/prepare"
	"inkling/sketch"
)

// The ways from a picture of any size to the one that a network reads; see
// [prepare.Preparation].
const (
	Fit    = prepare.Fit
	Resize = prepare.Resize
	AsItIs = prepare.AsItIs
)

// What the ground of gray pictures is, as metadata notes it under GroundKey, so
// that pictures to predict can be made like those of the training.
const (
	GroundKey   = "ground"
	GroundDark  = prepare.GroundDark
	GroundLight = prepare.GroundLight
	GroundMixed = prepare.GroundMixed
)

// PreparationKey is what metadata notes a model's way under.
const PreparationKey = "preparation"

// Preparation makes a network's input of pictures.
type Preparation = prepare.Preparation

// Prepared is a picture as a network reads it.
type Prepared = prepare.Prepared

// ErrBlank is why a picture is not read on which there is nothing.
var ErrBlank = prepare.ErrBlank

// Ways are all the ways to prepare a picture.
func Ways() []string { return prepare.Ways() }

// CheckWay refuses what is no way, or one that does not make pictures of such a
// shape.
func CheckWay(way string, channels, height, width int) error {
	return prepare.CheckWay(way, channels, height, width)
}

// Preparation returns how the model's pictures are prepared: as asked for, unless
// that is "" or "auto", else as its file says, or else as the data set that it was
// trained on suggests. It fails if what is asked for does not suit the network, or
// if the model does not read pictures.
func (m *Classifier) Preparation(asked string) (Preparation, error) {
	if kind := m.Kind(); kind != Pictures {
		return Preparation{}, fmt.Errorf("the model reads %s, no pictures", kind)
	}
	input := m.Input()
	p := Preparation{Way: asked, Channels: input[0], Height: input[1], Width: input[2], Ground: m.About.Extra[GroundKey]}
	if asked != "" && asked != "auto" {
		return p, CheckWay(asked, p.Channels, p.Height, p.Width)
	}
	p.Way, p.Auto = m.About.Extra[PreparationKey], true
	if CheckWay(p.Way, p.Channels, p.Height, p.Width) != nil {
		p.Way = prepare.LikelyWay(m.About.Dataset, m.About.Split, p)
	}
	return p, nil
}

// AssumeWay notes that the way of a preparation was taken for granted, if it was.
func (m *Classifier) AssumeWay(p Preparation) {
	if p.Auto && m.About.Extra[PreparationKey] == "" && m.About.Dataset == "" {
		m.assume("pictures are prepared in the way %s (--preprocess says another)", p.Way)
	}
}

// WayFor tells how pictures from outside are to be prepared for a network that is
// trained on d. Gray pictures of 28x28 are looked at: those of MNIST have ink of 20
// pixels on a dark ground, those of EMNIST of 20 to 25, and others fill theirs
// otherwise. With own they are a person's own files, which were resized if resized
// says so, and so others must be.
func WayFor(d data.Dataset, ground string, own, resized bool) (string, error) {
	channels, height, width := d.Shape()
	switch {
	case own && resized, channels != 1:
		return Resize, nil
	case ground == GroundDark && height == sketch.Size && width == sketch.Size:
		procedure, err := formOf(d)
		if err != nil || procedure != "" {
			return string(procedure), err
		}
	}
	if own {
		return Resize, nil
	}
	return Fit, nil
}

// formOf returns the procedure that makes pictures as those of a data set of 28x28
// on a dark ground are, "" for none.
func formOf(d data.Dataset) (sketch.Procedure, error) {
	var sides []int // the longer one of the ink of each picture
	err := eachOfSome(d, func(gray *image.Gray) {
		const inked = 64
		var ink image.Rectangle
		for i, v := range gray.Pix {
			if x, y := i%gray.Stride, i/gray.Stride; v >= inked {
				ink = ink.Union(image.Rect(x, y, x+1, y+1))
			}
		}
		sides = append(sides, max(ink.Dx(), ink.Dy()))
	})
	if err != nil {
		return "", err
	}
	most := func(low, high int) bool {
		n := 0
		for _, side := range sides {
			if low <= side && side <= high {
				n++
			}
		}
		return n > 0 && 10*n >= 9*len(sides)
	}
	switch {
	case most(19, 20):
		return sketch.MNIST, nil
	case most(20, 25):
		return sketch.EMNIST, nil
	}
	return "", nil
}

// eachOfSome calls see with some pictures of a gray data set that lie all over it.
func eachOfSome(d data.Dataset, see func(*image.Gray)) error {
	_, height, width := d.Shape()
	some := min(d.Len(), 100)
	for i := range some {
		pixels, _, err := d.Example(i * d.Len() / some)
		if err != nil {
			return err
		}
		see(&image.Gray{Pix: pixels, Stride: width, Rect: image.Rect(0, 0, width, height)})
	}
	return nil
}

// GroundOf tells whether the pictures of a gray data set have a dark ground or a
// light one: at least nine of ten, of some that lie all over it.
func GroundOf(d data.Dataset) (string, error) {
	some, light := 0, 0
	err := eachOfSome(d, func(gray *image.Gray) {
		some++
		if prepare.Paper(gray) > 127 {
			light++
		}
	})
	switch {
	case err != nil:
		return "", err
	case 10*light <= some:
		return GroundDark, nil
	case 10*light >= 9*some:
		return GroundLight, nil
	}
	return GroundMixed, nil
}
