package nn

import "slices"

// Recompute puts part of a network into a training program that does not keep what
// the part computes until the backward pass, but computes it again there: less memory
// for more time. Wrapped around a network's blocks, it leaves only their outputs to
// be kept, for about a third more time:
//
//	x = nn.Recompute(x, block.Forward)
//
// The weights after a step are the same, bit for bit: running statistics follow the
// batch once, and dropout drops the same. Inside of another Recompute, and in a
// program for inference, it does nothing. As torch.utils.checkpoint.
func Recompute(x *Value, part func(x *Value) *Value) *Value {
	g := x.graph
	if g.part > 0 {
		return part(x)
	}
	g.parts++
	g.part = g.parts
	defer func() { g.part = 0 }()
	return part(x)
}

// repetition is some stages of the forward pass that run again in the backward pass,
// before the first stage there that touches what they set.
type repetition struct {
	stages []*stage
	done   bool
}

// repeat has stages of the forward pass run again, for the buffers that they set
// except those of kept.
func (p *plan) repeat(stages []*stage, kept map[*buffer]bool) {
	r := &repetition{}
	for _, s := range stages {
		some := slices.ContainsFunc(s.sets, func(b *buffer) bool { return !kept[b] })
		if !some || s.statistics {
			continue
		}
		r.stages = append(r.stages, s)
		for _, b := range s.sets {
			if !kept[b] {
				p.repetitions[b] = append(p.repetitions[b], r)
			}
		}
	}
}

// findRepetitions decides what is not kept for the backward pass, given the stages
// of each group of operations.
func (p *plan) findRepetitions(stages map[*group][]*stage) {
	p.repetitions = map[*buffer][]*repetition{}
	var parts [][]*stage
	within := map[*stage]int{}
	for _, gr := range p.groups {
		if part := gr.first.part; part > 0 {
			for len(parts) <= part {
				parts = append(parts, nil)
			}
			parts[part] = append(parts[part], stages[gr]...)
			for _, s := range stages[gr] {
				within[s] = part
			}
		}
	}
	for part, list := range parts {
		kept := p.keptBuffers()
		for _, s := range p.forward {
			for _, b := range s.touches {
				if within[s] != part {
					kept[b] = true
				}
			}
		}
		p.repeat(list, kept)
	}
	for _, s := range p.forward {
		if s.cheap {
			p.repeat([]*stage{s}, p.keptBuffers())
		}
	}
}

// keptBuffers returns what is needed to the end.
func (p *plan) keptBuffers() map[*buffer]bool {
	kept := map[*buffer]bool{}
	for _, b := range p.buffers {
		kept[b] = b.kept
	}
	return kept
}

// require puts stages that make a buffer's contents again behind the last of the
// stages.
func (p *plan) require(b *buffer) {
	for _, r := range p.repetitions[b] {
		if r.done {
			continue
		}
		r.done = true
		inside := map[*buffer]bool{}
		for _, s := range r.stages {
			for _, set := range s.sets {
				inside[set] = true
			}
		}
		for _, s := range r.stages {
			for _, needed := range s.touches {
				if !inside[needed] {
					p.require(needed)
				}
			}
			repeated := *s
			repeated.again = true
			p.stage(&repeated)
		}
	}
}

// backwardOf appends the stages that make makes, each behind those that it requires.
func (p *plan) backwardOf(make func()) {
	before := p.stages
	p.stages = nil
	make()
	made := p.stages
	p.stages = before
	for _, s := range made {
		for _, b := range s.touches {
			p.require(b)
		}
		p.stage(s)
	}
}

// dropUnused leaves out stages that run again for nothing.
func dropUnused(stages []*stage) []*stage {
	needed := map[*buffer]bool{}
	var used []*stage
	for _, s := range slices.Backward(stages) {
		if s.again {
			if !slices.ContainsFunc(s.sets, func(b *buffer) bool { return needed[b] }) {
				continue
			}
			for _, b := range s.sets {
				delete(needed, b)
			}
		}
		for _, b := range s.touches {
			if !s.again || !slices.Contains(s.sets, b) {
				needed[b] = true
			}
		}
		used = append(used, s)
	}
	slices.Reverse(used)
	return used
}
