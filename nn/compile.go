package nn

import "fmt"

// group is some operations of a graph that one step runs: a convolution with
// the ReLU and pooling that follow it, a linear layer with its ReLU, or one
// operation alone.
type group struct {
	first  *node // decides the kind of step
	output *Value
	relu   bool
	pool   bool
}

// fuse divides the operations that the output depends on into groups.
func fuse(g *graph) []group {
	needed := g.needed()
	var groups []group
	taken := map[*node]bool{}
	for _, n := range g.nodes {
		if taken[n] || !n.needed(needed) {
			continue
		}
		gr := group{first: n, output: n.outputs[0]}
		// follow takes in the operation after the group's output, if it is
		// the only one to use that and accept says yes.
		follow := func(accept func(op Op) bool) bool {
			next := g.consumers(gr.output)
			if gr.output == g.output() || len(next) != 1 || !accept(next[0].op) {
				return false
			}
			taken[next[0]] = true
			gr.output = next[0].outputs[0]
			return true
		}
		isReLU := func(op Op) bool { _, ok := op.(relu); return ok }
		switch op := n.op.(type) {
		case conv2d:
			if op.fused() {
				gr.relu = follow(isReLU)
				gr.pool = follow(func(op Op) bool { return op == Op(maxPool2d{window: squareWindow(2, 2, 0, 1)}) })
			}
		case linear:
			gr.relu = follow(isReLU)
		}
		groups = append(groups, gr)
	}
	return groups
}

// plan is a network made ready to run: its steps and the memory they share.
type plan struct {
	steps         []step
	convs         []*convStep
	input, output *place
	// places that hold gradients to which is added, and so are zeroed first.
	zeroed []*place
}

// checkPlannable returns an error for what programs cannot run.
func checkPlannable(g *graph) error {
	for _, n := range g.nodes {
		if _, ok := n.op.(linear); ok && len(n.inputs[0].shape) > 2 {
			return fmt.Errorf("nn: linear of an input of shape %v cannot be part of a program", n.inputs[0].shape)
		}
	}
	for _, v := range g.values {
		if v.kind != Float32 || v.rows() != 1 {
			return fmt.Errorf("nn: a value of shape %v and type %v cannot be part of a program", v.shape, v.kind)
		}
		if v.producer != nil && len(v.producer.outputs) > 1 {
			return fmt.Errorf("nn: %s has several outputs and cannot be part of a program", v.producer.op.Name())
		}
	}
	return nil
}

// newPlan lays out the steps of a network for a number of examples.
func newPlan(g *graph, names map[*Param]string, examples, shards int, train bool) *plan {
	groups := fuse(g)
	users := map[*Value][]*group{}
	for i := range groups {
		for _, in := range groups[i].first.inputs {
			users[in] = append(users[in], &groups[i])
		}
	}
	// A view is a Flatten that needs no copy: its result is the same memory.
	view := func(gr *group) bool {
		_, flattens := gr.first.op.(flatten)
		return flattens && gr.output != g.output() && len(users[gr.first.inputs[0]]) == 1
	}
	// adds reports whether the users of a value add to its gradient, which so
	// has to start from zero: all do but a linear layer that is the only user.
	var adds func(v *Value) bool
	adds = func(v *Value) bool {
		if len(users[v]) != 1 {
			return v != g.output()
		}
		only := users[v][0]
		if view(only) {
			return adds(only.output)
		}
		_, sets := only.first.op.(linear)
		return !sets
	}

	p := &plan{}
	places := map[*Value]*place{}
	p.input = &place{shape: g.input().shape[1:], values: newBuffer(examples, g.input().shape[1:].Elements())}
	places[g.input()] = p.input
	differentiable := map[*Value]bool{} // values that depend on a parameter
	for i := range groups {
		gr := &groups[i]
		n := gr.first
		inputs := make([]*place, len(n.inputs))
		learns := len(n.params) > 0
		for i, in := range n.inputs {
			inputs[i] = places[in]
			learns = learns || differentiable[in]
		}
		differentiable[gr.output] = learns
		if view(gr) {
			same := *inputs[0]
			same.shape = gr.output.shape[1:]
			places[gr.output] = &same
			continue
		}
		conv, isConv := n.op.(conv2d)
		isConv = isConv && conv.fused()
		out := &place{shape: gr.output.shape[1:], relu: gr.relu, channelsLast: isConv && onlyFusedConvs(users[gr.output])}
		elements := out.shape.Elements()
		if out.channelsLast {
			elements = out.shape[1] * out.shape[2] * storedChannels(out.shape[0])
		}
		out.values = newBuffer(examples, elements)
		if train && learns {
			out.gradient = newBuffer(examples, elements)
			if out.added = adds(gr.output); out.added {
				p.zeroed = append(p.zeroed, out)
			}
		}
		places[gr.output] = out
		if isConv {
			s := newConvStep(conv, n.params, names, inputs[0], out, gr.pool, examples, shards, train)
			p.steps, p.convs = append(p.steps, s), append(p.convs, s)
		} else if op, ok := n.op.(linear); ok {
			p.steps = append(p.steps, newLinearStep(op, n.params, names, inputs[0], out))
		} else {
			p.steps = append(p.steps, newOpStep(n, inputs, out, names, examples, shards, train))
		}
	}
	p.output = places[g.output()]
	return p
}

// onlyFusedConvs reports whether a value goes to fused convolutions alone.
func onlyFusedConvs(users []*group) bool {
	for _, u := range users {
		if op, ok := u.first.op.(conv2d); !ok || !op.fused() {
			return false
		}
	}
	return len(users) > 0
}

// shardCount is the number of parts into which a batch is divided, whatever
// the number of workers: gradients are summed within a part in the order of
// the examples, and the parts in order, so that the sums have the same bits.
// Parts have at least two examples. There are at most 16, and fewer where the
// convolutions' gradients, of which each part has a copy, are large.
func shardCount(g *graph, batch int) int {
	const most, memory = 16, 64 << 20
	size := 0
	for _, n := range g.nodes {
		if _, isLinear := n.op.(linear); isLinear {
			continue
		}
		for _, p := range n.params {
			size += 4 * len(p.data)
		}
	}
	shards := min((batch+1)/2, most)
	if size > 0 {
		shards = min(shards, max(memory/size, 1))
	}
	return shards
}
