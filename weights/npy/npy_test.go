package npy

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"maps"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/sbinet/npyio"

	"inkling/weights/internal/hostile"
)

func mustWrite(t testing.TB, a Array) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := Write(&b, &a); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func mustWriteArchive(t testing.TB, arrays []Array, metadata map[string]string) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := WriteArchive(&b, arrays, metadata); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func readBytes(data []byte) (*Array, error) {
	return Read(bytes.NewReader(data), int64(len(data)))
}

func readArchiveBytes(data []byte) (*Archive, error) {
	return ReadArchive(bytes.NewReader(data), int64(len(data)))
}

func mustReadArchive(t testing.TB, data []byte) *Archive {
	t.Helper()
	a, err := readArchiveBytes(data)
	if err != nil {
		t.Fatal(err)
	}
	return a
}

// small has every kind of shape and name.
func small() ([]Array, map[string]string) {
	large := make([]float32, 5000) // more than one write
	for i := range large {
		large[i] = float32(i)
	}
	return []Array{
		New("fc.weight", []int{2, 3}, []float32{1, -2, 3.5, float32(math.Inf(1)), float32(math.Copysign(0, -1)), 1e-45}),
		New("scale", nil, []float32{7}),
		New("empty", []int{0, 3}, []float32{}),
		New("folder/a 名", []int{1}, []float32{2}),
		New("large", []int{50, 100}, large),
	}, map[string]string{"architecture": "LeNet", "classes": `["0","1"]`, "note": "<é>\u2028\"\\\n"}
}

func TestWriteAndRead(t *testing.T) {
	arrays, metadata := small()
	for _, want := range arrays {
		data := mustWrite(t, want)
		if start := len(data) - 4*len(want.Float32s()); start%64 != 0 {
			t.Errorf("%s: the data starts at byte %d", want.Name, start)
		}
		got, err := readBytes(data)
		if err != nil {
			t.Fatal(err)
		}
		want.Name = Unnamed
		if !reflect.DeepEqual(*got, want) {
			t.Errorf("%+v became %+v", want, *got)
		}
		if !Sniff(data[:64]) || SniffArchive(data[:64]) {
			t.Error("Sniff errs")
		}
		// Another implementation reads the same.
		var theirs []float32
		if err := npyio.Read(bytes.NewReader(data), &theirs); err != nil || !slices.Equal(theirs, want.Float32s()) {
			t.Errorf("npyio reads %v, %v", theirs, err)
		}
	}
	data := mustWriteArchive(t, arrays, metadata)
	got := mustReadArchive(t, data)
	if !reflect.DeepEqual(got.Arrays, arrays) || math.Float32bits(got.Arrays[0].Float32s()[4]) != 1<<31 || !maps.Equal(got.Metadata, metadata) {
		t.Errorf("got %+v", got)
	}
	if Sniff(data[:64]) || !SniffArchive(data[:64]) || SniffArchive(data[:38]) || SniffArchive(data[:4]) {
		t.Error("SniffArchive errs")
	}
	for range 10 { // maps have no order
		if !bytes.Equal(data, mustWriteArchive(t, arrays, metadata)) {
			t.Fatal("the same arrays gave different bytes")
		}
	}
}

func TestWriteErrors(t *testing.T) {
	one := []byte("\x00\x00\x80\x3f")
	for _, test := range []struct {
		says     string
		arrays   []Array
		metadata map[string]string
	}{
		{"no array", nil, nil},
		{"two arrays have the name a", []Array{{"a", nil, "float32", one}, {"a", nil, "float32", one}}, nil},
		{"no plain UTF-8", []Array{{"\xff", nil, "float32", one}}, nil},
		{"no plain UTF-8", []Array{{"a\x00b", nil, "float32", one}}, nil},
		{"too long", []Array{{strings.Repeat("x", 40_000), nil, "float32", one}}, nil},
		{"4 bytes for the shape [2]", []Array{{"a", []int{2}, "float32", one}}, nil},
		{"4 bytes for the shape [-1 -1]", []Array{{"a", []int{-1, -1}, "float32", one}}, nil},
		{"4 bytes for the shape", []Array{{"a", slices.Repeat([]int{1}, 65), "float32", one}}, nil},
		{"too much for a file", []Array{{"a", nil, "float32", one}}, map[string]string{"k": strings.Repeat("x", 1<<20)}},
	} {
		if err := WriteArchive(io.Discard, test.arrays, test.metadata); err == nil || !strings.Contains(err.Error(), test.says) {
			t.Errorf("error %v, want %q", err, test.says)
		}
	}
	arrays, metadata := small()
	size := len(mustWriteArchive(t, arrays, metadata))
	for _, room := range []int{0, 100, 2000, size - 1} {
		if err := WriteArchive(&hostile.FullDisk{Room: room}, arrays, metadata); !errors.Is(err, io.ErrShortWrite) {
			t.Errorf("with room for %d bytes: %v", room, err)
		}
	}
}

