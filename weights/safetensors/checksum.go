package safetensors

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"hash/crc32"
	"io"
	"maps"
)

// The format has no checksum, so Write puts two into the metadata, CRC-32 as in
// zip files (IEEE 802.3) and written as 8 hexadecimal digits: one of the header
// with the 8 bytes before it, in which both checksums count as zeros, and one of
// the data.
//
// Who loads a file elsewhere, changes the tensors and saves them with the same
// metadata, passes the checksums on though they fit no longer. Therefore both
// being wrong means that the file was written anew, and is no fault: damage to
// one byte leaves one of them right.
const (
	headerChecksum = "inkling_crc32_header"
	dataChecksum   = "inkling_crc32_data"

	noChecksum = "00000000"
)

// checksum is a checksum as it stands in the metadata.
func checksum(crc uint32) string { return fmt.Sprintf("%08x", crc) }

// withChecksums returns metadata with zeros in the place of the checksums.
func withChecksums(metadata map[string]string) map[string]string {
	all := map[string]string{headerChecksum: noChecksum, dataChecksum: noChecksum}
	maps.Copy(all, metadata)
	return all
}

// headerCRC computes the checksum of a header.
func headerCRC(text []byte) uint32 {
	crc := crc32.ChecksumIEEE(binary.LittleEndian.AppendUint64(nil, uint64(len(text))))
	for {
		at := nextChecksum(text)
		crc = crc32.Update(crc, crc32.IEEETable, text[:at])
		if text = text[at:]; len(text) == 0 {
			return crc
		}
		crc = crc32.Update(crc, crc32.IEEETable, []byte(noChecksum))
		text = text[len(noChecksum):]
	}
}

// dataCRC computes the checksum of data.
func dataCRC(r io.Reader) (uint32, error) {
	crc := crc32.NewIEEE()
	buffer := make([]byte, 32<<10)
	_, err := io.CopyBuffer(crc, struct{ io.Reader }{r}, buffer)
	return crc.Sum32(), err
}

// nextChecksum returns where the next checksum stands in a header as Write makes
// them, or the header's length if there is none.
func nextChecksum(text []byte) int {
	next := len(text)
	for _, key := range []string{headerChecksum, dataChecksum} {
		before := quoted(key)
		if at := bytes.Index(text, []byte(before)); at >= 0 && at+len(before)+len(noChecksum) <= len(text) {
			next = min(next, at+len(before))
		}
	}
	return next
}

// setChecksums writes the checksums of a header and its data in the place of the
// zeros that stand in it.
func setChecksums(text []byte, data uint32) {
	header := headerCRC(text)
	for key, crc := range map[string]uint32{headerChecksum: header, dataChecksum: data} {
		before := quoted(key)
		copy(text[bytes.Index(text, before)+len(before):], checksum(crc))
	}
}

// quoted is what stands before the value of a key in a header of Write's.
func quoted(key string) []byte { return fmt.Appendf(nil, "%q:\"", key) }

// verify takes the checksums out of the metadata and compares them with the
// header and the data. Offsets in its errors count from the header's start.
func (h *header) verify(text []byte, data io.Reader) error {
	header, hasHeader := h.metadata[headerChecksum]
	content, hasData := h.metadata[dataChecksum]
	if !hasHeader && !hasData {
		return nil // another program's
	}
	delete(h.metadata, headerChecksum)
	delete(h.metadata, dataChecksum)
	if len(h.metadata) == 0 {
		h.metadata = nil
	}
	if hasHeader != hasData {
		return fault(0, "the header has one checksum where there should be two: it is damaged; copy or save the file again")
	}
	crc, err := dataCRC(data)
	if err != nil {
		return err
	}
	headerFits, dataFits := header == checksum(headerCRC(text)), content == checksum(crc)
	switch {
	case headerFits && !dataFits:
		return fault(int64(len(text)), "the tensors' data does not fit its checksum: it is damaged, copy or save the file again; if another program changed it on purpose, let it leave %s and %s out of the metadata", headerChecksum, dataChecksum)
	case dataFits && !headerFits:
		return fault(0, "the header does not fit its checksum: it is damaged, copy or save the file again; if another program changed it on purpose, let it leave %s and %s out of the metadata", headerChecksum, dataChecksum)
	}
	return nil
}
