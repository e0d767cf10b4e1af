package sound

import (
	"fmt"
	"math"
)

// Resample changes a recording's rate from so many samples a second to so many others.
// The result is that of scipy.signal.resample_poly: a polyphase filter, which is a
// windowed sinc of 20 times the larger of both reduced rates and one taps, with a Kaiser
// window of beta 5. It has len(samples)*to/from samples, rounded up. Rates are at least 1
// and at most MaxRate.
func Resample(samples []float32, from, to int) []float32 {
	if from < 1 || from > MaxRate || to < 1 || to > MaxRate {
		panic(fmt.Sprintf("sound: Resample from %d to %d samples a second, want 1 to %d", from, to, MaxRate))
	}
	divisor := from
	for rest := to; rest != 0; {
		divisor, rest = rest, divisor%rest
	}
	up, down := to/divisor, from/divisor
	if up == down {
		return append([]float32(nil), samples...)
	}
	half := 10 * max(up, down)
	taps := lowpass(half, 1/float64(max(up, down)))
	out := make([]float32, (len(samples)*up+down-1)/down)
	for m := range out {
		// The filter has its middle at m*down, where the sample n stands at n*up.
		first := max((m*down-half+up-1)/up, 0)
		last := min((m*down+half)/up, len(samples)-1)
		var sum float64
		at := half + m*down - first*up
		for _, v := range samples[first : last+1] {
			sum += float64(v) * taps[at]
			at -= up
		}
		out[m] = float32(sum * float64(up))
	}
	return out
}

// lowpass returns 2*half+1 taps of a filter that lets pass what is below a share of half
// the rate: scipy.signal.firwin's, with a Kaiser window of beta 5.
func lowpass(half int, cutoff float64) []float64 {
	const beta = 5
	taps, sum, whole := make([]float64, 2*half+1), 0.0, bessel(beta)
	for i := range half + 1 {
		at := float64(i-half) * cutoff
		taps[i] = cutoff
		if at != 0 {
			taps[i] *= math.Sin(math.Pi*at) / (math.Pi * at)
		}
		u := float64(i-half) / float64(half)
		taps[i] *= bessel(beta*math.Sqrt(1-u*u)) / whole
		taps[2*half-i] = taps[i] // both sides are the same
	}
	for _, v := range taps {
		sum += v
	}
	for i := range taps {
		taps[i] /= sum
	}
	return taps
}

// bessel is the modified Bessel function of the first kind and order 0 (Abramowitz and
// Stegun 1964, 9.6.12).
func bessel(x float64) float64 {
	sum, term, quarter := 1.0, 1.0, x*x/4
	for k := 1.0; term > 1e-17*sum; k++ {
		term *= quarter / (k * k)
		sum += term
	}
	return sum
}
