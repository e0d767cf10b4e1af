package nn

import (
	"fmt"
	"math/rand/v2"
)

// eachSource calls visit with every element o of a tensor of shape out and the
// element i of one of shape in that it is taken from, where each dimension says
// by itself from which index it takes one of its own: source(d, k). A negative
// index stands for none, and so does a negative i.
func eachSource(in, out Shape, source func(d, k int) int, visit func(o, i int)) {
	var strides, at, from [maxRank]int
	step := 1
	for d := len(in) - 1; d >= 0; d-- {
		strides[d] = step
		step *= in[d]
		from[d] = source(d, 0)
	}
	for o := range out.Elements() {
		i := 0
		for d := range out {
			if from[d] < 0 {
				i = -1
				break
			}
			i += from[d] * strides[d]
		}
		visit(o, i)
		for d := len(out) - 1; d >= 0; d-- {
			at[d]++
			if at[d] == out[d] {
				at[d] = 0
			}
			from[d] = source(d, at[d])
			if at[d] > 0 {
				break
			}
		}
	}
}

// Slice returns elements start, start+step, ... up to and without end of a
// dimension after the batch, as x[:, start:end:step] does in Python: a negative
// start or end counts from the end, and what is beyond it is the end.
func Slice(x *Value, dim, start, end, step int) *Value {
	return Apply(slice{fromEnd(dim, len(x.shape)), start, end, step}, nil, x)
}

type slice struct{ dim, start, end, step int }

func (slice) Name() string                          { return "slice" }
func (slice) BackwardReads() (inputs, outputs bool) { return false, false }

// bounds returns the first index and the number of them.
func (s slice) bounds(size int) (first, count int) {
	limit := func(i int) int {
		if i < 0 {
			i += size
		}
		return min(max(i, 0), size)
	}
	first = limit(s.start)
	return first, (max(limit(s.end)-first, 0) + s.step - 1) / s.step
}

func (s slice) OutputShape(inputs []Shape) (Shape, error) {
	in, err := alongOne(inputs, s.dim)
	if err != nil {
		return nil, err
	}
	if s.step < 1 || len(in) > maxRank {
		return nil, fmt.Errorf("wants a step of at least 1 and at most %d dimensions, got a step of %d for the input %v", maxRank, s.step, in)
	}
	out := in.clone()
	_, out[s.dim] = s.bounds(in[s.dim])
	if out[s.dim] == 0 {
		return nil, fmt.Errorf("nothing lies between %d and %d in dimension %d of the input %v", s.start, s.end, s.dim, in)
	}
	return out, nil
}

func (s slice) each(in, out Shape, visit func(o, i int)) {
	first, _ := s.bounds(in[s.dim])
	eachSource(in, out, func(d, k int) int {
		if d == s.dim {
			return first + k*s.step
		}
		return k
	}, visit)
}

func (s slice) Forward(c *Call[float32])    { sliceForward(s, c) }
func (s slice) Backward(c *Call[float32])   { sliceBackward(s, c) }
func (s slice) Forward64(c *Call[float64])  { sliceForward(s, c) }
func (s slice) Backward64(c *Call[float64]) { sliceBackward(s, c) }

func sliceForward[T Float](s slice, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	s.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) { y[o] = x[i] })
}

func sliceBackward[T Float](s slice, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx != nil {
		s.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) { dx[i] += dy[o] })
	}
}

// PadMode is with what Pad fills the border.
type PadMode uint8

// The modes of padding, with PyTorch's names.
const (
	PadConstant  PadMode = iota // with a number
	PadReflect                  // with the tensor mirrored at its outermost elements, which are not repeated
	PadReplicate                // with the outermost elements
	PadCircular                 // with the other end
)

// String returns PyTorch's name of the mode.
func (m PadMode) String() string {
	return [...]string{"constant", "reflect", "replicate", "circular"}[m]
}

// Pad adds a border to the last dimensions: pads has two widths for each, before
// and after, the last dimension's first (left, right, top, bottom, ...). As
// torch.nn.functional.pad. A negative width, with PadConstant, takes away.
func Pad(x *Value, mode PadMode, value float64, pads ...int) *Value {
	p := pad{mode: mode, value: value, count: len(pads)}
	for i, width := range pads {
		d := len(x.shape) - 1 - i/2
		if d < 1 || d >= maxRank {
			p.count = -1
			break
		}
		p.widths[d][i%2] = width
	}
	return Apply(p, nil, x)
}

