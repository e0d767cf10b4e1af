package nn

import (
	"fmt"
	"runtime"
)

// Network is a network with several inputs or outputs, or with inputs that are
// not pictures: tokens, masks, lengths.
type Network struct {
	// Module holds the parameters, as for Init and State.
	Module any
	// Inputs are the shapes of the inputs, the batch first, and their types. The
	// batch is that of all.
	Inputs []Spec
	// Forward computes the outputs from the inputs.
	Forward func(inputs []*Value) []*Value
	// Convolutions says by which algorithms convolutions may be computed, in programs
	// for training and for inference. The zero value is ExactConvolutions.
	Convolutions Convolutions

	chaining chaining
}

// NewNetwork returns a Module, which has one Float32 input, as a Network: shape is
// that of the input, batch first.
func NewNetwork(module Module, shape ...int) Network {
	return Network{Module: module, Inputs: []Spec{{Shape: shape}}, Forward: func(x []*Value) []*Value { return []*Value{module.Forward(x[0])} }}
}

// Program is a network compiled for inference: it computes the outputs of up
// to a fixed number of examples. It shares its weights with the module it was
// compiled from and with its clones, and belongs to one goroutine at a time;
// run Clones side by side. It must not run while the weights are changed.
type Program struct {
	machine
	graph  *graph
	names  map[*Param]string
	phases []phase
	// together are the phases for at most one chunk, where all workers share each
	// stage, or nil; work is the multiply-adds of one example.
	together []phase
	work     int

	given   [][]float32 // the inputs
	ints    [][]int32
	outputs []Tensor[float32] // for a full batch
	results []Tensor[float32] // what of them was computed
	floats  []float32         // the first output, if it is of another type
}

// Compile traces the module on an input of the given shape (batch first, as
// in Compile(net, 64, 1, 28, 28)) and returns a program for inference on up to
// that many examples at a time. Errors name the layer whose shape does not
// fit.
func Compile(module Module, shape ...int) (*Program, error) {
	return NewNetwork(module, shape...).Compile()
}

// Compile is the function Compile for any number of inputs and outputs.
func (n Network) Compile() (*Program, error) {
	g, err := traceAll(n.Module, n.Inputs, n.Forward, false, nil)
	if err != nil {
		return nil, err
	}
	g.convolutions, g.chaining = n.Convolutions, n.chaining
	p := &Program{graph: g, names: paramNames(n.Module)}
	p.prepare(runtime.GOMAXPROCS(0))
	return p, nil
}

func (p *Program) prepare(workers int) {
	p.chunk = min(inferenceChunk, p.graph.batch)
	p.plan = newPlan(p.graph, p.names, 1, false)
	p.given, p.ints = make([][]float32, len(p.graph.inputs)), make([][]int32, len(p.graph.inputs))
	p.plan.build(func(plan *plan) { plan.load(plan.graph.inputs, p.given, p.ints) }, nil, nil)
	for _, v := range p.graph.outputs {
		out := newTensor[float32](v.spec())
		p.outputs, p.results = append(p.outputs, out), append(p.results, Tensor[float32]{Shape: v.shape.clone()})
		p.plan.forward = append(p.plan.forward, p.plan.store(v, &out))
	}
	if first := p.outputs[0]; first.Data == nil {
		p.floats = make([]float32, len(first.Ints))
	}
	p.phases = schedule(p.plan.forward)
	p.plan.findTurns(p.phases, p.chunk)
	if p.work = p.plan.exampleWork(); p.work*p.chunk >= together {
		p.together = p.togetherPhases()
	}
	p.SetWorkers(workers)
}

// load makes the stages that fill inputs from what is given.
func (p *plan) load(inputs []*Value, given [][]float32, ints [][]int32) {
	for k, v := range inputs {
		in := p.place(v)
		size := in.values.size
		p.stage(&stage{axis: examples, touches: []*buffer{in.values}, statistics: true, run: func(w work) {
			if in.values.integer {
				copy(in.values.intParts(&w, w.first, w.last), ints[k][w.first*size:])
				return
			}
			for i := w.first; i < w.last; i++ {
				copy(in.values.part(&w, i), given[k][i*size:])
			}
		}})
	}
}

// store makes the stage that copies an output to where the caller finds it.
func (p *plan) store(v *Value, out *Tensor[float32]) *stage {
	at := p.place(v)
	s := &stage{axis: once, touches: []*buffer{at.values}}
	copyOut := func(w *work, first, last int) {
		for i := first; i < last; i++ {
			if at.values.integer {
				copy(out.Ints[i*at.values.size:], at.values.intParts(w, i, i+1))
			} else {
				copy(out.Data[i*at.values.size:], at.values.part(w, i))
			}
		}
	}
	if s.run = func(w work) { copyOut(&w, 0, 1) }; at.rows > 0 {
		s.axis, s.run = examples, func(w work) { copyOut(&w, w.first, w.last) }
	}
	return s
}

