package inkling

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/structure"
)

// A composer makes the network of layers.
type composer struct {
	m       *Classifier
	layers  []structure.Layer
	tensors map[string]weights.Tensor
	shapes  map[string][]int
	network *models.Sequential
}

// findNames lets the layers name the tensors as the file's list does, which lacks the
// prefix "module." that every name had.
func (c *composer) findNames() {
	for i := range c.layers {
		for role, name := range c.layers[i].Tensors {
			if plain := strings.TrimPrefix(name, "module."); c.shapes[name] == nil && c.shapes[plain] != nil {
				c.layers[i].Tensors[role] = plain
			}
		}
	}
}

// shared bounds how often layers have the same tensors, for each gets a copy: a small
// file must not ask for much memory.
func (c *composer) shared() error {
	all, used := 0, 0
	for _, t := range c.tensors {
		all += t.Len()
	}
	for _, l := range c.layers {
		for _, name := range l.Tensors {
			t := c.tensors[name]
			if used += t.Len(); used > 2*all+1<<16 {
				return fmt.Errorf("its layers (as %s) have the same tensors so often that they would take more than twice their memory, which is not run", l.Where())
			}
		}
	}
	return nil
}

// features looks whether what a .onnx reshapes to is what the next layer reads, since
// then it flattens.
func (c *composer) features() error {
	for i := range c.layers {
		l := &c.layers[i]
		if l.Kind != "Flatten" {
			continue
		}
		if text := l.Settings["features"]; text != "" {
			if i+1 == len(c.layers) || c.layers[i+1].Kind != "Linear" {
				return fmt.Errorf("%s reshapes to %s numbers before something that is no linear layer, which is not run", l.Where(), text)
			}
			shape := slices.Clone(c.shapes[c.layers[i+1].Tensors["weight"]])
			if c.layers[i+1].Transposed {
				slices.Reverse(shape)
			}
			if len(shape) != 2 || strconv.Itoa(shape[1]) != text {
				return fmt.Errorf("%s reshapes to %s numbers, which the next layer does not read", l.Where(), text)
			}
		}
		if l.Settings["sides"] != "" && (i == 0 || !strings.HasPrefix(c.layers[i-1].Kind, "Adaptive") || c.layers[i-1].Settings["output_size"] != "1") {
			return fmt.Errorf("%s takes away height and width, which may be more than one pixel there", l.Where())
		}
	}
	return nil
}

// channels are those that the pictures may have, of what is known and what the first
// layer reads.
func (c *composer) channels(known models.Config) []int {
	if known.Channels > 0 {
		return []int{known.Channels}
	}
	for _, l := range c.layers {
		if shape := c.shapes[l.Tensors["weight"]]; l.Kind == "Conv2d" && len(shape) == 4 {
			if groups, err := strconv.Atoi(l.Settings["groups"]); err == nil {
				return []int{shape[1] * groups}
			}
		}
		if len(l.Tensors) > 0 {
			break
		}
	}
	return []int{1, 3}
}

// size finds what pictures the network reads: those that are known, or square ones
// that the layers suit, the usual sizes first.
func (c *composer) size(known models.Config) (models.Config, error) {
	var sides []int
	if known.Height == 0 {
		const most = 256
		sides = []int{28, 32}
		for _, step := range []int{4, 2, 1} { // usual sizes can be halved twice
			for side := step; side <= most; side += step {
				sides = append(sides, side)
			}
		}
	} else {
		sides = []int{0}
	}
	var first error
	for _, channels := range c.channels(known) {
		for _, side := range sides {
			config := models.Config{Channels: channels, Height: side, Width: side}
			if side == 0 {
				config.Height, config.Width = known.Height, known.Width
			}
			_, err := c.network.For(channels, config.Height, config.Width)
			if err == nil {
				return config, nil
			}
			if first == nil {
				first = err
			}
		}
	}
	if known.Height == 0 {
		return models.Config{}, fmt.Errorf("its layers do not suit square pictures of any size up to 256 pixels, and it does not say which it reads (%w)", first)
	}
	return models.Config{}, first
}

