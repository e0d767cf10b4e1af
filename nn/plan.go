package nn

import (
	"fmt"
	"math"
	"slices"

	"inkling/internal/kernel"
)

// pattern is a line in the table of what programs run faster than by its
// definition: an operation, or several that follow each other.
type pattern struct {
	name   string
	starts func(n *node) bool
	// then are operations that may follow, each of which is taken in if it is
	// the only one that reads the output before it, and fits behind the group so far.
	then []func(gr *group, n *node) bool
	// all: the pattern is for all of them together.
	all bool
	// converts: what it reads and what it writes may differ in layout.
	converts bool
	// channelsLast: the pattern reads and writes pictures in either layout.
	channelsLast bool
	// padded: the pattern needs surplus lanes behind every example.
	padded bool
	// links: its groups may be links of a chain.
	links bool
	lower func(p *plan, g *group)
}

// patterns is tried from the top; the last takes everything.
var patterns = []pattern{
	{name: "convolution of few channels, ReLU, 2x2 max-pool", starts: isSparseConv, then: []func(*group, *node) bool{follows[relu], isPool2x2}, all: true, converts: true, channelsLast: true, padded: true, lower: lowerConv},
	{name: "convolution, BatchNorm at eval, addition, ReLU or ReLU6", starts: isDenseConv, then: []func(*group, *node) bool{isFoldedNorm, isResidual, isLastRectifier}, converts: true, channelsLast: true, links: true, lower: lowerDenseConv},
	{name: "linear, ReLU", starts: isMatrixLinear, then: []func(*group, *node) bool{follows[relu]}, padded: true, lower: lowerLinear},
	{name: "linear of several rows, ReLU", starts: isRowsLinear, then: []func(*group, *node) bool{follows[relu]}, lower: lowerPanelLinear},
	{name: "matrix product", starts: isMatMul, lower: lowerMatMul},
	{name: "batch norm, ReLU or ReLU6", starts: startsWith[batchNorm], then: []func(*group, *node) bool{isRectifier}, channelsLast: true, lower: lowerBatchNorm},
	{name: "softmax, cross-entropy", starts: isCrossEntropyOfRows, lower: lowerCrossEntropy},
	{name: "loss share", starts: isLossShare, lower: lowerLossShare},
	{name: "addition, ReLU", starts: startsWithSum, then: []func(*group, *node) bool{follows[relu]}, channelsLast: true, lower: lowerSum},
	{name: "max-pool", starts: isMaxPool, converts: true, channelsLast: true, lower: lowerMaxPool},
	{name: "concatenation of pictures", starts: isPictureConcat, channelsLast: true, lower: lowerConcat},
	{name: "mean over pixels", starts: isPixelMean, converts: true, channelsLast: true, lower: lowerPixelMean},
	{name: "view", starts: startsWith[viewer], lower: lowerView},
	{name: "elementwise", starts: isElementwise, channelsLast: true, lower: lowerDefinition},
	{name: "definition", starts: func(*node) bool { return true }, lower: lowerDefinition},
}

func is[O Op](op Op) bool { _, ok := op.(O); return ok }

func follows[O Op](_ *group, n *node) bool { return is[O](n.op) }

func startsWith[O Op](n *node) bool { return is[O](n.op) && (n.examplewise() || is[batchNorm](n.op)) }

func isSparseConv(n *node) bool {
	c, ok := n.op.(conv2d)
	return ok && c.sparse() && n.inputs[0].rows() == 1
}

func isMatrixLinear(n *node) bool {
	return is[linear](n.op) && len(n.inputs[0].shape) == 2 && n.inputs[0].rows() == 1
}

func isPool2x2(_ *group, n *node) bool {
	return n.op == Op(maxPool2d{window: squareWindow(2, 2, 0, 1)})
}

// rectifier returns what an operation that is no more keeps its elements between: a
// ReLU, or a clamp that leaves zero as it is.
func rectifier(op Op) (low, high float32, ok bool) {
	switch op := op.(type) {
	case relu:
		return 0, float32(math.Inf(1)), true
	case pointwise[clamp]:
		if op.f.low <= 0 && op.f.high >= 0 {
			return float32(op.f.low), float32(op.f.high), true
		}
	}
	return 0, 0, false
}

