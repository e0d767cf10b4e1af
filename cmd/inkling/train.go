package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"inkling"
	"inkling/data"
	"inkling/data/audit"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/weights"
	"inkling/weights/described"
)

// defaultModel is the network of the tutorial.
const defaultModel = "lenet"

// modelFor is the network for samples where none was chosen.
func modelFor(set *pictureSet) string {
	switch {
	case set.text != nil:
		return "textcnn tally=2 apart=0.4"
	case set.sound != nil && min(set.sound.Mels, set.sound.Columns) < 16: // too little for five
		return "melcnn"
	case set.sound != nil:
		return "melcnn convolutions=5"
	case set.vector != nil:
		return "mlp"
	}
	return defaultModel
}

// trainOptions are the flags of a training. Their defaults are the tutorial's.
type trainOptions struct {
	data, model   string
	pictures      pictureOptions
	augment       string
	download      bool
	epochs, batch int
	optimizing
	smoothing         float64 // of the labels
	seed              uint64
	rng               string
	workers, logEvery int
	conv              nn.Convolutions
	limit, maxSize    int
	out               string
	force             bool
	saveOptimizer     bool
	test              bool
	json, quiet       bool
	runOptions
	tuneOptions

	said []string // sentences about what was chosen or found, told before the training
}

func newTrain() *cobra.Command { return trainCommand(&trainOptions{}) }

// trainCommand is the command, whose flags set o.
func trainCommand(o *trainOptions) *cobra.Command {
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a network and save it",
		Long: `Train a convolutional network to tell the pictures of a data set apart, test it on
pictures it has not seen, and save it. It is LeNet, a small one, unless --model names
another that "inkling models" lists; --optimizer and --schedule choose how it learns.

The defaults are those of PyTorch's tutorial "Training a Classifier": two epochs
(every picture is shown twice) in batches of four, by stochastic gradient descent
with learning rate 0.001 and momentum 0.9. Every 2000 batches a line tells how
wrong the network still is: [epoch, batch] loss.

The same seed gives the same model, bit for bit, whatever --workers is. With
--rng torch the first weights and the order of the pictures are those of a PyTorch
program that begins with torch.manual_seed(seed) and makes this network, then a
DataLoader with shuffle=True.

The data set is EMNIST (split mnist) if it was downloaded before, else MNIST, which
is built in; --data chooses. A folder may hold the files of a data set that
"inkling data list" names, or pictures: the folders train and test (or val, however
they are spelt), with a folder for every class in each, or just the folders of the
classes, of which a fifth of the pictures is held out to test with. A table (.csv,
.tsv) lists paths and labels, or has a label and the samples of a picture in every
line; arrays (.npz) are NumPy's, such as x_train and y_train. A zip archive of any of
these need not be unpacked.

Texts are learnt from tables (.tsv, .csv, .jsonl) with a column of texts and one of labels,
alone or as train.tsv and test.tsv in a folder, and from .txt files in a folder for every
class; recordings (.wav, .flac) from folders of classes, or by --names from files such as
DIGIT_SPEAKER_NUMBER.wav; vectors from the columns of a table that have numbers. They choose
the recipes text, speech and table, and networks that suit: textcnn with a tally of what each
word says, melcnn, mlp. What was guessed is said. Labels of these that are numbers and measure
something, such as prices, are learnt as such (--labels), and so are those of pictures in a
list that have fractions.

Before the training the pictures are looked at, and what
is strange about them is said; "inkling data check" tells more.
The network is made for the pictures' size, gray or coloured; LeNet takes 16x16 to
256x256. The numbers of the optimizers' flags are what each of them has by default.
EMNIST's pictures are stored lying on their side; the network is shown them upright,
and its file says so.

--recipe takes settings that go together ("inkling recipes" lists them); flags win. For
folders of 20 pictures a class to 5,000 in all it is folder, unless --recipe, --model,
--optimizer, --lr or --schedule say otherwise, as the tutorial's settings learn little there.

--from begins with the weights of a model, its network if --model names no other, and
with pictures made as it reads them. If it has another number of classes, its head, the
last layer, is new. --freeze keeps parameters as they are, and BatchNorm and dropout
there run as at eval; where nothing random stands before, what the frozen part makes of
the pictures is computed once, and training the rest costs seconds. In the end the
accuracy before is told, too, and that on what the model had learnt if it is at hand.

Nothing is downloaded unless --download is given. Ctrl-C stops after the current
step and saves what was learnt until then, and so do a closed terminal and a pipe
that nobody reads any more; a second Ctrl-C stops at once. Should the loss become
infinite, training stops too, and what was saved before stays.

The model is saved after every epoch. If it cannot be, as on a full disk, training
goes on and tries again; in the end the model is saved elsewhere, and it is said
where. A model that an earlier training has left in --out is kept as model.1.pth (or
the next number that is free), unless the new one is the same; any other file is not
replaced without --force. One training at a time writes a file.

` + augmentHelp(),
		Example: `  inkling train
  inkling train --epochs 5 --lr 0.01 --batch 64 --out better.pth
  inkling train --rng torch --seed 0
  inkling train --optimizer adamw --batch 32 --schedule "OneCycleLR max_lr=0.003"
  inkling train --data emnist --download
  inkling train --data ~/fashion-mnist --limit 10000 --json
  inkling train --recipe fast-mnist
  inkling train --data reviews.tsv
  inkling train --data homes.csv --label-column price
  inkling train --data recordings --names "{class}_{speaker}_{number}" --test-where speaker=theo
  inkling train --from model.pth --data ~/fashion-mnist --freeze "conv*" --unfreeze-after 1
  inkling train --data ~/photos --size 64 --skip-bad --augment auto --epochs 20 --lr 0.01 --batch 32`,
		Args: noArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := o.runOptions.apply(c.Flags()); err != nil {
				return err
			}
			defer o.release()
			if err := o.check(); err != nil {
				return err
			}
			if o.printConfig {
				return o.printSettings(c.OutOrStdout())
			}
			ctx, stop := interruptible()
			defer stop()
			ctx, out, stop := watched(ctx, c.OutOrStdout())
			defer stop()
			r := newReporter(out, o.json)
			r.quiet = o.quiet
			_, err := runTraining(ctx, o, r)
			return err
		},
	}
	o.flags(c)
	o.tuneOptions.flags(c.Flags())
	o.runOptions.flags(c.Flags())
	c.Flags().IntVar(&o.maxSize, "max-size", 0, "make pictures of one's own smaller whose commonest size is above `N` pixels; 0 means never")
	c.Flags().BoolVar(&o.json, "json", false, "print one JSON object a line, one for each event")
	c.Flags().BoolVar(&o.quiet, "quiet", false, "print nothing but what may be wrong")
	return c
}

