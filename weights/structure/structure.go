// Package structure describes what a network computes, as far as a file says it: a
// list of layers in PyTorch's words, whatever the file's format is. A .onnx says it
// by its nodes, a network that PyTorch pickled by its modules.
package structure

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// A Network is what a file says of a network. It is a chain: every layer reads the
// output of the one before it.
type Network struct {
	// Layers are in the order in which they are computed, unless Class is set.
	Layers []Layer `json:"layers,omitempty"`

	// Class is the Python class whose code decides in which order the layers are
	// computed, and what beside them. The code is not in the file, so Layers are in
	// the order in which they were made, and functions that the code calls, such as
	// F.relu, are missing. It is empty if the layers are all that there is.
	Class string `json:"class,omitempty"`

	// Obstacle is what in the file is no part of a chain that can be described,
	// such as "node 5 of 20 (Add) joins two branches"; empty if there is nothing. With it
	// Layers are at most those before it.
	Obstacle string `json:"obstacle,omitempty"`

	// Input is the shape of the pictures that the network reads, channels, height
	// and width, 0 where the file leaves one open; nil if it says nothing.
	Input []int `json:"-"`

	// Preparation is what the file does to a picture before the first layer, nil if
	// it does nothing.
	Preparation *Preparation `json:"-"`
}

// A Layer is a part of a network.
type Layer struct {
	// Kind is the name of the class of PyTorch's torch.nn that computes the layer,
	// such as Conv2d, or, of one that has none there, another name for it.
	Kind string `json:"kind"`

	// Name is what the file calls the layer, which may be nothing.
	Name string `json:"name,omitempty"`

	// Place tells where in the file the layer stands: "node 2 of 12".
	Place string `json:"-"`

	// Settings are the arguments of the class that matter to what it computes, with
	// defaults filled in, as Python writes them; two numbers that are equal, as for
	// the height and width of a filter, are written as one, others as 5x3.
	Settings map[string]string `json:"settings,omitempty"`

	// Tensors are the names, in the file, of the layer's parameters and buffers by
	// what they are called in the class: weight, bias, running_mean.
	Tensors map[string]string `json:"tensors,omitempty"`

	// Transposed tells that the file has the weight of a Linear as In x Out.
	Transposed bool `json:"transposed,omitempty"`
}

// Hooked is how the Kind of a layer ends that calls functions on what it reads or
// computes whose code is not in the file.
const Hooked = " with a hook"

// Preparation is an affine map of a picture's samples, and how the picture lies.
type Preparation struct {
	// Scale and Shift make the network's input of a sample x: x*Scale + Shift. They
	// hold one number, or one for each channel.
	Scale, Shift []float64
	// Bytes tells that the samples are whole numbers from 0 to 255.
	Bytes bool
	// ChannelsLast tells that they come as height x width x channels, Transposed
	// that height and width are exchanged before the first layer.
	ChannelsLast, Transposed bool
}

// String writes the layer as Python would: Conv2d(kernel_size=5, padding=2).
func (l *Layer) String() string {
	var arguments []string
	for _, name := range slices.Sorted(maps.Keys(l.Settings)) {
		if value := l.Settings[name]; value != defaults[l.Kind][name] {
			arguments = append(arguments, name+"="+value)
		}
	}
	if len(arguments) == 0 {
		return l.Kind
	}
	return fmt.Sprintf("%s(%s)", l.Kind, strings.Join(arguments, ", "))
}

// Where is the place and, if there is one, the name of the layer.
func (l *Layer) Where() string {
	switch {
	case l.Place == "":
		return "layer " + l.Name
	case l.Name == "" || strings.Contains(l.Place, l.Name):
		return l.Place
	}
	return fmt.Sprintf("%s, %s", l.Place, l.Name)
}

// Same reports whether two layers compute the same, given the same weights.
func (l *Layer) Same(other *Layer) bool {
	return l.Kind == other.Kind && maps.Equal(l.Settings, other.Settings)
}

