package nn

import (
	"slices"

	"inkling/internal/kernel"
)

// largeParam is the number of elements from which a parameter's gradient is not
// summed in a copy for every shard of the batch, but computed for the whole batch
// by rows or at once.
const largeParam = 1 << 16

// definition runs an operation as it is defined: for some examples at a time, or
// for the whole batch at once.
type definition struct {
	plan            *plan
	node            *node
	inputs, outputs []*place
	saves           Saves
	saved, floats   *buffer // nil if it keeps none
	batchFloats     *buffer
	params          []Tensor[float32]
	buffers         []Tensor[float32]
	// sums[shard][parameter] gathers gradients.
	sums [][]Tensor[float32]
	// singly: examples do not lie right behind each other, so they come one a call.
	singly bool
	// calls are each worker's, so that running allocates nothing.
	calls []*definitionCall
	// dense are copies of what does not lie densely, for a call for the whole
	// batch: of inputs, outputs, and their gradients.
	dense map[*buffer]*buffer
	// clears tells which gradients of inputs this operation starts, and repeats
	// which are those of an earlier input, too.
	clears, repeats []bool
	whole           *definitionCall
}

// definitionCall is a Call with room for the first dimensions of its shapes.
type definitionCall struct {
	Call[float32]
	none []Tensor[float32] // ParamGrads without data
}

func lowerDefinition(p *plan, g *group) {
	d := &definition{plan: p, node: g.first, saves: g.first.saves(), dense: map[*buffer]*buffer{}}
	p.by("definition")
	var touches []*buffer
	for _, v := range d.node.inputs {
		d.inputs = append(d.inputs, p.place(v))
		touches = append(touches, p.place(v).values)
	}
	for _, v := range d.node.outputs {
		d.outputs = append(d.outputs, p.place(v))
		touches = append(touches, p.place(v).values)
	}
	if d.saves.Indices > 0 {
		d.saved = p.newBuffer(buffer{size: d.saves.Indices, stride: d.saves.Indices, integer: true})
		touches = append(touches, d.saved)
	}
	if d.saves.Floats > 0 {
		d.floats = p.eachExample(d.saves.Floats, false)
		touches = append(touches, d.floats)
	}
	if d.saves.BatchFloats > 0 {
		d.batchFloats = p.whole(d.saves.BatchFloats)
		touches = append(touches, d.batchFloats)
	}
	d.prepareParams()
	if d.node.examplewise() {
		for _, at := range append(slices.Clone(d.inputs), d.outputs...) {
			d.singly = d.singly || !at.values.dense()
		}
		s := &stage{axis: examples, run: d.forward, touches: touches}
		if isElementwise(d.node) {
			s.over = [2]*buffer{d.outputs[0].values, d.inputs[0].values}
		}
		p.stage(s)
	} else {
		p.stage(&stage{axis: once, run: d.forwardWhole, touches: append(touches, d.copies(touches)...)})
	}
	p.workers = append(p.workers, d.setWorkers)
	if p.backwards(d.node) {
		p.later = append(p.later, d.lowerBackward)
	}
}

func shapesOfValues(values []*Value) []Shape {
	var shapes []Shape
	for _, v := range values {
		shapes = append(shapes, v.shape)
	}
	return shapes
}

// prepareParams gives the operation its parameters in PyTorch's order: their own
// storage, or a copy that follows it.
func (d *definition) prepareParams() {
	for _, param := range d.node.params {
		t := Tensor[float32]{Shape: param.shape, Data: param.data[:min(len(param.data), param.shape.Elements())]}
		if !slices.Equal(param.strides, rowMajor(param.shape)) {
			t.Data = d.plan.packed(param.shape.Elements())
			used := versions{at: []*uint64{&param.version}}
			offsets := offsetsOf(param)
			d.plan.refresh = append(d.plan.refresh, func() {
				if used.changed() {
					for i, at := range offsets {
						t.Data[i] = param.data[at]
					}
				}
			})
		}
		d.params = append(d.params, t)
	}
	for _, b := range d.node.buffers {
		d.buffers = append(d.buffers, Tensor[float32]{Shape: b.shape, Data: b.data})
	}
}

