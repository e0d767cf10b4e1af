package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"image"
	"io"
	"math"
	"os"
	"runtime"
	"slices"
	"strings"
	"sync"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/models/digits"
	"inkling/nn"
	"inkling/picture"
	"inkling/plot"
	"inkling/sketch"
	"inkling/train"
	"inkling/weights"
)

// predictOptions are the flags of predict.
type predictOptions struct {
	model                 modelFlags
	preprocess, inverting string
	json                  bool
	conv                  nn.Convolutions
}

func newPredict() *cobra.Command {
	var o predictOptions
	c := &cobra.Command{
		Use:   "predict [MODEL] IMAGE...",
		Short: "Say what a picture shows, a text says or a recording sounds",
		Long: `Let a model look at pictures (PNG, JPEG, GIF, BMP, TIFF or WebP) and say which class
each belongs to, and how probable it takes every class. Without MODEL it is digitnet
that reads, the larger of the two networks for digits that are built in; the other, the
tutorial's, is lenet, and the page of inkling serve shows it at work. An IMAGE is a file, a folder (all pictures in
it and below), a pattern such as 'scans/*.jpg', or - for standard input. A picture
that cannot be read is named, the others are read, and the exit status is 1.

Pictures are prepared as the network's training had them, as inkling serve does it
with the same model; --preprocess chooses another way:

  emnist, mnist  the ink is looked for, dark on light or light on dark, also on a
                 transparent layer, and brought to the place, size and thickness that
                 it has in that data set; a picture that already is like one of the
                 network's data, of its size and on a ground like theirs, is taken as
                 it is, unless the way is named
  tutorial       the whole picture is scaled to 28x28, as dark ink on white
  fit            made to fit the network's size and widened with paper; inverted if its
                 ground is light where that of the training's pictures was dark, or
                 the other way round
  resize         stretched to the network's size, as inkling train reads a folder;
                 gray ones are inverted as with fit

If the network's classes are the ten digits, a picture with several is read as a number,
line by line, and --json has the place of each. Uneven light, ruled lines and frames are
taken off for that, dots and commas left out, which is said. The built-in networks also say
what is probably none of the digits.

A model of texts is given texts in place of pictures, files with one, or - for the lines of
standard input, and tells which words made the answer; a model of recordings is given
files (WAV or FLAC), folders of them, patterns, or -.

Photographs are turned as their EXIF data say. A file may have 250 megapixels, if
decoding it takes no more than 1 GiB.` + modelFlagsHelp,
		Example: `  inkling predict photo.jpg
  inkling predict model.pth seven.png
  inkling predict model.pth scans --json
  inkling predict cifar.pth frog.jpg
  inkling predict reviews.pth "a moving film, and never dull"
  inkling predict spoken.pth clip.wav
  curl -s https://example.com/digit.png | inkling predict model.pth -`,
		Args: wantArgs("IMAGE..."),
		RunE: func(c *cobra.Command, args []string) error {
			if o.inverting != "auto" && o.inverting != "yes" && o.inverting != "no" {
				return usagef("--invert is %q, want auto, yes or no", o.inverting)
			}
			if err := checkPreprocess(o.preprocess); err != nil {
				return err
			}
			model, images, err := modelAndImages(args)
			if err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			return o.run(ctx, c.OutOrStdout(), c.ErrOrStderr(), c.InOrStdin(), model, images)
		},
	}
	f := c.Flags()
	f.StringVar(&o.preprocess, "preprocess", "auto", preprocessHelp)
	f.StringVar(&o.inverting, "invert", "auto", "`WHEN` to make dark light and light dark: auto (see above), yes or no")
	o.model.flags(f)
	addConvFlag(f, &o.conv, nn.FastConvolutions)
	f.BoolVar(&o.json, "json", false, "print the results as JSON")
	return c
}

// modelAndImages tells the file of a model from pictures: by its content, and only
// where that is neither by its name. No model is the built-in one.
func modelAndImages(args []string) (model, images []string, err error) {
	if !isImageArgument(args[0]) {
		if len(args) == 1 {
			return nil, nil, usagef("IMAGE is missing: %s is no picture, so it is taken for the model", args[0])
		}
		model, args = args[:1], args[1:]
	}
	for _, name := range args {
		if format := weights.Sniff(headOf(name)); format != "" && !isImageArgument(name) {
			return nil, nil, usagef("%s is a model (%s): name one model, before the pictures", name, format)
		}
	}
	return model, args, nil
}

// isImageArgument tells whether an argument stands for pictures.
func isImageArgument(name string) bool {
	if name == "-" {
		return true
	}
	info, err := os.Stat(name)
	if err != nil {
		return isPattern(name) || namedAsPicture(name)
	}
	head := headOf(name)
	return info.IsDir() || picture.Is(head) || weights.Sniff(head) == "" && namedAsPicture(name)
}