type pad struct {
	mode   PadMode
	value  float64
	count  int // of widths given, -1 for too many
	widths [maxRank][2]int
}

func (pad) Name() string                          { return "pad" }
func (pad) BackwardReads() (inputs, outputs bool) { return false, false }

func (p pad) OutputShape(inputs []Shape) (Shape, error) {
	in, err := oneInput(inputs)
	if err != nil {
		return nil, err
	}
	if p.count < 0 || p.count%2 != 0 || len(in) > maxRank {
		return nil, fmt.Errorf("wants two widths for each of the last dimensions, the batch left out, got an input %v", in)
	}
	out := in.clone()
	for d := range in {
		before, after := p.widths[d][0], p.widths[d][1]
		least, most := 0, in[d]
		switch p.mode {
		case PadConstant:
			least, most = -in[d], int(^uint(0)>>2)
		case PadReflect:
			most = in[d] - 1
		case PadReplicate:
			most = int(^uint(0) >> 2)
		}
		if min(before, after) < least || max(before, after) > most {
			return nil, fmt.Errorf("%s padding of dimension %d wants widths of %d to %d, got %d and %d for the input %v", p.mode, d, least, most, before, after, in)
		}
		out[d] += before + after
		if out[d] < 1 {
			return nil, fmt.Errorf("widths of %d and %d leave nothing of dimension %d of the input %v", before, after, d, in)
		}
	}
	return out, nil
}

func (p pad) each(in, out Shape, visit func(o, i int)) {
	eachSource(in, out, func(d, k int) int {
		size := in[d]
		k -= p.widths[d][0]
		if k >= 0 && k < size {
			return k
		}
		switch p.mode {
		case PadReflect:
			if k < 0 {
				return -k
			}
			return 2*(size-1) - k
		case PadReplicate:
			return min(max(k, 0), size-1)
		case PadCircular:
			return (k + size) % size
		}
		return -1
	}, visit)
}

func (p pad) Forward(c *Call[float32])    { padForward(p, c) }
func (p pad) Backward(c *Call[float32])   { padBackward(p, c) }
func (p pad) Forward64(c *Call[float64])  { padForward(p, c) }
func (p pad) Backward64(c *Call[float64]) { padBackward(p, c) }

func padForward[T Float](p pad, c *Call[T]) {
	x, y := c.Inputs[0].Data, c.Output.Data
	p.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) {
		if i < 0 {
			y[o] = T(p.value)
		} else {
			y[o] = x[i]
		}
	})
}

func padBackward[T Float](p pad, c *Call[T]) {
	dx, dy := c.InputGrads[0].Data, c.OutputGrad.Data
	if dx == nil {
		return
	}
	p.each(c.Inputs[0].Shape, c.Output.Shape, func(o, i int) {
		if i >= 0 {
			dx[i] += dy[o]
		}
	})
}

func sliceExample(r *rand.Rand) Example {
	shape := anyShape(r)
	dim := drawDim(r, shape)
	size := 3 + r.IntN(4)
	shape[fromEnd(dim, len(shape))] = size
	start := r.IntN(size)
	end := start + 1 + r.IntN(size+2-start)
	if r.IntN(2) == 0 {
		start -= size
	}
	if r.IntN(2) == 0 && end < size {
		end -= size
	}
	step := 1 + r.IntN(3)
	return exampleOfFunc(func(x []*Value) *Value { return Slice(x[0], dim, start, end, step) }, shape)
}

func padExample(r *rand.Rand) Example {
	shape := pictureShape(r, 1+r.IntN(2), 3)
	mode := PadMode(r.IntN(4))
	var pads []int
	for range 2 * (1 + r.IntN(2)) {
		width := r.IntN(3)
		if mode == PadConstant {
			width = r.IntN(4) - 1
		}
		pads = append(pads, width)
	}
	return exampleOfFunc(func(x []*Value) *Value { return Pad(x[0], mode, 0.5, pads...) }, shape)
}