// offsetsOf returns where the elements of a parameter are in its storage.
func offsetsOf(p *Param) (offsets []int) {
	eachOffset(p.shape, p.strides, func(offset int) { offsets = append(offsets, offset) })
	return offsets
}

// copies makes a dense copy for every buffer that a call for the whole batch cannot
// use as it is, and returns them.
func (d *definition) copies(list []*buffer) (made []*buffer) {
	for _, b := range list {
		if !b.dense() && d.dense[b] == nil {
			d.dense[b] = d.plan.newBuffer(buffer{size: b.size * d.plan.batch, integer: b.integer})
		}
		if d.dense[b] != nil {
			made = append(made, d.dense[b])
		}
	}
	return made
}

func (d *definition) setWorkers(n int) {
	d.calls = nil
	for range n + 1 {
		c := &definitionCall{}
		c.Params, c.Buffers = d.params, d.buffers
		tensors := func(values []*Value) (list []Tensor[float32]) {
			for _, v := range values {
				shape := v.shape.clone()
				if at := d.plan.places[v]; at.channelsLast {
					shape = Shape{1, at.values.size} // of an operation to which it is all one
				}
				list = append(list, Tensor[float32]{Shape: shape})
			}
			return list
		}
		c.Inputs, c.InputGrads = tensors(d.node.inputs), tensors(d.node.inputs)
		c.Outputs, c.OutputGrads = tensors(d.node.outputs), tensors(d.node.outputs)
		for _, param := range d.node.params {
			c.none = append(c.none, Tensor[float32]{Shape: param.shape})
		}
		d.calls = append(d.calls, c)
	}
	d.whole = d.calls[n]
}

// set lets a tensor be what a buffer has of some examples.
func (d *definition) set(t *Tensor[float32], at *place, b *buffer, w *work, first, last int) {
	t.Shape[0] = at.rows * (last - first)
	switch {
	case b == nil:
		t.Data, t.Ints = nil, nil
	case b.integer:
		t.Ints = b.intParts(w, first, last)
	case first+1 == last:
		t.Data = b.part(w, first)
	default:
		t.Data = b.parts(w, first, last)
	}
}

func (d *definition) call(w *work, first, last int) *definitionCall {
	c := d.calls[w.worker]
	c.N, c.First = last-first, d.plan.before+first
	c.Seed = operationSeed(d.plan.seed, d.plan.step, d.node.stream)
	for i, at := range d.inputs {
		d.set(&c.Inputs[i], at, at.values, w, first, last)
		d.set(&c.InputGrads[i], at, at.gradient, w, first, last)
	}
	for i, at := range d.outputs {
		d.set(&c.Outputs[i], at, at.values, w, first, last)
		d.set(&c.OutputGrads[i], at, at.gradient, w, first, last)
	}
	c.Output, c.OutputGrad = c.Outputs[0], c.OutputGrads[0]
	if d.saved != nil {
		c.Saved = d.saved.intParts(w, first, last)
	}
	if d.floats != nil {
		c.Floats = d.floats.parts(w, first, last)
	}
	return c
}

// each calls run for the examples of w: all at once, or one by one.
func (d *definition) each(w *work, run func(d *definition, w *work, first, last int)) {
	if !d.singly {
		run(d, w, w.first, w.last)
		return
	}
	for i := w.first; i < w.last; i++ {
		run(d, w, i, i+1)
	}
}

func (d *definition) forward(w work) {
	defer d.named()
	d.each(&w, func(d *definition, w *work, first, last int) {
		d.node.op.Forward(&d.call(w, first, last).Call)
	})
}

func (d *definition) backward(w work) {
	defer d.named()
	d.each(&w, func(d *definition, w *work, first, last int) {
		c := d.call(w, first, last)
		for i, clears := range d.clears {
			if clears {
				clear(c.InputGrads[i].Data)
			}
		}
		c.ParamGrads = c.none
		if d.sums != nil {
			c.ParamGrads = d.sums[w.shard]
		}
		d.node.op.Backward(&c.Call)
	})
}

