package svhn

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"fmt"
	"io"

	"inkling/data/internal/files"
	"inkling/internal/wording"
)

// The parts of a MAT-file of level 5, from The MathWorks' "MAT-File Format"
// (R2023b), chapter 1: a head of 128 bytes, then elements, each with a tag of
// type and length, padded to 8 bytes unless it is compressed. Numbers are
// little-endian here, as in all files that are written today.
const (
	headSize     = 128
	miINT8       = 1
	miUINT8      = 2
	miINT32      = 5
	miUINT32     = 6
	miMATRIX     = 14
	miCOMPRESSED = 15

	maxName     = 64
	maxPictures = 1 << 20
)

// array is an array of bytes.
type array struct {
	dims    []int
	content []byte // the first dimension running fastest
}

// readMAT reads the arrays of the given names. A name comes with what the first
// dimensions multiply to at least; all arrays hold bytes.
func readMAT(r io.Reader, wanted map[string]int) (map[string]*array, error) {
	packed := &files.Counter{R: r}
	head := make([]byte, headSize)
	got, err := io.ReadFull(packed, head)
	switch {
	case got == 0 && err == io.EOF:
		return nil, errors.New("it is empty: download it again")
	case bytes.HasPrefix(head, []byte{0x1f, 0x8b}):
		return nil, errors.New("it is gzipped: unpack it with gunzip")
	case bytes.HasPrefix(bytes.TrimSpace(head), []byte("<")):
		return nil, errors.New("it is a web page and not the file: download it again")
	case err != nil:
		return nil, fmt.Errorf("it ends at byte %d, inside the head of %s: it is cut off, download it again (%w)", got, wording.Number(headSize, "byte"), io.ErrUnexpectedEOF)
	case !bytes.Equal(head[124:], []byte{0, 1, 'I', 'M'}):
		return nil, fmt.Errorf("it ends its head with %q at offset 124, want %q: it is no MAT-file of level 5", head[124:], "\x00\x01IM")
	}
	arrays := map[string]*array{}
	for {
		at := packed.N
		kind, size, _, err := readTag(packed)
		if err == io.EOF {
			return arrays, nil
		}
		if err == nil {
			m := &matrix{r: io.LimitReader(packed, int64(size)), packed: packed}
			switch kind {
			case miMATRIX:
				err = m.read(wanted, arrays)
			case miCOMPRESSED:
				err = m.unzip(wanted, arrays)
			default:
				err = fmt.Errorf("it is of type %d, want %d (an array) or %d (a compressed one)", kind, miMATRIX, miCOMPRESSED)
			}
			if end := at + 8 + int64(size); err == nil && packed.N != end {
				err = fmt.Errorf("the file ends at byte %d, and the element should end at %d: it is cut off, download it again", packed.N, end)
			}
		}
		if err != nil {
			return nil, fmt.Errorf("the element at offset %d cannot be read: %w", at, err)
		}
	}
}

// readTag reads the type and the length of an element. A small element has its
// content in the tag.
func readTag(r io.Reader) (kind, size uint32, small []byte, err error) {
	var tag [8]byte
	if _, err := io.ReadFull(r, tag[:]); err != nil {
		return 0, 0, nil, err
	}
	kind, size = binary.LittleEndian.Uint32(tag[:]), binary.LittleEndian.Uint32(tag[4:])
	if length := kind >> 16; length != 0 {
		if length > 4 {
			return 0, 0, nil, fmt.Errorf("a small element declares %s, want 4 at most: it is damaged", wording.Number(length, "byte"))
		}
		return kind & 0xffff, length, tag[4 : 4+length], nil
	}
	return kind, size, nil, nil
}

// matrix is an element that holds an array.
type matrix struct {
	r      io.Reader      // what is in it
	packed *files.Counter // the file
}

// unzip reads a compressed element, whose content is an element.
func (m *matrix) unzip(wanted map[string]int, arrays map[string]*array) error {
	unzipped, err := zlib.NewReader(m.r)
	if err != nil {
		return fmt.Errorf("it does not begin as zlib does: %w", err)
	}
	kind, size, _, err := readTag(unzipped)
	if err != nil {
		return fmt.Errorf("it is cut off: %w", err)
	}
	if kind != miMATRIX {
		return fmt.Errorf("it unpacks to type %d, want %d (an array)", kind, miMATRIX)
	}
	// Whatever is passed over has to be unpacked, too.
	bounded := &files.Unpacked{R: unzipped, Packed: m.packed, Times: 100, Free: 1 << 20}
	inner := &matrix{r: io.LimitReader(bounded, int64(size)), packed: m.packed}
	if err := inner.read(wanted, arrays); err != nil {
		return err
	}
	// Its end, for the checksum, and that of the element.
	if n, err := io.Copy(io.Discard, io.LimitReader(unzipped, 1)); n > 0 || err != nil {
		return fmt.Errorf("it goes on after its array, or its checksum is wrong: it is damaged (%v)", err)
	}
	_, err = io.Copy(io.Discard, m.r)
	return err
}

