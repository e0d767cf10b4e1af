package graph

import (
	"math"
	"slices"
	"strconv"
)

// call is one run of an operator's plain definition.
type call struct {
	node    *Node
	version int
	in      []*Tensor // nil where an input is left out
	outputs int       // that somebody may want
	limits
}

// limits are what runs of definitions may take.
type limits struct {
	left  *int64   // elements that may still be made
	steps *float64 // that may still be taken; nil for any number that a run may
	// shapes tells that only the shapes of what comes out are wanted: it need not be computed.
	shapes bool
}

// mostElements bounds what one run of a definition may make.
const mostElements = 1 << 28

// run runs the definition of an operator.
func (op operator) run(n *Node, version int, in []*Tensor, most limits) (out []*Tensor, err error) {
	defer catch(n, &err)
	if most.left == nil {
		elements := int64(mostElements)
		most.left = &elements
	}
	c := &call{node: n, version: version, in: in, outputs: len(n.Outputs), limits: most}
	out = op.plain(c)
	if len(out) < len(n.Outputs) {
		refuse("has %d outputs, of which only %d are known", len(n.Outputs), len(out))
	}
	return out[:len(n.Outputs)], nil
}

// has reports whether an input is there.
func (c *call) has(i int) bool { return i < len(c.in) && c.in[i] != nil }

// x returns an input that must be there.
func (c *call) x(i int) *Tensor {
	if !c.has(i) {
		refuse("lacks its input %d", i)
	}
	return c.in[i]
}

// float returns an input of floating-point numbers.
func (c *call) float(i int) *Tensor {
	x := c.x(i)
	if !x.Type.Float() {
		refuse("wants floating-point numbers as input %d, got %v", i, x)
	}
	return x
}

// whole returns an input of whole numbers.
func (c *call) whole(i int) *Tensor {
	x := c.x(i)
	if x.Type.Float() {
		refuse("wants whole numbers as input %d, got %v", i, x)
	}
	return x
}

// list returns an input that is a list of whole numbers, nil if it is not there.
func (c *call) list(i int) []int {
	if !c.has(i) {
		return nil
	}
	return c.whole(i).list()
}

// make returns a tensor of zeros.
func (c *call) make(t Type, shape ...int) *Tensor {
	out := c.shaped(t, shape)
	if n := out.Len(); t.Float() {
		out.Floats = make([]float32, n)
	} else {
		out.Ints = make([]int64, n)
	}
	return out
}

// shaped returns a tensor without its numbers, where only the shape is wanted.
func (c *call) shaped(t Type, shape []int) *Tensor {
	n := int64(1)
	for _, d := range shape {
		if d < 0 {
			refuse("would make a tensor of the shape %v", shape)
		}
		if n *= int64(d); n > mostElements {
			refuse("would make a tensor of the shape %v, which is too large", shape)
		}
	}
	if *c.left -= n; *c.left < 0 {
		refuse("would make a tensor of the shape %v, for which the file is too small or memory is too short", shape)
	}
	return &Tensor{Type: t, Shape: slices.Clone(shape)}
}

// work refuses what would take forever: a number of steps, as a product. It reports
// whether they are to be taken.
func (c *call) work(steps ...int) bool {
	const most = 2e10
	n := 1.0
	for _, s := range steps {
		n *= float64(s)
	}
	if n > most {
		refuse("would take %.3g steps, which is too much", n)
	}
	if c.steps != nil {
		if *c.steps -= n; *c.steps < 0 {
			refuse("would take %.3g steps to compute constants, for which the file is too small", n)
		}
	}
	return !c.shapes
}

// like returns a tensor of zeros of the type and shape of another.
func (c *call) like(x *Tensor) *Tensor { return c.make(x.Type, x.Shape...) }

// one returns a list of one tensor.
func one(t *Tensor) []*Tensor { return []*Tensor{t} }

// The attributes.

func (n *Node) has(name string) bool { _, ok := n.Attributes[name]; return ok }

func (n *Node) int(name string, otherwise int) int {
	if a, ok := n.Attributes[name]; ok {
		return int(min(max(a.Int, math.MinInt32), math.MaxInt32))
	}
	return otherwise
}

func (n *Node) real(name string, otherwise float64) float64 {
	a, ok := n.Attributes[name]
	if !ok {
		return otherwise
	}
	// A file has a float32 of what was written as a decimal number: 1e-5 is meant.
	meant, err := strconv.ParseFloat(strconv.FormatFloat(float64(a.Float), 'g', -1, 32), 64)
	if err != nil {
		return float64(a.Float)
	}
	return meant
}

func (n *Node) text(name, otherwise string) string {
	if a, ok := n.Attributes[name]; ok {
		return a.Text
	}
	return otherwise
}

// ints returns a list of whole numbers, nil if there is none.
func (n *Node) ints(name string) []int {
	a, ok := n.Attributes[name]
	if !ok {
		return nil
	}
	list := make([]int, 0, len(a.Ints))
	for _, v := range a.Ints {
		list = append(list, int(min(max(v, math.MinInt32), math.MaxInt32)))
	}
	return list
}

// axisOf returns a dimension counted from the start, of 0 to rank-1.
func axisOf(axis, rank int) int {
	at := axis
	if at < 0 {
		at += rank
	}
	if at < 0 || at >= rank {
		refuse("wants an axis of %d to %d, got %d", -rank, rank-1, axis)
	}
	return at
}

// axesOf returns dimensions counted from the start, in ascending order and each once.
func axesOf(axes []int, rank int) []int {
	var out []int
	for _, a := range axes {
		a = axisOf(a, rank)
		if slices.Contains(out, a) {
			refuse("names the axis %d twice", a)
		}
		out = append(out, a)
	}
	slices.Sort(out)
	return out
}

// every returns 0 to n-1.
func every(n int) []int {
	out := make([]int, n)
	for i := range out {
		out[i] = i
	}
	return out
}

// repeated returns a list of n times a number.
func repeated(value, n int) []int { return slices.Repeat([]int{value}, n) }

// split returns how many elements lie before, along and behind an axis.
func split(shape []int, axis int) (outer, size, inner int) {
	return Elements(shape[:axis]), shape[axis], Elements(shape[axis+1:])
}
