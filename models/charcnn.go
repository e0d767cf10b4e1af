package models

import "inkling/nn"

// CharCNN is a network for sentences as rows of characters, Chinese ones among them, after
// Zhang, Zhao and LeCun 2015, arXiv:1509.01626, made smaller for short texts: two
// convolutions over 3 characters with BatchNorm, one upon the other, so that the second sees
// 5; of every filter of both the place counts where it is found best.
type CharCNN struct {
	Embedding    nn.Embedding
	Conv1, Conv2 nn.Conv1d
	BN1, BN2     nn.BatchNorm1d
	Dropout      nn.Dropout
	FC           nn.Linear

	input
}

// Forward computes the logits, N x classes, of numbers of tokens as [TextCNN] takes.
func (n *CharCNN) Forward(x *nn.Value) *nn.Value {
	first, second := n.find(x)
	best := nn.Concat(1, nn.Max(first, false, -1), nn.Max(second, false, -1))
	return n.FC.Forward(n.Dropout.Forward(best))
}

// find returns what the filters of both convolutions find, N x filters x places.
func (n *CharCNN) find(x *nn.Value) (first, second *nn.Value) {
	x = n.Dropout.Forward(embed(x, &n.Embedding, n.height))
	first = nn.ReLU(n.BN1.Forward(n.Conv1.Forward(x)))
	return first, nn.ReLU(n.BN2.Forward(n.Conv2.Forward(first)))
}

// Evidence implements [Explainer].
func (n *CharCNN) Evidence(x *nn.Value) (values, places *nn.Value) {
	first, second := n.find(x)
	return evidence([]*nn.Value{first, second})
}

// Span implements [Explainer].
func (n *CharCNN) Span(feature int) (before, tokens int) {
	if feature < n.Conv1.Out {
		return 1, 3
	}
	return 2, 5
}

// Behind implements [Explainer]: the first place where the second convolution sees padding
// alone is the third behind the last token, and it reads the one behind it.
func (n *CharCNN) Behind() int { return 4 }

// Tallies implements [Explainer]: there are none.
func (n *CharCNN) Tallies() (*nn.Embedding, func(int) float64) { return nil, nil }

// Head implements [Explainer].
func (n *CharCNN) Head() *nn.Linear { return &n.FC }

// TokenCount implements [Explainer].
func (n *CharCNN) TokenCount() int { return n.Embedding.Count }

func newCharCNN(c Config, o options, draw nn.Draw) (Network, error) {
	if c.Pieces > 0 {
		return nil, errNoTally("charcnn")
	}
	dim, filters := o.whole("dim"), o.whole("filters")
	n := &CharCNN{
		Embedding: nn.Embedding{Count: c.Tokens, Dim: dim, Padding: paddingToken + 1},
		Conv1:     nn.Conv1d{In: dim, Out: filters, Kernel: 3, Padding: 1, NoBias: true},
		Conv2:     nn.Conv1d{In: filters, Out: filters, Kernel: 3, Padding: 1, NoBias: true},
		BN1:       nn.BatchNorm1d{Features: filters}, BN2: nn.BatchNorm1d{Features: filters},
		Dropout: nn.Dropout{P: o.number("dropout")},
		FC:      nn.Linear{In: 2 * filters, Out: c.Classes},
		input:   inputOf(c),
	}
	return n, initialiseTokens(n, &n.Embedding, draw)
}
