package download

import (
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// quick are the options of tests: they try again at once.
var quick = Options{Attempts: 3, Wait: time.Millisecond}

// noise returns n bytes that nothing compresses.
func noise(n int) []byte {
	r := rand.New(rand.NewPCG(1, uint64(n)))
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(r.Uint32())
	}
	return b
}

func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// serve answers every request with handler.
func serve(t testing.TB, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/file.gz"
}

// good sends content as a good server does, with ranges.
func good(content []byte, tag string) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if tag != "" {
			w.Header().Set("ETag", tag)
		}
		http.ServeContent(w, r, "file.gz", time.Time{}, bytes.NewReader(content))
	}
}

// whole sends content as a server does that knows no ranges.
func whole(content []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(len(content)))
		w.Write(content)
	}
}

// cut passes at most n bytes of an answer's body on and breaks off then.
type cut struct {
	http.ResponseWriter
	n int
}

func (c *cut) Write(b []byte) (int, error) {
	if c.n -= len(b); c.n < 0 {
		c.ResponseWriter.Write(b[:len(b)+c.n])
		c.ResponseWriter.(http.Flusher).Flush()
		panic(http.ErrAbortHandler)
	}
	return c.ResponseWriter.Write(b)
}

// holds returns the names of the visible files in a folder.
func holds(t *testing.T, dir string) (names []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if e.Name() != ".lock" {
			names = append(names, e.Name())
		}
	}
	return names
}

func expect(t *testing.T, path string, want []byte) {
	t.Helper()
	got, err := os.ReadFile(path)
	if err != nil || !bytes.Equal(got, want) {
		t.Errorf("%s has %d bytes, want %d; %v", path, len(got), len(want), err)
	}
	sums, err := Sums(filepath.Dir(path))
	if sum, _ := Sum(path); err != nil || sums[filepath.Base(path)] != sum || len(sum) != 64 {
		t.Errorf("noted sums %v, want %s; %v", sums, sum, err)
	}
	if names := holds(t, filepath.Dir(path)); len(names) != 2 {
		t.Errorf("the folder has %v", names)
	}
}

// Every server here does something that servers and networks do; the file comes
// all the same, and is asked for as often as it takes.
func TestGetInSpiteOfEverything(t *testing.T) {
	content := noise(300_000)
	tests := []struct {
		name     string
		handler  func(request int, w http.ResponseWriter, r *http.Request)
		requests int
	}{
		{"nothing", func(_ int, w http.ResponseWriter, r *http.Request) { good(content, `"1"`)(w, r) }, 1},
		{"no length", func(_ int, w http.ResponseWriter, r *http.Request) {
			w.Write(content[:1000])
			w.(http.Flusher).Flush()
			w.Write(content[1000:])
		}, 1},
		{"breaks off again and again", func(_ int, w http.ResponseWriter, r *http.Request) {
			good(content, `"1"`)(&cut{w, 50_000}, r)
		}, 6},
		{"breaks off, and says no edition", func(n int, w http.ResponseWriter, r *http.Request) {
			good(content, "")(&cut{w, 160_000}, r)
		}, 2},
		{"breaks off without ranges", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				w = &cut{w, 100_000}
			}
			whole(content)(w, r)
		}, 2},
		{"changes the file in between", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				good(noise(400_000)[100:], `"old"`)(&cut{w, 100_000}, r)
				return
			}
			good(content, `"new"`)(w, r)
		}, 2},
		{"changes the file and ignores If-Range", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				good(noise(400_000)[100:], `"old"`)(&cut{w, 100_000}, r)
				return
			}
			r.Header.Del("If-Range")
			good(content, `"new"`)(w, r)
		}, 3},
		{"shortens the file in between", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				good(noise(900_000), `"old"`)(&cut{w, 500_000}, r)
				return
			}
			r.Header.Del("If-Range")
			good(content, `"new"`)(w, r)
		}, 3},
		{"sends less than it was asked for", func(_ int, w http.ResponseWriter, r *http.Request) {
			var from int
			if fmt.Sscanf(r.Header.Get("Range"), "bytes=%d-", &from); from > 0 {
				r.Header.Set("Range", fmt.Sprintf("bytes=%d-%d", from, from+99_999))
				good(content, `"1"`)(w, r)
				return
			}
			good(content, `"1"`)(&cut{w, 100_000}, r)
		}, 3},
		{"is overloaded at first", func(n int, w http.ResponseWriter, r *http.Request) {
			if n < 3 {
				w.Header().Set("Retry-After", "0")
				http.Error(w, "busy", http.StatusServiceUnavailable)
				return
			}
			good(content, "")(w, r)
		}, 3},
		{"closes the connection", func(n int, w http.ResponseWriter, r *http.Request) {
			if n == 1 {
				panic(http.ErrAbortHandler)
			}
			good(content, "")(w, r)
		}, 2},
		{"calls gzip a compression of the transport", func(_ int, w http.ResponseWriter, r *http.Request) {
			if strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
				t.Error("the server may unpack what it sends")
			}
			good(content, "")(w, r)
		}, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var requests atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) { test.handler(int(requests.Add(1)), w, r) })
			path := filepath.Join(t.TempDir(), "sub", "file.gz")
			var last Progress
			o := quick
			o.Progress = func(p Progress) { last = p }
			if err := Get(t.Context(), path, File{URLs: []string{url}, MD5: md5Of(content)}, o); err != nil {
				t.Fatal(err)
			}
			expect(t, path, content)
			if n := int(requests.Load()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			if last.Done != int64(len(content)) || last.Total > 0 && last.Total != last.Done || last.Rate <= 0 || last.Name != "file.gz" {
				t.Errorf("last progress %+v", last)
			}
			if err := Get(t.Context(), path, File{URLs: []string{url}, MD5: md5Of(content)}, o); err != nil || int(requests.Load()) != test.requests {
				t.Errorf("it was asked for again: %v", err)
			}
		})
	}
}

