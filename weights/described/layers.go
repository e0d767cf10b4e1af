package described

import (
	"fmt"
	"math"
	"slices"
	"strings"

	"inkling/weights/graph"
)

// layer is a layer that is made.
type layer struct {
	network    *Network
	name, text string
	from       []string // what it reads
	in         [][]int  // of which shapes, without the batch
	shape      []int    // that it gives

	arguments map[string]argument
}

// kind is a kind of layer.
type kind struct {
	// signature are its arguments as PyTorch has them, with defaults.
	signature string
	make      func(l *layer) error
	// several tells that it reads any number of layers, others read one.
	several bool
}

// kinds is the table of layers, by PyTorch's names; Add, Mul and Concat join several.
var kinds map[string]kind

func init() {
	kinds = map[string]kind{
		"Conv2d":            {signature: "(in_channels, out_channels, kernel_size, stride=1, padding=0, dilation=1, groups=1, bias=True, padding_mode='zeros')", make: conv2d},
		"Linear":            {signature: "(in_features, out_features, bias=True)", make: linear},
		"BatchNorm2d":       {signature: "(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", make: batchNorm},
		"BatchNorm1d":       {signature: "(num_features, eps=1e-05, momentum=0.1, affine=True, track_running_stats=True)", make: batchNorm},
		"GroupNorm":         {signature: "(num_groups, num_channels, eps=1e-05, affine=True)", make: groupNorm},
		"MaxPool2d":         {signature: "(kernel_size, stride=None, padding=0, dilation=1, return_indices=False, ceil_mode=False)", make: maxPool},
		"AvgPool2d":         {signature: "(kernel_size, stride=None, padding=0, ceil_mode=False, count_include_pad=True)", make: averagePool},
		"AdaptiveAvgPool2d": {signature: "(output_size)", make: adaptive("AveragePool")},
		"AdaptiveMaxPool2d": {signature: "(output_size)", make: adaptive("MaxPool")},
		"ReLU":              {signature: "(inplace=False)", make: function("Relu")},
		"ReLU6":             {signature: "(inplace=False)", make: relu6},
		"LeakyReLU":         {signature: "(negative_slope=0.01, inplace=False)", make: function("LeakyRelu", "alpha", "negative_slope")},
		"ELU":               {signature: "(alpha=1.0, inplace=False)", make: function("Elu", "alpha", "alpha")},
		"SELU":              {signature: "(inplace=False)", make: function("Selu")},
		"GELU":              {signature: "(approximate='none')", make: gelu},
		"SiLU":              {signature: "(inplace=False)", make: silu},
		"Mish":              {signature: "(inplace=False)", make: function("Mish")},
		"Hardswish":         {signature: "(inplace=False)", make: function("HardSwish")},
		"Hardsigmoid":       {signature: "(inplace=False)", make: hardSigmoid},
		"Sigmoid":           {signature: "()", make: function("Sigmoid")},
		"Tanh":              {signature: "()", make: function("Tanh")},
		"PReLU":             {signature: "(num_parameters=1, init=0.25)", make: prelu},
		"Softmax":           {signature: "(dim=1)", make: softmax("Softmax")},
		"LogSoftmax":        {signature: "(dim=1)", make: softmax("LogSoftmax")},
		"Dropout":           {signature: "(p=0.5, inplace=False)", make: dropout},
		"Identity":          {signature: "()", make: function("Identity")},
		"Flatten":           {signature: "(start_dim=1, end_dim=-1)", make: flatten},
		"ZeroPad2d":         {signature: "(padding)", make: zeroPad},
		"Add":               {signature: "()", make: join("Sum"), several: true},
		"Mul":               {signature: "()", make: join("Mul"), several: true},
		"Concat":            {signature: "(dim=1)", make: concat, several: true},
	}
}

// make reads the layer's text and adds its operators to the graph.
func (l *layer) make() error {
	c, err := parseCall(l.text)
	if err != nil {
		return err
	}
	k, known := kinds[c.kind]
	if !known {
		return fmt.Errorf("there is no layer %s; there are %s", c.kind, strings.Join(Kinds(), ", "))
	}
	if !k.several && len(l.in) != 1 {
		return fmt.Errorf("%s reads one layer, not %d", c.kind, len(l.in))
	}
	if l.arguments, err = match(c, k.signature); err != nil {
		return err
	}
	l.shape = l.in[0]
	return k.make(l)
}

