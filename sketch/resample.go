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

// resample resizes a picture whose rows are given one after another, first across
// and then down. dst has room for len(down) rows of len(across) pixels. With whole
// the pixels are rounded to whole numbers in between, as Pillow does with bytes.
//
// It holds one row at a time, so that a picture of any shape costs no more memory
// than its result.
func resample(dst []float32, row func(y int) []float32, across, down taps, whole bool) {
	clear(dst)
	width := len(across)
	narrow := make([]float32, width)
	first := 0 // the first row of dst that is not complete
	last := down[len(down)-1]
	for y := down[0].first; y < last.first+len(last.weights); y++ {
		for first < len(down) && down[first].first+len(down[first].weights) <= y {
			first++
		}
		if !across.apply(narrow, row(y)) {
			continue
		}
		if whole {
			for x, v := range narrow {
				narrow[x] = float32(math.Floor(float64(v) + 0.5))
			}
		}
		for i := first; i < len(down) && down[i].first <= y; i++ {
			if y-down[i].first >= len(down[i].weights) {
				continue
			}
			w := down[i].weights[y-down[i].first]
			for x, v := range dst[i*width:][:width] {
				dst[i*width+x] = v + w*narrow[x]
			}
		}
	}
}

// apply resizes a line. It returns false, and has done nothing, if that is black.
func (t taps) apply(dst, line []float32) bool {
	left, end := inked(line)
	if left == end {
		return false
	}
	for i := range t {
		first, weights := t[i].first, t[i].weights
		var sum float32
		if first < end && first+len(weights) > left {
			pixels := line[first:][:len(weights)]
			for k, w := range weights {
				sum += w * pixels[k]
			}
		}
		dst[i] = sum
	}
	return true
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
