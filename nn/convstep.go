package nn

import "inkling/internal/kernel"

// convStep is a convolution with bias and, maybe, ReLU and 2x2 max-pooling.
type convStep struct {
	plan          *plan
	conv          kernel.Conv
	op            conv2d
	weight, bias  *Param
	noBias        []float32
	input, output *place

	packed  []float32 // the weights as Forward wants them
	version uint64    // of the weights that are packed

	// picture is the input with channels innermost and its border of zeros:
	// the input's own memory, or a copy.
	picture, pictureGradient *buffer
	copies                   bool
	adds                     bool // to the gradient of the input
	// result is the output with channels innermost: the output's own memory,
	// or copied there.
	result *buffer
	// chosen is which position of its window each output came from, without
	// pooling always the first. It has chosenStride bytes for an example.
	chosen       []uint8
	chosenStride int

	offsets []int32 // where the input of each output's window positions starts
	// The sums of what the examples of each shard contribute to the gradients;
	// of a large filter nil, and computed by rows.
	filters, biases [][]float32
	pairs           [][]kernel.Pair // of each worker
}

func lowerConv(p *plan, g *group) {
	op := g.first.op.(conv2d)
	input, output := p.place(g.first.inputs[0]), p.place(g.output)
	s := &convStep{plan: p, op: op, weight: g.first.params[0], input: input, output: output}
	output.relu = g.taken[0]
	if len(g.first.params) > 1 {
		s.bias = g.first.params[1]
	} else {
		s.noBias = alignedFloats(paddedChannels(op.out))
	}
	stored := storedChannels(op.in)
	height, width := input.shape[1]+op.before[0]+op.after[0], input.shape[2]+op.before[1]+op.after[1]
	s.conv = kernel.Conv{Channels: op.out, KernelRows: op.kernel[0], Run: op.runLength(), InRow: width * stored,
		StepX: op.stride[1] * stored, StepY: op.stride[0] * width * stored,
		OutHeight: output.shape[1], OutWidth: output.shape[2], OutPixel: storedChannels(op.out), ReLU: output.relu, Pool: g.taken[1]}
	s.packed = p.packed(s.conv.PackedWeights())

	touches := []*buffer{input.values, output.values}
	pads := op.before != [2]int{} || op.after != [2]int{}
	s.picture = input.values
	if s.copies = pads || !input.channelsLast && op.in > 1; s.copies {
		s.picture = p.eachExample(height*width*stored, true)
		s.picture.zeros = pads || stored != op.in
		touches = append(touches, s.picture)
	}
	s.result = output.values
	if !output.channelsLast {
		s.result = p.eachExample(output.shape[1]*output.shape[2]*s.conv.OutPixel, true)
		s.result.zeros = false
		touches = append(touches, s.result)
	}
	if p.train {
		s.chosenStride = s.result.stride
		if s.conv.Pool {
			s.chosen = make([]uint8, p.batch*s.chosenStride)
		} else {
			s.chosen, s.chosenStride = make([]uint8, s.chosenStride), 0
		}
	}
	p.refresh = append(p.refresh, s.repack)
	p.followed = append(p.followed, func() { s.version = s.weight.version })
	p.by("direct")
	p.byExamples(s.forward, touches...)
	if p.backwards(g.first) {
		p.later = append(p.later, s.lowerBackward)
	}
}

