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

	"inkling"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/described"
	"inkling/weights/onnx"
)

func newInfo() *cobra.Command {
	var asJSON, layers, plan bool
	var conv nn.Convolutions
	var batch int
	var model modelFlags
	c := &cobra.Command{
		Use:   "info MODEL",
		Short: "List what is in a weight file",
		Long: `List the tensors of a weight file, their shapes and how many numbers each has, and
what the file says about its training. It reads PyTorch's .pth files, of any
network: state dicts, also quantised ones, checkpoints with whatever they hold
beside the weights, whole pickled networks and TorchScript programs, of which it
runs nothing; .safetensors, .npz, .npy and .onnx, too, of which it tells every operator,
and which of them cannot be run; and of a network.yaml, which describes a network, the layers.

With --layers it lists the layers of the network that the file is opened as, each with
its output for one picture, its parameters and its multiply-adds; MODEL may then be the
name of a network that "inkling models" lists, too. With --plan it lists the steps of a
prediction on --batch pictures: by which algorithm each is computed with this
processor's kernels, by what it may be divided among workers, the memory that it touches,
and how long it takes on one of them; that is measured here, or, where the whole takes
very long, estimated from the multiply-adds and this processor's peak, and said. With one of the options that say
of a file what it leaves out, it tells what network comes of it.` + modelFlagsHelp,
		Example: `  inkling info model.pth
  inkling info resnet18.pth --json
  inkling info model.onnx
  inkling info --layers model.pth
  inkling info --layers resnet18 --size 32
  inkling info --plan model.pth
  inkling info --plan --model mobilenet_v2 --size 32 --batch 8`,
		Args: func(c *cobra.Command, args []string) error {
			if len(args) == 0 && model.model != "" && (layers || plan) {
				return nil // a network of the zoo, as it usually is
			}
			return wantArgs("MODEL")(c, args)
		},
		RunE: func(c *cobra.Command, args []string) error {
			options, err := model.options()
			if err != nil {
				return err
			}
			if len(args) == 0 {
				args, options.Model = []string{options.Model}, ""
			}
			switch {
			case layers && plan:
				return usagef("--layers and --plan are two lists: ask for one")
			case c.Flags().Changed("batch") && !plan:
				return usagef("--batch goes with --plan")
			case c.Flags().Changed("conv") && !plan:
				return usagef("--conv goes with --plan")
			case layers:
				return showLayers(c.OutOrStdout(), args[0], &options, asJSON)
			case plan:
				return showPlan(c.OutOrStdout(), args[0], &options, conv, batch, asJSON)
			}
			file, err := inkling.ReadFile(args[0])
			if err != nil {
				return err
			}
			var opened *inkling.Classifier
			if options.Any() {
				if opened, err = options.Use(args[0], file); err != nil {
					return err
				}
			}
			var network *onnx.Contents
			if file.Format == onnxEnding[1:] {
				if network, err = onnx.ReadFile(args[0]); err != nil {
					return err
				}
			}
			if asJSON {
				report := infoReport(file, network)
				if opened != nil {
					report["opened"] = openedReport(opened)
				}
				return writeJSON(c.OutOrStdout(), report)
			}
			if described.Is(args[0]) {
				if err := printDescription(c.OutOrStdout(), args[0]); err != nil || len(file.Tensors) == 0 {
					return err
				}
			}
			if err := printInfo(c.OutOrStdout(), args[0], file, network); err != nil || opened == nil {
				return err
			}
			return printOpened(c.OutOrStdout(), args[0], opened)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&layers, "layers", false, "list the network's layers")
	f.BoolVar(&plan, "plan", false, "list the steps of a prediction, with their algorithms and times")
	f.IntVar(&batch, "batch", 1, "pictures in the batch that --plan is for")
	addConvFlag(f, &conv, nn.FastConvolutions)
	f.BoolVar(&asJSON, "json", false, "print the result as JSON")
	model.flags(f)
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

// mostListed bounds the lists of what is beside the weights.
const mostListed = 20

// leftOutLines says what is in a file and is no tensor that can be read, a line
// each: where it stands, and what it is.
func leftOutLines(file *weights.File) [][2]string {
	var lines [][2]string
	for _, l := range file.LeftOut[:min(len(file.LeftOut), mostListed)] {
		what := l.What
		if l.Value != "" {
			what += ", " + l.Value
		}
		lines = append(lines, [2]string{cmp.Or(l.Path, "(the whole)"), what})
	}
	return lines
}

// quantisationLines says what the integers q of quantised tensors stand for.
func quantisationLines(file *weights.File) [][2]string {
	var lines [][2]string
	for _, t := range file.Tensors {
		q := t.Quantization
		if q == nil {
			continue
		}
		lowest, highest := t.QuantisedRange()
		line := fmt.Sprintf("%v * (q - %d)", q.Scales[0], q.ZeroPoints[0])
		if q.Axis >= 0 {
			line = fmt.Sprintf("scale * (q - zero point), one for each of %d along dimension %d: scales %v to %v, zero points %d to %d", len(q.Scales), q.Axis,
				slices.Min(q.Scales), slices.Max(q.Scales), slices.Min(q.ZeroPoints), slices.Max(q.ZeroPoints))
		}
		lines = append(lines, [2]string{t.Name, fmt.Sprintf("%s, %s from %d to %d", line, t.DType, lowest, highest)})
	}
	return lines
}

// printLines prints pairs below a title, if there are any.
func printLines(out io.Writer, title string, lines [][2]string, all int) {
	if len(lines) == 0 {
		return
	}
	fmt.Fprintln(out, title)
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for _, line := range lines {
		fmt.Fprintf(table, "  %s\t%s\n", printable(line[0]), printable(line[1]))
	}
	table.Flush()
	if more := all - len(lines); more > 0 {
		fmt.Fprintf(out, "  and %d more\n", more)
	}
}

// statePlace says where the state dict was found, if that had to be decided.
func statePlace(file *weights.File) string {
	switch {
	case len(file.Tensors) == 0 && len(file.StatePaths) > 0:
		return fmt.Sprintf("The state dicts lie under %s; nothing tells which one is meant.\n", printable(strings.Join(file.StatePaths, ", ")))
	case len(file.StatePaths) > 0:
		return fmt.Sprintf("The state dict is the one under %s; under %s there %s, among the other tensors.\n", printable(file.StatePath),
			printable(strings.Join(file.StatePaths, ", ")), plural(len(file.StatePaths), "is another", "are others"))
	case file.StatePath != "":
		return fmt.Sprintf("The state dict lies under %s.\n", printable(file.StatePath))
	}
	return ""
}

// pythonNames says which Python names a file has that nobody looked up.
func pythonNames(file *weights.File) string {
	if len(file.Names) == 0 || file.Class != "" {
		return "" // a whole network names all its classes
	}
	shown := strings.Join(file.Names[:min(len(file.Names), mostListed)], ", ")
	if more := len(file.Names) - mostListed; more > 0 {
		shown += fmt.Sprintf(" and %d more", more)
	}
	return fmt.Sprintf("Python names in it, none of them looked up or called: %s.\n", printable(shown))
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
	} else if len(file.StatePaths) > 0 {
		fmt.Fprintf(out, "\n%s: %s, %s in %s (format %s).\n", path, count(len(file.StatePaths), "state dict"), count(total(file.Others), "number"), count(len(file.Others), "tensor"), file.Format)
	} else {
		fmt.Fprintf(out, "\n%s: no state dict, but %s, %s numbers (format %s).\n", path, count(len(file.Others), "other tensor"), thousands(total(file.Others)), file.Format)
	}
	if n := len(file.Others); n > 0 && len(file.Tensors) > 0 {
		fmt.Fprintf(out, "Beside them: %s, %s numbers, such as %s.\n", count(n, "other tensor"), thousands(total(file.Others)), printable(file.Others[0].Name))
	}
	fmt.Fprint(out, notFinite(file))
	fmt.Fprint(out, statePlace(file))
	printLines(out, "Quantised, and read as the numbers that they stand for:", quantisationLines(file), 0)
	printLines(out, "Beside the tensors, and left out:", leftOutLines(file), len(file.LeftOut))
	fmt.Fprint(out, pythonNames(file))
	if file.Script {
		fmt.Fprintf(out, "It is a TorchScript program, of the class %s. Its tensors were read, and nothing of its code was run.\n", printable(strings.TrimPrefix(file.Class, "__torch__.")))
	} else if file.Class != "" {
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
		case []float64:
			list = append(list, printable(name)+" ("+strings.ReplaceAll(strings.Trim(fmt.Sprint(value), "[]"), " ", ", ")+")")
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
	g, err := n.Graph()
	switch {
	case err != nil:
		fmt.Fprintf(out, "The graph cannot be run: %s.\n", printable(err.Error()))
	case g.Obstacle != "":
		fmt.Fprintf(out, "The graph cannot be run: %s.\n", printable(g.Obstacle))
	default:
		missing := g.Missing()
		for _, m := range missing {
			fmt.Fprintf(out, "Cannot be run: %s.\n", printable(m.String()))
		}
		if len(missing) == 0 {
			fmt.Fprintln(out, "All of its operators can be run.")
		}
	}
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
		value := m.Extra[key]
		if key == sketchKey {
			value = "known, so that a test on the same pictures is noticed"
		}
		switch key {
		case string(inkling.Texts):
			value = aboutTexts(value)
		case string(inkling.Vectors):
			value = aboutVectors(value)
		}
		lines = append(lines, [2]string{key, value})
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
func infoReport(file *weights.File, network *onnx.Contents) map[string]any {
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
	if file.Script {
		report["torchscript"] = true
	}
	if file.StatePath != "" {
		report["state_path"] = file.StatePath
	}
	if len(file.StatePaths) > 0 {
		report["state_paths"] = file.StatePaths
	}
	if len(file.LeftOut) > 0 {
		type leftOut struct {
			Path   string `json:"path"`
			What   string `json:"what"`
			Value  string `json:"value,omitempty"`
			Tensor bool   `json:"tensor,omitempty"`
		}
		var all []leftOut
		for _, l := range file.LeftOut {
			all = append(all, leftOut{l.Path, l.What, l.Value, l.Tensor})
		}
		report["left_out"] = all
	}
	if len(file.Names) > 0 {
		report["python_names"] = file.Names
	}
	quantised := map[string]any{}
	for _, t := range file.Tensors {
		if q := t.Quantization; q != nil {
			quantised[t.Name] = map[string]any{"scales": q.Scales, "zero_points": q.ZeroPoints, "axis": q.Axis}
		}
	}
	if len(quantised) > 0 {
		report["quantised"] = quantised
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
		missing := []map[string]any{}
		if g, err := network.Graph(); err == nil {
			for _, m := range g.Missing() {
				missing = append(missing, map[string]any{"operator": m.Operator, "count": m.Count, "first": m.First, "reason": m.Reason})
			}
		}
		report["network"] = map[string]any{
			"missing": missing,
			"inputs":  ports(network.Inputs), "outputs": ports(network.Outputs), "operators": network.Operators,
			"operator_set": network.OperatorSet, "producer": network.Producer,
		}
	}
	return report
}