func TestEveryType(t *testing.T) {
	for _, test := range []struct {
		descr, name, data string
		want              []float32
	}{
		{"<f8", "float64", "\x00\x00\x00\x00\x00\x00\xf8\xbf", []float32{-1.5}},
		{">f8", "float64", "\xbf\xf8\x00\x00\x00\x00\x00\x00", []float32{-1.5}},
		{"<f4", "float32", "\x00\x00\xc0\xbf\x00\x00\x80\x3f", []float32{-1.5, 1}},
		{">f4", "float32", "\xbf\xc0\x00\x00\x3f\x80\x00\x00", []float32{-1.5, 1}},
		{"<f2", "float16", "\x00\xbe\x00\x3c", []float32{-1.5, 1}},
		{"|u1", "uint8", "\x01\xff", []float32{1, 255}},
		{"<u2", "uint16", "\x01\xff", []float32{65281}},
		{">u2", "uint16", "\xff\x01", []float32{65281}},
		{"<u4", "uint32", "\x01\x00\x00\x80", []float32{1 << 31}},
		{"<u8", "uint64", "\x00\x00\x00\x00\x00\x00\x00\x80", []float32{1 << 63}},
		{"|i1", "int8", "\x01\xff", []float32{1, -1}},
		{"<i2", "int16", "\xfe\xff", []float32{-2}},
		{"<i4", "int32", "\xfd\xff\xff\xff", []float32{-3}},
		{">i8", "int64", "\xff\xff\xff\xff\xff\xff\xff\xfc", []float32{-4}},
		{"|b1", "bool", "\x00\x01", []float32{0, 1}},
	} {
		header := fmt.Sprintf("{'descr': '%s', 'fortran_order': False, 'shape': (%d,), }\n", test.descr, len(test.want))
		got, err := readBytes(craft(header, test.data))
		if err != nil || got.DType != test.name || !slices.Equal(got.Float32s(), test.want) {
			t.Errorf("%s: %+v, %v, want %v", test.descr, got, err, test.want)
		}
	}
}

func TestColumnMajor(t *testing.T) {
	got, err := readBytes(craft("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 3, 2), }\n", "\x00\x06\x02\x08\x04\x0a\x01\x07\x03\x09\x05\x0b"))
	if err != nil {
		t.Fatal(err)
	}
	for i, v := range got.Float32s() {
		if v != float32(i) {
			t.Fatalf("the elements are %v", got.Float32s())
		}
	}
	if got, err := readBytes(craft("{'descr': '|u1', 'fortran_order': True, 'shape': (2, 0), }\n", "")); err != nil || len(got.Float32s()) != 0 {
		t.Errorf("no elements: %+v, %v", got, err)
	}
}

