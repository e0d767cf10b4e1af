package graph

import (
	"math"
	"slices"

	"inkling/nn"
)

// x returns an input as a value of floating-point numbers, or gives up.
func (l *lowering) x(i int) *nn.Value {
	if !l.has(i) || l.in[i].constant() || kindOf(l.in[i].typ) != nn.Float32 || len(l.in[i].shape) == 0 {
		panic(&Refusal{Reason: "is not done by package nn"})
	}
	return l.in[i].value
}

// constant returns an input that is a constant of floating-point numbers and does not
// depend on the batch, nil if it is left out, or gives up.
func (l *lowering) constant(i int) *nnValue {
	if !l.has(i) {
		return nil
	}
	v := l.in[i]
	if !v.constant() || v.other != nil || !v.tensor.Type.Float() || v.tensor.Len() == 0 {
		panic(&Refusal{Reason: "is not done by package nn"})
	}
	return v
}

// single returns the number that an input is, if it is one.
func (l *lowering) single(i int) (float64, bool) {
	if !l.has(i) || !l.in[i].constant() || l.in[i].other != nil || l.in[i].tensor.Len() != 1 {
		return 0, false
	}
	return float64(l.in[i].tensor.floats()[0]), true
}

// through lowers an operator that is a function of package nn.
func through(f func(n *Node, x *nn.Value) *nn.Value) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		if y := f(l.node, l.x(0)); y != nil {
			return l.one(y)
		}
		return nil
	}
}

func function(f func(x *nn.Value) *nn.Value) func(l *lowering) []*nnValue {
	return through(func(_ *Node, x *nn.Value) *nn.Value { return f(x) })
}

// sameFrom is from which x on log(1+exp(x)) and x are one float32.
const sameFrom = 30

func lowerHardSigmoid(n *Node, x *nn.Value) *nn.Value {
	if !pytorchHardSigmoid(n) {
		return nil
	}
	return nn.Hardsigmoid(x)
}

func pytorchHardSigmoid(n *Node) bool {
	return math.Abs(n.real("alpha", 0.2)-1./6) < 1e-6 && n.real("beta", 0.5) == 0.5
}

func lowerGelu(n *Node, x *nn.Value) *nn.Value {
	if n.text("approximate", "none") == "tanh" {
		return nn.GELUTanh(x)
	}
	return nn.GELU(x)
}

func lowerSelu(n *Node, x *nn.Value) *nn.Value {
	if math.Abs(n.real("alpha", 1.6732632423543772)-1.6732632423543772) > 1e-6 || math.Abs(n.real("gamma", 1.0507009873554805)-1.0507009873554805) > 1e-6 {
		return nil
	}
	return nn.SELU(x)
}

func lowerClip(l *lowering) []*nnValue {
	x := l.x(0)
	low, high := float64(-math.MaxFloat32), float64(math.MaxFloat32)
	if l.version < 11 {
		low, high = l.node.real("min", low), l.node.real("max", high)
	} else {
		for i, bound := range []*float64{&low, &high} {
			if v, ok := l.single(1 + i); ok {
				*bound = v
			} else if l.has(1 + i) {
				return nil
			}
		}
	}
	if low == 0 && high >= math.MaxFloat32 {
		return l.one(nn.ReLU(x))
	}
	return l.one(nn.Hardtanh(x, low, high))
}

func lowerPRelu(l *lowering) []*nnValue {
	x, slope := l.x(0), l.constant(1)
	n := slope.tensor.Len()
	rank := len(x.Shape())
	if n > 1 && (rank < 2 || len(slope.tensor.Shape) != rank-1 || slope.tensor.Shape[0] != n || x.Shape()[1] != n || l.version < 7) {
		return nil
	}
	p := layer(l, "PReLU", []*nnValue{slope}, func() *nn.PReLU {
		p := &nn.PReLU{Count: n}
		initialised(p)
		l.setParam(&p.Weight, slope, "weight")
		return p
	})
	return l.one(p.Forward(x))
}

