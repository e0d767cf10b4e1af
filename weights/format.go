package weights

import (
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"sync"

	"inkling/internal/wording"
	"inkling/weights/npy"
	"inkling/weights/pth"
	"inkling/weights/safetensors"
)

// Format is a file format for weights.
type Format struct {
	// Name is what the format is called: "pth".
	Name string
	// Endings are the file endings that choose the format when saving, in
	// lower case and with the dot; the first one is the usual one.
	Endings []string
	// Sniff tells from the first bytes of a file, at most 1024, whether it is of
	// this format.
	Sniff func(head []byte) bool
	// Read reads a file of size bytes: the tensors and the metadata, which is
	// nil if there is none. It must take at most 8 times the file's size and
	// 1 MB of memory, whatever the file says. Reading by name, r is a [Beside].
	Read func(r io.ReaderAt, size int64) (file *File, metadata map[string]string, err error)
	// DTypes are the types of elements that Write can write, under PyTorch's
	// names; none means float32 alone.
	DTypes []string
	// Write writes tensors of such types, and the metadata unless it is empty. It
	// is nil if the format is only read.
	Write func(w io.Writer, tensors []Tensor, metadata map[string]string) error
	// WriteCheckpoint writes the state of an optimizer, too. It is nil if the
	// format has no room for that.
	WriteCheckpoint func(w io.Writer, tensors []Tensor, optimizer *Optimizer, metadata map[string]string) error
}

var registry = struct {
	sync.RWMutex
	formats []Format
}{formats: []Format{pyTorch, safeTensors, npz, npySingle}}

// RegisterFormat adds a format for Save, Load and Read, usually from the init
// function of the package that has it. It panics if the name or an ending is
// taken.
func RegisterFormat(f Format) {
	registry.Lock()
	defer registry.Unlock()
	for _, known := range registry.formats {
		for _, ending := range f.Endings {
			if slices.Contains(known.Endings, ending) {
				panic("weights: RegisterFormat: the ending " + ending + " is taken by " + known.Name)
			}
		}
		if known.Name == f.Name {
			panic("weights: RegisterFormat: the name " + f.Name + " is taken")
		}
	}
	registry.formats = append(registry.formats, f)
}

// Formats returns all formats that are registered.
func Formats() []Format {
	registry.RLock()
	defer registry.RUnlock()
	return slices.Clone(registry.formats)
}

// byEnding returns the format that the ending of path names; without one, it
// returns all endings that can be saved with.
func byEnding(path string) (f Format, known []string, ok bool) {
	registry.RLock()
	defer registry.RUnlock()
	ending := strings.ToLower(filepath.Ext(path))
	for _, f := range registry.formats {
		if slices.Contains(f.Endings, ending) {
			return f, nil, true
		}
		if f.Write != nil {
			known = append(known, f.Endings...)
		}
	}
	return Format{}, known, false
}

// formatFor returns the format to save path in.
func formatFor(path string) (Format, error) {
	f, known, ok := byEnding(path)
	switch ending := strings.ToLower(filepath.Ext(path)); {
	case ok && f.Write == nil:
		return Format{}, fmt.Errorf("cannot save %s: tensors alone make no file of the format %s", path, f.Name)
	case ok:
		return f, nil
	case ending == "":
		return Format{}, fmt.Errorf("cannot save %s: the name has no ending to choose the format by; add one of %s", path, strings.Join(known, ", "))
	default:
		return Format{}, fmt.Errorf("cannot save %s: the ending %s names no known format; use one of %s", path, ending, strings.Join(known, ", "))
	}
}

// Holds tells whether a file with the ending of path has a type for elements,
// under PyTorch's name. Write makes float32 of those for which it has none.
func Holds(path, dtype string) bool {
	f, _, ok := byEnding(path)
	return ok && f.holds(dtype)
}

func (f *Format) holds(dtype string) bool {
	return dtype == "float32" || slices.Contains(f.DTypes, dtype)
}

