// Package prepare makes what a network reads of pictures from outside: of the right size,
// upright, and light on dark or dark on light as those of its training were.
package prepare

import (
	"errors"
	"fmt"
	"image"
	"image/color"
	"image/draw"
	"slices"
	"strings"

	bild "github.com/anthonynsimon/bild/transform"

	"inkling/internal/wording"
	"inkling/picture"
	"inkling/sketch"
	"inkling/transform"
)

// The ways from a picture of any size to the one that a network reads. Those of
// package sketch, emnist, mnist and tutorial, find the ink, or take the whole
// picture for dark ink on white paper; they are for gray networks of 28x28 pixels.
const (
	// Fit keeps the picture's proportions: it is made as large as fits in, and
	// widened with paper.
	Fit = "fit"
	// Resize stretches the picture to the network's size, both sides, as a folder
	// of pictures is read for a training.
	Resize = "resize"
)

// Ways are all the ways to prepare a picture.
func Ways() []string {
	var ways []string
	for _, p := range sketch.Procedures() {
		ways = append(ways, string(p))
	}
	return append(ways, Fit, Resize)
}

// CheckWay refuses what is no way, or one that does not make pictures of such a
// shape.
func CheckWay(way string, channels, height, width int) error {
	if !slices.Contains(Ways(), way) {
		return fmt.Errorf("%q is no way to prepare a picture, want %s", way, strings.Join(Ways(), " or "))
	}
	if way != Fit && way != Resize && (channels != 1 || height != sketch.Size || width != sketch.Size) {
		return fmt.Errorf("%q makes gray pictures of %dx%d, but the network reads %s of %dx%d: want %s or %s",
			way, sketch.Size, sketch.Size, wording.Number(channels, "channel"), height, width, Fit, Resize)
	}
	return nil
}

// A Preparation makes a network's input of pictures: upright, and not yet
// normalised. All that show pictures to a network use it, so that they see the same.
type Preparation struct {
	// Way is one of Ways.
	Way string
	// Auto takes a picture that already is as those of the training are, of the
	// network's size and on the same ground, as it is.
	Auto bool
	// Channels, Height and Width are what the network reads.
	Channels, Height, Width int
	// Ground is what the pictures of the training had for one, as GroundOf tells
	// it; "" is not known, and taken for dark, as the tutorial's.
	Ground string
	// Invert exchanges light and dark: "yes", "no", or "auto" ("" is the same) where
	// the picture has a light ground and those of the training had a dark one, or
	// the other way round. Resize to colours, or where Ground is mixed, never does.
	Invert string
}

// Prepared is a picture as a network reads it.
type Prepared struct {
	*transform.Picture // of bytes
	// Way is how it was made: one of Ways, or AsItIs.
	Way string
	// Inverted tells whether light and dark were exchanged.
	Inverted bool
	// Resized tells whether the picture had another size.
	Resized bool
	// Empty tells that there is nothing on a gray picture: all pixels are the same,
	// or nearly so.
	Empty bool

	steps []sketch.Step
}

// AsItIs is the way of a picture that was one of the network's already.
const AsItIs = "as it is"

// LikelyWay is how the pictures are prepared of a network whose file does not say,
// by the data set and the part of it that it was trained on and the shape and ground in p.
func LikelyWay(dataset, split string, p Preparation) string {
	ofDigits := CheckWay(string(sketch.MNIST), p.Channels, p.Height, p.Width) == nil
	own := dataset == "folder" && split == ""
	switch {
	case p.Channels != 1, own && (!ofDigits || p.Ground == GroundLight || p.Ground == GroundMixed):
		return Resize // as the training did
	case !ofDigits:
		return Fit
	case dataset == "" || dataset == "folder" || dataset == "mnist" || dataset == "qmnist" || dataset == "emnist":
		return string(sketch.ForModel(strings.TrimPrefix(dataset, "q"), split))
	}
	return Fit
}

// Procedure is how drawings of strokes are prepared: by the way, if that is one for
// them.
func (p Preparation) Procedure() sketch.Procedure {
	if procedure, err := sketch.ParseProcedure(p.Way); err == nil {
		return procedure
	}
	return sketch.MNIST
}