// arithmetic lowers an operator on two inputs, by a function for two values; or, for a
// value and a number, by another; or for a value and a tensor of constants.
func arithmetic(kind string, both func(a, b *nn.Value) *nn.Value, number func(x *nn.Value, n float64, swapped bool) *nn.Value) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		if len(l.in) != 2 || l.version < 7 || l.in[0] == nil || l.in[1] == nil || kindOf(typeOf(l.in[0])) != nn.Float32 {
			return nil
		}
		if l.in[0].constant() || l.in[1].constant() {
			return l.withConstant(kind, number)
		}
		a, b := l.x(0), l.x(1)
		if y := l.composed(kind); y != nil {
			return []*nnValue{y}
		}
		if len(a.Shape()) != len(b.Shape()) || a.Shape()[0] != b.Shape()[0] || a.OtherShape()[0] != b.OtherShape()[0] {
			return nil
		}
		return l.one(both(a, b))
	}
}

func typeOf(v *nnValue) Type {
	if v.constant() {
		return v.tensor.Type
	}
	return v.typ
}

func (l *lowering) withConstant(kind string, number func(x *nn.Value, n float64, swapped bool) *nn.Value) []*nnValue {
	k := 1
	if l.in[0].constant() {
		k = 0
	}
	x, c := l.x(1-k), l.constant(k)
	v := l.in[1-k]
	if n, ok := l.single(k); ok && len(c.tensor.Shape) <= len(v.shape) {
		if kind == "Add" && v.kind == "Mul by a number" { // x*a+b at once
			return []*nnValue{l.made(nn.Affine(v.source[0].value, v.number, n), v.typ)}
		}
		y := number(x, n, k == 0)
		if y == nil {
			return nil
		}
		if kind == "Mul" && n == 0.5 && v.kind == "Mul" && len(v.source) == 2 {
			for k := range 2 {
				if x := geluShare(v.source[k]); x != nil && x.value == v.source[1-k].value {
					return []*nnValue{x.become(nn.GELU(x.value))}
				}
			}
		}
		out := l.made(y, v.typ)
		out.kind, out.source, out.number = kind+" by a number", []*nnValue{v}, n
		if kind == "Div" {
			out.kind, out.number = "Mul by a number", 1/n
		}
		return []*nnValue{out}
	}
	if kind == "Add" && v.kind == "MatMul" && v.source[1].constant() && v.source[1].other == nil && len(c.tensor.Shape) == 1 && c.tensor.Len() == v.shape[len(v.shape)-1] && l.net.uses[v.node.Outputs[0]] == 1 {
		l.net.drop(v.layer)
		return []*nnValue{l.made(l.linear(v.source[0].value, v.source[1], c, true), v.typ)}
	}
	shape, ok := broadcast(v.shape, c.tensor.Shape)
	if !ok || len(shape) != len(v.shape) || shape[0] != v.shape[0] {
		return nil
	}
	op := withConstant{kind: kind, swapped: k == 0, shape: sizesOf(c.tensor.Shape), numbers: c.tensor}
	if c.weight != "" {
		op.numbers = nil
		return []*nnValue{l.made(nn.Apply(op, []*nn.Param{l.param(c)}, x), v.typ)}
	}
	return []*nnValue{l.made(nn.Apply(op, nil, x), v.typ)}
}

// become is a value that is computed of v in place of what the nodes say.
func (v *nnValue) become(y *nn.Value) *nnValue {
	return &nnValue{value: y, typ: v.typ, shape: y.Shape(), kind: "composed", source: []*nnValue{v}}
}

// geluShare returns x if v is 1 + erf(x/√2).
func geluShare(v *nnValue) *nnValue {
	if v.kind != "Add by a number" || v.number != 1 || v.source[0].kind != "Erf" {
		return nil
	}
	scaled := v.source[0].source[0]
	if scaled.kind != "Mul by a number" || math.Abs(scaled.number-1/math.Sqrt2) > 1e-6 {
		return nil
	}
	return scaled.source[0]
}

