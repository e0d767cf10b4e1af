// Package reading tells what a network reads in drawings and pictures, and how it came to
// that: requests and answers as the server and the page have them, without a server.
package reading

import (
	"context"
	"image"
	"slices"

	"inkling/models"
	"inkling/nn"
	"inkling/prepare"
	"inkling/sketch"
	"inkling/train"
	"inkling/weights"
)

// A Network is all that there is to know of a network to show it pictures and to tell what
// it read. It is not changed while it is in use.
type Network struct {
	About       weights.Metadata // with the classes
	Preparation prepare.Preparation
	Input       []int // channels, height and width
	Parameters  int   // how many weights there are
	// Stages are nil if the network is not shown whole.
	Stages *Stages
	// Ground and Ink are what the network is shown for the bytes 0 and 255.
	Ground, Ink float32

	// Number is set if the network tells a number in place of classes: it makes that of the
	// network's one output.
	Number func(output float32) float64

	// Read returns the probability of each class for pictures of drawings, at most
	// MaxBatch of them.
	Read func(ctx context.Context, pictures [][]byte) ([][]float32, error)
	// Judge tells digits from what is none, as that of a [sketch.Reader]. It may be nil.
	Judge func(pictures [][]byte) ([][]float32, error)
	// Decode decodes the file of a picture and hands it to see.
	Decode func(ctx context.Context, file []byte, see func(image.Image) error) error

	features []featureLayer
}

// Describe looks at a network of pictures. What it reads, and by what, is to be set.
func Describe(network models.Network, about weights.Metadata, preparation prepare.Preparation) (*Network, error) {
	channels, height, width := network.Input()
	n := &Network{About: about, Preparation: preparation, Input: []int{channels, height, width}, Parameters: nn.ParameterCount(network)}
	var err error
	if n.features, err = featureLayersOf(network); err != nil {
		return nil, err
	}
	n.Stages, err = n.stagesOf(network)
	return n, err
}

// Draws reports whether the network reads drawings.
func (n *Network) Draws() bool { return slices.Equal(n.Input, []int{1, sketch.Size, sketch.Size}) }

// PreparationFor is how a request wants its drawings to be prepared.
func (n *Network) PreparationFor(way string) (prepare.Preparation, error) {
	p := n.Preparation
	if way == "" || way == "auto" {
		return p, nil
	}
	p.Way, p.Auto = way, false
	if err := prepare.CheckWay(way, p.Channels, p.Height, p.Width); err != nil {
		return p, Problemf(Unprocessable, "%w", err)
	}
	return p, nil
}

// Preparations are what a drawing is prepared by: as the request wants it and, with
// details, as the tutorial does, unless it is one of pixels, which are not prepared, or the
// network tells a number, as none of the tutorial's does.
func (n *Network) Preparations(d *Drawing, p prepare.Preparation, details bool) []prepare.Preparation {
	if !details || d.Given() == "pixels" || !n.Draws() || n.Number != nil {
		return []prepare.Preparation{p}
	}
	tutorial := p
	tutorial.Way, tutorial.Auto = string(sketch.Tutorial), false
	return []prepare.Preparation{p, tutorial}
}

// Answer tells what was read in a drawing as it was prepared, in one way or two, where
// outcomes has nil for what there is no ink on.
func (n *Network) Answer(prepared []*Shown, outcomes []*Outcome, details bool) *Prediction {
	p := &Prediction{Empty: outcomes[0] == nil, Processed: DataURL(prepared[0].Image())}
	n.tell(p, outcomes[0])
	n.addPage(p, prepared[0].Page)
	if !details {
		return p
	}
	p.Steps = n.steps(prepared[0])
	if o := outcomes[0]; o != nil {
		for i, values := range o.Features {
			layer := n.features[i]
			img, columns := tile(values, layer.shape)
			p.Features = append(p.Features, ShownFeature{layer.name, layer.shape[1], columns, DataURL(img)})
		}
		if o.Inside != nil {
			p.Inside = n.showInside(o.Inside)
		}
	}
	if len(prepared) > 1 {
		probabilities, index := n.best(outcomes[1])
		p.Tutorial = &ShownTutorial{DataURL(prepared[1].Image()), probabilities, n.Label(index)}
	}
	return p
}

// tell tells the class or the number that was read, if there was ink.
func (n *Network) tell(p *Prediction, o *Outcome) {
	if n.Number != nil {
		p.Index, p.Probabilities = -1, []float32{}
		if o != nil {
			p.Number = new(n.Number(o.Probabilities[0]))
		}
		return
	}
	p.Probabilities, p.Index = n.best(o)
	p.Label = n.Label(p.Index)
	p.Sure = p.Index >= 0 && p.Probabilities[p.Index] >= SureAbove
}

// best returns the probabilities and the index of the largest, which is -1 if there was no
// ink.
func (n *Network) best(o *Outcome) ([]float32, int) {
	if o == nil {
		return make([]float32, len(n.About.Classes)), -1
	}
	return o.Probabilities, train.Argmax(o.Probabilities)
}

// Label is the name of a class, "" for -1.
func (n *Network) Label(index int) string {
	if index < 0 {
		return ""
	}
	return n.About.Classes[index]
}
