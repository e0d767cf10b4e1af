package main

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling/nn"
	"inkling/weights"
)

func newInfo() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "info MODEL",
		Short: "List what is in a weight file",
		Long: `List the tensors of a weight file, their shapes and how many numbers each has, and
what the file says about its training. It reads PyTorch's .pth files, of any
network, and runs nothing that is in them; .safetensors, .npz and .npy, too.`,
		Example: `  inkling info model.pth
  inkling info resnet18.pth --json`,
		Args: wantArgs("MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := weights.Read(args[0])
			if err != nil {
				return err
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), infoReport(file))
			}
			return printInfo(c.OutOrStdout(), args[0], file)
		},
	}
	c.Flags().BoolVar(&asJSON, "json", false, "print the result as JSON")
	return c
}

// layers returns how many layers the tensors belong to: conv1.weight and
// conv1.bias are of one.
func layers(tensors []weights.Tensor) int {
	names := map[string]bool{}
	for _, t := range tensors {
		names[t.Name[:max(strings.LastIndexByte(t.Name, '.'), 0)]] = true
	}
	return len(names)
}

func total(tensors []weights.Tensor) int {
	n := 0
	for _, t := range tensors {
		n += len(t.Values)
	}
	return n
}

func printInfo(out io.Writer, path string, file *weights.File) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "tensor\tshape\ttype\tnumbers\n")
	for _, t := range file.Tensors {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", printable(t.Name), nn.Shape(t.Shape), t.DType, thousands(len(t.Values)))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	fmt.Fprintf(out, "\n%s: %s parameters in %s of %s (format %s).\n", path, thousands(total(file.Tensors)),
		count(len(file.Tensors), "tensor"), count(layers(file.Tensors), "layer"), file.Format)
	if n := len(file.Others); n > 0 {
		fmt.Fprintf(out, "Beside them: %s, %s numbers, such as %s.\n", count(n, "other tensor"), thousands(total(file.Others)), printable(file.Others[0].Name))
	}
	if file.Metadata == nil {
		_, err := fmt.Fprintln(out, "It says nothing about data set, classes or normalisation, as files that PyTorch saved.")
		return err
	}
	fmt.Fprintln(out, "\nWhat it says about itself:")
	table = tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range metadataLines(file.Metadata) {
		fmt.Fprintf(table, "  %s\t%s\n", printable(line[0]), printable(line[1]))
	}
	return table.Flush()
}

// metadataLines returns names and values, what is always there first.
func metadataLines(m *weights.Metadata) [][2]string {
	numbers := func(values []float32) string { return strings.Trim(fmt.Sprint(values), "[]") }
	var lines [][2]string
	for _, line := range [][2]string{
		{"architecture", m.Architecture}, {"dataset", m.Dataset}, {"split", m.Split},
		{"classes", strings.Join(m.Classes, " ")}, {"input", shapeOf(m.Input)},
		{"mean", numbers(m.Mean)}, {"std", numbers(m.Std)}, {"orientation", m.Orientation}, {"inkling", m.Inkling},
	} {
		if line[1] != "" {
			lines = append(lines, line)
		}
	}
	var keys []string
	for key := range m.Extra {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		lines = append(lines, [2]string{key, m.Extra[key]})
	}
	return lines
}

func shapeOf(input []int) string {
	if input == nil {
		return ""
	}
	return nn.Shape(input).String()
}

// printable keeps text from a file from breaking the line or the terminal.
func printable(text string) string {
	if quoted := strconv.Quote(text); quoted != `"`+text+`"` {
		return quoted
	}
	return text
}

// infoReport is what --json prints.
func infoReport(file *weights.File) any {
	type tensor struct {
		Name    string `json:"name"`
		Shape   []int  `json:"shape"`
		DType   string `json:"dtype"`
		Numbers int    `json:"numbers"`
	}
	list := func(tensors []weights.Tensor) []tensor {
		all := []tensor{}
		for _, t := range tensors {
			all = append(all, tensor{t.Name, append([]int{}, t.Shape...), t.DType, len(t.Values)})
		}
		return all
	}
	return map[string]any{
		"format": file.Format, "tensors": list(file.Tensors), "others": list(file.Others),
		"parameters": total(file.Tensors), "layers": layers(file.Tensors), "metadata": file.Metadata,
	}
}
