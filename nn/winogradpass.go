package nn

import "inkling/internal/kernel"

// winogradTiles say for every tile of a picture where the pixels under it lie and where
// its own, relative to the example: -1 where there is none.
type winogradTiles struct {
	of      *kernel.Winograd
	count   int     // of an example
	under   []int32 // Size² for each
	outputs []int32 // Outputs² for each
}

// newWinogradTiles returns the tiles of a 3x3 convolution of stride 1 from pictures of
// shape in to those of shape out, a pixel of which takes so many floats. before is the
// padding above and left.
func newWinogradTiles(of *kernel.Winograd, in, out Shape, before [2]int, inPixel, outPixel int) *winogradTiles {
	t := &winogradTiles{of: of}
	pixel := func(s Shape, y, x, step int) int32 {
		if y < 0 || x < 0 || y >= s[1] || x >= s[2] {
			return -1
		}
		return int32((y*s[2] + x) * step)
	}
	for top := 0; top < out[1]; top += of.Outputs {
		for left := 0; left < out[2]; left += of.Outputs {
			for i := range of.Size * of.Size {
				t.under = append(t.under, pixel(in, top+i/of.Size-before[0], left+i%of.Size-before[1], inPixel))
			}
			for i := range of.Outputs * of.Outputs {
				t.outputs = append(t.outputs, pixel(out, top+i/of.Outputs, left+i%of.Outputs, outPixel))
			}
			t.count++
		}
	}
	return t
}

// tables returns where the pixels of one tile lie, under it and its own.
func (t *winogradTiles) tables(tile int) (under, outputs []int32) {
	return t.under[tile*t.of.Size*t.of.Size:], t.outputs[tile*t.of.Outputs*t.of.Outputs:]
}

// panelStep is the distance between the panels of neighbouring products: so many floats,
// and as many more as make it an odd number of cache lines, so that the same places of all
// do not fall on the same lines of the cache.
func panelStep(floats int) int {
	const line = 16
	return roundUp(floats, 2*line) + line
}

// winogradPass is a convolution one way by Winograd's algorithm: some tiles at a time
// are transformed, multiplied with the transformed filters, and transformed back, some
// channels after the other.
type winogradPass struct {
	*winogradTiles
	plan     *plan
	depth    int // channels that are read
	columns  int // and written
	together int // tiles
	zeros    []float32
}

func newWinogradPass(p *plan, tiles *winogradTiles, depth, columns int) *winogradPass {
	// The transformed tiles should stay in the second cache, and be enough for the filters,
	// which do not, to be multiplied with many.
	const most, least, floats = 48, 12, 1 << 16
	t := &winogradPass{winogradTiles: tiles, plan: p, depth: depth, columns: columns, zeros: alignedFloats(roundUp(depth, kernel.TileColumns))}
	t.together = min(max(floats/(t.products()*depth), least), most) / kernel.TileRows * kernel.TileRows
	under, products := t.steps()
	p.room(t.products()*(under+products) + kernel.WinogradScratch)
	return t
}

// products is how many products there are for each tile and pair of channels.
func (t *winogradTiles) products() int { return t.of.Size * t.of.Size }

// steps are the distances between the panels of neighbouring products, of transformed tiles
// and of what they are multiplied to.
func (t *winogradPass) steps() (under, products int) {
	return panelStep(roundUp(t.depth, kernel.TileColumns) * t.together), panelStep(t.blocks() * kernel.TileColumns * t.together)
}

// blocks is how many blocks of columns are multiplied at a time.
func (t *winogradPass) blocks() int {
	return min(kernel.PanelBlocks(), (t.columns+kernel.TileColumns-1)/kernel.TileColumns)
}

// packedWeights is the number of floats of the transformed filters: for every block of
// columns and every product TileColumns numbers for each channel that is read.
func (t *winogradPass) packedWeights() int {
	return roundUp(t.columns, kernel.TileColumns) * t.products() * t.depth
}

// filters describes where the filters lie that pack transforms: the steps between those
// of neighbouring columns and channels that are read, and where each element is.
type filters struct {
	weights       []float32
	column, depth int
	elements      [9]int
	scale         func(column int) float64 // what they are multiplied by, or nil
}

