// Package archive reads and writes zip archives as PyTorch makes them: records
// that are stored as they are, their data aligned, and not a byte that says
// nothing. The names and layouts are those of PKWARE's APPNOTE 6.3.10, sections
// 4.3 and 4.4.
//
// It is stricter than archive/zip: every byte of a file is checked, so that
// damage to any is found, and two readers cannot see two different files in one.
package archive

import (
	"bytes"
	"cmp"
	"compress/flate"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"math"
	"slices"
	"strings"
	"unicode/utf8"

	"inkling/weights/internal/untrusted"
)

var (
	fault   = untrusted.Fault
	shorten = untrusted.Shorten
)

const (
	localSignature      = 0x04034b50
	descriptorSignature = 0x08074b50
	centralSignature    = 0x02014b50
	end64Signature      = 0x06064b50
	locatorSignature    = 0x07064b50
	endSignature        = 0x06054b50

	localSize   = 30
	centralSize = 46
	end64Size   = 56
	locatorSize = 20
	endSize     = 22

	flagDescriptor = 1 << 3  // sizes and CRC follow the data
	flagUTF8       = 1 << 11 // the name is UTF-8

	zip64Tag   = 0x0001
	paddingTag = 0x4246 // "FB", PyTorch's padding before aligned data

	// madeByUnix30 is what PyTorch writes as the program that made an archive:
	// one of Unix (3), of version 3.0.
	madeByUnix30 = 3<<8 | 30

	max16, max32 = 0xffff, 0xffffffff
)

// Record is a member of an archive.
type Record struct {
	Name string
	// Data is the content, nil before Check.
	Data []byte

	header        uint64 // offset of the local header
	size, packed  uint64 // before and after compression
	crc           uint32
	needed, flags uint16
	method        uint16
	time, date    uint16
	zip64         []uint64 // those of size, packed and header that stand in a zip64 field
	deflated      []byte   // the data if they are compressed
}

// Size is how many bytes the record has, unpacked, by what the archive says.
func (r *Record) Size() int64 { return int64(min(r.size, math.MaxInt64)) }

// An Unpacker unpacks records, with memory that it has once.
type Unpacker struct{ stream io.ReadCloser }

// UnpackerCost is how much memory an Unpacker takes.
const UnpackerCost = 64 << 10

// Unpack sets the Data of a record that Check has left compressed. Its Size must be
// one that the caller can hold.
func (u *Unpacker) Unpack(r *Record) error {
	if r.Data != nil || r.deflated == nil {
		return nil
	}
	if u.stream == nil {
		u.stream = flate.NewReader(bytes.NewReader(r.deflated))
	} else if err := u.stream.(flate.Resetter).Reset(bytes.NewReader(r.deflated), nil); err != nil {
		return err
	}
	data := make([]byte, r.size)
	_, err := io.ReadFull(u.stream, data)
	if err == nil {
		if n, end := u.stream.Read(make([]byte, 1)); n > 0 || end != io.EOF {
			err = fmt.Errorf("it has more than its %d bytes", r.size)
		}
	}
	if err != nil {
		return r.Fault("record %s cannot be unpacked (%v): the file is damaged; copy or save it again", shorten(r.Name), err)
	}
	if got := crc32.ChecksumIEEE(data); got != r.crc {
		return r.Fault("record %s: the data is damaged: its CRC is %08x, wanted %08x; copy or save the file again", shorten(r.Name), got, r.crc)
	}
	r.Data = data
	return nil
}

// Archive is the content of a zip file.
type Archive struct {
	// Records holds the members in the order of the file, at least one.
	Records []Record

	file  []byte
	start uint64 // of the directory
}

// fields reads little-endian numbers one after another.
type fields []byte

func (f *fields) uint16() uint16 {
	v := binary.LittleEndian.Uint16(*f)
	*f = (*f)[2:]
	return v
}

func (f *fields) uint32() uint32 {
	v := binary.LittleEndian.Uint32(*f)
	*f = (*f)[4:]
	return v
}

func (f *fields) uint64() uint64 {
	v := binary.LittleEndian.Uint64(*f)
	*f = (*f)[8:]
	return v
}

// Open reads the directory of a zip file. The records have their names then;
// their data is there after Check.
func Open(file []byte) (*Archive, error) {
	start, end, count, err := directory(file)
	if err != nil {
		return nil, err
	}
	records, err := centralRecords(file, start, end, count)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b Record) int { return cmp.Compare(a.header, b.header) })
	names := make(map[string]bool, len(records))
	for i := range records {
		r := &records[i]
		if names[r.Name] {
			return nil, r.Fault("the archive holds record %s twice", shorten(r.Name))
		}
		names[r.Name] = true
	}
	return &Archive{Records: records, file: file, start: start}, nil
}

