package sketch

import (
	"image"
	"math"
	"slices"
)

// How wide a group is, for its height, that is looked at for digits that touch: with a
// judge, and without one. A part must be read as surely as sureOfPart says, and be as wide
// as the others, for the height of the group.
const (
	wideForNone  = 0.7
	wideForDigit = 1.25
	sureOfPart   = 0.9
	thinnestPart = 0.12
	widestPart   = 1.2
	mostCut      = 1_000_000 // work for the groups of a page, see source.work
)

// part returns a group as one mark, or as several if it is so wide that it may be digits
// that touch, and the network is sure of each of them. It tries cuts where there is little
// ink, and takes those whose parts are read surest. cuts counts the work for
// the groups of a page; beyond mostCut none is cut any more.
func (r *Reader) part(g *group, s source, cuts *int) ([]Mark, error) {
	left, right := g.left, g.right
	whole, at, err := s.show(g, left, right)
	if err != nil {
		return nil, err
	}
	one := []Mark{{Left: at.left, Top: at.top, Right: at.right, Bottom: at.bottom, Result: whole}}
	wide := g.width() / max(g.height(), 1e-9)
	if r.Read == nil && r.Judge == nil || wide < wideForNone {
		return one, nil
	}
	read, none, err := r.askSurest([]*Result{whole})
	if err != nil {
		return nil, err
	}
	if r.Judge != nil {
		one[0].judged, one[0].None = read[0], none[0]
	}
	// A network that knows of nothing but digits is sure of much that is none.
	if r.Judge != nil && none[0] < 0.5 || r.Judge == nil && (wide < wideForDigit || slices.Max(read[0]) >= sureOfPart) {
		return one, nil
	}
	if *cuts += s.work(g); *cuts > mostCut {
		return one, nil
	}
	marks, err := r.cuts(g, s)
	if err != nil || marks == nil {
		return one, err
	}
	return marks, nil
}

// cuts returns the surest way to cut a group, or nil if the network is not sure of all
// parts of any.
func (r *Reader) cuts(g *group, s source) ([]Mark, error) {
	places := places(g, s)
	type span struct{ from, to int }
	var spans []span
	var results []*Result
	var marks []Mark
	for i := range places {
		for k := i + 1; k < len(places); k++ {
			width := places[k] - places[i]
			if i == 0 && k == len(places)-1 || width > widestPart*g.height() || width < thinnestPart*g.height() {
				continue
			}
			result, b, err := s.show(g, places[i], places[k])
			if err != nil {
				return nil, err
			}
			if result == nil || b.height() < low*g.height() {
				continue
			}
			spans = append(spans, span{i, k})
			results = append(results, result)
			marks = append(marks, Mark{Left: b.left, Top: b.top, Right: b.right, Bottom: b.bottom, Result: result})
		}
	}
	read, none, err := r.askSurest(results)
	if err != nil {
		return nil, err
	}
	// The surest way to each place.
	best := make([]float64, len(places))
	through := make([]int, len(places))
	for k := range best {
		if best[k] = math.Inf(-1); k == 0 {
			best[k] = 0
		}
		for j, sp := range spans {
			sure := float64(slices.Max(read[j])) * (1 - none[j])
			if sp.to != k || sure < sureOfPart {
				continue
			}
			if score := best[sp.from] + math.Log(sure); score > best[k] {
				best[k], through[k] = score, j
			}
		}
	}
	if math.IsInf(best[len(best)-1], -1) {
		return nil, nil
	}
	if r.Judge != nil {
		for j := range marks {
			marks[j].judged, marks[j].None = read[j], none[j]
		}
	}
	var way []Mark
	for k := len(places) - 1; k > 0; k = spans[through[k]].from {
		way = append(way, marks[through[k]])
	}
	slices.Reverse(way)
	return way, nil
}

// places are where a group may be cut: its sides, and between them where there is the
// least ink nearby.
func places(g *group, s source) []float64 {
	const columns, most = 48, 8
	weights := s.weights(g, columns)
	type place struct {
		column int
		weight float64
	}
	var found []place
	for c := 3; c < columns-3; c++ {
		if weights[c] <= slices.Min(weights[c-2:c+3]) {
			if n := len(found); n > 0 && found[n-1].column >= c-2 {
				continue
			}
			found = append(found, place{c, weights[c]})
		}
	}
	slices.SortStableFunc(found, func(a, b place) int { return int(math.Copysign(1, a.weight-b.weight)) })
	all := []float64{g.left, g.right}
	for _, p := range found[:min(len(found), most)] {
		all = append(all, g.left+(float64(p.column)+0.5)/columns*g.width())
	}
	slices.Sort(all)
	return all
}

// strokesSource shows the strokes of a drawing.
type strokesSource struct {
	procedure Procedure
	whole     *Result // of the only group
}

