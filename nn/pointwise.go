package nn

import (
	"math"
	"math/rand/v2"

	"inkling/internal/kernel"
)

// pointwise is an operation that applies a function to every element. F is the
// function with its settings.
type pointwise[F pointFunction] struct{ f F }

// pointFunction is a function of one number, computed in float64.
type pointFunction interface {
	comparable
	name() string
	value(x float64) float64
	// slope is the derivative at x, where the value is y: computed of x or, if the
	// function has a method ofOutput, of y alone.
	slope(x, y float64) float64
	// curve is the kernels that compute it in float32, if it has any; see curves.go.
	curve() kernel.Curve
}

func (p pointwise[F]) Name() string                              { return p.f.name() }
func (p pointwise[F]) OutputShape(inputs []Shape) (Shape, error) { return oneInput(inputs) }
func (p pointwise[F]) Forward64(c *Call[float64])                { pointwiseForward(p.f, c) }
func (p pointwise[F]) Backward64(c *Call[float64])               { pointwiseBackward(p.f, c) }

func (p pointwise[F]) Forward(c *Call[float32]) {
	if curve := p.f.curve(); curve.Form != kernel.NoForm {
		curve.Values(c.Output.Data, c.Inputs[0].Data)
		return
	}
	pointwiseForward(p.f, c)
}

func (p pointwise[F]) Backward(c *Call[float32]) {
	curve, dx := p.f.curve(), c.InputGrads[0].Data
	if curve.Form == kernel.NoForm || dx == nil {
		pointwiseBackward(p.f, c)
		return
	}
	at := c.Inputs[0].Data
	if _, outputs := p.BackwardReads(); outputs {
		at = c.Output.Data
	}
	curve.AddSlopes(dx, c.OutputGrad.Data, at)
}

// BackwardReads: a slope is computed of either x or y.
func (p pointwise[F]) BackwardReads() (inputs, outputs bool) {
	_, outputs = any(p.f).(interface{ ofOutput() })
	return !outputs, outputs
}

func (p pointwise[F]) elementwise() bool {
	zero := p.f.value(0)
	return !math.IsNaN(zero) && !math.IsInf(zero, 0)
}

func pointwiseForward[F pointFunction, T Float](f F, c *Call[T]) {
	y := c.Output.Data
	for i, x := range c.Inputs[0].Data {
		y[i] = T(f.value(float64(x)))
	}
}

func pointwiseBackward[F pointFunction, T Float](f F, c *Call[T]) {
	dx, dy, x, y := c.InputGrads[0].Data, c.OutputGrad.Data, c.Inputs[0].Data, c.Output.Data
	if dx == nil {
		return
	}
	// What BackwardReads does not name may hold something else by now.
	if _, outputs := (pointwise[F]{f}).BackwardReads(); outputs {
		x = y
	} else {
		y = x
	}
	for i := range dx {
		dx[i] += T(float64(dy[i]) * f.slope(float64(x[i]), float64(y[i])))
	}
}

func applyPointwise[F pointFunction](f F, x *Value) *Value { return Apply(pointwise[F]{f}, nil, x) }

// pointwiseExample draws inputs that are large enough to reach every branch.
func pointwiseExample[F pointFunction](f func(r *rand.Rand) F) func(r *rand.Rand) Example {
	return func(r *rand.Rand) Example {
		settings := f(r)
		e := exampleOfFunc(func(x []*Value) *Value { return applyPointwise(settings, x[0]) }, anyShape(r))
		e.Draw = func(r *rand.Rand, _ int) float64 { return 3 * r.NormFloat64() }
		return e
	}
}

// plainExample is pointwiseExample for a function without settings.
func plainExample[F pointFunction](f F) func(r *rand.Rand) Example {
	return pointwiseExample(func(*rand.Rand) F { return f })
}

// ReLU6 returns min(max(x, 0), 6), as torch.nn.ReLU6.
func ReLU6(x *Value) *Value { return applyPointwise(clamp{0, 6}, x) }

// Hardtanh returns x, but at least low and at most high, as torch.nn.Hardtanh,
// whose defaults are -1 and 1.
func Hardtanh(x *Value, low, high float64) *Value {
	return applyPointwise(clamp{low, high}, x)
}

// clamp keeps a number between two others. At these the gradient is zero.
type clamp struct {
	low, high float64
}

func (c clamp) name() string { return "clamp" }
func (c clamp) value(x float64) float64 {
	switch { // a NaN stays one
	case x < c.low:
		return c.low
	case x > c.high:
		return c.high
	}
	return x
}
func (c clamp) slope(_, y float64) float64 {
	if y <= c.low || y >= c.high {
		return 0
	}
	return 1
}
func (clamp) ofOutput() {}

