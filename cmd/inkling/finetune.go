package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math"
	"os"
	"path"
	"reflect"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/data/download"
	"inkling/internal/wording"
	"inkling/nn"
	"inkling/optim"
	"inkling/train"
	"inkling/train/runs"
	"inkling/weights"
)

// mostFeatures is how much memory what a frozen part of a network computes of the
// pictures may take.
const mostFeatures = 1 << 30

// tuneOptions are the flags of a training that goes on from what a network has learnt.
type tuneOptions struct {
	fromFile      string
	freeze        []string
	unfreezeAfter int
	factors       []string // PATTERN=FACTOR

	rates []rateFactor
	old   *inkling.Classifier // of fromFile, or of the checkpoint that a run is gone on with
	sum   string              // of fromFile as it was when the training began
}

// rateFactor is what the learning rate of some parameters is multiplied by.
type rateFactor struct {
	pattern   string
	factor    float64
	optimizer optim.Optimizer
}

func (o *tuneOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.fromFile, "from", "", "begin with the weights of the model in `FILE`; if it has other classes, its head is replaced")
	f.StringArrayVar(&o.freeze, "freeze", nil, "do not train the parameters whose names match `PATTERN`, such as \"features.*\" (\"inkling info\" lists them); may be given again")
	f.IntVar(&o.unfreezeAfter, "unfreeze-after", 0, "train what --freeze names, too, after `N` epochs; 0 means never")
	f.StringArrayVar(&o.factors, "lr-factor", nil, "train the parameters whose names match a pattern with so many times the learning rate: `PATTERN=FACTOR`, such as \"fc.*=10\"; may be given again")
}

func (o *tuneOptions) check() error {
	o.rates = nil
	for _, text := range o.factors {
		at := strings.LastIndexByte(text, '=')
		if at <= 0 {
			return usagef("--lr-factor is %q, want a pattern of names, = and a number, such as \"fc.*=10\"", text)
		}
		pattern := text[:at]
		factor, err := strconv.ParseFloat(text[at+1:], 64)
		if err != nil || !(factor > 0) || math.IsInf(factor, 0) {
			return usagef("--lr-factor %s: %q is no number above 0; what is not to be trained is for --freeze", text, text[at+1:])
		}
		o.rates = append(o.rates, rateFactor{pattern: pattern, factor: factor})
	}
	for _, pattern := range o.patterns() {
		if _, err := path.Match(pattern, ""); err != nil {
			return usagef("%q is no pattern of names: * stands for any letters, ? for one, [ab] for one of these", pattern)
		}
	}
	if o.unfreezeAfter < 0 {
		return usagef("--unfreeze-after is %d, want 0 or more", o.unfreezeAfter)
	}
	if o.unfreezeAfter > 0 && len(o.freeze) == 0 {
		return usagef("--unfreeze-after is for what --freeze names, and that is nothing")
	}
	return nil
}

func (o *tuneOptions) patterns() []string {
	list := slices.Clone(o.freeze)
	for _, r := range o.rates {
		list = append(list, r.pattern)
	}
	return list
}

// checkNames refuses patterns that match nothing, or one parameter twice, or all.
func (o *tuneOptions) checkNames(network nn.Module) error {
	if len(o.freeze)+len(o.rates) == 0 {
		return nil
	}
	var names []string
	for _, e := range nn.State(network) {
		if !e.IsBuffer() {
			names = append(names, e.Name())
		}
	}
	for _, pattern := range o.patterns() {
		if !slices.ContainsFunc(names, func(name string) bool { return matches(pattern, name) }) {
			const most = 12
			list := strings.Join(names[:min(most, len(names))], ", ")
			if len(names) > most {
				list += fmt.Sprintf(" and %d more", len(names)-most)
			}
			return usagef("no parameter of the network is called %s; there are %s", pattern, list)
		}
	}
	for _, name := range names {
		var before string
		for _, r := range o.rates {
			if !matches(r.pattern, name) {
				continue
			}
			if before != "" {
				return usagef("--lr-factor has two factors for %s, by %s and by %s; it can have one only", name, before, r.pattern)
			}
			before = r.pattern
		}
	}
	if !slices.ContainsFunc(names, func(name string) bool { return !o.freezes(name) }) {
		return usagef("--freeze %s freezes all parameters: nothing would be learnt", strings.Join(o.freeze, ", "))
	}
	return nil
}

