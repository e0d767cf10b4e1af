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
