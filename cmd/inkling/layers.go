package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strconv"
	"text/tabwriter"

	"inkling"
	"inkling/models"
	"inkling/nn"
	"inkling/weights/described"
)

// showLayers lists the layers of the network in a file, or of a model of the zoo.
func showLayers(out io.Writer, name string, o *inkling.Options, asJSON bool) error {
	m, err := fileOrModel(name, o)
	if err != nil {
		return err
	}
	summary, err := nn.Summary(m.Network, append([]int{1}, m.Input()...)...)
	if err != nil {
		return err
	}
	if !asJSON {
		_, err := fmt.Fprint(out, m.Note(name), summary)
		return err
	}
	type layer struct {
		Layer        string `json:"layer"`
		Type         string `json:"type"`
		Shape        []int  `json:"shape"`
		Parameters   int    `json:"parameters"`
		MultiplyAdds int    `json:"multiply_adds"`
	}
	layers := []layer{}
	for _, row := range summary.Rows {
		layers = append(layers, layer{row.Layer, row.Type, row.Shape, row.Parameters, row.MultiplyAdds})
	}
	report := openedReport(m)
	report["layers"], report["multiply_adds"] = layers, summary.MultiplyAdds
	return writeJSON(out, report)
}

// fileOrModel opens a file, or, where there is none of the name, makes the model of the
// zoo that is called so, as it usually is or as the options say.
func fileOrModel(name string, o *inkling.Options) (*inkling.Classifier, error) {
	if described.Is(name) {
		if n, err := described.Read(name); err == nil && n.Weights == "" && len(n.Classes) == 0 {
			wanted := *o
			for i := range n.Layers[len(n.Layers)-1].Shape[0] {
				wanted.Classes = append(wanted.Classes, strconv.Itoa(i))
			}
			return inkling.NewClassifier(name, wanted)
		}
	}
	if _, err := os.Stat(name); !errors.Is(err, fs.ErrNotExist) {
		return o.Open(name)
	}
	model, err := models.FindModel(name)
	if err != nil {
		return nil, fmt.Errorf("%s is no file, and %w", name, err)
	}
	wanted := *o
	if len(wanted.Classes) == 0 {
		for i := range model.Usual.Classes {
			wanted.Classes = append(wanted.Classes, strconv.Itoa(i))
		}
	}
	return inkling.NewClassifier(model.Name, wanted)
}

// openedReport tells programs what a file was opened as.
func openedReport(m *inkling.Classifier) map[string]any {
	return map[string]any{
		"network": m.Architecture(), "input": m.Input(), "classes": m.About.Classes, "mean": m.About.Mean, "std": m.About.Std,
		"parameters": inkling.Parameters(m.Network), "assumed": append([]string{}, m.Assumed...), "notes": append([]string{}, m.Notes...),
	}
}

func printOpened(out io.Writer, path string, m *inkling.Classifier) error {
	_, err := fmt.Fprintf(out, "\nIt is opened as %s for pictures of %v, with %s.\n%s", m.Architecture(), nn.Shape(m.Input()), count(len(m.About.Classes), "class"), m.Note(path))
	return err
}

// printDescription lists the layers that a file describes.
func printDescription(out io.Writer, path string) error {
	n, err := described.Read(path)
	if err != nil {
		return err
	}
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "layer\tas it is described\toutput\n")
	for _, l := range n.Layers {
		fmt.Fprintf(table, "%s\t%s\t%v\n", printable(l.Name), printable(l.Text), nn.Shape(l.Shape))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	total := 0
	for _, p := range n.Parameters {
		total += nn.Shape(p.Shape).Elements()
	}
	_, err = fmt.Fprintf(out, "\n%s describes %s for pictures of %v, with %s in weights and running statistics.\n\n", path, count(len(n.Layers), "layer"), nn.Shape(n.Input[:]), count(total, "number"))
	return err
}
