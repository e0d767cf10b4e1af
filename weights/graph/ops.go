package graph

import (
	"math"
	"slices"
	"sync/atomic"

	"inkling/nn"
)

// fault keeps why a run's results are none: operations cannot return an error.
type fault struct{ at atomic.Pointer[error] }

func (f *fault) set(err error) { f.at.CompareAndSwap(nil, &err) }

// take returns it and forgets it.
func (f *fault) take() error {
	if err := f.at.Swap(nil); err != nil {
		return *err
	}
	return nil
}

// mostRank is the most dimensions of values in package nn.
const mostRank = 8

// sizes is a shape that can be compared.
type sizes struct {
	rank int
	list [mostRank]int
}

func sizesOf(shape []int) sizes {
	if len(shape) > mostRank {
		refuse("has %d dimensions; values of at most %d are run", len(shape), mostRank)
	}
	s := sizes{rank: len(shape)}
	copy(s.list[:], shape)
	if len(shape) == 0 { // a single number is a list of one for package nn
		s = sizes{rank: 1}
		s.list[0] = 1
	}
	return s
}

func (s *sizes) shape() nn.Shape { return append(nn.Shape(nil), s.list[:s.rank]...) }

func (s *sizes) elements() int { return s.shape().Elements() }

// between returns the shape for a batch of which only the number of elements is known of
// a value that has so many in the batch at hand, and so many in the other.
func between(here, other sizes, elements, now, then int) nn.Shape {
	shape := here.shape()
	if elements != now && now != then {
		for d := range shape {
			shape[d] += (other.list[d] - here.list[d]) * (elements - now) / (then - now)
		}
	}
	return shape
}

// view gives the elements of its input another shape.
type view struct {
	here, other sizes
	now, then   int // elements
	kind        nn.Type
}

func (view) Name() string                          { return "view" }
func (view) Batchwise() bool                       { return true }
func (view) BackwardReads() (inputs, outputs bool) { return false, false }
func (v view) OutputShape(in []nn.Shape) (nn.Shape, error) {
	return between(v.here, v.other, in[0].Elements(), v.now, v.then), nil
}
func (v view) Outputs(in []nn.Spec) ([]nn.Spec, error) {
	shape, err := v.OutputShape([]nn.Shape{in[0].Shape})
	return []nn.Spec{{Shape: shape, Type: v.kind}}, err
}
func (view) Forward(c *nn.Call[float32])    { viewForward(c) }
func (view) Backward(c *nn.Call[float32])   { viewBackward(c) }
func (view) Forward64(c *nn.Call[float64])  { viewForward(c) }
func (view) Backward64(c *nn.Call[float64]) { viewBackward(c) }

func viewForward[T nn.Float](c *nn.Call[T]) {
	copy(c.Output.Data, c.Inputs[0].Data)
	copy(c.Output.Ints, c.Inputs[0].Ints)
}

func viewBackward[T nn.Float](c *nn.Call[T]) {
	if to := c.InputGrads[0].Data; to != nil {
		for i, g := range c.OutputGrad.Data {
			to[i] += g
		}
	}
}

// plan is what a definition needs to run as an operation.
type plan struct {
	op      operator
	node    *Node
	version int
	fault   *fault
	inputs  []planned
	// outputs are those that are wanted, by their places among all.
	outputs []int
}

// planned is an input: a constant, or the k-th of the operation's.
type planned struct {
	absent        bool
	tensor, other *Tensor
	k             int
	typ           Type
	here, then    []int
}

// definition runs an operator's plain definition on the whole batch.
type definition struct{ *plan }

func (d definition) Name() string                           { return "onnx " + d.node.Kind }
func (definition) Batchwise() bool                          { return true }
func (definition) ForwardOnly()                             {}
func (definition) Backward(*nn.Call[float32])               {}
func (definition) OutputShape([]nn.Shape) (nn.Shape, error) { return nil, nil }

