package nn

import (
	"fmt"
	"math"
	"reflect"
	"slices"

	"inkling/internal/kernel"
)

// cohort is the parameters that one optimizer changes and that have had as many
// updates: they share the factors of a step.
type cohort struct {
	// given is the user's optimizer. What updates is it, or a copy for parameters
	// of another age.
	given, optimizer Optimizer
	lead             *parameterState // of one of them
}

// begin prepares a step.
func (c *cohort) begin() {
	if c.optimizer != c.given { // its settings may have been changed
		reflect.ValueOf(c.optimizer).Elem().Set(reflect.ValueOf(c.given).Elem())
	}
	c.optimizer.Begin(c.lead.steps + 1)
}

// group puts the trained parameters into cohorts.
func (p *TrainProgram) group() {
	p.cohorts = nil
	for _, t := range p.plan.trained {
		given := p.optimizers[t.param]
		var mine *cohort
		first := true
		for _, c := range p.cohorts {
			if c.given == given {
				first = false
				if c.lead.steps == t.state.steps {
					mine = c
				}
			}
		}
		if mine == nil {
			mine = &cohort{given: given, optimizer: given, lead: t.state}
			if v := reflect.ValueOf(given); !first && v.Kind() == reflect.Pointer {
				mine.optimizer = reflect.New(v.Type().Elem()).Interface().(Optimizer)
			}
			p.cohorts = append(p.cohorts, mine)
		}
		t.cohort = mine
	}
}

// prepareUpdates gives the trained parameters what outlives a step, and their tasks
// their parts of it.
func (p *TrainProgram) prepareUpdates() error {
	for _, t := range p.plan.trained {
		given := p.optimizers[t.param]
		if given == nil { // a parameter of the loss, or one that names do not reach
			if given = p.training.Optimizer; isNil(given) {
				return fmt.Errorf("nn: a parameter of shape %v, which has no name, is in no group: give an Optimizer for the rest", t.param.shape)
			}
			p.optimizers[t.param] = given
		}
		_, t.whole = given.(WholeTensorOptimizer)
		s := p.state.params[t.param]
		if s == nil {
			s = &parameterState{}
			p.state.params[t.param] = s
		}
		t.state = s
		size := len(t.param.data)
		if t.whole {
			size = t.param.shape.Elements()
			if !slices.Equal(t.param.strides, rowMajor(t.param.shape)) {
				t.offsets = offsetsOf(t.param)
			}
		}
		for len(s.slots) < given.Slots() {
			s.slots = append(s.slots, alignedFloats(size))
		}
		if p.training.Average != nil && s.average == nil {
			s.average = alignedFloats(len(t.param.data))
			copy(s.average, t.param.data)
		}
		if t.whole || !p.direct() {
			p.keep(t)
		}
	}
	p.group()
	for _, s := range p.plan.backward {
		if s.axis != tasks {
			continue
		}
		p.updatePhases = append(p.updatePhases, phase{s})
		for _, k := range s.tasks {
			if k.of.state.average != nil {
				k.average = k.part(k.of.state.average)
			}
			for _, slot := range k.of.state.slots {
				if !k.of.whole {
					k.slots = append(k.slots, k.part(slot))
				}
			}
		}
	}
	p.taskPhases = slices.Clone(p.updatePhases)
	stages := slices.Concat(p.plan.forward, p.plan.loss, p.plan.backward)
	p.forwardPhases, p.lossPhases = schedule(p.plan.forward), schedule(p.plan.loss)
	p.backwardPhases, p.gatherPhases = schedule(slices.Concat(p.plan.loss, p.plan.backward)), schedule(stages)
	if s := p.wholeStage(); s != nil {
		stages = append(stages, s)
		p.updatePhases = append(p.updatePhases, phase{s})
	}
	p.stepPhases = schedule(stages)
	p.stepTask, p.gatherTask, p.backwardTask, p.updateTask, p.measureTask = p.gradientAndUpdate, p.gather, p.addGradient, p.updateKept, p.measure
	p.prepareAverage(p.named)
	return nil
}

// direct reports whether a gradient is used as soon as it is computed: nothing has to
// wait for the others.
func (p *TrainProgram) direct() bool { return p.training.Accumulate <= 1 && p.training.ClipNorm == 0 }

func (p *TrainProgram) keep(t *trained) {
	if t.state.gradient == nil {
		t.state.gradient = alignedFloats(len(t.param.data))
	}
}

func (p *TrainProgram) keepGradients() {
	for _, t := range p.plan.trained {
		p.keep(t)
	}
}

// begin prepares the optimizers for a step.
func (p *TrainProgram) begin() {
	for _, t := range p.plan.trained {
		if t.state.steps != t.cohort.lead.steps {
			p.group()
			break
		}
	}
	for _, c := range p.cohorts {
		c.begin()
	}
	p.averageFirst = p.state.averaged == 0
}

// finishUpdate follows a step.
func (p *TrainProgram) finishUpdate() {
	p.state.steps++
	for _, t := range p.plan.trained {
		t.state.steps++
		t.param.version = newVersion()
	}
	for _, follow := range p.plan.followed {
		follow() // what was brought up to date as the weights were
	}
	p.state.pending, p.state.before = 0, 0
	if p.training.Average != nil {
		p.averageRest()
		p.state.averaged++
	}
}

