package transform

import (
	"fmt"
	"image"
	"image/color"
	"image/draw"
)

// FromImage returns the samples of an image as a picture of bytes. It has 1
// channel if img is one of Go's gray types, 3 (red, green, blue) if it is
// otherwise opaque, and 4 if not: colours as they are without their alpha, and
// then alpha. Samples of 16 bits lose the lower eight.
func FromImage(img image.Image) *Picture {
	bounds := img.Bounds()
	f := Format{Channels: 4, Height: bounds.Dy(), Width: bounds.Dx()}
	switch img := img.(type) {
	case *image.Gray:
		f.Channels = 1
		p := NewPicture(f)
		for y := range f.Height {
			copy(p.Bytes[y*f.Width:(y+1)*f.Width], img.Pix[y*img.Stride:])
		}
		return p
	case *image.Gray16:
		f.Channels = 1
		p := NewPicture(f)
		for i := range p.Bytes {
			p.Bytes[i] = byte(img.Gray16At(bounds.Min.X+i%f.Width, bounds.Min.Y+i/f.Width).Y >> 8)
		}
		return p
	}
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		f.Channels = 3
	}
	p := NewPicture(f)
	pix, stride := interleaved(img)
	for y := range f.Height {
		row := pix[y*stride:][:4*f.Width]
		for c := range f.Channels {
			plane := p.Bytes[(c*f.Height+y)*f.Width:][:f.Width]
			for x := range plane {
				plane[x] = row[4*x+c]
			}
		}
	}
	return p
}

// Resized returns the picture, of bytes, in so many channels, 1 (gray) or as many as it
// has, or more of a gray one, stretched to a size whatever its proportions are.
func (p *Picture) Resized(channels, height, width int) (*Picture, error) {
	var steps []Transform
	switch {
	case channels == 1:
		steps = append(steps, Grayscale{})
	case p.Channels == 1:
		steps = append(steps, Grayscale{Channels: channels})
	}
	if p.Height != height || p.Width != width {
		steps = append(steps, Resize{Height: height, Width: width})
	}
	for _, step := range steps {
		format, err := step.Format(p.Format)
		if err != nil {
			return nil, err
		}
		next := NewPicture(format)
		step.Apply(next, p)
		p = next
	}
	return p, nil
}

// interleaved returns red, green, blue, as they are without their alpha, and alpha
// of every pixel, and the bytes from one row to the next. What PNG and JPEG are
// decoded to is done without an allocation for every pixel.
func interleaved(img image.Image) (pix []byte, stride int) {
	bounds := img.Bounds()
	switch img := img.(type) {
	case *image.NRGBA:
		return img.Pix, img.Stride
	case *image.RGBA:
		if img.Opaque() {
			return img.Pix, img.Stride
		}
	case *image.YCbCr:
		rgba := image.NewRGBA(bounds)
		draw.Draw(rgba, bounds, img, bounds.Min, draw.Src)
		return rgba.Pix, rgba.Stride
	}
	nrgba := image.NewNRGBA(bounds)
	for y := bounds.Min.Y; y < bounds.Max.Y; y++ {
		for x := bounds.Min.X; x < bounds.Max.X; x++ {
			nrgba.SetNRGBA(x, y, color.NRGBAModel.Convert(img.At(x, y)).(color.NRGBA))
		}
	}
	return nrgba.Pix, nrgba.Stride
}

// Image returns the picture as an image, the inverse of [FromImage]: *image.Gray
// for 1 channel, *image.NRGBA for 3 and 4. A float32 is taken as 0 (black) to 1
// (white), limited to them, and rounded to the nearest byte. It fails for any
// other number of channels.
//
// torchvision's ToPILImage cuts off instead of rounding, so that its bytes are the
// same or less by 1, and takes what is outside of 0 to 1 modulo 256.
func (p *Picture) Image() (image.Image, error) {
	if p.Channels != 1 && p.Channels != 3 && p.Channels != 4 {
		return nil, fmt.Errorf("a picture of %v cannot be an image: it must have 1 channel, 3 or 4", p.Format)
	}
	bytes := p.Bytes
	if p.Float {
		bytes = make([]byte, len(p.Floats))
		for i, v := range p.Floats {
			if v > 0 { // not for NaN
				bytes[i] = byte(min(v, 1)*255 + 0.5)
			}
		}
	}
	bounds := image.Rect(0, 0, p.Width, p.Height)
	if p.Channels == 1 {
		img := image.NewGray(bounds)
		copy(img.Pix, bytes)
		return img, nil
	}
	img := image.NewNRGBA(bounds)
	plane := p.Height * p.Width
	for i := range plane {
		img.Pix[4*i+3] = 255
		for c := range p.Channels {
			img.Pix[4*i+c] = bytes[c*plane+i]
		}
	}
	return img, nil
}