func (s *convStep) lowerBackward() {
	p := s.plan
	p.by("direct, without what is zero")
	touches := []*buffer{s.picture, s.output.gradient}
	if s.conv.ReLU {
		touches = append(touches, s.result)
	}
	if s.input.gradient != nil {
		s.adds = s.input.gradient.start()
		s.pictureGradient = s.input.gradient
		if s.copies {
			b := *s.picture
			b.zeros = false
			s.pictureGradient = p.newBuffer(b)
			touches = append(touches, s.pictureGradient)
		}
		touches = append(touches, s.input.gradient)
	}
	window := 1
	if s.conv.Pool {
		window = 2
	}
	for y := range s.conv.OutHeight {
		for x := range s.conv.OutWidth {
			at := int32(y*window*s.conv.StepY + x*window*s.conv.StepX)
			s.offsets = append(s.offsets, at, at+int32(s.conv.StepX), at+int32(s.conv.StepY), at+int32(s.conv.StepX+s.conv.StepY))
		}
	}
	pixels := s.conv.OutHeight * s.conv.OutWidth
	p.workers = append(p.workers, func(n int) {
		s.pairs = nil
		for range n {
			s.pairs = append(s.pairs, make([]kernel.Pair, pixels+1))
		}
	})
	learnsBias := s.bias != nil && p.trains(s.bias)
	if !p.trains(s.weight) && !learnsBias {
		if s.pictureGradient != nil {
			p.byExamples(s.backwardInput, touches...)
		}
		return
	}
	if len(s.weight.data) >= largeParam {
		if s.pictureGradient != nil {
			p.byExamples(s.backwardInput, touches...)
		}
		s.contributeRows(touches)
		return
	}
	for range p.shards {
		s.filters = append(s.filters, p.sums(len(s.weight.data)))
		s.biases = append(s.biases, p.sums(paddedChannels(s.op.out)))
	}
	p.stage(&stage{axis: examples, run: s.backward, sharded: true, touches: touches})
	filter, lanes := s.conv.Filter(), kernel.Lanes(s.op.out)
	p.contribute(s.weight, contribution{rows: s.op.out, unit: lanes, cost: 2 * filter,
		compute: func(_ *taskWork, destination []float32, from, to int) {
			sumShards(s.filters, from*filter, to*filter)
			copy(destination, s.filters[0][from*filter:])
			for _, part := range s.filters {
				clear(part[from*filter : to*filter])
			}
			s.clearLanes(destination)
		},
		updated: s.updated,
	})
	if s.bias != nil && p.trains(s.weight) != learnsBias { // what nobody takes must not pile up
		p.stage(&stage{axis: once, run: func(work) {
			for shard := range s.filters {
				if !learnsBias {
					clear(s.biases[shard])
				} else {
					clear(s.filters[shard])
				}
			}
		}})
	}
	if s.bias != nil {
		p.contribute(s.bias, contribution{rows: 1, unit: 1,
			compute: func(_ *taskWork, destination []float32, _, _ int) {
				sumShards(s.biases, 0, len(s.biases[0]))
				copy(destination, s.biases[0])
				for _, part := range s.biases {
					clear(part)
				}
			}})
	}
}

// clearLanes sets the surplus lanes of filters' rows, which hold nothing of
// meaning, to zero.
func (s *convStep) clearLanes(filters []float32) {
	row := s.conv.FilterRow()
	if s.conv.Run == row {
		return
	}
	for at := 0; at < len(filters); at += row {
		clear(filters[at+s.conv.Run : at+row])
	}
}

func (s *convStep) updated(from, to int) { s.conv.PackChannels(s.packed, s.weight.data, from, to) }

// contributeRows has the gradients computed filter by filter, for the whole batch.
func (s *convStep) contributeRows(touches []*buffer) {
	p, filter, lanes := s.plan, s.conv.Filter(), kernel.Lanes(s.op.out)
	// One filter's gradient, and behind it its bias's.
	size := filter + 8
	levels := treeLevels(p.shards)
	var biases []float32
	pixelStep, channelStep := s.output.pixelStep(), s.output.channelStep()
	compute := func(t *taskWork, destination []float32, from, to int) {
		for channel := from; channel < to; channel++ {
			sum := t.scratch[:size]
			treeSum(sum, t.scratch[size:], p.shards, func(part []float32, shard int) {
				clear(part)
				w := work{worker: t.worker, shard: shard, first: p.count * shard / p.shards, last: p.count * (shard + 1) / p.shards}
				for i := w.first; i < w.last; i++ {
					e := s.slopesOf(&w, i)
					part[filter] += s.addFilter(&e, s.pairs[t.worker], channel, pixelStep, channelStep, part[:filter])
				}
			})
			if destination != nil {
				copy(destination[(channel-from)*filter:], sum[:filter])
			}
			if biases != nil {
				biases[channel] = sum[filter]
			}
		}
		s.clearLanes(destination)
	}
	if s.bias != nil {
		biases = alignedFloats(paddedChannels(s.op.out))
	}
	p.contribute(s.weight, contribution{rows: s.op.out, unit: lanes, compute: compute, updated: s.updated, early: true, touches: touches,
		scratch: size * (1 + levels), cost: 4 * filter * p.batch})
	if s.bias == nil {
		return
	}
	// With the gradients of the filters come those of the biases, if they are wanted.
	bias := contribution{rows: 1, unit: 1, compute: func(_ *taskWork, destination []float32, _, _ int) {
		copy(destination, biases)
	}}
	if !p.trains(s.weight) {
		bias.early, bias.touches, bias.scratch = true, touches, size*(1+levels)
		bias.compute = func(t *taskWork, destination []float32, _, _ int) {
			compute(t, nil, 0, s.op.out)
			copy(destination, biases)
		}
	}
	p.contribute(s.bias, bias)
}

// repack follows changes that somebody else made to the weights.
func (s *convStep) repack() {
	if s.version != s.weight.version {
		s.conv.Pack(s.packed, s.weight.data)
		s.version = s.weight.version
	}
}

func (s *convStep) forward(w work) {
	bias := s.noBias
	if s.bias != nil {
		bias = s.bias.data
	}
	for i := w.first; i < w.last; i++ {
		if s.copies {
			s.copyPicture(&w, i)
		}
		var chosen []uint8
		if s.conv.Pool && s.chosen != nil {
			chosen = s.chosen[i*s.chosenStride:][:s.chosenStride]
		}
		s.conv.Forward(s.picture.from(&w, i), s.packed, bias, s.result.from(&w, i)[:s.result.stride], chosen)
		if !s.output.channelsLast {
			s.copyResult(&w, i)
		}
	}
}

