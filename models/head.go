package models

import (
	"slices"

	"inkling/nn"
)

// Head returns the state-dict keys of the network's head: the parameters whose shapes
// follow from the number of classes, which a network that is to learn other classes
// does not take from one that has learnt. The last layer's, mostly.
func (m Model) Head(c Config) ([]string, error) {
	network, err := m.Draw(c, nil)
	if err != nil {
		return nil, err
	}
	c.Classes++
	other, err := m.Draw(c, nil)
	if err != nil {
		return nil, err
	}
	var names []string
	wider := nn.State(other)
	for i, e := range nn.State(network) {
		if !slices.Equal(e.Shape(), wider[i].Shape()) {
			names = append(names, e.Name())
		}
	}
	return names, nil
}
