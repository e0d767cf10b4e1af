package graph

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"inkling/nn"
)

// Compiled is a network made ready for inputs of given shapes. It belongs to one
// goroutine at a time.
type Compiled struct {
	network *Network
	program *nn.Program // nil if everything is constant
	inputs  []string    // of the program
	outputs []compiledOutput
	made    map[string]madeFor
}

// madeFor is what a network was made for: inputs of a type and a shape and, where numbers
// decide shapes, of these numbers.
type madeFor struct {
	typ     Type
	shape   []int
	numbers *Tensor // nil for any
}

// Suits reports whether the network was made for such inputs.
func (c *Compiled) Suits(inputs map[string]*Tensor) bool {
	for name, t := range inputs {
		made, there := c.made[name]
		if !there || t == nil || t.Type != made.typ || !slices.Equal(t.Shape, made.shape) || t.Check() != nil {
			return false
		}
		if made.numbers != nil && !t.equal(made.numbers) {
			return false
		}
	}
	return len(inputs) == len(c.made)
}

type compiledOutput struct {
	constant *Tensor
	result   int // of the program
	typ      Type
	shape    []int
}

// CheckInput tells whether numbers suit an input of the graph.
func (p *Port) CheckInput(t *Tensor) error {
	if err := t.Check(); err != nil {
		return fmt.Errorf("the input %q: %w", p.Name, err)
	}
	if p.Type != "" && p.Type != t.Type {
		return fmt.Errorf("the input %q is of %s, got %v", p.Name, p.Type, t)
	}
	if !p.Ranked {
		return nil
	}
	fits := len(p.Shape) == len(t.Shape)
	for d := 0; fits && d < len(p.Shape); d++ {
		fits = p.Shape[d] < 0 || p.Shape[d] == t.Shape[d]
	}
	if !fits {
		return fmt.Errorf("the input %q has the shape %s, got %v", p.Name, p.ShapeText(), t)
	}
	return nil
}

// ShapeText tells the shape, with a name or a question mark for what is not fixed.
func (p *Port) ShapeText() string {
	if !p.Ranked {
		return "of any dimensions"
	}
	if len(p.Shape) == 0 {
		return "scalar"
	}
	var parts []string
	for d, size := range p.Shape {
		switch {
		case size >= 0:
			parts = append(parts, fmt.Sprint(size))
		case d < len(p.Names) && p.Names[d] != "":
			parts = append(parts, p.Names[d])
		default:
			parts = append(parts, "?")
		}
	}
	return strings.Join(parts, "x")
}

// mostKnown is of how many elements an input may be for whose every value a network
// is made.
const mostKnown = 1024

// Compile makes the network ready for inputs of these shapes. Where numbers of an
// input decide shapes, it is made for these numbers.
func (n *Network) Compile(inputs map[string]*Tensor) (*Compiled, error) {
	for name := range inputs {
		if !slices.ContainsFunc(n.graph.Inputs, func(p Port) bool { return p.Name == name }) {
			return nil, fmt.Errorf("the graph has no input %q; it has %s", name, portNames(n.graph.Inputs))
		}
	}
	for i := range n.graph.Inputs {
		p := &n.graph.Inputs[i]
		t := inputs[p.Name]
		if t == nil {
			return nil, fmt.Errorf("the input %q is missing; the graph has the inputs %s", p.Name, portNames(n.graph.Inputs))
		}
		if err := p.CheckInput(t); err != nil {
			return nil, err
		}
	}
	known := map[string]*Tensor{}
	for {
		c, err := n.compile(inputs, known)
		if err == nil {
			c.made = map[string]madeFor{}
			for name, t := range inputs {
				made := madeFor{typ: t.Type, shape: slices.Clone(t.Shape)}
				if k := known[name]; k != nil {
					made.numbers = &Tensor{Type: k.Type, Shape: made.shape, Floats: slices.Clone(k.Floats), Ints: slices.Clone(k.Ints)}
				}
				c.made[name] = made
			}
			return c, nil
		}
		refusal, _ := err.(*Refusal)
		if refusal == nil || len(refusal.Needs) == 0 {
			return nil, err
		}
		before := len(known)
		for _, name := range refusal.Needs {
			if inputs[name].Len() > mostKnown {
				return nil, err
			}
			known[name] = inputs[name]
		}
		if len(known) == before {
			return nil, err
		}
	}
}

func portNames(ports []Port) string {
	var names []string
	for _, p := range ports {
		names = append(names, fmt.Sprintf("%q", p.Name))
	}
	if len(names) == 0 {
		return "none"
	}
	return strings.Join(names, ", ")
}

// compile makes a program whose batch is the first dimension of all inputs, or, where
// that does not do, one for these shapes alone.
func (n *Network) compile(inputs, known map[string]*Tensor) (*Compiled, error) {
	var names []string
	for _, p := range n.graph.Inputs {
		if t := inputs[p.Name]; t.Len() == 0 { // package nn has no values without elements
			known[p.Name] = t
		}
		if known[p.Name] == nil {
			names = append(names, p.Name)
		}
	}
	if len(names) == 0 {
		out, err := n.trace(nil, known, nil)
		if err != nil {
			return nil, err
		}
		c := &Compiled{network: n}
		for _, v := range out {
			c.outputs = append(c.outputs, compiledOutput{constant: v.tensor, typ: v.tensor.Type})
		}
		return c, nil
	}
	batched := true
	for _, name := range names {
		t := inputs[name]
		least := 1
		if t.Type.Float() {
			least = 2
		}
		batched = batched && len(t.Shape) >= least && len(t.Shape) <= mostRank && t.Shape[0] == inputs[names[0]].Shape[0]
	}
	if batched {
		c, err := n.program(inputs, known, names, true)
		if refusal, ok := err.(*Refusal); err == nil || ok && len(refusal.Needs) > 0 {
			return c, err
		}
	}
	return n.program(inputs, known, names, false)
}

