package nn_test

import (
	"math"
	"os"
	"testing"

	"github.com/sbinet/npyio"

	"inkling/nn"
	"inkling/torchrand"
)

// TestGoldenInitializers compares what even initialisers draw with PyTorch, bit
// for bit, from its own random numbers with seed 0.
func TestGoldenInitializers(t *testing.T) {
	for name, set := range map[string]func(p *nn.Param, draw nn.Draw){
		"kaiming_uniform": func(p *nn.Param, draw nn.Draw) { nn.KaimingUniform(p, draw, nn.FanIn, nn.Gain("leaky_relu", 0)) },
		"kaiming_uniform_sqrt5": func(p *nn.Param, draw nn.Draw) {
			nn.KaimingUniform(p, draw, nn.FanIn, nn.Gain("leaky_relu", math.Sqrt(5)))
		},
		"xavier_uniform": func(p *nn.Param, draw nn.Draw) { nn.XavierUniform(p, draw, 1) },
	} {
		f, err := os.Open("testdata/init/" + name + ".npy")
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		var want []float32
		if err := npyio.Read(f, &want); err != nil {
			t.Fatal(err)
		}
		p := nn.NewParam(4, 3, 3, 3)
		set(&p, torchrand.New(0).Symmetric)
		got := make([]float32, len(want))
		p.Read(got)
		for i := range want {
			if got[i] != want[i] {
				t.Errorf("%s: element %d is %v, PyTorch has %v", name, i, got[i], want[i])
				break
			}
		}
	}
}
