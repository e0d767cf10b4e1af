// Package train runs the loop that teaches a network: epochs over batches, with
// events to listen to, a clean stop, and a guard against a diverging loss.
//
//	result, err := train.Run(ctx, train.Config{
//		Network:   network,
//		Optimizer: &optim.SGD{LR: 0.001, Momentum: 0.9},
//		Loader:    &data.Loader{Dataset: dataset, BatchSize: 4, Shuffle: true},
//		Epochs:    2,
//		LogEvery:  2000,
//		OnEvent: func(e train.Event) {
//			if e.Kind == train.LossReport {
//				fmt.Printf("[%d, %d] loss: %.3f\n", e.Epoch, e.Batch, e.Loss)
//			}
//		},
//	})
//
// Evaluate tells how good the network became.
package train

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"inkling/data"
	"inkling/internal/wording"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
)

// Config says what to train, on what, and how.
type Config struct {
	// Network is changed in place. Its outputs are the logits of the classes of
	// the Loader's data set, or, of one that is [data.Numbered], one number, as the
	// data set's Scale has it.
	Network   nn.Module
	Loss      nn.Loss // nil means nn.CrossEntropy, for numbers nn.MSELoss
	Optimizer nn.Optimizer

	// Training, if set, may choose more before the training is compiled: groups of
	// parameters with optimizers of their own, frozen ones, clipping, accumulation, an
	// average of the weights. It is called with what the other fields say. A batch is a
	// Step, so Accumulate of them make an update.
	Training func(t *nn.Training)

	// UnfreezeAfter, if above 0, is the number of epochs after which the parameters that
	// Training has frozen are trained, too.
	UnfreezeAfter int

	// FeatureBytes, if above 0, lets what a frozen part of the network computes of the
	// pictures be computed once and kept, if it takes no more bytes, where that part
	// computes the same in every epoch: it begins with the first layer, and nothing random
	// stands before its end, neither a step of the Loader's Transform nor Mix nor a
	// dropout. The trained weights are the same bits. OnFeatures, if set, hears of it.
	FeatureBytes int64
	OnFeatures   func(FeatureReport)

	// Schedule, if set, sets the learning rate (and the momentum, if it says so) as
	// a function of the step, of each optimizer if there are several. They must be
	// such that describe themselves (optim.Optimizer), and each has the rate that it
	// starts from; it has that again when Run returns.
	Schedule optim.Schedule

	// ScheduleBatches makes a step of the Schedule a batch, as OneCycleLR mostly
	// wants it; otherwise a step is an epoch.
	ScheduleBatches bool

	// Measure gives a Schedule that follows measurements, as ReduceLROnPlateau
	// does, what it observes at the end of an epoch (numbered from 1): the loss on
	// data that is not trained on, say. If nil it observes the mean loss of the
	// epoch's batches.
	Measure func(epoch int) (float64, error)

	// Loader hands out the batches: BatchSize, Shuffle and Seed are its own.
	Loader *data.Loader

	// Mix, if set, mixes the pictures of every batch, as MixUp and CutMix do, and
	// the network learns the probabilities that come of it: Loss must take those, as
	// nn.CrossEntropy with Soft set, which is what nil means then. What it draws follows from the Loader's Seed, the epoch
	// and the number of the batch.
	Mix transform.BatchTransform

	// Cut, if set, has batches of rows that end in zeros trained at less than their width.
	// A Mix is not cut.
	Cut *Cut

	// Epochs is how often every picture is shown, 1 or more.
	Epochs int

	// Workers is the number of goroutines that compute, 0 for GOMAXPROCS. The
	// trained weights do not depend on it.
	Workers int

	// LogEvery is the number of batches between two LossReport events, 0 for
	// none. An epoch that has fewer batches is reported once, at its end.
	LogEvery int

	// OnEvent, if set, hears of the training as it goes. It is called between
	// two steps, and training waits for it.
	OnEvent func(Event)

	// Listeners hear what OnEvent does, after it and in their order, so that a bar, a
	// log and one's own listener share one stream. Validate, if set, measures the
	// network at the end of every epoch, numbered from 1, by Evaluate on pictures that
	// are not trained on, say: EpochEnd events carry what it returns. Its error ends the
	// training, unless the context is done.
	Listeners []func(Event)
	Validate  func(epoch int) (*Evaluation, error)

	// OnStart, if set, is called before the first epoch with what trains the
	// network, whose optimizer's state one may want to save (see OptimizerState).
	OnStart func(*nn.TrainProgram)

	// OnUnfreeze, if set, is called with what trains the network after UnfreezeAfter
	// epochs, in place of what OnStart got. A training that is taken up behind them
	// starts with it.
	OnUnfreeze func(*nn.TrainProgram)

	// Checkpoint, if set, is called at the end of every epoch, and in between as
	// CheckpointSteps and CheckpointInterval say, when all weights are finite: the
	// moment to save them. Its error ends the training, ErrEnough without being one.
	Checkpoint func(at Position) error

	// MaxSteps and MaxTime end the training when so many steps were made, in all, or
	// so much time was spent on it, even within an epoch; 0 for no end but Epochs.
	MaxSteps int
	MaxTime  time.Duration

	// CheckpointSteps is the number of steps between two calls of Checkpoint,
	// CheckpointInterval the time; 0 for none but those at the ends of epochs.
	CheckpointSteps    int
	CheckpointInterval time.Duration

	// From, if set, is where an earlier training had come, whose weights the
	// Network has; OnStart restores the state of its optimizer. The training goes on
	// as if it had never ended, to the bit, if network, data and settings are the
	// same.
	From *Position

	accumulate int           // batches of an update
	numbers    bool          // the labels are
	shape      nn.Shape      // of a batch
	patience   time.Duration // with the step at hand when the context is done; 0 for patience
}

