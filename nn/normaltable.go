package nn

import (
	"math"
	"math/rand/v2"
)

// The normal distribution's share below x and its density, for x from -normalLimit on, at
// normalSteps places to one: between them Taylor's polynomial about the nearest place is
// exact to 1e-9.
const (
	normalLimit = 6
	normalSteps = 64
)

type normalPlace struct{ share, density float64 }

var normalTable = func() (table [2*normalLimit*normalSteps + 1]normalPlace) {
	for i := range table {
		x := float64(i)/normalSteps - normalLimit
		table[i] = normalPlace{0.5 * math.Erfc(-x/math.Sqrt2), math.Exp(-x*x/2) / math.Sqrt(2*math.Pi)}
	}
	return table
}()

// normalAround returns the place nearest to x, which lies inside of the limits, where that
// is and how far x lies behind it.
func normalAround(x float64) (p *normalPlace, at, behind float64) {
	i := int((x+normalLimit)*normalSteps + 0.5)
	at = float64(i)/normalSteps - normalLimit
	return &normalTable[i], at, x - at
}

// fastGELU is GELU with a form for float32 that is faster than the definition, and within
// the rounding of float32 of it.
type fastGELU struct{ pointwise[gelu] }

func (fastGELU) Forward(c *Call[float32]) { gelu{}.values(c.Output.Data, c.Inputs[0].Data) }

func (fastGELU) Backward(c *Call[float32]) {
	if dx := c.InputGrads[0].Data; dx != nil {
		gelu{}.addSlopes(dx, c.OutputGrad.Data, c.Inputs[0].Data)
	}
}

// fastGELUExample draws inputs up to beyond the table's limits.
func fastGELUExample(r *rand.Rand) Example {
	e := plainExample(gelu{})(r)
	e.Forward = func(x []*Value) []*Value { return []*Value{GELU(x[0])} }
	return e
}

func (f gelu) values(y, x []float32) {
	for i, v := range x {
		if !(v > -normalLimit && v < normalLimit) {
			y[i] = float32(f.value(float64(v)))
			continue
		}
		v := float64(v)
		p, at, d := normalAround(v)
		share := p.share + p.density*d*(1+d*(-at/2+d*(at*at-1)/6))
		y[i] = float32(v * share)
	}
}

// addSlopes adds the gradients, dy times the slope at x, to dx.
func (f gelu) addSlopes(dx, dy, x []float32) {
	for i, v := range x {
		v := float64(v)
		if !(v > -normalLimit && v < normalLimit) {
			dx[i] += float32(float64(dy[i]) * f.slope(v, 0))
			continue
		}
		p, at, d := normalAround(v)
		square := at * at
		share := p.share + p.density*d*(1+d*(-at/2+d*(square-1)/6))
		density := p.density * (1 + d*(-at+d*((square-1)/2-d*at*(square-3)/6)))
		dx[i] += float32(float64(dy[i]) * (share + v*density))
	}
}
