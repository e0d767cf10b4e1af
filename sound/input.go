package sound

import (
	"context"
	"encoding/binary"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"slices"
	"sync"

	"inkling/transform"
)

// An Input is what a network reads of recordings: the logarithm of a mel spectrogram, a
// picture with a row for every pitch, over so many seconds. Its JSON is what a model's file
// keeps.
type Input struct {
	Rate    int     `json:"rate"`    // samples a second; others are resampled
	Seconds float64 `json:"seconds"` // that are read; the middle of longer recordings
	Mels    int     `json:"mels"`    // rows of the picture
	Columns int     `json:"columns"` // of the picture, over Seconds
	Window  float64 `json:"window"`  // seconds that a column looks at
	Range   float64 `json:"range"`   // decibels below the loudest that are told apart
}

// UsualInput is what is usual for recordings of a rate that last so long: 40 mels, a
// column for every 16 ms, and 40 decibels below the loudest: what is quieter is mostly the
// noise of a place and of a microphone, by which a network knows speakers, and errs on others.
func UsualInput(rate int, seconds float64) Input {
	columns := max(8, (int(math.Ceil(seconds/0.016))+7)/8*8)
	return Input{Rate: rate, Seconds: seconds, Mels: 40, Columns: columns, Window: 0.032, Range: 40}
}

// The limits of an Input.
const (
	MaxSeconds    = 60
	maxInputMels  = 256
	maxInputSides = 4096
)

// ParseInput reads the JSON of an Input.
func ParseInput(file string) (*Input, error) {
	var in Input
	if err := json.Unmarshal([]byte(file), &in); err != nil {
		return nil, fmt.Errorf("how recordings become pictures cannot be read: %w", err)
	}
	return &in, in.Check()
}

// Check refuses settings that cannot be.
func (in *Input) Check() error {
	switch {
	case in.Rate < 1000 || in.Rate > MaxRate:
		return fmt.Errorf("the rate is %d samples a second, want 1000 to %d", in.Rate, MaxRate)
	case !(in.Seconds >= 0.05 && in.Seconds <= MaxSeconds):
		return fmt.Errorf("%g seconds of a recording are read, want 0.05 to %d", in.Seconds, MaxSeconds)
	case in.Mels < 8 || in.Mels > maxInputMels:
		return fmt.Errorf("there are %d mels, want 8 to %d", in.Mels, maxInputMels)
	case in.Columns < 8 || in.Columns > maxInputSides:
		return fmt.Errorf("there are %d columns, want 8 to %d", in.Columns, maxInputSides)
	case !(in.Window >= 0.002 && in.Window <= 0.5):
		return fmt.Errorf("a column looks at %g seconds, want 0.002 to 0.5", in.Window)
	case !(in.Range > 0 && in.Range <= 200):
		return fmt.Errorf("%g decibels are told apart, want more than 0 and 200 at most", in.Range)
	}
	return nil
}

// Most is how many samples are read of a recording.
func (in *Input) Most() int { return int(math.Ceil(in.Seconds * float64(in.Rate))) }

// settings are those of the spectrogram: windows as long as the next power of two takes,
// so many apart that Most samples give Columns of them.
func (in *Input) settings() MelSettings {
	size := 64
	for size < int(in.Window*float64(in.Rate)+0.5) {
		size *= 2
	}
	window := min(max(int(in.Window*float64(in.Rate)+0.5), 1), size)
	hop := max(1, (in.Most()+in.Columns-1)/in.Columns)
	return MelSettings{Settings: Settings{FFTSize: size, WindowLength: window, HopLength: hop, Padding: Zeros}, Rate: in.Rate, Mels: in.Mels, Slaney: true}
}

// Load decodes a recording from outside and returns the samples that the network reads of
// it: one channel of the Input's rate. It fails as [Decode] does, and on silence.
func (in *Input) Load(ctx context.Context, r io.Reader, l Limits) (samples []float32, clip *Clip, err error) {
	if clip, err = Decode(ctx, r, l); err != nil {
		return nil, nil, err
	}
	samples, err = in.Take(clip)
	return samples, clip, err
}

