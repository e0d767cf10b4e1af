package inkling

import (
	"slices"
	"strings"

	"inkling/models"
	"inkling/nn"
	"inkling/weights"
)

// NewClassifierFrom returns a classifier that begins with what another has learnt, to be
// trained on: a network of the same kind with the weights of old, for the options'
// Classes (old's if there are none) and pictures of their Channels, Height and Width
// (old's where they are 0), normalised and lying as old's unless the options say
// otherwise. If there are more or fewer classes, the parameters whose shapes follow from
// that, the head, are new, drawn from the options' Seed; replaced names them. Path stands
// for the file of old in errors.
//
// It fails if anything else differs, as where the pictures have other channels; the
// error then lists what, as a [weights.MismatchError]. A network that is none of the zoo
// becomes a graph of ONNX's operators, which files that [Classifier.Save] writes hold; if it
// was a chain of layers, its Dropout is left out, as [Classifier.Notes] then says.
func NewClassifierFrom(path string, old *Classifier, o Options) (c *Classifier, replaced []string, err error) {
	if c, replaced, err = newFrom(path, old, o); err == nil && len(old.dropped) > 0 {
		c.note("the file's network has %s, which does something in a training alone and is not taken over: trained on, nothing is dropped", strings.Join(old.dropped, " and "))
	}
	return c, replaced, err
}

func newFrom(path string, old *Classifier, o Options) (c *Classifier, replaced []string, err error) {
	config := models.Config{}
	config.Channels, config.Height, config.Width = old.Network.Input()
	if o.Channels > 0 {
		config.Channels = o.Channels
	}
	if o.Height > 0 {
		config.Height, config.Width = o.Height, o.Width
	}
	if o.Text, o.Sound = old.Text, old.Sound; o.Vector == nil {
		o.Vector = old.Vector // else it may tell of another label
	}
	if old.Kind() == Pictures {
		o.Channels, o.Height, o.Width = config.Channels, config.Height, config.Width
	}
	if len(o.Classes) == 0 {
		o.Classes, o.Target = old.About.Classes, old.Target
	}
	if len(o.Mean) == 0 && len(o.Std) == 0 && (len(old.About.Mean) == 1 || len(old.About.Mean) == config.Channels) {
		o.Mean, o.Std = old.About.Mean, old.About.Std
	}
	if o.Orientation == "" {
		o.Orientation = old.About.Orientation
	}
	if old.architecture == nil {
		return graphFrom(path, old, o)
	}
	name := old.Architecture()
	model, err := models.FindModel(name)
	if err != nil {
		return nil, nil, err
	}
	if o.Padding == nil && model.Usual.Padding != nil {
		o.Padding = old.padding
		if text := old.About.Extra[paddingKey]; text != "" && o.Padding == nil {
			if o.Padding, err = ParsePadding(text); err != nil {
				return nil, nil, err
			}
		}
	}
	if c, err = NewClassifier(name, o); err != nil {
		return nil, nil, err
	}
	config.Classes, config.Padding = len(o.Classes), o.Padding
	c.configure(&config)
	head, err := model.Head(config)
	if err != nil {
		return nil, nil, err
	}
	shapes := map[string][]int{}
	file := &weights.File{}
	for _, e := range nn.State(old.Network) {
		shapes[e.Name()] = e.Shape()
		file.Tensors = append(file.Tensors, weights.TensorOf(e))
	}
	var kept []nn.Entry
	for _, e := range nn.State(c.Network) {
		if shape, has := shapes[e.Name()]; has && slices.Contains(head, e.Name()) && !slices.Equal(shape, e.Shape()) {
			replaced = append(replaced, e.Name())
			continue
		}
		kept = append(kept, e)
	}
	file.Tensors = slices.DeleteFunc(file.Tensors, func(t weights.Tensor) bool { return slices.Contains(replaced, t.Name) })
	return c, replaced, weights.Restore(path, file, kept)
}

// FromKey is what metadata note under, which file a training began from.
const FromKey = "from"