// composed returns the activation that a product is.
func (l *lowering) composed(kind string) *nnValue {
	if kind != "Mul" {
		return nil
	}
	for k := range 2 {
		v, x := l.in[k], l.in[1-k]
		if len(v.source) == 0 || v.source[0] == nil {
			continue
		}
		switch of := v.source[0]; {
		case v.kind == "Sigmoid" && of.value == x.value:
			return x.become(nn.SiLU(x.value))
		case v.kind == "HardSigmoid" && of.value == x.value && v.number == 1:
			return x.become(nn.Hardswish(x.value))
		case x.kind == "Mul by a number" && x.number == 0.5 && geluShare(v) != nil && geluShare(v).value == x.source[0].value:
			return x.source[0].become(nn.GELU(x.source[0].value))
		case v.kind == "Tanh" && of.kind == "Softplus" && of.source[0] != nil && of.source[0].value == x.value:
			return x.become(nn.Mish(x.value))
		}
	}
	return nil
}

func lowerPow(l *lowering) []*nnValue {
	x := l.x(0)
	n, ok := l.single(1)
	if !ok || len(l.in[1].tensor.Shape) > len(l.in[0].shape) {
		return nil
	}
	switch n {
	case 0.5:
		return l.one(nn.Sqrt(x))
	case 1:
		return l.one(nn.Affine(x, 1, 0))
	case 2:
		return l.one(nn.Mul(x, x))
	case 3:
		return l.one(nn.Mul(nn.Mul(x, x), x))
	}
	if l.in[1].tensor.Type.Float() {
		return l.one(nn.Apply(withConstant{kind: "Pow", shape: sizesOf(l.in[1].tensor.Shape), numbers: l.in[1].tensor}, nil, x))
	}
	return nil
}

// several values, taken two by two.
func lowerSum(l *lowering) []*nnValue {
	y := l.x(0)
	for i := 1; i < len(l.in); i++ {
		x := l.x(i)
		if !x.Shape().Equal(y.Shape()) {
			return nil
		}
		y = nn.Add(y, x)
	}
	return l.one(y)
}

func lowerCompare(f func(a, b *nn.Value) *nn.Value) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		a, b := l.x(0), l.x(1)
		if l.version < 7 || len(a.Shape()) != len(b.Shape()) {
			return nil
		}
		return []*nnValue{l.made(f(a, b), Bool)}
	}
}

func lowerConv(l *lowering) []*nnValue {
	x, weight, bias := l.x(0), l.constant(1), l.constant(2)
	in, shape := x.Shape(), weight.tensor.Shape
	group := l.node.int("group", 1)
	if len(in) != len(shape) || len(in) != 3 && len(in) != 4 || in[1] != shape[1]*group {
		return nil
	}
	w := windowOf(l.node, in[2:], shape[2:])
	if !slices.Equal(w.before, w.after) {
		var pads []int // the last dimension first
		for d := range slices.Backward(w.before) {
			pads = append(pads, w.before[d], w.after[d])
		}
		x = nn.Pad(x, nn.PadConstant, 0, pads...)
		w.before = repeated(0, len(w.before))
	}
	if len(in) == 3 {
		c := layer(l, sprint("Conv1d", w.stride, w.before, w.dilation, group), []*nnValue{weight, bias}, func() *nn.Conv1d {
			c := &nn.Conv1d{In: in[1], Out: shape[0], Kernel: shape[2], Stride: w.stride[0], Padding: w.before[0], Dilation: w.dilation[0], Groups: group, NoBias: bias == nil}
			l.weighted(c, &c.Weight, weight, &c.Bias, bias)
			return c
		})
		return l.one(c.Forward(x))
	}
	c := layer(l, sprint("Conv2d", w.stride, w.before, w.dilation, group), []*nnValue{weight, bias}, func() *nn.Conv2d {
		c := &nn.Conv2d{In: in[1], Out: shape[0], KernelHW: [2]int(shape[2:]), StrideHW: [2]int(w.stride), PaddingHW: [2]int(w.before), DilationHW: [2]int(w.dilation), Groups: group, NoBias: bias == nil}
		l.weighted(c, &c.Weight, weight, &c.Bias, bias)
		return c
	})
	return l.one(c.Forward(x))
}

// weighted gives a layer its weight and its bias.
func (l *lowering) weighted(module any, weight *nn.Param, w *nnValue, bias *nn.Param, b *nnValue) {
	initialised(module)
	l.setParam(weight, w, "weight")
	if b != nil {
		l.setParam(bias, b, "bias")
	}
}

