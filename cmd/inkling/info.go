package main

import (
	"cmp"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strings"
	"text/tabwriter"

	"github.com/spf13/cobra"

	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx"
)

func newInfo() *cobra.Command {
	var asJSON bool
	c := &cobra.Command{
		Use:   "info MODEL",
		Short: "List what is in a weight file",
		Long: `List the tensors of a weight file, their shapes and how many numbers each has, and
what the file says about its training. It reads PyTorch's .pth files, of any
network: state dicts, checkpoints with an optimiser, and whole pickled networks, of
which it runs nothing; .safetensors, .npz, .npy and the weights in .onnx, too.`,
		Example: `  inkling info model.pth
  inkling info resnet18.pth --json
  inkling info model.onnx`,
		Args: wantArgs("MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			file, err := weights.Read(args[0])
			if err != nil {
				return err
			}
			var network *onnx.Contents
			if file.Format == onnxEnding[1:] {
				if network, err = onnx.ReadFile(args[0]); err != nil {
					return err
				}
			}
			if asJSON {
				return writeJSON(c.OutOrStdout(), infoReport(file, network))
			}
			return printInfo(c.OutOrStdout(), args[0], file, network)
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
		n += t.Len()
	}
	return n
}

// divide returns the tensors that training changes, and the buffers beside them.
func divide(tensors []weights.Tensor) (trained, buffers []weights.Tensor) {
	for _, t := range tensors {
		if t.IsBuffer() {
			buffers = append(buffers, t)
		} else {
			trained = append(trained, t)
		}
	}
	return trained, buffers
}

// notFinite says in a line how many numbers are not finite, and where; it is empty
// if all are.
func notFinite(file *weights.File) string {
	found := file.NotFinite()
	if len(found) == 0 {
		return ""
	}
	nan, inf, beyond := 0, 0, 0
	for _, n := range found {
		nan, inf, beyond = nan+n.NaN, inf+n.Inf, beyond+n.Beyond
	}
	var kinds []string
	for _, kind := range []struct {
		n    int
		what string
	}{{nan, "NaN"}, {inf, "infinite"}, {beyond, "too large for float32"}} {
		if kind.n > 0 {
			kinds = append(kinds, thousands(kind.n)+" "+kind.what)
		}
	}
	const most = 3
	var names []string
	for _, n := range found[:min(len(found), most)] {
		names = append(names, fmt.Sprintf("%s (%s of %s)", printable(n.Name), thousands(n.NaN+n.Inf+n.Beyond), thousands(n.Of)))
	}
	if more := len(found) - most; more > 0 {
		names = append(names, fmt.Sprintf("%d more", more))
	}
	return fmt.Sprintf("Not finite: %s of %s, in %s: %s.\n", strings.Join(kinds, " and "), count(total(file.Tensors), "number"), count(len(found), "tensor"), strings.Join(names, ", "))
}

func printInfo(out io.Writer, path string, file *weights.File, network *onnx.Contents) error {
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "tensor\tshape\ttype\tnumbers\n")
	listed := file.Tensors
	if len(listed) == 0 {
		listed = file.Others // there is nothing else to see
	}
	for _, t := range listed {
		fmt.Fprintf(table, "%s\t%s\t%s\t%s\n", cmp.Or(printable(t.Name), "(no name)"), nn.Shape(t.Shape), t.DType, thousands(t.Len()))
	}
	if err := table.Flush(); err != nil {
		return err
	}
	if len(file.Tensors) > 0 {
		trained, buffers := divide(file.Tensors)
		fmt.Fprintf(out, "\n%s: %s in %s of %s (format %s).\n", path, count(total(trained), "parameter"),
			count(len(trained), "tensor"), count(layers(file.Tensors), "layer"), file.Format)
		if len(buffers) > 0 {
			fmt.Fprintf(out, "Not trained: %s in %s, such as %s.\n", count(total(buffers), "number"), count(len(buffers), "buffer"), printable(buffers[0].Name))
		}
	} else {
		fmt.Fprintf(out, "\n%s: no state dict, but %s, %s numbers (format %s).\n", path, count(len(file.Others), "other tensor"), thousands(total(file.Others)), file.Format)
	}
	if n := len(file.Others); n > 0 && len(file.Tensors) > 0 {
		fmt.Fprintf(out, "Beside them: %s, %s numbers, such as %s.\n", count(n, "other tensor"), thousands(total(file.Others)), printable(file.Others[0].Name))
	}
	fmt.Fprint(out, notFinite(file))
	if file.Class != "" {
		fmt.Fprintf(out, "It is a whole pickled network, of the Python class %s. Its code is not in the file, and nothing of it was run.\n", printable(file.Class))
	}
	if o := file.Optimizer; o != nil {
		for i, group := range o.Groups {
			fmt.Fprintf(out, "Optimiser, group %d, %s: %s.\n", i, count(len(group.Parameters), "parameter"), settings(group))
		}
	}
	if network != nil {
		printNetwork(out, network)
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

// settings lists a group's settings that are numbers or texts, and the flags that
// are set.
func settings(group weights.ParameterGroup) string {
	var list []string
	for _, name := range slices.Sorted(maps.Keys(group.Settings)) {
		switch value := group.Settings[name].(type) {
		case bool:
			if value {
				list = append(list, printable(name))
			}
		case nil:
		default:
			list = append(list, printable(name)+" "+printable(fmt.Sprint(value)))
		}
	}
	return strings.Join(list, ", ")
}

// printNetwork says what a .onnx does with its weights.
func printNetwork(out io.Writer, n *onnx.Contents) {
	ports := func(what string, list []onnx.Port) {
		for _, p := range list {
			fmt.Fprintf(out, "%s %q: %s, %s.\n", what, p.Name, printable(strings.Join(p.Shape, " x ")), cmp.Or(p.DType, "of another type"))
		}
	}
	ports("Input", n.Inputs)
	ports("Output", n.Outputs)
	var kinds []string
	for _, kind := range slices.Sorted(maps.Keys(n.Operators)) {
		kinds = append(kinds, fmt.Sprintf("%d %s", n.Operators[kind], printable(kind)))
	}
	fmt.Fprintf(out, "Operations: %s (operator set %d, written by %s).\n", strings.Join(kinds, ", "), n.OperatorSet, cmp.Or(printable(n.Producer), "somebody unknown"))
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

// infoReport is what --json prints.
func infoReport(file *weights.File, network *onnx.Contents) any {
	type tensor struct {
		Name    string `json:"name"`
		Shape   []int  `json:"shape"`
		DType   string `json:"dtype"`
		Numbers int    `json:"numbers"`
		Buffer  bool   `json:"buffer,omitempty"`
	}
	list := func(tensors []weights.Tensor) []tensor {
		all := []tensor{}
		for _, t := range tensors {
			all = append(all, tensor{t.Name, append([]int{}, t.Shape...), t.DType, t.Len(), t.IsBuffer()})
		}
		return all
	}
	trained, buffers := divide(file.Tensors)
	notFinite := map[string]int{}
	for _, n := range file.NotFinite() {
		notFinite[n.Name] = n.NaN + n.Inf + n.Beyond
	}
	report := map[string]any{
		"format": file.Format, "tensors": list(file.Tensors), "others": list(file.Others),
		"parameters": total(trained), "buffers": total(buffers), "not_finite": notFinite, "layers": layers(file.Tensors), "metadata": file.Metadata,
	}
	if file.Class != "" {
		report["class"] = file.Class
	}
	if file.Optimizer != nil {
		var groups []map[string]any
		for _, group := range file.Optimizer.Groups {
			settings := maps.Clone(group.Settings)
			for name, value := range settings {
				if f, ok := value.(float64); ok && (math.IsNaN(f) || math.IsInf(f, 0)) {
					settings[name] = fmt.Sprint(f) // which JSON has no number for
				}
			}
			groups = append(groups, map[string]any{"settings": settings, "parameters": group.Parameters})
		}
		report["optimizer"] = groups
	}
	if network != nil {
		type port struct {
			Name  string   `json:"name"`
			DType string   `json:"dtype"`
			Shape []string `json:"shape"`
		}
		ports := func(list []onnx.Port) []port {
			all := []port{}
			for _, p := range list {
				all = append(all, port(p))
			}
			return all
		}
		report["network"] = map[string]any{
			"inputs": ports(network.Inputs), "outputs": ports(network.Outputs), "operators": network.Operators,
			"operator_set": network.OperatorSet, "producer": network.Producer,
		}
	}
	return report
}