// A prediction is what a model thinks of one picture.
type prediction struct {
	Image         string         `json:"image"`
	Target        string         `json:"target,omitempty"`
	Number        *float64       `json:"number,omitempty"` // that Target is, in place of a class
	Class         string         `json:"class,omitempty"`
	Probability   float64        `json:"probability,omitempty"`
	Probabilities []classAndOdds `json:"probabilities,omitempty"` // in the order of the classes
	Inverted      bool           `json:"inverted"`
	Resized       bool           `json:"resized"`
	Preprocess    string         `json:"preprocess"` // how it was prepared

	Digits  []digitRead `json:"digits,omitempty"`   // of a number; Class is all of them
	None    float64     `json:"none,omitempty"`     // how probable it is that it is no digit
	LeftOut int         `json:"left_out,omitempty"` // pieces of ink too small for a digit

	seen *inkling.Prepared
	page *sketch.Page // the digits that were looked for; nil if none were
	err  error
}

// A digitRead is one digit of a number.
type digitRead struct {
	Class         string         `json:"class"`
	Probability   float64        `json:"probability"`
	Probabilities []classAndOdds `json:"probabilities"`
	None          float64        `json:"none,omitempty"`
	Box           [4]float64     `json:"box"`  // left, top, right, bottom, in the picture's pixels
	Line          int            `json:"line"` // from 0 at the top
}

// A failure is what is told, in JSON, of a picture that was not read.
type failure struct {
	Image string `json:"image"`
	Error string `json:"error"`
}

type classAndOdds struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

// readTogether is how many pictures are shown to the network at once.
const readTogether = 32

func (o *predictOptions) run(ctx context.Context, out, errOut io.Writer, stdin io.Reader, model, args []string) error {
	m, name, err := openModel(model, digits.DigitNet, &o.model)
	if err != nil {
		return err
	}
	if m.Kind() != inkling.Pictures {
		return o.predictSamples(ctx, out, errOut, stdin, m, name, args)
	}
	sources, skipped := findImages(args)
	fitToImages(m, sources)
	preparation, err := m.Preparation(o.preprocess)
	if err != nil {
		return usagef("--preprocess %w", err)
	}
	preparation.Invert = o.inverting
	m.Orient("", weights.Upright, "as people read them (--orientation transposed if the network was trained on EMNIST as it is stored)")
	m.AssumeWay(preparation)
	if !o.json {
		if isBuiltIn(name) {
			fmt.Fprintf(out, "Read by %s.\n", name)
		}
		fmt.Fprint(out, m.Note(name))
	}
	m.Convolutions = o.conv
	reader, err := inkling.NewBatchReader(m, m.Transform(), readTogether)
	if err != nil {
		return err
	}
	finder, err := digitFinder(m, preparation, isBuiltIn(name))
	if err != nil {
		return err
	}
	report := &predictReport{o: o, out: out, errOut: errOut, m: m, ways: map[string]int{}}
	for chunk := range slices.Chunk(sources, readTogether) {
		predictions := prepareImages(ctx, chunk, stdin, preparation, finder)
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := readImages(reader, m, predictions); err != nil {
			return err
		}
		for _, p := range predictions {
			if err := report.add(p, len(sources) == 1); err != nil {
				return err
			}
		}
	}
	return report.end(skipped)
}

// fitToImages settles the size that the network reads, where its file leaves it open:
// that of the first picture if the network may read such, or else, of gray pictures,
// that of the drawings that inkling serve would show it.
func fitToImages(m *inkling.Classifier, sources []imageSource) {
	if !m.SizeAssumed() || m.AnySize() {
		return
	}
	channels := m.Input()[0]
	if len(sources) > 0 && sources[0].name != "-" && sources[0].err == nil {
		if file, err := sources[0].read(nil); err == nil {
			head, err := picture.Shared().Head(file)
			if err == nil && m.FitTo(channels, head.Height, head.Width, "that of "+sources[0].name) {
				return
			}
		}
	}
	m.FitTo(1, sketch.Size, sketch.Size, "drawings become")
}

// prepareImages decodes and prepares pictures, on all processors.
func prepareImages(ctx context.Context, sources []imageSource, stdin io.Reader, preparation inkling.Preparation, digits *sketch.Reader) []*prediction {
	predictions := make([]*prediction, len(sources))
	next := make(chan int, len(sources))
	for i := range sources {
		next <- i
	}
	close(next)
	var workers sync.WaitGroup
	for range min(runtime.GOMAXPROCS(0), len(sources)) {
		workers.Go(func() {
			for i := range next {
				p := &prediction{Image: sources[i].name}
				p.seen, p.page, p.err = sources[i].prepare(ctx, stdin, preparation, digits)
				predictions[i] = p
			}
		})
	}
	workers.Wait()
	return predictions
}

