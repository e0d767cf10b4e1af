package models

import (
	"fmt"
	"math"

	"inkling/nn"
)

// paddingToken is the number that fills sentences up, text.Padding.
const paddingToken = 0

// maxTokens is more than any sentence has.
const maxTokens = 1 << 20

// textWidths are how many tokens the filters of a TextCNN see.
var textWidths = []int{3, 4, 5}

// TextCNN is the network for sentences of Kim 2014, arXiv:1408.5882, whose words are
// learnt from scratch (CNN-rand): filters over 3, 4 and 5 tokens find phrases, and of each
// the place counts where it is found best.
type TextCNN struct {
	Embedding nn.Embedding
	// Tally, if not nil, has a number of every token and run for each class. Of a sentence
	// they are added up, as a linear model of its words does, divided by the root of its
	// length, and multiplied by Factor; so they are learnt Factor times as fast.
	Tally  *nn.Embedding
	Factor float64
	// Apart leaves out of some examples what the phrases say, and of some what the Tally
	// says, so that each learns to answer alone: together they then err less than if one
	// learns what the other has left to be learnt.
	Apart   nn.StochasticDepth
	Convs   []*nn.Conv1d
	Dropout nn.Dropout
	FC      nn.Linear

	seen int // rows whose numbers have vectors, the first ones
	input
}

// Forward computes the logits, N x classes, of the numbers of tokens, N x 1 x rows x length:
// those of the tokens in the first row, in others those of the runs that begin there, and in
// the last ones those of pieces, which the Tally alone reads.
func (n *TextCNN) Forward(x *nn.Value) *nn.Value {
	var best []*nn.Value
	for _, found := range n.find(x) {
		best = append(best, nn.Max(found, false, -1))
	}
	logits := n.FC.Forward(n.Dropout.Forward(nn.Concat(1, best...)))
	if n.Tally == nil {
		return logits
	}
	tally := n.tally(x)
	if n.Apart.P > 0 {
		logits, tally = n.Apart.Forward(logits), n.Apart.Forward(tally)
	}
	return nn.Add(logits, tally)
}

// tally is what all tokens and runs say for each class, N x classes.
func (n *TextCNN) tally(x *nn.Value) *nn.Value {
	first := nn.Reshape(nn.Slice(x, 2, 0, 1, 1), x.Shape()[3])
	tokens := nn.Sum(nn.Hardtanh(first, 0, 1), true, 1) // of padding the numbers are 0, of all else 1 and more
	sum := nn.Sum(look(x, n.Tally), false, 1)
	return nn.Div(nn.Affine(sum, n.Factor, 0), nn.Sqrt(nn.Hardtanh(tokens, 1, maxTokens)))
}

// Tallies implements [Explainer].
func (n *TextCNN) Tallies() (of *nn.Embedding, factor func(tokens int) float64) {
	return n.Tally, func(tokens int) float64 { return n.Factor / math.Sqrt(float64(max(tokens, 1))) }
}

// find returns how well each filter suits each place, N x filters x places, for each width.
func (n *TextCNN) find(x *nn.Value) (all []*nn.Value) {
	x = embed(x, &n.Embedding, n.seen)
	for _, conv := range n.Convs {
		all = append(all, nn.ReLU(conv.Forward(x)))
	}
	return all
}

// Evidence implements [Explainer].
func (n *TextCNN) Evidence(x *nn.Value) (values, places *nn.Value) { return evidence(n.find(x)) }

// Span implements [Explainer].
func (n *TextCNN) Span(feature int) (before, tokens int) {
	width := n.Convs[feature/n.Convs[0].Out].Kernel
	return width - 1, width
}

// Behind implements [Explainer]: a filter that sees nothing but padding answers, too.
func (n *TextCNN) Behind() int { return 1 }

// Head implements [Explainer].
func (n *TextCNN) Head() *nn.Linear { return &n.FC }

// TokenCount implements [Explainer].
func (n *TextCNN) TokenCount() int { return n.Embedding.Count }