// ErrEnough is what Checkpoint returns to end a training that has come to nothing
// bad, such as one that does not get better any more. Run then returns no error.
var ErrEnough = errors.New("train: enough")

// Kind is what an Event tells of.
type Kind string

// The kinds of events.
const (
	Progress   Kind = "progress" // a few thousand pictures were shown; Loss is the mean of the epoch's batches so far
	LossReport Kind = "loss"     // Config.LogEvery batches were shown; Loss is their mean
	EpochEnd   Kind = "epoch"    // an epoch is over; Loss is the mean of its batches
)

// patience is how long a step is waited for when the training is to end: it is to be over,
// with its checkpoint saved, within two seconds.
const patience = time.Second / 2

// progressImages is how many pictures lie between two Progress events: enough
// that listening costs nothing, few enough that a bar moves.
const progressImages = 2000

// Event is one report of a training on its way.
type Event struct {
	Kind    Kind
	Epoch   int           // from 1
	Batch   int           // of this epoch, from 1
	Step    int           // batches shown so far, in all epochs
	Images  int           // pictures shown so far, in all epochs
	Loss    float64       // see Kind
	Elapsed time.Duration // since the first step

	Validation *Evaluation // of an EpochEnd, by Config.Validate; else nil

	Rate float64 // the learning rate of the last batch, of the first optimizer, if there is a Schedule
}

// Result sums up a training, also one that ended early.
type Result struct {
	Epochs  int           // completed
	Steps   int           // batches shown
	Images  int           // pictures shown
	Loss    float64       // mean of the last epoch's batches, so far; 0 if there was none
	Elapsed time.Duration // from the first step to the end
	At      Position      // how far it has come
	Rate    float64       // the learning rate of the last batch, of the first optimizer, if there is a Schedule
}

// ImagesPerSecond is the mean speed, 0 if nothing was done.
func (r Result) ImagesPerSecond() float64 {
	if r.Elapsed <= 0 {
		return 0
	}
	return float64(r.Images) / r.Elapsed.Seconds()
}

