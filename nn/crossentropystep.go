package nn

import "math"

// crossEntropyStep is the cross-entropy of N x classes logits, without class
// weights, together with its softmax, which goes from the forward to the
// backward pass as the exponentials of the logits.
type crossEntropyStep struct {
	op                    crossEntropy
	logits, target        *place
	loss, weight          *place
	exponentials          *buffer // nil where no gradient is wanted
	adds                  bool    // to the gradient of the logits
	smoothing, background float64 // the share that all classes get, of one and of each
}

func isCrossEntropyOfRows(n *node) bool {
	op, ok := n.op.(crossEntropy)
	return ok && !op.logs && op.classes == 0 && len(n.inputs[0].shape) == 2 && n.inputs[0].rows() == 1 && n.inputs[1].producer == nil
}

func lowerCrossEntropy(p *plan, g *group) {
	n := g.first
	s := &crossEntropyStep{op: n.op.(crossEntropy), logits: p.place(n.inputs[0]), target: p.place(n.inputs[1]),
		loss: p.place(n.outputs[0]), weight: p.place(n.outputs[1])}
	s.smoothing = s.op.smoothing
	s.background = s.smoothing / float64(s.classes())
	touches := []*buffer{s.logits.values, s.target.values, s.loss.values, s.weight.values}
	if p.backwards(n) {
		s.exponentials = p.eachExample(s.classes(), false)
		touches = append(touches, s.exponentials)
		p.later = append(p.later, func() {
			if s.logits.gradient == nil {
				return
			}
			s.adds = s.logits.gradient.start()
			p.byExamples(s.backward, s.target.values, s.exponentials, s.loss.gradient, s.logits.gradient)
		})
	}
	p.byExamples(s.forward, touches...)
}

func (s *crossEntropyStep) classes() int { return s.logits.shape[0] }

// label returns the class of an example, or -1 if it does not count.
func (s *crossEntropyStep) label(w *work, i int) int {
	label := int(s.target.values.intParts(w, i, i+1)[0])
	if label == s.op.ignore {
		return -1
	}
	return label
}

func (s *crossEntropyStep) forward(w work) {
	for i := w.first; i < w.last; i++ {
		row := s.logits.values.part(&w, i)
		var terms []float32
		if s.exponentials != nil {
			terms = s.exponentials.part(&w, i)
		}
		_, logSum := exponentials(terms, row)
		loss, weight := 0.0, float32(1)
		if s.op.soft {
			for class, share := range s.target.values.part(&w, i) {
				share := (1-s.smoothing)*float64(share) + s.background
				if share != 0 { // infinitely improbable is no loss where it is not wanted
					loss += share * (logSum - float64(row[class]))
				}
			}
		} else if label := s.label(&w, i); label >= 0 {
			loss = logSum - float64(row[label])
			if s.smoothing > 0 {
				loss += s.smoothing * (float64(row[label]) - mean(row))
			}
		} else {
			weight = 0
		}
		s.loss.values.part(&w, i)[0] = float32(loss)
		s.weight.values.part(&w, i)[0] = weight
	}
}

func (s *crossEntropyStep) backward(w work) {
	for i := w.first; i < w.last; i++ {
		gradient, terms := s.logits.gradient.part(&w, i), s.exponentials.part(&w, i)
		if !s.adds {
			clear(gradient)
		}
		slope := float64(s.loss.gradient.part(&w, i)[0])
		var sum float64
		for _, e := range terms {
			sum += float64(e)
		}
		if s.op.soft {
			targets := s.target.values.part(&w, i)
			var whole float64 // the sum of the targets, 1 if they are probabilities
			for _, share := range targets {
				whole += (1-s.smoothing)*float64(share) + s.background
			}
			factor := float32(slope * whole / sum)
			for class, e := range terms {
				gradient[class] += float32(e*factor) - float32(slope*((1-s.smoothing)*float64(targets[class])+s.background))
			}
			continue
		}
		label := s.label(&w, i)
		if label < 0 {
			continue
		}
		factor := float32(slope / sum)
		if !s.adds {
			for class, e := range terms {
				gradient[class] = float32(e * factor)
			}
		} else {
			for class, e := range terms {
				gradient[class] += float32(e * factor)
			}
		}
		gradient[label] -= float32(slope * (1 - s.smoothing))
		if s.smoothing > 0 {
			for class := range gradient {
				gradient[class] -= float32(slope * s.background)
			}
		}
	}
}

// exponentials returns Σ exp(row - max(row)) and log Σ exp(row). It sets to,
// unless that is nil, to the terms of the first sum: divided by the sum they are
// the softmax. They are rounded to float32, as PyTorch's are.
func exponentials(to, row []float32) (sum, logSum float64) {
	largest := row[0]
	for _, v := range row {
		largest = max(largest, v)
	}
	for i, v := range row {
		e := float32(math.Exp(float64(v - largest)))
		sum += float64(e)
		if to != nil {
			to[i] = e
		}
	}
	return sum, math.Log(sum) + float64(largest)
}

func mean(row []float32) float64 {
	var sum float64
	for _, v := range row {
		sum += float64(v)
	}
	return sum / float64(len(row))
}
