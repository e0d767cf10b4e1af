package main

import (
	"context"
	"errors"
	"fmt"
	"image"
	"path/filepath"
	"strconv"
	"sync"

	"inkling"
	"inkling/data"
	"inkling/plot"
	"inkling/train"
	"inkling/train/runs"
)

// writeTestReport writes what a test came to into a folder: the report, its
// pictures, and the confusion matrix as a table.
func writeTestReport(ctx context.Context, folder string, m *inkling.Classifier, path string, set *pictureSet, d data.Dataset, e *train.Evaluation) error {
	sum := noSum
	if sums := keptSums(ctx, d); sums != nil {
		sum = sums.String()
	}
	r := &runs.Report{
		Title:   fmt.Sprintf("%s on %s", filepath.Base(path), set.title),
		Summary: fmt.Sprintf("Network %s, tested on %s by Inkling %s.", m.About.Architecture, count(e.Samples(), m.Kind().One()), version()),
		Facts:   [][2]string{{"model", path}, {"data", set.title}, {"its SHA-256", sum}, {"mean loss", strconv.FormatFloat(e.Loss, 'f', 4, 64)}},
		Classes: e.Classes, Confusion: e.Confusion, Calibration: e.Calibration,
	}
	r.Facts = append(r.Facts, scores(e)...)
	for _, note := range append(append([]string{}, m.Assumed...), m.Notes...) {
		r.Facts = append(r.Facts, [2]string{"note", note})
	}
	var err error
	if r.Pictures, err = misreadPictures(m, d, e); err != nil {
		return err
	}
	return r.Write(folder)
}

// scores are what a report tells of a test beside its tables.
func scores(e *train.Evaluation) [][2]string {
	if v := e.Numbers; v != nil {
		return [][2]string{{"mean absolute error of " + e.Classes[0], quantity(v.MAE())}, {"root mean squared error", quantity(v.RMSE())}, {"R²", strconv.FormatFloat(v.R2(), 'f', 4, 64)}}
	}
	return [][2]string{{"calibration error", strconv.FormatFloat(e.Calibration.Error(), 'f', 4, 64) + temperature(e)}}
}

// mostPairs is of how many pairs of classes a report shows pictures.
const mostPairs = 10

// misreadPictures draws the pictures that were misread with most confidence, and some of the
// classes that were confused most often. There are none of texts.
func misreadPictures(m *inkling.Classifier, d data.Dataset, e *train.Evaluation) ([]*runs.Picture, error) {
	if len(e.Worst) == 0 || m.Kind() == inkling.Texts || m.Kind() == inkling.Vectors {
		return nil, nil
	}
	if m.Kind() == inkling.Recordings {
		d = &spectrograms{d, m.Sound}
	}
	pairs := e.Confused(mostPairs)
	var mistaken []train.Misread
	for _, p := range pairs {
		mistaken = append(mistaken, e.Mistaken[[2]int{p.Label, p.Prediction}]...)
	}
	var worst, confused *image.RGBA
	var errs [2]error
	var both sync.WaitGroup
	both.Go(func() { worst, errs[0] = gridOf(d, e.Classes, e.Worst) })
	both.Go(func() { confused, errs[1] = gridOf(d, e.Classes, mistaken) })
	both.Wait()
	return []*runs.Picture{
		{Name: "misread", Title: "Misread", Image: worst,
			Text: fmt.Sprintf("The %s that were misread with most confidence: what they are, what they were taken for, and how sure the network was.", count(len(e.Worst), "picture"))},
		{Name: "confused", Title: "Confused", Image: confused,
			Text: fmt.Sprintf("Pictures of the %s of classes that were confused most often, one pair after another, of each those that the network was surest of.", count(len(pairs), "pair"))},
	}, errors.Join(errs[:]...)
}

// gridOf draws misread pictures side by side, with what they are and were taken for.
func gridOf(d data.Dataset, classes []string, misread []train.Misread) (*image.RGBA, error) {
	var pixels []byte
	var captions []string
	for _, m := range misread {
		picture, _, err := d.Example(m.Index)
		if err != nil {
			return nil, err
		}
		pixels = append(pixels, picture...)
		caption := fmt.Sprintf("%s > %s %.0f%%", printable(classes[m.Label]), printable(classes[m.Prediction]), 100*m.Confidence)
		if !plot.CanWrite(caption) {
			caption = fmt.Sprintf("class %d > %d %.0f%%", m.Label, m.Prediction, 100*m.Confidence)
		}
		captions = append(captions, caption)
	}
	channels, height, width := d.Shape()
	return plot.Grid{Columns: 8, Scale: max(1, 96/width), Labels: captions}.Bytes(pixels, channels, height, width)
}
