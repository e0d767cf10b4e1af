package emnist

import (
	"archive/zip"
	"bytes"
	"context"
	"crypto/md5"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"strconv"
	"strings"
	"testing"
)

// member is a file of an archive.
type member struct {
	name    string
	content []byte
}

// published is an archive's content like NIST's, with three pictures a file.
func published(t testing.TB) []member {
	images, labels := pictures(t, 4, 0, 9)
	return []member{
		{"gzip/emnist-digits-test-labels-idx1-ubyte.gz", labels},
		{"gzip/emnist-mnist-train-images-idx3-ubyte.gz", images},
		{"gzip/emnist-mnist-train-labels-idx1-ubyte.gz", labels},
		{"gzip/emnist-mnist-test-images-idx3-ubyte.gz", images},
		{"gzip/emnist-mnist-test-labels-idx1-ubyte.gz", labels},
	}
}

func pack(t testing.TB, members []member) []byte {
	t.Helper()
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for _, m := range members {
		w, err := z.CreateHeader(&zip.FileHeader{Name: m.name, Method: zip.Store})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := w.Write(m.content); err != nil {
			t.Fatal(err)
		}
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func md5Of(b []byte) string {
	sum := md5.Sum(b)
	return hex.EncodeToString(sum[:])
}

// serve answers every request with handler.
func serve(t *testing.T, handler http.HandlerFunc) string {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return server.URL + "/gzip.zip"
}

// holds returns the names of the files in a folder.
func holds(t *testing.T, dir string) []string {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil && !os.IsNotExist(err) {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	return names
}

func TestDownload(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache) // for Linux
	t.Setenv("HOME", cache)           // for macOS
	t.Setenv("LocalAppData", cache)   // for Windows
	dir, err := CacheDir()
	if err != nil || !strings.HasPrefix(dir, cache) {
		t.Fatalf("CacheDir() = %q, %v", dir, err)
	}
	if Cached("mnist") || Cached("unknown") {
		t.Error("a split is cached before the download")
	}
	archive := pack(t, published(t))
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(archive)))
		w.Write(archive)
	})
	var done, total int64
	err = Download(t.Context(), DownloadOptions{
		Split: "mnist", URL: url, MD5: md5Of(archive),
		Progress: func(d, t int64) { done, total = d, t },
	})
	if err != nil {
		t.Fatal(err)
	}
	if size := int64(len(archive)); done != size || total != size {
		t.Errorf("last progress %d of %d, want %d", done, total, size)
	}
	if !Cached("mnist") {
		t.Error("the split is not cached after the download")
	}
	if names := holds(t, dir); len(names) != 4 {
		t.Errorf("the cache holds %v, want the four files", names)
	}
	for _, train := range []bool{true, false} {
		if d, err := Open(os.DirFS(dir), "mnist", train, Upright); err != nil || d.Len() != 3 {
			t.Errorf("train %v: %v", train, err)
		}
	}
	if err := os.Remove(dir + "/emnist-mnist-test-labels-idx1-ubyte.gz"); err != nil {
		t.Fatal(err)
	}
	if Cached("mnist") {
		t.Error("a split with three files counts as cached")
	}
}

