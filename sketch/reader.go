package sketch

import (
	"image"
	"slices"
	"strings"

	"inkling/picture"
)

// A Reader finds the digits of numbers, in lines, and has a network read each.
//
//	page, err := (&sketch.Reader{Procedure: sketch.EMNIST, Read: network}).Strokes(drawing)
//	for _, m := range page.Marks { ... }
type Reader struct {
	Procedure Procedure

	// Read returns the probability of each class for pictures of Size x Size bytes,
	// upright, with white ink on black, at most Together of them. Without it
	// digits are told apart by how they lie alone, and what touches stays together.
	Read func(pictures [][]byte) ([][]float32, error)
	// Together is how many pictures Read takes at once; 0 means 1.
	Together int
	// Judge is like Read, with one class more, the last: none of the others. It is
	// asked where to cut and what is none, and reads pictures in Read's place, which may
	// be of printed digits. It may be nil.
	Judge func(pictures [][]byte) ([][]float32, error)
	// LeaveSingle leaves a mark that is alone to the caller to read.
	LeaveSingle bool
}

// A Mark is a digit, or what is taken for one.
type Mark struct {
	// Left, Top, Right and Bottom are where it lies: round the points of a
	// drawing in its unit, round the ink of a picture in its pixels.
	Left, Top, Right, Bottom float64
	// Line is the number of the line that it stands in, from 0 at the top.
	Line int
	// Result is what the network is shown of it.
	Result *Result
	// Probabilities are those of the classes; nil without Read, and as LeaveSingle says.
	Probabilities []float32
	// None is how probable it is that it is none of the classes; 0 without Judge.
	None float64

	judged []float32 // what Judge said, of the classes; nil as long as it was not asked
}

// A Page is what was found on a pad or a picture.
type Page struct {
	// Marks come line by line, from left to right. There are none of an empty page.
	Marks []Mark
	// LeftOut is how many pieces of ink are no digits and belong to none, being too
	// small: dots, commas, dashes, specks.
	LeftOut int
	// Ruled tells that lines, squares or frames were taken off a picture.
	Ruled bool
	// Steps shows how a picture's ink was found, with WithSteps: page and, if
	// there were any, lines.
	Steps []Step
}

// Lines is how many lines there are.
func (p *Page) Lines() int {
	if len(p.Marks) == 0 {
		return 0
	}
	return p.Marks[len(p.Marks)-1].Line + 1
}

// Cleaned tells whether something was taken off a picture, or left out.
func (p *Page) Cleaned() bool { return p.Ruled || p.LeftOut > 0 }

// Text is what was read, the likeliest class of each mark, with a line feed between
// lines. Marks that were not read are left out.
func (p *Page) Text(classes []string) string {
	var text strings.Builder
	line := 0
	for _, m := range p.Marks {
		if len(m.Probabilities) != len(classes) {
			continue
		}
		for ; line < m.Line; line++ {
			text.WriteByte('\n')
		}
		best := 0
		for i, v := range m.Probabilities {
			if v > m.Probabilities[best] {
				best = i
			}
		}
		text.WriteString(classes[best])
	}
	return text.String()
}

// What is looked at for more digits than one. More is a scribble, or no page.
const (
	mostStrokes = 100       // of a drawing
	mostPieces  = 600       // connected parts of a picture, specks left out
	mostLooked  = 4_000_000 // pixels that a picture is looked at with
	leastSide   = 40        // pixels of the longer side of a picture
)

// Strokes finds the digits of a drawing. They are read from left to right, line by line.
// If there is one, Result is what [FromStrokes] makes of the whole drawing. It fails as
// FromStrokes does, and if Read does.
func (r *Reader) Strokes(d Drawing, opts ...Option) (*Page, error) {
	err := d.check()
	if err != nil {
		return nil, err
	}
	pieces := strokePieces(d.Strokes)
	page := &Page{}
	if len(pieces) == 0 {
		return page, nil
	}
	var lines [][]group
	if len(pieces) <= mostStrokes {
		var leftOut []piece
		if lines, leftOut = arrange(pieces); len(lines) > 0 {
			page.LeftOut = len(leftOut)
		}
	}
	if len(lines) == 0 {
		whole := group{}
		whole.add(pieces...)
		lines = [][]group{{whole}}
	}
	s := &strokesSource{procedure: r.Procedure}
	if len(lines) == 1 && len(lines[0]) == 1 && page.LeftOut == 0 {
		if s.whole, err = FromStrokes(d, r.Procedure, opts...); err != nil {
			return nil, err
		}
	}
	if err := r.fill(page, lines, s); err != nil {
		return nil, err
	}
	return page, r.read(page, false)
}

