package download

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"hash"
	"hash/crc32"
	"io"
	"slices"

	"inkling/internal/wording"
)

// The records of a zip archive, from PKWARE's APPNOTE.TXT 6.3, sections 4.3.7,
// 4.3.12 and 4.3.16. Numbers are little-endian.
const (
	localSignature     = "PK\x03\x04"
	localSize          = 30
	directorySignature = "PK\x01\x02"
	directoryEntrySize = 46
	endSignature       = "PK\x05\x06"
	endSize            = 22

	// tailSize is what the end of an archive can have at most: its last record
	// and a comment. With it comes, in one request, the whole directory of an
	// archive of a few hundred files.
	tailSize = endSize + 1<<16 - 1

	// maxDirectory is what the directory of an archive may have.
	maxDirectory = 16 << 20

	stored, deflated = 0, 8
	encrypted        = 1 // flag
)

// directoryPlace reads from the end of an archive of the given size where its
// directory lies and how many entries it has.
func directoryPlace(tail []byte, size int64) (offset, length int64, entries int, err error) {
	for at := len(tail) - endSize; at >= 0; at-- {
		end := tail[at:]
		comment := int(binary.LittleEndian.Uint16(end[20:]))
		if string(end[:4]) != endSignature || endSize+comment != len(end) {
			continue
		}
		entries = int(binary.LittleEndian.Uint16(end[10:]))
		length = int64(binary.LittleEndian.Uint32(end[12:]))
		offset = int64(binary.LittleEndian.Uint32(end[16:]))
		here := size - int64(len(end))
		switch {
		case entries == 0xffff || length == 0xffffffff || offset == 0xffffffff:
			return 0, 0, 0, errors.New("it is a zip64 archive, which is not read here")
		case offset+length != here:
			return 0, 0, 0, fmt.Errorf("its directory should be %s from byte %d on, but its end is at byte %d: it is damaged", wording.Number(length, "byte"), offset, here)
		case length > maxDirectory || int64(entries)*directoryEntrySize > length:
			return 0, 0, 0, fmt.Errorf("its directory of %d entries has %s, which cannot be: it is damaged", entries, wording.Number(length, "byte"))
		}
		return offset, length, entries, nil
	}
	return 0, 0, 0, errors.New("it has no zip directory at its end: it is no zip archive or cut off")
}

// An entry is a file in an archive.
type entry struct {
	name             string
	flags, method    uint16
	crc              uint32
	packed, unpacked int64
	offset, next     int64 // of its local header, and of what follows it
}

// readDirectory reads the directory of an archive, which lies at offset.
func readDirectory(directory []byte, offset int64, entries int) ([]entry, error) {
	var all []entry
	for rest := directory; len(all) < entries; {
		n := len(all)
		if len(rest) < directoryEntrySize || string(rest[:4]) != directorySignature {
			return nil, fmt.Errorf("entry %d of its directory is damaged", n)
		}
		nameSize := int(binary.LittleEndian.Uint16(rest[28:]))
		size := directoryEntrySize + nameSize + int(binary.LittleEndian.Uint16(rest[30:])) + int(binary.LittleEndian.Uint16(rest[32:]))
		if len(rest) < size {
			return nil, fmt.Errorf("entry %d of its directory is cut off", n)
		}
		e := entry{
			name:     string(rest[directoryEntrySize : directoryEntrySize+nameSize]),
			flags:    binary.LittleEndian.Uint16(rest[8:]),
			method:   binary.LittleEndian.Uint16(rest[10:]),
			crc:      binary.LittleEndian.Uint32(rest[16:]),
			packed:   int64(binary.LittleEndian.Uint32(rest[20:])),
			unpacked: int64(binary.LittleEndian.Uint32(rest[24:])),
			offset:   int64(binary.LittleEndian.Uint32(rest[42:])),
		}
		if e.offset+localSize+int64(nameSize)+e.packed > offset {
			return nil, fmt.Errorf("%.80q should end after the directory begins: it is damaged", e.name)
		}
		all = append(all, e)
		rest = rest[size:]
	}
	// A file ends where the next one begins at the latest.
	slices.SortStableFunc(all, func(a, b entry) int { return cmp.Compare(a.offset, b.offset) })
	for i := range all {
		all[i].next = offset
		if i+1 < len(all) {
			all[i].next = all[i+1].offset
		}
		if all[i].offset+localSize+all[i].packed > all[i].next {
			return nil, fmt.Errorf("%.80q overlaps another file: it is damaged", all[i].name)
		}
	}
	return all, nil
}