func TestGetFails(t *testing.T) {
	content := noise(10_000)
	send := func(s string) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, s) }
	}
	tests := []struct {
		name     string
		handler  http.HandlerFunc
		message  string
		requests int
	}{
		{"404", http.NotFound, "the server answers 404 Not Found", 1},
		{"500", func(w http.ResponseWriter, _ *http.Request) { w.WriteHeader(500) }, "gave up after 3 attempts: ", 3},
		{"web page", send("\n<!DOCTYPE html><html><head><title>Please log in</title>"), `is a web page ("Please log in") and not the file`, 1},
		{"nothing", send(""), "it has md5 d41d8cd98f00b204e9800998ecf8427e, want", 1},
		{"damaged", whole(append([]byte{1}, content[1:]...)), "is damaged or was changed", 1},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", "20001")
			w.Write(content)
		}, "has 20001 bytes, more than the 20000", 1},
		{"too large without a length", func(w http.ResponseWriter, _ *http.Request) {
			for range 10 {
				w.Write(content)
				w.(http.Flusher).Flush()
			}
		}, "sends more than the 20000 bytes", 1},
		{"always breaks off at the same place", func(w http.ResponseWriter, r *http.Request) {
			whole(content)(&cut{w, 5000}, r)
		}, "gave up after 3 attempts", 3},
		{"silent", func(w http.ResponseWriter, r *http.Request) {
			w.Write(content[:5000])
			w.(http.Flusher).Flush()
			<-r.Context().Done()
		}, "the server sends nothing more", 3},
		{"wrong range", func(w http.ResponseWriter, r *http.Request) {
			if r.Header.Get("Range") == "" {
				good(content, `"1"`)(&cut{w, 5000}, r)
				return
			}
			r.Header.Set("Range", "bytes=1-9999")
			good(content, `"1"`)(w, r)
		}, "the server sends from byte 1 on, asked for 5000", 2},
		{"senseless range", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 9-2/10")
			w.WriteHeader(206)
		}, `the server's Content-Range is "bytes 9-2/10"`, 1},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			var requests atomic.Int32
			url := serve(t, func(w http.ResponseWriter, r *http.Request) { requests.Add(1); test.handler(w, r) })
			dir := t.TempDir()
			o := quick
			o.Silence = 100 * time.Millisecond
			err := Get(t.Context(), filepath.Join(dir, "file.gz"), File{URLs: []string{url}, MD5: md5Of(content), MaxSize: 20_000}, o)
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
			if n := int(requests.Load()); n != test.requests {
				t.Errorf("%d requests, want %d", n, test.requests)
			}
			for _, name := range holds(t, dir) {
				if !strings.Contains(name, ".part") {
					t.Errorf("left in the folder: %s", name)
				}
			}
		})
	}
}

