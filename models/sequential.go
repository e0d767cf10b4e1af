package models

import (
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"inkling/nn"
	"inkling/weights/structure"
)

// Layers are modules that run one after the other.
type Layers []nn.Module

// Sequential runs layers one after the other, as torch.nn.Sequential does. Its state
// dict has the numbers of the layers for names: 0.weight, 0.bias, 3.weight.
type Sequential struct {
	Layers // embedded, so that names begin with the number

	channels, height, width int
}

// Input is the shape of the pictures that the network reads.
func (n *Sequential) Input() (channels, height, width int) { return n.channels, n.height, n.width }

// Forward computes the logits, N x classes, of a batch of pictures, N x channels x
// height x width.
func (n *Sequential) Forward(x *nn.Value) *nn.Value {
	for _, layer := range n.Layers {
		x = layer.Forward(x)
	}
	return x
}

// A LayerError tells that a layer cannot be run.
type LayerError struct {
	// Layer is the layer, Reason what of it cannot be run.
	Layer  structure.Layer
	Reason string
}

func (e *LayerError) Error() string {
	return fmt.Sprintf("%s (%s): %s", e.Layer.String(), e.Layer.Where(), e.Reason)
}

// A layerKind is a kind of layer that can be run.
type layerKind struct {
	// settings are those that the module has; another must have its default.
	settings []string
	// module returns the module of a layer whose tensors have these shapes.
	module func(l *layer) (nn.Module, error)
}

// A layer is a layer to be made.
type layer struct {
	*structure.Layer
	shapes map[string][]int // of its tensors, by what they are in the layer
}

// number is a setting that is a whole number.
func (l *layer) number(name string) (int, error) {
	const most = 4096
	n, err := strconv.Atoi(l.Settings[name])
	if err != nil || n < 0 || n > most {
		return 0, fmt.Errorf("its %s is %q, and only one number for both directions can be run, of 0 to %d", name, l.Settings[name], most)
	}
	return n, nil
}

// numbers sets whole numbers to settings.
func (l *layer) numbers(fields map[string]*int) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var err error
		if *fields[name], err = l.number(name); err != nil {
			return err
		}
	}
	return nil
}

// shape is that of a tensor, which must have a rank.
func (l *layer) shape(role string, rank int) ([]int, error) {
	s := l.shapes[role]
	if len(s) != rank {
		return nil, fmt.Errorf("its %s has the shape %v, want %d dimensions", role, nn.Shape(s), rank)
	}
	if slices.Contains(s, 0) {
		return nil, fmt.Errorf("its %s has no elements", role)
	}
	return s, nil
}

// apply is a module of a function without parameters.
type apply struct {
	f func(x *nn.Value) *nn.Value
}

func (a *apply) Forward(x *nn.Value) *nn.Value { return a.f(x) }

// function is the kind of a function without settings.
func function(f func(x *nn.Value) *nn.Value) layerKind {
	return layerKind{module: func(*layer) (nn.Module, error) { return &apply{f}, nil }}
}

// layerKinds are the kinds of layers that can be run, by PyTorch's names.
var layerKinds = map[string]layerKind{
	"Conv2d":      {settings: []string{"kernel_size", "stride", "padding", "dilation", "groups"}, module: newConv2d},
	"Linear":      {module: newLinear},
	"MaxPool2d":   {settings: []string{"kernel_size", "stride", "padding"}, module: newMaxPool2d},
	"BatchNorm2d": {settings: []string{"eps"}, module: newBatchNorm2d},
	"ReLU":        function(nn.ReLU),
	"Flatten":     {settings: []string{"features", "sides"}, module: func(*layer) (nn.Module, error) { return &apply{(*nn.Value).Flatten}, nil }},
}

// LayerKinds returns the names of the kinds of layers that can be run.
func LayerKinds() []string { return slices.Sorted(maps.Keys(layerKinds)) }

func newConv2d(l *layer) (nn.Module, error) {
	shape, err := l.shape("weight", 4)
	if err != nil {
		return nil, err
	}
	c := &nn.Conv2d{Out: shape[0], NoBias: l.shapes["bias"] == nil}
	err = l.numbers(map[string]*int{"kernel_size": &c.Kernel, "stride": &c.Stride, "padding": &c.Padding, "dilation": &c.Dilation, "groups": &c.Groups})
	if err != nil {
		return nil, err
	}
	if c.Kernel < 1 || c.Stride < 1 || c.Dilation < 1 || c.Groups < 1 || shape[2] != c.Kernel || shape[3] != c.Kernel {
		return nil, fmt.Errorf("its weight has the shape %v", nn.Shape(shape))
	}
	c.In = shape[1] * c.Groups
	if c.Out%c.Groups != 0 {
		return nil, fmt.Errorf("%d channels cannot be divided into %d groups", c.Out, c.Groups)
	}
	return c, nil
}

