package sketch

import (
	"image"
	"slices"

	"inkling/picture"
)

// pageInk makes the ink of a page light, up to 255, and the ground black, where light
// and paper may be uneven: every pixel is compared with the ground where it lies. It
// tells whether there is ink, and whether that was darker than the ground.
func pageInk(gray *image.Gray, opts []Option) (found, dark bool) {
	dark = darkInk(gray, opts)
	divideByGround(gray, groundOf(gray, dark), dark)
	if dark {
		inverted(gray)
	}
	threshold, inked := twoLevels(gray)
	if inked < picture.LeastContrast {
		return false, dark
	}
	// Half way between ground and ink is the middle of an edge.
	low, high := float32(threshold)*0.55, float32(inked)
	for i, v := range gray.Pix {
		gray.Pix[i] = level((float32(v) - low) / max(high-low, 1))
	}
	return true, dark
}

// darkInk tells whether what differs most from most of a page is darker than that.
func darkInk(gray *image.Gray, opts []Option) bool {
	switch {
	case slices.Contains(opts, DarkInk):
		return true
	case slices.Contains(opts, LightInk):
		return false
	}
	sorted := slices.Clone(gray.Pix)
	slices.Sort(sorted)
	n := len(sorted)
	ground := int(sorted[n/2])
	return ground-int(sorted[n/200]) >= int(sorted[n-1-n/200])-ground
}

// twoLevels returns the brightness that parts ink from ground best (Otsu 1979, "A
// threshold selection method from gray-level histograms"), and the mean of the ink.
func twoLevels(gray *image.Gray) (threshold, inked int) {
	var histogram [256]float64
	for _, v := range gray.Pix {
		histogram[v]++
	}
	var all, sum float64
	for v, n := range histogram {
		all += n
		sum += n * float64(v)
	}
	var below, sumBelow, best float64
	for v := range 255 {
		below += histogram[v]
		sumBelow += histogram[v] * float64(v)
		above := all - below
		if below == 0 || above == 0 {
			continue
		}
		d := sumBelow/below - (sum-sumBelow)/above
		if between := below * above * d * d; between > best {
			best, threshold, inked = between, v+1, int((sum-sumBelow)/above)
		}
	}
	return threshold, inked
}

// A piece is ink that hangs together: a stroke, or a connected part of a picture.
type piece struct {
	box
	ink float64 // how long the stroke is, or how many pixels the part has
	id  int     // the number of the stroke, or of the part in the labels

	points Stroke // of a stroke
	rough  Stroke // some of the points, enough to tell what touches
}

// connected returns the parts of light ink that hang together, also by corners, and
// for each pixel the number of its part, from 1, or 0.
func connected(gray *image.Gray) (parts []piece, labels []int32) {
	const ink = 96
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	labels = make([]int32, width*height)
	var stack []int32
	for start, v := range gray.Pix {
		if v < ink || labels[start] != 0 {
			continue
		}
		id := int32(len(parts) + 1)
		p := piece{box: box{float64(width), float64(height), 0, 0}, id: int(id)}
		labels[start] = id
		stack = append(stack[:0], int32(start))
		for len(stack) > 0 {
			at := int(stack[len(stack)-1])
			stack = stack[:len(stack)-1]
			x, y := at%width, at/width
			p.left, p.right = min(p.left, float64(x)), max(p.right, float64(x+1))
			p.top, p.bottom = min(p.top, float64(y)), max(p.bottom, float64(y+1))
			p.ink++
			for ny := max(y-1, 0); ny <= min(y+1, height-1); ny++ {
				for nx := max(x-1, 0); nx <= min(x+1, width-1); nx++ {
					if n := ny*width + nx; gray.Pix[n] >= ink && labels[n] == 0 {
						labels[n] = id
						stack = append(stack, int32(n))
					}
				}
			}
		}
		parts = append(parts, p)
	}
	return parts, labels
}

// eraseLines takes ruled lines, squares and frames away, in place: what runs straight
// from one side of the picture to the other, and in a part that others lie in, what
// runs straight for longer than those are high. It returns whether there was any.
func eraseLines(gray *image.Gray) bool {
	parts, labels := connected(gray)
	high := typicalHeight(parts)
	width, height := gray.Rect.Dx(), gray.Rect.Dy()
	// What may lie in a frame, and what may be one.
	var digits, frames []piece
	for _, p := range parts {
		if high > 0 && p.height() >= high/2 {
			digits = append(digits, p)
		}
		if p.side() > 1.15*high && p.side() >= leastSide {
			frames = append(frames, p)
		}
	}
	if len(digits)*len(frames) > mostPieces*mostPieces {
		return false
	}
	erased := false
	looked, most := 0.0, 8*float64(width)*float64(height) // pixels
	for _, frame := range frames {
		inside := 0
		for _, p := range digits {
			if p.id != frame.id && frame.left < p.left && p.right < frame.right && frame.top < p.top && p.bottom < frame.bottom {
				inside++
			}
		}
		const border = 0.02
		crosses := frame.left <= border*float64(width) && frame.right >= (1-border)*float64(width) ||
			frame.top <= border*float64(height) && frame.bottom >= (1-border)*float64(height)
		long := 0
		switch {
		case inside > 0 && frame.height() > 1.15*high:
			long = int(1.3 * high)
		case crosses:
			long = int(0.6 * min(frame.side(), float64(max(width, height))))
		default:
			continue
		}
		if looked += frame.width() * frame.height(); looked > most {
			break
		}
		erased = eraseRuns(gray, labels, frame, max(long, 8)) || erased
	}
	return erased
}

