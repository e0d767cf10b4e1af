package onnx

import (
	"math"
	"slices"
	"strconv"

	"inkling/weights"
	"inkling/weights/structure"
)

// operators says, for each operator of ONNX that is a layer of PyTorch's or does
// nothing, how its node is described. The definitions are those of ONNX's
// Operators.md; settings that PyTorch's layer has not are obstacles.
var operators map[string]func(d *describer) error

func init() {
	operators = map[string]func(d *describer) error{
		"Conv":               (*describer).conv,
		"Gemm":               (*describer).gemm,
		"MatMul":             (*describer).matMul,
		"MaxPool":            (*describer).maxPool,
		"AveragePool":        (*describer).averagePool,
		"GlobalAveragePool":  plain("AdaptiveAvgPool2d", "output_size", "1"),
		"GlobalMaxPool":      plain("AdaptiveMaxPool2d", "output_size", "1"),
		"ReduceMean":         (*describer).reduceMean,
		"BatchNormalization": (*describer).batchNormalization,
		"Relu":               plain("ReLU"),
		"Tanh":               plain("Tanh"),
		"Sigmoid":            plain("Sigmoid"),
		"Softsign":           plain("Softsign"),
		"Softplus":           plain("Softplus"),
		"HardSigmoid":        (*describer).hardSigmoid,
		"HardSwish":          plain("Hardswish"),
		"Mish":               plain("Mish"),
		"Gelu":               func(d *describer) error { return d.with("GELU", "approximate", d.text("approximate", "none")) },
		"Elu":                func(d *describer) error { return d.with("ELU", "alpha", structure.Float(d.float("alpha", 1))) },
		"Celu":               func(d *describer) error { return d.with("CELU", "alpha", structure.Float(d.float("alpha", 1))) },
		"LeakyRelu": func(d *describer) error {
			return d.with("LeakyReLU", "negative_slope", structure.Float(d.float("alpha", 0.01)))
		},
		"Selu":       (*describer).selu,
		"Clip":       (*describer).clip,
		"Softmax":    func(d *describer) error { return d.softmax("Softmax") },
		"LogSoftmax": func(d *describer) error { return d.softmax("LogSoftmax") },
		"PRelu":      (*describer).prelu,
		"Pad":        (*describer).pad,
		"Flatten":    (*describer).flatten,
		"Reshape":    (*describer).reshape,
		"Squeeze":    (*describer).squeeze,
		"Dropout":    (*describer).dropout,
		"Identity":   (*describer).pass,
		"Cast":       (*describer).cast,
		"Transpose":  (*describer).transpose,
		"Div":        func(d *describer) error { return d.affine("Div") },
		"Mul":        func(d *describer) error { return d.affine("Mul") },
		"Sub":        func(d *describer) error { return d.affine("Sub") },
		"Add":        func(d *describer) error { return d.affine("Add") },
	}
}

// plain describes a node as a layer of a kind, with a setting if there is one.
func plain(kind string, setting ...string) func(d *describer) error {
	return func(d *describer) error { return d.with(kind, setting...) }
}

// with adds a layer of a kind with settings, names and values in turn.
func (d *describer) with(kind string, pairs ...string) error {
	settings := map[string]string{}
	for i := 0; i+1 < len(pairs); i += 2 {
		settings[pairs[i]] = pairs[i+1]
	}
	d.add(structure.New(kind, settings))
	return nil
}

