package transform

import (
	"math"
	"strconv"
)

// A projection tells where the samples of a picture come from: the sample whose
// middle is (x, y) is the source's at
//
//	((p[0]x + p[1]y + p[2]) / (p[6]x + p[7]y + 1), (p[3]x + p[4]y + p[5]) / (p[6]x + p[7]y + 1))
//
// With p[6] and p[7] zero it is affine.
type projection [8]float64

func (p *projection) affine() bool { return p[6] == 0 && p[7] == 0 }

// at returns p's image of a point. The conversions forbid the compiler to fuse
// products with sums, so that all processors agree.
func (p *projection) at(x, y float64) (float64, float64) {
	u := float64(p[0]*x) + float64(p[1]*y) + p[2]
	v := float64(p[3]*x) + float64(p[4]*y) + p[5]
	if p.affine() {
		return u, v
	}
	w := float64(p[6]*x) + float64(p[7]*y) + 1
	return u / w, v / w
}

// A warp draws a picture of its own size from the places of another that a
// projection names, and the fill where there is nothing. It computes as Pillow
// does (libImaging/Geometry.c).
type warp struct {
	projection
	height, width int
	interpolation Interpolation // Nearest, Bilinear or Bicubic
	fill          []float32
}

// Format returns the size of the warp.
func (t *warp) Format(in Format) (Format, error) {
	in.Height, in.Width = t.height, t.width
	return in, nil
}

// Apply warps every channel.
func (t *warp) Apply(dst, src *Picture) {
	plane := t.height * t.width
	for c := range dst.Channels {
		fill := byte(fillOf(t.fill, c))
		for i := range dst.Bytes[c*plane : (c+1)*plane] {
			dst.Bytes[c*plane+i] = fill
		}
	}
	switch {
	case t.interpolation != Nearest:
		t.interpolate(dst, src)
	case t.affine() && t.small():
		t.fixedPoint(dst, src)
	default:
		for y := range t.height {
			for x := range t.width {
				u, v := t.at(float64(x)+0.5, float64(y)+0.5)
				if inside(u, v, src) {
					t.copySample(dst, src, x, y, int(u), int(v))
				}
			}
		}
	}
}

// inside tells whether a point lies in the picture; NaN does not.
func inside(u, v float64, p *Picture) bool {
	return u >= 0 && v >= 0 && u < float64(p.Width) && v < float64(p.Height)
}

func (t *warp) copySample(dst, src *Picture, x, y, u, v int) {
	to, from := y*t.width+x, v*src.Width+u
	for range src.Channels {
		dst.Bytes[to] = src.Bytes[from]
		to += t.height * t.width
		from += src.Height * src.Width
	}
}

// small tells whether all places fit 16 bits before the point.
func (t *warp) small() bool {
	for _, x := range []float64{0, float64(t.width)} {
		for _, y := range []float64{0, float64(t.height)} {
			if u, v := t.at(x, y); !(math.Abs(u) < 1<<15 && math.Abs(v) < 1<<15) {
				return false
			}
		}
	}
	return true
}

// fixedPoint takes the nearest samples with places of 16 bits behind the point,
// which are summed up.
func (t *warp) fixedPoint(dst, src *Picture) {
	fix := func(v float64) int { return int(math.Floor(float64(v*65536) + 0.5)) }
	p := &t.projection
	rowU := fix(p[2] + float64(p[0]*0.5) + float64(p[1]*0.5))
	rowV := fix(p[5] + float64(p[3]*0.5) + float64(p[4]*0.5))
	for y := range t.height {
		u, v := rowU, rowV
		for x := range t.width {
			if column, row := u>>16, v>>16; column >= 0 && column < src.Width && row >= 0 && row < src.Height {
				t.copySample(dst, src, x, y, column, row)
			}
			u += fix(p[0])
			v += fix(p[3])
		}
		rowU += fix(p[1])
		rowV += fix(p[4])
	}
}

// interpolate mixes the samples around every place. At an edge the outermost
// samples are repeated.
func (t *warp) interpolate(dst, src *Picture) {
	taps := 2
	if t.interpolation == Bicubic {
		taps = 4
	}
	for y := range t.height {
		for x := range t.width {
			u, v := t.at(float64(x)+0.5, float64(y)+0.5)
			if !inside(u, v, src) {
				continue
			}
			u, v = u-0.5, v-0.5
			left, top := math.Floor(u), math.Floor(v)
			du, dv := u-left, v-top
			var columns, rows [4]int
			for i := range taps {
				columns[i] = min(max(int(left)-taps/2+1+i, 0), src.Width-1)
				rows[i] = min(max(int(top)-taps/2+1+i, 0), src.Height-1) * src.Width
			}
			for c := range src.Channels {
				plane := src.Bytes[c*src.Height*src.Width:]
				var across, samples [4]float64
				for j, row := range rows[:taps] {
					for i, column := range columns[:taps] {
						samples[i] = float64(plane[row+column])
					}
					across[j] = mix(samples[:taps], du)
				}
				// Pillow cuts off what is behind the point.
				dst.Bytes[(c*t.height+y)*t.width+x] = byte(min(max(mix(across[:taps], dv), 0), 255))
			}
		}
	}
}

// mix returns the value at distance d behind the middle of two samples, or
// behind the second of four (cubic convolution with a = -1, as in Pillow).
func mix(s []float64, d float64) float64 {
	if len(s) == 2 {
		return s[0] + float64((s[1]-s[0])*d)
	}
	p2 := s[2] - s[0]
	p3 := float64(2*(s[0]-s[1])) + s[2] - s[3]
	p4 := -s[0] + s[1] - s[2] + s[3]
	return s[1] + float64(d*(p2+float64(d*(p3+float64(d*p4)))))
}

// round15 rounds to 15 decimals, exactly, as Python's round does. It makes the
// sines of all mathematical libraries the same.
func round15(v float64) float64 {
	r, err := strconv.ParseFloat(strconv.FormatFloat(v, 'f', 15, 64), 64)
	if err != nil {
		return v
	}
	return r
}
