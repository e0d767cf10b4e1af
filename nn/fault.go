package nn

import (
	"fmt"
	"runtime/debug"
)

// An operation may panic while a program runs, say at a number that it looks up and
// that there is not. On a worker's goroutine that would end the process, out of the
// caller's reach. So workers recover, all of them leave the phases behind at the same
// barrier, and the method that runs the program panics in their place: on the caller's
// goroutine, with the layer's name. The program can be used again.

// fault is the first panic of a run.
type fault struct {
	phase     int // in which it happened
	says      string
	cancelled bool // the run was cancelled, which is nobody's fault
}

// guarded runs a phase for a worker.
func (m *machine) guarded(worker, number int) {
	defer func() {
		if r := recover(); r != nil {
			f := &fault{phase: number}
			if _, f.cancelled = r.(cancelledRun); !f.cancelled {
				f.says = describe(r)
			}
			for {
				// Of several, the one of the earliest phase: later ones may follow from it.
				old := m.fault.Load()
				if old != nil && old.phase <= number || m.fault.CompareAndSwap(old, f) {
					return
				}
			}
		}
	}()
	m.runPhase(worker, m.phases[number])
}

// stopped reports whether a worker is to leave out a phase, and all after it. A fault of
// that phase itself does not count: only of those that end at a barrier before it do
// all workers know.
func (m *machine) stopped(number int) bool {
	f := m.fault.Load()
	return f != nil && f.phase < number
}

// surrender panics if a worker did, unless the run was cancelled.
func (m *machine) surrender() {
	f := m.fault.Load()
	if f == nil {
		return
	}
	m.fault.Store(nil)
	m.rerun = false
	for _, sums := range m.plan.gathered {
		clear(sums) // of a step that did not end
	}
	for _, forget := range m.plan.forget {
		forget()
	}
	if m.cancelled = f.cancelled; !m.cancelled {
		panic(f.says)
	}
}

// namedPanic is a panic of an operation, with its layer.
type namedPanic struct{ says string }

// named, when deferred, names the layer of an operation that panics.
func (d *definition) named() {
	if r := recover(); r != nil {
		panic(namedPanic{"nn: " + nodeName(d.node, d.plan.names) + ": " + reason(r)})
	}
}

func describe(r any) string {
	if p, ok := r.(namedPanic); ok {
		return p.says
	}
	return "nn: " + reason(r)
}

// reason is what a panic says. A program's mistake is shown with where it happened, which
// the panic on the caller's goroutine does not show; what an operation refuses is not.
func reason(r any) string {
	if r, ok := r.(refusedNumber); ok {
		return r.Error()
	}
	return fmt.Sprintf("%v\n\n%s", r, debug.Stack())
}

// refusedNumber is what an operation panics with that looks something up by a number
// that is not in 0..count-1.
type refusedNumber struct{ number, count int }

func (r refusedNumber) Error() string {
	return fmt.Sprintf("%d is not in 0..%d", r.number, r.count-1)
}
