package sketch

import (
	"cmp"
	"math"
	"slices"
)

// A group is the pieces of one digit, or what is taken for one.
type group struct {
	box
	pieces []piece
}

func (g *group) add(p ...piece) {
	for _, p := range p {
		if len(g.pieces) == 0 {
			g.box = p.box
		} else {
			g.box = g.box.union(p.box)
		}
		g.pieces = append(g.pieces, p)
	}
}

func (b box) union(c box) box {
	return box{min(b.left, c.left), min(b.top, c.top), max(b.right, c.right), max(b.bottom, c.bottom)}
}

// overlap is the share of the narrower box's width over which both lie, below 0 for a
// gap. A box has at least the width thin.
func (b box) overlap(c box, thin float64) float64 {
	shared := min(b.right, c.right) - max(b.left, c.left)
	if shared < 0 {
		return shared / thin
	}
	narrow := min(b.width(), c.width())
	if narrow < thin {
		// An upright line has no width: it lies where its middle is.
		shared, narrow = min(shared+thin-narrow, thin), thin
	}
	return shared / narrow
}

// fall is how far one box lies below or above the other, below 0 if they overlap.
func (b box) fall(c box) float64 { return max(b.top, c.top) - min(b.bottom, c.bottom) }

// digitHeight is how high the digits are that pieces are parts of: the median of those
// that are at least half as high as the highest but few.
func digitHeight(pieces []piece) float64 {
	var heights []float64
	for _, p := range pieces {
		heights = append(heights, p.height())
	}
	slices.Sort(heights)
	if len(heights) == 0 {
		return 0
	}
	const few = 20
	high := heights[len(heights)-1-len(heights)/few]
	from, _ := slices.BinarySearch(heights, high/2)
	return heights[from+(len(heights)-from)/2]
}

// What of the height of a digit two strokes of one are apart at most, and where its
// own parts begin to be small.
const (
	belongs  = 0.5  // of the narrower width that is shared
	near     = 0.2  // between a part above and one below
	low      = 0.45 // parts that are lower are bars, dots and the like
	thinnest = 0.12 // the width that a line has at least
	beside   = 0.12 // a bar from what it belongs to
	touching = 0.06 // lines whose middles are so near touch
)

// touches tells whether a stroke of one group comes so near to one of the other.
func (g *group) touches(other group, near float64) bool {
	if g.left-other.right > near || other.left-g.right > near || g.fall(other.box) > near {
		return false
	}
	for _, p := range g.pieces {
		for _, q := range other.pieces {
			if p.left-q.right <= near && q.left-p.right <= near && p.fall(q.box) <= near && strokesTouch(p.rough, q.rough, near) {
				return true
			}
		}
	}
	return false
}

// open4 tells whether the other one may be the upright line of an open four whose rest
// this is: narrow, close at its right, and lower.
func (g *group) open4(other group, height float64) bool {
	const gap, narrow, lower, beside = 0.16, 0.4, 0.2, 0.75
	return other.left-g.right <= gap*height && other.left+other.right > g.left+g.right && other.width() <= narrow*other.height() &&
		other.top-g.top >= lower*height && other.bottom-g.bottom >= lower*height/2 &&
		-g.fall(other.box) <= beside*min(g.height(), other.height()) && g.fall(other.box) <= 0
}

// strokesTouch tells whether two strokes come so near to each other.
func strokesTouch(a, b Stroke, near float64) bool {
	for i := range a {
		from, to := a[max(i-1, 0)], a[i]
		for k := range b {
			if segmentsNear(from, to, b[max(k-1, 0)], b[k], near) {
				return true
			}
		}
	}
	return false
}

// segmentsNear tells whether the straight lines from a to b and from c to d cross, or
// an end of one is so near to the other.
func segmentsNear(a, b, c, d Point, near float64) bool {
	if max(min(a.X, b.X)-max(c.X, d.X), min(c.X, d.X)-max(a.X, b.X), min(a.Y, b.Y)-max(c.Y, d.Y), min(c.Y, d.Y)-max(a.Y, b.Y)) > near {
		return false
	}
	side := func(p, q, r Point) float64 { return (q.X-p.X)*(r.Y-p.Y) - (q.Y-p.Y)*(r.X-p.X) }
	if side(a, b, c)*side(a, b, d) < 0 && side(c, d, a)*side(c, d, b) < 0 {
		return true
	}
	return fromSegment(a, c, d) <= near || fromSegment(b, c, d) <= near || fromSegment(c, a, b) <= near || fromSegment(d, a, b) <= near
}

