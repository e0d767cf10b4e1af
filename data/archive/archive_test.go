package archive

import (
	"archive/zip"
	"bytes"
	"encoding/binary"
	"io"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"inkling/data/internal/files"
)

func pack(t testing.TB, members map[string][]byte) []byte {
	var b bytes.Buffer
	z := zip.NewWriter(&b)
	for name, content := range members {
		w, err := z.Create(name)
		if err == nil {
			_, err = w.Write(content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	z.Close()
	return b.Bytes()
}

func TestOpenZip(t *testing.T) {
	content := pack(t, map[string][]byte{"train/cat/1.png": []byte("one"), "../outside": []byte("no"), "/absolute": []byte("no")})
	fsys, err := OpenZip(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	if got, err := fs.ReadFile(fsys, "train/cat/1.png"); err != nil || string(got) != "one" {
		t.Errorf("%q, %v", got, err)
	}
	if err := fstest.TestFS(fsys, "train/cat/1.png"); err != nil {
		t.Error(err)
	}
	for _, name := range []string{"../outside", "/absolute"} {
		if _, err := fs.ReadFile(fsys, name); err == nil {
			t.Errorf("%s is read", name)
		}
	}
}

func TestOpenZipRefuses(t *testing.T) {
	good := pack(t, map[string][]byte{"a": []byte("one")})
	change := func(offset int, b byte) []byte { // in the central directory
		bad := bytes.Clone(good)
		bad[bytes.Index(bad, []byte("PK\x01\x02"))+offset] = b
		return bad
	}
	bomb := change(24+3, 0x10) // 256 MB
	shared := bytes.Clone(good)
	at := bytes.Index(shared, []byte("PK\x01\x02"))
	binary.LittleEndian.PutUint32(shared[at+20:], uint32(len(shared)))
	entry := bytes.Clone(shared[at : at+46+1])
	end := bytes.Index(shared, []byte("PK\x05\x06"))
	shared = append(append(bytes.Clone(shared[:end]), entry...), shared[end:]...)
	end += len(entry)
	binary.LittleEndian.PutUint16(shared[end+8:], 2)
	binary.LittleEndian.PutUint16(shared[end+10:], 2)
	binary.LittleEndian.PutUint32(shared[end+12:], uint32(2*len(entry)))
	for name, test := range map[string]struct {
		content []byte
		message string
	}{
		"cut":        {good[:len(good)-5], "it is no whole zip archive"},
		"empty":      {pack(t, nil), "the archive is empty"},
		"encrypted":  {change(8, 1), "is encrypted: unpack the archive"},
		"deflate64":  {change(10, 9), "compressed in a way that is not read (method 9)"},
		"bomb":       {bomb, "which is more than pictures do"},
		"overlapped": {shared, "its members share bytes"},
	} {
		if _, err := OpenZip(bytes.NewReader(test.content), int64(len(test.content))); err == nil || !strings.Contains(err.Error(), test.message) {
			t.Errorf("%s: error %v, want %q", name, err, test.message)
		}
	}
}

// Whatever an archive says, what comes out of it is bounded by its size.
func FuzzOpenZip(f *testing.F) {
	f.Add(pack(f, map[string][]byte{"a/b.png": []byte("one"), "c.csv": []byte("path,label\n")}))
	f.Add(pack(f, map[string][]byte{"a": make([]byte, 100_000)}))
	f.Fuzz(func(t *testing.T, content []byte) {
		fsys, err := OpenZip(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		total := &files.Counter{}
		fs.WalkDir(fsys, ".", func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return nil
			}
			if file, err := fsys.Open(path); err == nil {
				total.R = file
				io.Copy(io.Discard, total)
				file.Close()
			}
			return nil
		})
		// A member that is longer than it says is noticed after a buffer.
		if most := int64(mostRatio*len(content) + free + 1<<20); total.N > most {
			t.Errorf("%d bytes come out of %d", total.N, len(content))
		}
	})
}
