package inkling

import (
	"fmt"

	"inkling/models"
	"inkling/nn"
	"inkling/text"
	"inkling/train"
	"inkling/transform"
)

// An Explanation is what a model thinks of a text, and which tokens made it think so.
type Explanation struct {
	Prediction
	text.Sample
	// Support is what each of the sample's tokens adds to the answer's logit, less what it
	// adds to those of all classes in the mean; of a model with a Target what it adds to the
	// number. Of every filter the place counts where it
	// is found best, and what it finds is shared among the tokens that it sees there.
	Support []float64
}

// An Explainer explains a model's answers on texts. It belongs to one goroutine.
type Explainer struct {
	of      models.Explainer
	input   *text.Input
	classes []string
	target  *Target
	program *nn.Program
	numbers []float32
	shape   nn.Shape  // of numbers
	weight  []float32 // of the head, classes x features
	tally   []float32 // of the numbers, count x classes, or nil
}

// NewExplainer makes one. It fails if the model reads no texts.
func NewExplainer(m *Classifier) (*Explainer, error) {
	of, ok := m.Network.(models.Explainer)
	if !ok || m.Text == nil {
		return nil, fmt.Errorf("the model reads %s, no texts", m.Kind())
	}
	shape := nn.Shape{1, 1, m.Text.Rows(), m.Text.Length}
	program, err := nn.Network{
		Module: m.Network, Convolutions: m.Convolutions,
		Inputs: []nn.Spec{{Shape: shape}},
		Forward: func(x []*nn.Value) []*nn.Value {
			values, places := of.Evidence(x[0])
			return []*nn.Value{m.Network.Forward(x[0]), values, places}
		},
	}.Compile()
	if err != nil {
		return nil, err
	}
	head := of.Head()
	e := &Explainer{of: of, input: m.Text, classes: m.About.Classes, target: m.Target, program: program, numbers: make([]float32, shape.Elements()), shape: shape, weight: make([]float32, head.In*head.Out)}
	head.Weight.Read(e.weight)
	if tallies, _ := of.Tallies(); tallies != nil {
		e.tally = make([]float32, tallies.Count*tallies.Dim)
		tallies.Weight.Read(e.tally)
	}
	return e, nil
}

// Explain says what a text is, and why. It fails as [text.Input.Read] does.
func (e *Explainer) Explain(sentence string) (*Explanation, error) {
	sample, err := e.input.Read(sentence)
	if err != nil {
		return nil, err
	}
	return e.ExplainSample(sample)
}

// ExplainSample is Explain for a text that was read.
func (e *Explainer) ExplainSample(sample *text.Sample) (*Explanation, error) {
	transform.Numbers{}.Apply(&transform.Picture{Floats: e.numbers}, &transform.Picture{Bytes: e.input.Bytes(sample)})
	outputs := e.program.ForwardAll(nn.Tensor[float32]{Shape: e.shape, Data: e.numbers})
	logits, values, places := outputs[0].Data, outputs[1].Data, outputs[2].Data
	for _, v := range logits {
		if v-v != 0 {
			return nil, fmt.Errorf("the network's output is %v, not a finite number: the weights in the model's file are damaged", v)
		}
	}
	probabilities := make([]float32, len(logits))
	softmax(probabilities, logits)
	best := train.Argmax(probabilities)
	answer := &Explanation{Sample: *sample, Support: make([]float64, len(sample.Numbers)),
		Prediction: Prediction{Class: e.classes[best], Index: best, Probability: float64(probabilities[best]), Probabilities: probabilities}}
	if e.target != nil {
		answer.Prediction = Prediction{Class: e.target.Name, Number: e.target.Number(logits[0])}
	}
	features := len(values)
	for f, v := range values {
		if !(v > 0) {
			continue
		}
		weight := e.speaksFor(best, func(class int) float64 { return float64(e.weight[class*features+f]) })
		before, tokens := e.of.Span(f)
		first := int(places[f]) - before
		from, to := max(first, 0), min(first+tokens+max(e.input.Runs, 1)-1, len(answer.Support))
		if from >= to {
			continue // it sees what fills the text up
		}
		share := float64(v) * weight / float64(to-from)
		for i := from; i < to; i++ {
			answer.Support[i] += share
		}
	}
	if e.tally != nil {
		e.addTallies(answer)
	}
	return answer, nil
}

// speaksFor is what speaks for a class, where it is known what speaks for each: less the mean
// of all, or, for a number, in its unit.
func (e *Explainer) speaksFor(class int, of func(class int) float64) float64 {
	if e.target != nil {
		return of(0) * e.target.Std
	}
	mean := 0.0
	for c := range e.classes {
		mean += of(c) / float64(len(e.classes))
	}
	return of(class) - mean
}

// addTallies adds what tokens say by themselves, and shares what runs say among their tokens.
func (e *Explainer) addTallies(answer *Explanation) {
	_, factor := e.of.Tallies()
	scale := factor(len(answer.Numbers))
	add := func(number int32, first, tokens int) {
		row := e.tally[int(number)*len(e.classes):][:len(e.classes)]
		says := e.speaksFor(answer.Index, func(class int) float64 { return float64(row[class]) })
		for i := first; i < first+tokens; i++ {
			answer.Support[i] += scale * says / float64(tokens)
		}
	}
	for i, number := range answer.Numbers {
		add(number, i, 1)
	}
	for n, numbers := range answer.Runs {
		for i, number := range numbers {
			add(number, i, n+2)
		}
	}
	for _, row := range answer.Pieces {
		for i, number := range row.Numbers {
			add(number, i, row.Tokens)
		}
	}
}

// Explain says what a text is, and which tokens made the answer. It may be called by
// several goroutines; they take turns.
func (m *Classifier) Explain(sentence string) (*Explanation, error) {
	m.reading.Lock()
	defer m.reading.Unlock()
	if m.reading.explainer == nil || m.reading.explained != m.Network {
		made, err := NewExplainer(m)
		if err != nil {
			return nil, err
		}
		m.reading.explainer, m.reading.explained = made, m.Network
	}
	return m.reading.explainer.Explain(sentence)
}
