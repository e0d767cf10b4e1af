package nn

import (
	"cmp"
	"slices"

	"inkling/internal/kernel"
)

// tiles divide the outputs of a convolution, or the gradients of its inputs, into
// tiles for the kernels, and say for each where its inputs lie.
type tiles struct {
	table []int32
	list  []tile
}

// tile is one of tiles: where its part of the table begins, and how much it is.
type tile struct {
	table          int
	rows, segments int
	outputs        [kernel.TileRows]int32 // where its rows lie
}

// tileRow is a pixel to compute: where it lies, and for every position of the
// filter where the pixel lies that it is multiplied with, -1 if there is none.
type tileRow struct {
	out int32
	in  []int32
}

// newTiles makes tiles of rows. Rows to which the same positions of the filter
// contribute come together, so that few products with padding, and none between the
// steps of a stride, are computed. weightStep is the distance between the weights of
// neighbouring positions. Narrow tiles are computed apart: in the table, their rows lie
// one behind another.
func newTiles(rows []tileRow, weightStep int, narrow bool) tiles {
	masks := make([]uint64, len(rows))
	order := make([]int, len(rows))
	for r, row := range rows {
		order[r] = r
		for k, at := range row.in {
			if at >= 0 {
				masks[r] |= 1 << (k % 64)
			}
		}
	}
	slices.SortStableFunc(order, func(a, b int) int { return cmp.Compare(masks[a], masks[b]) })
	var t tiles
	for len(order) > 0 {
		count := min(kernel.TileRows, len(order))
		if left := len(order) - kernel.TileRows; left == 1 || left == 2 {
			count = 4 // two tiles that keep the multipliers busy, where 6 and 1 or 2 would not
		}
		t.add(rows, order[:count], weightStep, narrow)
		order = order[count:]
	}
	return t
}

func (t *tiles) add(rows []tileRow, which []int, weightStep int, narrow bool) {
	one := tile{table: len(t.table), rows: len(which)}
	var outputs [kernel.TileEntry]int32
	for i, r := range which {
		one.outputs[i], outputs[i] = rows[r].out, rows[r].out
		if narrow {
			outputs[i] = int32(i * kernel.TileColumns)
		}
	}
	t.table = append(t.table, outputs[:]...)
	for k := range rows[which[0]].in {
		var entry [kernel.TileEntry]int32
		used := false
		for i, r := range which {
			entry[i] = rows[r].in[k]
			used = used || entry[i] >= 0
		}
		if used {
			entry[6] = int32(k * weightStep)
			t.table = append(t.table, entry[:]...)
			one.segments++
		}
	}
	t.list = append(t.list, one)
}

// tilePass is a convolution one way: from inputs to outputs, or from the gradients of
// outputs to those of inputs.
type tilePass struct {
	tiles     []tiles // for one example, two, and so on
	depthwise bool
	groups    int
	depth     int // channels of a group of what is read
	columns   int // and of what is written
	positions int // of the filter
	// narrow: blocks of columns do not all have room for TileColumns.
	narrow bool
	// points, unless nil, are what the pass goes through in place of tiles.
	points  *points
	zeros   []float32
	scratch [][]float32 // of each worker, for a tile
}

// examplesTogether is how many examples of so many pixels share tiles.
func examplesTogether(p *plan, pixels int) int {
	const few = 48
	if fewPixels(p, pixels) {
		return min(few/pixels, p.batch)
	}
	return min(max(few/pixels, 1), inferenceChunk, p.batch)
}

// fewPixels reports whether the examples that a worker has in hand have so few pixels,
// against all of the batch, that the weights would be read too often for them.
func fewPixels(p *plan, pixels int) bool {
	const few, enough = 24, 32
	chunk := inferenceChunk
	if p.train {
		chunk = trainingChunk
	}
	return pixels*chunk < few && p.batch > chunk && pixels*p.batch >= enough
}

// wholeBatch appends stages for all examples of the batch, one for each part, that are
// divided as the parts say.
func (p *plan) wholeBatch(touches []*buffer, parts ...part) {
	for _, one := range parts {
		p.stage(&stage{axis: units, units: one.units(p.batch), unitsOf: one.units, touches: touches, run: one.run})
	}
}