func newTextCNN(c Config, o options, draw nn.Draw) (Network, error) {
	dim, filters := o.whole("dim"), o.whole("filters")
	n := &TextCNN{
		Embedding: nn.Embedding{Count: c.Tokens, Dim: dim, Padding: paddingToken + 1},
		Dropout:   nn.Dropout{P: o.number("dropout")},
		FC:        nn.Linear{In: len(textWidths) * filters, Out: c.Classes},
		seen:      c.Height - c.PieceRows,
		input:     inputOf(c),
	}
	for _, width := range textWidths {
		n.Convs = append(n.Convs, &nn.Conv1d{In: dim, Out: filters, Kernel: width, Padding: width - 1})
	}
	if n.Factor, n.Apart.P = o.number("tally"), o.number("apart"); n.Factor > 0 {
		n.Tally = &nn.Embedding{Count: c.Tokens + c.Pieces, Dim: c.Classes, Padding: paddingToken + 1}
	} else if c.Pieces > 0 || n.Apart.P > 0 {
		return nil, errNoTally("textcnn without a tally")
	}
	err := initialiseTokens(n, &n.Embedding, draw)
	if n.Tally != nil && draw != nil && err == nil {
		nn.Constant(&n.Tally.Weight, 0)
	}
	return n, err
}

// errNoTally is why a network cannot read pieces of tokens.
func errNoTally(name string) error {
	return fmt.Errorf("%s has nothing that weighs pieces of words, and nothing that could learn apart: take textcnn tally=2, or leave these out", name)
}

// initialiseTokens gives a network PyTorch's initial weights, and tokens small numbers, up to
// 0.05. PyTorch's own, of deviation 1, drown what little the tokens of a few thousand
// sentences learn; with Kim's, up to 0.25, rare words are known by their numbers by chance
// before any word is known by what it means.
func initialiseTokens(network any, embedding *nn.Embedding, draw nn.Draw) error {
	if err := nn.InitUniform(network, draw); err != nil || draw == nil {
		return err
	}
	nn.Uniform(&embedding.Weight, draw, -0.05, 0.05)
	weight := make([]float32, embedding.Count*embedding.Dim)
	embedding.Weight.Read(weight)
	clear(weight[paddingToken*embedding.Dim:][:embedding.Dim])
	embedding.Weight.Write(weight)
	return nil
}

// embed makes N x dim x length of the numbers of tokens, N x 1 x rows x length; of a place
// the vectors of so many rows, the first ones, are added up. The numbers come as floats, as
// all that a loader hands out; whole numbers below 2^24 lose nothing.
func embed(x *nn.Value, embedding *nn.Embedding, rows int) *nn.Value {
	length := x.Shape()[3]
	if rows < x.Shape()[2] {
		x = nn.Slice(x, 2, 0, rows, 1)
	}
	vectors := look(x, embedding)
	if rows > 1 {
		vectors = nn.Sum(nn.Reshape(vectors, rows, length, embedding.Dim), false, 1)
	}
	return nn.Transpose(vectors, 1, 2)
}

// look is N x rows*length x dim, the vectors of the numbers of tokens, N x 1 x rows x length.
func look(x *nn.Value, embedding *nn.Embedding) *nn.Value {
	return embedding.Forward(nn.Cast(nn.Reshape(x, x.Shape()[2]*x.Shape()[3]), nn.Int32))
}

// An Explainer is a network whose answer is a sum over what its filters find, each at the
// place where it is found best, so that it can be told which tokens made the answer.
type Explainer interface {
	Network

	// Evidence computes of N x 1 x rows x length numbers of tokens what Head adds up, at
	// inference: N x features values, and at which place each was found, N x features.
	Evidence(x *nn.Value) (values, places *nn.Value)
	// Span tells which tokens a feature at a place p has seen: so many from p-before on.
	Span(feature int) (before, tokens int)
	// Behind is how much padding has to stay behind a row's tokens so that a longer row
	// has the same features, whatever length the network was made for.
	Behind() int
	// Head is the layer that adds the values up.
	Head() *nn.Linear
	// Tallies is what tokens and runs of them say for each class besides, by their numbers,
	// and what it is multiplied by where a sentence has so many tokens; nil for nothing.
	Tallies() (of *nn.Embedding, factor func(tokens int) float64)
	// TokenCount is how many numbers tokens may have.
	TokenCount() int
}

// evidence is the largest values of N x filters x places, and where they are.
func evidence(found []*nn.Value) (values, places *nn.Value) {
	var best, at []*nn.Value
	for _, f := range found {
		best, at = append(best, nn.Max(f, false, -1)), append(at, nn.Cast(nn.ArgMax(f, -1, false), nn.Float32))
	}
	return nn.Concat(1, best...), nn.Concat(1, at...)
}