// Picture finds the digits of a picture: dark ink on light or light on dark, under
// uneven light, on paper that may be ruled. If there is one, and nothing was taken off,
// Result is what [FromPicture] makes of the whole. A page that has more than 4 million
// pixels is looked at with so many; a digit needs a height of about 20. It fails as
// FromPicture does, and if Read does.
func (r *Reader) Picture(img image.Image, opts ...Option) (*Page, error) {
	whole, err := FromPicture(img, r.Procedure, opts...)
	if err != nil {
		return nil, err
	}
	page := &Page{}
	if whole.Empty {
		return page, nil
	}
	gray, scale, found := pageOf(img, opts)
	var lines [][]group
	var labels []int32
	if found {
		page.note(opts, "page", gray)
		if page.Ruled = eraseLines(gray); page.Ruled {
			page.note(opts, "lines", gray)
		}
		lines, labels, page.LeftOut = linesOnPage(gray, page.Ruled)
	}
	if len(lines) == 0 {
		b := img.Bounds()
		page.Ruled, page.LeftOut, page.Steps = false, 0, nil
		page.Marks = []Mark{{Right: float64(b.Dx()), Bottom: float64(b.Dy()), Result: whole}}
		return page, r.read(page, true)
	}
	s := &pictureSource{gray: gray, labels: labels, procedure: r.Procedure, parts: map[int]bool{}}
	if err := r.fill(page, lines, s); err != nil {
		return nil, err
	}
	if len(page.Marks) == 1 && page.LeftOut == 0 && !page.Ruled {
		page.Marks[0].Result = whole
	}
	for i := range page.Marks {
		m := &page.Marks[i]
		m.Left, m.Top, m.Right, m.Bottom = m.Left*scale, m.Top*scale, m.Right*scale, m.Bottom*scale
	}
	return page, r.read(page, true)
}

// pageOf returns the light ink of a picture, how many of its pixels are one of the
// ink's, and whether there is any.
func pageOf(img image.Image, opts []Option) (gray *image.Gray, scale float64, found bool) {
	gray, opaque := picture.Gray(img)
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	if max(width, height) < leastSide {
		return gray, 1, false
	}
	scale = 1
	smaller := func(g *image.Gray) *image.Gray {
		for width*height/int(scale*scale) > mostLooked {
			scale++
		}
		if scale == 1 {
			return g
		}
		return shrunk(g, max(int(float64(width)/scale), 1), max(int(float64(height)/scale), 1))
	}
	gray = smaller(gray)
	if found, _ = pageInk(gray, opts); !found && opaque != nil {
		gray = smaller(opaque)
		found, _ = pageInk(gray, nil)
	}
	return gray, scale, found
}

// linesOnPage arranges the connected parts of light ink. There are no lines if there is
// too much for a page. What is left of ruled lines is much thinner than digits are.
func linesOnPage(gray *image.Gray, ruled bool) (lines [][]group, labels []int32, leftOut int) {
	all, labels := connected(gray)
	high := typicalHeight(all)
	const speck, noise, pale = 0.06, 4, 0.4 // of the height of a digit, pixels, of a digit's ink
	var pieces []piece
	var inks []float64
	for _, p := range all {
		if p.side() >= max(speck*high, noise) {
			pieces = append(pieces, p)
			if p.height() > high/2 && p.height() < 2*high {
				inks = append(inks, p.ink/p.side())
			}
		}
	}
	if high == 0 || len(inks) == 0 || len(pieces) > mostPieces {
		return nil, labels, 0
	}
	if slices.Sort(inks); ruled {
		// Digits are more than half of what is so high, or the highest fifth.
		least := pale * max(inks[len(inks)/2], inks[len(inks)*9/10]/2)
		pieces = slices.DeleteFunc(pieces, func(p piece) bool { return p.ink/p.side() < least })
	}
	lines, rest := arrange(pieces)
	// Boxes that lie over each other so much are no digits, and would be much to look at.
	area := 0.0
	for _, line := range lines {
		for _, g := range line {
			area += g.width() * g.height()
		}
	}
	if area > 4*float64(len(gray.Pix)) {
		return nil, labels, 0
	}
	return lines, labels, len(rest)
}

