package nn

import (
	"fmt"
	"math"
	"runtime"
	"slices"
)

// TrainProgram is a network compiled for training: network, loss and
// optimizer together. It shares its weights with the module it was compiled
// from, and belongs to one goroutine.
//
// Step does everything at once. ZeroGrad, Forward, Loss, Backward and Update,
// called one by one, give the same weights, bit for bit.
type TrainProgram struct {
	machine
	training   Training
	state      *trainingState
	named      []namedParam
	groups     map[*Param]int // of Training.Groups
	optimizers map[*Param]Optimizer
	cohorts    []*cohort
	output     Shape
	classes    int // elements of one example's output

	// The phases of a forward pass, of the loss, of the loss and a backward pass, of
	// all that with an update or without, of an update, and of its tasks.
	forwardPhases, lossPhases, backwardPhases, stepPhases, gatherPhases, updatePhases, taskPhases []phase
	// What is done with each task's gradient.
	stepTask, gatherTask, backwardTask, updateTask, measureTask func(k *task, w *taskWork)

	inputs, targets given
	labels          []int32   // what Step got
	rows            []float32 // labels as probabilities, if the loss wants those
	classLimits     []classLimit
	losses          []float64 // of each shard
	outputs         []Tensor[float32]
	results         []Tensor[float32] // what of them was computed
	stored          []bool            // an output is copied whenever it is computed

	factor          float32 // what kept gradients are multiplied by
	norm            float64
	averageFirst    bool // the average is to become the weights
	idle            []idleAverage
	averagedBuffers []*Buffer

	kept []statistic // of the last Step that can be cancelled

	// used: a backward pass has used up what the last forward pass left.
	used bool
	// wholeRoom is how many bytes optimizers of whole tensors work in.
	wholeRoom int
}

// given is what the caller hands over for the batch at hand.
type given struct {
	floats [][]float32
	ints   [][]int32
}

func newGiven(n int) given { return given{make([][]float32, n), make([][]int32, n)} }

// classLimit is how many classes a target can name, and which number beside them.
type classLimit struct{ target, classes, ignore int }

// CompileTrain traces the module on an input of the given shape (batch first,
// as in CompileTrain(net, loss, opt, 4, 1, 28, 28)) and returns a program that
// trains it on up to that many examples a step. Training has more to choose.
//
// Settings of loss and optimizer are checked if they have a method Check() error.
//
// The same weights, data and settings give the same bits, whatever the number
// of workers.
func CompileTrain(module Module, loss Loss, optimizer Optimizer, shape ...int) (*TrainProgram, error) {
	return NewNetwork(module, shape...).CompileTrain(loss, optimizer)
}

// CompileTrain is the function CompileTrain for any number of inputs and outputs.
// StepAll and StepOn train it.
func (n Network) CompileTrain(loss Loss, optimizer Optimizer) (*TrainProgram, error) {
	if isNil(optimizer) {
		optimizer = nil
	}
	return Training{Network: n, Loss: loss, Optimizer: optimizer}.Compile()
}

// shardsOf is the number of parts into which a batch is divided, whatever the
// number of workers: gradients are summed within a part in the order of the
// examples, and the parts in pairs, so that the sums have the same bits. Parts
// have at least two examples, and there are at most 16.
func shardsOf(batch int) int { return min((batch+1)/2, 16) }

