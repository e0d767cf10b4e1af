// Command spoken-digits trains a network that understands the spoken digits from 0 to 9.
// It is the tutorial once more, with recordings in place of pictures: what the network
// reads is a picture of the sound. Read it from top to bottom.
//
// The recordings are those of the Free Spoken Digit Dataset,
// https://github.com/Jakobovski/free-spoken-digit-dataset: WAV files called
// DIGIT_SPEAKER_NUMBER.wav in a folder.
package main

import (
	"context"
	"flag"
	"fmt"
	"log"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/sound"
	"inkling/train"
	"inkling/weights"
)

// The picture of a recording: a row for each of 40 pitches as the ear tells them apart,
// a column for every hundredth of a second, and as many columns for all.
const rate, mels, columns, classes = 8000, 40, 64, 10

// A recording is the samples of one digit.
type recording struct {
	digit   int
	samples []float32
}

func main() {
	dir := flag.String("data", "recordings", "the folder with the recordings")
	speaker := flag.String("leave-out", "", "test on this speaker, whom the network has not heard; else on the first five recordings of each digit and speaker")
	epochs := flag.Int("epochs", 30, "how often every recording is heard")
	batch := flag.Int("batch", 32, "recordings a step")
	seed := flag.Uint64("seed", 1, "the seed of all random numbers")
	flag.Parse()
	r := rand.New(rand.NewPCG(*seed, 0))

	// 1. Read the recordings, and make pictures of them.
	heard, unheard := open(*dir, *speaker)
	if len(heard) < *batch || len(unheard) == 0 {
		log.Fatalf("there are %d recordings to train on and %d to test with, want at least %d and 1", len(heard), len(unheard), *batch)
	}
	fmt.Printf("%d recordings to train on, %d to test with.\n", len(heard), len(unheard))
	mel, err := sound.NewMelSpectrogram(sound.MelSettings{
		Settings: sound.Settings{FFTSize: 256, HopLength: rate / 100, Padding: sound.Zeros}, Rate: rate, Mels: mels, Slaney: true,
	})
	check(err)

	// 2. Train. A recording sounds a little different each time: faster or slower, and a
	// few pitches and moments are covered.
	model, err := models.FindModel("melcnn convolutions=5") // that, and the mean of what they find
	check(err)
	net, err := model.NewModel(models.Config{Channels: 1, Height: mels, Width: columns, Classes: classes}, *seed)
	check(err)
	steps := len(heard) / *batch
	adam := optim.NewAdamW(0.003)
	schedule := optim.NewOneCycleLR(adam.LR, *epochs*steps)
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, adam, *batch, 1, mels, columns)
	check(err)
	pictures, labels := make([]float32, *batch*mels*columns), make([]int, *batch)
	for epoch := range *epochs {
		running, order := 0.0, r.Perm(len(heard))
		for step := range steps {
			for i := range *batch {
				example := heard[order[step**batch+i]]
				p := picture(mel, sound.Speed(r, example.samples, 0.15))
				p.MaskRows(r, 6, 0)
				p.MaskColumns(r, 8, 0)
				copy(pictures[i*mels*columns:], p.Values)
				labels[i] = example.digit
			}
			adam.LR = schedule.Rate(0.003, epoch*steps+step)
			running += program.Step(pictures, labels)
		}
		fmt.Printf("[%d] loss: %.3f\n", epoch+1, running/float64(steps))
	}

	// 3. Test.
	right := 0
	reader, err := nn.Compile(net, 1, 1, mels, columns)
	check(err)
	for _, example := range unheard {
		if train.Argmax(reader.Forward(picture(mel, example.samples).Values)) == example.digit {
			right++
		}
	}
	fmt.Printf("Accuracy of the network on the %d test recordings: %.2f%%\n", len(unheard), 100*float64(right)/float64(len(unheard)))
	check(weights.Save("spoken-digits.pth", nn.State(net)))
}

// picture returns what the network reads of samples: how loud each pitch is, in decibels,
// without what is the same in all. What is 40 below the loudest counts as silence: there is
// little but the noise of a microphone, and the network would know speakers by it.
func picture(mel *sound.MelSpectrogram, samples []float32) *sound.Picture {
	p, err := mel.Compute(samples)
	check(err)
	return p.Decibels(40).Normalize().Fit(columns, 0)
}

// open reads the recordings of a folder.
func open(dir, leaveOut string) (heard, unheard []recording) {
	names, err := filepath.Glob(filepath.Join(dir, "*.wav"))
	check(err)
	speakers := map[string]bool{}
	for _, name := range names {
		parts := strings.Split(strings.TrimSuffix(filepath.Base(name), ".wav"), "_")
		if len(parts) != 3 {
			log.Fatalf("%s is not called DIGIT_SPEAKER_NUMBER.wav", name)
		}
		digit, err := strconv.Atoi(parts[0])
		number, err2 := strconv.Atoi(parts[2])
		if err != nil || err2 != nil || digit < 0 || digit >= classes {
			log.Fatalf("%s is not called DIGIT_SPEAKER_NUMBER.wav", name)
		}
		file, err := os.Open(name)
		check(err)
		clip, err := sound.Decode(context.Background(), file, sound.Own)
		file.Close()
		if err != nil {
			log.Fatalf("%s: %v", name, err)
		}
		example := recording{digit, sound.Resample(clip.Mono(), clip.Rate, rate)}
		speakers[parts[1]] = true
		if parts[1] == leaveOut || leaveOut == "" && number < 5 {
			unheard = append(unheard, example)
		} else {
			heard = append(heard, example)
		}
	}
	if leaveOut != "" && !speakers[leaveOut] {
		log.Fatalf("%s has no recordings of the speaker %q", dir, leaveOut)
	}
	return heard, unheard
}

func check(err error) {
	if err != nil {
		log.Fatal(err)
	}
}
