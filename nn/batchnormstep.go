package nn

import (
	"math"

	"inkling/internal/kernel"
)

// batchNormStep is a BatchNorm and, maybe, the ReLU or ReLU6 behind it, for pictures
// in either layout. In training it has three stages each way: what every shard of the
// batch contributes to the statistics, the statistics of every channel, and the
// examples.
type batchNormStep struct {
	plan          *plan
	op            batchNorm
	node          *node
	input, output *place
	adds          bool
	channels      int
	pixels        int
	// low and high are what the outputs are kept between.
	low, high float32
	// innermost: channels are, in whole blocks; then kernels do the work.
	innermost bool
	scratch   [][]float64 // of each worker, for the sums of an example

	// moments[shard][channel] is the number, the mean and the sum of squared
	// deviations of what the shard has seen; sums[shard][channel] the sum of the
	// gradients and of their products with the normalised values.
	moments [][]moments
	sums    [][][2]float64
	// mean and inverse normalise a channel; scale and shift are what is left to do
	// to a value, and back is what each gradient, each value and every element gets in
	// the backward pass.
	mean, inverse, scale, shift []float64
	back                        [3][]float64
	dWeight, dBias              []float32
}

// moments are the number of some values, their mean and the sum of the squares of
// their deviations from it.
type moments struct{ n, mean, squares float64 }

// add joins the moments of other values: Chan, Golub and LeVeque 1979, "Updating
// formulae and a pairwise algorithm for computing sample variances".
func (m moments) add(o moments) moments {
	if o.n == 0 {
		return m
	}
	n := m.n + o.n
	delta := o.mean - m.mean
	return moments{n, m.mean + delta*o.n/n, m.squares + o.squares + delta*delta*m.n*o.n/n}
}

func lowerBatchNorm(p *plan, g *group) {
	op := g.first.op.(batchNorm)
	in := p.place(g.first.inputs[0])
	if in.rows != 1 {
		lowerDefinition(p, g)
		return
	}
	s := &batchNormStep{plan: p, op: op, node: g.first, input: in, output: p.place(g.output), channels: op.features, pixels: in.shape[1:].Elements()}
	s.low, s.high = g.limits(0)
	blocks := roundUp(s.channels, kernel.TileColumns)
	s.innermost = in.channelsLast && in.pixelStep() == blocks
	numbers := func() []float64 { return make([]float64, blocks) }
	p.workers = append(p.workers, func(n int) {
		s.scratch = nil
		for range n {
			s.scratch = append(s.scratch, make([]float64, 3*blocks))
		}
	})
	s.mean, s.inverse, s.scale, s.shift = numbers(), numbers(), numbers(), numbers()
	p.forget = append(p.forget, s.forget)
	used := versionsOf(g.first)
	if op.ofBatch() {
		shards := p.shards
		if !p.train {
			shards = (p.batch + inferenceChunk - 1) / inferenceChunk
		}
		for range shards {
			s.moments = append(s.moments, make([]moments, s.channels))
		}
		p.stage(&stage{axis: examples, run: s.observe, sharded: true, statistics: true, touches: []*buffer{in.values}})
		p.stage(&stage{axis: units, units: s.channels, run: s.settle, statistics: true})
	} else {
		p.refresh = append(p.refresh, func() {
			if used.changed() {
				s.settle(work{last: s.channels})
			}
		})
	}
	// The backward pass reads the input, so the output can be made again of it.
	backwards := p.backwards(g.first)
	p.stage(&stage{axis: examples, run: s.forward, cheap: backwards, touches: []*buffer{in.values, s.output.values}})
	if backwards {
		p.later = append(p.later, s.lowerBackward)
	}
}

// at returns where channel c of example i starts, and the distance between its
// pixels.
func (s *batchNormStep) at(at *place, data []float32, c int) (values []float32, step int) {
	return data[c*at.channelStep():], at.pixelStep()
}

// forget drops what the shards have seen in a step that did not end.
func (s *batchNormStep) forget() {
	for _, shard := range s.moments {
		clear(shard)
	}
	for _, shard := range s.sums {
		clear(shard)
	}
}

// observe adds examples to the moments of their shard.
func (s *batchNormStep) observe(w work) {
	shard := s.moments[w.shard]
	for i := w.first; i < w.last; i++ {
		data := s.input.values.from(&w, i)
		if s.innermost {
			s.observeBlocks(shard, data, s.scratch[w.worker])
			continue
		}
		for c := range s.channels {
			x, step := s.at(s.input, data, c)
			var sum, squares float64
			for p := range s.pixels {
				sum += float64(x[p*step])
			}
			mean := sum / float64(s.pixels)
			for p := range s.pixels {
				d := float64(x[p*step]) - mean
				squares += d * d
			}
			shard[c] = shard[c].add(moments{float64(s.pixels), mean, squares})
		}
	}
}