// defaults are the settings of each kind that matter to what it computes once it is
// trained, with the values that PyTorch gives them where none is said. Where the
// value is empty there is no default.
var defaults = map[string]map[string]string{
	"Conv1d":            {"kernel_size": "", "stride": "1", "padding": "0", "dilation": "1", "groups": "1", "padding_mode": "zeros"},
	"Conv2d":            {"kernel_size": "", "stride": "1", "padding": "0", "dilation": "1", "groups": "1", "padding_mode": "zeros"},
	"ConvTranspose2d":   {"kernel_size": "", "stride": "1", "padding": "0", "output_padding": "0", "dilation": "1", "groups": "1"},
	"Linear":            {},
	"MaxPool2d":         {"kernel_size": "", "stride": "", "padding": "0", "dilation": "1", "ceil_mode": "False"},
	"AvgPool2d":         {"kernel_size": "", "stride": "", "padding": "0", "ceil_mode": "False", "count_include_pad": "True", "divisor_override": "None"},
	"LPPool2d":          {"norm_type": "", "kernel_size": "", "stride": "", "ceil_mode": "False"},
	"AdaptiveAvgPool2d": {"output_size": ""},
	"AdaptiveMaxPool2d": {"output_size": ""},
	"BatchNorm1d":       {"eps": "1e-05", "track_running_stats": "True"},
	"BatchNorm2d":       {"eps": "1e-05", "track_running_stats": "True"},
	"GroupNorm":         {"num_groups": "", "eps": "1e-05"},
	"LayerNorm":         {"normalized_shape": "", "eps": "1e-05"},
	"InstanceNorm2d":    {"eps": "1e-05", "track_running_stats": "False"},
	"LocalResponseNorm": {"size": "", "alpha": "0.0001", "beta": "0.75", "k": "1.0"},
	"ReLU":              {},
	"ReLU6":             {},
	"Tanh":              {},
	"Sigmoid":           {},
	"LogSigmoid":        {},
	"SiLU":              {},
	"Mish":              {},
	"SELU":              {},
	"Softsign":          {},
	"Hardswish":         {},
	"Hardsigmoid":       {},
	"Tanhshrink":        {},
	"PReLU":             {},
	"GELU":              {"approximate": "none"},
	"ELU":               {"alpha": "1.0"},
	"CELU":              {"alpha": "1.0"},
	"RReLU":             {"lower": "0.125", "upper": "0.3333333333333333"},
	"LeakyReLU":         {"negative_slope": "0.01"},
	"Softplus":          {"beta": "1", "threshold": "20"},
	"Hardtanh":          {"min_val": "-1.0", "max_val": "1.0"},
	"Threshold":         {"threshold": "", "value": ""},
	"Flatten":           {"start_dim": "1", "end_dim": "-1"},
	"Softmax":           {"dim": "None"},
	"LogSoftmax":        {"dim": "None"},
	"Softmax2d":         {},
	"ZeroPad2d":         {"padding": ""},
	"ReflectionPad2d":   {"padding": ""},
	"ReplicationPad2d":  {"padding": ""},
	"Dropout":           {}, "Dropout1d": {}, "Dropout2d": {}, "Dropout3d": {}, "AlphaDropout": {}, "FeatureAlphaDropout": {}, "Identity": {},
}

// identities are the kinds that do nothing once a network is trained.
var identities = map[string]bool{
	"Dropout": true, "Dropout1d": true, "Dropout2d": true, "Dropout3d": true, "AlphaDropout": true, "FeatureAlphaDropout": true, "Identity": true,
}

// activations are the kinds that are functions of each element.
var activations = map[string]bool{
	"ReLU": true, "ReLU6": true, "Tanh": true, "Sigmoid": true, "LogSigmoid": true, "SiLU": true, "Mish": true, "SELU": true, "Softsign": true,
	"Hardswish": true, "Hardsigmoid": true, "Tanhshrink": true, "PReLU": true, "GELU": true, "ELU": true, "CELU": true, "LeakyReLU": true,
	"RReLU": true, "Softplus": true, "Hardtanh": true, "Hardshrink": true, "Softshrink": true, "Threshold": true,
}

// IsIdentity reports whether the layer does nothing in a network that is trained.
func (l *Layer) IsIdentity() bool { return identities[l.Kind] }

// Dropping returns the kinds of the network's layers that drop numbers at random in a training,
// each once.
func (n *Network) Dropping() []string {
	var kinds []string
	for _, l := range n.Layers {
		if l.IsIdentity() && strings.Contains(l.Kind, "Dropout") && !slices.Contains(kinds, l.Kind) {
			kinds = append(kinds, l.Kind)
		}
	}
	return kinds
}

// IsActivation reports whether the layer is a function of each element.
func (l *Layer) IsActivation() bool { return activations[l.Kind] }

