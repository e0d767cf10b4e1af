package nn

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Pass is what a stage of a program is for.
type Pass string

const (
	PassForward Pass = "forward"
	PassAgain   Pass = "forward again" // in the backward pass, rather than kept
	PassInputs  Pass = "inputs"        // gradients of a layer's inputs
	PassWeights Pass = "weights"       // gradients of its parameters
	PassBoth    Pass = "gradients"     // both at once
	PassUpdate  Pass = "update"        // of parameters by their gradients
	PassRest    Pass = "rest"          // what belongs to no layer: inputs, outputs, losses
)

// PlannedStage is a stage of a program: work on some operations of the network in one
// direction.
type PlannedStage struct {
	// Layer is the name in the state dict of the layer that is computed, empty for
	// operations without parameters; of several that are computed together all, with commas
	// between.
	Layer string
	// Operations are the names of the operations that are computed together.
	Operations []string
	// Kind tells more of the first operation, "3x3/2 64-128" of a convolution, and of each
	// layer, with commas between, where several are computed together; it may be empty.
	Kind string
	// Inputs are the shapes of what the operations read, Output that of what they make,
	// for a full batch.
	Inputs []Shape
	Output Shape
	Pass   Pass
	// Algorithm is how it is computed. It depends on the shapes, the batch and the
	// set of kernels alone.
	Algorithm string
	// Division is what the work may be divided by: examples, units (such as rows of
	// weights), tasks (parts of parameters), or once if it is not divided.
	Division string
	// Phase counts the phases of the program from 0. Between phases all workers wait
	// for each other.
	Phase int
	// MultiplyAdds are those of the definition for a full batch, whatever the
	// algorithm does instead. They stand at the first stage of a layer and a pass.
	MultiplyAdds int
	// Bytes is the size of all numbers that the stage reads or writes for a full batch,
	// without those of Packed.
	Bytes int
	// Packed is the size of the layer's copies of parameters in the order that the
	// kernels want, in bytes.
	Packed int
}

// StageTime is how long a stage took.
type StageTime struct {
	PlannedStage
	// Workers are the seconds of each worker. Those of a stage that only some worked on
	// are zero for the others.
	Workers []float64
}

// Seconds is how long all workers together took.
func (s StageTime) Seconds() float64 {
	var sum float64
	for _, t := range s.Workers {
		sum += t
	}
	return sum
}

// origin is the group of operations that stages are made for.
type origin struct {
	group     *group
	algorithm string // of the stages that are being made
	packed    int    // bytes
}

// madeFor marks the stages that lower makes, at once or later, as those of a group.
func (p *plan) madeFor(gr *group, lower func()) {
	of := &origin{group: gr, algorithm: "own kernels"}
	with := func(make func()) {
		before := p.current
		p.current = of
		make()
		p.current = before
	}
	first := len(p.later)
	with(lower)
	for i, make := range p.later[first:] {
		p.later[first+i] = func() { with(make) }
	}
}

// by names the algorithm of the stages that the group at hand makes from now on; at
// first it is said that they have kernels of their own.
func (p *plan) by(algorithm string) {
	if p.current != nil {
		p.current.algorithm = algorithm
	}
}

// multiplier is an Op that multiplies and adds.
type multiplier interface {
	multiplyAdds(inputs []Shape, output Shape) int
}

func (c conv2d) multiplyAdds(_ []Shape, output Shape) int {
	return output.Elements() * (c.in / c.groups) * c.kernel[0] * c.kernel[1]
}

func (t convTranspose2d) multiplyAdds(inputs []Shape, _ Shape) int {
	c := t.transposed
	return inputs[0].Elements() * (c.in / c.groups) * c.kernel[0] * c.kernel[1]
}

func (l linear) multiplyAdds(_ []Shape, output Shape) int { return output.Elements() * l.in }

func (matMul) multiplyAdds(inputs []Shape, output Shape) int {
	return output.Elements() * inputs[0][len(inputs[0])-1]
}

// describer is an Op that tells in a few characters what its settings are.
type describer interface{ describe() string }

func (c conv2d) describe() string {
	text := fmt.Sprintf("%s %d-%d", c.window.describe(), c.in, c.out)
	if c.groups > 1 {
		text += fmt.Sprintf(" in %d groups", c.groups)
	}
	return text
}