func isRectifier(_ *group, n *node) bool { _, _, ok := rectifier(n.op); return ok }

// isLastRectifier is for a group whose backward pass knows only the ReLU.
func isLastRectifier(gr *group, n *node) bool {
	return is[relu](n.op) || !n.trained() && isRectifier(gr, n)
}

// isFoldedNorm: what a BatchNorm does with the statistics it has, the weights before
// it can do, as long as nobody wants their gradients.
func isFoldedNorm(_ *group, n *node) bool {
	norm, ok := n.op.(batchNorm)
	return ok && !norm.ofBatch() && !n.trained()
}

// isResidual: the sum of a group's output and of a value that is there before the group
// begins. The value becomes an input of the group.
func isResidual(gr *group, n *node) bool {
	if !startsWithSum(n) || n.trained() {
		return false
	}
	other := n.inputs[0]
	if other == gr.output {
		other = n.inputs[1]
	}
	if other.producer != nil && other.producer.number >= gr.first.number {
		return false
	}
	gr.residual = other
	return true
}

// trained reports whether an operation is part of a program for training.
func (n *node) trained() bool { return n.outputs[0].graph.training }

// limits returns what the operation that may be taken as number i keeps the group's
// outputs between: everything, if it is not there.
func (gr *group) limits(i int) (low, high float32) {
	if gr.nodes[i] == nil {
		return float32(math.Inf(-1)), float32(math.Inf(1))
	}
	low, high, _ = rectifier(gr.nodes[i].op)
	return low, high
}

// viewer is an Op whose output is, for every example, the same memory as its
// input.
type viewer interface {
	Op
	view()
}

// elementwise is an Op that, if elementwise returns true, makes of the elements at
// one position of its inputs, all of one shape, the element at that position of
// its output, wherever that is, and of zeros a finite number.
type elementwise interface {
	Op
	elementwise() bool
}

func isElementwise(n *node) bool {
	if e, ok := n.op.(elementwise); !ok || !e.elementwise() || !n.examplewise() || len(n.outputs) != 1 || n.outputs[0].kind != Float32 {
		return false
	}
	for _, in := range n.inputs {
		if in.kind != Float32 || !in.shape.Equal(n.outputs[0].shape) {
			return false
		}
	}
	return true
}

// group is some operations of a graph that one pattern runs.
type group struct {
	pattern *pattern
	first   *node
	taken   []bool  // of the pattern's then
	nodes   []*node // those that were taken, nil where none was
	output  *Value  // of the last operation
	// residual, if not nil, is the other value of a sum that was taken.
	residual *Value
	// links, unless nil, are groups that are computed together as this one, whose first,
	// output and residual are theirs.
	links []*group
}

// inputs are all values that the group reads.
func (gr *group) inputs() []*Value {
	if gr.residual != nil {
		return append(slices.Clone(gr.first.inputs), gr.residual)
	}
	return gr.first.inputs
}

// fuse divides the operations that the outputs depend on into groups.
func fuse(g *graph) []*group {
	needed := g.needed()
	var groups []*group
	done := map[*node]bool{}
	for _, n := range g.nodes {
		if done[n] || !n.needed(needed) {
			continue
		}
		gr := g.match(n)
		for _, taken := range gr.nodes {
			if taken != nil {
				done[taken] = true
			}
		}
		groups = append(groups, gr)
	}
	return g.join(groups)
}

// match returns the group that begins with an operation.
func (g *graph) match(n *node) *group {
	for i := range patterns {
		p := &patterns[i]
		if !p.starts(n) {
			continue
		}
		gr := &group{pattern: p, first: n, output: n.outputs[0]}
		for _, accept := range p.then {
			next := g.consumers(gr.output)
			takes := !slices.Contains(g.outputs, gr.output) && len(next) == 1 && next[0].part == n.part && accept(gr, next[0])
			var taken *node
			if takes {
				taken, gr.output = next[0], next[0].outputs[0]
			}
			gr.taken, gr.nodes = append(gr.taken, takes), append(gr.nodes, taken)
		}
		if !p.all || !slices.Contains(gr.taken, false) {
			return gr
		}
	}
	panic("nn: no pattern for " + n.op.Name()) // the last one takes everything
}

