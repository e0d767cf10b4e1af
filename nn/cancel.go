package nn

import (
	"slices"
)

// SetCancellable lets another goroutine end a Step by Cancel as if it had not been begun:
// it computes all gradients before it changes a parameter. The weights after a Step are
// the same, bit for bit; the gradients take memory, and keeping them a little time. It
// holds for all programs of the training, and forgets a Cancel that has ended no Step. Steps that
// Training.Accumulate adds up cannot be ended so.
func (p *TrainProgram) SetCancellable(cancellable bool) {
	p.state.cancellable = cancellable
	p.state.cancel.Store(false)
}

// Cancel ends the Step that is under way, or else the next one, if it can be ended (see
// SetCancellable) and has not begun to change the parameters: that takes what one worker
// computes of some pictures. The Step changes nothing then, running statistics neither, and
// returns NaN. Cancel may be called on any goroutine.
func (p *TrainProgram) Cancel() { p.state.cancel.Store(true) }

// Cancelled tells whether the last Step was ended by Cancel.
func (p *TrainProgram) Cancelled() bool { return p.cancelled }

// cancelledRun is what workers panic with that find their run cancelled.
type cancelledRun struct{}

// pause is where a run can be cancelled.
func (m *machine) pause() {
	if m.cancel != nil && m.cancel.Load() {
		panic(cancelledRun{})
	}
}

// gatherCancellably computes the gradients of a Step and keeps them, and is false if it was
// cancelled.
func (p *TrainProgram) gatherCancellably() bool {
	p.keepGradients()
	p.cancel, p.cancelled = &p.state.cancel, false
	kept := p.statistics()
	p.runOwn(p.gatherPhases)
	p.cancel = nil
	if !p.cancelled {
		return true
	}
	p.state.cancel.Store(false)
	p.state.owner = nil
	for _, s := range kept {
		copy(s.node.buffers[s.buffer].data, s.values)
		changeBuffers(s.node)
	}
	return false
}

// statistic is a buffer of an operation, and what was in it.
type statistic struct {
	node   *node
	buffer int
	values []float32
}

// statistics copies what operations keep besides parameters.
func (p *TrainProgram) statistics() []statistic {
	if p.kept == nil {
		for _, n := range p.plan.graph.nodes {
			for i, b := range n.buffers {
				p.kept = append(p.kept, statistic{n, i, slices.Clone(b.data)})
			}
		}
		return p.kept
	}
	for _, s := range p.kept {
		copy(s.values, s.node.buffers[s.buffer].data)
	}
	return p.kept
}
