package nn

import "inkling/internal/kernel"

// filterSums computes the gradients of filters for the whole batch, some filters at a
// time: outer products of pixels and gradients, added up over a strip of outputs that
// stays in the first cache. What the strip multiplies is first put into panels of a
// tile's width.
type filterSums struct {
	step     *denseConvStep
	depth    int // channels of a group of the input
	columns  int // and of the output
	widths   []int
	strips   []strip
	together int // examples in a strip
	// parts is into how many parts the batch is divided, whose sums are added as
	// a tree.
	parts int
}

// strip is some rows of outputs and what they are computed from.
type strip struct {
	in, inPixels   int // the first pixel of the input, and how many
	out, outPixels int
	// pairs are, for each position of the filter, where in their panels the pixels
	// and gradients lie whose products count, example by example.
	pairs [][]int32
}

func (s *denseConvStep) newFilterSums() *filterSums {
	f := &filterSums{step: s, depth: s.op.in / s.op.groups, columns: s.op.out / s.op.groups, together: 1}
	const most = 192 // outputs of a strip
	in, out := s.in, s.out
	pixels := out[1] * out[2]
	f.parts = partCount(s.plan, pixels)
	f.together = max(min(most/pixels, s.plan.batch), 1)
	count := (pixels + most - 1) / most
	for i := range count {
		if from, to := share(out[1], count, i); from < to {
			f.strips = append(f.strips, newStrip(s.op, in, out, from, to, f.together))
		}
	}
	for left := f.depth; left > 0; {
		width := min(left, kernel.TileRows)
		if left == 7 || left == 8 {
			width = 4 // two tiles that keep the multipliers busy, where 6 and 1 or 2 would not
		}
		f.widths = append(f.widths, width)
		left -= width
	}
	return f
}

// newStrip describes the strip of rows from..to-1 of the outputs.
func newStrip(op conv2d, in, out Shape, from, to, examples int) strip {
	first := max(from*op.stride[0]-op.before[0], 0)
	last := min((to-1)*op.stride[0]-op.before[0]+op.extent(0), in[1])
	one := strip{in: first * in[2], inPixels: max(last-first, 0) * in[2], out: from * out[2], outPixels: (to - from) * out[2]}
	for k := range op.kernel[0] * op.kernel[1] {
		var pairs []int32
		for e := range examples {
			for y := from; y < to; y++ {
				for x := range out[2] {
					if iy, ix, ok := op.under(in, y, x, k); ok {
						pairs = append(pairs, int32((e*one.inPixels+(iy-first)*in[2]+ix)*kernel.TileRows), int32((e*one.outPixels+(y-from)*out[2]+x)*kernel.TileColumns))
					}
				}
			}
		}
		one.pairs = append(one.pairs, pairs)
	}
	return one
}

// partCount is into how many parts, at most 8, a batch is divided for gradients that are
// computed by rows, so that a part has enough pixels for its additions not to count.
func partCount(p *plan, pixels int) int {
	const enough = 1024
	parts := 8
	for parts > 1 && (parts > p.batch || pixels*p.batch/parts < enough) {
		parts /= 2
	}
	return parts
}

// inParts lets add sum up examples first..last-1 of every part of the batch, in the
// order of the examples, and the parts as a tree. scratch has room for
// partsScratch(sums).
func inParts(p *plan, parts int, sums, scratch []float32, add func(sums []float32, first, last int)) {
	if parts == 1 {
		clear(sums)
		add(sums, 0, p.count)
		return
	}
	treeSum(sums, scratch, parts, func(part []float32, i int) {
		clear(part)
		first, last := share(p.count, parts, i)
		add(part, first, last)
	})
}

func partsScratch(parts, sums int) int {
	if parts == 1 {
		return 0
	}
	return treeLevels(parts) * sums
}

// size is the number of floats of the sums for so many columns.
func (f *filterSums) size(columns int) int {
	return (columns + kernel.TileColumns - 1) / kernel.TileColumns * len(f.strips[0].pairs) * f.depth * kernel.TileColumns
}