// backwardTouches returns the memory that the backward pass needs: of the values what
// the operation reads, or all if it is called for the whole batch, as a local
// buffer does not have that.
func (d *definition) backwardTouches(whole bool) (touches []*buffer) {
	inputs, outputs := backwardReads(d.node.op)
	add := func(places []*place, values bool) {
		for _, at := range places {
			if values || whole {
				touches = append(touches, at.values)
			}
			if at.gradient != nil {
				touches = append(touches, at.gradient)
			}
		}
	}
	add(d.inputs, inputs)
	add(d.outputs, outputs)
	for _, b := range []*buffer{d.saved, d.floats, d.batchFloats} {
		if b != nil {
			touches = append(touches, b)
		}
	}
	if whole {
		touches = append(touches, d.copies(touches)...)
	}
	return touches
}

// lowerBackward adds the stages of the backward pass.
func (d *definition) lowerBackward() {
	p := d.plan
	seen := map[*buffer]bool{}
	inputs := false
	for _, at := range d.inputs {
		starts := at.gradient != nil && !seen[at.gradient] && !at.gradient.start()
		d.repeats = append(d.repeats, at.gradient != nil && seen[at.gradient])
		if at.gradient != nil {
			seen[at.gradient] = true
			inputs = true
		}
		d.clears = append(d.clears, starts)
	}
	large := false
	learns := slices.ContainsFunc(d.node.params, p.trains)
	for _, param := range d.node.params {
		large = large || p.trains(param) && param.shape.Elements() >= largeParam
	}
	if large && !inputs && d.node.examplewise() && len(d.node.params) == 1 && slices.Equal(d.node.params[0].strides, rowMajor(d.node.params[0].shape)) {
		d.contributeWhole(d.node.params[0])
		return
	}
	shards := p.shards
	if large || !d.node.examplewise() {
		shards = 1
	}
	if learns {
		for range shards {
			var sums []Tensor[float32]
			for _, param := range d.node.params {
				sum := Tensor[float32]{Shape: param.shape}
				if p.trains(param) {
					sum.Data = p.sums(param.shape.Elements())
				}
				sums = append(sums, sum)
			}
			d.sums = append(d.sums, sums)
		}
	}
	switch {
	case !d.node.examplewise():
		p.stage(&stage{axis: once, run: func(work) { d.backwardWhole(true, d.sums) }, touches: d.backwardTouches(true)})
	case large:
		if sums := d.sums; inputs {
			d.sums = nil
			p.byExamples(d.backward, d.backwardTouches(false)...)
			p.stage(&stage{axis: once, run: func(work) { d.backwardWhole(false, sums) }, touches: d.backwardTouches(true)})
			d.contribute(sums)
			return
		}
		p.stage(&stage{axis: once, run: func(work) { d.backwardWhole(false, d.sums) }, touches: d.backwardTouches(true)})
	default:
		p.stage(&stage{axis: examples, run: d.backward, sharded: d.sums != nil, touches: d.backwardTouches(false)})
	}
	d.contribute(d.sums)
}

// contributeWhole has the gradient of the operation's one parameter computed where it is
// wanted: a large one, such as that of an Embedding, is not added up elsewhere and copied.
func (d *definition) contributeWhole(param *Param) {
	sums := [][]Tensor[float32]{{{Shape: param.shape}}}
	elements := param.shape.Elements()
	d.plan.contribute(param, contribution{rows: 1, unit: 1, touches: d.backwardTouches(true), compute: func(_ *taskWork, destination []float32, _, _ int) {
		clear(destination)
		sums[0][0].Data = destination[:elements]
		d.backwardWhole(false, sums)
	}})
}

// contribute says where the gradients of the parameters are.
func (d *definition) contribute(sums [][]Tensor[float32]) {
	for i, param := range d.node.params {
		if !d.plan.trains(param) {
			continue
		}
		parts := make([][]float32, len(sums))
		for s := range sums {
			parts[s] = sums[s][i].Data
		}
		var offsets []int
		if !slices.Equal(param.strides, rowMajor(param.shape)) {
			offsets = offsetsOf(param)
		}
		d.plan.contribute(param, contribution{rows: 1, unit: 1, compute: func(t *taskWork, destination []float32, _, _ int) {
			sumShards(parts, 0, len(parts[0]))
			if offsets == nil {
				clear(destination[copy(destination, parts[0]):])
			} else {
				clear(destination)
			}
			for i, at := range offsets {
				destination[at] = parts[0][i]
			}
			for _, part := range parts {
				clear(part)
			}
		}})
	}
}

