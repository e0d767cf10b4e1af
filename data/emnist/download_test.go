package emnist

import (
	"archive/zip"
	"bytes"
	"crypto/md5"
	"encoding/hex"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"inkling/data/download"
	"inkling/data/published"
)

// member is a file of an archive.
type member struct {
	name    string
	content []byte
}

// archiveOf is an archive's content like NIST's, with three pictures a file.
func archiveOf(t testing.TB) []member {
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

func TestDownload(t *testing.T) {
	cache := t.TempDir()
	t.Setenv("XDG_CACHE_HOME", cache) // for Linux
	t.Setenv("HOME", cache)           // for macOS
	t.Setenv("LocalAppData", cache)   // for Windows
	dir, err := published.CacheDir("emnist")
	if err != nil || !strings.HasPrefix(dir, cache) {
		t.Fatalf("CacheDir() = %q, %v", dir, err)
	}
	if Holds(os.DirFS(dir), "mnist") || Holds(os.DirFS(dir), "unknown") {
		t.Error("a split is cached before the download")
	}
	archive := pack(t, archiveOf(t))
	requests := 0
	url := serve(t, func(w http.ResponseWriter, r *http.Request) {
		requests++
		http.ServeContent(w, r, "gzip.zip", time.Unix(1, 0), bytes.NewReader(archive))
	})
	if err := Download(t.Context(), DownloadOptions{Split: "mnist", URL: url}); err != nil {
		t.Fatal(err)
	}
	if requests != 5 {
		t.Errorf("%d requests, want one for the directory and one for each of the four files", requests)
	}
	if !Holds(os.DirFS(dir), "mnist") {
		t.Error("the split is not cached after the download")
	}
	if sums, err := download.Sums(dir); err != nil || len(sums) != 4 {
		t.Errorf("noted sums: %v, %v", sums, err)
	}
	for _, train := range []bool{true, false} {
		if d, err := Open(os.DirFS(dir), "mnist", train, Upright); err != nil || d.Len() != 3 {
			t.Errorf("train %v: %v", train, err)
		}
	}
	if err := os.Remove(dir + "/emnist-mnist-test-labels-idx1-ubyte.gz"); err != nil {
		t.Fatal(err)
	}
	if Holds(os.DirFS(dir), "mnist") {
		t.Error("a split with three files counts as cached")
	}
}

func TestDownloadOfTheWhole(t *testing.T) {
	archive := pack(t, archiveOf(t))
	url := serve(t, func(w http.ResponseWriter, _ *http.Request) { w.Write(archive) })
	dir := t.TempDir()
	if err := Download(t.Context(), DownloadOptions{Split: "mnist", Dir: dir, URL: url, MD5: md5Of(archive)}); err != nil {
		t.Fatal(err)
	}
	if d, err := Open(os.DirFS(dir), "mnist", true, Upright); err != nil || d.Len() != 3 {
		t.Error(err)
	}
	if err := Download(t.Context(), DownloadOptions{Split: "mnist", Dir: t.TempDir(), URL: url}); err == nil || !strings.Contains(err.Error(), ArchiveMD5) {
		t.Errorf("the published sum is not the default: %v", err)
	}
}

func TestDownloadFails(t *testing.T) {
	with := func(name string, content []byte) []byte {
		members := archiveOf(t)
		for i := range members {
			if members[i].name == "gzip/"+name {
				members[i].content = content
			}
		}
		return pack(t, members)
	}
	_, labels := pictures(t, 1, 2)
	for _, test := range []struct {
		name    string
		archive []byte
		message string
	}{
		{"member missing", pack(t, archiveOf(t)[:4]), "the archive has no gzip/emnist-mnist-test-labels-idx1-ubyte.gz"},
		{"member is a page", with("emnist-mnist-test-images-idx3-ubyte.gz", []byte("<html>")), "gzip/emnist-mnist-test-images-idx3-ubyte.gz: it is a web page"},
		{"member cut off", with("emnist-mnist-test-labels-idx1-ubyte.gz", labels[:len(labels)-3]), "gzip/emnist-mnist-test-labels-idx1-ubyte.gz: it ends after 2"},
		{"members exchanged", with("emnist-mnist-train-images-idx3-ubyte.gz", labels), "this is a file of labels"},
		{"labels missing", with("emnist-mnist-test-labels-idx1-ubyte.gz", labels), "it has 2 labels for 3 images to test with"},
	} {
		t.Run(test.name, func(t *testing.T) {
			dir := t.TempDir()
			url := serve(t, func(w http.ResponseWriter, r *http.Request) {
				http.ServeContent(w, r, "gzip.zip", time.Unix(1, 0), bytes.NewReader(test.archive))
			})
			err := Download(t.Context(), DownloadOptions{Split: "mnist", Dir: dir, URL: url})
			if err == nil || !strings.Contains(err.Error(), test.message) {
				t.Errorf("error %v, want one with %q", err, test.message)
			}
			if found, _ := filepath.Glob(dir + "/*.gz"); len(found) != 0 {
				t.Errorf("left in the cache: %v", found)
			}
		})
	}
	if err := Download(t.Context(), DownloadOptions{Split: "unknown", Dir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), "unknown") {
		t.Errorf("unknown split: %v", err)
	}
}
