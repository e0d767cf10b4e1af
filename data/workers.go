package data

import (
	"context"
	"sync"

	"inkling/transform"
)

// chunkSamples is how many samples a worker hands over at once. Handing over
// through a channel costs some 50 microseconds when the other side sleeps, as
// much as training on a batch of four small pictures; so many batches travel
// together.
const chunkSamples = 1 << 16

// A chunk is a number of batches that follow one another.
type chunk struct {
	batches []*Batch
	ready   int   // how many of them are filled
	err     error // why the next one is not, if so
}

// ahead prepares the batches in goroutines of its own. Worker w of n prepares
// the chunks w, w+n, w+2n, ... and hands them over in its own channel, so that
// taking from the channels in turn gives them in order.
func (r *run) ahead(ctx context.Context, pipeline *transform.Pipeline, workers, prefetch int, yield func(int, *Batch) bool) error {
	channels, height, width := pipeline.Out()
	perChunk := max(1, chunkSamples/(r.batchSize*channels*height*width))
	batches := r.batches - r.skip
	perChunk = min(perChunk, (batches-1)/workers+1)
	chunks := (batches + perChunk - 1) / perChunk
	workers, prefetch = min(workers, chunks), min(prefetch, chunks)

	var all sync.WaitGroup
	stop := make(chan struct{})
	defer func() {
		close(stop)
		if ctx.Err() == nil { // else a picture that takes its time must not hold up the end
			all.Wait()
		}
	}()

	full := make([]chan *chunk, workers)
	empty := make([]chan *chunk, workers)
	for w := range workers {
		// One chunk is being read while prefetch others wait.
		full[w] = make(chan *chunk, prefetch+1)
		empty[w] = make(chan *chunk, prefetch+1)
		for range prefetch + 1 {
			empty[w] <- &chunk{}
		}
		own := pipeline.Clone()
		all.Go(func() {
			for c := w; c < chunks; c += workers {
				select {
				case <-stop:
					return
				case to := <-empty[w]:
					r.fillChunk(to, r.skip+c*perChunk, min(r.skip+(c+1)*perChunk, r.batches), own, stop)
					full[w] <- to
				}
			}
		})
	}

	for c, i := 0, r.skip; c < chunks; c++ {
		var from *chunk
		select {
		case from = <-full[c%workers]:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		for _, batch := range from.batches[:from.ready] {
			if !yield(i, batch) {
				return nil
			}
			i++
		}
		if from.err != nil {
			return from.err
		}
		empty[c%workers] <- from
	}
	return nil
}

// fillChunk puts the batches from first to before last into c. It gives up
// early, with an incomplete chunk nobody will read, when stop is closed.
func (r *run) fillChunk(c *chunk, first, last int, pipeline *transform.Pipeline, stop <-chan struct{}) {
	c.ready, c.err = 0, nil
	for i := first; i < last; i++ {
		select {
		case <-stop:
			return
		default:
		}
		if len(c.batches) == c.ready {
			c.batches = append(c.batches, r.newBatch(pipeline))
		}
		if c.err = r.fill(c.batches[c.ready], i, pipeline); c.err != nil {
			return
		}
		c.ready++
	}
}
