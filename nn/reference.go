package nn

// reference runs a traced network operation by operation with the plain
// kernels, whole batch at a time, in either precision. It is what compiled
// programs are tested against and what CheckGradients differentiates.
type reference[T Float] struct {
	graph      *graph
	calls      []*Call[T] // one for each node of the graph
	values     []Tensor[T]
	gradients  []Tensor[T]
	params     map[*Param]Tensor[T]
	paramGrads map[*Param]Tensor[T]
}

func newReference[T Float](g *graph) *reference[T] {
	r := &reference[T]{graph: g, params: map[*Param]Tensor[T]{}, paramGrads: map[*Param]Tensor[T]{}}
	for _, v := range g.values {
		r.values = append(r.values, newTensor[T](v.shape))
		r.gradients = append(r.gradients, newTensor[T](v.shape))
	}
	for _, n := range g.nodes {
		c := &Call[T]{Output: r.values[n.output.index], OutputGrad: r.gradients[n.output.index]}
		var shapes []Shape
		for _, in := range n.inputs {
			c.Inputs = append(c.Inputs, r.values[in.index])
			c.InputGrads = append(c.InputGrads, r.gradients[in.index])
			shapes = append(shapes, in.shape)
		}
		for _, p := range n.params {
			if _, ok := r.params[p]; !ok {
				r.params[p], r.paramGrads[p] = newTensor[T](p.shape), newTensor[T](p.shape)
				values := make([]float32, p.shape.Elements())
				p.Read(values)
				for i, v := range values {
					r.params[p].Data[i] = T(v)
				}
			}
			c.Params = append(c.Params, r.params[p])
			c.ParamGrads = append(c.ParamGrads, r.paramGrads[p])
		}
		if s, ok := n.op.(Saver); ok {
			c.Saved = make([]int32, s.SavedIndices(shapes)*n.output.shape[0])
		}
		r.calls = append(r.calls, c)
	}
	return r
}

func newTensor[T Float](shape Shape) Tensor[T] {
	return Tensor[T]{Shape: shape, Data: make([]T, shape.Elements())}
}

// forward computes the output from what is in the input tensor.
func (r *reference[T]) forward() Tensor[T] {
	for i, n := range r.graph.nodes {
		forwardOp(n.op, r.calls[i])
	}
	return r.values[r.graph.output.index]
}

// backward sets all gradients, given that of the output.
func (r *reference[T]) backward(outputGradient []T) {
	for _, g := range r.gradients {
		clear(g.Data)
	}
	for _, g := range r.paramGrads {
		clear(g.Data)
	}
	copy(r.gradients[r.graph.output.index].Data, outputGradient)
	for i := len(r.graph.nodes) - 1; i >= 0; i-- {
		backwardOp(r.graph.nodes[i].op, r.calls[i])
	}
}
