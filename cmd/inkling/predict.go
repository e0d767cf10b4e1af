package main

import (
	"cmp"
	"fmt"
	"image"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/plot"
	"inkling/train"
	"inkling/weights"
)

func newPredict() *cobra.Command {
	var inverting string
	var model modelFlags
	var asJSON bool
	c := &cobra.Command{
		Use:   "predict MODEL IMAGE...",
		Short: "Say what a picture shows",
		Long: `Let a model look at pictures (PNG, JPEG, GIF, BMP, TIFF or WebP; - is standard
input) and say which class each belongs to, and how probable it takes every class.

A network that was trained on gray pictures reads characters that fill most of
the picture. So a picture is made gray, made smaller, or larger, to fit into the
network's size, and widened with paper to fill it. If its ground is light where that
of the training's pictures was dark, it is inverted: ink on paper becomes white on
black. A picture of the network's size is not resized.

A network that was trained on colour pictures gets them as inkling train reads them
from a folder: resized to its size, both sides, and not inverted.` + modelFlagsHelp,
		Example: `  inkling predict model.pth seven.png
  inkling predict model.pth scans/*.jpg --json
  inkling predict cifar.pth frog.jpg
  curl -s https://example.com/digit.png | inkling predict model.pth -`,
		Args: wantArgs("MODEL", "IMAGE..."),
		RunE: func(c *cobra.Command, args []string) error {
			if inverting != "auto" && inverting != "yes" && inverting != "no" {
				return usagef("--invert is %q, want auto, yes or no", inverting)
			}
			m, err := model.open(args[0])
			if err != nil {
				return err
			}
			m.Orient("", weights.Upright, "as people read them (--orientation transposed if the network was trained on EMNIST as it is stored)")
			out := c.OutOrStdout()
			if !asJSON {
				fmt.Fprint(out, m.Note(args[0]))
			}
			return predictFiles(out, c.InOrStdin(), m, args[1:], inverting, asJSON)
		},
	}
	f := c.Flags()
	f.StringVar(&inverting, "invert", "auto", "`WHEN` to make dark light and light dark: auto (see above), yes or no")
	model.flags(f)
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

func predictFiles(out io.Writer, stdin io.Reader, m *inkling.Model, paths []string, inverting string, asJSON bool) error {
	reader, err := inkling.NewReader(m, m.Transform())
	if err != nil {
		return err
	}
	var all []prediction
	for _, path := range paths {
		img, err := readPicture(path, stdin)
		if err != nil {
			return err
		}
		picture, inverted, err := m.Prepare(img, inverting)
		if err != nil {
			return fmt.Errorf("%s %w", path, err)
		}
		probabilities, err := reader.Read(picture.Bytes)
		if err != nil {
			return err
		}
		p := prediction{Image: path, Inverted: inverted}
		p.Resized = img.Bounds().Size() != image.Pt(picture.Width, picture.Height)
		best := train.Argmax(probabilities)
		p.Class, p.Probability = m.About.Classes[best], float64(probabilities[best])
		for i, v := range probabilities {
			p.Probabilities = append(p.Probabilities, classAndOdds{m.About.Classes[i], float64(v)})
		}
		all = append(all, p)
		if asJSON {
			continue
		}
		if f := terminal(out); f != nil {
			seen, err := picture.Image()
			if err != nil {
				return err
			}
			if err := plot.Terminal(f, seen, picture.Width); err != nil {
				return err
			}
		}
		remark := ""
		switch {
		case inverted && inverting == "yes":
			remark = "; inverted"
		case inverted && m.About.Extra[inkling.GroundKey] == inkling.GroundLight:
			remark = "; light ink on a dark ground, so inverted"
		case inverted:
			remark = "; dark ink on light paper, so inverted"
		}
		if err := printPrediction(out, p, remark); err != nil {
			return err
		}
	}
	if asJSON {
		return writeJSON(out, all)
	}
	return nil
}

func printPrediction(out io.Writer, p prediction, remark string) error {
	fmt.Fprintf(out, "%s: %s (%s%s)\n", p.Image, p.Class, percent(p.Probability), remark)
	list := mostProbable(p.Probabilities)
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
