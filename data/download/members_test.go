package download

import (
	"archive/zip"
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
)

// archiveOf packs files, every second one deflated, with a comment.
func archiveOf(t testing.TB, names []string, contents map[string][]byte) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for i, name := range names {
		w, err := z.CreateHeader(&zip.FileHeader{Name: name, Method: []uint16{zip.Store, zip.Deflate}[i%2]})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(contents[name]); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(z.SetComment("a comment"), z.Close()); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

var memberNames = []string{"gzip/large", "gzip/a", "gzip/b", "gzip/other"}

func memberContents() map[string][]byte {
	return map[string][]byte{
		"gzip/large": noise(500_000), "gzip/other": noise(300_000),
		"gzip/a": bytes.Repeat([]byte("a member that can be packed "), 5000), "gzip/b": noise(100_000),
	}
}

func wanted(dir string) []Member {
	return []Member{{Name: "gzip/a", Path: filepath.Join(dir, "a")}, {Name: "gzip/b", Path: filepath.Join(dir, "b")}}
}

func expectMembers(t *testing.T, dir string) {
	t.Helper()
	for _, m := range wanted(dir) {
		if got, err := os.ReadFile(m.Path); err != nil || !bytes.Equal(got, memberContents()[m.Name]) {
			t.Errorf("%s has %d bytes, %v", m.Name, len(got), err)
		}
	}
	if names := holds(t, dir); len(names) != 3 {
		t.Errorf("the folder has %v, want two members and their sums", names)
	}
}

func TestMembers(t *testing.T) {
	archive := archiveOf(t, memberNames, memberContents())
	var tooMany []string
	for i := range 2000 {
		tooMany = append(tooMany, fmt.Sprintf("a file with a long name so that the directory is long, too/%d", i))
	}
	long := archiveOf(t, append(tooMany, memberNames...), memberContents())
	tests := []struct {
		name     string
		archive  []byte
		handler  func(request int, w http.ResponseWriter, r *http.Request)
		requests int
		most     int // bytes sent
	}{
		{"as it should be", archive, func(_ int, w http.ResponseWriter, r *http.Request) {
			good(archive, `"1"`)(w, r)
		}, 3, 180_000},
		{"a long directory", long, func(_ int, w http.ResponseWriter, r *http.Request) {
			good(long, `"1"`)(w, r)
		}, 4, 600_000},
		{"breaks off", archive, func(_ int, w http.ResponseWriter, r *http.Request) {
			good(archive, `"1"`)(&cut{w, 70_000}, r)
		}, 4, 180_000},
		{"no ranges", archive, func(_ int, w http.ResponseWriter, r *http.Request) {
			whole(archive)(w, r)
		}, 2, 2_000_000},
		{"no ranges, breaks off", archive, func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 2 {
				w = &cut{w, 300_000}
			}
			whole(archive)(w, r)
		}, 3, 3_000_000},
		{"does not know the last bytes", archive, func(_ int, w http.ResponseWriter, r *http.Request) {
			if strings.HasPrefix(r.Header.Get("Range"), "bytes=-") {
				w.WriteHeader(http.StatusRequestedRangeNotSatisfiable)
				return
			}
			good(archive, `"1"`)(w, r)
		}, 2, 1_100_000},
		{"stops to know ranges", archive, func(n int, w http.ResponseWriter, r *http.Request) {
			if n > 2 {
				whole(archive)(w, r)
				return
			}
			good(archive, `"1"`)(w, r)
		}, 4, 3_000_000},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var requests, sent atomic.Int64
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				test.handler(int(requests.Add(1)), &counted{w, &sent}, r)
			})
			dir := t.TempDir()
			file := File{URLs: []string{url}, MD5: md5Of(test.archive)}
			if err := Members(t.Context(), file, wanted(dir), quick); err != nil {
				t.Fatal(err)
			}
			expectMembers(t, dir)
			if int(requests.Load()) != test.requests || int(sent.Load()) > test.most {
				t.Errorf("%d requests and %d bytes, want %d and at most %d", requests.Load(), sent.Load(), test.requests, test.most)
			}
		})
	}
}

// counted counts the bytes of bodies.
type counted struct {
	http.ResponseWriter
	sent *atomic.Int64
}

func (c *counted) Write(b []byte) (int, error) {
	n, err := c.ResponseWriter.Write(b)
	c.sent.Add(int64(n))
	return n, err
}

func (c *counted) Flush() { c.ResponseWriter.(http.Flusher).Flush() }

