package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// ArgMax returns the position of the largest element along a dimension, -1 for
// the last, as an Int32 value; the dimension vanishes, or with keep becomes 1. Of
// equal elements the first counts; a NaN counts as largest. As torch.argmax.
func ArgMax(x *Value, dim int, keep bool) *Value {
	return Apply(argMax{fromEnd(dim, len(x.shape)), keep}, nil, x)
}

type argMax struct {
	dim  int
	keep bool
}

func (argMax) Name() string { return "argmax" }

func (a argMax) OutputShape(inputs []Shape) (Shape, error) {
	in, err := alongOne(inputs, a.dim)
	if err != nil {
		return nil, err
	}
	out := in.clone()
	if out[a.dim] = 1; !a.keep {
		out = slices.Delete(out, a.dim, a.dim+1)
	}
	return out, nil
}

// Outputs wants Float32 and makes Int32.
func (a argMax) Outputs(inputs []Spec) ([]Spec, error) {
	if len(inputs) != 1 || inputs[0].Type != Float32 {
		return nil, fmt.Errorf("wants one float32 input, got %v", typesOf(inputs))
	}
	shape, err := a.OutputShape(shapesOf(inputs))
	return []Spec{{shape, Int32}}, err
}

func (a argMax) Forward(c *Call[float32])   { argMaxForward(a, c) }
func (argMax) Backward(*Call[float32])      {}
func (a argMax) Forward64(c *Call[float64]) { argMaxForward(a, c) }
func (argMax) Backward64(*Call[float64])    {}

func argMaxForward[T Float](a argMax, c *Call[T]) {
	x, l := c.Inputs[0].Data, lineOf(c.Inputs[0].Shape, a.dim)
	for k := range l.count() {
		at, best := l.start(k), 0
		for i := 1; i < l.size; i++ {
			v, most := x[at+i*l.inner], x[at+best*l.inner]
			if v > most || v != v && most == most {
				best = i
			}
		}
		c.Output.Ints[k] = int32(best)
	}
}

// TopK returns the k largest elements along a dimension, -1 for the last, the
// largest first, and their positions, an Int32 value; or with smallest the
// smallest ones. Of equal elements the first comes first; a NaN counts as
// largest. As torch.topk.
func TopK(x *Value, k, dim int, smallest bool) (values, positions *Value) {
	outputs := ApplyAll(topK{k, fromEnd(dim, len(x.shape)), smallest}, nil, nil, x)
	return outputs[0], outputs[1]
}

type topK struct {
	k, dim   int
	smallest bool
}

func (topK) Name() string { return "topk" }

func (t topK) OutputShape(inputs []Shape) (Shape, error) {
	in, err := alongOne(inputs, t.dim)
	if err != nil {
		return nil, err
	}
	if t.k < 1 || t.k > in[t.dim] {
		return nil, fmt.Errorf("wants 1 to %d of the elements of dimension %d, got %d for the input %v", in[t.dim], t.dim, t.k, in)
	}
	out := in.clone()
	out[t.dim] = t.k
	return out, nil
}

// Outputs wants Float32, and makes Float32 and Int32.
func (t topK) Outputs(inputs []Spec) ([]Spec, error) {
	if len(inputs) != 1 || inputs[0].Type != Float32 {
		return nil, fmt.Errorf("wants one float32 input, got %v", typesOf(inputs))
	}
	shape, err := t.OutputShape(shapesOf(inputs))
	return []Spec{{shape, Float32}, {shape, Int32}}, err
}

// Saves asks for room to sort one line in.
func (t topK) Saves(inputs []Shape) Saves { return Saves{Indices: inputs[0][t.dim]} }

func (t topK) Forward(c *Call[float32])    { topKForward(t, c) }
func (t topK) Backward(c *Call[float32])   { topKBackward(t, c) }
func (t topK) Forward64(c *Call[float64])  { topKForward(t, c) }
func (t topK) Backward64(c *Call[float64]) { topKBackward(t, c) }

func topKForward[T Float](t topK, c *Call[T]) {
	x, l, chosen := c.Inputs[0].Data, lineOf(c.Inputs[0].Shape, t.dim), lineOf(c.Output.Shape, t.dim)
	order := c.Saved[:l.size]
	for k := range l.count() {
		at := l.start(k)
		for i := range order {
			order[i] = int32(i)
		}
		slices.SortFunc(order, func(a, b int32) int {
			v, w := x[at+int(a)*l.inner], x[at+int(b)*l.inner]
			first := v > w || v != v && w == w // v is larger
			second := w > v || w != w && v == v
			if t.smallest {
				first, second = second, first
			}
			switch {
			case first:
				return -1
			case second:
				return 1
			}
			return int(a - b)
		})
		to := chosen.start(k)
		for i, from := range order[:t.k] {
			c.Output.Data[to+i*l.inner] = x[at+int(from)*l.inner]
			c.Outputs[1].Ints[to+i*l.inner] = from
		}
	}
}

