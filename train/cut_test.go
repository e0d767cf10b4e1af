package train

import (
	"encoding/binary"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"inkling/data"
	"inkling/models"
	"inkling/nn"
	"inkling/optim"
	"inkling/transform"
)

// sentences are rows of 12 tokens at most that end in padding: one with the token 2 or 3
// is of the class 1.
func sentences(t *testing.T, n int) (d data.Dataset, lengths []int) {
	t.Helper()
	r := rand.New(rand.NewPCG(5, 5))
	rows, labels := make([]byte, 4*12*n), make([]byte, n)
	for i := range n {
		lengths = append(lengths, 1+r.IntN(12))
		for k := range lengths[i] {
			token := 1 + r.IntN(9)
			binary.LittleEndian.PutUint32(rows[4*(12*i+k):], uint32(token))
			if token == 2 || token == 3 {
				labels[i] = 1
			}
		}
	}
	d, err := data.NewMemory(rows, labels, []string{"0", "1"}, 1, 1, 4*12)
	if err != nil {
		t.Fatal(err)
	}
	return d, lengths
}

// cutTraining trains a network for sentences; dropout would draw other numbers for rows
// of another width.
func cutTraining(t *testing.T, model string, cut *Cut) Config {
	t.Helper()
	d, lengths := sentences(t, 43)
	m, err := models.FindModel(model + " dim=4 filters=5 dropout=0")
	if err != nil {
		t.Fatal(err)
	}
	network, err := m.NewModel(models.Config{Channels: 1, Height: 1, Width: 12, Classes: 2, Tokens: 10}, 1)
	if err != nil {
		t.Fatal(err)
	}
	return Config{
		Network:   network,
		Optimizer: optim.NewAdam(0.01),
		Loader:    &data.Loader{Dataset: d, Transform: transform.Numbers{}, BatchSize: 4, Sampler: data.ByLength{Lengths: lengths, BatchSize: 4, Seed: 1}, Seed: 1},
		Epochs:    3,
		Cut:       cut,
	}
}

func trainedWeights(t *testing.T, c Config) []float32 {
	t.Helper()
	if _, err := Run(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	return slices.Concat(values(nn.State(c.Network))...)
}

// TestCut trains on whole rows and on rows without most of their padding: with as much
// behind them as the network wants, it learns the same, but for the order of sums.
func TestCut(t *testing.T) {
	network := cutTraining(t, "textcnn", nil).Network.(models.Explainer)
	whole := trainedWeights(t, cutTraining(t, "textcnn", nil))
	for name, test := range map[string]struct {
		cut  *Cut
		same bool
	}{
		"four widths":    {&Cut{Widths: []int{7, 4, 9, 12}, Behind: network.Behind()}, true},
		"no other width": {&Cut{}, true},
		"every width":    {&Cut{Widths: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, Behind: network.Behind()}, true},
		"nothing behind": {&Cut{Widths: []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}}, false},
	} {
		given := slices.Clone(test.cut.Widths)
		got := trainedWeights(t, cutTraining(t, "textcnn", test.cut))
		if !slices.Equal(given, test.cut.Widths) {
			t.Errorf("%s: the widths that were given became %v", name, test.cut.Widths)
		}
		far := 0.0
		for i, v := range got {
			far = max(far, math.Abs(float64(v-whole[i])))
		}
		if same := far < 1e-4; same != test.same {
			t.Errorf("%s: weights are %g apart", name, far)
		}
	}
}

// TestCutWorkers trains with several workers: the bits are the same.
func TestCutWorkers(t *testing.T) {
	cut := &Cut{Widths: []int{5, 8, 10}, Behind: 4}
	one, three := cutTraining(t, "charcnn", cut), cutTraining(t, "charcnn", cut)
	one.Workers, three.Workers = 1, 3
	if a, b := trainedWeights(t, one), trainedWeights(t, three); !slices.Equal(a, b) {
		t.Error("the weights depend on the number of workers")
	}
}

func TestCutRefuses(t *testing.T) {
	for want, cut := range map[string]*Cut{
		"Cut.Widths is [3 13], want numbers from 1 to 12, the width of the examples": {Widths: []int{3, 13}},
		"Cut.Widths is [0], want":          {Widths: []int{0}},
		"Cut.Behind is -1, want 0 or more": {Behind: -1},
	} {
		if _, err := Run(t.Context(), cutTraining(t, "textcnn", cut)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	c := cutTraining(t, "textcnn", &Cut{Widths: []int{6}})
	c.Network = nn.Sequential{&nn.Flatten{}, &nn.Linear{In: 12, Out: 2}}
	nn.Init(c.Network, rand.New(rand.NewPCG(1, 1)))
	if _, err := Run(t.Context(), c); err == nil || !strings.Contains(err.Error(), "the network cannot read 6 columns") {
		t.Errorf("%v, want that the network cannot be cut", err)
	}
}
