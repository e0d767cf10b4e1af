// Package weights saves the parameters of a network to a file and loads them
// again. The format is chosen by the file's ending when saving and by the
// file's first bytes when loading. There are PyTorch's .pth, Hugging Face's
// .safetensors and NumPy's .npz and .npy; see packages weights/pth,
// weights/safetensors and weights/npy. Package weights/onnx writes whole
// networks; who imports it can load the weights of such files, too.
//
// What a program must know to use the weights (the data set, its classes, the
// normalisation) travels in the file as Metadata.
package weights

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"slices"
	"strconv"
	"strings"

	"inkling/internal/atomicfile"
	"inkling/weights/pth"
	"inkling/weights/structure"
)

// Entry is one named tensor of a network, such as nn.State returns.
type Entry interface {
	// Name is the state-dict key, as PyTorch has it: "conv1.weight".
	Name() string
	// Shape holds the dimensions in PyTorch's order.
	Shape() []int
	// Read copies the values to dst, in row-major order of Shape; dst has room
	// for exactly all of them.
	Read(dst []float32)
	// Write sets the values from src, in row-major order of Shape; src has
	// exactly all of them.
	Write(src []float32)
}

// File is the content of a weight file.
type File struct {
	// Format is the name of the file's format: "pth", "safetensors", "npz" or
	// "npy".
	Format string
	// Tensors is the state dict in the order of the file, empty if the file
	// has none.
	Tensors []Tensor
	// Class names the network's Python class if the file is a whole pickled
	// network, of which only the tensors were taken; else it is empty.
	Class string
	// Others holds tensors outside the state dict, such as an optimiser's in a
	// checkpoint, named by their path in the file.
	Others []Tensor
	// Optimizer is the state of an optimizer in a checkpoint, nil if there is
	// none. It shares its tensors with Others.
	Optimizer *Optimizer
	// Structure tells what the network computes, nil if the file says nothing of
	// that, as one of tensors alone.
	Structure *structure.Network
	// Graph reads the network as operators, a *graph.Graph of package weights/graph, which
	// knows package nn as this one does not; nil if the file has none.
	Graph func() (any, error)
	// Metadata is nil if the file has none, as one that PyTorch wrote.
	Metadata *Metadata

	// StatePath is where the state dict lies in a checkpoint: "net". It is empty if
	// it lies at the top.
	StatePath string
	// StatePaths are where other state dicts lie, whose tensors are among Others.
	// If Tensors is empty, nothing told which of them is meant.
	StatePaths []string
	// LeftOut lists what else is in the file and is no tensor, or none that can be
	// read.
	LeftOut []LeftOut
	// Names are the Python names in the file that are not known, such as
	// "argparse.Namespace". None of them was looked up or called.
	Names []string
	// Script tells that the file is a TorchScript program (torch.jit.save).
	Script bool
}

// LeftOut is something in a file that is no tensor, or no tensor that can be read.
type LeftOut = pth.LeftOut

// Save writes the state, and at most one Metadata with it, to the file at path,
// whole or not at all: an old file survives any fault. The ending of path
// chooses the format: .pth and .pt are PyTorch's, .safetensors Hugging Face's,
// .npz NumPy's.
func Save[E Entry](path string, state []E, metadata ...Metadata) error {
	tensors, err := tensorsOf(path, state)
	if err != nil {
		return err
	}
	return Write(path, tensors, metadata...)
}

func tensorsOf[E Entry](path string, state []E) ([]Tensor, error) {
	if len(state) == 0 {
		return nil, fmt.Errorf("cannot save %s: the network has no parameters with values; initialise it with nn.Init first", path)
	}
	tensors := make([]Tensor, 0, len(state))
	for _, e := range state {
		tensors = append(tensors, TensorOf(e))
	}
	return tensors, nil
}

// Write writes tensors, and at most one Metadata with them, as Save does. The
// elements keep their types; of those for which the format has none, and of
// quantised tensors, they become float32 (see Holds).
func Write(path string, tensors []Tensor, metadata ...Metadata) error {
	return writeFile(path, tensors, nil, metadata)
}

func writeFile(path string, tensors []Tensor, optimizer *Optimizer, metadata []Metadata) error {
	format, err := formatFor(path)
	if err != nil {
		return err
	}
	if optimizer != nil && format.WriteCheckpoint == nil {
		return fmt.Errorf("cannot save %s: the format %s has no room for an optimizer's state; use the ending .pth", path, format.Name)
	}
	if len(metadata) > 1 {
		return fmt.Errorf("cannot save %s: %d metadata were given, wanted at most one", path, len(metadata))
	}
	var pairs map[string]string
	for _, m := range metadata {
		if pairs, err = m.Pairs(); err != nil {
			return fmt.Errorf("cannot save %s: %w", path, err)
		}
	}
	if tensors, err = format.fit(tensors); err != nil {
		return fmt.Errorf("cannot save %s: %w", path, err)
	}
	return atomicfile.Write(path, func(w io.Writer) error {
		if optimizer != nil {
			return format.WriteCheckpoint(w, tensors, optimizer, pairs)
		}
		return format.Write(w, tensors, pairs)
	})
}

// Load sets the state to the values in the file at path. The file must have
// exactly the state's names with exactly its shapes: otherwise the error is a
// *MismatchError that lists everything that differs. Whatever the error,
// nothing of the state has changed.
func Load[E Entry](path string, state []E) error {
	file, err := Read(path)
	if err != nil {
		return err
	}
	return Restore(path, file, state)
}

