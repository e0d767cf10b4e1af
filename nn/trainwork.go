package nn

import "inkling/internal/kernel"

// A training step has two phases with a barrier between them. In the first,
// each worker takes some shards of the batch forward and backward; what one
// example needs, no other example has. In the second, each worker takes some
// tasks: it sums what the shards gathered into gradients, in the order of the
// shards, and updates the parameters. A worker has the same tasks each time,
// so parameters and momentum stay in its cache.

func (p *TrainProgram) stepWork(worker int) {
	p.pass(worker, true, true)
	p.team.barrier()
	for _, k := range p.tasksOf(worker) {
		gradient := p.scratch[worker][:len(k.values)]
		k.of.compute(gradient, k.from, k.to, p.count)
		p.update(k, gradient)
	}
}

func (p *TrainProgram) forwardWork(worker int) { p.pass(worker, true, false) }

func (p *TrainProgram) backwardWork(worker int) {
	p.pass(worker, false, true)
	p.team.barrier()
	for _, k := range p.tasksOf(worker) {
		gradient := p.scratch[worker][:len(k.values)]
		k.of.compute(gradient, k.from, k.to, p.count)
		kernel.Add(k.keptGradient(), gradient)
	}
}

func (p *TrainProgram) updateWork(worker int) {
	for _, k := range p.tasksOf(worker) {
		p.update(k, k.keptGradient())
	}
}

func (p *TrainProgram) tasksOf(worker int) []task {
	return p.tasks[p.taskFrom[worker]:p.taskFrom[worker+1]]
}

func (k *task) keptGradient() []float32 {
	size := k.of.rowSize()
	return k.of.gradient[k.from*size : k.to*size]
}

func (p *TrainProgram) update(k task, gradient []float32) {
	p.optimizer.Update(k.values, gradient, k.slots)
	if k.of.updated != nil {
		k.of.updated(k.from, k.to)
	}
}

// shardStart returns the first example of a shard of the current batch.
func (p *TrainProgram) shardStart(shard int) int { return p.count * shard / p.shards }

// pass takes a worker's shards through the network, a chunk of examples at a
// time: shards that together fit into one chunk, or a part of one shard.
func (p *TrainProgram) pass(worker int, forward, backward bool) {
	from, to := share(p.shards, p.team.size, worker)
	for shard := from; shard < to; {
		end := shard + 1
		for end < to && p.shardStart(end+1)-p.shardStart(shard) <= trainingChunk {
			end++
		}
		clear(p.losses[shard:end])
		last := p.shardStart(end)
		for first := p.shardStart(shard); first < last; first += trainingChunk {
			chunk := min(first+trainingChunk, last)
			if forward {
				p.forwardChunk(first, chunk)
			}
			if backward {
				p.backwardChunk(shard, end, first, chunk)
			}
		}
		shard = end
	}
}

func (p *TrainProgram) forwardChunk(first, last int) {
	for i := first; i < last; i++ {
		copy(p.plan.input.values.from(i), p.images[i*p.inputs:][:p.inputs])
	}
	for _, s := range p.plan.steps {
		s.forward(first, last)
	}
}

// backwardChunk computes the losses and gradients of examples first..last-1,
// which belong to shards shard..end-1.
func (p *TrainProgram) backwardChunk(shard, end, first, last int) {
	for s := shard; s < end; s++ {
		p.addLoss(s, max(first, p.shardStart(s)), min(last, p.shardStart(s+1)), true)
	}
	for _, place := range p.plan.zeroed {
		clear(place.gradient.data[first*place.gradient.stride : last*place.gradient.stride])
	}
	for i := len(p.plan.steps) - 1; i >= 0; i-- {
		step := p.plan.steps[i]
		if !step.sharded() {
			step.backward(shard, first, last)
			continue
		}
		for s := shard; s < end; s++ {
			step.backward(s, max(first, p.shardStart(s)), min(last, p.shardStart(s+1)))
		}
	}
}

// addLoss adds the loss of some examples to that of their shard and, if asked
// to, sets the gradient of the network's outputs.
func (p *TrainProgram) addLoss(shard, first, last int, gradient bool) {
	if first >= last {
		return
	}
	out := p.plan.output
	var rows []float32
	if gradient {
		rows = out.gradient.from(first)
	}
	p.losses[shard] += p.loss.Rows(out.values.from(first), p.classes, out.values.stride, p.labels[first:last], 1/float64(p.count), rows)
}
