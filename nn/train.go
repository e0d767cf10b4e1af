package nn

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
	"slices"

	"inkling/internal/kernel"
)

// TrainProgram is a network compiled for training: network, loss and
// optimizer together. It shares its weights with the module it was compiled
// from, and belongs to one goroutine.
//
// Step does everything at once. ZeroGrad, Forward, Loss, Backward and Update,
// called one by one, give the same weights, bit for bit.
type TrainProgram struct {
	machine
	output    Shape
	loss      Loss
	soft      SoftLoss // loss, if it is one
	optimizer Optimizer

	// The phases of a forward pass, a backward pass, both, and an update.
	forwardPhases, backwardPhases, stepPhases, updatePhases []phase

	classes int // elements of one example's output

	steps   int         // updates done
	given   [][]float32 // the inputs
	ints    [][]int32
	labels  []int
	targets []float32 // rows of probabilities, in place of labels if not nil
	losses  []float64 // of each shard
	outputs []float32

	// What is done with each task's gradient.
	stepTask, backwardTask, updateTask func(k *task, w *taskWork)
	memory                             int // elements of the plan's buffers
}

// CompileTrain traces the module on an input of the given shape (batch first,
// as in CompileTrain(net, loss, opt, 4, 1, 28, 28)) and returns a program that
// trains it on up to that many examples a step.
//
// Settings of loss and optimizer are checked if they have a method Check() error.
//
// The same weights, data and settings give the same bits, whatever the number
// of workers.
func CompileTrain(module Module, loss Loss, optimizer Optimizer, shape ...int) (*TrainProgram, error) {
	return networkOf(module, shape).CompileTrain(loss, optimizer)
}

// CompileTrain is the function CompileTrain for any number of inputs; the loss
// judges the first output. StepAll trains it.
func (n Network) CompileTrain(loss Loss, optimizer Optimizer) (*TrainProgram, error) {
	if isNil(loss) {
		return nil, errors.New("nn: CompileTrain got no loss: give one, such as nn.CrossEntropy{}")
	}
	if isNil(optimizer) {
		return nil, errors.New("nn: CompileTrain got no optimizer: give one, such as &optim.SGD{LR: 0.01, Momentum: 0.9}")
	}
	for _, settings := range []any{loss, optimizer} {
		if c, ok := settings.(interface{ Check() error }); ok {
			if err := c.Check(); err != nil {
				return nil, fmt.Errorf("nn: %w", err)
			}
		}
	}
	if _, whole := optimizer.(WholeTensorOptimizer); whole {
		return nil, fmt.Errorf("nn: %T needs parameters as a whole, which a program does not give it yet: call its UpdateTensor with the program's Gradients, or take another optimizer", optimizer)
	}
	g, err := traceAll(n.Module, n.Inputs, n.Forward, true)
	if err != nil {
		return nil, err
	}
	if out := g.output(); out.rows() != 1 || out.kind != Float32 {
		return nil, fmt.Errorf("nn: the network's output, %v of type %v, is not one float32 row for each example of the batch", out.shape, out.kind)
	}
	if err := loss.CheckShape(g.output().shape); err != nil {
		return nil, fmt.Errorf("nn: the network's output does not suit the loss: %w", err)
	}
	p := &TrainProgram{output: g.output().shape, loss: loss, optimizer: optimizer,
		classes: g.output().shape[1:].Elements()}
	p.soft, _ = loss.(SoftLoss)
	p.chunk = trainingChunk
	p.plan = newPlan(g, paramNames(n.Module), shardsOf(g.batch), true)
	p.given, p.ints = make([][]float32, len(g.inputs)), make([][]int32, len(g.inputs))
	p.plan.build(func(plan *plan) { plan.load(p.given, p.ints) }, p.start)
	p.losses = make([]float64, p.plan.shards)
	p.outputs = make([]float32, g.batch*p.classes)
	if len(p.plan.trained) == 0 {
		return nil, errors.New("nn: the network has no parameters to train")
	}
	p.forwardPhases, p.backwardPhases = schedule(p.plan.forward), schedule(p.plan.backward)
	p.stepPhases = schedule(append(slices.Clone(p.plan.forward), p.plan.backward...))
	for _, s := range p.plan.backward {
		if s.axis == tasks {
			p.updatePhases = append(p.updatePhases, phase{s})
			for _, k := range s.tasks {
				p.addSlots(k)
			}
		}
	}
	p.stepTask, p.backwardTask, p.updateTask = p.gradientAndUpdate, p.keepGradient, p.updateKept
	p.SetWorkers(runtime.GOMAXPROCS(0))
	return p, nil
}

// shardsOf is the number of parts into which a batch is divided, whatever the
// number of workers: gradients are summed within a part in the order of the
// examples, and the parts in pairs, so that the sums have the same bits. Parts
// have at least two examples, and there are at most 16.
func shardsOf(batch int) int { return min((batch+1)/2, 16) }