// Restore sets the state to the values in a file that was read, as Load does; path
// stands for the file in errors.
func Restore[E Entry](path string, file *File, state []E) error {
	if err := file.CheckState(path); err != nil {
		return err
	}
	found := map[string]*Tensor{}
	for i := range file.Tensors {
		found[file.Tensors[i].Name] = &file.Tensors[i]
	}
	mismatch := &MismatchError{Path: path}
	mismatch.Explain(file)
	wanted := map[string]bool{}
	for _, e := range state {
		name := e.Name()
		if wanted[name] {
			return fmt.Errorf("cannot load %s: the network has two parameters named %s", path, name)
		}
		wanted[name] = true
		switch t := found[name]; {
		case t == nil:
			mismatch.Missing = append(mismatch.Missing, name)
		case !slices.Equal(t.Shape, e.Shape()):
			mismatch.Shapes = append(mismatch.Shapes, ShapeMismatch{Name: name, Want: slices.Clone(e.Shape()), Got: t.Shape})
		}
	}
	for _, t := range file.Tensors {
		if !wanted[t.Name] {
			mismatch.Unexpected = append(mismatch.Unexpected, t.Name)
		}
	}
	if len(mismatch.Missing)+len(mismatch.Unexpected)+len(mismatch.Shapes) > 0 {
		return mismatch
	}
	for _, e := range state {
		if n := found[e.Name()].notFinite(); n.Beyond > 0 {
			return fmt.Errorf("%s: tensor %s holds %s too large for float32, with which networks are computed; nothing was loaded", path, e.Name(), numbers(n.Beyond))
		}
	}
	for _, e := range state {
		e.Write(found[e.Name()].Float32s())
	}
	return nil
}

// CheckState returns an error that says what to do unless the file has a state
// dict; path stands for the file in it.
func (f *File) CheckState(path string) error {
	switch {
	case len(f.Tensors) > 0:
		return nil
	case len(f.StatePaths) > 0:
		var quoted []string
		for _, p := range f.StatePaths[:min(len(f.StatePaths), 4)] {
			quoted = append(quoted, printable(p))
		}
		if more := len(f.StatePaths) - len(quoted); more > 0 {
			quoted = append(quoted, fmt.Sprintf("%d more", more))
		}
		return fmt.Errorf("%s holds %d state dicts (%s), and nothing tells which one is meant; in PyTorch save the one that is wanted: torch.save(torch.load(path)%s, new_path)",
			path, len(f.StatePaths), strings.Join(quoted, ", "), subscripts(f.StatePaths[0]))
	case len(f.Others) > 0:
		return fmt.Errorf("%s holds no state dict, only %s such as %s; in PyTorch save the weights with torch.save(net.state_dict(), path)", path, tensorCount(len(f.Others)), printable(f.Others[0].Name))
	case len(f.LeftOut) > 0:
		l := f.LeftOut[0]
		return fmt.Errorf("%s holds no tensors that can be read, only %s; in PyTorch save the weights with torch.save(net.state_dict(), path)", path, l.What)
	}
	return fmt.Errorf("%s holds no tensors", path)
}

func tensorCount(n int) string {
	if n == 1 {
		return "1 tensor outside one,"
	}
	return fmt.Sprintf("%d tensors outside one,", n)
}

// subscripts writes a path as Python looks it up: ["a"][0].
func subscripts(path string) string {
	var b strings.Builder
	for key := range strings.SplitSeq(path, ".") {
		if _, err := strconv.Atoi(key); err == nil {
			fmt.Fprintf(&b, "[%s]", key)
		} else {
			fmt.Fprintf(&b, "[%q]", key)
		}
	}
	return b.String()
}

// Read reads the file at path, for a look at what is in it.
func Read(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, &pathError{path + " does not exist; check the name of the weight file", err}
		}
		return nil, &pathError{path + " cannot be opened; check its permissions", err}
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, &pathError{fmt.Sprintf("%s cannot be read: %v", path, err), err}
	}
	if !info.Mode().IsRegular() {
		return nil, &pathError{path + " is no regular file; give the name of a weight file", fs.ErrInvalid}
	}
	return ReadFrom(path, InFolder(f, path), info.Size())
}

// ReadFrom reads a weight file of size bytes from anywhere, such as one that is
// embedded in a program; path stands for it in errors. Of a .onnx that keeps its
// weights in another file, r must be a [Beside].
func ReadFrom(path string, r io.ReaderAt, size int64) (*File, error) {
	format, err := sniff(r, path)
	if err != nil {
		return nil, &pathError{fmt.Sprintf("%s cannot be read: %v", path, err), err}
	}
	file, pairs, err := format.Read(r, size)
	if err == nil {
		file.Metadata, err = metadataOf(pairs)
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	file.Format = format.Name
	return file, nil
}

// ReadMetadata returns the metadata of the file at path, nil if it has none.
func ReadMetadata(path string) (*Metadata, error) {
	file, err := Read(path)
	if err != nil {
		return nil, err
	}
	return file.Metadata, nil
}

// pathError is a sentence for a person and its cause.
type pathError struct {
	text  string
	cause error
}

func (e *pathError) Error() string { return e.text }
func (e *pathError) Unwrap() error { return e.cause }