// build makes the stages.
func (p *TrainProgram) build() error {
	g := p.plan.graph
	p.inputs, p.targets = newGiven(len(g.inputs)), newGiven(len(g.targets))
	p.losses = make([]float64, p.plan.shards)
	p.labels = make([]int32, g.batch)
	load := func(plan *plan) { plan.load(g.inputs, p.inputs.floats, p.inputs.ints) }
	judge := func(plan *plan) { plan.load(g.targets, p.targets.floats, p.targets.ints) }
	for _, v := range g.outputs {
		p.outputs, p.results = append(p.outputs, newTensor[float32](v.spec())), append(p.results, Tensor[float32]{Shape: v.shape.clone()})
	}
	p.plan.build(load, judge, p.start)
	for k, v := range g.outputs {
		if !slices.ContainsFunc(p.plan.users[v], func(gr *group) bool { return gr.first.number >= g.judged }) {
			p.plan.forward = append(p.plan.forward, p.plan.store(v, &p.outputs[k])) // nothing keeps it
			p.stored = append(p.stored, true)
		} else {
			p.stored = append(p.stored, false)
		}
	}
	if len(p.plan.trained) == 0 && !p.training.forwardOnly {
		return fmt.Errorf("nn: the network has no parameters to train: the loss depends on none that is not frozen")
	}
	for _, n := range g.nodes[g.judged:] {
		op, ok := n.op.(crossEntropy)
		if !ok {
			continue
		}
		if op.soft {
			if len(g.targets) == 1 && n.inputs[1] == g.targets[0] && len(g.targets[0].shape) == 2 {
				p.rows = make([]float32, g.targets[0].shape.Elements())
			}
			continue
		}
		for i, target := range g.targets {
			if n.inputs[1] == target {
				p.classLimits = append(p.classLimits, classLimit{i, n.inputs[0].shape[1], op.ignore})
			}
		}
	}
	return nil
}

// start makes the stages that add up the losses and begin the backward pass.
func (p *TrainProgram) start(plan *plan) {
	loss := plan.place(plan.graph.loss)
	plan.loss = append(plan.loss, &stage{axis: examples, sharded: true, touches: []*buffer{loss.values}, run: func(w work) {
		scale := 1 / float64(w.count)
		for i := w.first; i < w.last; i++ {
			p.losses[w.shard] += float64(loss.values.part(&w, i)[0]) * scale
		}
	}})
	if loss.gradient == nil {
		return // no parameter leads to it
	}
	loss.gradient.start()
	plan.byExamples(func(w work) {
		slope := float32(1 / float64(w.count*max(p.training.Accumulate, 1)))
		for i := w.first; i < w.last; i++ {
			loss.gradient.part(&w, i)[0] = slope
		}
	}, loss.gradient)
}

// SetWorkers sets how many goroutines compute, at most; the default is
// GOMAXPROCS, which a number below 1 leaves as it is. The results do not depend
// on it.
func (p *TrainProgram) SetWorkers(n int) {
	if n < 1 || n == p.workers {
		return
	}
	p.setWorkers(n, p.plan.shards, p.plan.shards, func(int) {
		lifetimes(p.plan.buffers, p.stepPhases, p.plan.forward)
		p.layOut()
	})
	if p.team.size > 1 {
		runtime.AddCleanup(p, (*team).close, p.team)
	}
}

// layOut lays the buffers out in the memory that the programs of a training share,
// the largest that one of them needed.
func (p *TrainProgram) layOut() {
	p.plan.arena, p.plan.elements = layOut(p.state.arena, p.plan.buffers, p.plan.batch, p.team.size*p.chunk)
	p.state.arena = p.plan.arena
}

// take makes the shared memory large enough for this program.
func (p *TrainProgram) take() {
	if cap(p.state.arena) != cap(p.plan.arena) {
		p.layOut() // another program needed more
	}
}

// runOwn runs phases that leave values in the shared memory: should they panic, there is
// nothing there for Loss and Backward.
func (p *TrainProgram) runOwn(phases []phase) {
	p.state.owner = nil
	p.run(phases)
	p.state.owner = p
}

// wantOwn panics if the outputs of Forward are gone.
func (p *TrainProgram) wantOwn(what string) {
	if p.state.owner != p {
		panic("nn: " + what + " without a Forward, or another program of the training has run since in the same memory: call Forward first")
	}
}

// OutputShape returns the shape of the first output for a full batch.
func (p *TrainProgram) OutputShape() Shape { return p.output }

// TargetSpecs returns the shapes and types of the loss's targets for a full batch.
func (p *TrainProgram) TargetSpecs() []Spec { return specsOf(p.plan.graph.targets) }

// Step trains on a batch: forward, loss, backward, update. images holds the
// examples one after another in row-major order, labels the class of each, and
// the number of labels (1 up to the compiled batch) is that of the examples.
// It returns the loss before the update. It panics if images and labels do
// not fit the program; a label must be in 0..classes-1. If the loss takes
// probabilities, a label is one for its class and nothing else.
func (p *TrainProgram) Step(images []float32, labels []int) float64 {
	p.setImages(images)
	p.setLabels(labels)
	return p.step()
}