func TestCompressed(t *testing.T) {
	arrays, _ := small()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, a := range arrays {
		w, err := z.Create(a.Name + ".npy") // compresses
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(mustWrite(t, a)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := z.Create("notes.txt"); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	if got := mustReadArchive(t, b.Bytes()); !reflect.DeepEqual(got.Arrays, arrays) || got.Metadata != nil {
		t.Errorf("got %+v", got)
	}
}

// TestNumPy has NumPy load what this package wrote, and the other way round.
func TestNumPy(t *testing.T) {
	python, folder := hostile.Python(t, "numpy"), t.TempDir()
	arrays, metadata := small()
	if err := os.WriteFile(filepath.Join(folder, "ours.npz"), mustWriteArchive(t, arrays, metadata), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(folder, "ours.npy"), mustWrite(t, arrays[0]), 0o644); err != nil {
		t.Fatal(err)
	}
	output, err := exec.Command(python, filepath.Join("testdata", "check.py"), folder).CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, output)
	}
	for _, a := range append(arrays, New("ours.npy", arrays[0].Shape, arrays[0].Float32s())) {
		data := mustWrite(t, a)
		line := fmt.Sprintf("%x %v %s\n", sha256.Sum256(data[len(data)-4*len(a.Float32s()):]), a.Shape, a.Name)
		if !strings.Contains(string(output), line) {
			t.Errorf("%s is not loaded as it was written", a.Name)
		}
	}
	for _, name := range []string{"saved.npz", "compressed.npz"} {
		data, err := os.ReadFile(filepath.Join(folder, name))
		if err != nil {
			t.Fatal(err)
		}
		if !SniffArchive(data[:64]) {
			t.Errorf("SniffArchive does not know %s", name)
		}
		got := mustReadArchive(t, data).Arrays
		if !reflect.DeepEqual(got, arrays) {
			t.Errorf("%s holds %+v", name, got)
		}
	}
	kinds, err := filepath.Glob(filepath.Join(folder, "kind_*.npy"))
	if err != nil || len(kinds) != 25 {
		t.Fatalf("%d files, %v", len(kinds), err)
	}
	for _, path := range kinds {
		data, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		a, err := readBytes(data)
		if err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		want := []float32{0, 1, 2, 3, 4, 5}
		if a.DType == "bool" {
			want = []float32{0, 1, 1, 1, 1, 1}
		}
		if !slices.Equal(a.Float32s(), want) || !slices.Equal(a.Shape, []int{2, 3}) {
			t.Errorf("%s holds %+v", path, a)
		}
	}
	for _, name := range []string{"objects", "texts", "fields", "complex", "dates"} {
		data, err := os.ReadFile(filepath.Join(folder, name+".npy"))
		if err != nil {
			t.Fatal(err)
		}
		var format *FormatError
		if _, err := readBytes(data); !errors.As(err, &format) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestLeftOut has members that are no arrays of numbers beside one that is.
func TestLeftOut(t *testing.T) {
	good := string(craft(literal("'<f4'", "False", "(2,)"), "12345678"))
	var members []*zip.FileHeader
	add := func(name, content string) { members = append(members, &zip.FileHeader{Name: name, Comment: content}) }
	add("README.txt", "read me")
	add("folder/", "")
	add("w.npy", good)
	add("texts.npy", string(craft(literal("'<U2'", "False", "(1,)"), "abcdefgh")))
	add("objects.npy", string(craft(literal("'|O'", "False", "(1,)"), "\x80\x03cos\nsystem\n.")))
	add("complex.npy", string(craft(literal("'<c8'", "False", "(1,)"), "12345678")))
	add("dates.npy", string(craft(literal("'<M8[D]'", "False", "(1,)"), "12345678")))
	add("fields.npy", string(craft(literal("[('a', '<f4')]", "False", "(1,)"), "1234")))
	add("other.npy", "<html>")
	add("long.npy", string(craft(literal("'<f16'", "False", "(1,)"), "1234567812345678")))
	data := archiveOf(t, members...)
	a := mustReadArchive(t, data)
	want := []LeftOut{{"README.txt", "no array", false}, {"texts.npy", "an array of texts", true}, {"objects.npy", "an array of Python objects", true},
		{"complex.npy", "an array of complex numbers", true}, {"dates.npy", "an array of dates", true}, {"fields.npy", "an array of several fields", true},
		{"other.npy", "no array", false}, {"long.npy", "an array of the type <f16", true}}
	if len(a.Arrays) != 1 || a.Arrays[0].Name != "w" || !slices.Equal(a.LeftOut, want) {
		t.Errorf("got %+v, left out %+v", a.Arrays, a.LeftOut)
	}
	if !SniffMember(data[:64]) {
		t.Error("SniffMember does not know it")
	}
	// What damage made something else is refused.
	at := bytes.Index(data, []byte("'<f4', 'fortran_order': False, 'shape': (2,)"))
	data[at+2] = 'c'
	hostile.Refused(t, func(data []byte) error { _, err := readArchiveBytes(data); return err }, data, "record w.npy, byte 0: the data is damaged (zip: checksum error)")
}