func lowerConvTranspose(l *lowering) []*nnValue {
	x, weight, bias := l.x(0), l.constant(1), l.constant(2)
	in, shape := x.Shape(), weight.tensor.Shape
	group := l.node.int("group", 1)
	if len(in) != 4 || len(shape) != 4 || in[1] != shape[0] {
		return nil
	}
	w, extra := transposedPads(l.node, in[2:], shape[2:])
	for d := range 2 {
		// What is taken away less behind is what is added there.
		extra[d] += w.before[d] - w.after[d]
		if extra[d] != 0 && l.node.ints("output_padding") != nil {
			extra[d] = l.node.ints("output_padding")[d] + w.before[d] - w.after[d]
		}
		if w.before[d] < 0 || extra[d] < 0 || extra[d] >= max(w.stride[d], w.dilation[d]) {
			return nil
		}
	}
	c := layer(l, sprint("ConvTranspose2d", w.stride, w.before, w.dilation, group, extra), []*nnValue{weight, bias}, func() *nn.ConvTranspose2d {
		c := &nn.ConvTranspose2d{In: shape[0], Out: shape[1] * group, KernelHW: [2]int(shape[2:]), StrideHW: [2]int(w.stride), PaddingHW: [2]int(w.before), DilationHW: [2]int(w.dilation), OutputPaddingHW: [2]int(extra), Groups: group, NoBias: bias == nil}
		l.weighted(c, &c.Weight, weight, &c.Bias, bias)
		return c
	})
	y := c.Forward(x)
	if !slices.Equal(y.Shape()[2:], w.in) {
		return nil
	}
	return l.one(y)
}

// linear is x times a matrix of constants, In x Out or, as package nn has them, Out x In.
func (l *lowering) linear(x *nn.Value, weight, bias *nnValue, transpose bool) *nn.Value {
	shape := weight.tensor.Shape
	in, out := shape[1], shape[0]
	if transpose {
		in, out = out, in
	}
	linear := layer(l, sprint("Linear", transpose), []*nnValue{weight, bias}, func() *nn.Linear {
		c := &nn.Linear{In: in, Out: out, NoBias: bias == nil}
		w := weight
		if transpose {
			turned := *weight
			call := &call{node: &Node{}, in: []*Tensor{weight.tensor}, limits: limits{left: new(int64)}}
			*call.left = mostElements
			turned.tensor = transposeOf(call)
			w = &turned
		}
		l.weighted(c, &c.Weight, w, &c.Bias, bias)
		return c
	})
	if transpose {
		l.read(weight, reading{name: l.net.layers[l.key].names[0], turned: true})
	}
	return linear.Forward(x)
}

func transposeOf(c *call) *Tensor { return transpose(c)[0] }

func lowerGemm(l *lowering) []*nnValue {
	x, weight, bias := l.x(0), l.constant(1), l.constant(2)
	n := l.node
	if n.int("transA", 0) != 0 || n.real("alpha", 1) != 1 || bias != nil && n.real("beta", 1) != 1 || len(x.Shape()) != 2 || len(weight.tensor.Shape) != 2 {
		return nil
	}
	turned := n.int("transB", 0) == 0
	out := weight.tensor.Shape[0]
	if turned {
		out = weight.tensor.Shape[1]
	}
	if bias != nil && (len(bias.tensor.Shape) != 1 || bias.tensor.Len() != out) {
		return nil
	}
	return l.one(l.linear(x, weight, bias, turned))
}

func lowerMatMul(l *lowering) []*nnValue {
	if l.has(1) && l.in[1].constant() {
		x, weight := l.x(0), l.constant(1)
		if len(weight.tensor.Shape) != 2 || len(x.Shape()) < 2 {
			return nil
		}
		return l.one(l.linear(x, weight, nil, true))
	}
	a, b := l.x(0), l.x(1)
	if len(a.Shape()) != len(b.Shape()) || len(a.Shape()) < 3 || a.Shape()[0] != b.Shape()[0] {
		return nil
	}
	return l.one(nn.MatMul(a, b))
}

