// Package files finds and opens the files of data sets.
package files

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
)

// Find returns the first of the names that is a file in fsys. Each is looked for
// as it stands and with ".gz" after it. If there is none, the error is an
// fs.ErrNotExist and tells what was looked for.
func Find(fsys fs.FS, names ...string) (string, error) {
	for _, base := range names {
		for _, name := range []string{base, base + ".gz"} {
			info, err := fs.Stat(fsys, name)
			switch {
			case err == nil && info.Mode().IsRegular():
				return name, nil
			case err != nil && !errors.Is(err, fs.ErrNotExist):
				return "", fmt.Errorf("%s cannot be looked for: %w", name, err)
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
