package graph

import (
	"fmt"
	"slices"

	"inkling/nn"
)

func sprint(values ...any) string { return fmt.Sprint(values...) }

// poolWindow returns the window of a pooling, if package nn has such a one.
func (l *lowering) poolWindow(in []int) (w window, ok bool) {
	if len(in) != 4 {
		return w, false
	}
	w = windowOf(l.node, in[2:], nil)
	for d := range 2 {
		if w.before[d] != w.after[d] || w.before[d] > w.kernel[d]/2 {
			return w, false
		}
	}
	return w, true
}

func lowerMaxPool(l *lowering) []*nnValue {
	x := l.x(0)
	w, ok := l.poolWindow(x.Shape())
	if !ok || len(l.node.Outputs) > 1 && l.node.Outputs[1] != "" {
		return nil
	}
	p := nn.MaxPool2d{KernelHW: [2]int(w.kernel), StrideHW: [2]int(w.stride), PaddingHW: [2]int(w.before), DilationHW: [2]int(w.dilation), Ceil: l.node.int("ceil_mode", 0) != 0}
	return l.pooled(p.Forward(x), w)
}

func lowerAveragePool(l *lowering) []*nnValue {
	x := l.x(0)
	w, ok := l.poolWindow(x.Shape())
	if !ok || slices.Max(w.dilation) > 1 {
		return nil
	}
	p := nn.AvgPool2d{KernelHW: [2]int(w.kernel), StrideHW: [2]int(w.stride), PaddingHW: [2]int(w.before), Ceil: l.node.int("ceil_mode", 0) != 0,
		ExcludePadding: l.node.int("count_include_pad", 0) == 0 && (slices.Max(w.before) > 0 || l.node.int("ceil_mode", 0) != 0)}
	return l.pooled(p.Forward(x), w)
}

func (l *lowering) pooled(y *nn.Value, w window) []*nnValue {
	if !slices.Equal(y.Shape()[2:], w.out) {
		return nil
	}
	return l.one(y)
}

func lowerGlobalAverage(l *lowering) []*nnValue {
	p := nn.AdaptiveAvgPool2d{Size: 1}
	return l.one(p.Forward(l.x(0)))
}

func lowerGlobalMax(l *lowering) []*nnValue {
	p := nn.AdaptiveMaxPool2d{Size: 1}
	return l.one(p.Forward(l.x(0)))
}

// alongLines lowers an operator that goes along one dimension after the batch.
func alongLines(f func(x *nn.Value, dim int) *nn.Value) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		x := l.x(0)
		rank := len(x.Shape())
		axis := l.node.int("axis", -1)
		if l.version < 13 {
			axis = l.node.int("axis", 1)
		}
		axis = axisOf(axis, rank)
		if axis < 1 || l.version < 13 && axis != rank-1 {
			return nil
		}
		return l.one(f(x, axis))
	}
}

// reducing lowers a reduction over dimensions after the batch.
func reducing(f func(x *nn.Value, keep bool, dims ...int) *nn.Value) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		x := l.x(0)
		axes := l.call().reductionAxes(len(x.Shape()), foldings[l.node.Kind].since)
		if len(axes) == 0 || axes[0] == 0 {
			return nil
		}
		keep := l.node.int("keepdims", 1) != 0
		if l.node.Kind == "ReduceMean" && keep && len(x.Shape()) == 4 && slices.Equal(axes, []int{2, 3}) {
			p := nn.AdaptiveAvgPool2d{Size: 1}
			return l.one(p.Forward(x))
		}
		return l.one(f(x, keep, axes...))
	}
}

// reshaping lowers an operator that gives its input another shape: of a shape, and the
// numbers of its input 1, if there are any.
func reshaping(to func(l *lowering, in []int, numbers []int, said bool) []int) func(l *lowering) []*nnValue {
	return func(l *lowering) []*nnValue {
		x := l.in[0]
		if x == nil || x.constant() {
			return nil
		}
		here, other := x.shapes()
		var numbers, otherNumbers []int
		said := l.has(1)
		if said {
			numbers = l.in[1].tensor.list()
			otherNumbers = numbers
			if l.in[1].other != nil {
				otherNumbers = l.in[1].other.list()
			}
		}
		// A file whose batch is a number may have it in the shapes that it makes.
		if batch := l.net.fixedBatch; batch > 0 && l.node.Kind == "Reshape" && len(numbers) > 0 && numbers[0] == batch && here[0] != other[0] && l.in[1].other == nil {
			numbers, otherNumbers = slices.Concat(here[:1], numbers[1:]), slices.Concat(other[:1], numbers[1:])
			l.net.generalised = true
		}
		a := to(l, here, numbers, said)
		return []*nnValue{l.view(x, a, to(l, other, otherNumbers, said))}
	}
}

func lowerReshape(l *lowering, in, numbers []int, _ bool) []int {
	if l.version < 5 {
		numbers = l.node.ints("shape")
	}
	return reshapeTo(l.node, in, numbers)
}

func lowerFlatten(l *lowering, in, _ []int, _ bool) []int { return flattenTo(l.node, in) }

