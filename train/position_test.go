package train

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"inkling/data"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
)

// forgetful is a network in which much is random or kept besides the weights.
type forgetful struct {
	Conv nn.Conv2d
	Norm nn.BatchNorm2d
	Drop nn.Dropout
	Last nn.Linear
}

func (f *forgetful) Forward(x *nn.Value) *nn.Value { // N x 1 x 28 x 28
	pool := nn.MaxPool2d{Kernel: 4}
	x = pool.Forward(nn.ReLU(f.Norm.Forward(f.Conv.Forward(x)))) // N x 4 x 6 x 6
	return f.Last.Forward(f.Drop.Forward(x.Flatten()))
}

// interruptible is a training in which everything that a position must hold counts.
func interruptible(t *testing.T, workers int) Config {
	network := &forgetful{nn.Conv2d{In: 1, Out: 4, Kernel: 5}, nn.BatchNorm2d{Features: 4}, nn.Dropout{P: 0.3}, nn.Linear{In: 4 * 6 * 6, Out: 10}}
	nn.Init(network, rand.New(rand.NewPCG(1, 1)))
	schedule := optim.NewReduceLROnPlateau()
	schedule.Patience, schedule.Factor, schedule.Threshold = 0, 0.5, 0.5 // so that it reduces
	return Config{
		Network:   network,
		Optimizer: optim.NewAdamW(0.003),
		Schedule:  schedule,
		Loader: &data.Loader{Dataset: stripes(t, 53), BatchSize: 6, Shuffle: true, Seed: 3, Workers: workers,
			Transform: transform.Compose{transform.RandomHorizontalFlip{P: 0.5}, transform.ToTensor{}, normalized[1]}},
		Mix:      transform.MixUp{Alpha: 0.4},
		Epochs:   3,
		Workers:  workers,
		LogEvery: 4,
	}
}

// kept is what a file of a checkpoint holds.
type kept struct {
	position     []byte // JSON
	state, slots [][]float32
}

func values(entries []nn.Entry) [][]float32 {
	var list [][]float32
	for _, e := range entries {
		v := make([]float32, nn.Shape(e.Shape()).Elements())
		e.Read(v)
		list = append(list, v)
	}
	return list
}

func keep(t *testing.T, c *Config, program *nn.TrainProgram, at Position) kept {
	text, err := json.Marshal(at)
	if err != nil {
		t.Fatal(err)
	}
	k := kept{position: text, state: values(nn.State(c.Network))}
	for slot := range c.Optimizer.Slots() {
		k.slots = append(k.slots, values(program.OptimizerState(slot))...)
	}
	return k
}

// restore makes a training go on from what was kept.
func (k kept) restore(t *testing.T, c *Config) {
	c.From = new(Position)
	if err := json.Unmarshal(k.position, c.From); err != nil {
		t.Fatal(err)
	}
	write := func(entries []nn.Entry, from [][]float32) {
		for i, e := range entries {
			e.Write(from[i])
		}
	}
	write(nn.State(c.Network), k.state)
	c.OnStart = func(program *nn.TrainProgram) {
		at := 0
		for slot := range c.Optimizer.Slots() {
			entries := program.OptimizerState(slot)
			write(entries, k.slots[at:])
			at += len(entries)
		}
	}
}