func TestGetTakesUpWhatAnEarlierCallLeft(t *testing.T) {
	content := noise(200_000)
	var ranges []string
	handler := good(content, `"1"`)
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		ranges = append(ranges, r.Header.Get("Range")+" "+r.Header.Get("If-Range"))
		if len(ranges) == 1 {
			w = &cut{w, 150_000}
		}
		handler(w, r)
	})
	path := filepath.Join(t.TempDir(), "file.gz")
	file := File{URLs: []string{url}, MD5: md5Of(content)}
	once := quick
	once.Attempts = 1
	if err := Get(t.Context(), path, file, once); err == nil {
		t.Fatal("half a file was taken for the whole")
	}
	if err := Get(t.Context(), path, file, once); err != nil {
		t.Fatal(err)
	}
	expect(t, path, content)
	if len(ranges) != 2 || ranges[0] != " " || ranges[1] != `bytes=150000- "1"` {
		t.Errorf("asked for %q", ranges)
	}
}

func TestGetTriesTheNextPlace(t *testing.T) {
	content := noise(1000)
	file := File{URLs: []string{
		serve(t, http.NotFound), serve(t, whole(noise(999))), serve(t, whole(content)),
	}, MD5: md5Of(content)}
	path := filepath.Join(t.TempDir(), "file.gz")
	var notices []string
	o := quick
	o.Notice = func(s string) { notices = append(notices, s) }
	if err := Get(t.Context(), path, file, o); err != nil {
		t.Fatal(err)
	}
	expect(t, path, content)
	if len(notices) != 2 || !strings.Contains(notices[0], "404") || !strings.Contains(notices[1], "md5") {
		t.Errorf("notices %q", notices)
	}
	file.URLs = file.URLs[:2]
	os.Remove(path)
	if err := Get(t.Context(), path, file, o); err == nil || !strings.Contains(err.Error(), "none of 2 places has it: ") {
		t.Errorf("error %v", err)
	}
	if err := Get(t.Context(), path, File{}, o); err == nil {
		t.Error("a file without a place was got")
	}
}

func TestGetFromAHostThatIsNot(t *testing.T) {
	o := quick
	o.Client = &http.Client{Transport: &http.Transport{DialContext: func(context.Context, string, string) (net.Conn, error) {
		return nil, &net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}
	}}}
	o.Notice = func(s string) { t.Errorf("it waits: %s", s) }
	err := Get(t.Context(), filepath.Join(t.TempDir(), "file.gz"), File{URLs: []string{"http://nowhere.invalid/file.gz"}}, o)
	if err == nil || !strings.Contains(err.Error(), "there is no host of that name, or no network") {
		t.Errorf("error %v", err)
	}
}