func newLinear(l *layer) (nn.Module, error) {
	shape, err := l.shape("weight", 2)
	if err != nil {
		return nil, err
	}
	return &nn.Linear{In: shape[1], Out: shape[0], NoBias: l.shapes["bias"] == nil}, nil
}

func newMaxPool2d(l *layer) (nn.Module, error) {
	p := &nn.MaxPool2d{}
	err := l.numbers(map[string]*int{"kernel_size": &p.Kernel, "stride": &p.Stride, "padding": &p.Padding})
	return p, err
}

func newBatchNorm2d(l *layer) (nn.Module, error) {
	if l.shapes["running_mean"] == nil {
		return nil, errors.New("it has no running statistics, and would normalise by the pictures that are looked at together")
	}
	shape, err := l.shape("running_mean", 1)
	if err != nil {
		return nil, err
	}
	eps, err := strconv.ParseFloat(l.Settings["eps"], 64)
	if err != nil || !(eps > 0) {
		return nil, fmt.Errorf("its eps is %q", l.Settings["eps"])
	}
	return &nn.BatchNorm2d{Features: shape[0], Eps: eps, NoAffine: l.shapes["weight"] == nil}, nil
}

// NewSequential returns a network of described layers, with initial weights. The
// tensors have these shapes, by their names in the file. It is a *LayerError if a
// layer is not of a kind that can be run, or has a setting that cannot. What
// pictures the network reads is said by [Sequential.For].
func NewSequential(layers []structure.Layer, shapes map[string][]int) (*Sequential, error) {
	n := &Sequential{}
	for i := range layers {
		module, err := newLayer(&layers[i], shapes)
		if err != nil {
			return nil, &LayerError{layers[i], err.Error()}
		}
		n.Layers = append(n.Layers, module)
	}
	nn.Init(n, rand.New(rand.NewPCG(0, initStream)))
	return n, nil
}

// For returns the network, with the same weights, for pictures of a shape. It is an
// error if the layers do not suit that, or if the output is not one number for each
// class.
func (n *Sequential) For(channels, height, width int) (*Sequential, error) {
	n = &Sequential{n.Layers, channels, height, width}
	operations, err := nn.Trace(n, 1, channels, height, width)
	if err != nil {
		return nil, err
	}
	// Memory is in proportion to what passes between layers.
	const mostNumbers = 1 << 26
	for i, op := range operations {
		if elements := op.Shape.Elements(); elements > mostNumbers || elements < 1 {
			return nil, fmt.Errorf("operation %d of the network gives %v for each picture, which is too much", i+1, op.Shape[1:])
		}
	}
	if len(operations) == 0 || len(operations[len(operations)-1].Shape) != 2 {
		return nil, errors.New("the network's output is not a number for each class")
	}
	return n, nil
}

func newLayer(described *structure.Layer, shapes map[string][]int) (nn.Module, error) {
	kind, ok := layerKinds[described.Kind]
	if !ok {
		return nil, fmt.Errorf("the layers that can be run are %s", strings.Join(LayerKinds(), ", "))
	}
	usual := structure.New(described.Kind, nil)
	for _, name := range slices.Sorted(maps.Keys(described.Settings)) {
		if value := described.Settings[name]; value != usual.Settings[name] && !slices.Contains(kind.settings, name) {
			return nil, fmt.Errorf("its %s is %s, and only %s can be run", name, value, usual.Settings[name])
		}
	}
	l := &layer{described, map[string][]int{}}
	for role, name := range described.Tensors {
		shape := slices.Clone(shapes[name])
		if described.Transposed && role == "weight" {
			slices.Reverse(shape)
		}
		if role == "bias" && len(shape) > 1 || described.Kind == "PReLU" { // as 1 x N, or N x 1 x 1
			shape = []int{nn.Shape(shape).Elements()}
		}
		l.shapes[role] = shape
	}
	return kind.module(l)
}

// SameComputation reports whether two networks compute the same, given the same
// weights: the same operations with the same settings in the same order.
func SameComputation(a, b Network) bool {
	channels, height, width := a.Input()
	first, err := nn.Trace(a, 1, channels, height, width)
	if err != nil {
		return false
	}
	channels, height, width = b.Input()
	second, err := nn.Trace(b, 1, channels, height, width)
	if err != nil || len(first) != len(second) {
		return false
	}
	for i := range first {
		// The names of parameters may differ, not how many there are.
		if len(first[i].Params) != len(second[i].Params) {
			return false
		}
		first[i].Params, second[i].Params = nil, nil
	}
	return reflect.DeepEqual(first, second)
}