// Run trains the network for the epochs asked for. It returns early, with what
// was done until then, when
//   - ctx is cancelled: after the step at hand, with an error that wraps
//     context.Cause(ctx); the weights are good, as of that step. A step that takes
//     longer than half a second is dropped instead, unless it is the first one or its
//     gradients are added up with others;
//   - training diverges: with a *DivergedError;
//   - a picture cannot be read, or Checkpoint fails.
//
// The same network, data and settings give the same bits in the weights,
// whatever Workers and GOMAXPROCS are.
func Run(ctx context.Context, c Config) (Result, error) {
	program, err := compile(&c)
	if err != nil {
		return Result{}, err
	}
	program.SetSeed(c.Loader.Seed)
	program.SetHold(true)
	c.patience = cmp.Or(c.patience, patience)
	t := &training{Config: c, program: program, whole: program, pictures: c.Loader, cutter: cutter{shape: c.shape}}
	if err := t.takeUp(); err != nil {
		return Result{}, err
	}
	defer t.useLoader(c.Loader)
	if c.Schedule != nil {
		if t.schedulers, err = schedulersOf(program, c.Schedule); err != nil {
			return Result{}, err
		}
		defer t.reset()
	}
	if c.OnStart != nil {
		c.OnStart(program)
		t.keepSteps()
	}
	// A select on ctx.Done() would cost as much as a small kernel in every step.
	defer context.AfterFunc(ctx, func() {
		t.stop.Store(true)
		time.AfterFunc(t.patience, program.Cancel)
	})()
	defer program.SetCancellable(false)

	t.started = time.Now()
	t.saved = t.started
	if !t.enough() && t.at.Epochs < c.Epochs {
		err = t.divide(ctx)
	}
	for epoch := t.at.Epochs + 1; !t.enough() && epoch <= c.Epochs && err == nil; epoch++ {
		if err = context.Cause(ctx); err == nil {
			err = t.unfreeze(epoch)
		}
		if err == nil {
			err = t.epoch(ctx, epoch)
		}
	}
	if errors.Is(err, ErrEnough) {
		err = nil
	}
	t.result.Elapsed = t.elapsed()
	t.result.At = t.position()
	if len(t.schedulers) > 0 {
		t.result.Rate = t.schedulers[0].Rate()
	}
	if t.at.Batches > 0 {
		t.result.Loss = t.at.EpochLoss / float64(t.at.Batches)
	}
	return t.result, err
}

