package main

import (
	"image"
	"math"

	"inkling/data"
	"inkling/plot"
	"inkling/sound"
	"inkling/transform"
)

// drawSpectrograms draws what a network reads of recordings: low pitches below.
func drawSpectrograms(values []float32, labels []string, height, width int) (*image.RGBA, error) {
	pixels := make([]byte, len(values))
	for i := range labels {
		drawSpectrogram(pixels[i*height*width:][:height*width], values[i*height*width:][:height*width], width)
	}
	return plot.Grid{Columns: 8, Scale: max(1, 96/width), Labels: labels}.Bytes(pixels, 1, height, width)
}

// drawSpectrogram makes gray pixels, from the quietest to the loudest, of a spectrogram
// whose first row has the lowest pitch.
func drawSpectrogram(pixels []byte, values []float32, width int) {
	low, high := float32(math.Inf(1)), float32(math.Inf(-1))
	for _, v := range values {
		low, high = min(low, v), max(high, v)
	}
	for i, v := range values {
		row, column := i/width, i%width
		at := (len(values)/width-1-row)*width + column
		if high > low {
			pixels[at] = byte(255 * (v - low) / (high - low))
		}
	}
}

// spectrograms is a data set of recordings as pictures of their spectrograms, for people.
type spectrograms struct {
	data.Dataset
	in *sound.Input
}

// Viewed is the recordings.
func (s *spectrograms) Viewed() data.Dataset { return s.Dataset }

func (s *spectrograms) Shape() (channels, height, width int) { return 1, s.in.Mels, s.in.Columns }

func (s *spectrograms) Example(i int) (pixels []byte, label int, err error) {
	row, label, err := s.Dataset.Example(i)
	if err != nil {
		return nil, 0, err
	}
	channels, height, width := s.in.Shape()
	pipeline, err := transform.Compile(s.in.Transform(), channels, height, width)
	if err != nil {
		return nil, 0, err
	}
	values := make([]float32, s.in.Mels*s.in.Columns)
	pipeline.Apply(values, row)
	pixels = make([]byte, len(values))
	drawSpectrogram(pixels, values, s.in.Columns)
	return pixels, label, nil
}
