package feedback

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strconv"
	"time"

	"inkling/data/idx"
	"inkling/internal/atomicfile"
)

// The files that Export writes. Images and labels have MNIST's names, so that
// the folder is one to train on.
const (
	ImagesFile = "train-images-idx3-ubyte"
	LabelsFile = "train-labels-idx1-ubyte"
	TableFile  = "drawings.csv"
)

// ErrEmpty is returned by Export when there is nothing to export.
var ErrEmpty = errors.New("there are no drawings in it yet")

// Export writes all drawings to the folder dir, which it makes if need be: the
// pictures and the indices of their labels as idx files (upright, as MNIST's),
// and everything but the pictures as a table with a head line, in the same
// order. It returns the number of drawings.
//
// It fails when the same index stands for different labels, as after a change
// of the network's classes: no file of labels could tell them apart.
func (s *Store) Export(ctx context.Context, dir string) (int, error) {
	images := &idx.Images{Height: Height, Width: Width}
	var labels []byte
	table := [][]string{{"id", "time", "label", "label_index", "prediction", "model", "preprocess", "strokes"}}
	names := map[int]string{}
	err := s.Each(ctx, func(d Drawing) error {
		if name, ok := names[d.LabelIndex]; ok && name != d.Label {
			return fmt.Errorf("feedback file %s: label %d means %q in one drawing and %q in another (number %d); they come from networks with different classes and cannot be one data set", s.path, d.LabelIndex, name, d.Label, d.ID)
		}
		names[d.LabelIndex] = d.Label
		images.Count++
		images.Pixels = append(images.Pixels, d.Picture...)
		labels = append(labels, byte(d.LabelIndex))
		table = append(table, []string{
			strconv.FormatInt(d.ID, 10), d.Time.Format(time.RFC3339Nano), d.Label, strconv.Itoa(d.LabelIndex),
			d.Prediction, d.Model, d.Preprocess, d.Strokes,
		})
		return nil
	})
	if err != nil {
		return 0, err
	}
	if len(labels) == 0 {
		return 0, fmt.Errorf("feedback file %s: %w", s.path, ErrEmpty)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return 0, fmt.Errorf("the folder for the export cannot be made: %w", err)
	}
	for _, file := range []struct {
		name  string
		write func(w io.Writer) error
	}{
		{ImagesFile, func(w io.Writer) error { return idx.WriteImages(w, images) }},
		{LabelsFile, func(w io.Writer) error { return idx.WriteLabels(w, labels) }},
		{TableFile, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(table) }},
	} {
		if err := atomicfile.Write(filepath.Join(dir, file.name), file.write); err != nil {
			return 0, err
		}
	}
	return len(labels), nil
}
