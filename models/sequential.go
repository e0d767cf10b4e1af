package models

import (
	"errors"
	"fmt"
	"maps"
	"math"
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
// dict has the names that the file has for the tensors, if it has such for all of them,
// or else the numbers of the layers: 0.weight, 0.bias, 3.weight.
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

// mostNumber is the largest whole number of a setting.
const mostNumber = 4096

// number is a setting that is a whole number.
func (l *layer) number(name string, least int) (int, error) {
	n, err := strconv.Atoi(l.Settings[name])
	if err != nil || n < least || n > mostNumber {
		return 0, fmt.Errorf("its %s is %q, want a whole number of %d to %d", name, l.Settings[name], least, mostNumber)
	}
	return n, nil
}

// pair is a setting that is a whole number, or two for height and width.
func (l *layer) pair(name string, least int) ([2]int, error) {
	first, second, both := strings.Cut(l.Settings[name], "x")
	if !both {
		second = first
	}
	height, err := strconv.Atoi(first)
	width, err2 := strconv.Atoi(second)
	if err != nil || err2 != nil || min(height, width) < least || max(height, width) > mostNumber {
		return [2]int{}, fmt.Errorf("its %s is %q, want whole numbers of %d to %d, one or, for height and width, two", name, l.Settings[name], least, mostNumber)
	}
	return [2]int{height, width}, nil
}

// pairs sets pairs of at least 1 to settings.
func (l *layer) pairs(fields map[string]*[2]int) error {
	for _, name := range slices.Sorted(maps.Keys(fields)) {
		var err error
		if *fields[name], err = l.pair(name, 1); err != nil {
			return err
		}
	}
	return nil
}

// truth is a setting that is True or False.
func (l *layer) truth(name string) (bool, error) {
	switch l.Settings[name] {
	case "True":
		return true, nil
	case "False":
		return false, nil
	}
	return false, fmt.Errorf("its %s is %q, want True or False", name, l.Settings[name])
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
	"Conv2d":            {settings: []string{"kernel_size", "stride", "padding", "dilation", "groups", "padding_mode"}, module: newConv2d},
	"Linear":            {module: newLinear},
	"MaxPool2d":         {settings: []string{"kernel_size", "stride", "padding", "dilation", "ceil_mode"}, module: newMaxPool2d},
	"AvgPool2d":         {settings: []string{"kernel_size", "stride", "padding", "ceil_mode", "count_include_pad"}, module: newAvgPool2d},
	"AdaptiveAvgPool2d": {settings: []string{"output_size"}, module: newAdaptiveAvgPool2d},
	"AdaptiveMaxPool2d": {settings: []string{"output_size"}, module: newAdaptiveMaxPool2d},
	"BatchNorm1d":       {settings: []string{"eps"}, module: newBatchNorm1d},
	"BatchNorm2d":       {settings: []string{"eps"}, module: newBatchNorm2d},
	"GroupNorm":         {settings: []string{"num_groups", "eps"}, module: newGroupNorm},
	"InstanceNorm2d":    {settings: []string{"eps"}, module: newInstanceNorm2d},
	"LayerNorm":         {settings: []string{"normalized_shape", "eps"}, module: newLayerNorm},
	"ZeroPad2d":         padding(nn.PadConstant),
	"ReflectionPad2d":   padding(nn.PadReflect),
	"ReplicationPad2d":  padding(nn.PadReplicate),
	"ReLU":              function(nn.ReLU),
	"ReLU6":             function(nn.ReLU6),
	"Tanh":              function(nn.Tanh),
	"Sigmoid":           function(nn.Sigmoid),
	"SiLU":              function(nn.SiLU),
	"Mish":              function(nn.Mish),
	"SELU":              function(nn.SELU),
	"GELU":              {settings: []string{"approximate"}, module: newGELU},
	"Hardswish":         function(nn.Hardswish),
	"Hardsigmoid":       function(nn.Hardsigmoid),
	"PReLU":             {module: newPReLU},
	"ELU":               withNumbers(func(x *nn.Value, n []float64) *nn.Value { return nn.ELU(x, n[0]) }, "alpha"),
	"LeakyReLU":         withNumbers(func(x *nn.Value, n []float64) *nn.Value { return nn.LeakyReLU(x, n[0]) }, "negative_slope"),
	"CELU": withNumbers(func(x *nn.Value, n []float64) *nn.Value {
		return nn.Affine(nn.ELU(nn.Affine(x, 1/n[0], 0), 1), n[0], 0)
	}, "alpha"),
	"RReLU":      withNumbers(func(x *nn.Value, n []float64) *nn.Value { return nn.LeakyReLU(x, (n[0]+n[1])/2) }, "lower", "upper"),
	"LogSigmoid": function(func(x *nn.Value) *nn.Value { return nn.Affine(nn.Softplus(nn.Affine(x, -1, 0), 1, 20), -1, 0) }),
	"Softsign":   function(func(x *nn.Value) *nn.Value { return nn.Div(x, nn.Affine(nn.Abs(x), 1, 1)) }),
	"Tanhshrink": function(func(x *nn.Value) *nn.Value { return nn.Sub(x, nn.Tanh(x)) }),
	"Softplus":   withNumbers(func(x *nn.Value, n []float64) *nn.Value { return nn.Softplus(x, n[0], n[1]) }, "beta", "threshold"),
	"Hardtanh":   withNumbers(func(x *nn.Value, n []float64) *nn.Value { return nn.Hardtanh(x, n[0], n[1]) }, "min_val", "max_val"),
	"Flatten":    {settings: []string{"features", "sides"}, module: func(*layer) (nn.Module, error) { return &apply{(*nn.Value).Flatten}, nil }},
}

// withNumbers is the kind of a function with settings that are numbers.
func withNumbers(f func(x *nn.Value, numbers []float64) *nn.Value, settings ...string) layerKind {
	return layerKind{settings: settings, module: func(l *layer) (nn.Module, error) {
		var numbers []float64
		for _, name := range settings {
			v, err := strconv.ParseFloat(l.Settings[name], 64)
			if err != nil || math.IsNaN(v) {
				return nil, fmt.Errorf("its %s is %q, want a number", name, l.Settings[name])
			}
			numbers = append(numbers, v)
		}
		return &apply{func(x *nn.Value) *nn.Value { return f(x, numbers) }}, nil
	}}
}

// LayerKinds returns the names of the kinds of layers that can be run.
func LayerKinds() []string { return slices.Sorted(maps.Keys(layerKinds)) }

func newConv2d(l *layer) (nn.Module, error) {
	shape, err := l.shape("weight", 4)
	if err != nil {
		return nil, err
	}
	c := &nn.Conv2d{Out: shape[0], NoBias: l.shapes["bias"] == nil}
	if l.Settings["padding"] == "same" {
		c.Same = true
	} else if c.PaddingHW, err = l.pair("padding", 0); err != nil {
		return nil, err
	}
	err = l.pairs(map[string]*[2]int{"kernel_size": &c.KernelHW, "stride": &c.StrideHW, "dilation": &c.DilationHW})
	if err != nil {
		return nil, err
	}
	if c.Groups, err = l.number("groups", 1); err != nil {
		return nil, err
	}
	switch mode := l.Settings["padding_mode"]; mode {
	case "zeros":
	case nn.PadReflect.String():
		c.PadMode = nn.PadReflect
	case nn.PadReplicate.String():
		c.PadMode = nn.PadReplicate
	case nn.PadCircular.String():
		c.PadMode = nn.PadCircular
	default:
		return nil, fmt.Errorf("its padding_mode is %q", mode)
	}
	if shape[2] != c.KernelHW[0] || shape[3] != c.KernelHW[1] {
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
	var err error
	if p.PaddingHW, err = l.pair("padding", 0); err != nil {
		return nil, err
	}
	err = l.pairs(map[string]*[2]int{"kernel_size": &p.KernelHW, "stride": &p.StrideHW, "dilation": &p.DilationHW})
	if err == nil {
		p.Ceil, err = l.truth("ceil_mode")
	}
	return p, err
}

func newAvgPool2d(l *layer) (nn.Module, error) {
	p := &nn.AvgPool2d{}
	var err error
	if p.PaddingHW, err = l.pair("padding", 0); err != nil {
		return nil, err
	}
	if err = l.pairs(map[string]*[2]int{"kernel_size": &p.KernelHW, "stride": &p.StrideHW}); err != nil {
		return nil, err
	}
	if p.Ceil, err = l.truth("ceil_mode"); err != nil {
		return nil, err
	}
	include, err := l.truth("count_include_pad")
	p.ExcludePadding = !include
	return p, err
}

func newAdaptiveAvgPool2d(l *layer) (nn.Module, error) {
	size, err := l.pair("output_size", 1)
	return &nn.AdaptiveAvgPool2d{SizeHW: size}, err
}

func newAdaptiveMaxPool2d(l *layer) (nn.Module, error) {
	size, err := l.pair("output_size", 1)
	return &nn.AdaptiveMaxPool2d{SizeHW: size}, err
}

// padding is the kind of a border around pictures.
func padding(mode nn.PadMode) layerKind {
	return layerKind{settings: []string{"padding"}, module: func(l *layer) (nn.Module, error) {
		p, err := l.pair("padding", 0)
		return &apply{func(x *nn.Value) *nn.Value { return nn.Pad(x, mode, 0, p[1], p[1], p[0], p[0]) }}, err
	}}
}

func newGELU(l *layer) (nn.Module, error) {
	switch l.Settings["approximate"] {
	case "none":
		return &apply{nn.GELU}, nil
	case "tanh":
		return &apply{nn.GELUTanh}, nil
	}
	return nil, fmt.Errorf("its approximate is %q, want none or tanh", l.Settings["approximate"])
}

func newPReLU(l *layer) (nn.Module, error) {
	shape, err := l.shape("weight", 1)
	if err != nil {
		return nil, err
	}
	return &nn.PReLU{Count: shape[0]}, nil
}

func newBatchNorm2d(l *layer) (nn.Module, error) {
	if l.shapes["running_mean"] == nil {
		return nil, errors.New("it has no running statistics, and would normalise by the pictures that are looked at together")
	}
	shape, err := l.shape("running_mean", 1)
	if err != nil {
		return nil, err
	}
	eps, err := l.eps()
	return &nn.BatchNorm2d{Features: shape[0], Eps: eps, NoAffine: l.shapes["weight"] == nil}, err
}

func newBatchNorm1d(l *layer) (nn.Module, error) {
	n, err := newBatchNorm2d(l)
	if err != nil {
		return nil, err
	}
	return (*nn.BatchNorm1d)(n.(*nn.BatchNorm2d)), nil
}

// eps is what a normalisation adds to the variance.
func (l *layer) eps() (float64, error) {
	eps, err := strconv.ParseFloat(l.Settings["eps"], 64)
	if err != nil || !(eps > 0) {
		return 0, fmt.Errorf("its eps is %q, want a number above 0", l.Settings["eps"])
	}
	return eps, nil
}

func newGroupNorm(l *layer) (nn.Module, error) {
	groups, err := l.number("num_groups", 1)
	if err != nil {
		return nil, err
	}
	eps, err := l.eps()
	if err != nil {
		return nil, err
	}
	return l.affine(func(channels int, affine bool) nn.Module {
		return &nn.GroupNorm{Groups: groups, Channels: channels, Eps: eps, NoAffine: !affine}
	})
}

func newInstanceNorm2d(l *layer) (nn.Module, error) {
	eps, err := l.eps()
	if err != nil {
		return nil, err
	}
	return l.affine(func(channels int, affine bool) nn.Module {
		return &nn.InstanceNorm2d{Features: channels, Eps: eps, Affine: affine}
	})
}

// affine makes a normalisation of as many channels as its weight has, or its input if it
// has no weight.
func (l *layer) affine(make func(channels int, affine bool) nn.Module) (nn.Module, error) {
	if l.shapes["weight"] == nil {
		return &apply{func(x *nn.Value) *nn.Value { return make(x.Shape()[1], false).Forward(x) }}, nil
	}
	shape, err := l.shape("weight", 1)
	if err != nil {
		return nil, err
	}
	return make(shape[0], true), nil
}

func newLayerNorm(l *layer) (nn.Module, error) {
	eps, err := l.eps()
	if err != nil {
		return nil, err
	}
	if shape := l.shapes["weight"]; shape != nil {
		if len(shape) == 0 || slices.Contains(shape, 0) {
			return nil, errors.New("its weight has no elements")
		}
		return &nn.LayerNorm{Shape: shape, Eps: eps}, nil
	}
	said := l.Settings["normalized_shape"]
	var shape []int
	for _, text := range strings.Split(said, "x") {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > mostNumber {
			return nil, fmt.Errorf("its normalized_shape is %q, want whole numbers of 1 to %d", said, mostNumber)
		}
		shape = append(shape, n)
	}
	if len(shape) == 1 { // which stands for any number of equal ones
		return nil, fmt.Errorf("it has no weights to tell whether it normalises one dimension of %s or several", said)
	}
	return &nn.LayerNorm{Shape: shape, Eps: eps, NoAffine: true}, nil
}

// NewSequential returns a network of described layers, with initial weights. The
// tensors have these shapes, by their names in the file. It is a *LayerError if a
// layer is not of a kind that can be run, or has a setting that cannot. What
// pictures the network reads is said by [Sequential.For].
func NewSequential(layers []structure.Layer, shapes map[string][]int) (*Sequential, error) {
	n := &Sequential{}
	names := layerNames(layers)
	for i := range layers {
		module, err := newLayer(&layers[i], shapes)
		if err != nil {
			return nil, &LayerError{layers[i], err.Error()}
		}
		if names != nil && names[i] != "" {
			module = nn.Named{Name: names[i], Module: module}
		}
		n.Layers = append(n.Layers, module)
	}
	nn.Init(n, rand.New(rand.NewPCG(0, initStream)))
	return n, nil
}

// layerNames returns the names of layers with tensors, as those of the tensors begin; nil
// if one has none of its own.
func layerNames(layers []structure.Layer) []string {
	names, taken := make([]string, len(layers)), map[string]bool{}
	for i := range layers {
		for role, tensor := range layers[i].Tensors {
			name, ok := strings.CutSuffix(tensor, "."+role)
			if !ok || name == "" || names[i] != "" && names[i] != name {
				return nil
			}
			names[i] = name
		}
		if name := names[i]; name != "" {
			if taken[name] {
				return nil
			}
			taken[name] = true
		}
	}
	return names
}

// Key is how the names of a layer's tensors begin in the state dict.
func (n *Sequential) Key(layer int) string {
	if named, ok := n.Layers[layer].(nn.Named); ok {
		return named.Name
	}
	return strconv.Itoa(layer)
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
	const most = 1 << 24
	numbers := 0
	for i, op := range operations {
		elements := op.Shape.Elements()
		if numbers += elements; elements < 1 || elements > most || numbers > most {
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
		if role == "bias" && len(shape) > 1 && described.Kind != "LayerNorm" || described.Kind == "PReLU" { // as 1 x N, or N x 1 x 1
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