// IsPooling reports whether the layer makes one element of several beside each other.
func (l *Layer) IsPooling() bool { return strings.Contains(l.Kind, "Pool") }

// IsOutput reports whether the layer only makes probabilities, or their logarithms,
// of logits.
func (l *Layer) IsOutput() bool { return l.Kind == "Softmax" || l.Kind == "LogSoftmax" }

// Known reports whether the kind is one of PyTorch's that are known here.
func Known(kind string) bool { return defaults[kind] != nil || activations[kind] }

// Activation returns the kind of an activation that a function of PyTorch's computes,
// such as tanh or leaky_relu, and whether it is one.
func Activation(function string) (kind string, ok bool) {
	plain := strings.ReplaceAll(strings.TrimSuffix(strings.ToLower(function), "_"), "_", "")
	for kind := range activations {
		if strings.ToLower(kind) == plain {
			return kind, true
		}
	}
	return "", false
}

// New returns a layer whose settings are those given that matter, and defaults.
func New(kind string, settings map[string]string) Layer {
	l := Layer{Kind: kind}
	known, ok := defaults[kind]
	if !ok {
		if !activations[kind] {
			l.Settings = settings
		}
		return l
	}
	for name, value := range known {
		if given, ok := settings[name]; ok {
			value = like(given, value)
		}
		if l.Settings == nil {
			l.Settings = map[string]string{}
		}
		l.Settings[name] = value
	}
	l.simplify()
	return l
}

// like writes a number as the default is written: 1 as 1.0.
func like(value, model string) string {
	v, err := strconv.ParseFloat(value, 64)
	if _, modelErr := strconv.ParseFloat(model, 64); err != nil || modelErr != nil {
		return value
	}
	if strings.ContainsAny(model, ".e") {
		return Float(v)
	}
	return strings.TrimSuffix(Float(v), ".0")
}

// Float writes a number as Python does.
func Float(v float64) string {
	text := strconv.FormatFloat(v, 'g', -1, 64)
	if !strings.ContainsAny(text, ".eIN") {
		text += ".0"
	}
	return text
}

// Sizes writes a tuple of whole numbers: one that stands for equal ones, or 5x3.
func Sizes[T int | int64](sizes []T) string {
	equal := true
	var parts []string
	for _, n := range sizes {
		equal = equal && n == sizes[0]
		parts = append(parts, fmt.Sprint(n))
	}
	if equal && len(parts) > 0 {
		return parts[0]
	}
	return strings.Join(parts, "x")
}

// simplify writes settings that mean the same in the same way.
func (l *Layer) simplify() {
	s := l.Settings
	switch l.Kind {
	case "MaxPool2d", "AvgPool2d", "LPPool2d":
		if s["stride"] == "" || s["stride"] == "None" {
			s["stride"] = s["kernel_size"]
		}
		if l.Kind == "AvgPool2d" && s["padding"] == "0" && s["ceil_mode"] == "False" {
			s["count_include_pad"] = "True" // for there is no padding to count
		}
	case "Hardtanh":
		if s["min_val"] == "0.0" && s["max_val"] == "6.0" {
			l.Kind, l.Settings = "ReLU6", nil
		}
	case "Conv2d", "Conv1d":
		switch s["padding"] {
		case "valid":
			s["padding"] = "0"
		case "same": // which PyTorch has for a stride of 1
			var kernel, dilation int
			if n, _ := fmt.Sscan(s["kernel_size"]+" "+s["dilation"], &kernel, &dilation); n == 2 && dilation*(kernel-1)%2 == 0 && fmt.Sprint(kernel, " ", dilation) == s["kernel_size"]+" "+s["dilation"] {
				s["padding"] = fmt.Sprint(dilation * (kernel - 1) / 2)
			}
		}
		if s["padding"] == "0" {
			s["padding_mode"] = "zeros" // for there is nothing to fill
		}
	}
}

// Reduce returns the layers without those that do nothing in a trained network, and
// with ReLU before max-pooling where it stands behind it, which is the same.
func Reduce(layers []Layer) []Layer {
	var reduced []Layer
	for _, l := range layers {
		if l.IsIdentity() {
			continue
		}
		if n := len(reduced); l.Kind == "ReLU" && n > 0 && reduced[n-1].Kind == "MaxPool2d" {
			reduced = append(reduced[:n-1:n-1], l, reduced[n-1])
			continue
		}
		reduced = append(reduced, l)
	}
	return reduced
}
