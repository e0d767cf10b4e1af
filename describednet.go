package inkling

import (
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"strings"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/described"
	"inkling/weights/onnx"
)

// ReadFile is [weights.Read], and reads a description of a network (network.yaml, see
// package described) too, with the weights of the file that it names.
func ReadFile(path string) (*weights.File, error) {
	if !described.Is(path) {
		return weights.Read(path)
	}
	n, err := readDescription(path)
	if err != nil {
		return nil, err
	}
	if n.Weights == "" {
		file := describedFile(n, nil)
		file.Graph = func() (any, error) {
			return nil, errors.New("it describes a network without weights: name their file in it, as in weights: model.pth, or give the file of weights and --model with this one")
		}
		return file, nil
	}
	from := filepath.Join(filepath.Dir(path), n.Weights)
	file, err := weights.Read(from)
	if err != nil {
		return nil, fmt.Errorf("%s: the weights: %w", path, err)
	}
	tensors, err := n.suit(from, file.Tensors)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return describedFile(n, tensors), nil
}

// description is a network as a person describes it.
type description struct{ *described.Network }

func readDescription(path string) (description, error) {
	n, err := described.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		err = fmt.Errorf("there is no file %s with the description of a network", path)
	}
	return description{n}, err
}

// suit returns those tensors that are the network's weights. A path stands for their file
// in errors.
func (n description) suit(path string, tensors []weights.Tensor) ([]weights.Tensor, error) {
	find := func(tensors []weights.Tensor) (suiting []weights.Tensor, mismatch *weights.MismatchError) {
		mismatch = &weights.MismatchError{Path: path}
		left := map[string]*weights.Tensor{}
		for i := range tensors {
			left[tensors[i].Name] = &tensors[i]
		}
		for _, p := range n.Parameters {
			t := left[p.Name]
			delete(left, p.Name)
			switch {
			case t == nil:
				mismatch.Missing = append(mismatch.Missing, p.Name)
			case !slices.Equal(t.Shape, p.Shape):
				mismatch.Shapes = append(mismatch.Shapes, weights.ShapeMismatch{Name: p.Name, Want: p.Shape, Got: t.Shape})
			default:
				suiting = append(suiting, *t)
			}
		}
		for i := range tensors { // in their order; a BatchNorm's counter is for trainings
			if name := tensors[i].Name; left[name] != nil && !strings.HasSuffix(name, "num_batches_tracked") {
				mismatch.Unexpected = append(mismatch.Unexpected, name)
			}
		}
		if len(mismatch.Missing)+len(mismatch.Shapes)+len(mismatch.Unexpected) == 0 {
			mismatch = nil
		}
		return suiting, mismatch
	}
	suiting, mismatch := find(tensors)
	if prefix := sharedPrefix(tensors); mismatch != nil && prefix != "" {
		if others, none := find(withoutPrefix(tensors, prefix)); none == nil {
			return others, nil
		}
	}
	if mismatch != nil {
		return nil, mismatch
	}
	return suiting, nil
}

// describedFile is a file of a network that was described, and its weights.
func describedFile(n description, tensors []weights.Tensor) *weights.File {
	about := &weights.Metadata{Classes: n.Classes, Mean: n.Mean, Std: n.Std, Input: slices.Clone(n.Input[:])}
	return &weights.File{Format: "network.yaml", Tensors: tensors, Metadata: about, Graph: func() (any, error) {
		g := *n.Graph
		return &g, onnx.Complete(&g, tensors)
	}}
}

// useDescribed makes a model of a file of tensors by the description that an option names.
func (o *Options) useDescribed(path string, file *weights.File) (*Classifier, error) {
	n, err := readDescription(o.Model)
	if err != nil {
		return nil, err
	}
	tensors, err := RenameTensors(file.Tensors, o.Rename)
	if err != nil {
		return nil, err
	}
	if tensors, err = n.suit(path, tensors); err != nil {
		return nil, fmt.Errorf("it does not suit %s: %w", o.Model, err)
	}
	own := describedFile(n, tensors)
	if about := file.Metadata; about != nil {
		// What the file of the weights says was said by who trained them.
		said := cloned(*about)
		if len(said.Classes) == 0 {
			said.Classes = n.Classes
		}
		if len(said.Mean) == 0 {
			said.Mean, said.Std = n.Mean, n.Std
		}
		said.Input = own.Metadata.Input
		delete(said.Extra, graphKey)
		delete(said.Extra, layersKey)
		own.Metadata = &said
	}
	plain := *o
	plain.Model, plain.Rename = "", nil
	m, err := plain.useGraph(own)
	if err != nil {
		return nil, err
	}
	file.Graph = own.Graph // for who keeps what the network computes
	return m, nil
}

// newDescribed is NewClassifier for a network that a file describes.
func newDescribed(path string, o Options) (*Classifier, error) {
	n, err := readDescription(path)
	if err != nil {
		return nil, err
	}
	last := n.Layers[len(n.Layers)-1].Shape[0]
	switch {
	case len(o.Rename) > 0 || o.LabelOffset > 0:
		return nil, errors.New("a new network has no tensors to rename and no label offset; these options are for the files of models")
	case len(o.Classes) != last:
		return nil, fmt.Errorf("%s describes a network that tells %d classes apart, but there are %d: its last layer says how many", path, last, len(o.Classes))
	case o.Channels > 0 && o.Channels != n.Input[0] || o.Height > 0 && (o.Height != n.Input[1] || o.Width != n.Input[2]):
		return nil, fmt.Errorf("%s describes a network for pictures of %v (channels, height, width), but these are %dx%dx%d", path, nn.Shape(n.Input[:]), o.Channels, o.Height, o.Width)
	}
	draw := nn.From(rand.New(rand.NewPCG(o.Seed, headStream)))
	var tensors []weights.Tensor
	for _, p := range n.Parameters {
		values := make([]float32, nn.Shape(p.Shape).Elements())
		for i := range values {
			if values[i] = float32(p.Start); p.Bound > 0 {
				values[i] = draw(p.Bound)
			}
		}
		tensors = append(tensors, weights.NewTensor(p.Name, p.Shape, values))
	}
	file := describedFile(n, tensors)
	o.Model, o.Channels, o.Height, o.Width = "", 0, 0, 0
	c, err := o.useGraph(file)
	if err != nil {
		return nil, err
	}
	if c.About.Orientation == "" {
		c.About.Orientation = weights.Upright
	}
	c.Assumed, c.Notes = nil, nil // nothing is assumed of a network that is made as is said
	return c, nil
}
