package train

import (
	"context"
	"fmt"

	"inkling/data"
	"inkling/nn"
	"inkling/transform"
)

// FeatureReport tells whether what the frozen part of a network computes is kept.
type FeatureReport struct {
	// Kept tells that it was computed of every picture and is kept.
	Kept bool
	// Why tells why it is not, in a sentence's part: "the pictures are changed at random".
	Why string
	// Shape is that of a picture's features, Bytes what all of them take; of those that
	// would be too large, too.
	Shape nn.Shape
	Bytes int64
}

// features are what the frozen part of a network computes of every picture.
type features struct {
	size   int // numbers of a picture
	values []float32
	batch  []float32
}

// of returns those of some pictures, which are overwritten by the next call.
func (f *features) of(pictures []int) []float32 {
	f.batch = f.batch[:0]
	for _, i := range pictures {
		f.batch = append(f.batch, f.values[i*f.size:(i+1)*f.size]...)
	}
	return f.batch
}

// labels is a data set without its pictures.
type labels struct {
	data.Dataset
	list []int
}

// numbers is such a data set whose labels are numbers.
type numbers struct {
	labels
	number func(i int) float64
	scale  data.Scale
}

func (n *numbers) Number(i int) float64 { return n.number(i) }
func (n *numbers) Scale() data.Scale    { return n.scale }

// withoutPictures is d with the labels that are known of it, and no pictures.
func withoutPictures(d data.Dataset, known []int) data.Dataset {
	l := labels{d, known}
	if number, scale := data.Numbers(d); number != nil {
		return &numbers{l, number, scale}
	}
	return &l
}

var noPicture = []byte{0}

func (l *labels) Shape() (channels, height, width int) { return 1, 1, 1 }

func (l *labels) Example(i int) ([]byte, int, error) { return noPicture, l.list[i], nil }

// divide computes the features and has the training go on with them, if that is wanted
// and possible.
func (t *training) divide(ctx context.Context) error {
	if t.FeatureBytes == 0 || t.UnfreezeAfter > 0 && t.at.Epochs >= t.UnfreezeAfter {
		return nil
	}
	report, err := t.computeFeatures(ctx)
	if err == nil && t.OnFeatures != nil {
		t.OnFeatures(report)
	}
	return err
}

func (t *training) computeFeatures(ctx context.Context) (r FeatureReport, err error) {
	d := t.Loader.Dataset
	channels, height, width := d.Shape()
	pipeline, err := transform.Compile(t.Loader.Transform, channels, height, width)
	if err != nil {
		return r, err
	}
	if pipeline.Random() || t.Mix != nil {
		r.Why = "the pictures are changed at random"
		return r, nil
	}
	divided, err := t.whole.Features()
	if err != nil {
		r.Why = fmt.Sprintf("the network cannot be divided (%v)", err)
		return r, nil
	}
	size := divided.Shape[1:].Elements()
	r.Shape, r.Bytes = divided.Shape[1:], 4*int64(size)*int64(d.Len())
	if r.Bytes > t.FeatureBytes {
		r.Why = fmt.Sprintf("they would take %d MB, more than %d MB", r.Bytes>>20, t.FeatureBytes>>20)
		return r, nil
	}
	batch := min(max(t.Loader.BatchSize, 1), t.Loader.Samples())
	f := &features{size: size, values: make([]float32, 0, size*d.Len()), batch: make([]float32, 0, size*batch)}
	known := make([]int, 0, d.Len())
	all := &data.Loader{Dataset: d, Transform: t.Loader.Transform, BatchSize: batch, Workers: t.Loader.Workers, Prefetch: t.Loader.Prefetch}
	for _, b := range all.BatchesContext(ctx) {
		f.values = append(f.values, divided.Compute(b.Images)...)
		known = append(known, b.Labels...)
	}
	if err := all.Err(); err != nil {
		return r, err
	}
	without := *t.Loader
	without.Dataset, without.Transform, without.Workers = withoutPictures(d, known), nil, 0
	t.useLoader(&without)
	t.features, t.program = f, divided.Head
	r.Kept = true
	return r, nil
}

// useLoader has the batches to come from another loader, which goes on where the
// present one is.
func (t *training) useLoader(l *data.Loader) {
	l.Epoch, l.Skip = t.Loader.Epoch, t.Loader.Skip
	t.Loader = l
}

// unfreeze trains what was frozen, too, if it is time to before an epoch.
func (t *training) unfreeze(epoch int) error {
	if t.UnfreezeAfter == 0 || epoch != t.UnfreezeAfter+1 || t.at.Batches > 0 {
		return nil
	}
	program, err := t.whole.Freezing()
	if err != nil {
		return err
	}
	t.useLoader(t.pictures)
	t.features, t.program = nil, program
	if t.OnUnfreeze != nil {
		t.OnUnfreeze(program)
	}
	return nil
}
