package nn

import "sync/atomic"

const (
	// inferenceChunk and trainingChunk are how many examples go through the
	// stages of a phase at a time, so that what lies between the stages stays in
	// the processor's cache.
	inferenceChunk = 8
	trainingChunk  = 4
)

// machine runs the phases of a plan on a team of workers.
type machine struct {
	plan    *plan
	workers int // at most
	chunk   int
	team    *team
	active  int // members of the team that take part in the current run
	holders int // members that have room for examples of their own
	crowd   crowd
	profile *profile // nil unless the times of the stages are taken
	// task is run for each of a worker's tasks.
	task func(k *task, w *taskWork)
	work []taskWork // of each worker
	// phases is what is being run, and body what the team runs; kept so that
	// running allocates nothing.
	phases []phase
	rerun  bool // they have been run for this batch before
	body   func(worker int)
	fault  atomic.Pointer[fault]
	watch  func(s *stage, w work, ran bool) // unless nil, is told of each stage
	// cancel, unless nil, ends the current run, which is cancelled then.
	cancel    *atomic.Bool
	cancelled bool
}

// shardStart returns the first example of a shard of the current batch. In
// training a batch always has the same number of shards, whatever the number of
// workers, and gradients are summed within a shard in the order of the examples. For
// inference a shard is a chunk.
func (p *plan) shardStart(shard int) int {
	if !p.train {
		return min(shard*inferenceChunk, p.count)
	}
	return p.count * shard / p.shards
}

// shardCount is the number of shards of the current batch.
func (p *plan) shardCount() int {
	if !p.train {
		return (p.count + inferenceChunk - 1) / inferenceChunk
	}
	return p.shards
}

// setWorkers sets how many goroutines compute. most is the number of parts into which
// the work can be divided, and holders the number of those that are examples.
func (m *machine) setWorkers(n, most, holders int, buffers func(holders int)) {
	if m.team != nil {
		m.team.close()
	}
	m.workers = n
	m.team = newTeam(max(min(n, most), 1))
	m.active, m.holders = m.team.size, min(m.team.size, holders)
	m.plan.setWorkers(m.team.size)
	m.crowd = crowd{}
	m.body = m.runPhases
	buffers(m.holders)
	m.shareTasks()
}

// run runs phases for the current batch.
func (m *machine) run(phases []phase) {
	if m.profile != nil {
		m.active = m.team.size
		m.rehearse(phases)
		return
	}
	m.phases = phases
	m.crowded(m.body)
	m.phases = nil
	m.surrender()
}

func (m *machine) runPhases(worker int) {
	for number := range m.phases {
		if m.stopped(number) {
			return
		}
		m.guarded(worker, number)
		if m.active > 1 {
			m.team.barrier()
		}
	}
}

func (m *machine) runPhase(worker int, ph phase) {
	m.pause()
	first := ph[0]
	switch first.axis {
	case examples:
		if takers := min(m.active, m.holders); worker < takers {
			from, to := share(m.plan.shardCount(), takers, worker)
			m.runExamples(worker, ph, from, to)
		}
	case units:
		n := first.units
		if first.unitsOf != nil {
			n = first.unitsOf(m.plan.count)
		}
		if from, to := share(n, m.active, worker); from < to {
			m.runStage(first, work{worker: worker, first: from, last: to, count: m.plan.count})
		}
	case once:
		if worker == 0 {
			m.runStage(first, work{last: m.plan.count, count: m.plan.count})
		}
	case tasks:
		// A member that runs alone has everybody's tasks.
		from, to := share(len(first.shares), m.active, worker)
		w := &m.work[worker]
		w.worker, w.count = worker, m.plan.count
		for _, list := range first.shares[from:to] {
			for _, k := range list {
				m.pause()
				if m.profile == nil {
					m.task(k, w)
				} else {
					m.profile.task(first, k, func() { m.task(k, w) })
				}
			}
		}
	}
}