func (n *Network) program(inputs, known map[string]*Tensor, names []string, batched bool) (*Compiled, error) {
	c := &Compiled{network: n, inputs: names}
	network := nn.Network{Module: n}
	for _, name := range names {
		t := inputs[name]
		shape := nn.Shape(slices.Clone(t.Shape))
		if !batched {
			shape = nn.Shape{1, t.Len()}
		}
		network.Inputs = append(network.Inputs, nn.Spec{Shape: shape, Type: kindOf(t.Type)})
	}
	var failure error
	network.Forward = func(x []*nn.Value) (out []*nn.Value) {
		values := map[string]*nnValue{}
		for i, name := range names {
			t := inputs[name]
			v := &nnValue{value: x[i], typ: t.Type, shape: x[i].Shape(), kind: inputKind, weight: name}
			if !batched {
				op := view{here: sizesOf(t.Shape), other: sizesOf(t.Shape), now: t.Len(), then: t.Len(), kind: x[i].Type()}
				v.value, v.shape = nn.Apply(op, nil, x[i]), t.Shape
			}
			values[name] = v
		}
		var traced []*nnValue
		if traced, failure = n.trace(values, known, x[0]); failure != nil {
			return nil
		}
		c.outputs = nil
		for _, v := range traced {
			o := compiledOutput{typ: v.typ, shape: v.shape}
			if v.constant() {
				o = compiledOutput{constant: v.tensor, typ: v.tensor.Type}
			} else {
				o.result = len(out)
				out = append(out, v.value)
			}
			c.outputs = append(c.outputs, o)
		}
		if len(out) == 0 { // nothing depends on the inputs
			out = append(out, x[0])
		}
		return out
	}
	program, err := guarded(network.Compile)
	if failure != nil {
		return nil, failure
	}
	if err != nil {
		return nil, err
	}
	c.program = program
	return c, nil
}

// guarded makes an error of a refusal of shapes.
func guarded(compile func() (*nn.Program, error)) (p *nn.Program, err error) {
	defer catch(nil, &err)
	return compile()
}

// Run computes the outputs, in the order of the graph's. The inputs have the shapes that
// the network was compiled for, and the numbers where these decide shapes. The results
// are the caller's.
func (c *Compiled) Run(inputs map[string]*Tensor) ([]*Tensor, error) {
	return c.run(inputs, func(list []nn.Tensor[float32]) []nn.Tensor[float32] { return c.program.ForwardAll(list...) })
}

// Profile is Run, and tells how long each stage of the program took.
func (c *Compiled) Profile(inputs map[string]*Tensor) (out []*Tensor, times []nn.StageTime, err error) {
	out, err = c.run(inputs, func(list []nn.Tensor[float32]) []nn.Tensor[float32] {
		times = c.program.ProfileAll(list...)
		return c.program.ForwardAll(list...)
	})
	return out, times, err
}

func (c *Compiled) run(inputs map[string]*Tensor, forward func(list []nn.Tensor[float32]) []nn.Tensor[float32]) ([]*Tensor, error) {
	n := c.network
	n.fault.take()
	var results []nn.Tensor[float32]
	if c.program != nil {
		list := make([]nn.Tensor[float32], len(c.inputs))
		for i, name := range c.inputs {
			t := inputs[name]
			list[i].Shape = t.Shape
			if t.Type.Float() {
				list[i].Data = t.Floats
				continue
			}
			for _, v := range t.Ints {
				if int64(int32(v)) != v {
					return nil, fmt.Errorf("the input %q has the whole number %d, which has more than 32 bits", name, v)
				}
				list[i].Ints = append(list[i].Ints, int32(v))
			}
		}
		if err := n.guard(func() { results = forward(list) }); err != nil {
			return nil, err
		}
	}
	var out []*Tensor
	for _, o := range c.outputs {
		if o.constant != nil {
			out = append(out, o.constant)
			continue
		}
		t := &Tensor{Type: o.typ, Shape: slices.Clone(o.shape)}
		if r := results[o.result]; o.typ.Float() {
			t.Floats = make([]float32, len(r.Data))
			for i, v := range r.Data {
				t.Floats[i] = o.typ.round(v)
			}
		} else {
			for _, v := range r.Ints {
				t.Ints = append(t.Ints, int64(v))
			}
		}
		out = append(out, t)
	}
	return out, nil
}

// guard makes an error of what a program says that panics: an operation was given numbers
// that it does not take.
func (n *Network) guard(run func()) (err error) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case string:
			if err = n.fault.take(); err == nil {
				err = errors.New(strings.TrimPrefix(r, "nn: "))
			}
		default:
			panic(r)
		}
	}()
	run()
	return nil
}

// Run compiles the network for the inputs, and computes the outputs by their names.
func (n *Network) Run(inputs map[string]*Tensor) (map[string]*Tensor, error) {
	c, err := n.Compile(inputs)
	if err != nil {
		return nil, err
	}
	list, err := c.Run(inputs)
	if err != nil {
		return nil, err
	}
	out := map[string]*Tensor{}
	for i, port := range n.graph.Outputs {
		out[port.Name] = list[i]
	}
	return out, nil
}

// Evaluate computes the outputs by the plain definitions alone.
func (n *Network) Evaluate(inputs map[string]*Tensor) (map[string]*Tensor, error) {
	known := maps.Clone(inputs)
	list, err := n.trace(nil, known, nil)
	if err != nil {
		return nil, err
	}
	out := map[string]*Tensor{}
	for i, port := range n.graph.Outputs {
		out[port.Name] = list[i].tensor
	}
	return out, nil
}
