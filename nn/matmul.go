package nn

import (
	"fmt"
	"math/rand/v2"
)

// MatMul returns the products of matrices, the last two dimensions:
// N x ... x R x K times N x ... x K x C to N x ... x R x C. The dimensions before
// these are equal, or 1, which counts for all of the other's; the batch is the
// same. As torch.matmul.
func MatMul(a, b *Value) *Value { return Apply(matMul{}, nil, a, b) }

type matMul struct{}

func (matMul) Name() string                          { return "matmul" }
func (matMul) BackwardReads() (inputs, outputs bool) { return true, false }

func (matMul) OutputShape(inputs []Shape) (Shape, error) {
	if len(inputs) != 2 || len(inputs[0]) != len(inputs[1]) || len(inputs[0]) < 3 {
		return nil, fmt.Errorf("wants two inputs of three or more dimensions, as many of both, got %v", inputs)
	}
	a, b, rank := inputs[0], inputs[1], len(inputs[0])
	if a[rank-1] != b[rank-2] {
		return nil, fmt.Errorf("wants as many columns of the first matrix as rows of the second, got %d and %d (%v)", a[rank-1], b[rank-2], inputs)
	}
	lead, err := broadcast([]Shape{a[:rank-2], b[:rank-2]})
	return append(lead, a[rank-2], b[rank-1]), err
}

func (matMul) Forward(c *Call[float32])    { matMulForward(c) }
func (matMul) Backward(c *Call[float32])   { matMulBackward(c) }
func (matMul) Forward64(c *Call[float64])  { matMulForward(c) }
func (matMul) Backward64(c *Call[float64]) { matMulBackward(c) }

// eachMatrix calls visit with the offsets of every three matrices that belong
// together, and their sizes.
func eachMatrix(a, b, out Shape, visit func(i, j, k, rows, depth, columns int)) {
	last := len(out) - 2
	rows, depth, columns := a[last], b[last], b[last+1]
	eachPair(a[:last], b[:last], out[:last], func(i, j, k int) {
		visit(i*rows*columns, j*rows*depth, k*depth*columns, rows, depth, columns)
	})
}

func matMulForward[T Float](c *Call[T]) {
	a, b, y := c.Inputs[0], c.Inputs[1], c.Output
	clear(y.Data)
	eachMatrix(a.Shape, b.Shape, y.Shape, func(i, j, k, rows, depth, columns int) {
		for r := range rows {
			row := y.Data[i+r*columns:][:columns]
			for d := range depth {
				v := a.Data[j+r*depth+d]
				for x, w := range b.Data[k+d*columns:][:columns] {
					row[x] += v * w
				}
			}
		}
	})
}

func matMulBackward[T Float](c *Call[T]) {
	a, b, dy := c.Inputs[0], c.Inputs[1], c.OutputGrad.Data
	da, db := c.InputGrads[0].Data, c.InputGrads[1].Data
	eachMatrix(a.Shape, b.Shape, c.Output.Shape, func(i, j, k, rows, depth, columns int) {
		for r := range rows {
			row := dy[i+r*columns:][:columns]
			for d := range depth {
				v, at := a.Data[j+r*depth+d], k+d*columns
				var sum T
				for x, g := range row {
					sum += g * b.Data[at+x]
					if db != nil {
						db[at+x] += g * v
					}
				}
				if da != nil {
					da[j+r*depth+d] += sum
				}
			}
		}
	})
}

func matMulExample(r *rand.Rand) Example {
	a := anyShape(r)
	b := a.clone()
	for d := 1; d < len(a); d++ {
		if r.IntN(3) == 0 {
			b[d] = 1
		}
	}
	rows, depth, columns := 1+r.IntN(4), 1+r.IntN(4), 1+r.IntN(4)
	return exampleOfFunc(func(x []*Value) *Value { return MatMul(x[0], x[1]) }, append(a, rows, depth), append(b, depth, columns))
}
