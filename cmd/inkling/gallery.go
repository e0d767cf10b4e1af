package main

import (
	"fmt"
	"image/png"
	"io"
	"math"
	"math/rand/v2"
	"os"
	"slices"
	"strings"

	"github.com/charmbracelet/x/ansi"
	"golang.org/x/term"

	"inkling/data"
	"inkling/internal/atomicfile"
	"inkling/plot"
	"inkling/transform"
)

// A gallery is some pictures to be looked at.
type gallery struct {
	pixels                  []byte
	labels                  []int
	captions                []string // one for each picture
	classes                 []string
	channels, height, width int
	perRow                  int // how many pictures stand side by side, if there is room
}

// randomBatch returns n pictures of d, or all if there are not so many.
func randomBatch(d data.Dataset, n int, seed uint64) (data.Dataset, error) {
	order := rand.New(rand.NewPCG(seed, 0)).Perm(d.Len())
	return data.NewSubset(d, order[:min(n, len(order))])
}

// newGallery reads all pictures of d, so many times each.
func newGallery(d data.Dataset, times int) (*gallery, error) {
	const usual, most = 8, 16 // make_grid's nrow, and what a screen has room for
	g := &gallery{perRow: usual}
	if times > 1 && times <= most {
		g.perRow = times
	}
	g.channels, g.height, g.width = d.Shape()
	for _, class := range d.Classes() {
		g.classes = append(g.classes, printable(class))
	}
	number, _ := data.Numbers(d)
	for i := range d.Len() {
		picture, label, err := d.Example(i)
		if err != nil {
			return nil, err
		}
		caption := g.classes[label]
		if number != nil {
			caption = quantity(number(i))
		}
		for range times {
			g.pixels = append(g.pixels, picture...)
			g.labels = append(g.labels, label)
			g.captions = append(g.captions, caption)
		}
	}
	return g, nil
}

// size is the number of samples of a picture.
func (g *gallery) size() int { return g.channels * g.height * g.width }

// augment changes the pictures as a training that begins with the seed does if
// they are its data set, in this order and in one batch.
func (g *gallery) augment(a transform.Augmentation, seed uint64) {
	steps := transform.Compose(a.Steps)
	format := transform.Format{Channels: g.channels, Height: g.height, Width: g.width}
	for i := range g.labels {
		src, dst := transform.NewPicture(format), transform.NewPicture(format)
		src.Bytes = g.pixels[i*g.size() : (i+1)*g.size()]
		steps.Draw(transform.Generator(seed, 0, i), format).Apply(dst, src)
		copy(src.Bytes, dst.Bytes)
	}
	if a.Batch == nil {
		return
	}
	samples := make([]float32, len(g.pixels))
	for i, v := range g.pixels {
		samples[i] = float32(v)
	}
	targets := a.Batch.Apply(transform.Generator(seed, 0, len(g.labels)), samples, g.labels, len(g.classes))
	for i, v := range samples {
		g.pixels[i] = byte(v + 0.5)
	}
	for i := range g.captions {
		g.captions[i] = g.mixedCaption(targets[i*len(g.classes):][:len(g.classes)])
	}
}

// mixedCaption names the classes of a picture, the most probable one first.
func (g *gallery) mixedCaption(probabilities []float32) string {
	best := slices.Index(probabilities, slices.Max(probabilities))
	caption := g.classes[best]
	for class, p := range probabilities {
		if p > 0 && class != best {
			caption = fmt.Sprintf("%s %.0f%%, %s %.0f%%", g.classes[best], 100*probabilities[best], g.classes[class], 100*p)
		}
	}
	return caption
}

// scale is how many pixels wide a sample is drawn: pictures become about as large
// as a thumbnail.
func (g *gallery) scale() int { return max(1, 96/g.width) }

// drawnCaption is the caption of a picture, or the number of its class if there
// are letters in it that cannot be drawn.
func (g *gallery) drawnCaption(i int) string {
	if plot.CanWrite(g.captions[i]) {
		return g.captions[i]
	}
	return fmt.Sprintf("class %d", g.labels[i])
}

// save draws the pictures with their captions in a PNG file.
func (g *gallery) save(path string) error {
	var captions []string
	for i := range g.labels {
		captions = append(captions, g.drawnCaption(i))
	}
	img, err := plot.Grid{Columns: g.perRow, Scale: g.scale(), Labels: captions}.Bytes(g.pixels, g.channels, g.height, g.width)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}

