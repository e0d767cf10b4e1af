package graph

import (
	"math"
	"slices"
)

// resizing is how one dimension of a Resize is made.
type resizing struct {
	in, out    int
	scale      float64
	start, end float64 // of the region that is cut out
}

// resizings reads how Resize and Upsample change each dimension.
func resizings(c *call, shape []int) (list []resizing, changed bool) {
	rank := len(shape)
	for _, size := range shape {
		list = append(list, resizing{in: size, out: size, scale: 1, end: 1})
	}
	var scales []float32
	var sizes []int
	roi := -1
	switch {
	case c.node.Kind == "Upsample" && c.version < 9:
		scales = c.node.Attributes["scales"].Floats
	case c.node.Kind == "Upsample" || c.version < 11:
		scales = c.float(1).Floats
	default:
		roi = 1
		if c.has(2) && c.in[2].Len() > 0 {
			scales = c.float(2).Floats
		}
		if c.has(3) && c.in[3].Len() > 0 {
			sizes = c.list(3)
		}
	}
	axes := every(rank)
	if c.node.has("axes") {
		axes = c.node.ints("axes")
		for i, d := range axes {
			axes[i] = axisOf(d, rank)
		}
	}
	if (sizes == nil) == (scales == nil) || max(len(scales), len(sizes)) != len(axes) {
		refuse("wants scales or sizes, one for each of %d dimensions", len(axes))
	}
	policy := c.node.text("keep_aspect_ratio_policy", "stretch")
	ratio := math.Inf(1)
	if policy == "not_larger" || policy == "not_smaller" {
		for i, d := range axes {
			if sizes == nil {
				break
			}
			own := float64(sizes[i]) / float64(shape[d])
			if math.IsInf(ratio, 0) || (own < ratio) == (policy == "not_larger") {
				ratio = own
			}
		}
	}
	for i, d := range axes {
		r := &list[d]
		if sizes != nil {
			r.out = sizes[i]
			r.scale = float64(sizes[i]) / float64(r.in)
			if !math.IsInf(ratio, 0) {
				r.scale, r.out = ratio, int(math.Floor(ratio*float64(r.in)+0.5))
			}
		} else {
			r.scale = float64(scales[i])
			r.out = int(min(math.Floor(float64(r.in)*r.scale), mostElements))
		}
		if r.out < 1 || !(r.scale > 0) {
			refuse("makes %d of %d places", r.out, r.in)
		}
		if c.node.text("coordinate_transformation_mode", "") == "tf_crop_and_resize" {
			if roi < 0 || !c.has(roi) || c.in[roi].Len() != 2*len(axes) {
				refuse("wants a region of interest")
			}
			box := c.float(roi).Floats
			r.start, r.end = float64(box[i]), float64(box[len(axes)+i])
			if sizes == nil {
				r.out = int(math.Floor(float64(r.in) * (r.end - r.start) * r.scale))
			}
			changed = true
		}
		changed = changed || r.out != r.in || r.scale != 1
	}
	return list, changed
}

// coordinate is where in the input a place of the output lies. By the commonest modes it is
// computed in float32, as everybody does, so that what lies halfway is halfway: 3.5/0.7 is 5.
func (r *resizing) coordinate(mode string, o int) float64 {
	x := float64(o)
	switch mode {
	case "half_pixel":
		return float64((float32(x)+0.5)/float32(r.scale) - 0.5)
	case "half_pixel_symmetric":
		adjust := float32(r.out) / (float32(r.scale) * float32(r.in))
		return float64(float32(r.in)/2*(1-adjust) + (float32(x)+0.5)/float32(r.scale) - 0.5)
	case "pytorch_half_pixel":
		if r.out == 1 {
			return 0
		}
		return float64((float32(x)+0.5)/float32(r.scale) - 0.5)
	case "align_corners":
		if r.out == 1 {
			return 0
		}
		// The size is not rounded here.
		return x * float64(r.in-1) / (r.scale*float64(r.in) - 1)
	case "asymmetric":
		return float64(float32(x) / float32(r.scale))
	case "tf_half_pixel_for_nn":
		return (x + 0.5) / r.scale
	case "tf_crop_and_resize":
		if r.out == 1 {
			return 0.5 * (r.start + r.end) * float64(r.in-1)
		}
		return r.start*float64(r.in-1) + x*(r.end-r.start)*float64(r.in-1)/float64(r.out-1)
	}
	refuse("has the coordinate_transformation_mode %q", mode)
	return 0
}

// nearest rounds a coordinate.
func nearest(mode string, x float64) float64 {
	switch mode {
	case "round_prefer_floor":
		return math.Ceil(x - 0.5)
	case "round_prefer_ceil":
		return math.Floor(x + 0.5)
	case "floor":
		return math.Floor(x)
	case "ceil":
		return math.Ceil(x)
	}
	refuse("has the nearest_mode %q", mode)
	return 0
}

