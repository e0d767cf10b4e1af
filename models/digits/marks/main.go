// Command marks trains the network that tells digits from what is none, and tests it:
//
//	go run ./models/digits/marks DATA FILE
//
// DATA is a folder with emnist-mnist, emnist-extra, emnist-byclass, pendigits-train and
// sudoku-photos, as README.md in the folder above says. The same data give the same
// FILE, whatever the number of workers.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"strings"
	"time"

	"inkling/data"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/optim"
	"inkling/sketch"
	"inkling/transform"
	"inkling/weights"
)

const (
	size  = sketch.Size * sketch.Size
	none  = 10 // the class
	seed  = 1
	batch = 32
)

var (
	epochs = flag.Int("epochs", 6, "show every picture `N` times")
	rate   = flag.Float64("lr", 0.03, "how far the weights move at first: `NUMBER`")
	read   = flag.Bool("read", false, "train nothing: tell how the built-in network for marks does, and its best temperature; no FILE")
	gamma  = flag.Float64("gamma", 0.55, "multiply that by this `FACTOR` after each epoch")
)

func main() {
	flag.Parse()
	if *read && flag.NArg() != 1 || !*read && flag.NArg() != 2 {
		fmt.Fprintln(os.Stderr, "marks: want a folder of data and a file to write, or -read and the folder")
		os.Exit(2)
	}
	err := error(nil)
	if *read {
		err = calibrate(flag.Arg(0))
	} else {
		err = run(flag.Arg(0), flag.Arg(1))
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "marks:", err)
		os.Exit(1)
	}
}

// A set is pictures, upright, with their labels.
type set struct {
	name           string
	pixels, labels []byte
}

func (s *set) add(pixels []byte, label byte) {
	s.pixels, s.labels = append(s.pixels, pixels...), append(s.labels, label)
}

var classes = append(strings.Split("0123456789", ""), digits.None)

func run(folder, out string) error {
	train, tests, err := gather(folder, true)
	if err != nil {
		return err
	}
	var each [none + 1]int
	for _, l := range train.labels {
		each[l]++
	}
	fmt.Println("pictures of each class:", each)
	d, err := data.NewMemory(train.pixels, train.labels, classes, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	steps := transform.Compose{transform.ToTensor{}, transform.Normalize{Mean: []float32{0.5}, Std: []float32{0.5}}}
	loader := &data.Loader{Dataset: d, Transform: steps, BatchSize: batch, Shuffle: true, Seed: seed, DropLast: true}
	network := digits.NewMarks()
	if err := nn.Init(network, rand.New(rand.NewPCG(seed, 0))); err != nil {
		return err
	}
	sgd := &optim.SGD{LR: *rate, Momentum: 0.9, WeightDecay: 1e-4, Nesterov: true}
	program, err := nn.CompileTrain(network, nn.CrossEntropy{}, sgd, batch, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	started := time.Now()
	for epoch := range *epochs {
		var sum float64
		n := 0
		for i, b := range loader.Batches() {
			sum += program.Step(b.Images, b.Labels)
			if n++; i%4000 == 3999 {
				fmt.Printf("epoch %d, batch %d: loss %.4f, %.0f s\n", epoch+1, i+1, sum/float64(n), time.Since(started).Seconds())
				sum, n = 0, 0
			}
		}
		if err := loader.Err(); err != nil {
			return err
		}
		sgd.LR *= *gamma
		about := weights.Metadata{Architecture: "Marks", Classes: classes, Mean: []float32{0.5}, Std: []float32{0.5},
			Orientation: weights.Upright, Input: []int{1, sketch.Size, sketch.Size}}
		if err := weights.Save(out, nn.State(network), about); err != nil {
			return err
		}
		if err := report(network, tests); err != nil {
			return err
		}
	}
	return nil
}

// report tells how each set is read.
func report(network *digits.Marks, tests []*set) error {
	program, err := nn.Compile(network, 256, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	input := make([]float32, 256*size)
	for _, t := range tests {
		right, called := 0, 0
		for from := 0; from < len(t.labels); from += 256 {
			some := t.labels[from:min(from+256, len(t.labels))]
			for i, v := range t.pixels[from*size : (from+len(some))*size] {
				input[i] = float32(v)/127.5 - 1
			}
			logits := program.Forward(input[:len(some)*size])
			for i, label := range some {
				own := logits[i*(none+1):][:none+1]
				best := 0
				for c, v := range own {
					if v > own[best] {
						best = c
					}
				}
				if best == int(label) {
					right++
				}
				if best == none {
					called++
				}
			}
		}
		n := float64(len(t.labels))
		fmt.Printf("  %-44s %6d pictures, %6.2f %% right, %6.2f %% called none\n", t.name, len(t.labels), 100*float64(right)/n, 100*float64(called)/n)
	}
	return nil
}