// newTilePass makes a pass that has no tiles yet. What is written has so many floats a
// pixel.
func newTilePass(p *plan, groups, depth, columns, positions, stored int, depthwise bool) *tilePass {
	t := &tilePass{depthwise: depthwise, groups: groups, depth: depth, columns: columns, positions: positions,
		zeros: alignedFloats(max(depth, kernel.TileColumns))}
	if depthwise {
		t.groups, t.columns = 1, groups
	}
	all := t.groups * t.columns
	t.narrow = t.groups > 1 && t.columns%kernel.TileColumns != 0 || stored < roundUp(all, kernel.TileColumns)
	p.workers = append(p.workers, func(n int) {
		t.scratch = nil
		for range n {
			t.scratch = append(t.scratch, alignedFloats(kernel.TileRows*kernel.TileColumns))
		}
	})
	return t
}

// makeTiles makes the tiles of a pass whose rows for 1 to most examples are given.
func (t *tilePass) makeTiles(most int, rows func(examples int) []tileRow) {
	for n := 1; n <= most; n++ {
		t.tiles = append(t.tiles, newTiles(rows(n), t.weightStep(), t.narrow))
	}
}

// blocks is the number of blocks of a group's columns, and weightStep the distance
// between the packed weights of neighbouring positions of the filter.
func (t *tilePass) blocks() int { return (t.columns + kernel.TileColumns - 1) / kernel.TileColumns }

func (t *tilePass) weightStep() int {
	if t.depthwise {
		return roundUp(t.columns, kernel.TileColumns)
	}
	return t.depth * kernel.TileColumns
}

// packedWeights is the number of floats of the packed weights: for every group and
// block, every position and every channel that is read TileColumns numbers; if
// depthwise, for every position one for each channel.
func (t *tilePass) packedWeights() int {
	if t.depthwise {
		return t.positions * t.weightStep()
	}
	return t.groups * t.blocks() * t.positions * t.weightStep()
}

// packedAt returns where the weight between two channels of a group, at a position
// of the filter, is packed.
func (t *tilePass) packedAt(group, position, from, to int) int {
	if t.depthwise {
		return position*t.weightStep() + group
	}
	block := group*t.blocks() + to/kernel.TileColumns
	return ((block*t.positions+position)*t.depth+from)*kernel.TileColumns + to%kernel.TileColumns
}

// count is the number of tiles of so many examples.
func (t *tilePass) count(examples int) (n int) {
	most := len(t.tiles)
	n = examples / most * len(t.tiles[most-1].list)
	if rest := examples % most; rest > 0 {
		n += len(t.tiles[rest-1].list)
	}
	return n
}

// parts is into how many parts the blocks of a group are divided, of as many blocks as
// the kernels take at a time.
func (t *tilePass) parts() int {
	if t.narrow {
		return t.blocks()
	}
	return (t.blocks() + kernel.TileBlocks() - 1) / kernel.TileBlocks()
}

// part returns the first block of a part and how many it has.
func (t *tilePass) part(i int) (first, count int) {
	first, end := share(t.blocks(), t.parts(), i)
	return first, end - first
}

// units is the number of parts into which the work for so many examples can be divided:
// a tile or strip with a part of its columns, or a tile with all if depthwise.
func (t *tilePass) units(examples int) int {
	switch {
	case t.depthwise:
		return t.count(examples)
	case t.points != nil:
		return t.parts() * t.points.strips(examples)
	}
	return t.groups * t.parts() * t.count(examples)
}

// tileRun is what a pass works on. bias has a number for each column and TileColumns
// behind them. base, which may be nil, is what is added to the outputs before they are
// kept between limits: the outputs, or what lies as they do.
type tileRun struct {
	in, out       *buffer
	weights, bias []float32
	base          *buffer
	limits        *kernel.Limits
}

// run computes some examples.
func (t *tilePass) run(w *work, r tileRun) { t.some(w, 0, t.units(w.last-w.first), r) }

