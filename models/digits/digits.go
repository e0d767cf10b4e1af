// Package digits has a network that reads handwritten digits, trained and ready
// for use. README.md beside it says what it was trained on and how well it reads.
package digits

import (
	"bytes"
	_ "embed"
	"fmt"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// Name stands for the network's file in messages.
const Name = "the built-in network"

//go:embed digits.pth
var file []byte

// Load returns the network and what is to be known about it: its pictures are
// 28x28, upright, white on black, and normalised as the metadata says. Every call
// returns a network of its own. It fails only in a program that was built wrong.
func Load() (*models.LeNet, weights.Metadata, error) {
	f, err := weights.ReadFrom(Name, bytes.NewReader(file), int64(len(file)))
	if err != nil {
		return nil, weights.Metadata{}, err
	}
	if f.Metadata == nil {
		return nil, weights.Metadata{}, fmt.Errorf("%s has no metadata", Name)
	}
	about := *f.Metadata
	// The file calls it a folder, for the pictures came from one that gather made.
	about.Dataset, about.Split = "emnist", ""
	network := models.NewLeNet(len(about.Classes), 0)
	return network, about, weights.Restore(Name, f, nn.State(network))
}
