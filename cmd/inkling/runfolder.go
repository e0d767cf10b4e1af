package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"image"
	"io"
	"io/fs"
	"math"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/internal/atomicfile"
	"inkling/internal/flagfile"
	"inkling/internal/kernel"
	"inkling/nn"
	"inkling/plot"
	"inkling/tensorboard"
	"inkling/train"
	"inkling/train/runs"
	"inkling/weights"
)

// runsFolder is where runs are kept.
const runsFolder = "runs"

// positionKey is what a checkpoint's metadata call how far the training had come.
const positionKey = "position"

// runOptions are the flags of what a training leaves besides its model.
type runOptions struct {
	run, resume, config string
	valSplit            float64
	patience, maxSteps  int
	maxTime             time.Duration
	saving              saveEvery

	folder *runs.Folder // nil if none was asked for
	set    *pflag.FlagSet
}

func (o *runOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.run, "run", "", "keep settings, measurements, checkpoints and a report in runs/`NAME`, or NAME-2 and so on if there is one")
	f.StringVar(&o.resume, "resume", "", "go on with the training in `FOLDER`, with its settings, from its last checkpoint")
	f.StringVar(&o.config, "config", "", "take the settings that `FILE`, such as runs/NAME/config.yaml, has; flags win")
	f.Float64Var(&o.valSplit, "val-split", 0, "hold out this `SHARE` of the pictures of every class to validate with after each epoch; never those to test with")
	f.IntVar(&o.patience, "patience", 0, "with --val-split, stop when the validation has not got better for `N` epochs; 0 means never")
	f.IntVar(&o.maxSteps, "max-steps", 0, "stop after `N` steps; 0 means after --epochs")
	f.DurationVar(&o.maxTime, "max-time", 0, "stop after this `TIME`, such as 10m; 0 means after --epochs")
	f.Var(&o.saving, "save-every", "with --run, save a checkpoint every so often within epochs, too: `WHAT` is a time (30s) or a number of steps (1000)")
}

// resumable are the flags that a run may be gone on with, for they do not change what
// its steps compute.
var resumable = []string{"resume", "epochs", "workers", "max-steps", "max-time", "patience", "save-every", "log-every", "test", "out", "force", "save-optimizer", "json"}

// unkept are the flags that config.yaml does not have.
func unkept(f *pflag.Flag) bool {
	switch f.Name {
	case "run", "resume", "config", "json", "force", "help", "download":
		return true
	}
	_, isSetting := f.Value.(*settingFlag)
	return isSetting && !f.Changed && f.Value.String() == ""
}

func settable(f *pflag.Flag) bool {
	_, isSetting := f.Value.(*settingFlag)
	return isSetting || !unkept(f)
}

// apply sets the flags that a file of settings has, and claims the folder of a run
// that is gone on with.
func (o *runOptions) apply(f *pflag.FlagSet) error {
	o.set = f
	if o.resume != "" {
		if o.run != "" || o.config != "" {
			return usagef("--resume goes on with a run and its settings: leave --run and --config out")
		}
		var other []string
		f.Visit(func(flag *pflag.Flag) {
			if !slices.Contains(resumable, flag.Name) {
				other = append(other, "--"+flag.Name)
			}
		})
		if len(other) > 0 {
			return usagef("--resume goes on with the settings of the run, and %s would change them; leave that out, or begin another run with --config", strings.Join(other, ", "))
		}
		folder, err := runs.Open(o.resume)
		if err != nil {
			return err
		}
		o.folder, o.config = folder, folder.File(runs.ConfigFile)
	}
	if o.config != "" {
		if err := flagfile.Apply(o.config, f, settable); err != nil {
			o.release()
			return fmt.Errorf("the settings cannot be used: %w", err)
		}
	}
	if !(o.valSplit >= 0 && o.valSplit < 1) {
		return usagef("--val-split is %v, want 0 or more and less than 1", o.valSplit)
	}
	if o.patience < 0 || o.maxSteps < 0 || o.maxTime < 0 {
		return usagef("--patience, --max-steps and --max-time cannot be negative")
	}
	if o.patience > 0 && o.valSplit == 0 {
		return usagef("--patience waits for a validation: hold pictures out for it with --val-split")
	}
	if f.Changed("save-every") && o.run == "" && o.resume == "" {
		return usagef("--save-every saves into the folder of a run: give it a name with --run")
	}
	return nil
}

func (o *runOptions) release() {
	if o.folder != nil {
		o.folder.Release()
	}
}

// saveEvery is how often a checkpoint is saved.
type saveEvery struct {
	steps    int
	interval time.Duration
}

