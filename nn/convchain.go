package nn

import "fmt"

// convChain is a depthwise convolution with the convolution of 1x1 before it, if there is
// one, and that behind it. Outputs are computed some rows at a time: the rows that they see
// of what the first makes, then what the depthwise one makes of these, both in a worker's
// room, which stays in the second cache.
type convChain struct {
	plan *plan
	// expand is nil where the depthwise convolution reads pictures that are there.
	expand, depthwise, project *denseConvStep
	strips, short              []chainStrip // of an example for one worker, and for several
	inRow, outRow              int          // floats of a row that the depthwise convolution reads, and writes
	most                       int          // rows that a strip sees
}

// chainStrip is rows top..bottom-1 of the outputs, which see rows first..last-1.
type chainStrip struct {
	top, bottom, first, last int
	tiles                    *tiles // of the depthwise convolution, relative to top and first
}

// chainRows returns how many rows of outputs are computed together: as many as have so many
// pixels, which is enough to read all weights for, unless a worker's cache has no room.
func chainRows(op conv2d, in, out Shape, pixels int) int {
	const floats, strips = 96 << 10, 16
	inRow, outRow := in[2]*storedChannels(op.in), out[2]*storedChannels(op.out)
	rows := (floats - (op.extent(0)-op.stride[0])*inRow) / (op.stride[0]*inRow + outRow)
	rows = max(min(rows, max(divideUp(pixels, out[2]), divideUp(out[1], strips))), 1)
	return divideUp(out[1], divideUp(out[1], rows)) // all about as many
}

// chainPays says whether links are faster as a chain. It is the one place that decides, by
// what BenchmarkChains measured on a Zen 3: where what lies between the links would not
// stay in the second cache, chains are 1.05 to 1.5 times as fast, below that as fast or
// slower. More has to be gained where the depthwise convolution is the first, which saves one
// picture of two, and where there are few pictures, since workers that divide a picture
// compute the rows at their borders twice.
func chainPays(batch int, links []*group) bool {
	const inBatches, alone = 64 << 10, 320 << 10
	between := 0
	for _, link := range links[:len(links)-1] {
		between += link.output.shape[1:].Elements()
	}
	if batch < inferenceChunk || len(links) < 3 {
		return between > alone
	}
	return between > inBatches
}

func lowerConvChain(p *plan, g *group) {
	for _, link := range g.links[:len(g.links)-1] {
		p.last[link.output] = true
	}
	var steps []*denseConvStep
	for _, link := range g.links {
		s := newDenseConvStep(p, link)
		s.forwardPass = s.newForwardPass()
		s.forwardPass.points = &points{inStep: s.stored[0], outStep: s.stored[1]}
		s.packed = p.packed(s.forwardPass.packedWeights())
		steps = append(steps, s)
	}
	input := steps[0].input
	c := &convChain{plan: p, depthwise: steps[len(steps)-2], project: steps[len(steps)-1]}
	if len(steps) > 2 {
		c.expand = steps[0]
	}
	const pixels, few = 96, 24
	middle := c.depthwise
	c.inRow, c.outRow = middle.in[2]*middle.stored[0], middle.out[2]*middle.stored[1]
	rows := chainRows(middle.op, middle.in, middle.out, pixels)
	c.strips, c.short = c.divide(rows), c.divide(chainRows(middle.op, middle.in, middle.out, few))
	p.room(c.most*c.inRow + rows*c.outRow)
	p.by(fmt.Sprintf("tiles, together in strips of %dx%d pixels", rows, middle.out[2]))
	touches := append([]*buffer{input.values, c.project.output.values}, steps[0].copies()...)
	c.project.stage(input, c.forward, append(touches, c.project.copies()...))
	p.divided(c.parts()...)
}