func matches(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}

func (o *tuneOptions) freezes(name string) bool {
	return slices.ContainsFunc(o.freeze, func(pattern string) bool { return matches(pattern, name) })
}

// training has a training freeze what is to be frozen, gives parameters with a rate of
// their own an optimizer of their own, and tells how convolutions are computed. It is nil if
// there is nothing to do.
func (o *trainOptions) training() func(t *nn.Training) {
	if len(o.freeze)+len(o.rates) == 0 && o.conv == nn.ExactConvolutions {
		return nil
	}
	for i := range o.rates {
		o.rates[i].optimizer = scaledOptimizer(o.optimizer, o.rates[i].factor)
	}
	return func(t *nn.Training) {
		t.Network.Convolutions = o.conv
		t.Freeze, t.FrozenAsEval = o.freeze, true
		if len(o.rates) == 0 {
			return
		}
		// The others come first: it is their rate that is told.
		t.Groups = []nn.Group{{Optimizer: o.optimizer, Match: func(name string, _ []int) bool {
			return !slices.ContainsFunc(o.rates, func(r rateFactor) bool { return matches(r.pattern, name) })
		}}}
		for _, r := range o.rates {
			t.Groups = append(t.Groups, nn.Group{Params: []string{r.pattern}, Optimizer: r.optimizer})
		}
	}
}

// scaledOptimizer returns an optimizer like another, with so many times its rate.
func scaledOptimizer(of optim.Optimizer, factor float64) optim.Optimizer {
	value := reflect.New(reflect.TypeOf(of).Elem())
	value.Elem().Set(reflect.ValueOf(of).Elem())
	scaled := value.Interface().(optim.Optimizer)
	if s := settingOf(scaled, "lr"); s != nil {
		*s.Value.(*float64) *= factor
	}
	return scaled
}

// state is the optimizers' state, when the last batch had that rate.
func (o *trainOptions) state(program *nn.TrainProgram, rate float64) *weights.Optimizer {
	state, base := train.OptimizerState(program), o.rate()
	if rate == base {
		return state
	}
	for i, parameters := range program.ParameterGroups() {
		factor := 1.
		for _, r := range o.rates {
			if len(parameters) > 0 && parameters[0].Optimizer == r.optimizer {
				factor = r.factor
			}
		}
		settings := state.Groups[i].Settings
		settings["initial_lr"], settings["lr"] = base*factor, rate*factor // as PyTorch's schedules have it
	}
	return state
}

// featureBytes is how much memory features may take.
func (o *trainOptions) featureBytes() int64 {
	if len(o.freeze) == 0 {
		return 0
	}
	return mostFeatures
}

// scaledCycle is a OneCycleLR for optimizers of several rates: its highest rate is for
// those that start with base.
type scaledCycle struct {
	*optim.OneCycleLR
	base float64
}

// Rate returns the rate of a step.
func (s scaledCycle) Rate(base float64, step int) float64 {
	return s.OneCycleLR.Rate(base, step) * (base / s.base)
}

// openFrom opens the model that the training begins with, if there is one. A training
// that is gone on with has its weights from its checkpoint, once there is one.
func (o *trainOptions) openFrom() error {
	if o.fromFile == "" {
		return nil
	}
	name := o.fromFile
	if o.folder != nil && o.resume != "" {
		if last := o.folder.File(runs.LastFile); fileExists(last) {
			name = last
		}
	}
	options := inkling.Options{Model: o.model}
	old, err := options.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("there is no file %s to begin with, as --from says", name)
	}
	if err != nil {
		return err
	}
	o.old, o.model = old, old.Architecture()
	if name != o.fromFile {
		o.sum = old.About.Extra[fromSumKey]
		return nil
	}
	o.sum, err = download.Sum(name)
	return err
}

