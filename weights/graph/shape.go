package graph

import (
	"math"
	"slices"
)

// copied makes a tensor whose elements are those of x at places that from names, -1 for
// what value says.
func (c *call) copied(x *Tensor, shape []int, value *Tensor, from func(visit func(o, i int))) *Tensor {
	if c.shapes {
		return c.shaped(x.Type, shape)
	}
	y := c.make(x.Type, shape...)
	from(func(o, i int) {
		switch {
		case i >= 0 && x.Type.Float():
			y.Floats[o] = x.Floats[i]
		case i >= 0:
			y.Ints[o] = x.Ints[i]
		case value == nil:
		case x.Type.Float():
			y.Floats[o] = value.Floats[0]
		default:
			y.Ints[o] = value.Ints[0]
		}
	})
	return y
}

// constantOf returns the tensor of a Constant.
func constantOf(c *call) []*Tensor {
	n := c.node
	switch {
	case n.has("value"):
		t := n.Attributes["value"].Tensor
		if t == nil {
			refuse("has no value")
		}
		return one(t)
	case n.has("value_float"):
		return one(&Tensor{Type: Float32, Shape: []int{}, Floats: []float32{n.Attributes["value_float"].Float}})
	case n.has("value_floats"):
		list := n.Attributes["value_floats"].Floats
		return one(&Tensor{Type: Float32, Shape: []int{len(list)}, Floats: list})
	case n.has("value_int"):
		return one(&Tensor{Type: Int64, Shape: []int{}, Ints: []int64{n.Attributes["value_int"].Int}})
	case n.has("value_ints"):
		list := n.Attributes["value_ints"].Ints
		return one(&Tensor{Type: Int64, Shape: []int{len(list)}, Ints: list})
	}
	refuse("has no value, or one of text or sparse numbers, which is not read")
	return nil
}

func constantOfShape(c *call) []*Tensor {
	shape := c.whole(0).list()
	t := Float32
	var value *Tensor
	if c.node.has("value") {
		if value = c.node.Attributes["value"].Tensor; value == nil || value.Len() != 1 {
			refuse("wants one number as its value")
		}
		t = value.Type
	}
	y := c.make(t, shape...)
	if value != nil {
		for i := range y.Floats {
			y.Floats[i] = value.Floats[0]
		}
		for i := range y.Ints {
			y.Ints[i] = value.Ints[0]
		}
	}
	return one(y)
}

// shapeOf is the shape, of which attributes may choose a part.
func shapeOf(c *call) []*Tensor { return one(shapeTensor(c.node, c.x(0).Shape)) }

func shapeTensor(n *Node, shape []int) *Tensor {
	from, to := clampAxis(n.int("start", 0), len(shape)), clampAxis(n.int("end", len(shape)), len(shape))
	t := &Tensor{Type: Int64, Ints: []int64{}}
	for d := from; d < to; d++ {
		t.Ints = append(t.Ints, int64(shape[d]))
	}
	t.Shape = []int{len(t.Ints)}
	return t
}

func clampAxis(axis, rank int) int {
	if axis < 0 {
		axis += rank
	}
	return min(max(axis, 0), rank)
}

func sizeOf(c *call) []*Tensor {
	return one(&Tensor{Type: Int64, Shape: []int{}, Ints: []int64{int64(c.x(0).Len())}})
}

func rangeOf(c *call) []*Tensor {
	start, limit, step := c.x(0), c.x(1), c.x(2)
	if start.Len() != 1 || limit.Len() != 1 || step.Len() != 1 {
		refuse("wants three numbers")
	}
	from, to, by := float64(start.floats()[0]), float64(limit.floats()[0]), float64(step.floats()[0])
	n := math.Ceil((to - from) / by)
	if by == 0 || n != n || n > mostElements {
		refuse("goes from %v to %v by %v", from, to, by)
	}
	y := c.make(start.Type, int(max(n, 0)))
	for i := range y.Floats {
		y.Floats[i] = float32(from + float64(i)*by)
	}
	for i := range y.Ints {
		y.Ints[i] = start.Ints[0] + int64(i)*step.Ints[0]
	}
	return one(y)
}

func identity(c *call) []*Tensor { return one(c.x(0)) }

// dropout does nothing in a network that is used; the mask is that of everything kept.
func dropout(c *call) []*Tensor {
	x := c.x(0)
	if c.has(2) && len(c.in[2].Ints) == 1 && c.in[2].Ints[0] != 0 && !(c.has(1) && c.in[1].Len() == 1 && c.in[1].floats()[0] == 0) {
		refuse("drops numbers at random as in training (training_mode), which is not run in a network that is used")
	}
	if c.version < 7 && c.node.int("is_test", 0) == 0 {
		refuse("drops numbers at random as in training (is_test 0), which is not run in a network that is used")
	}
	mask := c.make(Bool, x.Shape...)
	for i := range mask.Ints {
		mask.Ints[i] = 1
	}
	return []*Tensor{x, mask}
}

