package sketch

import (
	"fmt"
	"image"
	"math"
	"slices"

	"inkling/picture"
)

// FromPicture turns a picture into the network's picture.
//
// EMNIST and MNIST find the ink themselves: dark on light or light on dark, as the
// border of the picture tells; on a transparent layer what is opaque. Lines that
// are thinner or much thicker than those of the data set are made as wide. Tutorial
// takes the whole picture, as dark ink on white paper.
//
// It fails when the picture has no pixels or more than MaxPixels, or when the
// procedure is none. A picture of one colour, or nearly so, is Empty.
func FromPicture(img image.Image, p Procedure, opts ...Option) (*Result, error) {
	if _, err := ParseProcedure(string(p)); err != nil {
		return nil, err
	}
	width, height := img.Bounds().Dx(), img.Bounds().Dy()
	if width < 1 || height < 1 {
		return nil, fmt.Errorf("the picture has %dx%d pixels, want at least 1x1", width, height)
	}
	if height > MaxPixels/width {
		return nil, fmt.Errorf("the picture has %dx%d pixels, want %d in all at most", width, height, MaxPixels)
	}
	gray, opaque := picture.Gray(img)
	r := &Result{}
	r.note(opts, "drawing", func() *image.Gray { return thumbnail(gray) })
	if p == Tutorial {
		r.tutorial(gray, opts)
		return r, nil
	}
	found := false
	if found, r.Dark = findInk(gray, opts); !found && opaque != nil {
		// White on a transparent layer, which is white on white paper.
		gray = opaque
		found, _ = findInk(gray, nil)
		r.Dark = false
	}
	if !found {
		r.Empty = true
		return r, nil
	}
	if r.Dark {
		r.note(opts, "invert", func() *image.Gray { return thumbnail(gray) })
	}
	side, pen := emnistInk*detail, emnistPen*detail
	if p == MNIST {
		side, pen = mnistInk*detail, mnistPen*detail
	}
	c := newCanvas()
	defer c.free()
	c.place(gray, side, pen)
	r.finish(c, p, opts)
	return r, nil
}

// tutorial makes the result of the whole picture, as Pillow resizes it.
func (r *Result) tutorial(gray *image.Gray, opts []Option) {
	small := shrunk(gray, Size, Size)
	r.Empty, r.Dark = true, !slices.Contains(opts, LightInk)
	for i, v := range small.Pix {
		if r.Pixels[i] = v; r.Dark {
			r.Pixels[i] = 255 - v
		}
		r.Empty = r.Empty && r.Pixels[i] == 0
	}
	r.note(opts, "scale", func() *image.Gray { return small })
	if r.Dark {
		r.note(opts, "invert", r.Image)
	}
}

// findInk tells whether there is ink on the picture. It makes the ink light, up to
// 255, and the ground black; dark tells that it was dark ink on a lighter ground.
func findInk(gray *image.Gray, opts []Option) (found, dark bool) {
	ground, contrast, dark := contrastOf(gray, opts)
	if contrast < picture.LeastContrast {
		return false, dark
	}
	// What differs little from the ground is ground, such as shadows.
	const low, high = 0.2, 0.9
	if evenLight(gray, ground, contrast, dark, low) {
		force := LightInk
		if dark {
			force = DarkInk
		}
		if ground, contrast, _ = contrastOf(gray, []Option{force}); contrast < picture.LeastContrast {
			return false, dark
		}
	}
	for i, v := range gray.Pix {
		difference := int(v) - ground
		if dark {
			difference = -difference
		}
		share := (float32(difference)/float32(contrast) - low) / (high - low)
		gray.Pix[i] = level(share)
	}
	return true, dark
}

// contrastOf returns the brightness of the ground, by how much the ink differs from it
// and whether that is darker.
func contrastOf(gray *image.Gray, opts []Option) (ground, contrast int, dark bool) {
	border := borderOf(gray)
	ground = int(border[len(border)/2])
	darkest, lightest := int(slices.Min(gray.Pix)), int(slices.Max(gray.Pix))
	dark = ground-darkest > lightest-ground
	switch {
	case slices.Contains(opts, DarkInk):
		dark = true
	case slices.Contains(opts, LightInk):
		dark = false
	}
	if dark {
		return ground, ground - darkest, dark
	}
	return ground, lightest - ground, dark
}

// borderOf returns the pixels of the border in ascending order. The median is what was
// drawn on.
func borderOf(gray *image.Gray) []byte {
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	var border []byte
	border = append(border, gray.Pix[:width]...)
	border = append(border, gray.Pix[(height-1)*gray.Stride:][:width]...)
	for y := range height {
		border = append(border, gray.Pix[y*gray.Stride], gray.Pix[y*gray.Stride+width-1])
	}
	slices.Sort(border)
	return border
}

// Lines are made thinner when they are so many times as thick as the data set's,
// and by so many pixels of the canvas on each side at most.
const (
	thick       = 1.3
	mostThinned = 6
)

