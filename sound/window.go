package sound

import (
	"fmt"
	"math"
	"slices"
	"strings"
)

// A Window is the weight of the samples of a frame.
type Window string

// The windows, in the periodic form that spectra are made with (fftbins=True in
// scipy.signal.get_window, periodic=True in torch.hann_window).
const (
	Hann        Window = "hann"
	Hamming     Window = "hamming"
	Blackman    Window = "blackman"
	Rectangular Window = "rectangular"
)

// cosines are the factors of the cosines that a window is the sum of.
var cosines = map[Window][]float64{
	Hann:        {0.5, -0.5},
	Hamming:     {0.54, -0.46},
	Blackman:    {0.42, -0.5, 0.08},
	Rectangular: {1},
}

// Values returns a window of so many samples.
func (w Window) Values(n int) ([]float64, error) {
	factors, ok := cosines[w]
	if !ok {
		var names []string
		for name := range cosines {
			names = append(names, string(name))
		}
		slices.Sort(names)
		return nil, fmt.Errorf("there is no window %q, want one of %s", w, strings.Join(names, ", "))
	}
	values := make([]float64, n)
	for i := range values {
		for k, factor := range factors {
			values[i] += factor * math.Cos(2*math.Pi*float64(k)*float64(i)/float64(n))
		}
	}
	return values, nil
}
