package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"reflect"
	"slices"
	"strings"
	"testing"

	"inkling/weights/internal/hostile"
)

// craft makes a .npy of version 1.0.
func craft(header, data string) []byte {
	file := binary.LittleEndian.AppendUint16([]byte(magic+"\x01\x00"), uint16(len(header)))
	return append(append(file, header...), data...)
}

// literal is the header of 8 bytes of data, with other values where given.
func literal(descr, order, shape string) string {
	return fmt.Sprintf("{'descr': %s, 'fortran_order': %s, 'shape': %s, }\n", descr, order, shape)
}

func TestCraftedIsFine(t *testing.T) {
	for _, header := range []string{
		literal("'<f4'", "False", "(2,)"),
		literal("'<f8'", "False", "()"),
		literal("'|b1'", "True", "(2, 2, 2)"),
		literal("'<f4'", "False", "(2L, 1L)"),
		literal("'>i8'", "False", "(1, 1, 1,)"),
		`{"shape":(2,),"fortran_order":False,"descr":"<f4"}`,
		"  {\t'shape' : ( 4 , 2 ) , 'descr' : '|u1','fortran_order':True}  \n",
	} {
		if _, err := readBytes(craft(header, "12345678")); err != nil {
			t.Errorf("%s: %v", header, err)
		}
	}
}

func TestHostileHeaders(t *testing.T) {
	f4, no, two := "'<f4'", "False", "(2,)"
	for _, test := range []struct{ name, header, says string }{
		{"no dict", "[1, 2]", "where { was wanted"},
		{"white space alone", "    \n", "byte 15: the header ends where { was wanted"},
		{"an open dict", "{'descr': '<f4'", "the header ends where , or } was wanted"},
		{"an open text", "{'descr", "does not end"},
		{"a name without quotes", "{descr: '<f4'}", "byte 11: the header has 'd' where a text in quotes"},
		{"no colon", "{'descr' '<f4'}", "where : was wanted"},
		{"an empty dict", "{}\n", "no descr"},
		{"no shape", "{'descr': '<f4', 'fortran_order': False}", "no shape"},
		{"no order", "{'descr': '<f4', 'shape': (2,)}", "no fortran_order"},
		{"a name twice", "{'shape': (2,), 'shape': (2,)}", "shape twice"},
		{"another name", "{'shape': (2,), 'evil\x1b': 1}", `has "evil\x1b"`},
		{"code", literal("__import__('os')", no, two), "where a text in quotes was wanted"},
		{"code after it", literal(f4, no, two) + "import os", "where the header's end was wanted"},
		{"a sum", literal(f4, no, "(1+1,)"), "is 1+1"},
		{"objects", literal("'|O'", no, two), "Python objects"},
		{"objects of 8 bytes", literal("'|O8'", no, "(1,)"), "Python objects"},
		{"fields", literal("[('a', '<f4')]", no, two), "several fields"},
		{"texts", literal("'<U1'", no, two), "type <U1"},
		{"bytes", literal("'|S4'", no, two), "type |S4"},
		{"complex numbers", literal("'<c8'", no, "(1,)"), "type <c8"},
		{"dates", literal("'<M8[D]'", no, "(1,)"), "M8[D]"},
		{"long double", literal("'<f16'", no, "(1,)"), "type <f16"},
		{"raw", literal("'|V8'", no, "(1,)"), "type |V8"},
		{"no type", literal("''", no, two), `type ""`},
		{"an order alone", literal("'<'", no, two), "type <"},
		{"no byte order", literal("'f4'", no, two), "no byte order"},
		{"a byte order of |", literal("'|f4'", no, two), "no byte order"},
		{"two byte orders", literal("'<>f4'", no, two), "no byte order"},
		{"an order of 1", literal(f4, "1", two), "where True or False was wanted"},
		{"an order of Falsely", literal(f4, "Falsely", two), "where , or } was wanted"},
		{"a list for a shape", literal(f4, no, "[2]"), "where ( was wanted"},
		{"a number for a shape", literal(f4, no, "(2)"), "where , between numbers was wanted"},
		{"an open shape", "{'shape': (2,", "the header ends where a number was wanted"},
		{"a comma alone", literal(f4, no, "(,)"), "where a number was wanted"},
		{"numbers without a comma", literal(f4, no, "(1, 2 3)"), "where , between numbers was wanted"},
		{"a negative dimension", literal(f4, no, "(-2,)"), "is -2"},
		{"two negative dimensions", literal(f4, no, "(-1, -2)"), "is -1"},
		{"a fraction", literal(f4, no, "(2.0,)"), "is 2.0"},
		{"a dimension of 2^64", literal(f4, no, "(18446744073709551616,)"), "is 18446744073709551616"},
		{"an overflowing shape", literal(f4, no, "(4294967296, 4294967296, 2)"), "too large"},
		{"an overflowing size", literal("'<f8'", no, "(2305843009213693953,)"), "too large"},
		{"an overflow behind a 0", literal(f4, no, "(0, 9223372036854775807)"), "too large"},
		{"65 dimensions", literal(f4, no, "("+strings.Repeat("1,", 65)+")"), "more than 64"},
		{"exabytes", literal(f4, no, "(1099511627776,)"), "takes 4398046511104 bytes, 8 are there"},
		{"a byte too many", literal("'|u1'", no, "(7,)"), "takes 7 bytes, 8 are there"},
		{"a byte too few", literal("'|u1'", no, "(9,)"), "takes 9 bytes, 8 are there"},
		{"nothing", literal(f4, no, "(0,)"), "takes 0 bytes, 8 are there"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readArrayAlone, craft(test.header, "12345678"), test.says)
		})
	}
}