// StepSoft is Step for a loss whose targets are numbers, such as those of MSELoss,
// or the probabilities of the classes that CrossEntropy with Soft takes: those of
// each example, one after another. It panics if they do not fit, or if the loss
// takes labels.
func (p *TrainProgram) StepSoft(images, targets []float32) float64 {
	p.setImages(images)
	p.setNumbers(targets)
	return p.step()
}

// StepAll is Step for a network with any number of inputs; see ForwardAll of
// Program.
func (p *TrainProgram) StepAll(labels []int, inputs ...Tensor[float32]) float64 {
	p.setInputs(inputs)
	p.setLabels(labels)
	return p.step()
}

// StepOn is Step for any targets of the loss and any number of inputs.
func (p *TrainProgram) StepOn(targets []Tensor[float32], inputs ...Tensor[float32]) float64 {
	p.setInputs(inputs)
	p.setTargets(targets)
	return p.step()
}

func (p *TrainProgram) step() float64 {
	p.take()
	clear(p.losses)
	p.used = true
	p.cancelled = false
	if p.direct() && !p.state.cancellable {
		p.begin()
		p.task = p.stepTask
		p.runOwn(p.stepPhases)
		if p.held() {
			return p.totalLoss()
		}
		p.finishUpdate()
		return p.totalLoss()
	}
	p.task = p.gatherTask
	if !p.state.cancellable || p.training.Accumulate > 1 {
		p.runOwn(p.gatherPhases)
	} else if !p.gatherCancellably() {
		return math.NaN()
	}
	if p.held() {
		return p.totalLoss()
	}
	p.state.pending++
	p.state.before += p.plan.count
	if p.state.pending >= p.training.Accumulate {
		p.Update()
	}
	return p.totalLoss()
}

// Forward computes the network's outputs for a batch, and returns the first one in
// row-major order. The slice is overwritten by the next call.
func (p *TrainProgram) Forward(images []float32) []float32 {
	p.setImages(images)
	p.forward()
	return p.results[0].Data
}

// ForwardAll is Forward for any number of inputs and outputs.
func (p *TrainProgram) ForwardAll(inputs ...Tensor[float32]) []Tensor[float32] {
	p.setInputs(inputs)
	p.forward()
	return p.results
}

func (p *TrainProgram) forward() {
	p.take()
	p.runOwn(p.forwardPhases)
	p.used = false
	for k, v := range p.plan.graph.outputs {
		at, out, result := p.plan.place(v), p.outputs[k], &p.results[k]
		whole := work{count: p.plan.count}
		result.Shape = p.plan.shapesAt(p.plan.count)[v.index]
		examples := p.plan.count
		if at.rows == 0 {
			examples = 1
		}
		for i := 0; i < examples && !p.stored[k]; i++ {
			if size := at.values.size; at.values.integer {
				copy(out.Ints[i*size:], at.values.intParts(&whole, i, i+1))
			} else {
				copy(out.Data[i*size:], at.values.part(&whole, i))
			}
		}
		if n := result.Shape.Elements(); at.values.integer {
			result.Ints = out.Ints[:n]
		} else {
			result.Data = out.Data[:n]
		}
	}
}

// Loss returns the loss of the outputs of the last Forward.
func (p *TrainProgram) Loss(labels []int) float64 {
	p.setLabels(labels)
	return p.judge()
}

// LossAll is Loss for any targets.
func (p *TrainProgram) LossAll(targets ...Tensor[float32]) float64 {
	p.setTargets(targets)
	return p.judge()
}

func (p *TrainProgram) judge() float64 {
	p.wantOwn("Loss")
	clear(p.losses)
	p.run(p.lossPhases)
	return p.totalLoss()
}

// Backward adds the gradients of the loss, for the batch of the last Forward,
// to those kept for every parameter, and returns the loss. With Accumulate the
// gradients are those of the loss divided by it.
func (p *TrainProgram) Backward(labels []int) float64 {
	p.setLabels(labels)
	return p.backward()
}

// BackwardAll is Backward for any targets.
func (p *TrainProgram) BackwardAll(targets ...Tensor[float32]) float64 {
	p.setTargets(targets)
	return p.backward()
}

