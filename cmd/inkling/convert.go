package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/nn"
	"inkling/weights"
	"inkling/weights/onnx"
)

// onnxEnding chooses the one format that holds a whole network.
const onnxEnding = ".onnx"

// convertible are the endings of a file that convert can write.
var convertible = []string{".pth", ".pt", ".safetensors", ".npz", ".npy", onnxEnding}

// conversion is what the flags of convert ask for.
type conversion struct {
	force, pixels, channelsLast, softmax bool

	// dtype is the type that floating-point tensors get, empty for their own.
	dtype string
	model modelFlags
}

// dtypes are the types that --dtype converts to.
var dtypes = []string{"float64", "float32", "float16", "bfloat16"}

func newConvert() *cobra.Command {
	var want conversion
	c := &cobra.Command{
		Use:   "convert IN OUT",
		Short: "Write a weight file in another format",
		Long: `Write the tensors of a weight file, and what it says about itself, as another file.
What IN is shows its content, what OUT shall be its ending:

  .pth, .pt       PyTorch's torch.load and load_state_dict
  .safetensors    Hugging Face's safetensors
  .npz            NumPy's numpy.load; .npy for a file of one tensor
  .onnx           a whole network, for ONNX Runtime and others

All but .onnx take the tensors of any network. IN may be any of these, and of a
.onnx, a TorchScript program or a whole network that PyTorch pickled the weights are
taken. Tensors keep their types where the format has them: NumPy lacks bfloat16, and
quantised weights become the numbers that they stand for. --dtype gives all tensors
of floating point another type; integers keep theirs, as in PyTorch's net.half(). A
number that would become infinite is refused. What is outside the state dict, as an
optimiser's state, is left out. All of that is said when it happens.

A .onnx is made of any network that predict runs, and takes any number of pictures at a
time. With --pixels it takes pictures as they are, upright, of bytes from 0 to 255:
normalising is a part of the network then. Colour pictures come as channels x height
x width, or with --channels-last as height x width x channels.`,
		Example: `  inkling convert model.pth model.safetensors
  inkling convert model.npz model.pth --force
  inkling convert whole.pth state_dict.pth
  inkling convert model.pth half.safetensors --dtype float16
  inkling convert model.pth model.onnx --pixels --softmax
  inkling convert pytorch.pth told.pth --mean 0.1307 --std 0.3081 --classes names.txt`,
		Args: wantArgs("IN", "OUT"),
		RunE: func(c *cobra.Command, args []string) error {
			in, out := args[0], args[1]
			ending := strings.ToLower(filepath.Ext(out))
			if !slices.Contains(convertible, ending) {
				return usagef("%s names no format; its ending must be one of %s", out, strings.Join(convertible, ", "))
			}
			if ending != onnxEnding && (want.pixels || want.channelsLast || want.softmax) {
				return usagef("--pixels, --channels-last and --softmax are for %s, which holds a whole network; %s holds tensors only", onnxEnding, ending)
			}
			if want.dtype != "" && !slices.Contains(dtypes, want.dtype) {
				return usagef("--dtype is %q, want one of %s", want.dtype, strings.Join(dtypes, ", "))
			}
			if want.dtype != "" && ending == onnxEnding {
				return usagef("--dtype is for files of tensors; the network in a %s computes with float32", onnxEnding)
			}
			if want.dtype != "" && !weights.Holds(out, want.dtype) {
				return usagef("--dtype: a %s has no %s; use .pth or .safetensors", ending, want.dtype)
			}
			if want.channelsLast && !want.pixels {
				return usagef("--channels-last is for pictures of bytes; give --pixels, too")
			}
			return convert(c.OutOrStdout(), in, out, want)
		},
	}
	f := c.Flags()
	f.SortFlags = false
	f.BoolVar(&want.force, "force", false, "overwrite OUT if it exists")
	f.StringVar(&want.dtype, "dtype", "", "make floating-point numbers of this `TYPE`: "+strings.Join(dtypes, ", "))
	f.BoolVar(&want.pixels, "pixels", false, "make a .onnx take pictures of bytes and normalise them itself")
	f.BoolVar(&want.channelsLast, "channels-last", false, "with --pixels, take height x width x channels, as pictures are decoded")
	f.BoolVar(&want.softmax, "softmax", false, "make a .onnx give probabilities instead of logits")
	want.model.flags(f)
	return c
}