// TestResume breaks a training off after every number of steps, and wants the
// weights, the buffers and the reports of one that was never broken off.
func TestResume(t *testing.T) {
	reports := func(c *Config) *[]string {
		list := new([]string)
		c.OnEvent = func(e Event) {
			if e.Kind != Progress {
				*list = append(*list, fmt.Sprint(e.Kind, e.Epoch, e.Batch, e.Images, e.Loss, e.Rate))
			}
		}
		return list
	}
	whole := interruptible(t, 1)
	wanted := reports(&whole)
	if _, err := Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	steps := 3 * whole.Loader.Len()
	over := errors.New("over")
	for stop := 1; stop < steps; stop++ {
		c := interruptible(t, 1+stop%2)
		first := reports(&c)
		var program *nn.TrainProgram
		c.OnStart = func(p *nn.TrainProgram) { program = p }
		c.CheckpointSteps = stop
		var saved kept
		c.Checkpoint = func(at Position) error {
			if at.Steps != stop {
				return nil
			}
			saved = keep(t, &c, program, at)
			return over
		}
		if _, err := Run(t.Context(), c); !errors.Is(err, over) {
			t.Fatalf("step %d: %v", stop, err)
		}
		next := interruptible(t, 1+(stop+1)%2)
		second := reports(&next)
		saved.restore(t, &next)
		result, err := Run(t.Context(), next)
		if err != nil {
			t.Fatalf("step %d: %v", stop, err)
		}
		if hash(next.Network) != hash(whole.Network) {
			t.Fatalf("a training that was taken up after step %d has other weights", stop)
		}
		if got := append(*first, *second...); !slices.Equal(got, *wanted) {
			t.Errorf("taken up after step %d it reports %v, want %v", stop, got, *wanted)
		}
		if result.Steps != steps || result.Epochs != 3 || result.Images != 3*53 {
			t.Errorf("taken up after step %d it counts %+v", stop, result)
		}
	}
}

// TestResultTellsThePosition stops a training from outside, and goes on.
func TestResultTellsThePosition(t *testing.T) {
	whole := interruptible(t, 1)
	if _, err := Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	c := interruptible(t, 1)
	ctx, cancel := context.WithCancel(t.Context())
	var program *nn.TrainProgram
	c.OnStart = func(p *nn.TrainProgram) { program = p }
	c.OnEvent = func(e Event) {
		if e.Epoch == 2 && e.Kind == LossReport {
			cancel()
			time.Sleep(10 * time.Millisecond) // the training hears of it in a moment
		}
	}
	result, err := Run(ctx, c)
	if !errors.Is(err, context.Canceled) {
		t.Fatal(err)
	}
	if at := result.At; at.Epochs < 1 || at.Steps < 13 || at.Steps != 9*at.Epochs+at.Batches {
		t.Errorf("it stopped at %+v", at)
	}
	next := interruptible(t, 2)
	keep(t, &c, program, result.At).restore(t, &next)
	if _, err := Run(t.Context(), next); err != nil {
		t.Fatal(err)
	}
	if hash(next.Network) != hash(whole.Network) {
		t.Error("a training that was stopped and taken up has other weights")
	}
}

// ending mixes as MixUp does, and lets the context be done before a step.
type ending struct {
	transform.MixUp
	left int // steps before that
	end  func()
}

func (e *ending) Apply(r *rand.Rand, images []float32, labels []int, classes int) []float32 {
	if e.left--; e.left == 0 {
		e.end()
		time.Sleep(40 * time.Millisecond) // the training hears of it in a moment
	}
	return e.MixUp.Apply(r, images, labels, classes)
}

// TestStepIsDropped stops a training in the midst of a step that there is no time for.
func TestStepIsDropped(t *testing.T) {
	whole := interruptible(t, 1)
	if _, err := Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	dropped := 0
	for _, step := range []int{2, 9, 10, 14} { // of 9 an epoch
		c := interruptible(t, 1+step%2)
		ctx, cancel := context.WithCancel(t.Context())
		c.patience = time.Nanosecond
		c.Mix = &ending{c.Mix.(transform.MixUp), step, cancel}
		var program *nn.TrainProgram
		c.OnStart = func(p *nn.TrainProgram) { program = p }
		result, err := Run(ctx, c)
		if !errors.Is(err, context.Canceled) {
			t.Fatal(err)
		}
		if result.Steps == step-1 {
			dropped++
		}
		if result.Steps < step-1 || result.Steps > step || !strings.Contains(err.Error(), "training was stopped in epoch") {
			t.Errorf("in step %d: %v, after %d steps", step, err, result.Steps)
		}
		next := interruptible(t, 2)
		keep(t, &c, program, result.At).restore(t, &next)
		if _, err := Run(t.Context(), next); err != nil {
			t.Fatal(err)
		}
		if hash(next.Network) != hash(whole.Network) {
			t.Errorf("a training whose step %d was dropped has other weights when it is taken up", step)
		}
	}
	if dropped == 0 {
		t.Error("no step was dropped")
	}
}