// match gives arguments their names.
func match(c *call, signature string) (map[string]argument, error) {
	all := map[string]argument{}
	place := 0
	for part := range strings.SplitSeq(strings.Trim(signature, "()"), ", ") {
		name, text, usual := strings.Cut(part, "=")
		if name == "" {
			continue
		}
		given, isNamed := c.named[name]
		switch {
		case place < len(c.list) && isNamed:
			return nil, faultf(given.at, "%s is given twice, by its place too", name)
		case place < len(c.list):
			all[name] = c.list[place]
		case isNamed:
			all[name] = given
		case usual:
			r := &reader{text: text}
			v, err := r.value(0)
			if err != nil {
				return nil, err
			}
			all[name] = argument{value: v}
		default:
			return nil, fmt.Errorf("%s lacks %s: it is %s%s", c.kind, name, c.kind, signature)
		}
		place++
	}
	if place < len(c.list) {
		return nil, faultf(c.list[place].at, "%s has one argument too many: it is %s%s", c.kind, c.kind, signature)
	}
	for name, a := range c.named {
		if _, known := all[name]; !known {
			return nil, faultf(a.at, "%s has no %s: it is %s%s", c.kind, name, c.kind, signature)
		}
	}
	return all, nil
}

// whole returns a whole number of at least least.
func (l *layer) whole(name string, least int) (int, error) {
	a := l.arguments[name]
	n, ok := a.value.(int)
	const most = 1 << 20
	if !ok || n < least || n > most {
		return 0, faultf(a.at, "%s is %v, want a whole number of %d to %d", name, a.value, least, most)
	}
	return n, nil
}

// pair returns one whole number, or two, for height and width.
func (l *layer) pair(name string, least int) ([2]int, error) {
	a := l.arguments[name]
	list, several := a.value.([]any)
	if !several {
		n, err := l.whole(name, least)
		return [2]int{n, n}, err
	}
	var out [2]int
	ok := len(list) == 2
	for i := 0; ok && i < 2; i++ {
		out[i], ok = list[i].(int)
		ok = ok && out[i] >= least && out[i] < 1<<16
	}
	if !ok {
		return out, faultf(a.at, "%s is %v, want a whole number from %d, or two in brackets", name, a.value, least)
	}
	return out, nil
}

func (l *layer) real(name string) (float64, error) {
	switch v := l.arguments[name].value.(type) {
	case int:
		return float64(v), nil
	case float64:
		return v, nil
	}
	return 0, faultf(l.arguments[name].at, "%s is %v, want a number", name, l.arguments[name].value)
}

func (l *layer) truth(name string) (bool, error) {
	v, ok := l.arguments[name].value.(bool)
	if !ok {
		return false, faultf(l.arguments[name].at, "%s is %v, want True or False", name, l.arguments[name].value)
	}
	return v, nil
}

// only refuses what is not the one value that is run.
func (l *layer) only(name string, value any) error {
	if a := l.arguments[name]; a.value != value {
		return faultf(a.at, "%s is %v, and only %v is run", name, a.value, value)
	}
	return nil
}

// picture returns what the layer reads as channels, height and width.
func (l *layer) picture() (channels, height, width int, err error) {
	if len(l.in[0]) != 3 {
		return 0, 0, 0, fmt.Errorf("it reads pictures, but %s gives %s", l.from[0], sizeText(l.in[0]))
	}
	return l.in[0][0], l.in[0][1], l.in[0][2], nil
}

// counts compares what the layer says that it reads with what it does.
func (l *layer) counts(name string, has int) error {
	n, err := l.whole(name, 1)
	if err == nil && n != has {
		return faultf(l.arguments[name].at, "%s is %d, but %s gives %d", name, n, l.from[0], has)
	}
	return err
}

// node adds an operator whose output has the layer's name, if it is the last.
func (l *layer) node(kind, output string, inputs []string, attributes map[string]graph.Attribute) string {
	g := l.network.Graph
	if attributes == nil {
		attributes = map[string]graph.Attribute{}
	}
	g.Nodes = append(g.Nodes, &graph.Node{Kind: kind, Name: l.name, Inputs: inputs, Outputs: []string{output}, Attributes: attributes, Place: len(g.Nodes) + 1})
	return output
}

// parameter adds a weight, drawn evenly up to bound, or all of them start.
func (l *layer) parameter(role string, bound, start float64, shape ...int) string {
	name := l.name + "." + role
	l.network.Parameters = append(l.network.Parameters, Parameter{name, shape, bound, start})
	return name
}

// constant adds numbers that are no weight.
func (l *layer) constant(role string, t *graph.Tensor) string {
	name := l.name + " " + role
	l.network.Graph.Initializers[name] = graph.Initializer{Type: t.Type, Shape: t.Shape, Load: func() (*graph.Tensor, error) { return t, nil }}
	return name
}