// observeBlocks adds an example whose channels are innermost to the moments of its
// shard.
func (s *batchNormStep) observeBlocks(shard []moments, data []float32, scratch []float64) {
	step := s.input.pixelStep()
	sums, means, squares := scratch[:step], scratch[step:2*step], scratch[2*step:]
	clear(scratch)
	kernel.ChannelSums(sums, data, s.pixels, step)
	for c, sum := range sums {
		means[c] = sum / float64(s.pixels)
	}
	kernel.ChannelSquares(squares, means, data, s.pixels, step)
	for c := range shard {
		shard[c] = shard[c].add(moments{float64(s.pixels), means[c], squares[c]})
	}
}

// settle computes what some channels are normalised by.
func (s *batchNormStep) settle(w work) {
	for c := w.first; c < w.last; c++ {
		if s.op.ofBatch() {
			all := s.shardMoments(c)
			s.mean[c], s.inverse[c] = all.mean, 1/math.Sqrt(all.squares/all.n+s.op.eps)
			s.follow(c, all)
		} else {
			s.mean[c], s.inverse[c] = s.op.settled(s.node, c)
		}
		s.scale[c], s.shift[c] = affineOf(s.node, c, s.mean[c], s.inverse[c])
	}
}

// settled returns the running mean of a channel, and what its deviations from it are
// multiplied by.
func (b batchNorm) settled(n *node, c int) (mean, inverse float64) {
	return float64(n.buffers[0].data[c]), 1 / math.Sqrt(float64(n.buffers[1].data[c])+b.eps)
}

// affineOf returns by what a BatchNorm multiplies a channel with these statistics, and
// what it adds then.
func affineOf(n *node, c int, mean, inverse float64) (scale, shift float64) {
	scale = inverse
	if len(n.params) > 0 {
		scale *= float64(n.params[0].data[c])
		shift = float64(n.params[1].data[c])
	}
	return scale, shift - mean*scale
}

// shardMoments joins the moments of the shards in pairs, pairs of pairs and so on,
// as sumShards adds, and clears them.
func (s *batchNormStep) shardMoments(c int) moments {
	for step := 1; step < len(s.moments); step *= 2 {
		for i := 0; i+step < len(s.moments); i += 2 * step {
			s.moments[i][c] = s.moments[i][c].add(s.moments[i+step][c])
		}
	}
	all := s.moments[0][c]
	for _, shard := range s.moments {
		shard[c] = moments{}
	}
	return all
}

// follow brings the running statistics of a channel up to date.
func (s *batchNormStep) follow(c int, all moments) {
	if !s.op.training || !s.op.running || !s.plan.train {
		return
	}
	b := s.node.buffers
	momentum := s.op.momentum
	if momentum == 0 {
		momentum = 1 / (float64(b[2].data[0]) + 1)
	}
	b[0].data[c] = kernel.Flush(float32((1-momentum)*float64(b[0].data[c]) + momentum*all.mean))
	b[1].data[c] = kernel.Flush(float32((1-momentum)*float64(b[1].data[c]) + momentum*all.squares/max(all.n-1, 1)))
}

func (s *batchNormStep) forward(w work) {
	if w.first == 0 && !w.again && s.op.training && s.op.running && s.plan.train {
		s.node.buffers[2].data[0]++ // read by settle, a barrier before
		changeBuffers(s.node)
	}
	for i := w.first; i < w.last; i++ {
		from, to := s.input.values.from(&w, i), s.output.values.from(&w, i)
		if s.innermost {
			kernel.ScaleChannels(to, from, s.scale, s.shift, s.pixels, s.input.pixelStep(), s.low, s.high)
			continue
		}
		for c := range s.channels {
			x, step := s.at(s.input, from, c)
			y, out := s.at(s.output, to, c)
			scale, shift := s.scale[c], s.shift[c]
			for p := range s.pixels {
				v := float32(float64(x[p*step])*scale + shift)
				switch {
				case v < s.low:
					v = s.low
				case v > s.high:
					v = s.high
				}
				y[p*out] = v
			}
		}
	}
}

// rectified returns what tells which outputs were between low and high: they
// themselves, and if they are not limited the inputs, which are kept anyway.
func (s *batchNormStep) rectified() *buffer {
	if math.IsInf(float64(s.low), -1) && math.IsInf(float64(s.high), 1) {
		return s.input.values
	}
	return s.output.values
}

