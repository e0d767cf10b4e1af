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
// burns no processor.
type team struct {
	size int
	body func(worker int) // what is being run

	started  atomic.Uint64 // runs started; the signal to begin one
	_        [56]byte
	arrived  atomic.Uint64 // arrivals at barriers, of all members together
	_        [56]byte
	sleeping atomic.Int64
	// stalled is how long members have waited at barriers beyond spinning, in
	// nanoseconds, all together.
	stalled atomic.Int64
	closed  atomic.Bool
	mutex   sync.Mutex
	wake    sync.Cond // a run has started, or the team is closed
	// waiting is how many members are parked at a barrier, and gather wakes them.
	waiting atomic.Int64
	gather  sync.Cond
}

// How long a member spins before it yields, and yields before it parks: 2 and
// 90 microseconds on a Zen 4. Waking a parked member takes as long as a step or
// two of a small network, so there must be time to prepare the next batch. At a
// barrier, where the others are at work, a member yields for ten times as long: a
// stage that only one member has something to do in may take longer than that, and
// in a container that is granted a share of a processor, who waits awake takes it
// from who works.
const (
	spinRounds    = 4000
	yieldRounds   = 1500
	barrierRounds = 10 * yieldRounds
)

// newTeam starts size-1 goroutines; the caller of run is the remaining member.
func newTeam(size int) *team {
	t := &team{size: size}
	t.wake.L, t.gather.L = &t.mutex, &t.mutex
	for worker := 1; worker < size; worker++ {
		go t.serve(worker)
	}
	return t
}

// run calls body(0) to body(size-1), each on its own goroutine, and returns
// when all have returned. Calls must not overlap.
func (t *team) run(body func(worker int)) {
	if t.size == 1 {
		body(0)
		return
	}
	t.body = body
	t.started.Add(1)
	if t.sleeping.Load() > 0 {
		t.mutex.Lock()
		t.wake.Broadcast()
		t.mutex.Unlock()
	}
	body(0)
	t.barrier()
	t.body = nil // a parked team must not keep its program alive
}

// barrier makes every member wait for all others. Every member must call it
// equally often within a run.
func (t *team) barrier() {
	if t.size == 1 {
		return
	}
	size := uint64(t.size)
	arrival := t.arrived.Add(1)
	target := (arrival + size - 1) / size * size
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
	for round := 0; t.arrived.Load() < target; round++ {
		if round < barrierRounds {
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

func (t *team) serve(worker int) {
	for run := uint64(1); ; run++ {
		for round := 0; t.started.Load() < run; round++ {
			if round < spinRounds {
				continue
			}
			if round < spinRounds+yieldRounds {
				runtime.Gosched()
				continue
			}
			t.mutex.Lock()
			t.sleeping.Add(1)
			for t.started.Load() < run && !t.closed.Load() {
				t.wake.Wait()
			}
			t.sleeping.Add(-1)
			t.mutex.Unlock()
			if t.closed.Load() {
				return
			}
		}
		t.body(worker)
		t.barrier()
	}
}

// close ends the team's goroutines. It must not overlap with run.
func (t *team) close() {
	t.closed.Store(true)
	t.mutex.Lock()
	t.wake.Broadcast()
	t.mutex.Unlock()
}
