package main

import (
	"fmt"
	"io"
	"math"
	"strings"

	"github.com/spf13/cobra"

	"inkling/models"
	"inkling/nn"
	"inkling/plot"
	"inkling/train"
	"inkling/transform"
	"inkling/weights"
)

func newPredict() *cobra.Command {
	var orientation, inverting string
	var asJSON bool
	c := &cobra.Command{
		Use:   "predict MODEL IMAGE...",
		Short: "Say which character a picture shows",
		Long: `Let a model look at pictures (PNG, JPEG, GIF, BMP, TIFF or WebP; - is standard
input) and say which character each shows, and how probable it takes every class.

The networks are trained on small white characters on black, 28x28 pixels, each
filling most of the picture. So a picture is made gray, widened with paper to a
square, made smaller to 28x28, and, if its border is light, inverted: ink on paper
becomes white on black. A picture of 28x28 is taken as it is.`,
		Example: `  inkling predict model.pth seven.png
  inkling predict model.pth scans/*.jpg --json
  curl -s https://example.com/digit.png | inkling predict model.pth -`,
		Args: wantArgs("MODEL", "IMAGE..."),
		RunE: func(c *cobra.Command, args []string) error {
			if err := checkOrientation(orientation); err != nil {
				return err
			}
			if inverting != "auto" && inverting != "yes" && inverting != "no" {
				return usagef("--invert is %q, want auto, yes or no", inverting)
			}
			m, err := openModel(args[0])
			if err != nil {
				return err
			}
			m.orient(orientation, weights.Upright, "as people read them (--orientation transposed if the network was trained on EMNIST as it is stored)")
			out := c.OutOrStdout()
			if !asJSON {
				fmt.Fprint(out, m.note(args[0]))
			}
			return predictFiles(out, c.InOrStdin(), m, args[1:], inverting, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&inverting, "invert", "auto", "`WHEN` to make dark ink light and light paper dark: auto, yes or no")
	f.StringVar(&orientation, "orientation", "", "`WAY` that the model wants pictures to lie: upright or transposed")
	f.BoolVar(&asJSON, "json", false, "print the results as JSON")
	return c
}

// A prediction is what a model thinks of one picture.
type prediction struct {
	Image         string         `json:"image"`
	Class         string         `json:"class"`
	Probability   float64        `json:"probability"`
	Probabilities []classAndOdds `json:"probabilities"` // in the order of the classes
	Inverted      bool           `json:"inverted"`
	Resized       bool           `json:"resized"`
}

type classAndOdds struct {
	Class       string  `json:"class"`
	Probability float64 `json:"probability"`
}

func predictFiles(out io.Writer, stdin io.Reader, m *model, paths []string, inverting string, asJSON bool) error {
	reader, err := newReader(m)
	if err != nil {
		return err
	}
	var all []prediction
	for _, path := range paths {
		img, err := readPicture(path, stdin)
		if err != nil {
			return err
		}
		gray := toGray(img)
		if blank(gray) {
			return fmt.Errorf("%s is blank: all its pixels are the same", path)
		}
		p := prediction{Image: path}
		p.Resized = gray.Rect.Dx() != models.LeNetWidth || gray.Rect.Dy() != models.LeNetHeight
		p.Inverted = inverting == "yes" || inverting == "auto" && paper(gray) > 127
		gray = fit(gray, models.LeNetWidth)
		if p.Inverted {
			invert(gray)
		}
		probabilities, err := reader.read(gray.Pix)
		if err != nil {
			return err
		}
		best := train.Argmax(probabilities)
		p.Class, p.Probability = m.about.Classes[best], float64(probabilities[best])
		for i, v := range probabilities {
			p.Probabilities = append(p.Probabilities, classAndOdds{m.about.Classes[i], float64(v)})
		}
		all = append(all, p)
		if asJSON {
			continue
		}
		if f := terminal(out); f != nil {
			if err := plot.Terminal(f, gray, models.LeNetWidth); err != nil {
				return err
			}
		}
		if err := printPrediction(out, p); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(out, all)
	}
	return nil
}

func printPrediction(out io.Writer, p prediction) error {
	remark := ""
	if p.Inverted {
		remark = "; dark ink on light paper, so inverted"
	}
	fmt.Fprintf(out, "%s: %s (%s%s)\n", p.Image, p.Class, percent(p.Probability), remark)
	for _, c := range p.Probabilities {
		bar := ""
		if terminal(out) != nil {
			bar = " " + strings.Repeat("█", int(math.Round(30*c.Probability)))
		}
		if _, err := fmt.Fprintf(out, "  %2s %7s%s\n", c.Class, percent(c.Probability), bar); err != nil {
			return err
		}
	}
	return nil
}

// A reader classifies one picture at a time.
type reader struct {
	program       *nn.Program
	pipeline      *transform.Pipeline
	input         []float32
	probabilities []float32
}

func newReader(m *model) (*reader, error) {
	program, err := nn.Compile(m.network, 1, models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
	if err != nil {
		return nil, err
	}
	pipeline, err := transform.Compile(m.transform(), models.LeNetChannels, models.LeNetHeight, models.LeNetWidth)
	if err != nil {
		return nil, err
	}
	return &reader{program, pipeline, make([]float32, models.LeNetHeight*models.LeNetWidth), make([]float32, len(m.about.Classes))}, nil
}

// read returns the probability of every class for an upright picture of 28x28
// bytes, white on black. The slice is overwritten by the next call.
func (r *reader) read(pixels []byte) ([]float32, error) {
	r.pipeline.Apply(r.input, pixels)
	logits := r.program.Forward(r.input)
	for _, v := range logits {
		if v-v != 0 {
			return nil, fmt.Errorf("the network's output is %v, not a finite number: the weights in the model's file are damaged", v)
		}
	}
	softmax(r.probabilities, logits)
	return r.probabilities, nil
}

// softmax turns logits into probabilities, which add up to 1.
func softmax(probabilities, logits []float32) {
	largest := logits[train.Argmax(logits)]
	var sum float64
	for _, v := range logits {
		sum += math.Exp(float64(v - largest))
	}
	for i, v := range logits {
		probabilities[i] = float32(math.Exp(float64(v-largest)) / sum)
	}
}