// window returns the settings that a convolution and poolings share.
func (d *describer) window() (map[string]string, error) {
	sizes := func(name string, otherwise ...int64) []int64 {
		if a := d.attribute(name); a != nil && len(a.Ints) > 0 {
			return a.Ints
		}
		return otherwise
	}
	kernel := sizes("kernel_shape")
	if len(kernel) == 0 && d.node.GetOpType() == "Conv" {
		if w, err := d.tensor(1); err == nil {
			for _, n := range w.Shape[min(2, len(w.Shape)):] {
				kernel = append(kernel, int64(n))
			}
		}
	}
	strides, dilations := sizes("strides", 1, 1), sizes("dilations", 1, 1)
	if len(kernel) != 2 || len(strides) != 2 || len(dilations) != 2 {
		return nil, d.obstacle("is not two-dimensional")
	}
	s := map[string]string{"kernel_size": structure.Sizes(kernel), "stride": structure.Sizes(strides), "dilation": structure.Sizes(dilations)}
	pads := sizes("pads", 0, 0, 0, 0)
	switch auto := d.text("auto_pad", "NOTSET"); auto {
	case "NOTSET", "":
	case "VALID":
		pads = []int64{0, 0, 0, 0}
	default:
		if strides[0] != 1 || strides[1] != 1 || kernel[0]%2 == 0 || kernel[1]%2 == 0 {
			return nil, d.obstacle("has auto_pad %s, which pads one side more than the other", auto)
		}
		high, wide := dilations[0]*(kernel[0]-1)/2, dilations[1]*(kernel[1]-1)/2
		pads = []int64{high, wide, high, wide}
	}
	if len(pads) != 4 || pads[0] != pads[2] || pads[1] != pads[3] {
		return nil, d.obstacle("has the pads %v, which differ between the sides", pads)
	}
	s["padding"] = structure.Sizes(pads[:2])
	return s, nil
}

func (d *describer) conv() error {
	s, err := d.window()
	if err != nil {
		return err
	}
	d.padded(s, true)
	s["groups"] = strconv.FormatInt(d.integer("group", 1), 10)
	l := structure.New("Conv2d", s)
	return d.weighted(l, 1)
}

// weighted adds a layer with the weight and maybe the bias that begin at an input.
func (d *describer) weighted(l structure.Layer, first int) error {
	weight, err := d.tensor(first)
	if err != nil {
		return err
	}
	l.Tensors = map[string]string{"weight": weight.Name}
	if d.has(first + 1) {
		bias, err := d.tensor(first + 1)
		if err != nil {
			return err
		}
		l.Tensors["bias"] = bias.Name
	}
	d.add(l)
	return nil
}

func (d *describer) gemm() error {
	if d.integer("transA", 0) != 0 || d.float("alpha", 1) != 1 || d.has(2) && d.float("beta", 1) != 1 {
		return d.obstacle("has a transA of %d, an alpha of %v and a beta of %v, where a linear layer has 0, 1 and 1", d.integer("transA", 0), d.float("alpha", 1), d.float("beta", 1))
	}
	l := structure.New("Linear", nil)
	l.Transposed = d.integer("transB", 0) == 0
	return d.weighted(l, 1)
}

func (d *describer) matMul() error {
	l := structure.New("Linear", nil)
	l.Transposed = true
	if w, err := d.tensor(1); err == nil && len(w.Shape) != 2 {
		return d.obstacle("multiplies with a tensor of the shape %v, where a linear layer has a matrix", w.Shape)
	}
	return d.weighted(l, 1)
}

func (d *describer) maxPool() error {
	s, err := d.window()
	if err != nil {
		return err
	}
	if len(d.node.Output) > 1 && d.node.Output[1] != "" {
		return d.obstacle("gives the places of the maxima, too")
	}
	s["ceil_mode"] = boolean(d.integer("ceil_mode", 0))
	d.add(structure.New("MaxPool2d", s))
	return nil
}

func boolean(n int64) string {
	if n != 0 {
		return "True"
	}
	return "False"
}

func (d *describer) averagePool() error {
	s, err := d.window()
	if err != nil {
		return err
	}
	if s["dilation"] != "1" {
		return d.obstacle("has a dilation of %s, which average-pooling has not in PyTorch", s["dilation"])
	}
	s["ceil_mode"], s["count_include_pad"] = boolean(d.integer("ceil_mode", 0)), boolean(d.integer("count_include_pad", 0))
	if s["ceil_mode"] == "False" && d.padded(s, false) {
		s["count_include_pad"] = "True"
	}
	d.add(structure.New("AvgPool2d", s))
	return nil
}

// paddings are the layers that pad, by the modes of Pad.
var paddings = map[string]string{"constant": "ZeroPad2d", "reflect": "ReflectionPad2d", "edge": "ReplicationPad2d"}

