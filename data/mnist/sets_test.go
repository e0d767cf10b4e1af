package mnist

import (
	"bytes"
	"compress/gzip"
	"crypto/md5"
	"encoding/binary"
	"encoding/hex"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"inkling/data/download"
	"inkling/data/published"
)

func TestSets(t *testing.T) {
	names := map[string]bool{}
	for _, s := range Sets() {
		names[s.Name] = true
		if s.Title == "" || s.Licence == "" || s.Home == "" || len(s.Classes) != 10 || s.TrainLen != 60_000 || s.TestLen%10_000 != 0 || len(s.Mirrors) == 0 || len(s.Files) != 4 {
			t.Errorf("%+v", s)
		}
		for _, f := range s.Files {
			if raw, err := hex.DecodeString(f.MD5); err != nil || len(raw) != md5.Size {
				t.Errorf("%s: %s has the sum %q", s.Name, f.Name, f.MD5)
			}
		}
	}
	if len(names) != 4 {
		t.Errorf("names %v", names)
	}
}

// table returns QMNIST's labels.
func table(columns int, rows ...[]int32) []byte {
	b := binary.BigEndian.AppendUint32(nil, 0xc02)
	b = binary.BigEndian.AppendUint32(b, uint32(len(rows)))
	b = binary.BigEndian.AppendUint32(b, uint32(columns))
	for _, row := range rows {
		for _, v := range row {
			b = binary.BigEndian.AppendUint32(b, uint32(v))
		}
	}
	return b
}

func TestOpenFindsTorchvisionsFolders(t *testing.T) {
	for _, s := range []*Set{FashionMNIST, KMNIST} {
		fsys := smallSet(t, s.torchvision+"/train-images-idx3-ubyte", s.torchvision+"/train-labels-idx1-ubyte", 9, 1)
		d, err := s.Open(fsys, true)
		if err != nil || d.Len() != 2 || d.Classes()[9] != s.Classes[9] {
			t.Errorf("%s: %v", s.Name, err)
		}
		if Identify(fsys) != s {
			t.Errorf("%s is not identified", s.Name)
		}
		if s.Holds(fsys) {
			t.Errorf("%s: two files are counted as four", s.Name)
		}
	}
}

func TestQMNIST(t *testing.T) {
	const folder = "QMNIST/raw/"
	fsys := smallSet(t, folder+"qmnist-test-images-idx3-ubyte", "unused", 7, 2)
	fsys[folder+"qmnist-test-labels-idx2-int"] = &fstest.MapFile{Data: table(8, []int32{7, 4, 2100, 3, 37, 1234, 0, 0}, []int32{2, 1, 600, 149, 32, 281769, 0, 0})}
	d, err := OpenQMNIST(fsys, false)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := d.Origin(1), (Origin{Series: 1, Writer: 600, Number: 149, Code: 32, Index: 281769}); got != want {
		t.Errorf("origin %+v, want %+v", got, want)
	}
	if set, err := QMNIST.Open(fsys, false); err != nil || set.Len() != 2 {
		t.Error(err)
	} else if _, label, err := set.Example(0); label != 7 || err != nil {
		t.Errorf("label %d, %v", label, err)
	}
	for _, test := range []struct {
		labels  []byte
		message string
	}{
		{table(8, make([]int32, 8)), "has 2 images, but QMNIST/raw/qmnist-test-labels-idx2-int has 1 label"},
		{table(7, make([]int32, 7), make([]int32, 7)), "rows of 7 numbers, want 8"},
		{table(8, make([]int32, 8), []int32{10, 0, 0, 0, 0, 0, 0, 0}), "label 1 is 10, want 0 to 9"},
		{table(8, []int32{-1, 0, 0, 0, 0, 0, 0, 0}, make([]int32, 8)), "label 0 is -1, want 0 to 9"},
		{nil, "it is empty"},
	} {
		fsys[folder+"qmnist-test-labels-idx2-int"].Data = test.labels
		if _, err := OpenQMNIST(fsys, false); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("error %v, want %q", err, test.message)
		}
	}
}

func TestDownload(t *testing.T) {
	fsys := smallSet(t, "train-images-idx3-ubyte", "train-labels-idx1-ubyte", 1, 2, 3)
	for name, file := range smallSet(t, "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte", 4) {
		fsys[name] = file
	}
	small := *FashionMNIST
	small.Files = nil
	sent := map[string][]byte{}
	for _, f := range FashionMNIST.Files {
		var b bytes.Buffer
		z := gzip.NewWriter(&b)
		z.Write(fsys[strings.TrimSuffix(f.Name, ".gz")].Data)
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		sum := md5.Sum(b.Bytes())
		sent[f.Name] = b.Bytes()
		small.Files = append(small.Files, published.File{Name: f.Name, MD5: hex.EncodeToString(sum[:])})
	}
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		content, ok := sent[path.Base(r.URL.Path)]
		if !ok || strings.HasPrefix(r.URL.Path, "/gone/") {
			http.NotFound(w, r)
			return
		}
		http.ServeContent(w, r, "", time.Time{}, bytes.NewReader(content))
	}))
	defer server.Close()
	small.Mirrors = []string{server.URL + "/gone/", server.URL + "/"}
	dir := filepath.Join(t.TempDir(), "fashion")
	if err := small.Download(t.Context(), dir, download.Options{}); err != nil {
		t.Fatal(err)
	}
	if !small.Holds(os.DirFS(dir)) {
		t.Error("the files are not there")
	}
	for train, want := range map[bool]int{true: 3, false: 1} {
		if d, err := small.Open(os.DirFS(dir), train); err != nil || d.Len() != want {
			t.Errorf("train %v: %v", train, err)
		}
	}
	FashionMNIST.Files, small.Files = small.Files, FashionMNIST.Files
	if Identify(os.DirFS(dir)) != FashionMNIST || Identify(fstest.MapFS{}) != nil {
		t.Error("the files are not identified by their sums")
	}
	FashionMNIST.Files, small.Files = small.Files, FashionMNIST.Files
	sent["t10k-labels-idx1-ubyte.gz"] = []byte("<html><title>Moved</title></html>")
	if err := os.Remove(dir + "/t10k-labels-idx1-ubyte.gz"); err != nil {
		t.Fatal(err)
	}
	err := small.Download(t.Context(), dir, download.Options{})
	if err == nil || !strings.Contains(err.Error(), `t10k-labels-idx1-ubyte.gz of Fashion-MNIST: none of 2 places has it: `) || !strings.Contains(err.Error(), `is a web page ("Moved")`) {
		t.Errorf("error %v", err)
	}
	if _, err := fs.Stat(os.DirFS(dir), "t10k-labels-idx1-ubyte.gz"); err == nil {
		t.Error("a web page was stored")
	}
}
