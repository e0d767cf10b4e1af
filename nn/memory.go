package nn

// Memory is what a program takes, in bytes.
type Memory struct {
	// Weights are the network's parameters and buffers. They belong to the module,
	// and all programs compiled from it share them.
	Weights int
	// Packed are copies of parameters in the order that the kernels want.
	Packed int
	// Values are the arena that values, their gradients and what operations keep share,
	// and the inputs and outputs at hand.
	Values int
	// Gradients is what gradients of parameters are added up in, and those that are
	// kept, if there are any.
	Gradients int
	// Optimizer are the optimizer's slots and the average of the weights, which all
	// programs of a training share.
	Optimizer int
}

// Total returns the sum.
func (m Memory) Total() int { return m.Weights + m.Packed + m.Values + m.Gradients + m.Optimizer }

// Memory returns what the program takes, with as many workers as it has now. Small
// things, such as the lists of what is to be done, are not counted.
func (p *Program) Memory() Memory {
	m := p.machine.memory()
	for _, out := range p.outputs {
		m.Values += 4 * (len(out.Data) + len(out.Ints))
	}
	return m
}

// Memory returns what the program takes, with as many workers as it has now. Small
// things, such as the lists of what is to be done, are not counted.
func (p *TrainProgram) Memory() Memory {
	m := p.machine.memory()
	for _, out := range p.outputs {
		m.Values += 4 * (len(out.Data) + len(out.Ints))
	}
	m.Optimizer += p.wholeRoom
	for _, t := range p.plan.trained {
		m.Gradients += 4 * len(t.state.gradient)
		m.Optimizer += 4 * len(t.state.average)
		for _, slot := range t.state.slots {
			m.Optimizer += 4 * len(slot)
		}
	}
	return m
}

func (m *machine) memory() Memory {
	all := m.plan.counted
	all.Values += 4 * m.plan.elements
	for _, w := range m.work {
		all.Gradients += 4 * (len(w.gradient) + len(w.second) + len(w.scratch))
	}
	all.Values += 4 * len(m.plan.rooms) * m.plan.roomSize
	params, buffers := map[*Param]bool{}, map[*Buffer]bool{}
	for _, n := range m.plan.graph.nodes {
		for _, p := range n.params {
			if !params[p] {
				params[p] = true
				all.Weights += 4 * len(p.data)
			}
		}
		for _, b := range n.buffers {
			if !buffers[b] {
				buffers[b] = true
				all.Weights += 4 * len(b.data)
			}
		}
	}
	return all
}

// packed returns zeros for a copy of parameters, and sums zeros for what their gradients
// are added up in.
func (p *plan) packed(n int) []float32 {
	p.counted.Packed += 4 * n
	if p.current != nil {
		p.current.packed += 4 * n
	}
	return alignedFloats(n)
}

func (p *plan) sums(n int) []float32 {
	p.counted.Gradients += 4 * n
	p.gathered = append(p.gathered, alignedFloats(n))
	return p.gathered[len(p.gathered)-1]
}
