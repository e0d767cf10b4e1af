// Package pth reads and writes PyTorch's weight files (.pth, .pt), as
// torch.save makes them of a state dict.
//
// A weight file is a pickle, a small program for Python that can run anything.
// This package constructs nothing of it but tensors, dicts, lists, tuples,
// numbers and texts. It acts for the few functions that PyTorch makes tensors
// with, and nothing can widen that. Every other name in a file stays a name: an
// object is what the pickle says its attributes are, and a call is the name of
// what is called. No name is looked up, nothing is called, and a tensor that needs
// what is not there is refused with the place and the reason. The tensors of a
// whole pickled network (torch.save(net)) are taken out of what its modules hold;
// beside a state dict, what is no tensor is listed and left out. Sizes in a file
// are checked before they are believed: reading a file and converting all of its
// tensors to float32 takes at most 8 times the file's size and 1 MB of memory.
//
// The zip format, PyTorch's own since version 1.6, carries a CRC of all its
// data, and damage to a single byte is found. The legacy format before it has
// none: there only the structure can be checked.
package pth

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"
	"strings"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/untrusted"
	"inkling/weights/structure"
)

// File is what a weight file holds.
type File struct {
	// Format is "zip" or "legacy".
	Format string
	// Tensors is the state dict in the order of the file. It is the dict at
	// the top of the file, or the one that a checkpoint keeps under
	// "state_dict", "model_state_dict" or another usual key, or the only dict
	// of tensors that lies highest. The prefix "module." that DataParallel adds to
	// every key is removed, and the packed weights of quantised linear layers have
	// the names of those that were quantised. Tensors is empty if the file has no
	// state dict.
	Tensors []Tensor
	// Class names the network's class, such as "__main__.Net", if the file holds
	// a whole pickled network (torch.save(net)) and Tensors was taken out of that.
	// The name is all that is known of the class; its code is in no file.
	Class string
	// Structure tells what that network computes, as far as its modules, or a
	// TorchScript program's code, say it; nil if there is none. It names tensors as the module does, with the prefix.
	Structure *structure.Network
	// Others holds the tensors outside the state dict, such as an optimiser's,
	// named by their path: "optimizer_state_dict.state.0.momentum_buffer".
	Others []Tensor
	// Optimizer is the state of the optimizer that a checkpoint keeps under
	// "optimizer_state_dict", "optimizer" or another usual key, nil if there is
	// none. Its tensors are among Others, too, under the same names.
	Optimizer *Optimizer
	// Metadata is what Write stored beside the tensors, nil if there is none.
	Metadata map[string]string

	// StatePath is where the state dict lies in a checkpoint: "net",
	// "checkpoint.model.state_dict". It is empty if it lies at the top.
	StatePath string
	// StatePaths are where other state dicts lie, whose tensors are among Others.
	// If Tensors is empty, nothing told which of them is meant.
	StatePaths []string
	// LeftOut lists what else is in the file, in its order, at most 1,000 things.
	LeftOut []LeftOut
	// Names are the Python names in the file that are not known here, each once, in
	// their order: "argparse.Namespace". None of them was looked up or called.
	Names []string
	// Script tells that the file is a TorchScript program (torch.jit.save).
	Script bool
}

const metadataRecord = "extra/inkling.json"

// zipMagic starts a zip archive, legacyMagic a file of the legacy format: the
// pickle of the number 0x1950a86a20f9469cfc6c.
const (
	zipMagic    = "PK\x03\x04"
	legacyMagic = "\x80\x02\x8a\x0a\x6c\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19."
)

// Sniff tells from the first bytes of a file, 15 or more, whether it looks like
// one that Read reads.
func Sniff(head []byte) bool {
	return bytes.HasPrefix(head, []byte(zipMagic)) || bytes.HasPrefix(head, []byte(legacyMagic))
}