// SetWorkers sets how many goroutines compute, at most. The default is
// GOMAXPROCS, which a number below 1 leaves as it is; the results do not depend
// on it.
func (p *Program) SetWorkers(n int) {
	if n < 1 || n == p.workers {
		return
	}
	most := p.plan.chunks()
	if p.together != nil {
		most = n
	}
	p.setWorkers(n, most, p.plan.chunks(), func(holders int) {
		lifetimes(p.plan.buffers, p.phases, p.plan.forward)
		p.plan.arena, p.plan.elements = layOut(p.plan.arena, p.plan.buffers, p.plan.batch, holders*p.chunk)
	})
	if p.team.size > 1 {
		runtime.AddCleanup(p, (*team).close, p.team)
	}
}

// Batch returns the largest number of examples of one Forward.
func (p *Program) Batch() int { return p.graph.batch }

// InputShape returns the shape of the images for a full batch.
func (p *Program) InputShape() Shape { return p.graph.input().shape }

// OutputShape returns the shape of the outputs for a full batch.
func (p *Program) OutputShape() Shape { return p.graph.output().shape }

// Clone returns a program of its own memory that shares the weights.
func (p *Program) Clone() *Program {
	c := &Program{graph: p.graph, names: p.names}
	c.prepare(p.workers)
	return c
}

// Forward computes the outputs for len(images) / (elements of an example)
// examples, one after another in row-major order, and returns them likewise
// (for a classifier the logits, N x classes): the first output of a network with
// one input, whole numbers as float32. The slice returned is overwritten by the
// next call. It panics if images is not a whole number of examples or more than
// a batch.
func (p *Program) Forward(images []float32) []float32 {
	if in := p.graph.input(); len(p.graph.inputs) > 1 || in.kind != Float32 {
		panic("nn: Forward is for networks with one float32 input; this one takes ForwardAll")
	}
	p.given[0] = images
	p.compute(countExamples(len(images), p.graph.input().shape[1:].Elements(), p.graph.batch))
	if p.floats == nil {
		return p.results[0].Data
	}
	for i, v := range p.results[0].Ints {
		p.floats[i] = float32(v)
	}
	return p.floats[:len(p.results[0].Ints)]
}

// ForwardAll computes all outputs from all inputs, each of which has the same
// number of examples, up to the batch; their Shapes do not matter. What is
// returned is overwritten by the next call. It panics if an input has another
// type than the network's, or another size.
func (p *Program) ForwardAll(inputs ...Tensor[float32]) []Tensor[float32] {
	p.compute(give("input", p.graph.inputs, p.given, p.ints, inputs))
	return p.results
}

// give checks inputs, or the targets of a loss, against those that are wanted, and
// returns the number of examples.
func give(what string, wanted []*Value, given [][]float32, ints [][]int32, inputs []Tensor[float32]) (n int) {
	if len(inputs) != len(wanted) {
		panic(fmt.Sprintf("nn: got %d %ss, want %d", len(inputs), what, len(wanted)))
	}
	for k, in := range wanted {
		given[k], ints[k] = inputs[k].Data, inputs[k].Ints
		elements := len(given[k])
		if in.kind != Float32 {
			elements = len(ints[k])
		}
		if elements == 0 {
			panic(fmt.Sprintf("nn: %s %d has no elements of type %v", what, k, in.kind))
		}
		batch := in.graph.batch
		count := countExamples(elements, in.shape.Elements()/batch, batch)
		if k > 0 && count != n {
			panic(fmt.Sprintf("nn: %s %d has %d examples, those before it %d", what, k, count, n))
		}
		n = count
	}
	return n
}

func (p *Program) compute(n int) {
	p.plan.checkInputs(p.ints)
	p.plan.setBatch(n)
	p.run(n)
	clear(p.given)
	clear(p.ints)
	for k, v := range p.graph.outputs {
		out, result := p.outputs[k], &p.results[k]
		if rows := v.rows(); rows > 0 {
			result.Shape[0] = rows * n
		} else {
			result.Shape = p.plan.shapesAt(n)[v.index]
		}
		if size := result.Shape.Elements(); out.Data != nil {
			result.Data = out.Data[:size]
		} else {
			result.Ints = out.Ints[:size]
		}
	}
}

// run runs the phases on the team, unless there is no more than one chunk and it
// needs no help.
func (p *Program) run(n int) {
	p.active = p.team.size
	phases, helpers := p.phases, p.active > 1
	if n <= p.chunk {
		if helpers && p.together != nil && n*p.work >= together {
			phases = p.together
		} else if len(phases) == 1 {
			p.active, helpers = 1, false
		}
	}
	p.machine.phases = phases
	switch {
	case p.profile != nil:
		p.rehearse(phases)
	case helpers:
		p.crowded(p.body)
	default:
		p.runPhases(0)
	}
	p.machine.phases = nil
	p.surrender()
}

func countExamples(floats, each, batch int) int {
	if n := floats / each; floats%each == 0 && n >= 1 && n <= batch {
		return n
	}
	panic(fmt.Sprintf("nn: got %d floats of images; the program takes 1 to %d examples of %d floats each", floats, batch, each))
}
