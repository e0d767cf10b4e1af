package main

import (
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"inkling/data"
	"inkling/internal/flagfile"
	"inkling/train/runs"
)

// runOptions are the flags of what a training leaves besides its model.
type runOptions struct {
	run, resume, config string
	valSplit            float64
	fraction            float64
	overfit, keepEpochs int
	dryRun              bool
	patience, maxSteps  int
	maxTime             time.Duration
	saving              saveEvery

	parent string       // of the run's folder, "" for the usual one
	folder *runs.Folder // nil if none was asked for
	set    *pflag.FlagSet

	recipeOptions
}

func (o *runOptions) flags(f *pflag.FlagSet) {
	o.recipeOptions.flags(f)
	f.StringVar(&o.run, "run", "", "keep settings, measurements, checkpoints and a report in runs/`NAME`, or NAME-2 and so on if there is one")
	f.StringVar(&o.resume, "resume", "", "go on with the training in `FOLDER`, with its settings, from its last checkpoint")
	f.StringVar(&o.config, "config", "", "take the settings that `FILE`, such as runs/NAME/config.yaml, has; flags win")
	f.Float64Var(&o.valSplit, "val-split", 0, "hold out this `SHARE` of the pictures of every class to validate with after each epoch; never those to test with")
	f.Float64Var(&o.fraction, "fraction", 1, "train on this `SHARE` of the pictures of every class, chosen by the seed")
	f.IntVar(&o.overfit, "overfit", 0, "train on `N` pictures, and validate with the same: a network that can learn at all learns them by heart; 0 means all")
	f.BoolVar(&o.dryRun, "dry-run", false, "show one batch to train on and one to validate with, tell what would be done, and end; nothing is saved")
	f.IntVar(&o.keepEpochs, "keep", 0, "with --run, keep the checkpoints of the last `N` epochs, too, as epoch-0001.pth and so on")
	f.IntVar(&o.patience, "patience", 0, "with --val-split, stop when the validation has not got better for `N` epochs; 0 means never")
	f.IntVar(&o.maxSteps, "max-steps", 0, "stop after `N` steps; 0 means after --epochs")
	f.DurationVar(&o.maxTime, "max-time", 0, "stop after this `TIME`, such as 10m; 0 means after --epochs")
	f.Var(&o.saving, "save-every", "with --run, save a checkpoint every so often within epochs, too: `WHAT` is a time (30s) or a number of steps (1000)")
}

// resumable are the flags that a run may be gone on with, for they do not change what
// its steps compute.
var resumable = []string{"resume", "epochs", "workers", "max-steps", "max-time", "patience", "save-every", "keep", "log-every", "test", "out", "force", "save-optimizer", "json", "quiet"}

// unkept are the flags that config.yaml does not have.
func unkept(f *pflag.Flag) bool {
	switch f.Name {
	case "run", "resume", "config", "recipe", "print-config", "dry-run", "json", "quiet", "force", "help", "download":
		return true
	}
	_, isSetting := f.Value.(*settingFlag)
	return isSetting && !f.Changed && f.Value.String() == ""
}

func settable(f *pflag.Flag) bool {
	_, isSetting := f.Value.(*settingFlag)
	return isSetting || f.Name == "recipe" || !unkept(f)
}

// apply sets the flags that a file of settings has, and claims the folder of a run
// that is gone on with.
func (o *runOptions) apply(f *pflag.FlagSet) error {
	o.set = f
	if o.resume != "" {
		if o.run != "" || o.config != "" {
			return usagef("--resume goes on with a run and its settings: leave --run and --config out")
		}
		if o.dryRun {
			return usagef("--dry-run is for a training that has not begun: leave --resume out, and try its settings with --config %s", filepath.Join(o.resume, runs.ConfigFile))
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
	if err := o.applyRecipe(f, o.config); err != nil {
		o.release()
		return err
	}
	if !(o.valSplit >= 0 && o.valSplit < 1) {
		return usagef("--val-split is %v, want 0 or more and less than 1", o.valSplit)
	}
	switch {
	case !(o.fraction > 0 && o.fraction <= 1):
		return usagef("--fraction is %v, want more than 0 and 1 at most", o.fraction)
	case o.overfit < 0 || o.keepEpochs < 0:
		return usagef("--overfit and --keep cannot be negative")
	case o.overfit > 0 && o.valSplit > 0:
		return usagef("--overfit validates with the pictures that it trains on: leave --val-split out")
	case o.keepEpochs > 0 && o.run == "" && o.resume == "":
		return usagef("--keep keeps checkpoints in the folder of a run: give it a name with --run")
	}
	if o.patience < 0 || o.maxSteps < 0 || o.maxTime < 0 {
		return usagef("--patience, --max-steps and --max-time cannot be negative")
	}
	if o.patience > 0 && o.valSplit == 0 && o.overfit == 0 {
		return usagef("--patience waits for a validation: hold pictures out for it with --val-split")
	}
	if f.Changed("save-every") && o.run == "" && o.resume == "" {
		return usagef("--save-every saves into the folder of a run: give it a name with --run")
	}
	return nil
}

// divide chooses the pictures to train on among those there are, and holds some out to
// validate with if that is asked for.
func (o *runOptions) divide(d data.Dataset, seed uint64) (train, validation data.Dataset, err error) {
	if o.fraction > 0 && o.fraction < 1 {
		if d, _, err = data.StratifiedSplit(d, 1-o.fraction, seed); err != nil {
			return nil, nil, fmt.Errorf("--fraction: %w", err)
		}
	}
	switch {
	case o.overfit > d.Len():
		return nil, nil, usagef("--overfit is %d, but there are %d pictures to train on", o.overfit, d.Len())
	case o.overfit > 0:
		d, err = first(d, o.overfit)
		return d, d, err
	case o.valSplit > 0:
		if train, validation, err = data.StratifiedSplit(d, o.valSplit, seed); err != nil {
			return nil, nil, fmt.Errorf("--val-split: %w", err)
		}
		return train, validation, nil
	}
	return d, nil, nil
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