// runStage runs a stage, unless it has run for this batch before and is not to run
// again.
func (m *machine) runStage(s *stage, w work) {
	if w.again = m.rerun || s.again; w.again && s.statistics {
		return
	}
	if m.watch != nil {
		m.watch(s, w, false)
	}
	if m.profile == nil {
		s.run(w)
	} else {
		m.profile.stage(s, w)
	}
	if m.watch != nil {
		m.watch(s, w, true)
	}
}

// runExamples takes the examples of shards from..to-1 through stages, a chunk at
// a time: shards that together fit into one, or a part of one shard. Chunks have the
// same examples of a shard whatever the number of workers.
func (m *machine) runExamples(worker int, stages phase, from, to int) {
	p := m.plan
	for shard := from; shard < to; {
		end := shard + 1
		for end < to && p.shardStart(end+1)-p.shardStart(shard) <= m.chunk {
			end++
		}
		for first := p.shardStart(shard); first < p.shardStart(end); first += m.chunk {
			m.pause()
			w := work{worker: worker, shard: shard, first: first, last: min(first+m.chunk, p.shardStart(end)), count: p.count, shift: worker*m.chunk - first}
			for i, next := 0, 0; i < len(stages); i = next {
				s := stages[i]
				next = i + 1
				if !s.sharded {
					for next < len(stages) && stages[next].turn == s.turn && s.turn > 0 {
						next++
					}
					m.runTurn(stages[i:next], w)
					continue
				}
				for of := shard; of < end; of++ {
					part := w
					part.shard, part.first, part.last = of, max(w.first, p.shardStart(of)), min(w.last, p.shardStart(of+1))
					if part.first < part.last {
						m.runStage(s, part)
					}
				}
			}
		}
		shard = end
	}
}

// runTurn takes examples through stages, as many at a time as go in turn.
func (m *machine) runTurn(stages phase, w work) {
	last, step := w.last, stages[0].inTurn
	if step == 0 {
		step = last - w.first
	}
	for ; w.first < last; w.first += step {
		w.last = min(w.first+step, last)
		for _, s := range stages {
			m.runStage(s, w)
		}
	}
}

// shareTasks gives each task to a worker: to the one that has its weights in
// its cache, if there is one, else to the one with least to do.
func (m *machine) shareTasks() {
	size, largest, scratch := m.team.size, 0, 0
	several := false
	for _, s := range m.plan.backward {
		s.shares = nil
		if s.axis != tasks {
			continue
		}
		load := make([]int, size)
		s.shares = make([][]*task, size)
		give := func(k *task, worker int) {
			load[worker] += k.cost()
			s.shares[worker] = append(s.shares[worker], k)
		}
		var free []*task
		for _, k := range s.tasks {
			largest = max(largest, len(k.values))
			several = several || len(k.of.contributions) > 1
			shard := -1
			for _, c := range k.of.contributions {
				scratch = max(scratch, c.scratch)
				if c.shardOf != nil && c.rows == k.of.rows {
					shard = c.shardOf(k.from)
				}
			}
			if shard < 0 {
				free = append(free, k)
				continue
			}
			for worker := range size {
				if from, to := share(m.plan.shards, size, worker); from <= shard && shard < to {
					give(k, worker)
				}
			}
		}
		for _, k := range free {
			least := 0
			for worker := range load {
				if load[worker] < load[least] {
					least = worker
				}
			}
			give(k, least)
		}
	}
	m.work = make([]taskWork, size)
	for i := range m.work {
		m.work[i].gradient, m.work[i].scratch = alignedFloats(largest), alignedFloats(scratch)
		if several {
			m.work[i].second = alignedFloats(largest)
		}
	}
}

// share divides n things among workers: worker w has those from..to-1.
func share(n, workers, worker int) (from, to int) {
	return n * worker / workers, n * (worker + 1) / workers
}