func (t convTranspose2d) describe() string {
	c := t.transposed
	c.in, c.out = c.out, c.in
	return c.describe()
}

func (l linear) describe() string { return fmt.Sprintf("%d-%d", l.in, l.out) }

func (w window) describe() string {
	text := fmt.Sprintf("%dx%d", w.kernel[0], w.kernel[1])
	if w.stride != [2]int{1, 1} {
		text += "/" + either(w.stride)
	}
	if w.dilation != [2]int{1, 1} {
		text += " dilated " + either(w.dilation)
	}
	return text
}

// planned describes a stage, as far as it is for one group of operations.
func (p *plan) planned(s *stage, of *origin) PlannedStage {
	d := PlannedStage{Pass: PassRest, Algorithm: s.algorithm, Division: [...]string{"examples", "units", "once", "tasks"}[s.axis], Operations: []string{"copies and sums"}}
	touches := s.touches
	if s.axis == tasks {
		touches = nil
		for _, k := range s.tasks {
			for _, c := range k.of.contributions {
				if c.of != of {
					continue
				}
				d.Algorithm = c.algorithm
				d.Bytes += 2 * 4 * len(k.values)
				for _, b := range c.touches {
					if !slices.Contains(touches, b) {
						touches = append(touches, b)
					}
				}
			}
		}
	}
	for _, b := range touches {
		size := 4 * b.size
		if b.stride > 0 {
			size *= p.batch
		}
		d.Bytes += size
	}
	if of == nil {
		return d
	}
	if d.describe(p, of); of.packed == 0 && s.axis != tasks {
		d.Bytes += 4 * of.group.weights()
	}
	switch backward := slices.Contains(p.backward, s); {
	case s.again:
		d.Pass = PassAgain
	case !backward:
		d.Pass = PassForward
	case s.axis == tasks:
		d.Pass = PassWeights
	case s.sharded:
		d.Pass = PassBoth
	default:
		d.Pass = PassInputs
	}
	d.MultiplyAdds = p.multiplyAdds(of.group, d.Pass)
	return d
}

// describe tells of a group of operations.
func (d *PlannedStage) describe(p *plan, of *origin) {
	d.Packed = of.packed
	for _, in := range of.group.inputs() {
		d.Inputs = append(d.Inputs, in.shape.clone())
	}
	d.Output = of.group.output.shape.clone()
	d.Operations = nil
	for _, n := range of.group.operations() {
		d.Operations = append(d.Operations, n.op.Name())
	}
	var kinds, layers []string
	for _, gr := range of.group.members() {
		if op, ok := gr.first.op.(describer); ok {
			kinds = append(kinds, op.describe())
		}
		for _, param := range gr.first.params {
			if name := p.names[param]; name != "" {
				layers = append(layers, name[:max(strings.LastIndexByte(name, '.'), 0)])
				break
			}
		}
	}
	d.Kind, d.Layer = strings.Join(kinds, ", "), strings.Join(layers, ", ")
}

// multiplyAdds are those of a pass over a group, for a full batch.
func (p *plan) multiplyAdds(gr *group, pass Pass) (n int) {
	for _, one := range gr.members() {
		n += p.multiplyAddsOf(one, pass)
	}
	return n
}

func (p *plan) multiplyAddsOf(gr *group, pass Pass) int {
	op, ok := gr.first.op.(multiplier)
	if !ok {
		return 0
	}
	var shapes []Shape
	passes := 0
	for _, in := range gr.first.inputs {
		shapes = append(shapes, in.shape)
		if p.wanted[in] {
			passes++
		}
	}
	each := op.multiplyAdds(shapes, gr.first.outputs[0].shape)
	if pass == PassBoth && slices.ContainsFunc(gr.first.params, p.trains) {
		passes++
	}
	if pass == PassInputs || pass == PassBoth {
		return each * passes
	}
	return each
}

// profile takes the times of a machine's stages. Only one worker runs at a time.
type profile struct {
	plan          *plan
	phase, worker int
	workers       int
	times         []StageTime
	index         map[profileKey]int
	counted       map[countedPass]bool // whose multiply-adds stand at a stage
	updates       time.Duration        // within the task at hand
}