// fromSumKey is what metadata note under, which sum the file had that the training began
// with.
const fromSumKey = "from_sha256"

// beginning returns the model that the training began with, nil if it is not at hand any
// more.
func (o *trainOptions) beginning() *inkling.Classifier {
	if o.old == nil || o.resume == "" {
		return o.old
	}
	if sum, err := download.Sum(o.fromFile); err != nil || sum != o.sum {
		return nil
	}
	old, err := inkling.Open(o.fromFile)
	if err != nil {
		return nil
	}
	input := o.old.Input()
	old.FitTo(input[0], input[1], input[2], "those of the training")
	old.Orient("", cmp.Or(o.old.About.Orientation, weights.Upright), "as in the training")
	return old
}

func fileExists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// likeFrom has pictures of one's own made what the model of --from reads, unless another
// size was asked for.
func (o *trainOptions) likeFrom(p pictureOptions) (pictureOptions, error) {
	if o.old == nil || p.size != "" || p.ownWay() {
		return p, nil
	}
	like, err := optionsFor(o.old, p.skipBad, "auto")
	if o.old.SizeAssumed() && !o.old.AnySize() {
		like.height, like.width = 0, 0 // theirs may tell what the model reads
	}
	like.way = p.way
	return like, err
}

// begun makes the network of the training, a new one or that of --from, for pictures.
func (o *trainOptions) begun(set *pictureSet, d data.Dataset) (*inkling.Classifier, error) {
	channels, height, width := d.Shape()
	options := inkling.Options{Channels: channels, Height: height, Width: width, Classes: d.Classes(), Seed: o.seed}
	if o.old == nil {
		m, err := inkling.NewClassifier(o.model, options)
		if err != nil {
			err = fmt.Errorf("the pictures of %s do not suit the network: %w; --size resizes those of a folder", set.title, err)
		}
		return m, err
	}
	o.old.FitTo(channels, height, width, "those of "+set.title)
	o.old.Orient("", set.stored, "as in the data set's files")
	m, replaced, err := inkling.NewClassifierFrom(o.fromFile, o.old, options)
	if err != nil {
		return nil, fmt.Errorf("--from: the network for the pictures of %s, %v (channels, height, width), is another than that of the file, which reads %v: %w", set.title, nn.Shape{channels, height, width}, nn.Shape(o.old.Input()), err)
	}
	m.SetExtra(inkling.FromKey, o.fromFile)
	m.SetExtra(fromSumKey, o.sum)
	if o.resume == "" {
		o.said = append(o.said, o.sayFrom(m, replaced)...)
	}
	return m, nil
}

