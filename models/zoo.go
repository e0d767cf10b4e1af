package models

import (
	"fmt"
	"math/rand/v2"
	"strings"

	"inkling/nn"
)

// A Model is a ready-made network: one line of the zoo.
type Model struct {
	// Name is what flags and files call it, such as "resnet18"; capitals do not matter.
	// Options that are not the usual ones stand behind it: "smallvgg dropout=0.3".
	Name string
	// Usual is what the network is for where nothing else is said. Its Padding is nil
	// if the network takes none.
	Usual Config
	// Reads is what the network reads.
	Reads Kind
	// Options are what can be chosen besides.
	Options []Option

	// make returns a network; see New.
	make func(c Config, o options, draw nn.Draw) (Network, error)
	// chain, if not nil, tells more of a network that is one layer after another.
	chain *chain
	// chosen are the options that were given.
	chosen options
}

// A Kind is what a network reads.
type Kind string

// The kinds. A spectrogram is a picture of one channel.
const (
	Pictures  Kind = ""
	Sentences Kind = "sentences" // the numbers of tokens
	Rows      Kind = "rows"      // numbers in no order, as those of a table; pictures as such
)

// New returns a network with initial weights made of draws, as PyTorch and
// torchvision make them, or an error if there is none for what c says. Small
// pictures may get a network of another form than large ones; the network's
// comment says so. Without draws the weights are zero, to be read from a file.
func (m Model) New(c Config, draw nn.Draw) (Network, error) { return m.make(c, m.options(), draw) }

// zoo is every network there is, one a line.
var zoo = []Model{
	{Name: "LeNet", Usual: Config{Channels: LeNetChannels, Height: LeNetHeight, Width: LeNetWidth, Classes: 10, Padding: []int{}}, make: newDrawnLeNet, chain: &chain{lenetConfigs, lenetLayers()}},
	{Name: "airbench", Usual: cifar, make: newAirbench},
	{Name: "charcnn", Usual: sentence, Reads: Sentences, Options: []Option{embeddingSize(128), filters(256), dropout(0.5)}, make: newCharCNN},
	{Name: "densenet121", Usual: imageNet, Options: []Option{stem}, make: newDenseNet121},
	{Name: "digitnet", Usual: Config{Channels: 1, Height: 28, Width: 28, Classes: 10}, Options: []Option{dropout(0.2)}, make: newDigitNet},
	{Name: "efficientnet_b0", Usual: imageNet, Options: []Option{dropout(0.2), stochasticDepth, stem}, make: newEfficientNetB0},
	{Name: "lenet5", Usual: Config{Channels: LeNetChannels, Height: LeNetHeight, Width: LeNetWidth, Classes: 10, Padding: []int{}}, make: newLeNet5},
	{Name: "melcnn", Usual: Config{Channels: 1, Height: 40, Width: 64, Classes: 10}, Options: []Option{convolutions, dropout(0.2)}, make: newMelCNN},
	{Name: "mlp", Usual: Config{Channels: 1, Height: 1, Width: 16, Classes: 10}, Reads: Rows, Options: []Option{hidden(64), dropout(0.1)}, make: newMLP},
	{Name: "mobilenet_v2", Usual: imageNet, Options: []Option{dropout(0.2), widthMult, stem}, make: newMobileNetV2},
	{Name: "mobilenet_v3_small", Usual: imageNet, Options: []Option{dropout(0.2), widthMult}, make: newMobileNetV3Small},
	{Name: "resnet9", Usual: cifar, make: newResNet9},
	{Name: "resnet18", Usual: imageNet, Options: []Option{stem}, make: newResNet([4]int{2, 2, 2, 2}, false)},
	{Name: "resnet34", Usual: imageNet, Options: []Option{stem}, make: newResNet([4]int{3, 4, 6, 3}, false)},
	{Name: "resnet50", Usual: imageNet, Options: []Option{stem}, make: newResNet([4]int{3, 4, 6, 3}, true)},
	{Name: "smallvgg", Usual: cifar, Options: []Option{dropout(0.5)}, make: newSmallVGG},
	{Name: "squeezenet1_1", Usual: imageNet, Options: []Option{dropout(0.5)}, make: newSqueezeNet},
	{Name: "textcnn", Usual: sentence, Reads: Sentences, Options: []Option{embeddingSize(128), filters(100), dropout(0.5), tally, apart}, make: newTextCNN},
}