func TestCheckpointInterval(t *testing.T) {
	c := config(t, 40)
	c.CheckpointInterval = time.Nanosecond
	var at []Position
	c.Checkpoint = func(p Position) error { at = append(at, p); return nil }
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if len(at) != 20 {
		t.Fatalf("%d checkpoints of 20 steps", len(at))
	}
	for i, p := range at {
		if p.Steps != i+1 || p.Epochs != (i+1)/10 || p.Batches != (i+1)%10 || p.Images != 4*(i+1) {
			t.Errorf("checkpoint %d is at %+v", i, p)
		}
	}
}

func TestResumeRefuses(t *testing.T) {
	for _, test := range []struct {
		from Position
		want string
	}{
		{Position{Epochs: -1}, "negative"},
		{Position{Epochs: 2, Steps: 1}, "fewer steps"},
		{Position{Epochs: 1, Batches: 10, Steps: 20}, "an epoch has 10"},
		{Position{Epochs: 3, Steps: 30}, "Config.Epochs is 2"},
	} {
		c := config(t, 40)
		c.From = &test.from
		if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%+v: error %v, want one with %q", test.from, err, test.want)
		}
	}
	c := config(t, 40)
	c.From = &Position{Epochs: 2, Steps: 20, Images: 80}
	before := hash(c.Network)
	if result, err := Run(t.Context(), c); err != nil || result.Steps != 20 || hash(c.Network) != before {
		t.Errorf("a training that is over goes on: %+v, %v", result, err)
	}
}

// TestEnds ends trainings early, and wants of those that were cut by steps and taken
// up the weights of one that was not.
func TestEnds(t *testing.T) {
	whole := interruptible(t, 1)
	if _, err := Run(t.Context(), whole); err != nil {
		t.Fatal(err)
	}
	for _, steps := range []int{1, 4, 9, 13, 18} { // an epoch has 9
		c := interruptible(t, 1)
		c.MaxSteps = steps
		var program *nn.TrainProgram
		c.OnStart = func(p *nn.TrainProgram) { program = p }
		var last Position
		c.Checkpoint = func(at Position) error { last = at; return nil }
		result, err := Run(t.Context(), c)
		if err != nil || result.Steps != steps || result.Epochs != steps/9 || result.At.Batches != steps%9 || last.Steps != steps || result.Loss <= 0 {
			t.Errorf("after %d steps: %+v, %v, saved at %+v", steps, result, err, last)
		}
		next := interruptible(t, 1)
		keep(t, &c, program, result.At).restore(t, &next)
		if _, err := Run(t.Context(), next); err != nil || hash(next.Network) != hash(whole.Network) {
			t.Errorf("cut after %d steps and taken up it has other weights, or %v", steps, err)
		}
	}
	c := interruptible(t, 1)
	c.MaxTime = 1
	if result, err := Run(t.Context(), c); err != nil || result.Steps != 0 {
		t.Errorf("with no time it made %d steps, %v", result.Steps, err)
	}
	c = interruptible(t, 1)
	c.Checkpoint = func(at Position) error {
		if at.Epochs == 2 {
			return fmt.Errorf("it gets no better: %w", ErrEnough)
		}
		return nil
	}
	if result, err := Run(t.Context(), c); err != nil || result.Epochs != 2 {
		t.Errorf("a training that had enough after 2 epochs: %d, %v", result.Epochs, err)
	}
	c = interruptible(t, 1)
	c.MaxSteps = -1
	if _, err := Run(t.Context(), c); err == nil {
		t.Error("a negative MaxSteps is taken")
	}
}
