package nn

import "inkling/internal/kernel"

// concatStep joins pictures with the channels innermost along their channels.
type concatStep struct {
	inputs []*place
	adds   []bool // to the gradients of the inputs
	output *place
}

// isPictureConcat accepts pictures that are joined along their channels.
func isPictureConcat(n *node) bool {
	op, ok := n.op.(concat)
	if !ok || op.dim != 1 {
		return false
	}
	for _, in := range n.inputs {
		if len(in.shape) != 4 || in.rows() != 1 || in.kind != Float32 {
			return false
		}
	}
	return true
}

// lowerConcat leaves planar pictures to the definition.
func lowerConcat(p *plan, g *group) {
	s := &concatStep{output: p.place(g.output), adds: make([]bool, len(g.first.inputs))}
	touches := []*buffer{s.output.values}
	for _, v := range g.first.inputs {
		s.inputs = append(s.inputs, p.place(v))
		touches = append(touches, p.place(v).values)
	}
	if !s.output.channelsLast {
		lowerDefinition(p, g)
		return
	}
	p.byExamples(func(w work) { s.forward(w, 0, s.output.shape[1]) }, touches...)
	p.divided(rowsPart(s.output.shape[1], s.forward))
	if p.backwards(g.first) {
		p.later = append(p.later, func() { s.lowerBackward(p) })
	}
}

// forward computes rows top..bottom-1 of some examples.
func (s *concatStep) forward(w work, top, bottom int) {
	s.each(w, top, bottom, func(k int) *buffer { return s.inputs[k].values }, s.output.values, func(_ int, in, out []float32) {
		copy(out, in)
	})
}

func (s *concatStep) lowerBackward(p *plan) {
	touches := []*buffer{s.output.gradient}
	for k, in := range s.inputs {
		if in.gradient != nil {
			s.adds[k] = in.gradient.start()
			touches = append(touches, in.gradient)
		}
	}
	p.byExamples(s.backward, touches...)
}

func (s *concatStep) backward(w work) {
	s.each(w, 0, s.output.shape[1], func(k int) *buffer { return s.inputs[k].gradient }, s.output.gradient, func(k int, in, out []float32) {
		if s.adds[k] {
			kernel.Add(in, out)
		} else {
			copy(in, out)
		}
	})
}

// each calls visit with the channels of every pixel of every input, which has the number
// k, and their place in the output. Inputs without a buffer are left out.
func (s *concatStep) each(w work, top, bottom int, input func(k int) *buffer, output *buffer, visit func(k int, in, out []float32)) {
	width, step, before := s.output.shape[2], s.output.pixelStep(), 0
	for k, at := range s.inputs {
		channels := at.shape[0]
		if from, pixel := input(k), at.pixelStep(); from != nil {
			for i := w.first; i < w.last; i++ {
				in, out := from.from(&w, i), output.from(&w, i)[before:]
				for p := top * width; p < bottom*width; p++ {
					visit(k, in[p*pixel:][:channels], out[p*step:][:channels])
				}
			}
		}
		before += channels
	}
}