func (s *saveEvery) Set(text string) error {
	text = strings.TrimSuffix(strings.TrimSpace(text), " steps")
	if n, err := strconv.Atoi(text); err == nil && n >= 0 {
		*s = saveEvery{steps: n}
		return nil
	}
	d, err := time.ParseDuration(text)
	if err != nil || d < 0 {
		return errors.New("want a time such as 30s or 5m, or a number of steps")
	}
	*s = saveEvery{interval: d}
	return nil
}

func (s *saveEvery) String() string {
	if s.interval > 0 {
		return s.interval.String()
	}
	return strconv.Itoa(s.steps)
}

// Type returns what the flag is, for help.
func (*saveEvery) Type() string { return "every" }

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
	pictures  []runs.Picture
	best      float64 // accuracy of the validation, -1 for none
	waited    int     // epochs since then
	err       error   // that ends the training
}

// keep prepares to keep a training: it makes the folder, or reads what is in it.
func (o *trainOptions) keep(ctx context.Context, abort func(cause error), r *reporter, p *prepared, loader *data.Loader) (*keeper, error) {
	k := &keeper{o: o, r: r, p: p, ctx: ctx, abort: abort, best: -1}
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
		folder, err := runs.Create(runsFolder, o.run)
		if err != nil {
			return err
		}
		o.folder = folder
	}
	k.folder = o.folder
	if o.resume == "" {
		if err := k.write(runs.ConfigFile, func(w io.Writer) error {
			return flagfile.Write(w, o.set, func(f *pflag.Flag) bool { return !unkept(f) })
		}); err != nil {
			return err
		}
	} else if err := k.restore(loader); err != nil {
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
		if row.ValidationAccuracy != nil {
			k.improves(*row.ValidationAccuracy)
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
	k.optimizer = optimizer
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
	row := runs.Row{Epoch: e.Epoch, Step: e.Step, Images: e.Images, Seconds: e.Elapsed.Seconds(), LearningRate: &rate, Loss: &e.Loss, EpochEnd: e.Kind == train.EpochEnd}
	switch e.Kind {
	case train.Progress:
		return
	case train.EpochEnd:
		if k.p.validation != nil {
			k.validate(&row)
		}
	}
	if k.log == nil {
		return
	}
	k.warn(k.log.Add(row))
	for _, number := range []struct {
		name  string
		value *float64
	}{{"loss/train", row.Loss}, {"learning rate", row.LearningRate}, {"loss/validation", row.ValidationLoss}, {"accuracy/validation", row.ValidationAccuracy}} {
		if number.value != nil {
			k.warn(k.board.Scalar(number.name, row.Step, *number.value))
		}
	}
	if row.EpochEnd {
		k.warn(k.board.Flush())
	}
}

// validate measures the network on the pictures that were held out.
func (k *keeper) validate(row *runs.Row) {
	m := k.p.model
	e, err := train.Evaluate(k.ctx, m.Network, k.p.validation, m.Transform(), k.o.workers)
	if err != nil {
		if k.ctx.Err() == nil {
			k.fail(err)
		}
		return
	}
	accuracy := e.Accuracy()
	row.ValidationLoss, row.ValidationAccuracy = &e.Loss, &accuracy
	k.r.line("[%d] loss: %.3f, validation: %s right, loss %.3f\n", row.Epoch, *row.Loss, percent(accuracy), e.Loss)
	k.r.object("validation", map[string]any{"epoch": row.Epoch, "accuracy": accuracy, "loss": e.Loss, "images": e.Total()})
	if k.improves(accuracy) && k.folder != nil {
		m.SetExtra("validation_accuracy", strconv.FormatFloat(accuracy, 'g', -1, 64))
		k.warn(m.Save(k.folder.File(runs.BestFile)))
		delete(m.About.Extra, "validation_accuracy")
	}
}

// improves takes in the accuracy of a validation, and tells whether it is the best
// so far.
func (k *keeper) improves(accuracy float64) bool {
	if accuracy > k.best {
		k.best, k.waited = accuracy, 0
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
	m := k.p.model
	m.SetExtra(positionKey, string(text))
	before := m.Optimizer
	m.Optimizer = k.optimizer
	k.warn(m.Save(k.folder.File(runs.LastFile)))
	m.Optimizer = before
	delete(m.About.Extra, positionKey)
}

// drawnBatches is how many batches are drawn as training sees them, mostDrawn of how
// many pictures each.
const drawnBatches, mostDrawn = 3, 64

// drawBatches draws what the training sees first, with labels.
func (k *keeper) drawBatches(loader *data.Loader) error {
	if loader.Sampler != nil && k.position == nil && k.o.rng == "torch" {
		return nil // to look would draw
	}
	look := *loader
	look.Epoch, look.Workers = 0, 0
	channels, height, width, err := look.Shape()
	if err != nil {
		return err
	}
	classes := k.p.train.Classes()
	for i, batch := range look.BatchesContext(k.ctx) {
		if i == drawnBatches {
			break
		}
		n := min(len(batch.Labels), mostDrawn)
		var labels []string
		for _, label := range batch.Labels[:n] {
			labels = append(labels, shortCaption(classes[label], label))
		}
		picture, err := k.drawBatch(batch.Images[:n*channels*height*width], labels, channels, height, width)
		if err != nil {
			return err
		}
		name := fmt.Sprintf("batch-%d", i)
		k.pictures = append(k.pictures, runs.Picture{Name: name, Title: fmt.Sprintf("Batch %d", i), Text: fmt.Sprintf("Pictures of batch %d of the first epoch as the network sees them, with their labels.", i), Image: picture})
		if err := k.board.Image(name, 0, picture); err != nil {
			return err
		}
	}
	return look.Err()
}

// drawBatch draws normalised pictures as they were before.
func (k *keeper) drawBatch(images []float32, labels []string, channels, height, width int) (image.Image, error) {
	about := &k.p.model.About
	samples := make([]float32, len(images))
	plane := height * width
	for i, v := range images {
		c := i / plane % channels
		samples[i] = v*about.Std[c] + about.Mean[c]
	}
	return plot.Grid{Columns: 8, Scale: max(1, 64/width), Labels: labels}.Floats(samples, channels, height, width)
}

// shortCaption is a label that fits below a picture.
func shortCaption(class string, label int) string {
	caption := printable(class)
	if !plot.CanWrite(caption) {
		return fmt.Sprintf("class %d", label)
	}
	const most = 14
	if letters := []rune(caption); len(letters) > most {
		return string(letters[:most-1]) + "~"
	}
	return caption
}

// settings are the flags of the run.
func (k *keeper) settings() (list [][2]string) {
	k.o.set.VisitAll(func(f *pflag.Flag) {
		if !unkept(f) {
			list = append(list, [2]string{f.Name, f.Value.String()})
		}
	})
	return list
}

func (k *keeper) settingsAsMarkdown() string {
	var b strings.Builder
	b.WriteString("| setting | value |\n|---|---|\n")
	for _, s := range k.settings() {
		fmt.Fprintf(&b, "| %s | `%s` |\n", s[0], strings.ReplaceAll(s[1], "|", "\\|"))
	}
	return b.String()
}

// finish writes the report.
func (k *keeper) finish(result *trained, ran train.Result) error {
	if k.folder == nil {
		return nil
	}
	m, set := k.p.model, k.p.set
	report := &runs.Report{
		Title:   fmt.Sprintf("%s on %s", m.About.Architecture, set.title),
		Summary: fmt.Sprintf("%s of %s by Inkling %s, in %s.", count(ran.Epochs, "epoch"), count(k.p.train.Len(), "picture"), version(), k.folder.Path()),
		Facts: [][2]string{
			{"data", set.title}, {"pictures to train on", thousands(k.p.train.Len())}, {"seed", strconv.FormatUint(k.o.seed, 10)},
			{"parameters", thousands(inkling.Parameters(m.Network))}, {"optimizer", k.o.optimizing.String()},
			{"time", seconds(ran.Elapsed)}, {"speed", thousands(int(math.Round(ran.ImagesPerSecond()))) + " images/s"},
			{"machine", fmt.Sprintf("%s/%s, %s, %s kernels", runtime.GOOS, runtime.GOARCH, count(effectiveWorkers(k.o.workers), "worker"), kernel.Implementation())},
		},
		Settings: k.settings(), Rows: k.log.Rows(), Pictures: k.pictures,
	}
	if k.p.validation != nil {
		report.Facts = append(report.Facts, [2]string{"pictures to validate with", thousands(k.p.validation.Len())})
	}
	if e := result.evaluation; e != nil {
		report.Classes, report.Confusion, report.Calibration = e.Classes, e.Confusion, e.Calibration
		worst, err := misreadPicture(result.test, e)
		if err != nil {
			return err
		}
		if worst != nil {
			report.Pictures = append(report.Pictures, *worst)
		}
	}
	if err := writeReport(k.folder.Path(), report); err != nil {
		return err
	}
	k.r.line("Report: %s\n", filepath.Join(k.folder.Path(), runs.ReportFile))
	return nil
}

func (k *keeper) close() {
	if k.log != nil {
		k.warn(k.log.Close())
	}
	if k.board != nil {
		k.warn(k.board.Close())
	}
}
