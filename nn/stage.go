package nn

import (
	"cmp"
	"slices"
)

// A program is a list of stages. A stage says along which axis its work may be
// divided among workers, what it runs and which memory it touches; from that follow
// the phases (stages without a barrier between them) and the layout of the memory.

// axis is what the work of a stage is divided along.
type axis uint8

const (
	examples axis = iota // run gets some of the examples of the batch
	units                // run gets some of the stage's units: rows of weights, channels
	once                 // run is called once, by one worker, for the whole batch
	tasks                // run is not called: the stage is gradients and updates, see task
)

// stage is work between two moments at which all workers agree. What one unit of
// its axis needs, no other unit of the same stage makes.
type stage struct {
	axis  axis
	units int
	run   func(w work)
	// unitsOf is the number of units where that depends on how many examples the batch
	// has.
	unitsOf func(examples int) int
	// inTurn is how many examples of a chunk go at a time through the stages of the same
	// turn; 0 is all.
	inTurn, turn int
	// parts are, one after the other, what run does, if that can be divided otherwise
	// than by examples.
	parts []part
	// sharded: a stage over examples that adds to sums, and so must be given
	// those of one shard at a time.
	sharded bool
	// touches is all memory that the stage reads or writes, and sets what of it
	// held nothing before: that which no earlier stage touches. A plan finds out
	// sets.
	touches, sets []*buffer
	// again: the stage has run before in this step, and runs again in the backward
	// pass, so that what it makes need not be kept until then.
	again bool
	// over, unless nil, are a buffer that the stage may put where the other one is:
	// it does not read an element after it has set that of the same place.
	over [2]*buffer
	// statistics: it is not to run again, as it leaves something for good.
	statistics bool
	// cheap: it takes little time, and what it touches besides what it sets is
	// kept for the backward pass anyway; so rather than keep what it sets, too,
	// it runs again.
	cheap bool

	tasks  []*task
	shares [][]*task // of each worker

	of        *origin // nil if it is none of the network's operations
	algorithm string
}

// work is one worker's piece of a stage: examples or units first..last-1.
type work struct {
	worker, shard int
	first, last   int
	count         int // examples of the batch
	// again: the same work was done before for this batch, so what is to happen
	// once a step has happened.
	again bool
	// shift is added to the number of an example to find it in a local buffer.
	shift int
}

// buffer is the memory of a value, of its gradient or of what an operation
// needs besides. It is laid out when all stages are known, so stages must not
// look at data before they run.
type buffer struct {
	data []float32
	ints []int32
	size int // elements of one example; of the whole if stride is 0
	// stride is the distance from one example to the next, 0 where memory is
	// not divided by examples.
	stride  int
	integer bool
	// zeros: what lies between the elements is zero at the start and stays it
	// (surplus lanes, borders), so the memory is not shared with others.
	zeros bool

	// started is set while stages are made: something was put into the gradient.
	started bool

	// kept: what it holds is needed to the end.
	kept bool

	spans []lifespan // the times in which it holds something
	local bool       // holds only the examples that workers have in hand
}

// lifespan is a time in which a buffer holds something: from the stage that sets it to the
// last one that reads that, both counted from 0 in the order of a program, and their
// phases.
type lifespan struct {
	first, last, firstPhase, lastPhase int
	// over is a buffer over which the stage may put it.
	over *buffer
}

// index returns where example i starts.
func (b *buffer) index(w *work, i int) int {
	if b.local {
		i += w.shift
	}
	return i * b.stride
}

// from returns the memory of example i and all after it.
func (b *buffer) from(w *work, i int) []float32 { return b.data[b.index(w, i):] }

// fromOrNil is from, or nil if there is no buffer.
func (b *buffer) fromOrNil(w *work, i int) []float32 {
	if b == nil {
		return nil
	}
	return b.from(w, i)
}

// part returns the elements of example i.
func (b *buffer) part(w *work, i int) []float32 { return b.data[b.index(w, i):][:b.size:b.size] }

// parts returns the elements of examples first..last-1, which must lie one
// right after another.
func (b *buffer) parts(w *work, first, last int) []float32 {
	return b.data[b.index(w, first):][: (last-first)*b.size : (last-first)*b.size]
}

func (b *buffer) intParts(w *work, first, last int) []int32 {
	return b.ints[b.index(w, first):][: (last-first)*b.size : (last-first)*b.size]
}

// start returns whether the stage that is being made has to add to the gradient
// rather than to set it: each but the first adds.
func (b *buffer) start() (adds bool) {
	adds, b.started = b.started, true
	return adds
}

// dense reports whether examples lie one right after another.
func (b *buffer) dense() bool { return b.stride == b.size || b.stride == 0 }

// phase is the stages between two barriers.
type phase []*stage

// schedule puts neighbouring stages over examples into one phase, and every other
// stage into one of its own.
func schedule(stages []*stage) []phase {
	var list []phase
	for i, s := range stages {
		if i > 0 && s.axis == examples && stages[i-1].axis == examples {
			last := &list[len(list)-1]
			*last = append(*last, s)
		} else {
			list = append(list, phase{s})
		}
	}
	return list
}

// findSets finds out for each of a program's stages, in order, which buffers it is the
// first to touch.
func findSets(stages []*stage) {
	touched := map[*buffer]bool{}
	for _, s := range stages {
		if s.again {
			continue // it sets what it did the first time
		}
		s.sets = nil
		for _, b := range s.touches {
			if !touched[b] {
				touched[b] = true
				s.sets = append(s.sets, b)
			}
		}
	}
}

