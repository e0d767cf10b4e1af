package models

import (
	"fmt"

	"inkling/nn"
)

// MelCNN is a network for spoken words: it reads the logarithm of a mel spectrogram, a
// picture of one channel with a row for every pitch. Three convolutions with BatchNorm,
// each over an area twice as large as the one before, and the mean of what they find.
type MelCNN struct {
	Conv1, Conv2, Conv3 nn.Conv2d
	BN1, BN2, BN3       nn.BatchNorm2d
	Dropout             nn.Dropout
	FC                  nn.Linear

	input
}

// Forward computes the logits, N x classes, of N x 1 x mels x columns.
func (n *MelCNN) Forward(x *nn.Value) *nn.Value {
	half := &nn.MaxPool2d{Kernel: 2}
	x = half.Forward(nn.ReLU(n.BN1.Forward(n.Conv1.Forward(x))))
	x = half.Forward(nn.ReLU(n.BN2.Forward(n.Conv2.Forward(x))))
	x = half.Forward(nn.ReLU(n.BN3.Forward(n.Conv3.Forward(x))))
	return n.FC.Forward(n.Dropout.Forward(nn.GlobalAvgPool2d(x)))
}

func newMelCNN(c Config, o options, draw nn.Draw) (Network, error) {
	if min(c.Height, c.Width) < 8 {
		return nil, fmt.Errorf("MelCNN cannot read pictures of %dx%d: there must be 8 rows and columns at least", c.Height, c.Width)
	}
	n := &MelCNN{
		Conv1: conv(c.Channels, 32, 3, 1, 1), BN1: batchNorm(32),
		Conv2: conv(32, 64, 3, 1, 1), BN2: batchNorm(64),
		Conv3: conv(64, 128, 3, 1, 1), BN3: batchNorm(128),
		Dropout: nn.Dropout{P: o.number("dropout")},
		FC:      nn.Linear{In: 128, Out: c.Classes},
		input:   inputOf(c),
	}
	return n, nn.InitUniform(n, draw)
}
