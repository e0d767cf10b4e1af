package nn

import (
	"errors"
	"slices"
)

// Features divides a training in two, where the first part of its network is frozen and
// nothing in it is random, so that it computes the same of an example in every step.
// What it computes, the features, can then be kept, and Head trained on them: the
// weights are those that the whole training gives, bit for bit.
type Features struct {
	// Head trains the rest of the network, on features. It shares weights, steps and
	// the optimizers' state with the program that Features was asked of.
	Head *TrainProgram
	// Shape is that of the features of a full batch.
	Shape Shape

	program *TrainProgram
}

// Features divides the training behind the last value of its network that depends on
// nothing trained and nothing random, and past which what follows reads nothing. The
// error tells why it cannot be divided.
func (p *TrainProgram) Features() (*Features, error) {
	g := p.plan.graph
	if len(g.inputs) != 1 || g.inputs[0].kind != Float32 {
		return nil, errors.New("nn: the network has several inputs, or one of whole numbers")
	}
	at, err := g.lastFixed()
	if err != nil {
		return nil, err
	}
	f := &Features{Shape: at.shape.clone()}
	rest := p.training
	rest.Network.Inputs = []Spec{at.spec()}
	rest.Network.Forward = func(x []*Value) []*Value { return g.replay(at, x[0]) }
	if f.Head, err = p.again(rest); err != nil {
		return nil, err
	}
	first := p.training
	first.forwardOnly = true
	first.Network.Forward = func(x []*Value) []*Value {
		p.training.Network.Forward(x)
		return []*Value{x[0].graph.values[at.index]}
	}
	first.Loss = NewLoss(nil, func(outputs, _ []*Value) *Value { return Mean(outputs[0], false) }) // nobody asks for it
	f.program, err = p.again(first)
	return f, err
}

// Compute returns the features of examples, as many as a batch may have. They are
// overwritten by the next call.
func (f *Features) Compute(images []float32) []float32 { return f.program.Forward(images) }

// fixed reports whether an operation computes the same in every step if its inputs are
// the same: nothing in it is trained, follows the batches or is random. Of operations
// that are not of this package nobody knows.
func (g *graph) fixed(n *node) bool {
	for _, p := range n.params {
		if !g.frozenParams[p] {
			return false
		}
	}
	switch op := n.op.(type) {
	case dropout:
		return op.p == 0
	case batchNorm:
		return !op.ofBatch()
	}
	return builtIn(n.op) && !batchwise(n.op)
}

// lastFixed returns the last value that depends on nothing that changes from step to
// step, and that all which follows reads in place of what was before it.
func (g *graph) lastFixed() (*Value, error) {
	for last := g.judged - 1; last >= 0; last-- {
		read, fixed := g.border(last)
		for _, out := range g.outputs {
			if fixed[out] {
				return nil, errors.New("nn: nothing in the network is trained")
			}
		}
		if len(read) == 1 && read[0] != g.input() && read[0].kind == Float32 && read[0].rows() == 1 {
			return read[0], nil
		}
	}
	return nil, errors.New("nn: the first layer is trained, or random")
}

// border returns which values of the fixed part others read, if that part ends with an
// operation, given by its number, and all values of it.
func (g *graph) border(last int) (read []*Value, fixed map[*Value]bool) {
	needed := g.needed()
	fixed = map[*Value]bool{g.input(): true}
	for _, n := range g.nodes {
		if !n.needed(needed) {
			continue
		}
		all := n.number <= last && g.fixed(n)
		for _, in := range n.inputs {
			all = all && fixed[in]
		}
		for _, out := range n.outputs {
			fixed[out] = all
		}
		for _, in := range n.inputs {
			if fixed[in] && !all && !slices.Contains(read, in) {
				read = append(read, in)
			}
		}
	}
	return read, fixed
}

// replay adds those operations of a network again to that of x, which stands for the
// value at, that what follows at consists of. It returns the outputs.
func (g *graph) replay(at, x *Value) []*Value {
	made := map[*Value]*Value{at: x}
	needed, to := g.needed(), x.graph
	for _, n := range g.nodes {
		if !n.needed(needed) || n.number >= g.judged {
			continue
		}
		var inputs []*Value
		for _, in := range n.inputs {
			if v := made[in]; v != nil {
				inputs = append(inputs, v)
			}
		}
		if len(inputs) != len(n.inputs) || n.outputs[0] == at {
			continue // before at
		}
		first := len(to.nodes)
		outputs := ApplyAll(n.op, n.params, n.buffers, inputs...)
		to.nodes[first].stream, to.nodes[first].part = n.stream, n.part
		to.parts = max(to.parts, n.part)
		for i, out := range n.outputs {
			made[out] = outputs[i]
		}
	}
	list := make([]*Value, len(g.outputs))
	for i, out := range g.outputs {
		list[i] = made[out]
	}
	return list
}
