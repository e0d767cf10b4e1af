package web

import (
	"image"

	"inkling"
	"inkling/sketch"
)

// A shown is a picture as the network is shown it, before it is normalised: channels x
// height x width bytes, upright. The ink of drawings is bright.
type shown struct {
	pixels                  []byte
	channels, height, width int
	empty                   bool          // there is nothing on it
	steps                   []sketch.Step // how it came about, if that is wanted
	page                    *sketch.Page  // the digits that were looked for; nil if none were
}

// drawnOn is a drawing that is shown, of a page on which digits were looked for, or nil.
func drawnOn(r *sketch.Result, page *sketch.Page) *shown {
	if r == nil {
		return nil
	}
	return &shown{pixels: r.Pixels[:], channels: 1, height: sketch.Size, width: sketch.Size, empty: r.Empty, steps: r.Steps, page: page}
}

// photographed is a picture that is shown to a network that reads no drawings.
func photographed(p *inkling.Prepared) *shown {
	return &shown{pixels: p.Bytes, channels: p.Channels, height: p.Height, width: p.Width, empty: p.Empty}
}

// Gray is the first channel.
func (s *shown) gray() *image.Gray {
	img := image.NewGray(image.Rect(0, 0, s.width, s.height))
	copy(img.Pix, s.pixels)
	return img
}

// Image is the picture for people.
func (s *shown) Image() image.Image {
	if s.channels != 3 {
		return s.gray()
	}
	img := image.NewNRGBA(image.Rect(0, 0, s.width, s.height))
	each := s.width * s.height
	for i := range each {
		for c := range 3 {
			img.Pix[4*i+c] = s.pixels[c*each+i]
		}
		img.Pix[4*i+3] = 255
	}
	return img
}
