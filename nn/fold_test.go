package nn

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
)

// TestNormsAreFolded: programs for inference have no BatchNorm behind a convolution
// left, nor a sum or a ReLU, and programs for training have.
func TestNormsAreFolded(t *testing.T) {
	for name, e := range smallNetworks() {
		if !strings.Contains(name, "normed") {
			continue
		}
		if err := Init(e.Module, rand.New(rand.NewPCG(3, 3))); err != nil {
			t.Fatal(err)
		}
		for _, training := range []bool{false, true} {
			g, err := traceAll(e.Module, e.Inputs, e.Forward, training, nil)
			if err != nil {
				t.Fatal(err)
			}
			if groups := len(fuse(g)); (groups == 2) == training {
				t.Errorf("%s, training %v: two convolutions, their norms, ReLUs and a sum are %d groups", name, training, groups)
			}
		}
	}
}

// TestStatisticsAreFollowed: what a program for inference has folded into its weights
// follows the running statistics of a training.
func TestStatisticsAreFollowed(t *testing.T) {
	for name, e := range smallNetworks() {
		if !strings.Contains(name, "normed") {
			continue
		}
		r := rand.New(rand.NewPCG(3, 3))
		if err := Init(e.Module, r); err != nil {
			t.Fatal(err)
		}
		net := newTableNet(e, r)
		shape := []int{4, net.width()}
		infer, err := Compile(net, shape...)
		if err != nil {
			t.Fatal(err)
		}
		train, err := CompileTrain(net, givenGradient{}, newSGD(), shape...)
		if err != nil {
			t.Fatal(err)
		}
		input := make([]float32, 4*net.width())
		for i := range input {
			input[i] = float32(r.NormFloat64())
		}
		before := slices.Clone(infer.Forward(input))
		train.Forward(input) // which changes the statistics and no weight
		after := slices.Clone(infer.Forward(input))
		again, err := Compile(net, shape...)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(before, after) || !slices.Equal(after, again.Forward(input)) {
			t.Errorf("%s: %v before the statistics changed, %v behind, %v of a new program", name, before[0], after[0], again.Forward(input)[0])
		}
	}
}