// lifetimes finds out which buffers are used when, given the phases of the
// program in order. The stages of forward may also be run without those behind
// them.
func lifetimes(buffers []*buffer, phases []phase, forward []*stage) {
	ahead := map[*stage]bool{} // of the backward pass
	for _, s := range forward {
		ahead[s] = true
	}
	for _, b := range buffers {
		b.spans, b.local = nil, b.stride > 0 && !b.kept
	}
	now, setAhead := 0, map[*buffer]bool{}
	for number, ph := range phases {
		for _, s := range ph {
			for _, b := range s.sets {
				b.spans = append(b.spans, lifespan{now, now, number, number, nil})
				if s.over[0] == b {
					b.spans[len(b.spans)-1].over = s.over[1]
				}
				setAhead[b] = ahead[s]
			}
			for _, b := range s.touches {
				at := &b.spans[len(b.spans)-1]
				at.last, at.lastPhase = now, number
				if at.firstPhase != number || s.axis != examples || setAhead[b] != ahead[s] {
					b.local = false
				}
			}
			now++
		}
	}
	for _, b := range buffers {
		if b.kept && len(b.spans) > 0 {
			last := &b.spans[len(b.spans)-1]
			last.last, last.lastPhase = now, len(phases)
		}
	}
}

// excludes reports whether a buffer cannot have the memory of another, or parts of it.
// Workers have other examples in hand in the same phase. So what one stage of a phase
// reads and a later one of the phase sets can share memory only if the place of every
// example is the same.
func (b *buffer) excludes(other *buffer, samePlace bool) bool {
	samePlace = samePlace && b.stride > 0 && b.stride == other.stride && b.local == other.local
	for _, x := range b.spans {
		for _, y := range other.spans {
			apart := x.lastPhase < y.firstPhase || y.lastPhase < x.firstPhase
			inTurn := x.last < y.first || y.last < x.first ||
				x.first == y.last && x.over == other || y.first == x.last && y.over == b
			if !apart && !(samePlace && inTurn) {
				return true
			}
		}
	}
	return false
}

// layOut gives the buffers their memory, with room for so many examples in
// whole ones and so many in local ones: a part of the arena, if it is large enough, or
// of a new one, which it returns, and how many elements all take. Buffers that are
// not in use at the same time share it.
func layOut(arena []float32, buffers []*buffer, batch, local int) (_ []float32, elements int) {
	const slack = 32 // elements that kernels touch beyond the last
	sizes := map[*buffer]int{}
	var shared []*buffer
	for _, b := range buffers {
		n := b.size
		switch {
		case len(b.spans) == 0:
			continue
		case b.stride > 0 && b.local:
			n = b.stride * local
		case b.stride > 0:
			n = b.stride * batch
		}
		n = roundUp(n+slack, 16)
		sizes[b] = n
		switch {
		case b.integer:
			b.ints = make([]int32, n)
			elements += n
		case b.zeros:
			b.data = alignedFloats(n)
			elements += n
		default:
			shared = append(shared, b)
		}
	}
	// No order of placing them is the best for all programs.
	duration := func(b *buffer) (n int) {
		for _, l := range b.spans {
			n += l.last - l.first + 1
		}
		return n
	}
	orders := []func(a, b *buffer) int{
		func(a, b *buffer) int { return sizes[b] - sizes[a] },
		func(a, b *buffer) int { return cmp.Or(sizes[b]-sizes[a], duration(b)-duration(a)) },
		func(a, b *buffer) int { return cmp.Or(duration(b)-duration(a), sizes[b]-sizes[a]) },
	}
	offsets, size := map[*buffer]int{}, -1
	for _, order := range orders {
		slices.SortStableFunc(shared, order)
		if at, n := placeAll(shared, sizes); size < 0 || n < size {
			offsets, size = at, n
		}
	}
	if size > cap(arena) {
		arena = alignedFloats(size)
	}
	arena = arena[:size]
	for _, b := range shared {
		b.data = arena[offsets[b] : offsets[b]+sizes[b] : offsets[b]+sizes[b]]
	}
	return arena, elements + cap(arena)
}

// placeAll gives each buffer in turn the lowest place where none is that it cannot
// share memory with, and returns the places and the size of all.
func placeAll(buffers []*buffer, sizes map[*buffer]int) (offsets map[*buffer]int, size int) {
	offsets = map[*buffer]int{}
	for i, b := range buffers {
		at := 0
		for moved := true; moved; {
			moved = false
			for _, other := range buffers[:i] {
				from, to := offsets[other], offsets[other]+sizes[other]
				if at < to && from < at+sizes[b] && b.excludes(other, at == from) {
					at, moved = to, true
				}
			}
		}
		offsets[b] = at
		size = max(size, at+sizes[b])
	}
	return offsets, size
}

// place is where a value lies while a program runs.
type place struct {
	shape Shape // of one example, without the batch; of the whole if rows is 0
	kind  Type
	rows  int // along the first dimension for each example
	// gradient is nil where nobody needs it.
	values, gradient *buffer
	// channelsLast: pictures lie pixel by pixel, with storedChannels floats a
	// pixel. Otherwise they are planar, as in PyTorch.
	channelsLast bool
	relu         bool // values are the output of a ReLU that is fused into their producer
}

// pixelStep and channelStep are the distances between neighbouring pixels and
// neighbouring channels.
func (p *place) pixelStep() int {
	if p.channelsLast {
		return storedChannels(p.shape[0])
	}
	return 1
}

func (p *place) channelStep() int {
	if p.channelsLast {
		return 1
	}
	return p.shape[1:].Elements()
}
