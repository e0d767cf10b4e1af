package graph

import (
	"math"

	"inkling/nn"
)

// withConstant adds, multiplies or raises to a power a tensor of constants that is broadcast over its input:
// a parameter, or numbers.
type withConstant struct {
	kind    string
	swapped bool // the constant comes first
	shape   sizes
	numbers *Tensor // nil for a parameter
}

func (w withConstant) Name() string { return "onnx " + w.kind }

func (w withConstant) OutputShape(in []nn.Shape) (nn.Shape, error) {
	shape, ok := broadcast(in[0], w.shape.shape())
	if !ok || len(shape) != len(in[0]) || shape[0] != in[0][0] {
		refuse("has constants of %v for %v", w.shape.shape(), in[0])
	}
	return shape, nil
}

func (w withConstant) Forward(c *nn.Call[float32])    { constantForward(w, c) }
func (w withConstant) Backward(c *nn.Call[float32])   { constantBackward(w, c) }
func (w withConstant) Forward64(c *nn.Call[float64])  { constantForward(w, c) }
func (w withConstant) Backward64(c *nn.Call[float64]) { constantBackward(w, c) }

// each calls visit with every element of the output, that of the input and that of the
// constants, without allocating.
func (w *withConstant) each(in, out nn.Shape, visit func(o, i, k int)) {
	var si, sk, at [mostRank]int
	own, step := w.shape, 1
	for d := len(in) - 1; d >= 0; d-- {
		if in[d] != 1 {
			si[d] = step
		}
		step *= in[d]
	}
	step = 1
	for d := own.rank - 1; d >= 0; d-- {
		if own.list[d] != 1 {
			sk[len(out)-own.rank+d] = step
		}
		step *= own.list[d]
	}
	i, k := 0, 0
	for o := range out.Elements() {
		visit(o, i, k)
		for d := len(out) - 1; d >= 0; d-- {
			at[d]++
			i += si[d]
			k += sk[d]
			if at[d] < out[d] {
				break
			}
			i -= si[d] * out[d]
			k -= sk[d] * out[d]
			at[d] = 0
		}
	}
}

func constantForward[T nn.Float](w withConstant, c *nn.Call[T]) {
	x, y := c.Inputs[0], c.Output
	var params []T
	if w.numbers == nil {
		params = c.Params[0].Data
	}
	w.each(x.Shape, y.Shape, func(o, i, k int) {
		v := x.Data[i]
		var n T
		if params != nil {
			n = params[k]
		} else {
			n = T(w.numbers.Floats[k])
		}
		if w.swapped {
			v, n = n, v
		}
		switch w.kind {
		case "Add":
			y.Data[o] = v + n
		case "Sub":
			y.Data[o] = v - n
		case "Mul":
			y.Data[o] = v * n
		case "Div":
			y.Data[o] = v / n
		case "Pow":
			y.Data[o] = T(math.Pow(float64(v), float64(n)))
		}
	})
}

func constantBackward[T nn.Float](w withConstant, c *nn.Call[T]) {
	x, dy := c.Inputs[0], c.OutputGrad.Data
	dx := c.InputGrads[0].Data
	var params, dc []T
	if w.numbers == nil {
		params, dc = c.Params[0].Data, c.ParamGrads[0].Data
	}
	w.each(x.Shape, c.Output.Shape, func(o, i, k int) {
		var n T
		if params != nil {
			n = params[k]
		} else {
			n = T(w.numbers.Floats[k])
		}
		toX, toC := T(1), T(1) // the derivatives
		switch v := x.Data[i]; {
		case w.kind == "Sub" && w.swapped:
			toX = -1
		case w.kind == "Sub":
			toC = -1
		case w.kind == "Mul":
			toX, toC = n, v
		case w.kind == "Div" && w.swapped:
			toX, toC = -n/(v*v), 1/v
		case w.kind == "Div":
			toX, toC = 1/n, -v/(n*n)
		case w.kind == "Pow":
			toX = n * T(math.Pow(float64(v), float64(n-1)))
		}
		if dx != nil {
			dx[i] += dy[o] * toX
		}
		if dc != nil {
			dc[k] += dy[o] * toC
		}
	})
}
