package data

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"testing/fstest"
)

func TestWithContext(t *testing.T) {
	dir := t.TempDir()
	if err := os.Mkdir(filepath.Join(dir, "sub"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "sub", "a"), []byte("content"), 0o644); err != nil {
		t.Fatal(err)
	}
	for name, fsys := range map[string]fs.FS{"os": os.DirFS(dir), "map": fstest.MapFS{"sub/a": {Data: []byte("content")}}} {
		cause := errors.New("called off")
		ctx, cancel := context.WithCancelCause(t.Context())
		c := WithContext(ctx, fsys)
		if err := fstest.TestFS(c, "sub/a"); err != nil {
			t.Errorf("%s: %v", name, err)
		}
		f, err := c.Open("sub/a")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		if n, err := f.Read(make([]byte, 3)); n != 3 || err != nil {
			t.Errorf("%s: %d bytes, %v", name, n, err)
		}
		cancel(cause)
		if _, err := f.Read(make([]byte, 3)); err != cause {
			t.Errorf("%s: read on with %v", name, err)
		}
		if _, err := f.(io.ReaderAt).ReadAt(make([]byte, 3), 0); err != cause {
			t.Errorf("%s: read on at a place with %v", name, err)
		}
		if _, err := c.Open("sub/a"); err != cause {
			t.Errorf("%s: opened with %v", name, err)
		}
	}
}