// flags adds the flags to a command.
func (o *trainOptions) flags(c *cobra.Command) {
	f := c.Flags()
	f.SortFlags = false
	f.StringVar(&o.data, "data", "auto", dataHelp)
	o.pictures.flags(f)
	o.pictures.samples.flags(f)
	o.pictures.samples.inputFlags(f)
	f.StringVar(&o.model, "model", "", "train the network of this `NAME`; \"inkling models\" lists them, with options behind it if it has some: \"smallvgg dropout=0.3\"; or that which a file network.yaml describes; by default "+defaultModel+", or that of the file of --from")
	f.StringVar(&o.pictures.way, "preprocess", "auto", "`WAY` from picture files of one's own to what the network reads: auto, which is resize, or emnist, mnist, tutorial or fit, as inkling predict has them")
	f.StringVar(&o.augment, "augment", "", augmentFlag)
	f.BoolVar(&o.download, "download", false, "download the data set if it is not there yet")
	f.IntVar(&o.epochs, "epochs", 2, "show every picture `N` times")
	f.IntVar(&o.batch, "batch", 4, "take `N` pictures a step")
	o.optimizing.flags(f)
	f.Float64Var(&o.smoothing, "label-smoothing", 0, "spread this `SHARE` of every label evenly over all classes")
	f.Uint64Var(&o.seed, "seed", 1, "`NUMBER` that first weights, order and changes of the pictures follow from")
	f.StringVar(&o.rng, "rng", "go", "generator of random numbers: go, or torch for those of torch.manual_seed")
	f.IntVar(&o.workers, "workers", 0, "compute on `N` processors; 0 means all")
	addConvFlag(f, &o.conv, nn.ExactConvolutions)
	f.IntVar(&o.limit, "limit", 0, "train on `N` pictures only, the first or, of a folder, some of every class; 0 means all")
	f.IntVar(&o.logEvery, "log-every", 2000, "tell the loss every `N` batches; 0 means never")
	f.BoolVar(&o.test, "test", true, "test the network after the training")
	f.StringVar(&o.out, "out", "model.pth", "save the model in `FILE`, .pth, .pt, .safetensors, .npz or .onnx")
	f.BoolVar(&o.force, "force", false, "replace what is in the file of --out, whatever it is, and do not keep it")
	f.BoolVar(&o.saveOptimizer, "save-optimizer", false, "save a checkpoint that PyTorch can go on training from, with the state of the optimizer (.pth, .pt)")
}