// Prepare makes the network's picture of an image, which is one that package picture
// has decoded.
func (p Preparation) Prepare(img image.Image, options ...sketch.Option) (*Prepared, error) {
	made := &Prepared{Way: p.Way, Picture: &transform.Picture{Format: transform.Format{Channels: p.Channels, Height: p.Height, Width: p.Width}}}
	made.Resized = img.Bounds().Size() != image.Pt(p.Width, p.Height)
	if err := CheckWay(p.Way, p.Channels, p.Height, p.Width); err != nil {
		return nil, err
	}
	if p.Channels != 1 {
		pixels, err := resized(img, p.Channels, p.Height, p.Width)
		if p.Way == Fit {
			pixels, err = fitColours(img, p)
		}
		if err != nil {
			return nil, fmt.Errorf("cannot be used: %w", err)
		}
		made.Bytes = pixels
		made.invert(p.Invert == "yes")
		return made, nil
	}
	if p.Way == Fit || p.Way == Resize {
		return made, made.whole(img, p)
	}
	if p.Auto && (p.Invert == "" || p.Invert == "auto") && !made.Resized {
		if pixels := p.asItIs(img); pixels != nil {
			made.Way, made.Bytes = AsItIs, pixels
			return made, nil
		}
	}
	return made, made.sketched(img, p, options)
}

// invert exchanges light and dark if that is wanted.
func (made *Prepared) invert(wanted bool) {
	if wanted {
		made.Bytes, made.Inverted = inverse(made.Bytes), true
	}
}

// whole makes a gray picture of the whole of an image.
func (made *Prepared) whole(img image.Image, p Preparation) error {
	gray, _ := picture.Gray(picture.Flat(img))
	made.Empty = blank(gray)
	inverted := p.Invert == "yes" || p.Invert != "no" && p.unlike(Paper(gray) > 127)
	if p.Way == Fit {
		made.Bytes = fit(gray, p.Width, p.Height).Pix
	} else {
		var err error
		if made.Bytes, err = resized(img, p.Channels, p.Height, p.Width); err != nil {
			return fmt.Errorf("cannot be used: %w", err)
		}
	}
	made.invert(inverted)
	return nil
}

// sketched makes a picture of the ink on an image.
func (made *Prepared) sketched(img image.Image, p Preparation, options []sketch.Option) error {
	light := p.Ground == GroundLight // of the training
	switch {
	case p.Invert == "yes" && !light, p.Invert == "no" && light:
		options = append(slices.Clip(options), sketch.DarkInk)
	case p.Invert == "yes", p.Invert == "no":
		options = append(slices.Clip(options), sketch.LightInk)
	}
	r, err := sketch.FromPicture(img, sketch.Procedure(p.Way), options...)
	if err != nil {
		return err
	}
	if r.Empty && (p.Invert == "yes" || p.Invert == "no") {
		// There is no such ink: the network is shown what is wanted, all of it.
		p.Way, made.Way = Fit, Fit
		return made.whole(img, p)
	}
	made.Empty, made.steps = r.Empty, r.Steps
	made.Bytes = r.Pixels[:]
	if light {
		made.Bytes = inverse(made.Bytes)
	}
	made.Inverted = r.Dark != light
	return nil
}

// asItIs returns the pixels of a picture that is one of the network's already, else
// nil. The median of the border of all of MNIST's and EMNIST's pictures is 0.
func (p Preparation) asItIs(img image.Image) []byte {
	const near = 48 // JPEG makes some of it
	gray, opaque := picture.Gray(img)
	ground, darkest, lightest := int(Paper(gray)), int(slices.Min(gray.Pix)), int(slices.Max(gray.Pix))
	like := ground <= near && lightest-ground > ground-darkest
	if p.Ground == GroundLight {
		like = ground >= 255-near && ground-darkest > lightest-ground
	}
	if opaque != nil || !like || lightest-darkest < picture.LeastContrast {
		return nil
	}
	return gray.Pix
}

