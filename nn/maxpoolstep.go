package nn

import "inkling/internal/kernel"

// maxPoolStep is a max-pooling of pictures with the channels innermost. It may read or
// write planar ones, but not both: that the definition does.
type maxPoolStep struct {
	input, output *place
	channels      int // that are computed, surplus ones with them
	step          int // floats of a pixel
	window        int // pixels of a window
	// under says for each output where the pixels under its window are, the first of them
	// again in place of those outside; own has each only once, and -1 for the others.
	under, own []int32
	// parts: each pixel of the input belongs to one window.
	parts bool

	// picture and result are input and output with channels innermost: their own
	// memory, or copies.
	picture, result                 *buffer
	pictureGradient, resultGradient *buffer
	chosen                          *buffer // for each output where its pixel is, in training
	adds                            bool    // to the gradient of the input
}

// isMaxPool wants some pixel under every window.
func isMaxPool(n *node) bool {
	op, ok := n.op.(maxPool2d)
	if !ok || n.inputs[0].rows() != 1 {
		return false
	}
	for d := range 2 {
		for place := range n.outputs[0].shape[2+d] {
			if op.span(d, place, n.inputs[0].shape[2+d]).count == 0 {
				return false
			}
		}
	}
	return true
}

// lowerMaxPool leaves pictures that come and stay planar to the definition.
func lowerMaxPool(p *plan, g *group) {
	s := &maxPoolStep{input: p.place(g.first.inputs[0]), output: p.place(g.output)}
	if !s.input.channelsLast && !s.output.channelsLast {
		lowerDefinition(p, g)
		return
	}
	s.channels, s.step = s.output.shape[0], storedChannels(s.output.shape[0])
	if s.step > s.channels {
		s.channels = roundUp(s.channels, 8)
	}
	s.findWindows(g.first.op.(maxPool2d))
	inPixels, outPixels := s.input.shape[1:].Elements(), s.output.shape[1:].Elements()
	s.picture, s.result = s.input.values, s.output.values
	touches := []*buffer{s.picture, s.result}
	if !s.input.channelsLast {
		s.picture = p.eachExample(inPixels*s.step, false)
		touches = append(touches, s.picture)
	}
	if !s.output.channelsLast {
		s.result = p.eachExample(outPixels*s.step, false)
		touches = append(touches, s.result)
	}
	if p.backwards(g.first) && s.input.gradient != nil {
		size := outPixels * s.channels
		s.chosen = p.newBuffer(buffer{size: size, stride: size, integer: true})
		touches = append(touches, s.chosen)
		p.later = append(p.later, func() { s.lowerBackward(p, inPixels, outPixels) })
	}
	p.byExamples(s.forward, touches...)
	if s.picture == s.input.values && s.result == s.output.values {
		p.divided(rowsPart(s.output.shape[1], s.forwardRows))
	}
}

// findWindows makes the tables of the windows.
func (s *maxPoolStep) findWindows(op maxPool2d) {
	in, out := s.input.shape, s.output.shape
	s.window = op.kernel[0] * op.kernel[1]
	owned := 0
	for y := range out[1] {
		rows := op.span(0, y, in[1])
		for x := range out[2] {
			columns := op.span(1, x, in[2])
			first := len(s.under)
			for r := range rows.count {
				for c := range columns.count {
					s.own = append(s.own, int32(((rows.first+r*rows.step)*in[2]+columns.first+c*columns.step)*s.step))
				}
			}
			owned += len(s.own) - first
			// What stands for pixels that there are not comes first: of equal ones the
			// last NaN counts.
			one := s.own[first:]
			for range s.window - len(one) {
				s.under = append(s.under, one[0])
			}
			s.under = append(s.under, one...)
			for len(s.own) < len(s.under) {
				s.own = append(s.own, -1)
			}
		}
	}
	s.parts = op.stride == op.kernel && op.dilation == [2]int{1, 1} && owned == in[1]*in[2]
}

func (s *maxPoolStep) forward(w work) {
	for i, last := w.first, w.last; i < last; i++ {
		if s.picture != s.input.values {
			channelsInnermost(s.picture.from(&w, i), s.input.values.from(&w, i), s.input, s.step)
		}
		w.first, w.last = i, i+1
		s.forwardRows(w, 0, s.output.shape[1])
		if s.result != s.output.values {
			planar(s.output.values.from(&w, i), s.result.from(&w, i), s.output, s.step, false)
		}
	}
}

// forwardRows computes rows top..bottom-1 of some examples.
func (s *maxPoolStep) forwardRows(w work, top, bottom int) {
	from, to := top*s.output.shape[2], bottom*s.output.shape[2]
	for i := w.first; i < w.last; i++ {
		var chosen []int32
		if s.chosen != nil {
			chosen = s.chosen.intParts(&w, i, i+1)[from*s.channels:]
		}
		kernel.MaxPool(s.result.from(&w, i)[from*s.step:], s.picture.from(&w, i), chosen, s.under[from*s.window:to*s.window], s.window, s.channels, s.step)
	}
}

func (s *maxPoolStep) lowerBackward(p *plan, inPixels, outPixels int) {
	s.adds = s.input.gradient.start()
	s.pictureGradient, s.resultGradient = s.input.gradient, s.output.gradient
	touches := []*buffer{s.chosen, s.pictureGradient, s.resultGradient}
	if !s.input.channelsLast {
		s.pictureGradient = p.eachExample(inPixels*s.step, false)
		touches = append(touches, s.pictureGradient)
	}
	if !s.output.channelsLast {
		s.resultGradient = p.eachExample(outPixels*s.step, false)
		touches = append(touches, s.resultGradient)
	}
	p.byExamples(s.backward, touches...)
}

func (s *maxPoolStep) backward(w work) {
	for i := w.first; i < w.last; i++ {
		dx, dy := s.pictureGradient.part(&w, i), s.resultGradient.from(&w, i)
		if s.resultGradient != s.output.gradient {
			channelsInnermost(dy, s.output.gradient.from(&w, i), s.output, s.step)
		}
		adds := s.adds && s.pictureGradient == s.input.gradient
		if !adds && !s.parts {
			clear(dx)
		}
		kernel.MaxPoolGradient(dx, dy, s.chosen.intParts(&w, i, i+1), s.own, s.window, s.channels, s.step, adds || !s.parts)
		if s.pictureGradient != s.input.gradient {
			planar(s.input.gradient.from(&w, i), dx, s.input, s.step, s.adds)
		}
	}
}
