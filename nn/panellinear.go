package nn

import "inkling/internal/kernel"

// panelLinear is a large fully connected layer with bias and, maybe, ReLU, of matrices or
// of any number of rows an example. Its weights are kept a second time, as panels of
// outputs. Where there are many rows, all of the batch go through a panel at once, as the
// weights weigh more; a worker takes some panels.
type panelLinear struct {
	plan          *plan
	weight, bias  *Param
	input, output *place
	each          int // rows of an example
	depth, width  int // of rows, as they are stored
	panels        int
	packed        []float32
	used          *versions
	ones          []float32
	adds          bool // to the gradient of the input
}

// panelWeights is the number of weights from which panels pay, and panelBatch the
// smallest batch; with manyRows at inference all rows go through a panel at once.
const (
	panelWeights = 1 << 16
	panelBatch   = 6
	manyRows     = 24
)

// isRowsLinear accepts layers for more than one row an example.
func isRowsLinear(n *node) bool {
	op, ok := n.op.(linear)
	return ok && len(n.inputs[0].shape) > 2 && n.inputs[0].rows() == 1 && op.in%8 == 0
}

func lowerPanelLinear(p *plan, g *group) {
	op := g.first.op.(linear)
	s := &panelLinear{plan: p, weight: g.first.params[0], input: p.place(g.first.inputs[0]), output: p.place(g.output),
		each: 1, depth: roundUp(op.in, 8), width: roundUp(op.out, 8), used: versionsOf(g.first), ones: []float32{1}}
	if len(s.input.shape) > 1 {
		s.each, s.width = s.input.shape.Elements()/op.in, op.out
	}
	if s.output.relu = g.taken[0]; len(g.first.params) > 1 {
		s.bias = g.first.params[1]
	}
	s.panels = (s.width + kernel.PanelColumns() - 1) / kernel.PanelColumns()
	s.packed = p.packed(s.panels * kernel.PanelColumns() * s.depth)
	p.refresh = append(p.refresh, func() {
		if s.used.changed() {
			s.pack(0, roundUp(op.out, 8))
		}
	})
	p.room(kernel.ProductRoom)
	p.by("panels")
	touches := []*buffer{s.input.values, s.output.values}
	if p.train || p.batch*s.each >= manyRows {
		p.stage(&stage{axis: units, units: s.panels, touches: touches, run: s.forward})
	} else {
		p.byExamples(func(w work) { s.some(&w, w.first, w.last, 0, s.panels) }, touches...)
		p.divided(part{func(int) int { return s.panels }, s.forward})
	}
	if p.backwards(g.first) {
		early := g.first.part > 0
		p.later = append(p.later, func() { s.lowerBackward(early) })
	}
}

// pack puts rows from..to-1 of the weights, multiples of 8, into the panels.
func (s *panelLinear) pack(from, to int) {
	kernel.PackColumns(s.packed, s.weight.data, s.depth, from, to)
}

// forward computes some panels of all examples.
func (s *panelLinear) forward(w work) {
	from, to := w.first, w.last
	w.first, w.last = 0, w.count
	s.some(&w, 0, w.count, from, to)
}

// eachRows calls visit with the examples of first..last-1 whose rows lie equally far
// apart, and how many rows they have; inputs and outputs say how far.
func (s *panelLinear) eachRows(first, last int, visit func(example, rows, inputs, outputs int)) {
	if s.each == 1 {
		visit(first, last-first, s.input.values.stride, s.output.values.stride)
		return
	}
	for i := first; i < last; i++ {
		visit(i, s.each, s.depth, s.width)
	}
}

// some computes panels from..to-1 of some examples.
func (s *panelLinear) some(w *work, first, last, from, to int) {
	columns := kernel.PanelColumns()
	room := s.plan.rooms[w.worker]
	s.eachRows(first, last, func(example, rows, inputs, outputs int) {
		x, y := s.input.values.from(w, example), s.output.values.from(w, example)
		for panel := from; panel < to; panel++ {
			c, width := y[panel*columns:], min(columns, s.width-panel*columns)
			if s.bias != nil {
				for r := range rows {
					copy(c[r*outputs:][:width], s.bias.data[panel*columns:])
				}
			}
			kernel.MultiplyPanel(c, x, s.packed[panel*columns*s.depth:], rows, width, s.depth, outputs, inputs, 1, s.bias != nil, room)
			for r := 0; r < rows && s.output.relu; r++ {
				kernel.Rectify(c[r*outputs:][:width])
			}
		}
	})
}

func (s *panelLinear) lowerBackward(early bool) {
	p, gradient := s.plan, s.input.gradient
	slopes := s.output.gradient
	if s.output.relu {
		p.byExamples(s.mask, s.output.values, slopes)
	}
	if gradient != nil {
		s.adds = gradient.start()
		p.stage(&stage{axis: units, units: (s.depth + kernel.TileColumns - 1) / kernel.TileColumns, touches: []*buffer{slopes, gradient}, run: s.backward})
	}
	touches := []*buffer{s.input.values, slopes}
	p.contribute(s.weight, contribution{rows: len(s.weight.data) / s.depth, unit: 4 * kernel.TileRows, touches: touches, early: early,
		scratch: kernel.ProductRoom, compute: s.weightGradient, updated: s.pack, cost: s.depth * s.each * p.batch / 8})
	if s.bias != nil {
		p.contribute(s.bias, contribution{rows: len(s.bias.data) / 8, unit: len(s.bias.data) / 8, touches: touches, early: early,
			scratch: kernel.ProductRoom, compute: s.biasGradient})
	}
	p.followed = append(p.followed, s.used.follow)
}

// mask takes gradients back through the fused ReLU.
func (s *panelLinear) mask(w work) {
	for i := w.first; i < w.last; i++ {
		n := s.each * s.width
		kernel.MaskPositive(s.output.gradient.from(&w, i)[:n], s.output.values.from(&w, i)[:n])
	}
}

// backward computes some columns of the gradients of all inputs.
func (s *panelLinear) backward(w work) {
	const columns = kernel.TileColumns
	first, width := w.first*columns, min(w.last*columns, s.depth)-w.first*columns
	room := s.plan.rooms[w.worker]
	w.first, w.last = 0, w.count
	s.eachRows(0, w.count, func(example, rows, inputs, outputs int) {
		kernel.Product(s.input.gradient.from(&w, example)[first:], s.output.gradient.from(&w, example), s.weight.data[first:],
			rows, width, s.width, inputs, outputs, 1, s.depth, 1, s.adds, room)
	})
}

// weightGradient sets destination to the gradient of rows from..to-1 of the weights.
func (s *panelLinear) weightGradient(t *taskWork, destination []float32, from, to int) {
	w := work{worker: t.worker, last: t.count, count: t.count}
	rows := min(to, s.width) - from
	clear(destination[rows*s.depth:])
	s.eachRows(0, t.count, func(example, count, inputs, outputs int) {
		kernel.Product(destination, s.output.gradient.from(&w, example)[from:], s.input.values.from(&w, example),
			rows, s.depth, count, s.depth, 1, outputs, inputs, 1, example > 0, t.scratch)
	})
}

// biasGradient sets destination to the gradient of the whole bias.
func (s *panelLinear) biasGradient(t *taskWork, destination []float32, _, _ int) {
	w := work{worker: t.worker, last: t.count, count: t.count}
	clear(destination[s.width:])
	s.eachRows(0, t.count, func(example, count, _, outputs int) {
		kernel.Product(destination, s.ones, s.output.gradient.from(&w, example),
			1, s.width, count, 0, 0, 0, outputs, 1, example > 0, t.scratch)
	})
}