// sayFrom tells what the training begins with.
func (o *trainOptions) sayFrom(m *inkling.Classifier, replaced []string) []string {
	list := []string{strings.TrimSuffix(o.old.Note(o.fromFile), "\n")}
	was, is := o.old.About.Classes, m.About.Classes
	switch {
	case len(replaced) > 0:
		list = append(list, fmt.Sprintf("Weights: those of %s, but its head is replaced by a new one, for %s in place of %d: %s.", o.fromFile, wording.Count(len(is), "class"), len(was), strings.Join(replaced, ", ")))
	case slices.Equal(was, is):
		list = append(list, fmt.Sprintf("Weights: those of %s, its head for the same %s too.", o.fromFile, wording.Count(len(is), "class")))
	default:
		list = append(list, fmt.Sprintf("Weights: those of %s; it has as many classes of other names, and its head begins with what it learnt of those.", o.fromFile))
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// sayFrozen tells what is not trained, and which rates differ.
func (o *trainOptions) sayFrozen(network nn.Module) (list []string) {
	var frozen, trained []string
	factors := map[string]int{}
	for _, e := range nn.State(network) {
		if e.IsBuffer() {
			continue
		}
		if o.freezes(e.Name()) {
			frozen = append(frozen, e.Name())
		} else {
			trained = append(trained, e.Name())
		}
		for _, r := range o.rates {
			if matches(r.pattern, e.Name()) {
				factors[r.pattern]++
			}
		}
	}
	if len(frozen) > 0 {
		until := ""
		if o.unfreezeAfter > 0 {
			until = fmt.Sprintf(", until after epoch %d", o.unfreezeAfter)
		}
		list = append(list, fmt.Sprintf("Frozen: %d of %d parameters%s; trained: %s.", len(frozen), len(frozen)+len(trained), until, someNames(trained)))
	}
	for _, r := range o.rates {
		list = append(list, fmt.Sprintf("Learning rate of %s (%s): %v times the others'.", r.pattern, count(factors[r.pattern], "parameter"), r.factor))
	}
	return list
}

// someNames lists names, the first and the last of many.
func someNames(names []string) string {
	if len(names) > 8 {
		return strings.Join(names[:4], ", ") + ", ..., " + strings.Join(names[len(names)-2:], ", ")
	}
	return strings.Join(names, ", ")
}

// noteTuning makes the settings part of metadata.
func (o *trainOptions) noteTuning(set func(key, value string)) {
	if len(o.freeze) > 0 {
		set("freeze", strings.Join(o.freeze, " "))
	}
	if o.unfreezeAfter > 0 {
		set("unfreeze_after", strconv.Itoa(o.unfreezeAfter))
	}
	if len(o.factors) > 0 {
		set("lr_factor", strings.Join(o.factors, " "))
	}
}

// features tells whether what the frozen part computes is kept.
func (r *reporter) features(f train.FeatureReport, pictures int) {
	if f.Kept {
		r.line("Features: what the frozen part makes of %s was computed once, %v numbers each, %d MB.\n", count(pictures, "picture"), f.Shape, max(1, f.Bytes>>20))
	} else {
		r.line("Features: what the frozen part makes of the pictures is computed in every epoch: %s.\n", strings.ReplaceAll(f.Why, "nn: ", ""))
	}
	r.object("features", map[string]any{"kept": f.Kept, "why": f.Why, "shape": f.Shape, "bytes": f.Bytes})
}

// beside tests the model that the training began with, on the same pictures as the
// trained one, and both on those that it had learnt before, if these are at hand: what
// was learnt may have cost something.
func (o *trainOptions) beside(ctx context.Context, r *reporter, result *trained) error {
	old, m := o.beginning(), result.model
	if old == nil || result.test == nil {
		return nil
	}
	if slices.Equal(old.About.Classes, m.About.Classes) && slices.Equal(old.Input(), m.Input()) {
		before, err := train.Evaluate(ctx, old.Network, result.test, old.Transform(), o.workers)
		if err != nil {
			return err
		}
		m.SetExtra("accuracy_before", strconv.FormatFloat(before.Accuracy(), 'g', -1, 64))
		r.line("Before this training it was %s.\n", percent(before.Accuracy()))
		r.object("tested_before", map[string]any{"images": before.Total(), "correct": before.Correct(), "accuracy": before.Accuracy()})
	}
	if old.About.Dataset == result.set.dataset && old.About.Split == result.set.split {
		return nil
	}
	name := old.About.Dataset
	if old.About.Split != "" {
		name += ":" + old.About.Split
	}
	known := findPublished(name)
	if known == nil {
		return nil
	}
	set, err := known.pictures("")
	if err != nil {
		return nil // it is not at hand
	}
	d, err := set.open(false)
	if err != nil || old.Suits(d, set.title) != nil || m.Suits(d, set.title) != nil {
		return nil
	}
	var accuracies []float64
	for _, c := range []*inkling.Classifier{old, m} {
		e, err := train.Evaluate(ctx, c.Network, c.Relabel(d), c.Transform(), o.workers)
		if err != nil {
			return err
		}
		accuracies = append(accuracies, e.Accuracy())
	}
	r.line("On the %d test images of %s, which it had learnt before, it is %s and was %s.\n", d.Len(), set.title, percent(accuracies[1]), percent(accuracies[0]))
	r.object("tested_on_old", map[string]any{"dataset": name, "images": d.Len(), "accuracy": accuracies[1], "before": accuracies[0]})
	return nil
}