// start makes the stage that computes the losses and the gradient of the outputs.
func (p *TrainProgram) start(plan *plan) {
	out := plan.place(plan.graph.output())
	if out.gradient == nil {
		return // no parameter leads to the output
	}
	out.gradient.start()
	plan.stage(&stage{axis: examples, sharded: true, touches: []*buffer{out.values, out.gradient}, run: func(w work) { p.addLoss(&w, true) }})
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

// addSlots gives a task its part of the optimizer's slots.
func (p *TrainProgram) addSlots(k *task) {
	t := k.of
	for len(t.slots) < p.optimizer.Slots() {
		t.slots = append(t.slots, alignedFloats(len(t.param.data)))
	}
	size := len(t.param.data) / t.rows
	for _, s := range t.slots {
		k.slots = append(k.slots, s[k.from*size:k.to*size])
	}
}

// SetWorkers sets how many goroutines compute, at most; the default is
// GOMAXPROCS, which a number below 1 leaves as it is. The results do not depend
// on it.
func (p *TrainProgram) SetWorkers(n int) {
	if n < 1 || n == p.workers {
		return
	}
	p.setWorkers(n, p.plan.shards, func(workers int) {
		lifetimes(p.plan.buffers, p.stepPhases, p.plan.forward)
		p.memory = layOut(p.plan.buffers, p.plan.batch, workers*p.chunk)
	})
	if p.team.size > 1 {
		runtime.AddCleanup(p, (*team).close, p.team)
	}
}

// OutputShape returns the shape of the outputs for a full batch.
func (p *TrainProgram) OutputShape() Shape { return p.output }

// Step trains on a batch: forward, loss, backward, update. images holds the
// examples one after another in row-major order, labels the class of each, and
// the number of labels (1 up to the compiled batch) is that of the examples.
// It returns the loss before the update. It panics if images and labels do
// not fit the program; a label must be in 0..classes-1.
func (p *TrainProgram) Step(images []float32, labels []int) float64 {
	p.setBatch(images)
	p.setLabels(labels)
	return p.step()
}

// StepAll is Step for a network with any number of inputs; see ForwardAll of
// Program.
func (p *TrainProgram) StepAll(labels []int, inputs ...Tensor[float32]) float64 {
	p.plan.step = p.steps + 1
	p.plan.setBatch(give(p.plan.graph, p.given, p.ints, inputs))
	p.setLabels(labels)
	return p.step()
}

// StepSoft is Step with probabilities of the classes in place of labels, as
// MixUp and CutMix make them: targets holds a row of so many as there are classes
// for each example, one after another. It panics if they do not fit, or if the
// loss is no SoftLoss.
func (p *TrainProgram) StepSoft(images, targets []float32) float64 {
	p.setBatch(images)
	p.setTargets(targets)
	return p.step()
}

func (p *TrainProgram) step() float64 {
	p.begin()
	clear(p.losses)
	p.task = p.stepTask
	p.run(p.stepPhases)
	p.finishUpdate()
	return p.totalLoss()
}

// Forward computes the network's outputs for a batch, and returns them in
// row-major order. The slice is overwritten by the next call.
func (p *TrainProgram) Forward(images []float32) []float32 {
	p.setBatch(images)
	p.labels, p.targets = nil, nil
	p.run(p.forwardPhases)
	out := p.plan.place(p.plan.graph.output()).values
	for i := range p.plan.count {
		copy(p.outputs[i*p.classes:], out.data[i*out.stride:][:out.size])
	}
	return p.outputs[:p.plan.count*p.classes]
}

// Loss returns the loss of the outputs of the last Forward.
func (p *TrainProgram) Loss(labels []int) float64 {
	p.setLabels(labels)
	clear(p.losses)
	for shard := range p.plan.shards {
		p.addLoss(&work{shard: shard, first: p.plan.shardStart(shard), last: p.plan.shardStart(shard + 1)}, false)
	}
	return p.totalLoss()
}

// Backward adds the gradients of the loss, for the batch of the last Forward,
// to those kept for every parameter, and returns the loss.
func (p *TrainProgram) Backward(labels []int) float64 {
	p.setLabels(labels)
	p.keepGradients()
	clear(p.losses)
	p.task = p.backwardTask
	p.run(p.backwardPhases)
	return p.totalLoss()
}

// ZeroGrad sets the gradients kept for the parameters to zero.
func (p *TrainProgram) ZeroGrad() {
	for _, t := range p.plan.trained {
		clear(t.gradient)
	}
}

// Update lets the optimizer change the parameters by the gradients kept from
// Backward: PyTorch's optimizer.step().
func (p *TrainProgram) Update() {
	p.keepGradients()
	p.begin()
	p.task = p.updateTask
	p.run(p.updatePhases)
	p.finishUpdate()
}

// Gradients returns the gradients kept from Backward under the names of their
// parameters. Step does not keep its gradients.
func (p *TrainProgram) Gradients() []Entry {
	p.keepGradients()
	gradients := p.entries(func(t *trained) []float32 { return t.gradient })
	for i := range gradients {
		gradients[i].readOnly = true
	}
	return gradients
}

// OptimizerState returns one of the optimizer's slots (0 up to its Slots()),
// under the names of the parameters: for SGD the momentum buffers. Who writes
// them, to go on with a training, calls SetSteps, too.
func (p *TrainProgram) OptimizerState(slot int) []Entry {
	return p.entries(func(t *trained) []float32 { return t.slots[slot] })
}

// Steps returns how many updates the optimizer has made.
func (p *TrainProgram) Steps() int { return p.steps }

// SetSeed sets the seed of the random numbers inside the network, such as
// dropout's; it is 0 at first. The numbers depend on the seed, the step and the place
// in the batch, so a training that is resumed needs to know the seed alone.
func (p *TrainProgram) SetSeed(seed uint64) { p.plan.seed = seed }

// SetSteps sets how many updates the optimizer has made, so that it goes on
// from a state that was written to OptimizerState's entries.
func (p *TrainProgram) SetSteps(n int) { p.steps = n }

func (p *TrainProgram) entries(storage func(t *trained) []float32) []Entry {
	var list []Entry
	for _, t := range p.plan.trained {
		list = append(list, Entry{name: t.name, shape: t.param.shape, strides: t.param.strides, storage: storage(t)})
	}
	return list
}

func (p *TrainProgram) keepGradients() {
	for _, t := range p.plan.trained {
		if t.gradient == nil {
			t.gradient = alignedFloats(len(t.param.data))
		}
	}
}

func (p *TrainProgram) setBatch(images []float32) {
	in := p.plan.graph.input()
	if len(p.plan.graph.inputs) > 1 || in.kind != Float32 {
		panic("nn: Step is for networks with one float32 input; this one takes StepAll")
	}
	p.plan.step = p.steps + 1
	p.plan.setBatch(countExamples(len(images), in.shape[1:].Elements(), p.plan.batch))
	p.given[0] = images
}

func (p *TrainProgram) setLabels(labels []int) {
	if len(labels) != p.plan.count {
		panic(fmt.Sprintf("nn: got %d labels for %d examples", len(labels), p.plan.count))
	}
	for _, label := range labels {
		if label < 0 || label >= p.classes {
			panic(fmt.Sprintf("nn: label %d is not in 0..%d", label, p.classes-1))
		}
	}
	p.labels, p.targets = labels, nil
}

func (p *TrainProgram) setTargets(targets []float32) {
	if p.soft == nil {
		panic("nn: " + p.loss.Name() + " takes labels, not probabilities")
	}
	if len(targets) != p.plan.count*p.classes {
		panic(fmt.Sprintf("nn: got %d probabilities for %d examples of %d classes", len(targets), p.plan.count, p.classes))
	}
	p.labels, p.targets = nil, targets
}

func (p *TrainProgram) begin() {
	p.steps++
	p.optimizer.Begin(p.steps)
}

func (p *TrainProgram) finishUpdate() {
	for _, t := range p.plan.trained {
		t.param.version++
	}
	for _, follow := range p.plan.followed {
		follow() // what was brought up to date as the weights were
	}
}

// totalLoss adds up the losses of the shards, in the order of sumShards.
func (p *TrainProgram) totalLoss() float64 {
	for step := 1; step < len(p.losses); step *= 2 {
		for i := 0; i+step < len(p.losses); i += 2 * step {
			p.losses[i] += p.losses[i+step]
		}
	}
	return p.losses[0]
}

func (p *TrainProgram) gradientAndUpdate(k *task, w *taskWork) {
	gradient := w.gradient[:len(k.values)]
	k.compute(w, gradient)
	p.optimizer.Update(k.values, gradient, k.slots)
	k.updated()
}

func (p *TrainProgram) keepGradient(k *task, w *taskWork) {
	gradient := w.gradient[:len(k.values)]
	k.compute(w, gradient)
	kernel.Add(k.keptGradient(), gradient)
}

func (p *TrainProgram) updateKept(k *task, _ *taskWork) {
	p.optimizer.Update(k.values, k.keptGradient(), k.slots)
	k.updated()
}

// addLoss adds the loss of some examples to that of their shard and, if asked
// to, sets the gradient of the network's outputs.
func (p *TrainProgram) addLoss(w *work, gradient bool) {
	if w.first >= w.last {
		return
	}
	out := p.plan.places[p.plan.graph.output()]
	var rows []float32
	if gradient {
		rows = out.gradient.from(w, w.first)
	}
	scale := 1 / float64(p.plan.count)
	values, stride := out.values.from(w, w.first), out.values.stride
	if p.targets != nil {
		p.losses[w.shard] += p.soft.SoftRows(values, p.classes, stride, p.targets[w.first*p.classes:w.last*p.classes], scale, rows)
		return
	}
	p.losses[w.shard] += p.loss.Rows(values, p.classes, stride, p.labels[w.first:w.last], scale, rows)
}
