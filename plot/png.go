package plot

import (
	"bufio"
	"bytes"
	"cmp"
	"encoding/binary"
	"image"
	"image/color"
	"image/png"
	"io"
	"slices"
	"sync"
)

// pngEncoder packs with little effort: drawings have large plain areas, and more effort
// takes several times as long for files of two thirds of the size.
var pngEncoder = png.Encoder{CompressionLevel: png.BestSpeed, BufferPool: &encoderBuffers{}}

type encoderBuffers struct{ pool sync.Pool }

func (b *encoderBuffers) Get() *png.EncoderBuffer {
	buffer, _ := b.pool.Get().(*png.EncoderBuffer)
	return buffer
}

func (b *encoderBuffers) Put(buffer *png.EncoderBuffer) { b.pool.Put(buffer) }

// WritePNG writes a drawing as a PNG: with a palette if it has up to 256 colours, as gray
// pictures have, which takes a quarter of the time and loses nothing; else as it is.
func WritePNG(w io.Writer, img *image.RGBA) error { return writePNG(w, img, paletteSize) }

const (
	paletteSize = 256
	mostColours = 1 << 16
)

// writePNG is WritePNG where all of up to so many colours go into a palette: the rarest of
// more than 256, such as those of edges, are written as the one of the others that is
// nearest.
func writePNG(w io.Writer, img *image.RGBA, most int) error {
	out := bufio.NewWriter(w)
	var drawn image.Image = img
	r := numberings.Get().(*numbering)
	defer numberings.Put(r)
	if p := r.paletted(img, most); p != nil {
		drawn = p
	}
	if err := pngEncoder.Encode(out, drawn); err != nil {
		return err
	}
	return out.Flush()
}

// A numbering has the room to number a drawing's pixels.
type numbering struct {
	of     []uint16 // colours in the order in which they come
	places []uint8  // of these in the palette
}

var numberings = sync.Pool{New: func() any { return new(numbering) }}

// paletted is a drawing with a palette, nil if there are more colours or one that is not
// opaque. It is good until the numbering is used again.
func (r *numbering) paletted(img *image.RGBA, most int) *image.Paletted {
	size := img.Rect.Size()
	r.of = slices.Grow(r.of[:0], size.X*size.Y)[:size.X*size.Y]
	colours, ok := countColours(img, most, r.of)
	if !ok {
		return nil
	}
	slices.SortFunc(colours, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.pixels, a.pixels), cmp.Compare(a.rgba, b.rgba))
	})
	var palette color.Palette
	places := make([]uint8, len(colours)) // by the numbers that the colours have
	for place, c := range colours {
		if place < paletteSize {
			palette = append(palette, c.colour())
		} else {
			place = palette.Index(c.colour())
		}
		places[c.number] = uint8(place)
	}
	r.places = slices.Grow(r.places[:0], len(r.of))[:len(r.of)]
	for y := range size.Y {
		to := r.places[y*size.X:][:size.X]
		if y > 0 && sameRow(img, y, y-1) {
			copy(to, r.places[(y-1)*size.X:])
			continue
		}
		for x, number := range r.of[y*size.X:][:size.X] {
			to[x] = places[number]
		}
	}
	return &image.Paletted{Pix: r.places, Stride: size.X, Rect: image.Rectangle{Max: size}, Palette: palette}
}

// counted is a colour of a drawing: its bytes, how often it is there, and its number in the
// order in which the colours come.
type counted struct {
	rgba   uint32
	pixels int
	number uint16
}

func (c counted) colour() color.Color {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], c.rgba)
	return color.RGBA{b[0], b[1], b[2], b[3]}
}

// sameRow tells whether two rows of pixels are the same, as in drawings many neighbours are.
func sameRow(img *image.RGBA, a, b int) bool {
	wide := 4 * img.Rect.Dx()
	return bytes.Equal(img.Pix[a*img.Stride:][:wide], img.Pix[b*img.Stride:][:wide])
}

// countColours counts the colours of a drawing and numbers its pixels by them, but for rows
// that are as the one above. It is not ok with more than most colours, or if one is not
// opaque.
func countColours(img *image.RGBA, most int, of []uint16) (colours []counted, ok bool) {
	width, height := img.Rect.Dx(), img.Rect.Dy()
	numbers := map[uint32]uint16{}
	var recent [256]counted // that came last, by a part of their bytes
	for y, same := 0, 0; y < height; y += same {
		for same = 1; y+same < height && sameRow(img, y+same, y); same++ {
		}
		row := img.Pix[y*img.Stride:][:4*width]
		to := of[y*width:][:width]
		for x := 0; x < width; {
			rgba := binary.LittleEndian.Uint32(row[4*x:])
			if rgba>>24 != 0xFF {
				return nil, false
			}
			slot := &recent[rgba*0x9E3779B1>>24]
			if slot.rgba != rgba {
				number, known := numbers[rgba]
				if !known {
					if len(colours) == most {
						return nil, false
					}
					number = uint16(len(colours))
					numbers[rgba] = number
					colours = append(colours, counted{rgba: rgba, number: number})
				}
				slot.rgba, slot.number = rgba, number
			}
			from := x
			for ; x < width && binary.LittleEndian.Uint32(row[4*x:]) == rgba; x++ {
				to[x] = slot.number
			}
			colours[slot.number].pixels += (x - from) * same
		}
	}
	return colours, true
}
