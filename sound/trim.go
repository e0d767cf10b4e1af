package sound

import "math"

// Trim returns the samples without the silence before and behind: as librosa.effects.trim
// does, a frame of 2,048 samples, every 512, is silence if its mean power is so many
// decibels (60 is usual) below that of the loudest frame. All silence gives no samples.
func Trim(samples []float32, decibels float64) []float32 {
	const frame, hop = 2048, 512
	frames := len(samples)/hop + 1
	power, loudest := make([]float64, frames), 0.0
	for k := range power {
		for i := max(k*hop-frame/2, 0); i < min(k*hop+frame/2, len(samples)); i++ {
			power[k] += float64(samples[i]) * float64(samples[i]) / frame
		}
		loudest = max(loudest, power[k])
	}
	if loudest == 0 {
		return nil
	}
	least := max(loudest*math.Pow(10, -decibels/10), math.SmallestNonzeroFloat64)
	first, last := 0, frames-1
	for power[first] <= least && power[first] < loudest {
		first++
	}
	for power[last] <= least && power[last] < loudest {
		last--
	}
	return samples[first*hop : min((last+1)*hop, len(samples))]
}