// plan is a network made ready to run: its stages and the memory they share.
type plan struct {
	graph  *graph
	names  map[*Param]string
	train  bool
	batch  int
	shards int
	groups []*group

	arena    []float32   // of the buffers
	elements int         // of all buffers
	counted  Memory      // but for the buffers
	gathered [][]float32 // what gradients are added up in, zero between steps
	forget   []func()    // forget what was begun to be added up besides
	limits   []limit     // of the network's inputs
	stages   []*stage    // being made: of the forward pass, then of the backward pass
	later    []func()    // what makes the stages of the backward pass, the last one first
	current  *origin     // of the stages that are being made
	buffers  []*buffer
	places   map[*Value]*place
	users    map[*Value][]*group
	wanted   map[*Value]bool // gradients that somebody needs
	last     map[*Value]bool // pictures with channels last

	forward, loss, backward []*stage
	// repetitions are what of the forward pass runs again before a buffer is
	// touched in the backward pass, that with the most stages first.
	repetitions map[*buffer][]*repetition

	trained []*trained
	byParam map[*Param]*trained
	uses    map[*Param]int // operations whose gradients are still to come

	// refresh is run before a batch: it follows changes that others made to
	// the parameters.
	refresh []func()
	// followed is run when a step has updated all parameters.
	followed []func()
	// workers is run when the number of workers has changed.
	workers []func(n int)
	// rooms are what the workers work in, of at least roomSize floats.
	rooms    [][]float32
	roomSize int

	count  int       // examples of the batch
	before int       // examples of earlier batches of the same step
	seed   uint64    // of the training
	step   int       // of the training
	shapes [][]Shape // of all values, for a batch of so many; see shapesAt
}

func newPlan(g *graph, names map[*Param]string, shards int, train bool) *plan {
	p := &plan{graph: g, names: names, train: train, batch: g.batch, shards: shards, groups: fuse(g),
		places: map[*Value]*place{}, users: map[*Value][]*group{}, byParam: map[*Param]*trained{}, uses: map[*Param]int{},
		shapes: make([][]Shape, g.batch+1)}
	for _, gr := range p.groups {
		for _, in := range gr.inputs() {
			if !slices.Contains(p.users[in], gr) {
				p.users[in] = append(p.users[in], gr)
			}
		}
	}
	p.limits = limits(g)
	p.findWanted()
	p.findLayouts()
	return p
}

// findWanted decides which gradients are computed: of values that depend on a
// parameter and on which the loss depends, in ways that gradients go.
func (p *plan) findWanted() {
	p.wanted = map[*Value]bool{}
	if !p.train {
		return
	}
	learns := map[*Value]bool{}
	for _, n := range p.graph.nodes {
		if !n.hasGradient() {
			continue
		}
		depends := slices.ContainsFunc(n.params, p.trains)
		for _, in := range n.inputs {
			depends = depends || learns[in]
		}
		for _, out := range n.outputs {
			learns[out] = depends && out.kind == Float32
		}
	}
	reaches := map[*Value]bool{p.graph.end(): true}
	for _, n := range slices.Backward(p.graph.nodes) {
		if !n.hasGradient() || !n.needed(reaches) {
			continue
		}
		for _, in := range n.inputs {
			reaches[in] = true
		}
	}
	for v := range reaches {
		p.wanted[v] = learns[v]
	}
	for _, n := range p.graph.nodes {
		if p.backwards(n) {
			for _, param := range n.params {
				if p.trains(param) {
					p.uses[param]++
				}
			}
		}
	}
}

// trains reports whether a parameter's gradient is wanted.
func (p *plan) trains(param *Param) bool { return !p.graph.frozenParams[param] }

// backwards reports whether an operation has anything to do in the backward pass.
func (p *plan) backwards(n *node) bool { return n.hasGradient() && n.needed(p.wanted) }

