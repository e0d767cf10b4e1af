package nn

import "inkling/internal/kernel"

// In a small batch the weights of linear layers weigh more than the examples,
// and would wander between the processors' caches, read by all and updated by
// one. There a large linear layer has stages of its own, in which a worker takes
// some rows of the weights for all examples.

const (
	// smallBatch is the largest batch whose large linear layers are shared
	// out by rows, and largeLinear the number of weights from which they are.
	// On two cores of a Zen 4 a step of LeNet at batch 4 takes a quarter less.
	smallBatch  = 8
	largeLinear = 4096
)

// linearStep is a fully connected layer with bias and, maybe, ReLU.
type linearStep struct {
	plan          *plan
	weight, bias  *Param
	noBias        []float32 // zeros in place of a bias
	input, output *place
	depth, width  int // padded sizes of input and output
	ones          []float32
	adds          bool // to the gradient of the input
	// byRows: the rows of the weights are divided into as many shards as the
	// batch.
	byRows  bool
	partial []*buffer // what each shard contributes to the input's gradient
	// early: the gradients of the parameters are computed right behind that of the input,
	// at the price of two barriers, so that an input that was made again is not kept.
	early bool
}

func lowerLinear(p *plan, g *group) {
	op := g.first.op.(linear)
	if len(g.first.params[0].data) >= panelWeights && p.batch >= panelBatch && !(p.train && p.batch <= smallBatch && p.shards > 1) {
		lowerPanelLinear(p, g)
		return
	}
	s := &linearStep{plan: p, weight: g.first.params[0], input: p.place(g.first.inputs[0]), output: p.place(g.output),
		depth: roundUp(op.in, 8), width: roundUp(op.out, 8), ones: []float32{1}}
	s.output.relu, s.early = g.taken[0], g.first.part > 0
	if len(g.first.params) > 1 {
		s.bias = g.first.params[1]
	} else {
		s.noBias = alignedFloats(s.width)
	}
	p.by("rows")
	s.byRows = p.train && p.batch <= smallBatch && len(s.weight.data) >= largeLinear && p.shards > 1
	if s.byRows {
		p.by("rows, weights shared out")
		p.stage(&stage{axis: units, units: p.shards, touches: []*buffer{s.input.values, s.output.values}, run: s.forwardRows})
	} else {
		p.byExamples(func(w work) { s.forward(&w, w.first, w.last, 0, s.width) }, s.input.values, s.output.values)
		p.divided(part{func(int) int { return s.width / 8 }, func(w work) { s.forward(&w, 0, w.count, 8*w.first, 8*w.last) }})
	}
	if p.backwards(g.first) {
		p.later = append(p.later, s.lowerBackward)
	}
}

func (s *linearStep) lowerBackward() {
	p := s.plan
	touches := []*buffer{s.output.gradient}
	if s.output.relu {
		touches = append(touches, s.output.values)
	}
	gradient := s.input.gradient
	if gradient != nil {
		touches = append(touches, gradient)
		s.adds = gradient.start()
	}
	if s.byRows {
		if s.output.relu {
			p.byExamples(s.mask, s.output.values, s.output.gradient)
		}
		if gradient != nil {
			for range p.shards {
				b := p.eachExample(s.depth, true)
				s.partial = append(s.partial, b)
				touches = append(touches, b)
			}
			p.stage(&stage{axis: units, units: p.shards, touches: touches, run: s.backwardRows})
			p.byExamples(s.gather, touches...)
		}
	} else {
		p.byExamples(s.backward, touches...)
	}
	touches = []*buffer{s.input.values, s.output.gradient}
	p.contribute(s.weight, contribution{rows: s.width, unit: 8, shardOf: s.shardOfRow, touches: touches, early: s.early,
		compute: func(t *taskWork, destination []float32, from, to int) {
			kernel.MatMul(destination, s.output.gradient.data[from:], s.input.values.data,
				to-from, s.depth, p.count, s.depth, 1, s.output.gradient.stride, s.input.values.stride, false)
		}})
	if s.bias != nil {
		p.contribute(s.bias, contribution{rows: s.width / 8, unit: s.width / 8, touches: touches, early: s.early,
			compute: func(t *taskWork, destination []float32, from, to int) {
				kernel.MatMul(destination, s.ones, s.output.gradient.data[8*from:],
					1, 8*(to-from), p.count, 0, 0, 0, s.output.gradient.stride, false)
			}})
	}
}

// forward computes outputs from..to-1, multiples of 8, of some examples.
func (s *linearStep) forward(w *work, first, last, from, to int) {
	bias := s.noBias
	if s.bias != nil {
		bias = s.bias.data
	}
	kernel.LinearForward(s.output.values.from(w, first)[from:], s.input.values.from(w, first), s.weight.data[from*s.depth:], bias[from:],
		last-first, to-from, s.depth, s.output.values.stride, s.input.values.stride, s.output.relu)
}

func (s *linearStep) backward(w work) {
	if s.output.relu {
		s.mask(w)
	}
	if gradient := s.input.gradient; gradient != nil {
		kernel.MatMul(gradient.from(&w, w.first), s.output.gradient.from(&w, w.first), s.weight.data,
			w.last-w.first, s.depth, s.width, gradient.stride, s.output.gradient.stride, 1, s.depth, s.adds)
	}
}

// mask takes the gradient back through the fused ReLU.
func (s *linearStep) mask(w work) {
	for i := w.first; i < w.last; i++ {
		kernel.MaskPositive(s.output.gradient.from(&w, i)[:s.width], s.output.values.from(&w, i)[:s.width])
	}
}

// shardRows returns the rows of a shard, in whole eights.
func (s *linearStep) shardRows(shard int) (from, to int) {
	from, to = share(s.width/8, s.plan.shards, shard)
	return 8 * from, 8 * to
}

// forwardRows computes some shards' outputs for all examples.
func (s *linearStep) forwardRows(w work) {
	for shard := w.first; shard < w.last; shard++ {
		if from, to := s.shardRows(shard); from < to {
			s.forward(&w, 0, w.count, from, to)
		}
	}
}

// backwardRows computes what some shards' rows contribute to the gradient of the
// input, for all examples. The part of a shard without rows stays zero.
func (s *linearStep) backwardRows(w work) {
	for shard := w.first; shard < w.last; shard++ {
		if from, to := s.shardRows(shard); from < to {
			p := s.partial[shard]
			kernel.MatMul(p.data, s.output.gradient.data[from:], s.weight.data[from*s.depth:],
				w.count, s.depth, to-from, p.stride, s.output.gradient.stride, 1, s.depth, false)
		}
	}
}

// gather adds up what the shards contributed, for some examples.
func (s *linearStep) gather(w work) {
	for i := w.first; i < w.last; i++ {
		gradient := s.input.gradient.from(&w, i)[:s.depth]
		for shard, p := range s.partial {
			if part := p.from(&w, i)[:s.depth]; shard == 0 && !s.adds {
				copy(gradient, part)
			} else {
				kernel.Add(gradient, part)
			}
		}
	}
}

// shardOfRow returns the shard of a row, or -1.
func (s *linearStep) shardOfRow(row int) int {
	if !s.byRows {
		return -1
	}
	for shard := range s.plan.shards {
		if _, to := s.shardRows(shard); row < to {
			return shard
		}
	}
	return -1
}