func TestHostileFiles(t *testing.T) {
	good := string(craft(literal("'<f4'", "False", "(2,)"), "12345678"))
	for _, test := range []struct{ name, data, says string }{
		{"nothing", "", "no .npy file"},
		{"a web page", "<html><body>Not Found", "web page"},
		{"gzip", "\x1f\x8b\x08" + strings.Repeat("x", 20), "gzip"},
		{"something else", "GIF89a" + strings.Repeat("x", 20), `starts with "GIF89axx"`},
		{"version 0", magic + "\x00\x00" + good[8:], "version is 0.0"},
		{"version 1.1", magic + "\x01\x01" + good[8:], "version is 1.1"},
		{"version 4", magic + "\x04\x00" + good[8:], "version is 4.0"},
		{"a header of 4 GB", magic + "\x02\x00\xff\xff\xff\xff{}", "4294967295 bytes, wanted at most 65536"},
		{"a header longer than the file", magic + "\x01\x00\xff\x7f{}", "32767 bytes, the file has 2"},
		{"a header of 0 bytes", magic + "\x01\x00\x00\x00  ", "0 bytes"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readArrayAlone, []byte(test.data), test.says)
		})
	}
	for _, size := range []int64{-1, int64(len(good)) + 1, 1 << 40} {
		var format *FormatError
		if _, err := Read(strings.NewReader(good), size); !errors.As(err, &format) {
			t.Errorf("size %d: %v", size, err)
		}
	}
	for n := range good {
		hostile.Refused(t, readArrayAlone, []byte(good[:n]), "")
	}
	hostile.Refused(t, readArrayAlone, []byte(good+"x"), "takes 8 bytes, 9 are there")
}

func readArrayAlone(data []byte) error {
	_, err := readBytes(data)
	return err
}

func readWholeArchive(data []byte) error {
	_, err := readArchiveBytes(data)
	return err
}

// member is a file of a zip archive made by hand: with whatever sizes and CRC.
func archiveOf(t testing.TB, members ...*zip.FileHeader) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		content := []byte(m.Comment)
		m.Comment = ""
		if m.CRC32 == 0 {
			m.CRC32 = crc32.ChecksumIEEE(content)
		}
		if m.CompressedSize64 == 0 {
			m.CompressedSize64 = uint64(len(content))
		}
		if m.UncompressedSize64 == 0 {
			m.UncompressedSize64 = m.CompressedSize64
		}
		w, err := z.CreateRaw(m)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func TestHostileArchives(t *testing.T) {
	good := string(craft(literal("'<f4'", "False", "(2,)"), "12345678"))
	// Comment is the member's content here, see archiveOf.
	member := func(name, content string) *zip.FileHeader { return &zip.FileHeader{Name: name, Comment: content} }
	for _, test := range []struct {
		name string
		data []byte
		says string
	}{
		{"nothing", nil, "no whole zip archive"},
		{"no members", archiveOf(t), "holds no array"},
		{"no arrays", archiveOf(t, member("a.txt", "x")), "holds no array"},
		{"metadata alone", archiveOf(t, member(metadataRecord, "{}")), "holds no array"},
		{"a name twice", archiveOf(t, member("a.npy", good), member("a.npy", good)), "a.npy twice"},
		{"an empty member", archiveOf(t, member("a.npy", "")), "record a.npy, byte 0: this is no .npy file"},
		{"no .npy inside", archiveOf(t, member("a.npy", "<html>")), "record a.npy, byte 0: this is a web page"},
		{"a short .npy inside", archiveOf(t, member("a.npy", good[:len(good)-1])), "takes 8 bytes, 7 are there"},
		{"a long .npy inside", archiveOf(t, member("a.npy", good+"x")), "takes 8 bytes, 9 are there"},
		{"a wrong CRC", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, CRC32: 1}), "record a.npy, byte 0: the data is damaged (zip: checksum error)"},
		{"encrypted", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, Flags: 1}), "encrypted"},
		{"another compression", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, Method: 12}), "method 12"},
		{"no Deflate", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, Method: zip.Deflate}), "the data is damaged"},
		{"two sizes", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, UncompressedSize64: 1 << 40}), "said to be 76 bytes and 1099511627776"},
		{"exabytes", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, CompressedSize64: 1 << 63, UncompressedSize64: 1 << 63}), ""},
		{"past the end", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, CompressedSize64: 1000, UncompressedSize64: 1000}), ""},
		{"metadata that is a list", archiveOf(t, member("a.npy", good), member(metadataRecord, "[1]")), "no JSON object of strings"},
		{"metadata of numbers", archiveOf(t, member("a.npy", good), member(metadataRecord, `{"a":1}`)), "no JSON object of strings"},
		{"metadata with a wrong CRC", archiveOf(t, member("a.npy", good), &zip.FileHeader{Name: metadataRecord, Comment: "{}", CRC32: 1}), "checksum"},
	} {
		t.Run(test.name, func(t *testing.T) {
			hostile.Refused(t, readWholeArchive, test.data, test.says)
		})
	}
	if got := mustReadArchive(t, archiveOf(t, member("a.npy", good))); len(got.Arrays) != 1 || got.Arrays[0].Name != "a" {
		t.Errorf("got %+v", got)
	}
}