// findLayouts decides which pictures are stored with the channels last: those
// that a pattern which can makes, and which only such patterns read. What reads in
// one layout and writes in the same must have both ends in it.
func (p *plan) findLayouts() {
	p.last = map[*Value]bool{}
	maker := map[*Value]*group{}
	for _, gr := range p.groups {
		if v := gr.output; gr.pattern.channelsLast && len(v.shape) == 4 && v.rows() == 1 && !slices.Contains(p.graph.outputs, v) {
			p.last[v], maker[v] = true, gr
		}
	}
	for changed := true; changed; {
		changed = false
		for v := range p.last {
			keep := len(p.users[v]) > 0
			for _, u := range p.users[v] {
				keep = keep && u.pattern.channelsLast && (u.pattern.converts && u.residual != v || p.last[u.output])
			}
			gr := maker[v]
			if !gr.pattern.converts {
				for _, in := range gr.first.inputs {
					keep = keep && p.last[in]
				}
			}
			keep = keep && (gr.residual == nil || p.last[gr.residual])
			if !keep {
				delete(p.last, v)
				changed = true
			}
		}
	}
}

// stage appends a stage.
func (p *plan) stage(s *stage) {
	if s.of == nil && p.current != nil {
		s.of, s.algorithm = p.current, p.current.algorithm
	}
	p.stages = append(p.stages, s)
}

// byExamples appends a stage over examples.
func (p *plan) byExamples(run func(w work), touches ...*buffer) {
	p.stage(&stage{axis: examples, run: run, touches: touches})
}

// divided says into which parts the stage that was appended last can be divided.
func (p *plan) divided(parts ...part) { p.stages[len(p.stages)-1].parts = parts }

// overwriting appends a stage over examples that sets to, element by element, of the
// element of from at the same place and of others: so it may have the memory of
// from.
func (p *plan) overwriting(run func(w work), to, from *buffer, others ...*buffer) {
	p.stage(&stage{axis: examples, run: run, touches: append([]*buffer{from, to}, others...), over: [2]*buffer{to, from}})
}

func (p *plan) newBuffer(b buffer) *buffer {
	p.buffers = append(p.buffers, &b)
	return &b
}

// eachExample returns a buffer of so many floats for an example, and with room
// for surplus lanes if padded.
func (p *plan) eachExample(size int, padded bool) *buffer {
	b := buffer{size: size, stride: size}
	if padded {
		b.stride = roundUp(size+kernel.Slack, 16)
		b.zeros = true
	}
	return p.newBuffer(b)
}

// whole returns a buffer of so many floats for the whole batch.
func (p *plan) whole(size int) *buffer { return p.newBuffer(buffer{size: size}) }

// place returns where a value lies, and makes it if it has none.
func (p *plan) place(v *Value) *place {
	if at := p.places[v]; at != nil {
		return at
	}
	at := &place{kind: v.kind, rows: v.rows(), channelsLast: p.last[v]}
	padded := p.padded(v)
	for _, gr := range p.groups {
		padded = padded || gr.output == v && gr.pattern.padded
	}
	switch {
	case at.rows == 0:
		at.shape = v.shape
		at.values = p.newBuffer(buffer{size: v.shape.Elements(), integer: v.kind != Float32})
	case at.rows == 1:
		at.shape = v.shape[1:]
	default:
		at.shape = append(Shape{at.rows}, v.shape[1:]...)
	}
	if at.rows > 0 {
		size := at.shape.Elements()
		if at.channelsLast {
			size = at.shape[1] * at.shape[2] * storedChannels(at.shape[0])
		}
		at.values = p.eachExample(size, padded)
		at.values.integer = v.kind != Float32
	}
	if at.channelsLast && storedChannels(at.shape[0]) == at.shape[0] || p.wholeLanes(v) {
		at.values.zeros = false // kernels let nothing depend on what lies behind
	}
	if p.wanted[v] {
		at.gradient = p.newBuffer(*at.values)
		at.gradient.zeros = at.values.zeros && !at.channelsLast
	}
	p.places[v] = at
	return at
}

