package nn

import (
	"fmt"
	"math/rand/v2"
	"testing"
)

// function is a module without parameters.
type function func(x *Value) *Value

func (f function) Forward(x *Value) *Value { return f(x) }

// TestGradients checks networks and a user's own operation; TestOperationGradients
// checks every built-in one.
func TestGradients(t *testing.T) {
	for name, make := range map[string]func(r *rand.Rand) (Module, []int){
		"custom operation": func(r *rand.Rand) (Module, []int) { return newScale(r), []int{1 + r.IntN(3), 4} },
		"LeNet": func(r *rand.Rand) (Module, []int) {
			return &small{Conv: Conv2d{In: 1, Out: 2, Kernel: 3}, Pool: MaxPool2d{Kernel: 2}, FC: Linear{In: 8, Out: 3}}, []int{1 + r.IntN(3), 1, 6, 6}
		},
		"residual": func(r *rand.Rand) (Module, []int) {
			return function(func(x *Value) *Value { return Add(ReLU(x), x) }), anyShape(r)
		},
	} {
		t.Run(name, func(t *testing.T) {
			for seed := range uint64(exampleSeeds) {
				r := rand.New(rand.NewPCG(seed, 99))
				module, shape := make(r)
				Init(module, r)
				if err := CheckGradients(module, r, shape...); err != nil {
					t.Errorf("%+v on %v: %v", module, Shape(shape), err)
				}
			}
		})
	}
}

// small is a network of every built-in layer.
type small struct {
	Conv Conv2d
	Pool MaxPool2d
	FC   Linear
}

func (n *small) Forward(x *Value) *Value {
	return n.FC.Forward(n.Pool.Forward(ReLU(n.Conv.Forward(x))).Flatten())
}

// scale is a user's own operation with a parameter: each of four features
// times a factor.
type scale struct{ Factor Param }

func newScale(r *rand.Rand) *scale {
	s := &scale{Factor: NewParam(4)}
	s.Factor.Write([]float32{r.Float32(), r.Float32(), -r.Float32(), 2})
	return s
}

func (s *scale) Forward(x *Value) *Value { return Apply(scaleOp{}, []*Param{&s.Factor}, x) }

type scaleOp struct{}

func (scaleOp) Name() string { return "scale" }
func (scaleOp) OutputShape(in []Shape) (Shape, error) {
	if in[0][1] != 4 {
		return nil, fmt.Errorf("wants 4 features, got %d", in[0][1])
	}
	return in[0], nil
}
func (scaleOp) Forward(c *Call[float32])    { scaleForward(c) }
func (scaleOp) Backward(c *Call[float32])   { scaleBackward(c) }
func (scaleOp) Forward64(c *Call[float64])  { scaleForward(c) }
func (scaleOp) Backward64(c *Call[float64]) { scaleBackward(c) }

func scaleForward[T Float](c *Call[T]) {
	for i, v := range c.Inputs[0].Data {
		c.Output.Data[i] = v * c.Params[0].Data[i%4]
	}
}

func scaleBackward[T Float](c *Call[T]) {
	for i, d := range c.OutputGrad.Data {
		if c.InputGrads[0].Data != nil {
			c.InputGrads[0].Data[i] += d * c.Params[0].Data[i%4]
		}
		c.ParamGrads[0].Data[i%4] += d * c.Inputs[0].Data[i]
	}
}

// wrongOp has a gradient that is wrong by a factor.
type wrongOp struct{ scaleOp }

func (wrongOp) Backward64(c *Call[float64]) {
	for i, d := range c.OutputGrad.Data {
		c.InputGrads[0].Data[i] += 1.01 * d * c.Params[0].Data[i%4]
	}
}

func TestCheckGradientsFindsMistakes(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	factor := NewParam(4)
	factor.Write([]float32{1, 2, 3, 4})
	wrong := function(func(x *Value) *Value { return Apply(wrongOp{}, []*Param{&factor}, x) })
	if err := CheckGradients(wrong, r, 2, 4); err == nil {
		t.Error("a gradient that is 1 % off passed the check")
	}
}
