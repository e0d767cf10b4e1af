package nn

import (
	"fmt"
	"slices"
)

// CheckBatch returns an error that names the layer if the program cannot train on so
// many examples: if there are none or more than it was compiled for, or if a layer
// needs more of them, as BatchNorm does with one value a channel. Step panics with
// the same sentence.
func (p *TrainProgram) CheckBatch(n int) error {
	if n < 1 || n > p.plan.batch {
		return fmt.Errorf("nn: the program takes 1 to %d examples, not %d", p.plan.batch, n)
	}
	_, err := p.plan.shapesFor(n)
	return err
}

// ranged is implemented by an Op that wants the whole numbers of an input to be in
// 0..count-1: of the input of that number.
type ranged interface {
	Op
	wants(inputs []Shape) (input, count int)
}

// limit is what the network wants of the whole numbers of one of its inputs.
type limit struct {
	input, count int
	node         *node
}

// limits finds what operations want of the network's inputs.
func limits(g *graph) (list []limit) {
	for _, n := range g.nodes {
		if op, ok := n.op.(ranged); ok {
			number, count := op.wants(shapesOfValues(n.inputs))
			if i := slices.Index(g.inputs, source(n.inputs[number])); i >= 0 {
				list = append(list, limit{i, count, n})
			}
		}
	}
	return list
}

// source returns where the numbers of a value come from: v, or what it is a view of.
func source(v *Value) *Value {
	for v.producer != nil && is[viewer](v.producer.op) {
		v = v.producer.inputs[0]
	}
	return v
}

// checkInputs panics where a whole number of an input is out of range: here, where the
// caller can find it, and not on a worker.
func (p *plan) checkInputs(ints [][]int32) {
	for _, l := range p.limits {
		for i, v := range ints[l.input] {
			if v < 0 || int(v) >= l.count {
				panic(fmt.Sprintf("nn: %s: %d, element %d of input %d, is not in 0..%d", nodeName(l.node, p.names), v, i, l.input, l.count-1))
			}
		}
	}
}
