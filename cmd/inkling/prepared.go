package main

import (
	"cmp"
	"context"
	"fmt"
	"image"
	"slices"
	"strconv"
	"strings"

	"inkling"
	"inkling/data"
	"inkling/internal/kernel"
	"inkling/models"
	"inkling/sketch"
	"inkling/transform"
)

// prepared is what a training needs, before it begins.
type prepared struct {
	set         *pictureSet
	train, test data.Dataset
	validation  data.Dataset // nil if there is none
	augment     transform.Augmentation
	after       []transform.Transform // random steps on what the network reads
	model       *inkling.Classifier
}

// prepare reads the pictures and makes an untrained model for them.
func (o *trainOptions) prepare(ctx context.Context) (*prepared, error) {
	p := &prepared{}
	err := o.openFrom()
	if err != nil {
		return nil, err
	}
	if p.set, err = o.sizedPictures(func() (*pictureSet, error) { return o.findPictures(ctx) }); err != nil {
		return nil, err
	}
	if p.set.target != nil && slices.Contains(o.recipeSets, "label-smoothing") {
		o.smoothing = 0
		o.recipeSaid += " The labels are numbers, so label-smoothing, which is for classes, is left out."
	}
	if o.old == nil {
		o.model = cmp.Or(o.model, modelFor(p.set)) // for config.yaml
	}
	if o.data == "auto" { // likewise: another day it could be another set
		o.data = strings.TrimSuffix(p.set.dataset+":"+p.set.split, ":")
	}
	if o.recipeSaid != "" {
		o.said = append([]string{o.recipeSaid}, o.said...)
	}
	if p.train, p.test, err = openBoth(p.set, o.test && !p.set.untested, o.limit); err != nil {
		return nil, err
	}
	if p.train, p.validation, err = o.divide(p.train, o.seed); err != nil {
		return nil, err
	}
	if p.set.findings, err = auditTraining(ctx, p.set, p.train, p.test, o.limit); err != nil {
		return nil, err
	}
	channels, height, width := p.train.Shape()
	if p.set.kind() != inkling.Pictures {
		p.augment, p.after, err = parseSampleAugment(o.augment, p.set)
	} else {
		p.augment, err = parseAugment(o.augment, channels, height, width, holdsSymbols(p.train.Classes()))
	}
	if err != nil {
		return nil, err
	}
	if p.set.target != nil && p.augment.Batch != nil {
		return nil, usagef("--augment mixup and cutmix mix classes, and these are numbers: leave them out")
	}
	o.augment = p.augment.Spec // so that what auto stood for is said and saved
	if p.model, err = o.newModel(p.set, p.train); err != nil {
		return nil, err
	}
	if o.old == nil {
		whitened, err := whiten(ctx, p.model, p.train)
		if err != nil {
			return nil, err
		}
		if whitened {
			o.said = append(o.said, fmt.Sprintf("The first filters are computed from %s.", count(min(whitenedPictures, p.train.Len()), "picture")))
		}
	}
	return p, nil
}

// findPictures looks for the pictures of --data, and has them prepared in the way of
// --preprocess if there is one.
func (o *trainOptions) findPictures(ctx context.Context) (*pictureSet, error) {
	pictures, err := o.likeFrom(o.pictures)
	if err != nil {
		return nil, err
	}
	model, err := models.FindModel(o.model)
	pictures.samples.weighs = o.model == "" || err == nil && model.Weighs()
	if !pictures.ownWay() {
		return findPicturesAs(ctx, o.data, pictures)
	}
	p := &inkling.Preparation{Way: pictures.way}
	if p.Way != inkling.Fit && p.Way != inkling.Resize {
		pictures.channels, pictures.height, pictures.width = 1, sketch.Size, sketch.Size
	}
	pictures.prepare = func(img image.Image) ([]byte, error) {
		made, err := p.Prepare(img)
		if err != nil {
			return nil, err
		}
		return made.Bytes, nil
	}
	set, err := findPicturesAs(ctx, o.data, pictures)
	if err != nil {
		return nil, err
	}
	d, err := set.open(true)
	if err != nil {
		return nil, err
	}
	p.Channels, p.Height, p.Width = d.Shape()
	if err := inkling.CheckWay(p.Way, p.Channels, p.Height, p.Width); err != nil {
		return nil, usagef("--preprocess %w", err)
	}
	return set, nil
}

// openBoth reads the pictures to train on, so many of them at most unless limit
// is 0, and if they are wanted those to test with, all of them.
func openBoth(set *pictureSet, test bool, limit int) (trainSet, testSet data.Dataset, err error) {
	var testErr error
	done := make(chan struct{})
	go func() { // unpacking takes a while, so both at once
		defer close(done)
		if test {
			testSet, testErr = set.open(false)
		}
	}()
	trainSet, err = openLimited(set, true, limit)
	<-done
	if err == nil {
		err = testErr
	}
	return trainSet, testSet, err
}

func openLimited(set *pictureSet, train bool, limit int) (data.Dataset, error) {
	d, err := set.open(train)
	if err != nil {
		return nil, err
	}
	return first(d, limit)
}

// newModel returns an untrained model for the pictures, and what is known about it
// before the training.
func (o *trainOptions) newModel(set *pictureSet, d data.Dataset) (*inkling.Classifier, error) {
	channels, height, width := d.Shape()
	const mostSamples = 1 << 25 // of a batch; a training takes some gigabytes then
	if most := mostSamples / (channels * height * width); o.batch > most {
		return nil, usagef("--batch is %d, want %d at most for pictures of %dx%dx%d (channels, height, width)", o.batch, most, channels, height, width)
	}
	m, err := o.begun(set, d)
	if err != nil {
		return nil, err
	}
	if err := o.checkNames(m.Network); err != nil {
		return nil, err
	}
	o.said = append(o.said, o.sayFrozen(m.Network)...)
	number := func(v float64) string { return strconv.FormatFloat(v, 'g', -1, 64) }
	m.About.Inkling, m.About.Dataset, m.About.Split = version(), set.dataset, set.split
	for _, fact := range [][2]string{
		{"batch", strconv.Itoa(o.batch)},
		{"seed", strconv.FormatUint(o.seed, 10)},
		{"rng", o.rng},
		{"kernels", kernel.Implementation()},
		{"train_images", strconv.Itoa(d.Len())},
	} {
		m.SetExtra(fact[0], fact[1])
	}
	o.optimizing.note(m.SetExtra)
	o.noteTuning(m.SetExtra)
	if o.recipe != "" {
		m.SetExtra(recipeKey, o.recipe)
	}
	if o.augment != "" {
		m.SetExtra("augment", o.augment)
	}
	if o.smoothing != 0 {
		m.SetExtra("label_smoothing", number(o.smoothing))
	}
	if set.kind() != inkling.Pictures {
		return m, nil
	}
	ground := ""
	if channels == 1 {
		if ground, err = inkling.GroundOf(d); err != nil {
			return nil, err
		}
		m.SetExtra(inkling.GroundKey, ground)
	}
	files := set.parts != nil && set.parts.HasFiles()
	way, err := inkling.WayFor(d, ground, files, files && set.parts.Resized())
	if err != nil {
		return nil, err
	}
	switch {
	case o.pictures.ownWay():
		way = o.pictures.way
	case o.old != nil && o.pictures.size == "":
		if p, err := o.old.Preparation("auto"); err == nil {
			way = p.Way
		}
	}
	m.SetExtra(inkling.PreparationKey, way)
	return m, nil
}
