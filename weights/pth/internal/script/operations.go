package script

import (
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"inkling/weights/structure"
)

// An operation is a function of torch's: its parameters in their order, and what it
// is. Definitions are those of PyTorch's native_functions.yaml.
type operation struct {
	parameters string
	follow     func(c *call) (any, error)
}

// A call is a call of an operation.
type call struct {
	*machine
	name string
	with map[string]any // arguments by the names of parameters; those that are left out are missing
}

// operations are those that are followed, by their names without torch. and without
// the _ of those that work in place.
var operations map[string]operation

func init() {
	operations = map[string]operation{
		"conv2d":                  {"input weight bias stride padding dilation groups", (*call).conv},
		"_convolution":            {"input weight bias stride padding dilation transposed output_padding groups benchmark deterministic cudnn_enabled allow_tf32", (*call).conv},
		"_convolution_mode":       {"input weight bias stride padding dilation groups", (*call).conv},
		"linear":                  {"input weight bias", func(c *call) (any, error) { return c.weighted(c.layer("Linear"), "weight", "bias") }},
		"batch_norm":              {"input weight bias running_mean running_var training momentum eps cudnn_enabled", (*call).batchNorm},
		"prelu":                   {"input weight", func(c *call) (any, error) { return c.weighted(c.layer("PReLU"), "weight") }},
		"max_pool2d":              {"input kernel_size stride padding dilation ceil_mode", func(c *call) (any, error) { return c.add(c.layer("MaxPool2d"), 4) }},
		"avg_pool2d":              {"input kernel_size stride padding ceil_mode count_include_pad divisor_override", func(c *call) (any, error) { return c.add(c.layer("AvgPool2d"), 4) }},
		"adaptive_avg_pool2d":     {"input output_size", func(c *call) (any, error) { return c.add(c.layer("AdaptiveAvgPool2d"), 4) }},
		"adaptive_max_pool2d":     {"input output_size", func(c *call) (any, error) { return c.withPlaces(c.layer("AdaptiveMaxPool2d")) }},
		"max_pool2d_with_indices": {"input kernel_size stride padding dilation ceil_mode", func(c *call) (any, error) { return c.withPlaces(c.layer("MaxPool2d")) }},
		"relu":                    activationOf("ReLU", "input"),
		"relu6":                   activationOf("ReLU6", "input"),
		"tanh":                    activationOf("Tanh", "input"),
		"sigmoid":                 activationOf("Sigmoid", "input"),
		"silu":                    activationOf("SiLU", "input"),
		"mish":                    activationOf("Mish", "input"),
		"selu":                    activationOf("SELU", "input"),
		"hardswish":               activationOf("Hardswish", "input"),
		"hardsigmoid":             activationOf("Hardsigmoid", "input"),
		"log_sigmoid":             activationOf("LogSigmoid", "input"),
		"gelu":                    activationOf("GELU", "input approximate"),
		"elu":                     activationOf("ELU", "input alpha scale input_scale"),
		"celu":                    activationOf("CELU", "input alpha"),
		"leaky_relu":              activationOf("LeakyReLU", "input negative_slope"),
		"softplus":                activationOf("Softplus", "input beta threshold"),
		"hardtanh":                activationOf("Hardtanh", "input min_val max_val"),
		"softmax":                 {"input dim dtype", func(c *call) (any, error) { return c.same(c.layer("Softmax")) }},
		"log_softmax":             {"input dim dtype", func(c *call) (any, error) { return c.same(c.layer("LogSoftmax")) }},
		"dropout":                 {"input p train", func(c *call) (any, error) { return c.dropout("Dropout") }},
		"feature_dropout":         {"input p train", func(c *call) (any, error) { return c.dropout("Dropout2d") }},
		"alpha_dropout":           {"input p train", func(c *call) (any, error) { return c.dropout("AlphaDropout") }},
		"feature_alpha_dropout":   {"input p train", func(c *call) (any, error) { return c.dropout("FeatureAlphaDropout") }},
		"flatten":                 {"input start_dim end_dim", (*call).flatten},
		"view":                    {"input size", (*call).reshape},
		"reshape":                 {"input size", (*call).reshape},
		"mean":                    {"input dim keepdim dtype", (*call).mean},
		"pad":                     {"input pad mode value", (*call).pad},
		"contiguous":              {"input memory_format", (*call).pass},
		"detach":                  {"input", (*call).pass},
		"clone":                   {"input memory_format", (*call).pass},
		"add":                     {"input other alpha", (*call).arithmetic},
		"sub":                     {"input other alpha", (*call).arithmetic},
		"mul":                     {"input other", (*call).arithmetic},
		"div":                     {"input other", (*call).arithmetic},
		"size":                    {"input dim", (*call).size},
		"dim":                     {"input", func(c *call) (any, error) { return rank(c.with["input"]) }},
		"len":                     {"list", (*call).length},
	}
}