// IsOwn tells whether a Writer, or PyTorch, made the archive in a file of size
// bytes, by its first and its last bytes: damage to a byte makes no archive
// another's.
func IsOwn(r io.ReaderAt, size int64) (bool, error) {
	const endsSize = end64Size + locatorSize + endSize
	if size < localSize+endsSize {
		return false, nil
	}
	head, tag, tail := make([]byte, localSize), make([]byte, 2), make([]byte, endsSize)
	if _, err := r.ReadAt(head, 0); err != nil {
		return false, err
	}
	nameLength := binary.LittleEndian.Uint16(head[26:])
	if _, err := r.ReadAt(tag, localSize+int64(nameLength)); err != nil && err != io.EOF {
		return false, err
	}
	if _, err := r.ReadAt(tail, size-endsSize); err != nil && err != io.EOF {
		return false, err
	}
	needed := binary.LittleEndian.Uint16(head[4:])
	ends := fields(tail)
	signature, _, made := ends.uint32(), ends.uint64(), ends.uint16()
	return needed == 0 && binary.LittleEndian.Uint16(tag) == paddingTag || signature == end64Signature && made == madeByUnix30, nil
}

// Fault returns an error whose place is the record.
func (r *Record) Fault(format string, arguments ...any) error {
	return fault(int64(r.header), format, arguments...)
}

// Check looks at all bytes of the file before the directory: at the headers of
// the records, at their data and that nothing lies between them. Records that
// packed, which may be nil, names may be compressed; these are not unpacked, and
// their Data stays nil.
func (a *Archive) Check(packed func(name string) bool) error {
	at := uint64(0)
	for i := range a.Records {
		next := a.start
		if i+1 < len(a.Records) {
			next = a.Records[i+1].header
		}
		r := &a.Records[i]
		if r.header != at {
			return fault(int64(at), "record %s starts at byte %d; records must neither overlap nor leave a gap", shorten(r.Name), r.header)
		}
		if err := r.open(a.file, next, packed != nil && packed(r.Name)); err != nil {
			return err
		}
		at = next
	}
	return nil
}

// directory finds the central directory by the end record, which must be the
// last bytes of the file, and the zip64 end record before it.
func directory(file []byte) (start, end, count uint64, err error) {
	size := uint64(len(file))
	if size < endSize || binary.LittleEndian.Uint32(file[size-endSize:]) != endSignature {
		return 0, 0, 0, fault(int64(size), "the file does not end with a zip archive's directory: it was cut short while it was written or copied, or bytes were added; copy or save it again")
	}
	at := size - endSize
	f := fields(file[at+4:])
	disk, startDisk := f.uint16(), f.uint16()
	here, total := f.uint16(), f.uint16()
	length32, start32 := f.uint32(), f.uint32()
	if comment := f.uint16(); comment != 0 || disk != 0 || startDisk != 0 || here != total {
		return 0, 0, 0, fault(int64(at), "the end record of the archive is damaged, or the archive has a comment or several parts")
	}
	count, start, end = uint64(total), uint64(start32), at
	length := uint64(length32)
	if at >= end64Size+locatorSize && binary.LittleEndian.Uint32(file[at-locatorSize:]) == locatorSignature {
		end = at - locatorSize - end64Size
		f = fields(file[end:])
		signature, rest, made, needed := f.uint32(), f.uint64(), f.uint16(), f.uint16()
		disk, startDisk := f.uint32(), f.uint32()
		here, total := f.uint64(), f.uint64()
		length64, start64 := f.uint64(), f.uint64()
		// 3 in the upper byte of made stands for Unix, and 45 is zip64's version.
		if signature != end64Signature || rest != end64Size-12 || made != madeByUnix30 && made != 45 && made != 3<<8|45 ||
			needed != 45 || disk != 0 || startDisk != 0 || here != total {
			return 0, 0, 0, fault(int64(end), "the zip64 end record of the archive is damaged")
		}
		f = f[4:] // the signature is known
		if disk, offset, disks := f.uint32(), f.uint64(), f.uint32(); disk != 0 || offset != end || disks != 1 {
			return 0, 0, 0, fault(int64(at-locatorSize), "the zip64 locator of the archive is damaged")
		}
		if count != total && count != max16 || length != length64 && length != max32 || start != start64 && start != max32 {
			return 0, 0, 0, fault(int64(at), "the archive's end record says %d records and a directory of %d bytes at %d, its zip64 record %d, %d and %d",
				count, length, start, total, length64, start64)
		}
		count, length, start = total, length64, start64
	}
	if start > end || length != end-start {
		return 0, 0, 0, fault(int64(at), "the archive's directory is said to be %d bytes at %d, but it must end at %d; the file was cut short or changed", length, start, end)
	}
	if count == 0 || count > length/centralSize {
		return 0, 0, 0, fault(int64(at), "the archive is said to hold %d records in a directory of %d bytes", count, length)
	}
	return start, end, count, nil
}