func ints(list ...int) graph.Attribute {
	a := graph.Attribute{Kind: graph.IntsAttribute}
	for _, n := range list {
		a.Ints = append(a.Ints, int64(n))
	}
	return a
}

func whole(n int) graph.Attribute { return graph.Attribute{Kind: graph.IntAttribute, Int: int64(n)} }
func real(v float64) graph.Attribute {
	return graph.Attribute{Kind: graph.FloatAttribute, Float: float32(v)}
}

// function is a layer that is one operator, with an argument as its attribute.
func function(operator string, attribute ...string) func(l *layer) error {
	return func(l *layer) error {
		attributes := map[string]graph.Attribute{}
		if len(attribute) > 0 {
			v, err := l.real(attribute[1])
			if err != nil {
				return err
			}
			attributes[attribute[0]] = real(v)
		}
		l.node(operator, l.name, l.from, attributes)
		return nil
	}
}

// window reads the arguments of what moves a window, and sets the shape's sides.
func (l *layer) window(ceil bool) (map[string]graph.Attribute, error) {
	if _, _, _, err := l.picture(); err != nil {
		return nil, err
	}
	kernel, err := l.pair("kernel_size", 1)
	if err != nil {
		return nil, err
	}
	stride := kernel
	if l.arguments["stride"].value != nil {
		if stride, err = l.pair("stride", 1); err != nil {
			return nil, err
		}
	}
	padding, err := l.pair("padding", 0)
	if err != nil {
		return nil, err
	}
	dilation := [2]int{1, 1}
	if _, has := l.arguments["dilation"]; has {
		if dilation, err = l.pair("dilation", 1); err != nil {
			return nil, err
		}
	}
	l.shape = slices.Clone(l.in[0])
	for d := range 2 {
		room := l.in[0][d+1] + 2*padding[d] - dilation[d]*(kernel[d]-1) - 1
		if room < 0 {
			return nil, fmt.Errorf("its window of %dx%d does not fit into %s of %s", kernel[0], kernel[1], l.from[0], sizeText(l.in[0]))
		}
		if l.shape[d+1] = room/stride[d] + 1; ceil && room%stride[d] > 0 && l.shape[d+1]*stride[d] < l.in[0][d+1]+padding[d] {
			l.shape[d+1]++
		}
	}
	a := map[string]graph.Attribute{"kernel_shape": ints(kernel[:]...), "strides": ints(stride[:]...), "pads": ints(padding[0], padding[1], padding[0], padding[1])}
	if dilation != [2]int{1, 1} {
		a["dilations"] = ints(dilation[:]...)
	}
	if ceil {
		a["ceil_mode"] = whole(1)
	}
	return a, nil
}

func conv2d(l *layer) error {
	channels, _, _, err := l.picture()
	if err != nil {
		return err
	}
	if err := l.counts("in_channels", channels); err != nil {
		return err
	}
	if err := l.only("padding_mode", "zeros"); err != nil {
		return err
	}
	out, err := l.whole("out_channels", 1)
	if err != nil {
		return err
	}
	groups, err := l.whole("groups", 1)
	if err != nil {
		return err
	}
	if channels%groups != 0 || out%groups != 0 {
		return faultf(l.arguments["groups"].at, "%d and %d channels cannot be divided into %d groups", channels, out, groups)
	}
	attributes, err := l.window(false)
	if err != nil {
		return err
	}
	attributes["group"] = whole(groups)
	l.shape[0] = out
	kernel := attributes["kernel_shape"].Ints
	fan := channels / groups * int(kernel[0]*kernel[1])
	return l.weighted("Conv", fan, attributes, out, channels/groups, int(kernel[0]), int(kernel[1]))
}

// weighted adds an operator with a weight and perhaps a bias.
func (l *layer) weighted(operator string, fan int, attributes map[string]graph.Attribute, shape ...int) error {
	if n := elements(shape); n > mostElements {
		return fmt.Errorf("its weight of %s has %d numbers, which is too much", sizeText(shape), n)
	}
	biased, err := l.truth("bias")
	if err != nil {
		return err
	}
	bound := 1 / math.Sqrt(float64(fan))
	inputs := []string{l.from[0], l.parameter("weight", bound, 0, shape...)}
	if biased {
		inputs = append(inputs, l.parameter("bias", bound, 0, shape[0]))
	}
	l.node(operator, l.name, inputs, attributes)
	return nil
}

