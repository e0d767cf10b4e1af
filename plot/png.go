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

// A numbering has the room to number a drawing's colours in the order in which they come.
type numbering struct {
	colours []counted
	rows    []stretch
	runs    []run
	places  []uint8 // of the pixels in the palette
}

// stretch is a number of equal rows, one below the other, each of so many runs; run is a
// number of neighbours in a row that have the colour of this number.
type (
	stretch struct{ rows, runs int }
	run     struct{ colour, pixels uint32 }
)

var numberings = sync.Pool{New: func() any { return new(numbering) }}

// paletted is a drawing with a palette, nil if there are more colours or one that is not
// opaque. It is good until the numbering is used again.
func (r *numbering) paletted(img *image.RGBA, most int) *image.Paletted {
	if !r.count(img, most) {
		return nil
	}
	slices.SortFunc(r.colours, func(a, b counted) int {
		return cmp.Or(cmp.Compare(b.pixels, a.pixels), cmp.Compare(a.rgba, b.rgba))
	})
	kept := r.colours[:min(len(r.colours), paletteSize)]
	var palette color.Palette
	places := make([]uint8, len(r.colours)) // by the numbers that the colours have
	for place, c := range r.colours {
		if place < len(kept) {
			palette = append(palette, c.colour())
		} else {
			place = nearest(kept, c)
		}
		places[c.number] = uint8(place)
	}
	size := img.Rect.Size()
	r.places = slices.Grow(r.places[:0], size.X*size.Y)[:size.X*size.Y]
	to, runs := r.places, r.runs
	for _, equal := range r.rows {
		row := to[:size.X]
		for _, run := range runs[:equal.runs] {
			fill(row[:run.pixels], places[run.colour])
			row = row[run.pixels:]
		}
		row, to, runs = to[:size.X], to[size.X:], runs[equal.runs:]
		for range equal.rows - 1 {
			copy(to, row)
			to = to[size.X:]
		}
	}
	return &image.Paletted{Pix: r.places, Stride: size.X, Rect: image.Rectangle{Max: size}, Palette: palette}
}

// fill writes a byte everywhere, what is long by copies of what is written.
func fill(to []uint8, value uint8) {
	first := to[:min(len(to), 16)]
	for i := range first {
		first[i] = value
	}
	for done := len(first); done < len(to); done *= 2 {
		copy(to[done:], to[:done])
	}
}

// counted is a colour of a drawing: its bytes, how often it is there, and its number in the
// order in which the colours come.
type counted struct {
	rgba   uint32
	pixels int
	number uint32
}

func (c counted) colour() color.Color {
	var b [4]byte
	binary.LittleEndian.PutUint32(b[:], c.rgba)
	return color.RGBA{b[0], b[1], b[2], b[3]}
}

// nearest is the place of the colour that differs least from c, by the squares of red, green
// and blue, the first of several.
func nearest(colours []counted, c counted) int {
	best, least := 0, 1<<31-1
	for place, other := range colours {
		red, green, blue := difference(c.rgba, other.rgba), difference(c.rgba>>8, other.rgba>>8), difference(c.rgba>>16, other.rgba>>16)
		if sum := red*red + green*green + blue*blue; sum < least {
			best, least = place, sum
		}
	}
	return best
}

func difference(a, b uint32) int { return int(byte(a)) - int(byte(b)) }

// sameRow tells whether two rows of pixels are the same, as in drawings many neighbours are.
func sameRow(img *image.RGBA, a, b int) bool {
	wide := 4 * img.Rect.Dx()
	return bytes.Equal(img.Pix[a*img.Stride:][:wide], img.Pix[b*img.Stride:][:wide])
}

// count counts the colours of a drawing and divides its rows into runs of them. It is false
// with more than most colours, or if one is not opaque.
func (r *numbering) count(img *image.RGBA, most int) bool {
	r.colours, r.rows, r.runs = r.colours[:0], r.rows[:0], r.runs[:0]
	width, height := img.Rect.Dx(), img.Rect.Dy()
	numbers := map[uint32]uint32{}
	var recent [256]counted // that came last, by a part of their bytes
	for y, same := 0, 0; y < height; y += same {
		for same = 1; y+same < height && sameRow(img, y+same, y); same++ {
		}
		before := len(r.runs)
		for row := img.Pix[y*img.Stride:][:4*width]; len(row) > 0; {
			rgba := binary.LittleEndian.Uint32(row)
			if rgba>>24 != 0xFF {
				return false
			}
			slot := &recent[rgba*0x9E3779B1>>24]
			if slot.rgba != rgba {
				number, known := numbers[rgba]
				if !known {
					if len(r.colours) == most {
						return false
					}
					number = uint32(len(r.colours))
					numbers[rgba] = number
					r.colours = append(r.colours, counted{rgba: rgba, number: number})
				}
				slot.rgba, slot.number = rgba, number
			}
			n := equalPixels(row, rgba)
			row = row[4*n:]
			r.runs = append(r.runs, run{slot.number, uint32(n)})
			r.colours[slot.number].pixels += n * same
		}
		r.rows = append(r.rows, stretch{same, len(r.runs) - before})
	}
	return true
}

// equalPixels is how many pixels at the beginning of a row have a colour.
func equalPixels(row []byte, rgba uint32) int {
	left, two := row, uint64(rgba)<<32|uint64(rgba)
	for len(left) >= 8 && binary.LittleEndian.Uint64(left) == two {
		left = left[8:]
	}
	for len(left) >= 4 && binary.LittleEndian.Uint32(left) == rgba {
		left = left[4:]
	}
	return (len(row) - len(left)) / 4
}