// check refuses what makes no sense, before anything is read or written.
func (o *trainOptions) check() error {
	if o.json && o.quiet {
		return usagef("--json prints every event and --quiet hardly anything: leave one of them out")
	}
	if ending := strings.ToLower(filepath.Ext(o.out)); o.saveOptimizer && ending != ".pth" && ending != ".pt" {
		return usagef("--save-optimizer wants an --out that ends in .pth or .pt; %s has no room for an optimiser's state", o.out)
	}
	for _, f := range []struct {
		name         string
		value, least int
	}{{"epochs", o.epochs, 1}, {"batch", o.batch, 1}, {"workers", o.workers, 0}, {"limit", o.limit, 0}, {"max-size", o.maxSize, 0}, {"log-every", o.logEvery, 0}} {
		if f.value < f.least {
			return usagef("--%s is %d, want %d or more", f.name, f.value, f.least)
		}
	}
	const mostBatch, mostWorkers = 10_000, 1024
	if o.batch > mostBatch {
		return usagef("--batch is %d, want %d at most", o.batch, mostBatch)
	}
	if o.workers > mostWorkers {
		return usagef("--workers is %d, want %d at most", o.workers, mostWorkers)
	}
	if err := o.pictures.samples.check(o.seed); err != nil {
		return err
	}
	if o.pictures.way != "" {
		if err := checkPreprocess(o.pictures.way); err != nil {
			return err
		}
	}
	if o.rng != "go" && o.rng != "torch" {
		return usagef("--rng is %q, want go or torch", o.rng)
	}
	var model models.Model
	if described.Is(o.model) {
		model.Name = o.model
	} else {
		var err error
		if model, err = models.FindModel(cmp.Or(o.model, defaultModel)); err != nil {
			return usagef("--model: %w", err)
		}
	}
	if o.rng == "torch" && !model.DrawsAsPyTorch() {
		return usagef("--rng torch is for LeNet, whose first weights are drawn in PyTorch's order; those of %s are not: leave --rng out", model.Name)
	}
	if o.rng == "torch" && o.fromFile != "" {
		return usagef("--rng torch draws the first weights, and --from has them from a file: leave one out")
	}
	if err := o.tuneOptions.check(); err != nil {
		return err
	}
	if err := o.optimizing.check(); err != nil {
		return err
	}
	o.relateGroups()
	if o.ema > 0 && o.saveOptimizer {
		return usagef("--save-optimizer is for going on from the weights as training left them, and --ema saves averages: leave one out (checkpoints of --run have both)")
	}
	if err := (nn.CrossEntropy{LabelSmoothing: o.smoothing}).Check(); err != nil {
		return usageError{err}
	}
	if o.smoothing == 1 {
		return usagef("--label-smoothing is 1, want less: with it all classes are the same, and nothing is learnt")
	}
	if o.download {
		_, err := o.toDownload()
		return err
	}
	return nil
}

// trained is a model fresh from its training, and the pictures to test it with.
type trained struct {
	model      *inkling.Classifier
	set        *pictureSet
	test       data.Dataset
	evaluation *train.Evaluation // nil if it was not tested
	trainSums  *audit.Sums       // of the pictures it was trained on; nil if they do not lie in memory
}

