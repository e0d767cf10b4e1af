package data

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"math/bits"
	"math/rand/v2"

	"inkling/internal/wording"
	"inkling/transform"
)

// Batch is what one step of training reads. It belongs to the loop that gets
// it until its next round, when the memory is used again.
type Batch struct {
	Images  []float32 // len(Labels) transformed pictures, each channels x height x width, row-major
	Labels  []int     // the label of each picture
	Indices []int     // the number of each picture in the data set

	// Numbers is, for each picture of a data set that is [Numbered], what a network is to
	// answer: its number as the data set's Scale has it. Nil of others.
	Numbers []float32

	pixels  [][]byte // the pictures before their transform
	touched byte     // keeps the compiler from leaving out the reads of fill
}

// Loader hands out a data set in batches. Its zero value becomes useful with a
// Dataset: batches of one picture, in order, with samples from 0 to 1.
//
// The batches depend on the fields above Workers alone: the same seed gives the
// same batches on every machine, whatever Workers and Prefetch are.
type Loader struct {
	Dataset Dataset

	// Transform makes samples of a picture. Nil means transform.ToTensor{}.
	Transform transform.Transform

	// BatchSize is the number of pictures a batch. 0 means 1.
	BatchSize int

	// Shuffle takes the pictures in a new random order every epoch, given by
	// Seed and the number of the epoch. Random steps of Transform follow from
	// them, too, and from a picture's place in the epoch.
	Shuffle bool
	Seed    uint64

	// Sampler, if not nil, decides which pictures an epoch has and in which
	// order, in place of Shuffle.
	Sampler Sampler

	// Epoch is the number of the epoch that the next call of Batches hands
	// out. The call counts it up; set it to take up a training where it
	// stopped.
	Epoch int

	// Skip is how many batches the next call of Batches leaves out at the
	// beginning of its epoch, without preparing them; their numbers are left out,
	// too. The call sets it to 0. With Epoch it takes up a training in the middle of
	// an epoch.
	Skip int

	// DropLast leaves out the last batch when it is short.
	DropLast bool

	// Workers is the number of goroutines that prepare batches ahead. With 0 a
	// batch is prepared by the caller's goroutine when its turn comes, which
	// is best while preparing costs little, as with pictures in memory.
	Workers int

	// Prefetch is how many chunks each worker keeps ready; a chunk is as many
	// batches as hold 65,536 samples, and at least one. 0 means 2.
	Prefetch int

	err error
}

// Len is the number of batches an epoch, or 0 when the fields are not valid.
func (l *Loader) Len() int {
	if l.check() != nil {
		return 0
	}
	n := l.Samples()
	if l.DropLast {
		return n / l.batchSize()
	}
	return (n-1)/l.batchSize() + 1
}

// Samples is the number of pictures that an epoch takes from the data set, with
// those that DropLast leaves out.
func (l *Loader) Samples() int {
	if l.Sampler == nil {
		return l.Dataset.Len()
	}
	return l.Sampler.Len(l.Dataset.Len())
}

// Shape is the shape of a transformed picture, or an error that says which
// field is not valid.
func (l *Loader) Shape() (channels, height, width int, err error) {
	pipeline, err := l.compile()
	if err != nil {
		return 0, 0, 0, err
	}
	channels, height, width = pipeline.Out()
	return channels, height, width, nil
}

// Err returns why the last loop over the batches ended early, or nil if it did
// not, or if it was the caller who left it.
func (l *Loader) Err() error { return l.err }

// Batches returns the batches of the next epoch and their numbers from 0. An
// invalid field or a picture that cannot be read ends the loop: ask Err after
// it. When the loop is left, no goroutine stays behind.
//
// Going through one result twice gives the same epoch twice.
func (l *Loader) Batches() iter.Seq2[int, *Batch] {
	return l.BatchesContext(context.Background())
}

// BatchesContext is Batches until ctx is done: then the loop ends and Err is
// context.Cause(ctx). With Workers it does so even while pictures are being read;
// each goroutine ends when it has read the batch at hand. Without, ctx is looked
// at before every batch.
func (l *Loader) BatchesContext(ctx context.Context) iter.Seq2[int, *Batch] {
	epoch, skip := l.Epoch, l.Skip
	l.Epoch++
	if skip > 0 { // else it stays, to be refused
		l.Skip = 0
	}
	return func(yield func(int, *Batch) bool) {
		l.err = nil
		pipeline, err := l.compile()
		if err != nil {
			l.err = err
			return
		}
		order, err := l.order(epoch)
		if err != nil {
			l.err = err
			return
		}
		r := &run{
			dataset:   l.Dataset,
			classes:   len(l.Dataset.Classes()),
			batchSize: min(l.batchSize(), len(order)),
			skip:      min(skip, l.Len()),
			batches:   l.Len(),
			order:     order,
			seed:      l.Seed,
			epoch:     epoch,
		}
		r.number, r.scale = Numbers(l.Dataset)
		if l.Workers == 0 || r.batches == r.skip {
			l.err = r.here(ctx, pipeline, yield)
			return
		}
		prefetch := l.Prefetch
		if prefetch == 0 {
			prefetch = 2
		}
		l.err = r.ahead(ctx, pipeline, l.Workers, prefetch, yield)
	}
}

func (l *Loader) batchSize() int { return max(l.BatchSize, 1) }

// check tells which field is not valid.
func (l *Loader) check() error {
	if l.Dataset == nil {
		return errors.New("the loader's Dataset is nil: set the data set to load")
	}
	for _, f := range []struct {
		name  string
		value int
	}{{"BatchSize", l.BatchSize}, {"Workers", l.Workers}, {"Prefetch", l.Prefetch}, {"Skip", l.Skip}} {
		if f.value < 0 {
			return fmt.Errorf("the loader's %s is %d, want 0 or more", f.name, f.value)
		}
	}
	if l.Dataset.Len() < 1 {
		return errors.New("the data set of the loader is empty: there is nothing to load")
	}
	if n := l.Samples(); n < 1 {
		return fmt.Errorf("the loader's Sampler takes %s an epoch, want 1 or more", wording.Number(n, "picture"))
	}
	return nil
}

