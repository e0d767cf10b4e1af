package idx

import (
	"bytes"
	"io"
	"slices"
	"strings"
	"testing"

	"inkling/data/internal/files"
)

var smallTable = append(header(0xc02, 2, 3), 0, 0, 0, 1, 0, 0, 1, 0, 255, 255, 255, 255, 0, 0, 0, 4, 0, 0, 0, 5, 0x7f, 255, 255, 255)

func TestReadTable(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"plain": bytes.NewReader(smallTable), "gzip": bytes.NewReader(zip(t, smallTable)), "stream": onlyReader{bytes.NewReader(smallTable)},
	} {
		got, err := ReadTable(r)
		if err != nil || got.Rows != 2 || got.Columns != 3 || !slices.Equal(got.Values, []int32{1, 256, -1, 4, 5, 1<<31 - 1}) {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
	}
	long := append(header(0xc02, 5000, 3), make([]byte, 60_000)...)
	if got, err := ReadTable(bytes.NewReader(long)); err != nil || len(got.Values) != 15_000 {
		t.Errorf("a long table: %v", err)
	}
}

func TestReadTableRefuses(t *testing.T) {
	for _, test := range []struct {
		name    string
		content []byte
		message string
	}{
		{"empty", nil, "it is empty"},
		{"web page", []byte("<html>"), "it is a web page"},
		{"labels", header(0x801, 3), "the magic number at offset 0 is 0x00000801, want 0x00000c02 for a table: this is no table of 32-bit integers"},
		{"header cut off", smallTable[:9], "it ends at byte 9"},
		{"no rows", header(0xc02, 0, 3), "dimension 0 at offset 4 is 0"},
		{"overflow", header(0xc02, 1<<31, 1<<31), "more than the"},
		{"more than there is", smallTable[:len(smallTable)-4], "it declares 2x3 = 6 elements, more than the 5"},
		{"cut off in gzip", zip(t, smallTable[:len(smallTable)-4]), "it ends after 5 of the 2x3 = 6 elements"},
		{"bomb", zip(t, header(0xc02, 1<<20, 1<<10)), "can be trusted with"},
		{"goes on", append(smallTable[:len(smallTable):len(smallTable)], 1), "it goes on after"},
		{"wrong sum", changed(zip(t, smallTable), -5), "checksum"},
	} {
		if _, err := ReadTable(bytes.NewReader(test.content)); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want %q", test.name, err, test.message)
		}
	}
	if _, err := ReadImages(bytes.NewReader(smallTable)); err == nil || !strings.Contains(err.Error(), "32-bit integers") {
		t.Errorf("a table is no file of images: %v", err)
	}
}

func FuzzReadTable(f *testing.F) {
	f.Add(smallTable)
	f.Add(zip(f, smallTable))
	f.Fuzz(func(t *testing.T, content []byte) {
		counted := &files.Counter{R: bytes.NewReader(content)}
		got, err := ReadTable(counted)
		if err == nil && (len(got.Values) != got.Rows*got.Columns || int64(4*len(got.Values)) > maxUnpacked(int64(len(content)))) {
			t.Errorf("%d values in %d rows of %d, of %d bytes", len(got.Values), got.Rows, got.Columns, len(content))
		}
		if counted.N > int64(len(content)) {
			t.Errorf("%d bytes are read of %d", counted.N, len(content))
		}
	})
}