// LeakyReLU returns x where that is at least 0, and slope*x below, as
// torch.nn.LeakyReLU, whose default slope is 0.01.
func LeakyReLU(x *Value, slope float64) *Value { return applyPointwise(leakyReLU{slope}, x) }

type leakyReLU struct{ negative float64 }

func (leakyReLU) name() string { return "leaky_relu" }
func (l leakyReLU) value(x float64) float64 {
	if x < 0 {
		return l.negative * x
	}
	return x
}
func (l leakyReLU) slope(x, _ float64) float64 {
	if x > 0 {
		return 1
	}
	return l.negative
}

// ELU returns x where that is above 0, and alpha*(exp(x)-1) below, as
// torch.nn.ELU, whose default alpha is 1 (Clevert et al. 2016,
// arXiv:1511.07289).
func ELU(x *Value, alpha float64) *Value { return applyPointwise(elu{alpha, 1}, x) }

// SELU returns ELU with alpha 1.6733 times 1.0507, as torch.nn.SELU (Klambauer et
// al. 2017, arXiv:1706.02515).
func SELU(x *Value) *Value {
	return applyPointwise(elu{1.6732632423543772848170429916717, 1.0507009873554804934193349852946}, x)
}

type elu struct{ alpha, scale float64 }

func (elu) name() string { return "elu" }
func (e elu) value(x float64) float64 {
	if x > 0 {
		return e.scale * x
	}
	return e.scale * e.alpha * math.Expm1(x)
}
func (e elu) slope(x, _ float64) float64 {
	if x > 0 {
		return e.scale
	}
	return e.scale * e.alpha * math.Exp(x)
}

// Sigmoid returns 1/(1+exp(-x)), as torch.nn.Sigmoid.
func Sigmoid(x *Value) *Value { return applyPointwise(sigmoid{}, x) }

type sigmoid struct{}

func (sigmoid) name() string               { return "sigmoid" }
func (sigmoid) value(x float64) float64    { return logistic(x) }
func (sigmoid) slope(_, y float64) float64 { return y * (1 - y) }
func (sigmoid) ofOutput()                  {}

func logistic(x float64) float64 { return 1 / (1 + math.Exp(-x)) }

// SiLU returns x*sigmoid(x), as torch.nn.SiLU: also called swish (Ramachandran et
// al. 2017, arXiv:1710.05941).
func SiLU(x *Value) *Value { return applyPointwise(silu{}, x) }

type silu struct{}

func (silu) name() string { return "silu" }
func (silu) value(x float64) float64 {
	if math.IsInf(x, -1) {
		return 0
	}
	return x * logistic(x)
}
func (silu) slope(x, _ float64) float64 {
	s := logistic(x)
	return s * (1 + x*(1-s))
}

// Mish returns x*tanh(softplus(x)), as torch.nn.Mish (Misra 2019,
// arXiv:1908.08681).
func Mish(x *Value) *Value { return applyPointwise(mish{}, x) }

type mish struct{}

func (mish) name() string            { return "mish" }
func (mish) value(x float64) float64 { return x * math.Tanh(softPlus(x)) }
func (mish) slope(x, _ float64) float64 {
	t := math.Tanh(softPlus(x))
	return t + x*(1-t*t)*logistic(x)
}

func softPlus(x float64) float64 { return max(x, 0) + math.Log1p(math.Exp(-math.Abs(x))) }

// GELU returns x times the normal distribution's share below x, as torch.nn.GELU
// (Hendrycks and Gimpel 2016, arXiv:1606.08415).
func GELU(x *Value) *Value { return applyPointwise(gelu{}, x) }

type gelu struct{}

func (gelu) name() string            { return "gelu" }
func (gelu) value(x float64) float64 { return 0.5 * x * math.Erfc(-x/math.Sqrt2) }
func (gelu) slope(x, _ float64) float64 {
	return 0.5*math.Erfc(-x/math.Sqrt2) + x*math.Exp(-x*x/2)/math.Sqrt(2*math.Pi)
}

// GELUTanh returns GELU by the formula with tanh in it, as
// torch.nn.GELU(approximate="tanh"): 0.5*x*(1+tanh(sqrt(2/pi)*(x+0.044715*x^3))).
func GELUTanh(x *Value) *Value { return applyPointwise(geluTanh{}, x) }

type geluTanh struct{}

func (geluTanh) name() string { return "gelu_tanh" }
func (geluTanh) value(x float64) float64 {
	return 0.5 * x * (1 + math.Tanh(math.Sqrt(2/math.Pi)*(x+0.044715*x*x*x)))
}
func (geluTanh) slope(x, _ float64) float64 {
	t := math.Tanh(math.Sqrt(2/math.Pi) * (x + 0.044715*x*x*x))
	return 0.5*(1+t) + 0.5*x*(1-t*t)*math.Sqrt(2/math.Pi)*(1+3*0.044715*x*x)
}

