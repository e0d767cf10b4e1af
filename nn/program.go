package nn

import (
	"fmt"
	"runtime"
)

// inferenceChunk is how many examples go through all steps at a time, so that
// what lies between the steps stays in the processor's cache.
const inferenceChunk = 8

// Program is a network compiled for inference: it computes the outputs of up
// to a fixed number of examples. It shares its weights with the module it was
// compiled from and with its clones, and belongs to one goroutine at a time;
// run Clones side by side. It must not run while the weights are changed.
type Program struct {
	graph   *graph
	names   map[*Param]string
	batch   int
	workers int
	// chunkSize is how many examples go through all steps at a time.
	chunkSize int

	plan   *plan // with room for one chunk of examples a worker
	team   *team
	body   func(worker int)
	inputs int // elements of one example
	width  int // elements of one example's output

	images  []float32
	outputs []float32
	count   int
}

// Compile traces the module on an input of the given shape (batch first, as
// in Compile(net, 64, 1, 28, 28)) and returns a program for inference on up to
// that many examples at a time. Errors name the layer whose shape does not
// fit.
func Compile(module Module, shape ...int) (*Program, error) {
	g, err := trace(module, shape, false)
	if err != nil {
		return nil, err
	}
	if err := checkPlannable(g); err != nil {
		return nil, err
	}
	p := &Program{graph: g, names: paramNames(module), batch: shape[0], workers: runtime.GOMAXPROCS(0)}
	p.prepare()
	return p, nil
}

func (p *Program) prepare() {
	p.inputs, p.width = p.graph.input().shape[1:].Elements(), p.graph.output().shape[1:].Elements()
	p.outputs = make([]float32, p.batch*p.width)
	p.chunkSize = min(inferenceChunk, p.batch)
	for _, n := range p.graph.nodes {
		if batchwise(n.op) {
			p.chunkSize = p.batch
		}
	}
	p.setTeam(min(p.workers, (p.batch+p.chunkSize-1)/p.chunkSize))
}

func (p *Program) setTeam(size int) {
	p.plan = newPlan(p.graph, p.names, size*p.chunkSize, 1, false)
	p.team = newTeam(size)
	p.body = p.work
	if size > 1 {
		runtime.AddCleanup(p, (*team).close, p.team)
	}
}

// SetWorkers sets how many goroutines compute, at most. The default is
// GOMAXPROCS, which a number below 1 leaves as it is; the results do not depend
// on it.
func (p *Program) SetWorkers(n int) {
	if n != p.workers && n > 0 {
		p.team.close()
		p.workers = n
		p.prepare()
	}
}

// Batch returns the largest number of examples of one Forward.
func (p *Program) Batch() int { return p.batch }

// InputShape returns the shape of the images for a full batch.
func (p *Program) InputShape() Shape { return p.graph.input().shape }

// OutputShape returns the shape of the outputs for a full batch.
func (p *Program) OutputShape() Shape { return p.graph.output().shape }

// Clone returns a program of its own memory that shares the weights.
func (p *Program) Clone() *Program {
	c := &Program{graph: p.graph, names: p.names, batch: p.batch, workers: p.workers}
	c.prepare()
	return c
}

// Forward computes the outputs for len(images) / (elements of an example)
// examples, one after another in row-major order, and returns them likewise
// (for a classifier the logits, N x classes). The slice returned is
// overwritten by the next call. It panics if images is not a whole number of
// examples or more than a batch.
func (p *Program) Forward(images []float32) []float32 {
	n := countExamples(len(images), p.inputs, p.batch)
	p.images, p.count = images, n
	for _, c := range p.plan.convs {
		c.repack()
	}
	if n <= p.chunkSize {
		p.chunk(0, 0, n)
	} else {
		p.team.run(p.body)
	}
	p.images = nil
	return p.outputs[:n*p.width]
}

func countExamples(floats, each, batch int) int {
	if n := floats / each; floats%each == 0 && n >= 1 && n <= batch {
		return n
	}
	panic(fmt.Sprintf("nn: got %d floats of images; the program takes 1 to %d examples of %d floats each", floats, batch, each))
}

// work computes one worker's share of the chunks.
func (p *Program) work(worker int) {
	chunks := (p.count + p.chunkSize - 1) / p.chunkSize
	from, to := share(chunks, p.team.size, worker)
	for c := from; c < to; c++ {
		p.chunk(worker*p.chunkSize, c*p.chunkSize, min((c+1)*p.chunkSize, p.count))
	}
}

// chunk computes examples from..to-1, using the memory that starts at slot.
func (p *Program) chunk(slot, from, to int) {
	for i := from; i < to; i++ {
		copy(p.plan.input.values.from(slot+i-from), p.images[i*p.inputs:][:p.inputs])
	}
	for _, s := range p.plan.steps {
		s.forward(slot, slot+to-from)
	}
	for i := from; i < to; i++ {
		copy(p.outputs[i*p.width:], p.plan.output.values.part(slot+i-from, p.width))
	}
}

// share divides n things among workers: worker w has those from..to-1.
func share(n, workers, worker int) (from, to int) {
	return n * worker / workers, n * (worker + 1) / workers
}
