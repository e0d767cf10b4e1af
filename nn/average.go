package nn

// follow takes weights into their average.
func (p *TrainProgram) follow(average, values []float32) {
	if p.averageFirst {
		copy(average, values)
		return
	}
	decay := p.training.Average.Decay
	keep, add := float32(decay), float32(1-decay)
	for i, v := range values {
		average[i] = float32(keep*average[i]) + float32(add*v)
	}
}

// averageRest takes into the average what no task updates: buffers, and parameters
// that are frozen now and were not before.
func (p *TrainProgram) averageRest() {
	for _, idle := range p.idle {
		p.follow(idle.average, idle.values)
	}
	for _, b := range p.averagedBuffers {
		if average := p.state.buffers[b]; p.training.Average.Buffers && !b.integer {
			p.follow(average, b.data)
		} else {
			copy(average, b.data)
		}
	}
}

// idleAverage is the average of a parameter that this program does not train.
type idleAverage struct{ average, values []float32 }

func (p *TrainProgram) prepareAverage(named []namedParam) {
	if p.training.Average == nil {
		return
	}
	trains := map[*Param]bool{}
	for _, t := range p.plan.trained {
		trains[t.param] = true
	}
	for _, n := range named {
		if s := p.state.params[n.param]; s != nil && s.average != nil && !trains[n.param] {
			p.idle = append(p.idle, idleAverage{s.average, n.param.data})
		}
	}
	walkState(p.training.Network.Module, func(_ string, _ *Param, b *Buffer) {
		if b != nil && b.data != nil {
			if p.state.buffers[b] == nil {
				p.state.buffers[b] = append([]float32(nil), b.data...)
			}
			p.averagedBuffers = append(p.averagedBuffers, b)
		}
	})
}

// Averaged returns the average of the weights as a state dict, to be saved or to be
// copied into another network: of parameters that were never trained, the
// parameters. It is nil without Training.Average. The entries may be written, to go
// on with a training; SetSteps, too, must be called then.
func (p *TrainProgram) Averaged() []Entry {
	if p.training.Average == nil {
		return nil
	}
	list := State(p.training.Network.Module)
	for i := range list {
		e := &list[i]
		if e.buffer != nil {
			e.storage = p.state.buffers[e.buffer]
		} else if s := p.state.params[e.param]; s != nil && s.average != nil {
			e.storage, e.param = s.average, nil
		}
	}
	return list
}