func (s *batchNormStep) lowerBackward() {
	p := s.plan
	touches := []*buffer{s.input.values, s.rectified(), s.output.gradient}
	for range p.shards {
		s.sums = append(s.sums, make([][2]float64, s.channels))
	}
	for i := range s.back {
		s.back[i] = make([]float64, len(s.mean))
	}
	s.dWeight, s.dBias = make([]float32, s.channels), make([]float32, s.channels)
	p.stage(&stage{axis: examples, run: s.observeGradients, sharded: true, touches: touches})
	p.stage(&stage{axis: units, units: s.channels, run: s.settleGradients})
	if s.input.gradient != nil {
		if s.adds = s.input.gradient.start(); s.adds {
			p.byExamples(s.backward, append(touches, s.input.gradient)...)
		} else {
			p.overwriting(s.backward, s.input.gradient, s.output.gradient, s.input.values, s.rectified())
		}
	}
	for i, param := range s.node.params {
		p.contribute(param, contribution{rows: 1, unit: 1, compute: func(_ *taskWork, destination []float32, _, _ int) {
			copy(destination, [][]float32{s.dWeight, s.dBias}[i])
		}})
	}
}

// observeGradients adds examples to the sums of their shard.
func (s *batchNormStep) observeGradients(w work) {
	sums := s.sums[w.shard]
	for i := w.first; i < w.last; i++ {
		xs, ys, ds := s.input.values.from(&w, i), s.rectified().from(&w, i), s.output.gradient.from(&w, i)
		if s.innermost {
			s.observeGradientBlocks(sums, xs, ys, ds, s.scratch[w.worker])
			continue
		}
		for c := range s.channels {
			x, step := s.at(s.input, xs, c)
			y, out := s.at(s.output, ys, c)
			d, _ := s.at(s.output, ds, c)
			var sum, dot float64
			for p := range s.pixels {
				if v := y[p*out]; !(s.low < v && v < s.high) {
					continue
				}
				slope := float64(d[p*out])
				sum += slope
				dot += slope * (float64(x[p*step]) - s.mean[c])
			}
			sums[c][0] += sum
			sums[c][1] += dot * s.inverse[c]
		}
	}
}

// observeGradientBlocks adds an example whose channels are innermost to the sums of
// its shard.
func (s *batchNormStep) observeGradientBlocks(shard [][2]float64, x, y, slopes []float32, scratch []float64) {
	step := s.input.pixelStep()
	sums, products := scratch[:step], scratch[step:2*step]
	clear(scratch)
	kernel.ChannelProducts(sums, products, s.mean, slopes, x, y, s.pixels, step, s.low, s.high)
	for c := range shard {
		shard[c][0] += sums[c]
		shard[c][1] += products[c] * s.inverse[c]
	}
}

// settleGradients computes the gradients of weight and bias, and what the
// gradients of some channels' inputs are made of.
func (s *batchNormStep) settleGradients(w work) {
	for c := w.first; c < w.last; c++ {
		for step := 1; step < len(s.sums); step *= 2 {
			for i := 0; i+step < len(s.sums); i += 2 * step {
				s.sums[i][c][0] += s.sums[i+step][c][0]
				s.sums[i][c][1] += s.sums[i+step][c][1]
			}
		}
		sum, dot := s.sums[0][c][0], s.sums[0][c][1]
		for _, shard := range s.sums {
			shard[c] = [2]float64{}
		}
		s.dWeight[c], s.dBias[c] = float32(dot), float32(sum)
		s.back[0][c], s.back[1][c], s.back[2][c] = s.scale[c], 0, 0
		if s.op.ofBatch() {
			n := float64(s.plan.count * s.pixels)
			s.back[1][c] = -s.scale[c] * s.inverse[c] * dot / n
			s.back[2][c] = -s.scale[c]*sum/n - s.back[1][c]*s.mean[c]
		}
	}
}

func (s *batchNormStep) backward(w work) {
	for i := w.first; i < w.last; i++ {
		xs, ys, ds, to := s.input.values.from(&w, i), s.rectified().from(&w, i), s.output.gradient.from(&w, i), s.input.gradient.from(&w, i)
		if s.innermost {
			kernel.CombineChannels(to, ds, xs, ys, s.back[0], s.back[1], s.back[2], s.pixels, s.input.pixelStep(), s.low, s.high, s.adds)
			continue
		}
		for c := range s.channels {
			x, step := s.at(s.input, xs, c)
			y, out := s.at(s.output, ys, c)
			d, _ := s.at(s.output, ds, c)
			dx, _ := s.at(s.input, to, c)
			a, b, shift := s.back[0][c], s.back[1][c], s.back[2][c]
			for p := range s.pixels {
				sum := b*float64(x[p*step]) + shift
				if v := y[p*out]; s.low < v && v < s.high {
					sum += a * float64(d[p*out])
				}
				v := float32(sum)
				if s.adds {
					v += dx[p*step]
				}
				dx[p*step] = v
			}
		}
	}
}
