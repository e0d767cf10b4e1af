package nn

import (
	"fmt"
	"math"
)

// SetHold makes a Step whose loss is not a finite number change neither parameters
// nor what the optimizers keep, so that NotFinite can find out why; running statistics
// may change. It holds for all programs of the training. Without it the parameters
// become NaN, as PyTorch's do.
func (p *TrainProgram) SetHold(hold bool) { p.state.hold = hold }

// held tells whether the batch is to change nothing. It is asked behind the losses.
func (p *TrainProgram) held() bool {
	if !p.state.hold {
		return false
	}
	for _, l := range p.losses {
		if l-l != 0 {
			return true
		}
	}
	return false
}

// NotFinite computes the batch of the last Step again, and tells where numbers that
// are not finite come from, such as "the output of linear fc1 is NaN": the first of
// the inputs, the parameters, the outputs of layers in their order and their gradients
// in the order of the backward pass. It returns "" if all are finite. Parameters and
// optimizers stay as they are; running statistics may change. Between the Step and it
// the images must not change.
func (p *TrainProgram) NotFinite() string {
	g := p.plan.graph
	for k, values := range p.inputs.floats {
		if v, found := firstNotFinite(values[:min(len(values), p.plan.count*g.inputs[k].shape.Elements()/g.batch)]); found {
			return fmt.Sprintf("input %d of the network has %v", k, v)
		}
	}
	for _, e := range p.named {
		if v, found := firstNotFinite(e.param.data); found {
			return fmt.Sprintf("the parameter %s has %v", e.name, v)
		}
	}
	l := p.lookout()
	p.take()
	p.begin() // the same numbers are drawn as in the step
	p.watch, p.active = l.look, 1
	p.task = func(k *task, w *taskWork) {
		gradient := w.gradient[:len(k.values)]
		k.compute(w, gradient)
		if v, found := firstNotFinite(gradient); found {
			l.note(l.last, fmt.Sprintf("the gradient of the parameter %s is %v", k.of.name, v))
		}
	}
	for _, ph := range p.gatherPhases {
		p.runPhase(0, ph)
	}
	p.watch = nil
	clear(p.losses)
	return l.text
}

func firstNotFinite(values []float32) (float64, bool) {
	for _, v := range values {
		if v-v != 0 {
			return float64(v), true
		}
	}
	return 0, false
}

// lookout finds the first place where numbers are not finite, in the order of the
// network and not in that of the work: examples go through some layers a few at a time.
type lookout struct {
	places map[*buffer]seen
	last   int // behind all places
	at     int
	text   string
}

// seen is what is told of a buffer.
type seen struct {
	order int
	text  string
}

func (p *TrainProgram) lookout() *lookout {
	g := p.plan.graph
	l := &lookout{places: map[*buffer]seen{}, last: 2*len(g.nodes) + 1, at: math.MaxInt}
	put := func(b *buffer, order int, text string) {
		if _, known := l.places[b]; b != nil && !known && !b.integer {
			l.places[b] = seen{order, text}
		}
	}
	for i, n := range g.nodes {
		for _, v := range n.outputs {
			at := p.plan.places[v]
			if at == nil {
				continue // inside of what is computed at once
			}
			put(at.values, i, "the output of "+nodeName(n, p.plan.names))
			put(at.gradient, 2*len(g.nodes)-i, "the gradient of the output of "+nodeName(n, p.plan.names))
		}
	}
	return l
}

func (l *lookout) note(order int, text string) {
	if order < l.at {
		l.at, l.text = order, text
	}
}

// look is told that a stage is going to run, and that it has run: before it, what it
// reads is looked at, for it may write over that, and after it what it has set.
func (l *lookout) look(s *stage, w work, ran bool) {
	if s.again {
		return // nothing is there yet
	}
	set := map[*buffer]bool{}
	for _, b := range s.sets {
		set[b] = true
	}
	for _, b := range s.touches {
		place, known := l.places[b]
		if !known || set[b] != ran {
			continue
		}
		first, last := 0, 1
		if b.stride != 0 {
			if last = w.count; s.axis == examples {
				first, last = w.first, w.last
			}
			if b.local && s.axis != examples {
				continue
			}
		}
		for i := first; i < last; i++ {
			if v, found := firstNotFinite(b.part(&w, i)); found {
				l.note(place.order, fmt.Sprintf("%s is %v", place.text, v))
			}
		}
	}
}
