package reading

import (
	"image"

	"inkling/prepare"
	"inkling/sketch"
)

// A Shown is a picture as the network is shown it, before it is normalised: channels x
// height x width bytes, upright. The ink of drawings is bright.
type Shown struct {
	Pixels                  []byte
	Channels, Height, Width int
	Empty                   bool          // there is nothing on it
	Steps                   []sketch.Step // how it came about, if that is wanted
	Page                    *sketch.Page  // the digits that were looked for; nil if none were
}

// drawnOn is a drawing that is shown, of a page on which digits were looked for, or nil.
func drawnOn(r *sketch.Result, page *sketch.Page) *Shown {
	if r == nil {
		return nil
	}
	return &Shown{Pixels: r.Pixels[:], Channels: 1, Height: sketch.Size, Width: sketch.Size, Empty: r.Empty, Steps: r.Steps, Page: page}
}

// photographed is a picture that is shown to a network that reads no drawings.
func photographed(p *prepare.Prepared) *Shown {
	return &Shown{Pixels: p.Bytes, Channels: p.Channels, Height: p.Height, Width: p.Width, Empty: p.Empty}
}

// Gray is the first channel.
func (s *Shown) gray() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, s.Width, s.Height))
	copy(img.Pix, s.Pixels)
	return img
}

// Image is the picture for people.
func (s *Shown) Image() image.Image {
	if s.Channels != 3 {
		return s.gray()
	}
	img := image.NewNRGBA(image.Rect(0, 0, s.Width, s.Height))
	each := s.Width * s.Height
	for i := range each {
		for c := range 3 {
			img.Pix[4*i+c] = s.Pixels[c*each+i]
		}
		img.Pix[4*i+3] = 255
	}
	return img
}
