package sketch

import "math"

// A filter weighs the pixels round a place by their distance from it; beyond its
// support the weight is 0.
type filter struct {
	support float64
	weight  func(distance float64) float64
}

// The filters, as Pillow has them (Keys 1981, "Cubic convolution interpolation for
// digital image processing", with a = -0.5, is bicubic).
var (
	areaFilter = filter{0.5, func(d float64) float64 {
		if d > -0.5 && d <= 0.5 {
			return 1
		}
		return 0
	}}
	bilinearFilter = filter{1, func(d float64) float64 { return max(1-math.Abs(d), 0) }}
	bicubicFilter  = filter{2, func(d float64) float64 {
		const a = -0.5
		switch d = math.Abs(d); {
		case d < 1:
			return ((a+2)*d-(a+3))*d*d + 1
		case d < 2:
			return (((d-5)*d+8)*d - 4) * a
		}
		return 0
	}}
)

// taps say how each sample of a resized line is the weighted sum of samples of the
// line it comes from.
type taps []tap

type tap struct {
	first   int
	weights []float32 // they add up to 1
}

// newTaps resizes the stretch [from, from+length) of a line of size samples to
// out samples. Where the line becomes shorter the filter is made wider, so that
// every sample counts, as Pillow does.
func newTaps(size int, from, length float64, out int, f filter) taps {
	scale := length / float64(out)
	wider := max(scale, 1)
	t := make(taps, out)
	for i := range t {
		middle := from + (float64(i)+0.5)*scale
		first := min(max(int(middle-f.support*wider+0.5), 0), size-1)
		end := max(min(int(middle+f.support*wider+0.5), size), first+1)
		weights := make([]float64, end-first)
		for k := range weights {
			weights[k] = f.weight((float64(first+k) - middle + 0.5) / wider)
		}
		t[i] = newTap(first, weights)
	}
	return t
}

func newTap(first int, weights []float64) tap {
	var sum float64
	for _, w := range weights {
		sum += w
	}
	t := tap{first, make([]float32, len(weights))}
	for i, w := range weights {
		t.weights[i] = float32(w / sum)
	}
	if sum == 0 {
		t.weights[len(weights)/2] = 1 // the line lies between two samples
	}
	return t
}

// blurTaps blurs a line of size samples by a Gaussian.
func blurTaps(size int, sigma float64) taps {
	radius := int(math.Ceil(3 * sigma))
	t := make(taps, size)
	for i := range t {
		first, end := max(i-radius, 0), min(i+radius+1, size)
		weights := make([]float64, end-first)
		for k := range weights {
			d := float64(first+k-i) / sigma
			weights[k] = math.Exp(-d * d / 2)
		}
		t[i] = newTap(first, weights)
	}
	return t
}

// after returns taps that do in one go what first doing before and then t does.
func (t taps) after(before taps) taps {
	both := make(taps, len(t))
	for i, outer := range t {
		last := before[outer.first+len(outer.weights)-1]
		first := before[outer.first].first
		weights := make([]float64, last.first+len(last.weights)-first)
		for k, w := range outer.weights {
			inner := before[outer.first+k]
			for j, v := range inner.weights {
				weights[inner.first+j-first] += float64(w) * float64(v)
			}
		}
		both[i] = newTap(first, weights)
	}
	return both
}

// resample resizes a picture of width columns, first across and then down. dst
// has room for len(down) rows of len(across) pixels.
func resample(dst, src []float32, width int, across, down taps) {
	height := len(src) / width
	var room [canvasSize * canvasSize]float32
	narrow := room[:]
	if n := height * len(across); n > len(narrow) {
		narrow = make([]float32, n)
	}
	narrow = narrow[:height*len(across)]
	for y := range height {
		row := src[y*width : (y+1)*width]
		left, end := inked(row)
		if left == end {
			continue // room is black
		}
		for i, t := range across {
			first, weights := t.first, t.weights
			if first >= end || first+len(weights) <= left {
				continue
			}
			pixels := row[first:][:len(weights)]
			var sum float32
			for k, w := range weights {
				sum += w * pixels[k]
			}
			narrow[y*len(across)+i] = sum
		}
	}
	for i, t := range down {
		row := dst[i*len(across) : (i+1)*len(across)]
		clear(row)
		for k, w := range t.weights {
			for x, v := range narrow[(t.first+k)*len(across):][:len(row)] {
				row[x] += w * v
			}
		}
	}
}

// inked returns the first pixel of a row that is not black and the one past the
// last; they are equal if all are black.
func inked(row []float32) (first, end int) {
	for end = len(row); end > 0 && row[end-1] == 0; end-- {
	}
	for first < end && row[first] == 0 {
		first++
	}
	return first, end
}
