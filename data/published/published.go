// Package published describes data sets that their authors have published, and
// gets their files.
package published

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"

	"inkling/data/download"
)

// Set is what there is to know of a data set.
type Set struct {
	Name    string   // as on the command line: "fashion-mnist"
	Title   string   // for people: "Fashion-MNIST"
	Licence string   // under which it may be used, or what the authors ask for
	Home    string   // the page that describes it
	Classes []string // Classes[label] is what a picture with that label shows

	TrainLen, TestLen       int // how many pictures there are to train on and to test with
	Channels, Height, Width int // of every picture

	Files   []File   // with all pictures
	Mirrors []string // where the files are: what stands before their names
	Bytes   int64    // of all files, about
}

// File is one of the published files of a data set.
type File struct {
	Name   string // as published
	MD5    string // of the published file, as torchvision lists it
	SHA256 string // of what is in it when it is unpacked, empty if that is not known

	// Git is, of a file without MD5, the name that Git gives its content, where a
	// repository publishes it. Of a zip archive, which the repository's server packs, it is
	// that of the folder Folder in it.
	Git, Folder string
}

// CacheDir is the folder that the downloaded files of a data set are kept in:
// inkling/NAME below os.UserCacheDir, which is that of XDG_CACHE_HOME on Linux.
func CacheDir(name string) (string, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("there is no folder for downloaded files: %w", err)
	}
	return filepath.Join(dir, "inkling", name), nil
}

// Download gets the files into a folder, as they are published, and compares
// their published sums. Files that are there and whole are not asked for. Check,
// if not nil, reads a file through before it gets its name, and says what is
// wrong with it; a file with a sum of Git needs none.
func (s *Set) Download(ctx context.Context, dir string, check func(name string, r io.Reader) error, o download.Options) error {
	for _, f := range s.Files {
		file := download.File{MD5: f.MD5}
		switch {
		case f.Git != "":
			file.MaxSize = maxGitFile
			file.Check = f.Compare
		case check != nil:
			file.Check = func(r io.Reader) error { return check(f.Name, r) }
		}
		for _, mirror := range s.Mirrors {
			file.URLs = append(file.URLs, mirror+f.Name)
		}
		if err := download.Get(ctx, filepath.Join(dir, f.Name), file, o); err != nil {
			return fmt.Errorf("%s of %s: %w", f.Name, s.Title, err)
		}
	}
	return nil
}