// readImages shows the network what was prepared.
func readImages(reader *inkling.Reader, m *inkling.Classifier, predictions []*prediction) error {
	classes := m.About.Classes
	var pixels [][]byte
	for _, p := range predictions {
		if p.err == nil {
			pixels = append(pixels, p.seen.Bytes)
		}
	}
	probabilities, err := reader.ReadAll(pixels)
	if err != nil {
		return err
	}
	for _, p := range predictions {
		if p.err != nil {
			continue
		}
		own := probabilities[0]
		probabilities = probabilities[1:]
		p.Inverted, p.Resized, p.Preprocess = p.seen.Inverted, p.seen.Resized, p.seen.Way
		if m.Target != nil {
			number := m.Target.Number(own[0])
			p.Target, p.Number = m.Target.Name, &number
			continue
		}
		best := train.Argmax(own)
		p.Class, p.Probability = classes[best], float64(own[best])
		for i, v := range own {
			p.Probabilities = append(p.Probabilities, classAndOdds{classes[i], float64(v)})
		}
		p.addPage(classes)
	}
	return nil
}

// digitFinder returns what finds the digits of numbers; nil if the model reads no digits.
func digitFinder(m *inkling.Classifier, preparation inkling.Preparation, builtIn bool) (*sketch.Reader, error) {
	if m.Drawable("") != nil || !preparation.FindsDigits(m.About.Classes) {
		return nil, nil
	}
	reader, err := inkling.NewBatchReader(m, m.TransformDrawing(), readTogether)
	if err != nil {
		return nil, err
	}
	var turn sync.Mutex
	r := &sketch.Reader{Procedure: preparation.Procedure(), Together: readTogether, LeaveSingle: true}
	r.Read = func(pictures [][]byte) ([][]float32, error) {
		turn.Lock()
		defer turn.Unlock()
		return reader.ReadAll(pictures)
	}
	if builtIn && r.Procedure == sketch.EMNIST {
		r.Judge, err = digits.Judge()
	}
	return r, err
}

// addPage tells what was found on a page: the number of several digits, or whether the
// only one is none.
func (p *prediction) addPage(classes []string) {
	if p.page == nil || len(p.page.Marks) == 0 {
		return
	}
	p.LeftOut = p.page.LeftOut
	if len(p.page.Marks) == 1 {
		p.None = p.page.Marks[0].None
		return
	}
	p.Class, p.Probability = p.page.Text(classes), 1
	for i := range p.Probabilities {
		p.Probabilities[i].Probability = 0 // of the digits there are own ones
	}
	for _, m := range p.page.Marks {
		best := train.Argmax(m.Probabilities)
		d := digitRead{Class: classes[best], Probability: float64(m.Probabilities[best]), None: m.None,
			Box: [4]float64{m.Left, m.Top, m.Right, m.Bottom}, Line: m.Line}
		for i, v := range m.Probabilities {
			d.Probabilities = append(d.Probabilities, classAndOdds{classes[i], float64(v)})
		}
		p.Digits, p.None = append(p.Digits, d), max(p.None, m.None)
		p.Probability = min(p.Probability, d.Probability) // as sure as the least sure one
	}
}

// A predictReport tells what was read, picture by picture.
type predictReport struct {
	o           *predictOptions
	out, errOut io.Writer
	m           *inkling.Classifier
	all         []any          // for JSON
	ways        map[string]int // how pictures were prepared
	read        int
	failed      []string
	only        error // of the only picture
}

func (r *predictReport) add(p *prediction, alone bool) error {
	if p.err != nil {
		r.failed = append(r.failed, p.Image)
		r.all = append(r.all, failure{p.Image, p.err.Error()})
		if r.only = p.err; alone {
			return nil // it is the command's error
		}
		_, err := fmt.Fprintf(r.errOut, "inkling predict: %v\n", p.err)
		return err
	}
	r.read++
	r.ways[p.Preprocess]++
	if r.o.json {
		r.all = append(r.all, p)
		return nil
	}
	if f := terminal(r.out); f != nil {
		seen, err := p.seen.Image()
		if err != nil {
			return err
		}
		if err := plot.Terminal(f, seen, p.seen.Width); err != nil {
			return err
		}
	}
	remark := ""
	switch {
	case p.Inverted && r.o.inverting == "yes":
		remark = "; inverted"
	case p.Inverted && r.m.About.Extra[inkling.GroundKey] == inkling.GroundLight:
		remark = "; light ink on a dark ground, so inverted"
	case p.Inverted:
		remark = "; dark ink on light paper, so inverted"
	}
	return printPrediction(r.out, p, remark)
}