// pack transforms the filters of columns from..to-1, a multiple of TileColumns but for
// the last, and channels first..last-1. room has packRoom floats.
func (t *winogradPass) pack(packed []float32, f *filters, from, to, first, last int, room []float32) {
	const columns = kernel.TileColumns
	square, scratch := room[:9*columns], room[9*columns:]
	for block := from / columns; block*columns < to; block++ {
		width := min(t.columns-block*columns, columns)
		clear(square)
		var scales [columns]float64
		for j := range width {
			if scales[j] = 1; f.scale != nil {
				scales[j] = f.scale(block*columns + j)
			}
		}
		for c := first; c < last; c++ {
			for k, at := range f.elements {
				to, from := square[k*columns:][:width], f.weights[block*columns*f.column+c*f.depth+at:]
				for j := range to {
					to[j] = float32(float64(from[j*f.column]) * scales[j])
				}
			}
			kernel.WinogradGather(t.of.Filter, packed[(block*t.products()*t.depth+c)*columns:], square, square, scratch, filterTable[:], 1, t.depth*columns, 0)
		}
	}
}

const packRoom = 9*kernel.TileColumns + kernel.WinogradScratch

// filterTable is where the elements of a filter lie that come one after another.
var filterTable = func() (table [9]int32) {
	for i := range table {
		table[i] = int32(i * kernel.TileColumns)
	}
	return table
}()

// run computes tiles first..last-1 of the batch, and adds base, unless that is nil, which
// lies as out does.
func (t *winogradPass) run(w *work, first, last int, in, out *buffer, packed, bias []float32, base *buffer, limits *kernel.Limits) {
	const columns = kernel.TileColumns
	underStep, productStep := t.steps()
	room := t.plan.rooms[w.worker]
	under, products, scratch := room[:t.products()*underStep], room[t.products()*underStep:][:t.products()*productStep], room[t.products()*(underStep+productStep):]
	panel := t.together * columns
	underBlocks := roundUp(t.depth, columns) / columns
	for ; first < last; first += t.together {
		count := min(t.together, last-first)
		for i := range count {
			table, _ := t.tables((first + i) % t.count)
			kernel.WinogradGather(t.of.Input, under[i*columns:], in.from(w, (first+i)/t.count), t.zeros, scratch, table, underBlocks, underStep, panel)
		}
		for at := 0; at < t.columns; {
			weights := packed[at*t.products()*t.depth:]
			blocks := min(t.blocks(), (t.columns-at+columns-1)/columns)
			for p := range t.products() {
				kernel.PanelProduct(products[p*productStep:], under[p*underStep:], weights[p*t.depth*columns:], count, t.depth, panel, blocks, panel, t.products()*t.depth*columns)
			}
			for block := range blocks {
				for i := range count {
					example := (first + i) / t.count
					_, table := t.tables((first + i) % t.count)
					var from []float32
					if base != nil {
						from = base.from(w, example)[at:]
					}
					kernel.WinogradScatter(t.of.Output, out.from(w, example)[at:], products[block*panel+i*columns:], bias[at:], from, scratch, table, productStep, limits)
				}
				at += columns
			}
		}
	}
}

// stage adds a stage of the pass, where run is for tiles first..last-1, and returns it.
// It is divided by examples, as its neighbours are, unless those that a worker has in hand
// have too few tiles for the filters, which are read for each block of tiles, or there are
// too few examples for all workers.
func (t *winogradPass) stage(run func(w *work, first, last int), touches ...*buffer) *stage {
	const enough = 24
	p, chunk := t.plan, inferenceChunk
	if p.train {
		chunk = trainingChunk
	}
	s := &stage{axis: examples, touches: touches, run: func(w work) { run(&w, w.first*t.count, w.last*t.count) }}
	if t.count*min(chunk, p.batch) < enough || p.batch < 2*chunk {
		s.axis, s.units = units, (p.batch*t.count+kernel.TileRows-1)/kernel.TileRows
		s.run = func(w work) {
			tiles := w.count * t.count
			run(&w, tiles*w.first/s.units, tiles*w.last/s.units)
		}
	}
	p.stage(s)
	return s
}

// room has every worker work in a room of so many floats at least, which all steps
// share.
func (p *plan) room(floats int) {
	if p.roomSize == 0 {
		p.workers = append(p.workers, func(n int) {
			p.rooms = make([][]float32, n)
			for i := range p.rooms {
				p.rooms[i] = alignedFloats(p.roomSize)
			}
		})
	}
	p.roomSize = max(p.roomSize, floats)
}
