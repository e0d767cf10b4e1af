package graph

import (
	"fmt"
	"strings"

	"inkling/nn"
)

// layer returns the layer of package nn that has the weights of these constants, and makes
// it where there is none. The key tells its settings; make makes it with its weights, and
// names them.
func layer[T any](l *lowering, settings string, constants []*nnValue, make func() T) T {
	var names []string
	for _, v := range constants {
		if v == nil {
			names = append(names, "")
		} else if v.weight != "" {
			names = append(names, v.weight)
		} else {
			// What was computed of constants belongs to the node.
			names = append(names, fmt.Sprintf("%p", l.node))
		}
	}
	key := settings + "\x00" + strings.Join(names, "\x00")
	if made, ok := l.net.layers[key]; ok {
		return made.(T)
	}
	made := make()
	l.net.layers[key] = made
	return made
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
	for i := 2; n.taken[name]; i++ {
		if file {
			n.shared[wish] = true
		}
		name = fmt.Sprintf("%s.%d", wish, i)
	}
	n.taken[name] = true
	return name
}

// param is a parameter for a constant that is computed with.
func (n *Network) param(v *nnValue) *nn.Param {
	key := "constant\x00" + v.weight
	if p, ok := n.layers[key]; ok {
		return p.(*nn.Param)
	}
	shape := v.tensor.Shape
	if len(shape) == 0 {
		shape = []int{1}
	}
	p := nn.NewParam(shape...)
	p.Write(v.tensor.Floats)
	n.layers[key] = &p
	n.Weights = append(n.Weights, nn.Named{Name: n.free(v.weight, true), Module: &weight{&p}})
	return &p
}

// initialised gives a layer weights of zeros, to be set.
func initialised(module any) {
	if err := nn.InitUniform(module, nil); err != nil {
		refuse("%v", err)
	}
}
