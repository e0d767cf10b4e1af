package graph

import (
	"fmt"
	"slices"
	"strings"

	"inkling/nn"
)

// made is a layer of package nn that was made for constants.
type made struct {
	layer any
	names []string // of the weights, in the order of the constants that are there
}

// layer returns the layer of package nn that has the weights of these constants, and makes
// it where there is none. The key tells its settings; make makes it with its weights, and
// names them, in the order of the constants.
func layer[T any](l *lowering, settings string, constants []*nnValue, make func() T) T {
	var names []string
	for _, v := range constants {
		if v == nil {
			names = append(names, "")
		} else if v.weight != "" {
			names = append(names, fmt.Sprint(v.weight, " ", v.turned))
		} else {
			// What was computed of constants belongs to the node.
			names = append(names, fmt.Sprintf("%p", l.node))
		}
	}
	key := settings + "\x00" + strings.Join(names, "\x00")
	l.key = key
	m, known := l.net.layers[key]
	if !known {
		before := len(l.net.Weights)
		m = &made{layer: make()}
		for _, w := range l.net.Weights[before:] {
			m.names = append(m.names, w.Name)
		}
		l.net.layers[key] = m
	}
	i := 0
	for _, v := range constants {
		if v != nil {
			l.read(v, reading{name: m.names[i]})
			i++
		}
	}
	return m.layer.(T)
}

// position is an input of a node.
type position struct {
	node  *Node
	input int
}

// reading tells which weight a node reads, and whether the weight lies the other way round.
type reading struct {
	name   string
	turned bool
}

// read notes that a constant is a weight of this name where the node reads it, or the one
// before it of which the node becomes a part.
func (l *lowering) read(v *nnValue, r reading) {
	if i := slices.Index(l.in, v); i >= 0 {
		l.net.reads[position{l.node, i}] = r
		return
	}
	for _, in := range l.in {
		if in == nil {
			continue
		}
		if i := slices.Index(in.source, v); i >= 0 && in.node != nil {
			l.net.reads[position{in.node, i}] = r
			return
		}
	}
}

// drop takes a layer out again: another one has taken its place.
func (n *Network) drop(key string) {
	m := n.layers[key]
	if m == nil {
		return
	}
	delete(n.layers, key)
	n.Weights = slices.DeleteFunc(n.Weights, func(w nn.Named) bool { return slices.Contains(m.names, w.Name) })
	for _, name := range m.names {
		delete(n.taken, name)
		delete(n.shared, name)
	}
}

// setParam gives a parameter the numbers of a constant, and its name.
func (l *lowering) setParam(p *nn.Param, v *nnValue, role string) {
	if v != nil {
		p.Write(v.tensor.Floats)
	}
	l.net.Weights = append(l.net.Weights, nn.Named{Name: l.nameOf(v, role), Module: &weight{p}})
}

func (l *lowering) setBuffer(b *nn.Buffer, v *nnValue, role string) {
	if v != nil {
		b.Write(v.tensor.Floats)
	}
	l.net.Weights = append(l.net.Weights, nn.Named{Name: l.nameOf(v, role), Module: &buffer{b}})
}

// nameOf returns a name that no other weight has: the file's, if it has one.
func (l *lowering) nameOf(v *nnValue, role string) string {
	if v != nil && v.weight != "" {
		return l.net.free(v.weight, true)
	}
	base := l.node.Name
	if base == "" && len(l.node.Outputs) > 0 {
		base = l.node.Outputs[0]
	}
	return l.net.free(base+"."+role, false)
}

// free returns a name that is not taken.
func (n *Network) free(wish string, file bool) string {
	name := wish
	for i := 2; n.taken[name] || n.computed[name] != nil; i++ {
		name = fmt.Sprintf("%s.%d", wish, i)
	}
	if n.taken[name] = true; file && name != wish {
		n.shared[name] = wish
	}
	return name
}

// param is a parameter for a constant that is computed with.
func (l *lowering) param(v *nnValue) *nn.Param {
	return layer(l, "constant", []*nnValue{v}, func() *nn.Param { return l.net.newParam(v) })
}

func (n *Network) newParam(v *nnValue) *nn.Param {
	shape := v.tensor.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	p := nn.NewParam(shape...)
	p.Write(v.tensor.Floats)
	n.Weights = append(n.Weights, nn.Named{Name: n.free(v.weight, true), Module: &weight{&p}})
	return &p
}

// initialised gives a layer weights of zeros, to be set.
func initialised(module any) {
	if err := nn.InitUniform(module, nil); err != nil {
		refuse("%v", err)
	}
}
