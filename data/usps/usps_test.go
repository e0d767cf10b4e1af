package usps

import (
	"bytes"
	"compress/bzip2"
	"errors"
	"io"
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
	packed, want := file(t, "usps.bz2"), file(t, "pixels.bin")
	plain, err := io.ReadAll(bzip2.NewReader(bytes.NewReader(packed)))
	if err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{"usps.bz2": {Data: packed}, "usps.t": {Data: plain}}
	if !Holds(fsys) {
		t.Error("the files are not found")
	}
	for _, train := range []bool{true, false} {
		d, err := Open(fsys, train)
		if err != nil {
			t.Fatal(err)
		}
		if c, h, w := d.Shape(); d.Len() != 5 || c != 1 || h != 16 || w != 16 {
			t.Fatalf("%d pictures of %dx%dx%d", d.Len(), c, h, w)
		}
		for i, digit := range []string{"0", "9", "4", "6", "1"} {
			pixels, label, err := d.Example(i)
			if err != nil || d.Classes()[label] != digit || !slices.Equal(pixels, want[256*i:256*(i+1)]) {
				t.Errorf("picture %d is a %d, want %s, or has other samples than torchvision's; %v", i, label, digit, err)
			}
		}
	}
	delete(fsys, "usps.t")
	if _, err := Open(fsys, false); !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "usps.t.bz2 or usps.t") || Holds(fsys) {
		t.Errorf("a file is missing: %v", err)
	}
	d, err := Read(strings.NewReader("3 2:1 256:-1"))
	if err != nil {
		t.Fatal(err)
	}
	if pixels, label, _ := d.Example(0); label != 2 || pixels[0] != 127 || pixels[1] != 255 || pixels[255] != 0 {
		t.Errorf("samples left out: %v, label %d", pixels, label)
	}
}

func badFiles(t testing.TB) map[string][]byte {
	packed := file(t, "usps.bz2")
	spoiled := slices.Clone(packed)
	spoiled[len(spoiled)/2] ^= 1
	return map[string][]byte{
		"it is empty":                            nil,
		"it is gzipped":                          {0x1f, 0x8b, 8},
		"it is a web page":                       []byte("<html>"),
		"it cannot be read past line":            packed[:len(packed)-20],
		"it is damaged or cut off":               spoiled,
		`line 1: its label is "0", want 1 to 10`: []byte("0 1:1\n"),
		`line 2: its label is "11"`:              []byte("10 1:1\n11 1:1\n"),
		`its label is "x"`:                       []byte("x 1:1\n"),
		"line 2: it is empty":                    []byte("1 1:1\n\n2 1:1\n"),
		`"1" is no sample`:                       []byte("1 1\n"),
		`"1:a" is no sample`:                     []byte("1 1:a\n"),
		`"a:1" is no sample`:                     []byte("1 a:1\n"),
		`"257:1" has the index 257, want 3 to`:   []byte("1 2:1 257:1\n"),
		`"2:1" has the index 2, want 3 to 256`:   []byte("1 2:1 2:1\n"),
		`"0:1" has the index 0`:                  []byte("1 0:1\n"),
		`has the value 1.5, want -1 to 1`:        []byte("1 1:1.5\n"),
		`has the value NaN`:                      []byte("1 1:nan\n"),
		"line 1 has more than 16384 letters":     []byte("1 1:" + strings.Repeat("0", 20_000)),
		"more than can be":                       []byte(strings.Repeat("1\n", 5000)),
	}
}

func TestReadRefuses(t *testing.T) {
	for message, content := range badFiles(t) {
		if _, err := Read(bytes.NewReader(content)); err == nil || !strings.Contains(err.Error(), message) {
			t.Errorf("error %v, want %q", err, message)
		}
	}
}

// The bomb is a million lines "1", in 110 bytes of bzip2.
func TestMemoryIsBounded(t *testing.T) {
	bomb := file(t, "bomb.bz2")
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	_, err := Read(bytes.NewReader(bomb))
	runtime.ReadMemStats(&after)
	// bzip2 itself takes 4 MB for a block.
	if taken := after.TotalAlloc - before.TotalAlloc; err == nil || !strings.Contains(err.Error(), "more than can be") || taken > 8<<20 {
		t.Errorf("%d bytes of memory, %v", taken, err)
	}
}

// The fuzzer changes the text itself, as bzip2's sums would keep nearly all of its
// changes from the lines.
func FuzzReadLines(f *testing.F) {
	for _, content := range badFiles(f) {
		if !bytes.HasPrefix(content, []byte("BZh")) {
			f.Add(content)
		}
	}
	f.Add([]byte("3 2:1 256:-1"))
	f.Add([]byte("1 1:0.5 2:-0.25 3:1e-3\n10 7:1\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		counted := &files.Counter{R: bytes.NewReader(content)}
		d, err := readLines(counted, counted)
		if err == nil && d.Len() < 1 {
			t.Error("an empty data set")
		}
		if counted.N > int64(len(content)) || err == nil && d.Len()*pictureSize > 4*len(content)+256<<10 {
			t.Errorf("%d bytes are read, and %d pictures come out of %d bytes", counted.N, d.Len(), len(content))
		}
	})
}

// What bzip2 unpacks is bounded by what it is.
func FuzzRead(f *testing.F) {
	packed := file(f, "usps.bz2")
	f.Add(packed)
	f.Add(packed[:len(packed)-20])
	f.Add([]byte("3 2:1 256:-1"))
	f.Fuzz(func(t *testing.T, content []byte) {
		counted := &files.Counter{R: bytes.NewReader(content)}
		d, err := Read(counted)
		if counted.N > int64(len(content)) || err == nil && (d.Len() < 1 || d.Len()*pictureSize > 4*len(content)+256<<10) {
			t.Errorf("%d bytes are read, and %d pictures come out of %d bytes", counted.N, d.Len(), len(content))
		}
	})
}
