package svhn

import (
	"bytes"
	"compress/zlib"
	"encoding/binary"
	"errors"
	"io/fs"
	"os"
	"runtime"
	"slices"
	"strings"
	"testing"

	"inkling/data/internal/files"
	"testing/fstest"
)

func file(t testing.TB, name string) []byte {
	t.Helper()
	content, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return content
}

func TestOpen(t *testing.T) {
	fsys := fstest.MapFS{"train_32x32.mat": {Data: file(t, "compressed.mat")}, "test_32x32.mat": {Data: file(t, "plain.mat")}}
	if !Holds(fsys) {
		t.Error("the files are not found")
	}
	for train, want := range map[bool][]int{true: {1, 2, 3, 4, 5, 6, 7, 8, 9, 0, 0, 1}, false: {1, 2}} {
		d, err := Open(fsys, train)
		if err != nil {
			t.Fatal(err)
		}
		if c, h, w := d.Shape(); d.Len() != len(want) || c != 3 || h != 32 || w != 32 {
			t.Fatalf("%d pictures of %dx%dx%d", d.Len(), c, h, w)
		}
		for i := range d.Len() {
			pixels, label, err := d.Example(i)
			if err != nil || label != want[i] {
				t.Errorf("picture %d has label %d, want %d; %v", i, label, want[i], err)
			}
			for k, v := range pixels {
				channel, row, column := k/1024, k/32%32, k%32
				if want := byte(7*i + 3*row + 5*column + 50*channel); v != want {
					t.Fatalf("picture %d, channel %d, row %d, column %d is %d, want %d", i, channel, row, column, v, want)
				}
			}
		}
	}
	delete(fsys, "test_32x32.mat")
	if _, err := Open(fsys, false); !errors.Is(err, fs.ErrNotExist) || Holds(fsys) {
		t.Errorf("a file is missing: %v", err)
	}
	if d, err := Read(bytes.NewReader(file(t, "other.mat"))); err != nil || d.Len() != 2 {
		t.Errorf("with another array: %v", err)
	}
}

// Offsets in plain.mat: the element of X has its tag at 128, its flags at 136,
// its dimensions at 152 (with values at 160), its name at 176, and its content
// at 184, which ends at 6336, where y begins.
const (
	dimsAt    = 160
	nameAt    = 176
	contentAt = 184
	labelsAt  = 6336
)

// changed returns a copy with other bytes at an offset.
func changed(content []byte, at int, values ...byte) []byte {
	content = slices.Clone(content)
	copy(content[at:], values)
	return content
}

func badFiles(t testing.TB) map[string][]byte {
	plain, zipped := file(t, "plain.mat"), file(t, "compressed.mat")
	huge := changed(plain, dimsAt+12, 255, 255, 255, 127)
	return map[string][]byte{
		"it is empty":                            nil,
		"it is gzipped":                          append([]byte{0x1f, 0x8b}, plain...),
		"it is a web page":                       []byte("\n<!DOCTYPE html>"),
		"it ends at byte 100, inside the head":   plain[:100],
		"it has not both of the arrays X and y":  plain[:128],
		"it is no MAT-file of level 5":           changed(plain, 124, 2),
		"the element at offset 128 cannot be":    plain[:132],
		"it is of type 9, want 14":               changed(plain, 128, 9),
		"is cut off before its content":          plain[:contentAt],
		"the array X: it ends after 816 of 6144": plain[:1008],
		"X has 1 picture, but y has 2 labels":    changed(changed(plain, dimsAt+12, 1), contentAt+4, 0, 12),
		"the array X is [32 32 4 2], that is 8192 elements, want a multiple of 3072":    changed(plain, dimsAt+8, 4),
		"the array X is [32 32 3 1], that is 3072 elements, but declares 6144":          changed(plain, dimsAt+12, 1),
		"the array X is [16 64 3 2], want 32x32x3xN":                                    changed(changed(plain, dimsAt, 16), dimsAt+4, 64),
		"has the dimension 0 after [32 32]":                                             changed(plain, dimsAt+8, 0),
		"has the dimension 2147483647 after [32 32 3]":                                  huge,
		"the array X holds numbers of type 7, want 2":                                   changed(plain, contentAt, 7),
		"there are two arrays X":                                                        append(slices.Clone(plain), plain[128:labelsAt]...),
		"label 1 is 11, want 1 to 10":                                                   changed(plain, len(plain)-3, 11),
		"label 0 is 0, want 1 to 10":                                                    changed(plain, len(plain)-4, 0),
		"a small element declares 5 bytes":                                              changed(plain, nameAt+2, 5),
		"the array y holds numbers of type 9":                                           file(t, "floats.mat"),
		"it does not begin as zlib does":                                                changed(zipped, 136, 1, 1),
		"ends after":                                                                    zipped[:1000],
		"the file ends at byte 5000, and the element should end at 6336: it is cut off": changed(plain, nameAt+4, 'Z')[:5000],
	}
}