// runTraining trains a network, tests it and saves it, as a command's flags say.
func runTraining(ctx context.Context, o *trainOptions, r *reporter) (*trained, error) {
	saver, p, err := beginTraining(ctx, o, r)
	if err != nil {
		return nil, err
	}
	defer saver.release()
	return finishTraining(ctx, o, r, saver, p)
}

// beginTraining claims the file of the model, and reads the pictures. The saver is
// to be released.
func beginTraining(ctx context.Context, o *trainOptions, r *reporter) (s *saver, p *prepared, err error) {
	if s, err = newSaver(o.out, o.force); err != nil {
		return nil, nil, err
	}
	if o.download {
		err = downloadData(ctx, o, r)
	}
	if err == nil {
		p, err = await(ctx, func() (*prepared, error) { return o.prepare(ctx) })
	}
	if err != nil {
		s.release()
	}
	if ctx.Err() != nil && err == context.Cause(ctx) {
		err = fmt.Errorf("%w before the first step; nothing was saved", err)
	}
	return s, p, err
}

// finishTraining trains, tests and saves what beginTraining has made ready.
func finishTraining(ctx context.Context, o *trainOptions, r *reporter, saver *saver, p *prepared) (*trained, error) {
	defer r.close()
	set, trainSet, testSet, m := p.set, p.train, p.test, p.model
	loader := o.loader(p)
	result := &trained{model: m, set: set, test: testSet}
	schedule, perBatch, err := o.scheduled(o.epochs, loader.Len())
	if err != nil {
		return nil, err
	}
	if cycle, ok := schedule.(*optim.OneCycleLR); ok && len(o.groups) > 0 {
		schedule = scaledCycle{cycle, o.rate()}
	}
	r.begin(o, p, trainSet, m)
	rate := o.rate() // of the last batch
	var program *nn.TrainProgram
	state := func() *weights.Optimizer { return o.state(program, rate) }
	ctx, abort := context.WithCancelCause(ctx)
	defer abort(nil)
	config, err := o.config(p, loader)
	if err != nil {
		return nil, err
	}
	config.Schedule, config.ScheduleBatches = schedule, perBatch
	if o.dryRun {
		return nil, o.rehearse(ctx, r, p, config)
	}
	keeper, err := o.keep(ctx, abort, r, p, loader)
	if err != nil {
		return nil, err
	}
	defer keeper.close()
	config.From, config.LogEvery, config.Validate = keeper.from(), o.logEvery, keeper.validate
	config.MaxSteps, config.MaxTime = o.maxSteps, o.maxTime
	config.CheckpointSteps, config.CheckpointInterval = o.saving.steps, o.saving.interval
	config.UnfreezeAfter, config.FeatureBytes = o.unfreezeAfter, o.featureBytes()
	config.OnFeatures = func(f train.FeatureReport) { r.features(f, trainSet.Len()) }
	config.OnEvent = func(e train.Event) {
		if schedule != nil {
			rate = e.Rate
		}
	}
	hints := newHints(trainSet, p.validation)
	config.Listeners = []func(train.Event){r.event, func(e train.Event) { keeper.event(e, rate) }, func(e train.Event) { r.hint(hints.event(e)) }}
	config.OnStart = func(p *nn.TrainProgram) {
		program = p
		keeper.start(program, state)
		if o.saveOptimizer {
			m.Optimizer = state
		}
	}
	config.OnUnfreeze = func(p *nn.TrainProgram) {
		program = p
		r.line("All parameters are trained from here on.\n")
		r.object("unfrozen", map[string]any{"after_epoch": o.unfreezeAfter})
	}
	config.Checkpoint = func(at train.Position) error {
		keeper.checkpoint(at)
		epoch := at.Epochs
		if epoch == o.epochs || at.Batches > 0 {
			return nil // saved below, with the accuracy; or in the run's folder alone
		}
		m.SetExtra("epochs", strconv.Itoa(epoch))
		giveBack := train.UseAverage(m.Network, program)
		err := saver.save(m, epoch)
		giveBack()
		if err != nil {
			r.warn("After epoch %d: %v. Training goes on; the model is saved after the next epoch.", epoch, err)
		}
		if keeper.enough(epoch) {
			return train.ErrEnough
		}
		return nil
	}
	ran, err := train.Run(ctx, config)
	if schedule != nil {
		rate = ran.Rate
	}
	m.SetExtra("epochs", strconv.Itoa(ran.Epochs))
	m.SetExtra("steps", strconv.Itoa(ran.Steps))
	var diverged *train.DivergedError
	switch {
	case keeper.err != nil:
		return nil, keeper.err
	case errors.As(err, &diverged):
		return nil, o.explain(diverged, saver)
	case ctx.Err() != nil && errors.Is(err, context.Cause(ctx)):
		keeper.checkpoint(ran.At)
		train.UseAverage(m.Network, program)
		return nil, saveInterrupted(saver, m, ran, r, err)
	case err != nil:
		return nil, err
	}
	train.UseAverage(m.Network, program)
	m.SetExtra("loss", strconv.FormatFloat(ran.Loss, 'g', 6, 64))
	r.finish(ran)
	result.trainSums = noteTrained(ctx, m, trainSet)

	// A fault in the test must not cost the model.
	var testErr error
	if testSet != nil {
		result.evaluation, testErr = train.Evaluate(ctx, m.Network, testSet, m.Transform(), o.workers)
		if testErr == nil {
			score, name := result.evaluation.Score()
			m.SetExtra(name, strconv.FormatFloat(score, 'g', -1, 64))
			m.SetExtra("test_images", strconv.Itoa(testSet.Len()))
			r.tested(result.evaluation)
			testErr = o.beside(ctx, r, result)
		}
	}
	r.leftOut(set)
	if err := saver.saveLast(m, ran.Epochs); err != nil {
		return nil, errors.Join(err, testErr)
	}
	r.saved(saver)
	return result, errors.Join(testErr, keeper.finish(result, ran, rate))
}