// centralRecords reads the central directory in file[start:end].
func centralRecords(file []byte, start, end, count uint64) ([]Record, error) {
	records := make([]Record, 0, count)
	at := start
	for range count {
		if end-at < centralSize {
			return nil, fault(int64(at), "the archive's directory ends within a record")
		}
		f := fields(file[at:end])
		signature, made := f.uint32(), f.uint16()
		r := Record{needed: f.uint16(), flags: f.uint16()}
		r.method = f.uint16()
		r.time, r.date, r.crc = f.uint16(), f.uint16(), f.uint32()
		packed, size := f.uint32(), f.uint32()
		nameLength, extraLength, commentLength := uint64(f.uint16()), uint64(f.uint16()), f.uint16()
		disk, internal, external, header := f.uint16(), f.uint16(), f.uint32(), f.uint32()
		if signature != centralSignature || commentLength != 0 || disk != 0 {
			return nil, fault(int64(at), "the archive's directory is damaged")
		}
		if nameLength+extraLength > uint64(len(f)) {
			return nil, fault(int64(at), "the archive's directory ends within a name")
		}
		r.Name = string(f[:nameLength])
		if !utf8.ValidString(r.Name) || strings.ContainsAny(r.Name, "\\\x00") {
			return nil, fault(int64(at), "the record name %s is no plain UTF-8", shorten(r.Name))
		}
		if !r.foreign() && (made != 0 || internal != 0 || external != 0 || r.time != 0 || r.date != 0) {
			return nil, fault(int64(at), "record %s has a version or attributes that are never written; the file is damaged", shorten(r.Name))
		}
		extra := f[nameLength : nameLength+extraLength]
		r.size, r.packed, r.header = uint64(size), uint64(packed), uint64(header)
		var big []*uint64
		if size == max32 {
			big = append(big, &r.size)
		}
		if packed == max32 {
			big = append(big, &r.packed)
		}
		if header == max32 {
			big = append(big, &r.header)
		}
		if err := r.zip64Field(extra, big, at); err != nil {
			return nil, err
		}
		for _, number := range big {
			r.zip64 = append(r.zip64, *number)
		}
		if r.header >= start {
			return nil, fault(int64(at), "record %s is said to start at byte %d, behind the last record", shorten(r.Name), r.header)
		}
		records = append(records, r)
		at += centralSize + nameLength + extraLength
	}
	if at != end {
		return nil, fault(int64(at), "the archive's directory has %d bytes more than its %d records", end-at, count)
	}
	return records, nil
}

// extraFields calls visit for each field of a header's extra data.
func extraFields(extra []byte, name string, at uint64, visit func(tag uint16, data []byte) bool) error {
	for len(extra) > 0 {
		if len(extra) < 4 || int(binary.LittleEndian.Uint16(extra[2:])) > len(extra)-4 {
			return fault(int64(at), "the extra data of record %s is damaged", shorten(name))
		}
		length := int(binary.LittleEndian.Uint16(extra[2:]))
		if !visit(binary.LittleEndian.Uint16(extra), extra[4:4+length]) {
			return fault(int64(at), "the extra data of record %s is damaged or does not fit its header", shorten(name))
		}
		extra = extra[4+length:]
	}
	return nil
}

// zip64Field fills in the numbers that did not fit 32 bits: exactly those, in
// one field.
func (r *Record) zip64Field(extra []byte, big []*uint64, at uint64) error {
	found := false
	err := extraFields(extra, r.Name, at, func(tag uint16, data []byte) bool {
		switch tag {
		case zip64Tag:
			if found || len(data) != 8*len(big) {
				return false
			}
			found = true
			for i, number := range big {
				*number = binary.LittleEndian.Uint64(data[8*i:])
			}
		case paddingTag:
			return isPadding(data)
		default:
			return r.foreign()
		}
		return true
	})
	if err == nil && !found && len(big) > 0 {
		err = fault(int64(at), "record %s has a size that needs a zip64 field, and none is there", shorten(r.Name))
	}
	return err
}

// foreign tells whether a program other than PyTorch or this package packed the
// archive: these two write 0 as the version needed and as everything else that
// is of no use, others write at least version 1.0 and facts of their own.
func (r *Record) foreign() bool { return r.needed != 0 }

