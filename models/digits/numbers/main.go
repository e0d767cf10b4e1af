// Command numbers tells how well numbers are read: those of two to five digits that
// strangers drew, put side by side, as many as are asked for of each length.
//
//	go run ./models/digits/numbers [-numbers 500] [-seed 1] [-network lenet] STROKES
//
// STROKES is the file of UCI's pen digits as lines that sketch.NewLines reads; the
// writers tra21 to tra30 are the strangers. A number has one writer. It also tells how
// many of all single digits are taken for several.
package main

import (
	"flag"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"

	"inkling"
	"inkling/models/digits"
	"inkling/sketch"
)

var (
	numbers = flag.Int("numbers", 500, "make `N` numbers of each length")
	seed    = flag.Uint64("seed", 1, "`NUMBER` that they follow from")
	name    = flag.String("network", digits.LeNet, "let this built-in network read: `NAME`")
	alone   = flag.Bool("alone", false, "let the network for digits tell them apart alone, without the one for marks")
	gap     = flag.Float64("gap", 0.1, "put digits so far apart at least, for their height; below 0 they may touch: `SHARE`")
)

func main() {
	flag.Parse()
	if flag.NArg() != 1 {
		fmt.Fprintln(os.Stderr, "numbers: want a file of strokes")
		os.Exit(2)
	}
	if err := run(flag.Arg(0)); err != nil {
		fmt.Fprintln(os.Stderr, "numbers:", err)
		os.Exit(1)
	}
}

func run(path string) error {
	network, about, err := digits.Open(*name)
	if err != nil {
		return err
	}
	m := &inkling.Classifier{Network: network, About: about}
	const together = 32
	single, err := inkling.NewBatchReader(m, m.TransformDrawing(), together)
	if err != nil {
		return err
	}
	judge, err := digits.Judge()
	if err != nil {
		return err
	}
	reader := &sketch.Reader{Procedure: sketch.EMNIST, Read: single.ReadAll, Judge: judge, Together: together}
	if *alone {
		reader.Judge = nil
	}
	byWriter, all, err := drawings(path)
	if err != nil {
		return err
	}
	several := 0
	for _, d := range all {
		page, err := reader.Strokes(d.Drawing)
		if err != nil {
			return err
		}
		if len(page.Marks) != 1 {
			several++
		}
	}
	fmt.Printf("single digits: %d of %d (%.2f %%) are taken for several\n", several, len(all), 100*float64(several)/float64(len(all)))
	r := rand.New(rand.NewPCG(*seed, 0x6e756d62657273)) // "numbers"
	writers := make([]string, 0, len(byWriter))
	for w := range byWriter {
		writers = append(writers, w)
	}
	slices.Sort(writers)
	right, total := 0, 0
	for length := 2; length <= 5; length++ {
		correct, counted := 0, 0
		for range *numbers {
			own := byWriter[writers[r.IntN(len(writers))]]
			d, want := compose(r, own, length)
			page, err := reader.Strokes(d)
			if err != nil {
				return err
			}
			got := ""
			for _, m := range page.Marks {
				got += about.Classes[slices.Index(m.Probabilities, slices.Max(m.Probabilities))]
			}
			if len(page.Marks) == length && page.Lines() == 1 {
				counted++
			}
			if got == want && page.Lines() == 1 {
				correct++
			}
		}
		fmt.Printf("%d digits: %.1f %% have as many, %.1f %% are read fully right\n", length, 100*float64(counted)/float64(*numbers), 100*float64(correct)/float64(*numbers))
		right, total = right+correct, total+*numbers
	}
	fmt.Printf("all: %.2f %%\n", 100*float64(right)/float64(total))
	return nil
}

// drawings returns those of strangers by their writer, and all.
func drawings(path string) (byWriter map[string][]sketch.Labelled, all []sketch.Labelled, err error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, nil, err
	}
	defer f.Close()
	byWriter = map[string][]sketch.Labelled{}
	lines := sketch.NewLines(f)
	for lines.Next() {
		d := lines.Drawing()
		all = append(all, d)
		if number, err := strconv.Atoi(strings.TrimPrefix(d.Writer, "tra")); err == nil && number > 20 {
			byWriter[d.Writer] = append(byWriter[d.Writer], d)
		}
	}
	if lines.Err() == nil && len(byWriter) == 0 {
		return nil, nil, fmt.Errorf("%s has no drawings of writers tra21 to tra30", path)
	}
	return byWriter, all, lines.Err()
}

// compose puts digits of a writer side by side, as large as each was written, up to a
// tenth higher or lower, and as far apart as the least gap and up to 0.3 of a height more.
func compose(r *rand.Rand, own []sketch.Labelled, length int) (d sketch.Drawing, text string) {
	at := 0.0
	for range length {
		digit := own[r.IntN(len(own))]
		text += digit.Label
		var left, right, top, bottom float64
		first := true
		for _, s := range digit.Strokes {
			for _, p := range s {
				if first {
					left, right, top, bottom, first = p.X, p.X, p.Y, p.Y, false
				}
				left, right, top, bottom = min(left, p.X), max(right, p.X), min(top, p.Y), max(bottom, p.Y)
			}
		}
		scale := 100 / max(bottom-top, 1) * (0.9 + 0.2*r.Float64())
		rise := 20 * (r.Float64() - 0.5)
		for _, s := range digit.Strokes {
			var moved sketch.Stroke
			for _, p := range s {
				moved = append(moved, sketch.Point{X: at + scale*(p.X-left), Y: rise + scale*(p.Y-top)})
			}
			d.Strokes = append(d.Strokes, moved)
		}
		at += scale*(right-left) + 100*(*gap+0.3*r.Float64())
	}
	return d, text
}
