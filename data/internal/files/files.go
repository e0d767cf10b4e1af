// Package files finds and opens the files of data sets.
package files

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"path"
	"strings"

	"inkling/internal/wording"
)

// Find returns the first of the names that is a file in fsys. Each is looked for
// as it stands and with ".gz" after it, and then in a folder that is called as one
// of the names in the same place, as some archives unpack. If there is none, the
// error is an fs.ErrNotExist and tells what was looked for.
func Find(fsys fs.FS, names ...string) (string, error) {
	look := func(base string) (string, error) {
		for _, name := range []string{base, base + ".gz"} {
			info, err := fs.Stat(fsys, name)
			switch {
			case err == nil && info.Mode().IsRegular():
				return name, nil
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return "", fmt.Errorf("%s cannot be looked for: %w", name, err)
			}
		}
		return "", nil
	}
	for _, base := range names {
		if found, err := look(base); found != "" || err != nil {
			return found, err
		}
	}
	for _, base := range names {
		for _, folder := range []string{base, base + ".gz"} {
			if info, err := fs.Stat(fsys, folder); err != nil || !info.IsDir() {
				continue
			}
			for _, other := range names {
				if path.Dir(other) != path.Dir(base) {
					continue
				}
				if found, err := look(path.Join(folder, path.Base(other))); found != "" || err != nil {
					return found, err
				}
			}
		}
	}
	return "", &notFoundError{names}
}

type notFoundError struct{ names []string }

func (e *notFoundError) Error() string {
	return fmt.Sprintf("there is no file %s, nor one of them with .gz at the end", strings.Join(e.names, " or "))
}

func (e *notFoundError) Unwrap() error { return fs.ErrNotExist }

// Read opens a file for f, and puts the file's name before what f complains of.
func Read(fsys fs.FS, name string, f func(io.Reader) error) error {
	file, err := fsys.Open(name)
	if err != nil {
		return fmt.Errorf("%s cannot be opened: %w", name, err)
	}
	defer file.Close()
	if err := f(file); err != nil {
		return fmt.Errorf("%s is not usable: %w", name, err)
	}
	return nil
}

// Counter is a reader that counts what goes through it in N.
type Counter struct {
	R io.Reader
	N int64
}

func (c *Counter) Read(b []byte) (int, error) {
	n, err := c.R.Read(b)
	c.N += int64(n)
	return n, err
}

// RandomAccess opens a file for reading at any place. What fsys cannot read so,
// such as a file in an archive, is read into memory if it has no more than 1 GiB.
func RandomAccess(fsys fs.FS, name string) (r io.ReaderAt, size int64, closer func() error, err error) {
	f, err := fsys.Open(name)
	if err != nil {
		return nil, 0, nil, err
	}
	info, err := f.Stat()
	if err != nil {
		f.Close()
		return nil, 0, nil, err
	}
	if r, ok := f.(io.ReaderAt); ok {
		return r, info.Size(), f.Close, nil
	}
	defer f.Close()
	const most = 1 << 30
	content, err := io.ReadAll(io.LimitReader(f, most+1))
	switch {
	case err != nil:
		return nil, 0, nil, err
	case len(content) > most:
		return nil, 0, nil, fmt.Errorf("it has more than %s: unpack it first", wording.Number(most, "byte"))
	}
	return bytes.NewReader(content), int64(len(content)), func() error { return nil }, nil
}

// Unpacked reads what comes out of a decompressor, as long as it is no more than
// Times the bytes that went into it so far, and Free more. So the work that a small
// file can cause is in proportion to it.
type Unpacked struct {
	R           io.Reader
	Packed      *Counter // what goes into the decompressor
	Times, Free int64
	N           int64 // bytes that came out
}

func (u *Unpacked) Read(b []byte) (int, error) {
	n, err := u.R.Read(b)
	u.N += int64(n)
	if u.N > u.Times*u.Packed.N+u.Free {
		return 0, fmt.Errorf("its first %s unpack to %d, and data cannot be packed so tightly", wording.Number(u.Packed.N, "byte"), u.N)
	}
	return n, err
}