func lowerBatchNormalization(l *lowering) []*nnValue {
	x, scale, shift, mean, variance := l.x(0), l.constant(1), l.constant(2), l.constant(3), l.constant(4)
	n := l.node
	if n.int("training_mode", 0) != 0 && !l.inTraining() || n.int("spatial", 1) == 0 || l.version < 7 || len(x.Shape()) < 2 {
		return nil
	}
	channels := x.Shape()[1]
	all := []*nnValue{scale, shift, mean, variance}
	for _, v := range all {
		if v == nil || v.tensor.Len() != channels {
			return nil
		}
	}
	norm := layer(l, sprint("BatchNorm", n.real("epsilon", 1e-5)), all, func() *nn.BatchNorm2d {
		b := &nn.BatchNorm2d{Features: channels, Eps: n.real("epsilon", 1e-5), Momentum: math.Round((1-n.real("momentum", 0.9))*1e9) / 1e9}
		b.CumulativeAverage = b.Momentum == 0
		initialised(b)
		l.setParam(&b.Weight, scale, "weight")
		l.setParam(&b.Bias, shift, "bias")
		l.setBuffer(&b.RunningMean, mean, "running_mean")
		l.setBuffer(&b.RunningVar, variance, "running_var")
		l.setBuffer(&b.NumBatchesTracked, nil, "num_batches_tracked")
		return b
	})
	if len(x.Shape()) == 4 {
		return l.one(norm.Forward(x))
	}
	return l.one((*nn.BatchNorm1d)(norm).Forward(x))
}

func lowerInstanceNormalization(l *lowering) []*nnValue {
	x, scale, shift := l.x(0), l.constant(1), l.constant(2)
	if len(x.Shape()) < 3 || scale == nil || shift == nil {
		return nil
	}
	return l.grouped(x, x.Shape()[1], scale, shift)
}

func lowerGroupNormalization(l *lowering) []*nnValue {
	x, scale, shift := l.x(0), l.constant(1), l.constant(2)
	if l.version < 21 || len(x.Shape()) < 3 || scale == nil || shift == nil {
		return nil
	}
	return l.grouped(x, l.node.int("num_groups", 0), scale, shift)
}

func (l *lowering) grouped(x *nn.Value, groups int, scale, shift *nnValue) []*nnValue {
	channels, epsilon := x.Shape()[1], l.node.real("epsilon", 1e-5)
	if scale.tensor.Len() != channels || shift.tensor.Len() != channels {
		return nil
	}
	if groups == channels && len(x.Shape()) == 4 {
		norm := layer(l, sprint("InstanceNorm2d", epsilon), []*nnValue{scale, shift}, func() *nn.InstanceNorm2d {
			g := &nn.InstanceNorm2d{Features: channels, Eps: epsilon, Affine: true}
			l.weighted(g, &g.Weight, scale, &g.Bias, shift)
			return g
		})
		return l.one(norm.Forward(x))
	}
	norm := layer(l, sprint("GroupNorm", epsilon, groups), []*nnValue{scale, shift}, func() *nn.GroupNorm {
		g := &nn.GroupNorm{Groups: groups, Channels: channels, Eps: epsilon}
		l.weighted(g, &g.Weight, scale, &g.Bias, shift)
		return g
	})
	return l.one(norm.Forward(x))
}

func lowerLayerNormalization(l *lowering) []*nnValue {
	x, scale, shift := l.x(0), l.constant(1), l.constant(2)
	axis := axisOf(l.node.int("axis", -1), len(x.Shape()))
	shape := []int(x.Shape()[axis:])
	if axis < 1 || len(l.node.Outputs) > 1 || scale == nil || shift == nil || !slices.Equal(scale.tensor.Shape, shape) || !slices.Equal(shift.tensor.Shape, shape) {
		return nil
	}
	epsilon := l.node.real("epsilon", 1e-5)
	norm := layer(l, sprint("LayerNorm", epsilon), []*nnValue{scale, shift}, func() *nn.LayerNorm {
		g := &nn.LayerNorm{Shape: shape, Eps: epsilon}
		l.weighted(g, &g.Weight, scale, &g.Bias, shift)
		return g
	})
	return l.one(norm.Forward(x))
}
