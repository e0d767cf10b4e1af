package nn

import (
	"fmt"
	"math/rand/v2"
	"slices"
)

// Reshape returns the elements of each example, in row-major order, as a tensor
// of the given dimensions, which follow the batch. One of them may be -1: what
// is left. As torch.reshape.
func Reshape(x *Value, sizes ...int) *Value {
	op := reshape{sizes: newDims(sizes, 0)}
	left, open := x.shape[1:].Elements(), -1
	for i, size := range sizes {
		if size == -1 && open < 0 && i < maxRank {
			open = i
		} else if size > 0 {
			left /= size
		}
	}
	if open >= 0 {
		op.sizes.list[open] = left
	}
	return Apply(op, nil, x)
}

type reshape struct{ sizes dims }

func (reshape) view() {}

func (reshape) Name() string                          { return "reshape" }
func (reshape) BackwardReads() (inputs, outputs bool) { return false, false }

func (r reshape) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err != nil {
		return nil, err
	}
	out := append(Shape{in[0]}, r.sizes.slice()...)
	if r.sizes.count >= maxRank || slices.Min(out) < 1 || out.Elements() != in.Elements() {
		return nil, fmt.Errorf("cannot make examples of %v out of the input %v, whose examples have %d elements", out[1:], in, in[1:].Elements())
	}
	return out, nil
}

func (reshape) Forward(c *Call[float32])    { copy(c.Output.Data, c.Inputs[0].Data) }
func (reshape) Backward(c *Call[float32])   { flattenBackward(c) }
func (reshape) Forward64(c *Call[float64])  { copy(c.Output.Data, c.Inputs[0].Data) }
func (reshape) Backward64(c *Call[float64]) { flattenBackward(c) }

// Permute returns x with its dimensions in another order: dimension i of the
// result is dimension order[i] of x. As torch.permute.
func Permute(x *Value, order ...int) *Value {
	return Apply(transpose{newDims(order, len(x.shape))}, nil, x)
}

// Transpose returns x with two dimensions exchanged, as torch.transpose.
func Transpose(x *Value, a, b int) *Value {
	order := make([]int, len(x.shape))
	for i := range order {
		order[i] = i
	}
	a, b = fromEnd(a, len(order)), fromEnd(b, len(order))
	if a < 0 || a >= len(order) || b < 0 || b >= len(order) {
		order = []int{a, b} // which is no order, and is refused
	} else {
		order[a], order[b] = b, a
	}
	return Permute(x, order...)
}

type transpose struct{ order dims }

func (transpose) Name() string                          { return "transpose" }
func (transpose) BackwardReads() (inputs, outputs bool) { return false, false }

// Batchwise is true where the batch moves.
func (t transpose) Batchwise() bool { return t.order.list[0] != 0 }

func (t transpose) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err != nil {
		return nil, err
	}
	order := t.order.slice()
	var seen [maxRank]bool
	right := t.order.count == len(in) && len(in) <= maxRank
	for _, d := range order {
		if right = right && d >= 0 && d < len(in) && !seen[d]; right {
			seen[d] = true
		}
	}
	if !right {
		return nil, fmt.Errorf("wants an order of the %d dimensions of the input %v, each once and at most %d, got %v", len(in), in, maxRank, order)
	}
	out := make(Shape, len(in))
	for i, d := range order {
		out[i] = in[d]
	}
	return out, nil
}

// each calls visit with every element of the output and that of the input.
func (t transpose) each(in, out Shape, visit func(o, i int)) {
	var strides, moved [maxRank]int
	step := 1
	for d := len(in) - 1; d >= 0; d-- {
		strides[d] = step
		step *= in[d]
	}
	for i := range out {
		moved[i] = strides[t.order.list[i]]
	}
	walkStrides(out, &moved, visit)
}

func (t transpose) Forward(c *Call[float32])    { transposeForward(t, c) }
func (t transpose) Backward(c *Call[float32])   { transposeBackward(t, c) }
func (t transpose) Forward64(c *Call[float64])  { transposeForward(t, c) }
func (t transpose) Backward64(c *Call[float64]) { transposeBackward(t, c) }