func linear(l *layer) error {
	if len(l.in[0]) != 1 {
		return fmt.Errorf("it reads a row of numbers, but %s gives %s: put a Flatten before it", l.from[0], sizeText(l.in[0]))
	}
	in := l.in[0][0]
	if err := l.counts("in_features", in); err != nil {
		return err
	}
	out, err := l.whole("out_features", 1)
	if err != nil {
		return err
	}
	l.shape = []int{out}
	return l.weighted("Gemm", in, map[string]graph.Attribute{"transB": whole(1)}, out, in)
}

func batchNorm(l *layer) error {
	features := l.in[0][0]
	if err := l.counts("num_features", features); err != nil {
		return err
	}
	for _, name := range []string{"affine", "track_running_stats"} {
		if err := l.only(name, true); err != nil {
			return err
		}
	}
	eps, err := l.real("eps")
	if err != nil {
		return err
	}
	momentum, err := l.real("momentum")
	if err != nil {
		return err
	}
	inputs := []string{l.from[0], l.parameter("weight", 0, 1, features), l.parameter("bias", 0, 0, features), l.parameter("running_mean", 0, 0, features), l.parameter("running_var", 0, 1, features)}
	l.node("BatchNormalization", l.name, inputs, map[string]graph.Attribute{"epsilon": real(eps), "momentum": real(1 - momentum)})
	return nil
}

func groupNorm(l *layer) error {
	channels, _, _, err := l.picture()
	if err != nil {
		return err
	}
	if err := l.counts("num_channels", channels); err != nil {
		return err
	}
	if err := l.only("affine", true); err != nil {
		return err
	}
	groups, err := l.whole("num_groups", 1)
	if err != nil {
		return err
	}
	if channels%groups != 0 {
		return faultf(l.arguments["num_groups"].at, "%d channels cannot be divided into %d groups", channels, groups)
	}
	eps, err := l.real("eps")
	if err != nil {
		return err
	}
	inputs := []string{l.from[0], l.parameter("weight", 0, 1, channels), l.parameter("bias", 0, 0, channels)}
	l.node("GroupNormalization", l.name, inputs, map[string]graph.Attribute{"num_groups": whole(groups), "epsilon": real(eps)})
	return nil
}

func maxPool(l *layer) error {
	if err := l.only("return_indices", false); err != nil {
		return err
	}
	return l.pool("MaxPool")
}

func averagePool(l *layer) error { return l.pool("AveragePool") }

func (l *layer) pool(operator string) error {
	ceil, err := l.truth("ceil_mode")
	if err != nil {
		return err
	}
	attributes, err := l.window(ceil)
	if err != nil {
		return err
	}
	if operator == "AveragePool" {
		include, err := l.truth("count_include_pad")
		if err != nil {
			return err
		}
		if include {
			attributes["count_include_pad"] = whole(1)
		}
	}
	l.node(operator, l.name, l.from, attributes)
	return nil
}

// adaptive pools to a size that the picture's can be divided by.
func adaptive(operator string) func(l *layer) error {
	return func(l *layer) error {
		channels, height, width, err := l.picture()
		if err != nil {
			return err
		}
		size, err := l.pair("output_size", 1)
		if err != nil {
			return err
		}
		if height%size[0] != 0 || width%size[1] != 0 {
			return faultf(l.arguments["output_size"].at, "output_size is %dx%d, and %dx%d pixels of %s cannot be divided so, which is not run", size[0], size[1], height, width, l.from[0])
		}
		l.shape = []int{channels, size[0], size[1]}
		if size == [2]int{1, 1} {
			l.node("Global"+operator, l.name, l.from, nil)
			return nil
		}
		window := ints(height/size[0], width/size[1])
		l.node(operator, l.name, l.from, map[string]graph.Attribute{"kernel_shape": window, "strides": window})
		return nil
	}
}

func relu6(l *layer) error {
	bound := func(name string, v float32) string {
		return l.constant(name, &graph.Tensor{Type: graph.Float32, Shape: []int{}, Floats: []float32{v}})
	}
	l.node("Clip", l.name, []string{l.from[0], bound("min", 0), bound("max", 6)}, nil)
	return nil
}

func gelu(l *layer) error {
	a := l.arguments["approximate"]
	text, _ := a.value.(string)
	if text != "none" && text != "tanh" {
		return faultf(a.at, "approximate is %v, want 'none' or 'tanh'", a.value)
	}
	l.node("Gelu", l.name, l.from, map[string]graph.Attribute{"approximate": {Kind: graph.TextAttribute, Text: text}})
	return nil
}

func silu(l *layer) error {
	l.node("Mul", l.name, []string{l.from[0], l.node("Sigmoid", l.name+" sigmoid", l.from, nil)}, nil)
	return nil
}

