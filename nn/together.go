package nn

// In a program for inference a worker takes examples through the stages. Where there
// are fewer of them than workers could take, the workers go through the stages
// together: a stage that has parts is divided by what it computes (tiles of a
// convolution, rows of weights), any other one by examples. The bits are the same, for
// who computes a number does not decide how.

// together is how many multiply-adds a forward pass has to have for that: less takes no
// longer than the waiting for each other.
const together = 8_000_000

// part is work of a stage over examples that may be divided in another way, for few
// examples: run gets some of so many units, of all examples of the batch.
type part struct {
	units func(examples int) int
	run   func(w work)
}

// examplesPart is a part that is divided by examples.
func examplesPart(run func(w work)) part {
	return part{func(examples int) int { return examples }, run}
}

// rowsPart is a part that is divided by the rows of pictures that are so high: run gets
// rows top..bottom-1 of some examples.
func rowsPart(height int, run func(w work, top, bottom int)) part {
	return part{func(examples int) int { return examples * height }, func(w work) {
		for from, to := w.first, w.last; from < to; {
			example, top := from/height, from%height
			bottom := min(top+to-from, height)
			w.first, w.last = example, example+1
			run(w, top, bottom)
			from += bottom - top
		}
	}}
}

// exampleWork is the number of multiply-adds of an example.
func (p *plan) exampleWork() (n int) {
	for _, gr := range p.groups {
		n += p.multiplyAdds(gr, PassForward)
	}
	return n / p.batch
}

// togetherPhases returns the phases of a forward pass for one chunk of examples, which
// all workers go through together.
func (p *Program) togetherPhases() (list []phase) {
	for _, s := range p.plan.forward {
		parts := s.parts
		if s.axis == examples && len(parts) == 0 && !s.sharded {
			parts = []part{examplesPart(s.run)}
		}
		if len(parts) == 0 {
			list = append(list, phase{s})
		}
		for _, one := range parts {
			divided := *s
			divided.axis, divided.run, divided.unitsOf = units, one.run, one.units
			list = append(list, phase{&divided})
		}
	}
	return list
}

// chunks is the number of chunks of the largest batch.
func (p *plan) chunks() int { return (p.batch + inferenceChunk - 1) / inferenceChunk }