// paddingModes are what a convolution calls these layers.
var paddingModes = map[string]string{"ZeroPad2d": "zeros", "ReflectionPad2d": "reflect", "ReplicationPad2d": "replicate"}

// pad describes a border around pictures, which may become the padding of the layer
// that reads them.
func (d *describer) pad() error {
	kind := paddings[d.text("mode", "constant")]
	if kind == "" {
		return d.obstacle("pads in the mode %s", d.text("mode", "constant"))
	}
	var pads []float64
	if a := d.attribute("pads"); a != nil {
		for _, n := range a.Ints {
			pads = append(pads, float64(n))
		}
	} else {
		var err error
		if pads, _, err = d.numbers(1); err != nil {
			return err
		}
	}
	value := d.float("value", 0)
	if d.has(2) {
		values, _, err := d.numbers(2)
		if err != nil || len(values) != 1 {
			return d.obstacle("pads with what is not known")
		}
		value = values[0]
	}
	if !slices.ContainsFunc(pads, func(n float64) bool { return n != 0 }) {
		return d.pass()
	}
	if len(pads) != 8 || pads[0] != 0 || pads[1] != 0 || pads[4] != 0 || pads[5] != 0 || pads[2] != pads[6] || pads[3] != pads[7] || value != 0 {
		return d.obstacle("pads otherwise than around pictures, with zeros or with pixels, as much on one side as on the other")
	}
	return d.with(kind, "padding", structure.Sizes([]int64{int64(pads[2]), int64(pads[3])}))
}

// padded makes the border around the pictures, if the layer before is no more than
// that, the padding of the layer in hand, if that has none: of zeros, or of any mode.
func (d *describer) padded(s map[string]string, any bool) bool {
	n := len(d.network.Layers)
	if n == 0 || s["padding"] != "0" {
		return false
	}
	mode := paddingModes[d.network.Layers[n-1].Kind]
	if mode == "" || mode != "zeros" && !any {
		return false
	}
	s["padding_mode"], s["padding"] = mode, d.network.Layers[n-1].Settings["padding"]
	d.network.Layers, d.inputs = d.network.Layers[:n-1], d.inputs[:n-1]
	return true
}

func (d *describer) prelu() error {
	slope := d.slopes[d.node.Input[1]]
	if slope == nil {
		var err error
		if slope, err = d.tensor(1); err != nil {
			return err
		}
		if shape := slope.Shape; len(shape) == 1 && shape[0] > 1 && !d.flat() {
			return d.obstacle("has a slope for each column of the pictures, where PyTorch's has one for each channel")
		}
	}
	l := structure.New("PReLU", nil)
	l.Tensors = map[string]string{"weight": slope.Name}
	d.add(l)
	return nil
}

// flat reports whether the pictures have become features.
func (d *describer) flat() bool {
	return slices.ContainsFunc(d.network.Layers, func(l structure.Layer) bool { return l.Kind == "Flatten" || l.Kind == "Linear" })
}

// slope notes a tensor with a number for each channel that a node gives the shape
// which PRelu wants.
func (d *describer) slope(v *value) {
	var right bool
	switch d.node.GetOpType() {
	case "Unsqueeze":
		right = slices.Equal(d.axesOf(), []int64{1, 2})
	case "Reshape":
		shape, _, err := d.numbers(1)
		right = err == nil && len(shape) == 3 && (shape[0] == -1 || int(shape[0]) == elements(v.tensor.Shape)) && shape[1] == 1 && shape[2] == 1
	}
	if right && len(v.tensor.Shape) == 1 && len(d.node.Output) > 0 {
		if d.slopes == nil {
			d.slopes = map[string]*weights.Tensor{}
		}
		d.slopes[d.node.Output[0]] = v.tensor
	}
}

func (d *describer) hardSigmoid() error {
	alpha, beta := d.float("alpha", 0.2), d.float("beta", 0.5)
	if math.Abs(alpha-1.0/6) > 1e-6 || beta != 0.5 {
		return d.obstacle("has an alpha of %v and a beta of %v, where PyTorch has 1/6 and 0.5", alpha, beta)
	}
	return d.with("Hardsigmoid")
}

