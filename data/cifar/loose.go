package cifar

import (
	"fmt"
	"io"
	"io/fs"
	"strings"

	"inkling/data/internal/files"
)

// Loose returns the names of the files in a folder that may hold records, those
// that end in .bin or .bin.gz, in the order of the alphabet: those to test with
// have a name that begins with test.
func Loose(fsys fs.FS) (train, test []string, err error) {
	entries, err := fs.ReadDir(fsys, ".")
	if err != nil {
		return nil, nil, err
	}
	for _, e := range entries {
		name := e.Name()
		switch base := strings.TrimSuffix(name, ".gz"); {
		case e.IsDir() || !strings.HasSuffix(base, ".bin"):
		case strings.HasPrefix(base, "test"):
			test = append(test, name)
		default:
			train = append(train, name)
		}
	}
	return train, test, nil
}

// Which returns the set whose records a file holds: CIFAR-10 if its records can
// be read as such, or else CIFAR-100. If they are neither, the error says why
// they are none of CIFAR-10.
func Which(fsys fs.FS, name string) (*Set, error) {
	_, err := CIFAR10.OpenFiles(fsys, name)
	if err == nil {
		return CIFAR10, nil
	}
	if _, other := CIFAR100.OpenFiles(fsys, name); other == nil {
		return CIFAR100, nil
	}
	return nil, err
}

// OpenFiles returns the records of files of any name, gzipped or not.
func (s *Set) OpenFiles(fsys fs.FS, names ...string) (*Dataset, error) {
	all := &records{set: s}
	for _, name := range names {
		if err := files.Read(fsys, name, func(r io.Reader) error { return all.readGzip(r, false) }); err != nil {
			return nil, err
		}
	}
	if len(all.labels) == 0 {
		return nil, fmt.Errorf("there are no files of %s to read", s.Title)
	}
	return all.dataset()
}