func (p *TrainProgram) backward() float64 {
	p.wantOwn("Backward")
	p.keepGradients()
	if p.used {
		p.rerun = true
		p.runOwn(p.forwardPhases)
		p.rerun = false
	}
	p.used = true
	clear(p.losses)
	p.task = p.backwardTask
	p.runOwn(p.backwardPhases)
	return p.totalLoss()
}

// ZeroGrad sets the gradients kept for the parameters to zero.
func (p *TrainProgram) ZeroGrad() {
	for _, t := range p.plan.trained {
		clear(t.state.gradient)
	}
}

// Update lets the optimizers change the parameters by the gradients kept from
// Backward, clipped if the training says so: PyTorch's optimizer.step(). It also
// makes an update of fewer Steps than Accumulate, at the end of the data, say.
func (p *TrainProgram) Update() {
	p.keepGradients()
	p.clip()
	p.begin()
	p.task = p.updateTask
	p.run(p.updatePhases)
	p.finishUpdate()
}

// Gradients returns the gradients kept from Backward under the names of their
// parameters. Step does not keep its gradients, and may overwrite those.
func (p *TrainProgram) Gradients() []Entry {
	p.keepGradients()
	var list []Entry
	for _, t := range p.plan.trained {
		list = append(list, Entry{name: t.name, shape: t.param.shape, strides: t.param.strides, storage: t.state.gradient, readOnly: true})
	}
	return list
}

// GradientNorm returns the norm of all gradients as one vector, as the last update
// found it; 0 if the training has no ClipNorm.
func (p *TrainProgram) GradientNorm() float64 { return p.norm }

// OptimizerState returns one of the optimizer's slots (0 up to its Slots()),
// under the names of the parameters: for SGD the momentum buffers. Parameters whose
// optimizer has fewer slots are left out. Who writes them, to go on with a
// training, calls SetSteps, too.
func (p *TrainProgram) OptimizerState(slot int) []Entry {
	var list []Entry
	for _, s := range p.ParameterStates() {
		if slot < len(s.Slots) {
			list = append(list, s.Slots[slot])
		}
	}
	return list
}

// Steps returns how many updates have been made.
func (p *TrainProgram) Steps() int { return p.state.steps }

// SetSeed sets the seed of the random numbers inside the network, such as
// dropout's; it is 0 at first. The numbers depend on the seed, the step and the place
// in the batch, so a training that is resumed needs to know the seed alone.
func (p *TrainProgram) SetSeed(seed uint64) { p.plan.seed = seed }

// SetSteps sets how many updates have been made, of every parameter, so that the
// training goes on from a state that was written to OptimizerState's entries.
func (p *TrainProgram) SetSteps(n int) {
	p.state.steps, p.state.averaged = n, n
	for _, t := range p.plan.trained {
		t.state.steps = n
	}
}

// ParameterState is what a training keeps of a parameter.
type ParameterState struct {
	Name      string
	Shape     []int
	Optimizer Optimizer
	Steps     int     // updates of the parameter
	Slots     []Entry // as many as Optimizer.Slots(), all under the parameter's name

	state *parameterState
}

// SetSteps sets how many updates the parameter has had. It does nothing for one that
// was never trained.
func (s ParameterState) SetSteps(n int) {
	if s.state != nil {
		s.state.steps = n
	}
}

// ParameterStates returns the state of every parameter that the program trains, in
// the order of their use.
func (p *TrainProgram) ParameterStates() []ParameterState {
	var list []ParameterState
	for _, t := range p.plan.trained {
		list = append(list, p.parameterState(t.name, t.param))
	}
	return list
}

func (p *TrainProgram) parameterState(name string, param *Param) ParameterState {
	s := ParameterState{Name: name, Shape: param.shape, Optimizer: p.optimizers[param], state: p.state.params[param]}
	if s.state == nil {
		return s
	}
	s.Steps = s.state.steps
	strides := param.strides
	if _, whole := s.Optimizer.(WholeTensorOptimizer); whole {
		strides = rowMajor(param.shape)
	}
	for _, slot := range s.state.slots {
		s.Slots = append(s.Slots, Entry{name: name, shape: param.shape, strides: strides, storage: slot})
	}
	return s
}

