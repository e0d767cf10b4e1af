package inkling

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"

	bild "github.com/anthonynsimon/bild/transform"

	"inkling/data"
	"inkling/data/folder"
	"inkling/transform"
)

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

// What the ground of gray pictures is, as metadata notes it under GroundKey, so
// that pictures to predict can be made like those of the training.
const (
	GroundKey   = "ground"
	GroundDark  = "dark"
	GroundLight = "light"
	GroundMixed = "mixed"
)

// GroundOf tells whether the pictures of a gray data set have a dark ground or a
// light one: at least nine of ten, of some that lie all over it.
func GroundOf(d data.Dataset) (string, error) {
	_, height, width := d.Shape()
	some := min(d.Len(), 100)
	light := 0
	for i := range some {
		pixels, _, err := d.Example(i * d.Len() / some)
		if err != nil {
			return "", err
		}
		if paper(&image.Gray{Pix: pixels, Stride: width, Rect: image.Rect(0, 0, width, height)}) > 127 {
			light++
		}
	}
	switch {
	case 10*light <= some:
		return GroundDark, nil
	case 10*light >= 9*some:
		return GroundLight, nil
	}
	return GroundMixed, nil
}

// blank tells whether all pixels are the same.
func blank(gray *image.Gray) bool {
	return !slices.ContainsFunc(gray.Pix, func(v uint8) bool { return v != gray.Pix[0] })
}

// fit brings a picture to a size: it is made as large as fits in, as Pillow does
// with BILINEAR, and paper fills what is missing.
func fit(gray *image.Gray, width, height int) *image.Gray {
	from := gray.Rect.Size()
	if from == image.Pt(width, height) {
		return gray
	}
	// Resizing comes first: the square round a picture of 1x50,000,000 would
	// not fit in any memory.
	to := image.Pt(width, max((from.Y*width+from.X/2)/from.X, 1))
	if from.Y*width > from.X*height {
		to = image.Pt(max((from.X*height+from.Y/2)/from.Y, 1), height)
	}
	resized := bild.Resize(gray, to.X, to.Y, bild.Linear)
	whole := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(whole, whole.Rect, image.NewUniform(color.Gray{Y: paper(gray)}), image.Point{}, draw.Src)
	corner := image.Pt((width-to.X)/2, (height-to.Y)/2)
	draw.Draw(whole, resized.Rect.Add(corner), resized, image.Point{}, draw.Src)
	return whole
}

// Prepare makes the network's input, before it is normalised, of a picture.
//
// For a network of colour pictures it is what the folder of a data set makes of a
// file: resized to the network's size, whatever the picture's proportions are.
//
// Networks of gray pictures read characters, for the most part. So a picture keeps
// its proportions and is widened with paper; and if its ground is light where that
// of the training was dark, or the other way round, it is inverted.
func (m *Model) Prepare(img image.Image, inverting string) (p *transform.Picture, inverted bool, err error) {
	channels, height, width := m.Network.Input()
	p = &transform.Picture{Format: transform.Format{Channels: channels, Height: height, Width: width}}
	switch channels {
	case 1:
		gray := toGray(img)
		if blank(gray) {
			return nil, false, errors.New("is blank: all its pixels are the same")
		}
		inverted = inverting == "yes" || inverting == "auto" && m.unlikeGround(paper(gray) > 127)
		p.Bytes = fit(gray, width, height).Pix
	case 3:
		inverted = inverting == "yes"
		if p.Bytes, err = folder.FromImage(img, channels, height, width); err != nil {
			return nil, false, fmt.Errorf("cannot be used: %w", err)
		}
	default:
		return nil, false, fmt.Errorf("is gray or coloured, but the network reads pictures of %d channels", channels)
	}
	if inverted {
		p.Bytes = inverse(p.Bytes)
	}
	return p, inverted, nil
}

// unlikeGround tells whether a light ground, or a dark one, is the opposite of
// what the network was trained on. A file that does not say was trained on a dark
// one, as the tutorial's are.
func (m *Model) unlikeGround(light bool) bool {
	ground := m.About.Extra[GroundKey]
	if light {
		return ground == GroundDark || ground == ""
	}
	return ground == GroundLight
}

// inverse makes dark on light of light on dark, and the other way round.
func inverse(pixels []byte) []byte {
	inverted := make([]byte, len(pixels))
	for i, v := range pixels {
		inverted[i] = 255 - v
	}
	return inverted
}
