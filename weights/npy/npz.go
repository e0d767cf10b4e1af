package npy

import (
	"archive/zip"
	"bytes"
	"cmp"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"inkling/weights/internal/archive"
	"inkling/weights/internal/untrusted"
)

// Archive is the content of a .npz file.
type Archive struct {
	// Arrays holds the arrays in the order of the archive.
	Arrays []Array
	// LeftOut lists the members that are no arrays of numbers.
	LeftOut []LeftOut
	// Metadata is what WriteArchive stored beside the arrays, nil if there is
	// none.
	Metadata map[string]string
}

// LeftOut is a member of an archive that is no array of numbers.
type LeftOut struct {
	Name string // of the member
	// What says what it is: "an array of texts", "no array".
	What string
	// Array tells that it is an array.
	Array bool
}

const (
	ending         = ".npy"
	metadataRecord = "inkling.json"
	zipMagic       = "PK\x03\x04"

	// recordCost is what a member of an archive takes in memory, beside its
	// values.
	recordCost = 800
)

// SniffArchive tells from the first bytes of a file whether it looks like a
// .npz: a zip archive whose first member is an array. It takes 34 bytes and as
// many as the member's name has.
func SniffArchive(head []byte) bool {
	const nameLength, name = 26, 30 // in a local file header
	if len(head) < name || !bytes.HasPrefix(head, []byte(zipMagic)) {
		return false
	}
	end := name + int(binary.LittleEndian.Uint16(head[nameLength:]))
	return end <= len(head) && bytes.HasSuffix(head[name:end], []byte(ending))
}

// SniffMember tells from the first bytes of a file whether it is a zip archive whose
// first member lies in no folder, as all of a .npz do.
func SniffMember(head []byte) bool {
	const nameLength, name = 26, 30 // in a local file header
	if len(head) < name || !bytes.HasPrefix(head, []byte(zipMagic)) {
		return false
	}
	end := name + int(binary.LittleEndian.Uint16(head[nameLength:]))
	return end <= len(head) && !bytes.ContainsRune(head[name:end], '/')
}

// ReadArchive reads a .npz file of size bytes, compressed or not. Every member
// is checked against its CRC, and in a file of WriteArchive every other byte,
// too. A file that is damaged, or has an array of anything but numbers, gives a
// *FormatError.
func ReadArchive(r io.ReaderAt, size int64) (*Archive, error) {
	file := &watched{r: r, size: max(size, 0)}
	z, err := zip.NewReader(file, file.size)
	if err != nil {
		return nil, file.explain(fault(file.size, "the file is no whole zip archive (%v): it was cut short while it was written or copied; copy or save it again", err))
	}
	if err := checkOwn(file); err != nil {
		return nil, file.explain(err)
	}
	b := untrusted.NewBudget(size)
	if !b.Spend(recordCost * int64(len(z.File))) {
		return nil, fault(0, "the archive holds %d members, too many for a file of this size", len(z.File))
	}
	if err := checkMembers(z.File); err != nil {
		return nil, file.explain(err)
	}
	found := &Archive{}
	var why error // the first array that is not read is not
	for _, f := range z.File {
		name, isArray := strings.CutSuffix(f.Name, ending)
		if !isArray && f.Name != metadataRecord {
			if !strings.HasSuffix(f.Name, "/") {
				found.LeftOut = append(found.LeftOut, LeftOut{Name: f.Name, What: "no array"})
			}
			continue
		}
		err := found.add(f, name, isArray, b)
		var u *unsupported
		if errors.As(err, &u) {
			if err = verify(f, b); err == nil {
				if why == nil {
					why = untrusted.Within(f.Name, u.error)
				}
				found.LeftOut = append(found.LeftOut, LeftOut{Name: f.Name, What: u.what, Array: u.what != "no array"})
				continue
			}
		}
		var format *FormatError
		if err != nil && !errors.As(err, &format) {
			err = fault(0, "the data is damaged (%v); copy or save the file again", err)
		}
		if err != nil {
			return nil, file.explain(untrusted.Within(f.Name, err))
		}
	}
	if len(found.Arrays) == 0 && why != nil {
		return nil, file.explain(why)
	}
	if len(found.Arrays) == 0 {
		return nil, fault(0, "the zip archive holds no array, that is no member whose name ends in %s", ending)
	}
	return found, nil
}

// checkOwn checks all bytes of a file that WriteArchive wrote.
func checkOwn(r *watched) error {
	if own, err := archive.IsOwn(r, r.size); err != nil || !own {
		return err
	}
	data := make([]byte, r.size)
	if _, err := io.ReadFull(io.NewSectionReader(r, 0, r.size), data); err != nil {
		return err
	}
	a, err := archive.Open(data)
	if err != nil {
		return err
	}
	return a.Check(nil)
}

// add reads one member to its end, where its CRC is checked.
func (a *Archive) add(f *zip.File, name string, isArray bool, b *untrusted.Budget) error {
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	if !isArray {
		// The text is held once while it is read.
		if f.UncompressedSize64 > uint64(b.All()) || !b.Spend(int64(f.UncompressedSize64)) {
			return fault(0, "metadata of %d bytes is too much for a file of this size", f.UncompressedSize64)
		}
		text := make([]byte, f.UncompressedSize64)
		if _, err := io.ReadFull(r, text); err != nil {
			return err
		}
		if err := atEnd(r); err != nil {
			return err
		}
		a.Metadata, err = untrusted.ReadMetadata(text, b)
		return err
	}
	array, err := readArray(r, int64(f.UncompressedSize64), b)
	if err != nil {
		return err
	}
	array.Name = name
	a.Arrays = append(a.Arrays, *array)
	return atEnd(r)
}