func TestReadRefuses(t *testing.T) {
	for message, content := range badFiles(t) {
		if _, err := Read(bytes.NewReader(content)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("error %v, want %q", err, message)
		}
	}
	// A damaged byte of a compressed file is found out by its checksum.
	content := file(t, "compressed.mat")
	for at := 140; at < len(content); at += 97 {
		if _, err := Read(bytes.NewReader(changed(content, at, content[at]^0x10))); err == nil {
			t.Errorf("the change at %d went unnoticed", at)
		}
	}
}

// A header that declares a gigabyte gets none.
func TestMemoryIsBounded(t *testing.T) {
	content := file(t, "plain.mat")
	const n = 300_000
	binary.LittleEndian.PutUint32(content[dimsAt+12:], n)
	binary.LittleEndian.PutUint32(content[contentAt+4:], n*pictureSize)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(bytes.NewReader(content))
	runtime.ReadMemStats(&after)
	if taken := after.TotalAlloc - before.TotalAlloc; err == nil || taken > 1<<20 {
		t.Errorf("%d bytes of memory, %v", taken, err)
	}
}

// An array that nobody asked for and that unpacks to very much is not passed over.
func TestWorkIsBounded(t *testing.T) {
	inner := binary.LittleEndian.AppendUint32(nil, miMATRIX)
	inner = binary.LittleEndian.AppendUint32(inner, 64<<20)
	inner = append(inner, make([]byte, 64<<20)...)
	copy(inner[8:], file(t, "plain.mat")[136:nameAt])
	copy(inner[8+nameAt-136:], []byte{miINT8, 0, 1, 0, 'Z', 0, 0, 0})
	content := compressed(t, zlib.BestSpeed, inner)
	counted := &files.Counter{R: bytes.NewReader(content)}
	if _, err := Read(counted); err == nil || !strings.Contains(err.Error(), "cannot be packed so tightly") {
		t.Errorf("error %v", err)
	}
	if counted.N > int64(len(content))/2 {
		t.Errorf("%d bytes are read of %d", counted.N, len(content))
	}
}

// compressed returns a file of one compressed element.
func compressed(t testing.TB, level int, inner []byte) []byte {
	var packed bytes.Buffer
	z, err := zlib.NewWriterLevel(&packed, level)
	if err == nil {
		_, err = z.Write(inner)
	}
	if err != nil {
		t.Fatal(err)
	}
	z.Close()
	content := bytes.Clone(file(t, "plain.mat")[:128])
	content = binary.LittleEndian.AppendUint32(content, miCOMPRESSED)
	content = binary.LittleEndian.AppendUint32(content, uint32(packed.Len()))
	return append(content, packed.Bytes()...)
}

// The fuzzer changes what is in the compressed elements, which are packed around
// it, as zlib's sum would keep nearly all of its changes from the reader.
func FuzzReadInside(f *testing.F) {
	plain := file(f, "plain.mat")
	f.Add(plain[128:labelsAt], plain[labelsAt:])
	f.Add(plain[labelsAt:], plain[128:labelsAt])
	f.Fuzz(func(t *testing.T, a, b []byte) {
		first, second := compressed(t, zlib.NoCompression, a), compressed(t, zlib.NoCompression, b)
		content := append(first, second[128:]...)
		check(t, content)
	})
}

// check reads a file, and fails if the work is out of proportion to it.
func check(t *testing.T, content []byte) {
	counted := &files.Counter{R: bytes.NewReader(content)}
	d, err := Read(counted)
	if err == nil && d.Len() < 1 {
		t.Error("an empty data set")
	}
	if counted.N > int64(len(content)) || err == nil && d.Len()*pictureSize > 10*len(content)+256<<10 {
		t.Errorf("%d bytes are read, and %d pictures come out of %d bytes", counted.N, d.Len(), len(content))
	}
}

func FuzzRead(f *testing.F) {
	for _, content := range badFiles(f) {
		f.Add(content)
	}
	f.Add(file(f, "compressed.mat"))
	f.Fuzz(func(t *testing.T, content []byte) { check(t, content) })
}