func TestGetKeepsTheOldFileUntilThereIsANewOne(t *testing.T) {
	content := noise(1000)
	path := filepath.Join(t.TempDir(), "file.gz")
	if err := os.WriteFile(path, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := Get(t.Context(), path, File{URLs: []string{serve(t, http.NotFound)}, MD5: md5Of(content)}, quick); err == nil {
		t.Error("404 is no error")
	}
	if got, err := os.ReadFile(path); string(got) != "old" {
		t.Errorf("the old file is now %q, %v", got, err)
	}
	refuse := func(r io.Reader) error { return errors.New("I do not like it") }
	if err := Get(t.Context(), path, File{URLs: []string{serve(t, whole(content))}, Check: refuse}, quick); err == nil || !strings.Contains(err.Error(), "I do not like it") {
		t.Errorf("error %v", err)
	}
	if err := Get(t.Context(), path, File{URLs: []string{serve(t, whole(content))}, MD5: md5Of(content)}, quick); err != nil {
		t.Fatal(err)
	}
	expect(t, path, content)
}

func TestGetStopsWithItsContext(t *testing.T) {
	content := noise(1000)
	ctx, cancel := context.WithCancelCause(t.Context())
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", "1000")
		w.Write(content[:600])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	enough := errors.New("enough")
	o := quick
	o.Progress = func(Progress) { cancel(enough) }
	dir := t.TempDir()
	if err := Get(ctx, filepath.Join(dir, "file.gz"), File{URLs: []string{url, url}}, o); !errors.Is(err, enough) {
		t.Errorf("error %v, want %v", err, enough)
	}
	if names := holds(t, dir); len(names) != 0 {
		t.Errorf("left in the folder, though it cannot be taken up again: %v", names)
	}
}

// Locks belong to open files, so that within one process is as good a test as
// between two.
func TestTwoDownloadsAtOnce(t *testing.T) {
	content := noise(400_000)
	var requests atomic.Int32
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests.Add(1)
		good(content, `"1"`)(w, r)
	})
	path := filepath.Join(t.TempDir(), "file.gz")
	var all sync.WaitGroup
	for range 4 {
		all.Go(func() {
			if err := Get(t.Context(), path, File{URLs: []string{url}, MD5: md5Of(content)}, quick); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	expect(t, path, content)
	if n := requests.Load(); n != 1 {
		t.Errorf("%d requests, want 1: who waited finds the file", n)
	}
}

func TestWaitingForAnotherDownloadEndsWithItsContext(t *testing.T) {
	dir := t.TempDir()
	unlock, err := lock(t.Context(), dir, quick.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	o := quick.withDefaults()
	o.Notice = func(string) { cancel() }
	if _, err := lock(ctx, dir, o); !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	unlock()
	again, err := lock(t.Context(), dir, quick.withDefaults())
	if err != nil {
		t.Fatal(err)
	}
	again()
}

func TestSumsRefuses(t *testing.T) {
	dir := t.TempDir()
	if sums, err := Sums(dir); err != nil || len(sums) != 0 {
		t.Errorf("an empty folder: %v, %v", sums, err)
	}
	for _, text := range []string{"", "abc  file\n", strings.Repeat("0", 64) + "  \n", strings.Repeat("x", 64) + "  file\n"} {
		if err := os.WriteFile(filepath.Join(dir, SumsFile), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if _, err := Sums(dir); err == nil || !strings.Contains(err.Error(), "line 1") {
			t.Errorf("%q: error %v", text, err)
		}
	}
}

func TestMirrors(t *testing.T) {
	content := noise(50_000)
	var asked []string
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		asked = append(asked, r.URL.Path)
		switch r.URL.Path {
		case "/second/file.gz":
			whole(append([]byte{1}, content[1:]...))(w, r) // of another edition
		case "/third/file.gz", "/file.gz":
			whole(content)(w, r)
		default:
			http.NotFound(w, r)
		}
	})
	base := strings.TrimSuffix(url, "/file.gz")
	path := filepath.Join(t.TempDir(), "file.gz")
	o := quick
	o.Mirrors = []string{base + "/first", base + "/second/", base + "/third", base + "/fourth"}
	if err := Get(t.Context(), path, File{URLs: []string{url}, MD5: md5Of(content)}, o); err != nil {
		t.Fatal(err)
	}
	expect(t, path, content)
	if want := []string{"/first/file.gz", "/second/file.gz", "/third/file.gz"}; !slices.Equal(asked, want) {
		t.Errorf("asked for %v, want %v", asked, want)
	}
	asked, o.Mirrors = nil, o.Mirrors[:2]
	os.Remove(path)
	if err := Get(t.Context(), path, File{URLs: []string{url}, MD5: md5Of(content)}, o); err != nil || len(asked) != 3 || asked[2] != "/file.gz" {
		t.Errorf("asked for %v, %v", asked, err)
	}
}