// open returns a reader of what is in the file, which lies in r from its local
// header on. Its end is an error if the content has not the length and the sum
// that the directory says.
func (e entry) open(r io.ReaderAt) (io.Reader, error) {
	header := make([]byte, localSize+len(e.name))
	if _, err := r.ReadAt(header, 0); err != nil && err != io.EOF {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	begin := int64(len(header)) + int64(binary.LittleEndian.Uint16(header[28:]))
	switch {
	case string(header[:4]) != localSignature || string(header[localSize:]) != e.name || int(binary.LittleEndian.Uint16(header[26:])) != len(e.name):
		return nil, errors.New("another file lies where the directory says: the archive is damaged")
	case begin+e.packed > e.next-e.offset:
		return nil, errors.New("its header does not fit the directory: the archive is damaged")
	case e.flags&encrypted != 0:
		return nil, errors.New("it is encrypted")
	}
	var content io.Reader = io.NewSectionReader(r, begin, e.packed)
	switch e.method {
	case stored:
	case deflated:
		content = flate.NewReader(content)
	default:
		return nil, fmt.Errorf("it is compressed with zip's method %d, and only 0 and 8 are read", e.method)
	}
	return &verified{r: content, want: e, sum: crc32.NewIEEE()}, nil
}

// verified compares length and sum at the end.
type verified struct {
	r    io.Reader
	want entry
	got  int64
	sum  hash.Hash32
}

func (v *verified) Read(b []byte) (int, error) {
	n, err := v.r.Read(b)
	v.got += int64(n)
	v.sum.Write(b[:n])
	switch {
	case v.got > v.want.unpacked || err == io.EOF && v.got < v.want.unpacked:
		return n, fmt.Errorf("it unpacks to %s or more, want %d: it is damaged", wording.Number(v.got, "byte"), v.want.unpacked)
	case err == io.EOF && v.sum.Sum32() != v.want.crc:
		return n, fmt.Errorf("it has the CRC-32 %08x, want %08x: it is damaged", v.sum.Sum32(), v.want.crc)
	case err != nil && err != io.EOF:
		return n, fmt.Errorf("it cannot be unpacked: %w", err)
	}
	return n, err
}

// find returns the only file of that name, if it has not more than most bytes.
func find(all []entry, name string, most int64) (entry, error) {
	var found []entry
	for _, e := range all {
		if e.name == name {
			found = append(found, e)
		}
	}
	switch {
	case len(found) == 0:
		return entry{}, fmt.Errorf("the archive has no %s", name)
	case len(found) > 1:
		return entry{}, fmt.Errorf("the archive has %s %s, want 1", wording.Number(len(found), "file"), name)
	case found[0].unpacked > most:
		return entry{}, fmt.Errorf("%s unpacks to %s, more than the %d that it may have", name, wording.Number(found[0].unpacked, "byte"), most)
	}
	return found[0], nil
}

// directoryOf reads the directory of a whole archive.
func directoryOf(r io.ReaderAt, size int64) ([]entry, error) {
	tail := make([]byte, min(size, tailSize))
	if _, err := r.ReadAt(tail, size-int64(len(tail))); err != nil && err != io.EOF {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	offset, length, entries, err := directoryPlace(tail, size)
	if err != nil {
		return nil, err
	}
	var directory bytes.Buffer
	if _, err := io.Copy(&directory, io.NewSectionReader(r, offset, length)); err != nil {
		return nil, fmt.Errorf("it cannot be read: %w", err)
	}
	return readDirectory(directory.Bytes(), offset, entries)
}
