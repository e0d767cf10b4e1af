package graph

import (
	"fmt"
	"maps"
	"math"
	"slices"

	"inkling/nn"
)

// Picture is a network that makes one row of numbers of every picture, N x C x H x W, as
// package models has them: a graph of one input.
type Picture struct {
	*Network
	channels, height, width int
	// Output is "Softmax" or "LogSoftmax" if the graph ends with one, which is left out.
	Output string
	// Generalised tells that the file's shapes are for a number of pictures, which were
	// taken for any.
	Generalised bool
}

// NewPicture makes such a network of a graph, for pictures of the sizes that the graph
// says and, where it does not say them, of those that are given.
func NewPicture(g *Graph, channels, height, width int) (*Picture, error) {
	n, err := NewNetwork(g)
	if err != nil {
		return nil, err
	}
	if len(g.Inputs) != 1 || len(g.Outputs) == 0 {
		return nil, fmt.Errorf("the graph has the inputs %s; a classifier of pictures has one (inkling run takes any)", portNames(g.Inputs))
	}
	in := g.Inputs[0]
	if in.Type != "" && !in.Type.Float() || in.Ranked && len(in.Shape) != 4 {
		return nil, fmt.Errorf("the graph's input %q is %s of %s; a classifier of pictures reads float32, N x channels x height x width (inkling run takes any)", in.Name, in.ShapeText(), in.Type)
	}
	n.classifies = true
	p := &Picture{Network: n, channels: channels, height: height, width: width}
	if in.Ranked {
		for d, size := range []*int{&p.channels, &p.height, &p.width} {
			if said := in.Shape[d+1]; said > 0 && *size > 0 && *size != said {
				return nil, fmt.Errorf("the graph's input is %s, but %d was said for dimension %d", in.ShapeText(), *size, d+1)
			} else if said > 0 {
				*size = said
			}
		}
		n.fixedBatch = max(in.Shape[0], 0)
	}
	if min(p.channels, p.height, p.width) < 1 {
		return nil, fmt.Errorf("the graph does not say which pictures it reads, %s; --size and --channels say it", in.ShapeText())
	}
	operations, err := nn.Trace(p, 1, p.channels, p.height, p.width)
	if err != nil {
		return nil, err
	}
	// Memory is in proportion to what passes between operations.
	const most = 1 << 28
	numbers := 0
	for _, op := range operations {
		if numbers += op.Shape.Elements(); numbers > most {
			return nil, fmt.Errorf("the network computes more than %d numbers for each picture, which is too much", most)
		}
	}
	if len(p.plain) > 0 {
		// Package nn knows of its own operations that they treat pictures one by one.
		if err := p.apart(); err != nil {
			return nil, err
		}
	}
	return p, nil
}

// OfTraining counts the operators that say that they do as in a training (training_mode):
// where the network is used they do as at eval.
func (p *Picture) OfTraining() map[string]int {
	p.mutex.Lock()
	defer p.mutex.Unlock()
	return maps.Clone(p.training)
}

// apart makes sure that a picture's answer does not depend on those beside it.
func (p *Picture) apart() error {
	program, err := nn.Compile(p, 2, p.channels, p.height, p.width)
	if err != nil {
		return err
	}
	size := p.channels * p.height * p.width
	pictures := make([]float32, 2*size)
	for i := range pictures {
		pictures[i] = float32(math.Sin(float64(i)*1.7)) * float32(1+i/size)
	}
	var together, single []float32
	forward := func(pictures []float32) (out []float32, err error) {
		err = p.guard(func() { out = slices.Clone(program.Forward(pictures)) })
		return out, err
	}
	if together, err = forward(pictures); err != nil {
		return err
	}
	each := len(together) / 2
	for k := range 2 {
		if single, err = forward(pictures[k*size:][:size]); err != nil {
			return err
		}
		for i, alone := range single {
			beside := together[k*each+i]
			if d := math.Abs(float64(alone - beside)); !(d <= 1e-4*(1+math.Abs(float64(alone)))) && alone == alone {
				return fmt.Errorf("the network's answer for a picture depends on the other pictures that it looks at together with it: %v alone, %v beside another", alone, beside)
			}
		}
	}
	return nil
}

// Input is the shape of the pictures.
func (p *Picture) Input() (channels, height, width int) { return p.channels, p.height, p.width }

// Forward adds the graph to the network that is traced.
func (p *Picture) Forward(x *nn.Value) *nn.Value {
	in := p.graph.Inputs[0]
	v := &nnValue{value: x, typ: Float32, shape: x.Shape(), kind: inputKind, weight: in.Name}
	out, err := p.trace(map[string]*nnValue{in.Name: v}, nil, x)
	if err != nil {
		return nn.Apply(refusal{err}, nil, x)
	}
	y := out[0]
	p.Output, p.Generalised = "", p.generalised
	if (y.kind == "Softmax" || y.kind == "LogSoftmax") && y.defined == nil && len(y.source) == 1 && !y.source[0].constant() && len(y.shape) == 2 {
		p.Output, y = y.kind, y.source[0]
	}
	if y.constant() || kindOf(y.typ) != nn.Float32 {
		return nn.Apply(refusal{fmt.Errorf("the output %q is no row of numbers for every picture", p.graph.Outputs[0].Name)}, nil, x)
	}
	if len(y.shape) == 4 && slices.Equal(y.shape[2:], []int{1, 1}) { // classes as channels
		return y.value.Flatten()
	}
	if len(y.shape) != 2 || y.shape[0] != x.Shape()[0] || y.value.OtherShape()[0] != x.OtherShape()[0] {
		return nn.Apply(refusal{fmt.Errorf("the output %q has the shape %v for %d pictures; a classifier has a row of numbers for each (inkling run takes any network)", p.graph.Outputs[0].Name, y.shape, x.Shape()[0])}, nil, x)
	}
	return y.value
}

// refusal makes an error of Forward one of Compile.
type refusal struct{ err error }

func (refusal) Name() string                               { return "graph" }
func (r refusal) OutputShape([]nn.Shape) (nn.Shape, error) { return nil, r.err }
func (refusal) Forward(*nn.Call[float32])                  {}
func (refusal) Backward(*nn.Call[float32])                 {}