func lowerSqueeze(l *lowering, in, numbers []int, said bool) []int {
	if l.version < 13 {
		numbers, said = l.node.ints("axes"), l.node.has("axes")
	}
	if !said && in[0] == 1 {
		refuse("may take the batch away")
	}
	return squeezeTo(in, numbers, said)
}

func lowerUnsqueeze(l *lowering, in, numbers []int, _ bool) []int {
	if l.version < 13 {
		numbers = l.node.ints("axes")
	}
	return unsqueezeTo(in, numbers)
}

func lowerTranspose(l *lowering) []*nnValue {
	x := l.x(0)
	return l.one(nn.Permute(x, permutation(l.node, len(x.Shape()))...))
}

func lowerConcat(l *lowering) []*nnValue {
	var list []*nn.Value
	for i := range l.in {
		list = append(list, l.x(i))
	}
	axis := axisOf(l.node.int("axis", 1), len(list[0].Shape()))
	if axis < 1 {
		return nil
	}
	if len(list) == 1 {
		return []*nnValue{l.in[0]}
	}
	return l.one(nn.Concat(axis, list...))
}

func lowerSplit(l *lowering) []*nnValue {
	x := l.x(0)
	axis := axisOf(l.node.int("axis", 0), len(x.Shape()))
	if axis < 1 {
		return nil
	}
	var out []*nnValue
	start := 0
	for _, size := range splitSizes(l.call(), x.Shape()[axis]) {
		if size == 0 {
			return nil
		}
		out = append(out, l.made(nn.Slice(x, axis, start, start+size, 1), l.in[0].typ))
		start += size
	}
	if len(out) < len(l.node.Outputs) {
		return nil
	}
	return out
}

func lowerSlice(l *lowering) []*nnValue {
	x := l.x(0)
	for _, v := range l.in[1:] {
		if v != nil && v.other != nil {
			return nil
		}
	}
	for _, s := range slicings(l.call(), x.Shape()) {
		switch {
		case s.start == 0 && s.step == 1 && s.count == x.Shape()[s.axis] && s.axis > 0:
		case s.axis < 1 || s.step < 1 || s.count == 0:
			return nil
		default:
			x = nn.Slice(x, s.axis, s.start, s.start+(s.count-1)*s.step+1, s.step)
		}
	}
	return l.one(x)
}

var padModes = map[string]nn.PadMode{"constant": nn.PadConstant, "reflect": nn.PadReflect, "edge": nn.PadReplicate, "wrap": nn.PadCircular}

func lowerPad(l *lowering) []*nnValue {
	x := l.x(0)
	for _, v := range l.in[1:] {
		if v != nil && (!v.constant() || v.other != nil) {
			return nil
		}
	}
	p := paddingOf(l.call(), &Tensor{Type: l.in[0].typ, Shape: x.Shape()})
	mode, known := padModes[p.mode]
	if !known || p.before[0] != 0 || p.after[0] != 0 {
		return nil
	}
	value := 0.0
	if p.value != nil {
		value = float64(p.value.Floats[0])
	}
	var pads []int
	for d := len(p.before) - 1; d > 0; d-- {
		pads = append(pads, p.before[d], p.after[d])
	}
	for len(pads) > 2 && pads[len(pads)-1] == 0 && pads[len(pads)-2] == 0 {
		pads = pads[:len(pads)-2]
	}
	return l.one(nn.Pad(x, mode, value, pads...))
}

// lowerGather takes one place of a dimension, or rows of a table by whole numbers.
func lowerGather(l *lowering) []*nnValue {
	if l.has(0) && l.in[0].constant() && l.has(1) && !l.in[1].constant() && l.node.int("axis", 0) == 0 {
		table := l.constant(0)
		index := l.in[1]
		if len(table.tensor.Shape) != 2 || len(index.shape) == 0 || kindOf(index.typ) != nn.Int32 || table.weight == "" {
			return nil
		}
		e := layer(l, "Embedding", []*nnValue{table}, func() *nn.Embedding {
			e := &nn.Embedding{Count: table.tensor.Shape[0], Dim: table.tensor.Shape[1]}
			initialised(e)
			l.setParam(&e.Weight, table, "weight")
			return e
		})
		return []*nnValue{l.made(e.Forward(index.value), table.tensor.Type)}
	}
	x := l.x(0)
	v := l.in[0]
	axis := axisOf(l.node.int("axis", 0), len(x.Shape()))
	if axis < 1 || !l.in[1].constant() || l.in[1].other != nil || len(l.in[1].tensor.Shape) != 0 {
		return nil
	}
	at := place(l.in[1].tensor.Ints[0], x.Shape()[axis])
	here, other := v.shapes()
	part := l.made(nn.Slice(x, axis, at, at+1, 1), v.typ)
	return []*nnValue{l.view(part, slices.Delete(slices.Clone(here), axis, axis+1), slices.Delete(slices.Clone(other), axis, axis+1))}
}