var (
	imageNet = Config{Channels: 3, Height: 224, Width: 224, Classes: 1000}
	cifar    = Config{Channels: 3, Height: 32, Width: 32, Classes: 10}
	sentence = Config{Channels: 1, Height: 1, Width: 60, Classes: 2, Tokens: 20_000}
)

// Zoo returns all models there are.
func Zoo() []Model { return append([]Model(nil), zoo...) }

// FindModel returns the model of a name, which may have options behind it, as in
// "mobilenet_v2 width_mult=0.5 dropout=0"; or an error that lists the names or the
// options there are.
func FindModel(name string) (Model, error) {
	name, options, _ := strings.Cut(strings.TrimSpace(name), " ")
	for _, m := range zoo {
		if strings.EqualFold(m.Name, name) {
			return m.with(options)
		}
	}
	return Model{}, fmt.Errorf("there is no model %q; there are %s", name, strings.Join(Names(), ", "))
}

// Names are those of all models.
func Names() []string {
	var names []string
	for _, m := range zoo {
		names = append(names, m.Name)
	}
	return names
}

// NewModel returns a network of a model with initial weights drawn from seed: the
// same seed gives the same weights.
func (m Model) NewModel(c Config, seed uint64) (Network, error) {
	return m.Draw(c, nn.From(rand.New(rand.NewPCG(seed, initStream))))
}

// Draw is NewModel with draws from elsewhere, or, without any, with weights of zero,
// to be read from a file. It refuses what no network is for.
func (m Model) Draw(c Config, draw nn.Draw) (Network, error) {
	if err := c.check(m.Name); err != nil {
		return nil, err
	}
	switch {
	case m.Reads == Sentences && c.Tokens == 0:
		return nil, fmt.Errorf("%s reads sentences, and pictures have no words: train it on texts", m.Name)
	case m.Reads != Sentences && c.Tokens > 0:
		return nil, fmt.Errorf("%s reads pictures, and these are sentences: take a network for them, such as textcnn or charcnn", m.Name)
	}
	if len(c.Padding) > 0 && m.Usual.Padding == nil {
		return nil, fmt.Errorf("%s takes no padding: leave out that of %d convolutions, %v", m.Name, len(c.Padding), c.Padding)
	}
	return m.New(c, draw)
}

// check refuses what no network is for.
func (c Config) check(name string) error {
	const mostChannels, mostClasses, mostSide, mostTokens = 64, 1_000_000, 4096, 1 << 22
	switch {
	case c.Channels < 1 || c.Channels > mostChannels:
		return fmt.Errorf("%s cannot read pictures of %d channels: they must have 1 to %d", name, c.Channels, mostChannels)
	case min(c.Height, c.Width) < 1 || max(c.Height, c.Width) > mostSide:
		return fmt.Errorf("%s cannot read pictures of %dx%d pixels: their sides must be 1 to %d", name, c.Height, c.Width, mostSide)
	case c.Tokens < 0 || c.Tokens > mostTokens:
		return fmt.Errorf("%s cannot tell %d tokens apart: there must be 1 to %d", name, c.Tokens, mostTokens)
	case c.Classes < 1 || c.Classes > mostClasses:
		return fmt.Errorf("%s cannot tell %d classes apart: there must be 1 to %d", name, c.Classes, mostClasses)
	}
	return nil
}

// input is the shape of the pictures that a network reads.
type input struct{ channels, height, width int }

func inputOf(c Config) input { return input{c.Channels, c.Height, c.Width} }

// Input is the shape of the pictures that the network reads.
func (i input) Input() (channels, height, width int) { return i.channels, i.height, i.width }

// initialise gives a network PyTorch's initial weights, and its convolutions those
// that set gives them, with biases of zero.
func initialise(network any, draw nn.Draw, set func(weight *nn.Param)) error {
	if err := nn.InitUniform(network, draw); err != nil {
		return err
	}
	nn.Visit(network, func(_ string, layer any) {
		if c, ok := layer.(*nn.Conv2d); ok {
			set(&c.Weight)
			if !c.NoBias {
				nn.Constant(&c.Bias, 0)
			}
		}
	})
	return nil
}

// initialiseLinear is initialise for networks whose linear layers are drawn from a
// normal distribution, with biases of zero.
func initialiseLinear(network any, draw nn.Draw, deviation float64, set func(weight *nn.Param)) error {
	if err := initialise(network, draw, set); err != nil {
		return err
	}
	nn.Visit(network, func(_ string, layer any) {
		if l, ok := layer.(*nn.Linear); ok {
			nn.Normal(&l.Weight, draw, 0, deviation)
			nn.Constant(&l.Bias, 0)
		}
	})
	return nil
}