// Take returns the samples that the network reads of a recording, without the silence
// before and behind where it is longer than what is read. It fails on silence.
func (in *Input) Take(clip *Clip) ([]float32, error) {
	mono := clip.Mono()
	loudest := float32(0)
	for _, v := range mono {
		loudest = max(loudest, v, -v)
	}
	if loudest < 1e-4 {
		return nil, fmt.Errorf("there is nothing to hear in it: its %.1f s are silence", clip.Duration().Seconds())
	}
	most := int(math.Ceil(in.Seconds*float64(clip.Rate))) + 1
	if len(mono) > most {
		mono = Trim(mono, 40)
	}
	if over := len(mono) - most; over > 0 {
		mono = mono[over/2:][:most]
	}
	mono = Resample(mono, clip.Rate, in.Rate)
	return mono[:min(len(mono), in.Most())], nil
}

// Bytes is a sample as data sets hold it: how many samples there are, in four bytes, and
// Most of two bytes each. Samples beyond 1 are cut.
func (in *Input) Bytes(samples []float32) []byte {
	row := make([]byte, 4+2*in.Most())
	putSamples(row, samples)
	return row
}

func putSamples(row []byte, samples []float32) {
	n := min(len(samples), (len(row)-4)/2)
	binary.LittleEndian.PutUint32(row, uint32(n))
	for i, v := range samples[:n] {
		binary.LittleEndian.PutUint16(row[4+2*i:], uint16(int16(math.RoundToEven(float64(min(max(v, -1), 1))*math.MaxInt16))))
	}
}

// samplesOf is the other way round.
func samplesOf(row []byte) []float32 {
	n := min(int(binary.LittleEndian.Uint32(row)), (len(row)-4)/2)
	samples := make([]float32, n)
	for i := range samples {
		samples[i] = float32(int16(binary.LittleEndian.Uint16(row[4+2*i:]))) / math.MaxInt16
	}
	return samples
}

// Shape is that of the samples' bytes: channels, height and width.
func (in *Input) Shape() (channels, height, width int) { return 1, 1, 4 + 2*in.Most() }

// Picture is what the network reads of samples: decibels without what is the same in all,
// mean 0 and deviation 1.
func (in *Input) Picture(samples []float32) (*Picture, error) {
	mel, err := NewMelSpectrogram(in.settings())
	if err != nil {
		return nil, err
	}
	return in.picture(mel, samples)
}

func (in *Input) picture(mel *MelSpectrogram, samples []float32) (*Picture, error) {
	p, err := mel.Compute(samples)
	if err != nil {
		return nil, err
	}
	p = p.Decibels(in.Range).Normalize()
	return p.Fit(in.Columns, slices.Min(p.Values)), nil
}

// Transform makes the network's input of samples' bytes.
func (in *Input) Transform() transform.Transform { return &spectrum{in: *in} }

// spectrum is a picture of samples' bytes.
type spectrum struct {
	in   Input
	mels sync.Pool // of *MelSpectrogram, which belong to one goroutine
}

// Format takes samples' bytes and promises the picture.
func (t *spectrum) Format(in transform.Format) (transform.Format, error) {
	if c, h, w := t.in.Shape(); in.Float || in.Channels != c || in.Height != h || in.Width != w {
		return in, fmt.Errorf("a spectrogram of %g s wants %d bytes of samples, but gets %v", t.in.Seconds, w, in)
	}
	return transform.Format{Channels: 1, Height: t.in.Mels, Width: t.in.Columns, Float: true}, nil
}

// Apply makes the picture. Samples that give none, as there are too few, give zeros.
func (t *spectrum) Apply(dst, src *transform.Picture) {
	mel, _ := t.mels.Get().(*MelSpectrogram)
	if mel == nil {
		var err error
		if mel, err = NewMelSpectrogram(t.in.settings()); err != nil {
			panic("sound: settings that Check accepted: " + err.Error())
		}
	}
	defer t.mels.Put(mel)
	clear(dst.Floats)
	if p, err := t.in.picture(mel, samplesOf(src.Bytes)); err == nil {
		copy(dst.Floats, p.Values)
	}
}

