package nn

import "inkling/internal/kernel"

// points are the pixels of a convolution of 1x1 without a stride: all that are in hand lie
// equally far apart, those of one example behind those of the one before, so no table
// says where. They are computed strip by strip: all columns of a strip before the next
// one, so that it stays in the second cache meanwhile.
type points struct {
	pixels          int // of an example
	inStep, outStep int // floats of a pixel
	most            int // pixels of a strip
}

// points says whether each pixel of the outputs sees one, that in its place.
func (c conv2d) points() bool {
	return c.kernel == [2]int{1, 1} && c.stride == [2]int{1, 1} && c.before == [2]int{} && c.after == [2]int{} && c.groups == 1
}

// newPoints returns the points of a pass from one buffer to another that have so many
// floats a pixel, or nil where the pass needs tables.
func newPoints(op conv2d, t *tilePass, pixels int, in, out *buffer, inStep, outStep int) *points {
	const floats, least = 32 << 10, 48
	if !op.points() || t.narrow ||
		in.stride != pixels*inStep || out.stride != pixels*outStep {
		return nil
	}
	return &points{pixels, inStep, outStep, max(floats/(t.depth+t.columns), least)}
}

// strips is the number of strips of so many examples.
func (g *points) strips(examples int) int { return (examples*g.pixels + g.most - 1) / g.most }

// strip returns the pixels of a strip, which are whole tiles but for the last.
func (g *points) strip(i, examples int) (from, to int) {
	all := examples * g.pixels
	from, to = share((all+kernel.TileRows-1)/kernel.TileRows, g.strips(examples), i)
	return from * kernel.TileRows, min(to*kernel.TileRows, all)
}

// somePoints computes units from..to-1 of some examples: a strip with a part of its columns.
func (t *tilePass) somePoints(w *work, from, to int, r tileRun) {
	in, out, base := r.in.from(w, w.first), r.out.from(w, w.first), r.base.fromOrNil(w, w.first)
	for ; from < to; from++ {
		first, last := t.points.strip(from/t.parts(), w.last-w.first)
		block, blocks := t.part(from % t.parts())
		t.pointStrip(first, last, block, blocks, in, out, base, r)
	}
}

// pointStrip computes some blocks of columns of pixels first..last-1.
func (t *tilePass) pointStrip(first, last, block, blocks int, in, out, base []float32, r tileRun) {
	g, column := t.points, block*kernel.TileColumns
	weights, bias := r.weights[block*t.weightStep():], r.bias[column:]
	for _, run := range divideRow(last - first) {
		if run.count > 0 {
			at := first*g.outStep + column
			kernel.PointTiles(out[at:], in[first*g.inStep:], weights, bias, after(base, at), run.rows, run.count, t.depth, g.inStep, g.outStep, blocks, t.weightStep(), r.limits)
			first += run.rows * run.count
		}
	}
}