func (s *strokesSource) show(g *group, left, right float64) (*Result, box, error) {
	if s.whole != nil && left <= g.left && right >= g.right {
		return s.whole, g.box, nil
	}
	var part Drawing
	for _, p := range g.pieces {
		part.Strokes = append(part.Strokes, within(p.points, left, right, left <= g.left, right >= g.right)...)
	}
	b, found := part.bounds()
	if !found {
		return nil, b, nil
	}
	result, err := FromStrokes(part, s.procedure)
	return result, b, err
}

// within returns what of a stroke lies between two places across. open sides have no
// end.
func within(stroke Stroke, left, right float64, openLeft, openRight bool) []Stroke {
	inside := func(p Point) bool { return (openLeft || p.X >= left) && (openRight || p.X < right) }
	var all []Stroke
	var now Stroke
	end := func() {
		if len(now) > 0 {
			all = append(all, now)
		}
		now = nil
	}
	for i, p := range stroke {
		if i > 0 {
			// Where the line passes a border it begins or ends there.
			q := stroke[i-1]
			for _, x := range []float64{left, right} {
				if x == left && openLeft || x == right && openRight || (q.X < x) == (p.X < x) {
					continue
				}
				t := (x - q.X) / (p.X - q.X)
				crossing := Point{X: x, Y: q.Y + t*(p.Y-q.Y)}
				if inside(q) && !inside(p) {
					now = append(now, crossing)
				} else if !inside(q) && inside(p) {
					end()
					now = append(now, crossing)
				}
			}
		}
		if inside(p) {
			now = append(now, p)
		} else {
			end()
		}
	}
	end()
	return all
}

func (s *strokesSource) work(g *group) int {
	const each, point = mostCut / 12, mostCut / 10_000
	n := 0
	for _, p := range g.pieces {
		n += len(p.points)
	}
	return each + point*n
}

func (s *strokesSource) weights(g *group, columns int) []float64 {
	weights := make([]float64, columns)
	for _, p := range g.pieces {
		for i := range p.points {
			from, to := p.points[max(i-1, 0)], p.points[i]
			pieces := 1 + int(vector{to.X - from.X, to.Y - from.Y}.length()/max(g.width(), 1e-9)*2*float64(columns))
			for k := range pieces {
				x := from.X + (to.X-from.X)*(float64(k)+0.5)/float64(pieces)
				c := int((x - g.left) / max(g.width(), 1e-9) * float64(columns))
				weights[min(max(c, 0), columns-1)] += vector{to.X - from.X, to.Y - from.Y}.length() / float64(pieces)
			}
		}
	}
	return weights
}

// pictureSource shows parts of a picture's light ink.
type pictureSource struct {
	gray      *image.Gray
	labels    []int32
	procedure Procedure
	parts     map[int]bool // of the group that is shown
}

// only returns the ink of a group between two places, and where it lies.
func (s *pictureSource) only(g *group, left, right float64) (*image.Gray, image.Point) {
	clear(s.parts)
	for _, p := range g.pieces {
		s.parts[p.id] = true
	}
	const margin = 2 // the pale edge of the ink has no label
	area := image.Rect(int(left)-margin, int(g.top)-margin, int(math.Ceil(right))+margin, int(math.Ceil(g.bottom))+margin)
	if left > g.left {
		area.Min.X = int(left)
	}
	if right < g.right {
		area.Max.X = int(right)
	}
	area = area.Intersect(s.gray.Rect)
	cut := crop(s.gray, area)
	width := s.gray.Rect.Dx()
	for y := range cut.Rect.Dy() {
		for x := range cut.Rect.Dx() {
			if id := s.labels[(area.Min.Y+y)*width+area.Min.X+x]; id != 0 && !s.parts[int(id)] {
				cut.Pix[y*cut.Stride+x] = 0
			}
		}
	}
	return cut, area.Min
}

func (s *pictureSource) show(g *group, left, right float64) (*Result, box, error) {
	cut, corner := s.only(g, left, right)
	ink := inkBounds(cut)
	if ink.Empty() {
		return nil, box{}, nil
	}
	side, pen := emnistInk*detail, emnistPen*detail
	if s.procedure == MNIST {
		side, pen = mnistInk*detail, mnistPen*detail
	}
	c := newCanvas()
	defer c.free()
	c.place(cut, side, pen)
	result := &Result{Dark: true}
	result.finish(c, s.procedure, nil)
	ink = ink.Add(corner)
	return result, box{float64(ink.Min.X), float64(ink.Min.Y), float64(ink.Max.X), float64(ink.Max.Y)}, nil
}

func (s *pictureSource) work(g *group) int {
	const each = mostCut / 12
	return each + int(g.width()*g.height())
}

func (s *pictureSource) weights(g *group, columns int) []float64 {
	cut, corner := s.only(g, g.left, g.right)
	weights := make([]float64, columns)
	for y := range cut.Rect.Dy() {
		for x := range cut.Rect.Dx() {
			c := int((float64(corner.X+x) + 0.5 - g.left) / g.width() * float64(columns))
			weights[min(max(c, 0), columns-1)] += float64(cut.Pix[y*cut.Stride+x])
		}
	}
	return weights
}
