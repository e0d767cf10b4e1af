package nn

// reference runs a traced network operation by operation with the definitions,
// whole batch at a time, in either precision. It is what compiled programs are
// tested against and what CheckGradients differentiates.
type reference[T Float] struct {
	graph      *graph
	calls      []*Call[T] // one for each node of the graph
	values     []Tensor[T]
	gradients  []Tensor[T] // no Data where no gradient flows
	params     map[*Param]Tensor[T]
	paramGrads map[*Param]Tensor[T]
	buffers    map[*Buffer]Tensor[T]
	// updateBuffers makes forward change buffers (its own copies).
	updateBuffers bool
}

func newReference[T Float](g *graph, seed uint64, step int) *reference[T] {
	r := &reference[T]{graph: g, params: map[*Param]Tensor[T]{}, paramGrads: map[*Param]Tensor[T]{}, buffers: map[*Buffer]Tensor[T]{}}
	for _, v := range g.values {
		r.values = append(r.values, newTensor[T](v.spec()))
		gradient := Tensor[T]{Shape: v.shape}
		if v.kind == Float32 {
			gradient = newTensor[T](v.spec())
		}
		r.gradients = append(r.gradients, gradient)
	}
	for _, n := range g.nodes {
		c := &Call[T]{N: g.batch, Seed: operationSeed(seed, step, n.stream)}
		for _, in := range n.inputs {
			c.Inputs = append(c.Inputs, r.values[in.index])
			c.InputGrads = append(c.InputGrads, r.gradients[in.index])
		}
		for _, out := range n.outputs {
			c.Outputs = append(c.Outputs, r.values[out.index])
			c.OutputGrads = append(c.OutputGrads, r.gradients[out.index])
		}
		c.Output, c.OutputGrad = c.Outputs[0], c.OutputGrads[0]
		for _, p := range n.params {
			if _, ok := r.params[p]; !ok {
				r.params[p], r.paramGrads[p] = newTensor[T](Spec{Shape: p.shape}), newTensor[T](Spec{Shape: p.shape})
				values := make([]float32, p.shape.Elements())
				p.Read(values)
				convert(r.params[p].Data, values)
			}
			c.Params = append(c.Params, r.params[p])
			c.ParamGrads = append(c.ParamGrads, r.paramGrads[p])
		}
		for _, b := range n.buffers {
			if _, ok := r.buffers[b]; !ok {
				r.buffers[b] = newTensor[T](Spec{Shape: b.shape})
				convert(r.buffers[b].Data, b.data)
			}
			c.Buffers = append(c.Buffers, r.buffers[b])
		}
		saves := n.saves()
		c.Saved, c.Floats, c.BatchFloats = make([]int32, saves.Indices*g.batch), make([]T, saves.Floats*g.batch), make([]T, saves.BatchFloats)
		r.calls = append(r.calls, c)
	}
	return r
}

func newTensor[T Float](spec Spec) Tensor[T] {
	t := Tensor[T]{Shape: spec.Shape}
	if spec.Type == Float32 {
		t.Data = make([]T, spec.Shape.Elements())
	} else {
		t.Ints = make([]int32, spec.Shape.Elements())
	}
	return t
}

func convert[T Float](to []T, from []float32) {
	for i, v := range from {
		to[i] = T(v)
	}
}

// forward computes the outputs from what is in the input tensors, and returns
// the first.
func (r *reference[T]) forward() Tensor[T] {
	for i, n := range r.graph.nodes {
		r.calls[i].UpdateBuffers = r.updateBuffers && r.graph.training
		forwardOp(n.op, r.calls[i])
	}
	return r.values[r.graph.output().index]
}

// backward sets all gradients, given those of the outputs (nil for one that is
// not Float32).
func (r *reference[T]) backward(outputGradients ...[]T) {
	for _, g := range r.gradients {
		clear(g.Data)
	}
	for _, g := range r.paramGrads {
		clear(g.Data)
	}
	for i, out := range r.graph.outputs {
		for k, v := range outputGradients[i] {
			r.gradients[out.index].Data[k] += v // a value may be returned twice
		}
	}
	r.backwardNodes()
}

// loss returns the loss of what forward computed.
func (r *reference[T]) loss() float64 {
	var sum float64
	for _, v := range r.values[r.graph.loss.index].Data {
		sum += float64(v)
	}
	return sum / float64(r.graph.batch)
}

// backwardLoss sets all gradients of the loss.
func (r *reference[T]) backwardLoss() {
	for _, g := range r.gradients {
		clear(g.Data)
	}
	for _, g := range r.paramGrads {
		clear(g.Data)
	}
	start := r.gradients[r.graph.loss.index].Data
	for i := range start {
		start[i] = T(1 / float64(r.graph.batch))
	}
	r.backwardNodes()
}

func (r *reference[T]) backwardNodes() {
	for i := len(r.graph.nodes) - 1; i >= 0; i-- {
		if n := r.graph.nodes[i]; n.hasGradient() {
			backwardOp(n.op, r.calls[i])
		}
	}
}