func TestOverlap(t *testing.T) {
	good := string(craft(literal("'<f4'", "False", "(2,)"), "12345678"))
	data := archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good}, &zip.FileHeader{Name: "b.npy", Comment: good})
	directory := bytes.Index(data, []byte("PK\x01\x02"))
	second := directory + 1 + bytes.Index(data[directory+1:], []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(data[second+42:], 0) // its header is the first one's
	hostile.Refused(t, readWholeArchive, data, "overlaps")
}

// TestDamage cuts an archive at every byte and changes every byte of it. In one
// of another program it does so with the arrays alone: much else is free there.
func TestDamage(t *testing.T) {
	arrays, metadata := small()
	same := func(t testing.TB, a, b *Archive) {
		t.Helper()
		if !reflect.DeepEqual(a, b) {
			t.Errorf("got %+v", a)
		}
	}
	own := mustWriteArchive(t, arrays[:4], metadata)
	hostile.EveryByteCounts(t, own, readArchiveBytes, same, hostile.NoneFree)
	hostile.EveryByteCounts(t, mustWriteArchive(t, arrays[:1], nil), readArchiveBytes, same, hostile.NoneFree)

	foreign := archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: string(mustWrite(t, arrays[0]))})
	z, err := zip.NewReader(bytes.NewReader(foreign), int64(len(foreign)))
	if err != nil {
		t.Fatal(err)
	}
	start, err := z.File[0].DataOffset()
	if err != nil {
		t.Fatal(err)
	}
	hostile.EveryByteCounts(t, foreign, readArchiveBytes, func(testing.TB, *Archive, *Archive) {}, func(i int) bool {
		return i < int(start) || i >= int(start)+int(z.File[0].CompressedSize64)
	})
	broken := errors.New("broken disk")
	for n := range 40 {
		disk := &hostile.BrokenDisk{ReaderAt: bytes.NewReader(own), Reads: n, Err: broken}
		if _, err := ReadArchive(disk, int64(len(own))); err != nil && !errors.Is(err, broken) {
			t.Errorf("a disk that breaks at read %d: %v", n, err)
		} else if err == nil && n == 0 {
			t.Error("a broken disk went unnoticed")
		}
	}
}