// divide makes strips of so many rows of outputs, but for the last.
func (c *convChain) divide(rows int) (strips []chainStrip) {
	s := c.depthwise
	height, width := s.out[1], s.out[2]
	// Strips that see their rows alike have the same tiles.
	type view struct{ rows, before, seen int }
	made := map[view]*tiles{}
	for top := 0; top < height; top += rows {
		one := chainStrip{top: top, bottom: min(top+rows, height)}
		begin := top*s.op.stride[0] - s.op.before[0]
		end := (one.bottom-1)*s.op.stride[0] - s.op.before[0] + s.op.extent(0)
		one.first = min(max(begin, 0), s.in[1])
		one.last = max(min(end, s.in[1]), one.first)
		key := view{one.bottom - top, one.first - begin, one.last - one.first}
		if made[key] == nil {
			part := s.op
			part.before[0] = key.before
			outputs := convRows(part, Shape{s.in[0], key.seen, s.in[2]}, Shape{s.out[0], key.rows, width}, s.stored[0], s.stored[1], 0, 0)
			all := newTiles(outputs, s.forwardPass.weightStep(), s.forwardPass.narrow)
			made[key] = &all
		}
		one.tiles = made[key]
		if strips = append(strips, one); c.expand != nil {
			c.most = max(c.most, key.seen)
		}
	}
	return strips
}

func (c *convChain) forward(w work) {
	c.first().takePictures(w)
	c.some(&w, c.strips, 0, (w.last-w.first)*len(c.strips))
	c.project.putResults(w)
}

// parts are what forward does.
func (c *convChain) parts() (list []part) {
	if first := c.first(); first.picture != first.input.values {
		list = append(list, examplesPart(first.takePictures))
	}
	list = append(list, part{func(examples int) int { return examples * len(c.short) }, func(w work) {
		from, to := w.first, w.last
		w.first, w.last = 0, w.count
		c.some(&w, c.short, from, to)
	}})
	if c.project.putsResults() {
		list = append(list, examplesPart(c.project.putResults))
	}
	return list
}

// first is the step that reads the chain's input.
func (c *convChain) first() *denseConvStep {
	if c.expand != nil {
		return c.expand
	}
	return c.depthwise
}

// some computes strips from..to-1 of some examples, all of which are divided so.
func (c *convChain) some(w *work, strips []chainStrip, from, to int) {
	room := c.plan.rooms[w.worker]
	seen, filtered := room[:c.most*c.inRow], room[c.most*c.inRow:]
	middle, last := c.depthwise.tileRun(), c.project.tileRun()
	var before chainStrip // of the same example: some rows that it saw are there
	for unit := from; unit < to; unit++ {
		example, s := w.first+unit/len(strips), strips[unit%len(strips)]
		if s.top == 0 {
			before = chainStrip{}
		}
		if c.expand == nil {
			seen = middle.in.from(w, example)[s.first*c.inRow:]
		} else {
			c.see(w, example, before, s, seen)
		}
		before = s
		for i := range s.tiles.list {
			c.depthwise.forwardPass.depthwiseTile(w.worker, s.tiles, &s.tiles.list[i], seen, filtered, nil, &middle)
		}
		pass, width := c.project.forwardPass, c.project.out[2]
		at := s.top * width * pass.points.outStep
		pass.pointStrip(0, (s.bottom-s.top)*width, 0, pass.blocks(), filtered, last.out.from(w, example)[at:], after(last.base.fromOrNil(w, example), at), last)
	}
}

// see computes the rows that a strip sees, but for those which the strip before it saw.
func (c *convChain) see(w *work, example int, before, s chainStrip, seen []float32) {
	kept := max(before.last-s.first, 0)
	if kept > 0 {
		copy(seen, seen[(s.first-before.first)*c.inRow:][:kept*c.inRow])
	}
	pass, r, width := c.expand.forwardPass, c.expand.tileRun(), c.expand.in[2]
	first := s.first + kept
	pass.pointStrip(0, (s.last-first)*width, 0, pass.blocks(), r.in.from(w, example)[first*width*pass.points.inStep:], seen[kept*c.inRow:], nil, r)
}
