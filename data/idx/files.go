package idx

import (
	"errors"
	"fmt"
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

// Open reads a file of images and the file of their labels from fsys. It fails
// with the name of the file that is at fault, also when there are not as many
// labels as images.
func Open(fsys fs.FS, imagesName, labelsName string) (*Images, []byte, error) {
	var images *Images
	var labels []byte
	err := read(fsys, imagesName, func(f fs.File) (err error) {
		images, err = ReadImages(f)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	err = read(fsys, labelsName, func(f fs.File) (err error) {
		labels, err = ReadLabels(f)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	if images.Count != len(labels) {
		return nil, nil, fmt.Errorf("%s has %d images, but %s has %d labels: the two do not belong together", imagesName, images.Count, labelsName, len(labels))
	}
	return images, labels, nil
}

// read opens a file for f, and puts the file's name before what f complains of.
func read(fsys fs.FS, name string, f func(fs.File) error) error {
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