func (d *describer) reduceMean() error {
	if !spatial(d.axesOf()) {
		return d.obstacle("takes the mean over other axes than height and width")
	}
	if err := d.with("AdaptiveAvgPool2d", "output_size", "1"); err != nil {
		return err
	}
	if d.integer("keepdims", 1) == 0 {
		return d.with("Flatten")
	}
	return nil
}

func (d *describer) batchNormalization() error {
	if d.integer("training_mode", 0) != 0 || d.integer("spatial", 1) != 1 {
		return d.obstacle("is in training mode")
	}
	l := structure.New("BatchNorm2d", map[string]string{"eps": structure.Float(d.float("epsilon", 1e-5))})
	l.Tensors = map[string]string{}
	for i, role := range []string{"weight", "bias", "running_mean", "running_var"} {
		t, err := d.tensor(1 + i)
		if err != nil {
			return err
		}
		l.Tensors[role] = t.Name
	}
	d.add(l)
	return nil
}

func (d *describer) selu() error {
	alpha, gamma := d.float("alpha", 1.6732632), d.float("gamma", 1.0507010)
	if alpha != 1.6732632 || gamma != 1.0507010 {
		return d.with("SELU", "alpha", structure.Float(alpha), "gamma", structure.Float(gamma))
	}
	return d.with("SELU")
}

func (d *describer) clip() error {
	low, high := d.bound("min", 1), d.bound("max", 2)
	switch {
	case low == "0.0" && high == "":
		return d.with("ReLU")
	case low == "0.0" && high == "6.0":
		return d.with("ReLU6")
	}
	return d.with("Hardtanh", "min_val", low, "max_val", high)
}

// bound is a limit of Clip, an attribute in older files and an input in newer ones;
// it is empty if there is none.
func (d *describer) bound(name string, input int) string {
	if d.attribute(name) != nil {
		return structure.Float(d.float(name, 0))
	}
	if numbers, _, err := d.numbers(input); err == nil && len(numbers) == 1 {
		return structure.Float(numbers[0])
	}
	if d.has(input) {
		return "?"
	}
	return ""
}

func (d *describer) softmax(kind string) error {
	otherwise := int64(-1)
	if d.contents.OperatorSet < 13 {
		otherwise = 1
	}
	axis := d.integer("axis", otherwise)
	if axis != 1 && axis != -1 {
		return d.obstacle("is over the axis %d, not over the classes", axis)
	}
	return d.with(kind, "dim", "1")
}

func (d *describer) flatten() error {
	if axis := d.integer("axis", 1); axis != 1 {
		return d.obstacle("flattens from the axis %d on, not from 1", axis)
	}
	return d.with("Flatten")
}

func (d *describer) reshape() error {
	features, ok := d.resizes()
	if !ok {
		return d.obstacle("makes another shape than batch x features")
	}
	l := structure.New("Flatten", nil)
	if features > 0 {
		// The next layer has to want as many.
		l.Settings["features"] = strconv.FormatInt(features, 10)
	}
	d.add(l)
	return nil
}

func (d *describer) squeeze() error {
	if !spatial(d.axesOf()) {
		return d.obstacle("takes away other axes than height and width")
	}
	l := structure.New("Flatten", nil)
	l.Settings["sides"] = "1"
	d.add(l)
	return nil
}

func (d *describer) dropout() error {
	if d.has(2) {
		if training, _, err := d.numbers(2); err != nil || len(training) != 1 || training[0] != 0 {
			return d.obstacle("is in training mode")
		}
	}
	return d.pass()
}

func (d *describer) cast() error {
	const float32Type, float64Type = 1, 11
	to := d.integer("to", 0)
	if to != float32Type && to != float64Type {
		return d.obstacle("makes numbers of another type than float32")
	}
	return d.pass()
}

