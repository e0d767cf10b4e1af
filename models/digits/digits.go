// Package digits has networks that read handwritten digits, trained and ready for use.
// README.md beside it says what they were trained on and how well they read.
package digits

import (
	"bytes"
	_ "embed"
	"fmt"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

//go:embed digits.pth
var lenetFile []byte

//go:embed digitnet.pth
var digitnetFile []byte

// The built-in networks, by the names of their models in package models' zoo.
const (
	LeNet    = "lenet"    // the tutorial's
	DigitNet = "digitnet" // a larger one, which reads pictures better
)

// Names are those of the built-in networks, the larger first.
func Names() []string { return []string{DigitNet, LeNet} }

// Title is what messages call a built-in network.
func Title(name string) string {
	if name == LeNet {
		return "the built-in LeNet"
	}
	return "the built-in DigitNet"
}

// Open returns the built-in network of a name and what is to be known about it: its pictures
// are 28x28, upright, white on black, prepared as sketch.EMNIST, and normalised as the metadata
// says. Every call returns a network of its own. It fails where there is none of that name.
func Open(name string) (models.Network, weights.Metadata, error) {
	switch name {
	case DigitNet:
		return open(name, digitnetFile)
	case LeNet:
		return open(name, lenetFile)
	}
	return nil, weights.Metadata{}, fmt.Errorf("there is no built-in network %q; there are %s", name, strings.Join(Names(), " and "))
}

// Load is Open of the tutorial's network. It fails only in a program that was built wrong,
// and a program that calls nothing else does not carry the other.
func Load() (*models.LeNet, weights.Metadata, error) {
	network, about, err := open(LeNet, lenetFile)
	if err != nil {
		return nil, about, err
	}
	return network.(*models.LeNet), about, nil
}

func open(name string, file []byte) (models.Network, weights.Metadata, error) {
	f, err := weights.ReadFrom(Title(name), bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	if f.Metadata == nil {
		return nil, weights.Metadata{}, fmt.Errorf("%s has no metadata", Title(name))
	}
	about := *f.Metadata
	// The file calls it a folder, for the pictures came from one that gather made.
	about.Dataset, about.Split = "emnist", ""
	model, err := models.FindModel(name)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	c := models.Config{Channels: 1, Height: models.LeNetHeight, Width: models.LeNetWidth, Classes: len(about.Classes)}
	network, err := model.Draw(c, nil)
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	return network, about, weights.Restore(Title(name), f, nn.State(network))
}