// compile checks the fields and makes the program that trains.
func compile(c *Config) (*nn.TrainProgram, error) {
	switch {
	case c.Network == nil:
		return nil, errors.New("train: Config.Network is nil: set the network to train")
	case c.Optimizer == nil && c.Training == nil:
		return nil, errors.New("train: Config.Optimizer is nil: set one, such as &optim.SGD{LR: 0.001, Momentum: 0.9}")
	case c.Loader == nil:
		return nil, errors.New("train: Config.Loader is nil: set the loader of the pictures")
	case c.Epochs < 1:
		return nil, fmt.Errorf("train: Config.Epochs is %d, want 1 or more", c.Epochs)
	case c.Workers < 0:
		return nil, fmt.Errorf("train: Config.Workers is %d, want 0 or more", c.Workers)
	case c.LogEvery < 0:
		return nil, fmt.Errorf("train: Config.LogEvery is %d, want 0 or more", c.LogEvery)
	case c.MaxSteps < 0 || c.MaxTime < 0:
		return nil, fmt.Errorf("train: Config.MaxSteps is %d and MaxTime %v, want 0 or more", c.MaxSteps, c.MaxTime)
	case c.UnfreezeAfter < 0 || c.FeatureBytes < 0:
		return nil, fmt.Errorf("train: Config.UnfreezeAfter is %d and FeatureBytes %d, want 0 or more", c.UnfreezeAfter, c.FeatureBytes)
	case c.CheckpointSteps < 0 || c.CheckpointInterval < 0:
		return nil, fmt.Errorf("train: Config.CheckpointSteps is %d and CheckpointInterval %v, want 0 or more", c.CheckpointSteps, c.CheckpointInterval)
	}
	if c.Loader.Dataset != nil {
		number, _ := data.Numbers(c.Loader.Dataset)
		c.numbers = number != nil
	}
	switch {
	case c.numbers && c.Mix != nil:
		return nil, fmt.Errorf("train: Config.Mix %T mixes classes, and the labels are numbers: leave it out", c.Mix)
	case c.Loss != nil:
	case c.numbers:
		c.Loss = &nn.MSELoss{}
	default:
		c.Loss = nn.CrossEntropy{Soft: c.Mix != nil}
	}
	if mix, ok := c.Mix.(interface{ Check() error }); ok {
		if err := mix.Check(); err != nil {
			return nil, fmt.Errorf("train: Config.Mix: %w", err)
		}
	}
	channels, height, width, err := c.Loader.Shape()
	if err != nil {
		return nil, err
	}
	// A batch is never larger than the data set, so neither need the program be.
	batch := min(max(c.Loader.BatchSize, 1), c.Loader.Samples())
	c.shape = nn.Shape{batch, channels, height, width}
	if c.Cut != nil {
		cut := *c.Cut
		if err := cut.check(width); err != nil {
			return nil, err
		}
		c.Cut = &cut
	}
	training := nn.Training{Network: nn.NewNetwork(c.Network, c.shape...), Loss: c.Loss, Optimizer: c.Optimizer}
	if c.Training != nil {
		c.Training(&training)
	}
	c.accumulate = max(training.Accumulate, 1)
	if c.UnfreezeAfter > 0 && c.From != nil && c.From.Epochs >= c.UnfreezeAfter {
		training.Freeze = nil
	}
	program, err := training.Compile()
	if err != nil {
		return nil, err
	}
	if last := c.Loader.Samples() % batch; last > 0 && !c.Loader.DropLast {
		if err := program.CheckBatch(last); err != nil {
			return nil, fmt.Errorf("train: the last batch of an epoch would have %s: %w; set the loader's DropLast, or another BatchSize", wording.Number(last, "picture"), err)
		}
	}
	program.SetWorkers(c.Workers)
	switch targets := program.TargetSpecs(); {
	case c.numbers && (len(targets) != 1 || targets[0].Type != nn.Float32):
		return nil, fmt.Errorf("train: the loss takes %v as targets, and the labels are numbers: use nn.MSELoss, or leave Loss out", targets)
	case len(targets) != 1 || targets[0].Type != nn.Float32 && c.Mix != nil:
		return nil, fmt.Errorf("train: the loss takes %v as targets, which a data set and Config.Mix %T do not make: use nn.CrossEntropy, with Soft for Mix, or leave Mix out", targets, c.Mix)
	}
	return program, checkClasses(program.OutputShape(), c.Loader.Dataset)
}

// checkClasses reports whether the network tells apart as many classes as the
// data set has.
func checkClasses(output nn.Shape, d data.Dataset) error {
	outputs, classes := output[1:].Elements(), len(d.Classes())
	if outputs != classes {
		return fmt.Errorf("the network tells %s apart, but the data set has %d", wording.Number(outputs, "class"), classes)
	}
	return nil
}

// training is a Run on its way.
type training struct {
	Config
	program *nn.TrainProgram
	// schedulers are of each optimizer; there are none without a Schedule.
	schedulers []*optim.Scheduler
	started    time.Time
	stop       atomic.Bool
	timed      bool // it is known how long a step takes
	result     Result
	at         Position  // but for what result has
	saved      time.Time // when Checkpoint was called last
	whole      *nn.TrainProgram
	pictures   *data.Loader // the Loader that was given
	features   *features    // that the program is trained on, nil for pictures
	cutter     cutter
}

