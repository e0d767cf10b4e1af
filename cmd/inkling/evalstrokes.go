package main

import (
	"context"
	"fmt"
	"image/png"
	"io"
	"math"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/internal/atomicfile"
	"inkling/metrics"
	"inkling/models/digits"
	"inkling/plot"
	"inkling/sketch"
	"inkling/train"
	"inkling/weights"
)

// evalStrokesOptions are the flags of eval-strokes.
type evalStrokesOptions struct {
	model, preprocess, out string
	flags                  modelFlags
	writers                []string
	json                   bool
}

func newEvalStrokes() *cobra.Command {
	var o evalStrokesOptions
	c := &cobra.Command{
		Use:   "eval-strokes FILE",
		Short: "Tell how well drawings are read, from the strokes on",
		Long: `Let a model read drawings that are given as strokes, and count how many it gets
right: the whole way that a drawing on the sketchpad goes.

The file has one drawing a line, in JSON, gzipped or not (- is standard input):

  {"label": 7, "writer": "anna", "strokes": [[[0, 0], [9, 0.5]], [[4, 20]]]}

A stroke is a list of points x, y, with y down. Their unit is of no matter. A point
may also have time and pressure, and a line width and height of the pad and the
width of its brush.

--preprocess says how strokes become the 28x28 pixels that the network reads: as the
pictures of emnist or of mnist were made, or as in the tutorial, which scales the
whole pad down. Where the pad's size is not given, it is the smallest square from
0, 0 that all drawings of the file fit in, or, on standard input, a square round
each drawing.` + modelFlagsHelp,
		Example: `  inkling eval-strokes drawings.jsonl
  inkling eval-strokes strokes.jsonl.gz --writers 'anna,b*' --out misread.png
  inkling eval-strokes strokes.jsonl.gz --preprocess tutorial --json`,
		Args: wantArgs("FILE"),
		RunE: func(c *cobra.Command, args []string) error {
			if err := o.check(); err != nil {
				return err
			}
			ctx, stop := interruptible()
			defer stop()
			return evalStrokes(ctx, c.OutOrStdout(), c.InOrStdin(), args[0], &o)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.model, "model", digits.LeNet, "`FILE` of the model, or digitnet or lenet, which are built in")
	f.StringVar(&o.preprocess, "preprocess", "", "`WAY` to 28x28 pixels: emnist, mnist or tutorial; by default that of the model's data")
	o.flags.flags(f)
	f.StringSliceVar(&o.writers, "writers", nil, "read only what these `NAMES` drew; a name may have *, ? and [a-z]")
	f.StringVar(&o.out, "out", "", "draw the misread ones in `FILE`, a PNG")
	f.BoolVar(&o.json, "json", false, "print the result as JSON")
	return c
}

func (o *evalStrokesOptions) check() error {
	if o.preprocess != "" {
		if _, err := sketch.ParseProcedure(o.preprocess); err != nil {
			return usagef("--preprocess %w", err)
		}
	}
	for _, name := range o.writers {
		if _, err := path.Match(name, ""); err != nil {
			return usagef("--writers %q is no pattern, want a name with *, ? or [a-z] in it", name)
		}
	}
	if o.out != "" && strings.ToLower(filepath.Ext(o.out)) != ".png" {
		return usagef("--out %s: the picture's name must end in .png", o.out)
	}
	return nil
}

// wants tells whether a writer's drawings shall be read.
func (o *evalStrokesOptions) wants(writer string) bool {
	return len(o.writers) == 0 || slices.ContainsFunc(o.writers, func(name string) bool {
		matched, _ := path.Match(name, writer)
		return matched
	})
}

// strokesResult is how a model did on drawings.
type strokesResult struct {
	evaluation train.Evaluation
	procedure  sketch.Procedure
	writers    map[string]*tally
	misread    []misread
}

type tally struct{ total, correct int }

// A misread drawing as the network saw it.
type misread struct {
	Line   int    `json:"line"`
	Writer string `json:"writer,omitempty"`
	Label  string `json:"label"`
	Answer string `json:"answer"`
	// Probability is what the model gave the answer, 0 to 1.
	Probability float64 `json:"probability"`
	pixels      [sketch.Size * sketch.Size]byte
}

func evalStrokes(ctx context.Context, out io.Writer, stdin io.Reader, name string, o *evalStrokesOptions) error {
	m, title, err := openModel([]string{o.model}, digits.LeNet, &o.flags)
	if err != nil {
		return err
	}
	m.FitTo(1, sketch.Size, sketch.Size, "drawings become")
	if err := m.Drawable(title); err != nil {
		return err
	}
	m.Orient("", weights.Upright, "as people read them")
	preparation, err := m.Preparation("")
	if err != nil {
		return err
	}
	r := &strokesResult{procedure: preparation.Procedure(), writers: map[string]*tally{}}
	if o.preprocess != "" {
		r.procedure = sketch.Procedure(o.preprocess)
	}
	if err := r.run(ctx, m, stdin, name, o); err != nil {
		return err
	}
	if r.evaluation.Total() == 0 {
		return nothing(name, o)
	}
	if o.out != "" && len(r.misread) > 0 {
		if err := r.drawMisread(o.out); err != nil {
			return err
		}
	}
	if o.json {
		return writeJSON(out, r.report(m, title, name))
	}
	return r.print(out, m, title, o)
}

// run reads all drawings.
func (r *strokesResult) run(ctx context.Context, m *inkling.Classifier, stdin io.Reader, name string, o *evalStrokesOptions) error {
	pad := 0.0
	if r.procedure == sketch.Tutorial && name != "-" {
		// The pad is known only when all has been read.
		err := eachDrawing(ctx, stdin, name, func(d sketch.Labelled) error {
			for _, s := range d.Strokes {
				for _, p := range s {
					pad = max(pad, p.X, p.Y)
					if p.X < 0 || p.Y < 0 {
						pad = math.Inf(1)
					}
				}
			}
			return nil
		})
		if err != nil {
			return err
		}
		if math.IsInf(pad, 1) {
			pad = 0 // the corner is not at 0, 0: a pad round each drawing it is
		}
	}
	classes := m.About.Classes
	r.evaluation.Classes = classes
	r.evaluation.Confusion = metrics.NewConfusion(len(classes))
	reader, err := inkling.NewReader(m, m.TransformDrawing())
	if err != nil {
		return err
	}
	return eachDrawing(ctx, stdin, name, func(d sketch.Labelled) error {
		if !o.wants(d.Writer) {
			return nil
		}
		label := slices.Index(classes, d.Label)
		if label < 0 {
			return fmt.Errorf("line %d: the label is %q, but the model knows only %s", d.Line, printable(d.Label), strings.Join(classes, " "))
		}
		if d.Width == 0 || d.Height == 0 {
			d.Width, d.Height = pad, pad
		}
		picture, err := sketch.FromStrokes(d.Drawing, r.procedure)
		if err != nil {
			return fmt.Errorf("line %d: %w", d.Line, err)
		}
		probabilities, err := reader.Read(picture.Pixels[:])
		if err != nil {
			return err
		}
		r.count(d, label, probabilities, picture)
		return nil
	})
}

func (r *strokesResult) count(d sketch.Labelled, label int, probabilities []float32, picture *sketch.Result) {
	answer := train.Argmax(probabilities)
	r.evaluation.Confusion[label][answer]++
	// A file may name as many writers as it has lines; nobody reads a longer list.
	const mostWriters = 10_000
	by := r.writers[d.Writer]
	if by == nil {
		by = &tally{}
		if len(r.writers) < mostWriters {
			r.writers[strings.Clone(d.Writer)] = by
		}
	}
	by.total++
	if answer == label {
		by.correct++
		return
	}
	if len(r.misread) < mostMisread {
		classes := r.evaluation.Classes
		r.misread = append(r.misread, misread{d.Line, d.Writer, classes[label], classes[answer], float64(probabilities[answer]), picture.Pixels})
	}
}

// mostMisread is how many of the misread drawings are listed and drawn.
const mostMisread = 1000

// eachDrawing gives the drawings of a file, or of standard input for "-", to f.
func eachDrawing(ctx context.Context, stdin io.Reader, name string, f func(sketch.Labelled) error) error {
	r := stdin
	if name == "-" {
		name = "standard input"
	} else {
		file, err := os.Open(name)
		if err != nil {
			return fmt.Errorf("the drawings cannot be opened: %w", err)
		}
		defer file.Close()
		r = file
	}
	lines := sketch.NewLines(r)
	for lines.Next() {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := f(lines.Drawing()); err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
	}
	if err := lines.Err(); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// drawMisread draws what was misread, under each its label and what it was taken
// for.
func (r *strokesResult) drawMisread(path string) error {
	var pixels []byte
	var labels []string
	for _, m := range r.misread {
		pixels = append(pixels, m.pixels[:]...)
		labels = append(labels, m.Label+" -> "+m.Answer)
	}
	grid := plot.Grid{Columns: 10, PadValue: 0.25, Scale: 2, Labels: labels}
	img, err := grid.Bytes(pixels, 1, sketch.Size, sketch.Size)
	if err != nil {
		return err
	}
	return atomicfile.Write(path, func(w io.Writer) error { return png.Encode(w, img) })
}

func (r *strokesResult) print(out io.Writer, m *inkling.Classifier, title string, o *evalStrokesOptions) error {
	e := &r.evaluation
	fmt.Fprintf(out, "Model: %s; drawings prepared as %s.\n%s", title, r.procedure, m.Note(title))
	fmt.Fprintf(out, "Accuracy on the %s of %s: %s\n\n", count(e.Total(), "drawing"), count(len(r.writers), "writer"), percent(e.Accuracy()))
	if err := printClasses(out, inkling.Pictures, e); err != nil {
		return err
	}
	if err := printConfusion(out, e, "What was drawn (down) and what it was taken for (across):"); err != nil {
		return err
	}
	wrong := e.Total() - e.Correct()
	switch {
	case o.out != "" && wrong == 0:
		fmt.Fprintf(out, "\nNothing was misread, so %s was not drawn.\n", o.out)
	case o.out != "" && wrong > len(r.misread):
		fmt.Fprintf(out, "\nDrew the first %d of %d misread in %s.\n", len(r.misread), wrong, o.out)
	case o.out != "":
		fmt.Fprintf(out, "\nDrew the %d misread in %s.\n", wrong, o.out)
	}
	return nil
}

// nothing says why there was nothing to read.
func nothing(name string, o *evalStrokesOptions) error {
	if len(o.writers) > 0 {
		return fmt.Errorf("%s has no drawing by %s", name, strings.Join(o.writers, " or "))
	}
	return fmt.Errorf("%s has no drawings", name)
}

// report is what --json prints.
func (r *strokesResult) report(m *inkling.Classifier, title, name string) any {
	type part struct {
		Name     string  `json:"name"`
		Drawings int     `json:"drawings"`
		Correct  int     `json:"correct"`
		Accuracy float64 `json:"accuracy"`
	}
	classes, writers := []part{}, []part{}
	e := &r.evaluation
	share := func(correct, total int) float64 { return float64(correct) / float64(max(total, 1)) }
	for label, name := range e.Classes {
		correct, total := e.Confusion[label][label], e.Class(label).Support
		classes = append(classes, part{name, total, correct, share(correct, total)})
	}
	for name, by := range r.writers {
		writers = append(writers, part{name, by.total, by.correct, share(by.correct, by.total)})
	}
	slices.SortFunc(writers, func(a, b part) int { return strings.Compare(a.Name, b.Name) })
	return map[string]any{
		"file": name, "model": title, "preprocess": r.procedure, "orientation": m.About.Orientation, "assumed": append([]string{}, m.Assumed...), "notes": append([]string{}, m.Notes...),
		"drawings": e.Total(), "correct": e.Correct(), "accuracy": e.Accuracy(),
		"classes": classes, "writers": writers, "confusion": e.Confusion, "misread": append([]misread{}, r.misread...),
	}
}
