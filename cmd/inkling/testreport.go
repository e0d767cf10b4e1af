package main

import (
	"fmt"
	"path/filepath"
	"strconv"

	"inkling"
	"inkling/data"
	"inkling/plot"
	"inkling/train"
	"inkling/train/runs"
)

// writeTestReport writes what a test came to into a folder: the report, its
// pictures, and the confusion matrix as a table.
func writeTestReport(folder string, m *inkling.Classifier, path string, set *pictureSet, d data.Dataset, e *train.Evaluation) error {
	r := &runs.Report{
		Title:   fmt.Sprintf("%s on %s", filepath.Base(path), set.title),
		Summary: fmt.Sprintf("Network %s, tested on %s by Inkling %s.", m.About.Architecture, count(e.Total(), "picture"), version()),
		Facts: [][2]string{{"model", path}, {"data", set.title}, {"mean loss", strconv.FormatFloat(e.Loss, 'f', 4, 64)},
			{"calibration error", strconv.FormatFloat(e.Calibration.Error(), 'f', 4, 64) + temperature(e)}},
		Classes: e.Classes, Confusion: e.Confusion, Calibration: e.Calibration,
	}
	for _, note := range append(append([]string{}, m.Assumed...), m.Notes...) {
		r.Facts = append(r.Facts, [2]string{"note", note})
	}
	worst, err := misreadPicture(m, d, e)
	if err != nil {
		return err
	}
	if worst != nil {
		r.Pictures = append(r.Pictures, worst)
	}
	return r.Write(folder)
}

// misreadPicture draws the pictures that were misread with most confidence; it is nil
// if there are none.
func misreadPicture(m *inkling.Classifier, d data.Dataset, e *train.Evaluation) (*runs.Picture, error) {
	if len(e.Worst) == 0 || m.Kind() == inkling.Texts {
		return nil, nil
	}
	if m.Kind() == inkling.Recordings {
		d = &spectrograms{d, m.Sound}
	}
	var pixels []byte
	var captions []string
	for _, m := range e.Worst {
		picture, _, err := d.Example(m.Index)
		if err != nil {
			return nil, err
		}
		pixels = append(pixels, picture...)
		caption := fmt.Sprintf("%s > %s %.0f%%", printable(e.Classes[m.Label]), printable(e.Classes[m.Prediction]), 100*m.Confidence)
		if !plot.CanWrite(caption) {
			caption = fmt.Sprintf("class %d > %d %.0f%%", m.Label, m.Prediction, 100*m.Confidence)
		}
		captions = append(captions, caption)
	}
	channels, height, width := d.Shape()
	img, err := plot.Grid{Columns: 8, Scale: max(1, 96/width), Labels: captions}.Bytes(pixels, channels, height, width)
	return &runs.Picture{Name: "misread", Title: "Misread", Image: img,
		Text: fmt.Sprintf("The %s that were misread with most confidence: what they are, what they were taken for, and how sure the network was.", count(len(e.Worst), "picture"))}, err
}