// padded reports whether something that reads v, or a view of it, needs surplus
// lanes.
func (p *plan) padded(v *Value) bool {
	for _, u := range p.users[v] {
		if u.pattern.padded || is[viewer](u.first.op) && p.padded(u.output) {
			return true
		}
	}
	return false
}

// wholeLanes reports whether all that wants surplus lanes behind the rows of a matrix are
// linear layers, whose kernels read none where the rows are whole vectors.
func (p *plan) wholeLanes(v *Value) bool {
	if len(v.shape) != 2 || v.rows() != 1 || v.shape[1]%8 != 0 {
		return false
	}
	for _, gr := range p.groups {
		if (gr.output == v || slices.Contains(gr.first.inputs, v)) && (gr.pattern.padded || is[viewer](gr.first.op)) && !is[linear](gr.first.op) {
			return false
		}
	}
	return true
}

// build makes the stages: load those that fill the inputs, judge those that fill the
// targets, and start those that begin the backward pass.
func (p *plan) build(load, judge, start func(p *plan)) {
	lowered := map[*group][]*stage{}
	lower := func(loss bool) (made []*stage) {
		for _, gr := range p.groups {
			if (p.graph.loss != nil && gr.first.number >= p.graph.judged) == loss {
				before := len(p.stages)
				p.madeFor(gr, func() { gr.pattern.lower(p, gr) })
				lowered[gr] = p.stages[before:]
			}
		}
		made, p.stages = p.stages, nil
		return made
	}
	load(p)
	p.forward = lower(false)
	findSets(p.forward)
	if !p.train {
		return
	}
	for _, v := range append(slices.Clone(p.graph.inputs), p.graph.outputs...) {
		p.place(v).values.kept = true // for a second Backward, and for who calls Forward
	}
	p.findRepetitions(lowered)
	judge(p)
	p.loss = lower(true)
	p.backwardOf(func() { start(p) })
	for _, make := range slices.Backward(p.later) {
		p.backwardOf(make)
	}
	p.backwardOf(p.finishTrained)
	findSets(slices.Concat(p.forward, p.loss, p.stages))
	p.backward, p.stages = dropUnused(p.stages), nil
}

// shapesAt returns the shapes of all values for a batch of n.
// It panics where there are none.
func (p *plan) shapesAt(n int) []Shape {
	shapes, err := p.shapesFor(n)
	if err != nil {
		panic(err.Error())
	}
	return shapes
}

// shapesFor is shapesAt, or an error that names the layer that does not suit n.
func (p *plan) shapesFor(n int) ([]Shape, error) {
	if p.shapes[n] != nil {
		return p.shapes[n], nil
	}
	shapes := make([]Shape, len(p.graph.values))
	for _, in := range append(slices.Clone(p.graph.inputs), p.graph.targets...) {
		shapes[in.index] = append(Shape{n * in.rows()}, in.shape[1:]...)
	}
	for _, node := range p.graph.nodes {
		specs := make([]Spec, len(node.inputs))
		for i, in := range node.inputs {
			specs[i] = Spec{shapes[in.index], in.kind}
		}
		outputs, err := outputsOf(node.op, specs)
		if err != nil {
			return nil, fmt.Errorf("nn: %s, for a batch of %d: %w", nodeName(node, p.names), n, err)
		}
		for i, out := range node.outputs {
			shapes[out.index] = outputs[i].Shape
		}
	}
	p.shapes[n] = shapes
	return shapes, nil
}

// setBatch prepares for a batch of n examples.
func (p *plan) setBatch(n int) {
	p.count = n
	for _, refresh := range p.refresh {
		refresh()
	}
}

func (p *plan) setWorkers(n int) {
	for _, set := range p.workers {
		set(n)
	}
}

// lowerView lowers an operation whose output is its input's memory.
func lowerView(p *plan, g *group) {
	in, out := p.place(g.first.inputs[0]), g.output
	same := *in
	same.shape = out.shape[1:]
	if same.rows = out.rows(); same.rows > 1 {
		same.shape = append(Shape{same.rows}, same.shape...)
	}
	p.places[out] = &same
}
