package nn

// lossShareStep is lossShare in stages: the sum of the weights is that of each
// shard of the batch, in the order of its examples, and the shards are added in
// pairs, as all sums over examples are.
type lossShareStep struct {
	plan                   *plan
	losses, weights, share *place
	adds                   bool      // to the gradient of the losses
	sums                   []float64 // of each shard's weights
	factor                 float64   // what the losses are multiplied by
}

// isLossShare accepts weights that have no gradient: those of a cross-entropy.
func isLossShare(n *node) bool {
	op, ok := n.op.(lossShare)
	if !ok || n.inputs[0].rows() != 1 || n.outputs[0].rows() != 1 {
		return false
	}
	if op.sum {
		return true
	}
	from := n.inputs[1].producer
	return from != nil && is[crossEntropy](from.op) && n.inputs[1] == from.outputs[1] && n.inputs[1].rows() == 1
}

func lowerLossShare(p *plan, g *group) {
	n := g.first
	s := &lossShareStep{plan: p, losses: p.place(n.inputs[0]), share: p.place(n.outputs[0])}
	touches := []*buffer{s.losses.values, s.share.values}
	if !n.op.(lossShare).sum {
		s.weights = p.place(n.inputs[1])
		touches = append(touches, s.weights.values)
		shards := p.shards
		if !p.train {
			shards = (p.batch + inferenceChunk - 1) / inferenceChunk
		}
		s.sums = make([]float64, shards)
		p.forget = append(p.forget, func() { clear(s.sums) })
		p.stage(&stage{axis: examples, run: s.weigh, sharded: true, touches: []*buffer{s.weights.values}})
		p.stage(&stage{axis: once, run: func(work) { s.factor = float64(p.count) / takeSum(s.sums) }})
	}
	p.byExamples(s.forward, touches...)
	if p.backwards(n) && s.losses.gradient != nil {
		p.later = append(p.later, func() {
			s.adds = s.losses.gradient.start()
			p.byExamples(s.backward, s.share.gradient, s.losses.gradient)
		})
	}
}

// takeSum adds up the sums of the shards, in the order of sumShards, and clears
// them.
func takeSum(sums []float64) float64 {
	for step := 1; step < len(sums); step *= 2 {
		for i := 0; i+step < len(sums); i += 2 * step {
			sums[i] += sums[i+step]
		}
	}
	total := sums[0]
	clear(sums)
	return total
}

func (s *lossShareStep) weigh(w work) {
	for i := w.first; i < w.last; i++ {
		for _, v := range s.weights.values.part(&w, i) {
			s.sums[w.shard] += float64(v)
		}
	}
}

// factorNow is what losses are multiplied by: of a sum, the number of examples.
func (s *lossShareStep) factorNow() float64 {
	if s.weights == nil {
		return float64(s.plan.count)
	}
	return s.factor
}

func (s *lossShareStep) forward(w work) {
	factor := s.factorNow()
	for i := w.first; i < w.last; i++ {
		var sum float64
		for _, v := range s.losses.values.part(&w, i) {
			sum += float64(v)
		}
		s.share.values.part(&w, i)[0] = float32(sum * factor)
	}
}

func (s *lossShareStep) backward(w work) {
	factor := s.factorNow()
	for i := w.first; i < w.last; i++ {
		slope := float32(float64(s.share.gradient.part(&w, i)[0]) * factor)
		gradient := s.losses.gradient.part(&w, i)
		for k := range gradient {
			if s.adds {
				gradient[k] += slope
			} else {
				gradient[k] = slope
			}
		}
	}
}
