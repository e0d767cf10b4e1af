package main

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"inkling/internal/atomicfile"
	"inkling/internal/wording"
	"inkling/nn"
	"inkling/weights/graph"
	"inkling/weights/npy"
	"inkling/weights/onnx"
)

// arraysRun is what the flags of run ask for.
type arraysRun struct {
	inputs, compare    []string
	output             string
	relative, absolute float64
	profile            bool
	model              modelFlags
}

func newRun() *cobra.Command {
	var want arraysRun
	c := &cobra.Command{
		Use:   "run MODEL",
		Short: "Run a network on arrays",
		Long: `Run any network that can be opened on arrays, and write what it computes as arrays, one
file for each of its outputs. An --input is a .npy, a .npz of several arrays, or a
tensor of ONNX (.pb); it goes to the input of its name, as in --input mask=mask.npy,
else to the next one that has none yet. Of a .onnx any graph is run whose operators
"inkling info" does not list as those that are not; the inputs and outputs of other
files are called input and output.

With --compare a file of what should come out is compared with an output, which is said
as for an input: it is told where and by how much they differ most, and the command
fails where an element differs by more than --atol + --rtol times its size. With
--profile it is told how long each part of the network took.

What the model's file does not say of its network is assumed, and what was assumed is
said. The options --model, --size, --channels, --padding and --rename say it instead.`,
		Example: `  inkling run model.onnx --input picture.npy --output results
  inkling run model.onnx --input picture.npy --compare expected.npy --rtol 1e-3
  inkling run model.pth --input picture.npy --profile`,
		Args: wantArgs("MODEL"),
		RunE: func(c *cobra.Command, args []string) error {
			for _, name := range ofPictures {
				if c.Flags().Changed(name) {
					return usagef("--%s says how pictures become a network's input or what its outputs are called, and run takes and writes arrays as they are", name)
				}
			}
			if len(want.inputs) == 0 {
				return usagef("--input is missing: an array for each input of the network")
			}
			if !(want.relative >= 0) || !(want.absolute >= 0) {
				return usagef("--rtol is %v and --atol %v, want numbers from 0", want.relative, want.absolute)
			}
			return want.run(c.OutOrStdout(), args[0])
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.StringArrayVar(&want.inputs, "input", nil, "`FILE` for an input, or NAME=FILE; may be given several times")
	f.StringVar(&want.output, "output", "", "`DIR` that each output is written to, as NAME.npy")
	f.StringArrayVar(&want.compare, "compare", nil, "`FILE` of what an output should be, or NAME=FILE; may be given several times")
	f.Float64Var(&want.relative, "rtol", 1e-3, "`NUMBER` that an element may differ by, for each unit of its size")
	f.Float64Var(&want.absolute, "atol", 1e-7, "`NUMBER` that an element may differ by besides")
	f.BoolVar(&want.profile, "profile", false, "tell how long each part of the network took")
	want.model.flags(f)
	for _, name := range ofPictures {
		f.Lookup(name).Hidden = true
	}
	return c
}

// ofPictures are the flags for a model's file that mean nothing to arrays.
var ofPictures = []string{"mean", "std", "classes", "label-offset", "orientation"}

func (w *arraysRun) run(out io.Writer, path string) error {
	options, err := w.model.options()
	if err != nil {
		return err
	}
	n, err := options.OpenNetwork(path)
	if err != nil {
		return err
	}
	inputs, err := readNamed(w.inputs, portNames(n.Inputs), "input")
	if err != nil {
		return err
	}
	names := portNames(n.Outputs)
	expected, err := readNamed(w.compare, names, "output")
	if err != nil {
		return err
	}
	start := time.Now()
	var results map[string]*graph.Tensor
	var times []nn.StageTime
	if w.profile {
		results, times, err = n.Profile(inputs)
	} else {
		results, err = n.Run(inputs)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", path, err)
	}
	took := time.Since(start)
	if assumed := n.Assumed(); len(assumed) > 0 {
		fmt.Fprintf(out, "%s does not say everything about its network; assumed:\n  - %s\n", path, strings.Join(assumed, "\n  - "))
	}
	for _, name := range names {
		t := results[name]
		fmt.Fprintf(out, "%s: %s %s\n", wording.Printable(name), t.Type, nn.Shape(t.Shape))
	}
	fmt.Fprintf(out, "made ready and computed in %s\n", took.Round(time.Millisecond/10))
	if w.profile {
		if err := printTimes(out, times); err != nil {
			return err
		}
	}
	if w.output != "" {
		if err := writeArrays(w.output, names, results); err != nil {
			return err
		}
	}
	return w.judge(out, names, results, expected)
}

func portNames(ports []graph.Port) []string {
	var names []string
	for _, p := range ports {
		names = append(names, p.Name)
	}
	return names
}

// judge compares results with what is expected.
func (w *arraysRun) judge(out io.Writer, names []string, results, expected map[string]*graph.Tensor) error {
	var wrong []string
	for _, name := range names {
		want, got := expected[name], results[name]
		if want == nil {
			continue
		}
		d := graph.Compare(got, want, w.relative, w.absolute)
		shown := wording.Printable(name)
		switch {
		case d.Shapes:
			fmt.Fprintf(out, "%s: is %v, want %v\n", shown, got, want)
		case d.At == nil && d.Largest == 0:
			fmt.Fprintf(out, "%s: all %s are equal\n", shown, wording.Number(d.All, "element"))
			continue
		default:
			fmt.Fprintf(out, "%s: %d of %s differ by more than %v + %v times their size; the largest difference is %.3g, at %v: %v, want %v; the largest relative one %.3g\n",
				shown, d.Beyond, wording.Number(d.All, "element"), w.absolute, w.relative, d.Largest, d.At, d.Got, d.Want, d.Relative)
		}
		if d.Shapes || d.Beyond > 0 {
			wrong = append(wrong, shown)
		}
	}
	if len(wrong) > 0 {
		return fmt.Errorf("not as expected: %s", strings.Join(wrong, ", "))
	}
	return nil
}

// printTimes lists what took longest first.
func printTimes(out io.Writer, times []nn.StageTime) error {
	all := 0.0
	for _, t := range times {
		all += t.Seconds()
	}
	times = slices.Clone(times)
	slices.SortStableFunc(times, func(a, b nn.StageTime) int { return cmp.Compare(b.Seconds(), a.Seconds()) })
	table := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprint(table, "time\tshare\toperations\tlayer\toutput\n")
	for _, t := range times {
		if len(t.Operations) == 0 {
			continue
		}
		fmt.Fprintf(table, "%s\t%.1f %%\t%s\t%s\t%s\n", time.Duration(t.Seconds()*1e9).Round(time.Microsecond), 100*t.Seconds()/max(all, 1e-9), strings.Join(t.Operations, " + "), wording.Printable(t.Layer), t.Output)
	}
	return table.Flush()
}

// readNamed reads arrays for inputs, or outputs, of these names: NAME=FILE, or FILE for the
// next name that has none.
func readNamed(texts, names []string, what string) (map[string]*graph.Tensor, error) {
	all := map[string]*graph.Tensor{}
	var unnamed []*graph.Tensor
	var files []string
	for _, text := range texts {
		name, path, named := strings.Cut(text, "=")
		if !named || !slices.Contains(names, name) {
			if _, err := os.Stat(text); named && err != nil {
				return nil, usagef("the network has no %s %q; it has %s", what, name, namesOf(names))
			}
			name, path = "", text
		}
		arrays, err := readArrays(path)
		if err != nil {
			return nil, err
		}
		for _, a := range arrays {
			key := cmp.Or(name, a.name)
			switch {
			case !slices.Contains(names, key):
				unnamed, files = append(unnamed, a.tensor), append(files, path)
			case all[key] != nil:
				return nil, usagef("the %s %q is given twice", what, key)
			default:
				all[key] = a.tensor
			}
		}
	}
	for i, t := range unnamed {
		free := slices.IndexFunc(names, func(name string) bool { return all[name] == nil })
		if free < 0 {
			return nil, usagef("%s is one array too many: the network's %ss are %s", files[i], what, namesOf(names))
		}
		all[names[free]] = t
	}
	return all, nil
}

func namesOf(names []string) string {
	var shown []string
	for _, name := range names {
		shown = append(shown, wording.Printable(name))
	}
	return strings.Join(shown, ", ")
}

// named is an array and the name that its file has for it.
type named struct {
	name   string
	tensor *graph.Tensor
}

// readArrays reads a .npy, a .npz or a tensor of ONNX.
func readArrays(path string) ([]named, error) {
	data, err := os.ReadFile(path)
	if err != nil {
		return nil, err
	}
	var list []named
	add := func(name, dtype string, shape []int, data []byte) error {
		t, err := graph.FromBytes(dtype, shape, data)
		list = append(list, named{name, t})
		return err
	}
	r := bytes.NewReader(data)
	switch {
	case npy.Sniff(data):
		var a *npy.Array
		if a, err = npy.Read(r, int64(len(data))); err == nil {
			err = add("", a.DType, a.Shape, a.Data)
		}
	case npy.SniffArchive(data):
		var archive *npy.Archive
		if archive, err = npy.ReadArchive(r, int64(len(data))); err == nil {
			for _, a := range archive.Arrays {
				if err == nil {
					err = add(a.Name, a.DType, a.Shape, a.Data)
				}
			}
		}
	case strings.EqualFold(filepath.Ext(path), ".pb"):
		var t *graph.Tensor
		var name string
		if name, t, err = onnx.ReadTensor(data); err == nil {
			list = append(list, named{name, t})
		}
	default:
		err = errors.New("it is no .npy, no .npz and no tensor of ONNX (.pb)")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return list, nil
}

// writeArrays writes each output to a file of its name.
func writeArrays(folder string, names []string, results map[string]*graph.Tensor) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	taken := map[string]bool{}
	for i, own := range names {
		// A name in a file is no path.
		name := strings.Map(func(r rune) rune {
			if strings.ContainsRune(`/\:*?"<>|`, r) || r < ' ' {
				return '_'
			}
			return r
		}, own)
		name = strings.TrimLeft(name, ".")
		if name == "" || len(name) > 200 || taken[name] {
			name = fmt.Sprintf("output_%d", i)
		}
		taken[name] = true
		t := results[own]
		dtype, data := t.Bytes()
		err := atomicfile.Write(filepath.Join(folder, name+".npy"), func(w io.Writer) error {
			return npy.Write(w, &npy.Array{Name: own, Shape: t.Shape, DType: dtype, Data: data})
		})
		if err != nil {
			return err
		}
	}
	return nil
}
