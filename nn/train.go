package nn

import (
	"errors"
	"fmt"
	"reflect"
	"runtime"
)

// trainingChunk is how many examples go forward and backward together.
const trainingChunk = 4

// TrainProgram is a network compiled for training: network, loss and
// optimizer together. It shares its weights with the module it was compiled
// from, and belongs to one goroutine.
//
// Step does everything at once. ZeroGrad, Forward, Loss, Backward and Update,
// called one by one, give the same weights, bit for bit.
type TrainProgram struct {
	output    Shape
	loss      Loss
	soft      SoftLoss // loss, if it is one
	optimizer Optimizer
	batch     int
	workers   int
	shards    int

	plan    *plan
	trained []*trained
	tasks   []task
	mine    [][]task // the tasks of each worker
	team    *team
	active  int // members of the team that take part in the current run
	crowd   crowd
	scratch [][]float32 // for each worker, the gradient of one task

	// The phases of a forward pass, a backward pass, and both.
	forwardPhases, backwardPhases, stepPhases []phase

	inputs  int // elements of one example
	classes int

	steps   int // updates done
	seed    uint64
	images  []float32
	labels  []int
	targets []float32 // rows of probabilities, in place of labels if not nil
	count   int       // examples of the current batch
	losses  []float64 // of each shard
	outputs []float32

	// What the team runs; kept so that running allocates nothing.
	stepBody, forwardBody, backwardBody, updateBody func(worker int)
}

// task is the gradient and update of some rows of a parameter.
type task struct {
	of       *trained
	from, to int
	// The same range of the parameter, and of the optimizer's slots.
	values []float32
	slots  [][]float32
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
	g, err := trace(module, shape, true)
	if err != nil {
		return nil, err
	}
	if err := checkPlannable(g); err != nil {
		return nil, err
	}
	if err := loss.CheckShape(g.output().shape); err != nil {
		return nil, fmt.Errorf("nn: the network's output does not suit the loss: %w", err)
	}
	p := &TrainProgram{output: g.output().shape, loss: loss, optimizer: optimizer, batch: shape[0],
		shards: shardCount(g, shape[0]), inputs: g.input().shape[1:].Elements(), classes: g.output().shape[1:].Elements()}
	p.soft, _ = loss.(SoftLoss)
	p.plan = newPlan(g, paramNames(module), p.batch, p.shards, true)
	p.losses = make([]float64, p.shards)
	p.outputs = make([]float32, p.batch*p.classes)
	seen := map[*Param]bool{}
	for _, s := range p.plan.steps {
		for _, t := range s.trained() {
			if seen[t.param] {
				return nil, fmt.Errorf("nn: parameter %s is used by more than one operation, which training does not support; give each operation its own", t.name)
			}
			seen[t.param] = true
			p.trained = append(p.trained, t)
			p.addTasks(t)
		}
	}
	if len(p.trained) == 0 {
		return nil, fmt.Errorf("nn: the network has no parameters to train")
	}
	p.makePhases()
	p.stepBody, p.forwardBody, p.backwardBody, p.updateBody = p.stepWork, p.forwardWork, p.backwardWork, p.updateWork
	p.SetWorkers(runtime.GOMAXPROCS(0))
	return p, nil
}

// isNil reports whether an interface holds nothing, or a nil pointer.
func isNil(v any) bool {
	if v == nil {
		return true
	}
	r := reflect.ValueOf(v)
	return r.Kind() == reflect.Pointer && r.IsNil()
}

func (p *TrainProgram) addTasks(t *trained) {
	for range p.optimizer.Slots() {
		t.slots = append(t.slots, alignedFloats(len(t.param.data)))
	}
	size := t.rowSize()
	for from := 0; from < t.rows; from += t.unit {
		k := task{of: t, from: from, to: min(from+t.unit, t.rows)}
		k.values = t.param.data[k.from*size : k.to*size]
		for _, s := range t.slots {
			k.slots = append(k.slots, s[k.from*size:k.to*size])
		}
		p.tasks = append(p.tasks, k)
	}
}

// cost estimates how long the task takes, in elements of a linear layer. The
// gradients of other parameters are summed over shards and packed anew.
func (k *task) cost() int {
	if k.of.updated != nil {
		return 500 + 3*len(k.values)
	}
	return 500 + len(k.values)
}

// SetWorkers sets how many goroutines compute, at most; the default is
// GOMAXPROCS, which a number below 1 leaves as it is. The results do not depend
// on it.
func (p *TrainProgram) SetWorkers(n int) {
	if n < 1 || n == p.workers {
		return
	}
	if p.team != nil {
		p.team.close()
	}
	p.workers = n
	p.team = newTeam(min(n, p.shards))
	if p.team.size > 1 {
		runtime.AddCleanup(p, (*team).close, p.team)
	}
	p.shareTasks()
}