// activationOf is the operation that computes a kind of layers of the sizes it reads.
func activationOf(kind, parameters string) operation {
	return operation{parameters, func(c *call) (any, error) { return c.same(c.layer(kind)) }}
}

// operation follows a call of what the program does not define itself.
func (m *machine) operation(name string, arguments []any, named map[string]any) (any, error) {
	if v, ok, err := m.plain(name, arguments); ok || err != nil {
		return v, err
	}
	m.count++
	short, ofTorch := strings.CutPrefix(name, "torch.")
	o, known := operations[short]
	if !known {
		o, known = operations[strings.TrimSuffix(short, "_")]
	}
	c := &call{machine: m, name: name, with: map[string]any{}}
	if !ofTorch || !known {
		return c.unknown(arguments)
	}
	parameters := strings.Fields(o.parameters)
	if len(arguments) > len(parameters) {
		return nil, c.obstacle("has %d arguments, at most %d are known", len(arguments), len(parameters))
	}
	for i, a := range arguments {
		c.with[parameters[i]] = a
	}
	for name, a := range named {
		if !slices.Contains(parameters, name) {
			return nil, c.obstacle("has the argument %s, which is not known", name)
		}
		c.with[name] = a
	}
	return o.follow(c)
}

func (c *call) where() string { return fmt.Sprintf("operation %d, %s", c.count, c.name) }

func (c *call) obstacle(format string, values ...any) error {
	return fmt.Errorf("%s %s", c.where(), fmt.Sprintf(format, values...))
}

// unknown is a layer that is no more than its name, where the program makes one
// tensor of another.
func (c *call) unknown(arguments []any) (any, error) {
	for i, a := range arguments {
		switch a.(type) {
		case activation:
			if i > 0 {
				return nil, c.obstacle("is not known")
			}
			c.with["input"] = a
		case size:
			return nil, c.obstacle("is not known")
		}
	}
	if c.with["input"] == nil {
		return nil, c.obstacle("is not known")
	}
	return c.same(structure.New(c.name, nil))
}

// input is the activation that the operation reads, which must be the newest.
func (c *call) input() (activation, error) {
	a, ok := c.with["input"].(activation)
	if !ok {
		return a, c.obstacle("reads %s, where what the last operation computed is wanted", describe(c.with["input"]))
	}
	return a, c.newest(a, c.where()+", reads")
}

// layer is a layer with the arguments of the call as its settings.
func (c *call) layer(kind string) structure.Layer {
	settings := map[string]string{}
	for name, value := range c.with {
		if text, ok := setting(value); ok {
			settings[name] = text
		}
	}
	return structure.New(kind, settings)
}

// setting writes an argument as [structure.Layer] has it.
func setting(value any) (text string, ok bool) {
	switch value := value.(type) {
	case nil:
		return "None", true
	case bool:
		if value {
			return "True", true
		}
		return "False", true
	case int64:
		return strconv.FormatInt(value, 10), true
	case float64:
		return structure.Float(value), true
	case string:
		return short(value), true
	case []any:
		list, ok := whole(value)
		if !ok {
			return "", false
		}
		return structure.Sizes(list), true // nothing for no size, as for a stride that is the window's
	}
	return "", false
}

// whole returns the elements of a list that are whole numbers.
func whole(value any) (list []int64, ok bool) {
	values, ok := value.([]any)
	for _, v := range values {
		n, isInt := v.(int64)
		if !isInt || len(list) == 8 {
			return nil, false
		}
		list = append(list, n)
	}
	return list, ok
}

// add appends a layer that computes an activation of so many dimensions.
func (c *call) add(l structure.Layer, rank int) (any, error) {
	if _, err := c.input(); err != nil {
		return nil, err
	}
	if err := c.spend(layerCost); err != nil {
		return nil, err
	}
	l.Place = c.where()
	if n := len(c.modules); n > 0 && c.modules[n-1] != "" {
		l.Name = c.modules[n-1]
		l.Place += " of " + l.Name
	}
	c.network.Layers = append(c.network.Layers, l)
	c.latest++
	return activation{c.latest, rank}, nil
}