// wholeCall returns the call for the whole batch, with shapes as the rules say.
func (d *definition) wholeCall() *definitionCall {
	p, c := d.plan, d.whole
	shapes := p.shapesAt(p.count)
	c.N, c.First = p.count, p.before
	c.Seed = operationSeed(p.seed, p.step, d.node.stream)
	set := func(t *Tensor[float32], v *Value, b *buffer) {
		t.Shape = shapes[v.index]
		if b == nil {
			t.Data, t.Ints = nil, nil
			return
		}
		if copied := d.dense[b]; copied != nil {
			b = copied
		}
		if n := t.Shape.Elements(); b.integer {
			t.Ints = b.ints[:n]
		} else {
			t.Data = b.data[:n]
		}
	}
	for i, v := range d.node.inputs {
		set(&c.Inputs[i], v, d.inputs[i].values)
		set(&c.InputGrads[i], v, d.inputs[i].gradient)
	}
	for i, v := range d.node.outputs {
		set(&c.Outputs[i], v, d.outputs[i].values)
		set(&c.OutputGrads[i], v, d.outputs[i].gradient)
	}
	c.Output, c.OutputGrad = c.Outputs[0], c.OutputGrads[0]
	if d.saved != nil {
		c.Saved = d.saved.ints[:p.batch*d.saved.size]
	}
	if d.floats != nil {
		c.Floats = d.floats.data[:p.batch*d.floats.size]
	}
	if d.batchFloats != nil {
		c.BatchFloats = d.batchFloats.data[:d.batchFloats.size]
	}
	return c
}

// gather copies a buffer to its dense copy, and scatter back.
func (d *definition) gather(b *buffer) {
	to := d.dense[b]
	if to == nil {
		return
	}
	for i := range d.plan.count {
		if b.integer {
			copy(to.ints[i*b.size:], b.ints[i*b.stride:][:b.size])
		} else {
			copy(to.data[i*b.size:], b.data[i*b.stride:][:b.size])
		}
	}
}

func (d *definition) scatter(b *buffer, add bool) {
	from := d.dense[b]
	if from == nil {
		return
	}
	for i := range d.plan.count {
		switch {
		case b.integer:
			copy(b.ints[i*b.stride:][:b.size], from.ints[i*b.size:])
		case add:
			kernel.Add(b.data[i*b.stride:][:b.size], from.data[i*b.size:])
		default:
			copy(b.data[i*b.stride:][:b.size], from.data[i*b.size:])
		}
	}
}

func (d *definition) forwardWhole(w work) {
	defer d.named()
	for _, at := range d.inputs {
		d.gather(at.values)
	}
	c := d.wholeCall()
	c.UpdateBuffers = d.plan.train && !w.again
	d.node.op.Forward(&c.Call)
	if c.UpdateBuffers {
		changeBuffers(d.node)
	}
	for _, at := range d.outputs {
		d.scatter(at.values, false)
	}
}

// backwardWhole adds the gradients of the inputs, if asked to, and those of the
// parameters to sums.
func (d *definition) backwardWhole(inputs bool, sums [][]Tensor[float32]) {
	defer d.named()
	c := d.wholeCall()
	for _, at := range d.inputs {
		d.gather(at.values)
	}
	for _, at := range d.outputs {
		d.gather(at.values)
		if at.gradient != nil {
			d.gather(at.gradient)
		}
	}
	for i, at := range d.inputs {
		switch {
		case at.gradient == nil:
		case !inputs:
			c.InputGrads[i].Data = nil
		case d.clears[i] || d.dense[at.gradient] != nil:
			clear(c.InputGrads[i].Data)
		}
	}
	c.ParamGrads = c.none
	if sums != nil {
		c.ParamGrads = sums[0]
	}
	d.node.op.Backward(&c.Call)
	for i, at := range d.inputs {
		if inputs && at.gradient != nil && !d.repeats[i] {
			d.scatter(at.gradient, !d.clears[i])
		}
	}
}