// String names the step.
func (t *spectrum) String() string {
	return fmt.Sprintf("MelSpectrogram(%d mels, %d columns)", t.in.Mels, t.in.Columns)
}

// A Change is a random step that changes the samples of a recording before its picture is
// made: f gets those that there are.
type Change struct {
	Name string
	F    func(r *rand.Rand, samples []float32) []float32
}

// Format takes samples' bytes and keeps their form.
func (t Change) Format(in transform.Format) (transform.Format, error) {
	if in.Float || in.Width < 4 {
		return in, fmt.Errorf("%s wants the bytes of samples, but gets %v", t.Name, in)
	}
	return in, nil
}

// Draw returns the step for one recording.
func (t Change) Draw(r *rand.Rand, _ transform.Format) transform.Transform { return changed{t, r} }

// Apply panics: the step is random.
func (t Change) Apply(_, _ *transform.Picture) {
	panic("sound: " + t.Name + " is random: draw a step from it, or seed the pipeline")
}

// String returns the name.
func (t Change) String() string { return t.Name }

type changed struct {
	Change
	r *rand.Rand
}

func (t changed) Apply(dst, src *transform.Picture) {
	clear(dst.Bytes)
	putSamples(dst.Bytes, t.F(t.r, samplesOf(src.Bytes)))
}

// Masks covers random bands of a spectrogram, up to so many rows and columns, with zeros:
// SpecAugment (Park et al. 2019, arXiv:1904.08779).
type Masks struct{ Rows, Columns int }

// Format takes one channel of float32.
func (t Masks) Format(in transform.Format) (transform.Format, error) {
	if !in.Float || in.Channels != 1 {
		return in, fmt.Errorf("Masks want a spectrogram, but get %v", in)
	}
	return in, nil
}

// Draw returns the step for one picture.
func (t Masks) Draw(r *rand.Rand, _ transform.Format) transform.Transform { return masked{t, r} }

// Apply panics: the step is random.
func (t Masks) Apply(_, _ *transform.Picture) {
	panic("sound: Masks are random: draw a step from them, or seed the pipeline")
}

// String names the step.
func (t Masks) String() string { return fmt.Sprintf("Masks(%d rows, %d columns)", t.Rows, t.Columns) }

type masked struct {
	Masks
	r *rand.Rand
}

func (t masked) Apply(dst, src *transform.Picture) {
	copy(dst.Floats, src.Floats)
	p := &Picture{Rows: dst.Height, Columns: dst.Width, Values: dst.Floats}
	p.MaskRows(t.r, t.Rows, 0)
	p.MaskColumns(t.r, t.Columns, 0)
}

// Stretched stretches a spectrogram at random, see [Picture.Stretch].
type Stretched struct{ Rows, Columns float64 }

// Format takes one channel of float32.
func (t Stretched) Format(in transform.Format) (transform.Format, error) {
	if !in.Float || in.Channels != 1 {
		return in, fmt.Errorf("Stretched wants a spectrogram, but gets %v", in)
	}
	return in, nil
}

// Draw returns the step for one picture.
func (t Stretched) Draw(r *rand.Rand, _ transform.Format) transform.Transform { return stretched{t, r} }

// Apply panics: the step is random.
func (t Stretched) Apply(_, _ *transform.Picture) {
	panic("sound: Stretched is random: draw a step from it, or seed the pipeline")
}

// String names the step.
func (t Stretched) String() string {
	return fmt.Sprintf("Stretched(rows %v, columns %v)", t.Rows, t.Columns)
}

type stretched struct {
	Stretched
	r *rand.Rand
}

func (t stretched) Apply(dst, src *transform.Picture) {
	p := &Picture{Rows: src.Height, Columns: src.Width, Values: src.Floats}
	copy(dst.Floats, p.Stretch(t.r, t.Rows, t.Columns).Values)
}