// same is add for what leaves the number of dimensions.
func (c *call) same(l structure.Layer) (any, error) {
	a, _ := c.with["input"].(activation)
	return c.add(l, a.rank)
}

// withPlaces is add for a pooling that also tells which pixel was the largest.
func (c *call) withPlaces(l structure.Layer) (any, error) {
	a, err := c.add(l, 4)
	return []any{a, size{}}, err
}

// weighted adds a layer with tensors, of which all but the first may be missing.
func (c *call) weighted(l structure.Layer, roles ...string) (any, error) {
	l.Tensors = map[string]string{}
	for i, role := range roles {
		switch t := c.with[role].(type) {
		case *Tensor:
			l.Tensors[role] = t.Name
			if strings.HasPrefix(t.Name, ConstantPrefix) {
				return nil, c.obstacle("has its %s among the constants of the program, which was frozen; save it before that", role)
			}
		case nil:
			if i > 0 || l.Kind == "BatchNorm2d" {
				continue
			}
			return nil, c.obstacle("has no %s", role)
		default:
			return nil, c.obstacle("has %s for its %s, where a tensor is wanted", describe(t), role)
		}
	}
	return c.same(l)
}

func (c *call) conv() (any, error) {
	if transposed, _ := c.with["transposed"].(bool); transposed {
		return c.unknown([]any{c.with["input"]})
	}
	delete(c.with, "output_padding")
	l := c.layer("Conv2d")
	if w, ok := c.with["weight"].(*Tensor); ok {
		if len(w.Shape) != 4 {
			return nil, c.obstacle("has a weight of the shape %v, where one of 4 dimensions is wanted", w.Shape)
		}
		l.Settings["kernel_size"] = structure.Sizes(w.Shape[2:])
		c.with["kernel_size"] = []any{int64(w.Shape[2]), int64(w.Shape[3])}
		l = c.layer("Conv2d") // whose padding "same" becomes a number
	}
	return c.weighted(l, "weight", "bias")
}

func (c *call) batchNorm() (any, error) {
	if training, isBool := c.with["training"].(bool); !isBool || training {
		return nil, c.obstacle("normalises by the pictures that are looked at together; call eval() before the network is traced or saved")
	}
	a, _ := c.with["input"].(activation)
	kind := "BatchNorm2d"
	if a.rank != 4 {
		kind = "BatchNorm1d"
	}
	return c.weighted(c.layer(kind), "weight", "bias", "running_mean", "running_var")
}

func (c *call) dropout(kind string) (any, error) {
	if train, isBool := c.with["train"].(bool); !isBool || train {
		return nil, c.obstacle("drops out though the network is not trained; call eval() before it is traced")
	}
	return c.same(c.layer(kind))
}

// pass is an operation that does nothing to what it reads.
func (c *call) pass() (any, error) {
	a, err := c.input()
	return a, err
}

func (c *call) flatten() (any, error) {
	return c.add(c.layer("Flatten"), 2)
}

// reshape may make features of pictures.
func (c *call) reshape() (any, error) {
	a, err := c.input()
	if err != nil {
		return nil, err
	}
	sizes, _ := c.with["size"].([]any)
	if len(sizes) != 2 {
		return nil, c.obstacle("makes another shape than batch x features")
	}
	first, second := sizes[0], sizes[1]
	features, isInt := second.(int64)
	batch := first == any(size{batch: true}) || first == any(int64(-1)) && isInt && features > 0
	switch {
	case !isInt || features != -1 && features < 1 || !batch:
		return nil, c.obstacle("makes another shape than batch x features, or one that cannot be known")
	case a.rank == 2:
		return c.pass()
	}
	l := structure.New("Flatten", nil)
	if features > 0 {
		l.Settings["features"] = strconv.FormatInt(features, 10)
	}
	return c.add(l, 2)
}

func (c *call) mean() (any, error) {
	axes, ok := whole(c.with["dim"])
	slices.Sort(axes)
	if !ok || !slices.Equal(axes, []int64{2, 3}) && !slices.Equal(axes, []int64{-2, -1}) || c.with["dtype"] != nil {
		return nil, c.obstacle("takes the mean over other dimensions than height and width")
	}
	a, err := c.add(structure.New("AdaptiveAvgPool2d", map[string]string{"output_size": "1"}), 4)
	if keep, _ := c.with["keepdim"].(bool); keep || err != nil {
		return a, err
	}
	c.with["input"] = a
	return c.add(structure.New("Flatten", nil), 2)
}