func TestMembersTakesUpWhatAnEarlierCallLeft(t *testing.T) {
	archive := archiveOf(t, memberNames, memberContents())
	var sent atomic.Int64
	broken := true
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w = &counted{w, &sent}
		if broken {
			w = &cut{w, 90_000}
		}
		good(archive, `"1"`)(w, r)
	})
	dir := t.TempDir()
	file := File{URLs: []string{url}}
	once := quick
	once.Attempts = 1
	if err := Members(t.Context(), file, wanted(dir), once); err == nil {
		t.Fatal("a broken download succeeded")
	}
	broken = false
	sent.Store(0)
	if err := Members(t.Context(), file, wanted(dir), once); err != nil {
		t.Fatal(err)
	}
	expectMembers(t, dir)
	// The directory comes again, of the members only what was missing.
	if n := sent.Load(); n > tailSize+20_000 {
		t.Errorf("%d bytes were sent again", n)
	}
}

// Only what is asked for is taken out of an archive, and the caller says where it
// goes: names that lead elsewhere and links are just not asked for.
func TestMembersFromAnArchiveThatWantsOut(t *testing.T) {
	names := append([]string{"../a", "/tmp/a", "gzip/../../b", `..\b`}, memberNames...)
	contents := memberContents()
	for _, name := range names[:4] {
		contents[name] = []byte("evil")
	}
	archive := archiveOf(t, names, contents)
	parent := t.TempDir()
	dir := filepath.Join(parent, "deep", "in")
	if err := Members(t.Context(), File{URLs: []string{serve(t, good(archive, `"1"`))}}, wanted(dir), quick); err != nil {
		t.Fatal(err)
	}
	expectMembers(t, dir)
	for _, folder := range []string{parent, filepath.Dir(dir)} {
		if names := holds(t, folder); len(names) != 1 {
			t.Errorf("%s has %v", folder, names)
		}
	}
}