func transposeForward[T Float](t transpose, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	t.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) { y[o] = x[i] })
}

func transposeBackward[T Float](t transpose, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx != nil {
		t.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) { dx[i] += dy[o] })
	}
}

// Concat joins tensors along a dimension after the batch, -1 for the last; all
// others agree. As torch.cat.
func Concat(dim int, values ...*Value) *Value {
	if len(values) == 0 {
		panic("nn.Concat: there are no values to join")
	}
	return Apply(concat{fromEnd(dim, len(values[0].shape))}, nil, values...)
}

type concat struct{ dim int }

func (concat) Name() string                          { return "concat" }
func (concat) BackwardReads() (inputs, outputs bool) { return false, false }

func (o concat) OutputShape(inputs []Shape) (Shape, error) {
	if err := checkDim(o.dim, inputs[0]); err != nil {
		return nil, err
	}
	out := inputs[0].clone()
	for _, in := range inputs[1:] {
		fits := len(in) == len(out)
		for d := range in {
			fits = fits && (d == o.dim || in[d] == out[d])
		}
		if !fits {
			return nil, fmt.Errorf("wants inputs that agree but for dimension %d, got %v", o.dim, inputs)
		}
		out[o.dim] += in[o.dim]
	}
	return out, nil
}

// each calls visit with each input's part of the output, as runs of elements.
func (o concat) each(inputs int, shape func(k int) Shape, out Shape, visit func(k, at, from, size int)) {
	before := 0
	for k := range inputs {
		in, whole := lineOf(shape(k), o.dim), lineOf(out, o.dim)
		run := in.size * in.inner
		for n := range in.outer {
			visit(k, n*whole.size*whole.inner+before, n*run, run)
		}
		before += run
	}
}

func (o concat) Forward(c *Call[float32])    { concatForward(o, c) }
func (o concat) Backward(c *Call[float32])   { concatBackward(o, c) }
func (o concat) Forward64(c *Call[float64])  { concatForward(o, c) }
func (o concat) Backward64(c *Call[float64]) { concatBackward(o, c) }

func concatForward[T Float](o concat, c *Call[T]) {
	o.each(len(c.Inputs), func(k int) Shape { return c.Inputs[k].Shape }, c.Output.Shape, func(k, at, from, size int) {
		copy(c.Output.Data[at:][:size], c.Inputs[k].Data[from:])
	})
}

func concatBackward[T Float](o concat, c *Call[T]) {
	o.each(len(c.Inputs), func(k int) Shape { return c.Inputs[k].Shape }, c.Output.Shape, func(k, at, from, size int) {
		if dx := c.InputGrads[k].Data; dx != nil {
			for i, d := range c.OutputGrad.Data[at:][:size] {
				dx[from+i] += d
			}
		}
	})
}

func reshapeExample(r *rand.Rand) Example {
	a, b, c := 1+r.IntN(3), 1+r.IntN(3), 1+r.IntN(3)
	sizes := [][]int{{c, a, b}, {a * b, c}, {-1}, {a, -1}, {1, b, a, c}}[r.IntN(5)]
	return exampleOfFunc(func(x []*Value) *Value { return Reshape(x[0], sizes...) }, Shape{1 + r.IntN(6), a, b, c})
}

func transposeExample(r *rand.Rand) Example {
	shape := anyShape(r)
	if r.IntN(4) == 0 { // with the batch in another place, and back
		return exampleOfFunc(func(x []*Value) *Value { return Transpose(Transpose(x[0], 0, -1), -1, 0) }, shape)
	}
	order := []int{0}
	for _, d := range r.Perm(len(shape) - 1) {
		order = append(order, 1+d)
	}
	return exampleOfFunc(func(x []*Value) *Value { return Permute(x[0], order...) }, shape)
}

func concatExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim := drawDim(r, shape)
	var shapes []Shape
	for range 1 + r.IntN(3) {
		s := shape.clone()
		s[fromEnd(dim, len(s))] = 1 + r.IntN(3)
		shapes = append(shapes, s)
	}
	return exampleOfFunc(func(x []*Value) *Value { return Concat(dim, x...) }, shapes...)
}