// shareTasks gives each task to a worker: to the one that has its weights in
// its cache, if there is one, else to the one with least to do.
func (p *TrainProgram) shareTasks() {
	largest, load := 0, make([]int, p.team.size)
	p.mine, p.scratch = make([][]task, p.team.size), make([][]float32, p.team.size)
	give := func(k task, worker int) {
		load[worker] += k.cost()
		p.mine[worker] = append(p.mine[worker], k)
	}
	var free []task
	for _, k := range p.tasks {
		largest = max(largest, len(k.values))
		shard := -1
		if k.of.shardOf != nil {
			shard = k.of.shardOf(k.from)
		}
		if shard < 0 {
			free = append(free, k)
			continue
		}
		for worker := range p.team.size {
			if from, to := share(p.shards, p.team.size, worker); from <= shard && shard < to {
				give(k, worker)
			}
		}
	}
	for _, k := range free {
		least := 0
		for worker := range load {
			if load[worker] < load[least] {
				least = worker
			}
		}
		give(k, least)
	}
	for worker := range p.scratch {
		p.scratch[worker] = alignedFloats(largest)
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
	p.run(p.stepBody)
	p.finishUpdate()
	return p.totalLoss()
}

// Forward computes the network's outputs for a batch, and returns them in
// row-major order. The slice is overwritten by the next call.
func (p *TrainProgram) Forward(images []float32) []float32 {
	p.setBatch(images)
	p.labels = nil
	p.run(p.forwardBody)
	for i := range p.count {
		copy(p.outputs[i*p.classes:], p.plan.output.values.part(i, p.classes))
	}
	return p.outputs[:p.count*p.classes]
}

// Loss returns the loss of the outputs of the last Forward.
func (p *TrainProgram) Loss(labels []int) float64 {
	p.setLabels(labels)
	clear(p.losses)
	for shard := range p.shards {
		p.addLoss(shard, p.shardStart(shard), p.shardStart(shard+1), false)
	}
	return p.totalLoss()
}

// Backward adds the gradients of the loss, for the batch of the last Forward,
// to those kept for every parameter, and returns the loss.
func (p *TrainProgram) Backward(labels []int) float64 {
	p.setLabels(labels)
	p.keepGradients()
	clear(p.losses)
	p.run(p.backwardBody)
	return p.totalLoss()
}

// ZeroGrad sets the gradients kept for the parameters to zero.
func (p *TrainProgram) ZeroGrad() {
	for _, t := range p.trained {
		clear(t.gradient)
	}
}

// Update lets the optimizer change the parameters by the gradients kept from
// Backward: PyTorch's optimizer.step().
func (p *TrainProgram) Update() {
	p.keepGradients()
	p.begin()
	p.run(p.updateBody)
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
func (p *TrainProgram) SetSeed(seed uint64) { p.seed = seed }

// SetSteps sets how many updates the optimizer has made, so that it goes on
// from a state that was written to OptimizerState's entries.
func (p *TrainProgram) SetSteps(n int) { p.steps = n }

func (p *TrainProgram) entries(storage func(t *trained) []float32) []Entry {
	var list []Entry
	for _, t := range p.trained {
		list = append(list, Entry{name: t.name, shape: t.param.shape, strides: t.param.strides, storage: storage(t)})
	}
	return list
}

func (p *TrainProgram) keepGradients() {
	for _, t := range p.trained {
		if t.gradient == nil {
			t.gradient = alignedFloats(len(t.param.data))
		}
	}
}

func (p *TrainProgram) setBatch(images []float32) {
	p.count = countExamples(len(images), p.inputs, p.batch)
	p.images = images
	for _, c := range p.plan.convs {
		c.repack()
	}
	for _, s := range p.plan.steps {
		if o, ok := s.(*opStep); ok {
			o.seed = operationSeed(p.seed, p.steps+1, o.number)
		}
	}
}

func (p *TrainProgram) setLabels(labels []int) {
	if len(labels) != p.count {
		panic(fmt.Sprintf("nn: got %d labels for %d examples", len(labels), p.count))
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
	if len(targets) != p.count*p.classes {
		panic(fmt.Sprintf("nn: got %d probabilities for %d examples of %d classes", len(targets), p.count, p.classes))
	}
	p.labels, p.targets = nil, targets
}

func (p *TrainProgram) begin() {
	p.steps++
	p.optimizer.Begin(p.steps)
}

func (p *TrainProgram) finishUpdate() {
	for _, t := range p.trained {
		t.param.version++
	}
	for _, c := range p.plan.convs {
		c.version = c.weight.version // repacked as it was updated
	}
}

func (p *TrainProgram) totalLoss() float64 {
	var sum float64
	for _, l := range p.losses {
		sum += l
	}
	return sum
}
