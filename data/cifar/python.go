package cifar

import (
	"errors"
	"fmt"
	"io"

	"inkling/internal/wording"
	"inkling/weights/pth"
)

// mostPickle is how large a pickle may be; CIFAR-100's largest has 155 MB.
const mostPickle = 512 << 20

// readPickle appends the records of a pickle: a dict with an array "data" of a
// row of 3,072 bytes for every picture, and the list "labels", or with CIFAR-100
// "fine_labels" and "coarse_labels".
func (a *records) readPickle(r io.Reader) error {
	content, err := io.ReadAll(io.LimitReader(r, mostPickle+1))
	switch {
	case err != nil:
		return fmt.Errorf("it cannot be read past byte %d: it is damaged (%w)", len(content), err)
	case len(content) == 0:
		return errors.New("it is empty: download it again")
	case len(content) > mostPickle:
		return fmt.Errorf("it has more than the %s that it may have", wording.Number(mostPickle, "byte"))
	}
	values, err := pth.ReadArrays(content)
	if err != nil {
		return fmt.Errorf("it is no pickle of %s: %w", a.set.Title, err)
	}
	name := "labels"
	if a.set.Coarse != nil {
		name = "fine_labels"
	}
	pictures, _ := values["data"].(*pth.Array)
	labels, _ := values[name].([]int64)
	coarse, _ := values["coarse_labels"].([]int64)
	switch {
	case pictures == nil || labels == nil:
		return fmt.Errorf("its dict has not both of an array data and a list %s of numbers: it is no file of %s", name, a.set.Title)
	case len(pictures.Shape) != 2 || pictures.Shape[1] != pictureSize:
		return fmt.Errorf("its array data is %v, want rows of %d", pictures.Shape, pictureSize)
	case len(labels) != pictures.Shape[0]:
		return fmt.Errorf("it has %s, but %d %s", wording.Number(pictures.Shape[0], "picture"), len(labels), name)
	case a.set.Coarse != nil && len(coarse) != len(labels):
		return fmt.Errorf("it has %s, but %s", wording.Number(len(labels), "picture"), wording.Number(len(coarse), "coarse_label"))
	}
	for i, label := range labels {
		group := int64(-1)
		if a.set.Coarse != nil {
			group = coarse[i]
		}
		if err := a.add(pictures.Bytes[i*pictureSize:(i+1)*pictureSize], int(label), int(group)); err != nil {
			return fmt.Errorf("picture %d %w", i, err)
		}
	}
	return nil
}
