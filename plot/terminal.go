package plot

import (
	"bufio"
	"errors"
	"fmt"
	"image"
	"image/color"
	"io"

	"inkling/internal/wording"
)

// Terminal draws a picture with characters, for a terminal that knows 24-bit
// colours (https://github.com/termstandard/colors): each is an upper half block
// whose colour is one pixel and whose background is the pixel below. A picture
// wider than columns is made smaller by a whole factor, each pixel then being
// the mean of a square.
func Terminal(w io.Writer, img image.Image, columns int) error {
	if err := checkDrawing(img, columns); err != nil {
		return err
	}
	small := shrink(img, columns)
	width, height := small.Rect.Dx(), small.Rect.Dy()
	out := bufio.NewWriter(w)
	for y := 0; y < height; y += 2 {
		var lastUpper, lastLower color.RGBA // transparent, unlike every pixel
		for x := range width {
			if upper := small.RGBAAt(x, y); upper != lastUpper {
				fmt.Fprintf(out, "\x1b[38;2;%d;%d;%dm", upper.R, upper.G, upper.B)
				lastUpper = upper
			}
			if y+1 < height {
				if lower := small.RGBAAt(x, y+1); lower != lastLower {
					fmt.Fprintf(out, "\x1b[48;2;%d;%d;%dm", lower.R, lower.G, lower.B)
					lastLower = lower
				}
			}
			out.WriteString("▀")
		}
		out.WriteString("\x1b[0m\n")
	}
	return out.Flush()
}

// checkDrawing returns an error unless there is something to draw, and where to.
func checkDrawing(img image.Image, columns int) error {
	if columns < 1 {
		return fmt.Errorf("a picture cannot be drawn %s wide, want at least 1", wording.Number(columns, "column"))
	}
	if img.Bounds().Empty() {
		return errors.New("an empty picture cannot be drawn")
	}
	return nil
}

// shrink returns a picture, over black where it is transparent, that is at most
// so many pixels wide: smaller by a whole factor, each pixel then being the mean
// of a square.
func shrink(img image.Image, width int) *image.RGBA {
	bounds := img.Bounds()
	factor := (bounds.Dx() + width - 1) / width
	small := image.NewRGBA(image.Rect(0, 0, (bounds.Dx()+factor-1)/factor, (bounds.Dy()+factor-1)/factor))
	for y := range small.Rect.Dy() {
		for x := range small.Rect.Dx() {
			from := bounds.Min.Add(image.Pt(x*factor, y*factor))
			small.SetRGBA(x, y, mean(img, image.Rectangle{from, from.Add(image.Pt(factor, factor))}.Intersect(bounds)))
		}
	}
	return small
}

// mean is the mean colour of a part of a picture, over black where it is
// transparent.
func mean(img image.Image, part image.Rectangle) color.RGBA {
	var r, g, b uint64
	for y := part.Min.Y; y < part.Max.Y; y++ {
		for x := part.Min.X; x < part.Max.X; x++ {
			pr, pg, pb, _ := img.At(x, y).RGBA()
			r, g, b = r+uint64(pr), g+uint64(pg), b+uint64(pb)
		}
	}
	// The sums are of 16-bit levels, of which a byte is the upper half.
	n := uint64(part.Dx()*part.Dy()) << 8
	return color.RGBA{byte(r / n), byte(g / n), byte(b / n), 255}
}