// reshapeTo is the shape that a Reshape makes.
func reshapeTo(n *Node, in, wanted []int) []int {
	out, open, left := slices.Clone(wanted), -1, Elements(in)
	for d, size := range wanted {
		switch {
		case size == 0 && n.int("allowzero", 0) == 0:
			if d >= len(in) {
				refuse("keeps dimension %d of the shape %v, which has none", d, in)
			}
			out[d] = in[d]
		case size == -1 && open < 0:
			open = d
			continue
		case size < 0:
			refuse("makes the shape %v", wanted)
		}
		if out[d] != 0 {
			left /= out[d]
		}
	}
	if open >= 0 {
		out[open] = left
		for d, size := range out {
			if size == 0 && d != open {
				out[open] = 0
			}
		}
	}
	total := 1.0
	for _, size := range out {
		total *= float64(size)
	}
	if total != float64(Elements(in)) {
		refuse("makes the shape %v of %v, which has other elements", wanted, in)
	}
	return out
}

func reshape(c *call) []*Tensor {
	x := c.x(0)
	shape := c.node.ints("shape")
	if c.version >= 5 {
		shape = c.whole(1).list()
	}
	return one(x.reshaped(reshapeTo(c.node, x.Shape, shape)...))
}

func flattenTo(n *Node, in []int) []int {
	axis := n.int("axis", 1)
	if axis < 0 {
		axis += len(in)
	}
	if axis < 0 || axis > len(in) {
		refuse("has the axis %d for the shape %v", n.int("axis", 1), in)
	}
	return []int{Elements(in[:axis]), Elements(in[axis:])}
}

func flatten(c *call) []*Tensor {
	return one(c.x(0).reshaped(flattenTo(c.node, c.x(0).Shape)...))
}

// axesInput returns axes of an attribute, or from operator set 13 on of input 1.
func (c *call) axesInput() (axes []int, said bool) {
	if c.version >= 13 {
		return c.list(1), c.has(1)
	}
	return c.node.ints("axes"), c.node.has("axes")
}

func squeezeTo(in, axes []int, said bool) []int {
	if !said {
		return slices.DeleteFunc(slices.Clone(in), func(d int) bool { return d == 1 })
	}
	axes = axesOf(axes, len(in))
	for _, d := range axes {
		if in[d] != 1 {
			refuse("takes away dimension %d of %v, which is not 1", d, in)
		}
	}
	return reduced(in, axes, false)
}

func squeeze(c *call) []*Tensor {
	axes, said := c.axesInput()
	return one(c.x(0).reshaped(squeezeTo(c.x(0).Shape, axes, said)...))
}

func unsqueezeTo(in, axes []int) []int {
	axes = axesOf(axes, len(in)+len(axes))
	out := slices.Clone(in)
	for _, d := range axes {
		out = slices.Insert(out, d, 1)
	}
	return out
}

func unsqueeze(c *call) []*Tensor {
	axes, _ := c.axesInput()
	return one(c.x(0).reshaped(unsqueezeTo(c.x(0).Shape, axes)...))
}

func permutation(n *Node, rank int) []int {
	order := n.ints("perm")
	if order == nil {
		order = every(rank)
		slices.Reverse(order)
	}
	sorted := slices.Clone(order)
	slices.Sort(sorted)
	if !slices.Equal(sorted, every(rank)) {
		refuse("has the order %v for %d dimensions", order, rank)
	}
	return order
}

func transpose(c *call) []*Tensor {
	x := c.x(0)
	order, own := permutation(c.node, len(x.Shape)), strides(x.Shape)
	shape, steps := make([]int, len(order)), make([]int, len(order))
	for i, d := range order {
		shape[i], steps[i] = x.Shape[d], own[d]
	}
	return one(c.copied(x, shape, nil, func(visit func(o, i int)) {
		walk(shape, func(o int, at []int) { visit(o, at[0]) }, steps)
	}))
}