// some computes units from..to-1 of some examples.
func (t *tilePass) some(w *work, from, to int, r tileRun) {
	switch {
	case t.depthwise:
		t.someDepthwise(w, from, to, r)
		return
	case t.points != nil:
		t.somePoints(w, from, to, r)
		return
	}
	count := t.count(w.last - w.first)
	for part := from / count; part*count < to; part++ {
		group := part / t.parts()
		block, blocks := t.part(part % t.parts())
		column := block * kernel.TileColumns
		width := min(t.columns-column, kernel.TileColumns)
		read, written, packed := group*t.depth, group*t.columns+column, (group*t.blocks()+block)*t.positions*t.weightStep()
		for first, before := w.first, part*count; first < w.last && before < to; first += len(t.tiles) {
			all := &t.tiles[min(len(t.tiles), w.last-first)-1]
			for i := max(from-before, 0); i < min(to-before, len(all.list)); i++ {
				t.runTile(w.worker, all, &all.list[i], r.in.from(w, first)[read:], r.out.from(w, first)[written:], r.weights[packed:], r.bias[written:], after(r.base.fromOrNil(w, first), written), blocks, width, r.limits)
			}
			before += len(all.list)
		}
	}
}

// someDepthwise computes all channels of a tile before the next one: it goes through
// memory only once, and there is not enough to compute to wait for it.
func (t *tilePass) someDepthwise(w *work, from, to int, r tileRun) {
	for first, before := w.first, 0; first < w.last && before < to; first += len(t.tiles) {
		all := &t.tiles[min(len(t.tiles), w.last-first)-1]
		in, out, base := r.in.from(w, first), r.out.from(w, first), r.base.fromOrNil(w, first)
		for i := max(from-before, 0); i < min(to-before, len(all.list)); i++ {
			t.depthwiseTile(w.worker, all, &all.list[i], in, out, base, &r)
		}
		before += len(all.list)
	}
}

// depthwiseTile computes all channels of a tile.
func (t *tilePass) depthwiseTile(worker int, all *tiles, one *tile, in, out, base []float32, r *tileRun) {
	if table := all.table[one.table:]; one.segments > 0 && !t.narrow {
		kernel.DepthwiseTile(out, in, t.zeros, r.weights, r.bias, base, table, one.rows, one.segments, t.weightStep()/kernel.TileColumns, r.limits)
		return
	}
	for at := 0; at < t.columns; at += kernel.TileColumns {
		t.runTile(worker, all, one, in[at:], out[at:], r.weights[at:], r.bias[at:], after(base, at), 1, min(t.columns-at, kernel.TileColumns), r.limits)
	}
}

// after returns what of a slice, or of nothing, follows its first elements.
func after(x []float32, n int) []float32 {
	if x == nil {
		return nil
	}
	return x[n:]
}

// runTile computes some blocks of columns of one tile; narrow, it is one block, of which
// width columns are wanted.
func (t *tilePass) runTile(worker int, all *tiles, one *tile, in, out, weights, bias, base []float32, blocks, width int, limits *kernel.Limits) {
	to, table := out, all.table[one.table:]
	if t.narrow {
		to = t.scratch[worker]
		if base != nil {
			for r, at := range one.outputs[:one.rows] {
				copy(to[r*kernel.TileColumns:], base[at:][:width])
			}
			base = to
		}
	}
	switch {
	case one.segments == 0:
		for at := 0; at < blocks*kernel.TileColumns; at += kernel.TileColumns {
			kernel.EmptyTile(to[at:], bias[at:], after(base, at), table[:one.rows], limits)
		}
	case t.depthwise:
		kernel.DepthwiseTile(to, in, t.zeros, weights, bias, base, table, one.rows, one.segments, 1, limits)
	default:
		kernel.IndirectTile(to, in, t.zeros, weights, bias, base, table, one.rows, one.segments, t.depth, blocks, t.positions*t.weightStep(), limits)
	}
	if t.narrow {
		for r, at := range one.outputs[:one.rows] {
			copy(out[at:][:width], to[r*kernel.TileColumns:])
		}
	}
}