func hardSigmoid(l *layer) error {
	l.node("HardSigmoid", l.name, l.from, map[string]graph.Attribute{"alpha": real(1. / 6), "beta": real(0.5)})
	return nil
}

func prelu(l *layer) error {
	if err := l.only("num_parameters", 1); err != nil {
		return err
	}
	start, err := l.real("init")
	if err != nil {
		return err
	}
	l.node("PRelu", l.name, []string{l.from[0], l.parameter("weight", 0, start, 1)}, nil)
	return nil
}

func softmax(operator string) func(l *layer) error {
	return func(l *layer) error {
		if v := l.arguments["dim"].value; v != -1 && v != 1 || len(l.in[0]) != 1 {
			return faultf(l.arguments["dim"].at, "it is run over the classes alone: dim=1, of a row of numbers")
		}
		l.node(operator, l.name, l.from, map[string]graph.Attribute{"axis": whole(1)})
		return nil
	}
}

func dropout(l *layer) error {
	p, err := l.real("p")
	if err != nil {
		return err
	}
	if p < 0 || p >= 1 {
		return faultf(l.arguments["p"].at, "p is %v, want a share of 0 to less than 1", p)
	}
	ratio := l.constant("ratio", &graph.Tensor{Type: graph.Float32, Shape: []int{}, Floats: []float32{float32(p)}})
	l.node("Dropout", l.name, []string{l.from[0], ratio}, nil)
	return nil
}

func flatten(l *layer) error {
	if err := l.only("start_dim", 1); err != nil {
		return err
	}
	if err := l.only("end_dim", -1); err != nil {
		return err
	}
	l.shape = []int{elements(l.in[0])}
	l.node("Flatten", l.name, l.from, map[string]graph.Attribute{"axis": whole(1)})
	return nil
}

func zeroPad(l *layer) error {
	channels, height, width, err := l.picture()
	if err != nil {
		return err
	}
	a := l.arguments["padding"]
	var sides [4]int // left, right, top, bottom
	switch v := a.value.(type) {
	case int:
		sides = [4]int{v, v, v, v}
	case []any:
		for i := range sides {
			if i < len(v) {
				sides[i], _ = v[i].(int)
			}
		}
		if len(v) != len(sides) {
			sides[0] = -1
		}
	default:
		sides[0] = -1
	}
	if slices.Min(sides[:]) < 0 || slices.Max(sides[:]) > 4096 {
		return faultf(a.at, "padding is %v, want a whole number, or four in brackets: left, right, top, bottom", a.value)
	}
	l.shape = []int{channels, height + sides[2] + sides[3], width + sides[0] + sides[1]}
	pads := &graph.Tensor{Type: graph.Int64, Shape: []int{8}, Ints: []int64{0, 0, int64(sides[2]), int64(sides[0]), 0, 0, int64(sides[3]), int64(sides[1])}}
	l.node("Pad", l.name, []string{l.from[0], l.constant("pads", pads)}, nil)
	return nil
}

// join is an operator of layers of one shape, taken two by two.
func join(operator string) func(l *layer) error {
	return func(l *layer) error {
		if len(l.in) < 2 {
			return fmt.Errorf("it joins layers: say which, as in from: [conv2, conv1]")
		}
		for i := range l.in {
			if !slices.Equal(l.in[i], l.in[0]) {
				return fmt.Errorf("%s gives %s and %s %s, which cannot be joined so", l.from[0], sizeText(l.in[0]), l.from[i], sizeText(l.in[i]))
			}
		}
		last := l.from[0]
		for i, from := range l.from[1:] {
			output := l.name
			if i+2 < len(l.from) {
				output = fmt.Sprintf("%s %d", l.name, i)
			}
			last = l.node(operator, output, []string{last, from}, nil)
		}
		return nil
	}
}

func concat(l *layer) error {
	if len(l.in) < 2 {
		return fmt.Errorf("it joins layers: say which, as in from: [conv2, conv1]")
	}
	if err := l.only("dim", 1); err != nil {
		return err
	}
	l.shape = slices.Clone(l.in[0])
	for i, shape := range l.in[1:] {
		if len(shape) != len(l.shape) || !slices.Equal(shape[1:], l.shape[1:]) {
			return fmt.Errorf("%s gives %s and %s %s, which cannot stand behind one another", l.from[0], sizeText(l.in[0]), l.from[i+1], sizeText(shape))
		}
		l.shape[0] += shape[0]
	}
	l.node("Concat", l.name, l.from, map[string]graph.Attribute{"axis": whole(1)})
	return nil
}