// transpose may exchange axes before the first layer only.
func (d *describer) transpose() error {
	a := d.attribute("perm")
	if a == nil || len(d.network.Layers) > 0 {
		return d.obstacle("exchanges axes between layers")
	}
	prep := d.prepare()
	switch {
	case prep.ChannelsLast || prep.Transposed:
		return d.obstacle("exchanges axes once more")
	case slices.Equal(a.Ints, []int64{0, 1, 2, 3}):
	case slices.Equal(a.Ints, []int64{0, 3, 1, 2}):
		prep.ChannelsLast = true
	case slices.Equal(a.Ints, []int64{0, 1, 3, 2}):
		prep.Transposed = true
	case slices.Equal(a.Ints, []int64{0, 3, 2, 1}):
		prep.ChannelsLast, prep.Transposed = true, true
	default:
		return d.obstacle("exchanges axes otherwise than for pictures")
	}
	if d.lastAxis && prep.ChannelsLast {
		d.lastAxis = false
	}
	return d.pass()
}

// prepare returns what is done before the first layer.
func (d *describer) prepare() *structure.Preparation {
	if d.network.Preparation == nil {
		d.network.Preparation = &structure.Preparation{Scale: []float64{1}, Shift: []float64{0}, Bytes: d.contents.Inputs[0].DType == "uint8"}
	}
	return d.network.Preparation
}

// affine is arithmetic with a constant: the normalisation before the first layer, or
// the bias of a layer that has none yet.
func (d *describer) affine(operator string) error {
	at := 1
	if d.node.Input[0] != d.chain {
		at = 0
	}
	layers := d.network.Layers
	if len(layers) == 0 {
		return d.normalise(operator, at)
	}
	if operator == "Add" {
		last := &layers[len(layers)-1]
		bias, err := d.tensor(at)
		weight := d.weights[last.Tensors["weight"]]
		if err == nil && weight != nil && last.Tensors["bias"] == "" && perChannel(last, weight, bias) {
			last.Tensors["bias"] = bias.Name
			return d.pass()
		}
	}
	return d.obstacle("computes with a constant between layers")
}

// perChannel reports whether a constant that is added behind a layer is a bias.
func perChannel(l *structure.Layer, weight, bias *weights.Tensor) bool {
	if len(weight.Shape) < 2 {
		return false
	}
	switch shape := bias.Shape; l.Kind {
	case "Linear":
		out := weight.Shape[0]
		if l.Transposed {
			out = weight.Shape[1]
		}
		return elements(shape) == out && len(shape) > 0 && shape[len(shape)-1] == out
	case "Conv2d":
		out := weight.Shape[0]
		return elements(shape) == out && len(shape) >= 3 && shape[len(shape)-3] == out
	}
	return false
}

func (d *describer) normalise(operator string, at int) error {
	numbers, shape, err := d.numbers(at)
	if err != nil {
		return err
	}
	for len(shape) > 0 && shape[0] == 1 {
		shape = shape[1:]
	}
	if len(numbers) > 1 {
		switch {
		case len(shape) == 3 && shape[1] == 1 && shape[2] == 1:
		case len(shape) == 1 && !d.prepare().ChannelsLast:
			d.lastAxis = true // right if the channels come last
		default:
			return d.obstacle("computes with a constant of the shape %v, where pictures have channels", shape)
		}
	}
	p := d.prepare()
	n := max(len(p.Scale), len(numbers))
	if len(p.Scale) != 1 && len(numbers) != 1 && len(p.Scale) != len(numbers) || len(numbers) == 0 {
		return d.obstacle("computes with %d numbers, where pictures have %d channels", len(numbers), len(p.Scale))
	}
	scale, shift := make([]float64, n), make([]float64, n)
	for i := range n {
		a, b, c := p.Scale[i%len(p.Scale)], p.Shift[i%len(p.Shift)], numbers[i%len(numbers)]
		switch {
		case operator == "Div" && at == 1:
			a, b = a/c, b/c
		case operator == "Mul":
			a, b = a*c, b*c
		case operator == "Add":
			b += c
		case operator == "Sub" && at == 1:
			b -= c
		case operator == "Sub":
			a, b = -a, c-b
		default:
			return d.obstacle("divides by the pictures")
		}
		scale[i], shift[i] = a, b
	}
	p.Scale, p.Shift = scale, shift
	return d.pass()
}