// tap is a place of the input, and its weight.
type tap struct {
	at     int
	weight float64
}

// filter returns the weights of whole places around a coordinate, which lies fraction
// behind the first one; a scale below 1 with antialias spreads them.
func filter(kind string, cubic, scale float64, x float64) (first int, weights []float64) {
	reach := 1.0
	f := func(d float64) float64 { return max(0, 1-math.Abs(d)) }
	if kind == "cubic" {
		reach = 2
		f = func(d float64) float64 {
			switch d = math.Abs(d); {
			case d < 1:
				return (cubic+2)*d*d*d - (cubic+3)*d*d + 1
			case d < 2:
				return cubic*d*d*d - 5*cubic*d*d + 8*cubic*d - 4*cubic
			}
			return 0
		}
	}
	first = int(math.Floor(x-reach/scale)) + 1
	last := int(math.Ceil(x+reach/scale)) - 1
	for k := first; k <= last || len(weights) == 0; k++ {
		weights = append(weights, f((float64(k)-x)*scale))
	}
	return first, weights
}

// taps returns what each place of the output is made of.
func (r *resizing) taps(n *Node, mode, coordinates string) (list [][]tap, outside []bool) {
	outside = make([]bool, r.out)
	scale := 1.0
	if n.int("antialias", 0) != 0 {
		scale = min(r.scale, 1)
	}
	for o := range r.out {
		x := r.coordinate(coordinates, o)
		if r.in == r.out && r.scale == 1 && coordinates != "tf_crop_and_resize" {
			list = append(list, []tap{{o, 1}})
			continue
		}
		if coordinates == "tf_crop_and_resize" {
			outside[o] = x < 0 || x > float64(r.in-1)
		}
		x = min(max(x, -mostElements), mostElements)
		if mode == "nearest" {
			near := n.text("nearest_mode", "round_prefer_floor")
			list = append(list, []tap{{min(max(int(nearest(near, x)), 0), r.in-1), 1}})
			continue
		}
		if 2/scale > 1<<16 {
			refuse("makes %d of %d places with antialias", r.out, r.in)
		}
		first, weights := filter(mode, n.real("cubic_coeff_a", -0.75), scale, x)
		exclude := n.int("exclude_outside", 0) != 0
		sum := 0.0
		var taps []tap
		for k, w := range weights {
			at := first + k
			if (at < 0 || at >= r.in) && exclude {
				continue
			}
			taps = append(taps, tap{min(max(at, 0), r.in-1), w})
			sum += w
		}
		for i := range taps {
			if sum != 0 {
				taps[i].weight /= sum
			}
		}
		list = append(list, taps)
	}
	return list, outside
}

// resize goes over the dimensions one after another.
func resize(c *call) []*Tensor {
	x := c.x(0)
	list, changed := resizings(c, x.Shape)
	if !changed {
		return one(x)
	}
	mode := c.node.text("mode", "nearest")
	coordinates := c.node.text("coordinate_transformation_mode", "half_pixel")
	near := *c.node
	if c.node.Kind == "Upsample" || c.version < 11 {
		coordinates = "asymmetric"
		near.Attributes = map[string]Attribute{"nearest_mode": {Text: "floor"}}
	}
	if mode == "bilinear" {
		mode = "linear"
	}
	if mode != "nearest" && mode != "linear" && mode != "cubic" {
		refuse("has the mode %q", mode)
	}
	last := slices.Clone(x.Shape)
	for d := range list {
		last[d] = list[d].out
	}
	if c.shapes {
		return one(c.shaped(x.Type, last))
	}
	y := c.make(x.Type, last...)
	values := make([]float64, x.Len())
	for i, v := range x.floats() {
		values[i] = float64(v)
	}
	shape := slices.Clone(x.Shape)
	outside := make([][]bool, len(shape))
	for d := range list {
		taps, out := list[d].taps(&near, mode, coordinates)
		outside[d] = out
		if list[d].out == list[d].in && list[d].scale == 1 && coordinates != "tf_crop_and_resize" {
			continue
		}
		to := slices.Clone(shape)
		to[d] = list[d].out
		c.make(Float32, to...) // so that it is counted
		result := make([]float64, Elements(to))
		outer, size, inner := split(shape, d)
		for o := range outer {
			for k, ts := range taps {
				row := result[(o*to[d]+k)*inner:][:inner]
				for _, t := range ts {
					for i, v := range values[(o*size+t.at)*inner:][:inner] {
						row[i] += v * t.weight
					}
				}
			}
		}
		values, shape = result, to
	}
	extrapolation := c.node.real("extrapolation_value", 0)
	at := make([]int, len(shape))
	for i, v := range values {
		for d, k := range at {
			if outside[d][k] {
				v = extrapolation
			}
		}
		if y.Type.Float() {
			y.Floats[i] = float32(v)
		} else {
			y.Ints[i] = y.Type.saturate(int64(math.RoundToEven(v)))
		}
		next(at, shape)
	}
	return one(y)
}