// explain says where training went astray, what to try and what is left.
func (o *trainOptions) explain(diverged *train.DivergedError, s *saver) error {
	left := fmt.Sprintf("nothing was saved, and %s was not touched", o.out)
	if s.begun {
		left = fmt.Sprintf("%s holds the model as it was after epoch %d", o.out, s.epoch)
	}
	return fmt.Errorf("%w than --lr %v; %s", diverged, o.rate(), left)
}

// saveInterrupted saves the model of a training that was stopped from outside.
func saveInterrupted(s *saver, m *inkling.Classifier, ran train.Result, r *reporter, cause error) error {
	if ran.Steps == 0 {
		return fmt.Errorf("%w; nothing was saved", cause)
	}
	m.SetExtra("interrupted", "true")
	r.finish(ran)
	if err := s.saveLast(m, ran.Epochs); err != nil {
		return errors.Join(cause, err)
	}
	r.saved(s)
	return fmt.Errorf("%w; the model was saved as it was then", cause)
}

// toDownload is the data set that --download gets.
func (o *trainOptions) toDownload() (*publishedSet, error) {
	name := o.data
	if name == "auto" {
		name = autoDownload
	}
	switch s := findPublished(name); {
	case s == nil:
		return nil, usagef("--download gets data sets that \"inkling data list\" names, and --data %s is none", o.data)
	case s.builtin != nil:
		return nil, usagef("--download has nothing to get for --data %s, which is built in", o.data)
	default:
		return s, nil
	}
}

// downloadData gets the data set, unless it is there.
func downloadData(ctx context.Context, o *trainOptions, r *reporter) error {
	s, err := o.toDownload()
	if err != nil {
		return err
	}
	dir, there, err := s.there("")
	if there || err != nil {
		return err
	}
	from, err := mirrors(nil)
	if err != nil {
		return err
	}
	r.line("Downloading %s, about %s ...\n", s.Title, sizeOf(s.Bytes))
	out := r.out
	if r.json || r.quiet {
		out = nil
	}
	return s.download(ctx, dir, from, out)
}

// effectiveWorkers is what 0 workers mean.
func effectiveWorkers(n int) int {
	if n == 0 {
		return runtime.GOMAXPROCS(0)
	}
	return n
}
