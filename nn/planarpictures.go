package nn

import "inkling/internal/kernel"

// planarPictures are pictures of few channels for a convolution that goes through them
// plane by plane, with zeros around them. At each position of a filter there is too little
// to multiply to look for it; so neighbouring outputs of a row are computed together,
// which see neighbouring pixels.
type planarPictures struct {
	op            conv2d
	at            *place
	in, out       Shape
	height, width int         // of a plane with its border
	offsets       []int32     // of what each element of a filter sees: position by position, channel by channel
	tiles         [3]rowTiles // of a row of outputs
	scratch       [][]float32 // of each worker: the planes
	narrow        [][]float32 // and the outputs of a tile, where there is no room for all its columns
	stripRows     int         // rows of outputs that are computed together
}

// rowTiles are so many tiles of so many pixels, one behind another.
type rowTiles struct{ rows, count int }

// fewChannels says whether a convolution's pictures are taken as planes.
func (c conv2d) fewChannels() bool {
	return c.groups == 1 && c.in < 8 && c.kernel[0]*c.kernel[1] > 1
}

// newPlanarPictures prepares for pictures of shape in, whose outputs take so many floats
// a pixel.
func newPlanarPictures(p *plan, op conv2d, at *place, in, out Shape) *planarPictures {
	const pixels = 240 // of a strip
	g := &planarPictures{op: op, at: at, in: in, out: out, stripRows: min(max(pixels/out[2], 1), out[1]),
		height: (out[1]-1)*op.stride[0] + op.extent(0), width: (out[2]-1)*op.stride[1] + op.extent(1)}
	for k := range op.kernel[0] * op.kernel[1] {
		for c := range in[0] {
			g.offsets = append(g.offsets, int32((c*g.height+k/op.kernel[1]*op.dilation[0])*g.width+k%op.kernel[1]*op.dilation[1]))
		}
	}
	g.tiles = divideRow(out[2])
	p.workers = append(p.workers, func(n int) {
		g.scratch, g.narrow = nil, nil
		for range n {
			g.scratch = append(g.scratch, alignedFloats(in[0]*g.height*g.width+kernel.TileRows))
			g.narrow = append(g.narrow, alignedFloats(kernel.TileRows*kernel.TileColumns))
		}
	})
	return g
}

// divideRow divides a row of pixels into tiles, some of which may be none, and none of them
// too small to keep the multipliers busy if that can be.
func divideRow(pixels int) [3]rowTiles {
	whole, rest := pixels/kernel.TileRows, pixels%kernel.TileRows
	switch {
	case rest == 1 && whole > 1: // 6+6+1
		return [3]rowTiles{{kernel.TileRows, whole - 2}, {5, 1}, {4, 2}}
	case rest == 2 && whole > 0: // 6+2
		return [3]rowTiles{{kernel.TileRows, whole - 1}, {4, 2}}
	case rest > 0:
		return [3]rowTiles{{kernel.TileRows, whole}, {rest, 1}}
	}
	return [3]rowTiles{{kernel.TileRows, whole}}
}

// strips is the number of strips of an example.
func (g *planarPictures) strips() int { return (g.out[1] + g.stripRows - 1) / g.stripRows }

// strip returns the rows of outputs from..to-1 of a strip.
func (g *planarPictures) strip(i int) (from, to int) {
	return i * g.stripRows, min((i+1)*g.stripRows, g.out[1])
}

// planes copies what the rows of outputs from..to-1 see of a picture into the planes of a
// worker.
func (g *planarPictures) planes(worker int, picture []float32, from, to int) []float32 {
	planes := g.scratch[worker]
	top, left := g.op.before[0], g.op.before[1]
	first := max(from*g.op.stride[0]-top, 0)
	last := min((to-1)*g.op.stride[0]-top+g.op.extent(0), g.in[1])
	width, pixel := min(g.in[2], g.width-left), g.at.pixelStep()
	for c := range g.in[0] {
		for y := first; y < last && width > 0; y++ {
			row, at := planes[(c*g.height+y+top)*g.width+left:][:width], c*g.at.channelStep()+y*g.in[2]*pixel
			if pixel == 1 {
				copy(row, picture[at:])
				continue
			}
			for x := range row {
				row[x] = picture[at+x*pixel]
			}
		}
	}
	return planes
}

