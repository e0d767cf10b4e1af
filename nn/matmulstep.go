package nn

import "inkling/internal/kernel"

// matMulStep is products of matrices, those of an example one after another.
type matMulStep struct {
	plan                 *plan
	inputs               [2]*place
	output               *place
	offsets              [][3]int // of the output, and of both inputs, of each product
	rows, depth, columns int
	adds                 [2]bool // to the gradients of the inputs
}

func isMatMul(n *node) bool {
	return is[matMul](n.op) && n.examplewise() && n.inputs[0].rows() == 1 && n.inputs[1].rows() == 1
}

func lowerMatMul(p *plan, g *group) {
	a, b := p.place(g.first.inputs[0]), p.place(g.first.inputs[1])
	s := &matMulStep{plan: p, inputs: [2]*place{a, b}, output: p.place(g.output)}
	single := func(at *place) Shape { return append(Shape{1}, at.shape...) }
	eachMatrix(single(a), single(b), single(s.output), func(i, j, k, rows, depth, columns int) {
		s.offsets = append(s.offsets, [3]int{i, j, k})
		s.rows, s.depth, s.columns = rows, depth, columns
	})
	p.room(kernel.ProductRoom)
	p.by("panels")
	p.byExamples(func(w work) { s.some(&w, 0, (w.last-w.first)*len(s.offsets)) }, a.values, b.values, s.output.values)
	p.divided(part{func(examples int) int { return examples * len(s.offsets) }, func(w work) {
		from, to := w.first, w.last
		w.first, w.last = 0, w.count
		s.some(&w, from, to)
	}})
	if p.backwards(g.first) {
		p.later = append(p.later, func() { s.lowerBackward(p) })
	}
}

// some computes products from..to-1 of some examples.
func (s *matMulStep) some(w *work, from, to int) {
	for ; from < to; from++ {
		example, at := w.first+from/len(s.offsets), s.offsets[from%len(s.offsets)]
		kernel.Product(s.output.values.from(w, example)[at[0]:], s.inputs[0].values.from(w, example)[at[1]:], s.inputs[1].values.from(w, example)[at[2]:],
			s.rows, s.columns, s.depth, s.columns, s.depth, 1, s.columns, 1, false, s.plan.rooms[w.worker])
	}
}

func (s *matMulStep) lowerBackward(p *plan) {
	touches := []*buffer{s.output.gradient}
	for i, in := range s.inputs {
		if in.gradient != nil {
			s.adds[i] = in.gradient.start()
			touches = append(touches, in.gradient, s.inputs[1-i].values)
		}
	}
	p.byExamples(s.backward, touches...)
}

// backward adds dy bᵀ to the gradient of a, and aᵀ dy to that of b. A matrix may be that
// of several products.
func (s *matMulStep) backward(w work) {
	room := s.plan.rooms[w.worker]
	for e := w.first; e < w.last; e++ {
		for i, in := range s.inputs {
			if in.gradient != nil && !s.adds[i] {
				clear(in.gradient.part(&w, e))
			}
		}
		for _, at := range s.offsets {
			dy := s.output.gradient.from(&w, e)[at[0]:]
			if in := s.inputs[0]; in.gradient != nil {
				kernel.Product(in.gradient.from(&w, e)[at[1]:], dy, s.inputs[1].values.from(&w, e)[at[2]:],
					s.rows, s.depth, s.columns, s.depth, s.columns, 1, 1, s.columns, true, room)
			}
			if in := s.inputs[1]; in.gradient != nil {
				kernel.Product(in.gradient.from(&w, e)[at[2]:], s.inputs[0].values.from(&w, e)[at[1]:], dy,
					s.depth, s.columns, s.rows, s.columns, 1, s.depth, s.columns, 1, true, room)
			}
		}
	}
}