func (p *Page) note(opts []Option, name string, gray *image.Gray) {
	if slices.Contains(opts, WithSteps) {
		p.Steps = append(p.Steps, Step{name, thumbnail(gray)})
	}
}

// A source makes the network's picture of a group's ink between two places.
type source interface {
	show(g *group, left, right float64) (*Result, box, error)
	// weight is how much ink of a group stands in each of so many columns.
	weights(g *group, columns int) []float64
	// work is how much it takes to look for cuts, in pixels.
	work(g *group) int
}

// fill makes the marks of a page's lines, touching digits parted.
func (r *Reader) fill(page *Page, lines [][]group, s source) error {
	cuts := 0
	for i, line := range lines {
		for k := range line {
			marks, err := r.part(&line[k], s, &cuts)
			if err != nil {
				return err
			}
			for _, m := range marks {
				m.Line = i
				page.Marks = append(page.Marks, m)
			}
		}
	}
	return nil
}

// read asks the networks about the marks.
func (r *Reader) read(page *Page, picture bool) error {
	var results, unjudged []*Result
	for i := range page.Marks {
		m := &page.Marks[i]
		if results = append(results, m.Result); m.judged == nil {
			unjudged = append(unjudged, m.Result)
		}
	}
	judged, none, err := r.ask(r.Judge, true, unjudged)
	if err != nil {
		return err
	}
	for i := range page.Marks {
		if m := &page.Marks[i]; m.judged == nil && r.Judge != nil {
			m.judged, m.None = judged[0], none[0]
			judged, none = judged[1:], none[1:]
		}
	}
	if len(results) == 1 && r.LeaveSingle {
		return nil
	}
	if picture && r.Judge != nil {
		for i := range page.Marks {
			page.Marks[i].Probabilities = page.Marks[i].judged
		}
		return nil
	}
	read, _, err := r.ask(r.Read, false, results)
	if err != nil || read == nil {
		return err
	}
	for i := range page.Marks {
		page.Marks[i].Probabilities = read[i]
	}
	return nil
}

// ask shows pictures to a network, as many together as it takes. It returns the
// probabilities of the classes, and if the last is none of them, how probable that is.
func (r *Reader) ask(network func([][]byte) ([][]float32, error), last bool, results []*Result) (all [][]float32, none []float64, err error) {
	if network == nil {
		return nil, nil, nil
	}
	for some := range slices.Chunk(results, max(r.Together, 1)) {
		var pictures [][]byte
		for _, result := range some {
			pictures = append(pictures, result.Pixels[:])
		}
		probabilities, err := network(pictures)
		if err != nil {
			return nil, nil, err
		}
		for _, own := range probabilities {
			other := float32(0)
			if n := len(own) - 1; last {
				own, other = own[:n:n], own[n]
				// Of what is none for sure all are equally improbable. What is left of 1 is too
				// coarse a sum for them then.
				sum := float32(0)
				for i := range own {
					own[i] += 1e-9
					sum += own[i]
				}
				for i := range own {
					own[i] /= sum
				}
			}
			all, none = append(all, own), append(none, float64(other))
		}
	}
	return all, none, nil
}

// askSurest asks the judge, or else the network itself.
func (r *Reader) askSurest(results []*Result) ([][]float32, []float64, error) {
	if r.Judge != nil {
		return r.ask(r.Judge, true, results)
	}
	return r.ask(r.Read, false, results)
}
