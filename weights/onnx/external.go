package onnx

import (
	"io"
	"math"
	"strconv"

	"inkling/weights"
	"inkling/weights/internal/untrusted"
)

// external is where a tensor has its elements in another file, as onnx.proto has
// it (TensorProto.external_data, and docs/ExternalData.md beside it): a text of
// each, of which only the location must be there.
type external struct {
	at               int // in the .onnx
	location         string
	offset, length   int64 // length is negative if none is said
	located, hasPart bool
}

// entry reads a StringStringEntryProto of external_data.
func (p *parser) externalEntry(e *external, f field) error {
	e.at, e.hasPart = f.from, true
	key, value, _, err := p.pair(f)
	if err != nil {
		return err
	}
	number := func(into *int64) error {
		n, err := strconv.ParseInt(value, 10, 64)
		if err != nil || n < 0 {
			return p.fault(f.from, "a tensor in another file has the %s %s, wanted a number from 0", key, untrusted.Shorten(value))
		}
		*into = n
		return nil
	}
	switch key {
	case "location":
		e.location = value
	case "offset":
		return number(&e.offset)
	case "length":
		return number(&e.length)
	}
	return nil // a checksum, which hardly anybody writes
}

// external reads the elements of a tensor of want bytes from another file.
func (p *parser) external(name string, e *external, want int64) ([]byte, error) {
	fault := func(format string, arguments ...any) error {
		return p.fault(e.at, "tensor %s keeps its elements in another file: "+format, append([]any{untrusted.Shorten(name)}, arguments...)...)
	}
	if e.location == "" {
		return nil, fault("it does not say in which")
	}
	if p.beside == nil {
		return nil, fault("%s, and nothing but this one is at hand; open it by its name, with the other in the same folder", untrusted.Shorten(e.location))
	}
	f, err := p.beside.OpenBeside(e.location)
	if err != nil {
		return nil, fault("%v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, fault("%v", err)
	}
	size := info.Size()
	if size > math.MaxInt/16 {
		return nil, fault("%s has %d bytes, too many for this machine", untrusted.Shorten(e.location), size)
	}
	if !p.opened[e.location] {
		const cost = 100
		if err := p.spend(e.at, cost+int64(len(e.location))); err != nil {
			return nil, err
		}
		if p.opened == nil {
			p.opened = map[string]bool{}
		}
		p.opened[e.location] = true
		p.budget.Grow(size)
	}
	if e.length < 0 {
		e.length = want
	}
	if e.length != want {
		return nil, fault("%d bytes of %s, but its shape takes %d", e.length, untrusted.Shorten(e.location), want)
	}
	if e.offset > size || want > size-e.offset {
		return nil, fault("%d bytes from byte %d of %s, which has %d; it is not the file that belongs to this one, or was cut short", want, e.offset, untrusted.Shorten(e.location), size)
	}
	if err := p.spend(e.at, want); err != nil {
		return nil, err
	}
	data := make([]byte, want)
	if n, err := f.ReadAt(data, e.offset); int64(n) < want && err != nil && err != io.EOF {
		return nil, fault("%s cannot be read: %v", untrusted.Shorten(e.location), err)
	} else if int64(n) < want {
		return nil, fault("%s ends before it should", untrusted.Shorten(e.location))
	}
	return data, nil
}

// besideOf returns the way to files beside the one that is read, nil for none.
func besideOf(r io.ReaderAt) weights.Beside {
	beside, _ := r.(weights.Beside)
	return beside
}

// The values of TensorProto.DataLocation.
const (
	locationHere     = 0
	locationExternal = 1
)
