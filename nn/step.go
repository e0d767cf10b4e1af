package nn

import "inkling/internal/kernel"

// buffer is the memory of one value or of its gradient in a program: some
// examples, each with room for the surplus lanes that kernels touch.
type buffer struct {
	data   []float32
	stride int // floats from one example to the next
}

func newBuffer(examples, elements int) buffer {
	stride := roundUp(elements+kernel.Slack, 16)
	return buffer{data: alignedFloats(examples * stride), stride: stride}
}

// from returns the memory of example i and all after it.
func (b buffer) from(i int) []float32 { return b.data[i*b.stride:] }

// part returns the first n floats of example i.
func (b buffer) part(i, n int) []float32 { return b.data[i*b.stride:][:n:n] }

// place is where a value lies while a program runs.
type place struct {
	shape    Shape // of one example, without the batch
	values   buffer
	gradient buffer // no data where nobody needs it
	// channelsLast: pictures lie pixel by pixel, with storedChannels floats a
	// pixel. Otherwise they are planar, as in PyTorch.
	channelsLast bool
	relu         bool // values are the output of a ReLU that is fused into their producer
	// added: more than one operation, or one that adds, contributes to the
	// gradient, so it starts from zero.
	added bool
}

// pixelStep and channelStep are the distances between neighbouring pixels and
// neighbouring channels.
func (p *place) pixelStep() int {
	if p.channelsLast {
		return storedChannels(p.shape[0])
	}
	return 1
}

func (p *place) channelStep() int {
	if p.channelsLast {
		return 1
	}
	return p.shape[1] * p.shape[2]
}

// step is one stage of a program: a fused group of operations, for any range
// of examples. Different ranges run on different goroutines at once.
type step interface {
	forward(first, last int)
	// backward sets or adds to the gradient of the step's input, and gathers
	// what the gradients of the parameters need.
	backward(shard, first, last int)
	// sharded reports whether backward sums over examples, and so must be
	// given those of one shard at a time.
	sharded() bool
	// trained lists the parameters whose gradients the step can compute.
	trained() []*trained
}

// trained is a parameter of a training program. Its storage is treated as
// rows, so that gradient and update can be shared among goroutines.
type trained struct {
	param *Param
	name  string
	rows  int // rows of len(param.data)/rows floats
	unit  int // rows that one task takes
	// compute sets destination to the gradient of rows from..to over a batch
	// of the given number of examples.
	compute func(destination []float32, from, to, examples int)
	// shardOf, if not nil, returns the shard whose worker should update a row
	// because it has it in its cache, or -1.
	shardOf func(row int) int
	// updated, if not nil, is called when rows from..to have changed.
	updated func(from, to int)

	gradient []float32   // of the whole parameter, once it is asked for
	slots    [][]float32 // of the optimizer
}

func (t *trained) rowSize() int { return len(t.param.data) / t.rows }

// opStep runs an operation that has no fused kernel as it is. Its values lie
// as in PyTorch.
type opStep struct {
	op     Op
	number int
	inputs []*place
	output *place
	params []*Param
	names  []string
	train  bool
	saves  Saves
	saved  []int32
	floats []float32
	seed   uint64
	// sums[shard][parameter] gathers gradients; nil for inference.
	sums [][]Tensor[float32]
	// calls[i] is the prepared call for example i.
	calls []Call[float32]
	// whole[n] is the prepared call for a batch of n, where op is Batchwise;
	// its tensors are copies, one example right after another.
	whole []*Call[float32]
}

func newOpStep(n *node, inputs []*place, output *place, names map[*Param]string, examples, shards int, train bool) *opStep {
	s := &opStep{op: n.op, number: n.number, inputs: inputs, output: output, params: n.params, train: train}
	s.saves = savesOf(n.op, shapesOfValues(n.inputs))
	s.saved, s.floats = make([]int32, s.saves.Indices*examples), make([]float32, s.saves.Floats*examples)
	for _, p := range n.params {
		s.names = append(s.names, names[p])
	}
	if train && len(n.params) > 0 {
		for range shards {
			var sums []Tensor[float32]
			for _, p := range n.params {
				sums = append(sums, Tensor[float32]{Shape: p.shape, Data: alignedFloats(len(p.data))})
			}
			s.sums = append(s.sums, sums)
		}
	}
	var params, buffers []Tensor[float32]
	for _, p := range n.params {
		params = append(params, Tensor[float32]{Shape: p.shape, Data: p.data[:p.shape.Elements()]})
	}
	for _, b := range n.buffers {
		buffers = append(buffers, Tensor[float32]{Shape: b.shape, Data: b.data})
	}
	if batchwise(n.op) {
		s.prepareWhole(params, buffers, examples)
		return s
	}
	one := func(shape Shape, b buffer, i int) Tensor[float32] {
		t := Tensor[float32]{Shape: append(Shape{1}, shape...)}
		if b.data != nil {
			t.Data = b.part(i, shape.Elements())
		}
		return t
	}
	for i := range examples {
		c := Call[float32]{N: 1, First: i, Params: params, Buffers: buffers,
			Output: one(output.shape, output.values, i), OutputGrad: one(output.shape, output.gradient, i),
			Saved: s.saved[i*s.saves.Indices:][:s.saves.Indices], Floats: s.floats[i*s.saves.Floats:][:s.saves.Floats]}
		c.Outputs, c.OutputGrads = []Tensor[float32]{c.Output}, []Tensor[float32]{c.OutputGrad}
		for _, in := range inputs {
			c.Inputs = append(c.Inputs, one(in.shape, in.values, i))
			c.InputGrads = append(c.InputGrads, one(in.shape, in.gradient, i))
		}
		s.calls = append(s.calls, c)
	}
	return s
}

