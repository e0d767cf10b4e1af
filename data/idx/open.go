package idx

import (
	"fmt"
	"io"
	"io/fs"

	"inkling/data/internal/files"
)

// Open reads a file of images and the file of their labels from fsys. It fails
// with the name of the file that is at fault, also when there are not as many
// labels as images.
func Open(fsys fs.FS, imagesName, labelsName string) (*Images, []byte, error) {
	var images *Images
	var labels []byte
	err := files.Read(fsys, imagesName, func(f io.Reader) (err error) {
		images, err = ReadImages(f)
		return err
	})
	if err != nil {
		return nil, nil, err
	}
	err = files.Read(fsys, labelsName, func(f io.Reader) (err error) {
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
