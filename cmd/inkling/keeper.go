package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"strconv"

	"inkling/data"
	"inkling/internal/atomicfile"
	"inkling/nn"
	"inkling/tensorboard"
	"inkling/train"
	"inkling/train/runs"
	"inkling/weights"
)

// runsFolder is where runs are kept.
const runsFolder = "runs"

// positionKey is what a checkpoint's metadata call how far the training had come.
const positionKey = "position"

// recipeKey is what a model's metadata call the recipe that its settings came from.
const recipeKey = "recipe"

// keeper keeps what a training leaves in the folder of a run; without one it only
// validates.
type keeper struct {
	o      *trainOptions
	r      *reporter
	p      *prepared
	folder *runs.Folder
	log    *runs.Log
	board  *tensorboard.Writer
	ctx    context.Context
	abort  func(cause error)

	position  *train.Position    // where it is taken up, nil for the beginning
	state     *weights.Optimizer // of the optimizer there
	optimizer func() *weights.Optimizer
	program   *nn.TrainProgram
	pictures  []*runs.Picture
	best      float64 // score of the best validation, -Inf for none
	waited    int     // epochs since then
	err       error   // that ends the training
}

// keep prepares to keep a training: it makes the folder, or reads what is in it.
func (o *trainOptions) keep(ctx context.Context, abort func(cause error), r *reporter, p *prepared, loader *data.Loader) (*keeper, error) {
	k := &keeper{o: o, r: r, p: p, ctx: ctx, abort: abort, best: math.Inf(-1)}
	if o.run == "" && o.resume == "" {
		return k, nil
	}
	if err := k.open(loader); err != nil {
		k.close()
		return nil, err
	}
	return k, nil
}

func (k *keeper) open(loader *data.Loader) error {
	o := k.o
	if o.folder == nil {
		folder, err := runs.Create(cmp.Or(o.parent, runsFolder), o.run)
		if err != nil {
			return err
		}
		o.folder = folder
	}
	k.folder = o.folder
	if o.resume != "" {
		if err := k.restore(loader); err != nil {
			return err
		}
	}
	// A run that is gone on with may have got more epochs, which hold when it is gone on with again.
	if err := k.write(runs.ConfigFile, o.printSettings); err != nil {
		return err
	}
	step := 0
	if k.position != nil {
		step = k.position.Steps
	}
	var err error
	if k.log, err = k.folder.OpenLog(step); err != nil {
		return err
	}
	for _, row := range k.log.Rows() {
		if score := row.Score(); score != nil {
			k.improves(*score)
		}
	}
	if k.board, err = tensorboard.Create(k.folder.File(runs.BoardFolder)); err != nil {
		return err
	}
	if o.resume == "" {
		if err := k.board.Text("settings", 0, k.settingsAsMarkdown()); err != nil {
			return err
		}
	}
	k.r.line("Run: %s\n", k.folder.Path())
	k.r.object("run", map[string]any{"folder": k.folder.Path(), "resumed_at_step": step})
	return k.drawBatches(loader)
}

func (k *keeper) write(name string, content func(w io.Writer) error) error {
	return atomicfile.Write(k.folder.File(name), content)
}

// restore reads the last checkpoint of the run, if it came to one.
func (k *keeper) restore(loader *data.Loader) error {
	path := k.folder.File(runs.LastFile)
	file, err := weights.Read(path)
	if errors.Is(err, fs.ErrNotExist) {
		k.r.line("There is no checkpoint in %s yet: training begins anew.\n", k.folder.Path())
		return nil
	}
	if err != nil {
		return err
	}
	if file.Metadata == nil || file.Metadata.Extra[positionKey] == "" {
		return fmt.Errorf("%s is no checkpoint of a run: it does not say how far the training had come", path)
	}
	var at train.Position
	if err := json.Unmarshal([]byte(file.Metadata.Extra[positionKey]), &at); err != nil {
		return fmt.Errorf("%s does not say how far the training had come: %w", path, err)
	}
	m := k.p.model
	for _, key := range []string{"train_images", "kernels"} {
		was, is := file.Metadata.Extra[key], m.About.Extra[key]
		switch {
		case was == is:
		case key == "kernels":
			k.r.warn("the training began with %s kernels and goes on with %s: its results differ in the last bits.", was, is)
		default:
			return fmt.Errorf("%s was trained on %s pictures, and there are %s now: a training goes on only with its own", path, was, is)
		}
	}
	_, unfinished := os.Stat(k.folder.File(runs.ReportFile))
	if at.Epochs > k.o.epochs || at.Epochs == k.o.epochs && unfinished == nil {
		return usagef("the training in %s is over, after %s; give more with --epochs", k.folder.Path(), count(at.Epochs, "epoch"))
	}
	if err := weights.Restore(path, file, nn.State(m.Network)); err != nil {
		return err
	}
	if recipe := file.Metadata.Extra[recipeKey]; recipe != "" { // its settings are in config.yaml, its name is not
		m.SetExtra(recipeKey, recipe)
	}
	if loader.Sampler != nil { // one that draws goes on drawing
		for epoch := range at.Epochs {
			if _, err := loader.Sampler.Order(epoch, loader.Dataset.Len()); err != nil {
				return err
			}
		}
	}
	k.position, k.state = &at, file.Optimizer
	k.r.line("Going on after step %s, in epoch %d.\n", thousands(at.Steps), at.Epochs+1)
	return nil
}

