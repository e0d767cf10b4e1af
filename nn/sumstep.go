package nn

import "inkling/internal/kernel"

// sumStep is a sum of two values of one shape and, maybe, the ReLU behind it: what
// ends a residual block.
type sumStep struct {
	inputs [2]*place
	adds   [2]bool // to the gradients of the inputs
	output *place
}

func startsWithSum(n *node) bool { return is[pairwise[addition]](n.op) && isElementwise(n) }

func lowerSum(p *plan, g *group) {
	a, b := p.place(g.first.inputs[0]), p.place(g.first.inputs[1])
	s := &sumStep{inputs: [2]*place{a, b}, output: p.place(g.output)}
	if a.values.size != s.output.values.size || b.values.size != s.output.values.size {
		lowerDefinition(p, g)
		return
	}
	s.output.relu = g.taken[0]
	p.overwriting(s.forward, s.output.values, a.values, b.values)
	if p.backwards(g.first) {
		p.later = append(p.later, func() { s.lowerBackward(p) })
	}
}

func (s *sumStep) forward(w work) {
	for i := w.first; i < w.last; i++ {
		y := s.output.values.part(&w, i)
		copy(y, s.inputs[0].values.part(&w, i))
		kernel.Add(y, s.inputs[1].values.part(&w, i))
		if s.output.relu {
			kernel.Rectify(y)
		}
	}
}

func (s *sumStep) lowerBackward(p *plan) {
	st := &stage{axis: examples, run: s.backward, touches: []*buffer{s.output.gradient}}
	if s.output.relu {
		st.touches = append(st.touches, s.output.values)
	}
	for k, in := range s.inputs {
		if in.gradient == nil {
			continue
		}
		st.touches = append(st.touches, in.gradient)
		if s.adds[k] = in.gradient.start(); !s.adds[k] {
			st.over = [2]*buffer{in.gradient, s.output.gradient}
		}
	}
	p.stage(st)
}

// backward hands the gradient on to both inputs, of which that of one may have the
// memory of the output's.
func (s *sumStep) backward(w work) {
	for i := w.first; i < w.last; i++ {
		gradient := s.output.gradient.part(&w, i)
		if s.output.relu {
			kernel.MaskPositive(gradient, s.output.values.part(&w, i))
		}
		for k, in := range s.inputs {
			switch {
			case in.gradient == nil:
			case s.adds[k]:
				kernel.Add(in.gradient.part(&w, i), gradient)
			default:
				copy(in.gradient.part(&w, i), gradient)
			}
		}
	}
}
