package inkling

import (
	"errors"
	"fmt"
	"slices"

	"inkling/models"
	"inkling/weights"
	"inkling/weights/described"
)

// sameModel reports whether two names, each with options behind it or without, are of one model.
func sameModel(a, b string) bool {
	x, errX := models.FindModel(a)
	y, errY := models.FindModel(b)
	return errX == nil && errY == nil && x.Name == y.Name
}

// NewClassifier returns a classifier whose network is still to be trained: a new one of
// a model of the zoo, such as "resnet18" or "smallvgg dropout=0.3" (see package models), or one that a
// file network.yaml describes (package described), with PyTorch's initial weights, drawn from the
// options' Seed.
//
// Options.Classes must name the classes. Without Channels, Height and Width the network
// reads what the model usually does; without Mean and Std pixels are normalised with 0.5
// and 0.5. Rename and LabelOffset are for files, and refused.
//
// What trains the network, as [inkling/train.Run] does, is given its Network and, as the
// data's transform, its Transform.
func NewClassifier(name string, o Options) (*Classifier, error) {
	if described.Is(name) {
		return newDescribed(name, o)
	}
	model, err := models.FindModel(name)
	if err != nil {
		return nil, err
	}
	switch {
	case o.Model != "" && !sameModel(o.Model, model.Name):
		return nil, fmt.Errorf("a %s was asked for, but the options say %s", model.Name, o.Model)
	case len(o.Rename) > 0 || o.LabelOffset > 0:
		return nil, errors.New("a new network has no tensors to rename and no label offset; these options are for the files of models")
	case len(o.Classes) == 0:
		return nil, errors.New("the options' Classes are empty; name the classes that the network is to tell apart")
	}
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := o.Target.check(); err != nil {
		return nil, err
	}
	if _, err := checkClasses(slices.Clone(o.Classes)); err != nil {
		return nil, err
	}
	config := model.Usual
	if o.Channels > 0 {
		config.Channels = o.Channels
	}
	if o.Height > 0 {
		config.Height, config.Width = o.Height, o.Width
	}
	config.Classes, config.Padding = len(o.Classes), o.Padding
	kind := Classifier{Text: o.Text, Sound: o.Sound, Vector: o.Vector}
	if err := o.refuseForPictures(kind.Kind()); err != nil {
		return nil, err
	}
	kind.configure(&config)
	if model.Reads == models.Sentences && o.Text == nil {
		return nil, fmt.Errorf("%s reads sentences, and these are %s: take a network for those", model.Name, kind.Kind())
	}
	o.Model, o.Channels, o.Height, o.Width = model.Name, 0, 0, 0
	c := &Classifier{sizeNote: -1, architecture: &model, padding: config.Padding, Text: o.Text, Sound: o.Sound, Vector: o.Vector, Target: o.Target}
	if err := o.settle(c); err != nil {
		return nil, err
	}
	about := &c.About
	if err := c.noteKind(); err != nil {
		return nil, err
	}
	if len(about.Mean) == 0 && c.Kind() == Pictures {
		about.Mean = slices.Repeat([]float32{DefaultMean}, config.Channels)
		about.Std = slices.Repeat([]float32{DefaultStd}, config.Channels)
	}
	if n := len(about.Mean); n > 1 && n != config.Channels {
		return nil, fmt.Errorf("there are %d means and standard deviations, but the pictures have %d channels", n, config.Channels)
	}
	if about.Orientation == "" && c.Kind() == Pictures {
		about.Orientation = weights.Upright
	}
	about.Input = []int{config.Channels, config.Height, config.Width}
	*about = cloned(*about)
	c.said = cloned(*about)
	c.Network, err = model.NewModel(config, o.Seed)
	return c, err
}