func isPadding(data []byte) bool { return len(bytes.Trim(data, "Z")) == 0 }

// open checks the local header of a record against the directory, and its data
// against the CRC. The record must end where the next one starts.
func (r *Record) open(file []byte, next uint64, mayBePacked bool) error {
	at := int64(r.header)
	const deflated = 8
	isPacked := mayBePacked && r.method == deflated && r.flags&^(flagDescriptor|flagUTF8) == 0
	if !isPacked && (r.method != 0 || r.flags&^(flagDescriptor|flagUTF8) != 0 || r.packed != r.size) {
		return fault(at, "record %s is compressed or encrypted (method %d, flags 0x%04x), wanted one that is stored as it is: the file was packed again by another program; unpack it and save the weights anew", shorten(r.Name), r.method, r.flags)
	}
	if next-r.header < localSize {
		return fault(at, "record %s: its header is cut short", shorten(r.Name))
	}
	f := fields(file[r.header:next])
	signature, needed, flags, method := f.uint32(), f.uint16(), f.uint16(), f.uint16()
	time, date, crc := f.uint16(), f.uint16(), f.uint32()
	packed, size := f.uint32(), f.uint32()
	nameLength, extraLength := uint64(f.uint16()), uint64(f.uint16())
	if signature != localSignature || nameLength+extraLength > uint64(len(f)) || string(f[:nameLength]) != r.Name ||
		needed != r.needed || flags != r.flags || method != r.method || time != r.time || date != r.date {
		return fault(at, "record %s: its header differs from the archive's directory; the file is damaged or was made to deceive", shorten(r.Name))
	}
	deferred := flags&flagDescriptor != 0
	long := false
	err := extraFields(f[nameLength:nameLength+extraLength], r.Name, r.header, func(tag uint16, data []byte) bool {
		switch tag {
		case zip64Tag:
			// PyTorch repeats the directory's field here, with sizes that are
			// not known yet; without that excuse the numbers must agree.
			if long || len(r.zip64) == 0 || len(data) != 8*len(r.zip64) {
				return false
			}
			long = true
			for i, want := range r.zip64 {
				if number := binary.LittleEndian.Uint64(data[8*i:]); number != want && !(deferred && number == 0) {
					return false
				}
			}
		case paddingTag:
			return isPadding(data)
		default:
			return r.foreign()
		}
		return true
	})
	if err != nil {
		return err
	}
	agrees := func(number uint32, want uint64) bool {
		return uint64(number) == want || deferred && number == 0 || long && number == max32
	}
	if !agrees(packed, r.packed) || !agrees(size, r.size) || crc != r.crc && !(deferred && crc == 0) {
		return fault(at, "record %s: its header gives a size of %d and CRC %08x, the archive's directory %d and %08x", shorten(r.Name), size, crc, r.size, r.crc)
	}
	f = f[nameLength+extraLength:]
	data := next - uint64(len(f))
	if r.packed > uint64(len(f)) {
		return fault(at, "record %s is said to hold %d bytes, %d are there", shorten(r.Name), r.packed, len(f))
	}
	content := f[:r.packed:r.packed]
	f = f[r.packed:]
	if err := r.descriptor(f, deferred); err != nil {
		return fault(int64(data+r.packed), "record %s: %v", shorten(r.Name), err)
	}
	if isPacked {
		r.deflated = content
		return nil
	}
	r.Data = content
	if got := crc32.ChecksumIEEE(r.Data); got != r.crc {
		return fault(int64(data), "record %s: the data is damaged: its CRC is %08x, wanted %08x; copy or save the file again", shorten(r.Name), got, r.crc)
	}
	return nil
}

// descriptor checks what follows the data: the CRC and two sizes, of 32 or 64
// bits, if the header put them off.
func (r *Record) descriptor(f fields, deferred bool) error {
	var want []byte
	if deferred {
		want = binary.LittleEndian.AppendUint32(want, descriptorSignature)
		want = binary.LittleEndian.AppendUint32(want, r.crc)
		if len(f) == 24 {
			want = binary.LittleEndian.AppendUint64(want, r.packed)
			want = binary.LittleEndian.AppendUint64(want, r.size)
		} else {
			want = binary.LittleEndian.AppendUint32(want, uint32(r.packed))
			want = binary.LittleEndian.AppendUint32(want, uint32(r.size))
		}
	}
	if !bytes.Equal(f, want) {
		return fmt.Errorf("%d bytes follow the data that do not repeat its size and CRC", len(f))
	}
	return nil
}
