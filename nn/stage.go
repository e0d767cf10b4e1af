package nn

import "slices"

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
	// sharded: a stage over examples that adds to sums, and so must be given
	// those of one shard at a time.
	sharded bool
	touches []*buffer
	tasks   []*task
	shares  [][]*task // of each worker
}

// work is one worker's piece of a stage: examples or units first..last-1.
type work struct {
	worker, shard int
	first, last   int
	count         int // examples of the batch
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

	first, last int  // phases that touch it, -1 for none
	local       bool // holds only the examples that workers have in hand
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

// lifetimes finds out which buffers are used when, given the phases of the
// program in order. The stages of forward may also be run without those behind
// them, which may be run several times: what both touch is kept to the end.
func lifetimes(buffers []*buffer, phases []phase, forward []*stage) {
	type moment struct {
		phase int
		ahead bool // of the backward pass
	}
	ahead := map[*stage]bool{}
	for _, s := range forward {
		ahead[s] = true
	}
	firstAt, lastAt := map[*buffer]moment{}, map[*buffer]moment{}
	for _, b := range buffers {
		b.first, b.last, b.local = -1, -1, false
	}
	for number, ph := range phases {
		for _, s := range ph {
			now := moment{number, ahead[s]}
			for _, b := range s.touches {
				if b.first < 0 {
					b.first, b.local = number, b.stride > 0
					firstAt[b] = now
				}
				b.last, lastAt[b] = number, now
				if firstAt[b] != now || s.axis != examples {
					b.local = false
				}
			}
		}
	}
	for b, at := range firstAt {
		if at.ahead && !lastAt[b].ahead {
			b.last = len(phases)
		}
	}
}

// layOut gives the buffers their memory, with room for so many examples in
// whole ones and so many in local ones, and returns how many elements that took.
// Buffers that are not in use at the same time share it: the largest first, each
// at the lowest place that is free.
func layOut(buffers []*buffer, batch, local int) (elements int) {
	const slack = 32 // elements that kernels touch beyond the last
	sizes := map[*buffer]int{}
	var shared []*buffer
	for _, b := range buffers {
		n := b.size
		switch {
		case b.first < 0:
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
	slices.SortStableFunc(shared, func(a, b *buffer) int { return sizes[b] - sizes[a] })
	offsets, size := map[*buffer]int{}, 0
	for i, b := range shared {
		at := 0
		for moved := true; moved; {
			moved = false
			for _, other := range shared[:i] {
				if b.first <= other.last && other.first <= b.last && at < offsets[other]+sizes[other] && offsets[other] < at+sizes[b] {
					at, moved = offsets[other]+sizes[other], true
				}
			}
		}
		offsets[b] = at
		size = max(size, at+sizes[b])
	}
	arena := alignedFloats(size)
	for _, b := range shared {
		b.data = arena[offsets[b] : offsets[b]+sizes[b] : offsets[b]+sizes[b]]
	}
	return elements + size
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
