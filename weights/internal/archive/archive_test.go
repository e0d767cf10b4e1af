package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

// content is what the archives of the tests hold.
var content = []struct{ name, data string }{
	{"a/data.pkl", "a pickle"}, {"a/empty", ""}, {"a/data/0", strings.Repeat("01234567", 100)}, {"a/\u00e9", "3\n"},
}

// sample is an archive of the content.
func sample(t testing.TB) []byte {
	t.Helper()
	var b bytes.Buffer
	z := NewWriter(&b)
	for _, c := range content {
		if err := z.Record(c.name, []byte(c.data)); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func open(data []byte) (*Archive, error) {
	a, err := Open(data)
	if err != nil {
		return nil, err
	}
	return a, a.Check(nil)
}

func check(data []byte) error {
	_, err := open(data)
	return err
}

// same compares the records of two archives.
func same(t testing.TB, a, b *Archive) {
	t.Helper()
	if !slices.EqualFunc(a.Records, b.Records, func(x, y Record) bool { return x.Name == y.Name && bytes.Equal(x.Data, y.Data) }) {
		t.Error("the records have changed")
	}
}

// TestWriteAndRead reads an archive with this package, byte by byte, and with
// the standard library.
func TestWriteAndRead(t *testing.T) {
	data := sample(t)
	a, err := open(data)
	if err != nil {
		t.Fatal(err)
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	if len(a.Records) != len(content) || len(z.File) != len(content) {
		t.Fatalf("%d records, the standard library reads %d", len(a.Records), len(z.File))
	}
	for i, c := range content {
		if r := a.Records[i]; r.Name != c.name || string(r.Data) != c.data {
			t.Errorf("record %d is %s %q", i, r.Name, r.Data)
		}
		f := z.File[i]
		if offset, err := f.DataOffset(); err != nil || offset%64 != 0 || f.Name != c.name || f.Method != zip.Store || f.ModifiedDate != 0 {
			t.Errorf("%s: data at %d, method %d, %v", f.Name, offset, f.Method, err)
		}
		r, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		if got, err := io.ReadAll(r); err != nil || string(got) != c.data { // checks the CRC
			t.Errorf("%s: %q, %v", f.Name, got, err)
		}
	}
	hostile.EveryByteCounts(t, data, open, same, hostile.NoneFree)
	for room := range len(data) {
		z := NewWriter(&hostile.FullDisk{Room: room})
		err := z.Record("a", data)
		if err == nil {
			err = z.Close()
		}
		if !errors.Is(err, io.ErrShortWrite) {
			t.Fatalf("room for %d bytes: %v", room, err)
		}
	}
}

// TestTamperedDirectory changes numbers of a valid archive so that they still
// look like numbers.
func TestTamperedDirectory(t *testing.T) {
	data := sample(t)
	central := bytes.Index(data, []byte("PK\x01\x02"))
	second := central + 1 + bytes.Index(data[central+1:], []byte("PK\x01\x02"))
	put16 := binary.LittleEndian.PutUint16
	put32 := binary.LittleEndian.PutUint32
	tests := map[string]struct {
		tamper func(d []byte) []byte
		says   string
	}{
		"overlap":            {func(d []byte) []byte { put32(d[second+42:], 0); return d }, "its header is cut short"},
		"offset in the data": {func(d []byte) []byte { put32(d[second+42:], 100); return d }, "overlap|is said to hold|bytes follow the data"},
		"offset far away":    {func(d []byte) []byte { put32(d[second+42:], 1<<31); return d }, "behind the last record"},
		"size, both headers": {func(d []byte) []byte {
			for _, at := range []int{central + 20, central + 24, 18, 22} {
				put32(d[at:], 1<<31)
			}
			return d
		}, "is said to hold 2147483648 bytes"},
		"size, directory only": {func(d []byte) []byte { put32(d[central+20:], 10); put32(d[central+24:], 10); return d }, "header gives a size"},
		"encrypted":            {func(d []byte) []byte { put16(d[central+8:], flagUTF8|1); put16(d[6:], flagUTF8|1); return d }, "compressed or encrypted"},
		"zip64 in the local header only": {func(d []byte) []byte {
			// A zip64 field is made of the first record's padding.
			return bytes.Replace(d, []byte("FB\x14\x00"), []byte("\x01\x00\x14\x00"), 1)
		}, "extra data of record"},
		"two records in one place": {func(d []byte) []byte { put32(d[second+42:], binary.LittleEndian.Uint32(d[central+42:])); return d }, "cut short"},
		"names that differ":        {func(d []byte) []byte { d[localSize] = 'b'; return d }, "its header differs"},
		"flags that differ":        {func(d []byte) []byte { put16(d[6:], 0); return d }, "its header differs"},
		"a directory elsewhere": {func(d []byte) []byte {
			end := len(d) - endSize - locatorSize - end64Size
			binary.LittleEndian.PutUint64(d[end+48:], 64)
			put32(d[len(d)-6:], 64)
			return d
		}, "is said to be"},
		"zip64 not there":    {func(d []byte) []byte { put32(d[central+42:], max32); return d }, "zip64 field"},
		"comment":            {func(d []byte) []byte { put16(d[len(d)-2:], 3); return append(d, "abc"...) }, "cut short|comment"},
		"comment in the end": {func(d []byte) []byte { put16(d[len(d)-2:], 3); return d }, "comment"},
		"count":              {func(d []byte) []byte { put16(d[len(d)-14:], 1); put16(d[len(d)-12:], 1); return d }, "says 1 record"},
		"huge count": {func(d []byte) []byte {
			put16(d[len(d)-14:], max16)
			put16(d[len(d)-12:], max16)
			end := len(d) - endSize - locatorSize - end64Size
			binary.LittleEndian.PutUint64(d[end+24:], 1<<60)
			binary.LittleEndian.PutUint64(d[end+32:], 1<<60)
			return d
		}, "said to hold 1152921504606846976 records"},
		"gap": {func(d []byte) []byte {
			// A record of the directory is taken out with all that names it.
			length := second - central
			d = slices.Delete(d, central, second)
			end := len(d) - endSize - locatorSize - end64Size
			for _, at := range []int{end + 24, end + 32} {
				binary.LittleEndian.PutUint64(d[at:], binary.LittleEndian.Uint64(d[at:])-1)
			}
			binary.LittleEndian.PutUint64(d[end+40:], binary.LittleEndian.Uint64(d[end+40:])-uint64(length))
			binary.LittleEndian.PutUint64(d[end+end64Size+8:], uint64(end))
			tail := d[len(d)-endSize:]
			put16(tail[8:], binary.LittleEndian.Uint16(tail[8:])-1)
			put16(tail[10:], binary.LittleEndian.Uint16(tail[10:])-1)
			put32(tail[12:], binary.LittleEndian.Uint32(tail[12:])-uint32(length))
			return d
		}, "neither overlap nor leave a gap"},
	}
	for name, test := range tests {
		t.Run(name, func(t *testing.T) {
			hostile.Refused(t, check, test.tamper(slices.Clone(data)), test.says)
		})
	}
}

// TestZip64 reads an archive whose sizes and offsets stand in zip64 fields, in
// both headers, as PyTorch writes beyond 4 GiB.
func TestZip64(t *testing.T) {
	var b bytes.Buffer
	z := Writer{w: &b}
	le64 := func(n uint64) string { return string(binary.LittleEndian.AppendUint64(nil, n)) }
	for _, c := range content {
		before, header := len(z.central), z.at
		if err := z.Record(c.name, []byte(c.data)); err != nil {
			t.Fatal(err)
		}
		size := uint64(len(c.data))
		field := "\x01\x00\x18\x00" + le64(size) + le64(size) + le64(header)
		// The directory's header refers to the field for all three numbers.
		central := z.central[before:]
		binary.LittleEndian.PutUint32(central[20:], max32)
		binary.LittleEndian.PutUint32(central[24:], max32)
		binary.LittleEndian.PutUint16(central[30:], uint16(len(field)))
		binary.LittleEndian.PutUint32(central[42:], max32)
		z.central = append(z.central, field...)
		// The local one is rebuilt with the field before the padding.
		local := b.Bytes()[header:]
		rest := slices.Clone(local[localSize+len(c.name):])
		binary.LittleEndian.PutUint32(local[18:], max32)
		binary.LittleEndian.PutUint32(local[22:], max32)
		binary.LittleEndian.PutUint16(local[28:], binary.LittleEndian.Uint16(local[28:])+uint16(len(field)))
		b.Truncate(int(header) + localSize + len(c.name))
		b.WriteString(field)
		b.Write(rest)
		z.at += uint64(len(field))
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	hostile.EveryByteCounts(t, b.Bytes(), open, same, hostile.NoneFree)
}

// FuzzOpen looks for archives that take too much memory or are read in spite of
// bytes that say nothing.
func FuzzOpen(f *testing.F) {
	f.Add(sample(f))
	f.Fuzz(func(t *testing.T, data []byte) {
		hostile.Bounded(t, func(r io.ReaderAt, size int64) error {
			data := make([]byte, size)
			if _, err := io.ReadFull(io.NewSectionReader(r, 0, size), data); err != nil {
				return err
			}
			return check(data)
		}, data)
	})
}