// paddings are the layers that pad, by their modes.
var paddings = map[string]string{"constant": "ZeroPad2d", "reflect": "ReflectionPad2d", "replicate": "ReplicationPad2d"}

func (c *call) pad() (any, error) {
	mode := "constant"
	if m, ok := c.with["mode"].(string); ok {
		mode = m
	}
	value := c.with["value"]
	widths, ok := whole(c.with["pad"])
	if paddings[mode] == "" || value != nil && value != any(0.0) && value != any(int64(0)) {
		return nil, c.obstacle("pads in the mode %s with %s", short(mode), describe(value))
	}
	if !ok || len(widths) != 4 || widths[0] != widths[1] || widths[2] != widths[3] {
		return nil, c.obstacle("pads otherwise than on all sides of pictures, as much on one as on the opposite")
	}
	return c.add(structure.New(paddings[mode], map[string]string{"padding": structure.Sizes([]int64{widths[2], widths[0]})}), 4)
}

// arithmetic with a constant may normalise pictures before the first layer.
func (c *call) arithmetic() (any, error) {
	a, err := c.input()
	if err != nil {
		return nil, err
	}
	var numbers []float64
	switch other := c.with["other"].(type) {
	case int64:
		numbers = []float64{float64(other)}
	case float64:
		numbers = []float64{other}
	case *Tensor:
		shape := other.Shape
		for len(shape) > 0 && shape[0] == 1 {
			shape = shape[1:]
		}
		if len(shape) == 0 || len(shape) == 3 && shape[1] == 1 && shape[2] == 1 {
			numbers = other.Numbers()
		}
	case activation:
		return nil, c.obstacle("joins two branches of the network")
	}
	if alpha := c.with["alpha"]; len(numbers) == 0 || len(c.network.Layers) > 0 || alpha != nil && alpha != any(int64(1)) {
		return nil, c.obstacle("computes with %s between layers, or with more than a number for each channel", describe(c.with["other"]))
	}
	p := c.network.Preparation
	if p == nil {
		p = &structure.Preparation{Scale: []float64{1}, Shift: []float64{0}}
		c.network.Preparation = p
	}
	if len(p.Scale) != 1 && len(numbers) != 1 && len(p.Scale) != len(numbers) {
		return nil, c.obstacle("computes with %d numbers, where pictures have %d channels", len(numbers), len(p.Scale))
	}
	count := max(len(p.Scale), len(numbers))
	scale, shift := make([]float64, count), make([]float64, count)
	for i := range count {
		s, t, n := p.Scale[i%len(p.Scale)], p.Shift[i%len(p.Shift)], numbers[i%len(numbers)]
		switch strings.TrimSuffix(strings.TrimPrefix(c.name, "torch."), "_") {
		case "add":
			t += n
		case "sub":
			t -= n
		case "mul":
			s, t = s*n, t*n
		case "div":
			s, t = s/n, t/n
		}
		scale[i], shift[i] = s, t
	}
	p.Scale, p.Shift = scale, shift
	c.latest++
	return activation{c.latest, a.rank}, nil
}

func (c *call) size() (any, error) {
	a, ok := c.with["input"].(activation)
	if !ok {
		return nil, c.obstacle("asks for the size of %s", describe(c.with["input"]))
	}
	sizes := make([]any, a.rank)
	for i := range sizes {
		sizes[i] = size{batch: i == 0}
	}
	at, one := c.with["dim"].(int64)
	if !one {
		return sizes, nil
	}
	if at < 0 {
		at += int64(a.rank)
	}
	if at < 0 || at >= int64(a.rank) {
		return nil, c.obstacle("asks for the size of dimension %d of %d", at, a.rank)
	}
	return sizes[at], nil
}

func rank(value any) (any, error) {
	if a, ok := value.(activation); ok {
		return int64(a.rank), nil
	}
	return nil, errors.New("its program asks for the dimensions of " + describe(value))
}

func (c *call) length() (any, error) {
	if list, ok := c.with["list"].([]any); ok {
		return int64(len(list)), nil
	}
	return nil, c.obstacle("asks for the length of %s", describe(c.with["list"]))
}