// Hardsigmoid returns x/6 + 1/2, but at least 0 and at most 1, as
// torch.nn.Hardsigmoid.
func Hardsigmoid(x *Value) *Value { return applyPointwise(hardsigmoid{}, x) }

type hardsigmoid struct{}

func (hardsigmoid) name() string            { return "hardsigmoid" }
func (hardsigmoid) value(x float64) float64 { return min(max(x+3, 0), 6) / 6 }
func (hardsigmoid) slope(x, _ float64) float64 {
	if x > -3 && x < 3 {
		return 1. / 6
	}
	return 0
}

// Hardswish returns x*hardsigmoid(x), as torch.nn.Hardswish (Howard et al. 2019,
// arXiv:1905.02244).
func Hardswish(x *Value) *Value { return applyPointwise(hardswish{}, x) }

type hardswish struct{}

func (hardswish) name() string { return "hardswish" }
func (hardswish) value(x float64) float64 {
	switch {
	case x <= -3:
		return 0
	case x >= 3:
		return x
	}
	return x * (x + 3) / 6
}
func (hardswish) slope(x, _ float64) float64 {
	switch {
	case x < -3:
		return 0
	case x > 3:
		return 1
	}
	return x/3 + 0.5
}

// Tanh returns the hyperbolic tangent, as torch.nn.Tanh.
func Tanh(x *Value) *Value { return applyPointwise(tanh{}, x) }

type tanh struct{}

func (tanh) name() string               { return "tanh" }
func (tanh) value(x float64) float64    { return math.Tanh(x) }
func (tanh) slope(_, y float64) float64 { return 1 - y*y }
func (tanh) ofOutput()                  {}

// Softplus returns log(1+exp(beta*x))/beta, and x itself where beta*x is above
// threshold, as torch.nn.Softplus, whose defaults are 1 and 20.
func Softplus(x *Value, beta, threshold float64) *Value {
	return applyPointwise(softplus{beta, threshold}, x)
}

type softplus struct{ beta, threshold float64 }

func (softplus) name() string { return "softplus" }
func (s softplus) value(x float64) float64 {
	if x*s.beta > s.threshold {
		return x
	}
	return softPlus(x*s.beta) / s.beta
}
func (s softplus) slope(x, _ float64) float64 {
	if x*s.beta > s.threshold {
		return 1
	}
	return logistic(x * s.beta)
}

// Affine returns scale*x + shift with two given numbers, which are not trained.
func Affine(x *Value, scale, shift float64) *Value { return applyPointwise(affine{scale, shift}, x) }

type affine struct{ scale, shift float64 }

func (affine) name() string                 { return "affine" }
func (a affine) value(x float64) float64    { return a.scale*x + a.shift }
func (a affine) slope(_, _ float64) float64 { return a.scale }

// Exp returns e to the power of x.
func Exp(x *Value) *Value { return applyPointwise(exponential{}, x) }

type exponential struct{}

func (exponential) name() string               { return "exp" }
func (exponential) value(x float64) float64    { return math.Exp(x) }
func (exponential) slope(_, y float64) float64 { return y }
func (exponential) ofOutput()                  {}

// Log returns the natural logarithm.
func Log(x *Value) *Value { return applyPointwise(logarithm{}, x) }

type logarithm struct{}

func (logarithm) name() string               { return "log" }
func (logarithm) value(x float64) float64    { return math.Log(x) }
func (logarithm) slope(x, _ float64) float64 { return 1 / x }

// Sqrt returns the square root.
func Sqrt(x *Value) *Value { return applyPointwise(root{}, x) }

type root struct{}

func (root) name() string               { return "sqrt" }
func (root) value(x float64) float64    { return math.Sqrt(x) }
func (root) slope(_, y float64) float64 { return 0.5 / y }
func (root) ofOutput()                  {}

// Abs returns the magnitude. At 0 the gradient is zero.
func Abs(x *Value) *Value { return applyPointwise(magnitude{}, x) }

type magnitude struct{}

func (magnitude) name() string            { return "abs" }
func (magnitude) value(x float64) float64 { return math.Abs(x) }
func (magnitude) slope(x, _ float64) float64 {
	switch {
	case x > 0:
		return 1
	case x < 0:
		return -1
	}
	return 0
}

// positiveExample draws positive inputs.
func positiveExample[F pointFunction](f F) func(r *rand.Rand) Example {
	return func(r *rand.Rand) Example {
		e := plainExample(f)(r)
		e.Draw = func(r *rand.Rand, _ int) float64 { return 0.1 + 2*r.Float64() }
		return e
	}
}
