package sound

import (
	"math"
	"math/rand/v2"
)

// Shift moves the samples by a random number of them, most at most, either way; silence
// follows.
func Shift(r *rand.Rand, samples []float32, most int) []float32 {
	by := r.IntN(2*most+1) - most
	out := make([]float32, len(samples))
	for i := range out {
		if from := i - by; from >= 0 && from < len(samples) {
			out[i] = samples[from]
		}
	}
	return out
}

// Noise adds normally distributed noise that is so many decibels below the mean power of
// the samples.
func Noise(r *rand.Rand, samples []float32, decibels float64) []float32 {
	var power float64
	for _, v := range samples {
		power += float64(v) * float64(v) / float64(len(samples))
	}
	deviation := math.Sqrt(power * math.Pow(10, -decibels/10))
	out := make([]float32, len(samples))
	for i, v := range samples {
		out[i] = v + float32(deviation*r.NormFloat64())
	}
	return out
}

// Speed makes a recording faster by a random factor between 1-most and 1+most, in steps
// of a hundredth; its pitch rises with it, as a tape's does (Ko et al. 2015). most is below
// 1.
func Speed(r *rand.Rand, samples []float32, most float64) []float32 {
	steps := int(most * 100)
	return Resample(samples, 100+r.IntN(2*steps+1)-steps, 100)
}

// MaskRows gives a random band of rows, most at most, a value: SpecAugment's frequency
// mask (Park et al. 2019, arXiv:1904.08779).
func (p *Picture) MaskRows(r *rand.Rand, most int, value float32) {
	n, first := mask(r, p.Rows, most)
	for i := first * p.Columns; i < (first+n)*p.Columns; i++ {
		p.Values[i] = value
	}
}

// MaskColumns does so with columns: SpecAugment's time mask.
func (p *Picture) MaskColumns(r *rand.Rand, most int, value float32) {
	n, first := mask(r, p.Columns, most)
	for row := range p.Rows {
		for i := first; i < first+n; i++ {
			p.Values[row*p.Columns+i] = value
		}
	}
}

func mask(r *rand.Rand, of, most int) (n, first int) {
	n = r.IntN(min(most, of) + 1)
	return n, r.IntN(of - n + 1)
}

// Stretch returns the picture with its rows and its columns stretched, each by a random
// factor from 1-most to 1+most, by linear interpolation: rows from the lowest on, as a longer
// or shorter vocal tract moves pitches (Jaitly and Hinton 2013), columns from the middle on,
// as faster or slower speech does. What comes in from outside is as the rim is. Both are
// below 1.
func (p *Picture) Stretch(r *rand.Rand, rows, columns float64) *Picture {
	factor := func(most float64) float64 { return 1 + most*(2*r.Float64()-1) }
	byRow, byColumn := factor(rows), factor(columns)
	middle := float64(p.Columns-1) / 2
	out := newPicture(p.Rows, p.Columns)
	for row := range p.Rows {
		y0, y1, fy := between(float64(row)/byRow, p.Rows)
		for column := range p.Columns {
			x0, x1, fx := between(middle+(float64(column)-middle)/byColumn, p.Columns)
			above := (1-fx)*p.Values[y0*p.Columns+x0] + fx*p.Values[y0*p.Columns+x1]
			below := (1-fx)*p.Values[y1*p.Columns+x0] + fx*p.Values[y1*p.Columns+x1]
			out.Values[row*p.Columns+column] = (1-fy)*above + fy*below
		}
	}
	return out
}

// between are the two of n places that a place lies between, and the share of the second.
func between(at float64, n int) (first, second int, share float32) {
	at = min(max(at, 0), float64(n-1))
	first = int(at)
	return first, min(first+1, n-1), float32(at - float64(first))
}