func (p *TrainProgram) gradientAndUpdate(k *task, w *taskWork) {
	if p.held() {
		return
	}
	gradient := w.gradient[:len(k.values)]
	k.compute(w, gradient)
	p.clipValues(gradient)
	if k.of.whole {
		copy(k.keptGradient(), gradient)
		return
	}
	p.update(k, gradient)
}

// update changes the task's rows.
func (p *TrainProgram) update(k *task, gradient []float32) {
	if p.profile != nil {
		defer p.profile.updating()()
	}
	k.of.cohort.optimizer.Update(k.values, gradient, k.slots)
	k.updated()
	if k.average != nil {
		p.follow(k.average, k.values)
	}
}

// gather adds the gradient of a step to those of the steps before it.
func (p *TrainProgram) gather(k *task, w *taskWork) {
	if p.held() {
		return
	}
	if p.state.pending > 0 {
		p.addGradient(k, w)
		return
	}
	gradient := w.gradient[:len(k.values)]
	k.compute(w, gradient)
	copy(k.keptGradient(), gradient)
}

func (p *TrainProgram) addGradient(k *task, w *taskWork) {
	gradient := w.gradient[:len(k.values)]
	k.compute(w, gradient)
	kernel.Add(k.keptGradient(), gradient)
}

func (p *TrainProgram) updateKept(k *task, _ *taskWork) {
	gradient := k.keptGradient()
	if p.factor != 1 {
		for i := range gradient {
			gradient[i] *= p.factor
		}
	}
	if !k.of.whole {
		p.update(k, gradient)
	}
}

// measure limits the elements of a kept gradient, and adds up their squares.
func (p *TrainProgram) measure(k *task, _ *taskWork) {
	gradient := k.keptGradient()
	p.clipValues(gradient)
	k.squares = 0
	for _, g := range gradient {
		k.squares += float64(g) * float64(g)
	}
}

func (p *TrainProgram) clipValues(gradient []float32) {
	if p.training.ClipValue == 0 {
		return
	}
	most := float32(p.training.ClipValue)
	for i, g := range gradient {
		if g > most {
			gradient[i] = most
		} else if g < -most {
			gradient[i] = -most
		}
	}
}

// clip prepares the kept gradients for an update.
func (p *TrainProgram) clip() {
	p.factor = 1
	if p.training.ClipNorm == 0 && p.training.ClipValue == 0 {
		return
	}
	p.task = p.measureTask
	p.run(p.taskPhases)
	if p.training.ClipNorm == 0 {
		return
	}
	var squares float64
	for _, ph := range p.taskPhases {
		for _, k := range ph[0].tasks {
			squares += k.squares
		}
	}
	p.norm = math.Sqrt(squares)
	if factor := p.training.ClipNorm / (p.norm + 1e-6); !(factor >= 1) {
		p.factor = float32(factor)
	}
}

// wholeStage returns the stage that updates the parameters whose optimizers want
// them as a whole, nil if there are none. Each worker has some of them, so many that
// they have as much to do.
func (p *TrainProgram) wholeStage() *stage {
	var list []*trained
	for _, t := range p.plan.trained {
		if t.whole {
			list = append(list, t)
		}
	}
	if len(list) == 0 {
		return nil
	}
	slices.SortStableFunc(list, func(a, b *trained) int { return len(b.param.data) - len(a.param.data) })
	var values, scratch int
	for _, t := range list {
		values = max(values, t.param.shape.Elements())
		scratch = max(scratch, p.optimizers[t.param].(WholeTensorOptimizer).Scratch(t.param.shape))
	}
	var bins [][]*trained
	var room [][3][]float32 // of each worker: a parameter, its gradient, scratch
	s := &stage{axis: units}
	p.plan.workers = append(p.plan.workers, func(n int) {
		s.units, bins, room = n, make([][]*trained, n), nil
		p.wholeRoom = 4 * n * (2*values + scratch)
		load := make([]int, n)
		for range n {
			room = append(room, [3][]float32{alignedFloats(values), alignedFloats(values), alignedFloats(scratch)})
		}
		for _, t := range list {
			least := 0
			for i := range load {
				if load[i] < load[least] {
					least = i
				}
			}
			load[least] += len(t.param.data)
			bins[least] = append(bins[least], t)
		}
	})
	s.run = func(w work) {
		if p.held() {
			return
		}
		for _, bin := range bins[w.first:w.last] {
			for _, t := range bin {
				p.updateWhole(t, &room[w.worker])
			}
		}
	}
	return s
}

func (p *TrainProgram) updateWhole(t *trained, room *[3][]float32) {
	shape, n := t.param.shape, t.param.shape.Elements()
	parameter, gradient := t.param.data[:min(n, len(t.param.data))], t.state.gradient
	if t.offsets != nil {
		parameter, gradient = room[0][:n], room[1][:n]
		for i, at := range t.offsets {
			parameter[i], gradient[i] = t.param.data[at], t.state.gradient[at]
		}
	}
	t.cohort.optimizer.(WholeTensorOptimizer).UpdateTensor(shape, parameter, gradient[:n], t.state.slots, room[2])
	for i, at := range t.offsets {
		t.param.data[at] = parameter[i]
	}
	for _, c := range t.contributions {
		if c.updated != nil {
			c.updated(0, c.rows)
		}
	}
	if t.state.average != nil {
		p.follow(t.state.average, t.param.data)
	}
}