// make makes the network for pictures: that of an architecture if it computes the
// same, or else the layers as they are.
func (c *composer) make(config models.Config) error {
	sequential, err := c.network.For(config.Channels, config.Height, config.Width)
	if err != nil {
		return err
	}
	m := c.m
	chains := models.Chains()
	for i := range chains {
		if network := c.as(&chains[i], sequential, config); network != nil {
			m.architecture, m.Network = &chains[i], network
			return nil
		}
	}
	var named []weights.Tensor
	for i, l := range c.layers {
		for role := range l.Tensors {
			named = append(named, c.tensor(&l, role, sequential.Key(i)+"."+role))
		}
	}
	m.architecture, m.Network = nil, sequential
	return restore("the model", sequential, named)
}

// as returns a network of an architecture that computes what the layers do, with
// their weights, or nil.
func (c *composer) as(a *models.Model, sequential models.Network, config models.Config) models.Network {
	usual, err := a.Draw(a.Usual, nil)
	if err != nil {
		return nil
	}
	var keys []weights.Tensor
	for _, e := range nn.State(usual) {
		keys = append(keys, weights.Tensor{Name: e.Name(), Shape: e.Shape()})
	}
	names, groups := layers(keys)
	var named []weights.Tensor
	next := 0
	for i := range c.layers {
		l := &c.layers[i]
		if len(l.Tensors) == 0 {
			continue
		}
		if next == len(names) || len(groups[names[next]]) != len(l.Tensors) {
			return nil
		}
		for _, key := range groups[names[next]] {
			_, role := layerOf(key.Name)
			if l.Tensors[role] == "" {
				return nil
			}
			named = append(named, c.tensor(l, role, key.Name))
		}
		next++
	}
	if next < len(names) {
		return nil
	}
	configs, err := a.Configs(shapesOf(named), models.Config{Channels: config.Channels, Height: config.Height, Width: config.Width})
	if err != nil {
		return nil
	}
	for _, candidate := range configs {
		network, err := a.Draw(candidate, nil)
		if err == nil && models.SameComputation(network, sequential) && restore("the model", network, named) == nil {
			return network
		}
	}
	return nil
}

// tensor returns a tensor of a layer under a name, in the shape that PyTorch's layer
// has it in.
func (c *composer) tensor(l *structure.Layer, role, name string) weights.Tensor {
	t := c.tensors[l.Tensors[role]]
	switch {
	case l.Transposed && role == "weight" && len(t.Shape) == 2:
		rows, columns := t.Shape[0], t.Shape[1]
		from, to := t.Float32s(), make([]float32, t.Len())
		for i := range rows {
			for j := range columns {
				to[j*rows+i] = from[i*columns+j]
			}
		}
		return weights.NewTensor(name, []int{columns, rows}, to)
	case role == "bias" && len(t.Shape) > 1 && l.Kind != "LayerNorm", l.Kind == "PReLU":
		t.Shape = []int{t.Len()}
	}
	t.Name = name
	return t
}

// restore gives a network its weights. A counter of batches, which only training
// needs, may be missing. Path stands for the file in errors.
func restore(path string, network models.Network, named []weights.Tensor) error {
	named = slices.Clip(named)
	has := map[string]bool{}
	for _, t := range named {
		has[t.Name] = true
	}
	for _, e := range nn.State(network) {
		if !has[e.Name()] && models.IsCounter(e.Name()) {
			named = append(named, weights.NewTensor(e.Name(), e.Shape(), make([]float32, nn.Shape(e.Shape()).Elements())))
		}
	}
	return weights.Restore(path, &weights.File{Tensors: named}, nn.State(network))
}

// differs makes an error of a layer that cannot be run one that also tells what the
// usual network has in its place.
func (c *composer) differs(err error) error {
	var layer *models.LayerError
	if !errors.As(err, &layer) {
		return fmt.Errorf("its network cannot be run: %w", err)
	}
	for _, a := range models.Chains() {
		usual := a.Layers()
		for i := range min(len(usual), len(c.layers)) {
			if c.layers[i].Place == layer.Layer.Place && c.layers[i].Name == layer.Layer.Name {
				return fmt.Errorf("its network cannot be run: it computes %s where %s has %s (%s); %s", layer.Layer.String(), a.Name, usual[i].String(), layer.Layer.Where(), layer.Reason)
			}
			if c.layers[i].Kind != usual[i].Kind {
				break
			}
		}
	}
	return fmt.Errorf("its network cannot be run: %w", err)
}