func concat(c *call) []*Tensor {
	first := c.x(0)
	axis := axisOf(c.node.int("axis", 1), len(first.Shape))
	shape := slices.Clone(first.Shape)
	shape[axis] = 0
	for i := range c.in {
		x := c.x(i)
		if len(x.Shape) != len(shape) || x.Type.Float() != first.Type.Float() {
			refuse("joins %v and %v", first, x)
		}
		for d, size := range x.Shape {
			if d == axis {
				shape[d] += size
			} else if size != shape[d] {
				refuse("joins %v and %v along dimension %d", first, x, axis)
			}
		}
	}
	y := c.make(first.Type, shape...)
	outer, _, inner := split(shape, axis)
	at := 0
	for o := range outer {
		for _, x := range c.in {
			n := x.Shape[axis] * inner
			if y.Type.Float() {
				copy(y.Floats[at:], x.Floats[o*n:][:n])
			} else {
				copy(y.Ints[at:], x.Ints[o*n:][:n])
			}
			at += n
		}
	}
	return one(y)
}

// splitSizes are the sizes of the parts that a Split makes.
func splitSizes(c *call, size int) []int {
	sizes := c.node.ints("split")
	if c.version >= 13 {
		sizes = c.list(1)
	}
	if sizes == nil {
		count := c.node.int("num_outputs", c.outputs)
		if count < 1 || count > 1<<16 {
			refuse("makes %d parts", count)
		}
		each := (size + count - 1) / count
		for left := size; len(sizes) < count; left -= each {
			sizes = append(sizes, max(0, min(each, left)))
		}
	}
	sum := 0
	for _, n := range sizes {
		if sum += n; n < 0 {
			refuse("makes parts of %v", sizes)
		}
	}
	if sum != size {
		refuse("makes parts of %v of %d", sizes, size)
	}
	return sizes
}

func splitParts(c *call) []*Tensor {
	x := c.x(0)
	axis := axisOf(c.node.int("axis", 0), len(x.Shape))
	var out []*Tensor
	start := 0
	for _, size := range splitSizes(c, x.Shape[axis]) {
		out = append(out, c.part(x, axis, start, size, 1))
		start += size
	}
	return out
}

// part returns count places along an axis, step apart.
func (c *call) part(x *Tensor, axis, start, count, step int) *Tensor {
	shape := slices.Clone(x.Shape)
	shape[axis] = count
	own := strides(x.Shape)
	steps := slices.Clone(own)
	steps[axis] *= step
	return c.copied(x, shape, nil, func(visit func(o, i int)) {
		walk(shape, func(o int, at []int) { visit(o, start*own[axis]+at[0]) }, steps)
	})
}

// slicing is what a Slice takes along one dimension.
type slicing struct{ axis, start, count, step int }

func slicings(c *call, shape []int) []slicing {
	starts, ends, axes := c.node.ints("starts"), c.node.ints("ends"), c.node.ints("axes")
	var steps []int
	if c.version >= 10 {
		starts, ends, axes, steps = c.list(1), c.list(2), c.list(3), c.list(4)
	}
	if axes == nil {
		axes = every(len(starts))
	}
	if steps == nil {
		steps = repeated(1, len(starts))
	}
	if len(ends) != len(starts) || len(axes) != len(starts) || len(steps) != len(starts) {
		refuse("has %d starts, %d ends, %d axes and %d steps", len(starts), len(ends), len(axes), len(steps))
	}
	var out []slicing
	seen := map[int]bool{}
	for i := range starts {
		d, step := axisOf(axes[i], len(shape)), steps[i]
		if step == 0 || seen[d] {
			refuse("has the steps %v and the axes %v", steps, axes)
		}
		seen[d] = true
		size := shape[d]
		low, high := 0, size // of starts and ends
		if step < 0 {
			low, high = -1, size-1
		}
		limit := func(n int) int {
			if n < 0 {
				n += size
			}
			return min(max(n, low), high)
		}
		start := limit(starts[i])
		if step < 0 {
			start = min(max(start, 0), size-1)
			if s := starts[i]; s < -size {
				start = 0
			}
		}
		end := limit(ends[i])
		count := 0
		if step > 0 && end > start {
			count = (end - start + step - 1) / step
		} else if step < 0 && end < start {
			count = (start - end - step - 1) / -step
		}
		out = append(out, slicing{d, start, count, step})
	}
	return out
}

func slice(c *call) []*Tensor {
	y := c.x(0)
	for _, s := range slicings(c, y.Shape) {
		y = c.part(y, s.axis, s.start, s.count, s.step)
	}
	return one(y)
}

// padding is what a Pad adds, of each dimension before and after; less than zero takes away.
type padding struct {
	mode          string
	value         *Tensor
	before, after []int
}