// epoch shows every picture once. Without Mix its loop allocates nothing.
func (t *training) epoch(ctx context.Context, epoch int) error {
	logEvery := min(t.LogEvery, t.Loader.Len())
	batches, progress := t.at.Batches, progressImages
	shown := t.Loader.Epoch
	t.schedule(epoch)
	for i, batch := range t.Loader.BatchesContext(ctx) {
		if t.ScheduleBatches {
			t.schedule(epoch)
		}
		var loss float64
		var begun time.Time
		if !t.timed {
			begun = time.Now()
		}
		program := t.program
		images, targets := batch.Images, batch.Numbers // nil for classes
		switch {
		case t.features != nil:
			images = t.features.of(batch.Indices)
		case t.Mix != nil:
			targets = t.mix(shown, i, batch)
		case t.Cut != nil:
			var err error
			if program, images, err = t.fit(images); err != nil {
				return err
			}
		}
		if targets != nil {
			loss = program.StepSoft(images, targets)
		} else {
			loss = program.Step(images, batch.Labels)
		}
		if program.Cancelled() {
			return t.stopped(ctx, epoch, batches)
		}
		if !t.timed {
			// What can be cancelled takes more memory and a little time: only where it is worth it.
			t.timed = true
			program.SetCancellable(time.Since(begun) > t.patience/2)
		}
		batches = i + 1
		t.at.Batches = batches
		t.result.Steps++
		t.result.Images += len(batch.Labels)
		if loss-loss != 0 { // NaN or infinite
			return t.explained(program, epoch, batches, loss)
		}
		t.at.EpochLoss += loss
		t.at.ReportLoss += loss
		if logEvery > 0 && batches%logEvery == 0 {
			t.emit(LossReport, epoch, batches, t.at.ReportLoss/float64(logEvery), nil)
			t.at.ReportLoss = 0
		}
		if progress -= len(batch.Labels); progress <= 0 {
			progress = progressImages
			t.emit(Progress, epoch, batches, t.at.EpochLoss/float64(batches), nil)
		}
		if t.stop.Load() {
			return t.stopped(ctx, epoch, batches)
		}
		if enough := t.enough(); (enough || t.due()) && batches < t.Loader.Len() {
			if !finite(t.Network) {
				return t.diverged(epoch, batches, loss)
			}
			if err := t.checkpoint(); err != nil {
				return err
			}
			if enough {
				return ErrEnough
			}
		}
	}
	if err := t.Loader.Err(); err != nil {
		if ctx.Err() != nil { // while the next batch was awaited
			return t.stopped(ctx, epoch, batches)
		}
		return err
	}
	t.result.Loss = t.at.EpochLoss / float64(batches)
	// The last update comes after the last loss.
	if !finite(t.Network) {
		return t.diverged(epoch, batches, t.result.Loss)
	}
	t.result.Epochs = epoch
	t.at.Epochs, t.at.Batches, t.at.EpochLoss, t.at.ReportLoss = epoch, 0, 0, 0
	if err := t.observe(epoch); err != nil {
		return err
	}
	validation, err := t.validate(ctx, epoch)
	if err != nil {
		return err
	}
	t.emit(EpochEnd, epoch, batches, t.result.Loss, validation)
	return t.checkpoint()
}

// stopped is the error of a training that ctx ended.
func (t *training) stopped(ctx context.Context, epoch, batches int) error {
	if !finite(t.Network) {
		return t.diverged(epoch, batches, 0)
	}
	return fmt.Errorf("training was stopped in epoch %d after batch %d: %w", epoch, batches, context.Cause(ctx))
}

// mix mixes a batch, both counted from 0, and returns the probabilities of its
// classes. The places behind those of the pictures give it random numbers that
// no picture has.
func (t *training) mix(epoch, i int, batch *data.Batch) []float32 {
	r := transform.Generator(t.Loader.Seed, epoch, t.Loader.Samples()+i)
	return t.Mix.Apply(r, batch.Images, batch.Labels, len(t.Loader.Dataset.Classes()))
}

func (t *training) emit(kind Kind, epoch, batch int, loss float64, validation *Evaluation) {
	if t.OnEvent == nil && len(t.Listeners) == 0 {
		return
	}
	e := Event{Kind: kind, Epoch: epoch, Batch: batch, Step: t.result.Steps, Images: t.result.Images, Loss: loss, Elapsed: t.elapsed(), Validation: validation}
	if len(t.schedulers) > 0 {
		e.Rate = t.schedulers[0].Rate()
	}
	if t.OnEvent != nil {
		t.OnEvent(e)
	}
	for _, listen := range t.Listeners {
		listen(e)
	}
}

// validate measures the network at the end of an epoch.
func (t *training) validate(ctx context.Context, epoch int) (*Evaluation, error) {
	if t.Validate == nil {
		return nil, nil
	}
	e, err := t.Validate(epoch)
	if err != nil && ctx.Err() != nil { // the epoch is whole all the same
		return nil, nil
	}
	return e, err
}
