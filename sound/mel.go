package sound

import (
	"fmt"
	"math"
)

// MelSettings are those of a mel spectrogram. What is 0 has its default, which is
// torchaudio.transforms.MelSpectrogram's.
type MelSettings struct {
	Settings
	Rate int     // samples a second (16,000)
	Mels int     // rows (128)
	Low  float64 // the lowest frequency, in Hz
	High float64 // the highest (half of Rate)
	// Slaney takes the scale of Slaney's Auditory Toolbox (1998), linear below 1,000 Hz,
	// and filters of equal area, as librosa does; else HTK's scale is taken, and filters
	// of equal height.
	Slaney bool
	Power  float64 // of the magnitudes (2)
}

// A MelSpectrogram sums the frequencies of a spectrogram by triangles that are spaced as
// the ear hears. It may be used by one goroutine at a time.
type MelSpectrogram struct {
	MelSettings // with their defaults

	stft    *STFT
	filters []melFilter
}

// NewMelSpectrogram makes one. It fails on settings that cannot be.
func NewMelSpectrogram(s MelSettings) (*MelSpectrogram, error) {
	stft, err := NewSTFT(s.Settings)
	if err != nil {
		return nil, err
	}
	s.Settings = stft.Settings
	if s.Rate == 0 {
		s.Rate = 16000
	}
	if s.Mels == 0 {
		s.Mels = 128
	}
	if s.High == 0 {
		s.High = float64(s.Rate / 2)
	}
	if s.Power == 0 {
		s.Power = 2
	}
	switch {
	case s.Rate < 1 || s.Rate > MaxRate:
		return nil, fmt.Errorf("the Rate is %d, want 1 to %d", s.Rate, MaxRate)
	case s.Mels < 1 || s.Mels > 1024:
		return nil, fmt.Errorf("the Mels are %d, want 1 to 1024", s.Mels)
	case !(s.Low >= 0 && s.Low < s.High && s.High <= float64(s.Rate)/2):
		return nil, fmt.Errorf("the frequencies go from Low, %g, to High, %g Hz, want a range within 0 to %g", s.Low, s.High, float64(s.Rate)/2)
	case !(s.Power > 0):
		return nil, fmt.Errorf("the Power is %g, want more than 0", s.Power)
	}
	m := &MelSpectrogram{MelSettings: s, stft: stft}
	m.filters = melFilters(s, stft.Bins())
	return m, nil
}

// A melFilter is the weights of the bins from the first on that have any.
type melFilter struct {
	first   int
	weights []float64
}

// melFilters are those of torchaudio.functional.melscale_fbanks.
func melFilters(s MelSettings, bins int) []melFilter {
	to, back := melHTK, hertzHTK
	if s.Slaney {
		to, back = melSlaney, hertzSlaney
	}
	points := make([]float64, s.Mels+2)
	low, high := to(s.Low), to(s.High)
	for i := range points {
		points[i] = back(low + (high-low)*float64(i)/float64(s.Mels+1))
	}
	filters := make([]melFilter, s.Mels)
	for m := range filters {
		left, middle, right := points[m], points[m+1], points[m+2]
		for i := range bins {
			at := float64(s.Rate/2) * float64(i) / float64(max(bins-1, 1))
			weight := min((at-left)/(middle-left), (right-at)/(right-middle))
			if !(weight > 0) {
				continue
			}
			if s.Slaney {
				weight *= 2 / (right - left)
			}
			if len(filters[m].weights) == 0 {
				filters[m].first = i
			}
			filters[m].weights = append(filters[m].weights, weight)
		}
	}
	return filters
}

// HTK's scale: The HTK Book 3.4 (2006), equation 5.13.
func melHTK(hertz float64) float64 { return 2595 * math.Log10(1+hertz/700) }
func hertzHTK(mel float64) float64 { return 700 * (math.Pow(10, mel/2595) - 1) }

// Slaney's scale is linear up to 1,000 Hz, which is 15, and from there on logarithmic:
// 6.4 times the frequency is 27 more.
const slaneyLinear, slaneyBreak = 200.0 / 3, 1000.0

func melSlaney(hertz float64) float64 {
	if hertz < slaneyBreak {
		return hertz / slaneyLinear
	}
	return slaneyBreak/slaneyLinear + math.Log(hertz/slaneyBreak)/math.Log(6.4)*27
}

func hertzSlaney(mel float64) float64 {
	if mel < slaneyBreak/slaneyLinear {
		return mel * slaneyLinear
	}
	return slaneyBreak * math.Exp((mel-slaneyBreak/slaneyLinear)/27*math.Log(6.4))
}

// Frames is how many columns so many samples give.
func (m *MelSpectrogram) Frames(samples int) int { return m.stft.Frames(samples) }

// Compute returns the mel spectrogram of samples: Mels rows.
func (m *MelSpectrogram) Compute(samples []float32) (*Picture, error) {
	p := newPicture(m.Mels, m.stft.Frames(len(samples)))
	magnitudes := make([]float64, m.stft.Bins())
	err := m.stft.each(samples, func(frame int, bins []complex128) {
		for i, v := range bins {
			magnitudes[i] = magnitude(v, m.Power)
		}
		for r, filter := range m.filters {
			var sum float64
			for i, weight := range filter.weights {
				sum += weight * magnitudes[filter.first+i]
			}
			p.Values[r*p.Columns+frame] = float32(sum)
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

// MFCC returns the first so many mel frequency cepstral coefficients: the discrete cosine
// transform (the second, orthonormal) of the mel spectrogram in decibels, of which what is
// 80 below the largest is cut off, as torchaudio.transforms.MFCC does.
func (m *MelSpectrogram) MFCC(samples []float32, coefficients int) (*Picture, error) {
	if coefficients < 1 || coefficients > m.Mels {
		return nil, fmt.Errorf("%d coefficients are wanted of %d mels, want 1 to %d", coefficients, m.Mels, m.Mels)
	}
	mel, err := m.Compute(samples)
	if err != nil {
		return nil, err
	}
	mel = mel.Decibels(80)
	out := newPicture(coefficients, mel.Columns)
	n := float64(m.Mels)
	row := make([]float64, mel.Columns)
	for k := range coefficients {
		scale := math.Sqrt(2 / n)
		if k == 0 {
			scale = math.Sqrt(1 / n)
		}
		clear(row)
		for r := range m.Mels {
			factor := scale * math.Cos(math.Pi/n*(float64(r)+0.5)*float64(k))
			for c := range row {
				row[c] += factor * float64(mel.Values[r*mel.Columns+c])
			}
		}
		for c, v := range row {
			out.Values[k*out.Columns+c] = float32(v)
		}
	}
	return out, nil
}