func paddingOf(c *call, x *Tensor) padding {
	rank := len(x.Shape)
	p := padding{mode: c.node.text("mode", "constant"), before: repeated(0, rank), after: repeated(0, rank)}
	pads, axes := c.node.ints("pads"), every(rank)
	if c.version < 2 {
		pads = c.node.ints("paddings")
	}
	if c.version >= 11 {
		pads = c.whole(1).list()
		if c.has(2) {
			p.value = c.in[2]
		}
		if c.has(3) {
			axes = c.list(3)
		}
	} else {
		p.value = &Tensor{Type: Float32, Shape: []int{}, Floats: []float32{float32(c.node.real("value", 0))}}
	}
	if len(pads) != 2*len(axes) {
		refuse("has the pads %v for %v", pads, x)
	}
	if p.value != nil && (p.value.Len() != 1 || p.value.Type.Float() != x.Type.Float()) {
		refuse("pads %v with %v", x, p.value)
	}
	for i, d := range axes {
		d = axisOf(d, rank)
		p.before[d], p.after[d] = pads[i], pads[len(axes)+i]
	}
	return p
}

func pad(c *call) []*Tensor {
	x := c.x(0)
	p := paddingOf(c, x)
	shape := slices.Clone(x.Shape)
	sources := make([][]int, len(shape)) // of every place along a dimension
	for d, size := range x.Shape {
		shape[d] += p.before[d] + p.after[d]
		if shape[d] < 0 || shape[d] > mostElements {
			refuse("makes %d of %d places", shape[d], size)
		}
		for i := range shape[d] {
			k := i - p.before[d]
			if k < 0 || k >= size {
				switch {
				case p.mode == "constant" || size == 0:
					k = -1
				case p.mode == "edge":
					k = min(max(k, 0), size-1)
				case p.mode == "wrap":
					k = (k%size + size) % size
				case p.mode == "reflect" && size > 1:
					period := 2 * (size - 1)
					if k = (k%period + period) % period; k >= size {
						k = period - k
					}
				case p.mode == "reflect":
					k = 0
				default:
					refuse("pads with the mode %q", p.mode)
				}
			}
			sources[d] = append(sources[d], k)
		}
	}
	own := strides(x.Shape)
	return one(c.copied(x, shape, p.value, func(visit func(o, i int)) {
		at := make([]int, len(shape))
		for o := range Elements(shape) {
			i := 0
			for d, k := range at {
				if sources[d][k] < 0 {
					i = -1
					break
				}
				i += sources[d][k] * own[d]
			}
			visit(o, i)
			next(at, shape)
		}
	}))
}

func expand(c *call) []*Tensor {
	x := c.x(0)
	shape := together(x.Shape, c.whole(1).list())
	return one(c.copied(x, shape, nil, func(visit func(o, i int)) {
		walk(shape, func(o int, at []int) { visit(o, at[0]) }, spread(x.Shape, shape))
	}))
}

func tile(c *call) []*Tensor {
	x, repeats := c.x(0), c.whole(1).list()
	if len(repeats) != len(x.Shape) {
		refuse("repeats %v of %v", repeats, x)
	}
	shape, own := slices.Clone(x.Shape), strides(x.Shape)
	for d, n := range repeats {
		if n < 0 || float64(shape[d])*float64(n) > mostElements {
			refuse("repeats %v of %v", repeats, x)
		}
		shape[d] *= n
	}
	return one(c.copied(x, shape, nil, func(visit func(o, i int)) {
		at := make([]int, len(shape))
		for o := range Elements(shape) {
			i := 0
			for d, k := range at {
				i += k % x.Shape[d] * own[d]
			}
			visit(o, i)
			next(at, shape)
		}
	}))
}

// place returns an index counted from the start.
func place(i int64, size int) int {
	if i < 0 {
		i += int64(size)
	}
	if i < 0 || i >= int64(size) {
		refuse("takes place %d of %d", i, size)
	}
	return int(i)
}

func gather(c *call) []*Tensor {
	x, index := c.x(0), c.whole(1)
	axis := axisOf(c.node.int("axis", 0), len(x.Shape))
	outer, size, inner := split(x.Shape, axis)
	shape := slices.Concat(x.Shape[:axis], index.Shape, x.Shape[axis+1:])
	return one(c.copied(x, shape, nil, func(visit func(o, i int)) {
		n := index.Len()
		for o := range outer {
			for k, v := range index.Ints {
				from := (o*size + place(v, size)) * inner
				for i := range inner {
					visit((o*n+k)*inner+i, from+i)
				}
			}
		}
	}))
}

