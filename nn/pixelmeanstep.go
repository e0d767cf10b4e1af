package nn

import "inkling/internal/kernel"

// pixelMeanStep takes the mean over the pixels of every channel, of pictures with the
// channels innermost.
type pixelMeanStep struct {
	input, output    *place
	pixels, channels int
	sums             [][]float64 // of each worker, of all channels
	slopes           [][]float32 // of each worker, of all channels
	adds             bool        // to the gradient of the input
}

// isPixelMean accepts global average poolings, however they are said.
func isPixelMean(n *node) bool {
	if len(n.inputs) != 1 || len(n.inputs[0].shape) != 4 || n.inputs[0].rows() != 1 {
		return false
	}
	switch op := n.op.(type) {
	case meanOver:
		return op.over == [maxRank]bool{2: true, 3: true} && op.bad == 0
	case adaptiveAvgPool2d:
		return n.outputs[0].shape[2:].Elements() == 1
	}
	return false
}

// lowerPixelMean leaves planar pictures to the definition, unless the output is not.
func lowerPixelMean(p *plan, g *group) {
	s := &pixelMeanStep{input: p.place(g.first.inputs[0]), output: p.place(g.output)}
	s.channels, s.pixels = s.input.shape[0], s.input.shape[1:].Elements()
	if !s.input.channelsLast && !s.output.channelsLast {
		lowerDefinition(p, g)
		return
	}
	p.workers = append(p.workers, func(n int) {
		s.sums, s.slopes = nil, nil
		for range n {
			s.sums = append(s.sums, make([]float64, roundUp(s.channels, kernel.TileColumns)))
			s.slopes = append(s.slopes, alignedFloats(s.channels))
		}
	})
	p.byExamples(s.forward, s.input.values, s.output.values)
	if p.backwards(g.first) && s.input.gradient != nil {
		p.later = append(p.later, func() {
			s.adds = s.input.gradient.start()
			p.byExamples(s.backward, s.input.gradient, s.output.gradient)
		})
	}
}

func (s *pixelMeanStep) forward(w work) {
	sums := s.sums[w.worker]
	for i := w.first; i < w.last; i++ {
		x, y := s.input.values.from(&w, i), s.output.values.from(&w, i)[:s.channels]
		clear(sums)
		if s.input.channelsLast {
			kernel.ChannelSums(sums, x, s.pixels, s.input.pixelStep())
		} else {
			for c := range y {
				for _, v := range x[c*s.pixels:][:s.pixels] {
					sums[c] += float64(v)
				}
			}
		}
		for c := range y {
			y[c] = float32(sums[c] / float64(s.pixels))
		}
	}
}

func (s *pixelMeanStep) backward(w work) {
	slopes := s.slopes[w.worker]
	for i := w.first; i < w.last; i++ {
		dx, dy := s.input.gradient.from(&w, i), s.output.gradient.from(&w, i)[:s.channels]
		for c, v := range dy {
			slopes[c] = v / float32(s.pixels)
		}
		for pixel := range s.pixels {
			switch to := dx[pixel*s.input.pixelStep():]; {
			case !s.input.channelsLast:
				for c, v := range slopes {
					if at := &dx[c*s.pixels+pixel]; s.adds {
						*at += v
					} else {
						*at = v
					}
				}
			case s.adds:
				kernel.Add(to[:s.channels], slopes)
			default:
				copy(to, slopes)
			}
		}
	}
}