func lowerWhere(l *lowering) []*nnValue {
	a, b := l.x(1), l.x(2)
	mask := l.in[0]
	if mask.constant() || mask.typ != Bool || len(mask.shape) != len(a.Shape()) || len(a.Shape()) != len(b.Shape()) {
		return nil
	}
	return []*nnValue{l.made(nn.Where(mask.value, a, b), l.in[1].typ)}
}

func lowerCast(l *lowering) []*nnValue {
	v := l.in[0]
	to := Types[l.node.int("to", 0)]
	if v == nil || v.constant() || len(v.shape) == 0 || l.node.text("to", "") != "" {
		return nil
	}
	kind := kindOf(to)
	plain := to == Float32 || to == Float64 || to == Bool || to == Int64 && v.typ != Float32 || to == Int32 && (v.typ == Bool || v.typ == UInt8)
	if !plain {
		return nil
	}
	if kindOf(v.typ) == kind {
		return []*nnValue{l.made(v.value, to)}
	}
	return []*nnValue{l.made(nn.Cast(v.value, kind), to)}
}

func lowerArgMax(l *lowering) []*nnValue {
	x := l.x(0)
	axis := axisOf(l.node.int("axis", 0), len(x.Shape()))
	if axis < 1 || l.node.int("select_last_index", 0) != 0 {
		return nil
	}
	return []*nnValue{l.made(nn.ArgMax(x, axis, l.node.int("keepdims", 1) != 0), Int64)}
}

// lowerDropout drops in a training alone, as PyTorch does.
func lowerDropout(l *lowering) []*nnValue {
	x := l.x(0)
	if len(l.node.Outputs) > 1 && l.net.uses[l.node.Outputs[1]] > 0 || l.version < 7 {
		return nil
	}
	if l.has(2) {
		if mode, ok := l.single(2); !ok || mode != 0 && !l.inTraining() {
			return nil
		}
	}
	ratio := l.node.real("ratio", 0.5)
	if r, ok := l.single(1); ok {
		ratio = r
	}
	if ratio < 0 || ratio >= 1 {
		return nil
	}
	d := nn.Dropout{P: ratio}
	return l.one(d.Forward(x))
}

// inTraining reports whether an operator that says that it is one of a training may be run
// as at eval where the network is used, and as in a training where it is trained.
func (l *lowering) inTraining() bool {
	if l.net.classifies {
		l.net.training[l.node.Kind]++
	}
	return l.net.classifies
}

func lowerIdentity(l *lowering) []*nnValue {
	if v := l.in[0]; v != nil && !v.constant() {
		return []*nnValue{v}
	}
	return nil
}

func lowerDepthToSpace(l *lowering) []*nnValue {
	x, size := l.x(0), l.node.int("blocksize", 0)
	s := x.Shape()
	if len(s) != 4 || size < 1 || s[1]%(size*size) != 0 {
		return nil
	}
	depth := s[1] / size / size
	if l.node.text("mode", "DCR") == "CRD" {
		x = nn.Permute(nn.Reshape(x, depth, size, size, s[2], s[3]), 0, 1, 4, 2, 5, 3)
	} else {
		x = nn.Permute(nn.Reshape(x, size, size, depth, s[2], s[3]), 0, 3, 4, 1, 5, 2)
	}
	return l.one(nn.Reshape(x, depth, s[2]*size, s[3]*size))
}

func lowerResize(l *lowering) []*nnValue {
	x := l.x(0)
	if len(x.Shape()) != 4 {
		return nil
	}
	for _, v := range l.in[1:] {
		if v != nil && !v.constant() {
			return nil
		}
	}
	list, changed := resizings(l.call(), x.Shape())
	if !changed {
		return []*nnValue{l.in[0]}
	}
	n := l.node
	mode, coordinates, near := n.text("mode", "nearest"), n.text("coordinate_transformation_mode", "half_pixel"), n.text("nearest_mode", "round_prefer_floor")
	if n.Kind == "Upsample" || l.version < 11 {
		coordinates, near = "asymmetric", "floor"
	}
	if list[0].out != list[0].in || list[1].out != list[1].in || n.int("antialias", 0) != 0 {
		return nil
	}
	h, w := list[2], list[3]
	if h.out > int(h.scale*float64(h.in)) || w.out > int(w.scale*float64(w.in)) { // rounded up, where a ratio is kept
		return nil
	}
	bySize := h.scale*float64(h.in) == float64(h.out) && w.scale*float64(w.in) == float64(w.out)
	u := nn.Upsample{ScaleHW: [2]float64{h.scale, w.scale}}
	if bySize {
		u = nn.Upsample{Size: [2]int{h.out, w.out}}
	}
	switch {
	case mode == "nearest" && coordinates == "asymmetric" && near == "floor":
	case mode == "linear" && (coordinates == "half_pixel" || coordinates == "pytorch_half_pixel" && min(h.out, w.out) > 1):
		u.Bilinear = true
	case mode == "linear" && coordinates == "align_corners" && bySize && min(h.out, w.out) > 1:
		u.Bilinear, u.AlignCorners = true, true
	default:
		return nil
	}
	return l.one(u.Forward(x))
}
