package nn

import "inkling/internal/kernel"

// channelSums computes the gradients of the filters of a depthwise convolution for
// the whole batch, TileColumns channels at a time.
type channelSums struct {
	step  *denseConvStep
	pairs [][]int32 // for each position of the filter, the pixels and the gradients of an example that it multiplies
	parts int
}

func (s *denseConvStep) newChannelSums() *channelSums {
	f := &channelSums{step: s, pairs: make([][]int32, s.positions), parts: partCount(s.plan, s.out[1:].Elements())}
	for p, row := range convRows(s.op, s.in, s.out, s.stored[0], 0, 0, 0) {
		for k, at := range row.in {
			if at >= 0 {
				f.pairs[k] = append(f.pairs[k], at, int32(p*s.stored[1]))
			}
		}
	}
	return f
}

func (f *channelSums) scratch() int {
	sums := len(f.pairs) * kernel.TileColumns
	return sums + partsScratch(f.parts, sums)
}

// compute sets destination to the gradients of channels from..to-1.
func (f *channelSums) compute(t *taskWork, destination []float32, from, to int) {
	s := f.step
	clear(destination)
	strides, size := s.strides, len(s.weight.data)/s.op.out
	sums, scratch := t.scratch[:len(f.pairs)*kernel.TileColumns], t.scratch[len(f.pairs)*kernel.TileColumns:]
	for first := from; first < to; first += kernel.TileColumns {
		inParts(s.plan, f.parts, sums, scratch, func(sums []float32, one, end int) {
			w := work{worker: t.worker, first: one, last: end, count: s.plan.count}
			for i := one; i < end; i++ {
				picture, gradient := s.picture.from(&w, i)[first:], s.resultGradient.from(&w, i)[first:]
				for k, pairs := range f.pairs {
					kernel.ProductTile(sums[k*kernel.TileColumns:], picture, gradient, pairs)
				}
			}
		})
		for j := range min(to-first, kernel.TileColumns) {
			for k := range f.pairs {
				destination[(first-from+j)*size+k/s.op.kernel[1]*strides[2]+k%s.op.kernel[1]*strides[3]] = sums[k*kernel.TileColumns+j]
			}
		}
	}
}

// biasSums computes the gradients of a convolution's biases for the whole batch.
type biasSums struct {
	step  *denseConvStep
	rows  int // parts of the bias
	ones  []float32
	pairs []int32
	parts int
}

func (s *denseConvStep) newBiasSums() *biasSums {
	f := &biasSums{step: s, rows: 1, ones: make([]float32, kernel.TileColumns), parts: partCount(s.plan, s.out[1:].Elements())}
	if n := len(s.bias.data); n%kernel.TileColumns == 0 {
		f.rows = n / kernel.TileColumns
	}
	for i := range f.ones {
		f.ones[i] = 1
	}
	for p := range s.out[1:].Elements() {
		f.pairs = append(f.pairs, 0, int32(p*s.stored[1]))
	}
	return f
}

func (f *biasSums) scratch() int {
	return kernel.TileColumns + partsScratch(f.parts, kernel.TileColumns)
}

// compute sets destination to the gradients of rows from..to-1.
func (f *biasSums) compute(t *taskWork, destination []float32, from, to int) {
	s := f.step
	clear(destination)
	start := from * (len(s.bias.data) / f.rows)
	sums, scratch := t.scratch[:kernel.TileColumns], t.scratch[kernel.TileColumns:]
	for at := 0; at < len(destination) && start+at < s.op.out; at += kernel.TileColumns {
		inParts(s.plan, f.parts, sums, scratch, func(sums []float32, one, end int) {
			w := work{worker: t.worker, first: one, last: end, count: s.plan.count}
			for i := one; i < end; i++ {
				kernel.ProductTile(sums, f.ones, s.resultGradient.from(&w, i)[start+at:], f.pairs)
			}
		})
		copy(destination[at:], sums[:min(s.op.out-start-at, kernel.TileColumns)])
	}
}