// TestBombs has files made to take more memory than they should.
func TestBombs(t *testing.T) {
	if hostile.RaceEnabled {
		t.Skip("memory cannot be measured under the race detector")
	}
	const n = 20_000
	zeros := string(craft(literal("'|u1'", "False", "(20000000,)"), strings.Repeat("\x00", 20_000_000)))
	compressed := func(name, content string, copies int) []byte {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		for i := range copies {
			w, err := z.Create(fmt.Sprint(i) + name)
			if err != nil {
				t.Fatal(err)
			}
			io.WriteString(w, content)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		return b.Bytes()
	}
	// A directory alone, whose entries are all of one member.
	entry := archiveOf(t, &zip.FileHeader{Name: "a", Comment: "x"})
	directory := bytes.Index(entry, []byte("PK\x01\x02"))
	end := bytes.Index(entry, []byte("PK\x05\x06"))
	many := slices.Concat(entry[:directory], bytes.Repeat(entry[directory:end], n), entry[end:])
	tail := many[len(many)-22:]
	binary.LittleEndian.PutUint16(tail[8:], n)
	binary.LittleEndian.PutUint16(tail[10:], n)
	binary.LittleEndian.PutUint32(tail[12:], uint32(n*(end-directory)))

	empty := string(craft(literal("'|u1'", "False", "(0,)"), ""))
	var pairs strings.Builder
	for i := range n {
		fmt.Fprintf(&pairs, `"%x":"",`, i)
	}
	for name, data := range map[string][]byte{
		"zeros":     compressed(".npy", zeros, 1),
		"directory": many,
		"empty":     compressed(".npy", empty, n),
		"metadata":  archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: empty}, &zip.FileHeader{Name: metadataRecord, Comment: "{" + strings.TrimSuffix(pairs.String(), ",") + "}"}),
		"fortran":   craft(literal("'|u1'", "True", "(1000, 2000)"), strings.Repeat("x", 2_000_000)),
		"dims":      compressed(".npy", string(craft(literal("'|u1'", "False", "("+strings.Repeat("1,", 63)+"0)"), "")), 1000),
	} {
		t.Run(name, func(t *testing.T) {
			hostile.InMemory(t, readArrayAlone, data)
			hostile.InMemory(t, readWholeArchive, data)
		})
	}
}

func FuzzRead(f *testing.F) {
	arrays, _ := small()
	f.Add(mustWrite(f, arrays[0]))
	f.Add(craft(literal("'>f2'", "True", "(2L, 2)"), "12345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		read := func(r io.ReaderAt, size int64) error { _, err := Read(r, size); return err }
		if err := hostile.Bounded(t, read, data); err != nil {
			hostile.Refused(t, readArrayAlone, data, "")
			return
		}
		a, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		again, err := readBytes(mustWrite(t, *a))
		if err != nil || fmt.Sprint(again.Shape, again.Float32s()) != fmt.Sprint(a.Shape, a.Float32s()) {
			t.Errorf("%+v became %+v, %v", a, again, err)
		}
	})
}

// readFrom is readWholeArchive for a reader, without what was read.
func readFrom(r io.ReaderAt, size int64) error {
	_, err := ReadArchive(r, size)
	return err
}

// FuzzReadArchive makes whole archives of members, so that no checksum stands in the
// way of what is in them. One is compressed, one is stored.
func FuzzReadArchive(f *testing.F) {
	arrays, _ := small()
	f.Add("a.npy", mustWrite(f, arrays[0]), "b.npy", mustWrite(f, arrays[1]), []byte(`{"a":"b"}`))
	f.Add("a.npy", craft(literal("'|u1'", "True", "(1, 2)"), "xy"), "notes.txt", []byte("x"), []byte(""))
	f.Add("a.npy", craft(literal("'<U2'", "False", "(1,)"), "12345678"), "b.npy", craft(literal("'>i2'", "False", "(0,)"), ""), []byte("{}"))
	f.Fuzz(func(t *testing.T, stored string, first []byte, packed string, second, metadata []byte) {
		var b bytes.Buffer
		z := zip.NewWriter(&b)
		put := func(name string, method uint16, content []byte) {
			w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: method})
			if err != nil {
				t.Skip(err)
			}
			if _, err := w.Write(content); err != nil {
				t.Skip(err) // a folder, which has no content
			}
		}
		put(stored, zip.Store, first)
		put(packed, zip.Deflate, second)
		if len(metadata) > 0 {
			put(metadataRecord, zip.Deflate, metadata)
		}
		if err := z.Close(); err != nil {
			t.Skip(err)
		}
		data := b.Bytes()
		if err := hostile.Bounded(t, readFrom, data); err != nil {
			hostile.Refused(t, readWholeArchive, data, "")
			return
		}
		for _, a := range mustReadArchive(t, data).Arrays {
			if again, err := readBytes(mustWrite(t, a)); err != nil || !bytes.Equal(again.Data, a.Data) {
				t.Errorf("%+v became %+v, %v", a, again, err)
			}
		}
	})
}

// FuzzZip changes the bytes of archives themselves.
func FuzzZip(f *testing.F) {
	f.Add(archiveOf(f, &zip.FileHeader{Name: "a.npy", Comment: string(craft(literal("'|u1'", "False", "(1,)"), "x"))}))
	f.Add(mustWriteArchive(f, []Array{New("a", []int{1}, []float32{1})}, nil))
	f.Fuzz(func(t *testing.T, data []byte) {
		if err := hostile.Bounded(t, readFrom, data); err != nil {
			hostile.Refused(t, readWholeArchive, data, "")
		}
	})
}
