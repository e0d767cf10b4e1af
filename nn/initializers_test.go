package nn

import (
	"math"
	"math/rand/v2"
	"testing"
)

// TestInitializers compares the spread of what initialisers draw with PyTorch's
// formulas, for a weight of 40x30x3x3: fans of 270 and 360.
func TestInitializers(t *testing.T) {
	draw := From(rand.New(rand.NewPCG(1, 2)))
	even := func(bound float64) (deviation, largest float64) { return bound / math.Sqrt(3), bound }
	for _, c := range []struct {
		name    string
		set     func(p *Param)
		bound   float64 // of an even distribution, or 0
		std     float64 // of a normal one
		largest float64
		mean    float64
	}{
		{name: "KaimingUniform", set: func(p *Param) { KaimingUniform(p, draw, FanIn, Gain("relu", 0)) }, bound: math.Sqrt(2. * 3 / 270)},
		{name: "KaimingUniform sqrt(5)", set: func(p *Param) { KaimingUniform(p, draw, FanIn, Gain("leaky_relu", math.Sqrt(5))) }, bound: 1 / math.Sqrt(270)},
		{name: "KaimingNormal", set: func(p *Param) { KaimingNormal(p, draw, FanOut, Gain("relu", 0)) }, std: math.Sqrt(2. / 360)},
		{name: "XavierUniform", set: func(p *Param) { XavierUniform(p, draw, 1) }, bound: math.Sqrt(6. / 630)},
		{name: "XavierNormal", set: func(p *Param) { XavierNormal(p, draw, Gain("tanh", 0)) }, std: 5. / 3 * math.Sqrt(2./630)},
		{name: "Normal", set: func(p *Param) { Normal(p, draw, 3, 0.5) }, std: 0.5, mean: 3},
		// The deviation of what lies within two deviations.
		{name: "TruncNormal", set: func(p *Param) { TruncNormal(p, draw, 0, 1, -2, 2) }, std: 0.87962566, largest: 2},
		{name: "Uniform", set: func(p *Param) { Uniform(p, draw, 1, 3) }, bound: 1, mean: 2},
	} {
		p := NewParam(40, 30, 3, 3)
		c.set(&p)
		values := make([]float32, p.Shape().Elements())
		p.Read(values)
		var sum, squares, largest float64
		for _, v := range values {
			d := float64(v) - c.mean
			sum += d
			squares += d * d
			largest = max(largest, math.Abs(d))
		}
		n := float64(len(values))
		if c.bound > 0 {
			c.std, c.largest = even(c.bound)
		}
		if std := math.Sqrt(squares / n); math.Abs(std-c.std) > 0.03*c.std || math.Abs(sum/n) > 0.05*c.std {
			t.Errorf("%s: mean %.4f and deviation %.4f, want %.4f and %.4f", c.name, sum/n+c.mean, std, c.mean, c.std)
		}
		if c.largest > 0 && (largest > c.largest || largest < 0.99*c.largest) {
			t.Errorf("%s: the farthest is %.4f, want %.4f", c.name, largest, c.largest)
		}
	}
}
