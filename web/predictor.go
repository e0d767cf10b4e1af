package web

import (
	"context"
	"runtime"
	"sync"

	"inkling/web/reading"
)

// A predictor runs the network on several goroutines. Whoever is idle takes a
// picture at once; pictures that came meanwhile are taken together. So a lone
// request never waits for company, and under load there are batches.
type predictor struct {
	bytes   int // of a picture, or of what stands for a text or a recording
	jobs    chan *job
	quit    chan struct{}
	workers sync.WaitGroup
	// batched is told the size of every batch.
	batched func(size int)
}

// A job is one picture.
type job struct {
	reading.Ask
	done chan struct{}
}

// newPredictor starts the workers, each with programs like the first.
func newPredictor(first *reading.Programs, workers int, batched func(size int)) (*predictor, error) {
	p := &predictor{bytes: first.Bytes, jobs: make(chan *job, reading.MaxBatch*workers), quit: make(chan struct{}), batched: batched}
	all := []*reading.Programs{first}
	for len(all) < workers {
		own, err := first.Clone()
		if err != nil {
			return nil, err
		}
		all = append(all, own)
	}
	for _, own := range all {
		p.workers.Go(func() { p.work(own) })
	}
	return p, nil
}

// close ends the workers. Jobs that are waiting then are not done.
func (p *predictor) close() {
	close(p.quit)
	p.workers.Wait()
}

func newJob() *job { return &job{done: make(chan struct{})} }

// submit hands a job to the workers.
func (p *predictor) submit(ctx context.Context, j *job) error {
	select {
	case p.jobs <- j:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.quit:
		return errClosed
	}
}

// wait waits until a submitted job is done. If it returns an error, the job may
// still be under way.
func (p *predictor) wait(ctx context.Context, j *job) error {
	select {
	case <-j.done:
		return j.Err
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-p.quit:
		return errClosed
	}
}

func (p *predictor) work(own *reading.Programs) {
	batch, asks := make([]*job, 0, own.Batch), make([]*reading.Ask, 0, own.Batch)
	for {
		select {
		case j := <-p.jobs:
			batch = append(batch[:0], j)
			runtime.Gosched() // let others come along
		case <-p.quit:
			return
		}
	more:
		for len(batch) < own.Batch {
			select {
			case j := <-p.jobs:
				batch = append(batch, j)
			default:
				break more
			}
		}
		asks = asks[:0]
		for _, j := range batch {
			asks = append(asks, &j.Ask)
		}
		p.batched(len(batch))
		own.Read(asks)
		for i, j := range batch {
			close(j.done)
			batch[i], asks[i] = nil, nil
		}
	}
}