// ReadFile reads the weight file at path. Its errors name the file; a file
// that is damaged or of a wrong kind gives a *FormatError.
func ReadFile(path string) (*File, error) {
	f, err := os.Open(path)
	if err != nil {
		if errors.Is(err, fs.ErrNotExist) {
			return nil, fmt.Errorf("%s does not exist; check the name: %w", path, err)
		}
		return nil, fmt.Errorf("%s cannot be opened; check its permissions: %w", path, err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fmt.Errorf("%s cannot be read: %w", path, err)
	}
	if !info.Mode().IsRegular() {
		return nil, &FormatError{Path: path, Offset: -1, Reason: "this is no regular file; give the name of a weight file"}
	}
	file, err := Read(f, info.Size())
	var format *FormatError
	if errors.As(err, &format) {
		format.Path = path
	} else if err != nil {
		err = fmt.Errorf("%s cannot be read: %w", path, err)
	}
	return file, err
}

// Read reads a weight file of size bytes. Everything in the file is checked
// before Read returns; the tensors keep the file's bytes in memory. A file that
// is damaged or of a wrong kind gives a *FormatError.
func Read(r io.ReaderAt, size int64) (*File, error) {
	if size <= 0 {
		return nil, fault(0, "the file is empty")
	}
	if size > math.MaxInt/8 {
		return nil, fault(0, "a file of %d bytes is too large for this machine", size)
	}
	// A size that is not true must not cost memory.
	if n, err := r.ReadAt(make([]byte, 1), size-1); n == 0 && err == io.EOF {
		return nil, fault(size-1, "the file is shorter than the %d bytes it is said to have", size)
	} else if n == 0 {
		return nil, err
	}
	data := make([]byte, size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
		return nil, err
	}
	switch {
	case bytes.HasPrefix(data, []byte(zipMagic)):
		return readZip(data)
	case bytes.HasPrefix(data, []byte(legacyMagic)):
		return readLegacy(data)
	}
	return nil, fault(0, "%s; wanted a file that torch.save wrote", guess(data))
}

// guess names what a file is that is no weight file.
func guess(data []byte) string {
	if known := untrusted.Guess(data); known != "" {
		return known
	}
	head := string(data[:min(len(data), 64)])
	switch {
	case strings.HasPrefix(head, "\x80") && len(data) > 1 && data[1] <= 5:
		return "this is a bare pickle, which PyTorch does not write"
	case strings.HasPrefix(head, "PK\x05\x06"):
		return "this is an empty zip archive"
	case len(data) >= 262 && string(data[257:262]) == "ustar":
		return "this is a tar archive; unpack it first, or, if PyTorch before 0.1.10 wrote it, load and save it with a newer one"
	case len(data) > 8 && data[8] == '{' && binary.LittleEndian.Uint64(data) < uint64(len(data)):
		return "this looks like a safetensors file; give it the ending .safetensors"
	}
	return fmt.Sprintf("this is no PyTorch file, it starts with %q", data[:min(len(data), 8)])
}

// isWeightFile tells by its name whether a file in a zip archive is a weight file of its own.
// PyTorch's archives have pickles only of these two names.
func isWeightFile(name string) bool {
	for _, ending := range []string{".pth", ".pt", ".ckpt", ".pkl"} {
		if strings.HasSuffix(name, ending) {
			return !strings.HasSuffix(name, "data.pkl") && !strings.HasSuffix(name, "constants.pkl")
		}
	}
	return false
}

// records opens a zip archive and returns its records' data by their names
// without the one folder that they lie in, and those of a TorchScript program's source.
func records(data []byte) (found map[string][]byte, source map[string]*archive.Record, err error) {
	a, err := archive.Open(data)
	if err != nil {
		return nil, nil, err
	}
	folder, _, _ := strings.Cut(a.Records[0].Name, "/")
	for i := range a.Records {
		r := &a.Records[i]
		in, name, ok := strings.Cut(r.Name, "/")
		if len(a.Records) < 10 && isWeightFile(r.Name) {
			return nil, nil, r.Fault("this is a zip archive with %s in it; unpack it first", shorten(r.Name))
		}
		if r.Name == "metadata.json" || r.Name == "config.json" {
			return nil, nil, r.Fault("this is an archive of Keras; export the network as .onnx, or its weights with numpy.savez")
		}
		if !ok || in != folder || name == "" {
			return nil, nil, r.Fault("record %s does not lie in the archive's one folder %s", shorten(r.Name), shorten(folder))
		}
	}
	if err := a.Check(func(name string) bool {
		// TorchScript packs the source of its program.
		return strings.HasPrefix(name, folder+"/"+codeFolder)
	}); err != nil {
		return nil, nil, err
	}
	found, source = make(map[string][]byte, len(a.Records)), map[string]*archive.Record{}
	for i := range a.Records {
		r := &a.Records[i]
		name := r.Name[len(folder)+1:]
		found[name] = r.Data
		if path, ok := strings.CutPrefix(name, codeFolder); ok && strings.HasSuffix(path, ".py") {
			source[path] = r
		}
	}
	return found, source, nil
}

func readZip(data []byte) (*File, error) {
	found, source, err := records(data)
	if err != nil {
		return nil, err
	}
	pickle, ok := found["data.pkl"]
	if !ok {
		return nil, fault(0, "the zip archive holds no record data.pkl; this is no file of torch.save")
	}
	if err := checkVersion(found); err != nil {
		return nil, err
	}
	order, err := byteOrder(found)
	if err != nil {
		return nil, err
	}
	b := newBudget(int64(len(data)))
	file := &File{Format: "zip"}
	var module *object
	load := zipStorages(found, "data/", order, b)
	content, err := unpickle(pickle, 0, b, load)
	if err == nil {
		if end := content.stop + 1; end != len(pickle) {
			err = fault(int64(end), "%d bytes follow the end of the pickle", len(pickle)-end)
		} else {
			_, file.Script = found[constantsRecord]
			module, err = file.collect(content, b)
		}
	}
	if err != nil {
		return nil, within("data.pkl", err)
	}
	if file.Script {
		constants, err := file.addConstants(found, order, b)
		if err != nil {
			return nil, within(constantsRecord, err)
		}
		if err := file.follow(module, source, constants, b); err != nil {
			return nil, err
		}
	}
	if text, ok := found[metadataRecord]; ok {
		if file.Metadata, err = untrusted.ReadMetadata(text, b); err != nil {
			return nil, within(metadataRecord, err)
		}
	}
	return file, nil
}

// What a TorchScript program has beside its tensors: its constants, whose storages
// lie in a folder of their own, and its source.
const (
	constantsRecord = "constants.pkl"
	constantsFolder = "constants/"
	codeFolder      = "code/"
)

// addConstants adds the tensors among the constants of a TorchScript program, as
// which the weights of a frozen one are kept, and returns all of these.
func (f *File) addConstants(records map[string][]byte, order binary.ByteOrder, b *budget) ([]any, error) {
	content, err := unpickle(records[constantsRecord], 0, b, zipStorages(records, constantsFolder, order, b))
	if err != nil {
		return nil, err
	}
	w := walker{budget: b, stop: content.stop, seen: map[any]bool{}, names: map[string]bool{}}
	if err := w.walk(content.value, "constants", 1); err != nil {
		return nil, err
	}
	f.Others = append(f.Others, w.found...)
	if list, ok := content.value.(*tuple); ok {
		return list.items, nil
	}
	return nil, nil
}

// zipStorages returns a function that finds the storages of tensors in the records
// of a folder.
func zipStorages(records map[string][]byte, folder string, order binary.ByteOrder, b *budget) func(dtype DType, key string, count int64) (*storage, error) {
	storages := map[string]*storage{}
	return func(dtype DType, key string, count int64) (*storage, error) {
		s, err := storages[key], error(nil)
		if s == nil {
			content, ok := records[folder+key]
			if !ok {
				return nil, fmt.Errorf("storage %s is missing: there is no record %s%s", shorten(key), folder, shorten(key))
			}
			const storageCost = 200 // with its place in the map
			if !b.Spend(storageCost) {
				return nil, errors.New("there are too many storages for a file of this size")
			}
			s = &storage{dtype: dtype, count: count, data: content, order: order}
			storages[key] = s
			if int64(len(content))/int64(dtype.Size()) != count || len(content)%dtype.Size() != 0 {
				err = fmt.Errorf("storage %s is said to hold %d elements of %s, its record has %d bytes", shorten(key), count, dtype, len(content))
			}
		}
		if s.dtype != dtype || s.count != count {
			err = fmt.Errorf("storage %s is said to hold %d elements of %s and, elsewhere, %d of %s", shorten(key), s.count, s.dtype, count, dtype)
		}
		return s, err
	}
}

// checkVersion looks at the version of the container, which PyTorch has had
// between 1 and 10 (caffe2/serialize/versions.h).
func checkVersion(records map[string][]byte) error {
	const oldest, newest = 1, 10
	text, ok := records["version"]
	if !ok {
		text, ok = records[".data/version"]
	}
	if !ok {
		return fault(0, "the zip archive holds no record version; this is no file of torch.save")
	}
	start := string(text[:min(len(text), 16)])
	version, err := strconv.Atoi(strings.TrimSpace(start))
	if err != nil || version < oldest || version > newest {
		return within("version", fault(0, "the format version is %s; versions %d to %d can be read", shorten(start), oldest, newest))
	}
	return nil
}

// byteOrder reads the record that PyTorch 2.1 and later write. Files without it
// are little-endian.
func byteOrder(records map[string][]byte) (binary.ByteOrder, error) {
	text, ok := records["byteorder"]
	if !ok || string(text) == "little" {
		return binary.LittleEndian, nil
	}
	if string(text) == "big" {
		return binary.BigEndian, nil
	}
	return nil, within("byteorder", fault(0, "the byte order is %s; wanted little or big", shorten(string(text[:min(len(text), 16)]))))
}
