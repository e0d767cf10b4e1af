package models

import "inkling/nn"

// MLP is a multi-layer perceptron, a network without convolutions: three linear layers with
// ReLU between them, the first two of so many units. It is for rows of numbers that stand
// in no order, as the columns of a table do; of a picture it reads the pixels one after
// another.
type MLP struct {
	FC1, FC2, FC3 nn.Linear
	Dropout       nn.Dropout

	input
}

// Forward computes the logits, N x classes, of a batch.
func (n *MLP) Forward(x *nn.Value) *nn.Value {
	x = n.Dropout.Forward(nn.ReLU(n.FC1.Forward(x.Flatten())))
	x = n.Dropout.Forward(nn.ReLU(n.FC2.Forward(x)))
	return n.FC3.Forward(x)
}

func newMLP(c Config, o options, draw nn.Draw) (Network, error) {
	hidden := o.whole("hidden")
	n := &MLP{
		FC1:     nn.Linear{In: c.Channels * c.Height * c.Width, Out: hidden},
		FC2:     nn.Linear{In: hidden, Out: hidden},
		FC3:     nn.Linear{In: hidden, Out: c.Classes},
		Dropout: nn.Dropout{P: o.number("dropout")},
		input:   inputOf(c),
	}
	return n, nn.InitUniform(n, draw)
}