func (l *Loader) compile() (*transform.Pipeline, error) {
	if err := l.check(); err != nil {
		return nil, err
	}
	channels, height, width := l.Dataset.Shape()
	return transform.Compile(l.Transform, channels, height, width)
}

// order returns the numbers of the pictures in the order of an epoch.
func (l *Loader) order(epoch int) ([]int, error) {
	if l.Sampler != nil {
		return l.sampled(epoch)
	}
	order := make([]int, l.Dataset.Len())
	for i := range order {
		order[i] = i
	}
	if l.Shuffle {
		shuffle(order, rand.NewPCG(l.Seed, uint64(epoch)))
	}
	return order, nil
}

// shuffle is Fisher and Yates's over PCG-DXSM, both written out or specified
// here rather than taken from rand.Shuffle, so that a seed means the same order
// for ever. The high half of the product (Lemire 2019, arXiv:1805.10941) is off
// a uniform choice by less than one part in 2^64 / n.
func shuffle(order []int, source *rand.PCG) {
	for i := len(order) - 1; i > 0; i-- {
		j, _ := bits.Mul64(source.Uint64(), uint64(i+1))
		order[i], order[j] = order[j], order[i]
	}
}

// sampled returns what the Sampler says, if that makes sense.
func (l *Loader) sampled(epoch int) ([]int, error) {
	n := l.Dataset.Len()
	order, err := l.Sampler.Order(epoch, n)
	if err != nil {
		return nil, fmt.Errorf("the pictures of epoch %d cannot be chosen: %w", epoch, err)
	}
	if want := l.Samples(); len(order) != want {
		return nil, fmt.Errorf("the loader's Sampler gave %s for epoch %d, want %d", wording.Number(len(order), "number"), epoch, want)
	}
	for _, index := range order {
		if index < 0 || index >= n {
			return nil, fmt.Errorf("the loader's Sampler gave the number %d for epoch %d, want 0 to %d", index, epoch, n-1)
		}
	}
	return order, nil
}

// A run is one epoch on its way.
type run struct {
	dataset   Dataset
	classes   int
	batchSize int // at most the number of pictures
	skip      int // batches that are left out, the first ones
	batches   int // with those
	order     []int
	seed      uint64 // of random transforms, with the epoch and the place in it
	epoch     int
	number    func(i int) float64 // nil for classes
	scale     Scale
}

// here prepares every batch in the goroutine that wants it.
func (r *run) here(ctx context.Context, pipeline *transform.Pipeline, yield func(int, *Batch) bool) error {
	batch := r.newBatch(pipeline)
	for i := r.skip; i < r.batches; i++ {
		if ctx.Err() != nil {
			return context.Cause(ctx)
		}
		if err := r.fill(batch, i, pipeline); err != nil {
			return err
		}
		if !yield(i, batch) {
			return nil
		}
	}
	return nil
}

// newBatch returns a batch with room for batchSize pictures.
func (r *run) newBatch(pipeline *transform.Pipeline) *Batch {
	channels, height, width := pipeline.Out()
	b := &Batch{
		Images:  make([]float32, r.batchSize*channels*height*width),
		Labels:  make([]int, r.batchSize),
		Indices: make([]int, r.batchSize),
		pixels:  make([][]byte, r.batchSize),
	}
	if r.number != nil {
		b.Numbers = make([]float32, r.batchSize)
	}
	return b
}

// fill puts batch i of the epoch into b.
func (r *run) fill(b *Batch, i int, pipeline *transform.Pipeline) error {
	indices := r.order[i*r.batchSize : min((i+1)*r.batchSize, len(r.order))]
	inChannels, inHeight, inWidth := pipeline.In()
	outChannels, outHeight, outWidth := pipeline.Out()
	in, out := inChannels*inHeight*inWidth, outChannels*outHeight*outWidth

	b.Images = b.Images[:len(indices)*out]
	b.Labels = b.Labels[:len(indices)]
	b.Indices = b.Indices[:len(indices)]
	if r.number != nil {
		b.Numbers = b.Numbers[:len(indices)]
		for k, index := range indices {
			b.Numbers[k] = r.scale.Of(r.number(index))
		}
	}
	for k, index := range indices {
		pixels, label, err := r.dataset.Example(index)
		switch {
		case err != nil:
			return fmt.Errorf("picture %d of the data set cannot be read: %w", index, err)
		case len(pixels) != in:
			return fmt.Errorf("picture %d of the data set has %s, want %dx%dx%d", index, wording.Number(len(pixels), "sample"), inChannels, inHeight, inWidth)
		case label < 0 || label >= r.classes:
			return fmt.Errorf("picture %d of the data set has label %d, want 0 to %d: it has %s", index, label, r.classes-1, wording.Number(r.classes, "class"))
		}
		b.pixels[k] = pixels
		b.Labels[k] = label
		b.Indices[k] = index
		// Reading a byte of every cache line now lets the memory bring all the
		// pictures of the batch at once, which takes a quarter of the time off a
		// shuffled epoch.
		for at := 0; at < len(pixels); at += 64 {
			b.touched += pixels[at]
		}
	}
	for k := range indices {
		pipeline.SeedPicture(r.seed, r.epoch, i*r.batchSize+k, indices[k])
		pipeline.Apply(b.Images[k*out:(k+1)*out], b.pixels[k])
	}
	return nil
}
