package nn

import (
	"slices"

	"inkling/internal/kernel"
)

// trained is a parameter of a training program.
type trained struct {
	param *Param
	name  string
	// contributions are the operations that use the parameter: its gradient is
	// the sum of what they compute.
	contributions []contribution
	// rows is the number of rows into which storage and gradient are divided, so
	// that they can be shared among workers.
	rows int

	state  *parameterState
	cohort *cohort
	// whole: the optimizer wants the parameter as a whole. Offsets are where its
	// elements, in PyTorch's order, are stored; nil if that is the same.
	whole   bool
	offsets []int
}

// contribution is what one operation adds to a parameter's gradient.
type contribution struct {
	rows int // rows of len(param.data)/rows floats
	unit int // rows that one task takes
	// compute sets destination to the gradient of rows from..to.
	compute func(t *taskWork, destination []float32, from, to int)
	// shardOf, if not nil, returns the shard whose worker should update a row
	// because it has it in its cache, or -1.
	shardOf func(row int) int
	// updated, if not nil, is called when rows from..to have changed.
	updated func(from, to int)
	// cost of a row beside its update, in floats.
	cost int
	// early: the gradient is to be computed right behind the operation's stages,
	// so that the memory it is computed from is free again.
	early   bool
	touches []*buffer
	// scratch is how many floats compute wants to work in.
	scratch int

	of        *origin
	algorithm string
}

// taskWork is what a worker has for its tasks.
type taskWork struct {
	worker, count    int
	gradient, second []float32
	scratch          []float32
}

// task is the gradient and update of some rows of a parameter.
type task struct {
	of       *trained
	from, to int
	// The same range of the parameter, of the optimizer's slots and of the average
	// of the weights, if there is one.
	values  []float32
	slots   [][]float32
	average []float32
	squares float64 // of its gradient, added up
}

// contribute adds what an operation contributes to a parameter's gradient, unless
// nobody wants that.
func (p *plan) contribute(param *Param, c contribution) {
	if !p.trains(param) {
		return
	}
	t := p.byParam[param]
	if t == nil {
		t = &trained{param: param, name: p.names[param]}
		p.byParam[param] = t
		p.trained = append(p.trained, t)
	}
	if p.current != nil {
		c.of, c.algorithm = p.current, p.current.algorithm
	}
	t.contributions = append(t.contributions, c)
	if p.uses[param]--; p.uses[param] == 0 {
		t.finish()
		if c.early {
			p.taskStage([]*trained{t})
		}
	}
}

// finish decides how a parameter is divided: as its operation says, or if several
// do, not at all unless all say the same.
func (t *trained) finish() {
	t.rows = t.contributions[0].rows
	for _, c := range t.contributions {
		if c.rows != t.rows {
			t.rows = 1
		}
	}
}

func (t *trained) unit() int {
	unit := 1
	for _, c := range t.contributions {
		if c.rows == t.rows {
			unit = max(unit, c.unit)
		}
	}
	return min(unit, t.rows)
}

// taskStage adds a stage of gradients and updates.
func (p *plan) taskStage(list []*trained) {
	s := &stage{axis: tasks}
	for _, t := range list {
		size := len(t.param.data) / t.rows
		for from := 0; from < t.rows; from += t.unit() {
			k := &task{of: t, from: from, to: min(from+t.unit(), t.rows)}
			k.values = t.param.data[k.from*size : k.to*size]
			s.tasks = append(s.tasks, k)
		}
		for _, c := range t.contributions {
			s.touches = append(s.touches, c.touches...)
		}
	}
	p.stage(s)
}

// finishTrained adds the stage for all parameters that have none yet, and puts
// the parameters into the order in which the operations use them.
func (p *plan) finishTrained() {
	var late []*trained
	order := map[*Param]int{}
	for _, n := range p.graph.nodes {
		for _, param := range n.params {
			if _, seen := order[param]; !seen {
				order[param] = len(order)
			}
		}
	}
	slices.SortFunc(p.trained, func(a, b *trained) int { return order[a.param] - order[b.param] })
	for _, t := range p.trained {
		if !t.contributions[len(t.contributions)-1].early {
			late = append(late, t)
		}
	}
	if len(late) > 0 {
		p.taskStage(late)
	}
}

// cost estimates how long the task takes, in elements of a linear layer.
func (k *task) cost() int {
	cost := 500 + len(k.values)
	for _, c := range k.of.contributions {
		cost += c.cost * (k.to - k.from)
	}
	return cost
}

// compute sets gradient to that of the task's rows.
func (k *task) compute(w *taskWork, gradient []float32) {
	for i, c := range k.of.contributions {
		from, to := k.from, k.to
		if c.rows != k.of.rows {
			from, to = 0, c.rows
		}
		if i == 0 {
			c.compute(w, gradient, from, to)
			continue
		}
		more := w.second[:len(gradient)]
		c.compute(w, more, from, to)
		kernel.Add(gradient, more)
	}
}

// part returns the task's rows of something that is stored as the parameter is.
func (k *task) part(whole []float32) []float32 {
	size := len(k.of.param.data) / k.of.rows
	return whole[k.from*size : k.to*size]
}

func (k *task) keptGradient() []float32 {
	return k.part(k.of.state.gradient)
}

func (k *task) updated() {
	for _, c := range k.of.contributions {
		if c.updated == nil {
			continue
		}
		if c.rows == k.of.rows {
			c.updated(k.from, k.to)
		} else {
			c.updated(0, c.rows)
		}
	}
}

// sumShards adds up elements from..to of what the shards of a batch have
// contributed, in the first part: shards are added in pairs, pairs of shards in
// pairs and so on. This order depends on the number of shards alone, so the sums
// have the same bits for any number of workers.
func sumShards(parts [][]float32, from, to int) {
	for step := 1; step < len(parts); step *= 2 {
		for i := 0; i+step < len(parts); i += 2 * step {
			kernel.Add(parts[i][from:to], parts[i+step][from:to])
		}
	}
}

// treeSum is sumShards where the parts are computed as they are needed: add sets
// its argument to the part of a shard. destination gets the sum; scratch has room
// for treeLevels(shards) parts.
func treeSum(destination, scratch []float32, shards int, set func(part []float32, shard int)) {
	size := len(destination)
	level := func(i int) []float32 { return scratch[i*size:][:size] }
	depth := 0
	for shard := range shards {
		set(level(depth), shard)
		depth++
		// As many pairs are complete as the number of shards so far has
		// factors of two.
		for n := shard + 1; n%2 == 0; n /= 2 {
			kernel.Add(level(depth-2), level(depth-1))
			depth--
		}
	}
	for ; depth > 1; depth-- {
		kernel.Add(level(depth-2), level(depth-1))
	}
	copy(destination, level(0))
}

// treeLevels is the number of parts that treeSum has in hand at most.
func treeLevels(shards int) int {
	levels := 1
	for n := shards; n > 0; n /= 2 {
		levels++
	}
	return levels
}
