package transform

import "math"

// precision is the number of bits behind the point of a weight, as in Pillow: a
// sum of weighted bytes, which may go over and under, then fits 32 bits.
const precision = 32 - 8 - 2

// taps are the weights of a resampling along one side: sample i is the sum of
// weights[i][k] times the source's sample first[i]+k. The exact ones, of which
// those are rounded, are for float32.
type taps struct {
	first   []int
	weights [][]int32
	exact   [][]float64
}

// newTaps returns the taps from in to out samples. A filter is stretched when the
// picture shrinks, so that every sample of the source counts (antialiasing).
// The order of the operations is Pillow's (libImaging/Resample.c), so that the
// weights are its weights to the last bit.
func newTaps(in, out int, f filter) taps {
	t := taps{make([]int, out), make([][]int32, out), make([][]float64, out)}
	scale := float64(in) / float64(out)
	stretch := max(scale, 1)
	support := float64(f.support * stretch)
	for i := range out {
		// The conversions forbid the compiler to fuse a product with a sum.
		center := float64((float64(i) + 0.5) * scale)
		first := max(int(center-support+0.5), 0)
		last := min(int(center+support+0.5), in)
		exact := make([]float64, last-first)
		sum := 0.0
		for k := range exact {
			exact[k] = f.weight((float64(k+first) - center + 0.5) * (1 / stretch))
			sum += exact[k]
		}
		weights := make([]int32, len(exact))
		for k, w := range exact {
			if sum != 0 {
				w /= sum
			}
			exact[k] = w
			weights[k] = int32(math.Copysign(0.5, w) + float64(w*(1<<precision)))
		}
		t.first[i], t.weights[i], t.exact[i] = first, weights, exact
	}
	return t
}

// A filter says how much a sample counts at a distance up to its support.
type filter struct {
	support float64
	weight  func(distance float64) float64
}

var filters = map[Interpolation]filter{
	Bilinear: {1, func(x float64) float64 { return max(1-math.Abs(x), 0) }},
	Bicubic:  {2, bicubicWeight},
	Box: {0.5, func(x float64) float64 {
		if x > -0.5 && x <= 0.5 {
			return 1
		}
		return 0
	}},
	Hamming: {1, func(x float64) float64 {
		x = math.Abs(x)
		switch {
		case x == 0:
			return 1
		case x >= 1:
			return 0
		}
		x *= math.Pi
		return math.Sin(x) / x * (0.54 + float64(0.46*math.Cos(x)))
	}},
	Lanczos: {3, func(x float64) float64 {
		if x < -3 || x >= 3 {
			return 0
		}
		return sinc(x) * sinc(x/3)
	}},
}

// bicubicWeight is the cubic convolution kernel of Keys (1981) with a = -0.5.
func bicubicWeight(x float64) float64 {
	const a = -0.5
	x = math.Abs(x)
	switch {
	case x < 1:
		return float64(float64(float64((a+2)*x)-(a+3))*x*x) + 1
	case x < 2:
		return (float64((float64((x-5)*x)+8)*x) - 4) * a
	}
	return 0
}

func sinc(x float64) float64 {
	if x == 0 {
		return 1
	}
	x *= math.Pi
	return math.Sin(x) / x
}

// across resamples every row.
type across struct{ taps }

// Format returns the format with another width.
func (t across) Format(in Format) (Format, error) {
	in.Width = len(t.first)
	return in, nil
}

// Apply resamples the rows of all channels.
func (t across) Apply(dst, src *Picture) {
	width := len(t.first)
	if src.Float {
		for i := range dst.Floats {
			x := i % width
			dst.Floats[i] = weigh(t.exact[x], src.Floats[i/width*src.Width+t.first[x]:], 1)
		}
		return
	}
	for y := range src.Channels * src.Height {
		row, out := src.Bytes[y*src.Width:(y+1)*src.Width], dst.Bytes[y*width:(y+1)*width]
		for x := range out {
			weights := t.weights[x]
			from := row[t.first[x]:][:len(weights)]
			sum := int32(1 << (precision - 1))
			for k, w := range weights {
				sum += w * int32(from[k])
			}
			out[x] = clip(sum >> precision)
		}
	}
}

// down resamples every column.
type down struct{ taps }

// Format returns the format with another height.
func (t down) Format(in Format) (Format, error) {
	in.Height = len(t.first)
	return in, nil
}

// Apply resamples the columns of all channels.
func (t down) Apply(dst, src *Picture) {
	width, height := src.Width, len(t.first)
	if src.Float {
		for i := range dst.Floats {
			c, y, x := i/width/height, i/width%height, i%width
			dst.Floats[i] = weigh(t.exact[y], src.Floats[(c*src.Height+t.first[y])*width+x:], width)
		}
		return
	}
	for c := range src.Channels {
		plane := src.Bytes[c*src.Height*width : (c+1)*src.Height*width]
		for y := range height {
			out := dst.Bytes[(c*height+y)*width:][:width]
			rows := plane[t.first[y]*width:]
			for x := range out {
				sum := int32(1 << (precision - 1))
				at := x
				for _, w := range t.weights[y] {
					sum += w * int32(rows[at])
					at += width
				}
				out[x] = clip(sum >> precision)
			}
		}
	}
}

// weigh sums weighted samples that lie stride apart.
func weigh(weights []float64, samples []float32, stride int) float32 {
	sum := 0.0
	for k, w := range weights {
		sum += float64(w * float64(samples[k*stride]))
	}
	return float32(sum)
}

// clip is the byte closest to v.
func clip(v int32) byte { return byte(min(max(v, 0), 255)) }
