package inkling

import (
	"context"
	"errors"
	"fmt"
	"image"
	"os"
	"slices"
	"sync"

	"inkling/models"
	"inkling/picture"
	"inkling/weights"
)

// A Prediction is what a classifier thinks of a picture.
type Prediction struct {
	// Number is what a model with a Target answers, in the Target's unit. Class is the
	// Target's name then, and what is below is empty.
	Number float64
	// Class is the most probable class, Index its place among the classes.
	Class string
	Index int
	// Probability is that of Class, 0 to 1.
	Probability float64
	// Probabilities are those of all classes, in their order; they add up to 1.
	Probabilities []float32
}

// predictTogether is how many pictures the network is shown at once.
const predictTogether = 32

// Predict says what a picture shows. The picture may have any size and colours: it is
// prepared as those of the training were, see [Classifier.Preparation]. It fails for a
// picture on which there is nothing, with [ErrBlank], and if the network's weights are no
// numbers. It may be called by several goroutines; they take turns.
func (m *Classifier) Predict(img image.Image) (Prediction, error) {
	all, err := m.PredictBatch([]image.Image{img})
	if err != nil {
		var of *PictureError
		if errors.As(err, &of) {
			err = fmt.Errorf("the picture %w", of.Err)
		}
		return Prediction{}, err
	}
	return all[0], nil
}

// PredictFile is Predict for the picture in a file: PNG, JPEG, GIF, BMP, TIFF or WebP,
// turned as its EXIF data say.
func (m *Classifier) PredictFile(path string) (Prediction, error) {
	f, err := os.Open(path)
	if err != nil {
		return Prediction{}, fmt.Errorf("the picture cannot be opened: %w", err)
	}
	defer f.Close()
	content, err := picture.Shared().Read(f)
	if err != nil {
		return Prediction{}, fmt.Errorf("%s %w", path, err)
	}
	var p Prediction
	err = picture.Shared().Use(context.Background(), content, func(img image.Image, _ picture.Head) error {
		all, err := m.PredictBatch([]image.Image{img})
		var of *PictureError
		if errors.As(err, &of) {
			return of.Err
		}
		if err == nil {
			p = all[0]
		}
		return err
	})
	if err != nil {
		return Prediction{}, fmt.Errorf("%s %w", path, err)
	}
	return p, nil
}

// A PictureError is why one of several pictures could not be read.
type PictureError struct {
	Index int // of the picture
	Err   error
}

func (e *PictureError) Error() string { return fmt.Sprintf("picture %d %v", e.Index, e.Err) }

// Unwrap returns Err.
func (e *PictureError) Unwrap() error { return e.Err }

// PredictBatch is Predict for several pictures, which is faster than one at a time. The
// answers are in their order, and do not depend on the company. If a picture cannot be
// read the error is a [*PictureError], and there are no answers.
func (m *Classifier) PredictBatch(images []image.Image) ([]Prediction, error) {
	p, err := m.Preparation("")
	if err != nil {
		return nil, err
	}
	pixels := make([][]byte, len(images))
	for i, img := range images {
		if img == nil || img.Bounds().Empty() {
			return nil, &PictureError{i, errors.New("has no pixels")}
		}
		made, err := p.Prepare(img)
		if err == nil && made.Empty {
			err = ErrBlank
		}
		if err != nil {
			return nil, &PictureError{i, err}
		}
		pixels[i] = made.Bytes
	}
	m.reading.Lock()
	defer m.reading.Unlock()
	reader, err := m.reading.reader(m, len(images))
	if err != nil {
		return nil, err
	}
	var all []Prediction
	for chunk := range slices.Chunk(pixels, reader.most) {
		probabilities, err := reader.ReadAll(chunk)
		if err != nil {
			return nil, err
		}
		for _, own := range probabilities {
			all = append(all, m.predictionOf(own))
		}
	}
	return all, nil
}

// reading keeps the compiled network of a classifier between predictions.
type reading struct {
	sync.Mutex
	made    *Reader
	network models.Network   // that made is of
	about   weights.Metadata // by which its pictures are normalised

	explainer *Explainer
	explained models.Network // that explainer is of
}

// reader returns one for some pictures.
func (r *reading) reader(m *Classifier, pictures int) (*Reader, error) {
	most := 1
	if pictures > 1 {
		most = predictTogether
	}
	a, b := &r.about, &m.About
	if r.made != nil && r.network == m.Network && r.made.most >= most &&
		slices.Equal(a.Mean, b.Mean) && slices.Equal(a.Std, b.Std) && a.Orientation == b.Orientation {
		return r.made, nil
	}
	made, err := NewBatchReader(m, m.Transform(), most)
	if err != nil {
		return nil, err
	}
	r.made, r.network, r.about = made, m.Network, cloned(m.About)
	return made, nil
}
