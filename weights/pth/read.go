// Package pth reads and writes PyTorch's weight files (.pth, .pt), as
// torch.save makes them of a state dict.
//
// A weight file is a pickle, a small program for Python that can run anything.
// This package runs only the opcodes that tensors in dicts, lists and tuples
// need, and knows only the names of PyTorch's tensors and of OrderedDict; a
// file that wants more is refused with the place and the reason, and nothing
// can widen that. Sizes in a file are checked before they are believed:
// reading a file and converting all of its tensors to float32 takes at most 8
// times the file's size and 1 MB of memory.
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

	"inkling/weights/internal/untrusted"
)

// File is what a weight file holds.
type File struct {
	// Format is "zip" or "legacy".
	Format string
	// Tensors is the state dict in the order of the file. It is the dict at
	// the top of the file, or the one that a checkpoint keeps under
	// "state_dict", "model_state_dict" or another usual key, or the only dict
	// of tensors in the file. The prefix "module." that DataParallel adds to
	// every key is removed. Tensors is empty if the file has no state dict.
	Tensors []Tensor
	// Others holds the tensors outside the state dict, such as an optimiser's,
	// named by their path: "optimizer_state_dict.state.0.momentum_buffer".
	Others []Tensor
	// Metadata is what Write stored beside the tensors, nil if there is none.
	Metadata map[string]string
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
		return nil, fault(-1, "the file is empty")
	}
	if size > math.MaxInt/8 {
		return nil, fault(-1, "a file of %d bytes is too large for this machine", size)
	}
	// A size that is not true must not cost memory.
	if n, err := r.ReadAt(make([]byte, 1), size-1); n == 0 && err == io.EOF {
		return nil, fault(-1, "the file is shorter than the %d bytes it is said to have", size)
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
		return "this is a tar archive, the format of PyTorch before 0.1.10; load and save it with a newer PyTorch"
	case len(data) > 8 && data[8] == '{' && binary.LittleEndian.Uint64(data) < uint64(len(data)):
		return "this looks like a safetensors file; give it the ending .safetensors"
	}
	return fmt.Sprintf("this is no PyTorch file, it starts with %q", data[:min(len(data), 8)])
}

func readZip(data []byte) (*File, error) {
	a, err := openArchive(data)
	if err != nil {
		return nil, err
	}
	pickle, ok := a.records["data.pkl"]
	if !ok {
		return nil, fault(-1, "the zip archive holds no record data.pkl; this is no file of torch.save")
	}
	if err := checkVersion(a); err != nil {
		return nil, err
	}
	order, err := byteOrder(a)
	if err != nil {
		return nil, err
	}
	b := newBudget(int64(len(data)))
	storages := map[string]*storage{}
	load := func(dtype DType, key string, count int64) (*storage, error) {
		s, err := storages[key], error(nil)
		if s == nil {
			r, ok := a.records["data/"+key]
			if !ok {
				return nil, fault(-1, "storage %s is missing: there is no record data/%s", shorten(key), shorten(key))
			}
			const storageCost = 200 // with its place in the map
			if !b.Spend(storageCost) {
				return nil, fault(-1, "there are too many storages for a file of this size")
			}
			s = &storage{dtype: dtype, count: count, data: r.data, order: order}
			storages[key] = s
			if int64(len(r.data))/int64(dtype.Size()) != count || len(r.data)%dtype.Size() != 0 {
				err = fault(-1, "storage %s is said to hold %d elements of %s, its record has %d bytes", shorten(key), count, dtype, len(r.data))
			}
		}
		if s.dtype != dtype || s.count != count {
			err = fault(-1, "storage %s is said to hold %d elements of %s and, elsewhere, %d of %s", shorten(key), s.count, s.dtype, count, dtype)
		}
		return s, err
	}
	value, used, err := unpickle(pickle.data, b, load)
	if err == nil && used != len(pickle.data) {
		err = fault(int64(used), "%d bytes follow the end of the pickle", len(pickle.data)-used)
	}
	if err != nil {
		return nil, within("data.pkl", err)
	}
	file := &File{Format: "zip"}
	if err := file.collect(value, b); err != nil {
		return nil, within("data.pkl", err)
	}
	if r, ok := a.records[metadataRecord]; ok {
		if file.Metadata, err = untrusted.ReadMetadata(r.data, b); err != nil {
			return nil, within(metadataRecord, err)
		}
	}
	return file, nil
}

// checkVersion looks at the version of the container, which PyTorch has had
// between 1 and 10 (caffe2/serialize/versions.h).
func checkVersion(a *archive) error {
	const oldest, newest = 1, 10
	r, ok := a.records["version"]
	if !ok {
		r, ok = a.records[".data/version"]
	}
	if !ok {
		return fault(-1, "the zip archive holds no record version; this is no file of torch.save")
	}
	version, err := strconv.Atoi(strings.TrimSpace(string(r.data[:min(len(r.data), 16)])))
	if err != nil || version < oldest || version > newest {
		return within("version", fault(0, "the format version is %s; versions %d to %d can be read", shorten(string(r.data[:min(len(r.data), 16)])), oldest, newest))
	}
	return nil
}

// byteOrder reads the record that PyTorch 2.1 and later write. Files without it
// are little-endian.
func byteOrder(a *archive) (binary.ByteOrder, error) {
	r, ok := a.records["byteorder"]
	if !ok || string(r.data) == "little" {
		return binary.LittleEndian, nil
	}
	if string(r.data) == "big" {
		return binary.BigEndian, nil
	}
	return nil, within("byteorder", fault(0, "the byte order is %s; wanted little or big", shorten(string(r.data[:min(len(r.data), 16)]))))
}