func gatherElements(c *call) []*Tensor {
	x, index := c.x(0), c.whole(1)
	axis := axisOf(c.node.int("axis", 0), len(x.Shape))
	if len(index.Shape) != len(x.Shape) {
		refuse("takes the places %v of %v", index, x)
	}
	own := strides(x.Shape)
	return one(c.copied(x, index.Shape, nil, func(visit func(o, i int)) {
		at := make([]int, len(x.Shape))
		for o := range index.Len() {
			i := 0
			for d, k := range at {
				if d == axis {
					k = place(index.Ints[o], x.Shape[d])
				} else if k >= x.Shape[d] {
					refuse("takes the places %v of %v", index, x)
				}
				i += k * own[d]
			}
			visit(o, i)
			next(at, index.Shape)
		}
	}))
}

func gatherND(c *call) []*Tensor {
	x, index := c.x(0), c.whole(1)
	batch, rank := c.node.int("batch_dims", 0), len(index.Shape)
	if rank < 1 || batch < 0 || batch >= rank || index.Shape[rank-1]+batch > len(x.Shape) || !slices.Equal(x.Shape[:min(batch, len(x.Shape))], index.Shape[:batch]) {
		refuse("takes the places %v of %v", index, x)
	}
	count := index.Shape[rank-1]
	inner := Elements(x.Shape[batch+count:])
	shape := slices.Concat(index.Shape[:rank-1], x.Shape[batch+count:])
	outer, own := Elements(x.Shape[:batch]), strides(x.Shape)
	per := Elements(index.Shape[batch : rank-1])
	return one(c.copied(x, shape, nil, func(visit func(o, i int)) {
		for b := range outer {
			for k := range per {
				at := b * Elements(x.Shape[batch:])
				for d := range count {
					at += place(index.Ints[(b*per+k)*count+d], x.Shape[batch+d]) * own[batch+d]
				}
				for i := range inner {
					visit((b*per+k)*inner+i, at+i)
				}
			}
		}
	}))
}

// blocks is the order in which DepthToSpace, or its opposite, takes dimensions.
func depthToSpace(c *call) []*Tensor {
	x, size := c.x(0), c.node.int("blocksize", 0)
	if len(x.Shape) != 4 || size < 1 || x.Shape[1]%(size*size) != 0 {
		refuse("makes blocks of %d of %v", size, x)
	}
	n, depth, h, w := x.Shape[0], x.Shape[1]/size/size, x.Shape[2], x.Shape[3]
	parts, order := []int{n, size, size, depth, h, w}, []int{0, 3, 4, 1, 5, 2}
	if c.node.text("mode", "DCR") == "CRD" {
		parts, order = []int{n, depth, size, size, h, w}, []int{0, 1, 4, 2, 5, 3}
	}
	return one(c.moved(x, parts, order, n, depth, h*size, w*size))
}

func spaceToDepth(c *call) []*Tensor {
	x, size := c.x(0), c.node.int("blocksize", 0)
	if len(x.Shape) != 4 || size < 1 || x.Shape[2]%size != 0 || x.Shape[3]%size != 0 {
		refuse("makes blocks of %d of %v", size, x)
	}
	n, depth, h, w := x.Shape[0], x.Shape[1], x.Shape[2]/size, x.Shape[3]/size
	return one(c.moved(x, []int{n, depth, h, size, w, size}, []int{0, 3, 5, 1, 2, 4}, n, depth*size*size, h, w))
}

// moved takes x for a tensor of parts, and puts these in another order.
func (c *call) moved(x *Tensor, parts, order []int, shape ...int) *Tensor {
	own := strides(parts)
	sizes, steps := make([]int, len(parts)), make([]int, len(parts))
	for i, d := range order {
		sizes[i], steps[i] = parts[d], own[d]
	}
	return c.copied(x, shape, nil, func(visit func(o, i int)) {
		walk(sizes, func(o int, at []int) { visit(o, at[0]) }, steps)
	})
}

func oneHot(c *call) []*Tensor {
	index, depth, values := c.x(0), c.x(1), c.x(2)
	if depth.Len() != 1 || len(values.Shape) != 1 || values.Shape[0] != 2 {
		refuse("wants a depth and two values")
	}
	size := int(depth.floats()[0])
	axis := c.node.int("axis", -1)
	axis = axisOf(axis, len(index.Shape)+1)
	shape := slices.Insert(slices.Clone(index.Shape), axis, size)
	places := index.floats()
	_, _, inner := split(shape, axis)
	return one(c.copied(values, shape, nil, func(visit func(o, i int)) {
		for o := range Elements(shape) {
			k := int(places[o/inner/size*inner+o%inner])
			if k < 0 {
				k += size
			}
			visit(o, int(number(k == o/inner%size)))
		}
	}))
}
