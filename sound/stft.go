package sound

import (
	"fmt"
	"math"
	"math/cmplx"

	"gonum.org/v1/gonum/dsp/fourier"
)

// A Padding says what stands before the first and behind the last sample, half a frame
// of it, so that the first frame has its middle at the first sample.
type Padding string

// The paddings.
const (
	Reflect Padding = "reflect" // the samples mirrored at the first and the last (torch.stft)
	Zeros   Padding = "zeros"   // silence (scipy.signal.stft)
	None    Padding = "none"    // nothing: the first frame begins with the first sample
)

// Settings are those of a short-time Fourier transform. What is 0 has its default.
type Settings struct {
	FFTSize      int     // samples of a transform (400), n_fft in PyTorch
	WindowLength int     // samples of a frame (FFTSize), in the middle of a transform
	HopLength    int     // samples from a frame to the next (half of WindowLength)
	Window       Window  // (Hann)
	Padding      Padding // (Reflect)
	// Full adds silence behind the last sample, so that all samples are in a frame
	// (scipy's padded).
	Full bool
}

// The limits of what a transform takes.
const (
	MaxFFTSize = 1 << 16
	// MaxValues is how many numbers a result may have.
	MaxValues = 1 << 27
)

func (s Settings) withDefaults() (Settings, error) {
	if s.FFTSize == 0 {
		s.FFTSize = 400
	}
	if s.WindowLength == 0 {
		s.WindowLength = s.FFTSize
	}
	if s.HopLength == 0 {
		s.HopLength = max(s.WindowLength/2, 1)
	}
	if s.Window == "" {
		s.Window = Hann
	}
	if s.Padding == "" {
		s.Padding = Reflect
	}
	switch {
	case s.FFTSize < 1 || s.FFTSize > MaxFFTSize:
		return s, fmt.Errorf("FFTSize is %d, want 1 to %d", s.FFTSize, MaxFFTSize)
	case s.WindowLength < 1 || s.WindowLength > s.FFTSize:
		return s, fmt.Errorf("WindowLength is %d, want 1 to FFTSize, which is %d", s.WindowLength, s.FFTSize)
	case s.HopLength < 1:
		return s, fmt.Errorf("HopLength is %d, want at least 1", s.HopLength)
	case s.Padding != Reflect && s.Padding != Zeros && s.Padding != None:
		return s, fmt.Errorf("Padding is %q, want %s, %s or %s", s.Padding, Reflect, Zeros, None)
	}
	return s, nil
}

// An STFT is a short-time Fourier transform. It may be used by one goroutine at a time.
type STFT struct {
	Settings // with their defaults

	window []float64 // of FFTSize samples
	fft    *fourier.FFT
	frame  []float64
	bins   []complex128
}

// NewSTFT makes a transform. It fails on settings that cannot be.
func NewSTFT(s Settings) (*STFT, error) {
	s, err := s.withDefaults()
	if err != nil {
		return nil, err
	}
	values, err := s.Window.Values(s.WindowLength)
	if err != nil {
		return nil, err
	}
	t := &STFT{Settings: s, window: make([]float64, s.FFTSize), fft: fourier.NewFFT(s.FFTSize), frame: make([]float64, s.FFTSize), bins: make([]complex128, s.FFTSize/2+1)}
	copy(t.window[(s.FFTSize-s.WindowLength)/2:], values)
	return t, nil
}

// Bins is how many frequencies there are, from 0 to half the rate: FFTSize/2+1.
func (t *STFT) Bins() int { return t.FFTSize/2 + 1 }

// Frames is how many frames so many samples have, 0 if they are fewer than the first
// needs.
func (t *STFT) Frames(samples int) int {
	if t.Padding != None {
		samples += t.FFTSize / 2 * 2
	}
	if samples < t.FFTSize && !(t.Full && samples > 0) {
		return 0
	}
	if t.Full {
		return (max(samples-t.FFTSize, 0)+t.HopLength-1)/t.HopLength + 1
	}
	return (samples-t.FFTSize)/t.HopLength + 1
}

// Complex returns the spectrum of every frame, [frames][Bins].
func (t *STFT) Complex(samples []float32) ([][]complex128, error) {
	var all [][]complex128
	err := t.each(samples, func(_ int, bins []complex128) { all = append(all, append([]complex128(nil), bins...)) })
	return all, err
}

// each calls f with the spectrum of every frame.
func (t *STFT) each(samples []float32, f func(frame int, bins []complex128)) error {
	n, frames := len(samples), t.Frames(len(samples))
	before := 0
	if t.Padding != None {
		before = t.FFTSize / 2
	}
	switch {
	case frames == 0 || n == 0:
		return fmt.Errorf("%d samples are fewer than a frame of %d", n, t.FFTSize)
	case t.Padding == Reflect && n <= before:
		return fmt.Errorf("%d samples cannot be mirrored over %d: want more of them, or silence (Zeros) round them", n, before)
	case frames > MaxValues/t.Bins():
		return fmt.Errorf("%d samples give %d frames of %d frequencies, want %d numbers at most: choose a larger HopLength", n, frames, t.Bins(), MaxValues)
	}
	for k := range frames {
		for i, w := range t.window {
			at := k*t.HopLength + i - before
			if t.Padding == Reflect {
				if at < 0 {
					at = -at
				} else if at >= n && at < n+before {
					at = 2*(n-1) - at
				}
			}
			t.frame[i] = 0
			if at >= 0 && at < n {
				t.frame[i] = w * float64(samples[at])
			}
		}
		f(k, t.fft.Coefficients(t.bins, t.frame))
	}
	return nil
}

// Spectrogram returns the magnitudes of the spectra, to a power: 1 for magnitudes and 2
// for power, as torchaudio.transforms.Spectrogram does. It has Bins rows.
func (t *STFT) Spectrogram(samples []float32, power float64) (*Picture, error) {
	p := newPicture(t.Bins(), t.Frames(len(samples)))
	err := t.each(samples, func(frame int, bins []complex128) {
		for i, v := range bins {
			p.Values[i*p.Columns+frame] = float32(magnitude(v, power))
		}
	})
	if err != nil {
		return nil, err
	}
	return p, nil
}

func magnitude(v complex128, power float64) float64 {
	switch power {
	case 1:
		return cmplx.Abs(v)
	case 2:
		return real(v)*real(v) + imag(v)*imag(v)
	}
	return math.Pow(cmplx.Abs(v), power)
}