func topKBackward[T Float](t topK, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx == nil || dy == nil {
		return
	}
	l, chosen := lineOf(c.Inputs[0].Shape, t.dim), lineOf(c.Output.Shape, t.dim)
	for k := range l.count() {
		at, from := l.start(k), chosen.start(k)
		for i := range t.k {
			dx[at+int(c.Outputs[1].Ints[from+i*l.inner])*l.inner] += dy[from+i*l.inner]
		}
	}
}

// Gather picks elements along a dimension after the batch, -1 for the last: each
// element of the Int32 value index says which. As torch.gather:
// y[n][i][j] = x[n][index[n][i][j]][j] for dimension 1 of 3. Index has x's
// dimensions but for that one.
func Gather(x *Value, dim int, index *Value) *Value {
	return Apply(gather{fromEnd(dim, len(x.shape))}, nil, x, index)
}

type gather struct{ dim int }

func (gather) Name() string                          { return "gather" }
func (gather) BackwardReads() (inputs, outputs bool) { return true, false }

func (g gather) OutputShape(inputs []Shape) (Shape, error) { return inputs[1], nil }

// Outputs wants Float32 and Int32.
func (g gather) Outputs(inputs []Spec) ([]Spec, error) {
	if len(inputs) != 2 || inputs[0].Type != Float32 || inputs[1].Type != Int32 {
		return nil, fmt.Errorf("wants a float32 input and an int32 index, got %v", typesOf(inputs))
	}
	in, index := inputs[0].Shape, inputs[1].Shape
	if err := checkDim(g.dim, in); err != nil {
		return nil, err
	}
	fits := len(in) == len(index)
	for d := range in {
		fits = fits && (d == g.dim || in[d] == index[d])
	}
	if !fits {
		return nil, fmt.Errorf("wants an index of the dimensions of its input but for dimension %d, got %v and %v", g.dim, in, index)
	}
	return []Spec{{Shape: index}}, nil
}

func (g gather) Forward(c *Call[float32])    { gatherForward(g, c) }
func (g gather) Backward(c *Call[float32])   { gatherBackward(g, c) }
func (g gather) Forward64(c *Call[float64])  { gatherForward(g, c) }
func (g gather) Backward64(c *Call[float64]) { gatherBackward(g, c) }

// each calls visit with every element of the output and that of the input. It
// panics at an index that there is not.
func (g gather) each(in Shape, index []int32, out Shape, visit func(o, i int)) {
	from, to := lineOf(in, g.dim), lineOf(out, g.dim)
	for k := range to.count() {
		at, o := from.start(k), to.start(k)
		for range to.size {
			i := int(index[o])
			if i < 0 || i >= from.size {
				panic(refusedNumber{i, from.size})
			}
			visit(o, at+i*from.inner)
			o += to.inner
		}
	}
}

func (g gather) wants(inputs []Shape) (input, count int) {
	return 1, inputs[0][fromEnd(g.dim, len(inputs[0]))]
}

func gatherForward[T Float](g gather, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	g.each(c.Inputs[0].Shape, c.Inputs[1].Ints, c.Output.Shape, func(o, i int) { y[o] = x[i] })
}

func gatherBackward[T Float](g gather, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx != nil {
		g.each(c.Inputs[0].Shape, c.Inputs[1].Ints, c.Output.Shape, func(o, i int) { dx[i] += dy[o] })
	}
}

func argMaxExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim, keep := drawDim(r, shape), r.IntN(2) == 0
	return exampleOfFunc(func(x []*Value) *Value { return ArgMax(x[0], dim, keep) }, shape)
}

func topKExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim, smallest := drawDim(r, shape), r.IntN(2) == 0
	k := 1 + r.IntN(shape[fromEnd(dim, len(shape))])
	return Example{Inputs: []Spec{{Shape: shape}}, Forward: func(x []*Value) []*Value {
		values, positions := TopK(x[0], k, dim, smallest)
		return []*Value{values, positions}
	}}
}

func gatherExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim := drawDim(r, shape)
	index := shape.clone()
	index[fromEnd(dim, len(shape))] = 1 + r.IntN(4)
	size := shape[fromEnd(dim, len(shape))]
	return Example{Inputs: []Spec{{Shape: shape}, {index, Int32}},
		Forward: func(x []*Value) []*Value { return []*Value{Gather(x[0], dim, x[1])} },
		Draw: func(r *rand.Rand, input int) float64 {
			if input == 1 {
				return float64(r.IntN(size))
			}
			return r.NormFloat64()
		}}
}
