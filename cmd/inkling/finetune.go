package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"inkling"
	"inkling/data"
	"inkling/data/download"
	"inkling/internal/wording"
	"inkling/models"
	"inkling/nn"
	"inkling/train"
	"inkling/train/runs"
	"inkling/weights"
	"inkling/weights/described"
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
	optimizers    []string // PATTERN=OPTIMIZER

	groups []paramGroup
	old    *inkling.Classifier // of fromFile, or of the checkpoint that a run is gone on with
	sum    string              // of fromFile as it was when the training began
}

func (o *tuneOptions) flags(f *pflag.FlagSet) {
	f.StringVar(&o.fromFile, "from", "", "begin with the weights of the model in `FILE`; if it has other classes, its head is replaced")
	f.StringArrayVar(&o.freeze, "freeze", nil, "do not train the parameters whose names match `PATTERN`, such as \"features.*\" (\"inkling info\" lists them); may be given again")
	f.IntVar(&o.unfreezeAfter, "unfreeze-after", 0, "train what --freeze names, too, after `N` epochs; 0 means never")
	f.StringArrayVar(&o.factors, "lr-factor", nil, "train the parameters whose names match a pattern with so many times the learning rate: `PATTERN=FACTOR`, such as \"fc.*=10\"; may be given again")
	f.StringArrayVar(&o.optimizers, "optimizer-for", nil, "train the parameters whose names match a pattern with an optimizer of their own: `PATTERN=OPTIMIZER`, a name and settings such as \"*.bias=sgd lr=0.1 momentum=0.9\"; may be given again")
}

func (o *tuneOptions) check() error {
	if err := o.parseGroups(); err != nil {
		return err
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

// featureBytes is how much memory features may take.
func (o *trainOptions) featureBytes() int64 {
	if len(o.freeze) == 0 {
		return 0
	}
	return mostFeatures
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
	o.old = old
	if _, err := models.FindModel(old.Architecture()); err == nil {
		o.model = old.Architecture()
	}
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
	if o.old != nil && o.old.Kind() != inkling.Pictures {
		p.samples.like, p.samples.own = o.old, true
		labels := p.samples.find.Labels // what is to be learnt may be something else
		p.samples.find = findLike(o.old, p.samples.find)
		p.samples.find.Labels = labels
		return p, nil
	}
	if o.old == nil && described.Is(o.model) && p.size == "" {
		n, err := described.Read(o.model)
		if err != nil {
			return p, err
		}
		p.channels, p.height, p.width = n.Input[0], n.Input[1], n.Input[2]
		return p, nil
	}
	if o.old == nil || p.size != "" || p.ownWay() {
		return p, nil
	}
	like, err := optionsFor(o.old, p.skipBad, "auto", p.samples)
	like.samples.own, like.samples.find.Labels = true, p.samples.find.Labels // what is to be learnt may be something else
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
	if set.kind() != inkling.Pictures {
		options = inkling.Options{Text: set.text, Sound: set.sound, Vector: set.vector, Classes: d.Classes(), Seed: o.seed}
	}
	options.Target = set.target
	if o.old == nil {
		m, err := inkling.NewClassifier(o.model, options)
		if err != nil {
			if set.kind() != inkling.Pictures {
				return nil, fmt.Errorf("the network does not suit %s: %w", set.title, err)
			}
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
	for _, note := range m.Notes {
		list = append(list, "Note: "+note+".")
	}
	return slices.DeleteFunc(list, func(s string) bool { return s == "" })
}

// sayFrozen tells what is not trained, and which rates differ.
func (o *trainOptions) sayFrozen(network nn.Module) (list []string) {
	var frozen, trained []string
	members := map[string]int{}
	for _, e := range nn.State(network) {
		if e.IsBuffer() {
			continue
		}
		if o.freezes(e.Name()) {
			frozen = append(frozen, e.Name())
		} else {
			trained = append(trained, e.Name())
		}
		for _, g := range o.groups {
			if matches(g.pattern, e.Name()) {
				members[g.pattern]++
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
	for _, g := range o.groups {
		list = append(list, g.describe(members[g.pattern]))
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
	if len(o.optimizers) > 0 {
		set("optimizer_for", strings.Join(o.optimizers, "; "))
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
		score, name := before.Score()
		m.SetExtra(name+"_before", strconv.FormatFloat(score, 'g', -1, 64))
		if before.Numbers != nil {
			r.line("Before this training it was %s.\n", shortResult(before))
		} else {
			r.line("Before this training it was %s.\n", percent(score))
		}
		r.object("tested_before", resultOf(before))
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
	set, err := known.pictures(ctx, "", pictureOptions{samples: sampleOptions{like: old}})
	if err != nil {
		return nil // it is not at hand
	}
	d, err := set.open(false)
	if err != nil || old.Suits(d, set.title) != nil || m.Suits(d, set.title) != nil {
		return nil
	}
	var results []*train.Evaluation
	for _, c := range []*inkling.Classifier{old, m} {
		e, err := train.Evaluate(ctx, c.Network, c.Relabel(d), c.Transform(), o.workers)
		if err != nil {
			return err
		}
		results = append(results, e)
	}
	was, _ := results[0].Score()
	is, _ := results[1].Score()
	if results[0].Numbers != nil {
		r.line("On the %d test %ss of %s, which it had learnt before, it is %s and was %s.\n", d.Len(), m.Kind().One(), set.title, shortResult(results[1]), shortResult(results[0]))
	} else {
		r.line("On the %d test images of %s, which it had learnt before, it is %s and was %s.\n", d.Len(), set.title, percent(is), percent(was))
	}
	r.object("tested_on_old", map[string]any{"dataset": name, "images": d.Len(), "accuracy": is, "before": was})
	return nil
}