// unit is how many filters are computed at a time: all of a group, or of one group
// enough that the panels of pixels, which each unit makes for itself, do not count.
func (f *filterSums) unit() int {
	if f.step.op.groups > 1 {
		return f.columns
	}
	blocks := (f.columns + kernel.TileColumns - 1) / kernel.TileColumns
	together := min(kernel.OuterBlocks(), blocks)
	return kernel.TileColumns * max(min((8+f.step.positions-1)/f.step.positions, blocks/4), together)
}

// panel is how many floats the panel of some pixels takes, and two that are written
// behind them.
func (s *strip) panel(examples int) int {
	return roundUp(examples*s.inPixels*kernel.TileRows+2, kernel.TileColumns)
}

// panels are how many floats the panels of a strip take, of pixels and of gradients.
func (f *filterSums) panels() (pixels, gradients int) {
	for _, one := range f.strips {
		pixels = max(pixels, one.panel(f.together)*len(f.widths))
		gradients = max(gradients, f.together*one.outPixels*kernel.TileColumns*kernel.OuterBlocks())
	}
	return pixels + kernel.TileColumns, gradients
}

func (f *filterSums) scratch() int {
	pixels, gradients := f.panels()
	sums := f.size(min(f.unit(), f.columns))
	return sums + partsScratch(f.parts, sums) + pixels + gradients
}

// compute sets destination to the gradients of filters from..to-1.
func (f *filterSums) compute(t *taskWork, destination []float32, from, to int) {
	clear(destination)
	size := len(f.step.weight.data) / f.step.op.out
	for first := from; first < to; {
		group := first / f.columns
		last := min(to, (group+1)*f.columns, first+f.unit())
		columns, scratch := last-first, t.scratch
		sums := scratch[:f.size(columns)]
		scratch = scratch[len(sums):]
		inParts(f.step.plan, f.parts, sums, scratch, func(sums []float32, one, end int) {
			f.add(t, sums, scratch[partsScratch(f.parts, len(sums)):], group, first, last, one, end)
		})
		f.step.unpackSums(destination[(first-from)*size:], sums, columns)
		first = last
	}
}

// add adds what examples one..end-1 contribute to filters first..last-1 of a group.
func (f *filterSums) add(t *taskWork, sums, scratch []float32, group, first, last, one, end int) {
	s := f.step
	w := work{worker: t.worker, first: one, last: end, count: s.plan.count}
	pixels, gradients := f.panels()
	panels, slopes := scratch[:pixels], scratch[pixels:][:gradients]
	const columns = kernel.TileColumns
	for ; one < end; one += f.together {
		examples := min(f.together, end-one)
		for i := range f.strips {
			strip := &f.strips[i]
			f.makePanels(&w, panels, strip, group, one, examples)
			size, step := len(strip.pairs)*f.depth*columns, examples*strip.outPixels*columns // of a block
			for at := first; at < last; at += kernel.OuterBlocks() * columns {
				blocks := min((last-at+columns-1)/columns, kernel.OuterBlocks())
				for b := range blocks {
					for e := range examples {
						from := s.resultGradient.from(&w, one+e)[strip.out*s.stored[1]+at+b*columns:]
						kernel.CopyRows(slopes[b*step+e*strip.outPixels*columns:], from, strip.outPixels, columns, columns, s.stored[1])
					}
				}
				block, channel := sums[(at-first)/columns*size:], 0
				for p, width := range f.widths {
					panel := panels[p*strip.panel(examples):]
					for k, pairs := range strip.pairs {
						kernel.OuterTile(block[(k*f.depth+channel)*columns:], panel, slopes, pairs[:len(pairs)/f.together*examples], width, blocks, size, step)
					}
					channel += width
				}
			}
		}
	}
}