type profileKey struct {
	phase  int
	stage  *stage
	of     *origin
	update bool
}

type countedPass struct {
	of   *origin
	pass Pass
}

func newProfile(p *plan, workers int) *profile {
	return &profile{plan: p, workers: workers, index: map[profileKey]int{}, counted: map[countedPass]bool{}}
}

// add adds a time to that of a stage.
func (f *profile) add(s *stage, of *origin, update bool, took time.Duration) {
	key := profileKey{f.phase, s, of, update}
	i, ok := f.index[key]
	if !ok {
		t := StageTime{PlannedStage: f.plan.planned(s, of), Workers: make([]float64, f.workers)}
		if t.Phase = f.phase; update {
			t.Pass, t.MultiplyAdds = PassUpdate, 0
		}
		if of != nil {
			if f.counted[countedPass{of, t.Pass}] || t.Pass == PassWeights && f.counted[countedPass{of, PassBoth}] {
				t.MultiplyAdds = 0
			}
			f.counted[countedPass{of, t.Pass}] = true
		}
		i = len(f.times)
		f.index[key], f.times = i, append(f.times, t)
	}
	f.times[i].Workers[f.worker] += took.Seconds()
}

func (f *profile) stage(s *stage, w work) {
	start := time.Now()
	s.run(w)
	f.add(s, s.of, false, time.Since(start))
}

func (f *profile) task(s *stage, k *task, run func()) {
	f.updates = 0
	start := time.Now()
	run()
	took := time.Since(start)
	of := k.of.contributions[0].of
	f.add(s, of, false, took-f.updates)
	if f.updates > 0 {
		f.add(s, of, true, f.updates)
	}
}

// updating takes the time until what it returns is called as that of an update.
func (f *profile) updating() func() {
	start := time.Now()
	return func() { f.updates += time.Since(start) }
}

// rehearse runs phases with all workers' work, one worker after the other.
func (m *machine) rehearse(phases []phase) {
	m.phases = phases
	for number := range phases {
		for worker := range m.active {
			m.profile.worker = worker
			m.guarded(worker, number)
		}
		if m.stopped(number + 1) {
			break
		}
		m.profile.phase++
	}
	m.phases = nil
	m.surrender()
}

// profiled returns how long the stages take that run runs.
func (m *machine) profiled(run func()) []StageTime {
	f := newProfile(m.plan, m.workers)
	m.profile = f
	defer func() { m.profile = nil }()
	run()
	return f.times
}

// Profile computes the outputs of some examples, as Forward, and returns how long each
// stage took, in the order of the program. The work is divided as for all the program's
// workers, but done on this goroutine, one worker's after another's: so Workers tell
// what each of them would have to do, on a machine that need not have as many processors.
func (p *Program) Profile(images []float32) []StageTime {
	return p.profiled(func() { p.Forward(images) })
}

// ProfileAll is Profile for any number of inputs, as ForwardAll.
func (p *Program) ProfileAll(inputs ...Tensor[float32]) []StageTime {
	return p.profiled(func() { p.ForwardAll(inputs...) })
}

// Profile trains on a batch, as Step, and returns how long each stage took, as Profile
// of Program.
func (p *TrainProgram) Profile(images []float32, labels []int) []StageTime {
	return p.profiled(func() { p.Step(images, labels) })
}

// Stages returns the stages of the program in their order.
func (p *Program) Stages() []PlannedStage { return p.planStages(p.phases) }

// Stages returns the stages of a step in their order.
func (p *TrainProgram) Stages() []PlannedStage { return p.planStages(p.stepPhases) }

func (m *machine) planStages(phases []phase) []PlannedStage {
	f := newProfile(m.plan, 1)
	for i, ph := range phases {
		f.phase = i
		for _, s := range ph {
			if s.axis != tasks {
				f.add(s, s.of, false, 0)
			}
			for _, k := range s.tasks {
				f.add(s, k.of.contributions[0].of, false, 0)
			}
		}
	}
	var list []PlannedStage
	for _, t := range f.times {
		list = append(list, t.PlannedStage)
	}
	return list
}
