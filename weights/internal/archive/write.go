package archive

import (
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
)

// alignment is that of every record's data, as PyTorch's writer has it.
const alignment = 64

// Writer writes an archive: records as they are, each with its data aligned, and
// no times: every byte is decided by the content.
type Writer struct {
	w       io.Writer
	at      uint64
	central []byte
	count   uint64
}

func (z *Writer) write(b []byte) error {
	n, err := z.w.Write(b)
	z.at += uint64(n)
	return err
}

// NewWriter returns a Writer of a file that starts where w stands.
func NewWriter(w io.Writer) *Writer { return &Writer{w: w} }

// Record writes a record. No two may have the same name. A file may not exceed
// 4 GiB.
func (z *Writer) Record(name string, data []byte) error {
	const most = max32 - 1<<20
	if z.at+uint64(len(data)+len(z.central)) > most {
		return fmt.Errorf("with record %s the file would exceed 4 GiB; save fewer tensors", name)
	}
	// What the local header and the directory share, from the version on:
	// version 0, flags, method 0, time 0, date 0, CRC, both sizes.
	var shared []byte
	shared = binary.LittleEndian.AppendUint16(shared, 0)
	shared = binary.LittleEndian.AppendUint16(shared, flagUTF8)
	shared = append(shared, 0, 0, 0, 0, 0, 0)
	shared = binary.LittleEndian.AppendUint32(shared, crc32.ChecksumIEEE(data))
	shared = binary.LittleEndian.AppendUint32(shared, uint32(len(data)))
	shared = binary.LittleEndian.AppendUint32(shared, uint32(len(data)))
	shared = binary.LittleEndian.AppendUint16(shared, uint16(len(name)))

	const extraHeader = 4
	start := z.at + localSize + uint64(len(name)) + extraHeader
	padding := (alignment - start%alignment) % alignment
	header := z.at

	local := binary.LittleEndian.AppendUint32(nil, localSignature)
	local = append(local, shared...)
	local = binary.LittleEndian.AppendUint16(local, uint16(extraHeader+padding))
	local = append(local, name...)
	local = binary.LittleEndian.AppendUint16(local, paddingTag)
	local = binary.LittleEndian.AppendUint16(local, uint16(padding))
	for range padding {
		local = append(local, 'Z')
	}
	z.central = binary.LittleEndian.AppendUint32(z.central, centralSignature)
	z.central = append(z.central, 0, 0) // version made by
	z.central = append(z.central, shared...)
	z.central = append(z.central, make([]byte, 12)...) // extra, comment, disk, attributes
	z.central = binary.LittleEndian.AppendUint32(z.central, uint32(header))
	z.central = append(z.central, name...)
	z.count++
	if err := z.write(local); err != nil {
		return err
	}
	return z.write(data)
}

// Close writes the directory and, as PyTorch always does, its end in both the
// zip64 form and the old one.
func (z *Writer) Close() error {
	start, length := z.at, uint64(len(z.central))
	end := binary.LittleEndian.AppendUint32(nil, end64Signature)
	end = binary.LittleEndian.AppendUint64(end, end64Size-12)
	end = binary.LittleEndian.AppendUint16(end, madeByUnix30)
	end = binary.LittleEndian.AppendUint16(end, 45) // wants version 4.5
	end = append(end, make([]byte, 8)...)           // this part, part of the directory
	for _, n := range []uint64{z.count, z.count, length, start} {
		end = binary.LittleEndian.AppendUint64(end, n)
	}
	end = binary.LittleEndian.AppendUint32(end, locatorSignature)
	end = binary.LittleEndian.AppendUint32(end, 0)
	end = binary.LittleEndian.AppendUint64(end, start+length)
	end = binary.LittleEndian.AppendUint32(end, 1)

	end = binary.LittleEndian.AppendUint32(end, endSignature)
	end = append(end, 0, 0, 0, 0)
	count := uint16(min(z.count, max16))
	end = binary.LittleEndian.AppendUint16(end, count)
	end = binary.LittleEndian.AppendUint16(end, count)
	end = binary.LittleEndian.AppendUint32(end, uint32(length))
	end = binary.LittleEndian.AppendUint32(end, uint32(start))
	end = append(end, 0, 0)
	if err := z.write(z.central); err != nil {
		return err
	}
	return z.write(end)
}
