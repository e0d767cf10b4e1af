package models

import (
	"encoding/json"
	"math"
	"os"
	"slices"
	"strings"
	"testing"

	"inkling/nn"
)

// TestSentencesGolden compares the networks for sentences and spoken words with PyTorch's
// of testdata/sentences.py: keys, their order, and logits; and what an explanation adds up
// with the logits that come of it.
func TestSentencesGolden(t *testing.T) {
	file, err := os.ReadFile("testdata/sentences.json")
	if err != nil {
		t.Fatal(err)
	}
	var cases []struct {
		Model     string
		Keys      []string
		Shape     []int
		PieceRows int `json:"piece_rows"`
		Input     []float32
		Logits    []float64
	}
	if err := json.Unmarshal(file, &cases); err != nil {
		t.Fatal(err)
	}
	for _, c := range cases {
		m, err := FindModel(c.Model)
		if err != nil {
			t.Fatal(err)
		}
		config := Config{Channels: c.Shape[1], Classes: 3}
		config.Height, config.Width = c.Shape[len(c.Shape)-2], c.Shape[len(c.Shape)-1]
		input := c.Input
		if m.Reads == Sentences {
			config = Config{Channels: 1, Height: c.Shape[1], Width: 11, Classes: 3, Tokens: 40}
			if config.PieceRows = c.PieceRows; c.PieceRows > 0 {
				config.Pieces = 30
			}
		} else {
			for _, u := range share("input", nn.Shape(c.Shape).Elements()) {
				input = append(input, 4*float32(u))
			}
		}
		net, err := m.NewModel(config, 1)
		if err != nil {
			t.Fatal(err)
		}
		var keys []string
		for _, e := range nn.State(net) {
			keys = append(keys, e.Name())
			e.Write(formulaValue(e.Name(), e.Shape()))
		}
		if !slices.Equal(keys, c.Keys) {
			t.Errorf("%s has the keys %v, PyTorch's %v", c.Model, keys, c.Keys)
		}
		p, err := nn.Compile(net, 2, config.Channels, config.Height, config.Width)
		if err != nil {
			t.Fatal(err)
		}
		near(t, c.Model, p.Forward(input), c.Logits)
		if explainer, ok := net.(Explainer); ok {
			checkEvidence(t, c.Model, explainer, config, input, c.Logits)
		}
	}
	if len(cases) != 10 {
		t.Errorf("there are %d cases", len(cases))
	}
}

func near(t *testing.T, what string, got []float32, want []float64) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%s: %d numbers, want %d", what, len(got), len(want))
	}
	for i, v := range want {
		if math.Abs(float64(got[i])-v) > 1e-4*max(1, math.Abs(v)) {
			t.Errorf("%s: logit %d is %v, want %v", what, i, got[i], v)
		}
	}
}

func checkEvidence(t *testing.T, what string, of Explainer, c Config, input []float32, logits []float64) {
	t.Helper()
	p, err := nn.Network{Module: of, Inputs: []nn.Spec{{Shape: nn.Shape{2, 1, c.Height, c.Width}}}, Forward: func(x []*nn.Value) []*nn.Value {
		values, places := of.Evidence(x[0])
		return []*nn.Value{values, places}
	}}.Compile()
	if err != nil {
		t.Fatal(err)
	}
	out := p.ForwardAll(nn.Tensor[float32]{Shape: nn.Shape{2, 1, c.Height, c.Width}, Data: input})
	head, features := of.Head(), len(out[0].Data)/2
	weight, bias := make([]float32, head.In*head.Out), make([]float32, head.Out)
	head.Weight.Read(weight)
	head.Bias.Read(bias)
	sums := make([]float32, 2*c.Classes)
	for i := range sums {
		n, class := i/c.Classes, i%c.Classes
		sums[i] = bias[class]
		for f := range features {
			sums[i] += weight[class*features+f] * out[0].Data[n*features+f]
			if before, tokens := of.Span(f); int(out[1].Data[n*features+f])-before+tokens <= 0 || before >= tokens {
				t.Errorf("%s: feature %d at %v sees nothing", what, f, out[1].Data[n*features+f])
			}
		}
	}
	if tallies, factor := of.Tallies(); tallies != nil {
		table := make([]float32, tallies.Count*tallies.Dim)
		tallies.Weight.Read(table)
		for n := range 2 {
			rows, tokens := input[n*c.Height*c.Width:][:c.Height*c.Width], 0
			for _, number := range rows[:c.Width] {
				tokens += int(min(number, 1))
			}
			for _, number := range rows {
				for class := range c.Classes {
					sums[n*c.Classes+class] += float32(factor(tokens)) * table[int(number)*c.Classes+class]
				}
			}
		}
	}
	near(t, what+"'s evidence", sums, logits)
}