// fromSegment is how far p is from the straight line from a to b.
func fromSegment(p, a, b Point) float64 {
	along, to := vector{b.X - a.X, b.Y - a.Y}, vector{p.X - a.X, p.Y - a.Y}
	t := 0.0
	if squared := along.dot(along); squared > 0 {
		t = min(max(to.dot(along)/squared, 0), 1)
	}
	return to.minus(along.times(t)).length()
}

// arrange divides pieces into lines of digits, from top to bottom, each from left to
// right. What is too small for a digit and belongs to none is left out: dots, commas,
// dashes, specks.
func arrange(pieces []piece) (lines [][]group, leftOut []piece) {
	height := digitHeight(pieces)
	thin := thinnest * height
	groups := together(pieces, func(a, b group, alone bool) bool {
		// One above the other, or one across the other.
		return a.overlap(b.box, thin) >= belongs && a.fall(b.box) <= near*height &&
			(alone || a.union(b.box).height() <= max(1.5*height, 1.25*max(a.height(), b.height()))) ||
			a.touches(b, touching*height) || a.open4(b, height) || b.open4(a, height)
	})
	// A low part beside a high one, as the bar of a five.
	groups = attach(groups, height)
	var digits []group
	for _, g := range groups {
		if g.height() < low*height {
			leftOut = append(leftOut, g.pieces...)
			continue
		}
		digits = append(digits, g)
	}
	return linesOf(digits), leftOut
}

// together joins pieces, and groups of them, as long as there are two that belong
// together.
func together(pieces []piece, belong func(a, b group, alone bool) bool) []group {
	groups := make([]group, len(pieces))
	for i, p := range pieces {
		groups[i].add(p)
	}
	for joined := true; joined; {
		joined = false
		slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.left, b.left) })
		for i := 0; i < len(groups); i++ {
			for k := i + 1; k < len(groups); k++ {
				if groups[k].left > groups[i].right && groups[k].left-groups[i].right > groups[i].height() {
					break
				}
				if belong(groups[i], groups[k], len(groups) == 2) {
					groups[i].add(groups[k].pieces...)
					groups = slices.Delete(groups, k, k+1)
					joined = true
					k--
				}
			}
		}
	}
	return groups
}

// attach gives low parts to the high group that they are nearest to, if that is near
// enough.
func attach(groups []group, height float64) []group {
	var high, rest []group
	for _, g := range groups {
		if g.height() >= low*height {
			high = append(high, g)
		} else {
			rest = append(rest, g)
		}
	}
	for _, g := range rest {
		best, distance := -1, beside*height
		for i, h := range high {
			gap := max(g.left-h.right, h.left-g.right, 0)
			// Dots and commas lie at the foot, and are small; bars lie higher.
			foot := g.top > h.bottom-0.3*h.height()
			if g.fall(h.box) > near*height || foot && g.overlap(h.box, thinnest*height) < belongs || g.side() < 0.15*height && gap > 0 {
				continue
			}
			if gap < distance {
				best, distance = i, gap
			}
		}
		if best < 0 {
			high = append(high, g)
		} else {
			high[best].add(g.pieces...)
		}
	}
	return high
}

// linesOf divides groups into lines. A line may rise or fall: a group belongs to the
// line whose last one is beside it.
func linesOf(groups []group) [][]group {
	slices.SortStableFunc(groups, func(a, b group) int { return cmp.Compare(a.left+a.right, b.left+b.right) })
	var lines [][]group
	for _, g := range groups {
		best, share := -1, 0.4
		for i, l := range lines {
			last := l[len(l)-1]
			if shared := -g.fall(last.box) / math.Max(min(g.height(), last.height()), 1e-9); shared >= share {
				best, share = i, shared
			}
		}
		if best < 0 {
			lines = append(lines, []group{g})
		} else {
			lines[best] = append(lines[best], g)
		}
	}
	slices.SortStableFunc(lines, func(a, b []group) int { return cmp.Compare(middle(a), middle(b)) })
	return lines
}

// middle is how low a line is.
func middle(line []group) float64 {
	sum := 0.0
	for _, g := range line {
		sum += (g.top + g.bottom) / 2
	}
	return sum / float64(len(line))
}
