package pth

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"hash/crc32"
	"slices"
	"strings"
	"unicode/utf8"
)

// This file reads the zip container, with the names and layouts of PKWARE's
// APPNOTE 6.3.10, sections 4.3 and 4.4. It is stricter than archive/zip: what
// PyTorch writes leaves no byte of the file unexplained, so every byte is
// checked, and two readers cannot see two different files in one.

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

	max16, max32 = 0xffff, 0xffffffff
)

// record is a member of the archive.
type record struct {
	name          string // with the folder
	header        uint64 // offset of the local header
	size, packed  uint64 // before and after compression
	crc           uint32
	needed, flags uint16
	method        uint16
	time, date    uint16
	data          []byte
	zip64         bool // a size or the offset stands in a zip64 field
}

// archive is a checked zip file.
type archive struct {
	folder  string // that all records lie in, without a slash
	records map[string]*record
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

// openArchive checks every byte of a zip file and returns its records.
func openArchive(file []byte) (*archive, error) {
	start, end, count, err := directory(file)
	if err != nil {
		return nil, err
	}
	records, err := centralRecords(file, start, end, count)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(records, func(a, b record) int { return cmp.Compare(a.header, b.header) })
	folder, _, _ := strings.Cut(records[0].name, "/")
	a := &archive{folder: folder, records: make(map[string]*record, len(records))}
	for i := range records {
		r := &records[i]
		folder, name, ok := strings.Cut(r.name, "/")
		if !ok || folder != a.folder || name == "" {
			return nil, fault(int64(r.header), "record %s does not lie in the archive's one folder %s", shorten(r.name), shorten(a.folder))
		}
		if a.records[name] != nil {
			return nil, fault(int64(r.header), "the archive holds record %s twice", shorten(r.name))
		}
		a.records[name] = r
	}
	if a.records["constants.pkl"] != nil {
		return nil, fault(-1, "the file is a TorchScript program (torch.jit.save), not a state dict; in PyTorch save the weights alone with torch.save(net.state_dict(), path)")
	}
	at := uint64(0)
	for i := range records {
		next := start
		if i+1 < len(records) {
			next = records[i+1].header
		}
		r := &records[i]
		if r.header != at {
			return nil, fault(int64(at), "record %s starts at byte %d; records must neither overlap nor leave a gap", shorten(r.name), r.header)
		}
		if err := r.open(file, next); err != nil {
			return nil, err
		}
		at = next
	}
	return a, nil
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
		if signature != end64Signature || rest != end64Size-12 || made != 3<<8|30 && made != 45 && made != 3<<8|45 ||
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
func centralRecords(file []byte, start, end, count uint64) ([]record, error) {
	records := make([]record, 0, count)
	at := start
	for range count {
		if end-at < centralSize {
			return nil, fault(int64(at), "the archive's directory ends within a record")
		}
		f := fields(file[at:end])
		signature, made := f.uint32(), f.uint16()
		r := record{needed: f.uint16(), flags: f.uint16()}
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
		r.name = string(f[:nameLength])
		if !utf8.ValidString(r.name) || strings.ContainsAny(r.name, "\\\x00") {
			return nil, fault(int64(at), "the record name %s is no plain UTF-8", shorten(r.name))
		}
		if !r.foreign() && (made != 0 || internal != 0 || external != 0 || r.time != 0 || r.date != 0) {
			return nil, fault(int64(at), "record %s has a version or attributes that PyTorch does not write", shorten(r.name))
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
		r.zip64 = len(big) > 0
		if r.header >= start {
			return nil, fault(int64(at), "record %s is said to start at byte %d, behind the last record", shorten(r.name), r.header)
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
func (r *record) zip64Field(extra []byte, big []*uint64, at uint64) error {
	found := false
	err := extraFields(extra, r.name, at, func(tag uint16, data []byte) bool {
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
		err = fault(int64(at), "record %s has a size that needs a zip64 field, and none is there", shorten(r.name))
	}
	return err
}

// foreign tells whether a program other than PyTorch or this package packed the
// archive: these two write 0 as the version needed and as everything else that
// is of no use, others write at least version 1.0 and facts of their own.
func (r *record) foreign() bool { return r.needed != 0 }

func isPadding(data []byte) bool { return len(bytes.Trim(data, "Z")) == 0 }

// open checks the local header of a record against the directory, and its data
// against the CRC. The record must end where the next one starts.
func (r *record) open(file []byte, next uint64) error {
	at := int64(r.header)
	if r.method != 0 || r.flags&^(flagDescriptor|flagUTF8) != 0 || r.packed != r.size {
		return fault(at, "record %s is compressed or encrypted (method %d, flags 0x%04x); PyTorch stores records as they are, so the file was packed again by another program: unpack it and save it with torch.save", shorten(r.name), r.method, r.flags)
	}
	if next-r.header < localSize {
		return fault(at, "record %s: its header is cut short", shorten(r.name))
	}
	f := fields(file[r.header:next])
	signature, needed, flags, method := f.uint32(), f.uint16(), f.uint16(), f.uint16()
	time, date, crc := f.uint16(), f.uint16(), f.uint32()
	packed, size := f.uint32(), f.uint32()
	nameLength, extraLength := uint64(f.uint16()), uint64(f.uint16())
	if signature != localSignature || nameLength+extraLength > uint64(len(f)) || string(f[:nameLength]) != r.name ||
		needed != r.needed || flags != r.flags || method != 0 || time != r.time || date != r.date {
		return fault(at, "record %s: its header differs from the archive's directory; the file is damaged or was made to deceive", shorten(r.name))
	}
	deferred := flags&flagDescriptor != 0
	long := false
	err := extraFields(f[nameLength:nameLength+extraLength], r.name, r.header, func(tag uint16, data []byte) bool {
		switch tag {
		case zip64Tag:
			// PyTorch repeats the directory's field here, with sizes that are
			// not known yet; without that excuse the numbers must agree.
			if long || !r.zip64 || len(data)%8 != 0 {
				return false
			}
			long = true
			for i := 0; i < len(data); i += 8 {
				number := binary.LittleEndian.Uint64(data[i:])
				if number != r.size && number != r.header && !(deferred && number == 0) {
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
	if !agrees(packed, r.size) || !agrees(size, r.size) || crc != r.crc && !(deferred && crc == 0) {
		return fault(at, "record %s: its header gives a size of %d and CRC %08x, the archive's directory %d and %08x", shorten(r.name), size, crc, r.size, r.crc)
	}
	f = f[nameLength+extraLength:]
	data := next - uint64(len(f))
	if r.size > uint64(len(f)) {
		return fault(at, "record %s is said to hold %d bytes, %d are there", shorten(r.name), r.size, len(f))
	}
	r.data, f = f[:r.size:r.size], f[r.size:]
	if err := r.descriptor(f, deferred); err != nil {
		return fault(int64(data+r.size), "record %s: %v", shorten(r.name), err)
	}
	if got := crc32.ChecksumIEEE(r.data); got != r.crc {
		return fault(int64(data), "record %s: the data is damaged: its CRC is %08x, wanted %08x; copy or save the file again", shorten(r.name), got, r.crc)
	}
	return nil
}

// descriptor checks what follows the data: the CRC and two sizes, of 32 or 64
// bits, if the header put them off.
func (r *record) descriptor(f fields, deferred bool) error {
	var want []byte
	if deferred {
		want = binary.LittleEndian.AppendUint32(want, descriptorSignature)
		want = binary.LittleEndian.AppendUint32(want, r.crc)
		if len(f) == 24 {
			want = binary.LittleEndian.AppendUint64(want, r.size)
			want = binary.LittleEndian.AppendUint64(want, r.size)
		} else {
			want = binary.LittleEndian.AppendUint32(want, uint32(r.size))
			want = binary.LittleEndian.AppendUint32(want, uint32(r.size))
		}
	}
	if !bytes.Equal(f, want) {
		return fault(-1, "%d bytes follow the data that do not repeat its size and CRC", len(f))
	}
	return nil
}
