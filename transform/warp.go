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
	acrossU, acrossV, downU, downV := fix(p[0]), fix(p[3]), fix(p[1]), fix(p[4])
	for y := range t.height {
		u, v := rowU, rowV
		for x := range t.width {
			if column, row := u>>16, v>>16; column >= 0 && column < src.Width && row >= 0 && row < src.Height {
				t.copySample(dst, src, x, y, column, row)
			}
			u += acrossU
			v += acrossV
		}
		rowU += downU
		rowV += downV
	}
}

// interpolate mixes the samples around every place. At an edge the outermost
// samples are repeated.
func (t *warp) interpolate(dst, src *Picture) {
	for y := range t.height {
		for x := range t.width {
			u, v := t.at(float64(x)+0.5, float64(y)+0.5)
			if !inside(u, v, src) {
				continue
			}
			u, v = u-0.5, v-0.5
			left, top := math.Floor(u), math.Floor(v)
			if at := y*t.width + x; t.interpolation == Bilinear {
				t.mixFour(dst, src, at, int(left), int(top), u-left, v-top)
			} else {
				t.mixSixteen(dst, src, at, int(left), int(top), u-left, v-top)
			}
		}
	}
}

// mixFour writes what lies between four samples, of which (left, top) is the
// first, to the one at a place of every channel.
func (t *warp) mixFour(dst, src *Picture, at, left, top int, du, dv float64) {
	right, bottom := min(left+1, src.Width-1), min(top+1, src.Height-1)*src.Width
	left, top = max(left, 0), max(top, 0)*src.Width
	for plane := src.Bytes; len(plane) > 0; plane = plane[src.Height*src.Width:] {
		upper := between(float64(plane[top+left]), float64(plane[top+right]), du)
		lower := between(float64(plane[bottom+left]), float64(plane[bottom+right]), du)
		// Pillow cuts off what is behind the point. What lies between bytes is one.
		dst.Bytes[at] = byte(between(upper, lower, dv))
		at += t.height * t.width
	}
}

// mixSixteen is mixFour for Bicubic: the samples around are two to each side.
func (t *warp) mixSixteen(dst, src *Picture, at, left, top int, du, dv float64) {
	var columns, rows [4]int
	for i := range 4 {
		columns[i] = min(max(left-1+i, 0), src.Width-1)
		rows[i] = min(max(top-1+i, 0), src.Height-1) * src.Width
	}
	for plane := src.Bytes; len(plane) > 0; plane = plane[src.Height*src.Width:] {
		var across, samples [4]float64
		for j, row := range rows {
			for i, column := range columns {
				samples[i] = float64(plane[row+column])
			}
			across[j] = cubic(&samples, du)
		}
		dst.Bytes[at] = byte(min(max(cubic(&across, dv), 0), 255))
		at += t.height * t.width
	}
}

// between returns the value at distance d, from 0 to 1, behind a on the way to b.
func between(a, b, d float64) float64 { return a + float64((b-a)*d) }

// cubic returns the value at distance d behind the second of four samples, by
// cubic convolution with a = -1, as in Pillow.
func cubic(s *[4]float64, d float64) float64 {
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