// verify checks the CRC of a member that is left out: damage may have made it what
// it is. Of one that is too large when unpacked that is not worth the work.
func verify(f *zip.File, b *untrusted.Budget) error {
	if f.UncompressedSize64 > math.MaxInt64 || !b.Spend(int64(f.UncompressedSize64)) {
		return nil
	}
	r, err := f.Open()
	if err != nil {
		return err
	}
	defer r.Close()
	buffer := make([]byte, 8<<10)
	for {
		if _, err := r.Read(buffer); err == io.EOF {
			return nil
		} else if err != nil {
			return err
		}
	}
}

// atEnd makes a member's CRC be checked, which happens at its end.
func atEnd(r io.Reader) error {
	if n, err := r.Read(make([]byte, 1)); n > 0 {
		return errors.New("there is more of it than the archive says")
	} else if err != io.EOF {
		return err
	}
	return nil
}

// checkMembers looks at the names of an archive's members and at where they
// lie: an archive whose members share bytes unpacks to far more than it is.
func checkMembers(files []*zip.File) error {
	type span struct {
		start, end int64
		name       string
	}
	names := make(map[string]bool, len(files))
	spans := make([]span, 0, len(files))
	for _, f := range files {
		if names[f.Name] {
			return fault(0, "the archive holds %s twice", shorten(f.Name))
		}
		names[f.Name] = true
		const encrypted = 1
		if f.Flags&encrypted != 0 || f.Method != zip.Store && f.Method != zip.Deflate {
			return untrusted.Within(f.Name, fault(0, "the member is encrypted or compressed in a way that NumPy does not (method %d)", f.Method))
		}
		const most = 1 << 62
		start, err := f.DataOffset()
		if err != nil || f.CompressedSize64 > most || f.UncompressedSize64 > most {
			return untrusted.Within(f.Name, fault(0, "the member's header is damaged (%v)", err))
		}
		if f.Method == zip.Store && f.CompressedSize64 != f.UncompressedSize64 {
			return untrusted.Within(f.Name, fault(0, "the member is not compressed, and said to be %d bytes and %d", f.CompressedSize64, f.UncompressedSize64))
		}
		const header = 30
		spans = append(spans, span{start - header - int64(len(f.Name)), start + int64(f.CompressedSize64), f.Name})
	}
	slices.SortFunc(spans, func(a, b span) int { return cmp.Compare(a.start, b.start) })
	end := int64(0)
	for _, s := range spans {
		if s.start < end {
			return untrusted.Within(s.name, fault(0, "the member overlaps with another; the file was made to deceive"))
		}
		end = s.end
	}
	return nil
}

// watched remembers when a file cannot be read, which is no fault of its
// content. Before the start, where archive/zip may look in a damaged file, and
// after the end there is nothing to read.
type watched struct {
	r    io.ReaderAt
	size int64
	err  error
}

func (w *watched) ReadAt(b []byte, at int64) (int, error) {
	if at < 0 || at >= w.size {
		return 0, io.EOF
	}
	n, err := w.r.ReadAt(b, at)
	if err != nil && err != io.EOF {
		w.err = err
	}
	return n, err
}

func (w *watched) explain(err error) error {
	if w.err != nil {
		return w.err
	}
	return err
}

// WriteArchive writes arrays as numpy.savez does, uncompressed, in their order.
// Metadata, unless empty, becomes the additional member inkling.json, which
// numpy.load gives as bytes to whoever asks for it. The same arrays and
// metadata give the same bytes.
//
// It is an error if two arrays have the same name, if NumPy lacks the type of
// one or its data is not as long as shape and type say, or if ReadArchive would refuse the metadata for a
// size that is out of proportion to the arrays.
func WriteArchive(w io.Writer, arrays []Array, metadata map[string]string) error {
	if len(arrays) == 0 {
		return errors.New("there is no array to write")
	}
	var text []byte
	if len(metadata) > 0 {
		// Maps are marshalled in the order of their keys.
		var err error
		if text, err = json.MarshalIndent(metadata, "", "  "); err != nil {
			return err
		}
		text = append(text, '\n')
		size, cost := int64(0), int64(len(text)+recordCost)+untrusted.MetadataCost(text)
		for i := range arrays {
			size += int64(len(arrays[i].Data))
			count, _ := untrusted.Count(arrays[i].Shape)
			cost += 4*int64(count) + 8*int64(len(arrays[i].Shape)) + recordCost
		}
		if size += int64(len(text)); cost > untrusted.NewBudget(size).All() {
			return fmt.Errorf("metadata of %d bytes is too much for a file of %d bytes; shorten it", len(text), size)
		}
	}
	z := archive.NewWriter(w)
	names := map[string]bool{}
	for i := range arrays {
		a := &arrays[i]
		const most = 1 << 15
		if names[a.Name] {
			return fmt.Errorf("two arrays have the name %s; an archive wants different names", shorten(a.Name))
		}
		if !utf8.ValidString(a.Name) || strings.ContainsRune(a.Name, 0) || len(a.Name) > most {
			return fmt.Errorf("the array name %s is too long or no plain UTF-8", shorten(a.Name))
		}
		names[a.Name] = true
		var content bytes.Buffer
		content.Grow(len(a.Data) + 256)
		if err := Write(&content, a); err != nil {
			return err
		}
		if err := z.Record(a.Name+ending, content.Bytes()); err != nil {
			return err
		}
	}
	if text != nil {
		if err := z.Record(metadataRecord, text); err != nil {
			return err
		}
	}
	return z.Close()
}
