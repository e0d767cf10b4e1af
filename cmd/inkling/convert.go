package main

import (
	"errors"
	"fmt"
	"inkling"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"github.com/spf13/cobra"

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
}

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
.onnx or a whole network that PyTorch pickled the weights are taken. Numbers become
float32, and what is outside the state dict, as an optimiser's state, is left out;
both is said when it happens.

A .onnx is made of a file of LeNet's tensors, and takes any number of pictures at a
time. With --pixels it takes pictures as they are, upright, of bytes from 0 to 255:
normalising is a part of the network then. Colour pictures come as channels x height
x width, or with --channels-last as height x width x channels.`,
		Example: `  inkling convert model.pth model.safetensors
  inkling convert model.npz model.pth --force
  inkling convert whole.pth state_dict.pth
  inkling convert model.pth model.onnx --pixels --softmax`,
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
			if want.channelsLast && !want.pixels {
				return usagef("--channels-last is for pictures of bytes; give --pixels, too")
			}
			return convert(c.OutOrStdout(), in, out, want)
		},
	}
	f := c.Flags()
	f.BoolVar(&want.force, "force", false, "overwrite OUT if it exists")
	f.BoolVar(&want.pixels, "pixels", false, "make a .onnx take pictures of bytes and normalise them itself")
	f.BoolVar(&want.channelsLast, "channels-last", false, "with --pixels, take height x width x channels, as pictures are decoded")
	f.BoolVar(&want.softmax, "softmax", false, "make a .onnx give probabilities instead of logits")
	return c
}

func convert(out io.Writer, from, to string, want conversion) error {
	if !want.force {
		if _, err := os.Lstat(to); err == nil {
			return fmt.Errorf("%s exists already; overwrite it with --force or give another name", to)
		} else if !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("%s cannot be written: %w", to, err)
		}
	}
	file, err := weights.Read(from)
	if err != nil {
		return err
	}
	if len(file.Tensors) == 0 {
		if n := len(file.Others); n > 0 {
			return fmt.Errorf("%s holds no state dict, only %s outside one; in PyTorch save the weights with torch.save(net.state_dict(), path)", from, count(n, "tensor"))
		}
		return fmt.Errorf("%s holds no tensors", from)
	}
	if strings.EqualFold(filepath.Ext(to), onnxEnding) {
		return convertToONNX(out, from, to, file.Metadata, want)
	}
	var about []weights.Metadata
	kept := "It says nothing about itself, so nothing was kept of that."
	if file.Metadata != nil {
		about = append(about, *file.Metadata)
		kept = "What it says about itself was kept."
	}
	if err := weights.Write(to, file.Tensors, about...); err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "Converted %s (format %s) to %s: %s, %s numbers. %s\n%s", from, file.Format, to,
		count(len(file.Tensors), "tensor"), thousands(total(file.Tensors)), kept, losses(file))
	return err
}

// losses says what a converted file lacks of the other, a line each; it is empty
// if that is nothing.
func losses(file *weights.File) string {
	var text strings.Builder
	if file.Class != "" {
		fmt.Fprintf(&text, "It was a whole pickled network, of the Python class %s; the tensors of its state dict were taken, and nothing of it was run.\n", printable(file.Class))
	}
	other := 0
	example := ""
	for _, t := range file.Tensors {
		if t.DType == "float32" {
			continue
		}
		if other++; other == 1 {
			example = fmt.Sprintf("%s of %s", printable(t.Name), t.DType)
		}
	}
	if other > 0 {
		fmt.Fprintf(&text, "Became float32: %s, such as %s.\n", count(other, "tensor"), example)
	}
	if n := len(file.Others); n > 0 {
		fmt.Fprintf(&text, "Left out: %s outside the state dict, such as %s.\n", count(n, "tensor"), printable(file.Others[0].Name))
	}
	return text.String()
}

// convertToONNX writes the network of the file at from, which says of itself
// what about holds.
func convertToONNX(out io.Writer, from, to string, about *weights.Metadata, want conversion) error {
	m, err := inkling.Open(from)
	if err != nil {
		return err
	}
	network := onnx.Model{
		Network:      m.Network,
		Shape:        m.Input(),
		Metadata:     about,
		Pixels:       want.pixels,
		ChannelsLast: want.channelsLast,
		Softmax:      want.softmax,
	}
	shape := nn.Shape(m.Input())
	input := "float32, normalised"
	if want.pixels {
		// What the file did not say becomes part of the network, so it is said.
		m.Orient("", weights.Upright, "as people see them")
		network.Metadata = &m.About
		input = "bytes from 0 to 255, upright"
		if want.channelsLast {
			shape = nn.Shape{shape[1], shape[2], shape[0]}
		}
		if _, err := io.WriteString(out, m.Note(from)); err != nil {
			return err
		}
	}
	if err := network.Save(to); err != nil {
		return err
	}
	output := onnx.Logits
	if want.softmax {
		output = onnx.Probabilities
	}
	_, err = fmt.Fprintf(out, "Converted %s to %s: %s, %s parameters. Input %q: N x %s, %s. Output %q: N x %d.\n",
		from, to, inkling.Architecture, thousands(inkling.Parameters(m.Network)), onnx.Input, shape, input, output, len(m.About.Classes))
	return err
}
