package nn

import "inkling/internal/kernel"

// convStep is a convolution with bias and, maybe, ReLU and 2x2 max-pooling.
type convStep struct {
	conv          kernel.Conv
	op            conv2d
	weight, bias  *Param
	names         []string
	noBias        []float32
	input, output *place

	packed  []float32 // the weights as Forward wants them
	version uint64    // of the weights that are packed

	// picture is the input with channels innermost and its border of zeros:
	// the input's own memory, or a copy.
	picture, pictureGradient buffer
	copies                   bool
	// result is the output with channels innermost: the output's own memory,
	// or copied there.
	result buffer
	chosen []uint8 // which position of its window each output came from

	offsets []int32 // where the input of each output's window positions starts
	shards  []convShard
}

// convShard gathers what the examples of one shard contribute to the
// gradients.
type convShard struct {
	filters []float32
	bias    []float32
	pairs   []kernel.Pair
}

func newConvStep(op conv2d, params []*Param, names map[*Param]string, input, output *place, pool bool, examples, shards int, train bool) *convStep {
	s := &convStep{op: op, weight: params[0], input: input, output: output}
	s.names = append(s.names, names[params[0]])
	if len(params) > 1 {
		s.bias = params[1]
		s.names = append(s.names, names[params[1]])
	} else {
		s.noBias = alignedFloats(paddedChannels(op.out))
	}
	stored := storedChannels(op.in)
	height, width := input.shape[1]+2*op.before[0], input.shape[2]+2*op.before[1]
	s.conv = kernel.Conv{Channels: op.out, KernelRows: op.kernel[0], Run: op.runLength(), InRow: width * stored,
		StepX: op.stride[1] * stored, StepY: op.stride[0] * width * stored,
		OutHeight: output.shape[1], OutWidth: output.shape[2], OutPixel: storedChannels(op.out), ReLU: output.relu, Pool: pool}
	s.packed = alignedFloats(s.conv.PackedWeights())

	s.picture, s.pictureGradient = input.values, input.gradient
	if s.copies = op.before[0] > 0 || !input.channelsLast && op.in > 1; s.copies {
		s.picture = newBuffer(examples, height*width*stored)
		if input.gradient.data != nil {
			s.pictureGradient = newBuffer(examples, height*width*stored)
		}
	}
	s.result = output.values
	if !output.channelsLast {
		s.result = newBuffer(examples, output.shape[1]*output.shape[2]*s.conv.OutPixel)
	}
	if train {
		s.prepareBackward(shards, examples)
	}
	return s
}

func (s *convStep) prepareBackward(shards, examples int) {
	pixels := s.conv.OutHeight * s.conv.OutWidth
	s.chosen = make([]uint8, len(s.result.data))
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
	for range shards {
		s.shards = append(s.shards, convShard{
			filters: alignedFloats(len(s.weight.data)),
			bias:    alignedFloats(paddedChannels(s.op.out)),
			pairs:   make([]kernel.Pair, pixels+1),
		})
	}
}

// repack follows changes that somebody else made to the weights.
func (s *convStep) repack() {
	if s.version != s.weight.version {
		s.conv.Pack(s.packed, s.weight.data)
		s.version = s.weight.version
	}
}

func (s *convStep) forward(first, last int) {
	bias := s.noBias
	if s.bias != nil {
		bias = s.bias.data
	}
	for i := first; i < last; i++ {
		if s.copies {
			s.copyPicture(i)
		}
		var chosen []uint8
		if s.chosen != nil {
			chosen = s.chosen[i*s.result.stride:][:s.result.stride]
		}
		s.conv.Forward(s.picture.from(i), s.packed, bias, s.result.part(i, s.result.stride), chosen)
		if !s.output.channelsLast {
			s.copyResult(i)
		}
	}
}

// copyPicture fills the inside of example i's picture.
func (s *convStep) copyPicture(i int) {
	channels, height, width := s.input.shape[0], s.input.shape[1], s.input.shape[2]
	stored := storedChannels(channels)
	from, to := s.input.values.from(i), s.picture.from(i)
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

// addPictureGradient adds the inside of the picture's gradient to the input's.
func (s *convStep) addPictureGradient(i int) {
	channels, height, width := s.input.shape[0], s.input.shape[1], s.input.shape[2]
	stored := storedChannels(channels)
	from, to := s.pictureGradient.from(i), s.input.gradient.from(i)
	pixelStep, channelStep := s.input.pixelStep(), s.input.channelStep()
	for y := range height {
		row := from[(y+s.op.before[0])*s.conv.InRow+s.op.before[1]*stored:]
		for c := range channels {
			plane := to[c*channelStep+y*width*pixelStep:]
			for x := range width {
				plane[x*pixelStep] += row[x*stored+c]
			}
		}
	}
}

// copyResult makes example i's output planar.
func (s *convStep) copyResult(i int) {
	pixels, pixel := s.conv.OutHeight*s.conv.OutWidth, s.conv.OutPixel
	from, to := s.result.part(i, pixels*pixel), s.output.values.from(i)
	for c := range s.op.out {
		plane := to[c*pixels:][:pixels]
		for p := range plane {
			plane[p] = from[p*pixel+c]
		}
	}
}

func (s *convStep) backward(shard, first, last int) {
	sums := &s.shards[shard]
	pixels, filter := s.conv.OutHeight*s.conv.OutWidth, s.conv.Filter()
	pixelStep, channelStep := s.output.pixelStep(), s.output.channelStep()
	for i := first; i < last; i++ {
		result, chosen := s.result.from(i), s.chosen[i*s.result.stride:]
		gradient := s.output.gradient.from(i)
		for channel := range s.op.out {
			n := kernel.Collect(sums.pairs, pixels, s.conv.ReLU, result[channel:], chosen[channel:], s.conv.OutPixel,
				gradient[channel*channelStep:], pixelStep, s.offsets)
			sums.bias[channel] += s.conv.WeightGradient(sums.filters[channel*filter:][:filter], s.picture.from(i), sums.pairs[:n])
		}
		if s.pictureGradient.data == nil {
			continue
		}
		inputGradient := s.pictureGradient.part(i, s.pictureGradient.stride)
		if s.copies {
			clear(inputGradient)
		}
		s.conv.InputGradient(inputGradient, s.weight.data, result, chosen, gradient, pixelStep, channelStep, s.offsets)
		if s.copies {
			s.addPictureGradient(i)
		}
	}
}

func (s *convStep) sharded() bool { return true }

func (s *convStep) trained() []*trained {
	filter, lanes := s.conv.Filter(), kernel.Lanes(s.op.out)
	list := []*trained{{param: s.weight, name: s.names[0], rows: s.op.out, unit: lanes,
		compute: func(destination []float32, from, to, _ int) {
			clear(destination)
			for _, shard := range s.shards {
				part := shard.filters[from*filter : to*filter]
				kernel.Add(destination, part)
				clear(part)
			}
			// The surplus lanes of the filters' rows hold nothing of meaning.
			row := s.conv.FilterRow()
			for at := 0; at < len(destination); at += row {
				clear(destination[at+s.conv.Run : at+row])
			}
		},
		updated: func(from, to int) { s.conv.PackChannels(s.packed, s.weight.data, from, to) },
	}}
	if s.bias != nil {
		list = append(list, &trained{param: s.bias, name: s.names[1], rows: 1, unit: 1,
			compute: func(destination []float32, _, _, _ int) {
				clear(destination)
				for _, shard := range s.shards {
					kernel.Add(destination, shard.bias)
					clear(shard.bias)
				}
			}})
	}
	return list
}
