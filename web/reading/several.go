package reading

import (
	"context"
	"slices"

	"inkling/prepare"
	"inkling/sketch"
	"inkling/train"
)

// NoneFrom is how probable it is that a mark is no digit, from which on it is not taken
// for a sure one.
const NoneFrom = 0.75

// A ReadDigit is one digit of a number.
type ReadDigit struct {
	Label         string    `json:"label" doc:"the class that it most probably is" example:"7"`
	Probability   float32   `json:"probability" doc:"of that class"`
	Probabilities []float32 `json:"probabilities" nullable:"false" doc:"of each class, in the order of the model's classes"`
	None          float64   `json:"none,omitempty" doc:"how probable it is that it is no digit, where that is judged"`
	Box           []float64 `json:"box" nullable:"false" minItems:"4" maxItems:"4" doc:"left, top, right and bottom: in the unit of the strokes, or in the picture's pixels"`
	Line          int       `json:"line" doc:"the line that it stands in, from 0 at the top"`
}

// A networkError is one of the network's, and not of what was sent.
type networkError struct{ error }

func (e *networkError) Unwrap() error { return e.error }

// readerFor returns what finds the digits of drawings that are prepared so; nil if the
// network reads no digits.
func (n *Network) readerFor(ctx context.Context, p prepare.Preparation) *sketch.Reader {
	if !n.Draws() || !p.FindsDigits(n.About.Classes) {
		return nil
	}
	r := &sketch.Reader{Procedure: p.Procedure(), Together: MaxBatch, LeaveSingle: true}
	if r.Procedure == sketch.EMNIST {
		r.Judge = n.Judge
	}
	r.Read = func(pictures [][]byte) ([][]float32, error) {
		all, err := n.Read(ctx, pictures)
		if err != nil {
			return nil, &networkError{err}
		}
		return all, nil
	}
	return r
}

// addPage tells what was found on a page: of several digits the number that they are, of
// one whether it is none.
func (n *Network) addPage(p *Prediction, page *sketch.Page) {
	if page == nil || len(page.Marks) == 0 {
		return
	}
	p.LeftOut = page.LeftOut
	if len(page.Marks) == 1 {
		p.None = page.Marks[0].None
		p.Sure = p.Sure && p.None < NoneFrom
		return
	}
	p.Sure = true
	for _, m := range page.Marks {
		best := train.Argmax(m.Probabilities)
		p.Digits = append(p.Digits, ReadDigit{
			Label: n.About.Classes[best], Probability: m.Probabilities[best], Probabilities: m.Probabilities, None: m.None,
			Box: []float64{m.Left, m.Top, m.Right, m.Bottom}, Line: m.Line,
		})
		p.Sure = p.Sure && m.Probabilities[best] >= SureAbove && m.None < NoneFrom
		p.None = max(p.None, m.None)
	}
	p.Label, p.Index = page.Text(n.About.Classes), -1
	p.Probabilities = slices.Repeat([]float32{0}, len(n.About.Classes))
}