// fit returns tensors of types that the format has.
func (f *Format) fit(tensors []Tensor) ([]Tensor, error) {
	fitting := make([]Tensor, 0, len(tensors))
	for i := range tensors {
		t := tensors[i]
		if !f.holds(t.DType) {
			var err error
			if t, _, err = t.Convert("float32"); err != nil {
				return nil, err
			}
		}
		fitting = append(fitting, t)
	}
	return fitting, nil
}

// sniff returns the format that the first bytes of r show. What nobody knows
// goes to the reader that the ending of path names, else to PyTorch's: their
// refusals say what the file looks like.
func sniff(r io.ReaderAt, path string) (Format, error) {
	head := make([]byte, 1024)
	n, err := r.ReadAt(head, 0)
	if err != nil && err != io.EOF {
		return Format{}, err
	}
	registry.RLock()
	formats := registry.formats
	registry.RUnlock()
	// A .npz may begin with a member that is no array; PyTorch's lie in a folder.
	if f, _, ok := byEnding(path); ok && f.Name == npz.Name && npy.SniffMember(head[:n]) {
		return f, nil
	}
	for _, f := range formats {
		if f.Sniff(head[:n]) {
			return f, nil
		}
	}
	if f, _, ok := byEnding(path); ok {
		return f, nil
	}
	return pyTorch, nil
}

// pyTorch is the format of package weights/pth.
var pyTorch = Format{
	Name:    "pth",
	Endings: []string{".pth", ".pt"},
	// A .npz is a zip archive too.
	Sniff: func(head []byte) bool { return pth.Sniff(head) && !npy.SniffArchive(head) },
	Read: func(r io.ReaderAt, size int64) (*File, map[string]string, error) {
		in, err := pth.Read(r, size)
		if err != nil {
			return nil, nil, err
		}
		file := &File{
			Class: in.Class, Structure: in.Structure, StatePath: in.StatePath, StatePaths: in.StatePaths, LeftOut: in.LeftOut, Names: in.Names, Script: in.Script,
		}
		if file.Tensors, err = fromPyTorch(in.Tensors); err == nil {
			file.Others, err = fromPyTorch(in.Others)
		}
		file.Optimizer = optimizerOf(in.Optimizer, file.Others)
		return file, in.Metadata, err
	},
	DTypes: pth.DTypes(),
	Write: func(w io.Writer, tensors []Tensor, metadata map[string]string) error {
		out, err := toPyTorch(tensors)
		if err != nil {
			return err
		}
		return pth.Write(w, out, metadata)
	},
	WriteCheckpoint: func(w io.Writer, tensors []Tensor, optimizer *Optimizer, metadata map[string]string) error {
		out, err := toPyTorch(tensors)
		if err != nil {
			return err
		}
		state, err := optimizer.toPyTorch()
		if err != nil {
			return err
		}
		return pth.WriteCheckpoint(w, out, state, metadata)
	},
}

func toPyTorch(tensors []Tensor) ([]pth.Tensor, error) {
	out := make([]pth.Tensor, 0, len(tensors))
	for _, t := range tensors {
		o, err := t.toPyTorch()
		if err != nil {
			return nil, err
		}
		out = append(out, o)
	}
	return out, nil
}

func (t Tensor) toPyTorch() (pth.Tensor, error) {
	dtype, known := pth.ParseDType(t.DType)
	if !known {
		return pth.Tensor{}, fmt.Errorf("tensor %s is of the type %s, for which PyTorch has no name", printable(t.Name), printable(t.DType))
	}
	return pth.NewBytes(t.Name, dtype, t.Shape, t.Data)
}

func fromPyTorch(in []pth.Tensor) ([]Tensor, error) {
	out := make([]Tensor, 0, len(in))
	for i := range in {
		elements, err := in[i].Bytes()
		if err != nil {
			return nil, err
		}
		t := Tensor{Name: in[i].Name, Shape: in[i].Shape, DType: in[i].DType.String(), Data: elements}
		if q := in[i].Quantization; q != nil {
			t.Quantization = (*Quantization)(q)
		}
		out = append(out, t)
	}
	return out, nil
}

