package weights

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Beside is what a reader of a file has, given to ReadFrom or to Format.Read, if
// others in the same folder can be opened: a .onnx keeps large weights there.
type Beside interface {
	// OpenBeside opens a regular file in the same folder by its plain name.
	OpenBeside(name string) (BesideFile, error)
}

// BesideFile is a file that was opened beside another.
type BesideFile interface {
	io.ReaderAt
	io.Closer
	Stat() (fs.FileInfo, error)
}

// fileInFolder is a file of which the folder is known.
type fileInFolder struct {
	*os.File
	folder string
}

// InFolder returns an open file with the way to others in the folder of path.
func InFolder(f *os.File, path string) interface {
	io.ReaderAt
	Beside
} {
	return &fileInFolder{f, filepath.Dir(path)}
}

// OpenBeside opens a regular file in the folder: no path, no link, neither to
// another folder nor within this one, and nothing that is no file.
func (f *fileInFolder) OpenBeside(name string) (BesideFile, error) {
	if name == "" || name == "." || name == ".." || strings.ContainsAny(name, "/\\:\x00") || !filepath.IsLocal(name) {
		return nil, fmt.Errorf("%s is no plain file name; only a file in the same folder is opened", printable(name))
	}
	root, err := os.OpenRoot(f.folder)
	if err != nil {
		return nil, fmt.Errorf("the folder of the file cannot be opened: %w", err)
	}
	defer root.Close()
	info, err := root.Lstat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		return nil, fmt.Errorf("%s is not beside the file; put both into one folder", printable(name))
	case err != nil:
		return nil, fmt.Errorf("%s beside the file cannot be opened: %w", printable(name), err)
	case info.Mode()&fs.ModeSymlink != 0:
		return nil, fmt.Errorf("%s beside the file is a link, which is not followed; put the file itself there", printable(name))
	case !info.Mode().IsRegular():
		return nil, fmt.Errorf("%s beside the file is no regular file", printable(name))
	}
	opened, err := root.Open(name)
	if err != nil {
		return nil, fmt.Errorf("%s beside the file cannot be opened: %w", printable(name), err)
	}
	if now, err := opened.Stat(); err != nil || !os.SameFile(info, now) {
		opened.Close()
		return nil, fmt.Errorf("%s beside the file was exchanged while it was opened", printable(name))
	}
	return opened, nil
}
