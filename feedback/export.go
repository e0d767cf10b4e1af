package feedback

import (
	"bytes"
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"image/png"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"inkling/data/idx"
	"inkling/internal/atomicfile"
	"inkling/internal/wording"
)

// The files that Export writes. Images and labels have MNIST's names, so that
// the folder is one to train on. The strokes are as package sketch's Lines reads
// them.
const (
	ImagesFile  = "train-images-idx3-ubyte"
	LabelsFile  = "train-labels-idx1-ubyte"
	TableFile   = "drawings.csv"
	StrokesFile = "strokes.jsonl"
	NoneFile    = "none.jsonl"
)

// Exported tells what Export has written.
type Exported struct {
	// Drawings is how many there are, and WithStrokes how many of them did not
	// come as pictures.
	Drawings, WithStrokes int
	// None is how many more show none of the classes.
	None int
	// Preprocess is the ways in which the pictures were made, sorted. What is
	// trained on them reads drawings best that are prepared in the same way.
	Preprocess []string
}

// ErrEmpty is returned by Export when there is nothing to export.
var ErrEmpty = errors.New("there are no drawings in it yet")

// Export writes all drawings to the folder dir, which it makes if need be: the
// pictures and the indices of their labels as idx files (upright, as MNIST's) or,
// as such files know digits only, if there are other labels the pictures as PNG
// files in a folder for each label; everything but the pictures as a table with a head line, in the same order, and
// the strokes of drawings that have some, with their labels, as JSON, one drawing a
// line.
//
// Drawings of none of the classes are no examples of any. They are in a file of their
// own, NoneFile, as JSON, one a line, with what the network was shown as pixels.
//
// It fails when the same index stands for different labels, as after a change
// of the network's classes: no file of labels could tell them apart.
func (s *Store) Export(ctx context.Context, dir string) (*Exported, error) {
	result := &Exported{}
	images := &idx.Images{Height: Height, Width: Width}
	var labels []byte
	table := [][]string{{"id", "time", "label", "label_index", "prediction", "model", "preprocess", "strokes"}}
	var strokes, none bytes.Buffer
	names := map[int]string{}
	var pictures []file
	digits := true
	err := s.Each(ctx, func(d Drawing) error {
		if d.IsNone() {
			result.None++
			return writeNone(&none, d)
		}
		if name, ok := names[d.LabelIndex]; ok && name != d.Label {
			return fmt.Errorf("feedback file %s: label %d means %q in one drawing and %q in another (number %d); they come from networks with different classes and cannot be one data set", s.path, d.LabelIndex, name, d.Label, d.ID)
		}
		names[d.LabelIndex] = d.Label
		digits = digits && d.LabelIndex < 10 && d.Label == strconv.Itoa(d.LabelIndex)
		pictures = append(pictures, file{filepath.Join(folderName(d.Label), fmt.Sprintf("%06d.png", d.ID)), func(w io.Writer) error {
			return png.Encode(w, &image.Gray{Pix: d.Picture, Stride: Width, Rect: image.Rect(0, 0, Width, Height)})
		}})
		images.Count++
		images.Pixels = append(images.Pixels, d.Picture...)
		labels = append(labels, byte(d.LabelIndex))
		table = append(table, []string{
			strconv.FormatInt(d.ID, 10), d.Time.Format(time.RFC3339Nano), d.Label, strconv.Itoa(d.LabelIndex),
			d.Prediction, d.Model, d.Preprocess, d.Strokes,
		})
		if !slices.Contains(result.Preprocess, d.Preprocess) {
			result.Preprocess = append(result.Preprocess, d.Preprocess)
		}
		if d.Strokes == "" {
			return nil
		}
		result.WithStrokes++
		return writeLine(&strokes, d)
	})
	if err != nil {
		return nil, err
	}
	if len(labels) == 0 && result.None > 0 {
		return nil, fmt.Errorf("feedback file %s: all %s in it show none of the classes, so there is nothing to train on yet", s.path, wording.Number(result.None, "drawing"))
	}
	if len(labels) == 0 {
		return nil, fmt.Errorf("feedback file %s: %w", s.path, ErrEmpty)
	}
	files := []file{
		{TableFile, func(w io.Writer) error { return csv.NewWriter(w).WriteAll(table) }},
		{StrokesFile, func(w io.Writer) error { _, err := w.Write(strokes.Bytes()); return err }},
	}
	if result.None > 0 {
		files = append(files, file{NoneFile, func(w io.Writer) error { _, err := w.Write(none.Bytes()); return err }})
	}
	if digits {
		files = append(files,
			file{ImagesFile, func(w io.Writer) error { return idx.WriteImages(w, images) }},
			file{LabelsFile, func(w io.Writer) error { return idx.WriteLabels(w, labels) }})
	} else {
		files = append(files, pictures...)
	}
	for _, f := range files {
		name := filepath.Join(dir, f.name)
		if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
			return nil, fmt.Errorf("the folder for the export cannot be made: %w", err)
		}
		if err := atomicfile.Write(name, f.write); err != nil {
			return nil, err
		}
	}
	slices.Sort(result.Preprocess)
	result.Drawings = len(labels)
	return result, nil
}

// A file is one to write.
type file struct {
	name  string // in the export's folder
	write func(w io.Writer) error
}

// folderName is a label as the name of a folder: what such a name cannot have on
// every system is written as in URLs.
func folderName(label string) string {
	var name strings.Builder
	for i, c := range []byte(label) {
		if c < ' ' || strings.IndexByte(`%/\:*?"<>|`, c) >= 0 || c == '.' && (i == 0 || i == len(label)-1) {
			fmt.Fprintf(&name, "%%%02X", c)
		} else {
			name.WriteByte(c)
		}
	}
	if name.Len() == 0 {
		return "%"
	}
	return name.String()
}

// writeLine writes a drawing's strokes with its label.
func writeLine(to *bytes.Buffer, d Drawing) error {
	members := map[string]json.RawMessage{}
	if err := json.Unmarshal([]byte(d.Strokes), &members); err != nil {
		return fmt.Errorf("the strokes of drawing %d are damaged: %w", d.ID, err)
	}
	return writeMembers(to, d.Label, members)
}

// writeNone writes a drawing of none of the classes: its strokes, if it has any, and what
// the network was shown.
func writeNone(to *bytes.Buffer, d Drawing) error {
	members := map[string]json.RawMessage{}
	if d.Strokes != "" {
		if err := json.Unmarshal([]byte(d.Strokes), &members); err != nil {
			return fmt.Errorf("the strokes of drawing %d are damaged: %w", d.ID, err)
		}
	}
	rows := make([][]int, Height)
	for y := range rows {
		for _, v := range d.Picture[y*Width : (y+1)*Width] {
			rows[y] = append(rows[y], int(v))
		}
	}
	pixels, err := json.Marshal(rows)
	if err != nil {
		return err
	}
	members["pixels"] = pixels
	return writeMembers(to, d.Label, members)
}

// writeMembers writes a line of JSON with a label.
func writeMembers(to *bytes.Buffer, name string, members map[string]json.RawMessage) error {
	label, err := json.Marshal(name)
	if err != nil {
		return err
	}
	members["label"] = label
	line, err := json.Marshal(members)
	if err != nil {
		return err
	}
	to.Write(line)
	return to.WriteByte('\n')
}