func TestMembersThatAreThere(t *testing.T) {
	archive := archiveOf(t, memberNames, memberContents())
	var requests atomic.Int64
	url := serve(t, func(w http.ResponseWriter, r *http.Request) { requests.Add(1); good(archive, `"1"`)(w, r) })
	dir := t.TempDir()
	members := wanted(dir)
	for i, m := range members {
		members[i].Check = func(r io.Reader) error {
			got, err := io.ReadAll(r)
			if err == nil && !bytes.Equal(got, memberContents()[m.Name]) {
				err = errors.New("it is something else")
			}
			return err
		}
	}
	file := File{URLs: []string{url}}
	for _, want := range []int64{3, 0, 2} { // all, none, one
		if want == 2 {
			if err := os.WriteFile(members[0].Path, []byte("spoiled"), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		requests.Store(0)
		if err := Members(t.Context(), file, members, quick); err != nil {
			t.Fatal(err)
		}
		expectMembers(t, dir)
		if requests.Load() != want {
			t.Errorf("%d requests, want %d", requests.Load(), want)
		}
	}
}

func TestMembersFails(t *testing.T) {
	archive := archiveOf(t, memberNames, memberContents())
	spoil := func(at int) []byte {
		b := bytes.Clone(archive)
		b[at]++
		return b
	}
	inB := bytes.Index(archive, memberContents()["gzip/b"])
	nameOfB := bytes.Index(archive, []byte("gzip/b")) + len("gzip/")
	twice := archiveOf(t, append(memberNames, "gzip/b"), memberContents())
	page := []byte("<html><title>Gone</title>")
	// bomb is an archive whose member b is a million zeros, of which it says so
	// or says that they are few.
	bomb := func(size uint64) []byte {
		var packed, b bytes.Buffer
		deflate, _ := flate.NewWriter(&packed, 9)
		deflate.Write(make([]byte, 1<<20))
		deflate.Close()
		z := zip.NewWriter(&b)
		for _, name := range []string{"gzip/a", "gzip/b"} {
			w, err := z.CreateRaw(&zip.FileHeader{Name: name, Method: zip.Deflate, UncompressedSize64: size, CompressedSize64: uint64(packed.Len())})
			if err != nil {
				t.Fatal(err)
			}
			w.Write(packed.Bytes())
		}
		z.Close()
		return b.Bytes()
	}
	for _, test := range []struct {
		name    string
		archive []byte
		ranges  bool
		message string
	}{
		{"damaged member", spoil(inB + 5), true, "gzip/b: it has the CRC-32"},
		{"damaged header", spoil(nameOfB), true, "gzip/b: another file lies where the directory says"},
		{"damaged directory", spoil(bytes.Index(archive, []byte(directorySignature))), true, "entry 0 of its directory is damaged"},
		{"no directory", archive[:len(archive)-20], true, "it has no zip directory at its end"},
		{"member missing", archiveOf(t, memberNames[:2], memberContents()), true, "the archive has no gzip/b"},
		{"member twice", twice, true, "the archive has 2 files gzip/b, want 1"},
		{"a bomb that says so", bomb(2 << 30), true, "gzip/a unpacks to 2147483648 bytes, more than the 1073741824 that it may have"},
		{"a bomb that does not", bomb(1000), true, "gzip/a: it unpacks to"},
		{"web page", page, false, `is a web page ("Gone")`},
		{"wrong sum of the whole", spoil(5), false, "it is damaged or was changed"},
	} {
		t.Run(test.name, func(t *testing.T) {
			handler := whole(test.archive)
			if test.ranges {
				handler = good(test.archive, `"1"`)
			}
			dir := t.TempDir()
			err := Members(t.Context(), File{URLs: []string{serve(t, handler)}, MD5: md5Of(archive)}, wanted(dir), quick)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
			for _, name := range holds(t, dir) {
				if !strings.Contains(name, ".part") {
					t.Errorf("left in the folder: %s", name)
				}
			}
		})
	}
}

// The archive may be anything; what archive/zip reads in it is read the same.
func FuzzArchive(f *testing.F) {
	small := archiveOf(f, []string{"x", "y"}, map[string][]byte{"x": []byte("xx"), "y": []byte("yyyyyyyyyy")})
	f.Add(small)
	f.Add(archiveOf(f, []string{"x"}, map[string][]byte{"x": []byte("xx")}))
	f.Add(small[:len(small)-3])
	f.Add([]byte(endSignature + strings.Repeat("\x00", 18)))
	f.Fuzz(func(t *testing.T, content []byte) {
		r := bytes.NewReader(content)
		all, err := directoryOf(r, int64(len(content)))
		if err != nil {
			return
		}
		if len(all)*directoryEntrySize > len(content) {
			t.Errorf("%d entries come out of %d bytes", len(all), len(content))
		}
		for _, e := range all {
			opened, err := e.open(io.NewSectionReader(r, e.offset, e.next-e.offset))
			if err != nil {
				continue
			}
			got, err := io.ReadAll(io.LimitReader(opened, 1<<20))
			if err != nil || int64(len(got)) != e.unpacked {
				continue
			}
			z, err := zip.NewReader(r, int64(len(content)))
			if err != nil {
				continue // it checks more
			}
			for _, file := range z.File {
				if o, err := file.Open(); err == nil && file.Name == e.name && len(z.File) == 1 {
					if want, err := io.ReadAll(o); err == nil && !bytes.Equal(got, want) {
						t.Errorf("%q is read as %q, want %q", e.name, got, want)
					}
				}
			}
		}
	})
}

// A mirror has the members one by one; what it has not whole comes out of the
// archive.
func TestMembersFromAMirror(t *testing.T) {
	archive := archiveOf(t, memberNames, memberContents())
	var asked []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case "/good/a", "/bad/a":
			good(memberContents()["gzip/a"], `"a"`)(w, r)
		case "/good/b":
			good(memberContents()["gzip/b"], `"b"`)(w, r)
		case "/bad/b":
			good([]byte("something else"), `"b"`)(w, r)
		case "/file.gz":
			good(archive, `"1"`)(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	base := strings.TrimSuffix(url, "/file.gz")
	for _, test := range []struct {
		mirrors []string
		asked   []string
	}{
		{[]string{base + "/good"}, []string{"/good/a", "/good/b"}},
		{[]string{base + "/bad", base + "/good"}, []string{"/bad/a", "/bad/b", "/good/a", "/good/b"}},
		{[]string{base + "/none"}, []string{"/none/a", "/file.gz", "/file.gz", "/file.gz"}},
	} {
		dir := t.TempDir()
		members := wanted(dir)
		for i, m := range members {
			members[i].Check = func(r io.Reader) error {
				content, err := io.ReadAll(r)
				if err == nil && !bytes.Equal(content, memberContents()[m.Name]) {
					err = errors.New("it is something else")
				}
				return err
			}
		}
		o := quick
		o.Mirrors, asked = test.mirrors, nil
		if err := Members(t.Context(), File{URLs: []string{url}}, members, o); err != nil {
			t.Errorf("%v: %v", test.mirrors, err)
			continue
		}
		expectMembers(t, dir)
		if !slices.Equal(asked, test.asked) {
			t.Errorf("%v: asked for %v, want %v", test.mirrors, asked, test.asked)
		}
	}
}