// makePanels puts the pixels of a strip into panels, one behind another. It goes
// through the picture once, pixel by pixel.
func (f *filterSums) makePanels(w *work, panels []float32, strip *strip, group, one, examples int) {
	s := f.step
	const rows = kernel.TileRows
	last, size := len(f.widths)-1, strip.panel(examples)
	lastChannel := f.depth - f.widths[last] // the others lie TileRows apart
	for e := range examples {
		step := s.stored[0]
		from := s.picture.from(w, one+e)[strip.in*step+group*f.depth:]
		to := panels[e*strip.inPixels*rows:]
		for pixel := range strip.inPixels {
			kernel.CopyRows(to[pixel*rows:], from[pixel*step:], last, 8, size, rows)
		}
		kernel.CopyRows(to[last*size:], from[lastChannel:], strip.inPixels, 8, rows, step)
	}
}

// unpackSums puts sums, by blocks of filters, positions and channels, into the order in
// which the parameter is stored.
func (s *denseConvStep) unpackSums(destination, sums []float32, columns int) {
	strides := s.strides
	size := len(s.weight.data) / s.op.out
	inGroup := s.op.in / s.op.groups
	if s.positions == 1 && strides[1] == 1 && columns%8 == 0 && inGroup >= 8 {
		for j := 0; j < columns; j += 8 {
			block := sums[j/kernel.TileColumns*inGroup*kernel.TileColumns+j%kernel.TileColumns:]
			for at := 0; at < inGroup; at += 8 {
				c := min(at, inGroup-8) // the last eight may overlap those before
				kernel.Transpose8(destination[j*size+c:], block[c*kernel.TileColumns:], size, kernel.TileColumns)
			}
		}
		return
	}
	for j := range columns {
		block := sums[j/kernel.TileColumns*s.positions*inGroup*kernel.TileColumns+j%kernel.TileColumns:]
		for k := range s.positions {
			to := destination[j*size+k/s.op.kernel[1]*strides[2]+k%s.op.kernel[1]*strides[3]:]
			from := block[k*inGroup*kernel.TileColumns:]
			for c := range inGroup {
				to[c*strides[1]] = from[c*kernel.TileColumns]
			}
		}
	}
}

// contribute says how the gradients of the parameters are computed.
func (s *denseConvStep) contribute() {
	p := s.plan
	pixels := s.out[1:].Elements()
	touches := []*buffer{s.picture, s.resultGradient}
	c := contribution{rows: s.op.out, early: true, touches: touches, updated: s.pack,
		cost: max(s.positions*(s.op.in/s.op.groups)*pixels/16, 1) * p.batch}
	switch {
	case s.depthwise:
		p.by("sums by channels")
		f := s.newChannelSums()
		c.unit, c.scratch, c.compute = kernel.TileColumns, f.scratch(), f.compute
	case s.algorithms[convWeights] != convDirect:
		p.by(s.algorithms[convWeights].String())
		f := s.newWinogradSums()
		c.unit, c.scratch, c.compute = f.unit(), f.scratch(), f.compute
	case s.planar != nil:
		p.by("planes of sums")
		f := s.newPlanarSums()
		c.unit, c.scratch, c.compute = kernel.TileColumns, f.scratch(), f.compute
	default:
		p.by("tiles of sums")
		f := s.newFilterSums()
		c.unit, c.scratch, c.compute = f.unit(), f.scratch(), f.compute
	}
	for range (s.op.out + c.unit - 1) / c.unit {
		s.packRooms = append(s.packRooms, make([]float32, packRoom))
	}
	s.packUnit = c.unit
	p.contribute(s.weight, c)
	if p.by("sums"); s.bias == nil {
		return
	}
	f := s.newBiasSums()
	p.contribute(s.bias, contribution{rows: f.rows, unit: 1, early: true, touches: touches, scratch: f.scratch(), compute: f.compute,
		updated: func(from, to int) { // others update other rows at the same time
			row := len(s.bias.data) / f.rows
			first, last := from*row, min(to*row, s.op.out)
			copy(s.biases[first:last], s.bias.data[first:last])
		}})
}
