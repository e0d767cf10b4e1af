package files

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"strings"
	"testing"
	"testing/fstest"
)

func TestFind(t *testing.T) {
	fsys := fstest.MapFS{
		"a":          {Mode: fs.ModeDir},
		"a.gz":       {Data: []byte("x")},
		"b":          {Data: []byte("x")},
		"b.gz":       {Data: []byte("x")},
		"folder/c":   {Data: []byte("x")},
		"folder2/c2": {Data: []byte("x")},
	}
	for _, test := range []struct {
		names []string
		want  string
	}{
		{[]string{"a"}, "a.gz"},
		{[]string{"b"}, "b"},
		{[]string{"missing", "folder/c", "b"}, "folder/c"},
	} {
		if got, err := Find(fsys, test.names...); got != test.want || err != nil {
			t.Errorf("Find(%v) = %q, %v, want %q", test.names, got, err, test.want)
		}
	}
	_, err := Find(fsys, "x", "y")
	if !errors.Is(err, fs.ErrNotExist) || !strings.Contains(err.Error(), "no file x or y") {
		t.Errorf("missing: %v", err)
	}
	if _, err := Find(os.DirFS(t.TempDir()), "../x"); err == nil || errors.Is(err, fs.ErrNotExist) {
		t.Errorf("invalid name: %v", err)
	}
}

func TestRead(t *testing.T) {
	cause := errors.New("it is empty")
	fsys := fstest.MapFS{"a": {Data: []byte("abc")}}
	var got string
	err := Read(fsys, "a", func(r io.Reader) error {
		c := &Counter{R: r}
		content, err := io.ReadAll(c)
		got = string(content)
		if c.N != 3 {
			t.Errorf("counted %d bytes", c.N)
		}
		return err
	})
	if err != nil || got != "abc" {
		t.Errorf("%q, %v", got, err)
	}
	if err := Read(fsys, "a", func(io.Reader) error { return cause }); !errors.Is(err, cause) || err.Error() != "a is not usable: it is empty" {
		t.Errorf("%v", err)
	}
	if err := Read(fsys, "b", nil); !errors.Is(err, fs.ErrNotExist) || !strings.HasPrefix(err.Error(), "b cannot be opened") {
		t.Errorf("%v", err)
	}
}
