package main

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"inkling/picture"
)

// An imageSource is where a picture to predict comes from.
type imageSource struct {
	name string // a path, or "-" for standard input
	err  error  // why there is none
}

// read reads the file of the picture.
func (s imageSource) read(stdin io.Reader) ([]byte, error) {
	if s.name == "-" {
		return picture.Shared().Read(stdin)
	}
	f, err := os.Open(s.name)
	if err != nil {
		return nil, fmt.Errorf("cannot be opened: %w", reasonOf(err))
	}
	defer f.Close()
	return picture.Shared().Read(f)
}

// reasonOf is an error of the file system without the path, which is said before it.
func reasonOf(err error) error {
	var where *fs.PathError
	if errors.As(err, &where) {
		return where.Err
	}
	return err
}

// findImages returns the pictures that arguments stand for: files, patterns, and
// folders with all that is in them and below. skipped says what in the folders is no
// picture.
func findImages(args []string) (sources []imageSource, skipped []string) {
	for _, arg := range args {
		if arg == "-" {
			sources = append(sources, imageSource{name: arg})
			continue
		}
		paths := []string{arg}
		if _, err := os.Stat(arg); err != nil && isPattern(arg) {
			if paths, err = filepath.Glob(arg); err != nil {
				sources = append(sources, imageSource{arg, fmt.Errorf("%s is no pattern of names: %w", arg, err)})
				continue
			}
			if len(paths) == 0 {
				sources = append(sources, imageSource{arg, fmt.Errorf("%s stands for no file: none has such a name", arg)})
			}
		}
		for _, path := range paths {
			if info, err := os.Stat(path); err != nil || !info.IsDir() {
				sources = append(sources, imageSource{name: path})
				continue
			}
			found, others := imagesBelow(path)
			sources = append(sources, found...)
			switch {
			case len(found) == 0:
				sources = append(sources, imageSource{path, fmt.Errorf("%s has no pictures in it", path)})
			case len(others) > 0:
				skipped = append(skipped, fmt.Sprintf("%s of %s left out, which %s no %s: %s", count(len(others), "file"), path,
					plural(len(others), "is", "are"), plural(len(others), "picture", "pictures"), some(others)))
			}
		}
	}
	return sources, skipped
}

// isPattern tells whether a name has the signs of filepath.Match.
func isPattern(name string) bool { return strings.ContainsAny(name, "*?[") }

// imagesBelow returns the pictures in a folder and below it, in the order of their
// paths, and the names of what is none. Hidden files are left alone.
func imagesBelow(dir string) (found []imageSource, others []string) {
	root := dir
	if info, err := os.Lstat(dir); err == nil && info.Mode()&fs.ModeSymlink != 0 {
		root += string(filepath.Separator) + "." // what the link leads to
	}
	filepath.WalkDir(root, func(path string, e fs.DirEntry, err error) error {
		if err != nil {
			found = append(found, imageSource{path, fmt.Errorf("%s cannot be read: %w", path, reasonOf(err))})
			return nil
		}
		name := e.Name()
		switch {
		case path == root:
		case strings.HasPrefix(name, "."), name == "__MACOSX":
			if e.IsDir() {
				return fs.SkipDir
			}
		case e.IsDir():
		default:
			info, err := os.Stat(path) // of what a link leads to
			switch {
			case err == nil && !info.Mode().IsRegular():
				others = append(others, path)
			case err != nil || picture.Is(headOf(path)) || namedAsPicture(path):
				found = append(found, imageSource{name: path})
			default:
				others = append(others, path)
			}
		}
		return nil
	})
	return found, others
}

// headOf returns the first bytes of a file, none if there is no such file.
func headOf(path string) []byte {
	f, err := os.Open(path)
	if err != nil {
		return nil
	}
	defer f.Close()
	if info, err := f.Stat(); err != nil || !info.Mode().IsRegular() {
		return nil // reading from a pipe would take from it
	}
	head := make([]byte, 1024)
	n, _ := io.ReadFull(f, head)
	return head[:n]
}

// namedAsPicture tells whether a name ends as those of pictures do.
func namedAsPicture(name string) bool {
	ending := strings.ToLower(strings.TrimPrefix(filepath.Ext(name), "."))
	return slices.Contains(picture.Names(), ending) || slices.Contains([]string{"jpg", "tif"}, ending)
}
