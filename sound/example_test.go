package sound_test

import (
	"context"
	"fmt"
	"log"
	"os"

	"inkling/sound"
)

// A recording becomes what a network reads: 40 mels of 64 frames.
func Example() {
	file, err := os.Open("testdata/s24.flac")
	if err != nil {
		log.Fatal(err)
	}
	defer file.Close()
	clip, err := sound.Decode(context.Background(), file, sound.Own)
	if err != nil {
		log.Fatal(err)
	}
	mel, err := sound.NewMelSpectrogram(sound.MelSettings{
		Settings: sound.Settings{FFTSize: 64, Padding: sound.Zeros}, Rate: 16000, Mels: 20,
	})
	if err != nil {
		log.Fatal(err)
	}
	p, err := mel.Compute(sound.Resample(clip.Mono(), clip.Rate, mel.Rate))
	if err != nil {
		log.Fatal(err)
	}
	p = p.Decibels(80).Normalize().Fit(64, 0)
	fmt.Println(clip.Duration(), p.Rows, "x", p.Columns)
	// Output: 7.5ms 20 x 64
}
