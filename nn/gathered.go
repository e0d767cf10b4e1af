package nn

import "inkling/internal/kernel"

// gatheredPictures copies the pixels under a filter, some outputs at a time, to one
// row an output: of pictures with few channels there is too little to multiply at
// each position of a filter to look for it.
type gatheredPictures struct {
	at        *place
	offsets   []int32 // for each output and position, where the pixel is, or -1
	positions int
	width     int // floats of a row
	strip     int // outputs at a time
	pixels    int // outputs
	scratch   [][]float32
	last      tiles // for what is left of the outputs behind the last whole strip
}

// newGatheredPictures prepares for outputs of so many pixels.
func newGatheredPictures(p *plan, op conv2d, at *place, input, output Shape) *gatheredPictures {
	const most = 120 // so that rows stay in the first cache
	g := &gatheredPictures{at: at, positions: op.kernel[0] * op.kernel[1], pixels: output[1] * output[2]}
	g.width = g.positions * op.in
	g.strip = min(g.pixels, most)
	for _, row := range convRows(op, input, output, at.pixelStep(), 0, 0, 0) {
		g.offsets = append(g.offsets, row.in...)
	}
	p.workers = append(p.workers, func(n int) {
		g.scratch = nil
		for range n {
			g.scratch = append(g.scratch, alignedFloats(g.strip*g.width+16))
		}
	})
	return g
}

// rows describes the tiles of a strip whose outputs are stored so many floats apart.
func (g *gatheredPictures) rows(count, stored int) (rows []tileRow) {
	for i := range count {
		rows = append(rows, tileRow{int32(i * stored), []int32{int32(i * g.width)}})
	}
	return rows
}

// gather copies the rows of outputs first..first+count-1.
func (g *gatheredPictures) gather(worker int, picture []float32, first, count int) []float32 {
	scratch := g.scratch[worker]
	channels, step := g.at.shape[0], g.at.channelStep()
	to := scratch
	for _, at := range g.offsets[first*g.positions:][:count*g.positions] {
		if at < 0 {
			clear(to[:channels])
		} else {
			from := picture[at:]
			for c := range channels {
				to[c] = from[c*step]
			}
		}
		to = to[channels:]
	}
	return scratch
}

// strips is the number of strips of an example.
func (g *gatheredPictures) strips() int { return (g.pixels + g.strip - 1) / g.strip }

// some computes strips from..to-1 of some examples.
func (g *gatheredPictures) some(w *work, from, to int, s *denseConvStep, r tileRun) {
	pass := s.forwardPass
	for unit := from; unit < to; unit++ {
		example, first := w.first+unit/g.strips(), unit%g.strips()*g.strip
		all := &pass.tiles[0]
		if first+g.strip > g.pixels {
			all = &g.last
		}
		start := first * s.stored[1]
		rows := g.gather(w.worker, s.input.values.from(w, example), first, min(g.strip, g.pixels-first))
		out, base := r.out.from(w, example)[start:], after(r.base.fromOrNil(w, example), start)
		for block := range pass.blocks() {
			at := block * kernel.TileColumns
			for i := range all.list {
				pass.runTile(w.worker, all, &all.list[i], rows, out[at:], r.weights[block*pass.weightStep():], r.bias[at:], after(base, at), min(pass.columns-at, kernel.TileColumns), r.limits)
			}
		}
	}
}