func shapesOfValues(values []*Value) []Shape {
	var shapes []Shape
	for _, v := range values {
		shapes = append(shapes, v.shape)
	}
	return shapes
}

func (s *opStep) prepareWhole(params, buffers []Tensor[float32], examples int) {
	copies := func(p *place, gradient bool) []float32 {
		if gradient && p.gradient.data == nil {
			return nil
		}
		return alignedFloats(examples * p.shape.Elements())
	}
	output, outputGrad := copies(s.output, false), copies(s.output, true)
	batchFloats := make([]float32, s.saves.BatchFloats)
	var inputs, inputGrads [][]float32
	for _, in := range s.inputs {
		inputs, inputGrads = append(inputs, copies(in, false)), append(inputGrads, copies(in, true))
	}
	s.whole = []*Call[float32]{nil}
	for n := 1; n <= examples; n++ {
		part := func(p *place, data []float32) Tensor[float32] {
			t := Tensor[float32]{Shape: append(Shape{n}, p.shape...)}
			if data != nil {
				t.Data = data[:t.Shape.Elements()]
			}
			return t
		}
		c := &Call[float32]{N: n, Params: params, Buffers: buffers, UpdateBuffers: s.train,
			Output: part(s.output, output), OutputGrad: part(s.output, outputGrad),
			Saved: s.saved[:n*s.saves.Indices], Floats: s.floats[:n*s.saves.Floats], BatchFloats: batchFloats}
		c.Outputs, c.OutputGrads = []Tensor[float32]{c.Output}, []Tensor[float32]{c.OutputGrad}
		for i, in := range s.inputs {
			c.Inputs = append(c.Inputs, part(in, inputs[i]))
			c.InputGrads = append(c.InputGrads, part(in, inputGrads[i]))
		}
		if s.sums != nil {
			c.ParamGrads = s.sums[0]
		}
		s.whole = append(s.whole, c)
	}
}

// each calls visit with the memory of every example, and what a whole call has
// of it.
func each(p *place, b buffer, t Tensor[float32], visit func(example, whole []float32)) {
	size := p.shape.Elements()
	for i := range t.Shape[0] {
		visit(b.part(i, size), t.Data[i*size:][:size])
	}
}

func (s *opStep) forwardWhole(examples int) {
	c := s.whole[examples]
	c.Seed = s.seed
	for i, in := range s.inputs {
		each(in, in.values, c.Inputs[i], func(example, whole []float32) { copy(whole, example) })
	}
	s.op.Forward(c)
	each(s.output, s.output.values, c.Output, func(example, whole []float32) { copy(example, whole) })
}

func (s *opStep) backwardWhole(examples int) {
	c := s.whole[examples]
	each(s.output, s.output.gradient, c.OutputGrad, func(example, whole []float32) { copy(whole, example) })
	for i := range s.inputs {
		clear(c.InputGrads[i].Data)
	}
	s.op.Backward(c)
	for i, in := range s.inputs {
		if in.gradient.data != nil {
			each(in, in.gradient, c.InputGrads[i], func(example, whole []float32) { kernel.Add(example, whole) })
		}
	}
}

func (s *opStep) forward(first, last int) {
	if s.whole != nil {
		s.forwardWhole(last) // of a program that takes the whole batch at once
		return
	}
	for i := first; i < last; i++ {
		s.calls[i].Seed = s.seed
		s.op.Forward(&s.calls[i])
	}
}

func (s *opStep) backward(shard, first, last int) {
	for i := first; i < last; i++ {
		c := &s.calls[i]
		if s.sums != nil {
			c.ParamGrads = s.sums[shard]
		}
		s.op.Backward(c)
	}
}

func (s *opStep) sharded() bool { return s.sums != nil }

func (s *opStep) trained() []*trained {
	var list []*trained
	for i, p := range s.params {
		list = append(list, &trained{param: p, name: s.names[i], rows: 1, unit: 1,
			compute: func(destination []float32, _, _, _ int) {
				clear(destination)
				for _, sums := range s.sums {
					kernel.Add(destination, sums[i].Data)
					clear(sums[i].Data)
				}
			}})
	}
	return list
}

