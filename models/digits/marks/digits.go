package main

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"inkling/data/idx"
	"inkling/models/digits/internal/vary"
	"inkling/sketch"
)

// lookAlikes are letters that many write as digits, which are no examples of what is
// none.
const lookAlikes = "oOlIzZsSgq"

const byClass = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

// gather makes the pictures to train on, if that is wanted, and sets to test on that have
// none of them.
func gather(folder string, training bool) (*set, []*set, error) {
	r := rand.New(rand.NewPCG(seed, 0x6d61726b73)) // "marks"
	train := &set{}
	var written []*set
	names := []string{"emnist-mnist/emnist-mnist-standin-train", "emnist-extra/emnist-extra"}
	if !training {
		names = nil
	}
	for _, name := range names {
		s, err := upright(folder, name)
		if err != nil {
			return nil, nil, err
		}
		for i, label := range s.labels {
			picture := s.pixels[i*size:][:size]
			train.add(picture, label)
			train.add(vary.Picture(r, picture), label)
		}
		written = append(written, s)
	}
	emnist, err := upright(folder, "emnist-mnist/emnist-mnist-test")
	if err != nil {
		return nil, nil, err
	}
	emnist.name = "EMNIST, test"
	letters, err := upright(folder, "emnist-byclass/emnist-byclass-test")
	if err != nil {
		return nil, nil, err
	}
	lettersTest := &set{name: "letters that are no look-alikes, odd places"}
	for i, label := range letters.labels {
		picture, letter := letters.pixels[i*size:][:size], rune(byClass[label])
		switch {
		case label < 10 || strings.ContainsRune(lookAlikes, letter):
		case i%2 == 1:
			lettersTest.add(picture, none)
		case training:
			train.add(picture, none)
			for range 4 {
				train.add(vary.Picture(r, picture), none)
			}
		}
	}
	known, strangers, err := drawings(filepath.Join(folder, "pendigits-train", "strokes.jsonl.gz"))
	if err != nil {
		return nil, nil, err
	}
	strokes := &set{name: "strokes, tra21 to tra30"}
	for _, d := range strangers {
		if err := strokes.draw(d.Strokes, d.Label[0]-'0'); err != nil {
			return nil, nil, err
		}
	}
	copies := 20
	if !training {
		copies = 0
	}
	for range copies {
		for _, d := range known {
			if err := train.draw(vary.Strokes(r, d.Strokes), d.Label[0]-'0'); err != nil {
				return nil, nil, err
			}
		}
	}
	printed, printedTest, err := printed(folder)
	if err != nil {
		return nil, nil, err
	}
	for i, label := range printed.labels {
		if !training {
			break
		}
		picture := printed.pixels[i*size:][:size]
		train.add(picture, label)
		for range 11 {
			train.add(vary.Picture(r, picture), label)
		}
	}
	if training {
		if err := nothing(r, train, known, written); err != nil {
			return nil, nil, err
		}
	}
	tests := []*set{emnist, strokes, printedTest, lettersTest}
	for _, kind := range kinds {
		// Strangers' digits, and other numbers.
		s := &set{name: kind.name}
		other := rand.New(rand.NewPCG(seed+1, 0x6d61726b73))
		for range 2000 {
			if err := kind.add(other, s, strangers, []*set{emnist}); err != nil {
				return nil, nil, err
			}
		}
		tests = append(tests, s)
	}
	return train, tests, nil
}

// upright reads a data set of EMNIST, whose pictures lie on their side.
func upright(folder, prefix string) (*set, error) {
	images, labels, err := idx.Open(os.DirFS(folder), prefix+"-images-idx3-ubyte.gz", prefix+"-labels-idx1-ubyte.gz")
	if err != nil {
		return nil, err
	}
	if images.Height != sketch.Size || images.Width != sketch.Size {
		return nil, fmt.Errorf("the pictures of %s are %dx%d, want %dx%d", prefix, images.Height, images.Width, sketch.Size, sketch.Size)
	}
	s := &set{name: prefix, pixels: make([]byte, len(images.Pixels)), labels: labels}
	for i, v := range images.Pixels {
		at, p := i/size*size, i%size
		s.pixels[at+p%sketch.Size*sketch.Size+p/sketch.Size] = v
	}
	return s, nil
}

// drawings reads the pen digits: of the writers tra1 to tra20, and of the others.
func drawings(path string) (known, strangers []sketch.Labelled, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	lines := sketch.NewLines(f)
	for lines.Next() {
		d := lines.Drawing()
		number, err := strconv.Atoi(strings.TrimPrefix(d.Writer, "tra"))
		if err != nil || len(d.Label) != 1 {
			return nil, nil, fmt.Errorf("%s: line %d is no digit of a writer tra1 to tra30", path, d.Line)
		}
		if number <= 20 {
			known = append(known, d)
		} else {
			strangers = append(strangers, d)
		}
	}
	return known, strangers, lines.Err()
}

// draw adds the picture of strokes, as the sketchpad draws them.
func (s *set) draw(strokes []sketch.Stroke, label byte) error {
	result, err := sketch.FromStrokes(sketch.Drawing{Strokes: strokes}, sketch.EMNIST)
	if err == nil && !result.Empty {
		s.add(result.Pixels[:], label)
	}
	return err
}
