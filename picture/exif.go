package picture

import (
	"encoding/binary"
	"errors"
)

// A directory is the first one of a TIFF file, or of EXIF, which is laid out alike
// (TIFF 6.0, section 2; JEITA CP-3451).
type directory struct {
	file    []byte
	order   binary.ByteOrder
	entries []byte
}

// entrySize is that of an entry: tag, type, count, value.
const entrySize = 12

func openDirectory(file []byte) (directory, error) {
	d := directory{file: file}
	if len(file) < 8 {
		return d, errors.New("its directory is missing")
	}
	switch string(file[:2]) {
	case "II":
		d.order = binary.LittleEndian
	case "MM":
		d.order = binary.BigEndian
	default:
		return d, errors.New("its order of bytes is unknown")
	}
	start := int64(d.order.Uint32(file[4:]))
	if start+2 > int64(len(file)) {
		return d, errors.New("its directory is missing")
	}
	d.entries = file[start+2:]
	d.entries = d.entries[:min(len(d.entries)/entrySize, int(d.order.Uint16(file[start:])))*entrySize]
	return d, nil
}

// value returns the number of a tag, the first one of several, or otherwise if it
// is not there.
func (d directory) value(tag uint16, otherwise uint32) uint32 {
	for rest := d.entries; len(rest) > 0; rest = rest[entrySize:] {
		if d.order.Uint16(rest) != tag {
			continue
		}
		const typeByte, typeShort, typeLong = 1, 3, 4
		count := d.order.Uint32(rest[4:])
		switch kind := d.order.Uint16(rest[2:]); {
		case kind == typeByte:
			return uint32(rest[8])
		case kind == typeShort && count <= 2:
			return uint32(d.order.Uint16(rest[8:]))
		case kind == typeShort: // the first of a list elsewhere, such as of 8, 8, 8
			if at := int64(d.order.Uint32(rest[8:])); at+2 <= int64(len(d.file)) {
				return uint32(d.order.Uint16(d.file[at:]))
			}
			return otherwise
		case kind == typeLong:
			return d.order.Uint32(rest[8:])
		}
		return otherwise
	}
	return otherwise
}

// orientation returns the tag Orientation, 1 if it is not there or none.
func (d directory) orientation() int {
	const tagOrientation = 274
	if v := d.value(tagOrientation, 1); v >= 1 && v <= 8 {
		return int(v)
	}
	return 1
}