func (k *keeper) from() *train.Position { return k.position }

// start is told of the program that trains.
func (k *keeper) start(program *nn.TrainProgram, optimizer func() *weights.Optimizer) {
	k.optimizer, k.program = optimizer, program
	if k.state != nil {
		k.fail(train.RestoreOptimizer(k.folder.File(runs.LastFile), k.state, program))
	}
}

// fail ends the training with an error, if it is one.
func (k *keeper) fail(err error) {
	if k.err == nil && err != nil {
		k.err = err
		k.abort(err)
	}
}

// event is told of the training as it goes.
func (k *keeper) event(e train.Event, rate float64) {
	if e.Kind == train.Progress {
		return
	}
	row := runs.Row{Epoch: e.Epoch, Step: e.Step, Images: e.Images, Seconds: e.Elapsed.Seconds(), LearningRate: &rate, Loss: &e.Loss, EpochEnd: e.Kind == train.EpochEnd}
	if v := e.Validation; v != nil {
		score, key := v.Score()
		row.ValidationLoss = &v.Loss
		if v.Numbers != nil {
			row.ValidationR2 = &score
		} else {
			row.ValidationAccuracy = &score
		}
		if key = "validation_" + key; k.improves(score) && k.folder != nil {
			m := k.p.model
			m.SetExtra(key, strconv.FormatFloat(score, 'g', -1, 64))
			giveBack := train.UseAverage(m.Network, k.program)
			k.warn(m.Save(k.folder.File(runs.BestFile)))
			giveBack()
			delete(m.About.Extra, key)
		}
	}
	k.measure(row)
}

// measure takes a row into the log and to TensorBoard.
func (k *keeper) measure(row runs.Row) {
	if k.log == nil {
		return
	}
	k.warn(k.log.Add(row))
	for _, number := range []struct {
		name  string
		value *float64
	}{{"loss/train", row.Loss}, {"learning rate", row.LearningRate}, {"loss/validation", row.ValidationLoss}, {"accuracy/validation", row.ValidationAccuracy}, {"r2/validation", row.ValidationR2}} {
		if number.value != nil {
			k.warn(k.board.Scalar(number.name, row.Step, *number.value))
		}
	}
	if row.EpochEnd {
		k.warn(k.board.Flush())
	}
}

// validate measures the network on the pictures that were held out; it is nil if there
// are none.
func (k *keeper) validate(int) (*train.Evaluation, error) {
	if k.p.validation == nil {
		return nil, nil
	}
	m := k.p.model
	defer train.UseAverage(m.Network, k.program)()
	return train.Evaluate(k.ctx, m.Network, k.p.validation, m.Transform(), k.o.workers)
}

// improves takes in the score of a validation, and tells whether it is the best
// so far.
func (k *keeper) improves(score float64) bool {
	if score > k.best {
		k.best, k.waited = score, 0
		return true
	}
	k.waited++
	return false
}

// enough tells whether the validation has not got better for as long as patience
// lasts.
func (k *keeper) enough(epoch int) bool {
	if k.o.patience == 0 || k.waited < k.o.patience {
		return false
	}
	k.r.line("Stopped after epoch %d: the validation has not got better for %s.\n", epoch, count(k.waited, "epoch"))
	k.r.object("enough", map[string]any{"epoch": epoch, "best": k.best})
	return true
}

// warn tells of what went wrong and does not end the training.
func (k *keeper) warn(err error) {
	if err != nil {
		k.r.warn("%v. Training goes on.", err)
	}
}

// checkpoint saves all that the training needs to go on from where it is.
func (k *keeper) checkpoint(at train.Position) {
	if k.folder == nil || at.Steps == 0 {
		return
	}
	text, err := json.Marshal(at)
	if err != nil {
		k.warn(err)
		return
	}
	k.warn(k.log.Sync())
	m := k.p.model
	m.SetExtra(positionKey, string(text))
	before := m.Optimizer
	m.Optimizer = k.optimizer
	err = m.Save(k.folder.File(runs.LastFile))
	m.Optimizer = before
	delete(m.About.Extra, positionKey)
	if err != nil {
		k.warn(err)
		return
	}
	if k.o.keepEpochs > 0 && at.Batches == 0 {
		k.warn(k.folder.KeepEpoch(at.Epochs, k.o.keepEpochs))
	}
}

func (k *keeper) close() {
	if k.log != nil {
		k.warn(k.log.Close())
	}
	if k.board != nil {
		k.warn(k.board.Close())
	}
}