// arguments makes the definition's inputs of the shapes that the operation's have.
func (d definition) arguments(shapes []nn.Shape) ([]*Tensor, error) {
	share := 0.0 // of the way from the batch at hand to the other
	for _, in := range d.inputs {
		if in.tensor == nil && !in.absent {
			for i := range in.here {
				if in.here[i] != in.then[i] {
					share = float64(shapes[in.k][i]-in.here[i]) / float64(in.then[i]-in.here[i])
				}
			}
		}
	}
	list := make([]*Tensor, len(d.inputs))
	for i, in := range d.inputs {
		switch {
		case in.absent:
		case in.tensor == nil:
			shape := []int(shapes[in.k])
			if len(in.here) == 0 {
				shape = nil
			}
			list[i] = &Tensor{Type: in.typ, Shape: shape}
		case in.other == nil || share == 0:
			list[i] = in.tensor
		case share == 1:
			list[i] = in.other
		default:
			t := *in.tensor
			if t.Type.Float() || !slices.Equal(t.Shape, in.other.Shape) {
				return nil, &Refusal{Node: d.node, Reason: "reads a constant that depends on the batch in a way that is not known for this one"}
			}
			t.Ints = slices.Clone(t.Ints)
			for k := range t.Ints {
				t.Ints[k] += int64(math.Round(share * float64(in.other.Ints[k]-t.Ints[k])))
			}
			list[i] = &t
		}
	}
	return list, nil
}

// Outputs finds the shapes by running the definition on zeros.
func (d definition) Outputs(in []nn.Spec) ([]nn.Spec, error) {
	out, err := d.probe(in, limits{})
	if err != nil {
		return nil, err
	}
	var specs []nn.Spec
	for _, k := range d.outputs {
		s := sizesOf(out[k].Shape)
		specs = append(specs, nn.Spec{Shape: s.shape(), Type: kindOf(out[k].Type)})
	}
	return specs, nil
}

// probe finds the outputs, of which the shapes count, within limits.
func (d definition) probe(in []nn.Spec, most limits) (out []*Tensor, err error) {
	defer catch(d.node, &err)
	shapes := make([]nn.Shape, len(in))
	for i, s := range in {
		shapes[i] = s.Shape
	}
	arguments, err := d.arguments(shapes)
	if err != nil {
		return nil, err
	}
	for i, p := range d.inputs {
		if p.tensor == nil && !p.absent {
			zeros(arguments[i], d.op.probe)
		}
	}
	most.shapes = true
	return d.op.run(d.node, d.version, arguments, most)
}

// zeros fills a tensor.
func zeros(t *Tensor, with int64) {
	if t.Type.Float() {
		t.Floats = make([]float32, t.Len())
		return
	}
	t.Ints = slices.Repeat([]int64{with}, t.Len())
}

func kindOf(t Type) nn.Type {
	switch {
	case t.Float():
		return nn.Float32
	case t == Bool:
		return nn.Bool
	}
	return nn.Int32
}

// Forward runs the definition; what it refuses is the run's fault, and a panic that
// reaches who runs the program.
func (d definition) Forward(c *nn.Call[float32]) {
	if err := d.compute(c); err != nil {
		d.fault.set(err)
		panic(err.Error())
	}
}

func (d definition) compute(c *nn.Call[float32]) (err error) {
	defer catch(d.node, &err)
	shapes := make([]nn.Shape, len(c.Inputs))
	for i, in := range c.Inputs {
		shapes[i] = in.Shape
	}
	arguments, err := d.arguments(shapes)
	if err != nil {
		return err
	}
	for i, p := range d.inputs {
		if p.tensor != nil || p.absent {
			continue
		}
		from := c.Inputs[p.k]
		n := arguments[i].Len()
		if arguments[i].Type.Float() {
			arguments[i].Floats = from.Data[:n]
			continue
		}
		arguments[i].Ints = make([]int64, n)
		for k, v := range from.Ints[:n] {
			arguments[i].Ints[k] = int64(v)
		}
	}
	out, err := d.op.run(d.node, d.version, arguments, limits{})
	if err != nil {
		return err
	}
	for i, k := range d.outputs {
		if to := c.Outputs[i]; out[k].Len() != to.Shape.Elements() {
			refuse("gives %v, where the shape %v was expected", out[k], to.Shape)
		} else if out[k].Type.Float() {
			copy(to.Data, out[k].Floats)
		} else {
			for j, v := range out[k].Ints {
				if int64(int32(v)) != v {
					refuse("gives the whole number %d, which has more than 32 bits", v)
				}
				to.Ints[j] = int32(v)
			}
		}
	}
	return nil
}