func TestDownloadFails(t *testing.T) {
	good := pack(t, published(t))
	send := func(b []byte) http.HandlerFunc {
		return func(w http.ResponseWriter, _ *http.Request) { w.Write(b) }
	}
	// with returns an archive in which one member is another.
	with := func(name string, content []byte) []byte {
		members := published(t)
		for i := range members {
			if members[i].name == "gzip/"+name {
				members[i].content = content
			}
		}
		return pack(t, members)
	}
	_, labels := pictures(t, 1, 2)
	page := []byte("<!DOCTYPE html><title>Moved</title>")
	notGzip := with("emnist-mnist-test-images-idx3-ubyte.gz", page)
	exchanged := with("emnist-mnist-train-images-idx3-ubyte.gz", labels)
	fewer := with("emnist-mnist-test-labels-idx1-ubyte.gz", labels)
	cut := with("emnist-mnist-test-labels-idx1-ubyte.gz", labels[:len(labels)-3])
	missing := pack(t, published(t)[:4])
	// A byte of a stored member: only the checksums can show it.
	spoiled := bytes.Clone(good)
	whole, _ := pictures(t, 4, 0, 9)
	spoiled[bytes.LastIndex(spoiled, whole)+4]++ // the time in gzip's header, which gzip itself does not check

	tests := []struct {
		name    string
		handler http.HandlerFunc
		md5     string
		message string
	}{
		{"404", http.NotFound, "", "the server answers 404 Not Found"},
		{"web page", send(page), md5Of(page), "is no zip archive: it begins with \"<!DO\""},
		{"nothing", send(nil), md5Of(nil), "is no zip archive: it begins with \"\""},
		{"wrong sum", send(good), ArchiveMD5, "want " + ArchiveMD5 + ": it is damaged"},
		{"published sum is the default", send(good), "", "want " + ArchiveMD5},
		{"broken off", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(len(good)))
			w.Write(good[:len(good)/2])
		}, md5Of(good), "broke off after " + strconv.Itoa(len(good)/2) + " of " + strconv.Itoa(len(good))},
		{"too large", func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Content-Length", strconv.Itoa(maxArchive+1))
			w.Write(good)
		}, md5Of(good), "more than the 1073741824"},
		{"no central directory", send(good[:200]), md5Of(good[:200]), "cannot be unpacked"},
		{"member missing", send(missing), md5Of(missing), "the archive has no gzip/emnist-mnist-test-labels-idx1-ubyte.gz"},
		{"member is a page", send(notGzip), md5Of(notGzip), "gzip/emnist-mnist-test-images-idx3-ubyte.gz: it is a web page"},
		{"member cut off", send(cut), md5Of(cut), "gzip/emnist-mnist-test-labels-idx1-ubyte.gz: it ends after 2"},
		{"members exchanged", send(exchanged), md5Of(exchanged), "this is a file of labels"},
		{"labels missing", send(fewer), md5Of(fewer), "it has 3 images to test with, but 2 labels"},
		{"zip checksum", send(spoiled), md5Of(spoiled), "gzip/emnist-mnist-test-images-idx3-ubyte.gz: it cannot be read: zip: checksum error"},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			err := Download(t.Context(), DownloadOptions{Split: "mnist", Dir: dir, URL: serve(t, test.handler), MD5: test.md5})
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
			if names := holds(t, dir); len(names) != 0 {
				t.Errorf("left in the cache: %v", names)
			}
		})
	}
}

func TestDownloadStopsWithItsContext(t *testing.T) {
	good := pack(t, published(t))
	ctx, cancel := context.WithCancel(t.Context())
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Length", strconv.Itoa(len(good)))
		w.Write(good[:100])
		w.(http.Flusher).Flush()
		<-r.Context().Done()
	})
	dir := t.TempDir()
	err := Download(ctx, DownloadOptions{Split: "mnist", Dir: dir, URL: url, MD5: md5Of(good), Progress: func(int64, int64) { cancel() }})
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v, want context.Canceled", err)
	}
	if names := holds(t, dir); len(names) != 0 {
		t.Errorf("left in the cache: %v", names)
	}
}

func TestDownloadKeepsWhatWasThere(t *testing.T) {
	dir := t.TempDir()
	const name = "/emnist-mnist-train-images-idx3-ubyte.gz"
	if err := os.WriteFile(dir+name, []byte("old"), 0o644); err != nil {
		t.Fatal(err)
	}
	broken := pack(t, published(t)[:4])
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { io.Copy(w, bytes.NewReader(broken)) })
	if err := Download(t.Context(), DownloadOptions{Split: "mnist", Dir: dir, URL: url, MD5: md5Of(broken)}); err == nil {
		t.Error("an archive without a file was accepted")
	}
	if got, err := os.ReadFile(dir + name); string(got) != "old" {
		t.Errorf("the old file is now %q, %v", got, err)
	}
}

func TestDownloadOfAnUnknownSplit(t *testing.T) {
	if err := Download(t.Context(), DownloadOptions{Split: "unknown", Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("error %v", err)
	}
}