// print prints the captions, with the pictures unless there are no graphics.
func (g *gallery) print(out io.Writer, graphics plot.Graphics) error {
	if graphics == plot.None {
		between := " "
		if slices.ContainsFunc(g.captions, func(s string) bool { return strings.Contains(s, " ") }) {
			between = "; "
		}
		_, err := fmt.Fprintln(out, strings.Join(g.captions, between))
		return err
	}
	columns := 80
	if f := terminal(out); f != nil {
		if width, _, err := term.GetSize(int(f.Fd())); err == nil && width > 0 {
			columns = width
		}
	}
	draw := g.drawRow
	cell := (g.width*g.scale())/plot.CellWidth + 1 // columns of a picture
	if graphics == plot.Blocks {
		draw = g.blockRow
		cell = g.blockWidth()
	}
	perRow := min(max(columns/cell, 1), g.perRow)
	for from := 0; from < len(g.labels); from += perRow {
		if err := draw(out, from, min(from+perRow, len(g.labels)), graphics, columns); err != nil {
			return err
		}
	}
	return nil
}

// drawRow draws the pictures of a row with their captions in them. What a caption
// is too long by is cut off, so that the pictures of all rows are in line.
func (g *gallery) drawRow(out io.Writer, from, to int, graphics plot.Graphics, columns int) error {
	var captions []string
	for i := from; i < to; i++ {
		captions = append(captions, ansi.Truncate(g.drawnCaption(i), g.width*g.scale()/plot.LetterWidth, "…"))
	}
	img, err := plot.Grid{Columns: to - from, Scale: g.scale(), Labels: captions}.Bytes(g.pixels[from*g.size():to*g.size()], g.channels, g.height, g.width)
	if err != nil {
		return err
	}
	return graphics.Draw(out, img, columns)
}

// blockRow draws the pictures of a row with characters, and prints their captions
// below them.
func (g *gallery) blockRow(out io.Writer, from, to int, graphics plot.Graphics, columns int) error {
	img, err := plot.Grid{Columns: to - from, Padding: -1}.Bytes(g.pixels[from*g.size():to*g.size()], g.channels, g.height, g.width)
	if err != nil {
		return err
	}
	width := g.blockWidth()
	if err := graphics.Draw(out, img, min(columns, (to-from)*width)); err != nil {
		return err
	}
	var line strings.Builder
	for _, c := range g.captions[from:to] {
		c = ansi.Truncate(c, width-1, "…")
		left := (width - ansi.StringWidth(c)) / 2
		line.WriteString(strings.Repeat(" ", left) + c + strings.Repeat(" ", width-left-ansi.StringWidth(c)))
	}
	_, err = fmt.Fprintln(out, strings.TrimRight(line.String(), " "))
	return err
}

// blockWidth is how many columns a picture that is drawn with characters has.
func (g *gallery) blockWidth() int {
	const most = 40
	return int(math.Ceil(float64(g.width) / math.Ceil(float64(g.width)/most)))
}

// findGraphics returns what --graphics names. What is no terminal gets pictures
// only if they are asked for by name.
func findGraphics(name string, out io.Writer) (plot.Graphics, error) {
	if name != "auto" {
		g, err := plot.ParseGraphics(name)
		if err != nil {
			return plot.None, usagef("--graphics %q is none of auto, kitty, iterm2, sixel, blocks, none", name)
		}
		return g, nil
	}
	if terminal(out) == nil {
		return plot.None, nil
	}
	return plot.DetectGraphics(os.Getenv), nil
}

// printBatch prints the labels of all pictures of d, and the pictures if out is a
// terminal.
func printBatch(out io.Writer, d data.Dataset) error {
	g, err := newGallery(d, 1)
	if err != nil {
		return err
	}
	graphics, err := findGraphics("auto", out)
	if err != nil {
		return err
	}
	return g.print(out, graphics)
}

// writeGrid draws all pictures of d with their labels in a PNG file.
func writeGrid(path string, d data.Dataset) error {
	g, err := newGallery(d, 1)
	if err != nil {
		return err
	}
	return g.save(path)
}
