package idx

import (
	"bytes"
	"compress/gzip"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"testing/iotest"

	"inkling/data/internal/files"
)

// header returns a magic number and dimensions.
func header(magic uint32, dims ...uint32) []byte {
	b := binary.BigEndian.AppendUint32(nil, magic)
	for _, d := range dims {
		b = binary.BigEndian.AppendUint32(b, d)
	}
	return b
}

func zip(t testing.TB, content []byte) []byte {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := w.Write(content); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// changed returns a copy of b with the byte at i, counted from the end if
// negative, inverted.
func changed(b []byte, i int) []byte {
	b = slices.Clone(b)
	if i < 0 {
		i += len(b)
	}
	b[i] = ^b[i]
	return b
}

// small is an idx file of two pictures of 2x3.
var small = append(header(0x803, 2, 2, 3), 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12)

// onlyReader hides every method but Read.
type onlyReader struct{ io.Reader }

func TestReadImages(t *testing.T) {
	for name, r := range map[string]io.Reader{
		"plain":          bytes.NewReader(small),
		"gzip":           bytes.NewReader(zip(t, small)),
		"plain stream":   onlyReader{bytes.NewReader(small)},
		"gzip stream":    onlyReader{bytes.NewReader(zip(t, small))},
		"byte by byte":   iotest.OneByteReader(bytes.NewReader(zip(t, small))),
		"two gzip parts": bytes.NewReader(append(zip(t, small[:20]), zip(t, small[20:])...)),
	} {
		t.Run(name, func(t *testing.T) {
			got, err := ReadImages(r)
			if err != nil {
				t.Fatal(err)
			}
			if got.Count != 2 || got.Height != 2 || got.Width != 3 || !slices.Equal(got.Pixels, small[16:]) {
				t.Errorf("got %+v", got)
			}
		})
	}
}

func TestReadFromTheMiddleOfAFile(t *testing.T) {
	r := bytes.NewReader(append([]byte("junk"), small...))
	if _, err := r.Seek(4, io.SeekStart); err != nil {
		t.Fatal(err)
	}
	if _, err := ReadImages(r); err != nil {
		t.Error(err)
	}
}

func TestWrittenIsReadAgain(t *testing.T) {
	want := &Images{Count: 3, Height: 5, Width: 7, Pixels: make([]byte, 105)}
	for i := range want.Pixels {
		want.Pixels[i] = byte(i)
	}
	labels := []byte{4, 0, 255}
	var imageFile, labelFile bytes.Buffer
	w := gzip.NewWriter(&imageFile)
	if err := errors.Join(WriteImages(w, want), w.Close(), WriteLabels(&labelFile, labels)); err != nil {
		t.Fatal(err)
	}
	for what, n := range map[string]func() (int, error){
		"CheckImages": func() (int, error) { return CheckImages(bytes.NewReader(imageFile.Bytes())) },
		"CheckLabels": func() (int, error) { return CheckLabels(bytes.NewReader(labelFile.Bytes())) },
	} {
		if n, err := n(); n != 3 || err != nil {
			t.Errorf("%s = %d, %v", what, n, err)
		}
	}
	got, err := ReadImages(&imageFile)
	if err != nil || got.Count != 3 || got.Height != 5 || got.Width != 7 || !slices.Equal(got.Pixels, want.Pixels) {
		t.Errorf("got %+v, %v", got, err)
	}
	if got, err := ReadLabels(&labelFile); err != nil || !slices.Equal(got, labels) {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestWriteRefuses(t *testing.T) {
	for _, images := range []*Images{
		{},
		{Count: 1, Height: 2, Width: 2, Pixels: make([]byte, 5)},
		{Count: -1, Height: 2, Width: -2, Pixels: make([]byte, 4)},
		{Count: math.MaxInt32, Height: math.MaxInt32, Width: math.MaxInt32, Pixels: make([]byte, 4)},
	} {
		if err := WriteImages(io.Discard, images); err == nil {
			t.Errorf("%dx%dx%d with %d samples was written", images.Count, images.Height, images.Width, len(images.Pixels))
		}
	}
	if err := WriteLabels(io.Discard, nil); err == nil {
		t.Error("a file without labels was written")
	}
}

// badFile is a file of images that nobody should accept.
type badFile struct {
	name    string
	content []byte
	message string
	cause   error
}

func badFiles(t testing.TB) []badFile {
	page := []byte("\n<!DOCTYPE html><html><title>404 Not Found</title></html>")
	zipped := zip(t, small)
	const all = math.MaxUint32
	return []badFile{
		{"empty", nil, "it is empty", nil},
		{"one byte", []byte{0}, "it ends at byte 1, inside the header of 16 bytes", io.ErrUnexpectedEOF},
		{"magic number only", header(0x803), "it ends at byte 4, inside the header", io.ErrUnexpectedEOF},
		{"header cut off", small[:15], "it ends at byte 15", io.ErrUnexpectedEOF},
		{"header only", small[:16], "it ends after 0 of the 2x2x3 = 12 elements", io.ErrUnexpectedEOF},
		{"cut off", small[:27], "it ends after 11 of the 2x2x3 = 12 elements", io.ErrUnexpectedEOF},
		{"trailing byte", append(slices.Clone(small), 0), "it goes on after the 2x2x3 = 12 elements", nil},
		{"web page", page, "it is a web page", nil},
		{"gzipped web page", zip(t, page), "it is a gzipped web page", nil},
		{"text", []byte("this is no idx file, is it?"), "the magic number at offset 0 is 0x74686973, want 0x00000803 for images: this is no idx file", nil},
		{"little-endian", []byte{3, 8, 0, 0, 2, 0, 0, 0, 2, 0, 0, 0, 3, 0, 0, 0}, "is 0x03080000", nil},
		{"labels", append(header(0x801, 2), 1, 2), "is 0x00000801, want 0x00000803 for images: this is a file of labels", nil},
		{"two dimensions", append(header(0x802, 1, 2), 1, 2), "it has 2 dimensions instead of 3", nil},
		{"floats", append(header(0xd03, 1, 1, 1), 1, 2, 3, 4), "its elements are 32-bit floats, and only unsigned bytes", nil},
		{"unknown type", header(0x703, 1, 1, 1), "element type 0x07 does not exist", nil},
		{"no pictures", header(0x803, 0, 28, 28), "dimension 0 at offset 4 is 0", nil},
		{"no columns", header(0x803, 1, 28, 0), "dimension 2 at offset 12 is 0", nil},
		{"huge count", header(0x803, all, 28, 28), "dimension 0 at offset 4 is 4294967295", nil},
		{"all huge", header(0x803, all, all, all), "which makes more than the 2147483647 elements", nil},
		{"product over 2^64", header(0x803, 1<<31-1, 1<<31, 1<<31), "dimension 1 at offset 8 is 2147483648", nil},
		{"2 GiB declared", header(0x803, 1<<31-1, 1, 1), "it ends after 0 of the 2147483647x1x1", io.ErrUnexpectedEOF},
		{"2 GiB declared in gzip", zip(t, header(0x803, 1<<31-1, 1, 1)), "unpack it with gunzip first", nil},
		{"gzipped twice", zip(t, zip(t, small)), "it is gzipped twice", nil},
		{"gzip of nothing", zip(t, nil), "it ends at byte 0", io.ErrUnexpectedEOF},
		{"gzip magic only", zipped[:2], "the gzip header is damaged or cut off", io.ErrUnexpectedEOF},
		{"gzip cut in its data", zipped[:20], "it is cut off", io.ErrUnexpectedEOF},
		{"gzip without its sums", zipped[:len(zipped)-8], "it ends after 12 of", io.ErrUnexpectedEOF},
		{"gzip checksum", changed(zipped, -8), "does not fit gzip's checksum", gzip.ErrChecksum},
		{"gzip length", changed(zipped, -1), "does not fit gzip's checksum and length", gzip.ErrChecksum},
		{"gzip data", changed(zipped, 12), "", nil},
		{"junk after gzip", append(slices.Clone(zipped), "junk that follows"...), "other bytes follow the end of the gzip data", gzip.ErrHeader},
		{"elements cut off in gzip", zip(t, small[:27]), "it ends after 11 of", io.ErrUnexpectedEOF},
		{"trailing byte in gzip", zip(t, append(slices.Clone(small), 0)), "it goes on after", nil},
	}
}

func TestBadFiles(t *testing.T) {
	for _, test := range badFiles(t) {
		for kind, r := range map[string]io.Reader{"file": bytes.NewReader(test.content), "stream": onlyReader{bytes.NewReader(test.content)}} {
			t.Run(test.name+" as a "+kind, func(t *testing.T) {
				_, err := ReadImages(r)
				if err == nil || !strings.Contains(err.Error(), test.message) {
					t.Fatalf("error %v, want one with %q", err, test.message)
				}
				if test.cause != nil && !errors.Is(err, test.cause) {
					t.Errorf("error %v hides its cause %v", err, test.cause)
				}
				if strings.Contains(err.Error(), "\n") {
					t.Errorf("more than one line: %v", err)
				}
			})
		}
		if _, err := CheckImages(bytes.NewReader(test.content)); err == nil && !strings.Contains(test.name, "2 GiB") {
			t.Errorf("%s: CheckImages accepts it", test.name)
		}
	}
	if _, err := ReadLabels(bytes.NewReader(small)); err == nil || !strings.Contains(err.Error(), "this is a file of images") {
		t.Errorf("images read as labels: %v", err)
	}
}

func TestReadErrorsKeepTheirCause(t *testing.T) {
	cause := errors.New("input/output error")
	for _, n := range []int{0, 8, 20} {
		r := io.MultiReader(bytes.NewReader(small[:n]), iotest.ErrReader(cause))
		if _, err := ReadImages(r); !errors.Is(err, cause) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

// allocated is how many bytes f asks for, whether or not they are freed again.
func allocated(f func()) int64 {
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	f()
	runtime.ReadMemStats(&after)
	return int64(after.TotalAlloc - before.TotalAlloc)
}

// memoryBound is what reading may take for an input of n bytes.
func memoryBound(n int) int64 { return 8*int64(n) + 1_000_000 }

func TestMemoryIsBounded(t *testing.T) {
	// A gigabyte of zeros is a megabyte of gzip; 16 MB are enough to tell.
	bomb := zip(t, append(header(0x803, 1<<14, 32, 32), make([]byte, 1<<24)...))
	half := zip(t, append(header(0x803, 1<<14, 32, 32), make([]byte, 1<<23)...))
	// One byte of noise and three zeros packs about as MNIST does.
	noise, source := make([]byte, 1<<20), rand.NewPCG(1, 2)
	for i := 0; i < len(noise); i += 4 {
		noise[i] = byte(source.Uint64())
	}
	genuine := append(header(0x803, 1<<10, 32, 32), noise...)
	for name, content := range map[string][]byte{
		"bomb": bomb, "bomb that ends early": half,
		"declared 2 GiB": header(0x803, 1<<31-1, 1, 1), "genuine": genuine, "genuine gzip": zip(t, genuine),
		"long and wrong": append([]byte("wrong"), genuine...),
	} {
		for kind, r := range map[string]io.Reader{"file": bytes.NewReader(content), "stream": onlyReader{bytes.NewReader(content)}} {
			var err error
			if n := allocated(func() { _, err = ReadImages(r) }); n > memoryBound(len(content)) {
				t.Errorf("%s as a %s: %d bytes of memory for %d of input (%v)", name, kind, n, len(content), err)
			}
			if isGood := strings.HasPrefix(name, "genuine"); isGood != (err == nil) {
				t.Errorf("%s as a %s: error %v", name, kind, err)
			}
		}
		if n := allocated(func() { CheckImages(bytes.NewReader(content)) }); n > 200_000 {
			t.Errorf("%s: checking took %d bytes", name, n)
		}
	}
}

func TestOpen(t *testing.T) {
	var labels bytes.Buffer
	if err := WriteLabels(&labels, []byte{1, 2}); err != nil {
		t.Fatal(err)
	}
	fsys := fstest.MapFS{
		"images":      {Data: small},
		"labels":      {Data: labels.Bytes()},
		"many labels": {Data: append(header(0x801, 3), 1, 2, 3)},
	}
	images, got, err := Open(fsys, "images", "labels")
	if err != nil || images.Count != 2 || !slices.Equal(got, []byte{1, 2}) {
		t.Errorf("%+v, %v, %v", images, got, err)
	}
	for _, test := range [][3]string{
		{"images", "many labels", "images has 2 images, but many labels has 3 labels"},
		{"labels", "images", "labels is not usable: the magic number"},
		{"images", "images", "images is not usable: the magic number"},
		{"missing", "labels", "missing cannot be opened"},
		{"images", "missing", "missing cannot be opened"},
	} {
		if _, _, err := Open(fsys, test[0], test[1]); err == nil || !strings.Contains(err.Error(), test[2]) {
			t.Errorf("Open(%q, %q): %v, want %q", test[0], test[1], err, test[2])
		}
	}
}

func FuzzRead(f *testing.F) {
	f.Add(small)
	f.Add(zip(f, small))
	f.Add(append(header(0x801, 3), 1, 2, 3))
	for _, bad := range badFiles(f) {
		f.Add(bad.content)
	}
	f.Fuzz(func(t *testing.T, content []byte) {
		var images *Images
		var err error
		if n := allocated(func() { images, err = ReadImages(onlyReader{bytes.NewReader(content)}) }); n > memoryBound(len(content)) {
			t.Errorf("%d bytes of memory for %d of input", n, len(content))
		}
		fromFile, fileErr := ReadImages(bytes.NewReader(content))
		if fmt.Sprint(err) != fmt.Sprint(fileErr) {
			t.Errorf("stream: %v, file: %v", err, fileErr)
		}
		counted := &files.Counter{R: bytes.NewReader(content)}
		count, checkErr := CheckImages(counted)
		if counted.N > int64(len(content)) {
			t.Errorf("%d bytes are read of %d", counted.N, len(content))
		}
		if err == nil {
			if len(images.Pixels) != images.Count*images.Height*images.Width || !slices.Equal(images.Pixels, fromFile.Pixels) {
				t.Errorf("%d pictures of %dx%d in %d samples", images.Count, images.Height, images.Width, len(images.Pixels))
			}
			if count != images.Count || checkErr != nil {
				t.Errorf("CheckImages = %d, %v, but there are %d", count, checkErr, images.Count)
			}
		}
		ReadLabels(bytes.NewReader(content))
	})
}
