package nn

import "inkling/internal/kernel"

// winogradSums computes the gradients of filters for the whole batch by Winograd's
// algorithm, some filters at a time: the transformed pixels under a tile times the
// transformed gradients of the tile, added up over all tiles, and transformed back at
// the end.
type winogradSums struct {
	*winogradTiles
	step     *denseConvStep
	together int // tiles
	parts    int // as those of filterSums
	pairs    []int32
	zeros    []float32
	back     [4][]int32 // where the sums of a filter lie, for a block of filters, two and so on
}

// blocksUnder is how many blocks of channels of the input are transformed at a time.
const blocksUnder = 2

func (s *denseConvStep) newWinogradSums() *winogradSums {
	tiles := s.winogradTiles(convWeights)
	f := &winogradSums{winogradTiles: tiles, step: s, together: 32, parts: partCount(s.plan, s.out[1:].Elements()),
		zeros: alignedFloats(roundUp(max(s.op.in, s.op.out), kernel.TileColumns))}
	f.together = min(f.together, roundUp(s.plan.batch*tiles.count, 2))
	for blocks := range f.back {
		for p := range f.products() {
			f.back[blocks] = append(f.back[blocks], int32(p*(blocks+1)*s.op.in*kernel.TileColumns))
		}
	}
	for i := range f.together {
		f.pairs = append(f.pairs, int32(i*kernel.TileColumns), int32(i*kernel.TileColumns))
	}
	return f
}

// unit is how many filters are computed at a time: the pixels are transformed again for
// each.
func (f *winogradSums) unit() int {
	return min(max(roundUp(f.step.op.out/4, kernel.TileColumns), 2*kernel.TileColumns), len(f.back)*kernel.TileColumns)
}

// size is the number of floats of the sums for so many filters: for every product and
// block of filters TileColumns for each channel of the input.
func (f *winogradSums) size(columns int) int {
	return f.products() * roundUp(columns, kernel.TileColumns) * f.step.op.in
}

// steps are the distances between the panels of neighbouring products, of pixels and of
// gradients.
func (f *winogradSums) steps(columns int) (under, slopes int) {
	panel := f.together * kernel.TileColumns
	return panelStep(blocksUnder * panel), panelStep(roundUp(columns, kernel.TileColumns) / kernel.TileColumns * panel)
}

func (f *winogradSums) scratch() int {
	columns := min(f.unit(), f.step.op.out)
	under, slopes := f.steps(columns)
	size := f.size(columns)
	return size + partsScratch(f.parts, size) + f.products()*(under+slopes) + packRoom
}

// compute sets destination to the gradients of filters from..to-1.
func (f *winogradSums) compute(t *taskWork, destination []float32, from, to int) {
	clear(destination)
	size := len(f.step.weight.data) / f.step.op.out
	for first := from; first < to; first += f.unit() {
		last := min(to, first+f.unit())
		scratch := t.scratch
		sums := scratch[:f.size(last-first)]
		scratch = scratch[len(sums):]
		room := scratch[partsScratch(f.parts, len(sums)):]
		inParts(f.step.plan, f.parts, sums, scratch, func(sums []float32, one, end int) {
			f.add(t, sums, room, first, last, one, end)
		})
		f.unpack(destination[(first-from)*size:], sums, room, last-first)
	}
}

// add adds what examples one..end-1 contribute to filters first..last-1.
func (f *winogradSums) add(t *taskWork, sums, room []float32, first, last, one, end int) {
	const columns = kernel.TileColumns
	s := f.step
	w := work{worker: t.worker, first: one, last: end, count: s.plan.count}
	underStep, slopeStep := f.steps(last - first)
	under, slopes, scratch := room[:f.products()*underStep], room[f.products()*underStep:][:f.products()*slopeStep], room[f.products()*(underStep+slopeStep):]
	panel := f.together * columns
	blocks := (last - first + columns - 1) / columns
	for tile := one * f.count; tile < end*f.count; tile += f.together {
		count := min(f.together, end*f.count-tile)
		pairs := f.pairs[:2*count]
		for i := range count {
			_, table := f.tables((tile + i) % f.count)
			kernel.WinogradGather(f.of.Slopes, slopes[i*columns:], s.resultGradient.from(&w, (tile+i)/f.count)[first:], f.zeros, scratch, table, blocks, slopeStep, panel)
		}
		for channel := 0; channel < s.op.in; channel += blocksUnder * columns {
			channels := min(s.op.in-channel, blocksUnder*columns)
			for i := range count {
				table, _ := f.tables((tile + i) % f.count)
				kernel.WinogradGather(f.of.Input, under[i*columns:], s.picture.from(&w, (tile+i)/f.count)[channel:], f.zeros, scratch, table, (channels+columns-1)/columns, underStep, panel)
			}
			for p := range f.products() {
				to, right := sums[(p*blocks*s.op.in+channel)*columns:], slopes[p*slopeStep:]
				for at := 0; at < channels; {
					// Panels of 16 are taken as 6, 5 and 5 rows.
					rows := min(channels-at, 5)
					if at%columns == 0 {
						rows = min(channels-at, 6)
					}
					kernel.OuterTile(to[at*columns:], under[p*underStep+at/columns*panel+at%columns:], right, pairs, rows, blocks, s.op.in*columns, panel)
					at += rows
				}
			}
		}
	}
}

// unpack transforms sums back and puts them where the parameter has them.
func (f *winogradSums) unpack(destination, sums, room []float32, filters int) {
	const columns = kernel.TileColumns
	s := f.step
	strides, size := s.strides, len(s.weight.data)/s.op.out
	square, scratch := room[:9*columns], room[9*columns:]
	blocks := (filters + columns - 1) / columns
	for block := range blocks {
		width := min(filters-block*columns, columns)
		for c := range s.op.in {
			kernel.WinogradGather(f.of.FilterGradient, square, sums[(block*s.op.in+c)*columns:], f.zeros, scratch, f.back[blocks-1], 1, columns, 0)
			for k := range 9 {
				to := destination[block*columns*size+c*strides[1]+k/3*strides[2]+k%3*strides[3]:]
				for j, v := range square[k*columns:][:width] {
					to[j*size] = v
				}
			}
		}
	}
}
