package picture

import (
	"image"
	"image/draw"
	"slices"
)

// Gray turns an image gray with the weights of ITU-R 601, as Pillow does, seen on
// white paper. If a part of the image is transparent it also returns how opaque
// every pixel is. Both are the caller's own, with their corner at 0, 0.
func Gray(img image.Image) (gray, opaque *image.Gray) {
	bounds := img.Bounds()
	gray = image.NewGray(image.Rect(0, 0, bounds.Dx(), bounds.Dy()))
	if g, ok := img.(*image.Gray); ok {
		for y := range bounds.Dy() {
			copy(gray.Pix[y*gray.Stride:][:bounds.Dx()], g.Pix[g.PixOffset(bounds.Min.X, bounds.Min.Y+y):])
		}
		return gray, nil
	}
	at := rgba64(img)
	for y := range bounds.Dy() {
		for x := range bounds.Dx() {
			c := at(bounds.Min.X+x, bounds.Min.Y+y)
			white := 0xffff - uint32(c.A) // the colours are multiplied by alpha already
			r, g, b := (uint32(c.R)+white)>>8, (uint32(c.G)+white)>>8, (uint32(c.B)+white)>>8
			i := y*gray.Stride + x
			gray.Pix[i] = byte((19595*r + 38470*g + 7471*b + 1<<15) >> 16)
			if white > 0 && opaque == nil {
				opaque = image.NewGray(gray.Rect)
				for k := range i {
					opaque.Pix[k] = 255
				}
			}
			if opaque != nil {
				opaque.Pix[i] = byte(c.A >> 8)
			}
		}
	}
	return gray, opaque
}

// LeastContrast is by how many of 255 levels ink must differ from what it is on, to
// be ink: the noise of a photograph, or of JPEG, is less.
const LeastContrast = 24

// Vanishes tells whether a transparent picture would not be seen on white paper:
// whether it is light ink on nothing. Gray makes both.
func Vanishes(gray, opaque *image.Gray) bool {
	return opaque != nil && len(gray.Pix) > 0 && slices.Min(gray.Pix) > 255-LeastContrast &&
		slices.Max(opaque.Pix)-slices.Min(opaque.Pix) >= LeastContrast
}

// Flat puts a picture that is not opaque on paper: white, or black where it is
// light ink that would not be seen on white.
func Flat(img image.Image) image.Image {
	if o, ok := img.(interface{ Opaque() bool }); ok && o.Opaque() {
		return img
	}
	ground := image.White
	if Vanishes(Gray(img)) {
		ground = image.Black
	}
	paper := image.NewRGBA(img.Bounds())
	draw.Draw(paper, paper.Rect, ground, image.Point{}, draw.Src)
	draw.Draw(paper, paper.Rect, img, img.Bounds().Min, draw.Over)
	return paper
}