// linearStep is a fully connected layer with bias and, maybe, ReLU.
type linearStep struct {
	weight, bias  *Param
	names         []string
	noBias        []float32 // zeros in place of a bias
	input, output *place
	depth, width  int // padded sizes of input and output
	ones          []float32
	// rowShards is how many shards the rows of the weights are divided into
	// when a program shares out a layer by rows; 0 when it does by examples.
	rowShards int
	partial   []buffer // what each shard contributes to the input's gradient
}

func newLinearStep(op linear, params []*Param, names map[*Param]string, input, output *place) *linearStep {
	s := &linearStep{weight: params[0], input: input, output: output, depth: roundUp(op.in, 8), width: roundUp(op.out, 8), ones: []float32{1}}
	s.names = append(s.names, names[params[0]])
	if len(params) > 1 {
		s.bias = params[1]
		s.names = append(s.names, names[params[1]])
	} else {
		s.noBias = alignedFloats(s.width)
	}
	return s
}

func (s *linearStep) forward(first, last int) { s.forwardPart(first, last, 0, s.width) }

// forwardPart computes outputs from..to-1, multiples of 8, of some examples.
func (s *linearStep) forwardPart(first, last, from, to int) {
	bias := s.noBias
	if s.bias != nil {
		bias = s.bias.data
	}
	kernel.LinearForward(s.output.values.from(first)[from:], s.input.values.from(first), s.weight.data[from*s.depth:], bias[from:],
		last-first, to-from, s.depth, s.output.values.stride, s.input.values.stride, s.output.relu)
}

func (s *linearStep) backward(_, first, last int) {
	s.mask(first, last)
	if s.input.gradient.data == nil {
		return
	}
	kernel.MatMul(s.input.gradient.from(first), s.output.gradient.from(first), s.weight.data,
		last-first, s.depth, s.width, s.input.gradient.stride, s.output.gradient.stride, 1, s.depth, s.input.added)
}

// mask takes the gradient back through the fused ReLU.
func (s *linearStep) mask(first, last int) {
	if s.output.relu {
		for i := first; i < last; i++ {
			kernel.MaskPositive(s.output.gradient.part(i, s.width), s.output.values.part(i, s.width))
		}
	}
}

// shareByRows divides the rows of the weights into shards for a batch.
func (s *linearStep) shareByRows(shards, batch int) {
	s.rowShards = shards
	if s.input.gradient.data != nil {
		for range shards {
			s.partial = append(s.partial, newBuffer(batch, s.depth))
		}
	}
}

// shardRows returns the rows of a shard, in whole eights.
func (s *linearStep) shardRows(shard int) (from, to int) {
	from, to = share(s.width/8, s.rowShards, shard)
	return 8 * from, 8 * to
}

// forwardShard computes a shard's outputs for all examples.
func (s *linearStep) forwardShard(shard, examples int) {
	if from, to := s.shardRows(shard); from < to {
		s.forwardPart(0, examples, from, to)
	}
}

// backwardShard computes what a shard's rows contribute to the gradient of the
// input, for all examples. The part of a shard without rows stays zero.
func (s *linearStep) backwardShard(shard, examples int) {
	if from, to := s.shardRows(shard); from < to && s.partial != nil {
		p := s.partial[shard]
		kernel.MatMul(p.data, s.output.gradient.data[from:], s.weight.data[from*s.depth:],
			examples, s.depth, to-from, p.stride, s.output.gradient.stride, 1, s.depth, false)
	}
}

// gather adds up what the shards contributed, for some examples.
func (s *linearStep) gather(first, last int) {
	for i := first; i < last && s.partial != nil; i++ {
		gradient := s.input.gradient.part(i, s.depth)
		for shard, p := range s.partial {
			if shard == 0 && !s.input.added {
				copy(gradient, p.part(i, s.depth))
			} else {
				kernel.Add(gradient, p.part(i, s.depth))
			}
		}
	}
}

func (s *linearStep) sharded() bool { return false }

// shardOfRow returns the shard of a row, or -1.
func (s *linearStep) shardOfRow(row int) int {
	for shard := range s.rowShards {
		if _, to := s.shardRows(shard); row < to {
			return shard
		}
	}
	return -1
}

func (s *linearStep) trained() []*trained {
	list := []*trained{{param: s.weight, name: s.names[0], rows: s.width, unit: 8, shardOf: s.shardOfRow,
		compute: func(destination []float32, from, to, examples int) {
			kernel.MatMul(destination, s.output.gradient.data[from:], s.input.values.data,
				to-from, s.depth, examples, s.depth, 1, s.output.gradient.stride, s.input.values.stride, false)
		}}}
	if s.bias != nil {
		list = append(list, &trained{param: s.bias, name: s.names[1], rows: s.width / 8, unit: s.width / 8,
			compute: func(destination []float32, from, to, examples int) {
				kernel.MatMul(destination, s.ones, s.output.gradient.data[8*from:],
					1, 8*(to-from), examples, 0, 0, 0, s.output.gradient.stride, false)
			}})
	}
	return list
}
