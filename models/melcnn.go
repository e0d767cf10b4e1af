package models

import (
	"fmt"

	"inkling/nn"
)

// MelCNN is a network for spoken words: it reads the logarithm of a mel spectrogram, a
// picture of one channel with a row for every pitch. Three to five convolutions with
// BatchNorm, each over an area twice as large as the one before, and the mean of what they
// find. The area of the third is half of the pitches over a third of a second; that of the
// fifth holds a whole word, whoever says it how fast.
type MelCNN struct {
	Conv1, Conv2, Conv3 nn.Conv2d
	Conv4, Conv5        *nn.Conv2d // nil if there are fewer
	BN1, BN2, BN3       nn.BatchNorm2d
	BN4, BN5            *nn.BatchNorm2d
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
	if n.Conv4 != nil {
		x = nn.ReLU(n.BN4.Forward(n.Conv4.Forward(x)))
	}
	if n.Conv5 != nil {
		x = nn.ReLU(n.BN5.Forward(n.Conv5.Forward(half.Forward(x))))
	}
	return n.FC.Forward(n.Dropout.Forward(nn.GlobalAvgPool2d(x)))
}

func newMelCNN(c Config, o options, draw nn.Draw) (Network, error) {
	count, least := o.whole("convolutions"), 8 // pixels, of which each pooling leaves half
	if count == 5 {
		least = 16
	}
	if min(c.Height, c.Width) < least {
		return nil, fmt.Errorf("MelCNN of %d convolutions cannot read pictures of %dx%d: there must be %d rows and columns at least", count, c.Height, c.Width, least)
	}
	n := &MelCNN{
		Conv1: conv(c.Channels, 32, 3, 1, 1), BN1: batchNorm(32),
		Conv2: conv(32, 64, 3, 1, 1), BN2: batchNorm(64),
		Conv3: conv(64, 128, 3, 1, 1), BN3: batchNorm(128),
		Dropout: nn.Dropout{P: o.number("dropout")},
		FC:      nn.Linear{In: 128, Out: c.Classes},
		input:   inputOf(c),
	}
	for i, more := range []struct {
		conv **nn.Conv2d
		bn   **nn.BatchNorm2d
	}{{&n.Conv4, &n.BN4}, {&n.Conv5, &n.BN5}} {
		if i+4 <= count {
			c, bn := conv(128, 128, 3, 1, 1), batchNorm(128)
			*more.conv, *more.bn = &c, &bn
		}
	}
	return n, nn.InitUniform(n, draw)
}