func convert(out io.Writer, from, to string, want conversion) error {
	options, err := want.model.options()
	if err != nil {
		return err
	}
	if !want.force {
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s exists already; overwrite it with --force or give another name", to)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s cannot be written: %w", to, err)
		}
	}
	file, err := inkling.ReadFile(from)
	if err != nil {
		return err
	}
	if err := file.CheckState(from); err != nil {
		return err
	}
	for _, l := range file.LeftOut {
		if l.Tensor && l.InState {
			return fmt.Errorf("%s: %s in the state dict is %s, which is not read, and %s would lack it; in PyTorch take it out or convert it, and save the rest", from, printable(l.Path), printable(l.What), to)
		}
	}
	if inkling.IsONNX(to) {
		return convertToONNX(out, from, to, &options, file, want)
	}
	said, notes, err := options.MetadataFor(from, file)
	if err != nil {
		return err
	}
	if file.Tensors, err = inkling.RenameTensors(file.Tensors, options.Rename); err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	var about []weights.Metadata
	kept := "It says nothing about itself, so nothing was kept of that."
	if said != nil {
		about = append(about, *said)
		kept = "What it says about itself was kept."
		if options.Any() {
			kept = "What it says about itself was kept, and what was asked for."
		}
	}
	for _, note := range notes {
		kept += " Note: " + note + "."
	}
	tensors, changes, err := want.retype(file.Tensors, to)
	if err != nil {
		return fmt.Errorf("%s: %w", from, err)
	}
	if err := weights.Write(to, tensors, about...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Converted %s (format %s) to %s: %s, %s numbers. %s\n%s%s%s", from, file.Format, to,
		count(len(file.Tensors), "tensor"), thousands(total(file.Tensors)), kept, changes, losses(file), notFinite(file))
	return err
}

// retype returns tensors of the types that the file at path shall have, and a line
// for each type that others became.
func (want *conversion) retype(tensors []weights.Tensor, path string) (retyped []weights.Tensor, said string, err error) {
	type change struct {
		tensors, zeros int
		example        string
	}
	changes := map[string]*change{}
	for _, t := range tensors {
		dtype := t.DType
		if want.dtype != "" && (t.IsFloat() || t.Quantization != nil) {
			dtype = want.dtype
		}
		if !weights.Holds(path, dtype) {
			dtype = "float32"
		}
		converted, zeros, err := t.Convert(dtype)
		if err != nil {
			return nil, "", err
		}
		retyped = append(retyped, converted)
		if dtype == t.DType {
			continue
		}
		c := changes[dtype]
		if c == nil {
			c = &change{example: fmt.Sprintf("%s of %s", printable(t.Name), t.DType)}
			changes[dtype] = c
		}
		c.tensors++
		c.zeros += zeros
	}
	for _, dtype := range slices.Sorted(maps.Keys(changes)) {
		c := changes[dtype]
		said += fmt.Sprintf("Became %s: %s, such as %s.\n", dtype, count(c.tensors, "tensor"), c.example)
		if c.zeros > 0 {
			said += fmt.Sprintf("Became zero: %s too small for %s.\n", count(c.zeros, "number"), dtype)
		}
	}
	return retyped, said, nil
}

// losses says what a converted file lacks of the other, a line each; it is empty
// if that is nothing.
func losses(file *weights.File) string {
	var text strings.Builder
	text.WriteString(statePlace(file))
	if file.Script {
		fmt.Fprintf(&text, "It was a TorchScript program, of the class %s; its tensors were taken, and nothing of its code was run.\n", printable(strings.TrimPrefix(file.Class, "__torch__.")))
	} else if file.Class != "" {
		fmt.Fprintf(&text, "It was a whole pickled network, of the Python class %s; the tensors of its state dict were taken, and nothing of it was run.\n", printable(file.Class))
	}
	if n := len(file.Others); n > 0 {
		fmt.Fprintf(&text, "Left out: %s outside the state dict, such as %s.\n", count(n, "tensor"), printable(file.Others[0].Name))
	}
	printLines(&text, "Left out, for it is no tensor:", leftOutLines(file), len(file.LeftOut))
	return text.String()
}

// convertToONNX writes the network of a file, which was read from the path from.
func convertToONNX(out io.Writer, from, to string, options *inkling.Options, file *weights.File, want conversion) error {
	m, err := options.Use(from, file)
	if err != nil {
		return err
	}
	export := inkling.Export{Pixels: want.pixels, ChannelsLast: want.channelsLast, Softmax: want.softmax}
	if file.Metadata != nil || options.Any() {
		about := m.Said()
		export.Metadata = &about
	}
	shape := nn.Shape(m.Input())
	input := "float32, normalised"
	if want.pixels {
		m.Orient("", weights.Upright, "as people see them")
		export.Metadata = &m.About
		input = "bytes from 0 to 255, upright"
		if want.channelsLast {
			shape = nn.Shape{shape[1], shape[2], shape[0]}
		}
	}
	// What the file did not say becomes part of the network, so it is said.
	if _, err := io.WriteString(out, m.Note(from)); err != nil {
		return err
	}
	if err := m.SaveONNX(to, export); err != nil {
		return err
	}
	if m.AsGraph(export) {
		g, err := m.Graph()
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(out, "Converted %s to %s: its graph of %s, with %s parameters. Input %q, output %q.\n",
			from, to, count(len(g.Nodes), "operation"), thousands(inkling.Parameters(m.Network)), g.Inputs[0].Name, g.Outputs[0].Name)
		return err
	}
	output := onnx.Logits
	switch {
	case want.softmax || m.Output == "Softmax":
		output = onnx.Probabilities
	case m.Output == "LogSoftmax":
		output = onnx.LogProbabilities
	}
	_, err = fmt.Fprintf(out, "Converted %s to %s: %s, %s parameters. Input %q: N x %s, %s. Output %q: N x %d.\n",
		from, to, m.Architecture(), thousands(inkling.Parameters(m.Network)), onnx.Input, shape, input, output, len(m.About.Classes))
	return err
}