// some computes strips from..to-1 of some examples.
func (g *planarPictures) some(w *work, from, to int, s *denseConvStep, r tileRun) {
	pass, step := s.forwardPass, s.stored[1]
	for unit := from; unit < to; {
		// The strips of one example.
		example, first := w.first+unit/g.strips(), unit%g.strips()
		last := min(first+to-unit, g.strips())
		unit += last - first
		top, _ := g.strip(first)
		_, bottom := g.strip(last - 1)
		planes := g.planes(w.worker, s.input.values.from(w, example), top, bottom)
		out, base := r.out.from(w, example), r.base.fromOrNil(w, example)
		for i := first; i < last; i++ {
			top, bottom := g.strip(i)
			for at := 0; at < pass.columns; at += kernel.TileColumns {
				weights, bias := r.weights[at/kernel.TileColumns*pass.weightStep():], r.bias[at:]
				for y := top; y < bottom; y++ {
					x := 0
					for _, t := range g.tiles {
						if t.count == 0 {
							continue
						}
						place, seen := (y*g.out[2]+x)*step+at, planes[(y*g.width)*g.op.stride[0]+x*g.op.stride[1]:]
						if pass.narrow {
							g.narrowTiles(w.worker, t, out[place:], seen, weights, bias, after(base, place), min(pass.columns-at, kernel.TileColumns), step, r.limits)
						} else {
							kernel.StripTiles(out[place:], seen, weights, bias, after(base, place), g.offsets, t.rows, t.count, g.op.stride[1], step, r.limits)
						}
						x += t.rows * t.count
					}
				}
			}
		}
	}
}

// narrowTiles computes tiles whose columns have no room where they are wanted.
func (g *planarPictures) narrowTiles(worker int, t rowTiles, out, in, weights, bias, base []float32, width, step int, limits *kernel.Limits) {
	to := g.narrow[worker]
	for tile := range t.count {
		var begin []float32
		if base != nil {
			begin = to
			for r := range t.rows {
				copy(to[r*kernel.TileColumns:], base[(tile*t.rows+r)*step:][:width])
			}
		}
		kernel.StripTiles(to, in[tile*t.rows*g.op.stride[1]:], weights, bias, begin, g.offsets, t.rows, 1, g.op.stride[1], kernel.TileColumns, limits)
		for r := range t.rows {
			copy(out[(tile*t.rows+r)*step:][:width], to[r*kernel.TileColumns:])
		}
	}
}

// planarSums computes the gradients of filters of pictures of few channels for the whole
// batch, a block of filters at a time.
type planarSums struct {
	step  *denseConvStep
	parts int       // as those of filterSums
	rows  [][]int32 // the offsets of a filter's elements, some at a time
}

func (s *denseConvStep) newPlanarSums() *planarSums {
	f := &planarSums{step: s, parts: partCount(s.plan, s.out[1:].Elements())}
	offsets := s.planar.offsets
	count := (len(offsets) + kernel.TileRows - 1) / kernel.TileRows
	for i := range count { // all about as many
		from, to := share(len(offsets), count, i)
		f.rows = append(f.rows, offsets[from:to])
	}
	return f
}

// size is the number of floats of the sums of a block of filters.
func (f *planarSums) size() int { return len(f.step.planar.offsets) * kernel.TileColumns }

func (f *planarSums) scratch() int { return f.size() + partsScratch(f.parts, f.size()) }

// compute sets destination to the gradients of filters from..to-1.
func (f *planarSums) compute(t *taskWork, destination []float32, from, to int) {
	clear(destination)
	size := len(f.step.weight.data) / f.step.op.out
	for first := from; first < to; first += kernel.TileColumns {
		sums := t.scratch[:f.size()]
		inParts(f.step.plan, f.parts, sums, t.scratch[len(sums):], func(sums []float32, one, end int) {
			f.add(t, sums, first, one, end)
		})
		f.step.unpackSums(destination[(first-from)*size:], sums, min(to-first, kernel.TileColumns))
	}
}

// add adds what examples one..end-1 contribute to the block of filters from first on.
func (f *planarSums) add(t *taskWork, sums []float32, first, one, end int) {
	s, g := f.step, f.step.planar
	w := work{worker: t.worker, first: one, last: end, count: s.plan.count}
	step := s.stored[1]
	for ; one < end; one++ {
		planes := g.planes(t.worker, s.input.values.from(&w, one), 0, g.out[1])
		slopes := s.resultGradient.from(&w, one)[first:]
		for i := range g.strips() {
			top, bottom := g.strip(i)
			to := sums
			for _, offsets := range f.rows {
				kernel.StripSums(to, planes[top*g.op.stride[0]*g.width:], slopes[top*g.out[2]*step:], offsets, bottom-top, g.out[2], g.op.stride[0]*g.width, g.op.stride[1], g.out[2]*step, step)
				to = to[len(offsets)*kernel.TileColumns:]
			}
		}
	}
}