// read reads an array: flags, dimensions, name and content.
func (m *matrix) read(wanted map[string]int, arrays map[string]*array) error {
	if _, err := m.small(miUINT32, 8); err != nil {
		return fmt.Errorf("its flags: %w", err)
	}
	dims, err := m.small(miINT32, 4*8)
	if err != nil {
		return fmt.Errorf("its dimensions: %w", err)
	}
	name, err := m.small(miINT8, maxName)
	if err != nil {
		return fmt.Errorf("its name: %w", err)
	}
	least, isWanted := wanted[string(name)]
	if !isWanted {
		_, err := io.Copy(io.Discard, m.r)
		return err
	}
	if arrays[string(name)] != nil {
		return fmt.Errorf("there are two arrays %s", name)
	}
	a := &array{}
	n := 1
	for ; len(dims) >= 4; dims = dims[4:] {
		d := int32(binary.LittleEndian.Uint32(dims))
		if d < 1 || int64(n)*int64(d) > int64(least)*maxPictures {
			return fmt.Errorf("the array %s has the dimension %d after %v, want at least 1 and no more than %s", name, d, a.dims, wording.Number(least*maxPictures, "element"))
		}
		n *= int(d)
		a.dims = append(a.dims, int(d))
	}
	if n%least != 0 {
		return fmt.Errorf("the array %s is %v, that is %s, want a multiple of %d", name, a.dims, wording.Number(n, "element"), least)
	}
	kind, size, small, err := readTag(m.r)
	switch {
	case err != nil:
		return fmt.Errorf("the array %s is cut off before its content: %w", name, err)
	case kind != miUINT8:
		return fmt.Errorf("the array %s holds numbers of type %d, want %d (bytes)", name, kind, miUINT8)
	case int(size) != n:
		return fmt.Errorf("the array %s is %v, that is %s, but declares %s", name, a.dims, wording.Number(n, "element"), wording.Number(size, "byte"))
	}
	if small != nil {
		a.content = small
	} else if a.content, err = m.content(n); err != nil {
		return fmt.Errorf("the array %s: %w", name, err)
	}
	arrays[string(name)] = a
	_, err = io.Copy(io.Discard, m.r) // what pads it
	return err
}

// small reads an element of a type and of at most so many bytes.
func (m *matrix) small(want uint32, most int) ([]byte, error) {
	kind, size, content, err := readTag(m.r)
	switch {
	case err != nil:
		return nil, fmt.Errorf("they are cut off: %w", err)
	case kind != want || size > uint32(most):
		return nil, fmt.Errorf("they are of type %d and %s, want type %d and %s at most", kind, wording.Number(size, "byte"), want, wording.Number(most, "byte"))
	case content != nil || size == 0:
		return content, nil
	}
	padded := make([]byte, (size+7)/8*8)
	if _, err := io.ReadFull(m.r, padded); err != nil {
		return nil, fmt.Errorf("they are cut off: %w", err)
	}
	return padded[:size], nil
}

// content reads n bytes. Memory is taken as they come: photographs and labels
// shrink to a tenth at most, so what unpacks to more is none, and reading takes
// memory in proportion to the file.
func (m *matrix) content(n int) ([]byte, error) {
	content := make([]byte, 0, min(n, 64<<10))
	for len(content) < n {
		if len(content) == cap(content) {
			if most := 10*m.packed.N + 256<<10; int64(len(content)) > most {
				return nil, fmt.Errorf("the first %s of the file unpack to more than %d: it is damaged", wording.Number(m.packed.N, "byte"), most)
			}
			content = append(make([]byte, 0, min(n, 2*cap(content))), content...)
		}
		end := min(cap(content), n)
		got, err := io.ReadFull(m.r, content[len(content):end])
		content = content[:len(content)+got]
		if err != nil {
			return nil, fmt.Errorf("it ends after %d of %s or is damaged: %w", len(content), wording.Number(n, "byte"), err)
		}
	}
	return content, nil
}
