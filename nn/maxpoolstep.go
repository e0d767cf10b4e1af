package nn

import "math"

// maxPoolStep is a max-pooling of pictures with the channels innermost.
type maxPoolStep struct {
	op            maxPool2d
	input, output *place
	chosen        *buffer // for each output the pixel of the input, in training
	adds          bool    // to the gradient of the input
}

func isMaxPool(n *node) bool { return is[maxPool2d](n.op) && n.inputs[0].rows() == 1 }

// lowerMaxPool leaves planar pictures to the definition.
func lowerMaxPool(p *plan, g *group) {
	s := &maxPoolStep{op: g.first.op.(maxPool2d), input: p.place(g.first.inputs[0]), output: p.place(g.output)}
	if !s.input.channelsLast || !s.output.channelsLast {
		lowerDefinition(p, g)
		return
	}
	touches := []*buffer{s.input.values, s.output.values}
	if p.backwards(g.first) && s.input.gradient != nil {
		size := s.output.shape.Elements()
		s.chosen = p.newBuffer(buffer{size: size, stride: size, integer: true})
		touches = append(touches, s.chosen)
		p.later = append(p.later, func() {
			s.adds = s.input.gradient.start()
			p.byExamples(s.backward, s.chosen, s.input.gradient, s.output.gradient)
		})
	}
	p.byExamples(s.forward, touches...)
}

// eachPixel calls visit with every pixel of the output, by number, and the rows and
// columns of the input in its window.
func (s *maxPoolStep) eachPixel(visit func(pixel int, rows, columns span)) {
	in, out := s.input.shape, s.output.shape
	for y := range out[1] {
		rows := s.op.span(0, y, in[1])
		for x := range out[2] {
			visit(y*out[2]+x, rows, s.op.span(1, x, in[2]))
		}
	}
}

func (s *maxPoolStep) forward(w work) {
	channels, width, step := s.output.shape[0], s.input.shape[2], s.input.pixelStep()
	for i := w.first; i < w.last; i++ {
		from, to := s.input.values.from(&w, i), s.output.values.from(&w, i)
		var chosen []int32
		if s.chosen != nil {
			chosen = s.chosen.intParts(&w, i, i+1)
		}
		s.eachPixel(func(pixel int, rows, columns span) {
			best := to[pixel*step:][:channels]
			for c := range best {
				best[c] = float32(math.Inf(-1))
			}
			var which []int32
			if chosen != nil {
				which = chosen[pixel*channels:][:channels]
				for c := range which {
					which[c] = -1
				}
			}
			for r := range rows.count {
				for k := range columns.count {
					at := (rows.first+r*rows.step)*width + columns.first + k*columns.step
					if which == nil {
						keepLargest(best, from[at*step:])
					} else {
						chooseLargest(best, which, from[at*step:], int32(at), r == 0 && k == 0)
					}
				}
			}
		})
	}
}

// keepLargest makes best the larger of each two numbers. A NaN is the largest.
func keepLargest(best, x []float32) {
	x = x[:len(best)]
	for c, v := range x {
		if v > best[c] || v != v {
			best[c] = v
		}
	}
}

// chooseLargest is keepLargest that also keeps where the numbers are from; the first
// counts even if it is no larger than anything.
func chooseLargest(best []float32, which []int32, x []float32, at int32, first bool) {
	x, which = x[:len(best)], which[:len(best)]
	for c, v := range x {
		if v > best[c] || v != v || first {
			best[c], which[c] = v, at
		}
	}
}

func (s *maxPoolStep) backward(w work) {
	channels, step := s.output.shape[0], s.input.pixelStep()
	pixels := s.output.shape[1:].Elements()
	for i := w.first; i < w.last; i++ {
		dx, dy, chosen := s.input.gradient.part(&w, i), s.output.gradient.part(&w, i), s.chosen.intParts(&w, i, i+1)
		if !s.adds {
			clear(dx)
		}
		for pixel := range pixels {
			slopes := dy[pixel*step:][:channels]
			for c, at := range chosen[pixel*channels:][:channels] {
				if at >= 0 {
					dx[int(at)*step+c] += slopes[c]
				}
			}
		}
	}
}
