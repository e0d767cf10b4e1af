package main

import (
	"fmt"
	"io"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling/models"
	"inkling/nn"
)

func newModels() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "models",
		Short: "List the networks that can be trained and opened",
		Long: `List the networks that "inkling train --model NAME" trains and that files may hold,
each with the pictures that it is usually for, its parameters and its multiply-adds for
one such picture. A training makes it for the pictures and the classes of its data.
"inkling info --layers NAME" lists a network's layers. Options stand behind the name, as
in "mobilenet_v2 width_mult=0.5 dropout=0"; a file keeps them.`,
		Example: `  inkling models
  inkling models --json
  inkling info --layers resnet18`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			all, err := measureZoo()
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), all)
			}
			return printModels(c.OutOrStdout(), all)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// modelSize is what a model takes.
type modelSize struct {
	Name         string `json:"name"`
	Input        []int  `json:"input"`
	Classes      int    `json:"classes"`
	Parameters   int    `json:"parameters"`
	MultiplyAdds int    `json:"multiply_adds"`

	Options []modelOption `json:"options"`
}

// modelOption is something to choose about a model.
type modelOption struct {
	Name  string `json:"name"`
	Usual string `json:"usual"`
	Usage string `json:"usage"`
}

// measureZoo measures every model as it usually is.
func measureZoo() ([]modelSize, error) {
	var all []modelSize
	for _, m := range models.Zoo() {
		u := m.Usual
		network, err := m.Draw(u, nil)
		if err != nil {
			return nil, err
		}
		s, err := nn.Summary(network, 1, u.Channels, u.Height, u.Width)
		if err != nil {
			return nil, err
		}
		options := []modelOption{}
		for _, o := range m.Options {
			options = append(options, modelOption{o.Name, o.Usual, o.Usage})
		}
		all = append(all, modelSize{m.Name, []int{u.Channels, u.Height, u.Width}, u.Classes, s.Parameters, s.MultiplyAdds, options})
	}
	return all, nil
}

func printModels(out io.Writer, all []modelSize) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "model\tinput\tclasses\tparameters\tmultiply-adds\t\n")
	for _, m := range all {
		fmt.Fprintf(table, "%s\t%s\t%d\t%s\t%s\t\n", m.Name, nn.Shape(m.Input), m.Classes, thousands(m.Parameters), thousands(m.MultiplyAdds))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	return printOptions(out, all)
}

// printOptions lists the options there are, each once, with the models that have it.
func printOptions(out io.Writer, all []modelSize) error {
	var order []modelOption
	models := map[string][]string{} // by option
	for _, m := range all {
		for _, o := range m.Options {
			if models[o.Name] == nil {
				order = append(order, o)
			}
			models[o.Name] = append(models[o.Name], m.Name+" "+o.Usual)
		}
	}
	for i, o := range order {
		title := ""
		if i == 0 {
			title = "\nOptions, with what is usual:\n"
		}
		if _, err := fmt.Fprintf(out, "%s  %s  %s (%s)\n", title, o.Name, o.Usage, strings.Join(models[o.Name], ", ")); err != nil {
			return err
		}
	}
	return nil
}