// TestBehind reads rows with more and with less padding behind their tokens: with Behind
// or more the logits are the same.
func TestBehind(t *testing.T) {
	const tokens, full = 6, 30
	for _, name := range []string{"textcnn", "charcnn", "textcnn tally=10"} {
		m, err := FindModel(name)
		if err != nil {
			t.Fatal(err)
		}
		net, err := m.NewModel(Config{Channels: 1, Height: 1, Width: full, Classes: 3, Tokens: 40}, 1)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range nn.State(net) {
			if !strings.HasPrefix(e.Name(), "embedding") && !strings.HasPrefix(e.Name(), "tally") {
				e.Write(formulaValue(e.Name(), e.Shape()))
			}
		}
		logits := func(width int) []float32 {
			p, err := nn.Compile(net, 8, 1, 1, width)
			if err != nil {
				t.Fatal(err)
			}
			rows := make([]float32, 8*width)
			for i := range 8 {
				for k := range tokens {
					rows[i*width+k] = float32(1 + (7*i+11*k)%39)
				}
			}
			return slices.Clone(p.Forward(rows))
		}
		want := logits(full)
		near := func(got []float32) bool {
			for i, v := range got {
				if math.Abs(float64(v-want[i])) > 1e-5 {
					return false
				}
			}
			return true
		}
		behind := net.(Explainer).Behind()
		for width := tokens + behind; width < full; width++ {
			if !near(logits(width)) {
				t.Errorf("%s: with %d behind the tokens the logits are others", name, width-tokens)
			}
		}
	}
}

// TestSentencesRefuse lets networks and samples of other kinds meet.
func TestSentencesRefuse(t *testing.T) {
	for want, c := range map[string]Config{
		"textcnn reads sentences":       {Channels: 1, Height: 1, Width: 8, Classes: 2},
		"resnet18 reads pictures":       {Channels: 1, Height: 1, Width: 8, Classes: 2, Tokens: 10},
		"charcnn cannot tell -1 tokens": {Channels: 1, Height: 1, Width: 8, Classes: 2, Tokens: -1},
	} {
		name, _, _ := strings.Cut(want, " ")
		m, err := FindModel(name)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.NewModel(c, 1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// TestTokensBegin looks at the first numbers of tokens: small, and zero for padding.
func TestTokensBegin(t *testing.T) {
	m, err := FindModel("textcnn")
	if err != nil {
		t.Fatal(err)
	}
	net, err := m.NewModel(Config{Channels: 1, Height: 1, Width: 8, Classes: 2, Tokens: 500}, 1)
	if err != nil {
		t.Fatal(err)
	}
	weight := make([]float32, 500*128)
	net.(*TextCNN).Embedding.Weight.Read(weight)
	low, high := slices.Min(weight), slices.Max(weight)
	if low < -0.05 || low > -0.048 || high > 0.05 || high < 0.048 || slices.ContainsFunc(weight[:128], func(v float32) bool { return v != 0 }) {
		t.Errorf("tokens begin with %v to %v, padding with %v", low, high, weight[:3])
	}
}