// place puts the light ink of a picture into the middle of the canvas, its longer
// side so long, and makes lines that are thinner or much thicker than the pen as
// wide as that.
func (c *canvas) place(gray *image.Gray, side, pen float64) {
	ink := inkBounds(gray)
	longer := float64(max(ink.Dx(), ink.Dy()))
	thickness := thickness(crop(gray, ink)) * side / longer
	grow := 0.0
	switch {
	case thickness < pen:
		grow = (pen - thickness) / 2
	case thickness > thick*pen:
		grow = max((pen-thickness)/2, -mostThinned)
	}
	side -= 2 * grow // the widening lengthens the ink, too
	// A line of less than a pixel has gone pale.
	gain := float32(1 / min(max(thickness, 0.1), 1))
	width, height := side*float64(ink.Dx())/longer, side*float64(ink.Dy())/longer
	small := shrunk(crop(gray, ink), max(int(width+0.5), 1), max(int(height+0.5), 1))
	corner := image.Pt((canvasSize-small.Rect.Dx())/2, (canvasSize-small.Rect.Dy())/2)
	for y := range small.Rect.Dy() {
		row := c.row(corner.Y + y)[corner.X:]
		for x := range small.Rect.Dx() {
			row[x] = min(gain*float32(small.Pix[y*small.Stride+x])/255, 1)
		}
	}
	switch {
	case grow > 0:
		c.widen(grow)
	case grow < 0:
		c.invert()
		c.widen(-grow)
		c.invert()
	}
}

// invert makes what is covered free and the other way round.
func (c *canvas) invert() {
	for i, v := range c.pix {
		c.pix[i] = 1 - v
	}
}

// shrunk resizes a picture as Pillow does with BILINEAR.
func shrunk(gray *image.Gray, width, height int) *image.Gray {
	small := image.NewGray(image.Rect(0, 0, width, height))
	pixels := make([]float32, width*height)
	line := make([]float32, gray.Rect.Dx())
	row := func(y int) []float32 {
		for x, v := range gray.Pix[y*gray.Stride:][:len(line)] {
			line[x] = float32(v)
		}
		return line
	}
	across := newTaps(gray.Rect.Dx(), 0, float64(gray.Rect.Dx()), width, bilinearFilter)
	down := newTaps(gray.Rect.Dy(), 0, float64(gray.Rect.Dy()), height, bilinearFilter)
	resample(pixels, row, across, down, true)
	for i, v := range pixels {
		small.Pix[i] = level(v / 255)
	}
	return small
}

// inkBounds returns the rectangle that holds what is light.
func inkBounds(gray *image.Gray) image.Rectangle {
	const ink = 96
	var bounds image.Rectangle
	width := gray.Rect.Dx()
	for y := range gray.Rect.Dy() {
		row := gray.Pix[y*gray.Stride:][:width]
		first := slices.IndexFunc(row, func(v byte) bool { return v >= ink })
		if first < 0 {
			continue
		}
		last := width - 1
		for row[last] < ink {
			last--
		}
		bounds = bounds.Union(image.Rect(first, y, last+1, y+1))
	}
	return bounds
}

// thickness estimates how thick the lines of a picture are, in its pixels: a line
// is as thick as its area divided by half the length of its edge, and the length
// of the edge is the sum of the slopes of the brightness.
func thickness(gray *image.Gray) float64 {
	at := func(x, y int) float64 {
		if x < 0 || y < 0 || x >= gray.Rect.Dx() || y >= gray.Rect.Dy() {
			return 0
		}
		return float64(gray.Pix[y*gray.Stride+x])
	}
	var inked, edge float64
	for y := -1; y < gray.Rect.Dy(); y++ {
		for x := -1; x < gray.Rect.Dx(); x++ {
			v := at(x, y)
			inked += v
			edge += math.Hypot(at(x+1, y)-v, at(x, y+1)-v)
		}
	}
	return 2 * inked / edge
}

// widen makes lines wider by so many pixels on each side: every pixel becomes as
// light as the lightest one so near.
func (c *canvas) widen(by float64) {
	old := newCanvas()
	defer old.free()
	old.pix = c.pix
	reach := int(math.Ceil(by))
	for dy := -reach; dy <= reach; dy++ {
		for dx := -reach; dx <= reach; dx++ {
			// A pixel at the rim of the circle counts as far as it is inside.
			share := float32(min(by+0.5-math.Hypot(float64(dx), float64(dy)), 1))
			if share <= 0 || dx == 0 && dy == 0 {
				continue
			}
			for y := max(0, -dy); y < min(canvasSize, canvasSize-dy); y++ {
				from, to := old.row(y), c.row(y+dy)
				for x := max(0, -dx); x < min(canvasSize, canvasSize-dx); x++ {
					to[x+dx] = max(to[x+dx], share*from[x])
				}
			}
		}
	}
}

// thumbnail returns a copy that is not larger than a page shows.
func thumbnail(gray *image.Gray) *image.Gray {
	const largest = 280
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	side := max(width, height)
	if side <= largest {
		return crop(gray, gray.Rect)
	}
	return shrunk(gray, max(width*largest/side, 1), max(height*largest/side, 1))
}
