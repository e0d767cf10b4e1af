package npy

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"runtime"
	"slices"
	"strings"
	"testing"
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

func refused(t *testing.T, err error, says string) {
	t.Helper()
	var format *FormatError
	if !errors.As(err, &format) {
		t.Fatalf("error %v, want a FormatError", err)
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("error %q, want %q", err, says)
	}
	if strings.ContainsAny(err.Error(), "\n\x1b\x00") || len(err.Error()) > 1000 {
		t.Errorf("error %q is not one line", err)
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
			_, err := readBytes(craft(test.header, "12345678"))
			refused(t, err, test.says)
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
			_, err := readBytes([]byte(test.data))
			refused(t, err, test.says)
		})
	}
	for _, size := range []int64{-1, int64(len(good)) + 1, 1 << 40} {
		_, err := Read(strings.NewReader(good), size)
		refused(t, err, "")
	}
	for n := range good {
		_, err := readBytes([]byte(good[:n]))
		refused(t, err, "")
	}
	_, err := readBytes([]byte(good + "x"))
	refused(t, err, "takes 8 bytes, 9 are there")
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
		{"a wrong CRC", archiveOf(t, &zip.FileHeader{Name: "a.npy", Comment: good, CRC32: 1}), "record a.npy: the data is damaged (zip: checksum error)"},
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
			_, err := readArchiveBytes(test.data)
			refused(t, err, test.says)
			checkMemory(t, test.data)
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
	_, err := readArchiveBytes(data)
	refused(t, err, "overlaps")
}

// TestDamage cuts an archive at every byte and flips every byte of its arrays
// and their headers.
func TestDamage(t *testing.T) {
	arrays, metadata := small()
	data := mustWriteArchive(t, arrays[:4], metadata)
	for n := range data {
		_, err := readArchiveBytes(data[:n])
		refused(t, err, "")
	}
	z, err := zip.NewReader(bytes.NewReader(data), int64(len(data)))
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range z.File {
		start, err := f.DataOffset()
		if err != nil {
			t.Fatal(err)
		}
		for i := start; i < start+int64(f.CompressedSize64); i++ {
			damaged := slices.Clone(data)
			damaged[i] ^= 0x10
			if _, err := readArchiveBytes(damaged); err == nil {
				t.Errorf("%s: byte %d was changed, and nobody noticed", f.Name, i)
			}
		}
	}
	broken := errors.New("broken disk")
	for n := range 40 {
		if _, err := ReadArchive(&failing{bytes.NewReader(data), n, broken}, int64(len(data))); err != nil && !errors.Is(err, broken) {
			t.Errorf("a disk that breaks at read %d: %v", n, err)
		} else if err == nil && n == 0 {
			t.Error("a broken disk went unnoticed")
		}
	}
}

// failing is a file that can be read a number of times.
type failing struct {
	io.ReaderAt
	left int
	err  error
}

func (f *failing) ReadAt(b []byte, off int64) (int, error) {
	if f.left == 0 {
		return 0, f.err
	}
	f.left--
	return f.ReaderAt.ReadAt(b, off)
}

func allocated(data []byte) uint64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	readBytes(data)
	runtime.ReadMemStats(&after)
	once := after.TotalAlloc - before.TotalAlloc
	runtime.ReadMemStats(&before)
	readArchiveBytes(data)
	runtime.ReadMemStats(&after)
	return max(once, after.TotalAlloc-before.TotalAlloc)
}

// checkMemory holds reading to 8 times the file and 1 MB. Other goroutines
// allocate too: the least of several measurements counts.
func checkMemory(t *testing.T, data []byte) {
	t.Helper()
	if raceEnabled {
		return // the race detector allocates memory of its own
	}
	used, most := allocated(data), 8*uint64(len(data))+1<<20
	for i := 0; i < 5 && used > most; i++ {
		used = min(used, allocated(data))
	}
	if used > most {
		t.Errorf("reading %d bytes took %d bytes of memory, at most %d allowed", len(data), used, most)
	}
}

// TestBombs has files made to take more memory than they should.
func TestBombs(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector allocates memory of its own")
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
		t.Run(name, func(t *testing.T) { checkMemory(t, data) })
	}
}

func FuzzRead(f *testing.F) {
	arrays, _ := small()
	f.Add(mustWrite(f, arrays[0]))
	f.Add(craft(literal("'>f2'", "True", "(2L, 2)"), "12345678"))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkMemory(t, data)
		a, err := readBytes(data)
		if err != nil {
			refused(t, err, "")
			return
		}
		again, err := readBytes(mustWrite(t, *a))
		if err != nil || fmt.Sprint(again.Shape, again.Values) != fmt.Sprint(a.Shape, a.Values) {
			t.Errorf("%+v became %+v, %v", a, again, err)
		}
	})
}

func FuzzReadArchive(f *testing.F) {
	arrays, metadata := small()
	f.Add(mustWriteArchive(f, arrays[:4], metadata))
	f.Add(archiveOf(f, &zip.FileHeader{Name: "a.npy", Comment: string(craft(literal("'|u1'", "False", "(1,)"), "x"))}))
	f.Fuzz(func(t *testing.T, data []byte) {
		checkMemory(t, data)
		archive, err := readArchiveBytes(data)
		if err != nil {
			refused(t, err, "")
			return
		}
		for _, a := range archive.Arrays {
			if _, err := readBytes(mustWrite(t, a)); err != nil {
				t.Error(err)
			}
		}
	})
}