// unlike tells whether a light ground, or a dark one, is the opposite of what the
// network was trained on.
func (p Preparation) unlike(light bool) bool {
	if light {
		return p.Ground == GroundDark || p.Ground == ""
	}
	return p.Ground == GroundLight
}

// Sketch is Prepare for those who show bright ink, whatever the network's ground is,
// and how it came about.
func (p Preparation) Sketch(img image.Image, options ...sketch.Option) (*sketch.Result, error) {
	made, err := p.Prepare(img, options...)
	if err != nil {
		return nil, err
	}
	r := &sketch.Result{Empty: made.Empty, Dark: made.Inverted, Steps: made.steps}
	pixels := made.Bytes
	if p.Ground == GroundLight {
		pixels = inverse(pixels)
	}
	if copy(r.Pixels[:], pixels); r.Steps == nil && len(options) > 0 {
		r.Steps = []sketch.Step{{Name: "scale", Image: r.Image()}}
	}
	if r.Empty {
		r.Pixels = [sketch.Size * sketch.Size]byte{}
	}
	return r, nil
}

// Paper is the brightness of a picture's ground: the median of its border.
func Paper(gray *image.Gray) uint8 {
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

// What the ground of gray pictures is.
const (
	GroundDark  = "dark"
	GroundLight = "light"
	GroundMixed = "mixed"
)

// blank tells whether all pixels are the same.
func blank(gray *image.Gray) bool {
	return !slices.ContainsFunc(gray.Pix, func(v uint8) bool { return v != gray.Pix[0] })
}

// inner returns the size that fits into width and height and has the proportions of
// a size.
func inner(from image.Point, width, height int) image.Point {
	if from.Y*width > from.X*height {
		return image.Pt(max((from.X*height+from.Y/2)/from.Y, 1), height)
	}
	return image.Pt(width, max((from.Y*width+from.X/2)/from.X, 1))
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
	to := inner(from, width, height)
	resized := bild.Resize(gray, to.X, to.Y, bild.Linear)
	whole := image.NewGray(image.Rect(0, 0, width, height))
	draw.Draw(whole, whole.Rect, image.NewUniform(color.Gray{Y: Paper(gray)}), image.Point{}, draw.Src)
	corner := image.Pt((width-to.X)/2, (height-to.Y)/2)
	draw.Draw(whole, resized.Rect.Add(corner), resized, image.Point{}, draw.Src)
	return whole
}

// fitColours is fit for colours, with black in place of paper, as torchvision pads.
func fitColours(img image.Image, p Preparation) ([]byte, error) {
	if p.Channels != 3 {
		return nil, fmt.Errorf("it is gray or coloured, but the network reads pictures of %s", wording.Number(p.Channels, "channel"))
	}
	to := inner(img.Bounds().Size(), p.Width, p.Height)
	small, err := resized(img, p.Channels, to.Y, to.X)
	if err != nil {
		return nil, err
	}
	pixels := make([]byte, p.Channels*p.Height*p.Width)
	left, top := (p.Width-to.X)/2, (p.Height-to.Y)/2
	for c := range p.Channels {
		for y := range to.Y {
			copy(pixels[(c*p.Height+top+y)*p.Width+left:], small[(c*to.Y+y)*to.X:][:to.X])
		}
	}
	return pixels, nil
}

// resized are a picture's bytes, stretched to a size, as those of a folder's pictures are.
func resized(img image.Image, channels, height, width int) ([]byte, error) {
	p, err := transform.FromImage(picture.Flat(img)).Resized(channels, height, width)
	if err != nil {
		return nil, err
	}
	return p.Bytes, nil
}

// inverse makes dark on light of light on dark, and the other way round.
func inverse(pixels []byte) []byte {
	inverted := make([]byte, len(pixels))
	for i, v := range pixels {
		inverted[i] = 255 - v
	}
	return inverted
}

// ErrBlank is why a picture is not read on which there is nothing.
var ErrBlank = errors.New("is blank: all its pixels are the same, or nearly so")