// ParameterGroups returns the states of the network's parameters by their groups:
// those of Training.Groups, and after them, if there are such, the parameters that
// Training.Optimizer changes; each in the order of the state dict. A parameter that is
// frozen is in its group, without Slots if it was never trained.
func (p *TrainProgram) ParameterGroups() [][]ParameterState {
	list := make([][]ParameterState, len(p.training.Groups)+1)
	for _, n := range p.named {
		at, ok := p.groups[n.param]
		if !ok {
			at = len(p.training.Groups)
		}
		if p.optimizers[n.param] != nil {
			list[at] = append(list[at], p.parameterState(n.name, n.param))
		}
	}
	if last := len(list) - 1; len(list[last]) == 0 {
		list = list[:last]
	}
	return list
}

// setBatch prepares for a batch of n examples.
func (p *TrainProgram) setBatch(n int) {
	p.plan.step, p.plan.before = p.state.steps+1, p.state.before
	p.plan.shapesAt(n) // which every layer can have
	p.plan.setBatch(n)
}

func (p *TrainProgram) setImages(images []float32) {
	g := p.plan.graph
	if in := g.input(); len(g.inputs) > 1 || in.kind != Float32 {
		panic("nn: Step and Forward are for networks with one float32 input; this one takes StepAll and ForwardAll")
	}
	p.setBatch(countExamples(len(images), g.input().shape[1:].Elements(), g.batch))
	p.inputs.floats[0] = images
}

func (p *TrainProgram) setInputs(inputs []Tensor[float32]) {
	p.setBatch(give("input", p.plan.graph.inputs, p.inputs.floats, p.inputs.ints, inputs))
	p.plan.checkInputs(p.inputs.ints)
}

// setLabels gives the loss labels, as the probability 1 of a class if it wants
// numbers.
func (p *TrainProgram) setLabels(labels []int) {
	targets := p.plan.graph.targets
	if len(labels) != p.plan.count {
		panic(fmt.Sprintf("nn: got %d labels for %d examples", len(labels), p.plan.count))
	}
	if p.rows == nil && (len(targets) != 1 || targets[0].kind != Int32 || len(targets[0].shape) != 1) {
		panic(fmt.Sprintf("nn: the loss takes targets %v, not one label for each example; use StepSoft, StepOn or BackwardAll", p.TargetSpecs()))
	}
	if p.rows == nil {
		for i, label := range labels {
			p.labels[i] = int32(label)
		}
		p.targets.ints[0] = p.labels[:len(labels)]
		p.checkClasses()
		return
	}
	classes := targets[0].shape[1]
	clear(p.rows)
	for i, label := range labels {
		if label < 0 || label >= classes {
			panic(fmt.Sprintf("nn: label %d is not in 0..%d", label, classes-1))
		}
		p.rows[i*classes+label] = 1
	}
	p.targets.floats[0] = p.rows
}

func (p *TrainProgram) setNumbers(numbers []float32) {
	targets := p.plan.graph.targets
	if len(targets) != 1 || targets[0].kind != Float32 {
		panic(fmt.Sprintf("nn: the loss takes targets %v, not numbers (nn.CrossEntropy takes probabilities with Soft set)", p.TargetSpecs()))
	}
	if each := targets[0].shape.Elements() / p.plan.batch; len(numbers) != p.plan.count*each {
		panic(fmt.Sprintf("nn: got %d numbers as targets of %d examples with %d each", len(numbers), p.plan.count, each))
	}
	p.targets.floats[0] = numbers
}

func (p *TrainProgram) setTargets(targets []Tensor[float32]) {
	wanted := p.plan.graph.targets
	if n := give("target", wanted, p.targets.floats, p.targets.ints, targets); n != p.plan.count && len(wanted) > 0 {
		panic(fmt.Sprintf("nn: got targets of %d examples for %d", n, p.plan.count))
	}
	p.checkClasses()
}

// checkClasses checks that targets which name classes name some that there are.
func (p *TrainProgram) checkClasses() {
	for _, limit := range p.classLimits {
		for _, class := range p.targets.ints[limit.target] {
			if c := int(class); (c < 0 || c >= limit.classes) && c != limit.ignore {
				panic(fmt.Sprintf("nn: label %d is not in 0..%d", c, limit.classes-1))
			}
		}
	}
}

// totalLoss adds up the losses of the shards.
func (p *TrainProgram) totalLoss() float64 { return takeSum(p.losses) }
