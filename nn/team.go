package nn

import (
	"runtime"
	"sync"
	"sync/atomic"
	"time"
)

// team runs one function on several goroutines at once, over and over, at
// intervals of microseconds. A hand-over through a channel costs more than a
// training step of a small network, so waiting members first spin, then yield
// the processor, and park only when nothing has come for a while: an idle team
// burns no processor. A run may be for fewer than all members.
type team struct {
	size int
	// Of the current run, set before it starts: what is run, by how many members, and how
	// many arrivals there were before.
	body    func(worker int)
	members uint64
	before  uint64

	started atomic.Uint64 // the number of the last run, times memberUnit, and its members
	_       [56]byte
	arrived atomic.Uint64 // arrivals at barriers, of all members together
	_       [56]byte
	// stalled is how long members have waited at barriers beyond spinning, in
	// nanoseconds, all together.
	stalled atomic.Int64
	closed  atomic.Bool
	mutex   sync.Mutex
	wake    sync.Cond     // a run has started, or the team is closed
	parked  []atomic.Bool // who waits for wake
	// waiting is how many members are parked at a barrier, and gather wakes them.
	waiting atomic.Int64
	gather  sync.Cond
}

// memberUnit is more than a team has members.
const memberUnit = 1 << 16

// How long a member spins before it yields, 2 microseconds on a Zen 4, and for how long it
// does so before it parks. Waking a parked member takes as long as a step or
// two of a small network, so there must be time to prepare the next batch. At a
// barrier, where the others are at work, a member stays awake for ten times as long: a
// stage that only one member has something to do in may take longer than that, and
// in a container that is granted a share of a processor, who waits awake takes it
// from who works. Who yields takes a lock of Go's scheduler, for which many that did
// nothing else would wait for each other.
const (
	spinRounds       = 4000
	awakeBetweenRuns = 90 * time.Microsecond
	awakeAtBarriers  = 10 * awakeBetweenRuns
)

// newTeam starts size-1 goroutines; the caller of run is the remaining member.
func newTeam(size int) *team {
	size = min(size, memberUnit-1)
	t := &team{size: size, parked: make([]atomic.Bool, size)}
	t.wake.L, t.gather.L = &t.mutex, &t.mutex
	for worker := 1; worker < size; worker++ {
		go t.serve(worker)
	}
	return t
}

// run calls body(0) to body(members-1), each on its own goroutine, and returns
// when all have returned. Calls must not overlap.
func (t *team) run(members int, body func(worker int)) {
	if members == 1 {
		body(0)
		return
	}
	t.body, t.members, t.before = body, uint64(members), t.arrived.Load()
	t.started.Store((t.started.Load()/memberUnit+1)*memberUnit + t.members)
	for worker := 1; worker < members; worker++ {
		if t.parked[worker].Load() {
			t.mutex.Lock()
			t.wake.Broadcast()
			t.mutex.Unlock()
			break
		}
	}
	body(0)
	t.barrier()
	t.body = nil // a parked team must not keep its program alive
}

// barrier makes every member of a run of several wait for all others. Every one must call
// it equally often within a run.
func (t *team) barrier() {
	members, before := t.members, t.before // which the next run may change once all have arrived
	arrival := t.arrived.Add(1)
	target := before + (arrival-before+members-1)/members*members
	if arrival == target {
		if t.waiting.Load() > 0 {
			t.mutex.Lock()
			t.gather.Broadcast()
			t.mutex.Unlock()
		}
		return
	}
	for range spinRounds {
		if t.arrived.Load() >= target {
			return
		}
	}
	start := time.Now()
	for round := 1; t.arrived.Load() < target; round++ {
		if round%spinRounds != 0 {
			continue
		}
		if time.Since(start) < awakeAtBarriers {
			runtime.Gosched()
			continue
		}
		t.mutex.Lock()
		t.waiting.Add(1)
		for t.arrived.Load() < target {
			t.gather.Wait()
		}
		t.waiting.Add(-1)
		t.mutex.Unlock()
	}
	t.stalled.Add(int64(time.Since(start)))
}

// wants says whether a run has started, after the one of that number, that the worker is a
// member of, and returns its number. None ends before all of its members have begun it.
func (t *team) wants(worker int, after uint64) (run uint64, ok bool) {
	started := t.started.Load()
	run = started / memberUnit
	return run, run != after && uint64(worker) < started%memberUnit
}

func (t *team) serve(worker int) {
	last := uint64(0)
	for {
		run, ok := t.wants(worker, last)
		var since time.Time // it has spun for the first time
		for round := 1; !ok; round++ {
			switch {
			case round%spinRounds != 0:
			case round == spinRounds:
				since = time.Now()
			case time.Since(since) < awakeBetweenRuns:
				runtime.Gosched()
			case t.park(worker, last):
				return
			}
			run, ok = t.wants(worker, last)
		}
		last = run
		t.body(worker)
		t.barrier()
	}
}

// park waits without a processor until a run after the one of that number wants the worker,
// or the team is closed, which it returns.
func (t *team) park(worker int, after uint64) (closed bool) {
	t.mutex.Lock()
	defer t.mutex.Unlock()
	t.parked[worker].Store(true)
	defer t.parked[worker].Store(false)
	for {
		if _, ok := t.wants(worker, after); ok || t.closed.Load() {
			return t.closed.Load()
		}
		t.wake.Wait()
	}
}

// close ends the team's goroutines. It must not overlap with run.
func (t *team) close() {
	t.closed.Store(true)
	t.mutex.Lock()
	t.wake.Broadcast()
	t.mutex.Unlock()
}
