package nn_test

import (
	"fmt"
	"math/rand/v2"

	"inkling/nn"
	"inkling/optim"
)

// Net is a small classifier of 1x8x8 pictures.
type Net struct {
	Conv nn.Conv2d
	Pool nn.MaxPool2d
	FC   nn.Linear
}

func (n *Net) Forward(x *nn.Value) *nn.Value { // N x 1 x 8 x 8
	x = n.Pool.Forward(nn.ReLU(n.Conv.Forward(x))) // N x 4 x 3 x 3
	return n.FC.Forward(x.Flatten())               // N x 2
}

func newNet() *Net {
	n := &Net{
		Conv: nn.Conv2d{In: 1, Out: 4, Kernel: 3},
		Pool: nn.MaxPool2d{Kernel: 2},
		FC:   nn.Linear{In: 4 * 3 * 3, Out: 2},
	}
	nn.Init(n, rand.New(rand.NewPCG(1, 2)))
	return n
}

// Train a network to tell upright bars from lying ones.
func Example() {
	net := newNet()
	program, err := nn.CompileTrain(net, nn.CrossEntropy{}, &optim.SGD{LR: 0.1, Momentum: 0.9}, 2, 1, 8, 8)
	if err != nil {
		fmt.Println(err)
		return
	}
	upright, lying := make([]float32, 64), make([]float32, 64)
	for i := range 8 {
		upright[8*i+3], lying[8*3+i] = 1, 1
	}
	images, labels := append(upright, lying...), []int{0, 1}
	for range 50 {
		program.Step(images, labels)
	}
	logits := program.Forward(images)
	fmt.Println("upright:", logits[0] > logits[1])
	fmt.Println("lying:", logits[3] > logits[2])
	// Output:
	// upright: true
	// lying: true
}

func ExampleState() {
	for _, e := range nn.State(newNet()) {
		fmt.Println(e.Name(), nn.Shape(e.Shape()))
	}
	// Output:
	// conv.weight 4x1x3x3
	// conv.bias 4
	// fc.weight 2x36
	// fc.bias 2
}

// Errors name the layer that does not fit.
func ExampleCompile() {
	net := newNet()
	_, err := nn.Compile(net, 16, 1, 10, 10)
	fmt.Println(err)
	// Output:
	// nn: linear fc: wants 36 input features, got 64
}

// leaky is an operation of our own: x where it is positive, a tenth of it
// where it is not.
type leaky struct{}

func (leaky) Name() string                                { return "leaky" }
func (leaky) OutputShape(in []nn.Shape) (nn.Shape, error) { return in[0], nil }
func (leaky) Forward(c *nn.Call[float32])                 { leakyForward(c) }
func (leaky) Backward(c *nn.Call[float32])                { leakyBackward(c) }
func (leaky) Forward64(c *nn.Call[float64])               { leakyForward(c) }
func (leaky) Backward64(c *nn.Call[float64])              { leakyBackward(c) }

func slope[T nn.Float](v T) T {
	if v > 0 {
		return 1
	}
	return 0.1
}
func leakyForward[T nn.Float](c *nn.Call[T]) {
	for i, v := range c.Inputs[0].Data {
		c.Output.Data[i] = v * slope(v)
	}
}

func leakyBackward[T nn.Float](c *nn.Call[T]) {
	for i := range c.InputGrads[0].Data { // empty where nobody needs it
		c.InputGrads[0].Data[i] += c.OutputGrad.Data[i] * slope(c.Inputs[0].Data[i])
	}
}

type leakyNet struct{ FC1, FC2 nn.Linear }

func (n *leakyNet) Forward(x *nn.Value) *nn.Value {
	return n.FC2.Forward(nn.Apply(leaky{}, nil, n.FC1.Forward(x)))
}

// An operation of one's own is written once for both precisions, and its
// gradients are checked in float64.
func ExampleApply() {
	net := &leakyNet{FC1: nn.Linear{In: 3, Out: 5}, FC2: nn.Linear{In: 5, Out: 2}}
	r := rand.New(rand.NewPCG(1, 2))
	nn.Init(net, r)
	fmt.Println("error:", nn.CheckGradients(net, r, 4, 3))
	// Output:
	// error: <nil>
}