// safeTensors is the format of package weights/safetensors.
var safeTensors = Format{
	Name:    "safetensors",
	Endings: []string{".safetensors"},
	Sniff:   safetensors.Sniff,
	Read: func(r io.ReaderAt, size int64) (*File, map[string]string, error) {
		in, err := safetensors.Read(r, size)
		if err != nil {
			return nil, nil, err
		}
		file := &File{Tensors: make([]Tensor, 0, len(in.Tensors))}
		for _, t := range in.Tensors {
			file.Tensors = append(file.Tensors, Tensor{Name: t.Name, Shape: t.Shape, DType: t.DType, Data: t.Data})
		}
		return file, in.Metadata, nil
	},
	DTypes: safetensors.DTypes(),
	Write: func(w io.Writer, tensors []Tensor, metadata map[string]string) error {
		out := make([]safetensors.Tensor, 0, len(tensors))
		for _, t := range tensors {
			out = append(out, safetensors.Tensor{Name: t.Name, Shape: t.Shape, DType: t.DType, Data: t.Data})
		}
		return safetensors.Write(w, out, metadata)
	},
}

// npz is NumPy's archive of named arrays, see package weights/npy.
var npz = Format{
	Name:    "npz",
	Endings: []string{".npz"},
	Sniff:   npy.SniffArchive,
	Read: func(r io.ReaderAt, size int64) (*File, map[string]string, error) {
		in, err := npy.ReadArchive(r, size)
		if err != nil {
			return nil, nil, err
		}
		file := &File{Tensors: make([]Tensor, 0, len(in.Arrays))}
		for _, a := range in.Arrays {
			file.Tensors = append(file.Tensors, fromArray(&a))
		}
		for _, l := range in.LeftOut {
			complexNumbers := l.What == "an array of complex numbers"
			file.LeftOut = append(file.LeftOut, LeftOut{Path: l.Name, What: l.What, Tensor: complexNumbers, InState: complexNumbers})
		}
		return file, in.Metadata, nil
	},
	DTypes: npy.DTypes(),
	Write: func(w io.Writer, tensors []Tensor, metadata map[string]string) error {
		out := make([]npy.Array, 0, len(tensors))
		for _, t := range tensors {
			out = append(out, t.toArray())
		}
		return npy.WriteArchive(w, out, metadata)
	},
}

func fromArray(a *npy.Array) Tensor {
	return Tensor{Name: a.Name, Shape: a.Shape, DType: a.DType, Data: a.Data}
}

func (t Tensor) toArray() npy.Array {
	return npy.Array{Name: t.Name, Shape: t.Shape, DType: t.DType, Data: t.Data}
}

// npySingle is NumPy's file of one array without a name, see package
// weights/npy. As a tensor it has the name npy.Unnamed.
var npySingle = Format{
	Name:    "npy",
	Endings: []string{".npy"},
	Sniff:   npy.Sniff,
	Read: func(r io.ReaderAt, size int64) (*File, map[string]string, error) {
		a, err := npy.Read(r, size)
		if err != nil {
			return nil, nil, err
		}
		return &File{Tensors: []Tensor{fromArray(a)}}, nil, nil
	},
	DTypes: npy.DTypes(),
	Write: func(w io.Writer, tensors []Tensor, metadata map[string]string) error {
		if len(tensors) != 1 || len(metadata) > 0 {
			return fmt.Errorf("a .npy file has room for one tensor and no metadata, it is given %s; use the ending .npz", contents(len(tensors), len(metadata) > 0))
		}
		a := tensors[0].toArray()
		return npy.Write(w, &a)
	},
}

// Sniff names the format that a file's first bytes, up to 1024, are of, "" if they
// are of none that is registered.
func Sniff(head []byte) string {
	registry.RLock()
	defer registry.RUnlock()
	for _, f := range registry.formats {
		if f.Sniff != nil && f.Sniff(head) {
			return f.Name
		}
	}
	return ""
}

// contents says what there is to be written.
func contents(tensors int, metadata bool) string {
	if metadata {
		return wording.Number(tensors, "tensor") + " and metadata"
	}
	return wording.Number(tensors, "tensor")
}
