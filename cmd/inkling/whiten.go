package main

import (
	"context"

	"inkling"
	"inkling/data"
)

// whitenedPictures is how many pictures filters that are computed of pictures are made of.
const whitenedPictures = 5000

// whiten computes those filters of a new network that are not learnt but follow from the
// pictures, as airbench's first ones do, and tells whether there are such.
func whiten(ctx context.Context, m *inkling.Classifier, d data.Dataset) (bool, error) {
	network, ok := m.Network.(interface {
		InitWhitening(pictures []float32) error
	})
	if !ok {
		return false, nil
	}
	some, err := first(d, whitenedPictures)
	if err != nil {
		return false, err
	}
	loader := &data.Loader{Dataset: some, Transform: m.Transform(), BatchSize: 100}
	var pictures []float32
	for _, batch := range loader.BatchesContext(ctx) {
		pictures = append(pictures, batch.Images...)
	}
	if err := loader.Err(); err != nil {
		return false, err
	}
	return true, network.InitWhitening(pictures)
}
