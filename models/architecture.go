package models

import (
	"inkling/nn"
	"inkling/weights/structure"
)

// A Network is a module that reads pictures of one shape.
type Network interface {
	nn.Module

	// Input is the shape of the pictures that the network reads.
	Input() (channels, height, width int)
}

// A Config says what a network of an architecture is for.
type Config struct {
	// Channels, Height and Width are the shape of the pictures that it reads.
	Channels, Height, Width int
	// Classes is how many it tells apart.
	Classes int
	// Padding holds the rows and columns of zeros around what each convolution
	// reads, in their order; those that are left out have none.
	Padding []int
}

// An Architecture is a kind of network.
type Architecture struct {
	// Name is what files call it.
	Name string

	// New returns a network with PyTorch's initial weights, drawn from seed. It
	// fails if there is no such network for what c says.
	New func(c Config, seed uint64) (Network, error)

	// Configs returns what a network with weights of these shapes, by their
	// state-dict keys, may be for, the most usual first. What is known of it already
	// is set in known, and zero otherwise; a Padding of no elements says that there
	// is none, nil that it is not known. Nothing is returned if no network of this
	// kind has such weights; it is an error if one has, but for no pictures that are
	// known.
	Configs func(shapes map[string][]int, known Config) ([]Config, error)

	// Layers are those of its networks, in the order in which they are computed.
	Layers []structure.Layer

	// Usual is what the network is for where nothing is known of it.
	Usual Config
}

// architectures are those that a file can be opened as, the most usual first.
var architectures = []Architecture{
	{
		Name:    "LeNet",
		New:     func(c Config, seed uint64) (Network, error) { return newLeNet(c, seed) },
		Configs: lenetConfigs,
		Layers:  lenetLayers(),
		Usual:   Config{Channels: LeNetChannels, Height: LeNetHeight, Width: LeNetWidth, Classes: 10},
	},
}

// Architectures returns all there are.
func Architectures() []Architecture { return architectures }

// FindArchitecture returns the one of a name, nil if there is none.
func FindArchitecture(name string) *Architecture {
	for i := range architectures {
		if architectures[i].Name == name {
			return &architectures[i]
		}
	}
	return nil
}
