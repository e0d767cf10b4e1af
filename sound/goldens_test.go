package sound

import (
	"bytes"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"inkling/weights/npy"
)

// goldens are the arrays of testdata/goldens.npz, which goldens.py beside it makes.
func goldens(t testing.TB) map[string][]float32 {
	t.Helper()
	file, err := os.ReadFile("testdata/goldens.npz")
	if err != nil {
		t.Fatal(err)
	}
	archive, err := npy.ReadArchive(bytes.NewReader(file), int64(len(file)))
	if err != nil {
		t.Fatal(err)
	}
	all := map[string][]float32{}
	for _, a := range archive.Arrays {
		all[a.Name] = a.Float32s()
	}
	return all
}

// same compares with a golden: relative to its largest value.
func same(t *testing.T, name string, got, want []float32, tolerance float64) {
	t.Helper()
	if len(want) == 0 || len(got) != len(want) {
		t.Errorf("%s: %d values, want %d", name, len(got), len(want))
		return
	}
	var largest, worst float64
	for i, v := range want {
		largest = max(largest, math.Abs(float64(v)))
		if d := math.Abs(float64(got[i]) - float64(v)); !(d <= worst) {
			worst = d
		}
	}
	if !(worst <= tolerance*largest) {
		t.Errorf("%s: differs by %.2g of the largest, want at most %.2g", name, worst/largest, tolerance)
	}
}

func TestResample(t *testing.T) {
	all := goldens(t)
	for _, rates := range [][2]int{{2, 1}, {1, 2}, {160, 441}, {441, 160}, {3, 2}, {16000, 7999}} {
		name := fmt.Sprintf("resample_%d_%d", rates[0], rates[1])
		same(t, name, Resample(all["signal"][:700], rates[1], rates[0]), all[name], 1e-6)
	}
	if got := Resample([]float32{1, 2}, 8000, 8000); len(got) != 2 || got[1] != 2 {
		t.Errorf("the same rate gives %v", got)
	}
	if got := Resample(nil, 8000, 16000); len(got) != 0 {
		t.Errorf("no samples give %v", got)
	}
}

func TestSTFT(t *testing.T) {
	all := goldens(t)
	for name, s := range map[string]Settings{
		"hann":     {FFTSize: 256, HopLength: 128},
		"hamming":  {FFTSize: 200, HopLength: 80, Window: Hamming},
		"blackman": {FFTSize: 101, HopLength: 50, Window: Blackman},
	} {
		s.Padding, s.Full = Zeros, true
		stft, err := NewSTFT(s)
		if err != nil {
			t.Fatal(err)
		}
		spectra, err := stft.Complex(all["signal"])
		if err != nil {
			t.Fatal(err)
		}
		weights, _ := stft.Window.Values(stft.WindowLength)
		var sum float64 // SciPy divides by the window's sum
		for _, w := range weights {
			sum += w
		}
		re, im := newPicture(stft.Bins(), len(spectra)), newPicture(stft.Bins(), len(spectra))
		for c, bins := range spectra {
			for r, v := range bins {
				re.Values[r*re.Columns+c], im.Values[r*im.Columns+c] = float32(real(v)/sum), float32(imag(v)/sum)
			}
		}
		same(t, name+", real", re.Values, all["stft_"+name+"_real"], 1e-6)
		same(t, name+", imaginary", im.Values, all["stft_"+name+"_imag"], 1e-6)
	}
}

func TestSpectrogram(t *testing.T) {
	all := goldens(t)
	for name, test := range map[string]struct {
		Settings
		power float64
	}{
		"default": {Settings{}, 2},
		"narrow":  {Settings{FFTSize: 256, WindowLength: 200, HopLength: 80, Window: Hamming}, 2},
		"outside": {Settings{FFTSize: 128, Padding: None}, 1},
	} {
		stft, err := NewSTFT(test.Settings)
		if err != nil {
			t.Fatal(err)
		}
		p, err := stft.Spectrogram(all["signal"], test.power)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, p.Values, all["spectrogram_"+name], 1e-6)
	}
}

func TestMelSpectrogram(t *testing.T) {
	all := goldens(t)
	for name, s := range map[string]MelSettings{
		"default": {Settings: Settings{FFTSize: 256}, Mels: 23},
		"librosa": {Settings: Settings{FFTSize: 512, HopLength: 128}, Mels: 40, Low: 20, High: 3800, Slaney: true},
	} {
		s.Rate = 8000
		mel, err := NewMelSpectrogram(s)
		if err != nil {
			t.Fatal(err)
		}
		p, err := mel.Compute(all["signal"])
		if err != nil {
			t.Fatal(err)
		}
		same(t, name, p.Values, all["mel_"+name], 5e-6) // torchaudio has its filters in float32
		same(t, name+" in decibels", p.Decibels(60).Values, all["decibels_"+name], 1e-5)
		mfcc, err := mel.MFCC(all["signal"], 13)
		if err != nil {
			t.Fatal(err)
		}
		same(t, name+" coefficients", mfcc.Values, all["mfcc_"+name], 1e-5)
		same(t, name+" deltas", mfcc.Deltas(5).Values, all["deltas_"+name], 1e-5)
	}
}

func TestSettingsRefused(t *testing.T) {
	for want, s := range map[string]MelSettings{
		"FFTSize is -1, want 1 to 65536":               {Settings: Settings{FFTSize: -1}},
		"WindowLength is 500, want 1 to FFTSize":       {Settings: Settings{WindowLength: 500}},
		"HopLength is -3":                              {Settings: Settings{HopLength: -3}},
		`Padding is "same"`:                            {Settings: Settings{Padding: "same"}},
		`no window "hanning", want one of blackman`:    {Settings: Settings{Window: "hanning"}},
		"the Rate is -1":                               {Rate: -1},
		"the Mels are 2000":                            {Mels: 2000},
		"from Low, 0, to High, 9000 Hz":                {High: 9000},
		"from Low, NaN, to High, 8000 Hz, want a rang": {Low: math.NaN()},
		"the Power is -2":                              {Power: -2},
	} {
		if _, err := NewMelSpectrogram(s); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", s, err, want)
		}
	}
	mel, err := NewMelSpectrogram(MelSettings{})
	if err != nil {
		t.Fatal(err)
	}
	for want, n := range map[string]int{"0 samples are fewer than a frame of 400": 0, "200 samples cannot be mirrored over 200": 200} {
		if _, err := mel.Compute(make([]float32, n)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%d samples: %v, want %q", n, err, want)
		}
	}
	if _, err := mel.MFCC(make([]float32, 1000), 200); err == nil || !strings.Contains(err.Error(), "200 coefficients are wanted of 128 mels") {
		t.Errorf("more coefficients than mels: %v", err)
	}
}