// eraseRuns erases of a part what runs straight along or down for so long, where it is no
// thicker than it is mostly: ink that crosses it stays. A line may be a little aslant: a run
// goes on in the row beside.
func eraseRuns(gray *image.Gray, labels []int32, part piece, long int) bool {
	width := gray.Rect.Dx()
	left, right, top, bottom := int(part.left), int(part.right), int(part.top), int(part.bottom)
	inside := func(i int) bool { return labels[i] == int32(part.id) }
	lying := longRuns(right-left, bottom-top, long, func(x, y int) int { return (top+y)*width + left + x }, inside)
	standing := longRuns(bottom-top, right-left, long, func(y, x int) int { return (top+y)*width + left + x }, inside)
	for _, i := range append(lying, standing...) {
		gray.Pix[i] = 0
	}
	return len(lying)+len(standing) > 0
}

// longRuns returns the pixels that lie on a run of so many along, in an area of so many
// along and across, and where no more of them lie side by side than at twice the median of
// such places.
func longRuns(along, across, long int, index func(along, across int) int, inside func(int) bool) []int {
	// How long the longest run is that ends here, by one of three places before, and then
	// the longest through here.
	runs := make([]int32, along*across)
	from := func(a, c int) int32 {
		if a < 0 || a >= along {
			return 0
		}
		best := int32(0)
		for n := max(c-1, 0); n <= min(c+1, across-1); n++ {
			best = max(best, runs[a*across+n])
		}
		return best
	}
	for a := range along {
		for c := range across {
			if inside(index(a, c)) {
				runs[a*across+c] = 1 + from(a-1, c)
			}
		}
	}
	for a := along - 1; a >= 0; a-- {
		for c := range across {
			if runs[a*across+c] > 0 {
				runs[a*across+c] = max(runs[a*across+c], from(a+1, c))
			}
		}
	}
	// How thick it is there.
	thickness := make([]int, 0, along)
	var found, thick []int
	for a := range along {
		for c := 0; c < across; c++ {
			end := c
			whole := false
			for end < across && inside(index(a, end)) {
				whole = whole || runs[a*across+end] >= int32(long)
				end++
			}
			if whole {
				thickness = append(thickness, end-c)
				for k := c; k < end; k++ {
					if runs[a*across+k] >= int32(long) {
						found, thick = append(found, index(a, k)), append(thick, end-c)
					}
				}
			}
			c = end
		}
	}
	if len(found) == 0 {
		return nil
	}
	slices.Sort(thickness)
	most := 2*thickness[len(thickness)/2] + 1
	var thin []int
	for i, t := range thick {
		if t <= most {
			thin = append(thin, found[i])
		}
	}
	return thin
}

// typicalHeight is the median height of the parts that may be digits, 0 for none.
func typicalHeight(parts []piece) float64 {
	var heights []float64
	for _, p := range parts {
		const least = 8 // pixels; lower ones are specks
		blot := p.width() > p.height()/2 && p.ink > 0.9*p.width()*p.height()
		if p.height() >= least && p.width() < 3*p.height() && !blot {
			heights = append(heights, p.height())
		}
	}
	if len(heights) == 0 {
		return 0
	}
	slices.Sort(heights)
	return heights[len(heights)/2]
}

// strokePieces returns the strokes as pieces.
func strokePieces(strokes []Stroke) []piece {
	var pieces []piece
	for i, s := range strokes {
		one := Drawing{Strokes: []Stroke{s}}
		b, found := one.bounds()
		if !found {
			continue
		}
		length := 0.0
		for k := range s[1:] {
			length += vector{s[k+1].X - s[k].X, s[k+1].Y - s[k].Y}.length()
		}
		pieces = append(pieces, piece{b, length, i, s, some(s)})
	}
	return pieces
}

// some returns some points of a stroke, the last among them.
func some(s Stroke) Stroke {
	const most = 100
	if len(s) <= most {
		return s
	}
	few := make(Stroke, 0, most)
	for i := range most {
		few = append(few, s[i*(len(s)-1)/(most-1)])
	}
	return few
}