// copyPicture fills the inside of example i's picture.
func (s *convStep) copyPicture(w *work, i int) {
	channels, height, width := s.input.shape[0], s.input.shape[1], s.input.shape[2]
	stored := storedChannels(channels)
	from, to := s.input.values.from(w, i), s.picture.from(w, i)
	pixelStep, channelStep := s.input.pixelStep(), s.input.channelStep()
	for y := range height {
		row := to[(y+s.op.before[0])*s.conv.InRow+s.op.before[1]*stored:][:width*stored]
		line := from[y*width*pixelStep:]
		if pixelStep == stored {
			copy(row, line)
			continue
		}
		for c := range channels {
			at := c
			for _, v := range line[c*channelStep:][:width] {
				row[at] = v
				at += stored
			}
		}
	}
}

// putPictureGradient sets the input's gradient to the inside of the picture's, or
// adds that.
func (s *convStep) putPictureGradient(w *work, i int) {
	channels, height, width := s.input.shape[0], s.input.shape[1], s.input.shape[2]
	stored := storedChannels(channels)
	from, to := s.pictureGradient.from(w, i), s.input.gradient.from(w, i)
	pixelStep, channelStep := s.input.pixelStep(), s.input.channelStep()
	if !s.adds {
		clear(s.input.gradient.part(w, i))
	}
	for y := range height {
		row := from[(y+s.op.before[0])*s.conv.InRow+s.op.before[1]*stored:][:width*stored]
		if pixelStep == stored {
			kernel.Add(to[y*width*pixelStep:][:width*stored], row)
			continue
		}
		for c := range channels {
			plane := to[c*channelStep+y*width*pixelStep:]
			for x := range width {
				plane[x*pixelStep] += row[x*stored+c]
			}
		}
	}
}

// copyResult makes example i's output planar.
func (s *convStep) copyResult(w *work, i int) {
	pixels, pixel := s.conv.OutHeight*s.conv.OutWidth, s.conv.OutPixel
	from, to := s.result.from(w, i)[:pixels*pixel], s.output.values.from(w, i)
	for c := range s.op.out {
		plane := to[c*pixels:][:pixels]
		for p := range plane {
			plane[p] = from[p*pixel+c]
		}
	}
}

// slopes are what of an example decides its contribution to a convolution's
// gradients.
type slopes struct {
	picture, result, gradient []float32
	chosen                    []uint8
}

func (s *convStep) slopesOf(w *work, i int) slopes {
	gradient := s.output.gradient.from(w, i)
	result := gradient // without a ReLU it is not read, and may not be there any more
	if s.conv.ReLU {
		result = s.result.from(w, i)
	}
	return slopes{s.picture.from(w, i), result, gradient, s.chosen[i*s.chosenStride:]}
}

// addFilter adds what an example contributes to the gradient of a channel's filter,
// and returns what it contributes to that of its bias.
func (s *convStep) addFilter(e *slopes, pairs []kernel.Pair, channel, pixelStep, channelStep int, filter []float32) (bias float32) {
	n := kernel.Collect(pairs, len(pairs)-1, s.conv.ReLU, e.result[channel:], e.chosen[channel:], s.conv.OutPixel,
		e.gradient[channel*channelStep:], pixelStep, s.offsets)
	return s.conv.WeightGradient(filter, e.picture, pairs[:n])
}

func (s *convStep) backward(w work) {
	filters, biases, filter, pairs := s.filters[w.shard], s.biases[w.shard], s.conv.Filter(), s.pairs[w.worker]
	pixelStep, channelStep := s.output.pixelStep(), s.output.channelStep()
	for i := w.first; i < w.last; i++ {
		e := s.slopesOf(&w, i)
		for channel := range s.op.out {
			biases[channel] += s.addFilter(&e, pairs, channel, pixelStep, channelStep, filters[channel*filter:][:filter])
		}
		if s.pictureGradient != nil {
			s.addInputGradient(&w, i)
		}
	}
}

func (s *convStep) backwardInput(w work) {
	for i := w.first; i < w.last; i++ {
		s.addInputGradient(&w, i)
	}
}

func (s *convStep) addInputGradient(w *work, i int) {
	gradient := s.pictureGradient.from(w, i)[:s.pictureGradient.stride]
	if s.copies || !s.adds {
		clear(gradient)
	}
	s.conv.InputGradient(gradient, s.weight.data, s.result.from(w, i), s.chosen[i*s.chosenStride:], s.output.gradient.from(w, i),
		s.output.pixelStep(), s.output.channelStep(), s.offsets)
	if s.copies {
		s.putPictureGradient(w, i)
	}
}
