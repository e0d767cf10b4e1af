package idx

import (
	"fmt"
	"io"
	"io/fs"

	"inkling/data/internal/files"
	"inkling/internal/wording"
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
		return nil, nil, fmt.Errorf("%s has %s, but %s has %s: the two do not belong together", imagesName, wording.Number(images.Count, "image"), labelsName, wording.Number(len(labels), "label"))
	}
	return images, labels, nil
}