// end tells what all pictures have in common, and which were not read.
func (r *predictReport) end(skipped []string) error {
	if r.o.json {
		if err := writeJSON(r.out, r.all); err != nil {
			return err
		}
	} else if r.read > 0 {
		var ways []string
		for _, way := range append(inkling.Ways(), inkling.AsItIs) {
			switch n := r.ways[way]; {
			case n == r.read:
				ways = append(ways, way)
			case n > 0:
				ways = append(ways, fmt.Sprintf("%s (%d)", way, n))
			}
		}
		if _, err := fmt.Fprintf(r.out, "Prepared: %s.\n", strings.Join(ways, ", ")); err != nil {
			return err
		}
	}
	for _, note := range skipped {
		fmt.Fprintf(r.errOut, "inkling predict: %s\n", note)
	}
	switch n, all := len(r.failed), len(r.failed)+r.read; {
	case all == 0:
		return errors.New("there is no picture to read")
	case all == 1 && n == 1:
		return r.only
	case n > 0:
		return fmt.Errorf("%s of %d could not be read: %s", count(n, "picture"), all, some(r.failed))
	}
	return nil
}

// some lists names, not more of them than a person reads.
func some(names []string) string {
	const most = 5
	if len(names) <= most {
		return strings.Join(names, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(names[:most], ", "), len(names)-most)
}

// prepare decodes a picture and makes the network's input of it.
func (s imageSource) prepare(ctx context.Context, stdin io.Reader, preparation inkling.Preparation, digits *sketch.Reader) (made *inkling.Prepared, page *sketch.Page, err error) {
	if s.err != nil {
		return nil, nil, s.err
	}
	name := s.name
	if name == "-" {
		name = "the picture from standard input"
	}
	file, err := s.read(stdin)
	if err == nil {
		err = picture.Shared().Use(ctx, file, func(img image.Image, _ picture.Head) error {
			if made, err = preparation.Prepare(img); err == nil && made.Empty {
				err = inkling.ErrBlank
			}
			if err == nil && digits != nil && made.Way != inkling.AsItIs {
				page, err = preparation.FindDigits(img, digits, made)
			}
			return err
		})
	}
	if err != nil {
		return nil, nil, fmt.Errorf("%s %w", name, err)
	}
	return made, page, nil
}

func printPrediction(out io.Writer, p *prediction, remark string) error {
	if p.LeftOut > 0 {
		remark += fmt.Sprintf("; left out as too small for a digit: %s", count(p.LeftOut, "piece"))
	}
	if p.None >= digits.NoneFrom && len(p.Digits) == 0 {
		remark += fmt.Sprintf("; probably none of these, %s", percent(p.None))
	}
	if p.Number != nil {
		_, err := fmt.Fprintf(out, "%s: %s %s%s\n", p.Image, printable(p.Target), quantity(*p.Number), remark)
		return err
	}
	fmt.Fprintf(out, "%s: %s (%s%s)\n", p.Image, strings.ReplaceAll(p.Class, "\n", " / "), percent(p.Probability), remark)
	if len(p.Digits) > 0 {
		return printDigits(out, p.Digits)
	}
	return printOdds(out, p.Probabilities)
}

// printOdds prints how probable the classes are.
func printOdds(out io.Writer, all []classAndOdds) error {
	list := mostProbable(all)
	width := 2
	for _, c := range list {
		width = max(width, utf8.RuneCountInString(c.Class))
	}
	for _, c := range list {
		bar := ""
		if terminal(out) != nil {
			bar = " " + strings.Repeat("█", int(math.Round(30*c.Probability)))
		}
		if _, err := fmt.Fprintf(out, "  %*s %7s%s\n", width, c.Class, percent(c.Probability), bar); err != nil {
			return err
		}
	}
	return nil
}

// printDigits tells where each digit of a number lies.
func printDigits(out io.Writer, all []digitRead) error {
	for _, d := range all {
		remark := ""
		if d.None >= digits.NoneFrom {
			remark = "; probably no digit, " + percent(d.None)
		}
		if _, err := fmt.Fprintf(out, "  %2s %7s  at %.0f,%.0f to %.0f,%.0f%s\n", d.Class, percent(d.Probability), d.Box[0], d.Box[1], d.Box[2], d.Box[3], remark); err != nil {
			return err
		}
	}
	return nil
}

// mostProbable is what a person is told of the classes: all of them in their
// order, or, of more than ten, the five most probable.
func mostProbable(all []classAndOdds) []classAndOdds {
	const most, some = 10, 5
	if len(all) <= most {
		return all
	}
	sorted := slices.SortedStableFunc(slices.Values(all), func(a, b classAndOdds) int { return cmp.Compare(b.Probability, a.Probability) })
	return sorted[:some]
}
